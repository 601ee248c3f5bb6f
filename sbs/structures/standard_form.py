"""The type of a space group that is given by its operations, and the way to its standard setting, by spglib."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sbs.structures.crystal import SpaceGroup
from sbs.structures.inputs import minimum_image
from sbs.structures.spglib_calls import setting_names, symmetry_dataset

__all__ = ["StandardForm", "form_of_operations"]

# Fractional coordinates of points in general position: on no line and in no plane together, at no simple fractions.
_COUNT = np.arange(1.0, 25.0)
GENERAL_POINTS = np.stack([_COUNT * 0.754877666, _COUNT**2 * 0.569840291 + 0.211, _COUNT**3 * 0.430159709 + 0.083], axis=1) % 1
# The image of such a point is as far away as that of the best of them up to this factor, or another is taken.
FAR_ENOUGH = 0.7
# Å. Operations are made consistent before they are handed on, so that only rounding is left.
CONSISTENT = 1e-3


@dataclass(frozen=True, eq=False)
class StandardForm:
    """A space group in its standard setting (unique axis b, hexagonal axes, origin choice 2): fractional coordinates x of the
    structure become ``matrix @ x + shift``, up to the normalizer of the space group."""

    space_group: SpaceGroup
    hall_number: int
    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]


def form_of_operations(
    basis: NDArray[np.float64], rotations: NDArray[np.int64], shifts: NDArray[np.float64]
) -> StandardForm:
    """The space group of some operations on a primitive lattice, and the way to its standard setting that spglib takes.

    spglib reads structures, so it is given one with these operations and no others: the orbits of points in general
    position, on the lattice made perfect for the rotations.

    Args:
        basis: float64 (3, 3), a basis of the lattice of all translations as rows, Å.
        rotations: int (n, 3, 3), on this basis. shifts: float64 (n, 3), consistent to rounding.
    """
    metric = (rotations.transpose(0, 2, 1) @ (basis @ basis.T) @ rotations).mean(axis=0)
    lattice = np.linalg.cholesky(metric)
    # Few points of different kinds have symmetries of their own: four have none but by design of the lattice.
    count = 2 if len(rotations) > 4 else 4
    size = len(GENERAL_POINTS) // count
    orbits = []
    for points in GENERAL_POINTS.reshape(count, size, 3):
        images = np.einsum("gij,nj->ngi", rotations, points) + shifts
        gaps = minimum_image((images[:, 1:] - images[:, :1]) @ lattice, lattice)
        nearest = np.linalg.norm(gaps, axis=2).min(axis=1, initial=np.inf)
        orbits.append(images[int((nearest >= FAR_ENOUGH * nearest.max()).argmax())] if len(rotations) > 1 else images[0])
    numbers = np.repeat(np.arange(1, count + 1), len(rotations))
    fractional = np.concatenate(orbits)
    dataset = symmetry_dataset(lattice, fractional, numbers, CONSISTENT)
    number = int(dataset.number)
    hall = _standard_hall_number(number)
    if int(dataset.hall_number) != hall:
        dataset = symmetry_dataset(lattice, fractional, numbers, CONSISTENT, hall)
    symbol = str(setting_names(hall)[2])
    shift = np.asarray(dataset.origin_shift)
    # The conventional basis vectors are lattice vectors, so that their coordinates in a primitive basis are integers.
    inverse = np.linalg.inv(np.asarray(dataset.transformation_matrix))
    matrix: NDArray[np.float64] = np.linalg.inv(np.round(inverse).astype(np.float64))
    return StandardForm(SpaceGroup(number, symbol), hall, matrix, shift)


@lru_cache(maxsize=230)
def _standard_hall_number(number: int) -> int:
    choices = _hall_numbers()[number]
    return choices.get("2", next(iter(choices.values())))


@lru_cache(maxsize=1)
def _hall_numbers() -> dict[int, dict[str, int]]:
    """Space group -> choice of axes or origin -> the first of spglib's Hall numbers; the standard one comes first."""
    found: dict[int, dict[str, int]] = {}
    for hall in range(1, 531):
        number, choice, _ = setting_names(hall)
        found.setdefault(number, {}).setdefault(choice, hall)
    return found
