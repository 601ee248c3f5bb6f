"""A stored answer is the solver's answer, certificate included."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import sbs
from sbs.errors import AmbiguousTargetError, CorruptTableError, NotASubgroupError, UnknownGroupError
from sbs.groups import point_group
from sbs.query import resolve
from sbs.sets.orbits import Known
from sbs.sets.question import Question
from sbs.sets.solve import solve
from sbs.solver.solutions import FiniteSolution
from sbs.tables import lookup as looking
from sbs.tables.catalogue import stored_symbols
from sbs.tables.lookup import lookup, stored_group, stored_set, stored_target

SAMPLE = ("C4", "Cs", "D3", "D2d", "Td", "D6h", "Oh")


def assert_same(stored, solved):
    """Every claim of two sets agrees: groups and counts exactly, numbers to rounding."""
    assert stored == solved  # the same question in the same frame
    for name in ("size", "is_ideal", "degeneracy", "irreps", "exact", "lmax", "ideal_size"):
        assert getattr(stored, name) == getattr(solved, name), name
    np.testing.assert_allclose(stored.frame, solved.frame, atol=1e-15)
    assert type(stored.solution) is type(solved.solution)
    if isinstance(solved.solution, FiniteSolution):
        assert stored.solution == solved.solution  # subgroups, searches and refutations
        assert stored.orbit.movers.tolist() == solved.orbit.movers.tolist()
        assert stored.embedding.numbers.tolist() == solved.embedding.numbers.tolist()
        assert stored.embedding.turn == solved.embedding.turn
        assert stored.normalizer == solved.normalizer
        assert stored.stabilizer == solved.stabilizer
    else:
        assert stored.solution == solved.solution
        assert stored.normalizer.symbol == solved.normalizer.symbol
        assert stored.stabilizer.symbol == solved.stabilizer.symbol
    if solved.size == math.inf:
        # The seed maximises a distance, which is solved to 1e-10; on another processor it may differ by that.
        np.testing.assert_allclose(stored.sample(5, seed=3), solved.sample(5, seed=3), atol=1e-9)
        return
    np.testing.assert_allclose(stored.objects, solved.objects, atol=1e-12)
    np.testing.assert_array_equal(stored.orbits, solved.orbits)
    assert list(stored.target_of) == list(solved.target_of)


@pytest.mark.parametrize("symbol", stored_symbols())
def test_every_stored_pair_equals_the_solver(symbol):
    group = point_group(symbol)
    for c in group.subgroup_classes:
        solved = solve(Question(group, c.representative, point_group("O(3)"), True, None))
        assert not isinstance(solved.realise, Known)
        assert_same(stored_set(symbol, c.label), solved)


@pytest.mark.parametrize("symbol", SAMPLE)
def test_stored_certificates_verify(symbol):
    for c in point_group(symbol).subgroup_classes:
        stored_set(symbol, c.label).verify()


@pytest.mark.slow
@pytest.mark.parametrize("symbol", [s for s in stored_symbols() if s not in SAMPLE])
def test_every_stored_certificate_verifies(symbol):
    for c in point_group(symbol).subgroup_classes:
        stored_set(symbol, c.label).verify()


@pytest.mark.parametrize(
    ("group", "target"),
    [("Oh", "D4h"), ("m-3m", "4/mmm"), ("Oh", "C2v (2 sigma_h)"), ("oh", "Cs(σd)"), ("D6h", "6mm"), ("S2", "C1")],
    ids=lambda text: text,
)
def test_public_query_answers_from_the_table(group, target):
    found = sbs.minimal_set(group, target)
    assert found is sbs.minimal_set(group, target)
    assert isinstance(found.realise, Known)
    inner = point_group(group).subgroup_class(target).representative
    assert_same(found, solve(Question(point_group(group), inner, point_group("O(3)"), True, None)))


def test_groups_as_objects_are_answered_too():
    group = point_group("Td")
    target = group.subgroup_classes[3].representative
    question = Question(group, target, point_group("O(3)"), True, None)
    assert lookup(question) is stored_set("Td", group.subgroup_classes[3].label)
    assert sbs.minimal_set(group, target) is lookup(resolve(group, target, "O(3)"))


@pytest.mark.parametrize("setting", ["-4m2", "31m", "2mm"])
def test_other_settings_are_turned(setting):
    group = point_group(setting)
    for c in group.subgroup_classes:
        stored = lookup(resolve(setting, c.label))
        assert stored is not None and stored.group == group
        assert_same(stored, solve(Question(group, c.representative, point_group("O(3)"), True, None)))
        stored.verify()


@pytest.mark.parametrize("seed", [0, 1])
def test_rotated_groups_are_turned(seed):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    group = point_group("D4h").rotated(rotation * np.sign(np.linalg.det(rotation)))
    target = group.subgroup_class("C4v").representative
    stored = lookup(resolve(group, target))
    assert stored is not None
    np.testing.assert_allclose(
        stored.objects, solve(Question(group, target, point_group("O(3)"), True, None)).objects, atol=1e-12
    )
    stored.verify()


@pytest.mark.parametrize(
    "query",
    [
        ("Oh", "D4h", "SO(3)", True, None),
        ("C2", "C1", "Oh", True, None),
        ("Oh", "D4h", "O(3)", False, None),
        ("Oh", "D4h", "O(3)", True, 2),
        ("D13h", "C1", "O(3)", True, None),
        ("Cinfv", "C2v", "O(3)", True, None),
    ],
    ids=lambda q: "-".join(str(x) for x in q[:3] if isinstance(x, str)) + f"-{q[3]}-{q[4]}",
)
def test_the_rest_is_left_to_the_solver(query):
    assert lookup(resolve(*query)) is None


def test_another_subgroup_than_the_representative_is_left_to_the_solver():
    group = point_group("Oh")
    other = group.subgroup_class("C4v").representative.conjugates()[1]
    assert lookup(resolve(group, other)) is None
    assert sbs.minimal_set(group, other).target == other


def test_only_clear_names_are_stored():
    group = point_group("Oh")
    for name in ("C2v", "I", "nonsense", "Cs(nonsense)"):
        assert stored_target(group, name) is None
    assert stored_target(point_group("D13h"), "C1") is None
    for name in ("C2v (2 sigma_h)", "D4h", "4/mmm"):
        assert stored_target(group, name) == group.subgroup_class(name).representative
    assert stored_group("Td") is point_group("Td")
    assert stored_group("D13h") is stored_group("D4hh") is stored_group("m-3m") is None


def test_errors_are_those_of_the_solver():
    with pytest.raises(AmbiguousTargetError, match=r"C2v\("):
        sbs.minimal_set("Oh", "C2v")
    with pytest.raises(NotASubgroupError):
        sbs.minimal_set("Oh", "C5")
    with pytest.raises(UnknownGroupError, match="D4h"):
        sbs.minimal_set("D4hh", "C1")
    with pytest.raises(UnknownGroupError, match="stored"):
        stored_set("D13h", "C1")
    with pytest.raises(CorruptTableError, match="no row"):
        stored_set("Oh", "C17")


def test_stored_sets_survive_pickling():
    found = stored_set("Oh", "D4h")
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    np.testing.assert_array_equal(again.objects, found.objects)
    again.verify()


def test_damaged_table_gives_no_answer(monkeypatch, tmp_path):
    """A set is asked for whose file is damaged: the error names it, and the solver is not asked instead."""
    from pathlib import Path

    from sbs.tables.catalogue import table_path
    from sbs.tables.storage import read_table

    raw = Path(table_path("C2v")).read_bytes()
    path = tmp_path / "C2v.json"
    path.write_bytes(raw.replace(b'"ideal": true', b'"ideal": false', 1))
    looking._in_standard_setting.cache_clear()
    monkeypatch.setattr(looking, "load", lambda symbol: read_table(str(path), symbol))
    with pytest.raises(CorruptTableError, match=r"C2v\.json: field checksum"):
        lookup(resolve("C2v", "Cs(σv(xz))"))
