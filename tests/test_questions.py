"""What may be asked, in all its forms: each names the same question, and what names none is refused by name."""

import math
import re

import numpy as np
import pytest

import sbs
from sbs.errors import (
    AmbiguousTargetError,
    InfiniteSetError,
    InvalidGroupError,
    NotASubgroupError,
    SymmetryBreakingError,
    UnknownGroupError,
)
from sbs.groups.abstract.validation import check_seed

TURN = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
TURN *= np.linalg.det(TURN)
CUBIC = (4.0 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], [56, 22, 8, 8, 8])


# --- no target: K = 1 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["C1", "Ci", "D3", "C4", "Oh", "D7d", "Cinfv", "SO(3)"])
def test_without_a_target_all_symmetry_is_broken(symbol):
    found = sbs.minimal_set(symbol)
    assert found == sbs.minimal_set(symbol, "C1") == sbs.minimal_set(sbs.point_group(symbol))
    assert found.target.order == 1


def test_without_a_target_in_finite_ambient_groups():
    assert sbs.minimal_set("C2", ambient="Oh").size == 4
    group = sbs.FiniteGroup.from_permutations([[1, 2, 3, 0], [1, 0, 2, 3]])
    normal = group.subgroup([[1, 0, 3, 2], [2, 3, 0, 1]])
    found = sbs.minimal_set(normal, ambient=group)
    assert found.size == 4 and found.target == group.trivial
    assert sbs.minimal_set(group, ambient=group).size == 24


# --- forms of a target --------------------------------------------------------------------------------------


def test_every_form_of_a_target_is_the_same_question():
    group = sbs.point_group("Oh")
    named = sbs.minimal_set("Oh", "C2v(C2')")
    cls = next(c for c in group.subgroup_classes if c.label == "C2v(C2')")
    row = sbs.table("Oh")["C2v(C2')"]
    forms = [cls, cls.representative, row, cls.representative.matrices, cls.representative.matrices.tolist(), "c2v( C2' )"]
    forms.append(sbs.point_group(cls.representative))
    assert all(sbs.minimal_set("Oh", form) == named for form in forms)
    assert all(sbs.minimal_set(group, form) == named for form in forms)
    with pytest.raises(NotASubgroupError, match="as oriented"):
        sbs.minimal_set(group.rotated(TURN), cls)


def test_every_form_of_a_group_is_the_same_question():
    named = sbs.minimal_set("Td", "C3v")
    inside = next(c for c in sbs.point_group("Oh").subgroup_classes if c.label == "Td")
    matrices = sbs.point_group("Td").matrices
    finite = sbs.FiniteGroup.from_matrices(matrices)
    for form in ("-43m", inside, inside.representative, matrices, matrices[[1, 5, 13]].tolist(), finite):
        assert sbs.minimal_set(form, "C3v") == named


def test_labels_and_classes_in_permutation_groups():
    group = sbs.FiniteGroup.from_permutations([[1, 2, 3, 0], [1, 0, 2, 3]])
    cls = group.subgroup_classes[1]
    assert sbs.minimal_set(group, cls, ambient=group) == sbs.minimal_set(group, cls.label, ambient=group)
    copy = sbs.FiniteGroup.from_permutations([[1, 2, 3, 0], [1, 0, 2, 3]])
    assert sbs.minimal_set(copy, cls, ambient=group) == sbs.minimal_set(group, cls, ambient=group)


def test_a_row_of_another_table_is_refused():
    with pytest.raises(NotASubgroupError, match="row of the table of Oh, the group is D4h"):
        sbs.minimal_set("D4h", sbs.table("Oh")["Td"])


@pytest.mark.parametrize("key", ["4/mmm", "d4h", "D4h", " d 4 h"])
def test_tables_find_rows_as_questions_find_targets(key):
    assert sbs.table("Oh")[key].label == "D4h"
    assert sbs.table("Oh").filter(ideal=True)[key].label == "D4h"


def test_tables_say_which_row_is_meant_or_missing():
    table = sbs.table("Oh")
    assert table["c2v(c2')"].label == "C2v(C2')" and sbs.table("mmm")["2mm"].label == "C2v(C2(x))"
    with pytest.raises(AmbiguousTargetError, match="3 classes"):
        table["C2v"]
    with pytest.raises(UnknownGroupError, match="no row 'C5'; its rows are"):
        table["C5"]
    with pytest.raises(UnknownGroupError, match="its rows are"):
        table.filter(order=2)["D4h"]
    for key in (None, 1.5, 999, True, ("D4h",)):
        with pytest.raises(SymmetryBreakingError):
            table[key]


