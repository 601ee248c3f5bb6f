"""Optional libraries, loaded when first needed."""

from __future__ import annotations

import importlib
from types import ModuleType

from sbs.errors import MissingDependencyError

__all__ = ["require"]


def require(module: str, extra: str, otherwise: str = "") -> ModuleType:
    """A module of an optional library.

    Args:
        module: full name. extra: the extra of this library that installs it.
        otherwise: another way out, for the message.

    Raises:
        MissingDependencyError: it cannot be imported; the message holds the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise MissingDependencyError(
            f"this needs {library}, which could not be imported ({error}); install it with: pip install {library}, or in a "
            f"checkout of sbs with: pip install '.[{extra}]'{f', or {otherwise}' if otherwise else ''}"
        ) from error
