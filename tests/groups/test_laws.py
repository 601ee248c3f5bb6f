"""Groups without a Cayley table: enumeration by base images, factored products, permutations and matrices by number."""

import itertools
import pickle

import numpy as np
import pytest

from sbs import FiniteGroup
from sbs.errors import InvalidGroupError, NotASubgroupError, SearchLimitError
from sbs.groups.abstract.base_images import enumerate_permutations
from sbs.groups.abstract.laws import FactoredLaw, TableLaw, law_from_actions, orbit_numbers
from tests.oracles import families

LARGE = {
    "S_7": (families.symmetric(7), 5040),
    "hyperoctahedral 5": (families.hyperoctahedral(5), 3840),
    "perovskite 4x4x4": (families.perovskite_cell(4), 3072),
    "D_2500": (families.dihedral(2500), 5000),
    "D_1999": (families.dihedral(1999), 3998),
    "C_4093": (families.cyclic(4093), 4093),
    "C_2^12": (families.direct(*[families.cyclic(2)] * 12), 4096),
    "A_5 x A_5": (families.direct(families.alternating(5), families.alternating(5)), 3600),
}


@pytest.fixture(scope="module", params=LARGE)
def large(request: pytest.FixtureRequest) -> FiniteGroup:
    generators, order = LARGE[request.param]
    group = FiniteGroup.from_permutations(generators)
    assert group.order == order
    return group


def test_products_are_those_of_the_permutations(large: FiniteGroup) -> None:
    assert isinstance(large._law, FactoredLaw)
    a, b = np.random.default_rng(0).integers(large.order, size=(2, 200))
    first, second = large.elements_of(a), large.elements_of(b)
    assert np.array_equal(large.elements_of(large.multiply(a, b)), np.take_along_axis(first, second, axis=1))


def test_inverses_orders_and_numbers(large: FiniteGroup) -> None:
    a = np.random.default_rng(1).integers(large.order, size=100)
    assert not large.multiply(a, large.inverses[a]).any()
    assert np.array_equal(large.numbers_of(large.elements_of(a)), a)
    for x in a[:20]:
        order = int(large.element_orders[x])
        powers = [large.power(int(x), e) for e in range(1, order + 1)]
        assert powers.index(0) == order - 1


def test_factored_law_stays_small(large: FiniteGroup) -> None:
    assert sum(len(actions) for actions, _ in large._law.steps) * 10 < large.order  # type: ignore[attr-defined]


def test_table_of_a_factored_law_is_its_products(large: FiniteGroup) -> None:
    a, b = np.random.default_rng(2).integers(large.order, size=(2, 1000))
    assert np.array_equal(large.table[a, b], large.multiply(a, b))


def test_table_is_refused_where_it_would_not_fit() -> None:
    group = FiniteGroup.from_permutations(families.dihedral(5000))
    with pytest.raises(SearchLimitError, match="multiply"):
        _ = group.table


def test_both_laws_agree() -> None:
    left, _ = enumerate_permutations(np.array(families.hyperoctahedral(4)), 1000)
    table = law_from_actions(left)
    assert isinstance(table, TableLaw)
    for element, row in zip(left[:, 0], left, strict=True):
        assert np.array_equal(table.multiply(int(element), np.arange(384)), row)


def test_base_is_found_where_first_images_do_not_tell() -> None:
    """C_2 x C_2 on two far orbits: the first orbit alone is no base."""
    generators = families.direct(families.cyclic(2), families.cyclic(2), families.cyclic(3))
    left, base = enumerate_permutations(np.array(generators), 100)
    assert left.shape == (3, 12) and len(base) == 3


def test_a_base_may_lie_inside_one_orbit() -> None:
    """S_5 has one orbit; only four points of it fix all."""
    left, base = enumerate_permutations(np.array(families.symmetric(5)), 200)
    assert left.shape[1] == 120 and len(base) == 4


def test_ten_thousand_points() -> None:
    generators = [np.r_[np.roll(np.arange(5000), 1), 5000 + np.roll(np.arange(5000), 2)].tolist()]
    assert FiniteGroup.from_permutations(generators).order == 5000


def test_too_many_elements() -> None:
    with pytest.raises(InvalidGroupError, match="more than 20000 elements"):
        FiniteGroup.from_permutations(families.symmetric(9))


def test_orbit_numbers() -> None:
    moves = [np.array([1, 2, 0, 3, 5, 4]), np.array([0, 1, 2, 3, 5, 4])]
    assert orbit_numbers(6, moves).tolist() == [0, 0, 0, 1, 2, 2]


