"""The search for phases beside what is done without it: rattling, and relaxing with the symmetry of the start fixed.

Run ``python benchmarks/descend.py [--folder DIR] [FORMULA ...]``; it needs sevenn (``pip install ".[relax,potentials]"``). Every
piece is kept in DIR as it is finished, so that an interrupted run goes on; the last step writes its section of
benchmarks/RESULTS.md from what is there.

Peers, on the 2×2×2 cell of 40 atoms of the same relaxed cubic crystal and with the same potential (SevenNet-0):

* rattling: normal noise of 0.05 Å on every atom, then ASE's BFGS on positions and cell (FrechetCellFilter) to the same largest
  force; five seeds, the best of which counts;
* FixSymmetry: the same relaxation of the unrattled cell with ASE's FixSymmetry, which must stay where it is.

The cost is counted in sites × force calls, which do not depend on the machine, and in seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from results import machine, write_section

os.environ.setdefault("OMP_NUM_THREADS", "2")

#: Cubic perovskites and edges to start from, Å.
EDGES = {
    "CaTiO3": 3.89, "SrTiO3": 3.90, "BaTiO3": 4.00, "PbTiO3": 3.95, "KNbO3": 4.02, "NaNbO3": 3.95,
    "SrZrO3": 4.15, "CaZrO3": 4.12, "BaZrO3": 4.20, "LaAlO3": 3.80, "KTaO3": 4.00, "NaTaO3": 3.95,
}  # fmt: skip
SEEDS = 5
RATTLE = 0.05  # Å
FMAX = 1e-3  # eV/Å
STEPS = 400
SUPERCELL = 2


def potential() -> Any:
    from sbs.phases.calculators import named_calculator

    return named_calculator("sevennet")


def cubic(formula: str) -> Any:
    from ase import Atoms

    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    return Atoms(formula, scaled_positions=sites, cell=np.eye(3) * EDGES[formula], pbc=True)


def ours(formula: str, calculator: Any) -> dict[str, Any]:
    """One descent from the cubic cell."""
    import sbs

    start = time.perf_counter()
    tree = sbs.descend(cubic(formula), calculator, SUPERCELL)
    return {
        "seconds": time.perf_counter() - start,
        "calls": tree.calls,
        "atom_calls": tree.atom_calls,
        "energy": tree.lowest.energy,
        "name": tree.lowest.name,
        "stable": tree.lowest.stable,
        "phases": {phase.name: phase.energy for phase in reversed(tree.phases)},
        "lattice": tree.root.structure.lattice.tolist(),
    }


def peer(formula: str, calculator: Any, lattice: list[list[float]], seed: int | None) -> dict[str, Any]:
    """A relaxation of all coordinates of the supercell: rattled with a seed, or unrattled with FixSymmetry."""
    from ase.constraints import FixSymmetry
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS

    import sbs

    atoms = cubic(formula)
    atoms.set_cell(lattice, scale_atoms=True)
    atoms.calc = calculator
    reference = atoms.get_potential_energy()
    atoms = atoms.repeat(SUPERCELL)
    start = time.perf_counter()
    if seed is None:
        atoms.set_constraint(FixSymmetry(atoms))
    else:
        atoms.positions += RATTLE * np.random.default_rng(seed).normal(size=atoms.positions.shape)
    atoms.calc = calculator
    optimiser = BFGS(FrechetCellFilter(atoms), logfile=None)
    converged = optimiser.run(fmax=FMAX, steps=STEPS)
    calls = optimiser.nsteps + 1
    return {
        "seconds": time.perf_counter() - start,
        "calls": calls,
        "atom_calls": calls * len(atoms),
        "energy": atoms.get_potential_energy() / SUPERCELL**3 - reference,
        "name": sbs.detect(atoms, 0.05).space_group.symbol,
        "converged": bool(converged),
    }


def measure(formula: str, folder: Path) -> dict[str, Any]:
    """All pieces of one compound, those that are not kept yet computed."""
    path = folder / f"{formula}.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    calculator = None
    for piece in ["ours", "fixed", *(f"rattled {seed}" for seed in range(SEEDS))]:
        if piece in known:
            continue
        if calculator is None:
            calculator = potential()
            calculator.get_potential_energy(cubic(formula).repeat(SUPERCELL))  # loading is not counted
        if piece == "ours":
            known[piece] = ours(formula, calculator)
        else:
            seed = None if piece == "fixed" else int(piece.split()[1])
            known[piece] = peer(formula, calculator, known["ours"]["lattice"], seed)
        path.write_text(json.dumps(known, indent=1))
        print(formula, piece, {k: v for k, v in known[piece].items() if k not in ("phases", "lattice")}, flush=True)
    return known


def report(results: dict[str, dict[str, Any]]) -> str:
    """The section of RESULTS.md."""
    lines = [
        "## Phases below a perovskite: `sbs.descend` and rattling",
        "",
        f"`python benchmarks/descend.py`; {machine('numpy', 'torch', 'ase', 'sevenn')}.",
        "SevenNet-0, 2×2×2 cells, energies in meV per formula unit below the cubic crystal. Cost in sites × force calls and in",
        f"seconds; rattled: best energy, and cost of all of {SEEDS} seeds. FixSymmetry on the full cell stays cubic.",
        "",
        "| compound | ours: lowest | energy | sites × calls | s | rattled: best | energy | sites × calls | s | "
        "cost, rattled / ours | FixSymmetry |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    never_higher = True
    for formula, known in results.items():
        own = known["ours"]
        rattled = [known[f"rattled {seed}"] for seed in range(SEEDS)]
        best = min(rattled, key=lambda run: run["energy"])
        cost, seconds = (sum(run[key] for run in rattled) for key in ("atom_calls", "seconds"))
        never_higher &= own["energy"] <= best["energy"] + 5e-4
        lines.append(
            f"| {formula} | {own['name']} | {1e3 * own['energy']:.1f} | {own['atom_calls']} | {own['seconds']:.0f} | "
            f"{best['name']} | {1e3 * best['energy']:.1f} | {cost} | {seconds:.0f} | {cost / own['atom_calls']:.1f} | "
            f"{1e3 * known['fixed']['energy']:.1f} |"
        )
    verdict = "never" if never_higher else "NOT never"
    lines += ["", f"The lowest phase found is {verdict} higher than the best of the rattled ones (by more than 0.5 meV)."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("formulas", nargs="*", default=list(EDGES), metavar="FORMULA")
    parser.add_argument("--folder", type=Path, default=Path("descend_benchmark"), help="where pieces are kept")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")  # of the libraries under the potential, about one another
    results = {formula: measure(formula, options.folder) for formula in options.formulas}
    write_section(report(results))


if __name__ == "__main__":
    main()
