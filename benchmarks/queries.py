"""Queries from nothing: the process, memory, and a group of order 400, beside a peer in the same run.

Run ``python benchmarks/queries.py``; it prints a table and writes its section of benchmarks/RESULTS.md. Every figure is a
median of new processes, taken in turn with its peer so that both see the same machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from results import machine, write_section

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = 11

IMPORT_NUMPY = "import numpy"
FIRST_ANSWER = "import sbs; sbs.minimal_set('Oh', 'D4h')"
MEMORY = "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
TARGETS_OF_D100H = ("C100v", "D50h(C2')", "C1")
ONE_TARGET = """
import time, sys
from sbs.query import minimal_set
from sbs.groups import point_group
import sbs.sets.solve
t = time.perf_counter()
s = minimal_set("D100h", sys.argv[1])
s.objects
print(time.perf_counter() - t)
"""


def run(code: str, *arguments: str) -> tuple[float, str]:
    """Seconds of wall clock of a new process, and what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True, check=True, cwd=ROOT
    )
    return time.perf_counter() - start, done.stdout


def main() -> None:
    """Measure, print and write the results."""
    run(FIRST_ANSWER)  # compiles what is not compiled yet
    numpy_times, answer_times = [], []
    for _ in range(PROCESSES):
        numpy_times.append(run(IMPORT_NUMPY)[0])
        answer_times.append(run(FIRST_ANSWER)[0])
    numpy_time, answer_time = statistics.median(numpy_times), statistics.median(answer_times)
    ratio = statistics.median(a / n for a, n in zip(answer_times, numpy_times, strict=True))
    memory = float(run(FIRST_ANSWER + MEMORY)[1])
    lines = [
        "## Queries from nothing",
        "",
        f"`python benchmarks/queries.py`; {machine('numpy')}.",
        f"Medians of {PROCESSES} new processes; the first two in turn.",
        "",
        "| measured | figure | bar |",
        "|---|---|---|",
        f"| process `import numpy` | {1e3 * numpy_time:.0f} ms | |",
        f"| process `import sbs; sbs.minimal_set('Oh', 'D4h')` | {1e3 * answer_time:.0f} ms | |",
        f"| their ratio, pair by pair | {ratio:.2f} | 1.5 |",
        f"| peak memory of that process | {memory:.0f} MB | 150 MB |",
    ]
    for target in TARGETS_OF_D100H:
        times = [float(run(ONE_TARGET, target)[1]) for _ in range(PROCESSES)]
        peak = float(run(ONE_TARGET.replace("print(time.perf_counter() - t)", MEMORY.lstrip("; ")), target)[1])
        lines.append(
            f"| D100h → {target}, solved with objects, first query of a process | {1e3 * statistics.median(times):.0f} ms "
            f"({peak:.0f} MB) | 500 ms |"
        )
    write_section("\n".join(lines))


if __name__ == "__main__":
    main()
