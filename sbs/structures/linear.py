"""Linear molecules: the finite group that stands in for C∞v or D∞h where displacements are concerned.

A displacement of atoms on a line transforms like Σ (along the line) and Π (across it): under a turn about the line by an angle φ
like 1 and exp(±iφ). So a subgroup D_Nh or C_Nv with N > 2 has the same invariants and the same irreps, and it holds every
subgroup K of S that is asked for if N is a multiple of the folds of K and one of its mirrors is a mirror of K.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups import ClosedGroup, PointGroup, PointGroupSymbol, Subgroup
from sbs.groups.point.closed import rotation_about_z
from sbs.query import resolve_target
from sbs.structures.detected import Detected

__all__ = ["fold_of", "is_linear", "linear_name", "stand_in", "standing_for", "turns_kept"]

#: Turns of the group that stands in: a multiple of 2, 3 and 4.
FOLD = 12
# Components of a direction or of a point off the line below this (Å, or of a unit vector) are none.
OFF_LINE = 1e-6


def is_linear(detected: Detected) -> bool:
    """Whether a structure is a linear molecule."""
    return isinstance(detected.group, ClosedGroup) and detected.group.is_axial


def fold_of(target: object) -> int:
    """How many turns about the line the group must hold that stands in for K."""
    return math.lcm(FOLD, int(target.family.n or 1)) if isinstance(target, PointGroup) else FOLD


def stand_in(detected: Detected, across: NDArray[np.float64] | None = None, fold: int = FOLD) -> Detected:
    """A linear molecule with D_Nh or C_Nv in place of its infinite group.

    Args:
        detected: a linear molecule.
        across: float64 (3,), a direction across the line that lies in a mirror, or is normal to one.
        fold: N, even and above 2.

    Raises:
        DetectionError: the group is not that of a linear molecule.
    """
    closed = detected.group
    if not isinstance(closed, ClosedGroup) or not closed.is_axial:
        raise DetectionError(
            f"{detected.structure.formula} has the infinite group {detected.symbol}; expected a structure with a finite point "
            "group, or a linear molecule"
        )
    frame = closed.rotation
    if across is not None:
        local = frame.T @ across
        if math.hypot(local[0], local[1]) > OFF_LINE:
            frame = frame @ rotation_about_z(math.atan2(local[1], local[0]))
    group = PointGroup(PointGroupSymbol(closed.family.series, fold), frame)
    permutations = np.array([detected.permutation_of(matrix) for matrix in group.matrices])
    translations = detected.center - group.matrices @ detected.center
    return replace(detected, group=group, permutations=permutations, translations=translations)


def standing_for(detected: Detected, target: object) -> tuple[Detected, Subgroup]:
    """The molecule with a group that stands in for S, and K inside that (its elements where K is infinite).

    Raises:
        AmbiguousTargetError, UnknownGroupError, NotASubgroupError: as ``sbs.minimal_set`` does.
    """
    closed = detected.group
    assert isinstance(closed, ClosedGroup)
    target = resolve_target(closed, target)
    if isinstance(target, ClosedGroup):
        found = stand_in(detected)
        group = found.point_group()
        return found, group.subgroup_from_mask(target.contains(group.matrices))
    assert isinstance(target, PointGroup)
    axis = closed.rotation[:, 2]
    values, vectors = np.linalg.eigh(target.matrices + target.matrices.transpose(0, 2, 1))
    lines = []
    for value, vector in zip(values, vectors, strict=True):  # two-fold axes and normals of mirrors across the line
        single = [k for k in range(3) if (np.abs(value - value[k]) < OFF_LINE).sum() == 1]
        lines += [vector[:, k] for k in single if abs(vector[:, k] @ axis) < OFF_LINE]
    found = stand_in(detected, lines[0] if lines else None, fold_of(target))
    return found, found.point_group().subgroup(target.matrices)


def turns_kept(standing: Detected, target: Subgroup) -> int:
    """How many turns about the line K holds; all N of them where K is infinite."""
    turns = standing.matrices[target.elements]
    axis = standing.rotations.rotation[:, 2]
    return int(((np.linalg.det(turns) > 0) & (turns @ axis @ axis > 1 - OFF_LINE)).sum())


def linear_name(name: str) -> str:
    """The name of an irrep of C∞v or D∞h from that of the irrep of C_Nv or D_Nh: "A2u" is Σu+, "E1g" is Πg."""
    parity = name[-1] if name[-1] in "gu" else ""
    stem = name.removesuffix(parity) if parity else name
    if stem in ("A1", "A2"):
        # in D_Nh the second index refers to two-fold axes across the line: what is odd under these and u is even under mirrors
        even = (stem == "A1") == (parity != "u")
        return f"Σ{parity}{'+' if even else '-'}"
    greek = {"E": "Π", "E1": "Π", "E2": "Δ", "E3": "Φ"}
    return f"{greek[stem]}{parity}" if stem in greek else name
