"""Vectors that a finite group leaves fixed, and the elements that fix a given subspace pointwise.

Holds for every real orthogonal representation of a finite group: irreps of O(3), displacements of sites, permutations.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from sbs.errors import InvalidGroupError

__all__ = [
    "FIXED_TOLERANCE",
    "PROJECTOR_TOLERANCE",
    "invariant_basis",
    "invariant_projector",
    "pointwise_fixer",
    "projector_basis",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Largest allowed entry of P P - P and P - P^T for the mean P of a group's matrices. Rounding gives 1e-13
# for matrices exact to 1e-12; one element too many or too few among at most 1e4 changes the mean by 1e-4 or more.
PROJECTOR_TOLERANCE = 1e-6

# A group element of order n that moves a vector at all moves some unit vector of the subspace by at least
# 2 sin(pi/n) / sqrt(dimension), for n < 1e4 far above this; an element that moves none does so to 1e-12.
FIXED_TOLERANCE = 1e-6

# Residual norms of columns closer than this count as equal, so that rounding cannot reorder the pivots.
_PIVOT_TIE = 1e-6

# Entries of a basis below this are rounding and become exact zeros.
_CLEAN = 1e-13


def invariant_projector(rep: Iterable[npt.ArrayLike]) -> FloatArray:
    """Orthogonal projector (d, d) onto the common fixed space, the mean of all matrices of a group.

    Args:
        rep: the matrices of all elements, an array (h, d, d), or an iterable of (d, d) arrays, which are then taken one
            at a time so that h large matrices need never be in memory together.

    Raises:
        InvalidGroupError: if the mean is no orthogonal projector: the matrices are no orthogonal representation of a
            group, or elements are missing.
    """
    if isinstance(rep, np.ndarray):
        if rep.ndim != 3 or len(rep) == 0 or rep.shape[1] != rep.shape[2]:
            raise InvalidGroupError(f"invariants: got an array of shape {rep.shape}; expected (h, d, d), h >= 1")
        total, count = rep.sum(axis=0, dtype=np.float64), len(rep)
    else:
        total, count = _sum(rep)
    projector = total / count
    _check_projector(projector)
    return projector


def _sum(rep: Iterable[npt.ArrayLike]) -> tuple[FloatArray, int]:
    matrices = iter(rep)
    first = next(matrices, None)
    if first is None:
        raise InvalidGroupError("invariants: got no matrices; expected those of all elements of a group")
    total, count = np.array(first, dtype=np.float64), 1
    if total.ndim != 2 or total.shape[0] != total.shape[1]:
        raise InvalidGroupError(f"invariants: got a matrix of shape {total.shape}; expected (d, d)")
    for matrix in matrices:
        total += np.asarray(matrix)
        count += 1
    return total, count


def _check_projector(projector: FloatArray) -> None:
    trace = float(np.trace(projector))
    defect = max(
        np.abs(projector @ projector - projector).max(initial=0.0),
        np.abs(projector - projector.T).max(initial=0.0),
        abs(trace - round(trace)) if np.isfinite(trace) else np.inf,
    )
    if not defect <= PROJECTOR_TOLERANCE:
        raise InvalidGroupError(
            f"invariants: the mean of the matrices is no orthogonal projector (defect {defect:.1e}, allowed "
            f"{PROJECTOR_TOLERANCE:.0e}); give the orthogonal matrices of all elements of one group"
        )


def invariant_basis(rep: Iterable[npt.ArrayLike]) -> FloatArray:
    """Orthonormal basis (d, k) of the vectors that every matrix fixes; the same on every machine.

    Args:
        rep: as for ``invariant_projector``. Cost O(h d^2 + k^2 d).

    Raises:
        InvalidGroupError: if the matrices do not average to an orthogonal projector.
    """
    return projector_basis(invariant_projector(rep))


def projector_basis(projector: FloatArray) -> FloatArray:
    """Orthonormal basis (d, k) of the image of an orthogonal projector (d, d), by pivoted Cholesky.

    The pivot is the coordinate axis with the largest part in the space that is left, the first one among
    equals, and each vector is positive at its pivot. So the basis depends on the space alone, not on the
    order of arithmetic.
    """
    dim = len(projector)
    rank = round(float(np.trace(projector)))
    basis = np.zeros((dim, rank))
    left = np.diagonal(projector).copy()
    for i in range(rank):
        pivot = int(np.argmax(left > left.max() - _PIVOT_TIE))
        column = projector[:, pivot] - basis[:, :i] @ basis[pivot, :i]
        # Twice is enough: a second pass removes what rounding left of the earlier vectors.
        column -= basis[:, :i] @ (basis[:, :i].T @ column)
        basis[:, i] = column / np.sqrt(column @ column)
        left -= basis[:, i] ** 2
    basis[np.abs(basis) < _CLEAN] = 0.0
    return basis


def pointwise_fixer(rep: Iterable[FloatArray], basis: FloatArray) -> BoolArray:
    """Which of the matrices fix every vector of the space spanned by ``basis`` (d, k); bool of shape (m,)."""
    if isinstance(rep, np.ndarray):
        return np.abs(rep @ basis - basis).max(axis=(1, 2), initial=0.0) < FIXED_TOLERANCE
    worst = [np.abs(matrix @ basis - basis).max(initial=0.0) for matrix in rep]
    return np.array(worst) < FIXED_TOLERANCE
