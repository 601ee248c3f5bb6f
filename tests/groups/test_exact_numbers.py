"""Exact matrices multiply exactly, exact objects have exact norms, and what has no exact form is not made up."""

import math

import numpy as np
import pytest

import sbs
from sbs.errors import InfiniteSetError, NoExactFormError
from sbs.groups.abstract.exact_numbers import exact_matrices, exact_rows

sympy = pytest.importorskip("sympy")


def floats(matrix):
    return np.array(matrix.evalf(25), dtype=float)


def vanishes(value):
    """To 60 digits; algebraic numbers of this kind are zero or far larger."""
    return abs(sympy.N(value, 80)) < sympy.Rational(1, 10**60)


@pytest.mark.parametrize("symbol", ["C1", "D4h", "C6v", "Td", "Oh", "I", "D5", "S8", "C7h"])
def test_exact_matrices_agree_and_multiply_as_the_table_says(symbol):
    group = sbs.point_group(symbol)
    assert all(np.abs(floats(m) - g).max() < 1e-15 * 10 for m, g in zip(group.exact, group.matrices, strict=True))
    chosen = np.random.default_rng(5).choice(group.order, size=min(4, group.order), replace=False)
    for a in chosen:
        for b in chosen:
            difference = group.exact[a] * group.exact[b] - group.exact[group.table[a, b]]
            assert all(vanishes(entry) for entry in difference)


def test_traces_of_exact_matrices_are_the_characters_of_the_vector():
    group = sbs.point_group("Ih")
    vector = group.character_table["T1u"].exact
    for members, value in zip(group.element_classes, vector, strict=True):
        assert sympy.simplify(group.exact[members[0]].trace() - value) == 0


def test_groups_of_matrices_and_subgroups_are_exact_too():
    hexagonal = sbs.FiniteGroup.from_matrices([[[0, -1], [1, 1]], [[0, 1], [1, 0]]])
    assert all(entry.is_Integer for matrix in hexagonal.exact for entry in matrix)
    assert len(hexagonal.subgroup([1]).exact) == 6
    turned = sbs.point_group("-4m2")
    assert turned.exact[0] == sympy.eye(3) and np.abs(floats(turned.exact[3]) - turned.matrices[3]).max() < 1e-15


@pytest.mark.parametrize(
    ("group", "target"),
    [("Oh", "D4h"), ("Oh", "C4v"), ("Oh", "C3v"), ("Oh", "Td"), ("Td", "C2v"), ("Ih", "C5v"), ("Ih", "D5d"),
     ("D3", "C1"), ("D6h", "D2h"), ("D7", "C1"), ("Dinfh", "Cinfv")],
)  # fmt: skip
def test_exact_objects_have_norm_one_and_the_same_products(group, target):
    found = sbs.minimal_set(group, target)
    exact = found.exact_objects
    np.testing.assert_allclose(floats(exact), found.objects, atol=2e-10)
    for row in range(exact.rows):
        assert vanishes(sum(x**2 for x in exact.row(row)) - found.irreps.count("x"))


def test_exact_objects_are_moved_into_each_other_exactly():
    """Vectors: g v is an object again, in exact arithmetic."""
    found = sbs.minimal_set("Oh", "C3v")
    objects = {tuple(found.exact_objects.row(k)) for k in range(found.size)}
    assert len(objects) == 8
    for matrix in sbs.point_group("Oh").exact:
        for vector in objects:
            assert tuple(matrix * sympy.Matrix(vector)) in objects


def test_points_of_cosets_are_exact():
    group = sbs.FiniteGroup.from_permutations([[1, 2, 0]])
    assert sbs.minimal_set(group, ambient=group).exact_objects == sympy.eye(3)


@pytest.mark.parametrize("value", [math.pi / 4, math.e / 3, 0.123456789, math.sin(1), 2 ** (1 / 3) / 2])
def test_numbers_without_an_exact_form_are_refused(value):
    with pytest.raises(NoExactFormError, match="use the float64 value"):
        exact_matrices(np.array([[[value]]]), 6)


def test_values_that_only_look_exact_are_refused():
    """1/2 and a number that is √3/2 to nine digits: each is recognised or refused, never rounded."""
    near = math.sqrt(3) / 2 + 1e-9
    with pytest.raises(NoExactFormError):
        exact_matrices(np.array([[[near]]]), 6)
    with pytest.raises(NoExactFormError, match="norm one"):
        exact_rows(np.array([[0.5, 0.5]]), 4, [2])
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    with pytest.raises(NoExactFormError):
        _ = sbs.minimal_set("Oh", "D4h").rotated(turn).exact_objects
    with pytest.raises(NoExactFormError):
        _ = sbs.point_group("D3").rotated(turn).exact
    with pytest.raises(InfiniteSetError):
        _ = sbs.minimal_set("C4", "C1").exact_objects


def test_latex_has_exact_numbers_where_there_are_some():
    text = sbs.minimal_set("Oh", "D4h").to_latex()
    assert r"\frac{\sqrt{3}}{2}" in text and text.count(r" \\") == 4
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    assert r"\sqrt" not in sbs.minimal_set("Oh", "D4h").rotated(turn).to_latex()
