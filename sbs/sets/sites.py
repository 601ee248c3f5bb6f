"""Site permutations of an input under its symmetry group: which site each element takes each site to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import check_matrices, check_real, real_array, shown

__all__ = ["SITE_TOLERANCE", "numbered", "site_permutations"]

# Å: above the noise of relaxed and rounded coordinates, far below the distance of two atoms.
SITE_TOLERANCE = 1e-3

# A direction without rational relations: few sites of a symmetric structure lie at one height along it.
_DIRECTION = np.array([0.5773502691896258, 0.2928932188134525, 0.7621540])
_DIRECTION /= np.linalg.norm(_DIRECTION)

# Sites that are compared first, to reject a wrong translation cheaply.
_PROBES = 6

# Cell volumes (Å^3) below this are no cells.
_LEAST_VOLUME = 1e-12


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
        int64 (m, n). A crystal cell that repeats a smaller one has several valid answers, which differ by a translation.

    Raises:
        NetworkInputError: if the input is not symmetric under an element, or shapes do not fit.
        InvalidGroupError: if positions, matrices, cell or tolerance are no finite real numbers.
    """
    sites = real_array(positions, "positions (num_sites, 3), in Å,")
    group = check_matrices(matrices, 3)
    if sites.ndim != 2 or sites.shape[1] != 3 or not len(sites):
        raise NetworkInputError(f"positions has shape {sites.shape}; expected finite numbers (num_sites, 3), in Å.")
    if not check_real(tolerance, "tolerance") > 0:
        raise NetworkInputError(f"tolerance is {tolerance}; expected a length above zero, in Å.")
    kinds = np.zeros(len(sites), dtype=np.int64) if species is None else numbered(species, len(sites), "species")
    search: _Molecule = _Molecule(sites, kinds, tolerance)
    if cell is not None:
        search = _Crystal(sites, kinds, tolerance, real_array(cell, "lattice vectors (3, 3) as rows, in Å,"))
    return search.permutations(group)


def numbered(labels: npt.ArrayLike, sites: int, name: str) -> npt.NDArray[np.int64]:
    """Numbers (sites,) that are equal where ``labels`` (sites,) or (sites, columns) are.

    Raises:
        NetworkInputError: they are not one for each site, or cannot be compared.
    """
    try:
        given = np.asarray(labels)
        found = np.unique(given, axis=0, return_inverse=True)[1] if given.ndim else None
    except Exception as error:  # whatever the labels' own conversion or comparison raises
        raise NetworkInputError(
            f"{name} is {shown(labels)}; expected one number or text per site, {sites} of them ({error})."
        ) from None
    if found is None or len(given) != sites:
        raise NetworkInputError(f"{name} has shape {given.shape}; expected one per site: ({sites},).")
    return found.reshape(-1).astype(np.int64)


