"""Checks of what a user hands over: arrays of JAX, traced ones too, of numpy, or nested lists."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import as_array, shown

__all__ = ["check_entries", "integers", "is_known", "real"]


def is_known(values: Any) -> bool:
    """Whether an array has values that can be read, outside of traced functions."""
    return not isinstance(values, jax.core.Tracer)


def real(values: Any, name: str) -> Array:
    """Real numbers, floating point.

    Raises:
        SymmetryBreakingError: anything else.
    """
    found = _array(values, name)
    if jnp.issubdtype(found.dtype, jnp.integer):
        return found.astype(float)
    if not jnp.issubdtype(found.dtype, jnp.floating):
        raise NetworkInputError(f"{name} has dtype {found.dtype}; expected real numbers.")
    return found


def integers(values: Any, name: str) -> Array:
    """Integers.

    Raises:
        SymmetryBreakingError: anything else.
    """
    found = _array(values, name)
    if not jnp.issubdtype(found.dtype, jnp.integer):
        raise NetworkInputError(f"{name} has shape {found.shape} and dtype {found.dtype}; expected integers.")
    return found


def _array(values: Any, name: str) -> Array:
    if isinstance(values, Array):
        return values
    found = as_array(values if hasattr(values, "__array__") or not np.isscalar(values) else np.asarray(values), name)
    if found.dtype.kind not in "biuf":
        raise NetworkInputError(f"{name} is {shown(values)}; expected an array of real numbers.")
    return jnp.asarray(found)


def check_entries(values: Array, count: int, limits: np.ndarray, name: str) -> None:
    """Raise NetworkInputError unless ``values`` (count,) are in [0, limits), as far as values are known."""
    if values.shape != (count,):
        raise NetworkInputError(f"{name} has shape {values.shape}; expected ({count},).")
    if not is_known(values) or not count:
        return
    numbers = np.asarray(values)
    wrong = (numbers < 0) | (numbers >= limits)
    if wrong.any():
        bad = int(wrong.argmax())
        limit = int(np.broadcast_to(limits, numbers.shape)[bad])
        raise NetworkInputError(f"{name}[{bad}] is {int(numbers[bad])}, out of range; choices are 0..{limit - 1}.")
