"""Fine-tune a trained model to break symmetry: only the weights that attach a breaker are trained.

An e3nn network is first trained, without any breaker, to predict the forces of a Morse potential on distorted
octahedra (one central atom, six around it). On the regular octahedron it must say that no atom is pushed
anywhere off its axis: the centre cannot move. Then a breaker O_h -> C_4v is attached at a hidden layer:
predictions stay bit for bit what they were. Training only the new weights on one pair (object, off-centre
displacement) teaches the model all six off-centre states. Detaching gives the old model back, bit for bit.

    python examples/finetune_attached.py [--steps 300] [--out DIRECTORY]      (about a minute of one core)
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from e3nn.nn.models.v2106.gate_points_networks import NetworkForAGraphWithAttributes
from molecule import fit, molecule
from torch import Tensor

import sbs
from sbs.nn import SymmetryBreaker, all_outputs, attach, effect, orbit_targets, site_permutations

BOND = 1.9  # Å
DEPTH, WIDTH = 1.0, 1.5  # of the Morse potential, eV and 1/Å
BATCH = 32


def octahedron() -> np.ndarray:
    """Positions (7, 3) in Å: the centre, then six neighbours."""
    corners = np.concatenate([np.eye(3), -np.eye(3)])
    return BOND * np.concatenate([np.zeros((1, 3)), corners])


def morse_forces(positions: Tensor, batch: Tensor) -> Tensor:
    """Forces (eV/Å) of a Morse potential between the atoms of each molecule."""
    sites = positions.detach().requires_grad_(True)
    vectors = sites[:, None] - sites[None]
    pairs = torch.triu((batch[:, None] == batch[None]), diagonal=1)
    stretch = vectors[pairs].norm(dim=-1) - BOND
    energy = (DEPTH * (1 - torch.exp(-WIDTH * stretch)) ** 2).sum()
    return -torch.autograd.grad(energy, sites)[0]


def distorted(count: int, generator: torch.Generator) -> dict[str, Tensor]:
    """A batch of ``count`` randomly distorted octahedra."""
    one = molecule(octahedron(), species())
    nodes = len(one["pos"])
    shift = nodes * torch.arange(count)
    sites = one["pos"].repeat(count, 1)
    return {
        "pos": sites + 0.1 * torch.randn(sites.shape, generator=generator, dtype=sites.dtype),
        "node_input": one["node_input"].repeat(count, 1),
        "node_attr": sites.new_ones((len(sites), 1)),
        "edge_index": (one["edge_index"][:, None, :] + shift[None, :, None]).reshape(2, -1),
        "edge_attr": one["edge_attr"].repeat(count, 1),
        "batch": torch.arange(count).repeat_interleave(nodes),
    }


def species() -> np.ndarray:
    """One-hot species (7, 2)."""
    return np.eye(2)[[0, 1, 1, 1, 1, 1, 1]]


def pretrained(steps: int) -> tuple[NetworkForAGraphWithAttributes, list[float]]:
    """An e3nn network trained on forces, that knows nothing of breakers."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model = NetworkForAGraphWithAttributes(
        irreps_node_input="2x0e",
        irreps_node_attr="0e",
        irreps_edge_attr="0e",
        irreps_node_output="1o",
        max_radius=6.0,
        num_neighbors=6.0,
        num_nodes=7.0,
        mul=8,
        layers=2,
        lmax=2,
        pool_nodes=False,
    )
    data = distorted(BATCH, generator)
    forces = morse_forces(data["pos"], data["batch"])
    scale = forces.square().mean().sqrt()
    history = fit(lambda: model(data) / scale, model, forces / scale, steps, "forces")
    return model, history


def picture(first: list[float], second: list[float], outputs: np.ndarray, path: Path) -> None:
    """Both training curves and the six off-centre states."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 3.4), constrained_layout=True)
    for number, (history, title) in enumerate(
        ((first, "whole model: forces"), (second, "attached weights only:\noff-centre displacement")), 1
    ):
        axes = figure.add_subplot(1, 3, number)
        axes.semilogy(history, color="0.2")
        axes.set(xlabel="Adam step", ylabel="mean squared error", title=title)
    space = figure.add_subplot(1, 3, 3, projection="3d")
    space.scatter(*(octahedron()[1:] / BOND).T, color="0.5", s=30)
    space.quiver(0, 0, 0, *(outputs[:, 0] * 3).T, color="tab:red", arrow_length_ratio=0.2)
    space.set(title="six displacements of the centre (tripled)")
    space.set_axis_off()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Run from the command line; returns the printed figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="Adam steps, for the model and for the attached weights")
    parser.add_argument("--out", type=Path, default=Path("finetune_attached"), help="directory for the picture")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        model, history = pretrained(options.steps)
        data = {**molecule(octahedron(), species()), "node_attr": torch.ones(7, 1)}
        before = model(data).detach()
        weights = sum(p.numel() for p in model.parameters())

        symmetry_set = sbs.minimal_set("Oh", "C4v")
        breaker = SymmetryBreaker(symmetry_set)
        attachment = attach(model, breaker, at="mp.layers.0")

        index = int(np.argmax(symmetry_set.objects[:, 2]))
        with breaker.choose(torch.tensor([index])):
            unchanged = bool(torch.equal(model(data), before))
        new = sum(p.numel() for p in attachment.parameters())
        print(
            f"attached at {attachment.name!r}: {new} new weights beside {weights}; predictions unchanged: {unchanged}"
        )
        print(effect(model, breaker, data))

        target = before.clone()
        target[0] += torch.tensor([0.0, 0.0, 0.25])

        def evaluate() -> Tensor:
            with breaker.choose(torch.tensor([index])):
                return model(data)

        tuned = fit(evaluate, attachment.injection, target, options.steps, "attached weights")
        moves = site_permutations(octahedron(), symmetry_set.group.matrices, species=species()[:, 0])
        with torch.no_grad():
            outputs = all_outputs(model, data, symmetry_set, permutations=moves, irreps_out="1o")
        wanted = orbit_targets(symmetry_set, target, "1o", moves, index=index)
        worst = float((outputs - wanted).square().mean(dim=(1, 2)).max())
        attachment.detach()
        restored = bool(torch.equal(model(data), before))
    finally:
        torch.set_default_dtype(previous)
    options.out.mkdir(parents=True, exist_ok=True)
    picture(history, tuned, outputs.numpy(), options.out / "finetune_attached.png")
    print(f"forces: relative mean squared error {history[-1]:.1e} after {options.steps} steps")
    print(f"six off-centre states from one pair: mean squared error at most {worst:.1e} Å²")
    print(f"detached: the old predictions are back bit for bit: {restored}")
    print(f"picture in {options.out}; {time.perf_counter() - start:.0f} s")
    return {"forces": history[-1], "worst": worst, "unchanged": unchanged, "restored": restored}


if __name__ == "__main__":
    main()
