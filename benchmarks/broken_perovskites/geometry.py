"""What a message-passing network sees of a crystal: for each pair of sites one sum over all periodic images.

A message to site i is a sum over sites j, images T and paths of

    R_n(|r|) Y_lA(r / |r|) x h_j        with r = r_j + T - r_i,

and the features h_j are those of the crystal's cell, the same for every image. So the images are summed once,

    A[n, i, j, lA] = sum over T of R_n(|r|) Y_lA(r / |r|),

and a message costs sites x sites products instead of sites x neighbours. With the Clebsch-Gordan coefficients
contracted in as well, a message is one matrix product with constants: see `Messages`.

A crystal that repeats a smaller cell twice along each axis has A that depend on the difference of two cells alone, counted modulo
two. The characters of the eight translations, signs, then take messages apart into eight of the smaller cell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor

__all__ = ["CUTOFF", "LMAX", "RADIAL", "Messages", "paths_between", "present_in", "scales_of", "signs_of", "summed_harmonics"]

#: Highest degree of features and of the harmonics of the neighbourhood.
LMAX = 2
#: Number of radial functions, and their range in Å: it holds the first three shells of a perovskite.
RADIAL = 2
CUTOFF = 5.5

#: A degree of which no crystal of a set has more than this share is absent by symmetry, the rest being rounding.
ABSENT = 1e-9


def summed_harmonics(cell: npt.NDArray[np.float64], positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A of one crystal, summed over its images.

    Args:
        cell: rows are lattice vectors, Å, (3, 3).
        positions: cartesian, Å, (sites, 3).

    Returns:
        (RADIAL, sites, sites, (LMAX + 1)^2), component normalisation; the radial functions are
        sqrt(2 / c) sin(n pi r / c) / r times (1 - (r/c)^2)^2, c the cutoff: J. Gasteiger, J. Groß, S. Günnemann,
        "Directional message passing for molecular graphs", ICLR 2020, eq. (7), there with another envelope.
    """
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    reach = np.ceil(CUTOFF / heights).astype(int) + 1
    grids = np.meshgrid(*[np.arange(-n, n + 1) for n in reach], indexing="ij")
    shifts = np.stack([g.ravel() for g in grids], axis=1) @ cell
    vectors = positions[None, :, None] - positions[:, None, None] + shifts
    lengths = np.linalg.norm(vectors, axis=-1)
    near = (lengths < CUTOFF) & (lengths > 1e-6)
    i, j, _ = np.nonzero(near)
    r = lengths[near]
    harmonics = o3.spherical_harmonics(
        list(range(LMAX + 1)), torch.from_numpy(vectors[near]), normalize=True, normalization="component"
    ).numpy()
    n = np.arange(1, RADIAL + 1)[:, None]
    radial = math.sqrt(2 / CUTOFF) * np.sin(n * math.pi * r / CUTOFF) / r * (1 - (r / CUTOFF) ** 2) ** 2
    found = np.zeros((RADIAL, len(positions), len(positions), harmonics.shape[1]))
    for k in range(RADIAL):
        np.add.at(found[k], (i, j), radial[k][:, None] * harmonics)
    return found


def paths_between(first: int, out: int, neighbourhood: Sequence[int]) -> list[int]:
    """Degrees of the neighbourhood that take features of one degree to messages of another, even ones first."""
    found = [a for a in neighbourhood if abs(a - first) <= out <= a + first]
    return sorted(found, key=lambda a: (a % 2, a))


