"""Hooks of the documentation's build: the explorer and the benchmarks' pictures become files of it."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Any, config: Any) -> Any:
    """Add the explorer, and the figures that RESULTS.md shows."""
    from sbs.explorer import render

    files.append(File.generated(config, "explorer.html", content=render()))
    for figure in sorted((ROOT / "benchmarks" / "figures").glob("*.png")):
        files.append(File.generated(config, f"figures/{figure.name}", abs_src_path=str(figure)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Public names are loaded at first use, which the reader of source code cannot follow: say where each is defined."""
    return re.sub(r"^::: (sbs[\w.]*)\.(\w+)$", _defined, markdown, flags=re.MULTILINE)


def _defined(match: re.Match[str]) -> str:
    value = getattr(import_module(match[1]), match[2])
    return match[0] if isinstance(value, ModuleType) else f"::: {value.__module__}.{value.__qualname__}"