# --- symbols with directions --------------------------------------------------------------------------------

X, Y, Z = np.eye(3)


def axis_of(found):
    """The common direction that all elements of K keep or reverse."""
    proper = found.target.matrices[np.linalg.det(found.target.matrices) > 0]
    turn = proper[np.trace(proper, axis1=1, axis2=2) < 2.9][0]
    values, vectors = np.linalg.eig(turn)
    return np.abs(vectors[:, np.argmin(np.abs(values - 1))].real)


@pytest.mark.parametrize(
    ("target", "axis"), [("2mm", X), ("m2m", Y), ("mm2", Z), ("211", X), ("121", Y), ("112", Z)]
)
def test_orthorhombic_targets_lie_as_their_symbol_says(target, axis):
    np.testing.assert_allclose(axis_of(sbs.minimal_set("mmm", target)), axis, atol=1e-12)
    turned = sbs.minimal_set(sbs.point_group("mmm").rotated(TURN), target)
    np.testing.assert_allclose(axis_of(turned), np.abs(TURN @ axis), atol=1e-12)


@pytest.mark.parametrize(
    ("group", "target", "other"),
    [("4/mmm", "-4m2", "-42m"), ("6/mmm", "3m1", "31m"), ("6/mmm", "321", "312"), ("622", "321", "312"),
     ("6/mmm", "-62m", "-6m2"), ("6/mmm", "-3m1", "-31m")],
)  # fmt: skip
def test_the_two_settings_of_a_symbol_are_two_targets(group, target, other):
    for symbol in (target, other):
        found = sbs.minimal_set(group, symbol)
        wanted = sbs.point_group(symbol).matrices
        assert sbs.minimal_set(group, wanted) == found
        distance = np.abs(wanted[:, None] - found.target.matrices[None]).max((2, 3)).min(1)
        assert distance.max() < 1e-12
    assert sbs.minimal_set(group, target) != sbs.minimal_set(group, other)


@pytest.mark.parametrize(("group", "target"), [("6/mmm", "3m"), ("4/mmm", "mm2"), ("4/mmm", "2"), ("m-3m", "mm2"), ("mmm", "m")])
def test_a_symbol_that_may_mean_several_subgroups_stays_ambiguous(group, target):
    with pytest.raises(AmbiguousTargetError, match="give one of the labels"):
        sbs.minimal_set(group, target)


# --- rotations and seeds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("rough", [TURN.astype(np.float32), TURN.round(7), TURN.round(7).tolist()])
@pytest.mark.parametrize(("group", "target"), [("Oh", "D4h"), ("D3", "C1"), ("C4", "C1"), ("Dinfh", "Cinfv")])
def test_a_rough_rotation_stands_for_the_nearest_exact_one(group, target, rough):
    turned = sbs.minimal_set(group, target).rotated(rough)
    turned.verify()
    np.testing.assert_allclose(turned.frame.T @ turned.frame, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(turned.group.rotation, TURN @ sbs.point_group(group).rotation, atol=1e-6)
    assert np.abs(sbs.point_group("D3").rotated(rough).rotation - TURN).max() < 1e-6


@pytest.mark.parametrize("seed", [-1, 1.5, None, "1", True, [1, 2], math.nan])
def test_seeds_are_integers_or_generators(seed):
    for draw in (check_seed, lambda s: sbs.minimal_set("C4", "C1").sample(2, s), lambda s: sbs.point_group("O(3)").sample(2, s)):
        with pytest.raises(InvalidGroupError, match="seed"):
            draw(seed)


# --- infinite sets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "symbol", ["C2", "C3", "C4", "C5", "C6", "C7", "C2h", "C3h", "C4h", "C5h", "S4", "S6", "S8", "S10", "C12", "C17"]
)
def test_the_ambient_group_that_is_recommended_makes_the_set_finite(symbol):
    for group in (sbs.point_group(symbol), sbs.point_group(symbol).rotated(TURN)):
        found = sbs.minimal_set(group)
        assert found.size == math.inf
        with pytest.raises(InfiniteSetError) as caught:
            _ = found.objects
        recommended = re.search(r"\(ambient=(.*?), (?:or|with)", str(caught.value)).group(1)
        ambient = eval(recommended, {"sbs": sbs, "group": found.group})
        assert sbs.minimal_set(group, ambient=ambient).size < math.inf


