"""``sbs.modes`` and ``sbs.isotropy``: what a crystal in a cell can do, and what symmetry is left."""

from __future__ import annotations

from typing import Any

from sbs.structures.detection import DEFAULT_TOLERANCE, in_supercell
from sbs.structures.isotropy_table import IsotropySubgroups, list_isotropy_subgroups
from sbs.structures.mode_table import Modes, list_modes

__all__ = ["isotropy", "modes"]


def modes(structure: Any, tolerance: float = DEFAULT_TOLERANCE) -> Modes:
    """The displacements and strains of a crystal that repeat in its cell, by irreducible representation.

    Args:
        structure: a crystal from ``sbs.detect(..., supercell=...)``, or anything that ``sbs.detect`` takes, whose cell is
            then taken as it is.
        tolerance: Å, for the detection.

    Returns:
        One row for each representation that displacements or strains have a part in, by wave vector, Γ first. A rigid shift
        of the whole crystal counts for nothing.

    Raises:
        DetectionError: the structure is no crystal. SearchLimitError: its group is too large.
    """
    return list_modes(in_supercell(structure, tolerance))


def isotropy(structure: Any, *labels: str, tolerance: float = DEFAULT_TOLERANCE) -> IsotropySubgroups:
    """All isotropy subgroups of one order parameter or of several coupled ones.

    Args:
        structure: a crystal from ``sbs.detect(..., supercell=...)``, or anything that ``sbs.detect`` takes, whose cell is
            then taken as it is.
        labels: irreducible representations as ``sbs.modes`` lists them, "R4+"; ASCII spellings ("GM4-") too.
        tolerance: Å, for the detection.

    Returns:
        One row for each class of stabilizers of points of the representation, up to S; complete, without duplicates, and
        without S itself. By rising index, then by falling number of the space group.

    Raises:
        UnknownGroupError: a label that does not exist; those that do are listed.
        DetectionError: no label, one given twice, or a representation that neither displacements nor strains have a part in.
        SearchLimitError: the group, or the number of isotropy subgroups, is too large.
    """
    return list_isotropy_subgroups(in_supercell(structure, tolerance), *labels)
