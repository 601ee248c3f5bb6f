"""Elements that turn space, shift it and permute the sites of a crystal: space groups modulo the translations of a cell."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import InvalidGroupError, NotASubgroupError
from sbs.groups.abstract.closure import nearest_rows

__all__ = ["SiteOperations"]

# Matrices of one group are exact to rounding and differ by 0.1 or more; between the two lies what a file prints.
MATRIX_TOLERANCE = 1e-4


class SiteOperations:
    """Elements as operations x → R x + t on the sites of a crystal, modulo the translations of a cell.

    A pure translation has R = 1, so that an element is told by its matrix together with its permutation: a translation
    that permutes no site is none.

    Args:
        matrices: float64 (n, 3, 3), R by element number.
        translations: float64 (n, 3), t in Å, modulo the lattice of the cell.
        permutations: int (n, sites), the site that each site is carried to.
        naming: gives the symbol of the space group that some of the elements, by number, form; None if it is not known.
    """

    def __init__(
        self,
        matrices: NDArray[np.float64],
        translations: NDArray[np.float64],
        permutations: NDArray[np.int64],
        naming: Callable[[NDArray[np.intp]], str] | None = None,
    ) -> None:
        self.naming = naming
        self.matrices, self.translations, self.permutations = matrices, translations, permutations
        for array in (matrices, translations, permutations):
            array.setflags(write=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SiteOperations) and all(
            np.array_equal(getattr(self, name), getattr(other, name))
            for name in ("matrices", "translations", "permutations")
        )

    def __hash__(self) -> int:
        return hash((self.permutations.shape, self.permutations.tobytes()))

    @property
    def sites(self) -> int:
        """Number of sites that are permuted."""
        return int(self.permutations.shape[1])

    @cached_property
    def _number(self) -> dict[tuple[int, bytes], int]:
        return {key: number for number, key in enumerate(self._keys(self._rotation_of, self.permutations))}

    @cached_property
    def _rotations(self) -> NDArray[np.float64]:
        return self.matrices[np.unique(np.round(self.matrices, 6).reshape(-1, 9), axis=0, return_index=True)[1]]

    @cached_property
    def _rotation_of(self) -> NDArray[np.intp]:
        return self._nearest(self.matrices)

    def _nearest(self, matrices: NDArray[np.float64]) -> NDArray[np.intp]:
        flat = self._rotations.reshape(-1, 9)
        return nearest_rows(matrices.reshape(-1, 9), flat, MATRIX_TOLERANCE)

    @staticmethod
    def _keys(rotations: NDArray[np.intp], permutations: NDArray[np.int64]) -> list[tuple[int, bytes]]:
        rows = np.ascontiguousarray(permutations, dtype=np.int64)
        return [(int(r), row.tobytes()) for r, row in zip(rotations, rows, strict=True)]

    def elements(self, numbers: NDArray[np.intp]) -> SiteOperations:
        """The operations with some element numbers (m,)."""
        chosen = np.asarray(numbers, dtype=np.intp).reshape(-1)
        return SiteOperations(self.matrices[chosen], self.translations[chosen], self.permutations[chosen])

    def numbers(self, elements: Any) -> NDArray[np.intp]:
        """Element numbers (m,) of operations given as `SiteOperations` or as a pair ``(matrices, permutations)``.

        Raises:
            NotASubgroupError: an operation is not in the group.
            InvalidGroupError: neither form, or of another number of sites.
        """
        if isinstance(elements, SiteOperations):
            matrices, permutations = elements.matrices, elements.permutations
        elif isinstance(elements, tuple) and len(elements) == 2:
            matrices = np.asarray(elements[0], dtype=np.float64).reshape(-1, 3, 3)
            permutations = np.asarray(elements[1], dtype=np.int64).reshape(len(matrices), -1)
        else:
            raise InvalidGroupError(
                "an element of the space group modulo a supercell is more than a matrix: give element numbers, "
                "SiteOperations, or the pair (matrices (m, 3, 3), permutations (m, sites))"
            )
        if permutations.shape[1] != self.sites:
            raise InvalidGroupError(f"permutations of {permutations.shape[1]} sites were given for a group on {self.sites}")
        keys = self._keys(self._nearest(matrices), permutations)
        found = np.array([self._number.get(key, -1) for key in keys], dtype=np.intp)
        if (found < 0).any():
            raise NotASubgroupError(f"operation {int((found < 0).argmax())} is no element of the group")
        return found
