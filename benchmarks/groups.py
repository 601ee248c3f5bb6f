"""Finite groups: ours against GAP and sympy, side by side in one process tree.

Run ``python benchmarks/groups.py [rounds]`` with `gap` on the path (Debian: gap-core); it prints a table and writes
its section of benchmarks/RESULTS.md and a figure. Every round runs a GAP script of benchmarks/gap and at once the same work
in this process, so that both see the same machine; our times hold the making of the group from its generators. Figures
are medians over the rounds of medians within a round.  "Warm" means that the process has started and its libraries are
loaded; groups are built anew for every repetition and nothing found before is reused.  Answers are compared before
times are.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from results import FIGURES, machine, write_section  # noqa: E402

import sbs  # noqa: E402
from sbs.groups import FiniteGroup, point_group  # noqa: E402
from sbs.solver.finite import solve_finite  # noqa: E402
from sbs.solver.layers import derived_subgroup  # noqa: E402
from tests.oracles import families  # noqa: E402

REPETITIONS = 7

Times = dict[str, list[float]]
Answers = dict[str, int]


def forget() -> None:
    """Empty every cache of the library, so that the next answer is found from nothing."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "sbs":
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


def median_seconds(
    build: Callable[[], Any], job: Callable[[Any], int], repetitions: int = REPETITIONS
) -> tuple[float, int]:
    """Median wall time of job(build()), only job being timed, and its answer; one untimed run comes first."""
    answer = job(build())
    laps = []
    for _ in range(repetitions):
        forget()
        made = build()
        start = time.perf_counter()
        job(made)
        laps.append(time.perf_counter() - start)
    return statistics.median(laps), answer


def run_gap(script: str) -> dict[str, tuple[float, int]]:
    """Seconds and answers that a script of benchmarks/gap reports."""
    command = ["gap", "-q", "--nointeract", f"benchmarks/gap/{script}.g"]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["name"]: (float(line["seconds"]), int(line["value"])) for line in lines}


# --- the same work here ---------------------------------------------------------------------------------------------


def all_targets(symbol: str) -> int:
    """M and H for every class of targets of a point group, from its generators on."""
    group = point_group(symbol)
    return len([solve_finite(group.whole, c.representative).size for c in group.subgroup_classes])


def all_targets_of(matrices: np.ndarray) -> int:
    """The same from all matrices of the group, which are closed and numbered first."""
    group = FiniteGroup.from_matrices(matrices)
    return len([solve_finite(group.whole, c.representative).size for c in group.subgroup_classes])


def all_sets(symbol: str) -> int:
    """`minimal_set` in O(3) with irreps and objects for every class of targets."""
    group = point_group(symbol)
    return len([sbs.minimal_set(group, c.representative).objects for c in group.subgroup_classes])


def permutation_group(generators: list[list[int]]) -> FiniteGroup:
    return FiniteGroup.from_permutations(generators)


def count_classes(generators: list[list[int]]) -> int:
    return len(permutation_group(generators).subgroup_classes)


def count_element_classes(generators: list[list[int]]) -> int:
    return len(permutation_group(generators).element_classes)


CLASSES = {
    "Oh": families.hyperoctahedral(3),
    "Ih": families.icosahedral(),
    "S_5": families.symmetric(5),
    "S_6": families.symmetric(6),
    "hyperoctahedral 4": families.hyperoctahedral(4),
    "D_200 x C_2": families.direct(families.dihedral(200), families.cyclic(2)),
    "S_4 x S_4": families.direct(families.symmetric(4), families.symmetric(4)),
    "Oh x S_4": families.direct(families.hyperoctahedral(3), families.symmetric(4)),
}