# --- structures ---------------------------------------------------------------------------------------------


def test_comparisons_and_patterns_are_questions_with_their_ambient_group():
    pytest.importorskip("spglib")
    patterns = sbs.distortions(CUBIC, "C4v")
    pair = sbs.between(CUBIC, patterns.domain_states(0.1)[0].structure)
    expected = sbs.minimal_set(sbs.detect(CUBIC), "C4v")
    assert expected.ambient.symbol == "Oh"
    for asked in (sbs.minimal_set(patterns), sbs.minimal_set(pair)):
        assert (asked.ambient, asked.group, asked.size) == (expected.ambient, expected.group, 6)
        assert asked.group.label_of(asked.target) == "C4v"
    assert sbs.minimal_set(patterns, "D4h").size == sbs.minimal_set("Oh", "D4h").size
    assert sbs.minimal_set(sbs.detect(CUBIC), pair) == sbs.minimal_set(pair)


# --- refused by name ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (lambda: sbs.minimal_set("Oh", "D4h"), "an answer"),
        (lambda: sbs.table("Oh"), "a table; give its symbol 'Oh'"),
        (lambda: sbs.table("Oh")[3], "row.minimal_set"),
        (lambda: sbs.FiniteGroup.from_permutations([[1, 0]]), "permutations"),
        (lambda: None, "None"),
        (lambda: 3, "3"),
        (lambda: {"Oh": 1}, "Oh"),
        (lambda: np.diag([1, 2, 3])[None], "orthogonal"),
        (lambda: [[[0, -1, 0], [1, -1, 0], [0, 0, 1]]], "cell"),
        (lambda: np.eye(4)[None], r"\(4, 4\)"),
        (lambda: 1j * np.eye(3)[None], "complex"),
        (lambda: np.eye(3), r"\[matrix\]"),
    ],
)
def test_what_is_no_group_is_refused_by_name(group, message):
    with pytest.raises(SymmetryBreakingError, match=message):
        sbs.minimal_set(group(), "C1")


@pytest.mark.parametrize("exact", ["no", "False", 0, 1, None, [], np.zeros(2)])
def test_switches_are_true_or_false(exact):
    with pytest.raises(InvalidGroupError, match="exact must be True or False"):
        sbs.minimal_set("Oh", "D4h", exact=exact)


def test_errors_of_groups_say_how_they_were_built():
    matrices = sbs.FiniteGroup.from_matrices([np.diag([1.0, -1.0])])
    assert matrices.whole.matrices.shape == (2, 2, 2)
    permutations = sbs.FiniteGroup.from_permutations([[1, 0]])
    with pytest.raises(InvalidGroupError, match="permutations"):
        _ = permutations.whole.matrices
    table = sbs.FiniteGroup.from_table([[0, 1], [1, 0]])
    with pytest.raises(InvalidGroupError, match="only numbers"):
        _ = table.whole.matrices
    with pytest.raises(InvalidGroupError, match="Cayley table"):
        table.subgroup([[1, 0]])
    assert sbs.point_group("Oh").subgroup(sbs.point_group("D4h").matrices).order == 16
    with pytest.raises(InvalidGroupError, match="got NaN"):
        sbs.point_group("Oh").subgroup(np.full((1, 3, 3), np.nan))


def test_labels_turn_with_a_group_that_is_turned():
    """The docstring of point_group says where they do not: in groups that are given by bare matrices."""
    for symbol in ("D2h", "C4v", "D4h", "Oh"):
        group = sbs.point_group(symbol)
        turned = group.rotated(TURN)
        for one, other in zip(group.subgroup_classes, turned.subgroup_classes, strict=True):
            assert one.label == other.label
            np.testing.assert_allclose(TURN @ one.representative.matrices @ TURN.T, other.representative.matrices, atol=1e-12)
            assert turned.label_of(turned.subgroup(TURN @ one.representative.matrices @ TURN.T)) == one.label


@pytest.mark.parametrize("value", [np.array(7.25), 7.25, np.array([7.25])])
def test_a_wrong_number_is_quoted(value):
    for call in (sbs.point_group, sbs.FiniteGroup.from_matrices, sbs.minimal_set("Oh", "D4h").rotated):
        with pytest.raises(InvalidGroupError) as caught:
            call(value)
        assert "7.25" in str(caught.value) or "(1,)" in str(caught.value)
