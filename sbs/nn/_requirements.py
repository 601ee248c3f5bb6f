"""Import torch and e3nn, or say what to install or to call first."""

from __future__ import annotations

from importlib.metadata import version

from sbs.errors import MissingDependencyError
from sbs.optional import require

__all__: list[str] = []

try:
    require("torch", "nn")
    require("e3nn.o3", "nn")
except MissingDependencyError:
    raise
except Exception as error:
    if "weights only" not in str(error).lower():
        raise
    raise MissingDependencyError(
        f"e3nn {version('e3nn')} does not import on torch {version('torch')} by itself; call "
        "torch.serialization.add_safe_globals([slice]) before importing it, or install e3nn >= 0.5."
    ) from error
