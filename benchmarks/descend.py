"""The search for phases beside what is done without it: rattling, and relaxing with the symmetry of the start fixed.

Run ``python benchmarks/descend.py [--folder DIR] [FORMULA ...]``; it needs sevenn (``pip install ".[relax,potentials]"``). Every
piece is kept in DIR as it is finished, so that an interrupted run goes on; the last step writes its section of
benchmarks/RESULTS.md from what is there. ``--pieces`` with nothing behind it only writes.

Peers, on the 2×2×2 cell of 40 atoms of the same relaxed cubic crystal and with the same potential (SevenNet-0):

* rattling: normal noise of 0.05 Å on every atom, then ASE's BFGS on positions and cell (FrechetCellFilter); up to five seeds, the
  best of which counts;
* FixSymmetry: the same relaxation of the unrattled cell with ASE's FixSymmetry, which must stay where it is.

The cost is counted in sites × force calls, which do not depend on the machine; seconds are kept with the pieces.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from functools import partial
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
FMAX = 3e-3  # eV/Å
STEPS = 400
SUPERCELL = 2

#: Why that search is not in the table.
VIBROML = """VibroML 0.1.0 (soft-mode search) was not run: its wheel loads MACE, M3GNet, eSEN, UMA or NEP by name
and takes no ASE calculator, so that the same potential could only be put in by replacing a function of it; and one round of its
search along one soft mode, with its defaults, is 6 displacements x 7 ratios x 4 cell scales = 168 relaxations of all coordinates,
against the five of rattling."""


def potential() -> Any:
    from summed_images import sevennet

    return sevennet()


def cubic(formula: str) -> Any:
    from ase import Atoms

    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    return Atoms(formula, scaled_positions=sites, cell=np.eye(3) * EDGES[formula], pbc=True)


def ours(formula: str, calculator: Any, _: dict[str, Any]) -> dict[str, Any]:
    """One descent from the cubic cell."""
    import sbs

    start = time.perf_counter()
    tree = sbs.descend(cubic(formula), calculator, SUPERCELL)
    return {
        "seconds": time.perf_counter() - start,
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "calls": tree.calls,
        "atom_calls": tree.atom_calls,
        "energy": tree.lowest.energy,
        "name": tree.lowest.name,
        "stable": tree.lowest.stable,
        "complete": tree.complete,
        "phases": {phase.name: phase.energy for phase in reversed(tree.phases)},
    }


def parent(formula: str, calculator: Any, _: dict[str, Any]) -> dict[str, Any]:
    """The cubic cell from which the peers start, and its energy."""
    import sbs

    found = sbs.relax(cubic(formula), calculator, fmax=FMAX)
    return {"lattice": found.structure.lattice.tolist(), "energy": found.energy}


def peer(formula: str, calculator: Any, start_from: dict[str, Any], seed: int | None) -> dict[str, Any]:
    """A relaxation of all coordinates of the supercell: rattled with a seed, or unrattled with FixSymmetry."""
    from ase.constraints import FixSymmetry
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS

    import sbs

    atoms = cubic(formula)
    atoms.set_cell(start_from["lattice"], scale_atoms=True)
    atoms = atoms.repeat(SUPERCELL)
    start = time.perf_counter()
    if seed is None:
        atoms.set_constraint(FixSymmetry(atoms))
    else:
        atoms.positions += RATTLE * np.random.default_rng(seed).normal(size=atoms.positions.shape)
    atoms.calc = calculator
    optimiser = BFGS(FrechetCellFilter(atoms), logfile=None)
    energies: list[float] = []
    optimiser.attach(lambda: energies.append(atoms.get_potential_energy() / SUPERCELL**3 - start_from["energy"]))
    converged = optimiser.run(fmax=FMAX, steps=STEPS)
    calls = optimiser.nsteps + 1
    return {
        "seconds": time.perf_counter() - start,
        "calls": calls,
        "atom_calls": calls * len(atoms),
        "energy": energies[-1],
        "name": sbs.detect(atoms, 0.05).space_group.symbol,
        "converged": bool(converged),
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "energies": energies,
        "lattice": atoms.cell.tolist(),
        "positions": atoms.positions.tolist(),
    }


#: What is measured, in this order for all compounds, so that few seeds of all come before all seeds of few.
PIECES: dict[str, Callable[[str, Any, dict[str, Any]], dict[str, Any]]] = {
    "parent": parent,
    "ours": ours,
    "fixed": partial(peer, seed=None),
    **{f"rattled {seed}": partial(peer, seed=seed) for seed in range(SEEDS)},
}


def place_of(folder: Path, formula: str, piece: str) -> Path:
    """The file of one finished piece."""
    return folder / formula / f"{piece.replace(' ', '_')}.json"


def measure(formula: str, piece: str, folder: Path, calculator: Any) -> None:
    """One piece of one compound, if it is not kept yet."""
    path = place_of(folder, formula, piece)
    if path.exists():
        return
    start_from = {} if piece == "parent" else json.loads(place_of(folder, formula, "parent").read_text())
    found = PIECES[piece](formula, calculator, start_from)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found))
    shown = {key: value for key, value in found.items() if not isinstance(value, (list, dict))}
    print(formula, piece, shown, flush=True)


def kept(folder: Path, formula: str) -> dict[str, Any]:
    """All finished pieces of one compound."""
    paths = {piece: place_of(folder, formula, piece) for piece in PIECES}
    return {piece: json.loads(path.read_text()) for piece, path in paths.items() if path.exists()}


def report(results: dict[str, dict[str, Any]]) -> str:
    """The section of RESULTS.md, from what is finished."""
    lines = [
        "## Phases below a perovskite: `sbs.descend` and rattling",
        "",
        f"`python benchmarks/descend.py`; {machine('numpy', 'torch', 'ase', 'sevenn')}.",
        "SevenNet-0, 2×2×2 cells, energies in meV per formula unit below cubic. Cost in sites × force calls; rattled:",
        f"the best of the runs that are finished (of {SEEDS} seeds), the cost of one, and what one costs against the whole tree.",
        f"Rattled runs end at a largest force of {FMAX:g} eV/Å, those of `sbs.descend` at its default. SevenNet-0 with",
        "summed images (benchmarks/summed_images.py: the package's numbers to 2e-6 eV/Å). Seconds are kept with the pieces, not",
        "listed: the machine was shared with other work.",
        "",
        "| compound | ours: lowest | energy | minimum | sites × calls | rattled: runs | best | energy "
        "| sites × calls of one | one / ours | FixSymmetry |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    compared, higher = [], []
    for formula, known in results.items():
        if "ours" not in known:
            continue
        own = known["ours"]
        minimum = {True: "yes", False: "no", None: "not examined"}[own["stable"]]
        cells = [formula, own["name"], f"{1e3 * own['energy']:.1f}", minimum, str(own["atom_calls"])]
        rattled = [run for piece, run in known.items() if piece.startswith("rattled")]
        if rattled:
            best = min(rattled, key=lambda run: run["energy"])
            one = sum(run["atom_calls"] for run in rattled) / len(rattled)
            cells += [str(len(rattled)), best["name"], f"{1e3 * best['energy']:.1f}"]
            cells += [f"{one:.0f}", f"{one / own['atom_calls']:.2f}"]
            compared.append(formula)
            if own["energy"] > best["energy"] + 5e-4:
                higher.append(formula)
        else:
            cells += ["0", "", "", "", ""]
        cells.append(f"{1e3 * known['fixed']['energy']:.1f}" if "fixed" in known else "not run")
        lines.append(f"| {' | '.join(cells)} |")
    against = ", ".join(compared) or "no compound"
    verdict = f"higher for {', '.join(higher)}" if higher else "never higher than the best of these runs"
    lines += [
        "",
        f"Compared with rattling: {against}. There the lowest phase of ours is {verdict} (by more than 0.5 meV).",
        "",
        VIBROML,
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("formulas", nargs="*", default=list(EDGES), metavar="FORMULA")
    parser.add_argument("--folder", type=Path, default=Path("descend_benchmark"), help="where pieces are kept")
    parser.add_argument("--pieces", nargs="*", default=list(PIECES), choices=list(PIECES), metavar="PIECE", help="by default all")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of the libraries under the potential, about one another
    if options.pieces:
        calculator = potential()
        calculator.get_potential_energy(cubic("CaTiO3").repeat(SUPERCELL))  # loading is not counted
    for piece in options.pieces:
        for formula in options.formulas:
            measure(formula, piece, options.folder, calculator)
    write_section(report({formula: kept(options.folder, formula) for formula in options.formulas}))


if __name__ == "__main__":
    main()
