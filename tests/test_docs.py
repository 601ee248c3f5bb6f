"""The documentation: every block of code runs, every page builds without a warning, every link leads somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(
    r"(?:^<!-- needs: (?P<needs>[^>]*?) -->\n)?^```(?P<kind>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)


def blocks(page: Path, kind: str) -> list[tuple[list[str], str]]:
    """What a page needs and its blocks of one kind, in order."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [((m["needs"] or "").replace(" ", "").split(","), m["code"]) for m in found if m["kind"] == kind]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT / "docs").as_posix())
def test_python_blocks_run_one_after_the_other(page):
    """In an interpreter of its own; blocks whose libraries are not installed are left out, and those behind them."""
    program, missing = [], []
    for needs, code in blocks(page, "python"):
        missing += [name for name in needs if name and find_spec(name) is None]
        if missing:
            break
        program.append(code)
    if not program:
        pytest.skip(f"needs {', '.join(missing)}" if missing else "no Python on this page")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-"],
        input="\n".join(program),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        cwd="/",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    if missing:
        pytest.skip(f"the first {len(program)} blocks ran; the others need {', '.join(missing)}")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT / "docs").as_posix())
def test_commands_run(page, capsys):
    """Commands of the library run in this process; installations name extras that exist."""
    from sbs.cli import main

    section = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project.optional-dependencies]")[2]
    extras = set(re.findall(r"^(\w+) = \[", section.partition("\n[")[0], re.MULTILINE))
    commands = [line.removeprefix("$ ") for _, code in blocks(page, "console") for line in code.splitlines() if line]
    for command in commands:
        if command.startswith("sbs "):
            assert main(command.split()[1:]) == 0, command
            assert capsys.readouterr().out
        else:
            named = re.search(r"\[([\w,]+)\]", command)
            assert command.startswith("pip install") and named and set(named[1].split(",")) <= extras, command


def test_no_block_escapes_the_tests():
    for page in PAGES:
        kinds = {m["kind"] for m in BLOCK.finditer(page.read_text(encoding="utf-8"))}
        assert kinds <= {"python", "console"}, page


def test_the_checks_see_what_is_wrong(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- needs: numpy, nothing -->\n```python\nassert False\n```\n\n```python\n1 / 0\n```\n", encoding="utf-8"
    )
    assert blocks(page, "python") == [(["numpy", "nothing"], "assert False\n"), ([""], "1 / 0\n")]


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md"])
def test_links_of_the_front_pages_exist(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not target.startswith(("http://", "https://")):
            assert (ROOT / target).exists(), target


def test_the_readme_has_one_table_with_every_extra():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\| I want", text, re.MULTILINE)) == 1
    section = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("[project.optional-dependencies]")[2]
    for extra in re.findall(r"^(\w+) = \[", section.partition("\n[")[0], re.MULTILINE):
        assert re.search(rf"\[[\w,]*\b{extra}\b[\w,]*\]", text), extra


def test_no_hint_names_a_package_that_no_index_has():
    """The library is installed from a checkout; a name on an index might be somebody else's."""
    sources = [*(ROOT / "sbs").rglob("*.py"), *(ROOT / "examples").glob("*.py"), ROOT / "README.md", *PAGES]
    for path in sources:
        assert not re.search(r"pip install [\"']?sbs\b", path.read_text(encoding="utf-8")), path


def test_the_site_builds_without_a_warning_and_its_links_hold(tmp_path):
    """mkdocs in strict mode, offline; then every link inside the site, also to anchors, leads somewhere."""
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install '.[docs]'")
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install '.[docs]'")
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    pages = {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert "explorer.html" in pages and len(pages) >= len(PAGES)
    broken = []
    for name, text in pages.items():
        if name in ("explorer.html", "404.html"):
            continue
        anchors = set(re.findall(r'\bid="([^"]+)"', text))
        for link in re.findall(r'<a[^>]*\bhref="([^"]+)"', text):
            if link.startswith(("http://", "https://", "mailto:")):
                continue
            target, _, anchor = link.partition("#")
            where = os.path.normpath(os.path.join(os.path.dirname(name), target)) if target else name
            known = anchors if where == name else set(re.findall(r'\bid="([^"]+)"', pages.get(where, "")))
            if not (site / where).exists() or (
                anchor and not anchor.startswith("__") and where in pages and anchor not in known
            ):
                broken.append((name, link))
    assert broken == []
    assert not re.search(r'(?:src|href)="https?://[^"]*\.(?:js|css|woff2?)', "".join(pages.values()))
    shutil.rmtree(site)
