"""Octagon: turn a regular octagon (D_8h) into a chiral one (C_4h) by partial symmetry breaking.

Every other corner moves out and sideways: four equivalent outputs (which corners, which way round). The set
D_8h -> C_4h has four objects and stays the same when the octagon is turned by 22.5 degrees, an element of the
normalizer D_16h. Four objects with the same symmetry C_4h, closed under D_8h but not under D_16h, fit the
same training pair, but the turned octagon is
then deformed differently: two orientations of one input get contradictory answers.

    python examples/octagon.py [--steps 300] [--out DIRECTORY]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from molecule import fit, molecule, network, set_distance, turned, with_objects
from torch import Tensor

import sbs
from sbs.nn import SymmetryBreaker, matching_objects, site_permutations

OUTWARD, SIDEWAYS = 0.25, 0.2
TURN = 22.5  # degrees; takes D_8h into itself but is not in it
SKEW = 4.0  # degrees by which the objects that are not closed are turned


def rotation(degrees: float) -> np.ndarray:
    """Turn about z."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def octagon() -> np.ndarray:
    """Corners (8, 3) of a regular octagon of radius 1, one on the x axis."""
    angles = np.radians(45.0 * np.arange(8))
    return np.stack([np.cos(angles), np.sin(angles), np.zeros(8)], axis=1)


def chiral() -> np.ndarray:
    """Displacements (8, 3) that move every other corner out and anticlockwise."""
    corners = octagon()
    around = np.stack([-corners[:, 1], corners[:, 0], corners[:, 2]], axis=1)
    return (OUTWARD * corners + SIDEWAYS * around) * (np.arange(8) % 2 == 0)[:, None]


@dataclass(frozen=True)
class Answers:
    """A trained set: final error, displacements (4, 8, 3) as trained and for the turned octagon, and the
    contradiction.
    """

    loss: float
    outputs: np.ndarray
    turned_outputs: np.ndarray
    contradiction: float


def skewed(symmetry_set: sbs.MinimalSet) -> np.ndarray:
    """An object turned by SKEW about z, and its images under D_8h: four again, but not closed under D_16h."""
    turn = np.asarray(sbs.representation(symmetry_set.irreps, rotation(SKEW)[None]))[0]
    action = sbs.representation(symmetry_set.irreps, symmetry_set.group.matrices)
    images = np.einsum("gij,j->gi", action, turn @ symmetry_set.objects[0])
    _, first = np.unique(images.round(9), axis=0, return_index=True)
    return images[np.sort(first)]


def train_and_turn(breaker: SymmetryBreaker, objects: Tensor, first: int, steps: int, name: str) -> Answers:
    """Train with one pair, then deform the octagon and the turned octagon with every object."""
    torch.manual_seed(0)
    data = molecule(octagon(), np.ones((8, 1)))
    model = network(breaker, "0e", "1o", pool=False)
    target = torch.as_tensor(chiral()).to(data["pos"])
    history = fit(lambda: with_objects(model, data, objects[first : first + 1])[0], model, target, steps, name)
    matrix = rotation(TURN)
    with torch.no_grad():
        outputs = with_objects(model, data, objects)
        turned_outputs = with_objects(model, turned(data, "0e", matrix), objects)
    expected = outputs @ torch.as_tensor(matrix).to(outputs).T
    return Answers(history[-1], outputs.numpy(), turned_outputs.numpy(), set_distance(turned_outputs, expected))


def picture(good: Answers, bad: Answers, path: Path) -> None:
    """Deformed octagons of one object, as trained and for the turned octagon."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 5, figsize=(12, 5.2), constrained_layout=True)
    rows = ((good, "set closed under D$_{16h}$"), (bad, "closed under D$_{8h}$ only"))
    for row, (answers, name) in zip(axes, rows, strict=True):
        cases = [(np.eye(3), answers.outputs[0], "octagon, as trained")]
        cases += [(rotation(TURN), each, f"turned, object {k}") for k, each in enumerate(answers.turned_outputs)]
        for panel, (matrix, shift, title) in zip(row, cases, strict=True):
            before = octagon() @ matrix.T
            after = before + shift
            panel.fill(*before[:, :2].T, facecolor="none", edgecolor="0.7")
            panel.fill(*after[:, :2].T, facecolor="none", edgecolor="tab:red")
            panel.quiver(*before[:, :2].T, *shift[:, :2].T, angles="xy", scale_units="xy", scale=1, width=0.012)
            panel.set_title(title, fontsize=9)
            panel.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), aspect="equal", xticks=[], yticks=[])
        row[0].set_ylabel(name)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Run from the command line; returns the printed figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300, help="Adam steps for each network")
    parser.add_argument("--out", type=Path, default=Path("octagon"), help="directory for the picture")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        symmetry_set = sbs.minimal_set("D8h", "C4h")
        breaker = SymmetryBreaker(symmetry_set, mode="index")
        moves = site_permutations(octagon(), symmetry_set.group.matrices)
        first = int(matching_objects(symmetry_set, torch.as_tensor(chiral()), "1o", moves)[0])
        skew = torch.as_tensor(skewed(symmetry_set)) * (2 * 4 + 1) ** 0.5
        good = train_and_turn(breaker, breaker.objects[0], first, options.steps, "closed set")
        bad = train_and_turn(breaker, skew, 0, options.steps, "not closed")
    finally:
        torch.set_default_dtype(previous)
    options.out.mkdir(parents=True, exist_ok=True)
    picture(good, bad, options.out / "octagon.png")
    for name, answers, count in (("closed set", good, symmetry_set.size), ("not closed", bad, len(skew))):
        print(
            f"{name}: {count} objects; error of the trained pair {answers.loss:.1e}; outputs of the octagon "
            f"turned by "
            f"{TURN}° differ from the turned outputs by {answers.contradiction:.1e}"
        )
    print(f"picture in {options.out}; {time.perf_counter() - start:.0f} s")
    return {
        "loss": good.loss,
        "contradiction": good.contradiction,
        "bad_loss": bad.loss,
        "bad_contradiction": bad.contradiction,
    }


if __name__ == "__main__":
    main()
