"""What stored tables cost and save: first and warm queries against the solver, size, building, the explorer.

Run ``python benchmarks/tables.py``; it prints a table and writes its section of benchmarks/RESULTS.md. Processes are started
anew for every first query, table and solver in turn, so that both see the same machine; figures are medians.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import machine, write_section

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = 15
QUERIES = (("Oh", "D4h"), ("Ih", "C1"), ("D12h", "C1"), ("C4", "C1"))

# Imports are timed apart: "beyond import" is what remains. Both routes end with the answer's irreps, which the solver
# works out only when they are asked for.
FIRST = """
import json, resource, sys, time
group, target, route = sys.argv[1:]
t0 = time.perf_counter()
import sbs
from sbs.query import minimal_set
from sbs.sets.question import Question
from sbs.sets.solve import solve
from sbs.groups import point_group
t1 = time.perf_counter()
if route == "table":
    found = minimal_set(group, target)
else:
    inner = point_group(group)
    found = solve(Question(inner, inner.subgroup_class(target).representative, point_group("O(3)"), True, None))
t2 = time.perf_counter()
found.irreps
t3 = time.perf_counter()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([t1 - t0, t2 - t1, t3 - t1, memory]))
"""

LOAD = """() => {
  const n = performance.getEntriesByType('navigation')[0], p = performance.getEntriesByName('first-contentful-paint')[0];
  return [n.loadEventEnd, p.startTime];
}"""


def first_query(group: str, target: str, route: str) -> list[float]:
    """Seconds of import, seconds to the answer, seconds to its irreps, megabytes: in a new process."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-c", FIRST, group, target, route]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def first_queries() -> list[str]:
    rows = [
        "| query | table: answer | table: with irreps | solver: answer | solver: with irreps | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for group, target in QUERIES:
        first_query(group, target, "table")  # compiles what is not compiled yet
        runs: dict[str, list[list[float]]] = {"table": [], "solver": []}
        for _ in range(PROCESSES):
            for route, results in runs.items():
                results.append(first_query(group, target, route))
        table, solver = ([statistics.median(column) for column in zip(*runs[r], strict=True)] for r in runs)
        rows.append(
            f"| {group} → {target} | {table[1] * 1e3:.2f} ms | {table[2] * 1e3:.2f} ms | {solver[1] * 1e3:.2f} ms | "
            f"{solver[2] * 1e3:.2f} ms | {solver[2] / table[2]:.1f} |"
        )
    return [
        *rows,
        "",
        f"Peak memory of a process that asks one table: {table[3]:.0f} MB; import before it {table[0] * 1e3:.0f} ms.",
    ]


def warm_queries() -> list[str]:
    sys.path.insert(0, str(ROOT))
    import sbs

    group = sbs.point_group("Oh")
    target = group.subgroup_class("D4h").representative
    calls = {
        'minimal_set("Oh", "D4h")': ("Oh", "D4h"),
        'minimal_set(point_group("Oh"), "D4h")': (group, "D4h"),
        "minimal_set(PointGroup, Subgroup)": (group, target),
    }
    rows = ["| warm query | time |", "|---|---|"]
    for name, arguments in calls.items():
        sbs.minimal_set(*arguments)
        times = []
        for _ in range(7):
            start = time.perf_counter()
            for _ in range(2000):
                sbs.minimal_set(*arguments)
            times.append((time.perf_counter() - start) / 2000)
        rows.append(f"| `{name}` | {statistics.median(times) * 1e6:.2f} µs |")
    return rows


def files_and_build() -> list[str]:
    from sbs.tables.build import build
    from sbs.tables.catalogue import data_directory, stored_symbols

    sizes = [path.stat().st_size for path in Path(data_directory()).glob("*.json")]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        build(directory=folder)
        seconds = time.perf_counter() - start
    return [
        f"{len(stored_symbols())} groups, {sum(sizes) / 1e6:.2f} MB in all, the largest file {max(sizes) / 1e3:.0f} kB; "
        f"building all of them takes {seconds:.1f} s on {os.cpu_count()} cores."
    ]


def explorer() -> list[str]:
    from sbs.explorer import write

    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        page = write(Path(folder) / "explorer.html")
        lines = [
            f"The page has {page.stat().st_size / 1e6:.2f} MB and is written in {time.perf_counter() - start:.1f} s."
        ]
        try:
            lines.append(browser_times(page))
        except ImportError:
            lines.append("Loading was not timed: playwright is not installed.")
    return lines


def browser_times(page: Path, runs: int = 5) -> str:
    """Medians of loading the page in a headless Chromium with WebGL in software."""
    import shutil

    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        return "Loading was not timed: no chromium found."
    flags = [
        "--no-sandbox",
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--disable-background-networking",
    ]
    loads, paints, pictures = [], [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        for _ in range(runs):
            tab = browser.new_page(viewport={"width": 1440, "height": 1000})
            start = time.perf_counter()
            tab.goto(f"{page.as_uri()}#Oh/D4h")
            tab.wait_for_selector("#target .plot[data-drawn=yes]")
            pictures.append(time.perf_counter() - start)
            load, paint = tab.evaluate(LOAD)
            loads.append(load)
            paints.append(paint)
            tab.close()
        browser.close()
    return (
        f"Chromium, medians of {runs}: load event after {statistics.median(loads) / 1e3:.2f} s, first content painted "
        f"after {statistics.median(paints) / 1e3:.2f} s, 3D picture drawn (WebGL in software) after "
        f"{statistics.median(pictures):.2f} s."
    )


def main() -> None:
    """Run everything, print it and write the report."""
    text = "\n".join(
        [
            "## Tables and explorer",
            "",
            f"`python benchmarks/tables.py`; {machine('numpy')}.",
            f"Medians of {PROCESSES} new processes for first queries; the time of imports is not in them.",
            "",
            "### First query in a process (bar: 10 ms beyond import)",
            "",
            *first_queries(),
            "",
            "### Warm queries (bar: 20 µs)",
            "",
            *warm_queries(),
            "",
            "### Files (bar: 15 MB)",
            "",
            *files_and_build(),
            "",
            "### Explorer (bars: 8 MB, 2 s)",
            "",
            *explorer(),
            "",
        ]
    )
    write_section(text)


if __name__ == "__main__":
    main()
