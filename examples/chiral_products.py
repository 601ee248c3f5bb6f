"""Chiral tasks that a Gaunt product cannot do, and the complete product can.

1. Twist a triangular prism (D_3h -> D_3): the set has two objects, a pseudoscalar with either sign, for the two hands
   of the twist. Each network learns one hand from one (object, output) pair. A Gaunt network does not see the sign of
   a pseudotensor, so both objects are the same to it: it learns the part of the displacement that keeps D_3h, and its
   error stays at the mean square of the twist, which is known beforehand. `sbs.nn.can_break` says so without training.
2. Tell the two chiral pieces of tetris apart by a pseudoscalar of the whole piece (zero for the other six).

    python examples/chiral_products.py [--steps 200] [--products gaunt complete ...] [--out DIRECTORY]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from molecule import Data, fit, molecule
from torch import Tensor
from triangular_prism import prism

import sbs
from sbs.nn import SymmetryBreaker, can_break, with_breaker
from sbs.nn.products import PRODUCTS
from sbs.nn.products.network import ProductNetwork

NAMES = ("gaunt", "gaunt-fourier", "vector-signal", "complete", "clebsch-gordan")
HIDDEN = "0e+0o+1o+1e+2e+2o"
TWIST, GROWTH = 0.3, 0.1

# The pieces as cells of side one; the first two are mirror images of each other (the usual data set of e3nn's examples).
TETRIS = {
    "chiral, one hand": [(0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 1, 0)],
    "chiral, the other": [(0, 0, 0), (0, 0, 1), (1, 0, 0), (1, -1, 0)],
    "square": [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)],
    "line": [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 0, 3)],
    "corner": [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)],
    "L": [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0)],
    "T": [(0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 1)],
    "zigzag": [(0, 0, 0), (1, 0, 0), (1, 1, 0), (2, 1, 0)],
}
HANDS = np.array([1.0, -1.0, 0, 0, 0, 0, 0, 0])


def displacements() -> tuple[np.ndarray, np.ndarray]:
    """Displacements (6, 3) of the prism's vertices: the twist, and a growth that keeps D_3h."""
    corners = prism()
    around = np.stack([-corners[:, 1], corners[:, 0], 0 * corners[:, 2]], axis=1)
    return TWIST * np.sign(corners[:, 2:]) * around, GROWTH * corners


@dataclass(frozen=True)
class Answer:
    """One product: verdict before training, error of every step, displacements for both objects, and pseudoscalars of
    the eight pieces.
    """

    verdict: bool
    history: list[float]
    both: np.ndarray
    pieces: np.ndarray


def twist(name: str, steps: int) -> tuple[bool, list[float], np.ndarray]:
    """Train on one hand; returns the verdict, the errors, and the outputs (2, 6, 3) for both objects."""
    symmetry_set = sbs.minimal_set("D3h", "D3")
    breaker = SymmetryBreaker(symmetry_set)
    verdict = can_break(
        "0e", HIDDEN, "1o", symmetry_set, tensor_product=PRODUCTS[name].kind, layers=2, positions=prism()
    )
    torch.manual_seed(0)
    attributes = with_breaker("0e", breaker)
    model = ProductNetwork("0e", attributes, "1o", tensor_product=name, irreps_hidden=HIDDEN, channels=4, layers=2)
    data = molecule(prism(), np.ones((6, 1)))
    target = torch.as_tensor(sum(displacements()))

    def evaluate(each: Tensor) -> Tensor:
        return model({**data, "node_attr": torch.cat([torch.ones(6, 1), each.expand(6, -1)], dim=1)})

    objects = breaker.objects[0]
    history = fit(lambda: evaluate(objects[0]), model, target, steps, f"prism, {name}")
    with torch.no_grad():
        both = torch.stack([evaluate(each) for each in objects])
    return bool(verdict), history, both.numpy()


