"""What the numbered elements of a group are: permutations, matrices, or operations on the sites of a crystal.

A group holds one such value, or none if its elements are only numbers. It finds elements by number and numbers them when
they are given; subgroups read it through their parent.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np

from sbs.errors import InvalidGroupError, NotASubgroupError
from sbs.groups.abstract.base_images import spanning_tree
from sbs.groups.abstract.closure import nearest_rows
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.groups.abstract.validation import as_array, check_matrices, check_permutations, shown

__all__ = ["Matrices", "Meaning", "Permutations", "SiteOperations", "numbers_of"]

#: Images of points held at once.
_CHUNK = 20_000_000


class Meaning(Protocol):
    """A faithful action that gives elements their meaning."""

    def elements(self, numbers: np.ndarray) -> Any:
        """The permutations (m, d), matrices (m, d, d) or `SiteOperations` of some element numbers (m,)."""

    def numbers(self, elements: Any) -> np.ndarray:
        """Element numbers (m,) of permutations (m, d), matrices (m, d, d) or `SiteOperations`."""


class Permutations:
    """Elements as permutations of d points, told apart by the images of a base.

    Args:
        generators: (k, d).
        left: left-regular action (k, n) of the generators.
        base: points that only the identity fixes.
    """

    def __init__(self, generators: np.ndarray, left: np.ndarray, base: tuple[int, ...]) -> None:
        self.generators = generators
        self.base = base
        order, parent, generator = spanning_tree(left)
        self._order = order
        self._parent = np.array(parent, dtype=np.intp)
        self._generator = np.array(generator, dtype=np.intp)
        images = np.empty((left.shape[1], len(base)), dtype=np.int64)
        images[0] = base
        for x in order[1:]:
            images[x] = generators[generator[x], images[parent[x]]]
        self._base_images = images

    @cached_property
    def _number(self) -> dict[bytes, int]:
        return {row.tobytes(): x for x, row in enumerate(self._base_images)}

    def elements(self, numbers: np.ndarray) -> np.ndarray:
        """Permutations (m, d) of some element numbers."""
        wanted = np.array(numbers, dtype=np.intp).reshape(-1)
        # x = g * parent, so that images of points spread down the tree; only ancestors of what is wanted are visited.
        needed = np.zeros(len(self._parent), dtype=bool)
        current = np.unique(wanted)
        while len(current):
            needed[current] = True
            current = np.unique(self._parent[current[current > 0]])
            current = current[~needed[current]]
        visited = [x for x in self._order if needed[x]]
        row = np.full(len(self._parent), -1, dtype=np.intp)
        row[visited] = np.arange(len(visited))
        degree = self.generators.shape[1]
        result = np.empty((len(wanted), degree), dtype=np.intp)
        width = max(1, _CHUNK // max(len(visited), 1))
        for start in range(0, degree, width):
            points = np.arange(start, min(degree, start + width))
            images = np.empty((len(visited), len(points)), dtype=np.intp)
            for position, x in enumerate(visited):
                origin = images[row[self._parent[x]]] if x else points
                images[position] = self.generators[self._generator[x]][origin] if x else points
            result[:, points] = images[row[wanted]]
        return result

    def numbers(self, elements: Any) -> np.ndarray:
        """Element numbers (m,) of permutations (m, d).

        Raises:
            NotASubgroupError: a permutation is not in the group.
        """
        permutations = check_permutations(elements)
        degree = self.generators.shape[1]
        if permutations.shape[1] != degree:
            raise NotASubgroupError(
                f"permutations of {permutations.shape[1]} points were given for a group that permutes {degree}"
            )
        rows = permutations[:, list(self.base)].astype(np.int64)
        found = np.array([self._number.get(row.tobytes(), -1) for row in rows], dtype=np.intp)
        wrong = (found < 0) | (self.elements(np.maximum(found, 0)) != permutations).any(1)
        if wrong.any():
            raise NotASubgroupError(
                f"permutation {int(wrong.argmax())} is not an element of the group of order {len(self._parent)}"
            )
        return found


class Matrices:
    """Elements as real matrices.

    Args:
        matrices: (n, d, d), by element number.
        tolerance: largest difference of entries of equal elements.
    """

    def __init__(self, matrices: np.ndarray, tolerance: float) -> None:
        self.matrices = matrices
        self.matrices.setflags(write=False)
        self._tolerance = tolerance

    def elements(self, numbers: np.ndarray) -> np.ndarray:
        """Matrices (m, d, d) of some element numbers."""
        return self.matrices[np.asarray(numbers, dtype=np.intp).reshape(-1)]

    def numbers(self, elements: Any) -> np.ndarray:
        """Element numbers (m,) of matrices (m, d, d).

        Raises:
            NotASubgroupError: a matrix is not in the group.
            InvalidGroupError: a matrix is neither equal to an element nor clearly different from all.
        """
        given = check_matrices(elements)
        if given.shape[1:] != self.matrices.shape[1:]:
            raise NotASubgroupError(
                f"matrices of shape {given.shape[1:]} were given for a group of matrices {self.matrices.shape[1:]}"
            )
        order = len(self.matrices)
        known = self.matrices.reshape(order, -1)
        width = max(1, _CHUNK // order)
        parts = [given[start : start + width].reshape(-1, known.shape[1]) for start in range(0, len(given), width)]
        found = np.concatenate([nearest_rows(part, known, self._tolerance) for part in parts])
        if (found < 0).any():
            raise NotASubgroupError(
                f"matrix {int((found < 0).argmax())} is not an element of the group of order {order}"
            )
        return found


def numbers_of(elements: Any, meaning: Meaning | None) -> np.ndarray:
    """Element numbers of what a user calls elements: numbers as they are, else what the elements of the group are.

    Raises:
        NotASubgroupError: not elements of the group; InvalidGroupError: nothing that could be an element.
    """
    if isinstance(elements, SiteOperations) and not isinstance(meaning, SiteOperations):
        raise InvalidGroupError("operations on the sites of a crystal were given for a group that knows no sites")
    if isinstance(meaning, SiteOperations) and isinstance(elements, (SiteOperations, tuple)):
        return meaning.numbers(elements)
    array = as_array(elements, "element numbers, permutations of one length or matrices of one shape")
    if array.size == 0 or (array.ndim == 1 and array.dtype.kind in "iu"):
        return array.astype(np.intp).reshape(-1)
    if array.ndim < 2:
        raise InvalidGroupError(
            f"expected integer element numbers, permutations (m, d) or matrices (m, d, d), got {shown(elements)}"
        )
    if meaning is None:
        raise InvalidGroupError(
            "the group was built from a Cayley table and knows its elements by number only; give element numbers, not an "
            f"array of shape {array.shape}"
        )
    return meaning.numbers(array)
