"""Lay a distorted structure onto its symmetric parent: cell, orientation, origin and atoms.

The distortion is what is left: a symmetric strain ε and displacements u, with ``x' = (1 + ε) x + u`` in the
parent's frame. A crystal is laid on the parent's primitive lattice: each atom of the child meets a site of the primitive cell
and an integer vector, whatever the cell that the child is given in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.structures.commensurate import MAX_STRAIN, LaidCell, matching_cells
from sbs.structures.inputs import Structure, element
from sbs.structures.integer_lattices import Quotient
from sbs.structures.lattice import reduced_basis
from sbs.structures.neighbours import closest_pair, nearest_sites
from sbs.structures.pointset import isometries
from sbs.structures.supercell import PrimitiveCrystal

__all__ = ["CrystalMatch", "Match", "match_crystals", "match_linear", "match_molecules"]

# Ways to lay the child's cell onto the parent's whose strain exceeds the least one by more than this are not
# tried.
STRAIN_WINDOW = 0.05
# Scores (Å) that differ by less are equal; then the child is turned as little as possible.
SAME_SCORE = 1e-6
# A molecule that is no distortion within the limit is laid on its parent within these multiples of it, for
# the message.
WIDER = (2, 4)
# Assigning atoms and centring the displacements alternate this often.
ROUNDS = 4


@dataclass(frozen=True, eq=False)
class CrystalMatch:
    """A distorted crystal on the primitive lattice of its parent.

    Attributes:
        sites: int (n,), for each atom of the child the site of the parent's primitive cell.
        places: int (n, 3), the primitive cell that it lies in.
        displacement: float64 (n, 3), Å, of each atom in the frame of the strained parent, without a mean.
        strain: float64 (3, 3), symmetric.
        rotation: proper (3, 3), from the child's frame to the parent's.
        shift: float64 (3,), Å: the child, turned, is shifted by this.
        lattice: int (3, 3), the child's primitive lattice on that of the parent, rows.
        given: int (3, 3), the cell of the child that was given, likewise.
    """

    sites: NDArray[np.int64]
    places: NDArray[np.int64]
    displacement: NDArray[np.float64]
    strain: NDArray[np.float64]
    rotation: NDArray[np.float64]
    shift: NDArray[np.float64]
    lattice: NDArray[np.int64]
    given: NDArray[np.int64]

    @property
    def largest(self) -> float:
        """The largest displacement, Å."""
        return float(np.linalg.norm(self.displacement, axis=1).max())

    @property
    def score(self) -> float:
        """Root mean square displacement, Å."""
        return float(np.sqrt((self.displacement**2).sum(axis=1).mean()))


@dataclass(frozen=True, eq=False)
class Match:
    """A distorted structure in the frame of its parent.

    Attributes:
        sites: int (n,), the atom of the child that each site of the parent has become.
        displacement: float64 (n, 3), Å, without a mean.
        strain: float64 (3, 3), symmetric, zero for molecules.
        rotation: proper (3, 3), from the child's frame to the parent's.
    """

    sites: NDArray[np.int64]
    displacement: NDArray[np.float64]
    strain: NDArray[np.float64]
    rotation: NDArray[np.float64]

    @property
    def largest(self) -> float:
        """The largest displacement, Å."""
        return float(np.linalg.norm(self.displacement, axis=1).max())

    @property
    def score(self) -> float:
        """Root mean square displacement, Å."""
        return float(np.sqrt((self.displacement**2).sum(axis=1).mean()))


def match_crystals(
    parent: PrimitiveCrystal, child: Structure, primitive_child: NDArray[np.float64], max_displacement: float
) -> CrystalMatch:
    """The child as a distortion of the parent, whatever its cell, orientation, origin and order of atoms.

    Args:
        parent: on its primitive lattice.
        child: in the cell that it was given in.
        primitive_child: float64 (3, 3), its primitive lattice, rows; a multiple of the parent's.
        max_displacement: Å.

    Raises:
        DetectionError: the lattices differ by more than ``MAX_STRAIN``, or an atom is off by more than
            ``max_displacement`` Å; the message names the atom that is off most.
    """
    own, other = parent.basis, reduced_basis(primitive_child)
    assert child.lattice is not None
    if child.layer:  # the stand-in for the third period is the third row
        other = np.roll(other, 2 - int(np.abs(other @ child.lattice[2]).argmax()), axis=0)
    cells = round(abs(float(np.linalg.det(child.lattice) / np.linalg.det(other))))
    multiple = round(len(child) / cells / len(parent.numbers))
    fractional = child.positions @ np.linalg.inv(other)
    given = np.round(child.lattice @ np.linalg.inv(other)).astype(np.int64)
    size = abs(float(np.linalg.det(own))) ** (1 / 3)
    actions = parent.rotations.transpose(0, 2, 1)
    best: tuple[float, CrystalMatch] | None = None
    for ways in matching_cells(own, other, multiple, actions, child.layer):
        for way in ways:
            if best is not None and np.linalg.norm(way.strain) > np.linalg.norm(best[1].strain) + STRAIN_WINDOW:
                break
            match = _assign(parent, child.numbers, fractional, way, given @ way.matrix)
            if match is None:
                continue
            total = match.score + size * float(np.linalg.norm(way.strain))
            if best is None or total < best[0] - SAME_SCORE:
                best = (total, match)
        if best is not None and best[1].largest <= max_displacement:
            break
    else:
        if best is None:
            raise DetectionError(
                f"the child's lattice {_lengths(other)} is no distortion of {multiple if multiple > 1 else 'the'} "
                f"{'cells of the ' if multiple > 1 else ''}parent's {_lengths(own)}: no way to lay its atoms on the parent's "
                f"sites has a strain below {MAX_STRAIN:g}; give two structures that differ by a small distortion"
            )
    assert best is not None
    _check(parent.numbers, best[1], max_displacement)
    return best[1]


def match_molecules(parent: Structure, child: Structure, max_displacement: float) -> Match:
    """The child as a distortion of the parent molecule, turned (not reflected) and centred onto it.

    Raises:
        DetectionError: no assignment of the atoms keeps every displacement within ``max_displacement`` Å.
    """
    own = parent.positions - parent.positions.mean(axis=0)
    other = child.positions - child.positions.mean(axis=0)
    for reach in (1, *WIDER):  # beyond the limit only to say which atom is off
        found = isometries(own, parent.numbers, other, child.numbers, reach * max_displacement)
        matches = []
        for number in np.flatnonzero(np.linalg.det(found.matrices) > 0):
            turn, sites = found.matrices[number].T, found.permutations[number]
            matches.append(Match(sites, other[sites] @ turn.T - own, np.zeros((3, 3)), turn))
        if matches:
            best = min(
                matches, key=lambda m: (round(m.score / SAME_SCORE), -round(float(np.trace(m.rotation)), 6))
            )
            site = int(np.linalg.norm(best.displacement, axis=1).argmax())
            if best.largest > max_displacement:
                label = int(parent.numbers[site])
                raise DetectionError(_off(int(best.sites[site]), label, best.largest, site, max_displacement))
            return best
    raise DetectionError(
        "the child is no distortion of the parent: there is no way to lay its atoms on those of the parent "
        f"one to one even within {WIDER[-1] * max_displacement:.2f} Å; give two geometries of one molecule"
    )


def match_linear(
    parent: Structure, axis: NDArray[np.float64], child: Structure, max_displacement: float
) -> Match:
    """The child as a distortion of a linear molecule, turned, not reflected, and centred onto it.

    The atoms follow one another along the line as in the parent. The turn about the line is that which keeps the child
    nearest to where it was.

    Args:
        axis: unit vector float64 (3,) along the parent's line.

    Raises:
        DetectionError: no assignment of the atoms keeps every displacement within ``max_displacement`` Å.
    """
    own = parent.positions - parent.positions.mean(axis=0)
    other = child.positions - child.positions.mean(axis=0)
    line = np.linalg.svd(other)[2][0]
    places = np.argsort(own @ axis, kind="stable")
    best: Match | None = None
    for direction in (line, -line):
        atoms = np.argsort(other @ direction, kind="stable")
        if (child.numbers[atoms] != parent.numbers[places]).any():
            continue
        sites = np.empty_like(atoms)
        sites[places] = atoms
        # the smallest turn that carries the child's line to the parent's, then the line of least squares
        turn = _least_turn(direction, axis)
        lever = np.einsum("n,ni->i", own @ axis, other[sites] @ turn.T)
        turn = _least_turn(lever / np.linalg.norm(lever), axis) @ turn
        match = Match(sites, other[sites] @ turn.T - own, np.zeros((3, 3)), turn)
        if best is None or (round(match.score / SAME_SCORE), -np.trace(turn)) < (
            round(best.score / SAME_SCORE),
            -np.trace(best.rotation),
        ):
            best = match
    if best is None:
        raise DetectionError(
            "the child is no distortion of the linear parent: its atoms do not follow one another along a line as the parent's "
            "do; give two geometries of one molecule"
        )
    site = int(np.linalg.norm(best.displacement, axis=1).argmax())
    if best.largest > max_displacement:
        label = int(parent.numbers[site])
        raise DetectionError(_off(int(best.sites[site]), label, best.largest, site, max_displacement))
    return best


def _least_turn(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation (3, 3) of least angle that carries one unit vector to another."""
    cosine = float(start @ end)
    if cosine < -1 + SAME_SCORE:  # half a turn about any direction across
        across = np.linalg.svd(start[None])[2][2]
        return np.asarray(2 * np.outer(across, across) - np.eye(3))
    x, y, z = np.cross(start, end)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + cross + cross @ cross / (1 + cosine)


