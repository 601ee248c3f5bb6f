"""Close matrices to a finite group and number its elements.

The elements are enumerated breadth first from the identity, so that element 0 is the identity and the
numbering is a function of the generators alone.  The Cayley table then follows from the right-regular action
of the generators: ``table[:, x * g] = right[g][table[:, x]]``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sbs.errors import InvalidGroupError

__all__ = [
    "CLOSURE_TOLERANCE",
    "MAX_MATRIX_ORDER",
    "MAX_TABLE_ORDER",
    "close_matrices",
    "left_from_right",
    "nearest_rows",
    "table_from_actions",
]

#: Two matrices closer than this (largest entry of the difference) are one element.  Products are
#: re-orthogonalised where that is possible, so rounding stays near 1e-15; 1e-6 leaves room for generators
#: typed with seven digits.
CLOSURE_TOLERANCE = 1e-6

#: Generators that do not close within this many matrices are reported as not closing.
MAX_MATRIX_ORDER = 20_000

#: Above this order a Cayley table (two bytes an entry) no longer pays for itself.
MAX_TABLE_ORDER = 8_192


def _project(matrices: np.ndarray) -> np.ndarray:
    """Nearest orthogonal matrices by one Newton step of the polar decomposition (error is squared)."""
    return matrices @ (1.5 * np.eye(matrices.shape[-1]) - 0.5 * np.swapaxes(matrices, -1, -2) @ matrices)


def close_matrices(
    generators: Sequence[np.ndarray] | np.ndarray,
    tolerance: float = CLOSURE_TOLERANCE,
    limit: int = MAX_MATRIX_ORDER,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Close real matrices, shape ``(k, d, d)``, to a finite group.

    Elements that agree within ``tolerance`` are one; a pair between ``tolerance`` and ten times that is an
    error, since nobody can say whether it is one element or two.

    Returns:
        ``(elements (n, d, d), right (k, n), parents (n, 2))``: ``right[j, x]`` is the number of ``x * g_j``,
        and ``parents[x] = (y, j)`` says ``x = y * g_j``.

    Raises:
        InvalidGroupError: not closed within ``limit`` elements, or nearly equal elements.
    """
    gens = np.asarray(generators, dtype=np.float64)
    dim = gens.shape[-1]
    orthogonal = bool(np.abs(np.swapaxes(gens, 1, 2) @ gens - np.eye(dim)).max(initial=0.0) < tolerance)
    known = _Known(dim, tolerance)
    known.number(np.eye(dim)[None])
    right: list[np.ndarray] = []
    parents = [(0, -1)]
    done = 0
    while done < len(known.elements):
        frontier = np.array(known.elements[done:])
        rows = np.empty((len(gens), len(frontier)), dtype=np.intp)
        for j, generator in enumerate(gens):
            products = frontier @ generator
            if orthogonal:
                products = _project(products)
            before = len(known.elements)
            rows[j] = known.number(products)
            fresh = np.flatnonzero(rows[j] >= before)
            # The first product that gave a new element is its parent edge.
            fresh = fresh[np.unique(rows[j, fresh], return_index=True)[1]]
            parents += [(done + int(i), j) for i in fresh]
            if len(known.elements) > limit:
                raise InvalidGroupError(
                    f"the matrices do not close to a group within {limit} elements at tolerance {tolerance:g}; "
                    "check that the generators are exact, or raise the tolerance"
                )
        right.append(rows)
        done += len(frontier)
    return np.array(known.elements), np.concatenate(right, axis=1), np.array(parents)


class _Known:
    """Matrices met so far, found again by where they fall on one line.

    Entries that differ by ten tolerances at most fall into one cell of the line or into neighbouring cells.
    """

    def __init__(self, dim: int, tolerance: float) -> None:
        self.elements: list[np.ndarray] = []
        self.tolerance = tolerance
        self._line = np.random.default_rng(0).uniform(0.5, 1.0, dim * dim)
        self._width = 10 * tolerance * self._line.sum()
        self._cells: dict[int, list[int]] = {}

    def number(self, matrices: np.ndarray) -> np.ndarray:
        """Number (m,) of each matrix (m, d, d); new ones get the next numbers."""
        flat = matrices.reshape(len(matrices), -1)
        cells = np.floor(flat @ self._line / self._width).astype(np.int64).tolist()
        numbers = np.empty(len(flat), dtype=np.intp)
        for i, cell in enumerate(cells):
            found = -1
            for near in (cell - 1, cell, cell + 1):
                for candidate in self._cells.get(near, ()):
                    distance = float(np.abs(matrices[i] - self.elements[candidate]).max())
                    if distance <= self.tolerance:
                        found = candidate
                    elif distance < 10 * self.tolerance:
                        raise _ambiguous(distance, self.tolerance)
            if found < 0:
                found = len(self.elements)
                self.elements.append(matrices[i])
                self._cells.setdefault(cell, []).append(found)
            numbers[i] = found
        return numbers


def _ambiguous(distance: float, tolerance: float) -> InvalidGroupError:
    return InvalidGroupError(
        f"two elements differ by {distance:.1e}, too close to the tolerance {tolerance:g} to tell whether they are one; "
        "give more exact matrices or another tolerance"
    )


def nearest_rows(rows: np.ndarray, known: np.ndarray, tolerance: float) -> np.ndarray:
    """Index in ``known`` of each row, -1 where it is new; refuses rows that are neither equal nor apart."""
    squared = (rows**2).sum(1)[:, None] + (known**2).sum(1)[None] - 2.0 * rows @ known.T
    best = squared.argmin(1)
    distance = np.abs(rows - known[best]).max(1)
    unclear = (distance > tolerance) & (distance < 10 * tolerance)
    if unclear.any():
        raise _ambiguous(float(distance[unclear].min()), tolerance)
    return np.where(distance <= tolerance, best, -1)


def table_from_actions(right: np.ndarray, parents: np.ndarray, sequence: np.ndarray | None = None) -> np.ndarray:
    """Cayley table ``(n, n)`` from the right-regular action of the generators (see `close_matrices`).

    ``sequence`` lists the elements so that each comes after its parent; by default they already do.
    """
    order = right.shape[1]
    dtype = np.uint16 if order <= 65536 else np.uint32
    columns = np.empty((order, order), dtype=dtype)
    columns[0] = np.arange(order)
    actions = right.astype(dtype)
    for x in range(1, order) if sequence is None else sequence[1:]:
        parent, generator = parents[x]
        columns[x] = actions[generator][columns[parent]]
    return np.ascontiguousarray(columns.T)


def left_from_right(right: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """Left-regular action ``left[j, x]`` = number of ``g_j * x`` from the right-regular one (see
    `close_matrices`).
    """
    left = np.empty(right.shape, dtype=np.intp)
    left[:, 0] = right[:, 0]
    for x in range(1, right.shape[1]):
        parent, generator = parents[x]
        left[:, x] = right[generator, left[:, parent]]
    return left
