"""Holohedry of a lattice, exact and in an orientation that the lattice itself fixes.

On a lattice that is slightly off, integer symmetry operations written in Cartesian axes are orthogonal only
to the size of the error. So the metric is averaged over the holohedry, and the stretch without rotation that
takes the lattice to the averaged metric (a polar factor) makes every operation orthogonal to rounding.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups import PointGroup
from sbs.groups.point.generators import rotation_z
from sbs.groups.point.pointgroups import match_elements
from sbs.structures.integer_lattices import hermite_form, small_vectors
from sbs.structures.orient import largest_prefix, polar
from sbs.structures.setting import settings

__all__ = ["diagonal_or_reduced", "exact_lattice", "lattice_automorphisms", "placed_holohedry", "reduced_basis"]

# Lengths and coordinates (in units of the shortest vector) that differ by less are equal when frames are
# compared: far above rounding, far below the difference between two settings of one lattice.
FRAME_DIGITS = 5
# Scalar products below this fraction of the longest squared vector count as not positive when a basis is
# reduced.
OBTUSE = 1e-9
# Every step of the reduction shortens the sum of squares; cells met in practice need fewer than ten.
REDUCTION_STEPS = 10_000


def reduced_basis(lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """A basis of the shortest vectors of a Delaunay-reduced set, as rows (3, 3) in Å, in the handedness of
    ``lattice``.

    B. Delaunay, Z. Kristallogr. 84, 109 (1933), as Selling's algorithm: a, b, c and d = -(a + b + c) are
    changed until no two of them form an acute angle; the shortest vectors are then among these four and the
    sums of two of them.

    Raises:
        DetectionError: the vectors are too long and thin a basis to be reduced.
    """
    four = np.vstack([lattice, -lattice.sum(axis=0)])
    for _ in range(REDUCTION_STEPS):
        products = np.triu(four @ four.T, k=1)
        i, j = np.unravel_index(int(products.argmax()), (4, 4))
        if products[i, j] <= OBTUSE * (four**2).sum(axis=1).max():
            break
        others = [k for k in range(4) if k not in (i, j)]
        four[others] += four[i]
        four[i] *= -1
    else:
        raise DetectionError(
            "the lattice could not be reduced; expected cell vectors of moderate lengths and angles"
        )
    vectors = np.vstack([four, four[0] + four[1], four[1] + four[2], four[2] + four[0]])
    triples = vectors[list(combinations(range(7), 3))]
    volumes = np.abs(np.linalg.det(triples)) / abs(float(np.linalg.det(lattice)))
    lengths = np.linalg.norm(triples, axis=2).sum(axis=1)
    basis = triples[np.argmin(np.where(np.abs(volumes - 1) < 0.5, lengths, np.inf))]
    return basis * np.sign(np.linalg.det(basis) * np.linalg.det(lattice))


def diagonal_or_reduced(rows: NDArray[np.int64], lattice: NDArray[np.float64]) -> NDArray[np.int64]:
    """A basis of Λ that is good to read: diagonal if there is one, else of short vectors.

    Args:
        rows: int (3, 3), a basis of Λ.
        lattice: float64 (3, 3), the basis in Å that the integers refer to.
    """
    form = hermite_form(rows)
    if not (form - np.diag(np.diagonal(form))).any():
        return form
    short = np.round(reduced_basis(form @ lattice) @ np.linalg.inv(lattice)).astype(np.int64)
    return short * (1 if np.linalg.det(short) > 0 else -1)


def lattice_automorphisms(
    basis: NDArray[np.float64], tolerance: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Integer matrices that map a lattice onto itself, with how far they are from being isometries.

    Args:
        basis: float64 (3, 3), rows are a reduced (Delaunay) basis in Å, so that vectors as long as a basis
            vector have coefficients of at most 2.
        tolerance: largest distance in Å between a basis vector's image under the best orthogonal matrix and
            a lattice vector.

    Returns:
        ``(matrices (m, 3, 3), deviations (m,))`` by rising deviation; ``matrices[k].T @ basis`` has the
        images as rows.
    """
    coefficients = small_vectors(2)
    vectors = coefficients @ basis
    lengths = np.linalg.norm(vectors, axis=1)
    images = [np.flatnonzero(np.abs(lengths - np.linalg.norm(row)) <= tolerance) for row in basis]
    i, j = (index.ravel() for index in np.meshgrid(images[0], images[1], indexing="ij"))

    def alike(p: NDArray[np.int64], q: NDArray[np.int64], a: int, b: int) -> NDArray[np.bool_]:
        wanted = np.linalg.norm(basis[a] - basis[b])
        return np.asarray(np.abs(np.linalg.norm(vectors[p] - vectors[q], axis=1) - wanted) <= 2 * tolerance)

    keep = alike(i, j, 0, 1)
    i, j = i[keep], j[keep]
    k = np.tile(images[2], len(i))
    i, j = np.repeat(i, len(images[2])), np.repeat(j, len(images[2]))
    keep = alike(i, k, 0, 2) & alike(j, k, 1, 2)
    matrices = coefficients[np.stack([i[keep], j[keep], k[keep]], axis=1)].transpose(0, 2, 1)
    matrices = matrices[np.abs(np.linalg.det(matrices).round()) == 1]
    targets = matrices.transpose(0, 2, 1) @ basis
    turned = polar(targets.transpose(0, 2, 1) @ np.linalg.inv(basis.T))
    deviations = np.linalg.norm(np.einsum("gij,nj->gni", turned, basis) - targets, axis=2).max(axis=1)
    order = np.argsort(deviations, kind="stable")
    order = order[deviations[order] <= tolerance]
    return matrices[order], deviations[order]


