"""Symbols, descriptions and exact entries of elements, against character tables and exact algebra."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbs.errors import InvalidGroupError
from sbs.groups.point.elements import (
    class_symbol,
    describe_element,
    element_geometry,
    element_symbols,
    exact_matrix,
    format_axis,
    format_exact,
)
from sbs.groups.point.families import AXIAL_SERIES, POLYHEDRAL_ORDERS, PointGroupSymbol
from sbs.groups.point.generators import rotation_z, standard_matrices
from sbs.groups.point.symbols import parse_symbol

GROUPS = list(
    dict.fromkeys(
        [PointGroupSymbol(family, n) for family in AXIAL_SERIES for n in [*range(1, 13), 17]]
        + [PointGroupSymbol(family) for family, order in POLYHEDRAL_ORDERS.items() if order != math.inf]
    )
)

# Headings of the character tables in F. A. Cotton, Chemical Applications of Group Theory, 3rd ed., with the
# two-fold axes across an odd axis written C2', and the mirrors of T_h and O_h across cube axes σh.
CHARACTER_TABLES = {
    "C1": "E", "Cs": "E σh", "Ci": "E i", "C2": "E C2", "C3": "E C3 C3²", "C4": "E C4 C2 C4³",
    "C5": "E C5 C5² C5³ C5⁴", "C6": "E C6 C3 C2 C3² C6⁵",
    "C2h": "E C2 i σh", "C3h": "E C3 C3² σh S3 S3⁵", "C4h": "E C4 C2 C4³ i S4³ σh S4",
    "C5h": "E C5 C5² C5³ C5⁴ σh S5 S5⁷ S5³ S5⁹", "C6h": "E C6 C3 C2 C3² C6⁵ i S3⁵ S6⁵ σh S6 S3",
    "C2v": "E C2 σv(xz) σv'(yz)", "C3v": "E 2C3 3σv", "C4v": "E 2C4 C2 2σv 2σd", "C5v": "E 2C5 2C5² 5σv",
    "C6v": "E 2C6 2C3 C2 3σv 3σd",
    "S4": "E S4 C2 S4³", "S6": "E C3 C3² i S6⁵ S6", "S8": "E S8 C4 S8³ C2 S8⁵ C4³ S8⁷",
    "D2": "E C2(z) C2(y) C2(x)", "D3": "E 2C3 3C2'", "D4": "E 2C4 C2 2C2' 2C2''", "D5": "E 2C5 2C5² 5C2'",
    "D6": "E 2C6 2C3 C2 3C2' 3C2''",
    "D2h": "E C2(z) C2(y) C2(x) i σ(xy) σ(xz) σ(yz)", "D3h": "E 2C3 3C2' σh 2S3 3σv",
    "D4h": "E 2C4 C2 2C2' 2C2'' i 2S4 σh 2σv 2σd", "D5h": "E 2C5 2C5² 5C2' σh 2S5 2S5³ 5σv",
    "D6h": "E 2C6 2C3 C2 3C2' 3C2'' i 2S3 2S6 σh 3σd 3σv",
    "D2d": "E 2S4 C2 2C2' 2σd", "D3d": "E 2C3 3C2' i 2S6 3σd", "D4d": "E 2S8 2C4 2S8³ C2 4C2' 4σd",
    "D5d": "E 2C5 2C5² 5C2' i 2S10³ 2S10 5σd", "D6d": "E 2S12 2C6 2S4 2C3 2S12⁵ C2 6C2' 6σd",
    "T": "E 4C3 4C3² 3C2", "Th": "E 4C3 4C3² 3C2 i 4S6 4S6⁵ 3σh", "Td": "E 8C3 3C2 6S4 6σd",
    "O": "E 6C4 3C2 8C3 6C2'", "Oh": "E 8C3 6C2' 6C4 3C2 i 6S4 8S6 3σh 6σd",
    "I": "E 12C5 12C5² 20C3 15C2", "Ih": "E 12C5 12C5² 20C3 15C2 i 12S10 12S10³ 20S6 15σ",
}  # fmt: skip


def products(matrices):
    """Index of a b for all pairs, by matrix comparison."""
    n = len(matrices)
    flat = matrices.reshape(n, 9)
    table = np.einsum("aij,bjk->abik", matrices, matrices).reshape(n * n, 9) @ flat.T
    assert np.allclose(table.max(axis=1), 3.0, atol=1e-9)
    return table.argmax(axis=1).reshape(n, n)


def element_classes(matrices):
    table = products(matrices)
    inverse = np.argmin(table, axis=1)  # identity is element 0
    conjugates = table[table, inverse[:, None]]  # (a b) a^-1
    return sorted({tuple(np.unique(column)) for column in conjugates.T})


@pytest.mark.parametrize(("name", "heading"), CHARACTER_TABLES.items(), ids=CHARACTER_TABLES)
def test_classes_are_named_as_in_character_tables(name, heading):
    symbol = parse_symbol(name).symbol
    matrices = standard_matrices(symbol)
    symbols = element_symbols(matrices, symbol)
    found = {
        (str(len(members)) if len(members) > 1 else "") + class_symbol(symbols[i] for i in members)
        for members in element_classes(matrices)
    }
    assert found == set(heading.split())


@pytest.mark.parametrize("symbol", GROUPS, ids=str)
def test_every_class_has_its_own_name(symbol):
    matrices = standard_matrices(symbol)
    symbols = element_symbols(matrices, symbol)
    classes = element_classes(matrices)
    names = [class_symbol(symbols[i] for i in members) for members in classes]
    assert len(set(names)) == len(classes)
    for members in classes:  # one class, one symbol up to the power
        assert len({re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹]", "", symbols[i]) for i in members}) == 1


@pytest.mark.parametrize("symbol", GROUPS, ids=str)
def test_symbols_tell_order_determinant_and_trace(symbol):
    superscripts = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
    matrices = standard_matrices(symbol)
    for matrix, text in zip(matrices, element_symbols(matrices, symbol), strict=True):
        letter, n, power = re.match("([ECSiσ])([0-9]*)([⁰¹²³⁴⁵⁶⁷⁸⁹]*)", text).groups()
        sign = 1 if letter in "EC" else -1
        n = {"E": 1, "i": 2, "σ": 1}.get(letter) or int(n)
        k = int(power.translate(superscripts) or 1)
        assert np.linalg.det(matrix) == pytest.approx(sign)
        assert np.trace(matrix) == pytest.approx(2 * math.cos(2 * math.pi * k / n) + sign)
        assert math.gcd(k, n) == 1


@pytest.mark.parametrize(
    ("name", "matrix", "expected"),
    [
        ("D4h", np.diag([1.0, -1, -1]), "C2'"),
        ("D4h", [[0, 1, 0], [1, 0, 0], [0, 0, -1]], "C2''"),
        ("D4h", np.diag([1.0, -1, 1]), "σv"),  # contains the C2' axis x
        ("D4h", [[0, 1, 0], [1, 0, 0], [0, 0, 1]], "σd"),
        ("D4h", np.diag([1.0, 1, -1]), "σh"),
        ("D2d", [[0, 1, 0], [1, 0, 0], [0, 0, 1]], "σd"),
        ("C2v", np.diag([1.0, -1, 1]), "σv(xz)"),
        ("C2v", np.diag([-1.0, 1, 1]), "σv'(yz)"),
        ("D2h", np.diag([-1.0, 1, 1]), "σ(yz)"),
        ("D2h", np.diag([-1.0, 1, -1]), "C2(y)"),
        ("C4v", np.diag([-1.0, 1, 1]), "σv"),
        ("O", [[0, 1, 0], [1, 0, 0], [0, 0, -1]], "C2'"),
        ("Oh", [[0, 1, 0], [1, 0, 0], [0, 0, 1]], "σd"),
        ("T", [[0, 0, 1], [1, 0, 0], [0, 1, 0]], "C3"),
        ("T", [[0, 1, 0], [0, 0, 1], [1, 0, 0]], "C3²"),
    ],
)
def test_axis_types_come_from_the_geometry(name, matrix, expected):
    assert element_symbols([matrix], parse_symbol(name).symbol) == (expected,)


def rotation_about(axis, angle):
    x, y, z = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + math.sin(angle) * k + (1 - math.cos(angle)) * k @ k


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    axis=st.lists(st.integers(-4, 4) | st.floats(-1, 1, width=32), min_size=3, max_size=3).filter(
        lambda u: np.linalg.norm(u) > 0.1
    ),
    n=st.integers(2, 60),
    k=st.integers(1, 200),
    improper=st.booleans(),
)
def test_geometry_of_any_rotation_and_rotoreflection(axis, n, k, improper):
    u = np.asarray(axis, dtype=float) / np.linalg.norm(axis)
    matrix = rotation_about(u, 2 * math.pi * k / n)
    if improper:
        matrix = (np.eye(3) - 2 * np.outer(u, u)) @ matrix
    found = element_geometry(matrix)
    if found.axis is None:
        rebuilt = np.eye(3) if found.kind == "identity" else -np.eye(3)
    else:
        v = np.array(found.axis)
        rebuilt = rotation_about(v, 2 * math.pi * found.k / found.n)
        if found.kind in {"reflection", "rotoreflection"}:
            rebuilt = (np.eye(3) - 2 * np.outer(v, v)) @ rebuilt
        assert element_geometry(matrix.T).axis == pytest.approx(
            found.axis
        )  # an element and its inverse share the axis
        assert math.gcd(found.k, found.n) == 1 and (found.kind == "rotation" or found.k % 2 == 1)
    assert np.abs(rebuilt - matrix).max() < 1e-6


def test_descriptions():
    golden = (1 + math.sqrt(5)) / 2
    assert describe_element(np.eye(3)) == "identity"
    assert describe_element(-np.eye(3)) == "inversion"
    assert describe_element(rotation_about([1, 1, 1], 2 * math.pi / 3)) == "rotation by 120° about [1 1 1]"
    assert (
        describe_element(rotation_about([0, 1, golden], 2 * math.pi / 5)) == "rotation by 72° about [0 1 φ]"
    )
    assert describe_element(np.diag([1.0, 1, -1])) == "reflection in the plane normal to [0 0 1]"
    assert describe_element(np.diag([1.0, 1, -1]) @ rotation_z(1, 4)) == "rotoreflection by 90° about [0 0 1]"
    assert (
        describe_element(np.diag([1.0, 1, -1]) @ rotation_z(2, 3)) == "rotoreflection by 240° about [0 0 1]"
    )
    assert format_axis([2, -2, 0]) == "[1 -1 0]"
    assert format_axis([math.cos(math.pi / 8), math.sin(math.pi / 8), 0]) == "the line 22.5° from x"
    assert format_axis([0.1, 0.2, 0.37]) == "[0.2313 0.4626 0.8558]"


@pytest.mark.parametrize(
    "matrix",
    [np.ones((3, 3)), np.eye(2), np.full((3, 3), np.nan), np.zeros((3, 3)), rotation_about([0, 0, 1], 1.0)],
)
def test_matrices_without_a_symbol(matrix):
    with pytest.raises(InvalidGroupError):
        element_geometry(matrix)


def test_class_symbol_is_the_least_power():
    assert class_symbol(["C5⁴", "C5"]) == "C5"
    assert class_symbol(["S10⁷", "S10³"]) == "S10³"
    assert class_symbol(["S24¹¹", "S24⁵"]) == "S24⁵"


def entry_fold(symbol):
    """The n of exact entries: rotoreflections of S2n turn by halves of 2π/n."""
    if symbol.n is None:
        return None
    return symbol.n * (2 if symbol.series in {"S2n", "Dnd"} else 1)


@pytest.mark.parametrize("symbol", GROUPS, ids=str)
def test_exact_entries_agree_with_the_floats(symbol):
    sympy = pytest.importorskip("sympy")
    entries = {}
    for matrix in standard_matrices(symbol)[:40]:
        exact = exact_matrix(matrix, entry_fold(symbol))
        for value, expression in zip(matrix.ravel(), exact, strict=True):
            assert not expression.atoms(sympy.Float)
            entries.setdefault(expression, set()).add(float(value))
    for expression, values in entries.items():
        reference = float(sympy.N(expression, 30))
        assert all(abs(value - reference) < 1e-15 for value in values)


@pytest.mark.parametrize("name", ["C7v", "D5", "S8", "D4d", "Td", "Oh", "I", "Ih"])
def test_exact_matrices_are_exactly_a_group(name):
    """Orthogonality and a sample of the multiplication table, by exact algebra and not by rounding."""
    sympy = pytest.importorskip("sympy")
    symbol = parse_symbol(name).symbol
    matrices = standard_matrices(symbol)
    table = products(matrices)
    fold = entry_fold(symbol)
    chosen = np.random.default_rng(5).choice(len(matrices), size=min(5, len(matrices)), replace=False)
    exact = {int(i): exact_matrix(matrices[i], fold) for i in chosen}

    def vanishes(difference):
        return all(
            sympy.minimal_polynomial(entry, sympy.Symbol("x")) == sympy.Symbol("x") for entry in difference
        )

    for a, left in exact.items():
        assert vanishes(left * left.T - sympy.eye(3))
        for b, right in exact.items():
            assert vanishes(left * right - exact_matrix(matrices[table[a, b]], fold))


def test_exact_text():
    assert format_exact(rotation_z(1, 6)) == "[ 1/2  -√3/2  0]\n[√3/2    1/2  0]\n[   0      0  1]"
    assert format_exact(rotation_z(1, 8)).splitlines()[0] == "[√2/2  -√2/2  0]"
    assert format_exact(rotation_z(1, 7), 7).splitlines()[0] == "[cos(2π/7)  -sin(2π/7)  0]"
    assert format_exact(rotation_z(2, 7), 7).splitlines()[1] == "[ sin(3π/7)  -cos(3π/7)  0]"
    assert format_exact(rotation_z(1, 16), 16).splitlines()[0] == "[cos(π/8)  -sin(π/8)  0]"
    fivefold = next(g for g in standard_matrices(PointGroupSymbol("I")) if element_geometry(g).n == 5)
    assert "(1+√5)/4" in format_exact(fivefold) and "(√5-1)/4" in format_exact(fivefold)


@pytest.mark.parametrize(
    ("matrix", "n"),
    [
        (rotation_z(1, 7), None),
        (rotation_z(1, 7), 8),
        (rotation_z(1, 4) + 1e-11, 4),
        (np.full((3, 3), np.nan), None),
        (np.eye(3)[None], None),
        (1.5 * np.eye(3), 5),
    ],
)
def test_entries_without_an_exact_form(matrix, n):
    with pytest.raises(InvalidGroupError, match=r"exact|finite"):
        exact_matrix(matrix, n)
    with pytest.raises(InvalidGroupError, match=r"exact|finite"):
        format_exact(matrix, n)
