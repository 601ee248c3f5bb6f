"""Isometries between labelled point sets in space, found from the points alone.

A rotation or rotoreflection about the origin is known once the images of two points are known that are not
in line with the origin. So: choose a pair that has few look-alikes (same labels, same distances), map it
onto every look-alike in both handednesses, read off the permutation of the points, and refine the matrix
over all points (Kabsch, Acta Cryst. A32, 922 (1976)). Distances are compared within bounds that follow from
the tolerance, so no isometry within the tolerance is missed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.structures.orient import largest_prefix

__all__ = ["Isometries", "isometries", "kabsch", "largest_closed"]

# A base point should lie at this fraction of the largest radius at least, and the second one that far off the
# line through the first: shorter levers magnify the errors of the points into the trial rotation.
LEVER = 0.3
# Number of array entries handled at a time when candidates are matched (bounds memory to some tens of MB).
CHUNK = 2_000_000
# Matching and refining alternate at most this often; the permutation is stable after one round unless the
# lever is short.
ROUNDS = 4


@dataclass(frozen=True, eq=False)
class Isometries:
    """Maps g with ``target[permutations[g, i]] ≈ matrices[g] @ source[i]``.

    Attributes:
        matrices: float64 (m, 3, 3), orthogonal, the least-squares best for their permutation and handedness.
        permutations: int (m, n).
        deviations: float64 (m,), the largest distance in Å between an image and the point that it should
            meet.
        base: indices of the two source points whose images fix a map, given its handedness.
    """

    matrices: NDArray[np.float64]
    permutations: NDArray[np.int64]
    deviations: NDArray[np.float64]
    base: tuple[int, int]

    def __len__(self) -> int:
        return len(self.matrices)

    def select(self, index: NDArray[np.int64]) -> Isometries:
        """The isometries with these indices, in this order."""
        return Isometries(self.matrices[index], self.permutations[index], self.deviations[index], self.base)


def kabsch(
    source: NDArray[np.float64], images: NDArray[np.float64], handedness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Orthogonal matrices (m, 3, 3) of given determinant (m,) that best map ``source`` (n, 3) onto
    ``images`` (m, n, 3)."""
    left, _, right = np.linalg.svd(np.einsum("mni,nj->mij", images, source, optimize=True))
    sign = handedness * np.linalg.det(left) * np.linalg.det(right)
    left[:, :, 2] *= sign[:, None]
    return left @ right


def isometries(
    source: NDArray[np.float64],
    source_labels: NDArray[np.int64],
    target: NDArray[np.float64],
    target_labels: NDArray[np.int64],
    tolerance: float,
) -> Isometries:
    """All isometries about the origin of one labelled point set onto another, within ``tolerance``.

    Args:
        source, target: float64 (n, 3), Å, each relative to its own centre, and not all on one line.
        source_labels, target_labels: int (n,).
        tolerance: largest distance in Å between the image of a point and the point that it meets.

    Returns:
        Every isometry once, in the order of their deviations; several matrices for one permutation only for planar sets.
    """
    base, lever = _base_pair(source, source_labels, tolerance)
    trial, handedness = _trial_matrices(source, source_labels, target, target_labels, base, tolerance)
    radius = float(np.linalg.norm(source, axis=1).max())
    reach = tolerance * (1 + 4 * radius / lever)
    matrices, permutations, handedness = _match(
        source, source_labels, target, target_labels, trial, handedness, reach
    )
    for _ in range(ROUNDS):
        matrices = kabsch(source, target[permutations], handedness)
        images = np.einsum("mij,nj->mni", matrices, source, optimize=True)
        deviations = np.linalg.norm(images - target[permutations], axis=2).max(axis=1, initial=0.0)
        stable = deviations <= tolerance
        if stable.all():
            break
        # A poor trial matrix can send two points to swapped places; match the others again from the refined
        # matrix.
        again, swapped, hand = _match(
            source, source_labels, target, target_labels, matrices[~stable], handedness[~stable], reach
        )
        changed = np.concatenate([permutations[stable], swapped])
        if len(swapped) == (~stable).sum() and np.array_equal(swapped, permutations[~stable]):
            break
        matrices = np.concatenate([matrices[stable], again])
        permutations, handedness = changed, np.concatenate([handedness[stable], hand])
    keep = np.flatnonzero(deviations <= tolerance)
    _, first = np.unique(
        np.column_stack([permutations[keep], handedness[keep].astype(np.int64)]), axis=0, return_index=True
    )
    keep = keep[first]
    keep = keep[np.argsort(deviations[keep], kind="stable")]
    return Isometries(matrices[keep], permutations[keep], deviations[keep], base)


