"""Subgroup classes: perfect subgroups, restricted lists, limits, progress and interruption."""

import numpy as np
import pytest

from sbs import FiniteGroup, progress
from sbs.errors import SearchLimitError
from sbs.groups.abstract import extension
from sbs.groups.abstract.extension import classes_by_extension, prime_power_generators
from sbs.groups.abstract.perfect import perfect_subgroups
from sbs.groups.abstract.subgroups import enumerate_classes, hasse_edges
from tests.oracles import families

PERFECT = {
    "S_4": (families.symmetric(4), []),
    "Ih": (families.icosahedral(), [60]),
    "A_6": (families.alternating(6), [60, 60, 360]),
    "SL(2,5)": (families.special_linear(5), [120]),
    "SL(2,7)": (families.special_linear(7), [336]),
    "S_5 x S_4": (families.direct(families.symmetric(5), families.symmetric(4)), [60]),
    # Diagonal subgroups too, one for each class of automorphisms of A_5 modulo conjugation.
    "A_5 x A_5": (families.direct(families.alternating(5), families.alternating(5)), [60, 60, 60, 60, 3600]),
    "hyperoctahedral 5": (families.hyperoctahedral(5), [60, 960]),
}


def all_subgroups_by_generation(group: FiniteGroup) -> set[bytes]:
    """Every subgroup, by adding one element at a time in all ways."""
    trivial = group.trivial
    found = {trivial.bits: trivial}
    queue = [trivial]
    while queue:
        current = queue.pop()
        for g in np.flatnonzero(~current.mask):
            larger = group.subgroup([*current.generators, int(g)])
            if larger.bits not in found:
                found[larger.bits] = larger
                queue.append(larger)
    return set(found)


@pytest.mark.parametrize("name", PERFECT)
def test_perfect_subgroups(name: str) -> None:
    generators, expected = PERFECT[name]
    group = FiniteGroup.from_permutations(generators)
    zuppos, _ = prime_power_generators(group.table, group.element_orders)
    found = perfect_subgroups(group.table, group.inverses, zuppos, group.element_orders)
    assert sorted(len(p) for p in found) == expected


@pytest.mark.parametrize("name", ["S_4", "D_12", "SL(2,3)", "Ih", "Heisenberg 3"])
def test_every_subgroup_is_found_once(name: str) -> None:
    generators = {
        "S_4": families.symmetric(4),
        "D_12": families.dihedral(12),
        "SL(2,3)": families.special_linear(3),
        "Ih": families.icosahedral(),
        "Heisenberg 3": families.heisenberg(3),
    }[name]
    group = FiniteGroup.from_permutations(generators)
    listed = [m.bits for c in group.subgroup_classes for m in c.members]
    assert len(listed) == len(set(listed))
    assert set(listed) == all_subgroups_by_generation(group)


@pytest.mark.parametrize("keep", [(1, 2), (1, 3), (1, 2, 3), (1,)], ids=str)
def test_restricted_list_is_the_part_of_the_full_one(keep: tuple[int, ...]) -> None:
    group = FiniteGroup.from_permutations(families.icosahedral())
    allowed = np.isin(group.element_orders, keep)
    inside = {c.representative.bits for c in group.subgroup_classes if allowed[c.representative.elements].all()}
    assert {s.bits for s, _ in enumerate_classes(group, allowed)} == inside


def test_zuppos_generate_every_cyclic_subgroup_of_prime_power_order_once() -> None:
    group = FiniteGroup.from_permutations(families.direct(families.cyclic(12), families.symmetric(3)))
    zuppos, primes = prime_power_generators(group.table, group.element_orders)
    spans = [group.subgroup([int(z)]).bits for z in zuppos]
    assert len(set(spans)) == len(spans)
    orders = group.element_orders
    for g in range(1, group.order):
        factors = {p for p in range(2, 13) if orders[g] % p == 0 and all(p % q for q in range(2, p))}
        if len(factors) == 1:
            position = spans.index(group.subgroup([g]).bits)
            assert primes[position] == factors.pop() and zuppos[position] <= g


def test_transversal_meets_every_coset_once() -> None:
    group = FiniteGroup.from_permutations(families.symmetric(4))
    subgroup = group.subgroup([1])
    chosen = subgroup.transversal()
    assert sorted(group.table[chosen[:, None], subgroup.elements].ravel()) == list(range(24))


def test_too_many_subgroups_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension, "MAX_SUBGROUPS", 50)
    group = FiniteGroup.from_permutations(families.direct(*[families.cyclic(2)] * 5))
    with pytest.raises(SearchLimitError, match="over 50 subgroups"):
        _ = group.subgroup_classes


def test_progress_is_reported_and_may_stop_the_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with Ctrl-C, a stopped listing leaves the group as it was: the next one is complete."""
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    group = FiniteGroup.from_permutations(families.hyperoctahedral(3))
    calls: list[tuple[str, int, int]] = []

    def stop(stage: str, done: int, known: int) -> None:
        calls.append((stage, done, known))
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), progress.report_progress(stop):
        _ = group.subgroup_classes
    assert [c[1] for c in calls] == [1, 2, 3, 4, 5] and all(c[2] >= c[1] for c in calls)
    assert len(group.subgroup_classes) == 33
    assert len(calls) == 5, "nobody listens outside the block"


def test_classes_do_not_depend_on_a_listener() -> None:
    group = FiniteGroup.from_permutations(families.symmetric(5))
    plain = classes_by_extension(group.table, group.inverses, group.element_orders)
    with progress.report_progress(lambda *_: None):
        heard = classes_by_extension(group.table, group.inverses, group.element_orders)
    assert [(c.elements.tolist(), c.size) for c in plain] == [(c.elements.tolist(), c.size) for c in heard]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("generators", "classes", "subgroups"),
    [(families.alternating(7), 40, 3786), (families.symmetric(7), 96, 11300)],
    ids=["A_7", "S_7"],
)
def test_known_counts_of_large_groups(generators: list[list[int]], classes: int, subgroups: int) -> None:
    """For S_n see OEIS A000638 (classes) and A005432 (subgroups)."""
    found = FiniteGroup.from_permutations(generators).subgroup_classes
    assert (len(found), sum(c.size for c in found)) == (classes, subgroups)


def test_maximal_subgroups_of_s_4() -> None:
    """S_4 has three classes of maximal subgroups, A_4 two, D_4 three, S_3 two."""
    group = FiniteGroup.from_permutations(families.symmetric(4))
    edges = hasse_edges(group)
    orders = [c.order for c in group.subgroup_classes]
    below = {orders[j]: sorted(orders[i] for i, k in edges if k == j) for j in range(len(orders))}
    assert below[24] == [6, 8, 12] and below[12] == [3, 4] and below[8] == [4, 4, 4] and below[6] == [2, 3]


@pytest.mark.parametrize("name", ["S_4", "Ih", "SL(2,5)"])
def test_maximal_subgroups_against_all_pairs(name: str) -> None:
    group = FiniteGroup.from_permutations(PERFECT[name][0])
    members = [(i, set(m.elements.tolist())) for i, c in enumerate(group.subgroup_classes) for m in c.members]
    expected = set()
    for j, c in enumerate(group.subgroup_classes):
        top = set(c.representative.elements.tolist())
        inside = [(i, m) for i, m in members if m < top]
        expected |= {(i, j) for i, m in inside if not any(m < other for _, other in inside)}
    assert set(hasse_edges(group)) == expected