def tetris() -> tuple[Data, Tensor]:
    """All pieces as one graph, and the piece of each node."""
    pieces = [molecule(np.array(cells, dtype=float), np.ones((4, 1))) for cells in TETRIS.values()]
    joined = {key: torch.cat([piece[key] for piece in pieces]) for key in ("pos", "node_input")}
    edges = [piece["edge_index"] + 4 * number for number, piece in enumerate(pieces)]
    data = {**joined, "edge_index": torch.cat(edges, dim=1), "node_attr": torch.ones(32, 1)}
    return data, torch.arange(8).repeat_interleave(4)


def hands(name: str, steps: int) -> np.ndarray:
    """Pseudoscalars of the eight pieces after training."""
    torch.manual_seed(0)
    model = ProductNetwork("0e", "0e", "0o", tensor_product=name, irreps_hidden=HIDDEN, channels=4, layers=2)
    data, piece = tetris()
    target = torch.as_tensor(HANDS)

    def evaluate() -> Tensor:
        return torch.zeros(8).index_add(0, piece, model(data)[:, 0])

    if evaluate().requires_grad:  # a Gaunt network has no path to a pseudoscalar: nothing to train
        fit(evaluate, model, target, steps, f"tetris, {name}")
    with torch.no_grad():
        return evaluate().numpy()


def picture(answers: dict[str, Answer], limit: float, path: Path) -> None:
    """Errors, the twisted prism of two products, and the pieces."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(11, 7.5), constrained_layout=True)
    panel = figure.add_subplot(2, 2, 1)
    for name, answer in answers.items():
        panel.semilogy(answer.history, label=name, ls="--" if name == "gaunt-fourier" else "-")
    panel.axhline(limit, color="0.5", lw=0.8)
    panel.text(0, limit * 1.3, "mean square of the twist", color="0.4", fontsize=8)
    panel.set(xlabel="step", ylabel="mean squared error / Å²", title="twist of a prism, one pair shown")
    panel.legend(fontsize=8)
    panel = figure.add_subplot(2, 2, 2)
    width = 0.16
    for number, (name, answer) in enumerate(answers.items()):
        panel.bar(np.arange(8) + (number - 2) * width, answer.pieces, width, label=name)
    panel.set_xticks(np.arange(8), [*TETRIS], rotation=30, ha="right", fontsize=8)
    panel.set(ylabel="pseudoscalar", title="hand of the pieces of tetris")
    for place, name in zip((3, 4), [name for name in ("gaunt", "complete") if name in answers], strict=False):
        panel = figure.add_subplot(2, 2, place, projection="3d")
        corners = prism()
        for first, second in [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)]:
            panel.plot(*corners[[first, second]].T, color="0.7", lw=1)
        for moves, colour in zip(answers[name].both, ("tab:red", "tab:blue"), strict=True):
            panel.quiver(*corners.T, *moves.T, color=colour, arrow_length_ratio=0.25)
        panel.set_title(f"{name}: both objects (red, blue)", fontsize=10)
        panel.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), zlim=(-1.2, 1.2))
        panel.set_axis_off()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, Answer]:
    """Run from the command line; returns what each product did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="Adam steps for each network")
    parser.add_argument("--products", nargs="+", choices=NAMES, default=NAMES, help="which products to train")
    parser.add_argument("--out", type=Path, default=Path("chiral_products"), help="directory for the picture")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        answers = {name: Answer(*twist(name, options.steps), hands(name, options.steps)) for name in options.products}
    finally:
        torch.set_default_dtype(previous)
    limit = float((displacements()[0] ** 2).mean())
    options.out.mkdir(parents=True, exist_ok=True)
    picture(answers, limit, options.out / "chiral_products.png")
    for name, answer in answers.items():
        print(
            f"{name}: can break {answer.verdict}; error of the twist {answer.history[-1]:.1e}; hands of the chiral pieces "
            f"{answer.pieces[0]:+.3f}, {answer.pieces[1]:+.3f}, of others at most {np.abs(answer.pieces[2:]).max():.0e}"
        )
    print(f"error that a network blind to the hand is left with: {limit:.6f}")
    print(f"picture in {options.out}; {time.perf_counter() - start:.0f} s")
    return answers


if __name__ == "__main__":
    main()
