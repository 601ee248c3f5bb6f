"""Another crystal of the same kind: which of its sites are those of a set of fields, and how it is turned.

A set of fields belongs to one crystal in one supercell. A crystal with another lattice constant or other elements, turned,
moved, its atoms in another order, has the same group on the same arrangement of sites. Both are described in the standard
setting that each chooses by itself, where sites that correspond lie nearest to one another, and the groups are compared
element by element: a correspondence that is returned carries one onto the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups import FiniteGroup
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.sets.fields import SiteEmbedding, in_common_description
from sbs.sets.minimal_set import MinimalSet
from sbs.structures.crystal_in_cell import CrystalInCell

__all__ = ["Correspondence", "correspondence"]

# Entries of rotation matrices in two descriptions of one group, which have no error but rounding.
SAME_MATRIX = 1e-6
# Turns whose traces differ by less are equal.
SAME_TURN = 1e-6


@dataclass(frozen=True, eq=False)
class Correspondence:
    """A crystal as the image of the one that a set of fields is for.

    Attributes:
        rotation: float64 (3, 3), R in O(3) from the crystal of the set to this one; proper if S allows it.
        sites: int64 (sites,), for each site of this crystal that of the set.
    """

    rotation: NDArray[np.float64]
    sites: NDArray[np.int64]


def correspondence(detected: CrystalInCell, symmetry_set: MinimalSet) -> Correspondence:
    """How a crystal is laid on the one of a set of fields.

    Of all that differ by an element of S the one is taken that is proper, leaves most sites in their order, and turns least.

    Args:
        detected: in a cell with as many sites as the set's.
        symmetry_set: a set of fields, from ``sbs.minimal_set`` with a crystal detected in a supercell.

    Raises:
        DetectionError: the crystals are not of one kind, or their cells are not.
    """
    reference = symmetry_set.embedding
    assert isinstance(reference, SiteEmbedding)
    sites, order = len(detected.structure), detected.group.order
    if sites != len(reference.sites):
        raise DetectionError(
            f"The set has fields on {len(reference.sites)} sites, the structure has {sites}; give the supercell that the set "
            "was asked for."
        )
    if detected.supercell is None:
        raise DetectionError(
            "The structure was detected without the translations of its cell; give sbs.detect(structure, supercell=1)."
        )
    if order != reference.outer.order:
        raise DetectionError(
            f"The structure's group has {order} elements, that of the set {reference.outer.order}; they are no crystals of one "
            "kind in one supercell."
        )
    frame = detected.site_frame
    assert isinstance(detected.group, FiniteGroup)
    own = in_common_description(detected.group, frame)
    to_set = _nearest(frame.places, reference.places, frame.cell)
    if to_set is None or not _same(own, reference, to_set):
        raise DetectionError(
            f"The sites of {detected.structure.formula} do not correspond to those that the set has fields on, though the groups "
            "are of one order; ask for sbs.minimal_set(detected, target) for this structure."
        )
    given = np.empty(sites, dtype=np.int64)
    given[frame.sites] = reference.sites[to_set]
    return _closest(frame.frame @ reference.frame.T, given, symmetry_set)


def _nearest(
    places: NDArray[np.float64], others: NDArray[np.float64], cell: NDArray[np.float64]
) -> NDArray[np.int64] | None:
    """For each place the nearest of the others, modulo the cell; None if two have the same one."""
    apart = places[:, None] - others[None]
    found = np.linalg.norm((apart - np.round(apart)) @ cell, axis=2).argmin(axis=1)
    return found if len(np.unique(found)) == len(found) else None


def _same(own: SiteEmbedding, reference: SiteEmbedding, to_set: NDArray[np.int64]) -> bool:
    """Whether the groups, their elements in one order, do the same to corresponding sites."""
    first, second = own.outer.meaning, reference.outer.meaning  # type: ignore[union-attr]
    assert isinstance(first, SiteOperations) and isinstance(second, SiteOperations)
    turned = np.abs(first.matrices - second.matrices).max(initial=0.0)
    moved = np.array_equal(to_set[first.permutations], second.permutations[:, to_set])
    return bool(turned < SAME_MATRIX and moved)


def _closest(turn: NDArray[np.float64], sites: NDArray[np.int64], symmetry_set: MinimalSet) -> Correspondence:
    """The choice among all R g with g in S: element g takes site j of the set to another, which lies where j is then."""
    operations = symmetry_set.embedding.inner.meaning  # type: ignore[union-attr]
    assert isinstance(operations, SiteOperations)
    turns = turn @ operations.matrices
    kept = (operations.permutations == sites).sum(axis=1)
    angles = np.round(np.trace(turns, axis1=1, axis2=2) / SAME_TURN)
    best = int(np.lexsort((angles, kept, np.linalg.det(turns) > 0))[-1])
    return Correspondence(turns[best], np.argsort(operations.permutations[best])[sites])
