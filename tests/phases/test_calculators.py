"""Calculators by name."""

from __future__ import annotations

import pytest

pytest.importorskip("ase")

import sys

from sbs.errors import CalculatorError, SymmetryBreakingError
from sbs.phases.calculators import CALCULATORS, named_calculator


def test_a_factory_is_called():
    from ase.calculators.emt import EMT

    assert isinstance(named_calculator("ase.calculators.emt:EMT"), EMT)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Mace", "known are sevennet"),
        ("", "known are"),
        (None, "known are"),
        ("mace", "mace:FILE"),
        ("orb", "orb:FILE"),
        ("mattersim:/nowhere/model.pth", "no model file"),
        ("sevennet:/nowhere/model.pth", "no model file"),
        ("no_such_module:f", "no_such_module"),
        ("math:sqrt", "gave no calculator"),
        ("builtins:dict", "expected an ASE calculator"),
        ("ase.calculators.emt:Nothing", "Nothing"),
    ],
)
def test_what_gives_no_calculator_says_why(name, message):
    with pytest.raises(CalculatorError, match=message):
        named_calculator(name)


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sevenn", None)
    monkeypatch.setitem(sys.modules, "sevenn.calculator", None)
    with pytest.raises(SymmetryBreakingError, match="pip install"):
        named_calculator("sevennet")


def test_a_damaged_model_file_is_an_error_of_ours(tmp_path):
    pytest.importorskip("sevenn")
    path = tmp_path / "model.pth"
    path.write_bytes(b"no model")
    with pytest.raises(CalculatorError, match="could not be loaded"):
        named_calculator(f"sevennet:{path}")


def test_every_loader_names_its_package():
    assert all(loader.package for loader in CALCULATORS.values())
