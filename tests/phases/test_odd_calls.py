"""Odd values for every argument: only errors of the library come out."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ase")

import sbs
from sbs.errors import CalculatorError, SymmetryBreakingError
from tests.phases.models import LatticePhi4, caesium_chloride

ODD = [
    None, float("nan"), float("inf"), "x", "", -1, 0, 1e9, True, [], [1, 2], {}, object(), np.zeros((2, 2)), 1 + 2j, b"a",
    len, 2**70, np.array(["a"], dtype=object),
]  # fmt: skip
OPTIONS = (
    "supercell", "pressure", "cell", "exhaustive", "share", "weakest", "depth", "expansions", "budget", "fmax", "steps",
    "step", "tolerance", "journal",
)  # fmt: skip


def attempt(function, *arguments, **options):
    """A call that may succeed, or fail with an error of the library."""
    try:
        function(*arguments, **options)
    except SymmetryBreakingError as error:
        assert str(error)


@pytest.mark.parametrize("option", OPTIONS)
def test_odd_options_of_descend(option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for value in ODD:
        attempt(sbs.descend, caesium_chloride(), LatticePhi4(), **({"cell": False, "budget": 2} | {option: value}))


@pytest.fixture(scope="module")
def tree():
    return sbs.descend(caesium_chloride(), LatticePhi4(), cell=False)


@pytest.mark.parametrize("number", range(len(ODD)))
def test_odd_questions_to_a_tree(tree, number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attempt(tree.__getitem__, ODD[number])
    attempt(tree.write, ODD[number])
    attempt(tree.write, "folder", domains=ODD[number])


def test_a_tree_answers_to_places_and_names(tree):
    assert tree["P4mm"] is tree[0] is tree.lowest
    assert tree[-1] is tree.phases[-1]
    with pytest.raises(SymmetryBreakingError, match="found were P4mm, Amm2, R3m"):
        tree["Pnma"]


@pytest.mark.parametrize("answer", ["x", None, [1, [2, 3]], 1 + 1j, np.nan, {}], ids=str)
@pytest.mark.parametrize("what", ["energy", "forces"])
def test_odd_answers_of_a_calculator(what, answer):
    class Odd(LatticePhi4):
        def calculate(self, *arguments, **keywords):
            super().calculate(*arguments, **keywords)
            self.results[what] = answer

    with pytest.raises(CalculatorError, match="Odd"):
        sbs.descend(caesium_chloride(), Odd(), cell=False)


def test_labels_that_are_no_elements():
    sites = (4 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [500, 600])
    for function in (sbs.descend, sbs.instabilities, sbs.relax):
        with pytest.raises(CalculatorError, match="no elements"):
            function(sites, LatticePhi4())


@pytest.mark.parametrize("number", range(len(ODD)))
def test_odd_structures_calculators_and_folders(number, tmp_path, monkeypatch):
    value = ODD[number]
    monkeypatch.chdir(tmp_path)
    for function in (sbs.descend, sbs.instabilities, sbs.relax):
        attempt(function, value, LatticePhi4())
        attempt(function, caesium_chloride(), value)
    for option in ("pressure", "cell", "fmax", "steps", "tolerance"):
        attempt(sbs.relax, caesium_chloride(), LatticePhi4(), **({"cell": False} | {option: value}))
    attempt(sbs.descend_many, value, LatticePhi4, tmp_path / "a")
    attempt(sbs.descend_many, ["x"], value, tmp_path / "b")
    attempt(sbs.descend_many, ["x"], LatticePhi4, value)
    attempt(sbs.descend_many, ["x"], LatticePhi4, tmp_path / "c", executor=value)
