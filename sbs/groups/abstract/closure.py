"""Close matrices to a finite group and number its elements.

Only as many generators are used as are needed: a matrix that the earlier ones generate adds nothing, so that the full list of
a group costs little more than two of its elements.  Elements are found in arrays, never one by one.  The identity is element
0, then come the given matrices in their order, then the others breadth first: the numbering is a function of what is given.
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

#: Elements of a finite group stay of the size of its generators; entries beyond this only come from matrices of infinite order.
_LARGEST_ENTRY = 1e9

#: Entries of matrices compared at once, so that memory stays bounded.
_CHUNK = 4_000_000


def _project(matrices: np.ndarray) -> np.ndarray:
    """Nearest orthogonal matrices by one Newton step of the polar decomposition (error is squared)."""
    return matrices @ (1.5 * np.eye(matrices.shape[-1]) - 0.5 * np.swapaxes(matrices, -1, -2) @ matrices)


def close_matrices(
    generators: Sequence[np.ndarray] | np.ndarray,
    tolerance: float = CLOSURE_TOLERANCE,
    limit: int = MAX_MATRIX_ORDER,
) -> tuple[np.ndarray, np.ndarray]:
    """Close real matrices, shape ``(k, d, d)``, to a finite group.

    Elements that agree within ``tolerance`` are one; a pair between ``tolerance`` and ten times that is an
    error, since nobody can say whether it is one element or two.

    Returns:
        ``(elements (n, d, d), left (r, n))``: ``left[j, x]`` is the number of ``h_j * x``, where the h_j are the r <= k
        generators that are needed.

    Raises:
        InvalidGroupError: not closed within ``limit`` elements, or nearly equal elements.
    """
    gens = np.asarray(generators, dtype=np.float64)
    dim = gens.shape[-1]
    orthogonal = bool(np.abs(np.swapaxes(gens, 1, 2) @ gens - np.eye(dim)).max(initial=0.0) < tolerance)
    if orthogonal:
        gens = _project(gens)
    known = _Known(dim, tolerance, limit, orthogonal)
    known.number(np.eye(dim)[None])
    used: list[np.ndarray] = []
    pending = gens
    while True:
        pending = pending[~known.holds(pending)]
        if not len(pending):
            break
        used.append(pending[0])
        right = _grow(known, np.array(used))
    if not used:
        return np.eye(dim)[None], np.zeros((1, 1), dtype=np.intp)
    numbers, first = np.unique(known.number(gens), return_index=True)
    final = _sequence(right, numbers[np.argsort(first)])
    rank = np.empty(len(final), dtype=np.intp)
    rank[final] = np.arange(len(final))
    elements = known.elements[final]
    left = [rank[known.number(generator @ elements)] for generator in used]
    return elements, np.array(left)


def _grow(known: _Known, generators: np.ndarray) -> np.ndarray:
    """Add products with the generators until nothing is new; the right-regular action (r, n) of the generators."""
    parts: list[np.ndarray] = []
    done = 0
    while done < len(known):
        before = len(known)
        frontier = known.elements[done:before]
        width = max(1, _CHUNK // frontier[0].size // len(generators))
        for start in range(0, len(frontier), width):
            products = frontier[None, start : start + width] @ generators[:, None]
            parts.append(known.number(products.reshape(-1, *frontier.shape[1:])).reshape(len(generators), -1))
        done = before
        fresh = len(known) - before
        if 0 < fresh < before // 2:
            # Long cycles would grow by a few elements a step. Any product of elements is one, so the last one found
            # may multiply all: the number of steps is then logarithmic.
            known.number(known.elements @ known.elements[-1])
    return np.concatenate(parts, axis=1)


class _Known:
    """Matrices met so far, found again by where they fall on one line.

    A random direction gives every matrix a coordinate; equal matrices differ in it by rounding only, so that the candidates
    for a match stand next to each other once the coordinates are sorted.
    """

    def __init__(self, dim: int, tolerance: float, limit: int, orthogonal: bool) -> None:
        self.elements = np.empty((0, dim, dim))
        self._line = np.random.default_rng(0).uniform(0.5, 1.0, dim * dim)
        # Entries that differ by ten tolerances at most move a matrix by this much at most.
        self._width = 10 * tolerance * self._line.sum()
        self._tolerance, self._limit, self._orthogonal = tolerance, limit, orthogonal
        self._sorted = np.empty(0)
        self._order = np.empty(0, dtype=np.intp)

    def __len__(self) -> int:
        return len(self.elements)

    def holds(self, matrices: np.ndarray) -> np.ndarray:
        """Whether each matrix (m, d, d) is known, booleans (m,)."""
        flat = matrices.reshape(len(matrices), -1)
        return self._find(flat, flat @ self._line) >= 0

    def number(self, matrices: np.ndarray) -> np.ndarray:
        """Number (m,) of each matrix (m, d, d); new ones get the next numbers.

        Raises:
            InvalidGroupError: over the limit, or two matrices that are neither equal nor apart.
        """
        if self._orthogonal:
            matrices = _project(matrices)
        if not np.abs(matrices).max(initial=0.0) < _LARGEST_ENTRY:
            raise self._not_closing()
        flat = matrices.reshape(len(matrices), -1)
        keys = flat @ self._line
        numbers = self._find(flat, keys)
        new = np.flatnonzero(numbers < 0)
        if len(new):
            first = self._first_equals(flat[new], keys[new])
            fresh = np.flatnonzero(first == np.arange(len(new)))
            rank = np.zeros(len(new), dtype=np.intp)
            rank[fresh] = len(self) + np.arange(len(fresh))
            numbers[new] = rank[first]
            self._add(matrices[new[fresh]], keys[new[fresh]])
        return numbers

    def _find(self, flat: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Number of the known matrix that equals each row, -1 where there is none."""
        found = np.full(len(flat), -1, dtype=np.intp)
        start = np.searchsorted(self._sorted, keys - self._width)
        stop = np.searchsorted(self._sorted, keys + self._width)
        stored = self.elements.reshape(len(self), flat.shape[1])
        for step in range(int((stop - start).max(initial=0))):
            rows = np.flatnonzero(start + step < stop)
            candidates = self._order[start[rows] + step]
            equal = self._equal(flat[rows], stored[candidates])
            found[rows[equal]] = candidates[equal]
        return found

    def _first_equals(self, flat: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """For each of some rows the first one that equals it."""
        order = np.argsort(keys, kind="stable")
        lined = keys[order]
        reach = np.searchsorted(lined, lined + self._width, side="right") - np.arange(len(lined)) - 1
        first = np.arange(len(flat))
        for step in range(1, int(reach.max(initial=0)) + 1):
            at = np.flatnonzero(reach >= step)
            one, other = order[at], order[at + step]
            equal = self._equal(flat[one], flat[other])
            # Within one tolerance of each other, by the check of what is nearly equal, are all copies of one element.
            np.minimum.at(first, one[equal], other[equal])
            np.minimum.at(first, other[equal], one[equal])
        return first

    def _equal(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        distance = np.abs(one - other).max(1)
        unclear = (distance > self._tolerance) & (distance < 10 * self._tolerance)
        if unclear.any():
            raise _ambiguous(float(distance[unclear].min()), self._tolerance)
        return distance <= self._tolerance

    def _add(self, matrices: np.ndarray, keys: np.ndarray) -> None:
        count = len(self)
        if count + len(matrices) > self._limit:
            raise self._not_closing()
        self.elements = np.concatenate([self.elements, matrices])
        order = np.argsort(keys, kind="stable")
        where = np.searchsorted(self._sorted, keys[order])
        self._sorted = np.insert(self._sorted, where, keys[order])
        self._order = np.insert(self._order, where, count + order)

    def _not_closing(self) -> InvalidGroupError:
        return InvalidGroupError(
            f"the matrices do not close to a group within {self._limit} elements at tolerance {self._tolerance:g}; "
            "check that the generators are exact, or raise the tolerance"
        )


def _ambiguous(distance: float, tolerance: float) -> InvalidGroupError:
    return InvalidGroupError(
        f"two elements differ by {distance:.1e}, too close to the tolerance {tolerance:g} to tell whether they are one; "
        "give more exact matrices or another tolerance"
    )


def _sequence(right: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Old numbers (n,) in the new order: the identity, then the given elements, then the others breadth first."""
    order = [0, *given[given > 0].tolist()]
    reached = np.zeros(right.shape[1], dtype=bool)
    reached[0] = True
    listed = reached.copy()
    listed[order] = True
    layer = np.zeros(1, dtype=np.intp)
    while len(layer) and len(order) < len(listed):
        numbers = right[:, layer].ravel()
        numbers = numbers[~reached[numbers]]
        layer = numbers[np.sort(np.unique(numbers, return_index=True)[1])]
        reached[layer] = True
        order += layer[~listed[layer]].tolist()
    return np.array(order)


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
