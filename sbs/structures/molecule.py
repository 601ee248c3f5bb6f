"""Point group of a molecule, or of any labelled point set, from its coordinates alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.groups import ClosedGroup, PointGroup, PointGroupSymbol
from sbs.structures.inputs import Structure
from sbs.structures.orient import exact_representation, in_setting, oriented_group
from sbs.structures.pointset import Isometries, isometries, kabsch, largest_closed
from sbs.structures.setting import SAME, is_undecided, molecule_frame

__all__ = ["PointSetSymmetry", "point_set_symmetry"]

# Rounds of fitting the group's orientation to the points; the first one does nearly all of it.
ALIGNMENT_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class PointSetSymmetry:
    """What the points say: group, one permutation per element (per coset of the identity component for an
    infinite group), deviation in Å, the centre (3,) about which the operations act, and the symbol of the
    other group that the larger tolerance finds (None if it finds the same)."""

    group: PointGroup | ClosedGroup
    permutations: NDArray[np.int64]
    deviation: float
    center: NDArray[np.float64]
    alternative: str | None = None


def point_set_symmetry(structure: Structure, tolerance: float, larger: float) -> PointSetSymmetry:
    """Symmetry of the points of ``structure`` about their centroid, every operation within ``tolerance`` Å
    at every point.

    Linear sets give C∞v or D∞h and a single point O(3). The lattice, if any, is ignored. ``larger`` is a
    second tolerance, not below the first, that tells whether the answer depends on the choice.
    """
    center = structure.positions.mean(axis=0)
    points, numbers = structure.positions - center, structure.numbers
    if len(points) == 1:
        group = ClosedGroup(PointGroupSymbol("O(3)"))
        return PointSetSymmetry(group, np.zeros((1, 1), dtype=np.int64), 0.0, center)
    axis = _directed(np.linalg.svd(points)[2][0], points, numbers)
    height = float(np.linalg.norm(points - np.outer(points @ axis, axis), axis=1).max())
    bend = 2 * height  # a turn by 180 degrees about the axis moves a point by twice its height
    if bend <= tolerance:
        symmetric, off, permutations = _linear(points, numbers, axis, tolerance)
        family = "Dnh" if symmetric else "Cnv"
        also = "Dnh" if _linear(points, numbers, axis, larger)[0] else "Cnv"
        group = ClosedGroup(PointGroupSymbol(family, math.inf), _turn_z_to(axis))
        alternative = None if also == family else PointGroupSymbol(also, math.inf).schoenflies
        return PointSetSymmetry(
            group, permutations, max(bend, off) if symmetric else bend, center, alternative
        )

    found = isometries(points, numbers, points, numbers, larger)
    exact, permutations = _finite(found.select(np.flatnonzero(found.deviations <= tolerance)), points)
    oriented, order = oriented_group(exact)
    if is_undecided(oriented):
        oriented, order = in_setting(oriented, exact, molecule_frame(oriented, points, numbers, tolerance))
    permutations = permutations[order]
    images = np.einsum("gij,nj->gni", oriented.matrices, points, optimize=True)
    deviation = float(np.linalg.norm(images - points[permutations], axis=2).max())
    if bend <= larger:
        also = "Dnh" if _linear(points, numbers, axis, larger)[0] else "Cnv"
        alternative = PointGroupSymbol(also, math.inf).schoenflies
    else:
        kept, _ = largest_closed(found)
        more = len(kept) > oriented.order
        alternative = oriented_group(_finite(found, points)[0])[0].symbol if more else None
    return PointSetSymmetry(oriented, permutations, deviation, center, alternative)


def _finite(found: Isometries, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Exact matrices and permutations of the largest group among the isometries."""
    kept, table = largest_closed(found)
    found = found.select(kept)
    return _aligned(
        exact_representation(found.matrices, table), found.permutations, points
    ), found.permutations


def _aligned(
    matrices: NDArray[np.float64], permutations: NDArray[np.int64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The group turned so that its perfectly symmetric average of the points lies as close to the points as it can."""
    for _ in range(ALIGNMENT_ROUNDS if len(matrices) > 1 else 0):
        symmetric = np.einsum("gji,gnj->ni", matrices, points[permutations], optimize=True) / len(matrices)
        turn = kabsch(symmetric, points[None], np.ones(1))[0]
        matrices = turn @ matrices @ turn.T
    return matrices


def _linear(
    points: NDArray[np.float64], numbers: NDArray[np.int64], axis: NDArray[np.float64], tolerance: float
) -> tuple[bool, float, NDArray[np.int64]]:
    """Whether the inversion maps points on a line onto themselves, by how much it fails in Å, and the permutations."""
    order = np.argsort(points @ axis, kind="stable")
    reversal = np.empty_like(order)
    reversal[order] = order[::-1]
    off = float(np.linalg.norm(points + points[reversal], axis=1).max())
    identity = np.arange(len(points), dtype=np.int64)
    if (numbers != numbers[reversal]).any() or off > tolerance:
        return False, off, identity[None]
    return True, off, np.stack([identity, reversal])


def _directed(
    axis: NDArray[np.float64], points: NDArray[np.float64], numbers: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The axis or its opposite: the first odd moment of a label that is not zero, highest labels first, is positive."""
    along = points @ axis / np.abs(points @ axis).max()
    for degree in (1, 3, 5, 7):
        for label in np.unique(numbers)[::-1]:
            moment = float((along[numbers == label] ** degree).mean())
            if abs(moment) > SAME:
                return axis * np.sign(moment)
    return axis


def _turn_z_to(axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """A proper rotation (3, 3) whose third column is the unit vector ``axis``."""
    helper = np.eye(3)[np.argmin(np.abs(axis))]
    first = np.cross(helper, axis)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(axis, first), axis], axis=1)
