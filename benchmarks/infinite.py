"""Sets whose normalizer is infinite, and the record of a large group: seconds and memory of a new process, certificate included.

Run ``python benchmarks/infinite.py``; it prints a table and writes its section of benchmarks/RESULTS.md. Every figure is the
processor time of a process from its start to its end, a median of several, taken in turn with ``import numpy``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from results import machine, write_section

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = 3

QUESTIONS = [
    ("C60", "C30"),
    ("C100", "C50"),
    ("C100h", "C25"),
    ("O(3)", "C9"),
    ("O(3)", "D12"),
    ("O(3)", "D100h"),
    ("O(3)", "I"),
    ("Dinfh", "C12"),
    ("Dinfh", "C24v"),
    ("Dinfh", "D100d"),
]
USAGE = "; import resource; u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime, u.ru_maxrss / 1024)"
ASK = "import sys, sbs; s = sbs.minimal_set(*sys.argv[1:]); s.seed_object, s.stabilizer, s.sample(3)"
CHECK = f"{ASK}; s.verify()"
RECORD = "from sbs.tables.record import build_record; build_record('D200h')"


def run(code: str, *arguments: str) -> tuple[float, float]:
    """Processor seconds and peak MB of a new process, on one thread."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code + USAGE, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def main() -> None:
    """Measure, print and write the results."""
    run(CHECK, "C4", "C2")  # compiles what is not compiled yet
    lines = [
        "## Infinite sets",
        "",
        f"`python benchmarks/infinite.py`; {machine('numpy')}.",
        f"Processor time of whole processes on one thread, medians of {PROCESSES}; ratio to a process `import numpy` in turn.",
        "",
        "| new process | answer, seed, 3 samples | ratio | memory | with certificate | bar |",
        "|---|---|---|---|---|---|",
    ]
    for question in QUESTIONS:
        asked, ratios, checked, memory = [], [], [], 0.0
        for _ in range(PROCESSES):
            baseline = run("import numpy")[0]
            seconds, used = run(ASK, *question)
            asked.append(seconds)
            ratios.append(seconds / baseline)
            memory = max(memory, used)
            checked.append(run(CHECK, *question)[0])
        lines.append(
            f"| {question[0]} → {question[1]} | {statistics.median(asked):.2f} s | {statistics.median(ratios):.1f} "
            f"| {memory:.0f} MB | {statistics.median(checked):.2f} s | 2 s, 200 MB |"
        )
    seconds, used = run(RECORD)
    lines.append(
        f"| the record of D200h, 114 targets with their objects | {seconds:.1f} s | | {used:.0f} MB | | 2 s, 200 MB |"
    )
    write_section("\n".join(lines))


if __name__ == "__main__":
    main()
