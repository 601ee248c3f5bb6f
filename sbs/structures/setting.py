"""Which standard setting of its point group a structure takes, decided by the structure alone.

The rotation from the standard setting to a group is known up to the normalizer of the group, which for D2h also
exchanges the axes and for D6h the two kinds of two-fold axes. Labels of subgroups ("C2v(C2(z))", "D3h(C2')") and of
irreps (B1g, B2g) name the one or the other, so the choice must turn with the structure and not follow the axes
that it happens to be given in:

- Crystals: x, y, z along a, b, c of the standard setting of the space group in the International Tables. Where the
  space group does not tell axes apart (all in P222 and Pmmm, a and b in Pmm2, none in Pnma), the shorter comes first.
- Molecules, after R. S. Mulliken, J. Chem. Phys. 23, 1997 (1955): C2v and D2h: x is normal to the mirror that holds
  most atoms; D2 and D2h: z passes through most atoms; otherwise the axes C2' (mirrors σv) are those that hold most atoms.
- Layers: z is the normal of the layer, or, where a two-fold axis in the layer is the main axis (C2v), x is; then as crystals.

What is left undecided is decided by the moments of the points (for a crystal of the vectors between its atoms) in
the order of their degrees, the largest first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from sbs.groups import PointGroup
from sbs.groups.point.generators import rotation_z
from sbs.structures.neighbours import neighbour_vectors
from sbs.structures.spglib_calls import setting_operations

__all__ = ["SAME", "StandardCell", "crystal_frame", "exchangeable_axes", "is_undecided", "molecule_frame", "settings"]

#: Values (moments over their scale, lengths over the longest) that differ by less are equal: far above rounding.
SAME = 1e-6
# Radii within which vectors between atoms are compared, in mean spacings of the atoms, one after the other.
RADII = (1.6, 2.6, 4.1)
# Moments are compared up to this degree, or to twice the fold of the main axis.
HIGHEST_DEGREE = 8
# Origins are tried in steps of an eighth of the cell, of which all those of orthorhombic space groups are multiples.
ORIGIN_STEPS = 8


@dataclass(frozen=True, eq=False)
class StandardCell:
    """The cell of the standard setting in the International Tables: rows (3, 3) in the crystal's frame, Å, and the number
    of the setting in spglib's list of Hall symbols."""

    lattice: NDArray[np.float64]
    hall_number: int


def settings(group: PointGroup) -> list[NDArray[np.float64]]:
    """Proper rotations (3, 3) to the settings of a group that differ in what labels mean; the group's own first."""
    frame, family = group.rotation, group.family
    if group.symbol in ("D2", "D2h"):
        axes = np.eye(3)
        turned = [axes[:, list(p)] for p in permutations(range(3))]
        return [frame @ (turn * np.linalg.det(turn)) for turn in turned]
    if family.series in ("Cnv", "Dn", "Dnh") and int(family.n or 1) % 2 == 0:
        return [frame, frame @ rotation_z(1, 2 * int(family.n or 1))]
    return [frame]


def is_undecided(group: PointGroup) -> bool:
    """Whether labels depend on the setting."""
    return len(settings(group)) > 1


def molecule_frame(
    group: PointGroup, points: NDArray[np.float64], labels: NDArray[np.int64], tolerance: float
) -> NDArray[np.float64]:
    """The setting (3, 3) of a molecule's group.

    Args:
        group: in any of its settings. points: float64 (n, 3), Å, about the centre. labels: int (n,).
        tolerance: Å, how far an atom may lie off an axis or a mirror that holds it.
    """
    frames = settings(group)
    if len(frames) == 1:
        return frames[0]
    held: list[Callable[[NDArray[np.float64]], NDArray[np.bool_]]]
    if group.symbol in ("D2", "C2v", "D2h"):
        held = [lambda x: x[:, 0] <= tolerance] if group.symbol != "D2" else []
        held.append(lambda x: np.hypot(x[:, 0], x[:, 1]) <= tolerance)
    else:
        held = [lambda x: np.hypot(x[:, 1], x[:, 2]) <= tolerance, lambda x: x[:, 1] <= tolerance]
    for holds in held:
        frames = _largest(frames, [float(holds(np.abs(points @ frame)).sum()) for frame in frames])
    return _by_moments(frames, points, labels, np.ones(len(points)), _degrees(group))[0]


