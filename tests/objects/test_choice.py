"""Choice of irreps: known cases, exhaustive enumeration from explicit matrices, limits."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

from sbs.errors import NoSetError, SearchLimitError
from sbs.groups import point_group
from sbs.objects import choice
from sbs.objects.blocks import CosetBlock, Cost, IrrepSupply
from sbs.objects.blocks import cost_key as key_of_costs
from sbs.objects.choice import choose_blocks, isotropy_above
from sbs.objects.invariants import invariant_basis, pointwise_fixer
from sbs.objects.irreps import Irrep, format_irreps
from sbs.objects.representation import irrep_matrices


def cost_key(irreps):
    return key_of_costs(Cost.of(irrep) for irrep in irreps)


def choose_irreps(matrices, masks, lmax=None, table=None):
    found = choose_blocks(IrrepSupply(matrices, table), masks, lmax)
    return SimpleNamespace(candidate=found.candidate, irreps=tuple(block.irrep for block in found.blocks))


def subgroup_mask(group, subset):
    """Elements of a point group that are among the given matrices."""
    distance = np.abs(group.matrices[:, None] - subset).max(axis=(2, 3))
    mask = (distance < 1e-9).any(axis=1)
    assert mask.sum() == len(subset)
    return mask


@pytest.mark.parametrize(
    ("ambient", "stabilizer", "irreps"),
    [
        ("Oh", "D4h", "1x2e"),
        ("Oh", "C4v", "1x1o"),
        ("Oh", "C1", "1x1o"),
        ("Oh", "O", "1x0o"),
        ("Oh", "Td", "1x3o"),
        ("Oh", "Th", "1x3e"),
        ("Oh", "T", "1x0o+1x3o"),
        ("Oh", "C4", "1x0o+1x1o"),
        ("Oh", "Ci", "1x1e"),
        ("Oh", "Oh", "1x0e"),
        ("Ih", "C1", "1x1o"),
        ("Ih", "I", "1x0o"),
        ("Ih", "Th", "1x3e"),
        ("D6h", "D6", "1x0o"),
        ("D4h", "C2h", "1x2e"),
    ],
    ids=lambda value: value,
)
def test_known_choices(ambient, stabilizer, irreps):
    group = point_group(ambient)
    mask = subgroup_mask(group, point_group(stabilizer).matrices)
    assert format_irreps(choose_irreps(group.matrices, [mask]).irreps) == irreps


def test_in_plane_vectors_break_d3():
    # S = D3, K = 1: M = D6h, H = C2v about an in-plane axis.
    group = point_group("D6h")
    across = np.array([np.diag(d) for d in [(1, 1, 1), (1, -1, -1), (1, -1, 1), (1, 1, -1)]], dtype=float)
    assert format_irreps(choose_irreps(group.matrices, [subgroup_mask(group, across)]).irreps) == "1x1o"


def enumerated(group, mask, lmax):
    """Least cost over all sets of irreps with l <= lmax, from explicit matrices and stabilizers."""
    fixers = {}
    for l in range(lmax + 1):
        for p in (1, -1):
            rep = irrep_matrices(Irrep(l, p), group.matrices)
            fixers[Irrep(l, p)] = pointwise_fixer(rep, invariant_basis(rep[mask]))
    useful = [irrep for irrep, fixer in fixers.items() if not fixer.all()] or [Irrep(0, 1)]
    covers = []
    for count in range(1, 5):
        for chosen in combinations(useful, count):
            fixed = np.logical_and.reduce([fixers[irrep] for irrep in chosen])
            if np.array_equal(fixed, mask):
                covers.append(chosen)
    return sorted(covers, key=cost_key)


@pytest.mark.parametrize(("symbol", "lmax"), [("Oh", 4), ("D4h", 4), ("D3d", 4), ("D6h", 6), ("Td", 4), ("I", 6)])
def test_choice_is_the_least_of_all(symbol, lmax):
    group = point_group(symbol)
    compared = 0
    for cls in group.subgroup_classes:
        mask = cls.representative.mask
        found = choose_irreps(group.matrices, [mask]).irreps
        covers = enumerated(group, mask, lmax)
        if covers and cost_key(covers[0])[0] <= 2 * (lmax + 1):  # larger l cannot be cheaper
            assert cost_key(found) == cost_key(covers[0]), cls.label
            assert set(found) == set(covers[0]), cls.label
            compared += 1
    assert compared >= len(group.subgroup_classes) - 2


@pytest.mark.parametrize("symbol", ["Oh", "D5h", "Th", "Ih"])
def test_characters_find_the_fixers_of_explicit_matrices(symbol):
    group = point_group(symbol)
    for cls in group.subgroup_classes:
        mask = cls.representative.mask
        expected = np.ones(group.order, dtype=bool)
        for l in range(5):
            for p in (1, -1):
                rep = irrep_matrices(Irrep(l, p), group.matrices)
                expected &= pointwise_fixer(rep, invariant_basis(rep[mask]))
            found = isotropy_above(IrrepSupply(group.matrices, group.table if l % 2 else None), mask, l)
            assert np.array_equal(found, expected), (cls.label, l)


def test_the_isotropy_group_above_is_a_subgroup():
    group = point_group("Oh")
    for cls in group.subgroup_classes:
        mask = cls.representative.mask
        for lmax in range(4):
            closed = isotropy_above(IrrepSupply(group.matrices), mask, lmax)
            assert (closed | ~mask).all()
            inside = np.flatnonzero(closed)
            assert closed[group.table[np.ix_(inside, inside)]].all()
            assert np.array_equal(isotropy_above(IrrepSupply(group.matrices), closed, lmax), closed)
        assert np.array_equal(isotropy_above(IrrepSupply(group.matrices), mask, None), mask)


def test_cost_order():
    # Total dimension; low l, the largest first; natural parity; pseudotensors rather of high l than of low.
    ordered = [
        [Irrep(0, 1)],
        [Irrep(0, -1)],
        [Irrep(1, -1)],
        [Irrep(1, 1)],
        [Irrep(0, -1), Irrep(1, -1)],
        [Irrep(1, -1), Irrep(1, 1)],
        [Irrep(0, -1), Irrep(2, 1)],
        [Irrep(1, -1), Irrep(2, 1)],
        [Irrep(1, -1), Irrep(2, -1)],
        [Irrep(1, 1), Irrep(2, 1)],
        [Irrep(1, 1), Irrep(2, -1)],
        [Irrep(0, -1), Irrep(1, -1), Irrep(2, 1)],
        [Irrep(4, 1)],
    ]
    keys = [cost_key(irreps) for irreps in ordered]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert cost_key(ordered[-2]) == cost_key(ordered[-2][::-1])


def test_cheapest_candidate_wins_and_ties_go_to_the_first():
    group = point_group("Oh")
    masks = {name: subgroup_mask(group, point_group(name).matrices) for name in ("Td", "O", "Th", "C4v", "C1")}
    assert choose_irreps(group.matrices, [masks["Td"], masks["O"], masks["Th"]]).candidate == 1
    assert choose_irreps(group.matrices, [masks["C4v"], masks["C1"]]).candidate == 0
    assert choose_irreps(group.matrices, [masks["C1"], masks["C4v"]]).candidate == 0


def test_table_changes_nothing():
    group = point_group("D6h")
    masks = [cls.representative.mask for cls in group.subgroup_classes]
    for mask in masks:
        assert choose_irreps(group.matrices, [mask]) == choose_irreps(group.matrices, [mask], table=group.table)


def test_lmax_skips_candidates_and_then_fails():
    group = point_group("Oh")
    tetrahedral = subgroup_mask(group, point_group("Td").matrices)
    axial = subgroup_mask(group, point_group("D4h").matrices)
    assert choose_irreps(group.matrices, [tetrahedral, axial], lmax=2).candidate == 1
    assert choose_irreps(group.matrices, [tetrahedral], lmax=3).irreps == (Irrep(3, -1),)
    with pytest.raises(NoSetError, match="l <= 2"):
        choose_irreps(group.matrices, [tetrahedral], lmax=2)


def test_limit_of_the_search(monkeypatch):
    group = point_group("Oh")
    monkeypatch.setattr(choice, "MAX_DEGREE", 2)
    with pytest.raises(SearchLimitError, match="l <= 2"):
        choose_irreps(group.matrices, [subgroup_mask(group, point_group("Td").matrices)])


class ArtificialAction:
    """Four cosets, the first of which is H, and irreps that move the cosets said."""

    count, home = 4, 0

    def __init__(self, table):
        self.table = table

    def moved(self, first, last):
        rows = [irrep for irrep in self.table if first <= irrep.l <= last]
        return [(SimpleNamespace(irrep=i, cost=Cost.of(i)), np.isin(np.arange(4), self.table[i])) for i in rows]


def cheapest(table):
    return tuple(block.irrep for block in choice._cheapest(ArtificialAction(table), None))


@pytest.mark.parametrize("first", [0, 1, 2, 3, 6])
def test_one_high_degree_replaces_several_low_ones(first, monkeypatch):
    # Rounds that stop at l = 2 find 1o+2e+2o of dimension 13 first; 3o alone has dimension 7.
    monkeypatch.setattr(choice, "_FIRST_DEGREES", first)
    table = {Irrep(1, -1): [1], Irrep(2, 1): [2], Irrep(2, -1): [3], Irrep(3, -1): [1, 2, 3]}
    assert cheapest(table) == (Irrep(3, -1),)
    del table[Irrep(3, -1)]
    table[Irrep(7, 1)] = [1, 2, 3]
    assert cheapest(table) == (Irrep(1, -1), Irrep(2, 1), Irrep(2, -1))


def test_a_greedy_choice_would_be_dearer():
    # The irrep that moves most, 1o, is in no least cover.
    table = {Irrep(0, -1): [1], Irrep(1, -1): [1, 2], Irrep(1, 1): [2, 3]}
    assert cheapest(table) == (Irrep(0, -1), Irrep(1, 1))


@pytest.mark.parametrize("n", [7, 50, 100])
def test_high_degrees(n):
    # In D_2nh the even function cos(n phi) in the plane is the first to know C_nh: l = n.
    group = point_group(f"D{2 * n}h")
    angles = 2 * np.pi * np.arange(n) / n
    turns = np.zeros((n, 3, 3))
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
    turns[:, 1, 0], turns[:, 0, 1] = np.sin(angles), -np.sin(angles)
    turns[:, 2, 2] = 1.0
    mirrored = turns @ np.diag([1.0, 1.0, -1.0])
    mask = subgroup_mask(group, np.concatenate([turns, mirrored]))
    assert choose_irreps(group.matrices, [mask], table=group.table).irreps == (Irrep(n, (-1) ** n),)


def test_fewer_places_decide_last():
    # A field on a smaller orbit of sites is cheaper, but only after dimension, degree and parity.
    vector, axial = Irrep(1, -1), Irrep(1, 1)
    ordered = [[Cost.of(vector, 3)], [Cost.of(vector, 8)], [Cost.of(axial, 1)], [Cost.of(vector, 1), Cost.of(axial, 1)]]
    assert sorted(ordered, key=key_of_costs) == ordered
    table = {1: Cost.of(vector, 8), 2: Cost.of(vector, 3)}

    class Action:
        count, home = 2, 0

        def moved(self, first, last):
            return [(SimpleNamespace(cost=c), np.array([False, True])) for c in table.values() if first <= c.l <= last]

    assert [block.cost for block in choice._cheapest(Action(), None)] == [table[2]]


def test_points_of_a_coset_space_are_permuted():
    group = point_group("D4")
    for cls in group.subgroup_classes:
        h = cls.representative
        block = CosetBlock(h, h.transversal())
        assert block.dim == block.cost.dim == group.order // cls.order
        images = block.act(np.arange(group.order), np.eye(block.dim))
        assert np.array_equal(np.einsum("aij,bjk->abik", images, images), images[group.table])
        point = np.eye(block.dim)[:, block.coset_of[[0]]]
        assert np.array_equal(block.points, np.eye(block.dim))
        fixed = (block.act(np.arange(group.order), point) == point).all(axis=(1, 2))
        assert np.array_equal(fixed, h.mask)
        assert np.array_equal(block.average(h.elements, point), point)
        assert np.array_equal(block.within(np.arange(group.order), point)[:, 0, 0], h.mask)
