"""Import torch and e3nn, or say what to install or to call first."""

from __future__ import annotations

import importlib
from importlib.metadata import version

__all__: list[str] = []

try:
    importlib.import_module("torch")
    importlib.import_module("e3nn.o3")
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f'sbs.nn needs torch and e3nn ({error.name} is missing); install them with: pip install "sbs[nn]"',
        name=error.name,
    ) from error
except Exception as error:
    if "weights only" not in str(error).lower():
        raise
    raise ImportError(
        f"e3nn {version('e3nn')} does not import on torch {version('torch')} by itself; call "
        "torch.serialization.add_safe_globals([slice]) before importing it, or install e3nn >= 0.5."
    ) from error
