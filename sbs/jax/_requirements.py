"""Import JAX, or say what to install."""

from __future__ import annotations

import importlib

__all__: list[str] = []

try:
    importlib.import_module("jax.numpy")
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"sbs.jax needs JAX ({error.name} is missing); install it with: pip install jax", name=error.name
    ) from error
