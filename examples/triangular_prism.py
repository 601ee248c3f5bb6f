"""Triangular prism: pick one vertex of a prism whose nodes carry a pseudoscalar (symmetry D_3).

An equivariant network can only return the mean of the vertices. With the six in-plane vectors of the set D_3
-> C_1 one (object, vertex) pair teaches it all six vertices, however the prism is turned. A set that is
closed under D_3 but not under its normalizer D_6h (three in-plane vectors, each up or down) fits the pair as
well, but contradicts itself for a turned prism. Last, an object that keeps the horizontal mirror can only
reach the target's projection on the
mirror: a mean squared error of exactly 1/3. (Example of Xie and Smidt, arXiv:2402.02681.)

    python examples/triangular_prism.py [--steps 250] [--out DIRECTORY]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from molecule import Data, fit, molecule, network, set_distance, turned, with_objects
from torch import Tensor

import sbs
from sbs.nn import SymmetryBreaker

RADIUS, HALF_HEIGHT = 1.2, 1.0


def prism() -> np.ndarray:
    """Vertices (6, 3): three above, three below; the two-fold axes of D_3 along x and at 60 degrees to it."""
    angles = np.radians([0, 120, 240, 0, 120, 240])
    heights = HALF_HEIGHT * np.array([1, 1, 1, -1, -1, -1])
    return np.stack([RADIUS * np.cos(angles), RADIUS * np.sin(angles), heights], axis=1)


def rotation(degrees: float) -> np.ndarray:
    """Turn about z."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


@dataclass(frozen=True)
class Answers:
    """A trained set: final error, its outputs (6, 3) for the prism as it was and turned, and where they
    should be.
    """

    loss: float
    history: list[float]
    outputs: np.ndarray
    turned_outputs: np.ndarray
    vertices_missed: float
    turned_missed: float


def not_closed() -> Tensor:
    """Six unit vectors to the vertices: three in-plane directions, each up or down, in component
    normalisation.
    """
    corners = prism() / np.linalg.norm(prism(), axis=1, keepdims=True)
    return torch.as_tensor(corners * np.sqrt(3.0)).to(torch.get_default_dtype())


def train_and_turn(objects: Tensor, breaker: SymmetryBreaker, steps: int, name: str, turn: np.ndarray) -> Answers:
    """Train with one pair, then ask for all objects, for the prism as it was and turned."""
    torch.manual_seed(0)
    irreps_in = "0e+0o"
    data = molecule(prism(), np.ones((6, 2)))
    model = network(breaker, irreps_in, "1o", pool=True)
    vertices = data["pos"]
    target = vertices[:1]
    history = fit(lambda: with_objects(model, data, objects[:1])[0], model, target, steps, name)
    other: Data = turned(data, irreps_in, turn)
    with torch.no_grad():
        outputs = with_objects(model, data, objects)[:, 0]
        turned_outputs = with_objects(model, other, objects)[:, 0]
    return Answers(
        history[-1],
        history,
        outputs.numpy(),
        turned_outputs.numpy(),
        set_distance(outputs, vertices),
        set_distance(turned_outputs, other["pos"]),
    )


def mirror_limit(steps: int) -> float:
    """Mean squared error that remains when the object keeps the horizontal mirror of the unmarked prism
    (D_3h).
    """
    torch.manual_seed(0)
    breaker = SymmetryBreaker(sbs.minimal_set("D3h", "Cs(σh)"), mode="index")
    data = molecule(prism(), np.ones((6, 1)))
    model = network(breaker, "0e", "1o", pool=True)
    index = torch.tensor([0])
    return fit(lambda: model(data, index=index), model, data["pos"][:1], steps, "keeps the mirror")[-1]


def picture(good: Answers, bad: Answers, turn: np.ndarray, path: Path) -> None:
    """Prism from above, as it was and turned, with the outputs of both sets."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 2, figsize=(8, 7.5), constrained_layout=True, subplot_kw={"projection": "3d"})
    rows = ((good, "set closed under D$_{6h}$"), (bad, "three vectors, up and down"))
    for row, (answers, name) in zip(axes, rows, strict=True):
        cases = (
            (np.eye(3), answers.outputs, "as trained"),
            (turn, answers.turned_outputs, "prism turned by 60°"),
        )
        for panel, (matrix, outputs, title) in zip(row, cases, strict=True):
            corners = prism() @ matrix.T
            for first, second in [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)]:
                panel.plot(*corners[[first, second]].T, color="0.6", lw=1)
            panel.scatter(*corners.T, color="0.3", s=15)
            panel.quiver(0, 0, 0, *outputs.T, color="tab:red", arrow_length_ratio=0.12)
            panel.set_title(f"{name}\n{title}", fontsize=10)
            panel.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(-1, 1))
            panel.set_axis_off()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Run from the command line; returns the printed figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=250, help="Adam steps for each network")
    parser.add_argument("--out", type=Path, default=Path("triangular_prism"), help="directory for the picture")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        # A turn by 60 degrees leaves D_3 as a group where it is: the turned prism has the same set.
        turn = rotation(60)
        breaker = SymmetryBreaker(sbs.minimal_set("D3", "C1"), mode="index")
        good = train_and_turn(breaker.objects[0], breaker, options.steps, "closed set", turn)
        bad = train_and_turn(not_closed(), breaker, options.steps, "not closed", turn)
        mirror = mirror_limit(options.steps)
    finally:
        torch.set_default_dtype(previous)
    options.out.mkdir(parents=True, exist_ok=True)
    picture(good, bad, turn, options.out / "triangular_prism.png")
    for name, answers in (("closed set", good), ("not closed", bad)):
        print(
            f"{name}: error of the trained pair {answers.loss:.1e}; vertices missed by "
            f"{answers.vertices_missed:.1e}, "
            f"by {answers.turned_missed:.1e} when the prism is turned by 60°"
        )
    print(f"object that keeps the mirror: error {mirror:.6f}, the projection's is {HALF_HEIGHT**2 / 3:.6f}")
    print(f"picture in {options.out}; {time.perf_counter() - start:.0f} s")
    return {
        "loss": good.loss,
        "missed": good.vertices_missed,
        "turned": good.turned_missed,
        "bad_loss": bad.loss,
        "bad_turned": bad.turned_missed,
        "mirror": mirror,
    }


if __name__ == "__main__":
    main()