def triples() -> dict[str, Callable[[], tuple[FiniteGroup, Any, Any]]]:
    """The pairs of benchmarks/gap/minimal_sets.g: ambient group, S and K."""

    def cube(group: Callable[[FiniteGroup, list[Any]], Any], target: int) -> tuple[FiniteGroup, Any, Any]:
        ambient = permutation_group(families.hyperoctahedral(5))
        flips = []
        for axis in range(5):
            images = list(range(10))
            images[2 * axis], images[2 * axis + 1] = images[2 * axis + 1], images[2 * axis]
            flips.append(images)
        pairs = [[a[b[i]] for i in range(10)] for a, b in itertools.pairwise(flips)]
        return ambient, group(ambient, flips if target < 0 else pairs), ambient.subgroup(pairs[: max(target, 0)])

    def inversion(ambient: FiniteGroup, flips: list[list[int]]) -> Any:
        return ambient.subgroup([[i ^ 1 for i in range(10)]])

    def counterexample() -> tuple[FiniteGroup, Any, Any]:
        ambient, s, k = families.counterexample()
        group = permutation_group(ambient)
        return group, group.subgroup(s), group.subgroup(k)

    def generated(ambient: FiniteGroup, elements: list[list[int]]) -> Any:
        return ambient.subgroup(elements)

    return {
        "counterexample": counterexample,
        "hyperoctahedral 5, even signs to 1": partial(cube, generated, 0),
        "hyperoctahedral 5, even signs to C2": partial(cube, generated, 1),
        "hyperoctahedral 5, inversion to 1": partial(cube, inversion, -1),
        "hyperoctahedral 5, derived subgroup to 1": partial(cube, lambda g, _: derived_subgroup(g.whole), 0),
    }


def size_of(triple: tuple[FiniteGroup, Any, Any]) -> int:
    ambient, group, target = triple
    return int(sbs.minimal_set(group=group, target=target, ambient=ambient).size)


def scaling_groups() -> dict[str, list[list[int]]]:
    groups = {f"S_{n}": families.symmetric(n) for n in range(3, 8)}
    groups |= {f"hyperoctahedral {n}": families.hyperoctahedral(n) for n in range(2, 6)}
    return groups | {f"D_{n}": families.dihedral(n) for n in (6, 20, 60, 200, 400)}


def sympy_element_classes(generators: list[list[int]]) -> tuple[float, int]:
    from sympy.combinatorics import Permutation, PermutationGroup

    def build() -> PermutationGroup:
        return PermutationGroup([Permutation(g) for g in generators])

    return median_seconds(build, lambda group: len(group.conjugacy_classes()), 1)


# --- measuring ------------------------------------------------------------------------------------------------------


class Record:
    """Times of several rounds under names, with the answer that each must give."""

    def __init__(self) -> None:
        self.times: Times = defaultdict(list)
        self.answers: Answers = {}

    def add(self, name: str, measured: tuple[float, int]) -> None:
        seconds, answer = measured
        if self.answers.setdefault(name, answer) != answer:
            raise RuntimeError(f"{name}: answers {self.answers[name]} and {answer}")
        self.times[name].append(seconds)

    def median(self, name: str) -> float:
        return statistics.median(self.times[name])


def measure(rounds: int) -> tuple[Record, Record, Record]:
    ours, gap, sympy = Record(), Record(), Record()
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        for name, measured in run_gap("targets").items():
            gap.add(name, measured)
        for symbol in ("Oh", "Ih"):
            ours.add(f"{symbol} targets", median_seconds(lambda s=symbol: s, all_targets))
            matrices = partial(np.array, point_group(symbol).matrices)
            ours.add(f"{symbol} targets from matrices", median_seconds(matrices, all_targets_of))
            ours.add(f"{symbol} closure", median_seconds(matrices, lambda m: int(FiniteGroup.from_matrices(m).order)))
            ours.add(f"{symbol} sets", median_seconds(lambda s=symbol: s, all_sets, 1))
        for name, measured in run_gap("classes").items():
            gap.add(f"{name} classes", measured)
        for name, generators in CLASSES.items():
            ours.add(f"{name} classes", median_seconds(partial(list, generators), count_classes))
        for name, measured in run_gap("minimal_sets").items():
            gap.add(name, measured)
        for name, build in triples().items():
            ours.add(name, median_seconds(lambda: None, lambda _, build=build: size_of(build())))
        for name, measured in run_gap("scaling").items():
            gap.add(name, measured)
        for name, generators in scaling_groups().items():
            build = partial(list, generators)
            ours.add(f"{name} elements", median_seconds(build, count_element_classes, 3))
            if f"{name} subgroups" in gap.times:
                ours.add(f"{name} subgroups", median_seconds(build, count_classes, 3))
            if number == 0:
                sympy.add(f"{name} elements", sympy_element_classes(generators))
    return ours, gap, sympy


