"""Character tables: orthogonality, known tables of the 32 groups, and groups whose tables are theorems."""

from __future__ import annotations

import numpy as np
import pytest

from sbs.groups import FiniteGroup, PointGroupSymbol, point_group
from sbs.groups.abstract.characters import character_table, class_constants
from sbs.groups.point.character_values import epsilon_order, exact_text, float_value
from sbs.groups.point.functions import function_labels
from sbs.groups.point.mulliken import name_irreps
from tests.tables.known_characters import ELEMENTS, FUNCTIONS, known_table

AXIAL = [(family, n) for family in ("Cn", "Cnh", "Cnv", "S2n", "Dn", "Dnh", "Dnd") for n in range(1, 13)]
CRYSTALLOGRAPHIC = sorted(FUNCTIONS)
ALL = sorted({PointGroupSymbol(f, n).schoenflies for f, n in AXIAL} | set(CRYSTALLOGRAPHIC) | {"I", "Ih"})


def real_characters(group):
    table = character_table(group)
    irreps = name_irreps(group.family, group.matrices, group.class_of, table)
    return irreps, table, np.array([table.values[list(irrep.members)].sum(axis=0).real for irrep in irreps])


@pytest.mark.parametrize("symbol", ALL)
def test_rows_and_columns_are_orthogonal(symbol):
    group = point_group(symbol)
    table = character_table(group)
    values, sizes = table.values, table.class_sizes
    rows = (values * sizes) @ values.conj().T / group.order
    np.testing.assert_allclose(rows, np.eye(len(sizes)), atol=1e-12)
    columns = values.conj().T @ values
    np.testing.assert_allclose(columns, np.diag(group.order / sizes), atol=1e-10)
    assert (table.dimensions**2).sum() == group.order


@pytest.mark.parametrize("symbol", ["C1", "C4", "T", "D6d", "Oh", "Ih", "S8"])
def test_characters_multiply_like_the_class_algebra(symbol):
    """w_r w_s = sum_t a_rst w_t (Burnside): holds for characters and for nothing else."""
    group = point_group(symbol)
    table = character_table(group)
    omega = table.values * table.class_sizes / table.values[:, :1]
    left = np.einsum("ir,is->irs", omega, omega)
    right = np.einsum("rst,it->irs", class_constants(group), omega)
    np.testing.assert_allclose(left, right, atol=1e-9)


@pytest.mark.parametrize("symbol", ["C3", "C6h", "T", "D5", "Ih", "S12"])
def test_schur_indicator_agrees_with_its_definition(symbol):
    group = point_group(symbol)
    table = character_table(group)
    squares = group.class_of[np.diagonal(group.table)]
    direct = table.values[:, squares].sum(axis=1) / group.order
    np.testing.assert_allclose(table.frobenius_schur(), direct.real, atol=1e-9)
    is_real = np.abs(table.values.imag).max(axis=1) < 1e-12
    np.testing.assert_array_equal(table.frobenius_schur() == 1, is_real)


def test_quaternion_group_has_a_quaternionic_representation():
    i, j = [1, 2, 3, 0, 5, 6, 7, 4], [4, 7, 6, 5, 2, 1, 0, 3]
    table = character_table(FiniteGroup.from_permutations([i, j]))
    assert sorted(table.dimensions) == [1, 1, 1, 1, 2]
    assert sorted(table.frobenius_schur()) == [-1, 1, 1, 1, 1]


def test_symmetric_group_s5_has_its_partition_dimensions():
    table = character_table(FiniteGroup.from_permutations([[1, 2, 3, 4, 0], [1, 0, 2, 3, 4]]))
    assert sorted(table.dimensions) == [1, 1, 4, 4, 5, 5, 6]
    np.testing.assert_allclose(table.values, np.rint(table.values.real), atol=1e-12)  # rational group


@pytest.mark.parametrize("symbol", CRYSTALLOGRAPHIC)
def test_known_table(symbol):
    group = point_group(symbol)
    irreps, table, _ = real_characters(group)
    representatives, known = known_table(symbol)
    distances = [np.abs(group.matrices - matrix).max(axis=(1, 2)) for matrix in representatives]
    assert max(d.min() for d in distances) < 1e-12
    columns = [int(group.class_of[d.argmin()]) for d in distances]
    assert sorted(columns) == list(range(len(group.element_classes)))
    assert sorted(irrep.name for irrep in irreps) == sorted(known)
    for irrep in irreps:
        np.testing.assert_allclose(table.values[irrep.members[0], columns], known[irrep.name], atol=1e-12)
        assert len(irrep.members) == (2 if np.abs(np.imag(known[irrep.name])).max() > 1e-9 else 1)