def largest_closed(found: Isometries) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The largest group among the automorphisms of a point set that consists of all up to some deviation.

    Noise near the tolerance can let in some members of a group and not others. Taking them in the order of
    their deviations and keeping the longest run that is closed under products makes the answer a function of
    the structure alone.

    Returns:
        (indices (k,) into ``found``, identity first; product table (k, k) with entries 0..k-1).
    """
    count, sites = found.permutations.shape
    first, second = found.base
    improper = (np.linalg.det(found.matrices) < 0).astype(np.int64)
    perms = found.permutations
    keys = (perms[:, first] * sites + perms[:, second]) * 2 + improper
    order = np.argsort(keys, kind="stable")
    images = (perms[:, perms[:, first]] * sites + perms[:, perms[:, second]]) * 2
    products = images + (improper[:, None] ^ improper[None, :])
    place = np.minimum(np.searchsorted(keys[order], products), count - 1)
    table = np.where(keys[order][place] == products, order[place], count)
    size = largest_prefix(table)
    table = table[:size, :size]
    identity = int(np.flatnonzero((table == np.arange(size)).all(axis=1))[0])
    new = np.concatenate([[identity], np.delete(np.arange(size), identity)])
    rank = np.empty(size, dtype=np.int64)
    rank[new] = np.arange(size)
    return new, rank[table[np.ix_(new, new)]]


def _base_pair(
    points: NDArray[np.float64], labels: NDArray[np.int64], tolerance: float
) -> tuple[tuple[int, int], float]:
    """The pair with the fewest look-alikes among those with long levers, and its shorter lever in Å."""
    radii = np.linalg.norm(points, axis=1)
    shells = _shells(radii, labels, tolerance)
    far = radii >= LEVER * radii.max()
    sizes = {int(s): int((shells == s).sum()) for s in np.unique(shells[far])}
    best: tuple[float, float, int, int] | None = None
    for shell in sorted(sizes, key=lambda s: (sizes[s], s))[:4]:
        a = int(np.flatnonzero((shells == shell) & far)[0])
        levers = np.linalg.norm(np.cross(points, points[a]), axis=1) / radii[a]
        distances = np.linalg.norm(points - points[a], axis=1)
        for b in np.flatnonzero(levers >= LEVER * levers.max()):
            same = (
                (labels == labels[b])
                & (np.abs(radii - radii[b]) <= tolerance)
                & (np.abs(distances - distances[b]) <= 2 * tolerance)
            )
            score = (float(sizes[shell] * same.sum()), -round(float(levers[b]), 6), a, int(b))
            if best is None or score < best:
                best = score
    assert best is not None
    pair = best[2], best[3]
    return pair, float(min(radii[pair[0]], -best[1]))


def _shells(radii: NDArray[np.float64], labels: NDArray[np.int64], tolerance: float) -> NDArray[np.int64]:
    """Number the sets of points with equal label and radii that are linked by steps of at most
    ``tolerance``."""
    order = np.lexsort((radii, labels))
    new = (np.diff(labels[order]) != 0) | (np.diff(radii[order]) > tolerance)
    shells = np.empty(len(radii), dtype=np.int64)
    shells[order] = np.concatenate([[0], np.cumsum(new)])
    return shells


def _trial_matrices(
    source: NDArray[np.float64],
    source_labels: NDArray[np.int64],
    target: NDArray[np.float64],
    target_labels: NDArray[np.int64],
    base: tuple[int, int],
    tolerance: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrices that carry the base pair onto its look-alikes in the target, in both handednesses."""
    a, b = base
    radii = np.linalg.norm(target, axis=1)

    def alike(point: int) -> NDArray[np.int64]:
        radius = np.linalg.norm(source[point])
        return np.flatnonzero((target_labels == source_labels[point]) & (np.abs(radii - radius) <= tolerance))

    firsts, seconds = alike(a), alike(b)
    apart = np.linalg.norm(target[firsts][:, None] - target[seconds][None], axis=2)
    i, j = np.nonzero(np.abs(apart - np.linalg.norm(source[a] - source[b])) <= 2 * tolerance)
    frames, good = _frames(target[firsts[i]], target[seconds[j]])
    frames = frames[good]
    own = _frames(source[a][None], source[b][None])[0][0]
    proper = frames @ own.T
    improper = frames @ np.diag([1.0, 1.0, -1.0]) @ own.T
    return np.concatenate([proper, improper]), np.repeat([1.0, -1.0], len(frames))


