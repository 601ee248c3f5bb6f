"""``sbs.detect``: a crystal or a molecule in, its oriented point group out, or its space group modulo the translations of a
cell that is not primitive."""

from __future__ import annotations

from typing import Any

import numpy as np

from sbs.errors import DetectionError, SearchLimitError
from sbs.groups import PointGroup
from sbs.structures.child_groups import child_symbol
from sbs.structures.crystal import CrystalSymmetry, crystal_symmetry, space_group_of
from sbs.structures.detected import Detected
from sbs.structures.inputs import Structure
from sbs.structures.molecule import point_set_symmetry
from sbs.structures.parsing import parse_structure
from sbs.structures.supercell import parse_supercell, supercell_group

__all__ = ["AMBIGUITY_FACTOR", "DEFAULT_TOLERANCE", "detect", "in_supercell"]

# Coordinates are printed with 1e-3 Å or better and relaxed to a few 1e-3 Å; distortions that matter start at
# some 1e-2 Å.
DEFAULT_TOLERANCE = 0.02
# "Slightly larger": a distortion of up to four tolerances is one that another sensible tolerance would have
# overlooked (the Jahn-Teller distorted CH3O and CH3S of the g2 set deviate from C3v by 0.07 and 0.045 Å).
AMBIGUITY_FACTOR = 4.0
# The larger tolerance may not reach this fraction of the shortest distance, where atoms would change places.
NEAREST_FRACTION = 0.45


def detect(
    structure: Any,
    tolerance: float = DEFAULT_TOLERANCE,
    periodic: bool | None = None,
    supercell: Any = None,
    origin: str | None = None,
) -> Detected:
    """Symmetry of a structure, as exact matrices in the structure's own Cartesian frame, and what it does to the sites: the point
    group of a molecule or of a crystal in a primitive cell, the space group modulo the translations of a larger cell.

    A crystal given in a cell of several primitive ones, a conventional cell or a supercell, is understood as one: the
    translations between the primitive cells are elements of its group, and ``sbs.detect(primitive, supercell=2)`` and the
    detection of the eightfold cell mean the same. Only where that group would have more than ``MAX_CRYSTAL_ORDER`` elements
    is the group the point group, which keeps all translations; the report says so.

    Args:
        structure: ASE ``Atoms``; pymatgen ``Structure`` or ``Molecule``; ``(positions, numbers)`` in Å for a
            molecule; ``(lattice, fractional positions, numbers)`` for a crystal; or the path of a CIF,
            POSCAR or XYZ file.
        tolerance: how far, in Å, an operation may miss any atom (for a crystal: spglib's ``symprec``).
        periodic: None takes the structure as it presents itself; True or False insists.
        supercell: a multiple of the given cell, as an integer, three integers or an integer matrix (3, 3) whose
            rows are the new cell vectors in terms of the given ones. The result then holds the crystal in that
            cell, and ``group`` is its space group modulo the translations of the cell: each element turns,
            shifts and permutes sites, and the translations inside the cell are elements too. None takes the cell as it is; so
            does 1, and then a primitive cell has the space group modulo all its translations as its group.
        origin: of a crystal in a supercell, chemical symbol of the atom at the origin of the standard setting that labels of
            representations refer to; None for the rule of `sbs.structures.standard_setting`.

    Returns:
        A :class:`Detected`. Its ``group`` can be given to ``sbs.minimal_set``.

    Raises:
        DetectionError: input that is no structure, or one whose symmetry cannot be determined; the message
            says why.
        SearchLimitError: the group of the supercell is too large.
    """
    parsed = parse_structure(structure, tolerance, periodic)
    cell = None if supercell is None else parse_supercell(supercell)
    if parsed.periodic:
        return _crystal(parsed, tolerance, cell, origin)
    if cell is not None or origin is not None:
        raise DetectionError(
            "a molecule has no lattice, and so no supercell, modes of wave vectors or isotropy subgroups of a space group; "
            "give a crystal, or leave supercell and origin out"
        )
    return _molecule(parsed, tolerance)


def in_supercell(structure: Any, tolerance: float = DEFAULT_TOLERANCE) -> Detected:
    """A crystal whose group holds the translations of its cell: as given if it was detected so, else in the cell it has.

    Args:
        structure: a :class:`Detected` or anything that ``detect`` takes.
        tolerance: Å, for the detection.

    Raises:
        DetectionError: as ``detect``; the structure is no crystal.
    """
    if isinstance(structure, Detected):
        if structure.supercell is not None:
            return structure
        structure, tolerance = structure.structure, structure.tolerance
    return detect(structure, tolerance, supercell=1)


