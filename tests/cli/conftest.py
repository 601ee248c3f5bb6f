"""Running the command, in this process and as one of its own, and structures to run it on."""

import json
import os
import subprocess
import sys

import pytest

import sbs
from sbs.cli import main


@pytest.fixture(autouse=True)
def without_a_width(monkeypatch):
    """The variable COLUMNS folds what is printed: a test that wants it sets it."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def run(capsys):
    """Arguments -> (exit code, standard output, standard error) of the command, run in this process."""

    def call(*arguments):
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def ask(run):
    """Arguments -> parsed JSON of a command that must succeed."""

    def call(*arguments):
        code, out, err = run(*arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return call


def _python(*arguments, **environment):
    """A fresh interpreter in the installed or checked-out package."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(sbs.__file__)))
    variables = {**os.environ, "PYTHONPATH": root, "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, encoding="utf-8", env=variables, check=False
    )


@pytest.fixture
def python():
    """Function that runs a fresh interpreter."""
    return _python


CUBIC = """cubic BaTiO3
1.0
4.0077 0.0 0.0
0.0 4.0077 0.0
0.0 0.0 4.0077
Ba Ti O
1 1 3
Direct
0.5 0.5 0.5
0.0 0.0 0.0
0.5 0.0 0.0
0.0 0.5 0.0
0.0 0.0 0.5
"""
TETRAGONAL = """tetragonal BaTiO3
1.0
3.9904 0.0 0.0
0.0 3.9904 0.0
0.0 0.0 4.1027
Ba Ti O
1 1 3
Direct
0.5 0.5 0.5825
0.0 0.0 0.1000
0.0 0.5 0.0642
0.5 0.0 0.0642
0.0 0.0 0.5490
"""


@pytest.fixture
def perovskites(tmp_path):
    """Files with cubic and tetragonal BaTiO3."""
    pytest.importorskip("ase", reason="files are read by ASE")
    paths = tmp_path / "cubic.vasp", tmp_path / "tetragonal.vasp"
    for path, text in zip(paths, (CUBIC, TETRAGONAL), strict=True):
        path.write_text(text)
    return [str(path) for path in paths]
