"""Complements by lifting: against all subgroups, in groups with every kind of layer."""

import numpy as np
import pytest

import sbs
from sbs import FiniteGroup, Subgroup
from sbs.errors import SearchLimitError
from sbs.groups.abstract.modular import complement_basis, solve_modular
from sbs.solver import lifting
from sbs.solver.layers import derived_subgroup, elementary_layers
from sbs.solver.lifting import Lifter
from tests.oracles import families

GROUPS = {
    "S_4": families.symmetric(4),
    "C_4 x C_2": families.direct(families.cyclic(4), families.cyclic(2)),
    "C_12 x C_6": families.direct(families.cyclic(12), families.cyclic(6)),
    "D_12": families.dihedral(12),
    "SL(2,3)": families.special_linear(3),
    "2^(1+4)": families.extraspecial(2, 2),
    "Heisenberg 3": families.heisenberg(3),
    "Oh": families.hyperoctahedral(3),
    "S_3 x S_4": families.direct(families.symmetric(3), families.symmetric(4)),
    "Ih": families.icosahedral(),
    "S_5": families.symmetric(5),
    "S_5 x C_2": families.direct(families.symmetric(5), families.cyclic(2)),
    "SL(2,5) x C_2": families.direct(families.special_linear(5), families.cyclic(2)),
    "hyperoctahedral 4": families.hyperoctahedral(4),
}


def normal_subgroups(group: FiniteGroup) -> list[Subgroup]:
    return [c.representative for c in group.subgroup_classes if c.is_normal]


@pytest.mark.parametrize("name", GROUPS)
def test_complements_are_all_the_complements(name: str) -> None:
    """For every normal A and every L <= Q / A: the complements found are those among all subgroups, up to conjugation."""
    group = FiniteGroup.from_permutations(GROUPS[name])
    every = group.subgroup_classes
    for normal in normal_subgroups(group):
        lifter = Lifter(normal)
        if lifter.factor.order > 24:
            continue
        for c in lifter.factor.subgroup_classes:
            image = c.representative
            found = list(lifter.complements(image))
            for h in found:
                assert h.order == image.order and h.intersection(normal).order == 1
                assert set(lifter.number[h.elements]) == set(image.elements.tolist())
            listed = {
                k
                for k, candidate in enumerate(every)
                if candidate.order == image.order
                and any(
                    m.intersection(normal).order == 1 and set(lifter.number[m.elements]) == set(image.elements.tolist())
                    for m in candidate.members
                )
            }
            bits = {
                m.bits: k
                for k, candidate in enumerate(every)
                if candidate.order == image.order
                for m in candidate.members
            }
            assert {bits[h.bits] for h in found} == listed


@pytest.mark.parametrize("name", GROUPS)
def test_layers(name: str) -> None:
    group = FiniteGroup.from_permutations(GROUPS[name])
    layers, rest = elementary_layers(group.whole)
    assert np.prod([layer.prime ** len(layer.basis) for layer in layers], dtype=int) * rest.order == group.order
    assert derived_subgroup(rest).order == rest.order
    for layer in layers:
        inside = np.flatnonzero((layer.coordinates >= 0).all(1))
        a, b = np.random.default_rng(0).choice(inside, size=(2, 50))
        total = (layer.coordinates[a] + layer.coordinates[b]) % layer.prime
        assert np.array_equal(layer.coordinates[group.multiply(a, b)], total)
        vectors = layer.coordinates[inside]
        assert np.array_equal(layer.coordinates[layer.elements(group, vectors)], vectors)


@pytest.mark.parametrize(
    ("generators", "order"),
    [
        (families.symmetric(4), 12),
        (families.special_linear(5), 120),
        (families.dihedral(8), 4),
        (families.cyclic(6), 1),
    ],
    ids=["S_4", "SL(2,5)", "D_8", "C_6"],
)
def test_derived_subgroup(generators: list[list[int]], order: int) -> None:
    assert derived_subgroup(FiniteGroup.from_permutations(generators).whole).order == order


@pytest.mark.parametrize("prime", [2, 3, 5, 7])
def test_linear_equations_against_all_vectors(prime: int) -> None:
    rng = np.random.default_rng(prime)
    everything = np.array(np.meshgrid(*[np.arange(prime)] * 3)).reshape(3, -1).T
    solvable = 0
    for _ in range(40):
        matrix, right = rng.integers(prime, size=(4, 3)), rng.integers(prime, size=4)
        matrix[2:] = matrix[:2] * rng.integers(prime)
        right[2:] = right[:2] * rng.integers(prime)
        true = {tuple(v) for v in everything if not ((matrix @ v - right) % prime).any()}
        solved = solve_modular(matrix, right, prime)
        assert (solved is None) == (not true)
        if solved is not None:
            solvable += 1
            solution, basis = solved
            weights = np.array(np.meshgrid(*[np.arange(prime)] * len(basis))).reshape(len(basis), -1).T
            assert {tuple(v) for v in (solution + weights @ basis) % prime} == true
    assert 0 < solvable < 40


def test_complement_basis() -> None:
    space = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]])
    kept = complement_basis(space, np.array([[1, 1, 0]]), 2)
    assert kept.tolist() == [[1, 0, 0], [0, 0, 1]]
    assert complement_basis(space, np.zeros((0, 3), dtype=int), 2).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_too_many_lifts_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifting, "MAX_LIFTS", 10)
    group = FiniteGroup.from_permutations(families.direct(*[families.cyclic(2)] * 6))
    lifter = Lifter(group.subgroup([1, 2, 3]))
    with pytest.raises(SearchLimitError, match="over 10 partial complements"):
        list(lifter.complements(lifter.factor.whole))


def test_sets_of_large_groups_take_little_memory_and_say_what_is_not_checked() -> None:
    """16464 objects as one-hot rows would take two gigabytes; they are a view. Certificates of such groups are
    refused.
    """
    group = FiniteGroup.from_permutations(families.perovskite_cell(7))
    found = sbs.minimal_set(group=group.whole, target=group.trivial, ambient=group)
    assert found.size == 16464 and found.objects.shape == (16464, 16464)
    assert np.array_equal(found.objects[100:103, 99:104], np.eye(5)[1:4]) and not found.objects.flags.writeable
    with pytest.raises(SearchLimitError, match="was not checked"):
        found.verify()


def test_permutations_and_certificate_of_an_abstract_set() -> None:
    """A spin cluster: S_4 permutes four sites in S_5; the set is checked by code of its own."""
    group = FiniteGroup.from_permutations(families.symmetric(5))
    four = group.subgroup([[1, 2, 3, 0, 4], [1, 0, 2, 3, 4]])
    pairs = group.subgroup([[1, 0, 3, 2, 4]])
    found = sbs.minimal_set(group=four, target=pairs, ambient=group)
    assert four.order == 24 and found.size == 12 and found.is_ideal
    found.verify()
