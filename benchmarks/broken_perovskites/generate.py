"""The labels: every composition relaxed by SevenNet-0 inside Fix(K), in files that grow and in the compact file that is kept.

Run ``python -m benchmarks.broken_perovskites generate --folder DIR``; it needs sevenn (``pip install ".[relax,potentials]"``).
What is in DIR is not computed again, so that an interrupted run goes on. The stages, in their order:

* ``zone-centre``: the cubic edge, the curvatures at Γ4-, and P4mm, Amm2, R3m at that edge;
* ``tilts``: I4/mcm, R-3c, Pnma at that edge, for the first compositions;
* ``series``: the zone-centre phases at four more edges, for the first compositions.

Several compositions are relaxed at a time, on threads that share one evaluation of the potential. ``--check N`` computes N
entries of the compact file again instead, and says by how much they differ.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.broken_perovskites.compositions import COMPOSITIONS, SERIES, TILTED
from benchmarks.broken_perovskites.dataset import DATA, Entry, Label, load, save
from benchmarks.broken_perovskites.phases import (
    STEPS,
    TILTS,
    ZONE_CENTRE,
    cubic,
    kept,
    mean_over,
    parent,
    polar_axis,
    relaxed,
    same_domain,
    subgroup,
    tilts,
)
from sbs.phases.fixed_space import fixed_space
from sbs.phases.hessian import finite_differences
from sbs.phases.many import read_results, run_many
from sbs.phases.potential import Potential
from sbs.phases.relaxation import relax_in
from sbs.phases.states import STATE_TOLERANCE
from sbs.structures.inputs import Structure

__all__ = ["EDGES", "STAGES", "Differences", "check", "entries", "generate", "main", "series", "tilted", "zone_centre"]

Floats = NDArray[np.float64]
Lender = Callable[[], AbstractContextManager[Any]]

STAGES = ("zone-centre", "tilts", "series")

#: The edges of a series, as multiples of the relaxed one; 1 is in the first stage.
EDGES = (0.98, 0.99, 1.01, 1.02)

#: Å, where the cubic crystal's edge starts from, and eV/Å, its largest scaled stress at the end: edges to 1e-4 Å.
START_EDGE = 4.0
EDGE_FMAX = 2e-3

#: Å: the length of the soft mode's displacements in one cell at the start, and the largest tilt displacement of an oxygen.
START = 0.25
#: eV per formula unit: less deep than this, a phase is not told from the cubic crystal. Energies in float32 are good to 1e-5 eV,
#: and where the well is that flat a gradient of FMAX says nothing of the displacements.
LEAST_DEPTH = 1e-4
#: eV/Å², the curvature that relaxations of tilts start from.
TILT_CURVATURE = 6.0


def zone_centre(numbers: tuple[int, int], lend: Lender, edge: float | None = None) -> dict[str, Any]:
    """The cubic crystal, relaxed unless its edge is given, and its zone-centre phases."""
    with lend() as calculator:
        potential = Potential(calculator)
        found = parent(1)
        structure = cubic(numbers, edge or START_EDGE)
        space = fixed_space(structure, found.matrices, found.permutations)
        top = relax_in(space, potential, cell=edge is None, fmax=EDGE_FMAX, steps=STEPS)
        edge = float(np.linalg.norm(top.structure.lattice[0]))  # type: ignore[index]
        structure = cubic(numbers, edge)
        hessian = finite_differences(structure, found.matrices, found.permutations, potential).matrix
        curvature, mode = soft_mode(structure, hessian)
        phases = {}
        for phase in ZONE_CENTRE:
            if curvature >= 0.0:
                phases[phase] = {"collapsed": True, "calls": 0}
                continue
            start = START * along(phase, mode)
            phases[phase] = labelled(phase, structure, start, potential, hessian, top.energy)
        return {"edge": edge, "energy": top.energy, "curvature": curvature, "calls": potential.calls, "phases": phases}


def tilted(numbers: tuple[int, int], lend: Lender, edge: float, energy: float) -> dict[str, Any]:
    """The tilt phases at an edge, where the cubic cell has an energy in eV."""
    with lend() as calculator:
        potential = Potential(calculator)
        structure = cubic(numbers, edge, 2)
        hessian = TILT_CURVATURE * np.eye(3 * len(structure))
        phases = {}
        for phase in TILTS:
            start = START * np.sum(tilts(phase), axis=0)
            phases[phase] = labelled(phase, structure, start, potential, hessian, energy)
        return {"calls": potential.calls, "phases": phases}


def series(numbers: tuple[int, int], lend: Lender, edge: float) -> dict[str, Any]:
    """The zone-centre phases at the edges of a series around a relaxed one."""
    return {"edges": [zone_centre(numbers, lend, factor * edge) for factor in EDGES]}


def soft_mode(structure: Structure, hessian: Floats) -> tuple[float, Floats]:
    """Lowest curvature at Γ4- in eV/Å², and its displacements along z, (5, 3) of length 1, cations against oxygens positive."""
    found, target = subgroup("P4mm")
    space = fixed_space(structure, found.matrices[target.elements], found.permutations[target.elements])
    axis = polar_axis("P4mm")
    moves = space.displacements.reshape(len(space.displacements), -1)
    values, vectors = np.linalg.eigh(moves @ hessian @ moves.T)
    mode = (vectors[:, 0] @ moves).reshape(-1, 3)
    weights = np.array([1 / 2, 1 / 2, -1 / 3, -1 / 3, -1 / 3])
    mode *= np.sign(weights @ mode @ axis)
    turn = next(g for g in found.matrices if np.allclose(g @ axis, [0, 0, 1]))
    number = int(np.flatnonzero((found.matrices == turn).all((1, 2)))[0])
    turned = np.empty_like(mode)
    turned[found.permutations[number]] = mode @ turn.T
    return float(values[0]), turned


def along(phase: str, mode: Floats) -> Floats:
    """The mode of `soft_mode` along the polar axis of a phase."""
    found = parent(1)
    total = np.zeros_like(mode)
    for component, target in zip(polar_axis(phase), np.eye(3), strict=True):
        number = int(np.abs(found.matrices[:, :, 2] - target).max(1).argmin())
        image = np.empty_like(mode)
        image[found.permutations[number]] = mode @ found.matrices[number].T
        total += component * image
    return mean_over(phase, total)


def labelled(
    phase: str, structure: Structure, start: Floats, potential: Potential, hessian: Floats, energy: float
) -> dict[str, Any]:
    """One phase as plain data: displacements in Å, eV per formula unit below the cubic cell, the calls it took."""
    before = potential.calls
    try:
        end = relaxed(phase, structure, start, potential, hessian)
    except Exception as error:  # one phase that fails must not take the others with it
        return {"error": f"{type(error).__name__}: {error}", "calls": potential.calls - before}
    field = end.start.displaced_cell(end.coordinates).positions - structure.positions
    field -= field.mean(0)
    order = kept(phase, structure, field)
    return {
        "displacements": np.round(field, 6).tolist(),
        "energy": end.energy / (len(end.structure) / 5) - energy,
        "residual": end.residual,
        "collapsed": order > subgroup(phase)[1].order,
        "calls": end.calls,
    }


def generate(
    folder: Path, stages: Sequence[str], count: int, tilted_count: int, series_count: int, threads: int
) -> None:
    """Run stages into ``folder``, one file of results for each."""
    from ase.data import atomic_numbers

    from benchmarks.summed_images import Batches, sevennet

    lend = Batches(sevennet()).running
    numbers = {a + b + "O3": (atomic_numbers[a], atomic_numbers[b]) for a, b in COMPOSITIONS[:count]}
    with ThreadPoolExecutor(threads) as executor:

        def run(stage: str, work: Callable[..., dict[str, Any]], jobs: dict[str, Any]) -> dict[str, Any]:
            start = time.perf_counter()
            found = run_many(work, jobs, folder / stage, executor=executor)
            print(f"{stage}: {len(jobs)} compositions, {time.perf_counter() - start:.0f} s", flush=True)
            return {name: result for name, result in found.items() if "error" not in result}

        cubics = run("zone-centre", zone_centre, {name: (pair, lend) for name, pair in numbers.items()})
        good = [name for name in numbers if name in cubics]
        if "tilts" in stages:
            jobs = {n: (numbers[n], lend, cubics[n]["edge"], cubics[n]["energy"]) for n in good[:tilted_count]}
            run("tilts", tilted, jobs)
        if "series" in stages:
            run("series", series, {n: (numbers[n], lend, cubics[n]["edge"]) for n in good[:series_count]})


def entries(folder: Path) -> list[Entry]:
    """What is in ``folder`` so far, in the order of the compositions and then of the edges."""
    from ase.data import atomic_numbers

    stages = {stage: read_results(folder / stage) for stage in STAGES}
    found = []
    for large, small in COMPOSITIONS:
        formula = large + small + "O3"
        pair = atomic_numbers[large], atomic_numbers[small]
        cubics = [(1.0, stages["zone-centre"].get(formula, {}))]
        cubics += zip(EDGES, stages["series"].get(formula, {}).get("edges", []), strict=False)
        for factor, known in sorted(cubics, key=lambda item: item[0]):
            if "edge" not in known:
                continue
            phases = dict(known["phases"])
            if factor == 1.0:
                phases |= stages["tilts"].get(formula, {}).get("phases", {})
            labels = {name: _label(name, phase) for name, phase in phases.items() if "error" not in phase}
            found.append(Entry(formula, pair, known["edge"], factor, known["energy"], known["curvature"], labels))
    return found


def _label(name: str, phase: dict[str, Any]) -> Label:
    """A phase as it is kept: what relaxed back to the cubic crystal has no displacements."""
    zero = np.zeros_like(parent(1 if name in ZONE_CENTRE else 2).structure.positions)
    if phase["collapsed"] and phase["calls"] == 0:
        return Label(name, zero, 0.0, True, 0)
    field = np.array(phase["displacements"])
    if np.linalg.norm(field, axis=1).max() < STATE_TOLERANCE or abs(phase["energy"]) < LEAST_DEPTH:
        return Label(name, zero, 0.0, True, phase["calls"])
    return Label(name, same_domain(name, field), phase["energy"], phase["collapsed"], phase["calls"])


@dataclass(frozen=True)
class Differences:
    """How far entries that were computed again are from the kept ones.

    Attributes:
        labels: how many were compared.
        edge: Å, the largest difference of cubic edges.
        displacement: Å, the largest of any site.
        energy: eV per formula unit, the largest.
        verdicts: labels of which one is collapsed and the other is not.
    """

    labels: int
    edge: float
    displacement: float
    energy: float
    verdicts: int


def check(known: Sequence[Entry], count: int, lend: Lender | None = None) -> Differences:
    """Compute entries at relaxed edges again, evenly taken from all, with their tilts where they have them."""
    if lend is None:
        from benchmarks.summed_images import Batches, sevennet

        lend = Batches(sevennet()).running
    relaxed_ones = [entry for entry in known if entry.factor == 1.0]
    chosen = [relaxed_ones[k * len(relaxed_ones) // count] for k in range(min(count, len(relaxed_ones)))]
    labels, verdicts, edge, displacement, energy = 0, 0, 0.0, 0.0, 0.0
    for entry in chosen:
        again = zone_centre(entry.numbers, lend)
        edge = max(edge, abs(again["edge"] - entry.edge))
        phases = dict(again["phases"])
        if any(name in entry.phases for name in TILTS):
            phases |= tilted(entry.numbers, lend, again["edge"], again["energy"])["phases"]
        for name, label in entry.phases.items():
            new = _label(name, phases[name])
            labels, verdicts = labels + 1, verdicts + (new.collapsed != label.collapsed)
            displacement = max(displacement, float(np.abs(new.displacements - label.displacements).max()))
            energy = max(energy, abs(new.energy - label.energy))
    return Differences(labels, edge, displacement, energy, verdicts)


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=Path("broken_perovskites"), help="where results are kept")
    parser.add_argument(
        "--out", type=Path, default=DATA, help="the compact file; with --stages alone it is written again"
    )
    parser.add_argument("--stages", nargs="*", choices=STAGES, default=list(STAGES))
    parser.add_argument("--count", type=int, default=len(COMPOSITIONS), help="how many compositions, from the first on")
    parser.add_argument("--tilted", type=int, default=TILTED, help="how many of them with tilts")
    parser.add_argument("--series", type=int, default=SERIES, help="how many of them with a series of edges")
    parser.add_argument("--threads", type=int, default=16, help="compositions relaxed at a time")
    parser.add_argument("--check", type=int, metavar="N", help="compute N entries again and compare")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # of the libraries under the potential, about one another
    if options.check is not None:
        print(check(load(options.out), options.check))
        return
    generate(options.folder, options.stages, options.count, options.tilted, options.series, options.threads)
    save(entries(options.folder), options.out)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
