"""A crystal on a basis of its primitive lattice: integer rotations, shifts, and where each site goes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.structures.crystal import CrystalSymmetry
from sbs.structures.inputs import Structure

__all__ = ["INTEGER_SLACK", "PrimitiveCrystal", "integers", "primitive_crystal"]

# An operation written on the primitive basis is integer to this, or the lattices do not fit each other.
INTEGER_SLACK = 0.05

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PrimitiveCrystal:
    """A crystal on a basis of its primitive lattice. Fractional columns: x → W x + w.

    Attributes:
        basis: float64 (3, 3), basis vectors as rows, Å.
        rotations: int (n, 3, 3), W of every element of the point group P, in its order.
        shifts: float64 (n, 3), w.
        positions: float64 (sites, 3), fractional.
        numbers: int (sites,).
        images: int (n, sites), the site that each site is carried to.
        offsets: int (n, sites, 3): W x_i + w = x_image + offset.
    """

    basis: FloatArray
    rotations: IntArray
    shifts: FloatArray
    positions: FloatArray
    numbers: IntArray
    images: IntArray
    offsets: IntArray


def primitive_crystal(structure: Structure, found: CrystalSymmetry) -> tuple[PrimitiveCrystal, IntArray, IntArray]:
    """The crystal on its primitive lattice, and for each given site its primitive site and cell (n,), (n, 3).

    Raises:
        DetectionError: the operations do not fit the primitive lattice within the tolerance.
    """
    basis = np.asarray(found.primitive.lattice)
    inverse = np.linalg.inv(basis)
    rotations = integers(np.linalg.inv(basis.T) @ found.group.matrices @ basis.T)
    shifts = _consistent(rotations, found.translations @ inverse, found.group.table)
    number = found.site_of
    first = np.unique(number, return_index=True)[1]
    fractional = structure.positions @ inverse
    positions = fractional[first]
    places = integers(fractional - positions[number])
    images = found.images
    moved = np.einsum("gij,nj->gni", rotations, positions, optimize=True) + shifts[:, None]
    offsets = integers(moved - positions[images])
    crystal = PrimitiveCrystal(basis, rotations, shifts, positions, structure.numbers[first], images, offsets)
    return crystal, number, places


def _consistent(rotations: IntArray, shifts: FloatArray, table: IntArray) -> FloatArray:
    """Shifts that obey w_gh = w_g + W_g w_h modulo 1 to rounding: w_g becomes the mean over h of w_gh - W_g w_h."""
    differences = shifts[table] - np.einsum("gij,hj->ghi", rotations, shifts)
    near = differences - np.round(differences - shifts[:, None])
    return np.asarray(near.mean(axis=1))


def integers(values: FloatArray) -> IntArray:
    rounded = np.round(values)
    off = float(np.abs(values - rounded).max(initial=0.0))
    if off > INTEGER_SLACK:
        raise DetectionError(
            f"the operations of the crystal do not fit its primitive lattice (off by {off:.1e} of a lattice vector); expected a "
            "structure whose sites lie within the tolerance: lower the tolerance"
        )
    return rounded.astype(np.int64)
