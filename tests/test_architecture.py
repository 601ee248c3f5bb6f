"""The layer graph of the package, read from its source: who may import whom, and what ``import sbs`` may load."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sbs"
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = sorted(p for folder in ("sbs", "tests", "examples", "benchmarks") for p in (ROOT / folder).rglob("*.py"))

GROUPS = {"groups", "groups/abstract", "groups/point"}

#: Room -> rooms that its modules may import. Data goes from left to right; nothing imports a room to its right, be it in a
#: function or for type checkers only. The first part of a path is the room, but for the two rooms of groups.
LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "optional": {"errors"},
    "progress": set(),
    "groups/abstract": {"errors", "progress"},
    "groups/point": {"errors", "progress", "groups/abstract"},
    "groups": {"progress", "groups/abstract", "groups/point"},
    "solver": {"errors", "progress", *GROUPS},
    "objects": {"errors", "progress", *GROUPS, "solver"},
    # The checker shares nothing with what it checks.
    "proof": {"errors"},
    "sets": {"errors", "optional", *GROUPS, "solver", "objects", "proof"},
    "tables": {"errors", "optional", *GROUPS, "solver", "objects", "sets"},
    "query": {"errors", *GROUPS, "solver", "objects", "sets", "tables"},
    # A structure is posed as a question, never solved here; character tables are looked up.
    "structures": {"errors", "optional", "progress", *GROUPS, "objects", "sets", "tables", "query"},
    "phases": {"errors", "optional", "progress", *GROUPS, "objects", "sets", "query", "structures"},
    "explorer": {"__init__", "errors", "optional", *GROUPS, "solver", "objects", "sets", "tables", "query", "structures"},
    "nn": {"errors", "optional", *GROUPS, "objects", "sets", "tables", "query"},
    "jax": {"errors", *GROUPS, "objects", "sets"},
    "cli": {
        *("errors", "optional", "progress", *GROUPS, "solver", "objects", "sets", "tables", "query"),
        *("structures", "phases", "explorer", "__init__"),
    },
    "__main__": {"cli"},
    # Names are loaded at first use, see test_the_top_level_names_load_lazily; type checkers see them all.
    "__init__": {"errors", "groups", "nn", "objects", "phases", "query", "sets", "structures", "tables"},
}

#: Library -> rooms (or modules) that may import it, and whether at the top of a module.
LIBRARIES: dict[str, dict[str, bool]] = {
    "torch": {"nn": True},
    "jax": {"jax": True},
    "e3nn": {"nn": True},
    "spglib": {"structures": True},
    "ase": {"structures": False, "phases": False},
    "pymatgen": {"structures": False},
    "pandas": {"structures": False, "phases": False, "tables": False},
    "py3Dmol": {"structures": False},
    "sympy": {"groups/abstract": False, "groups/point": False, "sets": False},
    "plotly": {"explorer": False, "sets": False},
    "grandalf": {"explorer": False},
    "matplotlib": {"phases": False},
    "rich": {"tables": False},
    "argcomplete": {"cli": False},
    "tqdm": {"tables": False},
}

#: Functions that import a module by name.
IMPORTERS = {"import_module", "__import__", "require"}

MAX_LINES = 450


@dataclass(frozen=True)
class Import:
    """One import of a module by its full name, whether it waits in a function, and whether it is for type checkers only."""

    name: str
    lazy: bool = False
    typing: bool = False

    @property
    def library(self) -> str:
        return self.name.partition(".")[0]

    @property
    def room(self) -> str:
        """For a module of the package: its room; the package itself counts as "__init__"."""
        return room_named(self.name.split(".")[1:])


def room_named(parts: Sequence[str]) -> str:
    """Room of a module whose path within the package has these parts."""
    path = "/".join(parts[:2])
    return path if path in LAYERS else parts[0] if parts else "__init__"


def imports(source: str, package: str, modules: Collection[str] = ()) -> list[Import]:
    """Imports of a module in ``package``; ``modules`` tells which names of "from package import name" are modules."""
    return list(_walk(ast.parse(source), package, modules, Import("")))


def _walk(node: ast.AST, package: str, modules: Collection[str], how: Import) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _walk(ast.Module(child.body, []), package, modules, replace(how, typing=True))
            yield from _walk(ast.Module(child.orelse, []), package, modules, how)
            continue
        if isinstance(child, ast.Import):
            yield from (replace(how, name=alias.name) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - child.level + 1] if child.level else []
            origin = ".".join([*base, *([child.module] if child.module else [])])
            for alias in child.names:
                # "from sbs import errors" names a module, "from sbs import __version__" does not.
                full = f"{origin}.{alias.name}"
                yield replace(how, name=full if full in modules else origin)
        elif isinstance(child, ast.Call):
            name = getattr(child.func, "id", getattr(child.func, "attr", None))
            if name in IMPORTERS and child.args and isinstance(child.args[0], ast.Constant):
                yield replace(how, name=str(child.args[0].value))
        inside = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        yield from _walk(child, package, modules, replace(how, lazy=how.lazy or inside))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(name: str, is_package: bool) -> str:
    return name if is_package else name.rpartition(".")[0]


NAMES = {module_name(path) for path in MODULES}


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return room_named(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def violations(source: str, room: str, file: str) -> list[str]:
    """What a module of a room imports and may not."""
    found = []
    for each in imports(source, ".".join(["sbs", *file.split("/")[1:-1]]), NAMES):
        if each.library == "sbs":
            if each.room not in LAYERS[room] | {room}:
                found.append(f"{file}: {room} may not import {each.name}")
        elif each.library in LIBRARIES and not each.typing:
            rooms = LIBRARIES[each.library]
            if room not in rooms:
                found.append(f"{file}: {room} may not import {each.name}")
            elif not each.lazy and not rooms[room]:
                found.append(f"{file}: {each.name} must be imported in the function that needs it")
    return found


def circles(sources: dict[str, str], packages: Collection[str] = ()) -> list[set[str]]:
    """Modules that import each other, in functions and for type checkers too: what is left when all that can go are gone.

    Args:
        sources: text by name of the module.
        packages: names of those that are packages.
    """
    needs = {
        name: {each.name for each in imports(source, package_of(name, name in packages), sources)}
        & set(sources) - {name}
        for name, source in sources.items()
    }
    found = []
    for start in sources:
        reached, frontier = set(), {start}
        while frontier:
            frontier = set().union(*(needs[name] for name in frontier)) - reached
            reached |= frontier
        circle = reached & _back(needs, start) if start in reached else set()
        if circle and circle not in found:
            found.append(circle)
    return found


def _back(needs: dict[str, set[str]], goal: str) -> set[str]:
    """Modules from which imports lead to the goal."""
    back, frontier = set(), {goal}
    while frontier:
        frontier = {name for name, wanted in needs.items() if wanted & frontier} - back
        back |= frontier
    return back


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


def test_no_two_files_import_each_other():
    sources = {module_name(path): path.read_text(encoding="utf-8") for path in MODULES}
    packages = {module_name(path) for path in MODULES if path.stem == "__init__"}
    # The top level offers names of everything and is imported by the command line only.
    assert (
        circles({name: text for name, text in sources.items() if name not in {"sbs", "sbs.__main__"}}, packages) == []
    )


CIRCLES = {
    "two files": {"sbs.a.x": "from sbs.a.y import f", "sbs.a.y": "import sbs.a.x"},
    "in a function": {"sbs.a.x": "from sbs.a.y import f", "sbs.a.y": "def f():\n    from sbs.a.x import g"},
    "for type checkers": {
        "sbs.a.x": "from sbs.a.y import f",
        "sbs.a.y": "if TYPE_CHECKING:\n    from sbs.a.x import Result",
    },
    "by name": {"sbs.a.x": "from sbs.a.y import f", "sbs.a.y": "def f():\n    import_module('sbs.a.x')"},
    "relative": {"sbs.a.x": "from .y import f", "sbs.a.y": "from . import x"},
    "through three": {"sbs.a.x": "from sbs.a import y", "sbs.a.y": "from ..b.z import f", "sbs.b.z": "import sbs.a.x"},
}


@pytest.mark.parametrize("case", CIRCLES)
def test_the_check_sees_a_circle(case):
    sources = CIRCLES[case] | {"sbs.a.apart": "from sbs.a.x import f"}
    assert circles(sources) == [set(CIRCLES[case])]


def test_files_in_a_line_are_no_circle():
    line = {
        "sbs.a": "from sbs.a.x import f",
        "sbs.a.x": "from sbs.a.y import f",
        "sbs.a.y": "from sbs.b import g",
        "sbs.b": "",
    }
    assert circles(line, {"sbs.a"}) == []


WRONG = {
    "a room to the right": ("from sbs.query import minimal_set", "groups"),
    "a room to the right, lazily": ("def f():\n    from sbs.nn import attach", "objects"),
    "a room to the right, relative": ("from ..tables.storage import load", "solver"),
    "a room to the right, from the package": ("from sbs import query", "solver"),
    "a room to the right, for type checkers": ("if TYPE_CHECKING:\n    from sbs.sets.report import x", "solver"),
    "point groups from abstract ones": ("from sbs.groups.point.closed import ClosedGroup", "groups/abstract"),
    "all groups from abstract ones": ("from sbs.groups import PointGroup", "groups/abstract"),
    "all groups from point groups": ("def f():\n    from sbs.groups import Subgroup", "groups/point"),
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


READ_IN_ORDER = ["groups/abstract", "groups/point", "solver", "objects", "proof", "sets", "tables", "structures"]


@pytest.mark.parametrize("room", READ_IN_ORDER)
def test_a_room_says_in_which_order_it_is_read(room):
    text = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    named = set(re.findall("`([a-z_]+)`", text))
    assert named == {path.stem for path in (PACKAGE / room).glob("*.py") if not path.stem.startswith("__")}


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
    pytest.importorskip("e3nn", reason="the network part is not installed: pip install '.[nn]'")
    assert "torch" not in fresh_modules("import sbs\nassert 'nn' in dir(sbs)")
    assert "torch" in fresh_modules("import sbs\nassert sbs.nn.SymmetryBreaker")
    assert "torch" not in fresh_modules("from sbs import *")


def test_a_tolerance_has_one_value():
    """A name that two modules define is two things under one word."""
    owners: dict[str, list[str]] = {}
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [t.id for t in getattr(node, "targets", []) if isinstance(t, ast.Name)]
            for name in names:
                if name.endswith("_TOLERANCE") and not name.startswith("_"):
                    owners.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: files for name, files in owners.items() if len(files) > 1} == {}


def test_contributing_names_every_room_and_only_what_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {name.removesuffix(".py") for name in re.findall(r"^\| `sbs/([a-z/]+?(?:\.py)?)/?` \|", text, re.MULTILINE)}
    assert rooms == set(LAYERS) - {"errors", "optional", "progress", "groups", "__init__", "__main__"}
    way = text[text.index("### The way of `target`") : text.index("### Why it is so")]
    named = {name for name in re.findall(r"`([a-z_]+(?:\.[A-Za-z_]+)+)`", way) if name.split(".")[0] in rooms}
    assert len(named) >= 10
    for name in named:
        module = max((m for m in NAMES if f"sbs.{name}".startswith(m + ".") or m == f"sbs.{name}"), key=len)
        rest = f"sbs.{name}".removeprefix(module).lstrip(".")
        source = (PACKAGE / "/".join(module.split(".")[1:])).with_suffix(".py")
        assert not rest or re.search(rf"(def|class) {rest}\b", source.read_text(encoding="utf-8")), name


def exists(name: str) -> bool:
    """Whether a dotted name "sbs.room.module.thing" names a module, or something that a module defines or offers."""
    module = max((m for m in NAMES if name == m or name.startswith(m + ".")), key=len, default="")
    rest = name.removeprefix(module).strip(".").partition(".")[0]
    if not module or not rest:
        return bool(module)
    path = PACKAGE.joinpath(*module.split(".")[1:])
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
    return re.search(rf"\b{re.escape(rest)}\b", source) is not None


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_references_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    names = set(re.findall(r"`(sbs\.[A-Za-z_]+(?:\.[A-Za-z_]+)*)`", text))
    assert {name for name in names if not exists(name)} == set()


def test_a_reference_to_nothing_is_seen():
    assert exists("sbs.sets.solve") and exists("sbs.sets.solve.solve") and exists("sbs.minimal_set")
    assert not exists("sbs.sets.faith") and not exists("sbs.sets.solve.solves") and not exists("sbs.nowhere")
