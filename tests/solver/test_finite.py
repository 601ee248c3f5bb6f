"""Normalizers, complements and smallest sets in finite groups."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy.combinatorics.fp_groups import FpGroup
from sympy.combinatorics.free_groups import free_group

import sbs
from sbs.errors import NotASubgroupError
from sbs.groups import FiniteGroup
from sbs.solver.complements import find_stabilizers
from sbs.solver.finite import solve_finite
from sbs.solver.normalizer import generalised_normalizer, normalizer_in_o3, normalizer_in_so3

# International Tables for Crystallography A (2005), table 15.4.1.2 and the text of ch. 15.4.
NORMALIZERS = {
    "C1": "O(3)", "Ci": "O(3)", "Cs": "Dinfh", "C2": "Dinfh", "C6h": "Dinfh", "S4": "Dinfh", "C2v": "D4h",
    "C3v": "D6h", "D3": "D6h", "D4": "D8h", "D2d": "D4h", "D3d": "D6h", "D4h": "D8h", "D2": "Oh", "D2h": "Oh",
    "T": "Oh", "Th": "Oh", "Td": "Oh", "O": "Oh", "Oh": "Oh", "I": "Ih", "Ih": "Ih", "Cinfv": "Dinfh",
    "Cinf": "Dinfh", "Dinfh": "Dinfh", "SO(3)": "O(3)", "O(3)": "O(3)", "D5h": "D10h",
}  # fmt: skip


@pytest.mark.parametrize("symbol", NORMALIZERS)
def test_normalizers_in_o3(symbol):
    assert normalizer_in_o3(sbs.point_group(symbol).family).schoenflies == NORMALIZERS[symbol]


def test_normalizers_in_so3_are_the_rotations():
    found = {
        s: normalizer_in_so3(sbs.point_group(s).family).schoenflies
        for s in ["C1", "C3", "D2", "D3", "T", "O", "I", "Dinf", "SO(3)"]
    }
    assert found == {
        "C1": "SO(3)", "C3": "Dinf", "D2": "O", "D3": "D6", "T": "O", "O": "O", "I": "I", "Dinf": "Dinf", "SO(3)": "SO(3)",
    }  # fmt: skip
    with pytest.raises(NotASubgroupError, match="improper"):
        normalizer_in_so3(sbs.point_group("C2v").family)


def symmetric(n):
    return FiniteGroup.from_permutations([[*range(1, n), 0], [1, 0, *range(2, n)]])


S5 = symmetric(5)
D4XC2 = FiniteGroup.from_permutations([[1, 2, 3, 0, 4, 5], [0, 3, 2, 1, 4, 5], [0, 1, 2, 3, 5, 4]])


def brute_normalizer(group, target):
    parent = group.parent
    table, inverse = np.asarray(parent.table).astype(int), parent.inverses

    def turned(elements, g):
        return frozenset(int(table[table[g, x], inverse[g]]) for x in elements)

    inside, inner = frozenset(group.elements.tolist()), frozenset(target.elements.tolist())
    orbit = {turned(inner, s) for s in inside}
    return {g for g in range(parent.order) if turned(inside, g) == inside and turned(inner, g) in orbit}


def brute_order(group, target, exact):
    """Largest |H| over every subgroup of M, none left out."""
    normalizer = brute_normalizer(group, target)
    conjugates = [frozenset(c.elements.tolist()) for c in target.conjugates(group)]
    inside, inner = frozenset(group.elements.tolist()), frozenset(target.elements.tolist())
    best = 0
    for h in group.parent.subgroups():
        elements = frozenset(h.elements.tolist())
        if elements <= normalizer:
            shared = elements & inside
            if shared == inner if exact else any(shared <= c for c in conjugates):
                best = max(best, h.order)
    return len(normalizer), best


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([S5, D4XC2, symmetric(4)]),
    st.lists(st.integers(0, 119), min_size=1, max_size=2),
    st.lists(st.integers(0, 119), max_size=2),
    st.booleans(),
)
def test_smallest_sets_agree_with_brute_force(parent, first, second, exact):
    group = parent.subgroup([g % parent.order for g in first])
    target = parent.subgroup([int(group.elements[g % group.order]) for g in second])
    solution = solve_finite(group, target, exact)
    normalizer, best = brute_order(group, target, exact)
    assert solution.normalizer.order == normalizer
    assert set(solution.normalizer.elements.tolist()) == brute_normalizer(group, target)
    assert solution.stabilizers[0].order == best and solution.size == normalizer // best


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 23), min_size=1, max_size=2))
def test_all_classes_of_largest_stabilizers_are_found(generators):
    s4 = symmetric(4)
    group = s4.subgroup(generators)
    for c in s4.subgroup_classes:
        target = c.representative
        if not target <= group:
            continue
        normalizer = generalised_normalizer(group, target)
        found = find_stabilizers(normalizer, group, target)
        fitting = [h for h in s4.subgroups() if h <= normalizer and h.intersection(group) == target]
        best = max(h.order for h in fitting)
        expected = {frozenset(x.bits for x in h.conjugates(normalizer)) for h in fitting if h.order == best}
        assert {frozenset(x.bits for x in h.conjugates(normalizer)) for h in found.stabilizers} == expected
        assert len(found.stabilizers) == len(expected)


def paper_counterexample():
    """h x h with h = <r, s, c | r2, s4, (rs)2, c2, scs3c, (rc)4> on 64 points, and S, K (Xie and Smidt, TMLR 2024)."""
    free, r, s, c = free_group("r,s,c")
    small = FpGroup(free, [r**2, s**4, (r * s) ** 2, c**2, s * c * s**3 * c, (r * c) ** 4])
    table = small.coset_table([])
    assert len(table) == 32
    images = [np.array([row[2 * k] for row in table]) for k in range(3)]
    second = np.arange(32, 64)
    first = np.arange(32)
    generators = [np.concatenate([g, second]) for g in images] + [np.concatenate([first, 32 + g]) for g in images]
    group = FiniteGroup.from_permutations(generators)
    numbers = _numbers(group, generators)
    r1, s1, c1, r2, s2, c2 = numbers
    return group, (r1, group.power(s1, 2), c1, r2, group.power(s2, 2), c2), int(group.multiply(c1, c2))


def _numbers(group, generators):
    # Breadth-first numbering puts the distinct generators right after the identity, in the order given.
    numbers = list(range(1, len(generators) + 1))
    orders = [int(np.lcm.reduce([len(c) for c in _cycles(g)])) for g in generators]
    assert [int(group.element_orders[x]) for x in numbers] == orders
    return numbers


def _cycles(permutation):
    seen, cycles = set(), []
    for start in range(len(permutation)):
        cycle = []
        while start not in seen:
            seen.add(start)
            cycle.append(start)
            start = int(permutation[start])
        if cycle:
            cycles.append(cycle)
    return cycles


def test_the_counterexample_of_the_paper():
    """Breaking more than needed is cheaper: exactly K takes 512 objects, at most K 256, ideal would be 128."""
    ambient, generators, product = paper_counterexample()
    group, target = ambient.subgroup(generators), ambient.subgroup([product])
    assert (ambient.order, group.order, target.order) == (1024, 256, 2)
    exact = sbs.minimal_set(group=group, target=target, ambient=ambient)
    loose = sbs.minimal_set(group=group, target=target, ambient=ambient, exact=False)
    everything = sbs.minimal_set(group=group, target=ambient.trivial, ambient=ambient)
    assert (exact.size, loose.size, everything.size, exact.ideal_size) == (512, 256, 256, 128)
    assert not exact.is_ideal and not loose.is_ideal and everything.is_ideal
    assert exact.degeneracy == 4 and everything.degeneracy == 1
    loose.verify()


def test_a_target_outside_the_group():
    with pytest.raises(NotASubgroupError, match="not a subgroup"):
        solve_finite(S5.subgroup([1]), S5.whole)
    with pytest.raises(NotASubgroupError, match="another group"):
        sbs.minimal_set(group=S5.whole, target=D4XC2.trivial, ambient=S5)