class _Molecule:
    """Sites about their centroid, sorted by height along one direction: a match within the tolerance is among those of
    nearly the same height."""

    def __init__(self, sites: np.ndarray, kinds: np.ndarray, tolerance: float) -> None:
        self.sites, self.kinds, self.tolerance = sites, kinds, tolerance
        self.centre = sites.mean(axis=0)
        self.index(sites, np.arange(len(sites)))

    def index(self, copies: np.ndarray, numbers: np.ndarray) -> None:
        """Sort ``copies`` (k, 3) of the sites ``numbers`` (k,)."""
        heights = copies @ _DIRECTION
        order = np.argsort(heights, kind="stable")
        self.copies, self.numbers, self.heights = copies[order], numbers[order], heights[order]

    def match(self, images: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        """The equal site nearest to each image within the tolerance, or -1; (..., 3) and (...,) -> (...)."""
        flat = self.home(images).reshape(-1, 3)
        wanted = np.broadcast_to(kinds, images.shape[:-1]).reshape(-1)
        heights = flat @ _DIRECTION
        first = np.searchsorted(self.heights, heights - self.tolerance)
        last = np.searchsorted(self.heights, heights + self.tolerance, side="right")
        best = np.full(len(flat), self.tolerance)
        found = np.full(len(flat), -1, dtype=np.int64)
        for offset in range(int((last - first).max(initial=0))):
            rows = np.flatnonzero(first + offset < last)
            at = first[rows] + offset
            distance = np.linalg.norm(flat[rows] - self.copies[at], axis=1)
            hit = (distance <= best[rows]) & (self.kinds[self.numbers[at]] == wanted[rows])
            best[rows[hit]], found[rows[hit]] = distance[hit], self.numbers[at[hit]]
        return found.reshape(images.shape[:-1])

    def home(self, images: np.ndarray) -> np.ndarray:
        """Images where the copies are."""
        return images

    def shifts(self, turned: np.ndarray) -> np.ndarray:
        """Candidate translations (candidates, elements, 3) for sites (elements, n, 3) that were turned about the origin."""
        return (self.centre - turned.mean(axis=1))[None]

    def permutations(self, matrices: np.ndarray) -> np.ndarray:
        turned = self.sites @ matrices.transpose(0, 2, 1)
        result = np.full((len(matrices), len(self.sites)), -1, dtype=np.int64)
        open_ = np.arange(len(matrices))
        probes = np.linspace(0, len(self.sites) - 1, min(_PROBES, len(self.sites))).astype(np.int64)
        for shift in self.shifts(turned):
            images = turned[np.ix_(open_, probes)] + shift[open_, None]
            likely = open_[(self.match(images, self.kinds[probes]) >= 0).all(axis=1)]
            if not len(likely):
                continue
            found = self.match(turned[likely] + shift[likely, None], self.kinds)
            # Every site is met once: a row without repetition and without -1.
            whole = (np.sort(found, axis=1) == np.arange(len(self.sites))).all(axis=1)
            result[likely[whole]] = found[whole]
            open_ = np.setdiff1d(open_, likely[whole])
            if not len(open_):
                return result
        if len(open_):
            self.refuse(matrices[open_[0]], turned[open_[0]], self.shifts(turned)[:, open_[0]])
        return result

    def refuse(self, matrix: np.ndarray, turned: np.ndarray, shifts: np.ndarray) -> None:
        """Raise with how far the images are off at best."""
        best = np.inf
        for shift in shifts:
            apart = np.linalg.norm(self.apart(turned + shift), axis=-1)
            apart[self.kinds[:, None] != self.kinds[None]] = np.inf
            nearest = apart.min(axis=1)
            if len(np.unique(apart.argmin(axis=1))) == len(turned):
                best = min(best, float(nearest.max()))
        off = (
            f"the nearest equal site is {best:.3g} Å away" if np.isfinite(best) else "sites do not fall on equal sites"
        )
        raise NetworkInputError(
            f"The input is not symmetric under {np.round(matrix, 3).tolist()} to {self.tolerance:g} Å: "
            f"{off}. Turn the set to the input's orientation with set.rotated(R), check its group, or raise "
            "tolerance."
        )

    def apart(self, images: np.ndarray) -> np.ndarray:
        """Differences (n, n, 3) of images and sites."""
        return images[:, None] - self.sites[None]


class _Crystal(_Molecule):
    """Sites in a periodic cell; translations bring one site of the rarest kind onto each of its equals."""

    def __init__(self, sites: np.ndarray, kinds: np.ndarray, tolerance: float, cell: np.ndarray) -> None:
        if cell.shape != (3, 3) or not np.isfinite(cell).all() or abs(np.linalg.det(cell)) < _LEAST_VOLUME:
            raise NetworkInputError(
                f"cell is {cell.tolist()}; expected three independent lattice vectors as rows, in Å."
            )
        self.cell, self.inverse = cell, np.linalg.inv(cell)
        super().__init__(sites, kinds, tolerance)
        fractional = self.wrapped(sites @ self.inverse)
        # Copies across the faces, as far as the tolerance reaches: an image near a face may belong to one of them.
        margin = tolerance * np.linalg.norm(self.inverse, axis=0)
        copies, numbers = [fractional], [np.arange(len(sites))]
        for axis in range(3):
            whole, labels = np.concatenate(copies), np.concatenate(numbers)
            for step, near in ((1.0, whole[:, axis] <= margin[axis]), (-1.0, whole[:, axis] >= 1 - margin[axis])):
                copies.append(whole[near] + step * np.eye(3)[axis])
                numbers.append(labels[near])
        self.index(np.concatenate(copies) @ cell, np.concatenate(numbers))
        self.candidates = np.flatnonzero(kinds == np.bincount(kinds).argmin())

    @staticmethod
    def wrapped(fractional: np.ndarray) -> np.ndarray:
        """Into [0, 1); mod alone may return exactly 1.0 for -1e-17."""
        inside = np.mod(fractional, 1.0)
        inside[inside >= 1.0] = 0.0
        return inside

    def home(self, images: np.ndarray) -> np.ndarray:
        return self.wrapped(images @ self.inverse) @ self.cell

    def shifts(self, turned: np.ndarray) -> np.ndarray:
        return self.sites[self.candidates][:, None] - turned[None, :, self.candidates[0]]

    def apart(self, images: np.ndarray) -> np.ndarray:
        fractional = (images[:, None] - self.sites[None]) @ self.inverse
        return (fractional - np.round(fractional)) @ self.cell

    def permutations(self, matrices: np.ndarray) -> np.ndarray:
        lattice = self.cell @ matrices.transpose(0, 2, 1) @ self.inverse
        off = np.abs((lattice - np.round(lattice)) @ self.cell).max(axis=(1, 2), initial=0.0)
        if len(off) and off.max() > self.tolerance:
            worst = int(off.argmax())
            raise NetworkInputError(
                f"The lattice is not symmetric under {np.round(matrices[worst], 3).tolist()}: a lattice vector's "
                f"image is {off[worst]:.3g} Å off. Turn the set to the crystal's orientation with set.rotated(R), "
                "or check its group."
            )
        return super().permutations(matrices)