@pytest.mark.parametrize("symbol", CRYSTALLOGRAPHIC)
def test_known_functions(symbol):
    group = point_group(symbol)
    irreps, _, characters = real_characters(group)
    labels = function_labels(
        group.matrices, characters[:, group.class_of], np.array([irrep.dimension for irrep in irreps])
    )
    found = {
        irrep.name: [f.replace(", ", ",") for key in ("linear", "rotation", "quadratic") for f in label[key]]
        for irrep, label in zip(irreps, labels, strict=True)
    }
    expected = {}
    for part in FUNCTIONS[symbol].split(";"):
        name, functions = part.split(":")
        expected[name.strip()] = functions.split()
    assert found == expected
    assert list(found) == list(expected)  # in the order of the printed tables


@pytest.mark.parametrize("symbol", ALL)
def test_names_are_unique_and_vectors_are_placed(symbol):
    group = point_group(symbol)
    irreps, _, characters = real_characters(group)
    names = [name for irrep in irreps for name in irrep.complex_names]
    assert len(set(names)) == len(names) == len(group.element_classes)
    vector = np.trace(group.matrices, axis1=1, axis2=2)[[members[0] for members in group.element_classes]]
    labels = function_labels(
        group.matrices, characters[:, group.class_of], np.array([irrep.dimension for irrep in irreps])
    )
    carried = np.zeros_like(vector)
    for label, irrep, row in zip(labels, irreps, characters, strict=True):
        letters = sum(len(f.strip("()").split(",")) for f in label["linear"])
        carried += row * letters / irrep.dimension
    np.testing.assert_allclose(carried, vector, atol=1e-12)


@pytest.mark.parametrize(
    ("symbol", "name", "element", "text"),
    [
        ("I", "T1", None, "(1+√5)/2"),
        ("D4d", "E1", None, "√2"),
        ("D7", "E1", None, "2cos(2π/7)"),
        ("C3", "E", "C3-", "ε*"),
        ("C3h", "E''", None, "-ε"),
        ("C4", "E", "C4", "i"),
        ("D12", "E1", None, "√3"),
    ],
)
def test_closed_forms(symbol, name, element, text):
    group = point_group(symbol)
    irreps, table, _ = real_characters(group)
    irrep = next(irrep for irrep in irreps if irrep.name == name)
    row = table.multiplicities[irrep.members[0]]
    texts = [exact_text(m.tolist(), epsilon_order(group.family)) for m in row]
    if element is None:
        assert text in texts
    else:
        column = int(group.class_of[np.abs(group.matrices - ELEMENTS[element]).max(axis=(1, 2)).argmin()])
        assert texts[column] == text


@pytest.mark.parametrize("symbol", ALL)
def test_closed_forms_have_the_value_they_stand_for(symbol):
    group = point_group(symbol)
    table = character_table(group)
    n = epsilon_order(group.family)
    for row in table.multiplicities:
        for multiplicities in row:
            text = exact_text(multiplicities.tolist(), n)
            expected = multiplicities @ np.exp(2j * np.pi * np.arange(table.exponent) / table.exponent)
            assert abs(evaluate(text, n) - expected) < 1e-12
            assert abs(float_value(multiplicities.tolist()) - expected) < 1e-12


def evaluate(text: str, n: int) -> complex:
    """Reads the printed form back, by Python's own arithmetic."""
    powers = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
    sign = -1 if text.startswith("-") and "ε" in text else 1
    if "ε" in text:
        body = text.lstrip("-")
        power = int(body.strip("ε*").translate(powers) or 1)
        value = np.exp(2j * np.pi * power / n)
        return sign * (value.conjugate() if body.endswith("*") else value)
    if text in ("i", "-i"):
        return 1j if text == "i" else -1j
    plain = text.replace("2cos", "2*cos").replace("π", "*pi").replace("√", "S")
    for radicand in "235":
        plain = plain.replace(f"S{radicand}", f"sqrt({radicand})")
    return complex(eval(plain, {"cos": np.cos, "pi": np.pi, "sqrt": np.sqrt}))
