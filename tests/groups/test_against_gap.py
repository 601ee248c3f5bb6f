"""Subgroup classes of abstract groups: their numbers equal GAP's."""

import numpy as np
import pytest

from sbs import FiniteGroup
from tests.oracles import gap
from tests.oracles.families import (
    alternating,
    cyclic,
    dihedral,
    direct,
    extraspecial,
    heisenberg,
    hyperoctahedral,
    icosahedral,
    perovskite_cell,
    special_linear,
    symmetric,
)

pytestmark = gap.requires_gap

GROUPS = {
    "trivial": [[0]],
    "C_12": cyclic(12),
    "C_2^5": direct(*[cyclic(2)] * 5),
    "S_4": symmetric(4),
    "S_5": symmetric(5),
    "S_6": symmetric(6),
    "A_6": alternating(6),
    "Oh": hyperoctahedral(3),
    "Ih": icosahedral(),
    "hyperoctahedral 4": hyperoctahedral(4),
    "S_4 x S_4": direct(symmetric(4), symmetric(4)),
    "S_5 x S_3": direct(symmetric(5), symmetric(3)),
    "SL(2,5)": special_linear(5),
    "SL(2,7)": special_linear(7),
    "SL(2,5) x C_2": direct(special_linear(5), cyclic(2)),
    "D_15": dihedral(15),
    "D_100": dihedral(100),
    "D_200 x C_2": direct(dihedral(200), cyclic(2)),
    "D_400": dihedral(400),
    "2^(1+4)": extraspecial(2, 2),
    "3^(1+2)": extraspecial(3, 1),
    "3^(1+4)": extraspecial(3, 2),
    "Heisenberg 5": heisenberg(5),
}

#: Groups that GAP lists in seconds; the figures of the first two are also those of the literature.
SLOW_GROUPS = {
    "Oh x S_4": direct(hyperoctahedral(3), symmetric(4)),
    "A_5 x S_4": direct(alternating(5), symmetric(4)),
    "hyperoctahedral 5": hyperoctahedral(5),
    "2^(1+6)": extraspecial(2, 3),
    "perovskite 2x2x2": perovskite_cell(2),
}

KNOWN_CLASSES = {"S_4": 11, "S_5": 19, "S_6": 56, "Oh": 33, "Ih": 22, "hyperoctahedral 4": 193, "D_200 x C_2": 114}


@pytest.fixture(scope="module")
def counted() -> dict[str, tuple[int, int, int]]:
    """GAP's order, number of classes and number of subgroups for all groups, from one process."""
    return dict(zip(GROUPS, gap.subgroup_class_counts(list(GROUPS.values())), strict=True))


def census(group: FiniteGroup) -> tuple[int, int, int]:
    classes = group.subgroup_classes
    return group.order, len(classes), sum(c.size for c in classes)


@pytest.mark.parametrize("name", GROUPS)
def test_numbers_of_classes_and_subgroups(name: str, counted: dict[str, tuple[int, int, int]]) -> None:
    assert census(FiniteGroup.from_permutations(GROUPS[name])) == counted[name]


@pytest.mark.parametrize("name", KNOWN_CLASSES)
def test_known_numbers_of_classes(name: str) -> None:
    assert len(FiniteGroup.from_permutations(GROUPS[name]).subgroup_classes) == KNOWN_CLASSES[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW_GROUPS)
def test_numbers_of_classes_and_subgroups_of_large_groups(name: str) -> None:
    expected = gap.subgroup_class_counts([SLOW_GROUPS[name]])[0]
    assert census(FiniteGroup.from_permutations(SLOW_GROUPS[name])) == expected


def test_oracle_rejects_a_wrong_count(counted: dict[str, tuple[int, int, int]]) -> None:
    """The comparison can fail: two groups of one order differ in their counts."""
    assert counted["SL(2,5)"] != counted["Ih"] and counted["SL(2,5)"][0] == counted["Ih"][0]


@pytest.mark.parametrize("name", ["S_5", "hyperoctahedral 4", "SL(2,5)", "Heisenberg 5"])
def test_representatives_are_subgroups_and_not_conjugate(name: str) -> None:
    group = FiniteGroup.from_permutations(GROUPS[name])
    seen: set[bytes] = set()
    for c in group.subgroup_classes:
        members = c.members
        e = c.representative.elements
        assert c.representative.mask[group.multiply(e[:, None], e)].all()
        assert len({m.bits for m in members}) == len(members) == c.size
        assert not seen & {m.bits for m in members}
        seen |= {m.bits for m in members}
    assert np.all(np.diff([c.order for c in group.subgroup_classes]) >= 0)
