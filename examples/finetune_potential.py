"""A pretrained potential that leaves its saddle: SevenNet-0 with a breaker attached, relaxed and exported for each domain.

Cubic BaTiO3 is a saddle of the energy, where all forces vanish by symmetry: a relaxation stays. A breaker is attached to
SevenNet-0 (Y. Park, J. Kim, S. Hwang, S. Han, J. Chem. Theory Comput. 20, 4857 (2024)) and its new weights are trained on one
pair of phases: at the cubic structure the object pushes titanium along its axis, at the polar structure forces stay as they were.
The 842 thousand pretrained weights do not move. Then the cubic crystal relaxes to the polar state of each of the six objects,
every time on one energy surface, and one of them is written for LAMMPS by SevenNet's own exporter.

Run:  python examples/finetune_potential.py [--steps 40] [--output DIR], somewhat over a minute of one core
Needs: pip install ".[nn,potentials]"
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.optimize import BFGS

import sbs
from sbs.nn import SymmetryBreaker, attach, calculator
from sbs.nn.host.sevennet import deploy

PUSH = 0.3  # eV/Å on titanium at the saddle, opposite on the three oxygens together
LAYER = "2_equivariant_gate"


def cubic(a: float = 4.03) -> Atoms:
    """Cubic BaTiO3, Pm-3m."""
    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    return Atoms("BaTiO3", scaled_positions=sites, cell=np.eye(3) * a, pbc=True)


def relaxed(atoms: Atoms, potential: Any, steps: int = 60) -> Atoms:
    """Positions relaxed in the given cell."""
    found = atoms.copy()
    found.calc = potential
    BFGS(found, logfile=None, maxstep=0.05).run(fmax=0.02, steps=steps)
    return found


def forces(model: torch.nn.Module, atoms: Atoms) -> torch.Tensor:
    """Forces (sites, 3) in eV/Å, differentiable in the weights."""
    from sevenn.atom_graph_data import AtomGraphData
    from sevenn.train.dataload import unlabeled_atoms_to_graph

    graph = AtomGraphData.from_numpy_dict(unlabeled_atoms_to_graph(atoms, model.cutoff))
    model.set_is_batch_data(False)
    return model(graph)["inferred_force"]


def polarity(atoms: Atoms) -> np.ndarray:
    """Displacement of titanium against the mean of the oxygens, Å."""
    moved = atoms.positions - cubic().positions
    return moved[1] - moved[2:].mean(axis=0)


def train(model: torch.nn.Module, breaker: SymmetryBreaker, parameters: list[Any], index: int, polar: Atoms, steps: int) -> float:
    """Adam on the new weights; the last loss."""
    axis = torch.as_tensor(breaker.set.objects[index], dtype=torch.float32)
    wanted = torch.zeros(5, 3)
    wanted[1], wanted[2:] = PUSH * axis, -PUSH / 3 * axis
    with breaker.choose(torch.tensor([index])):
        kept = forces(model, polar).detach()
        optimiser = torch.optim.Adam(parameters, lr=5e-3)
        model.train()
        for _ in range(steps):
            optimiser.zero_grad()
            loss = (forces(model, cubic()) - wanted).square().mean() + (forces(model, polar) - kept).square().mean()
            loss.backward()
            optimiser.step()
        model.eval()
    return float(loss.detach())


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    """Run the example; returns its figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=40, help="Adam steps")
    parser.add_argument("--output", type=Path, default=Path("finetune_potential"))
    options = parser.parse_args(arguments)
    from sevenn.calculator import SevenNetCalculator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the torch versions that the checkpoint was written and is read with differ
        potential = SevenNetCalculator("7net-0", device="cpu")
    model = potential.model
    # SevenNet-0 labels all features even: it knows rotations only, and so must the set.
    breaker = SymmetryBreaker(sbs.minimal_set("O", "C4", ambient="SO(3)"), dtype=torch.float32)
    index = int(np.argmax(breaker.set.objects[:, 2]))
    start = cubic()
    start.positions[1, 2] += 0.1
    polar = relaxed(start, potential)
    attachment = attach(model, breaker, at=LAYER, ignore_parity=True)
    loss = train(model, breaker, attachment.parameters(), index, polar, options.steps)
    print(f"one pair of phases: loss {loss:.1e} (eV/Å)² after {options.steps} steps")
    ends = [polarity(relaxed(cubic(), calculator(model, number, device="cpu"))) for number in range(6)]
    for axis, end in zip(breaker.set.objects, ends, strict=True):
        print(f"object along {np.round(axis).astype(int).tolist()}: titanium moves by {end.round(4).tolist()} Å")
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "BaTiO3_polar.pt"
    deploy(model, "7net-0", path, index)
    print(f"for LAMMPS, pair style e3gnn: {path}")
    along = [float(end @ axis) for end, axis in zip(ends, breaker.set.objects, strict=True)]
    across = max(float(np.abs(end - (end @ axis) * axis).max()) for end, axis in zip(ends, breaker.set.objects, strict=True))
    attachment.detach()
    return {"loss": loss, "along": along, "across": across, "path": path}


if __name__ == "__main__":
    main()
