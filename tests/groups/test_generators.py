"""The standard setting: generators, elements and conventions of every finite family."""

import math

import numpy as np
import pytest

from sbs.errors import InfiniteSetError, UnknownGroupError
from sbs.groups.point.families import AXIAL_SERIES, POLYHEDRAL_ORDERS, PointGroupSymbol
from sbs.groups.point.generators import cos_sin, rotation_z, standard_generators, standard_matrices

FINITE = list(
    dict.fromkeys(
        [PointGroupSymbol(family, n) for family in AXIAL_SERIES for n in [*range(1, 13), 17]]
        + [PointGroupSymbol(family) for family, order in POLYHEDRAL_ORDERS.items() if order != math.inf]
    )
)
PHI = (1 + math.sqrt(5)) / 2


def keys(matrices):
    return {tuple(row) for row in np.round(np.asarray(matrices).reshape(-1, 9), 7) + 0.0}


def closure(generators):
    """Plain breadth-first closure, the oracle for everything built another way."""
    elements, seen = [np.eye(3)], keys([np.eye(3)])
    for element in elements:
        for generator in generators:
            product = element @ generator
            key = keys([product])
            if not key <= seen:
                seen |= key
                elements.append(product)
    return elements


def contains(symbol, matrix):
    return keys([matrix]) <= keys(standard_matrices(symbol))


@pytest.mark.parametrize("symbol", FINITE, ids=str)
def test_elements_are_the_closure_of_the_generators(symbol):
    elements = standard_matrices(symbol)
    assert len(elements) == symbol.order == len(keys(elements))
    assert keys(elements) == keys(closure(standard_generators(symbol)))
    assert np.array_equal(elements[0], np.eye(3))
    assert np.abs(elements @ elements.transpose(0, 2, 1) - np.eye(3)).max() < 1e-15
    assert not np.signbit(elements[elements == 0]).any()


@pytest.mark.parametrize("n", range(1, 41))
def test_cosines_are_accurate_and_bitwise_symmetric(n):
    for k in range(-n, 2 * n):
        c, s = cos_sin(k, n)
        assert abs(c - math.cos(2 * math.pi * k / n)) < 5e-15
        assert abs(s - math.sin(2 * math.pi * k / n)) < 5e-15
        assert cos_sin(-k, n) == (c, -s)
        if n % 2 == 0:
            assert cos_sin(k + n // 2, n) == (-c, -s)
        if (12 * k) % n == 0:  # multiples of 30°
            assert {abs(c), abs(s)} in ({0.0, 1.0}, {0.5, math.sqrt(3) / 2})


@pytest.mark.parametrize("n", range(1, 9))
def test_principal_axis_and_planes_of_the_axial_groups(n):
    axis, mirror_z = rotation_z(1, n), np.diag([1.0, 1.0, -1.0])
    mirror_y, twofold_x = np.diag([1.0, -1.0, 1.0]), np.diag([1.0, -1.0, -1.0])
    assert contains(PointGroupSymbol("Cn", n), axis)
    assert contains(PointGroupSymbol("Cnh", n), mirror_z)
    assert contains(PointGroupSymbol("S2n", n), mirror_z @ rotation_z(1, 2 * n))
    if n > 1:
        assert contains(PointGroupSymbol("Cnv", n), mirror_y)
        for family in ("Dn", "Dnh", "Dnd"):
            assert contains(PointGroupSymbol(family, n), twofold_x)
        assert contains(PointGroupSymbol("Dnh", n), mirror_z)
        assert contains(PointGroupSymbol("Dnd", n), mirror_z @ rotation_z(1, 2 * n))


def rotation_about(axis, angle):
    x, y, z = np.asarray(axis) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * k @ k


@pytest.mark.parametrize("family", ["T", "Th", "Td", "O", "Oh", "I", "Ih"])
def test_axes_of_the_polyhedral_groups(family):
    symbol = PointGroupSymbol(family)
    assert contains(symbol, rotation_about([1, 1, 1], 2 * math.pi / 3))
    for axis in np.eye(3):
        assert contains(symbol, rotation_about(axis, math.pi))
        assert contains(symbol, rotation_about(axis, math.pi / 2)) == (family in {"O", "Oh"})
    assert contains(symbol, rotation_about([0, 1, PHI], 2 * math.pi / 5)) == (family in {"I", "Ih"})
    assert contains(symbol, -np.eye(3)) == (family in {"Th", "Oh", "Ih"})
    assert contains(symbol, np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 1]])) == (family in {"Td", "Oh"})


@pytest.mark.parametrize(
    ("family", "n", "same_family", "same_n", "generators"),
    [
        ("Cnv", 1, "Cnh", 1, [np.diag([1.0, -1, 1])]),
        ("Dn", 1, "Cn", 2, [np.diag([1.0, -1, -1])]),
        ("Dnh", 1, "Cnv", 2, [np.diag([1.0, -1, -1]), np.diag([1.0, 1, -1])]),
        ("Dnd", 1, "Cnh", 2, [np.diag([1.0, -1, -1]), -np.eye(3)]),
        ("S2n", math.inf, "Cnh", math.inf, None),
        ("Dnd", math.inf, "Dnh", math.inf, None),
    ],
)
def test_equal_groups_have_one_symbol(family, n, same_family, same_n, generators):
    symbol = PointGroupSymbol(family, n)
    assert (symbol.series, symbol.n) == (same_family, same_n)
    assert symbol == PointGroupSymbol(same_family, same_n)
    assert hash(symbol) == hash(PointGroupSymbol(same_family, same_n))
    if (
        generators is not None
    ):  # the folded group is the same one up to rotation: traces and determinants agree
        spectrum = sorted((round(np.trace(g)), round(np.linalg.det(g))) for g in closure(generators))
        assert spectrum == sorted(
            (round(np.trace(g)), round(np.linalg.det(g))) for g in standard_matrices(symbol)
        )


def test_distinct_symbols_are_distinct_groups():
    def spectrum(symbol):
        return tuple(
            sorted((round(np.linalg.det(g)), round(np.trace(g), 6)) for g in standard_matrices(symbol))
        )

    assert len({spectrum(symbol) for symbol in FINITE}) == len(FINITE)


@pytest.mark.parametrize(
    ("family", "n"),
    [("Cn", 0), ("Cn", -1), ("Dnh", 2.0), ("Dn", True), ("Cn", None), ("Oh", 4), ("Cq", 3), ("Cn", "3")],
)
def test_wrong_families_and_numbers_are_refused(family, n):
    with pytest.raises(UnknownGroupError, match=r"series|number"):
        PointGroupSymbol(family, n)


@pytest.mark.parametrize("symbol", [PointGroupSymbol("Dnh", math.inf), PointGroupSymbol("SO(3)")], ids=str)
def test_infinite_groups_have_no_list_of_matrices(symbol):
    with pytest.raises(InfiniteSetError, match="infinitely many"):
        standard_generators(symbol)
    with pytest.raises(InfiniteSetError, match="infinitely many"):
        standard_matrices(symbol)
