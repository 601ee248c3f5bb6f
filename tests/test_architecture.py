"""The layer graph of the package, read from its source: who may import whom, and what ``import sbs`` may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sbs"
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = sorted(p for folder in ("sbs", "tests", "examples", "benchmarks") for p in (ROOT / folder).rglob("*.py"))

#: Room -> rooms that its modules may import. Data goes from left to right; nothing imports a room to its right.
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "optional": {"errors"},
    "progress": set(),
    "groups": {"errors", "progress"},
    "solver": {"errors", "progress", "groups"},
    "objects": {"errors", "groups", "solver"},
    "proof": {"errors", "groups", "objects"},
    "sets": {"errors", "groups", "solver", "objects", "proof"},
    "tables": {"errors", "groups", "solver", "objects", "sets"},
    "query": {"errors", "groups", "solver", "objects", "sets", "tables"},
    # A structure is posed as a question, never solved here; character tables are looked up.
    "structures": {"errors", "optional", "groups", "objects", "sets", "tables", "query"},
    "explorer": {"errors", "groups", "objects", "sets", "tables", "query"},
    "nn": {"errors", "groups", "objects", "sets", "tables", "query"},
    "cli": {
        *("errors", "progress", "groups", "solver", "objects", "sets", "tables", "query"),
        *("structures", "explorer", "__init__"),
    },
    "__main__": {"cli"},
    # Names are loaded at first use, see test_the_top_level_names_load_lazily.
    "__init__": {"errors"},
}

#: Imports against the stream, each inside a function, with the reason.
EXCEPTIONS: set[tuple[str, str]] = set()

#: Library -> rooms (or modules) that may import it, and whether at the top of a module.
LIBRARIES: dict[str, dict[str, bool]] = {
    "torch": {"nn": True},
    "e3nn": {"nn": True},
    "spglib": {"structures": True},
    "ase": {"structures": False},
    "pymatgen": {"structures": False},
    "sympy": {"groups": False},
    "plotly": {"explorer": False},
    "matplotlib": {},
    "rich": {"cli": False, "tables": False},
    "tqdm": {"cli": False, "tables": False},
}

#: Functions that import a module by name.
IMPORTERS = {"import_module", "__import__", "require"}

MAX_LINES = 450


@dataclass(frozen=True)
class Import:
    """One import of a module by its full name, and whether it waits in a function."""

    name: str
    lazy: bool

    @property
    def library(self) -> str:
        return self.name.partition(".")[0]

    @property
    def room(self) -> str:
        """For a module of the package: its room; the package itself counts as "__init__"."""
        return self.name.split(".")[1] if "." in self.name else "__init__"


def imports(source: str, package: str) -> list[Import]:
    """Imports of a module in ``package``, those for type checkers only left out."""
    return list(_walk(ast.parse(source), package, False))


def _walk(node: ast.AST, package: str, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _walk(ast.Module(child.orelse, []), package, lazy)
            continue
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
            origin = ".".join([*base, *([child.module] if child.module else [])])
            # "from sbs import errors" names a module, "from sbs import __version__" does not.
            submodules = {p.stem for p in PACKAGE.iterdir()} if origin == "sbs" else set()
            for alias in child.names:
                yield Import(f"sbs.{alias.name}" if alias.name in submodules else origin, lazy)
        elif isinstance(child, ast.Call):
            name = getattr(child.func, "id", getattr(child.func, "attr", None))
            if name in IMPORTERS and child.args and isinstance(child.args[0], ast.Constant):
                yield Import(str(child.args[0].value), lazy)
        inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _walk(child, package, lazy or inside)


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def violations(source: str, room: str, file: str) -> list[str]:
    """What a module of a room imports and may not."""
    found = []
    for each in imports(source, ".".join(["sbs", *file.split("/")[1:-1]])):
        if each.library == "sbs":
            excused = each.lazy and (file, each.room) in EXCEPTIONS
            if each.room not in LAYERS[room] | {room} and not excused:
                found.append(f"{file}: {room} may not import {each.name}")
        elif each.library in LIBRARIES:
            rooms = LIBRARIES[each.library]
            if room not in rooms:
                found.append(f"{file}: {room} may not import {each.name}")
            elif not each.lazy and not rooms[room]:
                found.append(f"{file}: {each.name} must be imported in the function that needs it")
    return found


def fresh_modules(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after running some code in this checkout."""
    program = f"{code}\nimport sys\nprint(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stdout.split())


