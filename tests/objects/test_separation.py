"""Best separated vectors: Archimedean solids, random search, stabilizers, reproducibility, errors."""

from itertools import accumulate, pairwise

import numpy as np
import pytest

from sbs.errors import NoSetError
from sbs.groups import point_group
from sbs.objects import separation
from sbs.objects.blocks import IrrepSupply
from sbs.objects.choice import choose_blocks
from sbs.objects.invariants import invariant_basis
from sbs.objects.irreps import format_irreps, parse_irreps
from sbs.objects.maximin import maximin, smallest_form
from sbs.objects.representation import representation

# Rounding the coefficients to ten digits costs at most this much of a distance.
SLACK = 1e-9


class MatrixBlock:
    """A block given by the matrices of all elements."""

    def __init__(self, matrices):
        self.matrices = matrices
        self.dim = matrices.shape[1]

    def act(self, elements, vectors):
        return self.matrices[elements] @ vectors

    def average(self, elements, vectors):
        return self.act(elements, vectors).mean(axis=0)

    def within(self, elements, basis):
        return basis.T @ self.act(elements, basis)


def best_separated(group, rep, mask, blocks):
    return separation.best_separated([MatrixBlock(rep[:, block, block]) for block in blocks], group.table, mask)


def best_separated_in_irreps(irreps, matrices, mask, table=None):
    supply = IrrepSupply(matrices, table)
    blocks = [supply.block(irrep) for mul, irrep in parse_irreps(irreps) for _ in range(mul)]
    return separation.best_separated(blocks, supply.table, mask)


def irreps_for(group, mask):
    return tuple(b.irrep for b in choose_blocks(IrrepSupply(group.matrices, group.table), [mask]).blocks)


def blocks_of(irreps):
    slices, start = [], 0
    for mul, irrep in parse_irreps(irreps):
        for _ in range(mul):
            slices.append(slice(start, start + irrep.dim))
            start += irrep.dim
    return slices


def smallest_distance(rep, mask, vector):
    return float(np.linalg.norm(rep[~mask] @ vector - vector, axis=1).min())


def random_search(rep, mask, blocks, count=20_000):
    """Best smallest distance of many random invariant vectors, by plain definition."""
    rng = np.random.default_rng(0)
    vectors = np.zeros((count, rep.shape[1]))
    for block in blocks:
        basis = invariant_basis(rep[mask][:, block, block])
        coefficients = rng.normal(size=(count, basis.shape[1]))
        vectors[:, block] = coefficients @ basis.T / np.linalg.norm(coefficients, axis=1, keepdims=True)
    smallest = np.full(count, np.inf)
    for matrix in rep[~mask]:
        smallest = np.minimum(smallest, np.linalg.norm(vectors @ matrix.T - vectors, axis=1))
    return float(smallest.max())


def in_standard_setting(symbol, stabilizer):
    """A point group and the mask of the elements of another one inside, both in the standard setting."""
    group, subset = point_group(symbol), point_group(stabilizer).matrices
    mask = (np.abs(group.matrices[:, None] - subset).max(axis=(2, 3)) < 1e-9).any(axis=1)
    assert mask.sum() == len(subset)
    return group, mask


@pytest.mark.parametrize(
    ("symbol", "edge"),
    [  # edge over circumradius of the solid whose vertices are one orbit of the group
        ("Oh", 2 / np.sqrt(13 + 6 * np.sqrt(2))),  # truncated cuboctahedron
        ("Ih", 2 / np.sqrt(31 + 12 * np.sqrt(5))),  # truncated icosidodecahedron
        ("Td", np.sqrt(2 / 5)),  # truncated octahedron, as one orbit of T_d
    ],
)
def test_generic_orbits_are_archimedean_solids(symbol, edge):
    group = point_group(symbol)
    mask = np.arange(group.order) == 0
    rep = representation("1x1o", group.matrices)
    vector = best_separated(group, rep, mask, blocks_of("1x1o"))
    assert abs(smallest_distance(rep, mask, vector) - edge) < SLACK


CASES = [
    ("Oh", "C1", "2x1o"),
    ("Oh", "D2h", "1x2e"),
    ("Oh", "Ci", "1x2e+1x1e"),
    ("D4h", "C1", "1x1o+1x2e"),
    ("D6h", "Ci", "1x4e"),
    ("O", "C2", "1x3o"),
    ("Ih", "D2", "1x2o"),
    ("Td", "C1", "1x4o"),
    ("T", "C1", "1x6e"),
]


@pytest.mark.parametrize(("symbol", "stabilizer", "irreps"), CASES, ids=lambda value: value)
def test_no_random_vector_is_better(symbol, stabilizer, irreps):
    group, mask = in_standard_setting(symbol, stabilizer)
    rep = representation(irreps, group.matrices)
    blocks = blocks_of(irreps)
    vector = best_separated(group, rep, mask, blocks)
    assert smallest_distance(rep, mask, vector) > random_search(rep, mask, blocks) - SLACK


@pytest.mark.parametrize("symbol", ["Oh", "Ih", "D6h", "D4h", "Td", "D5d"])
def test_every_stabilizer_gets_its_vector(symbol):
    group = point_group(symbol)
    for cls in group.subgroup_classes:
        mask = cls.representative.mask
        irreps = irreps_for(group, mask)
        vector = best_separated_in_irreps(irreps, group.matrices, mask, group.table)
        rep = representation(irreps, group.matrices)
        distances = np.linalg.norm(rep @ vector - vector, axis=1)
        assert distances[mask].max() < 1e-14, cls.label
        assert mask.all() or distances[~mask].min() > 0.05, cls.label
        for block in blocks_of(irreps):
            assert abs(np.linalg.norm(vector[block]) - 1) < 1e-14