@dataclass(frozen=True, eq=False)
class Messages:
    """The constants of messages for a list of crystals with equal numbers of sites.

    Attributes:
        neighbourhood: the degrees lA that are not zero by symmetry in all of the crystals.
        matrices: for each (l of features, l of messages, parity of lA) one array (crystals, cells, s o, paths RADIAL s d) for
            all paths between them, o = 2 l' + 1, d = 2 l + 1, s = sites / cells; with more than one cell the second axis
            are the characters of the translations.
        sites: of each crystal.
        cells: 1, or 8 for crystals that repeat a cell twice along each axis, their sites listed cell after cell.
    """

    neighbourhood: tuple[int, ...]
    matrices: dict[tuple[int, int, int], Tensor]
    sites: int
    cells: int = 1

    @classmethod
    def of(
        cls,
        harmonics: npt.NDArray[np.float64],
        neighbourhood: Sequence[int] | None = None,
        scales: npt.NDArray[np.float64] | None = None,
        cells: int = 1,
    ) -> Messages:
        """From A of several crystals, (crystals, RADIAL, sites, sites, (LMAX + 1)^2).

        Args:
            neighbourhood: the degrees to keep; by default those that are not zero.
            scales: `scales_of` the crystals that a network was trained on, so that it sees the same numbers elsewhere.
            cells: 8 for crystals that repeat a cell twice along each axis.
        """
        divisors = scales_of(harmonics) if scales is None else scales
        kept = tuple(present_in(harmonics) if neighbourhood is None else neighbourhood)
        matrices: dict[tuple[int, int, int], Tensor] = {}
        count, _, sites = harmonics.shape[:3]
        own_sites = sites // cells
        # From the sites of the first cell to those of each cell, and of these the parts of each character.
        first = harmonics[:, :, :own_sites].reshape(count, RADIAL, own_sites, cells, own_sites, -1)
        parted = np.einsum("kc,bnicjm->bknijm", signs_of(cells), first)
        for degree in range(LMAX + 1):
            for out in range(LMAX + 1):
                for parity in (0, 1):
                    parts = []
                    for a in [a for a in paths_between(degree, out, kept) if a % 2 == parity]:
                        own = parted[..., a * a : (a + 1) ** 2] / divisors[:, a][:, None, None, None]
                        coupling = o3.wigner_3j(a, degree, out, dtype=torch.float64).numpy()
                        factor = math.sqrt((2 * out + 1) / sites)
                        parts.append(np.einsum("bknijm,mdo->bkionjd", own, coupling * factor))
                    if parts:
                        joined = np.stack(parts, axis=4).reshape(count, cells, own_sites * (2 * out + 1), -1)
                        matrices[degree, out, parity] = torch.from_numpy(np.ascontiguousarray(joined))
        return cls(kept, matrices, sites, cells)

    def to(self, dtype: torch.dtype) -> Messages:
        """The same constants in another dtype."""
        return Messages(self.neighbourhood, {k: m.to(dtype) for k, m in self.matrices.items()}, self.sites, self.cells)

    def take(self, crystals: Tensor) -> Messages:
        """The constants of some of the crystals, int64 (n,)."""
        own = {k: m.index_select(0, crystals) for k, m in self.matrices.items()}
        return Messages(self.neighbourhood, own, self.sites, self.cells)

    def parted(self, features: Tensor) -> Tensor:
        """Features (crystals, sites, ...) as (crystals, cells, sites / cells, ...), by the characters of the translations."""
        listed = features.reshape(len(features), self.cells, self.sites // self.cells, *features.shape[2:])
        return listed if self.cells == 1 else self._turned(listed)

    def whole(self, parts: Tensor) -> Tensor:
        """The inverse of `parted`."""
        listed = parts if self.cells == 1 else self._turned(parts)
        return listed.reshape(len(parts), self.sites, *parts.shape[3:])

    def _turned(self, listed: Tensor) -> Tensor:
        signs = torch.from_numpy(signs_of(self.cells) / math.sqrt(self.cells)).to(listed.dtype)
        return torch.matmul(signs, listed.flatten(2)).reshape(listed.shape)


def signs_of(cells: int) -> npt.NDArray[np.float64]:
    """Characters of the translations, (characters, cells): the cell alone, or eight cells as ``np.indices((2, 2, 2))``."""
    return np.array([[(-1.0) ** (k & c).bit_count() for c in range(cells)] for k in range(cells)])


def scales_of(harmonics: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Root mean square of A over crystals and pairs for each radial function and degree, (RADIAL, LMAX + 1)."""
    found = [
        np.sqrt((harmonics[..., l * l : (l + 1) ** 2] ** 2).mean(axis=(0, 2, 3, 4))) for l in range(LMAX + 1)
    ]
    return np.maximum(np.stack(found, axis=1), ABSENT)


def present_in(harmonics: npt.NDArray[np.float64]) -> list[int]:
    """Degrees that are not zero by symmetry in all of the crystals."""
    sizes = [float(np.abs(harmonics[..., l * l : (l + 1) ** 2]).max()) for l in range(LMAX + 1)]
    return [l for l, size in enumerate(sizes) if size > ABSENT * max(sizes)]
