"""The command ``sbs descend`` on a model potential."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("ase")

from ase.io import write

from sbs.cli import main
from tests.phases.models import Landau

EDGE = Landau.EDGE


@pytest.fixture
def cubic(tmp_path):
    from ase import Atoms

    path = tmp_path / "cubic.cif"
    write(path, Atoms("BaTiO3", scaled_positions=Landau.SITES, cell=[EDGE] * 3, pbc=True))
    return str(path)


MODEL = "tests.phases.models:Landau"


def test_the_table_and_the_files(cubic, tmp_path, capsys):
    folder = tmp_path / "phases"
    assert main(["descend", cubic, "--calculator", MODEL, "--write", str(folder), "--domains"]) == 0
    out = capsys.readouterr().out
    assert "P4mm" in out and "Pm-3m" in out and "written:" in out
    assert (folder / "phases.json").exists()
    assert not (folder / "journal.jsonl").exists()
    assert len(list(folder.glob("*_domains.extxyz"))) == len(list(folder.glob("*.cif"))) - 1


def test_json_has_numbers_as_numbers(cubic, capsys):
    assert main(["descend", cubic, "--calculator", MODEL, "--json", "--supercell", "1", "1", "1"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["phases"][0]["space_group"] == "P4mm"
    assert isinstance(data["phases"][0]["energy_ev_per_formula_unit"], float)
    assert data["complete"] is True


def test_an_interrupted_search_goes_on(cubic, tmp_path, capsys):
    folder = str(tmp_path / "phases")
    assert main(["descend", cubic, "--calculator", MODEL, "--write", folder, "--budget", "20"]) == 0
    assert "not complete" in capsys.readouterr().out
    assert (tmp_path / "phases" / "journal.jsonl").exists()
    assert main(["descend", cubic, "--calculator", MODEL, "--write", folder]) == 0
    assert "not complete" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--calculator", "nothing"],
        ["--calculator", "mace"],
        ["--calculator", MODEL, "--supercell", "2", "2"],
        ["--calculator", MODEL, "--supercell", "0"],
        ["--calculator", MODEL, "--budget", "0"],
        ["--calculator", MODEL, "--pressure", "nan"],
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line(cubic, arguments, capsys):
    assert main(["descend", cubic, *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("sbs: error: ")
    assert captured.err.count("\n") == 1
