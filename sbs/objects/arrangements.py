"""Isotropy subgroups of a representation: the flats of the arrangement of fixed spaces, up to the group.

A subgroup is the stabilizer of a point of a real representation exactly if it fixes some flat pointwise and nothing outside the
group of its generic point does, a flat being an intersection of fixed spaces Fix(g). So all isotropy subgroups are found by
intersecting, from the whole space down, one flat of each class with every Fix(g).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.errors import SearchLimitError
from sbs.objects.invariants import FIXED_TOLERANCE, projector_basis
from sbs.progress import tick

__all__ = ["Fingerprints", "Flat", "Image", "flats", "image_of"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

#: Largest image of the group in a representation whose flats are listed, and most classes of flats.
MAX_IMAGE = 8192
MAX_FLATS = 20_000

# Squared sines of the angles between a flat and a fixed space: zero to rounding, or those of rational geometry.
NULL = 1e-8
# Entries of matrices and projectors that agree to these digits are equal.
DIGITS = 6


@dataclass(frozen=True, eq=False)
class Image:
    """The image of a group in a representation, a group of its own.

    Attributes:
        number: int (|S|,), the element of the image that each element of S becomes; 0 is the identity.
        representatives: int (n,), an element of S for each element of the image.
        table: int (n, n), products.
        matrices: float64 (n, d, d), orthogonal.
    """

    number: IntArray
    representatives: IntArray
    table: IntArray
    matrices: FloatArray


@dataclass(frozen=True, eq=False)
class Flat:
    """One flat of a class.

    Attributes:
        basis: float64 (d, m), orthonormal columns.
        fixer: bool (n,), the elements of the image that fix it pointwise.
        size: number of flats in the class.
    """

    basis: FloatArray
    fixer: NDArray[np.bool_]
    size: int


def image_of(moved: FloatArray, multiply: object, matrices: object) -> Image:
    """The image of a group, told by what each element makes of one generic vector.

    Args:
        moved: float64 (|S|, d), the images of a generic vector under the elements of S, the identity first.
        multiply: products of element numbers of S; arrays broadcast.
        matrices: matrices (m, d, d) of some elements of S.

    Raises:
        SearchLimitError: the image has more than ``MAX_IMAGE`` elements.
    """
    keys = np.round(moved, DIGITS) + 0.0
    _, first, number = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    number = number.reshape(-1)
    if len(first) > MAX_IMAGE:
        raise SearchLimitError(
            f"the group acts on these order parameters by {len(first)} different matrices; isotropy subgroups are listed up to "
            f"{MAX_IMAGE}: take a smaller supercell, or fewer order parameters at once"
        )
    # Renumbered so that the identity is element 0.
    order = np.argsort(first, kind="stable")
    place = np.empty(len(first), dtype=np.intp)
    place[order] = np.arange(len(first))
    number, representatives = place[number], first[order]
    table = number[multiply(representatives[:, None], representatives)]  # type: ignore[operator]
    return Image(number, representatives, table, matrices(representatives))  # type: ignore[operator]


class Fingerprints:
    """Numbers that tell subspaces apart: squared lengths of the projections of four fixed vectors on them, to nine digits.

    Different subspaces agree in all four by a chance of 10^-36 or so; equal ones may be told apart by rounding.

    Args:
        matrices: float64 (n, d, d), of a group that acts on them.
    """

    def __init__(self, matrices: FloatArray) -> None:
        probes = np.random.default_rng(1).normal(size=(4, matrices.shape[1]))
        self._probes = probes / np.linalg.norm(probes, axis=1, keepdims=True)
        self._turned = self._probes @ matrices  # u^T D(g)

    def of_images(self, basis: FloatArray) -> NDArray[np.void]:
        """Of the images of a subspace with an orthonormal basis (d, k) under every element of the group, (n,)."""
        return self._keys(self._turned @ basis)

    def of(self, bases: FloatArray) -> NDArray[np.void]:
        """Of subspaces with orthonormal bases (m, d, k), (m,)."""
        return self._keys(self._probes @ bases)

    @staticmethod
    def _keys(parts: FloatArray) -> NDArray[np.void]:
        numbers = np.round((parts**2).sum(axis=2) * 1e9).astype(np.int64)
        return np.ascontiguousarray(numbers).view(np.dtype((np.void, 8 * numbers.shape[1]))).reshape(-1)


def flats(image: Image) -> list[Flat]:
    """One flat of each class under the group, by falling dimension; the whole space first, the origin left out.

    Raises:
        SearchLimitError: there are more than ``MAX_FLATS`` classes.
    """
    count, dim = image.matrices.shape[:2]
    inverses = image.table.argmin(axis=1) if count > 1 else np.zeros(1, dtype=np.intp)
    # carried[h, x] = h x h^-1
    carried = image.table[image.table, inverses[:, None]]
    weights = np.random.default_rng(0).integers(-(2**63), 2**63 - 1, size=(2, count))
    fingerprints = Fingerprints(image.matrices)
    met: set[bytes] = set()
    members: set[tuple[int, int]] = set()
    found: list[Flat] = []

    def admit(basis: FloatArray) -> None:
        """Enter a flat and all its images, told by two sums of 64-bit numbers over the elements of their fixers, unless it is
        known; by chance two of a million subgroups would share them once in 10^26 lists."""
        met.update(fingerprints.of_images(basis).tolist())
        fixer = np.abs(image.matrices @ basis - basis).max(axis=(1, 2)) < FIXED_TOLERANCE
        elements = np.flatnonzero(fixer)
        own = weights[:, elements].sum(axis=1)
        if (int(own[0]), int(own[1])) in members:
            return
        sums = weights[:, carried[:, elements]].sum(axis=2)
        conjugates = set(zip(sums[0].tolist(), sums[1].tolist(), strict=True))
        members.update(conjugates)
        found.append(Flat(basis, fixer, len(conjugates)))
        if len(found) > MAX_FLATS:
            raise SearchLimitError(
                f"there are more than {MAX_FLATS} isotropy subgroups; take fewer order parameters at once or a smaller cell"
            )

    admit(np.eye(dim))
    for number, flat in enumerate(found):
        tick("isotropy subgroups", number, len(found))
        for space in _smaller(image.matrices, flat):
            for key, basis in zip(fingerprints.of(space).tolist(), space, strict=True):
                if key not in met:
                    admit(projector_basis(basis @ basis.T))
    return sorted(found, key=lambda flat: -flat.basis.shape[1])


def _smaller(matrices: FloatArray, flat: Flat) -> list[FloatArray]:
    """Orthonormal bases (m, d, k) of the intersections of a flat with fixed spaces by falling k, the origin left out."""
    moved = matrices[~flat.fixer] @ flat.basis - flat.basis
    grams = moved.transpose(0, 2, 1) @ moved
    # Elements that act alike on the flat (cosets of its fixer, inverses) meet it in the same space.
    width = grams.shape[1]
    probes = np.random.default_rng(2).normal(size=(width * width, 2)) @ np.array([1, 1j])
    _, first = np.unique(np.round(grams.reshape(-1, width * width) @ probes, DIGITS), return_index=True)
    values, vectors = np.linalg.eigh(grams[np.sort(first)])
    ranks = (values < NULL).sum(axis=1)
    return [flat.basis @ vectors[ranks == rank][:, :, :rank] for rank in range(width - 1, 0, -1)]
