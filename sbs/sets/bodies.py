"""A body of points with the symmetry of a group, and how it gives way when the symmetry is broken; for pictures.

The displacements of n points carry the representation "permutation of the points ⊗ vector" of S. A displacement field
has the symmetry K if it lies in the invariant space of K; a generic one there has no more symmetry in S than the
pointwise stabilizer of that space. The field that is shown is the projection of one fixed polynomial field on the
invariant space of K, without its part that S leaves alone and without rigid motions, so that neighbouring points move alike
where that is possible.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, point_group

__all__ = ["Body", "bodies", "distortion"]

#: Coordinates and displacements are exact to 1e-12; points of a body lie over 0.05 apart.
POINT_TOLERANCE = 1e-6
_GOLDEN = (1 + 5**0.5) / 2
# Points in no special position, for what a solid of high symmetry cannot show by itself.
_MARK = {
    "cubic": (1.0, 0.45, 0.2),
    "icosahedral": (0.25, 1.0, 1.75),
    "axial": (0.8, 0.36, 0.3),
    "flat": (0.62, 0.48, 0.0),
}
# Coefficients of the polynomial field: no two alike, none special.
_FIELD_SEED = 2402


@dataclass(frozen=True, eq=False)
class Body:
    """Points that a group permutes.

    Attributes:
        points: float64 (n, 3), the farthest at distance 1; read-only.
        images: int (order, n), ``images[g, i]`` is the point that element g takes point i to; read-only.
        edges: pairs of points, the edges of the solid that the first orbits of points span; the others are marks on it.
    """

    points: np.ndarray
    images: np.ndarray
    edges: tuple[tuple[int, int], ...]


def bodies(group: PointGroup) -> tuple[Body, ...]:
    """Bodies of a finite point group in its standard setting, the simplest first.

    A cube, tetrahedron, icosahedron, prism, antiprism or pyramid comes first where the group is that of one; the next
    have points in general positions beside it, on which every subgroup can be seen.
    """
    return _bodies(group.family)


@lru_cache(maxsize=128)
def _bodies(family: PointGroupSymbol) -> tuple[Body, ...]:
    group = point_group(family)
    assert isinstance(group, PointGroup)
    return tuple(_body(group, seeds) for seeds in _seeds(family))


def _seeds(family: PointGroupSymbol) -> list[list[tuple[float, float, float]]]:
    """Points whose images make a body, for each body."""
    cube, icosahedron = (1.0, 1.0, 1.0), (0.0, 1.0, _GOLDEN)
    if family.n is None:
        corner, mark = (icosahedron, "icosahedral") if family.series in ("I", "Ih") else (cube, "cubic")
        bare = [[corner]] if family.series in ("Oh", "Td", "Ih") else []
        return [*bare, [corner, _MARK[mark]]]
    n = int(family.n)
    if n <= 2 and family.series != "Dnd":
        general = [(1.0, 0.66, 0.46), (-0.5, 0.76, 0.72), (0.34, -0.9, 0.2), (-0.9, -0.4, 0.62), (0.3, 0.2, -0.9)]
        if family == PointGroupSymbol("Dnh", 2):
            return [general[:1], general[:2], general[:3]]
        few = family in (PointGroupSymbol("Cn", 1), PointGroupSymbol("S2n", 1), PointGroupSymbol("Cnh", 1))
        return [general] if few else [general[:2], general[:3]]
    height = 0.75
    prism, side, flat = (1.0, 0.0, height), _MARK["axial"], _MARK["flat"]
    if family.series == "Dnh":
        return [[prism], [prism, side]]
    if family.series == "Dnd":
        # On a mirror plane, halfway between two axes: an antiprism.
        half = math.pi / (2 * n)
        antiprism = (math.cos(half), math.sin(half), height)
        return [[antiprism], [antiprism, side]]
    if family.series == "Cnv":
        return [[(1.0, 0.0, -0.5 * height), (0.0, 0.0, height)], [(1.0, 0.0, -0.5 * height), (0.0, 0.0, height), side]]
    if family.series == "Cn":
        return [[(1.0, 0.0, -0.5 * height), (0.0, 0.0, height), side]]
    if family.series == "Cnh":
        return [[prism, flat], [prism, flat, side]]
    return [[prism, side], [prism, side, (0.3, 0.7, 0.9 * height)]]


def _body(group: PointGroup, seeds: list[tuple[float, float, float]]) -> Body:
    found: list[np.ndarray] = []
    frame = 0
    for seed in seeds:
        for image in group.matrices @ np.array(seed):
            if not any(np.abs(image - other).max() < POINT_TOLERANCE for other in found):
                found.append(image)
        if not frame and np.linalg.matrix_rank(np.array(found) - found[0], tol=POINT_TOLERANCE) == 3:
            frame = len(found)
    points = np.array(found)
    points = points / np.linalg.norm(points, axis=1).max()
    moved = np.einsum("gij,nj->gni", group.matrices, points)
    distances = np.linalg.norm(moved[:, :, None] - points[None, None], axis=3)
    images = distances.argmin(axis=2)
    for array in (points, images):
        array.setflags(write=False)
    return Body(points, images, _hull_edges(points[:frame]))


def _hull_edges(points: np.ndarray) -> tuple[tuple[int, int], ...]:
    """Edges of the convex hull: the planes with all points on one side, and the pairs that two of them share."""
    n = len(points)
    i, j, k = np.array([(a, b, c) for a in range(n) for b in range(a) for c in range(b)]).T
    normals = np.cross(points[j] - points[i], points[k] - points[i])
    lengths = np.linalg.norm(normals, axis=1)
    proper = lengths > POINT_TOLERANCE
    normals, i = normals[proper] / lengths[proper, None], i[proper]
    sides = normals @ points.T - np.einsum("ij,ij->i", normals, points[i])[:, None]
    outer = (sides <= POINT_TOLERANCE).all(1) | (sides >= -POINT_TOLERANCE).all(1)
    faces = {tuple(np.flatnonzero(np.abs(row) <= POINT_TOLERANCE).tolist()) for row in sides[outer]}
    shared: dict[tuple[int, int], list[set[int]]] = {}
    for face in faces:
        for a in face:
            for b in face:
                if a < b:
                    shared.setdefault((a, b), []).append(set(face))
    return tuple(
        sorted(
            pair
            for pair, own in shared.items()
            if any(len(one & other) == 2 for number, one in enumerate(own) for other in own[:number])
        )
    )


def distortion(group: PointGroup, kept: np.ndarray) -> tuple[int, np.ndarray]:
    """How a body of a group gives way to a subgroup.

    Args:
        group: S in its standard setting.
        kept: element numbers of K.

    Returns:
        Number of the first of `bodies` on which S can be broken to exactly K, and the displacements float64 (n, 3) of its
        points, the largest of length 1; zero where K is S.
    """
    available = bodies(group)
    if len(kept) == group.order:
        return 0, np.zeros_like(available[0].points)
    for number, body in enumerate(available):
        for start in (_polynomial(body.points), _scattered(body.points)):
            field = _projected(group, body, start, np.asarray(kept))
            if field is not None:
                return number, field
    raise AssertionError(f"no body of {group.symbol} shows a subgroup of order {len(kept)}")


def _projected(group: PointGroup, body: Body, field: np.ndarray, kept: np.ndarray) -> np.ndarray | None:
    average = _average(group, body, field, kept) - _average(group, body, field, np.arange(int(group.order)))
    average = _without_rigid_motion(body.points, average)
    largest = np.linalg.norm(average, axis=1).max()
    if largest < POINT_TOLERANCE:
        return None
    average = average / largest
    turned = average @ group.matrices.transpose(0, 2, 1)
    fixers = np.flatnonzero(np.abs(turned - average[body.images]).max((1, 2)) < POINT_TOLERANCE)
    return average if np.array_equal(fixers, np.sort(kept)) else None


def _average(group: PointGroup, body: Body, field: np.ndarray, elements: np.ndarray) -> np.ndarray:
    """Mean of the images of a field under some elements."""
    moved = field @ group.matrices[elements].transpose(0, 2, 1)
    origins = np.argsort(body.images[elements], axis=1)
    return np.asarray(np.take_along_axis(moved, origins[:, :, None], axis=1).mean(0))


def _polynomial(points: np.ndarray) -> np.ndarray:
    """A fixed vector field of degree three in general position, on points."""
    x, y, z = points.T
    first = [x, y, z]
    second = [x * x, y * y, z * z, x * y, y * z, z * x]
    third = [x * y * z, x * x * y, y * y * z, z * z * x, x * x * z, y * y * x, z * z * y]
    monomials = np.stack([np.ones_like(x), *first, *second, *third])
    return np.asarray(monomials.T @ np.random.default_rng(_FIELD_SEED).uniform(-1.0, 1.0, (len(monomials), 3)))


def _scattered(points: np.ndarray) -> np.ndarray:
    """A fixed field without any smoothness, for symmetries that take a polynomial of higher degree to break."""
    return np.random.default_rng(_FIELD_SEED).uniform(-1.0, 1.0, points.shape)


def _without_rigid_motion(points: np.ndarray, field: np.ndarray) -> np.ndarray:
    """The part of a displacement field that no shift and no small turn accounts for,"""
    axes = np.eye(3)
    shifts = [np.broadcast_to(axis, points.shape).ravel() for axis in axes]
    turns = [np.cross(axis, points).ravel() for axis in axes]
    _, singular, right = np.linalg.svd(np.array(shifts + turns), full_matrices=False)
    basis = right[singular > POINT_TOLERANCE]
    flat = field.ravel()
    return np.asarray(flat - basis.T @ (basis @ flat)).reshape(points.shape)