def _molecule(structure: Structure, tolerance: float) -> Detected:
    found = point_set_symmetry(structure, tolerance, _larger_tolerance(structure, tolerance))
    if isinstance(found.group, PointGroup):
        translations = found.center - found.group.matrices @ found.center
    else:
        translations = np.zeros((len(found.permutations), 3))
    return Detected(
        structure=structure,
        group=found.group,
        permutations=_frozen(found.permutations),
        translations=_frozen(translations),
        center=_frozen(found.center),
        pure_translations=_frozen(np.arange(len(structure))[None]),
        space_group=None,
        ambient=None,
        tolerance=float(tolerance),
        deviation=found.deviation,
        ambiguous=found.alternative is not None,
        alternative=found.alternative,
    )


def _crystal(structure: Structure, tolerance: float, cell: np.ndarray | None, origin: str | None) -> Detected:
    found = crystal_symmetry(structure, tolerance)
    if cell is not None:
        return _in_supercell(structure, found, tolerance, cell, origin)
    if len(found.pure_translations) > 1:
        try:
            return _in_supercell(structure, found, tolerance, np.eye(3, dtype=np.int64), origin)
        except SearchLimitError:
            pass  # the point group says what can be said of so many cells
    if origin is not None:
        raise DetectionError(
            "origin names the atom that labels of wave vectors refer to, which a crystal without a supercell does not have; "
            "give supercell too (1 takes the cell as it is), or leave origin out"
        )
    return _modulo_lattice(structure, found, tolerance)


def _modulo_lattice(structure: Structure, found: CrystalSymmetry, tolerance: float) -> Detected:
    alternative = _alternative(structure, found, tolerance)
    return Detected(
        structure=structure,
        group=found.group,
        permutations=_frozen(found.permutations),
        translations=_frozen(found.translations),
        center=_frozen(np.zeros(3)),
        pure_translations=_frozen(found.pure_translations),
        space_group=found.space_group,
        ambient=found.holohedry,
        tolerance=float(tolerance),
        deviation=found.deviation,
        ambiguous=alternative is not None,
        alternative=alternative,
    )


def _in_supercell(
    structure: Structure, found: CrystalSymmetry, tolerance: float, cell: np.ndarray, origin: str | None
) -> Detected:
    if structure.layer:
        cell = _of_layer(cell)
    full, group, operations, supercell = supercell_group(structure, found, cell, origin, child_symbol)
    alternative = _alternative(structure, found, tolerance)
    return Detected(
        structure=full,
        group=group,
        permutations=operations.permutations,
        translations=operations.translations,
        center=_frozen(np.zeros(3)),
        pure_translations=operations.permutations[: supercell.translations],
        space_group=found.space_group,
        ambient=found.holohedry,
        tolerance=float(tolerance),
        deviation=found.deviation,
        ambiguous=alternative is not None,
        alternative=alternative,
        operations=operations,
        supercell=supercell,
    )


def _of_layer(cell: np.ndarray) -> np.ndarray:
    """A multiple of a layer's cell: the third vector is no period, so that it stays as it is."""
    if cell[2, :2].any() or cell[:2, 2].any():
        raise DetectionError(
            f"the supercell {cell.tolist()} of a layer mixes its periods with its normal; give a matrix whose third row and "
            "column are (0, 0, 1)"
        )
    kept = cell.copy()
    kept[2, 2] = 1
    return kept


def _alternative(structure: Structure, found: CrystalSymmetry, tolerance: float) -> str | None:
    """Another space group that a slightly larger tolerance finds, if any."""
    larger = _larger_tolerance(structure, tolerance)
    if larger <= tolerance or _is_largest(found):
        return None
    try:
        other, point_symbol = space_group_of(found.primitive, larger)
    except DetectionError:
        return None  # nothing is found at the larger tolerance, so it offers no other answer
    if other.number == found.space_group.number:
        return None
    return f"{other.symbol} (point group {point_symbol})"


def _is_largest(found: CrystalSymmetry) -> bool:
    """No larger space group can hold this one: the point group is in no other one, and an element that occurs once in
    the primitive cell allows no further translation."""
    _, counts = np.unique(found.primitive.numbers, return_counts=True)
    return found.group.symbol in ("Oh", "D6h") and bool((counts == 1).any())


def _larger_tolerance(structure: Structure, tolerance: float) -> float:
    """The tolerance that an unambiguous answer must survive: the given one itself when atoms are too close
    for a larger."""
    return max(tolerance, min(AMBIGUITY_FACTOR * tolerance, NEAREST_FRACTION * structure.shortest_distance))


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array
