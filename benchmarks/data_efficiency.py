"""How many (object, output) pairs a network must be shown before it gives every output.

Run ``python benchmarks/data_efficiency.py``; it writes its section of benchmarks/RESULTS.md and the curves that the
explorer's page on concepts shows (sbs/explorer/static/data_efficiency.json).

Three cases, each trained on the first n pairs and tested on all of them:

- an ideal set: the prism with the symmetry D3, all of it broken; 6 objects in one orbit;
- a set of degeneracy 2: an input of symmetry C2 in a cubic lattice (ambient O_h), all of it broken; 4 objects in two
  orbits;
- the prism again with a network that is not equivariant, a perceptron on coordinates and object.

The equivariant network takes the multipoles of the input up to l = 4 and the object through tensor products of e3nn, up
to the third power of the object, which a twisted prism needs.
The pairs are shown orbit by orbit: with d orbits the first pair of the second orbit comes after all of the first, so
the curve for a set of degeneracy 2 is the worst order, and the one of an ideal set knows no order.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from e3nn import o3
from results import RESULTS, machine, write_section
from torch import Tensor, nn

import sbs
from sbs.sets.minimal_set import MinimalSet

CURVES = Path(__file__).resolve().parents[1] / "sbs" / "explorer" / "static" / "data_efficiency.json"
LMAX = 4
HIDDEN = "4x0e+4x0o+4x1o+4x1e+4x2e+4x2o+4x3o+4x3e"
STEPS = 120
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Case:
    """A set, an input of its symmetry and the output for every object."""

    name: str
    symmetry_set: MinimalSet
    points: Tensor  # (n, 3)
    outputs: Tensor  # (size, 3)
    equivariant: bool


class Equivariant(nn.Module):
    """Multipoles of the input and an object -> a vector."""

    def __init__(self, irreps: str) -> None:
        super().__init__()
        self.harmonics = o3.Irreps.spherical_harmonics(LMAX)
        self.first = o3.FullyConnectedTensorProduct(self.harmonics, irreps, HIDDEN)
        self.second = o3.FullyConnectedTensorProduct(HIDDEN, HIDDEN, HIDDEN)
        self.third = o3.FullyConnectedTensorProduct(HIDDEN, HIDDEN, HIDDEN)
        self.last = o3.FullyConnectedTensorProduct(HIDDEN, self.harmonics, "1x1o")

    def forward(self, points: Tensor, objects: Tensor) -> Tensor:
        weights = points.norm(dim=1, keepdim=True)
        moments = (weights * o3.spherical_harmonics(self.harmonics, points, True)).mean(0).expand(len(objects), -1)
        once = self.first(moments, objects)
        twice = self.second(once, once)
        return self.last(once + twice + self.third(once, twice), moments)


class Perceptron(nn.Module):
    """Coordinates and an object -> a vector, without any symmetry."""

    def __init__(self, points: int, dim: int) -> None:
        super().__init__()
        width = 64
        self.layers = nn.Sequential(
            nn.Linear(3 * points + dim, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 3)
        )

    def forward(self, points: Tensor, objects: Tensor) -> Tensor:
        return self.layers(torch.cat([points.flatten().expand(len(objects), -1), objects], dim=1))


def cases() -> list[Case]:
    """The three cases; outputs are in general position, one for each orbit and turned along with it."""
    seed = torch.tensor([0.8, 0.3, 0.5])
    prism = _orbit(sbs.point_group("D3").matrices, seed)
    ideal = sbs.minimal_set("D3", "C1")
    twofold = sbs.minimal_set("C2", "C1", ambient="Oh")
    body = torch.cat(
        [
            _orbit(twofold.group.matrices, v)
            for v in (seed, torch.tensor([-0.4, 0.9, 0.2]), torch.tensor([0.3, 0.5, -0.8]))
        ]
    )
    return [
        Case("ideal set, equivariant network", ideal, prism, _outputs(ideal), True),
        Case("degeneracy 2, equivariant network", twofold, body, _outputs(twofold), True),
        Case("the same objects, network without equivariance", ideal, prism, _outputs(ideal), False),
    ]


def _orbit(matrices: np.ndarray, point: Tensor) -> Tensor:
    return torch.unique(torch.round(torch.from_numpy(np.array(matrices)) @ point.double(), decimals=9), dim=0)


def _outputs(found: MinimalSet) -> Tensor:
    """A vector in general position for the first object of each orbit, and for the others its images."""
    action = sbs.representation(found.irreps or "", found.group.matrices)
    outputs = np.zeros((int(found.size), 3))
    rng = np.random.default_rng(1)
    for orbit in range(int(found.degeneracy)):
        members = np.flatnonzero(found.orbits == orbit)
        first = rng.normal(size=3)
        for i in members:
            g = int(np.abs(action @ found.objects[members[0]] - found.objects[i]).max(1).argmin())
            outputs[i] = found.group.matrices[g] @ (first / np.linalg.norm(first))
    return torch.from_numpy(outputs)


def mismatch(case: Case, shown: int, seed: int) -> float:
    """Root mean square error over all pairs after training on the first ones, relative to the length of an output."""
    torch.manual_seed(seed)
    objects = torch.from_numpy(np.array(case.symmetry_set.objects))
    irreps = case.symmetry_set.irreps or ""
    model = (Equivariant(irreps) if case.equivariant else Perceptron(len(case.points), objects.shape[1])).double()
    optimiser = torch.optim.LBFGS(
        model.parameters(), max_iter=STEPS, tolerance_grad=1e-12, tolerance_change=1e-16, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimiser.zero_grad()
        value = (model(case.points, objects[:shown]) - case.outputs[:shown]).square().sum(1).mean()
        value.backward()
        return value

    optimiser.step(loss)
    with torch.no_grad():
        return float((model(case.points, objects) - case.outputs).square().sum(1).mean().sqrt())


def measure() -> list[dict[str, object]]:
    """For every case the mismatch after 1, 2, ... pairs: median over the seeds."""
    return [
        {
            "name": case.name,
            "objects": int(case.symmetry_set.size),
            "orbits": int(case.symmetry_set.degeneracy),
            "shown": list(range(1, int(case.symmetry_set.size) + 1)),
            "mismatch": [
                float(f"{np.median([mismatch(case, shown, seed) for seed in SEEDS]):.2e}")
                for shown in range(1, int(case.symmetry_set.size) + 1)
            ],
        }
        for case in cases()
    ]


def report(curves: list[dict[str, object]]) -> str:
    """A section of RESULTS.md."""
    rows = []
    for curve in curves:
        values = [f"{value:.0e}" for value in curve["mismatch"]]  # type: ignore[attr-defined]
        rows.append(
            f"| {curve['name']} ({curve['objects']} objects, {curve['orbits']} orbits) | "
            + " | ".join([*values, *[""] * (6 - len(values))])
            + " |"
        )
    table = "\n".join(rows)
    return f"""## Data efficiency

`python benchmarks/data_efficiency.py`; {machine("torch", "e3nn", "numpy")}.
Root mean square error over all outputs, relative to their length, after training on n (object, output) pairs;
at most {STEPS} steps of L-BFGS, median of {len(SEEDS)} seeds.

| case | n = 1 | 2 | 3 | 4 | 5 | 6 |
|---|---|---|---|---|---|---|
{table}

One pair is enough for an ideal set, one pair for each orbit else; without equivariance every pair must be shown.
"""


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--curves", type=Path, default=CURVES)
    options = parser.parse_args(arguments)
    curves = measure()
    options.curves.write_text(json.dumps(curves, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write_section(report(curves), options.out)


if __name__ == "__main__":
    main()
