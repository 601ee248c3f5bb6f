"""Put the pages of benchmarks/results together into benchmarks/RESULTS.md.

Every benchmark writes a page of its own; run this after any of them: ``python benchmarks/collect.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "RESULTS.md"
PAGES = ("queries", "groups", "tables", "detection", "networks", "gpu")
INTRODUCTION = """# Results

What was measured, on the machine, with the versions and on the day that each part names. Ratios are taken between tasks that
ran in turn in one run; figures are medians unless said otherwise; where a bar was set, it stands beside the figure. Put together
by `python benchmarks/collect.py` from [results/](results), where each benchmark writes its page.
"""


def section(text: str) -> str:
    """A page as a section: headings one level deeper, pictures found from here."""
    deeper = re.sub(r"^#", "##", text, flags=re.MULTILINE)
    return re.sub(r"\]\((?!https?:)([^)]+\.png)\)", r"](results/\1)", deeper)


def main() -> None:
    """Write RESULTS.md."""
    pages = [section((FOLDER / "results" / f"{name}.md").read_text(encoding="utf-8")) for name in PAGES]
    RESULTS.write_text("\n".join([INTRODUCTION, *pages]), encoding="utf-8")


if __name__ == "__main__":
    main()