def crystal_frame(
    group: PointGroup,
    standard: StandardCell,
    positions: NDArray[np.float64],
    labels: NDArray[np.int64],
    lattice: NDArray[np.float64],
    normal: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """The setting (3, 3) of a crystal's point group.

    Args:
        group: in any of its settings. standard: where the standard cell lies.
        positions, labels, lattice: the crystal in a primitive cell.
        normal: of a layer; None for a crystal.
    """
    frames = settings(group)
    if len(frames) == 1:
        return frames[0]
    axes = standard.lattice / np.linalg.norm(standard.lattice, axis=1, keepdims=True)
    if group.family.n != 2:  # x along a, or along an image of a
        fold = int(group.family.n or 1)
        turns = [math.atan2(axes[0] @ frame[:, 1], axes[0] @ frame[:, 0]) for frame in frames]
        return frames[int(np.argmax(np.cos(fold * np.array(turns))))]
    lengths = np.linalg.norm(standard.lattice, axis=1)
    if normal is not None:
        upright = normal / np.linalg.norm(normal)
        for column in (2, 0):  # z along the normal, or where that is no axis to choose, x
            frames = _largest(frames, [float(np.abs(upright @ frame[:, column])) for frame in frames])
        lengths = np.where(np.abs(axes @ upright) > 0.5, lengths.max(), lengths)  # the stand-in is no length
    else:
        allowed = exchangeable_axes(standard.hall_number)
        overlaps = [np.abs(axes @ frame) for frame in frames]  # entry (i, j): axis i of the cell along axis j of the frame
        orders = [tuple(overlap.argmax(axis=0).tolist()) for overlap in overlaps]
        frames = [frame for frame, order in zip(frames, orders, strict=True) if order in allowed] or frames
    for axis in range(3):
        frames = _largest(frames, [-float(lengths @ np.abs(axes @ frame[:, axis])) / lengths.max() for frame in frames])
    spacing = (abs(float(np.linalg.det(lattice))) / len(labels)) ** (1 / 3)
    for radius in RADII:
        if len(frames) == 1:
            break
        first, second, vectors = neighbour_vectors(positions, lattice, radius * spacing)
        kinds = np.unique(np.sort(labels[np.stack([first, second], axis=1)], axis=1), axis=0, return_inverse=True)[1]
        weights = (1 - (vectors**2).sum(axis=1) / (radius * spacing) ** 2) ** 3  # fade out towards the radius
        frames = _by_moments(frames, vectors, kinds.reshape(-1), weights, _degrees(group))
    return frames[0]


@lru_cache(maxsize=600)
def exchangeable_axes(hall_number: int) -> frozenset[tuple[int, ...]]:
    """Orders of the axes a, b, c of an orthorhombic setting that give the same setting again, with some origin."""
    rotations, translations = setting_operations(hall_number)
    shifts = np.rint(24 * translations).astype(int)
    centring = shifts[(rotations == np.eye(3, dtype=int)).all(axis=(1, 2))]
    rotations, first = np.unique(rotations.reshape(-1, 9), axis=0, return_index=True)
    rotations, shifts = rotations.reshape(-1, 3, 3), shifts[first]
    origins = np.array(list(np.ndindex(*(ORIGIN_STEPS,) * 3))) * (24 // ORIGIN_STEPS)
    found = set()
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        change = np.eye(3, dtype=int)[list(order)] * np.array(signs)[:, None]
        turned = change @ rotations @ change.T
        same = (turned[:, None] == rotations).all(axis=(2, 3))
        points = ((centring @ change.T)[:, None] - centring) % 24 == 0
        if not same.any(axis=1).all() or not points.all(axis=2).any(axis=1).all():
            continue
        # (1 - W) s takes the origin to s; what it leaves of the difference must be a translation
        left = (shifts @ change.T - shifts[same.argmax(axis=1)])[:, None] + origins - np.einsum("wij,sj->wsi", turned, origins)
        fits = ((left[:, :, None] - centring) % 24 == 0).all(axis=3).any(axis=2)
        if fits.all(axis=0).any():
            found.add(order)
    return frozenset(found)


def _degrees(group: PointGroup) -> range:
    return range(2, max(HIGHEST_DEGREE, 2 * int(group.family.n or 1)) + 1, 2)


def _largest(frames: list[NDArray[np.float64]], values: Sequence[float]) -> list[NDArray[np.float64]]:
    best = max(values)
    return [frame for frame, value in zip(frames, values, strict=True) if value >= best - SAME]


def _by_moments(
    frames: list[NDArray[np.float64]],
    points: NDArray[np.float64],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    degrees: range,
) -> list[NDArray[np.float64]]:
    """Those frames in which the moments Σ w x^p y^q z^r of each label, p, q, r even, come first: the largest z, then y."""
    if len(points) == 0:
        return frames
    radius = float(np.linalg.norm(points, axis=1).max())
    kinds = [labels == label for label in np.unique(labels)]
    for degree in degrees:
        for r, q in [(a, b) for a in range(degree, -1, -2) for b in range(degree - a, -1, -2)]:
            if len(frames) == 1:
                return frames
            for kind in kinds:
                values = []
                for frame in frames:
                    x = points[kind] @ frame / radius
                    terms = x[:, 0] ** (degree - r - q) * x[:, 1] ** q * x[:, 2] ** r
                    values.append(float(weights[kind] @ terms) / float(weights[kind].sum()))
                frames = _largest(frames, values)
    return frames
