"""The representation of S on displacements of the sites of a structure: permutation ⊗ vector.

The representation is a direct sum over the orbits of the sites, so no matrix is larger than three times the
longest orbit (at most the order of the group), whatever the number of sites. Where S is a point group, displacements are
those that repeat in every primitive cell: copies of a site under the translations inside a given cell move
together. Where it is the space group modulo a supercell, they are all those of the supercell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sbs.groups import FiniteGroup, PointGroup, PointGroupSymbol, Subgroup
from sbs.groups.abstract.characters import character_table
from sbs.groups.point.mulliken import name_irreps
from sbs.groups.point.pointgroups import point_group
from sbs.query import resolve_target as of_point_group
from sbs.structures.detected import Detected

__all__ = [
    "RealIrrep",
    "SiteOrbit",
    "changes",
    "finite_group",
    "move",
    "point_group_irreps",
    "resolve_target",
    "rigid_motions",
    "site_orbits",
    "strain_matrices",
]

# Rigid motions whose singular value is below this fraction of the largest are none (rotations about the line of the atoms).
RIGID = 1e-8
# Array entries handled at a time when every element acts on a displacement: some tens of MB.
CHUNK = 2_000_000
#: Orthonormal basis (6, 3, 3) of the symmetric matrices in the Frobenius product.
STRAIN_BASIS = np.zeros((6, 3, 3))
for _k, (_i, _j) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
    STRAIN_BASIS[_k, _i, _j] = STRAIN_BASIS[_k, _j, _i] = 1.0 if _i == _j else np.sqrt(0.5)
STRAIN_BASIS.setflags(write=False)


@dataclass(frozen=True, eq=False)
class SiteOrbit:
    """Sites that the group carries into one another.

    Attributes:
        copies: int (k, m), the sites of the given cell: k places in the primitive cell, m translated copies
            of each.
        permutations: int (order, k), how the group permutes the k places.
    """

    copies: NDArray[np.int64]
    permutations: NDArray[np.int64]

    def mean(self, matrices: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum over elements of ``weights[g] D(g)``, float64 (3k, 3k), for D the representation on the displacements of
        the k places, (x, y, z) of each in turn.

        D(g) itself is a permutation of the places that turns their displacements; it is never built, so that groups of
        thousands of elements cost no more memory than the result.

        Args:
            matrices: float64 (order, 3, 3). weights: float64 (order,).
        """
        count = self.permutations.shape[1]
        used = np.flatnonzero(weights)
        total = np.zeros((count, count, 3, 3))
        blocks = weights[used, None, None] * matrices[used]
        for place in range(count):
            np.add.at(total[:, place], self.permutations[used, place], blocks)
        return total.transpose(0, 2, 1, 3).reshape(3 * count, 3 * count)

    def spread(self, vectors: NDArray[np.float64], num_sites: int) -> NDArray[np.float64]:
        """Displacement patterns (p, num_sites, 3) of unit norm from unit vectors (p, 3k) on the places."""
        patterns = np.zeros((len(vectors), num_sites, 3))
        places, copies = self.copies.shape
        patterns[:, self.copies] = vectors.reshape(len(vectors), places, 1, 3) / np.sqrt(copies)
        return patterns


@dataclass(frozen=True, eq=False)
class RealIrrep:
    """An irreducible representation over the real numbers.

    Attributes:
        name: Mulliken name, e.g. ``"T1u"``.
        weights: float64 (order,); the sum of ``weights[g] D(g)`` projects onto its isotypic component.
        trivial: whether every element acts as 1.
        dimension: over the real numbers.
    """

    name: str
    weights: NDArray[np.float64]
    trivial: bool
    dimension: int


def site_orbits(detected: Detected) -> tuple[SiteOrbit, ...]:
    """The orbits of the sites under a finite S, by their first site; of a point group modulo the translations inside the cell."""
    pure = detected.pure_translations if detected.supercell is None else np.arange(len(detected.structure))[None]
    first = np.unique(pure.min(axis=0))  # one site for each set of translated copies
    number = np.empty(len(detected.structure), dtype=np.int64)
    number[pure[:, first]] = np.arange(len(first))
    moves = number[detected.permutations[:, first]]
    orbits = []
    for place in np.unique(moves.min(axis=0)):
        members = np.unique(moves[:, place])
        local = np.searchsorted(members, moves[:, members])
        orbits.append(SiteOrbit(pure[:, first[members]].T.copy(), local))
    return tuple(orbits)


