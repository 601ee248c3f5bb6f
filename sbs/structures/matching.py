"""Lay a distorted structure onto its symmetric parent: cell, orientation, origin and atoms.

The distortion is what is left: a symmetric strain ε and displacements u, with ``x' = (1 + ε) x + u`` in the
parent's frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.structures.inputs import Structure, element, minimum_image
from sbs.structures.lattice import reduced_basis
from sbs.structures.orient import polar
from sbs.structures.pointset import isometries

__all__ = ["MAX_STRAIN", "Match", "match_crystals", "match_molecules", "matching_cells"]

#: Largest strain (Frobenius norm) that still counts as a distortion of the parent's lattice; ferroelastic
#: strains are a few percent, and beyond this cells of different shape begin to look alike.
MAX_STRAIN = 0.2
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


def match_crystals(parent: Structure, child: Structure, max_displacement: float) -> Match:
    """The child of equal cell size as a distortion of the parent.

    Raises:
        DetectionError: the lattices differ by more than ``MAX_STRAIN``, or an atom is off by more than
            ``max_displacement`` Å; the message names the atom that is off most.
    """
    assert parent.lattice is not None and child.lattice is not None
    own, other = reduced_basis(parent.lattice), reduced_basis(child.lattice)
    cells = matching_cells(own, other, 1)
    if not cells:
        raise DetectionError(
            f"the child's lattice {_lengths(other)} is no distortion of the parent's {_lengths(own)}: no way "
            f"to lay one on the other has a strain below {MAX_STRAIN:g}; give two structures that differ by "
            "a small distortion"
        )
    fractional = child.positions @ np.linalg.inv(other)
    size = abs(float(np.linalg.det(own))) ** (1 / 3)
    best: tuple[tuple[float, float], Match] | None = None
    for matrix, strain, rotation in cells:
        if np.linalg.norm(strain) > np.linalg.norm(cells[0][1]) + STRAIN_WINDOW:
            break
        found = _assign(parent, child.numbers, fractional @ (matrix @ own))
        if found is None:
            continue
        sites, shift = found
        match = Match(sites, shift @ (np.eye(3) + strain), strain, rotation)
        total = match.score + size * float(np.linalg.norm(strain))
        key = (round(total / SAME_SCORE), -round(float(np.trace(rotation)), 6))
        if best is None or key < best[0]:
            best = (key, match)
    if best is None:
        raise DetectionError("the child's atoms cannot be laid onto the parent's sites one to one")
    _check(parent, best[1], max_displacement)
    return best[1]


def matching_cells(
    basis: NDArray[np.float64], child: NDArray[np.float64], multiple: int
) -> list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]:
    """Ways to lay a child's cell (3, 3) on ``multiple`` cells of a lattice: (integer matrix, strain,
    rotation) each.

    ``child ≈ matrix @ basis @ (1 + strain) @ rotation``, rotation.T taking the child's frame to the
    parent's; by rising strain, all with a strain of at most ``MAX_STRAIN``.
    """
    reach = 2 if multiple == 1 else 3
    coefficients = np.array(list(np.ndindex(*(2 * reach + 1,) * 3))) - reach
    vectors = coefficients @ basis
    lengths = np.linalg.norm(vectors, axis=1)
    images = []
    for row in child:
        length = float(np.linalg.norm(row))
        images.append(np.flatnonzero(np.abs(lengths - length) <= MAX_STRAIN * length))
    i, j, k = (index.ravel() for index in np.meshgrid(*images, indexing="ij"))
    matrices = coefficients[np.stack([i, j, k], axis=1)]
    matrices = matrices[np.abs(np.round(np.linalg.det(matrices))) == multiple]
    maps = np.linalg.inv(matrices @ basis) @ child
    matrices, maps = matrices[np.linalg.det(maps) > 0], maps[np.linalg.det(maps) > 0]
    rotations = polar(maps)
    strains = maps @ rotations.transpose(0, 2, 1) - np.eye(3)
    sizes = np.linalg.norm(strains, axis=(1, 2))
    # among equally good ways the one with the largest entries comes first: fewest signs to read
    order = np.lexsort((*-matrices.reshape(-1, 9).T[::-1], sizes.round(9)))
    order = order[sizes[order] <= MAX_STRAIN]
    return [(matrices[n], (strains[n] + strains[n].T) / 2, rotations[n].T) for n in order]


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
            _check(parent, best, max_displacement)
            return best
    raise DetectionError(
        "the child is no distortion of the parent: there is no way to lay its atoms on those of the parent "
        f"one to one even within {WIDER[-1] * max_displacement:.2f} Å; give two geometries of one molecule"
    )


def _assign(
    parent: Structure, labels: NDArray[np.int64], positions: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Which atom (of those with ``labels`` at ``positions``) sits on each site of the parent, and the
    displacements without
    mean: the origin that makes them smallest. None if no origin gives a one-to-one assignment."""
    kinds, counts = np.unique(labels, return_counts=True)
    rare = kinds[np.argmin(counts)]
    anchor = positions[np.flatnonzero(labels == rare)[0]]
    best: tuple[float, NDArray[np.int64], NDArray[np.float64]] | None = None
    for site in parent.positions[parent.numbers == rare]:
        shift = site - anchor
        for _ in range(ROUNDS):
            sites = np.empty(len(labels), dtype=np.int64)
            displacement = np.empty_like(positions)
            for kind in kinds:
                places, atoms = np.flatnonzero(parent.numbers == kind), np.flatnonzero(labels == kind)
                away = minimum_image(
                    positions[atoms][None] + shift - parent.positions[places][:, None], parent.lattice
                )
                nearest = np.einsum("ijk,ijk->ij", away, away).argmin(axis=1)
                sites[places] = atoms[nearest]
                displacement[places] = away[np.arange(len(places)), nearest]
            mean = displacement.mean(axis=0)
            displacement -= mean
            shift = shift - mean
            if np.linalg.norm(mean) < SAME_SCORE:
                break
        if len(np.unique(sites)) < len(sites):
            continue
        score = float((displacement**2).sum())
        if best is None or score < best[0] - SAME_SCORE:
            best = (score, sites, displacement)
    return None if best is None else best[1:]


def _check(parent: Structure, match: Match, max_displacement: float) -> None:
    sizes = np.linalg.norm(match.displacement, axis=1)
    worst = int(sizes.argmax())
    if sizes[worst] > max_displacement:
        raise DetectionError(
            f"the child is no distortion of the parent: its atom {match.sites[worst]} "
            f"({element(int(parent.numbers[worst]))}) is {sizes[worst]:.2f} Å off site {worst} of the "
            f"parent, more than {max_displacement:.2f} Å; give two structures with the same arrangement of "
            "atoms, or a larger max_displacement"
        )


def _lengths(basis: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{length:.3f}" for length in np.linalg.norm(basis, axis=1)) + " Å)"
