"""From a crystal or a molecule to its oriented point group, its distortions and its domain states.

Read in this order. Structures: `inputs`, what everything works on; `decorations`, `reading` and `parsing`, from what callers
hold; `neighbours`, which sites are near. Symmetry: `orient`, from measured to exact groups; `setting`, which axes labels
refer to; `pointset`, `molecule`; `lattice`, `spglib_calls`, `copies` and `crystal`; `pinning`, an ambient that a molecule pins;
`detected`, the result, and `detection`, the question. Crystals beyond the zone centre: `integer_lattices`, `primitive` and
`supercell`, S; `crystal_in_cell`, what the following ask of a crystal; `operation_symbols`, `standard_form`,
`standard_setting` and `child_groups`, space groups against a parent; `cdml`, `wave_vectors`, `small_representations`,
`induced` and `space_irreps`, irreps; `listing` and `mode_table`; `order_parameters`, `isotropy_table`, `crystal_targets` and
`crystal_questions`; `site_frames` and `correspondence`, fields on sites. Distortions: `sites`, the representation on
displacements; `linear` and `group_names`; `irreps`; `pattern_spaces`, `generic`, `primary` and `domains`; `patterns`,
sbs.distortions. Pairs: `commensurate`, `matching` and `laying`, a child on its parent; `amplitudes`, `state_objects` and
`writing`; `pairs`, sbs.between. `viewing`, pictures in a notebook. `commands`, all that for the command line.
"""

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