def exact_lattice(
    basis: NDArray[np.float64], own: NDArray[np.int64], tolerance: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """The holohedry made exact.

    Returns the symmetric stretch (3, 3) that makes the lattice perfect, the orthogonal matrices (m, 3, 3) of
    the holohedry, and the numbers (n,) among them of the crystal's own rotations (integer, on the rows of
    ``basis``).
    """
    # On the lattice made perfect for the crystal's own rotations these are exact, whatever spglib's measure
    # of the tolerance admitted, and so is every automorphism that follows from them.
    matrices, _ = lattice_automorphisms(basis @ _stretch(basis, own), tolerance)
    matrices = matrices[: largest_prefix(_product_table(matrices))]
    keys = {matrix.tobytes(): number for number, matrix in enumerate(matrices)}
    try:
        members = np.array([keys[matrix.tobytes()] for matrix in np.ascontiguousarray(own)])
    except KeyError:
        raise DetectionError(
            f"the {len(own)} rotations found at a tolerance of {tolerance:g} Å do not preserve the crystal's "
            "lattice; expected a space group on it: lower the tolerance"
        ) from None
    stretch = _stretch(basis, matrices)
    columns = stretch @ basis.T
    return stretch, columns @ matrices @ np.linalg.inv(columns), members


def _stretch(basis: NDArray[np.float64], matrices: NDArray[np.int64]) -> NDArray[np.float64]:
    """The symmetric matrix (3, 3) that takes a lattice to the one whose metric is averaged over integer matrices."""
    metric = basis @ basis.T
    averaged = (matrices.transpose(0, 2, 1) @ metric @ matrices).mean(axis=0)
    inverse = np.linalg.inv(basis.T)
    values, vectors = np.linalg.eigh(inverse.T @ averaged @ inverse)
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


def _product_table(matrices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Product table (m, m) of integer matrices; m where the product is not among them."""
    count = len(matrices)
    weights = 11 ** np.arange(9)  # entries of the products stay within -5..5 for entries that matter
    keys = matrices.reshape(count, 9) @ weights
    order = np.argsort(keys)
    products = (matrices[:, None] @ matrices[None]).reshape(count, count, 9)
    wanted = products @ weights
    place = np.minimum(np.searchsorted(keys[order], wanted), count - 1)
    found = order[place]
    same = (matrices.reshape(count, 9)[found] == products).all(axis=2)
    return np.where(same, found, count)


def placed_holohedry(
    found: PointGroup, own: NDArray[np.int64], basis: NDArray[np.float64]
) -> PointGroup:
    """The holohedry as a PointGroup whose rotation turns with the crystal.

    The rotation from the standard setting to a group is only known up to the normalizer of the group, which for a lattice is
    larger than the group (D4h: x may lie along a or a + b). Two orientations of one crystal must get the same choice, else
    they would get different symmetry-breaking objects. So among the settings of the holohedry the one is taken in which the
    shortest lattice vectors have the largest coordinates, and among those that differ by an element of the holohedry the one
    in which the crystal's own group comes first.

    Args:
        found: the holohedry, exact, in any of its settings.
        own: int (n,), the numbers of its elements that form the crystal's point group.
        basis: float64 (3, 3), rows are a basis of the (exact) lattice in Å.
    """
    coefficients = small_vectors(2)
    vectors = coefficients @ basis
    lengths = np.linalg.norm(vectors, axis=1)
    vectors, lengths = vectors[lengths > 0], lengths[lengths > 0]
    unit = lengths.min()
    best: tuple[tuple[float, ...], NDArray[np.float64]] | None = None
    for frame in _settings(found, vectors[np.argsort(lengths, kind="stable")]):
        key = _coordinates(vectors @ frame / unit, lengths / unit)
        if best is None or key > best[0]:
            best = (key, frame)
    assert best is not None
    standard = found.standard.matrices
    proper = np.flatnonzero(np.linalg.det(standard) > 0)
    if len(own) == len(standard):
        return PointGroup(found.family, best[1] @ standard[proper[0]])
    inside = match_elements(best[1].T @ found.matrices[own] @ best[1], standard)
    table, inverses = found.standard.table, found.standard.inverses
    masks = np.zeros((len(proper), len(standard)), dtype=bool)
    np.put_along_axis(masks, table[inverses[proper][:, None], table[inside[None], proper[:, None]]].astype(np.intp), True, axis=1)
    first = max(range(len(proper)), key=lambda k: np.packbits(masks[k]).tobytes())
    return PointGroup(found.family, best[1] @ standard[proper[first]])


def _settings(group: PointGroup, vectors: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Proper rotations to the settings of a holohedry that are not related by its own elements."""
    frame = group.rotation
    if group.symbol == "D3d":
        return [frame, frame @ rotation_z(1, 6)]
    if group.symbol == "C2h":
        axis = frame[:, 2]
        across = vectors - np.outer(vectors @ axis, axis)
        sizes = np.linalg.norm(across, axis=1)
        directions = across[sizes > 0.1 * sizes.max()][:40]
        frames = []
        for x in directions / np.linalg.norm(directions, axis=1, keepdims=True):
            frames += [np.stack([x, np.cross(z, x), z], axis=1) for z in (axis, -axis)]
        return frames
    return settings(group)


def _coordinates(vectors: NDArray[np.float64], lengths: NDArray[np.float64]) -> tuple[float, ...]:
    """For each length in rising order the largest coordinates (lexicographically) of a vector of that length."""
    lengths, vectors = lengths.round(FRAME_DIGITS), vectors.round(FRAME_DIGITS) + 0.0
    order = np.lexsort((-vectors[:, 2], -vectors[:, 1], -vectors[:, 0], lengths))
    first = np.concatenate([[True], np.diff(lengths[order]) > 0])
    return tuple(vectors[order][first].ravel().tolist())
