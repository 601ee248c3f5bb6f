"""``sbs modes`` and ``sbs isotropy``: what they print is what the library says."""

from __future__ import annotations

import json

import pytest

import sbs
from sbs.cli import main

POSCAR = """SrTiO3
3.905
1 0 0
0 1 0
0 0 1
Sr Ti O
1 1 3
Direct
0.5 0.5 0.5
0 0 0
0.5 0 0
0 0.5 0
0 0 0.5
"""


@pytest.fixture
def perovskite(tmp_path):
    """A file of the cubic perovskite."""
    pytest.importorskip("ase")
    path = tmp_path / "cubic.vasp"
    path.write_text(POSCAR)
    return str(path)


def ask(capsys, *arguments):
    """Standard output of a command that succeeds."""
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_modes_are_those_of_the_library(perovskite, capsys):
    facts = json.loads(ask(capsys, "modes", perovskite, "--supercell", "2", "--json"))
    rows = sbs.modes(sbs.detect(perovskite, supercell=2))
    assert facts["rows"] == rows.as_dicts()
    assert (facts["order"], facts["origin_atom"], facts["space_group"]["number"]) == (384, "Ti", 221)
    assert "R4+" in ask(capsys, "modes", perovskite, "--supercell", "2")
    # Without a supercell the cell of the file is the cell.
    assert {row["label"][0] for row in json.loads(ask(capsys, "modes", perovskite, "--json"))["rows"]} == {"Γ"}


def test_isotropy_subgroups_are_those_of_the_library(perovskite, capsys):
    facts = json.loads(ask(capsys, "isotropy", perovskite, "R4+", "M3+", "--supercell", "2x2x2", "--json"))
    assert facts["rows"] == sbs.isotropy(sbs.detect(perovskite, supercell=2), "R4+", "M3+").as_dicts()
    assert "(a,a,0)" in ask(capsys, "isotropy", perovskite, "R4+", "--supercell", "2,2,2")


def test_a_cell_that_loses_rotations_says_so(perovskite, capsys):
    assert "least cell" in ask(capsys, "modes", perovskite, "--supercell", "1x1x2")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("isotropy", "R9+", "--supercell", "2"), "R4+"),
        (("isotropy", "R1-", "--supercell", "2"), "no displacement"),
        (("isotropy", "R4+"), "Γ4-"),
        (("modes", "--supercell", "0"), "no volume"),
        (("modes", "--supercell", "two"), "2x2x1"),
        (("modes", "--supercell", "9"), "limit"),
    ],
    ids=str,
)
def test_bad_input_is_refused_in_one_line(perovskite, capsys, arguments, word):
    command, *rest = arguments
    assert main([command, perovskite, *rest]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and word in error


def test_long_listings_say_how_far_they_are(perovskite, capsys, monkeypatch):
    """On standard error where that is a terminal, and gone before anything is printed."""
    from sbs import progress
    from sbs.structures.space_irreps import _irreps_of

    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    for command, stages in (
        (["modes", perovskite], ["representations of wave vectors: 3 of 4"]),
        (["isotropy", perovskite, "R4+"], ["isotropy subgroups: 5 of 6", "space groups: 5 of 6"]),
    ):
        _irreps_of.cache_clear()
        assert main([*command, "--supercell", "2"]) == 0
        shown = capsys.readouterr()
        assert all(stage in shown.err for stage in stages), shown.err
        assert shown.err.endswith("\r\x1b[2K") and "\x1b[2K" not in shown.out
    # Where it is no terminal nothing is said.
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    assert main(["isotropy", perovskite, "R4+", "--supercell", "2"]) == 0
    assert capsys.readouterr().err == ""
