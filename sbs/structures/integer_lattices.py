"""Sublattices of ℤ³ by integer matrices: normal forms, the points of a quotient, and the least sublattice that a group keeps.

A matrix stands for the lattice of the integer combinations of its rows; all arithmetic is exact.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sbs.groups.abstract.immutability import frozen

__all__ = [
    "Quotient",
    "congruence_solutions",
    "hermite_form",
    "kept_sublattice",
    "small_vectors",
]

IntArray = NDArray[np.int64]


@lru_cache(maxsize=16)
def small_vectors(reach: int) -> IntArray:
    """All integer vectors with entries from -reach to reach, ((2 reach + 1)³, 3), sorted, read-only."""
    return frozen(np.array(list(product(range(-reach, reach + 1), repeat=3)), dtype=np.int64))


def hermite_form(rows: IntArray) -> IntArray:
    """Row Hermite normal form (3, 3) of integer rows (n, 3) of rank 3: upper triangular, positive diagonal, the entries above
    a pivot reduced modulo it. Two sets of rows span one lattice exactly if their forms are equal."""
    work = [[int(x) for x in row] for row in rows]
    for column in range(3):
        while True:
            live = [row for row in work[column:] if row[column]]
            pivot = min(live, key=lambda row: abs(row[column]))
            done = True
            for row in work[column:]:
                if row is not pivot and row[column]:
                    factor = row[column] // pivot[column]
                    row[:] = [x - factor * y for x, y in zip(row, pivot, strict=True)]
                    done = done and not row[column]
            if done:
                break
        place = next(i for i in range(column, len(work)) if work[i] is pivot)
        work[column], work[place] = work[place], work[column]
        if pivot[column] < 0:
            pivot[:] = [-x for x in pivot]
        for row in work[:column]:
            factor = row[column] // pivot[column]
            row[:] = [x - factor * y for x, y in zip(row, pivot, strict=True)]
    return np.array(work[:3], dtype=np.int64)


class Quotient:
    """The finite group ℤ³ / Λ of integer vectors modulo a sublattice.

    Args:
        rows: int (3, 3), a basis of Λ.

    Attributes:
        form: the Hermite normal form of Λ.
        order: number of classes.
        points: int (order, 3), one vector of each class by number, the zero vector first.
    """

    def __init__(self, rows: IntArray) -> None:
        self.form = hermite_form(rows)
        self._sizes = np.diagonal(self.form)
        self.order = int(np.prod(self._sizes))
        self.points = np.array(list(product(*(range(int(n)) for n in self._sizes))), dtype=np.int64)

    @cached_property
    def sums(self) -> IntArray:
        """The class (order, order) of the sum of the vectors of two classes."""
        return self.number(self.points[:, None] + self.points)

    def number(self, vectors: IntArray) -> IntArray:
        """The class (...) of integer vectors (..., 3)."""
        rest = np.array(vectors, dtype=np.int64)
        for axis in range(3):
            times = rest[..., axis] // self._sizes[axis]
            rest -= times[..., None] * self.form[axis]
        _, second, third = self._sizes
        return np.asarray((rest[..., 0] * second + rest[..., 1]) * third + rest[..., 2])


def kept_sublattice(rows: IntArray, actions: IntArray) -> IntArray:
    """The largest sublattice of Λ (a basis as rows) that every integer matrix of a finite group maps onto itself.

    It is the intersection of the images of Λ; the dual lattice of an intersection is the sum of the duals.

    Args:
        rows: int (3, 3), a basis of Λ.
        actions: int (n, 3, 3), matrices that act on rows from the right, all elements of the group.
    """
    scale = round(abs(float(np.linalg.det(rows))))
    images = rows @ actions
    duals = np.round(scale * np.linalg.inv(images).transpose(0, 2, 1)).astype(np.int64)
    total = hermite_form(np.unique(duals.reshape(-1, 3), axis=0))
    return hermite_form(np.round(scale * np.linalg.inv(total).T).astype(np.int64))


def congruence_solutions(rows: IntArray, values: NDArray[np.float64], slack: float) -> NDArray[np.float64]:
    """All x modulo ℤ³ with ``rows @ x`` = ``values`` modulo ℤ, one for each discrete solution.

    The rows are brought to Smith normal form, where every unknown stands alone. Directions that no row binds are left at 0.

    Args:
        rows: int (n, 3).
        values: float64 (n,).
        slack: how far a row without unknowns may be from an integer.

    Returns:
        float64 (s, 3); s = 0 if the rows contradict each other.
    """
    work = [[int(x) for x in row] for row in rows]
    right = [float(v) for v in values]
    columns = np.eye(3, dtype=np.int64)
    choices: list[list[float]] = []
    for k in range(3):
        pivots = [(abs(work[i][j]), i, j) for i in range(k, len(work)) for j in range(k, 3) if work[i][j]]
        if not pivots:
            break
        while True:
            _, i, j = min((abs(work[i][j]), i, j) for i in range(k, len(work)) for j in range(k, 3) if work[i][j])
            work[k], work[i], right[k], right[i] = work[i], work[k], right[i], right[k]
            for row in work:
                row[k], row[j] = row[j], row[k]
            columns[:, [k, j]] = columns[:, [j, k]]
            for i in range(k + 1, len(work)):
                factor = work[i][k] // work[k][k]
                work[i] = [x - factor * y for x, y in zip(work[i], work[k], strict=True)]
                right[i] -= factor * right[k]
            for j in range(k + 1, 3):
                factor = work[k][j] // work[k][k]
                for row in work:
                    row[j] -= factor * row[k]
                columns[:, j] -= factor * columns[:, k]
            if not any(work[i][k] for i in range(k + 1, len(work))) and not any(work[k][k + 1 :]):
                break
        size = work[k][k]
        choices.append([(right[k] + step) / size for step in range(abs(size))])
    rank = len(choices)
    if any(abs(value - round(value)) > slack for value in right[rank:]):
        return np.zeros((0, 3))
    choices += [[0.0]] * (3 - rank)
    return np.array(list(product(*choices))) @ columns.T
