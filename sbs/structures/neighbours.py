"""Which points lie near which, in time proportional to their number: points sorted into cubic bins.

A crystal is made finite first: beside its sites stand the images of those that lie within the radius of a
face of the cell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError

__all__ = [
    "NO_PERMUTATION",
    "closest_image",
    "closest_pair",
    "match_sites",
    "near",
    "nearest_sites",
    "neighbour_distances",
    "neighbour_vectors",
]

#: What is said of an operation that is none of the sites.
NO_PERMUTATION = (
    "an operation that spglib reports sends two atoms to one place; expected a permutation of the "
    "sites: lower the tolerance"
)

# Width of a bin in radii, above 2 so that a query meets two bins at most along an axis. Wider bins hold more points,
# narrower ones are crossed by more queries.
BIN_WIDTH = 2.5
# Up to so many pairs it is faster to compare all of them than to sort points into bins.
FEW_PAIRS = 60_000
# Fraction of the radius within which most images meet their sites; only the others are looked for further away.
CLOSE = 0.15
# Bins along an axis: beyond this the keys of three axes would leave 64 bits, and bins are made wider.
MAX_BINS = 2**20
# Lengths that differ by less (relative to the cell) are rounding when a site lies on a face of the cell.
FACE_SLACK = 1e-9


def near(
    points: NDArray[np.float64], queries: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """All pairs of a query and a point that are at most ``radius`` apart.

    Args:
        points: float64 (n, 3). queries: float64 (q, 3). radius: positive, in the same unit.

    Returns:
        (query (k,), point (k,), distance (k,)), by rising query and distance.
    """
    if len(points) == 0 or len(queries) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    if len(points) * len(queries) <= FEW_PAIRS:
        return _all_pairs(points, queries, radius)
    origin = points.min(axis=0)
    extent = float((points.max(axis=0) - origin).max())
    width = max(BIN_WIDTH * radius, extent / MAX_BINS)
    bins = np.floor((points - origin) / width).astype(np.int64)
    shape = bins.max(axis=0) + 1
    weights = np.array([shape[1] * shape[2], shape[2], 1])
    order = np.argsort(bins @ weights, kind="stable")
    keys = (bins @ weights)[order]
    low = np.floor((queries - origin - radius) / width).astype(np.int64)
    high = np.floor((queries - origin + radius) / width).astype(np.int64)
    found = []
    for corner in np.ndindex(2, 2, 2):
        upper = np.array(corner, dtype=bool)
        wanted = np.flatnonzero(((high > low) | ~upper).all(axis=1))
        cell = np.where(upper, high[wanted], low[wanted])
        inside = ((cell >= 0) & (cell < shape)).all(axis=1)
        wanted, key = wanted[inside], cell[inside] @ weights
        first, last = np.searchsorted(keys, key, "left"), np.searchsorted(keys, key, "right")
        counts = last - first
        starts = np.repeat(first - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
        found.append((np.repeat(wanted, counts), order[starts + np.arange(counts.sum())]))
    query, point = (np.concatenate(part) for part in zip(*found, strict=True))
    distance = np.linalg.norm(queries[query] - points[point], axis=1)
    close = np.flatnonzero(distance <= radius)
    close = close[np.lexsort((distance[close], query[close]))]
    return query[close], point[close], distance[close]


def _all_pairs(
    points: NDArray[np.float64], queries: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """As ``near``, by comparing everything."""
    squares = np.zeros((len(queries), len(points)))
    for own, other in zip(queries.T, points.T, strict=True):
        squares += np.subtract.outer(own, other) ** 2
    query, point = np.nonzero(squares <= radius**2)
    distance = np.sqrt(squares[query, point])
    order = np.lexsort((distance, query))
    return query[order], point[order], distance[order]


def nearest_sites(
    positions: NDArray[np.float64],
    labels: NDArray[np.int64],
    images: NDArray[np.float64],
    image_labels: NDArray[np.int64],
    lattice: NDArray[np.float64],
    radius: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The site of the same label that is nearest to each image modulo a lattice.

    Args:
        positions: float64 (n, 3), Å. labels: int (n,). images: float64 (q, 3). image_labels: int (q,).
        lattice: float64 (3, 3), rows. radius: Å.

    Returns:
        int (q,), -1 if no site of the label is within ``radius``; float64 (q, 3), Å, from the site's nearest copy to the
        image (zero where there is none).
    """
    nearest = np.full(len(images), -1, dtype=np.int64)
    vectors = np.zeros((len(images), 3))
    for reach in (CLOSE * radius, radius):
        open_ = np.flatnonzero(nearest < 0)
        if len(open_) == 0:
            break
        sites, owners = _with_ghosts(positions, lattice, reach)
        wrapped = _wrap(images[open_], lattice)
        query, point, _ = near(sites, wrapped, reach)
        same = labels[owners[point]] == image_labels[open_[query]]
        met, first = np.unique(query[same], return_index=True)
        point = point[same][first]
        nearest[open_[met]] = owners[point]
        vectors[open_[met]] = wrapped[met] - sites[point]
    return nearest, vectors


