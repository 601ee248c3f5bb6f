"""A parent in the least supercell that holds its child's cell, and the child on the sites of that cell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.structures.commensurate import common_sublattice
from sbs.structures.crystal import crystal_symmetry, primitive_cell
from sbs.structures.detected import Detected
from sbs.structures.detection import detect
from sbs.structures.inputs import Structure
from sbs.structures.integer_lattices import Quotient
from sbs.structures.lattice import diagonal_or_reduced
from sbs.structures.matching import CrystalMatch, Match, match_crystals
from sbs.structures.sites import move
from sbs.structures.supercell import parse_supercell, primitive_crystal

__all__ = ["SAME_TURN", "check_composition", "lay_crystals"]

#: Turns and shifts that differ by less are equal when the child is turned and shifted as little as possible.
SAME_TURN = 1e-6


def lay_crystals(
    own: Structure, other: Structure, tolerance: float, limit: float, supercell: Any
) -> tuple[Detected, Match]:
    """S of the parent, in the least supercell that holds the child's cell, and the child laid on its sites."""
    found = crystal_symmetry(own, tolerance)
    crystal, site_of, place_of = primitive_crystal(own, found)
    if own.layer:
        other = _of_height(other, crystal.basis[2])
    reduced = primitive_cell(other, tolerance)
    assert own.lattice is not None and other.lattice is not None and reduced.lattice is not None
    check_composition(replace(own, positions=crystal.positions @ crystal.basis, numbers=crystal.numbers), reduced)
    multiple = np.round(other.lattice @ np.linalg.inv(reduced.lattice))
    exact = np.linalg.inv(multiple) @ other.lattice  # spglib measures the primitive lattice to within the tolerance
    try:
        laid = match_crystals(crystal, other, exact, limit)
    except DetectionError as error:
        if (np.linalg.det(crystal.rotations) < 0).any():
            raise
        try:
            match_crystals(crystal, replace(other, positions=-other.positions), exact, limit)
        except DetectionError:
            raise error from None
        raise DetectionError(
            "the mirror image of the child is a distortion of the parent, the child itself is not: the parent is chiral, and the "
            "two are of opposite hands; give the child of the parent's hand"
        ) from error
    actions = crystal.rotations.transpose(0, 2, 1)
    given = np.round(own.lattice @ np.linalg.inv(crystal.basis)).astype(np.int64)
    if supercell is not None:
        cell = parse_supercell(supercell)
        steps = cell @ given @ np.linalg.inv(laid.lattice)
        if np.abs(steps - np.round(steps)).max() > 1e-6:
            raise DetectionError(
                f"the supercell {cell.tolist()} does not hold the child's cell, whose rows on the parent's primitive lattice "
                f"are {laid.lattice.tolist()}; leave supercell out for the least one that does"
            )
    else:
        common = common_sublattice(laid.lattice, given, actions=actions)
        cell = diagonal_or_reduced(np.round(common @ np.linalg.inv(given)).astype(np.int64), own.lattice)
    # The given cell may be so large that only the point group can be had; it is enough if the child keeps all translations.
    enough = supercell is None and len(reduced) == len(crystal.numbers) and np.array_equal(cell, np.eye(3))
    detected = detect(own, tolerance, periodic=True, supercell=None if enough else cell)
    if detected.supercell is not None:
        site_of, place_of = detected.supercell.site_of, detected.supercell.place_of
    return detected, _placed(detected, laid, site_of, place_of, crystal.basis)


def _of_height(layer: Structure, third: NDArray[np.float64]) -> Structure:
    """A layer whose stand-in for the third period is as long as another one's."""
    assert layer.lattice is not None
    lattice = layer.lattice.copy()
    lattice[2] *= np.linalg.norm(third) / np.linalg.norm(lattice[2])
    return replace(layer, lattice=lattice)


def _placed(
    detected: Detected,
    laid: CrystalMatch,
    site_of: NDArray[np.int64],
    place_of: NDArray[np.int64],
    basis: NDArray[np.float64],
) -> Match:
    """The child on the sites of the parent's cell, taken for the domain state that turns and shifts it least."""
    quotient = Quotient(laid.lattice)
    keys = laid.sites * quotient.order + quotient.number(laid.places)
    wanted = site_of * quotient.order + quotient.number(place_of)
    order = np.argsort(keys, kind="stable")
    first = np.searchsorted(keys[order], wanted, "left")
    copies = np.bincount(keys)  # atoms of a cell that is not primitive stand for one site: their displacements are averaged
    mean = np.stack([np.bincount(keys, laid.displacement[:, k]) for k in range(3)], axis=1)
    displacement = mean[wanted] / copies[wanted][:, None]
    atoms = order[first]

    turns = detected.matrices @ laid.rotation
    scores = np.trace(turns, axis1=1, axis2=2)
    scores[np.linalg.det(detected.matrices) < 0] = -np.inf
    best = np.flatnonzero(scores >= scores.max() - SAME_TURN)
    if detected.supercell is not None:
        shifts = (detected.matrices[best] @ laid.shift + detected.translations[best]) @ np.linalg.inv(
            np.asarray(detected.structure.lattice)
        )
        sizes = np.linalg.norm((shifts - np.round(shifts)) @ np.asarray(detected.structure.lattice), axis=1)
        best = best[sizes <= sizes.min() + SAME_TURN]
    element = int(best[0])
    turn, places = detected.matrices[element], detected.permutations[element]
    sites = np.empty_like(atoms)
    sites[places] = atoms
    strain = turn @ laid.strain @ turn.T
    return Match(sites, move(detected, element, displacement), strain, turn @ laid.rotation)


def check_composition(parent: Structure, child: Structure) -> None:
    """Compare primitive cells, or molecules."""
    kinds, counts = np.unique(parent.numbers, return_counts=True)
    others, amounts = np.unique(child.numbers, return_counts=True)
    if not np.array_equal(kinds, others):
        raise DetectionError(
            f"the parent is {parent.formula}, the child {child.formula}; expected the same elements"
        )
    ratio = amounts / counts
    if (ratio != ratio[0]).any() or (ratio[0] != 1 and not parent.periodic):
        raise DetectionError(
            f"the parent is {parent.formula}, the child {child.formula}; expected the same composition"
        )
    if ratio[0] < 1 or ratio[0] != round(ratio[0]):
        raise DetectionError(
            f"the child's primitive cell holds {len(child)} atoms, the parent's {len(parent)}; expected "
            "a multiple of the parent's: is the child the more symmetric of the two? Then exchange them"
        )
