"""Crystals in supercells, each beside a peer in the same run: isotropy subgroups, subgroup classes, detection.

Run ``python benchmarks/crystals.py`` where spgrep-modulation and GAP are installed; it prints a table and writes its section of
benchmarks/RESULTS.md. Figures are medians of processor time of runs in turn, each from a structure that differs in its seventh
digit: nothing is remembered from the one before.
"""

from __future__ import annotations

import itertools
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import spglib
from results import machine, write_section

import sbs

PEROVSKITE = (
    np.eye(3) * 3.905,
    [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    ["Sr", "Ti", "O", "O", "O"],
)
RUNS = 9
#: Wave vectors of the tilts.
TILTS = {"R4+": (0.5, 0.5, 0.5), "M3+": (0.5, 0.5, 0.0)}


def perovskite() -> tuple[np.ndarray, list[list[float]], list[str]]:
    """The perovskite with another edge at every call: the library remembers what it found about equal crystals."""
    lattice, sites, labels = PEROVSKITE
    return lattice * (1 + 1e-7 * next(_CALLS)), sites, labels


_CALLS = itertools.count(1)


def in_turn(first: Callable[[], object], second: Callable[[], object], runs: int = RUNS) -> tuple[float, float]:
    """Medians in seconds of two functions that are called in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    first(), second()
    for _ in range(runs):
        for kept, function in zip(times, (first, second), strict=True):
            start = time.process_time()
            function()
            kept.append(time.process_time() - start)
    return statistics.median(times[0]), statistics.median(times[1])


def tilts(label: str) -> list[str]:
    """Space groups of all isotropy subgroups, from the structure."""
    return [row.space_group.symbol for row in sbs.isotropy(sbs.detect(perovskite(), supercell=2), label)]


def tilts_of_spgrep_modulation(label: str) -> list[str]:
    """What spgrep-modulation lists for the same order parameter: little group, small representation, enumeration."""
    from spgrep import get_spacegroup_irreps_from_primitive_symmetry
    from spgrep_modulation.isotropy import IsotropyEnumerator

    numbers = [38, 22, 8, 8, 8]
    dataset = spglib.get_symmetry_dataset((PEROVSKITE[0], PEROVSKITE[1], numbers), symprec=1e-5)
    q = np.array(TILTS[label])
    irreps, mapping = get_spacegroup_irreps_from_primitive_symmetry(dataset.rotations, dataset.translations, q)
    rotations, translations = dataset.rotations[mapping], dataset.translations[mapping]
    # A tilt turns as an axial vector; at M only that along z has the wave vector.
    wanted = axial(rotations) if label == "R4+" else axial_along_z(rotations)
    overlaps = [abs((np.trace(small, axis1=1, axis2=2).conj() * wanted).mean()) for small in irreps]
    small = irreps[int(np.argmax(overlaps))]
    found = IsotropyEnumerator(rotations, translations, q, small)
    return [str(len(subgroup)) for subgroup in found.maximal_isotropy_subgroups]


def axial(rotations: np.ndarray) -> np.ndarray:
    """Characters of an axial vector."""
    return np.linalg.det(rotations) * np.trace(rotations, axis1=1, axis2=2)


def axial_along_z(rotations: np.ndarray) -> np.ndarray:
    """Characters of an axial vector along z, which these rotations keep up to sign."""
    return np.asarray(np.linalg.det(rotations) * rotations[:, 2, 2])


def gap_classes(permutations: np.ndarray) -> tuple[float, int]:
    """Seconds that GAP takes for the classes of subgroups of a permutation group, without its start, and their number."""
    group = sbs.detect(PEROVSKITE, supercell=2).group
    generators = ", ".join(f"PermList({(permutations[g] + 1).tolist()})" for g in group.generators)
    program = (
        'SetPrintFormattingStatus("*stdout*", false);'
        f"G := Group({generators});; t := NanosecondsSinceEpoch();; n := Length(ConjugacyClassesSubgroups(G));;"
        'Print(Size(G), " ", n, " ", NanosecondsSinceEpoch() - t, "\\n"); QUIT;'
    )
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "classes.g"
        script.write_text(program, encoding="ascii")
        command = ["gap", "-q", "--nointeract", str(script)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    size, count, nanoseconds = done.stdout.split()
    assert int(size) == group.order
    return int(nanoseconds) / 1e9, int(count)


def main() -> None:
    """Measure, print and write the results."""
    lines = [
        "## Crystals in supercells",
        "",
        f"`python benchmarks/crystals.py`; {machine('numpy', 'spglib', 'spgrep', 'spgrep-modulation')}.",
        f"Cubic SrTiO3 in 2x2x2, |S| = 384. Medians of processor time of {RUNS} runs in turn with the peer, each from a new "
        "structure.",
        "",
        "| measured | sbs | peer | ratio | bar |",
        "|---|---|---|---|---|",
    ]
    for label in TILTS:
        own, peer = in_turn(lambda label=label: tilts(label), lambda label=label: tilts_of_spgrep_modulation(label))
        count, other = len(tilts(label)), len(tilts_of_spgrep_modulation(label))
        lines.append(
            f"| isotropy subgroups of {label}, detection included: {count} classes (spgrep-modulation: {other} directions) | "
            f"{1e3 * own:.0f} ms | {1e3 * peer:.0f} ms | {own / peer:.2f} | 1 |"
        )
    crystal = sbs.detect(PEROVSKITE, supercell=2)
    times, gaps = [], []
    for _ in range(3):
        group = sbs.detect(PEROVSKITE, supercell=2).group
        start = time.perf_counter()
        count = len(group.subgroup_classes)
        times.append(time.perf_counter() - start)
        seconds, expected = gap_classes(crystal.permutations)
        assert count == expected
        gaps.append(seconds)
    own, peer = statistics.median(times), statistics.median(gaps)
    lines.append(
        f"| all {count} classes of subgroups of S (GAP) | {own:.2f} s | {peer:.2f} s | {own / peer:.2f} | |"
    )
    full = crystal.structure
    cell = (full.lattice, full.fractional, full.numbers)
    own, peer = in_turn(
        lambda: sbs.detect((full.lattice, full.fractional, full.numbers.tolist())),
        lambda: spglib.get_symmetry_dataset(cell, symprec=0.02),
        4 * RUNS,
    )
    lines.append(
        f"| detection of the 40 atoms as a supercell (spglib's dataset) | {1e3 * own:.1f} ms | {1e3 * peer:.1f} ms | "
        f"{own / peer:.1f} | 3 x spglib + 10 ms = {3e3 * peer + 10:.0f} ms |"
    )
    start = time.process_time()
    rows = sbs.isotropy(crystal, "R4+", "M3+")
    coupled = time.process_time() - start
    start = time.process_time()
    for row in rows:
        _ = sbs.minimal_set(crystal, row).objects
    lines += [
        f"| {len(rows)} isotropy subgroups of R4+ and M3+ coupled | {1e3 * coupled:.0f} ms | | | |",
        f"| their {len(rows)} sets of fields | {1e3 * (time.process_time() - start):.0f} ms | | | |",
    ]
    write_section("\n".join(lines))


if __name__ == "__main__":
    main()
