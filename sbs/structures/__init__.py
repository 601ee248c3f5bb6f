"""From a crystal or a molecule to its oriented point group, its distortions and its domain states."""

from __future__ import annotations

import importlib
from typing import Any

# No module is named like a function that it exports: importing it would shadow the function in this
# namespace.
_EXPORTS = {
    "Between": "pairs",
    "Detected": "detected",
    "Distortions": "patterns",
    "IsotropySubgroups": "isotropy_table",
    "Modes": "mode_table",
    "SpaceGroup": "crystal",
    "Structure": "inputs",
    "StructureWarning": "decorations",
    "between": "pairs",
    "detect": "detection",
    "distortions": "patterns",
    "isotropy": "crystal_questions",
    "modes": "crystal_questions",
}

__all__ = sorted(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