def _frames(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Right-handed orthonormal frames (m, 3, 3), columns e1 along ``first``, e2 towards ``second``; mask of
    those that exist."""
    length = np.linalg.norm(first, axis=1, keepdims=True)
    e1 = first / np.where(length > 0, length, 1)
    rest = second - np.einsum("ij,ij->i", second, e1)[:, None] * e1
    height = np.linalg.norm(rest, axis=1, keepdims=True)
    e2 = rest / np.where(height > 0, height, 1)
    return np.stack([e1, e2, np.cross(e1, e2)], axis=2), ((length > 0) & (height > 0))[:, 0]


def _match(
    source: NDArray[np.float64],
    source_labels: NDArray[np.int64],
    target: NDArray[np.float64],
    target_labels: NDArray[np.int64],
    trial: NDArray[np.float64],
    handedness: NDArray[np.float64],
    reach: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Read the permutation off each trial matrix; drop those that map no point set onto the other within
    ``reach``.

    Labels are handled from the rarest to the most frequent, and a candidate is dropped at the first label that fails.
    """
    permutations = np.zeros((len(trial), len(source)), dtype=np.int64)
    alive = np.arange(len(trial))
    for label in sorted(np.unique(source_labels).tolist(), key=lambda x: int((source_labels == x).sum())):
        mine, theirs = np.flatnonzero(source_labels == label), np.flatnonzero(target_labels == label)
        if len(mine) != len(theirs):
            return trial[:0], permutations[:0], handedness[:0]
        step = max(1, CHUNK // (len(mine) * len(theirs)))
        kept = []
        for start in range(0, len(alive), step):
            part = alive[start : start + step]
            images = np.einsum("mij,nj->mni", trial[part], source[mine], optimize=True)
            squares = (
                (images**2).sum(axis=2)[:, :, None]
                + (target[theirs] ** 2).sum(axis=1)
                - 2 * (images.reshape(-1, 3) @ target[theirs].T).reshape(len(part), len(mine), len(theirs))
            )
            nearest = squares.argmin(axis=2)
            close = np.take_along_axis(squares, nearest[:, :, None], axis=2)[:, :, 0].max(axis=1) <= reach**2
            onto = (np.sort(nearest, axis=1) == np.arange(len(theirs))).all(axis=1)
            good = close & onto
            permutations[part[good][:, None], mine] = theirs[nearest[good]]
            kept.append(part[good])
        alive = np.concatenate(kept) if kept else alive[:0]
    return trial[alive], permutations[alive], handedness[alive]
