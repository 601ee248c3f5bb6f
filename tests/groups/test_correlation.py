"""Correlation tables, products, symmetry elements, printed columns and spellings of point groups."""

from __future__ import annotations

import numpy as np
import pytest

from sbs.errors import SymmetryBreakingError
from sbs.groups import point_group
from sbs.groups.point.columns import printed_order
from sbs.groups.point.correlation import degree_characters, product_table, real_irreps, subduction
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.spellings import spellings
from sbs.groups.point.symbols import parse_symbol
from sbs.groups.point.symmetry_elements import symmetry_elements
from sbs.objects.representation import representation

GROUPS = ("C1", "Ci", "C4", "S4", "C3v", "D2", "D3h", "D4h", "D5d", "T", "Th", "Td", "O", "Oh", "Ih")

# Correlation tables: E. B. Wilson, J. C. Decius, P. C. Cross, "Molecular Vibrations", table X-14.
WILSON = {
    ("Oh", "Td"): {"A1g": "A1", "A2g": "A2", "Eg": "E", "T1g": "T1", "T2g": "T2", "A2u": "A1", "T1u": "T2", "T2u": "T1"},
    ("Oh", "C4v"): {"A1g": "A1", "A2g": "B1", "Eg": "A1 + B1", "T1g": "A2 + E", "T2g": "B2 + E", "T1u": "A1 + E"},
    ("Td", "C3v"): {"A1": "A1", "A2": "A2", "E": "E", "T1": "A2 + E", "T2": "A1 + E"},
    ("D4h", "D4"): {"A1g": "A1", "B1u": "B1", "Eg": "E", "Eu": "E"},
}  # fmt: skip


@pytest.mark.parametrize("pair", WILSON, ids="->".join)
def test_correlation_tables_are_those_of_the_books(pair):
    group = point_group(pair[0])
    inner, table = subduction(group, group.subgroup_class(pair[1]).representative)
    found = dict(zip(real_irreps(group).names, (inner.write(row) for row in table), strict=True))
    assert {name: found[name] for name in WILSON[pair]} == WILSON[pair]


@pytest.mark.parametrize("symbol", GROUPS)
def test_subduction_keeps_dimensions_and_is_transitive(symbol):
    group = point_group(symbol)
    dimensions = real_irreps(group).dimensions
    trivial = group.subgroup_classes[0].representative
    assert (subduction(group, trivial)[1][:, 0] == dimensions).all()
    for c in group.subgroup_classes:
        inner, table = subduction(group, c.representative)
        assert (table @ inner.dimensions == dimensions).all()
        # Frobenius: the multiplicity of the trivial irrep is that of vectors that K fixes.
        fixed = real_irreps(group).characters[:, c.representative.elements].mean(axis=1)
        one = next(n for n, row in enumerate(inner.characters) if (row == 1).all())
        np.testing.assert_allclose(table[:, one], fixed, atol=1e-9)


@pytest.mark.parametrize("symbol", GROUPS)
def test_products_have_the_right_dimension_and_commute(symbol):
    irreps = real_irreps(point_group(symbol))
    table = product_table(point_group(symbol))
    assert (table == table.transpose(1, 0, 2)).all()
    np.testing.assert_array_equal(table @ irreps.dimensions, np.outer(irreps.dimensions, irreps.dimensions))


def test_characters_of_degrees_are_traces_of_the_representation():
    matrices = point_group("Ih").matrices
    for degree in range(6):
        for even in (True, False):
            traces = np.einsum("nii->n", representation(f"1x{degree}{'e' if even else 'o'}", matrices))
            np.testing.assert_allclose(degree_characters(matrices, degree, even), traces, atol=1e-9)


def test_what_is_no_character_is_refused():
    irreps = real_irreps(point_group("C3v"))
    with pytest.raises(SymmetryBreakingError, match="not the characters"):
        irreps.decompose(np.array([[1.0, 0.5, 0.5, 0.0, 0.0, 0.0]]))


COUNTED = [("Oh", 13, 9), ("Td", 7, 6), ("D6h", 7, 7), ("Ih", 31, 15), ("S4", 1, 0), ("C1", 0, 0)]


@pytest.mark.parametrize(("symbol", "axes", "mirrors"), COUNTED)
def test_axes_and_mirrors_are_counted(symbol, axes, mirrors):
    found = symmetry_elements(point_group(symbol))
    assert (len(found.axes), len(found.mirrors)) == (axes, mirrors)
    assert (found.inversion is not None) == (symbol in ("Oh", "D6h", "Ih"))


def test_what_a_subgroup_keeps_of_an_axis():
    group = point_group("Oh")
    (z,) = [axis for axis in symmetry_elements(group).axes if abs(axis.direction[2]) > 0.99]
    kept = {c.label: z.kept(c.representative.elements) for c in group.subgroup_classes}
    assert z.label == "C4"
    expected = {"T": "C2", "Td": "S4", "O": "C4", "D4h": "C4", "C1": None, "C3": None}
    assert {name: kept[name] for name in expected} == expected


@pytest.mark.parametrize("symbol", [*GROUPS, "S20", "D12d", "C9h"])
def test_printed_order_is_a_permutation_that_begins_with_the_identity(symbol):
    group = point_group(symbol)
    order = printed_order(group)
    assert sorted(order) == list(range(len(group.element_classes))) and group.element_class_symbols[order[0]] == "E"


# F. A. Cotton, "Chemical Applications of Group Theory", appendix II.
COTTON = {
    "D4d": "E S8 C4 S8³ C2 C2' σd", "C5h": "E C5 C5² C5³ C5⁴ σh S5 S5⁷ S5³ S5⁹", "C4h": "E C4 C2 C4³ i S4³ σh S4",
    "S6": "E C3 C3² i S6⁵ S6", "D3h": "E C3 C2' σh S3 σv", "D6": "E C6 C3 C2 C2' C2''", "C6v": "E C6 C3 C2 σv σd",
}  # fmt: skip


@pytest.mark.parametrize("symbol", COTTON)
def test_printed_order_is_that_of_the_books(symbol):
    group = point_group(symbol)
    assert " ".join(group.element_class_symbols[c] for c in printed_order(group)) == COTTON[symbol]


def test_spellings_are_read_as_the_group_they_stand_for():
    families = [point_group(symbol).family for symbol in GROUPS] + [PointGroupSymbol("Dnh", float("inf"))]
    found = spellings(families)
    assert list(found) == [family.schoenflies for family in families]
    for symbol, texts in found.items():
        assert symbol.lower() in texts
        for text in texts:
            assert parse_symbol(text).symbol.schoenflies == symbol
    assert {"m-3m", "m3m", "4/m-32/m"} <= set(found["Oh"])
