"""Odd values for every argument: only errors of the library come out."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ase")

import sbs
from sbs.errors import SymmetryBreakingError
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


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_odd_structures_calculators_and_folders(value, tmp_path, monkeypatch):
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
