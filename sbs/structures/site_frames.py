"""A description of a crystal in a supercell that depends on the crystal alone: axes, order of sites, order of operations.

It stands on the standard setting that the structure chooses, so that two descriptions of one crystal, turned, shifted, shuffled
or in another cell, lead to the same up to an operation of the crystal itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sbs.groups.abstract.site_operations import SiteOperations
from sbs.sets.fields import SiteFrame
from sbs.structures.inputs import Structure
from sbs.structures.integer_lattices import hermite_form
from sbs.structures.supercell import Supercell

__all__ = ["site_frame"]

# Shifts and translations in the standard setting are multiples of 1/24 of the conventional basis vectors.
STEPS = 24
# Coordinates are compared to this many decimals, away from the simple fractions where special positions lie.
DIGITS = 3
OFFSET = 1.37e-4


def site_frame(structure: Structure, operations: SiteOperations, found: Supercell) -> SiteFrame:
    """The common description of a crystal.

    Args:
        structure: the supercell.
        operations: the elements of S.
        found: how S lies over the space group.
    """
    setting = found.setting
    lattice = hermite_form(np.round(STEPS * found.quotient.form @ setting.matrix.T).astype(np.int64))
    rotations, shifts = setting.operations(*found.operations_of_cell)
    places = shifts[found.rotation_of] + found.lattice_of @ setting.matrix.T
    rest = _reduced(np.round(STEPS * places).astype(np.int64), lattice)
    turns = rotations[found.rotation_of].reshape(-1, 9)
    other = np.arange(len(rest)) != 0
    elements = np.lexsort((*rest.T[::-1], *turns.T[::-1], other))
    # x on the conventional basis, and on the Hermite basis of the cell's translations.
    fractional = structure.positions @ np.linalg.inv(found.primitive.basis) @ setting.matrix.T + setting.shift
    cells = (fractional + OFFSET) @ np.linalg.inv(lattice / STEPS)
    places = cells - np.floor(cells)
    sites = np.lexsort((*np.round(places, DIGITS).T[::-1], structure.numbers))
    turn, triangle = np.linalg.qr(setting.basis.T)
    turn = turn * np.sign(np.diagonal(triangle))
    return SiteFrame(turn, sites, elements, places[sites], lattice / STEPS @ setting.basis @ turn, structure.numbers[sites])


def _reduced(vectors: NDArray[np.int64], form: NDArray[np.int64]) -> NDArray[np.int64]:
    """Integer vectors (n, 3) modulo the lattice of a Hermite normal form."""
    rest = vectors.copy()
    for axis in range(3):
        rest -= (rest[:, axis] // form[axis, axis])[:, None] * form[axis]
    return rest
