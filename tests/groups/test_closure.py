"""Matrices closed to a group: against elements found one by one, and what cannot be closed."""

import math

import numpy as np
import pytest

from sbs.errors import InvalidGroupError
from sbs.groups import FiniteGroup, point_group
from sbs.groups.abstract.closure import close_matrices


def one_by_one(generators):
    """The same numbering from the definition: identity, given matrices, products breadth first, all compared."""
    elements = [np.eye(generators.shape[-1])]

    def add(matrix):
        if all(np.abs(matrix - known).max() > 1e-6 for known in elements):
            elements.append(matrix)
            return True
        return False

    layer = [g for g in generators if add(g)]
    while layer:
        layer = [product for g in generators for x in layer if add(product := x @ g)]
    return np.array(elements)


def generators_of(symbol):
    group = point_group(symbol)
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    return turn @ group.matrices[list(group.generators)] @ turn.T


@pytest.mark.parametrize("symbol", ["C1", "Ci", "C7", "D6d", "S10", "Td", "Oh", "Ih"])
def test_elements_and_numbers_are_those_found_one_by_one(symbol):
    generators = generators_of(symbol) if symbol != "C1" else np.eye(3)[None]
    elements, left = close_matrices(generators)
    np.testing.assert_allclose(elements, one_by_one(generators), atol=1e-12)
    assert len(left) <= len(generators)
    needed = [g for g in generators if np.abs(g - np.eye(3)).max() > 1e-6] or [np.eye(3)]
    for g, row in zip(needed, left, strict=True):
        np.testing.assert_allclose(g @ elements, elements[row], atol=1e-12)


@pytest.mark.parametrize("symbol", ["C400", "D100h", "Ih"])
def test_a_full_list_keeps_its_numbers(symbol):
    group = point_group(symbol)
    found = FiniteGroup.from_matrices(group.matrices)
    np.testing.assert_allclose(found.elements_of(np.arange(group.order)), group.matrices, atol=1e-15)
    assert np.array_equal(found.table, group.table)


def test_repeated_and_superfluous_generators_add_nothing():
    group = point_group("Oh")
    quarter, third = group.matrices[list(point_group("O").generators)][:2]
    few = close_matrices(np.array([quarter, third]))[0]
    many = close_matrices(np.array([quarter, third, quarter, np.eye(3), quarter @ third]))
    assert len(many[1]) == 2
    assert sorted(m.round(9).tolist() for m in few) == sorted(m.round(9).tolist() for m in many[0])


def test_long_cycles_from_two_mirrors():
    angle = math.pi / 1000
    mirrors = np.array([np.diag([1.0, -1.0]), [[math.cos(angle), math.sin(angle)], [math.sin(angle), -math.cos(angle)]]])
    assert FiniteGroup.from_matrices(mirrors).order == 2000 * 2


def test_integer_matrices_of_a_lattice_and_a_skew_basis():
    hexagonal = np.array([[[0, -1], [1, 1]], [[0, 1], [1, 0]]])
    assert FiniteGroup.from_matrices(hexagonal).order == 12
    basis = np.array([[1.0, 3.0], [0.0, 0.5]])
    assert FiniteGroup.from_matrices(np.linalg.inv(basis) @ hexagonal @ basis).order == 12


@pytest.mark.parametrize(
    "matrices",
    [
        [[[1.0, 1.0], [0.0, 1.0]]],
        [[[2.0, 1.0], [1.0, 1.0]]],
        [[[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]]],
        [[[math.cos(1e-3), -math.sin(1e-3)], [math.sin(1e-3), math.cos(1e-3)]], [[1.0, 0.0], [0.0, -1.0]]],
    ],
    ids=["shear", "hyperbolic", "turn by 1", "turn by 0.001 and a mirror"],
)
def test_matrices_of_infinite_order_are_refused(matrices):
    with pytest.raises(InvalidGroupError, match=r"do not close|too close to the tolerance"):
        FiniteGroup.from_matrices(matrices)


def test_nearly_equal_elements_are_refused():
    turned = np.array([[math.cos(5e-6), -math.sin(5e-6)], [math.sin(5e-6), math.cos(5e-6)]])
    with pytest.raises(InvalidGroupError, match="too close to the tolerance"):
        FiniteGroup.from_matrices([np.diag([1.0, -1.0]), turned @ np.diag([1.0, -1.0])])


@pytest.mark.parametrize("digits", [7, 8])
def test_generators_typed_with_few_digits_close(digits):
    assert FiniteGroup.from_matrices(generators_of("Ih").round(digits)).order == 120
