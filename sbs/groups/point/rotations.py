"""Orthogonal 3×3 matrices as users give them: checked, and projected onto O(3).

A rotation typed with seven digits or computed in float32 is off by 1e-7 or so. Taken as it is, it would make every object that
is turned by it wrong by as much, far more than the 1e-12 that the library promises. The nearest orthogonal matrix, the
polar factor U V^T of g = U diag(s) V^T (K. Fan, A. J. Hoffman, Proc. Amer. Math. Soc. 6, 111 (1955)), is what was meant.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sbs.errors import InvalidGroupError
from sbs.groups.abstract.closure import CLOSURE_TOLERANCE
from sbs.groups.abstract.validation import check_matrices, real_array, shown

__all__ = ["ROTATION_TOLERANCE", "check_orthogonal", "check_rotation", "nearest_orthogonal"]

#: Largest entry of ``g^T g - 1`` that still counts as orthogonal: room for float32 (6e-8 an entry) and for matrices typed
#: with seven digits, as in the closure of matrices.
ROTATION_TOLERANCE = CLOSURE_TOLERANCE

#: Matrices whose ``g^T g - 1`` is below this are kept bit for bit: they are as exact as products in float64 are.
_EXACT = 1e-14


def nearest_orthogonal(matrices: np.ndarray) -> np.ndarray:
    """The orthogonal matrices (n, 3, 3) nearest to some that are regular."""
    left, _, right = np.linalg.svd(matrices)
    return np.asarray(left @ right)


def check_orthogonal(matrices: Any, tolerance: float = ROTATION_TOLERANCE, empty: bool = False) -> np.ndarray:
    """Orthogonal matrices, float64 (k, 3, 3), exact to rounding.

    Args:
        matrices: anything that makes an array (k, 3, 3).
        tolerance: largest entry of ``g^T g - 1``.
        empty: k may be 0.

    Raises:
        InvalidGroupError: wrong shape, no real numbers, NaN, or further from orthogonal than ``tolerance``.
    """
    given = real_array(matrices, "orthogonal matrices of shape (k, 3, 3)")
    if not (empty and given.shape == (0, 3, 3)):
        given = check_matrices(given, 3)
    defect = np.abs(np.swapaxes(given, 1, 2) @ given - np.eye(3)).max((1, 2))
    if defect.max(initial=0.0) > tolerance:
        raise InvalidGroupError(_not_orthogonal(given, int(defect.argmax()), float(defect.max()), tolerance))
    rough = defect > _EXACT
    if rough.any():
        given[rough] = nearest_orthogonal(given[rough])
    return given


def check_rotation(rotation: Any, tolerance: float = ROTATION_TOLERANCE) -> np.ndarray:
    """One matrix of O(3), float64 (3, 3), read-only, exact to rounding.

    Raises:
        InvalidGroupError: wrong shape, no real numbers, NaN, or not orthogonal within ``tolerance``.
    """
    given = real_array(rotation, "an orthogonal matrix of shape (3, 3)")
    if given.shape != (3, 3):
        raise InvalidGroupError(
            f"expected an orthogonal matrix of shape (3, 3), got {shown(rotation)} of shape {given.shape}"
        )
    exact = check_orthogonal(given[None], tolerance)[0]
    exact.setflags(write=False)
    return exact


def _not_orthogonal(given: np.ndarray, worst: int, defect: float, tolerance: float) -> str:
    which = f"matrix {worst}" if len(given) > 1 else "the matrix"
    text = (
        f"{which} is not orthogonal: the largest entry of g^T g - 1 is {defect:.1e}, allowed is {tolerance:g}; "
        f"got {given[worst].round(6).tolist()}"
    )
    integers = np.array_equal(given, np.rint(given))
    if integers and np.allclose(np.abs(np.linalg.det(given)), 1.0):
        return (
            f"{text}. Integer matrices W act on a lattice basis: give the Cartesian ones A W A^-1 with the cell vectors as "
            "columns of A, or the cell itself to sbs.detect((cell, fractional coordinates, species))"
        )
    return f"{text}; give Cartesian matrices of rotations, reflections and their products"
