"""Arithmetic modulo a prime: prime factors, echelon forms, linear equations."""

from __future__ import annotations

import numpy as np

__all__ = ["complement_basis", "row_echelon", "smallest_prime_factor", "solve_modular"]


def smallest_prime_factor(number: int) -> int:
    """Smallest prime that divides ``number`` > 1; the number itself if it is prime."""
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            return divisor
        divisor += 1
    return number


def row_echelon(rows: np.ndarray, prime: int, columns: int | None = None) -> tuple[np.ndarray, list[int]]:
    """Reduced echelon form on the first columns (default: all), zero rows kept at the end, and the pivot columns."""
    rows = rows % prime
    pivots: list[int] = []
    for column in range(rows.shape[1] if columns is None else columns):
        top = len(pivots)
        if top == len(rows):
            break
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
    return rows, pivots


def _null_basis(rows: np.ndarray, pivots: list[int], columns: int, prime: int) -> np.ndarray:
    free = np.setdiff1d(np.arange(columns), pivots)
    basis = np.zeros((len(free), columns), dtype=np.int64)
    basis[np.arange(len(free)), free] = 1
    basis[:, pivots] = -rows[: len(pivots), free].T % prime
    return basis


def solve_modular(matrix: np.ndarray, right: np.ndarray, prime: int) -> tuple[np.ndarray, np.ndarray] | None:
    """A solution of ``matrix @ u == right`` modulo p and a basis (rows) of the solutions of ``matrix @ u == 0``.

    Args:
        matrix: integers (m, n).
        right: integers (m,).
        prime: p.

    Returns:
        The solution (n,) and the basis (k, n), or None if there is no solution.
    """
    columns = matrix.shape[1]
    equations = np.unique(np.concatenate([matrix, right[:, None]], axis=1) % prime, axis=0)
    rows, pivots = row_echelon(equations, prime, columns)
    if rows[len(pivots) :, columns].any():
        return None
    solution = np.zeros(columns, dtype=np.int64)
    solution[pivots] = rows[: len(pivots), columns]
    return solution, _null_basis(rows, pivots, columns, prime)


def complement_basis(space: np.ndarray, subspace: np.ndarray, prime: int) -> np.ndarray:
    """Rows of ``space`` that, with the span of ``subspace``, span the span of both."""
    kept = []
    rows, pivots = row_echelon(subspace, prime)
    span = rows[: len(pivots)]
    for row in space:
        grown, pivots = row_echelon(np.concatenate([span, row[None]]), prime)
        if len(pivots) > len(span):
            kept.append(row)
            span = grown[: len(pivots)]
    return np.array(kept, dtype=np.int64).reshape(-1, space.shape[1])