def test_closing_matrices_of_any_dimension() -> None:
    """The symmetries of the 4-cube in a turned frame, named by matrices."""
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(4, 4)))[0]
    flip = np.diag([-1.0, 1, 1, 1])
    generators = [turn @ m @ turn.T for m in (flip, np.eye(4)[[1, 0, 2, 3]], np.eye(4)[[1, 2, 3, 0]])]
    group = FiniteGroup.from_matrices(generators)
    assert group.order == 384
    flips = [turn @ np.diag(1.0 - 2 * (np.arange(4) == i)) @ turn.T for i in range(4)]
    assert group.subgroup(flips).order == 16
    numbers = np.arange(0, 384, 7)
    matrices = group.elements_of(numbers)
    assert np.abs(matrices[3] @ matrices[5] - group.elements_of(group.multiply(numbers[3], numbers[5]))).max() < 1e-12


@pytest.mark.parametrize(
    ("elements", "error", "match"),
    [
        ([[1, 0, 2]], NotASubgroupError, "3 points"),
        ([[1, 2, 3, 4, 0], [0, 1, 2, 4, 3]], NotASubgroupError, "permutation 1 is not"),
        ([[1, 1, 2, 3, 4]], InvalidGroupError, "not a permutation"),
        ([[1, 0], [1, 0, 2]], InvalidGroupError, "one length"),
        ([60], NotASubgroupError, "0..59"),
        ([-1], NotASubgroupError, "0..59"),
    ],
)
def test_what_is_no_element_is_refused(elements: list, error: type[Exception], match: str) -> None:
    group = FiniteGroup.from_permutations(families.alternating(5))
    with pytest.raises(error, match=match):
        group.subgroup(elements)


def test_a_table_knows_no_permutations() -> None:
    group = FiniteGroup.from_table([[0, 1], [1, 0]])
    with pytest.raises(InvalidGroupError):
        group.elements_of([1])
    with pytest.raises(InvalidGroupError, match="by number only"):
        group.subgroup([[1, 0]])


def test_equal_groups_and_pickling(large: FiniteGroup) -> None:
    again = pickle.loads(pickle.dumps(large))
    assert again == large and hash(again) == hash(large)
    assert np.array_equal(again.elements_of([5]), large.elements_of([5]))


def test_element_classes_are_orbits_of_conjugation() -> None:
    group = FiniteGroup.from_permutations(families.hyperoctahedral(3))
    for members in group.element_classes:
        images = {int(group.conjugate(members[0], g)) for g in range(group.order)}
        assert images == set(members.tolist())


@pytest.mark.parametrize("name", ["hyperoctahedral 5", "A_5 x A_5"])
def test_subgroup_operations_in_large_groups(name: str) -> None:
    """Normalizer, centralizer, conjugates and cosets against plain definitions over all elements."""
    group = FiniteGroup.from_permutations(LARGE[name][0])
    rng = np.random.default_rng(4)
    for _ in range(5):
        subgroup = group.subgroup([group.power(int(g), 2) for g in rng.integers(group.order, size=2)])
        everything = np.arange(group.order)
        moved = [set(group.conjugate(subgroup.elements, int(g)).tolist()) for g in everything[:: group.order // 300]]
        own = set(subgroup.elements.tolist())
        inside = subgroup.normalizer().mask[:: group.order // 300]
        assert [m == own for m in moved] == inside.tolist()[: len(moved)]
        commuting = group.multiply(everything[:, None], subgroup.elements[:50]) == group.multiply(
            subgroup.elements[:50], everything[:, None]
        )
        assert not subgroup.centralizer().mask[~commuting.all(1)].any()
        assert subgroup.order * len(subgroup.transversal()) == group.order
        assert len(np.unique(subgroup.left_cosets())) == group.order


def test_quotient_and_subgroup_as_groups() -> None:
    group = FiniteGroup.from_permutations(families.hyperoctahedral(5))
    flips = group.subgroup([[i ^ 1 if i // 2 == axis else i for i in range(10)] for axis in range(5)])
    factor, number = group.whole.quotient(flips)
    assert factor.order == 120 and len(factor.subgroup_classes) == 19
    for a, b in itertools.islice(itertools.product(range(0, 3840, 611), repeat=2), 30):
        assert number[group.multiply(a, b)] == factor.multiply(number[a], number[b])
    inner, names = flips.as_group()
    assert inner.order == 32 and np.array_equal(names, flips.elements)
    assert names[inner.multiply(3, 5)] == group.multiply(names[3], names[5])
