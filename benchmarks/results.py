"""benchmarks/RESULTS.md: one section for each benchmark, written by it."""

from __future__ import annotations

import datetime
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

__all__ = ["FIGURES", "RESULTS", "machine", "write_section"]

RESULTS = Path(__file__).resolve().parent / "RESULTS.md"
FIGURES = RESULTS.parent / "figures"


def machine(*packages: str) -> str:
    """Date, processor, cores, Python and the versions of the named packages, in one line."""
    listed = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{datetime.date.today().isoformat()}; {platform.machine()}, {os.cpu_count()} cores; "
        f"Python {platform.python_version()}, {listed}"
    )


def write_section(section: str, file: Path = RESULTS) -> None:
    """Print a section, which begins with its title "## ...", and put it in the place of the one of that title."""
    print(section)
    title = section.partition("\n")[0]
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    parts = re.split(r"^(?=## )", before, flags=re.MULTILINE)
    new = section.rstrip() + "\n\n"
    known = [index for index, part in enumerate(parts) if part.partition("\n")[0] == title]
    if known:
        parts[known[0]] = new
    else:
        parts.append(new)
    file.write_text("".join(parts).rstrip() + "\n", encoding="utf-8")
