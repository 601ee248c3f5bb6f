"""Linear equations modulo a prime."""

from __future__ import annotations

import numpy as np

__all__ = ["complement_basis", "solve_modular"]


def _eliminate(rows: np.ndarray, prime: int, columns: int) -> tuple[np.ndarray, list[int]]:
    """Reduced echelon form on the first ``columns`` columns, zero rows kept at the end, and the pivot
    columns.
    """
    rows = np.unique(rows % prime, axis=0)
    pivots: list[int] = []
    for column in range(columns):
        top = len(pivots)
        below = np.flatnonzero(rows[top:, column])
        if not len(below):
            continue
        chosen = top + int(below[0])
        if chosen != top:
            rows[[top, chosen]] = rows[[chosen, top]]
        rows[top] = rows[top] * pow(int(rows[top, column]), -1, prime) % prime
        others = np.flatnonzero(rows[:, column])
        others = others[others != top]
        rows[others] = (rows[others] - rows[others, column, None] * rows[top]) % prime
        pivots.append(column)
        if top + 1 == len(rows):
            break
    return rows, pivots


def solve_modular(matrix: np.ndarray, right: np.ndarray, prime: int) -> tuple[np.ndarray, np.ndarray] | None:
    """A solution of ``matrix @ u == right`` modulo p and a basis (rows) of the solutions of ``matrix @ u ==
    0``.

    Args:
        matrix: integers (m, n).
        right: integers (m,).
        prime: p.

    Returns:
        The solution (n,) and the basis (k, n), or None if there is no solution.
    """
    columns = matrix.shape[1]
    rows, pivots = _eliminate(np.concatenate([matrix, right[:, None]], axis=1), prime, columns)
    if rows[len(pivots) :, columns].any():
        return None
    solution = np.zeros(columns, dtype=np.int64)
    solution[pivots] = rows[: len(pivots), columns]
    free = [c for c in range(columns) if c not in set(pivots)]
    basis = np.zeros((len(free), columns), dtype=np.int64)
    basis[np.arange(len(free)), free] = 1
    basis[:, pivots] = -rows[: len(pivots), free].T % prime
    return solution, basis


def complement_basis(space: np.ndarray, subspace: np.ndarray, prime: int) -> np.ndarray:
    """Rows of ``space`` that, with the span of ``subspace``, span the span of both."""
    kept = []
    current = _eliminate(subspace, prime, subspace.shape[1])
    span = current[0][: len(current[1])]
    for row in space:
        grown, pivots = _eliminate(np.concatenate([span, row[None]]), prime, space.shape[1])
        if len(pivots) > len(span):
            kept.append(row)
            span = grown[: len(pivots)]
    return np.array(kept, dtype=np.int64).reshape(-1, space.shape[1])