def cold_seconds(command: list[str]) -> float:
    laps = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        laps.append(time.perf_counter() - start)
    return statistics.median(laps)


def cold() -> list[tuple[str, float, float]]:
    """The same answers from new processes: (what, ours, GAP)."""
    python = [sys.executable, "-c"]
    gap = ["gap", "-q", "--nointeract", "-c"]
    mine = (
        "from sbs.groups import point_group; from sbs.solver.finite import solve_finite; g = point_group('Oh'); "
        "[solve_finite(g.whole, c.representative).size for c in g.subgroup_classes]"
    )
    theirs = 'Read("benchmarks/gap/lib.g"); G := Hyperoctahedral(3);; AllTargetsByClasses([G, G]);; QUIT;'
    return [
        ("start and load", cold_seconds([*python, "import sbs.solver.finite"]), cold_seconds([*gap, "QUIT;"])),
        ("Oh, all targets", cold_seconds([*python, mine]), cold_seconds([*gap, theirs])),
    ]


# --- writing --------------------------------------------------------------------------------------------------------


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g} ms"


def row(name: str, mine: float, theirs: float, answer: str) -> str:
    return f"| {name} | {answer} | {milliseconds(mine)} | {milliseconds(theirs)} | {theirs / mine:.1f} |"


def check_answers(ours: Record, gap: Record, sympy: Record) -> None:
    """Every answer that two of us gave must be one."""
    for name, answer in ours.answers.items():
        for other in (gap, sympy):
            for key in (name, f"{name} by complements", f"{name} polycyclic"):
                if other.answers.get(key, answer) != answer:
                    raise RuntimeError(f"{name}: {answer} here, {other.answers[key]} there")


