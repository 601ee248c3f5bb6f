"""Point groups: standard setting, subgroup classes and their labels, orientation, infinite groups."""

import itertools
import math
import pickle

import numpy as np
import pytest
from sympy.combinatorics import Permutation, PermutationGroup

import sbs
from sbs.errors import AmbiguousTargetError, InfiniteSetError, InvalidGroupError, NotASubgroupError, UnknownGroupError
from sbs.groups import FiniteGroup, hasse_edges, point_group

CRYSTALLOGRAPHIC = [
    "C1",
    "Ci",
    "C2",
    "Cs",
    "C2h",
    "D2",
    "C2v",
    "D2h",
    "C4",
    "S4",
    "C4h",
    "D4",
    "C4v",
    "D2d",
    "D4h",
    "C3",
    "S6",
    "D3",
    "C3v",
    "D3d",
    "C6",
    "C3h",
    "C6h",
    "D6",
    "C6v",
    "D3h",
    "D6h",
    "T",
    "Th",
    "O",
    "Td",
    "Oh",
]

# Subgroups and classes of subgroups; W. Hahn (ed.), Int. Tables A (2005), ch. 10.1; for I and Ih by the brute force below.
COUNTS = {
    "Oh": (98, 33),
    "Td": (30, 11),
    "O": (30, 11),
    "D4h": (35, 27),
    "D6h": (54, 32),
    "D3d": (16, 10),
    "Ih": (164, 22),
    "I": (59, 9),
}


def brute_force_subgroups(group):
    """All subgroups as frozensets: joins of cyclic ones, closed under pairwise joins."""
    table = np.asarray(group.table).astype(int)

    def generated(elements):
        found = {0}
        frontier = list(elements)
        while frontier:
            x = frontier.pop()
            if x not in found:
                found.add(x)
                frontier += [int(table[x, y]) for y in found] + [int(table[y, x]) for y in found]
        return frozenset(found)

    cyclic = {generated([x]) for x in range(group.order)}
    found, queue = set(cyclic), list(cyclic)
    while queue:
        h = queue.pop()
        for c in cyclic:
            if not c <= h:
                joined = generated(h | c)
                if joined not in found:
                    found.add(joined)
                    queue.append(joined)
    return found


@pytest.mark.parametrize("symbol", COUNTS)
def test_numbers_of_subgroups(symbol):
    group = sbs.point_group(symbol)
    assert (sum(c.size for c in group.subgroup_classes), len(group.subgroup_classes)) == COUNTS[symbol]


@pytest.mark.parametrize("symbol", [*CRYSTALLOGRAPHIC, "I", "D5d", "C7v", "D8h", "S10"])
def test_subgroups_agree_with_brute_force(symbol):
    group = sbs.point_group(symbol)
    expected = brute_force_subgroups(group)
    members = [frozenset(m.elements.tolist()) for c in group.subgroup_classes for m in c.members]
    assert len(members) == len(set(members)) and set(members) == expected
    for c in group.subgroup_classes:
        assert len(c.members) == c.size and c.members[0] == c.representative


@pytest.mark.parametrize("symbol", CRYSTALLOGRAPHIC)
def test_order_and_element_classes_agree_with_sympy(symbol):
    group = sbs.point_group(symbol)
    regular = PermutationGroup([Permutation(row) for row in np.asarray(group.table).tolist()])
    assert regular.order() == group.order
    assert len(regular.conjugacy_classes()) == len(group.element_classes) == len(set(group.element_class_symbols))


@pytest.mark.parametrize("symbol", [*CRYSTALLOGRAPHIC, "I", "Ih", "D12h", "S8"])
def test_labels_are_unique_and_accepted(symbol):
    group = sbs.point_group(symbol)
    labels = [c.label for c in group.subgroup_classes]
    assert len(set(labels)) == len(labels)
    for c in group.subgroup_classes:
        assert group.subgroup_class(c.label) is c
        assert group.subgroup_class(c.label.replace("σ", "s")) is c
        assert c.label.split("(")[0] == c.symbol == sbs.point_group(c.representative.matrices).symbol


def test_labels_of_oh():
    """Labels are public names: a change here breaks users."""
    assert [c.label for c in sbs.point_group("Oh").subgroup_classes] == [
        "C1",
        "C2(C2)",
        "C2(C2')",
        "Ci",
        "Cs(σh)",
        "Cs(σd)",
        "C3",
        "D2(3C2)",
        "C4",
        "D2(C2')",
        "C2h(C2)",
        "C2v(2σh)",
        "S4",
        "C2v(2σd)",
        "C2h(C2')",
        "C2v(C2')",
        "D3",
        "S6",
        "C3v",
        "D4",
        "D2h(3C2)",
        "D2d(σd)",
        "C4h",
        "C4v",
        "D2h(C2')",
        "D2d(C2')",
        "T",
        "D3d",
        "D4h",
        "O",
        "Th",
        "Td",
        "Oh",
    ]


