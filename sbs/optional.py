"""Optional libraries, loaded when first needed."""

from __future__ import annotations

import importlib
from types import ModuleType

from sbs.errors import SymmetryBreakingError

__all__ = ["MissingDependencyError", "require"]


class MissingDependencyError(SymmetryBreakingError, ImportError):
    """An optional library is needed for what was asked and is not installed."""


def require(module: str, extra: str) -> ModuleType:
    """Import ``module``, or raise MissingDependencyError with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise MissingDependencyError(
            f"this needs {library}, which could not be imported ({error}); install it with: pip install "
            f"'sbs[{extra}]'"
        ) from error
