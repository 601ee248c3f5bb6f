"""Character tables with names: against the numbers they come from, sympy, and printed tables."""

import pickle

import numpy as np
import pytest

import sbs
from sbs.errors import InfiniteSetError, SymmetryBreakingError, UnknownGroupError
from sbs.groups.abstract.characters import character_table

SYMBOLS = ["C1", "Ci", "C5", "C4v", "S8", "D3h", "D6d", "D7", "T", "Th", "Oh", "Ih"]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_named_rows_are_orthogonal_and_complete(symbol):
    table = sbs.point_group(symbol).character_table
    sizes = np.array(table.sizes)
    overlap = (table.values * sizes) @ table.values.T / table.order
    # A row that is the sum of two conjugate representations has norm two.
    np.testing.assert_allclose(overlap, np.diag([len(row.parts) for row in table]), atol=1e-12)
    assert sum(part.dimension**2 for row in table for part in row.parts) == table.order == sum(sizes)
    assert len(table.classes) == len(sizes) == sum(len(row.parts) for row in table)
    assert [row.characters[0] for row in table] == [row.dimension for row in table]


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_exact_numbers_text_and_floats_agree(symbol):
    sympy = pytest.importorskip("sympy")
    table = sbs.point_group(symbol).character_table
    assert table.exact.shape == table.values.shape
    np.testing.assert_allclose(np.array(table.exact.evalf(30), dtype=float), table.values, atol=1e-14)
    for row in table:
        for value, text in zip(row.exact, row.text, strict=True):
            read = sympy.sympify(_sympy_text(text))
            assert abs(sympy.N(read - value, 30)) < 1e-25


def _sympy_text(text):
    return (
        text.replace("2cos", "2*cos").replace("√", "1*sqrt ").replace("sqrt 2", "sqrt(2)").replace("sqrt 3", "sqrt(3)")
        .replace("sqrt 5", "sqrt(5)").replace("21*", "2*1*").replace("π", "*pi").replace("(*pi", "(pi")
    )  # fmt: skip


def test_parts_are_the_complex_characters():
    group = sbs.point_group("C5")
    named, plain = group.character_table, character_table(group)
    parts = np.array([part.characters for row in named for part in row.parts])
    assert {tuple(row.round(9)) for row in parts} == {tuple(row.round(9)) for row in plain.values}
    assert named["E1"].parts[0].name == "1E1" and named["E1"].parts[0].conjugate == "2E1"
    assert named.epsilon == "exp(2πi/5)" and named["E1"].parts[0].text[1] == "ε"


def test_rows_are_found_and_printed():
    table = sbs.point_group("Oh").character_table
    assert table["T1u"] is table["t1u"] is table[8] is list(table)[8] is table[-2]
    assert table["T1u"].linear == ("(x, y, z)",)
    assert table.irreps[:2] == ("A1g", "A2g") and table.classes[1] == "3C2"
    lines = str(table).splitlines()
    assert lines[0].split() == ["Oh", *table.classes, "functions"]
    assert lines[9].split()[:5] == ["T1u", "3", "-1", "0", "1"]
    assert len({len(line) for line in lines[1:3]}) == 2 and "<th>8C3</th>" in table._repr_html_()
    assert r"\cos" in sbs.point_group("D7").character_table.to_latex()
    assert r"$T_{1u}$ & $3$ & $-1$" in table.to_latex()
    assert table == pickle.loads(pickle.dumps(table)) and hash(table) == hash(pickle.loads(pickle.dumps(table)))


def test_every_orientation_has_the_same_table():
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    assert sbs.point_group("D3").rotated(turn).character_table == sbs.point_group("D3").character_table


def test_any_finite_group_has_characters():
    quaternions = [[1, 2, 3, 0, 5, 6, 7, 4], [4, 7, 6, 5, 2, 1, 0, 3]]
    group = sbs.FiniteGroup.from_permutations(quaternions)
    assert sorted(group.character_table.dimensions) == [1, 1, 1, 1, 2]


@pytest.mark.parametrize("key", ["T3u", "", None, 1.5, True, 99, -99, "1E"])
def test_rows_that_are_not_there(key):
    with pytest.raises(SymmetryBreakingError):
        sbs.point_group("Oh").character_table[key]


def test_groups_without_a_table():
    with pytest.raises(InfiniteSetError, match="infinitely many"):
        _ = sbs.point_group("Cinfv").character_table
    with pytest.raises(UnknownGroupError, match="A1g, A2g, Eg"):
        sbs.point_group("Oh").character_table["B1"]