def report(ours: Record, gap: Record, sympy: Record, started: list[tuple[str, float, float]], rounds: int) -> str:
    command = ["gap", "-q", "--nointeract", "-c", 'Print(GAPInfo.Version, "\\n"); QUIT;']
    version = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    lines = [
        "## Finite groups: ours, GAP, sympy",
        "",
        f"`python benchmarks/groups.py {rounds}`; {machine('numpy', 'sympy')}, GAP {version.strip()}.",
        f"Medians over {rounds} rounds of medians, GAP and ours in turn in one process tree. Warm: libraries are loaded,",
        "groups are built anew each time, caches empty. The last column is GAP's time over ours.",
        "",
        "### All targets of a point group (bar: a tenth of GAP's faster route)",
        "",
        "Classes of subgroups, and M, H and the size for each. GAP's routes: A, generalised normalizer and",
        "ComplementClassesRepresentatives; B, one ConjugacyClassesSubgroups for each M.",
        "",
        "| group | targets | ours | GAP A | GAP B | faster GAP / ours |",
        "|---|---|---|---|---|---|",
    ]
    for symbol in ("Oh", "Ih"):
        mine = ours.median(f"{symbol} targets")
        a, b = gap.median(f"{symbol} targets by complements"), gap.median(f"{symbol} targets by classes")
        count = ours.answers[f"{symbol} targets"]
        lines.append(
            f"| {symbol} | {count} | {milliseconds(mine)} | {milliseconds(a)} | {milliseconds(b)} | {min(a, b) / mine:.1f} |"
        )
    closed = []
    for symbol in ("Oh", "Ih"):
        mine = ours.median(f"{symbol} targets from matrices")
        best = min(gap.median(f"{symbol} targets by complements"), gap.median(f"{symbol} targets by classes"))
        closing = milliseconds(ours.median(f"{symbol} closure"))
        closed.append(f"{symbol} {milliseconds(mine)}, {best / mine:.1f} times faster than GAP, of which {closing} to close them")
    lines += ["", f"From all matrices of the group in place of its symbol: {'; '.join(closed)}."]
    extra = ", ".join(f"{symbol} {milliseconds(ours.median(f'{symbol} sets'))}" for symbol in ("Oh", "Ih"))
    lines += [
        "",
        f"With irreps and objects of every set (read from the stored tables), which GAP does not give: {extra}.",
        "",
    ]
    lines += [
        "### Classes of subgroups (bar: GAP's time)",
        "",
        "| group | classes | ours | GAP | ratio |",
        "|---|---|---|---|---|",
    ]
    for name in CLASSES:
        key = f"{name} classes"
        theirs = min(gap.median(k) for k in (key, f"{name} polycyclic classes") if k in gap.times)
        lines.append(row(name, ours.median(key), theirs, str(ours.answers[key])))
    lines += [
        "",
        "### One pair (bar: a second)",
        "",
        "| pair | size | ours | GAP's faster route | ratio |",
        "|---|---|---|---|---|",
    ]
    for name in triples():
        theirs = min(gap.median(k) for k in (f"{name} by complements", f"{name} by classes") if k in gap.times)
        lines.append(row(name, ours.median(name), theirs, str(ours.answers[name])))
    lines += ["", "### From a new process", "", "| what | ours | GAP | ratio |", "|---|---|---|---|"]
    lines += [f"| {what} | {milliseconds(a)} | {milliseconds(b)} | {b / a:.1f} |" for what, a, b in started]
    lines += ["", "### Cost against group order", "", "![cost against group order](figures/groups.png)", ""]
    lines += [
        "| group | order | element classes: ours | GAP | sympy | subgroup classes: ours | GAP |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, generators in scaling_groups().items():
        cells = [milliseconds(r.median(f"{name} elements")) for r in (ours, gap, sympy)]
        known = f"{name} subgroups" in gap.times
        cells += [milliseconds(r.median(f"{name} subgroups")) if known else "" for r in (ours, gap)]
        lines.append(f"| {name} | {permutation_group(generators).order} | {' | '.join(cells)} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return "\n".join([*lines, "", f"Peak memory of this process, plotting library included: {peak} MB.", ""])


def plot(ours: Record, gap: Record, sympy: Record) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    orders = {name: permutation_group(g).order for name, g in scaling_groups().items()}
    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    for panel, what, title in zip(
        panels, ("elements", "subgroups"), ("classes of elements", "classes of subgroups"), strict=True
    ):
        for label, record, mark in (("ours", ours, "o"), ("GAP", gap, "s"), ("sympy", sympy, "^")):
            points = [(orders[n], record.median(f"{n} {what}")) for n in orders if f"{n} {what}" in record.times]
            if points:
                panel.loglog(*zip(*sorted(points), strict=True), mark, label=label, alpha=0.8)
        panel.set_title(title)
        panel.set_xlabel("group order")
        panel.grid(True, which="both", alpha=0.2)
        panel.legend()
    panels[0].set_ylabel("seconds, from generators")
    figure.tight_layout()
    figure.savefig(FIGURES / "groups.png", dpi=110)


def main(rounds: int = 3) -> None:
    if shutil.which("gap") is None:
        raise SystemExit("gap is not installed; on Debian: apt-get install gap-core")
    ours, gap, sympy = measure(rounds)
    check_answers(ours, gap, sympy)
    FIGURES.mkdir(exist_ok=True)
    plot(ours, gap, sympy)
    write_section(report(ours, gap, sympy, cold(), rounds))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
