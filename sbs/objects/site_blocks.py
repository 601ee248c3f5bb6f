"""Blocks of fields on the sites of a crystal: one irrep of O(3) on every site of one orbit.

An element of the group turns by R and permutes the sites by π, and a field b becomes (g b)(π i) = D(R) b(i). The character of
an element is that of its rotation times the number of sites of the orbit that it leaves in place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sbs.objects.blocks import Cost, IrrepSupply
from sbs.objects.irreps import Irrep
from sbs.objects.representation import irrep_matrices

__all__ = ["SiteBlock", "SiteSupply"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

# Numbers held at once when many elements act on many vectors.
_CHUNK = 20_000_000


class SiteBlock:
    """One irrep on every site of an orbit. Components are listed site by site.

    Args:
        irrep: (l, p).
        sites: int (s,), the sites of the orbit.
        matrices: all elements, float64 (m, 3, 3).
        permutations: int (m, s), the place in the orbit that each place is carried to.
    """

    def __init__(self, irrep: Irrep, sites: IntArray, matrices: FloatArray, permutations: IntArray) -> None:
        self.irrep = irrep
        self.sites = sites
        self._matrices = matrices
        self._permutations = permutations

    @property
    def cost(self) -> Cost:
        """That of the irrep, on as many places as there are sites."""
        return Cost.of(self.irrep, len(self.sites))

    @property
    def dim(self) -> int:
        """2l + 1 for every site."""
        return self.irrep.dim * len(self.sites)

    def act(self, elements: IntArray, vectors: FloatArray) -> FloatArray:
        """Images of fields (d, c), float64 (k, d, c)."""
        turned = self._turned(elements, vectors)
        result = np.empty_like(turned)
        result[np.arange(len(elements))[:, None], self._permutations[elements]] = turned
        return result.reshape(len(elements), self.dim, -1)

    def average(self, elements: IntArray, vectors: FloatArray) -> FloatArray:
        """Mean of the images of fields, float64 (d, c)."""
        total = np.zeros(vectors.shape)
        step = max(1, _CHUNK // max(vectors.size, 1))
        for start in range(0, len(elements), step):
            total += self.act(elements[start : start + step], vectors).sum(axis=0)
        return total / len(elements)

    def within(self, elements: IntArray, basis: FloatArray) -> FloatArray:
        """The action within an orthonormal basis (d, c), float64 (k, c, c)."""
        step = max(1, _CHUNK // max(basis.size, 1))
        parts = [
            np.einsum("di,kdj->kij", basis, self.act(elements[start : start + step], basis), optimize=True)
            for start in range(0, len(elements), step)
        ]
        return np.concatenate(parts) if parts else np.zeros((0, basis.shape[1], basis.shape[1]))

    def _turned(self, elements: IntArray, vectors: FloatArray) -> FloatArray:
        """D(R) b(i) for each element, still at the old sites: (k, s, 2l + 1, c)."""
        fields = vectors.reshape(len(self.sites), self.irrep.dim, -1)
        turns = irrep_matrices(self.irrep, self._matrices[elements])
        return np.asarray(np.einsum("kab,sbc->ksac", turns, fields, optimize=True))

    def __repr__(self) -> str:
        return f"SiteBlock({self.irrep} on {len(self.sites)} sites)"


class SiteSupply:
    """The irreps of O(3) on the site orbits of a crystal.

    Args:
        matrices: all elements, float64 (m, 3, 3).
        permutations: int (m, sites), the site that each site is carried to.
        table: Cayley table (m, m).
    """

    def __init__(self, matrices: FloatArray, permutations: IntArray, table: IntArray) -> None:
        self.table = table
        self._matrices = matrices
        lowest = permutations.min(axis=0)
        orbits = [np.flatnonzero(lowest == first) for first in np.unique(lowest)]
        # The smaller orbit first: among blocks of equal irreps it is the cheaper one.
        self.orbits = sorted(orbits, key=lambda sites: (len(sites), int(sites[0])))
        self._local = [np.searchsorted(sites, permutations[:, sites]) for sites in self.orbits]
        fixed = np.stack([(local == np.arange(local.shape[1])).sum(axis=1) for local in self._local], axis=1)
        self._irreps = IrrepSupply(matrices, table)
        together = np.column_stack([self._irreps.class_of, fixed])
        kinds, self.class_of = np.unique(together, axis=0, return_inverse=True)
        self.class_of = self.class_of.reshape(-1)
        self._turn_class, self._fixed = kinds[:, 0], kinds[:, 1:].astype(np.float64)

    def between(self, first: int, last: int) -> tuple[list[SiteBlock], FloatArray]:
        """For each irrep, that of natural parity first, its blocks on all orbits, the smallest orbit first."""
        irreps, characters = self._irreps.between(first, last)
        blocks = [
            SiteBlock(one.irrep, sites, self._matrices, local)
            for one in irreps
            for sites, local in zip(self.orbits, self._local, strict=True)
        ]
        values = characters[self._turn_class][:, :, None] * self._fixed[:, None, :]
        return blocks, values.reshape(len(values), -1)
