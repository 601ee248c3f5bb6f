"""The wheel as users get it: built, installed into an empty folder, and asked."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import sbs
from sbs.tables.catalogue import stored_symbols

ROOT = Path(__file__).resolve().parents[1]


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Path of a wheel built from this checkout."""
    pytest.importorskip("hatchling", reason="the build back end is not installed: pip install '.[test]'")
    pytest.importorskip("pip", reason="this environment has no pip to build and install with")
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def ask(wheel, tmp_path_factory):
    """Runs code in a fresh interpreter that knows the library only as installed from the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--no-compile", "--target", str(folder), str(wheel))

    def run(code: str) -> str:
        # -I: neither the checkout nor PYTHONPATH is searched.
        program = f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"
        command = [sys.executable, "-I", "-c", program]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=folder, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.folder = folder
    return run


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"sbs"}
    assert {"sbs/__init__.py", "sbs/py.typed", "sbs/explorer/static/page.html"} <= set(names)
    data = {name.rpartition("/")[2] for name in names if name.startswith("sbs/_group_data/")}
    stored = {"schema.json", *(f"{symbol}.json" for symbol in stored_symbols())}
    assert {name for name in data if not name.startswith(".")} == stored
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_every_module_of_the_checkout_is_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = {p.relative_to(ROOT).as_posix() for p in (ROOT / "sbs").rglob("*.py")}
    tracked |= {p.relative_to(ROOT).as_posix() for p in (ROOT / "sbs/explorer/static").iterdir()}
    assert tracked <= names


def test_metadata_names_version_licence_and_command(wheel):
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    text = archive.read(metadata).decode()
    assert f"Version: {sbs.__version__}\n" in text
    assert "License-Expression: MIT\n" in text
    assert "Provides-Extra: cli\n" in text
    (entries,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    parser = configparser.ConfigParser()
    parser.read_string(archive.read(entries).decode())
    assert parser["console_scripts"]["sbs"] == "sbs.cli:main"


def test_answers_come_from_the_installed_tables(ask):
    code = (
        "import json, sbs\n"
        "from sbs.tables.catalogue import data_directory\n"
        "from sbs.tables.storage import load\n"
        "s = sbs.minimal_set('Oh', 'D4h')\n"
        "print(json.dumps([sbs.__file__, data_directory(), s.size, s.objects.tolist(), load('Ih').text('symbol'),\n"
        "    [row.size for row in sbs.table('Ih')]]))\n"
    )
    file, data, size, objects, symbol, sizes = json.loads(ask(code))
    assert Path(file).parents[1] == Path(data).parents[1] == ask.folder
    expected = sbs.minimal_set("Oh", "D4h")
    assert (size, objects, symbol) == (3, expected.objects.tolist(), "Ih")
    assert sizes == [row.size for row in sbs.table("Ih")]


def test_a_missing_table_is_noticed_not_computed(ask):
    """That answers do come from the files: without its file a stored group is refused."""
    file = ask.folder / "sbs/_group_data/D5h.json"
    text = file.read_bytes()
    file.unlink()
    try:
        out = ask(
            "import sbs\n"
            "try:\n"
            "    sbs.minimal_set('D5h', 'C5v')\n"
            "except sbs.errors.CorruptTableError as error:\n"
            "    print(error)\n"
        )
    finally:
        file.write_bytes(text)
    assert "D5h.json" in out


def test_every_stored_table_survives_packing(ask):
    out = ask("from sbs.tables.catalogue import *\nfrom sbs.tables.storage import load\n"
              "print(all(load(s) is not None for s in stored_symbols()), len(stored_symbols()))")  # fmt: skip
    assert out.split() == ["True", str(len(stored_symbols()))]