def test_hasse_edges_are_the_maximal_subgroups():
    group = sbs.point_group("Td")
    classes = group.subgroup_classes
    below = {
        (i, j)
        for i, j in itertools.product(range(len(classes)), repeat=2)
        if classes[i].order < classes[j].order and any(m <= classes[j].representative for m in classes[i].members)
    }
    every = [frozenset(m.elements.tolist()) for c in classes for m in c.members]
    expected = set()
    for i, j in below:
        top = frozenset(classes[j].representative.elements.tolist())
        for m in classes[i].members:
            low = frozenset(m.elements.tolist())
            if low < top and not any(low < other < top for other in every):
                expected.add((i, j))
    assert set(hasse_edges(group)) == expected


def test_a_turned_group_keeps_its_table_and_names():
    rng = np.random.default_rng(5)
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    group = sbs.point_group("D4h")
    turned = group.rotated(q)
    assert np.array_equal(group.table, turned.table)
    assert np.abs(turned.matrices - q @ group.matrices @ q.T).max() < 1e-14
    assert [c.label for c in turned.subgroup_classes] == [c.label for c in group.subgroup_classes]
    assert turned != group and turned == group.rotated(q) and pickle.loads(pickle.dumps(turned)) == turned
    again = sbs.point_group(turned.matrices)
    assert again.symbol == "D4h"
    distance = np.abs(again.matrices[:, None] - turned.matrices[None]).max((2, 3))
    assert distance.min(1).max() < 1e-12 and len(set(distance.argmin(1).tolist())) == 16


def test_ambiguous_symbols_list_labels():
    with pytest.raises(AmbiguousTargetError, match=r"3 classes.*C2v\(2σh\).*C2v\(2σd\).*C2v\(C2'\)"):
        sbs.point_group("Oh").subgroup_class("C2v")
    with pytest.raises(AmbiguousTargetError, match=r"C2v\(C2'\)"):
        sbs.point_group("Dinfh").axial_subgroup("mm2")


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        ("D6h", NotASubgroupError, "no subgroup D6h"),
        ("D4hh", UnknownGroupError, "D4h"),
        ("C2v(σσ)", UnknownGroupError, "labels no class"),
    ],
)
def test_targets_that_do_not_exist(target, error, message):
    with pytest.raises(error, match=message):
        sbs.point_group("Oh").subgroup_class(target)


@pytest.mark.parametrize("symbol", ["D0h", "C-3", "", "X", "D99999h", "C0"])
def test_unknown_symbols(symbol):
    with pytest.raises(UnknownGroupError):
        sbs.point_group(symbol)


def test_matrices_of_an_improper_kind():
    with pytest.raises(InvalidGroupError, match="not orthogonal"):
        sbs.point_group([np.diag([1.0, 1.0, 0.999])])
    with pytest.raises(InvalidGroupError, match="shape"):
        sbs.point_group(np.eye(2)[None])


INFINITE = {"Cinf": 1, "Cinfv": 2, "Cinfh": 2, "Dinf": 2, "Dinfh": 4, "SO(3)": 1, "O(3)": 2}


@pytest.mark.parametrize("symbol", INFINITE)
def test_infinite_groups_hold_their_draws_and_products(symbol):
    group = sbs.point_group(symbol)
    drawn = group.sample(200, seed=3)
    assert group.order == math.inf and group.symbol == symbol
    assert group.contains(drawn).all() and group.contains(drawn[:100] @ drawn[100:]).all()
    assert np.abs(np.swapaxes(drawn, 1, 2) @ drawn - np.eye(3)).max() < 1e-14
    components = {(round(float(np.linalg.det(g))), g[2, 2] > 0 if group.is_axial else True) for g in drawn}
    assert len(components) == INFINITE[symbol]
    with pytest.raises(InfiniteSetError, match="sample"):
        _ = group.matrices
    q = sbs.point_group("O(3)").sample(1, seed=8)[0]
    turned = group.rotated(q)
    assert turned.contains(q @ drawn @ q.T).all()
    assert group.is_axial is False or not turned.contains(drawn).all()


def test_haar_measure_of_so3():
    """The mean of D over SO(3) is zero and of the squared entries 1/3."""
    drawn = sbs.point_group("SO(3)").sample(20000, seed=1)
    assert np.abs(drawn.mean(0)).max() < 0.02 and np.abs((drawn**2).mean(0) - 1 / 3).max() < 0.02


def test_a_point_group_holds_one_group_of_numbers_for_all_orientations():
    group = point_group("D3d")
    turned = group.rotated(sbs.point_group("SO(3)").sample(1, 4)[0])
    assert isinstance(group.group, FiniteGroup) and turned.group is group.group
    assert not isinstance(group, FiniteGroup) and not hasattr(group, "from_table")
    np.testing.assert_allclose(
        turned.matrices[turned.multiply(3, 5)], turned.matrices[3] @ turned.matrices[5], atol=1e-14
    )
    inner = turned.subgroup(turned.matrices[[1]])
    assert inner.parent is turned and inner.within(group) == group.subgroup([1])
    assert [h.parent for h in (turned.whole, turned.trivial)] == [turned, turned]