def test_every_room_is_in_the_layer_graph():
    assert {room_of(path) for path in MODULES} == set(LAYERS)


def test_the_layer_graph_has_no_cycle():
    remaining = dict(LAYERS)
    while remaining:
        free = [room for room, needs in remaining.items() if not needs & set(remaining)]
        assert free, f"the rooms {sorted(remaining)} import each other in a circle"
        for room in free:
            del remaining[room]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_go_one_way(path):
    file = path.relative_to(ROOT).as_posix()
    assert violations(path.read_text(encoding="utf-8"), room_of(path), file) == []


def test_every_exception_is_still_needed():
    for file, room in EXCEPTIONS:
        found = imports((ROOT / file).read_text(encoding="utf-8"), "sbs")
        assert any(each.library == "sbs" and each.room == room for each in found), (file, room)


WRONG = {
    "a room to the right": ("from sbs.query import minimal_set", "groups"),
    "a room to the right, lazily": ("def f():\n    from sbs.nn import attach", "objects"),
    "a room to the right, relative": ("from ..tables.storage import load", "solver"),
    "a room to the right, from the package": ("from sbs import query", "solver"),
    "the package itself": ("import sbs", "groups"),
    "torch outside nn": ("import torch.nn as nn", "objects"),
    "e3nn by name": ("def f():\n    import_module('e3nn.o3')", "cli"),
    "spglib outside structures": ("import spglib", "tables"),
    "rich at the top": ("from rich.table import Table", "cli"),
    "the solver from a structure": ("from sbs.solver.finite import solve_finite", "structures"),
    "hidden behind else": ("if TYPE_CHECKING:\n    pass\nelse:\n    import torch", "groups"),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_check_sees_what_is_wrong(case):
    source, room = WRONG[case]
    assert len(violations(source, room, f"sbs/{room}/module.py")) == 1


def test_the_check_lets_pass_what_is_right():
    source = "from __future__ import annotations\nimport numpy\nif TYPE_CHECKING:\n    import torch\nfrom sbs.groups import x\n"
    assert violations(source, "objects", "sbs/objects/module.py") == []
    assert violations("from sbs import __version__", "cli", "sbs/cli/module.py") == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_modules_are_short_and_documented(path):
    source = path.read_text(encoding="utf-8")
    assert source.count("\n") <= MAX_LINES, "split it: one idea, one module"
    if source.strip():
        assert ast.get_docstring(ast.parse(source)), "the module has no docstring"


HEAVY = {"torch", "e3nn", "sympy", "spglib", "plotly", "matplotlib", "ase", "rich", "scipy", "tqdm"}


def test_import_sbs_loads_nothing_heavy():
    loaded = fresh_modules("import sbs")
    assert "sbs" in loaded
    assert loaded & (HEAVY | {"numpy"}) == set()


def test_a_query_loads_numpy_and_nothing_heavy():
    loaded = fresh_modules("import sbs\nsbs.minimal_set('Oh', 'D4h').objects\nsbs.minimal_set('D13', 'C13').objects")
    assert "numpy" in loaded
    assert loaded & HEAVY == set()


def test_the_check_of_what_is_loaded_can_fail():
    assert "sympy" in fresh_modules("import sbs, sympy") & HEAVY


def test_the_top_level_names_load_lazily():
    # Every name that the package offers exists, and listing them loads nothing.
    assert fresh_modules("import sbs\ndir(sbs), sbs.__all__") & HEAVY == set()
    fresh_modules("import sbs\nfor name in sbs.__all__:\n    assert getattr(sbs, name) is not None, name")


def test_the_network_part_is_there_after_import_sbs_and_loads_at_first_use():
    pytest.importorskip("e3nn", reason="the network part is not installed: pip install 'sbs[nn]'")
    assert "torch" not in fresh_modules("import sbs\nassert 'nn' in dir(sbs)")
    assert "torch" in fresh_modules("import sbs\nassert sbs.nn.SymmetryBreaker")
    assert "torch" not in fresh_modules("from sbs import *")
