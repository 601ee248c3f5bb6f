"""From what callers hold to a validated :class:`Structure`, or to a message that says what is wrong with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups.abstract.validation import check_bool, shown
from sbs.structures.inputs import Structure
from sbs.structures.neighbours import closest_image, closest_pair
from sbs.structures.reading import read_structure

__all__ = ["check_tolerance", "parse_structure"]

# A cell whose volume is below this fraction of a*b*c is flat for every numerical purpose (spglib fails far
# earlier).
FLAT_CELL = 1e-4
# Closest approach of periodic images above which a cell holds an isolated molecule: the largest nearest-
# neighbour distance of an elemental crystal is 5.3 Å (Cs), of a molecular or noble-gas crystal below 5 Å.
VACUUM_GAP = 7.5
# Distance from an atom to an image of another below which a cell is filled rather than a box around a
# molecule: longer than the bonds of all but the softest solids, shorter than any vacuum that is put around a
# molecule.
FILLED_GAP = 3.5


def parse_structure(structure: Any, tolerance: float, periodic: bool | None = None) -> Structure:
    """Read and validate a structure.

    Args:
        structure: ASE ``Atoms``; pymatgen ``Structure`` or ``Molecule``; ``(positions, numbers)`` with
            Cartesian Å for a molecule; ``(lattice, positions, numbers)`` with cell vectors as rows in Å and
            *fractional* positions for a crystal (spglib's cell tuple); phonopy's ``PhonopyAtoms``; the path of a file
            that ASE reads (CIF, POSCAR, XYZ, ...), with ``@3`` behind it for frame 3; or a :class:`Structure`.
            ASE ``Atoms`` with periods along two axes are a layer; their third cell vector is not looked at.
        tolerance: distance in Å below which two atoms count as one place.
        periodic: None takes the structure as it presents itself, and refuses one that looks like the other
            kind; True or False insists.

    Raises:
        DetectionError: for input that is no structure: wrong shapes, NaN, no atoms, overlapping atoms, zero volume, partial
            occupancies, periodicity along one axis only, a molecule given as a crystal or the reverse.

    Warns:
        StructureWarning: decorations that distinguish no sites, or a file with several structures.
    """
    check_tolerance(tolerance)
    if periodic is not None:
        periodic = check_bool(periodic, "periodic")
    parsed, cell = read_structure(structure, periodic)
    _check_numbers(parsed)
    _check_cell(parsed)
    _check_overlap(parsed, tolerance)
    if periodic is None and not parsed.layer:
        _check_kind(parsed, cell)
    return parsed


def check_tolerance(tolerance: float) -> None:
    """Raise DetectionError unless ``tolerance`` is a positive, finite number of Å."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float, np.floating, np.integer)):
        raise DetectionError(f"tolerance must be a number of Å, got {shown(tolerance)}; the default is 0.01")
    if not 0 < tolerance < math.inf:
        raise DetectionError(f"tolerance must be positive and finite (in Å), got {shown(tolerance)}; try 0.01")


def _check_numbers(structure: Structure) -> None:
    positions, numbers = structure.positions, structure.numbers
    if len(positions) == 0:
        raise DetectionError("the structure is empty: expected at least one atom")
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise DetectionError(f"positions must have shape (num_sites, 3), got {positions.shape}")
    if numbers.shape != (len(positions),):
        raise DetectionError(
            f"{len(positions)} positions were given with {numbers.size} labels; expected one label each"
        )
    bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
    if len(bad):
        raise DetectionError(f"atom {bad[0]} has a position that is not finite: {positions[bad[0]]}")


def _check_cell(structure: Structure) -> None:
    lattice = structure.lattice
    if lattice is None:
        return
    if not np.isfinite(lattice).all():
        raise DetectionError(f"the lattice has entries that are not finite: {lattice.tolist()}")
    box = float(np.prod(np.linalg.norm(lattice, axis=1)))
    volume = abs(float(np.linalg.det(lattice)))
    if box == 0 or volume < FLAT_CELL * box:
        raise DetectionError(
            f"the cell has no volume ({volume:.3g} Å3 for edges that span {box:.3g} Å3): expected three "
            "independent cell vectors; give a molecule as (positions, numbers), or ASE Atoms with pbc=False"
        )


def _check_overlap(structure: Structure, tolerance: float) -> None:
    if structure.shortest_distance <= 2 * tolerance:
        _, first, second = closest_pair(structure.positions, structure.lattice)
        raise DetectionError(
            f"atoms {first} and {second} overlap: they are {structure.shortest_distance:.4g} Å apart, no "
            f"more than twice the tolerance of {tolerance:g} Å; remove the duplicate or lower the tolerance"
        )


def _check_kind(structure: Structure, box: NDArray[np.float64] | None) -> None:
    """Refuse a molecule in a periodic box of vacuum, and a crystal whose periodicity was switched off."""
    lattice = structure.lattice if box is None else box
    if lattice is None or abs(np.linalg.det(lattice)) < FLAT_CELL:
        return
    closest = closest_image(structure.positions, lattice, FILLED_GAP)
    if structure.periodic and closest > VACUUM_GAP:
        raise DetectionError(
            f"the periodic images are at least {closest:.1f} Å apart in every direction: a molecule given as "
            "a crystal? Give it without a cell (pbc=False), or insist with periodic=True"
        )
    if not structure.periodic and closest <= FILLED_GAP:
        raise DetectionError(
            f"the structure is not periodic, yet it has a cell and an atom lies {closest:.2f} Å from an "
            "image of another: a crystal given as a molecule? Set pbc=True, or insist with periodic=False"
        )
