"""Another crystal of the same kind: which of its sites are those of a set of fields, and how it is turned.

A set of fields belongs to one crystal in one supercell. A crystal with another lattice constant or other elements, turned,
moved, its atoms in another order, has the same group on the same arrangement of sites. Both are described in the standard
setting that each chooses by itself, where sites that correspond lie nearest to one another (in a polar group after a shift
along the axis, which no setting fixes), and the generators of one group are looked up in the other: a correspondence that is
returned carries one onto the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, NotASubgroupError
from sbs.groups import FiniteGroup
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.groups.abstract.validation import shown
from sbs.sets.fields import SiteEmbedding, SiteFrame
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.transport import node_permutations
from sbs.structures.crystal_in_cell import CrystalInCell

__all__ = ["Correspondence", "correspondence"]

# Decimals, on the basis of the cell, to which shifts are told apart.
SHIFT_DIGITS = 6
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
    reference = getattr(symmetry_set, "embedding", None)
    if not isinstance(reference, SiteEmbedding):
        raise DetectionError(
            f"{shown(symmetry_set)} is no set of fields on sites; give sbs.minimal_set(sbs.detect(..., supercell=...), target)."
        )
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
    turn = frame.frame @ reference.frame.T
    places = np.empty(sites, dtype=np.int64)
    for to_set in _alignments(frame, reference):
        places[frame.sites] = reference.sites[to_set]
        if _carried(detected, turn, places, symmetry_set):
            return _closest(turn, places, symmetry_set)
    raise DetectionError(
        f"The sites of {detected.structure.formula} do not correspond to those that the set has fields on, though the groups "
        "are of one order; ask for sbs.minimal_set(detected, target) for this structure."
    )


def _alignments(frame: SiteFrame, reference: SiteEmbedding) -> list[NDArray[np.int64]]:
    """Ways to give each site of one description one of the other: the nearest after a shift, most equal atoms first, then the
    nearest. A shift is along what all rotations leave alone, and brings the first site to the height of one of the other's."""
    ways: list[tuple[int, float, int, NDArray[np.int64]]] = []
    free = frame.cell @ reference.outer.matrices.mean(axis=0) @ np.linalg.inv(frame.cell)
    shifts = np.round((reference.places - frame.places[0]) @ free, SHIFT_DIGITS)
    for shift in (np.zeros(3), *(np.unique(shifts, axis=0) if shifts.any() else ())):
        apart = (frame.places + shift)[:, None] - reference.places[None]
        lengths = np.linalg.norm((apart - np.round(apart)) @ frame.cell, axis=2)
        found = lengths.argmin(axis=1)
        if len(np.unique(found)) == len(found):
            equal = int((frame.kinds == reference.kinds[found]).sum())
            ways.append((-equal, round(float(lengths.min(axis=1).max()), 3), len(ways), found))
    return [found for *_, found in sorted(ways, key=lambda way: way[:3])]


def _carried(
    detected: CrystalInCell, turn: NDArray[np.float64], sites: NDArray[np.int64], symmetry_set: MinimalSet
) -> bool:
    """Whether the generators of S, carried over, are elements of the structure's group."""
    group: FiniteGroup = symmetry_set.embedding.inner  # type: ignore[assignment]
    own, theirs = group.meaning, detected.operations
    assert isinstance(own, SiteOperations) and theirs is not None
    rows = list(group.generators or (0,))
    try:
        theirs.numbers((turn @ own.matrices[rows] @ turn.T, node_permutations(own.permutations[rows], sites)))
    except NotASubgroupError:
        return False
    return True


def _closest(turn: NDArray[np.float64], sites: NDArray[np.int64], symmetry_set: MinimalSet) -> Correspondence:
    """The choice among all R g with g in S: element g takes site j of the set to another, which lies where j is then."""
    operations = symmetry_set.embedding.inner.meaning  # type: ignore[union-attr]
    assert isinstance(operations, SiteOperations)
    turns = turn @ operations.matrices
    kept = (operations.permutations == sites).sum(axis=1)
    angles = np.round(np.trace(turns, axis1=1, axis2=2) / SAME_TURN)
    best = int(np.lexsort((angles, kept, np.linalg.det(turns) > 0))[-1])
    return Correspondence(turns[best], np.argsort(operations.permutations[best])[sites])
