"""A structure made exactly symmetric: the mean over its own symmetry operations."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.structures.detected import Detected
from sbs.structures.inputs import Structure, minimum_image

__all__ = ["check_finite", "symmetrized"]

Floats = NDArray[np.float64]


def symmetrized(found: Detected) -> Structure:
    """The structure of ``found``, lattice and sites averaged over the detected group; the sites keep their order.

    The averages are the projections onto what the group leaves invariant: of the lattice vectors under A -> N^-1 A R^T
    with the integer matrices N that go with the rotations R, of the sites under (R, t) and their permutation.
    """
    structure = found.structure
    matrices, permutations, translations = found.matrices, found.permutations, found.translations
    lattice = structure.lattice
    fractional_shift: Floats | None = None
    if lattice is not None:
        turned = lattice @ np.swapaxes(matrices, 1, 2)
        integers = np.round(turned @ np.linalg.inv(lattice))
        mean = np.einsum("gij,gjk->ik", np.linalg.inv(integers), turned) / len(matrices)
        fractional_shift = translations @ np.linalg.inv(lattice)
        positions = structure.positions @ np.linalg.inv(lattice) @ mean
        translations = fractional_shift @ mean
        lattice = mean
    else:
        positions = structure.positions
    images = np.einsum("gij,nj->gni", matrices, positions) + translations[:, None]
    off = minimum_image(images - positions[permutations], lattice)
    total = np.zeros_like(positions)
    np.add.at(total, permutations, off)
    return replace(structure, positions=positions + total / len(matrices), lattice=lattice)


def check_finite(found: Detected) -> None:
    """Refuse a linear molecule or a single atom.

    Raises:
        DetectionError: the group is infinite.
    """
    if not math.isfinite(found.order):
        raise DetectionError(
            f"{found.structure!r} has the infinite group {found.symbol}; expected a structure with a finite group: relax "
            "linear molecules with the calculator alone"
        )
