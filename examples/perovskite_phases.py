"""All lower phases of cubic CaTiO3, SrTiO3 and BaTiO3 with a pretrained potential, from one call each.

Relaxed with any equivariant potential, a cubic perovskite stays cubic for ever: the force along every distortion that breaks
the symmetry is exactly zero. ``sbs.descend`` reads off the Hessian which distortions lower the energy, enters each of their
isotropy subgroups, relaxes inside it, and goes on while something is unstable. With SevenNet-0 (Y. Park, J. Kim, S. Hwang,
S. Han, J. Chem. Theory Comput. 20, 4857 (2024); its weights ship inside the sevenn package) it finds Pnma for CaTiO3 and, less
than 2 meV below it, phases with a small polar shift on top of the same tilts; tilts and polar modes together in SrTiO3; and the
three ferroelectric phases of BaTiO3. Structures of the ground states in experiment: CaTiO3 Pnma (S. Sasaki, C. T. Prewitt,
J. D. Bass, W. A. Schulze, Acta Cryst. C 43, 1668 (1987)), BaTiO3 P4mm, Amm2 and R3m (G. H. Kwei, A. C. Lawson, S. J. L. Billinge,
S.-W. Cheong, J. Phys. Chem. 97, 2368 (1993)).

Run:  python examples/perovskite_phases.py [CaTiO3 SrTiO3 BaTiO3] [--supercell 2] [--output DIR] [--domains]
Needs: pip install ".[relax,potentials]"
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

import sbs
from sbs.phases.calculators import named_calculator
from sbs.progress import report_progress

#: Cubic lattice constants to start from, Å; they are relaxed first.
EDGES = {"CaTiO3": 3.89, "SrTiO3": 3.90, "BaTiO3": 4.00}


def cubic(formula: str) -> Atoms:
    """The cubic perovskite, Pm-3m, B at the origin."""
    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    return Atoms(formula, scaled_positions=sites, cell=np.eye(3) * EDGES[formula], pbc=True)


def draw(trees: dict[str, Any], folder: Path) -> Path:
    """The phases of all compounds as levels of energy."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, all_axes = pyplot.subplots(1, len(trees), figsize=(4 * len(trees), 5), layout="constrained", squeeze=False)
    for axes, (formula, tree) in zip(all_axes[0], trees.items(), strict=True):
        shown = sorted([tree.root, *(phase for phase in tree if phase.energy < 0)], key=lambda phase: phase.energy)
        span = max(abs(phase.energy) for phase in shown) * 1e3 or 1.0
        place = -np.inf
        for phase in shown:
            energy = 1e3 * phase.energy
            place = max(energy, place + 0.035 * span)  # names of levels that lie close move up until they can be read
            colour = {True: "tab:green", False: "tab:orange", None: "0.5"}[phase.stable]
            axes.plot([0, 1], [energy, energy], color=colour, linewidth=2, zorder=3 if phase.stable else 2)
            axes.plot([1, 1.15], [energy, place], color="0.8", linewidth=0.8)
            axes.text(1.18, place, f"{phase.name}  {energy:.1f}", va="center", fontsize=8)
        axes.set_xlim(0, 2.6)
        axes.set_xticks([])
        axes.set_title(f"{formula}: {tree.lowest.name}")
        axes.set_ylabel("meV per formula unit")
    figure.suptitle("Phases below the cubic perovskite (green: minimum, orange: unstable, grey: not examined)", fontsize=10)
    path = folder / "perovskite_phases.png"
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return path


def check(trees: dict[str, Any]) -> None:
    """Raise AssertionError unless every phase is where it claims to be."""
    for formula, tree in trees.items():
        assert tree.root.space_group.symbol == "Pm-3m", f"{formula}: {tree.root}"
        for phase in tree:
            found = sbs.detect(phase.structure).space_group
            assert found == phase.space_group, f"{formula}: {phase} is {found}"
        assert tree.lowest.energy < 0 and tree.lowest.stable, f"{formula}: {tree.lowest}"


def main(argv: Sequence[str] | None = None, calculator: Any = None) -> dict[str, Any]:
    """Run the example; ``calculator`` is any ASE calculator in place of SevenNet-0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("compounds", nargs="*", metavar="FORMULA", help=f"of {', '.join(EDGES)} (default: all)")
    parser.add_argument("--supercell", type=int, default=2, help="distortions that repeat in this multiple of the cell")
    parser.add_argument("--output", type=Path, default=Path("perovskite_phases"), help="folder for structures and picture")
    parser.add_argument("--domains", action="store_true", help="write every domain state too")
    options = parser.parse_args(argv)
    unknown = sorted(set(options.compounds) - set(EDGES))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(EDGES)}")

    potential = named_calculator("sevennet") if calculator is None else calculator
    trees = {}
    for formula in options.compounds or EDGES:
        with report_progress(lambda stage, done, known: print(f"\r{stage[:100]:100s}", end="", file=sys.stderr)):
            trees[formula] = sbs.descend(cubic(formula), potential, options.supercell)
        print("\r" + " " * 100 + "\r", end="", file=sys.stderr)
        print(trees[formula], end="\n\n")
        trees[formula].write(options.output / formula, domains=options.domains)
    print(f"picture: {draw(trees, options.output)}")
    check(trees)
    return trees


if __name__ == "__main__":
    main()
