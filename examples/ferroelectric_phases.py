"""Why a relaxation never leaves the cubic phase of BaTiO3, and how it does with symmetry-breaking
distortions.

Relaxed with a real pretrained potential, SevenNet-0 (Y. Park, J. Kim, S. Hwang, S. Han, J. Chem. Theory
Comput. 20, 4857 (2024); its weights ship inside the sevenn package), cubic BaTiO3 stays cubic for ever: the
potential is equivariant, so the force along every symmetry-breaking direction is exactly zero. The same
relaxation, started from the domain states of the distortions that ``sbs.distortions`` finds for C4v, C2v and
C3v, ends in the tetragonal, orthorhombic and rhombohedral ferroelectric phases, all lower in energy; every
domain state of a phase reaches the same energy.

Run:  python examples/ferroelectric_phases.py [--output DIR] [--targets C4v C3v] [--first-state-only]
Needs: pip install "sbs[potentials]"
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.io import write
from ase.optimize import BFGS
from tqdm import tqdm

import sbs

# Space groups of the ferroelectric phases: G. H. Kwei, A. C. Lawson, S. J. L. Billinge, S.-W. Cheong, J.
# Phys. Chem. 97, 2368 (1993). Targets are labels of subgroup classes of Oh.
PHASES = {"C4v": "P4mm", "C2v(C2')": "Amm2", "C3v": "R3m"}
AMPLITUDE = 0.1  # Å, the largest displacement that a relaxation starts with
SAME_ENERGY = 1e-4  # eV per cell, to which domain states of one phase must agree
DETECTION_TOLERANCE = 0.01  # Å; relaxed to 1e-4 eV/Å the atoms are good to about 1e-3 Å


@dataclass(frozen=True)
class Relaxed:
    """Where one relaxation ended: energies in eV per cell relative to the cubic phase, forces in eV/Å."""

    target: str
    state: int
    space_group: str
    energy: float
    force: float
    steps: int
    atoms: Atoms


def cubic(a: float = 4.0) -> Atoms:
    """Cubic BaTiO3, Pm-3m."""
    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    return Atoms("BaTiO3", scaled_positions=sites, cell=np.eye(3) * a, pbc=True)


def sevennet() -> Any:
    """The pretrained potential as an ASE calculator, on the CPU."""
    try:
        from sevenn.calculator import SevenNetCalculator
    except ImportError as error:
        raise SystemExit(
            f'this example needs sevenn ({error}); install it with: pip install "sbs[potentials]"'
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the torch versions that the checkpoint was written and is read with differ
        return SevenNetCalculator("7net-0", device="cpu")


def relax(atoms: Atoms, calculator: Any, fmax: float, steps: int) -> tuple[Atoms, int]:
    """Relax cell and positions; the relaxed copy and the number of steps."""
    relaxed = atoms.copy()
    relaxed.calc = calculator
    optimizer = BFGS(FrechetCellFilter(relaxed), logfile=None, maxstep=0.1)
    optimizer.run(fmax=fmax, steps=steps)
    return relaxed, optimizer.nsteps


def run(calculator: Any, options: argparse.Namespace) -> list[Relaxed]:
    """All relaxations; the cubic one first."""
    parent, steps = relax(cubic(), calculator, options.fmax, options.steps)
    reference = parent.get_potential_energy()
    found = sbs.detect(parent, DETECTION_TOLERANCE)
    force = float(np.abs(parent.get_forces()).max())
    results = [Relaxed("none", 0, found.space_group.symbol, 0.0, force, steps, parent)]
    jobs = []
    for target in options.targets:
        patterns = sbs.distortions(found, target)
        along = np.abs(np.einsum("pni,ni->p", patterns.displacements, parent.get_forces())).max()
        print(f"cubic, largest force along the {len(patterns.displacements)} patterns of {target}: {along:.1e} eV/Å")
        states = patterns.domain_states(AMPLITUDE)
        jobs += [
            (target, number, state) for number, state in enumerate(states[: 1 if options.first_state_only else None])
        ]
    for target, number, state in tqdm(jobs, desc="relaxing", unit="state", disable=options.quiet):
        atoms, steps = relax(state.structure.to_ase(), calculator, options.fmax, options.steps)
        symbol = sbs.detect(atoms, DETECTION_TOLERANCE).space_group.symbol
        force = float(np.abs(atoms.get_forces()).max())
        results.append(Relaxed(target, number, symbol, atoms.get_potential_energy() - reference, force, steps, atoms))
    return results


def table(results: Sequence[Relaxed]) -> str:
    """One row for each phase."""
    lines = ["target    states  space group  energy / meV  spread / meV  steps  a, b, c / Å             angles / °"]
    for target in dict.fromkeys(r.target for r in results):
        rows = [r for r in results if r.target == target]
        energies = np.array([r.energy for r in rows])
        groups = ", ".join(dict.fromkeys(r.space_group for r in rows))
        cell = rows[0].atoms.cell.cellpar()
        lines.append(
            f"{target:9s} {len(rows):6d}  {groups:11s}  {1e3 * energies.mean():12.3f}  "
            f"{1e3 * np.ptp(energies):12.4f}  "
            f"{max(r.steps for r in rows):5d}  {'  '.join(f'{x:.4f}' for x in cell[:3])}  "
            f"{'  '.join(f'{x:.3f}' for x in cell[3:])}"
        )
    return "\n".join(lines)


def check(results: Sequence[Relaxed]) -> None:
    """Raise AssertionError unless the phases are what the docstring promises."""
    first = results[0]
    assert first.space_group == "Pm-3m", f"the undistorted crystal relaxed to {first.space_group}"
    for target in {r.target for r in results[1:]}:
        rows = [r for r in results if r.target == target]
        assert {r.space_group for r in rows} == {PHASES[target]}, f"{target}: {[r.space_group for r in rows]}"
        energies = [r.energy for r in rows]
        assert max(energies) < 0, f"{target}: {energies} eV is not below the cubic phase"
        assert max(energies) - min(energies) < SAME_ENERGY, f"{target}: domain states differ, {energies} eV"


def draw(results: Sequence[Relaxed], folder: Path) -> Path:
    """Energies of all domain states, phase by phase."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4))
    position = 0
    ticks = []
    for target in dict.fromkeys(r.target for r in results):
        rows = [r for r in results if r.target == target]
        places = position + np.arange(len(rows))
        axes.scatter(places, [1e3 * r.energy for r in rows], s=25)
        ticks.append((places.mean(), f"{rows[0].space_group}\n{'cubic' if target == 'none' else target}"))
        position += len(rows) + 2
    axes.set_xticks([t[0] for t in ticks], [t[1] for t in ticks])
    axes.set_ylabel("energy / meV per BaTiO3")
    axes.set_title("Relaxed from the domain states of each distortion (SevenNet-0)", fontsize="medium")
    axes.axhline(0, color="0.8", zorder=0)
    figure.tight_layout()
    path = folder / "ferroelectric_phases.png"
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return path


def main(argv: Sequence[str] | None = None, calculator: Any = None) -> list[Relaxed]:
    """Run the example; ``calculator`` is any ASE calculator in place of SevenNet-0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("ferroelectric_phases"), help="folder for CIFs and plot")
    parser.add_argument("--targets", nargs="+", choices=list(PHASES), default=list(PHASES), metavar="LABEL")
    parser.add_argument("--first-state-only", action="store_true", help="relax one domain state of each phase")
    parser.add_argument("--fmax", type=float, default=1e-4, help="largest force at the end, eV/Å")
    parser.add_argument("--steps", type=int, default=500, help="most steps of a relaxation")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args(argv)

    results = run(sevennet() if calculator is None else calculator, options)
    print(table(results))
    options.output.mkdir(parents=True, exist_ok=True)
    for result in results:
        name = "cubic" if result.target == "none" else f"{result.space_group}_{result.state:02d}"
        write(options.output / f"BaTiO3_{name}.cif", result.atoms)
    print(f"picture: {draw(results, options.output)}")
    check(results)
    return results


if __name__ == "__main__":
    main()
