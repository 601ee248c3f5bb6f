"""The representation of a point group on displacements of the sites of a structure: permutation ⊗ vector.

The representation is a direct sum over the orbits of the sites, so no matrix is larger than three times the
longest orbit (at most the order of the group), whatever the number of sites. Displacements are those that
repeat in every primitive cell: copies of a site under the translations inside a given cell move together.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, NotASubgroupError
from sbs.groups import PointGroup, PointGroupSymbol, Subgroup
from sbs.groups.abstract.characters import character_table
from sbs.groups.point.mulliken import name_irreps
from sbs.groups.point.pointgroups import point_group
from sbs.structures.detected import Detected

__all__ = [
    "RealIrrep",
    "SiteOrbit",
    "move",
    "real_irreps",
    "resolve_target",
    "site_orbits",
    "strain_matrices",
]

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

    def representation(self, matrices: NDArray[np.float64]) -> NDArray[np.float64]:
        """Orthogonal matrices (order, 3k, 3k) on the displacements of the k places, (x, y, z) of each in
        turn."""
        order, count = self.permutations.shape
        rep = np.zeros((order, count, 3, count, 3))
        element, place = np.ogrid[:order, :count]
        rep[element, self.permutations, :, place, :] = matrices[:, None]
        return rep.reshape(order, 3 * count, 3 * count)

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
    """The orbits of the sites under the finite point group, by their first site."""
    pure = detected.pure_translations
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


def strain_matrices(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthogonal matrices (order, 6, 6) of R ε R^T on the coordinates of ε in ``STRAIN_BASIS``."""
    turned = np.einsum("gij,bjk,glk->gbil", matrices, STRAIN_BASIS, matrices, optimize=True)
    return np.einsum("ail,gbil->gab", STRAIN_BASIS, turned, optimize=True)


@lru_cache(maxsize=64)
def real_irreps(family: PointGroupSymbol) -> tuple[RealIrrep, ...]:
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


def resolve_target(group: PointGroup, target: object) -> Subgroup:
    """K as a subgroup of S: from a label or symbol, a Subgroup of S, a point group or matrices in the frame
    of S.

    Raises:
        AmbiguousTargetError, UnknownGroupError, NotASubgroupError: as ``sbs.minimal_set`` does.
    """
    if isinstance(target, str):
        return group.subgroup_class(target).representative
    if isinstance(target, Subgroup) and target.parent == group:
        return target
    matrices = getattr(target, "matrices", target)
    try:
        array = np.asarray(matrices, dtype=np.float64)
    except (TypeError, ValueError):
        raise NotASubgroupError(
            f"the target {target!r} is no subgroup of {group.symbol}; give a label, a Subgroup, a point "
            "group or matrices (k, 3, 3)"
        ) from None
    if array.ndim != 3 or array.shape[1:] != (3, 3):
        raise DetectionError(f"target matrices must have shape (k, 3, 3), got {array.shape}")
    return group.subgroup(array)
