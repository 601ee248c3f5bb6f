"""Site permutations of an input under its symmetry group: which site each element takes each site to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from sbs.errors import NetworkInputError

__all__ = ["SITE_TOLERANCE", "site_permutations"]

# Å: above the noise of relaxed and rounded coordinates, far below the distance of two atoms.
SITE_TOLERANCE = 1e-3


def site_permutations(
    positions: npt.ArrayLike,
    matrices: npt.ArrayLike,
    *,
    species: npt.ArrayLike | None = None,
    cell: npt.ArrayLike | None = None,
    tolerance: float = SITE_TOLERANCE,
) -> npt.NDArray[np.int64]:
    """For each group element g, the site to which it takes each site: g x_i + t_g = x_p[g, i].

    Args:
        positions: (n, 3), Å.
        matrices: (m, 3, 3) elements of the input's point group, in the input's orientation.
        species: (n,) anything comparable; only equal sites are exchanged.
        cell: (3, 3) with lattice vectors as rows, for a crystal; the translations t_g (screw axes, glide planes, a
            point of high symmetry away from the origin) are found. Without it a molecule is meant, and t_g keeps the
            centroid in place.
        tolerance: Å, largest distance of an image from a site.

    Returns:
        int64 (m, n). A crystal cell that repeats a smaller one has several valid answers, which differ by a
        translation.

    Raises:
        NetworkInputError: if the input is not symmetric under an element, or shapes do not fit.
    """
    sites = np.asarray(positions, dtype=np.float64)
    group = np.asarray(matrices, dtype=np.float64)
    if sites.ndim != 2 or sites.shape[1] != 3 or not len(sites) or not np.isfinite(sites).all():
        raise NetworkInputError(f"positions has shape {sites.shape}; expected finite numbers (num_sites, 3), in Å.")
    if group.ndim != 3 or group.shape[1:] != (3, 3):
        raise NetworkInputError(f"matrices has shape {group.shape}; expected (order, 3, 3).")
    kinds = np.zeros(len(sites), dtype=np.int64)
    if species is not None:
        labels = np.asarray(species)
        if labels.shape != (len(sites),):
            raise NetworkInputError(f"species has shape {labels.shape}; expected one per site: ({len(sites)},).")
        kinds = np.unique(labels, return_inverse=True)[1].reshape(-1).astype(np.int64)
    if cell is None:
        search = _Molecule(sites, kinds, tolerance)
    else:
        search = _Crystal(sites, kinds, tolerance, np.asarray(cell, dtype=np.float64))
    return np.stack([search.permutation(matrix) for matrix in group])


class _Molecule:
    """Sites about their centroid."""

    def __init__(self, sites: np.ndarray, kinds: np.ndarray, tolerance: float) -> None:
        self.sites, self.kinds, self.tolerance = sites, kinds, tolerance
        self.centre = sites.mean(axis=0)
        self.tree = cKDTree(sites)

    def nearest(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance to, and number of, the site nearest to each image."""
        distance, site = self.tree.query(images)
        return np.asarray(distance), np.asarray(site, dtype=np.int64)

    def shifts(self, turned: np.ndarray) -> list[np.ndarray]:
        """Candidate translations for sites that were turned about the origin."""
        return [self.centre - turned.mean(axis=0)]

    def permutation(self, matrix: np.ndarray) -> np.ndarray:
        turned = self.sites @ matrix.T
        best = np.inf
        for shift in self.shifts(turned):
            distance, site = self.nearest(turned + shift)
            same = np.array_equal(self.kinds[site], self.kinds) and len(np.unique(site)) == len(site)
            if same and distance.max() <= self.tolerance:
                return site
            best = min(best, float(distance.max()) if same else np.inf)
        off = (
            f"the nearest equal site is {best:.3g} Å away" if np.isfinite(best) else "sites do not fall on equal sites"
        )
        raise NetworkInputError(
            f"The input is not symmetric under {np.round(matrix, 3).tolist()} to {self.tolerance:g} Å: "
            f"{off}. Turn the set to the input's orientation with set.rotated(R), check its group, or raise "
            "tolerance."
        )


class _Crystal(_Molecule):
    """Sites in a periodic cell; translations bring one site of the rarest kind onto each of its equals."""

    def __init__(self, sites: np.ndarray, kinds: np.ndarray, tolerance: float, cell: np.ndarray) -> None:
        if cell.shape != (3, 3) or abs(np.linalg.det(cell)) < 1e-12:
            raise NetworkInputError(
                f"cell is {cell.tolist()}; expected three independent lattice vectors as rows, in Å."
            )
        super().__init__(sites, kinds, tolerance)
        self.cell, self.inverse = cell, np.linalg.inv(cell)
        self.fractional = np.mod(sites @ self.inverse, 1.0)
        # mod may return exactly 1.0 for -1e-17, which the periodic tree refuses.
        self.fractional[self.fractional >= 1.0] = 0.0
        self.tree = cKDTree(self.fractional, boxsize=1.0)
        rarest = np.bincount(kinds).argmin()
        self.candidates = np.flatnonzero(kinds == rarest)

    def nearest(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        fractional = np.mod(images @ self.inverse, 1.0)
        fractional[fractional >= 1.0] = 0.0
        _, site = self.tree.query(fractional)
        apart = fractional - self.fractional[site]
        return np.linalg.norm((apart - np.round(apart)) @ self.cell, axis=1), np.asarray(site, dtype=np.int64)

    def shifts(self, turned: np.ndarray) -> list[np.ndarray]:
        return [self.sites[site] - turned[self.candidates[0]] for site in self.candidates]

    def permutation(self, matrix: np.ndarray) -> np.ndarray:
        lattice = self.cell @ matrix.T @ self.inverse
        off = np.abs((lattice - np.round(lattice)) @ self.cell).max()
        if off > self.tolerance:
            raise NetworkInputError(
                f"The lattice is not symmetric under {np.round(matrix, 3).tolist()}: a lattice vector's "
                f"image is {off:.3g} Å off. Turn the set to the crystal's orientation with set.rotated(R), "
                "or check its group."
            )
        return super().permutation(matrix)