def match_sites(
    positions: NDArray[np.float64],
    labels: NDArray[np.int64],
    images: NDArray[np.float64],
    lattice: NDArray[np.float64],
    radius: float,
) -> NDArray[np.int64]:
    """What operations of a crystal do to its sites.

    Args:
        positions: float64 (n, 3), Å. labels: int (n,). images: float64 (g, n, 3); ``images[g, i]`` is where
            site i has come.
        lattice: float64 (3, 3), rows. radius: Å, no image may be further than this from its site.

    Returns:
        int (g, n), each row a permutation.

    Raises:
        DetectionError: an image meets no site of its label, or two images meet one site.
    """
    flat = images.reshape(-1, 3)
    met = nearest_sites(positions, labels, flat, np.tile(labels, len(images)), lattice, radius)[0]
    permutations = met.reshape(images.shape[:2])
    if (np.sort(permutations, axis=1) != np.arange(len(positions))).any():
        raise DetectionError(NO_PERMUTATION)
    return permutations


def closest_pair(
    positions: NDArray[np.float64], lattice: NDArray[np.float64] | None
) -> tuple[float, int, int]:
    """Distance in Å and numbers of the two different sites that are closest, images considered; infinite for one site."""
    if len(positions) < 2:
        return np.inf, 0, 0
    if lattice is None:
        radius = max(float(np.linalg.norm(np.ptp(positions, axis=0))), 1e-300) / (2 * len(positions))
    else:  # half of how far apart the sites are if they are spread evenly
        radius = 0.5 * (abs(float(np.linalg.det(lattice))) / len(positions)) ** (1 / 3)
    while True:  # a radius at most twice the answer keeps the number of pairs small
        if lattice is None:
            query, point, distance = near(positions, positions, radius)
            owner = point
        else:
            sites, owners = _with_ghosts(positions, lattice, radius)
            query, point, distance = near(sites, _wrap(positions, lattice), radius)
            owner = owners[point]
        apart = np.flatnonzero(query != owner)
        if len(apart):
            best = apart[np.argmin(distance[apart])]
            pair = sorted((int(query[best]), int(owner[best])))
            return float(distance[best]), pair[0], pair[1]
        radius *= 2


def closest_image(positions: NDArray[np.float64], lattice: NDArray[np.float64], enough: float) -> float:
    """Smallest distance in Å between an atom, where it was put, and an image of any atom through a lattice
    vector that is not 0 and not longer than the diagonals of the cell.

    Stops at the first radius, ``enough`` or a multiple of it, within which there is one.
    """
    steps = np.array([s for s in np.ndindex(3, 3, 3) if s != (1, 1, 1)]) - 1
    translations = steps @ lattice
    closest = float(np.linalg.norm(translations, axis=1).min())
    low, high = positions.min(axis=0), positions.max(axis=0)
    radius = enough
    while True:
        images = (positions + translations[:, None]).reshape(-1, 3)
        images = images[((images >= low - radius) & (images <= high + radius)).all(axis=1)]
        distances = near(images, positions, radius)[2]
        if len(distances):
            return min(closest, float(distances.min()))
        if radius >= closest:
            return closest
        radius = min(2 * radius, closest)


def neighbour_distances(
    positions: NDArray[np.float64], lattice: NDArray[np.float64], radius: float, count: int
) -> NDArray[np.float64]:
    """For every site the ``count`` shortest distances to other sites, rising: float64 (n, count), Å, none above ``radius``.

    Sites that an operation carries to one another have rows that differ by no more than twice what the operation misses any
    atom by, since neither sorting nor cutting off enlarges a difference.
    """
    sites, _ = _with_ghosts(positions, lattice, radius)
    query, _, distance = near(sites, _wrap(positions, lattice), radius)
    rank = np.arange(len(query)) - np.searchsorted(query, query, "left")
    kept = (rank > 0) & (rank <= count)  # the nearest is the site itself
    rows = np.full((len(positions), count), radius)
    rows[query[kept], rank[kept] - 1] = distance[kept]
    return rows


def neighbour_vectors(
    positions: NDArray[np.float64], lattice: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """All vectors between sites of a crystal, images included, of length at most ``radius``: (first site (k,), second site
    (k,), vector (k, 3) from the first to the second, Å). The vectors of length 0 are left out."""
    sites, owners = _with_ghosts(positions, lattice, radius)
    home = _wrap(positions, lattice)
    query, point, distance = near(sites, home, radius)
    apart = distance > FACE_SLACK
    query, point = query[apart], point[apart]
    return query, owners[point], sites[point] - home[query]


def _wrap(positions: NDArray[np.float64], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    fractional = positions @ np.linalg.inv(lattice)
    return (fractional - np.floor(fractional)) @ lattice


def _with_ghosts(
    positions: NDArray[np.float64], lattice: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All sites and images in the cell and within ``radius`` of it: positions (m, 3) and the number of the site of each."""
    inverse = np.linalg.inv(lattice)
    fractional = positions @ inverse
    fractional = fractional - np.floor(fractional)
    margin = radius * np.linalg.norm(inverse, axis=0) + FACE_SLACK  # of a layer as thick as the radius, in cells
    owners = np.arange(len(positions))
    for axis in range(3):
        parts, numbers = [], []
        for step in range(-int(np.ceil(margin[axis])), int(np.ceil(margin[axis])) + 1):
            moved = fractional[:, axis] + step
            kept = (moved >= -margin[axis]) & (moved <= 1 + margin[axis])
            part = fractional[kept].copy()
            part[:, axis] += step
            parts.append(part)
            numbers.append(owners[kept])
        fractional, owners = np.concatenate(parts), np.concatenate(numbers)
    return fractional @ lattice, owners
