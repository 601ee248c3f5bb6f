"""Formulas as chemists write them."""

from __future__ import annotations

import itertools

import pytest

from sbs.structures.formula import formula

WRITTEN = ["H2O", "NH3", "CH4", "CO2", "BaTiO3", "SiO2", "HCl", "NaCl", "GaN", "KH2PO4", "OF2", "Fe2O3"]


@pytest.mark.parametrize("text", WRITTEN)
def test_the_order_of_atoms_does_not_matter(text):
    import re

    atoms = [symbol for symbol, count in re.findall(r"([A-Z][a-z]?)(\d*)", text) for _ in range(int(count or 1))]
    wanted = "KPH2O4" if text == "KH2PO4" else text  # the rule for two elements, applied to four
    for shuffled in itertools.islice(itertools.permutations(atoms), 20):
        assert formula(shuffled) == wanted


def test_crystals_are_written_as_listed():
    assert formula(["Pb", "Zr", "O", "O", "O"], as_listed=True) == "PbZrO3"


def test_marks_stay_with_their_element():
    assert formula(["O", "Fe'", "Fe", "O"]) == "FeFe'O2"
