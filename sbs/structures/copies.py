"""Sites of a cell as copies of those of a primitive cell: what operations and translations do to them, by integer arithmetic.

A site is a site of the primitive cell and a lattice vector modulo the cell. An operation (W | w) that carries primitive site p to
site q and the lattice vector c carries its copy at n to the copy of q at W n + c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.structures.integer_lattices import Quotient
from sbs.structures.neighbours import NO_PERMUTATION

__all__ = ["Copies"]

# Integer matrices computed in floating point are this close to integers.
INTEGER_SLACK = 1e-3

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Copies:
    """The sites of a cell over those of a primitive cell.

    Attributes:
        quotient: the lattice modulo the translations of the cell.
        site_of: int (n,), the primitive site that each site is a copy of.
        place_of: int (n, 3), the lattice vector at which it lies.
        numbers: int (primitive sites, cells), the site that is the copy of a primitive site in a cell of ``quotient``.
    """

    quotient: Quotient
    site_of: IntArray
    place_of: IntArray
    numbers: IntArray

    @classmethod
    def of(cls, cell: IntArray, site_of: IntArray, place_of: IntArray) -> Copies:
        """The copies in a cell, int (3, 3), whose vectors are rows on the basis of the lattice.

        Raises:
            DetectionError: the sites do not fill the cells, each once.
        """
        quotient = Quotient(cell)
        numbers = np.full((int(site_of.max()) + 1, quotient.order), -1, dtype=np.int64)
        numbers[site_of, quotient.number(place_of)] = np.arange(len(site_of))
        if numbers.size != len(site_of) or (numbers < 0).any():
            raise DetectionError(NO_PERMUTATION)
        return cls(quotient, site_of, place_of, numbers)

    def keeping(self, rotations: IntArray) -> NDArray[np.bool_]:
        """Which rotations (g, 3, 3) of the lattice map the translations of the cell onto themselves."""
        form = self.quotient.form
        turned = form @ rotations.transpose(0, 2, 1) @ np.linalg.inv(form)
        return np.asarray(np.abs(turned - np.round(turned)).max(axis=(1, 2)) <= INTEGER_SLACK)

    def translated(self) -> IntArray:
        """Site permutations (m, n) of the translations inside the cell, in the order of the quotient, the identity first."""
        moved = self.place_of + self.quotient.points[:, None]
        return np.asarray(self.numbers[self.site_of, self.quotient.number(moved)])

    def carried(self, rotations: IntArray, images: IntArray, offsets: IntArray) -> IntArray:
        """Site permutations (g, n) of operations given by what they do to the primitive sites.

        One that does not keep the translations of the cell permutes its sites modulo the primitive lattice only: it carries the
        copies of a site to those of another one, in the order of the cells.

        Args:
            rotations: int (g, 3, 3). images: int (g, p), where each primitive site goes. offsets: int (g, p, 3), in which cell.
        """
        moved = self.place_of @ rotations.transpose(0, 2, 1) + offsets[:, self.site_of]
        moved[~self.keeping(rotations)] = self.place_of
        return np.asarray(self.numbers[images[:, self.site_of], self.quotient.number(moved)])