def _assign(
    parent: PrimitiveCrystal,
    labels: NDArray[np.int64],
    fractional: NDArray[np.float64],
    way: LaidCell,
    given: NDArray[np.int64],
) -> CrystalMatch | None:
    """Which site of the parent each atom of the child sits on, with the origin that makes the displacements smallest; None if
    no origin gives a one-to-one assignment.

    Args:
        labels: int (n,), of the child's atoms. fractional: float64 (n, 3), on its primitive cell.
        way: how that cell lies on the parent's lattice. given: int (3, 3), the cell that the atoms fill.
    """
    basis = parent.basis
    sites = parent.positions @ basis
    positions = fractional @ (way.matrix @ basis)
    quotient = Quotient(given)
    kinds, counts = np.unique(parent.numbers, return_counts=True)
    rare = kinds[np.argmin(counts)]
    anchor = positions[np.flatnonzero(labels == rare)[0]]
    radius = min(float(np.linalg.norm(basis, axis=1).min()), _spacing(parent))
    stretch = np.eye(3) + way.strain
    best: CrystalMatch | None = None
    for site in sites[parent.numbers == rare]:
        shift = site - anchor
        for _ in range(ROUNDS):
            met, vectors = nearest_sites(sites, parent.numbers, positions + shift, labels, basis, radius)
            mean = vectors.mean(axis=0)
            shift = shift - mean
            if np.linalg.norm(mean) < SAME_SCORE * SAME_SCORE:
                break
        if (met < 0).any():
            continue
        vectors = vectors - mean
        places = (positions + shift - vectors - sites[met]) @ np.linalg.inv(basis)
        places = np.round(places).astype(np.int64)
        if len(np.unique(met * quotient.order + quotient.number(places))) < len(met):
            continue
        match = CrystalMatch(
            met, places, vectors @ stretch, way.strain, way.rotation, shift @ stretch, way.matrix, given
        )
        if best is None or match.score < best.score - SAME_SCORE:
            best = match
    return best


def _spacing(parent: PrimitiveCrystal) -> float:
    """The shortest distance between two sites, Å, infinite for a single one in the cell."""
    return closest_pair(parent.positions @ parent.basis, parent.basis)[0]


def _check(numbers: NDArray[np.int64], match: CrystalMatch, max_displacement: float) -> None:
    sizes = np.linalg.norm(match.displacement, axis=1)
    worst = int(sizes.argmax())
    if sizes[worst] > max_displacement:
        site = int(match.sites[worst])
        raise DetectionError(_off(worst, int(numbers[site]), float(sizes[worst]), site, max_displacement))


def _off(atom: int, number: int, distance: float, site: int, limit: float) -> str:
    return (
        f"the child is no distortion of the parent: its atom {atom} ({element(number)}) is {distance:.2f} Å off site {site} of "
        f"the parent, more than {limit:.2f} Å; give two structures with the same arrangement of atoms, or a larger "
        "max_displacement"
    )


def _lengths(basis: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{length:.3f}" for length in np.linalg.norm(basis, axis=1)) + " Å)"