@pytest.mark.parametrize(
    ("symbol", "stabilizer", "irreps"),
    [*CASES, ("Oh", "C1", "1x1o"), ("Oh", "C2", "1x6o"), ("D8h", "C2h", "1x8e+1x2e")],
    ids=lambda value: value,
)
def test_rounding_and_order_leave_no_trace(symbol, stabilizer, irreps):
    group, mask = in_standard_setting(symbol, stabilizer)
    vector = best_separated_in_irreps(irreps, group.matrices, mask, group.table)
    rng = np.random.default_rng(3)
    for _ in range(2):
        order = np.concatenate(([0], 1 + rng.permutation(group.order - 1)))
        noisy = (group.matrices + 3e-16 * rng.normal(size=group.matrices.shape))[order]
        again = best_separated_in_irreps(irreps, noisy, mask[order])
        assert np.abs(again - vector).max() < 2e-9


def test_both_entrances_agree():
    for symbol in ("Oh", "D6h"):
        group = point_group(symbol)
        for cls in group.subgroup_classes[:12]:
            mask = cls.representative.mask
            irreps = irreps_for(group, mask)
            rep = representation(irreps, group.matrices)
            given = best_separated(group, rep, mask, blocks_of(irreps))
            derived = best_separated_in_irreps(format_irreps(irreps), group.matrices, mask)
            assert np.abs(given - derived).max() < 1e-13


def test_whole_group_gives_a_fixed_vector():
    group = point_group("C4v")
    vector = best_separated_in_irreps("1x1o+1x2e", group.matrices, np.ones(8, dtype=bool), group.table)
    assert (
        np.abs(vector - [0, 0, 1, 0, 0, -0.5, 0, np.sqrt(0.75)]).max() < 1e-12
        or np.abs(vector - [0, 0, 1, 0, 0, 0.5, 0, -np.sqrt(0.75)]).max() < 1e-12
    )


def test_high_degree_in_a_large_group():
    group = point_group("D200h")
    matrices = group.matrices
    angles = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    mask = (np.abs(np.sin(25 * angles)) < 1e-9) & (np.linalg.det(matrices[:, :2, :2]) > 0)
    mask &= matrices[:, 2, 2] > 0
    assert mask.sum() == 50
    irreps = irreps_for(group, mask)
    vector = best_separated_in_irreps(irreps, matrices, mask, group.table)
    for part in np.array_split(np.arange(group.order), 16):
        rep = representation(irreps, matrices[part])
        distance = np.linalg.norm(rep @ vector - vector, axis=1)
        assert (distance[mask[part]] < 1e-11).all()
        assert (distance[~mask[part]] > 0.1).all()


def test_displacements_of_sites():
    # Any orthogonal representation: the corners of a cube that move, down to the rhombohedral C3v.
    group = point_group("Oh")
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    rep = np.zeros((48, 24, 24))
    for number, matrix in enumerate(group.matrices):
        for start, corner in enumerate(corners):
            end = int(np.argmin(np.linalg.norm(corners - matrix @ corner, axis=1)))
            rep[number, 3 * end : 3 * end + 3, 3 * start : 3 * start + 3] = matrix
    mask = next(c.representative.mask for c in group.subgroup_classes if c.label == "C3v")
    vector = best_separated(group, rep, mask, [slice(0, 24)])
    assert np.linalg.norm(rep[mask] @ vector - vector, axis=1).max() < 1e-14
    found = smallest_distance(rep, mask, vector)
    assert found > random_search(rep, mask, [slice(0, 24)]) - SLACK


def test_block_without_invariants_is_refused():
    group = point_group("Oh")
    mask = np.linalg.det(group.matrices) > 0
    with pytest.raises(NoSetError, match="block 1"):
        best_separated_in_irreps("1x0o+1x1o", group.matrices, mask, group.table)


def test_blocks_that_cannot_tell_the_stabilizer_are_refused():
    group, mask = in_standard_setting("Oh", "C1")
    with pytest.raises(NoSetError, match="larger group"):
        best_separated_in_irreps("1x4e", group.matrices, mask, group.table)
    with pytest.raises(NoSetError, match="larger group"):
        best_separated(group, representation("1x0o", group.matrices), mask, [slice(0, 1)])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sizes", [(2,), (3,), (4,), (2, 2), (1, 3)], ids=str)
def test_maximin_of_random_forms(sizes, seed):
    rng = np.random.default_rng(seed)
    edges = [0, *accumulate(sizes)]
    blocks = [slice(a, b) for a, b in pairwise(edges)]
    forms = np.zeros((int(rng.integers(1, 12)), edges[-1], edges[-1]))
    trial = rng.normal(size=(40_000, edges[-1]))
    for block in blocks:
        factors = rng.normal(size=(len(forms), block.stop - block.start, 2))
        forms[:, block, block] = factors @ factors.transpose(0, 2, 1)
        trial[:, block] /= np.linalg.norm(trial[:, block], axis=1, keepdims=True)
    points = maximin(forms, blocks)
    for block in blocks:
        assert np.abs(np.linalg.norm(points[:, block], axis=1) - 1).max() < 1e-12
    best = smallest_form(forms, points).max()
    assert best > smallest_form(forms, trial).max() * (1 - 1e-9)


def test_maximin_of_one_form_is_its_largest_eigenvalue():
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(6, 6))
    form = factor @ factor.T
    points = maximin(form[None], [slice(0, 6)])
    assert abs(smallest_form(form[None], points).max() - np.linalg.eigvalsh(form)[-1]) < 1e-10


def test_maximin_where_all_points_are_as_good():
    points = maximin(np.eye(3)[None], [slice(0, 3)])
    assert np.abs(np.linalg.norm(points, axis=1) - 1).max() < 1e-12
