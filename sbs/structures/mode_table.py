"""``sbs.modes``: the displacements and strains of a crystal by wave vector and irreducible representation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.groups.abstract.immutability import ComparedByValue, frozen
from sbs.structures.crystal_in_cell import CrystalInCell
from sbs.structures.inputs import element
from sbs.structures.listing import Listing
from sbs.structures.space_irreps import LARGEST_DENOMINATOR, SpaceIrrep, space_irreps

__all__ = ["Mode", "Modes", "count_modes", "list_modes", "site_orbit_numbers"]

#: Columns that are printed: name of the value and heading.
COLUMNS = (
    ("label", "mode"),
    ("wave_vector", "k"),
    ("arms", "arms"),
    ("dimension", "dimension"),
    ("multiplicity", "multiplicity"),
    ("strain", "strain"),
    ("elements", "sites"),
)


@dataclass(frozen=True, eq=False, repr=False)
class Mode(ComparedByValue):
    """All displacements and strains that belong to one irreducible representation.

    Attributes:
        label: as ISODISTORT prints it, "R4+".
        star: the wave vectors in reciprocal coordinates of the standard setting, float64 (arms, 3), the one that gives the
            name first.
        dimension: number of components of one order parameter.
        multiplicity: number of independent order parameters among the displacements; rigid shifts are left out.
        strain: number of independent ones among the homogeneous strains.
        sites: int (m,), the sites of the crystal that such displacements can move.
        elements: chemical symbols of these sites.
        irrep: the representation.
    """

    label: str
    star: NDArray[np.float64]
    dimension: int
    multiplicity: int
    strain: int
    sites: NDArray[np.int64]
    elements: tuple[str, ...]
    irrep: SpaceIrrep

    def as_dict(self) -> dict[str, Any]:
        """Plain values by name."""
        return {
            "label": self.label,
            "wave_vector": wave_vector_text(self.star[0]),
            "arms": len(self.star),
            "star": [[float(x) for x in arm] for arm in self.star],
            "dimension": self.dimension,
            "multiplicity": self.multiplicity,
            "strain": self.strain,
            "elements": list(self.elements),
            "sites": self.sites.tolist(),
        }

    def __repr__(self) -> str:
        return f"Mode({self.label}: {self.multiplicity} x {self.dimension}, {' '.join(self.elements)})"


class Modes(Listing[Mode]):
    """The modes of a crystal, one row for each irreducible representation. Obtain them from `sbs.modes`."""


def wave_vector_text(vector: NDArray[np.float64]) -> str:
    """A wave vector as fractions, "1/2,1/2,0"."""
    return ",".join(str(Fraction(float(x)).limit_denominator(LARGEST_DENOMINATOR)) for x in vector)


def list_modes(crystal: CrystalInCell) -> Modes:
    """The rows of `sbs.modes`.

    Args:
        crystal: detected in a supercell.
    """
    moving = (mode for mode in count_modes(crystal, space_irreps(crystal)) if mode.multiplicity or mode.strain)
    space = crystal.supercell.setting.space_group
    atom = crystal.supercell.setting.origin_atom
    origin = f", origin at {atom}" if atom else ""
    title = f"Modes of {crystal.structure.formula}, {space.symbol} ({space.number}){origin}, order {crystal.group.order}"
    return Modes(title, list(moving), COLUMNS)


def count_modes(crystal: CrystalInCell, irreps: Sequence[SpaceIrrep]) -> list[Mode]:
    """How often each of some irreducible representations occurs among displacements and strains, rigid shifts left out."""
    rows = []
    orbits = site_orbit_numbers(crystal)
    weights = np.array([irrep.weights for irrep in irreps])
    turns = np.trace(crystal.matrices, axis1=1, axis2=2)
    squares = np.trace(crystal.matrices @ crystal.matrices, axis1=1, axis2=2)
    fixed = crystal.permutations == np.arange(len(crystal.structure))
    counts = np.array([fixed[:, orbits == o].sum(axis=1) for o in range(int(orbits.max()) + 1)])
    dimensions = np.array([irrep.dimension for irrep in irreps])[:, None]
    displacements = np.round(weights @ (counts * turns).T / dimensions).astype(np.int64)
    rigid = np.round(weights @ turns / dimensions[:, 0]).astype(np.int64)
    strains = np.round(weights @ ((turns**2 + squares) / 2) / dimensions[:, 0]).astype(np.int64)
    for irrep, parts, shift, strain in zip(irreps, displacements, rigid, strains, strict=True):
        multiplicity = int(parts.sum() - shift)
        moving = np.flatnonzero(np.isin(orbits, np.flatnonzero(parts))) if multiplicity else np.zeros(0, dtype=np.int64)
        moving.setflags(write=False)
        names = tuple(dict.fromkeys(element(int(n)) for n in crystal.structure.numbers[moving]))
        star = frozen(np.array(irrep.star))
        rows.append(Mode(irrep.label, star, irrep.dimension, multiplicity, int(strain), moving, names, irrep))
    return rows


def site_orbit_numbers(crystal: CrystalInCell) -> NDArray[np.int64]:
    """The number of the orbit under S that each site lies in, int (sites,), by first sites."""
    lowest = crystal.permutations.min(axis=0)
    return np.unique(lowest, return_inverse=True)[1].reshape(-1)