def move(detected: Detected, element: int, displacement: NDArray[np.float64]) -> NDArray[np.float64]:
    """A displacement (num_sites, 3) carried along by one element of the group."""
    moved = np.empty_like(displacement)
    moved[detected.permutations[element]] = displacement @ detected.matrices[element].T
    return moved


def changes(
    detected: Detected, displacement: NDArray[np.float64], strain: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far every element of the group carries a displacement and a strain from themselves.

    Args:
        displacement: float64 (num_sites, 3), Å. strain: float64 (3, 3).

    Returns:
        float64 (order,), Å, the largest difference of a site's displacement; float64 (order,), the Frobenius norm of the
        difference of the strain.
    """
    permutations, matrices = detected.permutations, detected.matrices
    off = np.empty(len(permutations))
    step = max(1, CHUNK // max(1, displacement.size))
    for start in range(0, len(permutations), step):
        part = slice(start, start + step)
        turned = np.einsum("gij,nj->gni", matrices[part], displacement, optimize=True)
        off[part] = np.linalg.norm(turned - displacement[permutations[part]], axis=2).max(axis=1)
    turned = matrices @ strain @ matrices.transpose(0, 2, 1)
    return off, np.linalg.norm(turned - strain, axis=(1, 2))


def strain_matrices(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthogonal matrices (order, 6, 6) of R ε R^T on the coordinates of ε in ``STRAIN_BASIS``."""
    turned = np.einsum("gij,bjk,glk->gbil", matrices, STRAIN_BASIS, matrices, optimize=True)
    return np.einsum("ail,gbil->gab", STRAIN_BASIS, turned, optimize=True)


@lru_cache(maxsize=64)
def point_group_irreps(family: PointGroupSymbol) -> tuple[RealIrrep, ...]:
    """The real irreducible representations of a point group, elements in the library's order."""
    group = point_group(family)
    assert isinstance(group, PointGroup)
    table = character_table(group)
    irreps = []
    for named in name_irreps(family, group.matrices, group.class_of, table):
        members = list(named.members)
        characters = (
            (table.dimensions[members, None] * table.values[members]).sum(axis=0).real[group.class_of]
        )
        trivial = bool(named.dimension == 1 and np.abs(characters - 1).max() < 0.5)
        irreps.append(RealIrrep(named.name, characters / group.order, trivial, named.dimension))
    return tuple(irreps)


def rigid_motions(parent: Detected) -> NDArray[np.float64]:
    """Orthonormal translations, and for a molecule infinitesimal rotations about its centre: (r, num_sites, 3)."""
    count = len(parent.structure)
    modes = [np.tile(axis, (count, 1)) for axis in np.eye(3)]
    if not parent.structure.periodic:
        # averaged over the group, so that the rotations are one of its representations whatever the noise
        points = parent.structure.positions - parent.center
        arms = np.einsum("gji,gnj->ni", parent.matrices, points[parent.permutations]) / len(parent.matrices)
        modes += [np.cross(axis, arms) for axis in np.eye(3)]
    _, sizes, right = np.linalg.svd(np.array(modes).reshape(len(modes), -1), full_matrices=False)
    return right[sizes > RIGID * sizes[0]].reshape(-1, count, 3)


def finite_group(detected: Detected) -> PointGroup | FiniteGroup:
    """S where it is finite: a point group, or the space group modulo a supercell.

    Raises:
        DetectionError: S is infinite.
    """
    if detected.supercell is None:
        return detected.point_group()
    assert isinstance(detected.group, FiniteGroup)
    return detected.group


def resolve_target(detected: Detected, target: object) -> Subgroup:
    """K as a subgroup of a finite S: a label or symbol, a Subgroup of S, a class of subgroups, a point group or matrices in the
    frame of S; in a supercell a row of ``sbs.isotropy`` or its label, and point groups that keep every translation.

    Raises:
        AmbiguousTargetError, UnknownGroupError, NotASubgroupError: as ``sbs.minimal_set`` does.
    """
    if detected.supercell is not None:
        kept = detected.resolve_target(target)
    else:
        kept = of_point_group(detected.point_group(), getattr(target, "representative", target))
    assert isinstance(kept, Subgroup)  # a finite group has finite subgroups
    return kept
