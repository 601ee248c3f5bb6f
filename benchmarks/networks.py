"""Cost of symmetry breakers on a CPU, as ratios measured in one run.

1. A training step (forward, backward, Adam) at about 1000 nodes and 20000 edges: a network whose object is drawn by the
   breaker, against the same network with a fixed tensor in its place; and the places where an object can enter (node
   attributes, node input, attached at one layer), against the network that has no such place.
2. All 48 outputs of O_h -> C_1 against a single forward pass of the same model, and against 48 passes.

Repetitions are interleaved; a ratio is the median over the rounds of the ratio within a round.

    python benchmarks/networks.py [--repeats 15] [--out benchmarks/RESULTS.md]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from e3nn import o3
from e3nn.nn.models.v2106.gate_points_message_passing import MessagePassing
from results import RESULTS, machine, write_section
from torch import Tensor

import sbs
from sbs.nn import SymmetryBreaker, all_outputs, attach, build, one_graph, site_permutations, transport

MUL, LMAX, LAYERS, BASIS = 8, 2, 2, 8
DIRECT = 8  # objects that are also evaluated one by one


def symmetric_cluster(nodes: int, edges: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of about ``nodes`` sites with symmetry O_h, and edges (2, m) of the shortest pairs, about ``edges``."""
    matrices = sbs.point_group("Oh").matrices
    rng = np.random.default_rng(0)
    points = rng.normal(size=(nodes // 48, 3))
    points *= rng.uniform(0.4, 1.0, size=(len(points), 1)) / np.linalg.norm(points, axis=1, keepdims=True)
    positions = 8.0 * np.einsum("gij,oj->ogi", matrices, points).reshape(-1, 3)
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    # Equivalent pairs are equally long to rounding only: cut between two lengths.
    cutoff = np.partition(apart.ravel(), edges)[edges] + 1e-6
    source, target = np.nonzero(apart < cutoff)
    return positions, np.stack([source, target])


def arguments_for(positions: np.ndarray, edges: np.ndarray, device: str = "cpu") -> tuple[Tensor, ...]:
    """Arguments of MessagePassing: node input and attributes, edges, spherical harmonics, radial features."""
    sites = torch.as_tensor(positions, dtype=torch.get_default_dtype(), device=device)
    source, target = torch.as_tensor(edges, device=device)
    vectors = sites[source] - sites[target]
    harmonics = o3.spherical_harmonics(list(range(LMAX + 1)), vectors, True, normalization="component")
    lengths = vectors.norm(dim=1, keepdim=True)
    radial = torch.exp(-((lengths - torch.linspace(0, 4, BASIS, device=device)) ** 2))
    ones = sites.new_ones((len(sites), 1))
    return ones, ones, source, target, harmonics, radial


def model_arguments(irreps_attr: str = "0e") -> dict[str, object]:
    """Constructor arguments of the benchmarked network."""
    hidden = o3.Irreps([(MUL, (l, p)) for l in range(LMAX + 1) for p in (1, -1)])
    return dict(
        irreps_node_sequence=["0e", *[hidden] * LAYERS, "1o"],
        irreps_node_attr=irreps_attr,
        irreps_edge_attr=o3.Irreps.spherical_harmonics(LMAX),
        fc_neurons=[BASIS, 32],
        num_neighbors=20.0,
    )


def interleaved(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, np.ndarray]:
    """Seconds (repeats,) of each task, repetitions interleaved, after two rounds of warming up."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(repeats + 2):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if number >= 2:
                times[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in times.items()}


def training_step(model: torch.nn.Module, call: Callable[[], Tensor], target: Tensor) -> Callable[[], None]:
    """One step of Adam."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        torch.nn.functional.mse_loss(call(), target).backward()
        optimiser.step()

    return step


@dataclass(frozen=True)
class Figures:
    """Sizes, seconds of each task by round, and how far the two ways to all outputs differ."""

    nodes: int
    edges: int
    seconds: dict[str, np.ndarray]
    difference: float

    def median(self, name: str) -> float:
        """Median of the seconds."""
        return float(np.median(self.seconds[name]))

    def ratio(self, name: str, reference: str) -> float:
        """Median over the rounds of the ratio within a round."""
        return float(np.median(self.seconds[name] / self.seconds[reference]))


def measure(nodes: int, edges: int, repeats: int) -> Figures:
    """Run everything."""
    torch.manual_seed(0)
    positions, pairs = symmetric_cluster(nodes, edges)
    arguments = arguments_for(positions, pairs)
    symmetry_set = sbs.minimal_set("Oh", "C1")
    breaker = SymmetryBreaker(symmetry_set)
    by_attributes = build(MessagePassing, breaker, **model_arguments())
    by_input = build(MessagePassing, SymmetryBreaker(symmetry_set), on="input", **model_arguments())
    plain, host = MessagePassing(**model_arguments()), MessagePassing(**model_arguments())
    attach(host, SymmetryBreaker(symmetry_set), at="layers.0", freeze=False, graphs=one_graph)
    fixed = torch.cat([arguments[1], breaker.objects[0, :1].to(torch.float32).expand(len(positions), -1)], dim=1)
    same = by_attributes.model
    target = torch.randn(len(positions), 3)
    tasks = {
        "fixed attributes": training_step(same, lambda: same(arguments[0], fixed, *arguments[2:]), target),
        "breaker on attributes": training_step(by_attributes, lambda: by_attributes(*arguments, num_graphs=1), target),
        "no breaker": training_step(plain, lambda: plain(*arguments), target),
        "breaker on input": training_step(by_input, lambda: by_input(*arguments, num_graphs=1), target),
        "breaker attached": training_step(host, lambda: host(*arguments), target),
    }
    seconds = interleaved(tasks, repeats)

    moves = site_permutations(positions, symmetry_set.group.matrices)
    plan = transport(symmetry_set)

    def evaluate(_: object, number: int) -> Tensor:
        return by_attributes(*arguments, index=torch.tensor([number]))

    def every() -> Tensor:
        return all_outputs(evaluate, None, symmetry_set, permutations=moves, irreps_out="1o", prepared=plan, check=False)

    def found_every(check: bool) -> Tensor:
        return all_outputs(evaluate, {"pos": positions}, symmetry_set, irreps_out="1o", check=check)

    with torch.no_grad():
        outputs = {
            "one forward": lambda: evaluate(None, 0),
            "all outputs": every,
            "plan and permutations": lambda: found_every(False),
            "checked": lambda: found_every(True),
        }
        seconds |= interleaved(outputs, repeats)
        direct = torch.stack([evaluate(None, 6 * number) for number in range(DIRECT)])
        found = every()[: 6 * DIRECT : 6]
    difference = float((found - direct).abs().max() / direct.abs().max())
    return Figures(len(positions), pairs.shape[1], seconds, difference)


def report(figures: Figures) -> str:
    """A page of Markdown."""
    def row(name: str, reference: str, text: str, required: str = "") -> str:
        ratio = f"{figures.ratio(name, reference):.3f}"
        return f"| {text} | {1e3 * figures.median(name):.0f} ms | {ratio} | {required} |"

    rows = [
        row("fixed attributes", "fixed attributes", "step, a fixed tensor in the object's place"),
        row("breaker on attributes", "fixed attributes", "step, the object drawn by the breaker", "at most 1.05"),
        row("no breaker", "no breaker", "step, no place for an object"),
        row("breaker on input", "no breaker", "step, object in the node input"),
        row("breaker attached", "no breaker", "step, object attached at one layer", "at most 1.05"),
        row("breaker on attributes", "no breaker", "step, object in the node attributes of every layer"),
        row("one forward", "one forward", "one forward pass"),
        row("all outputs", "one forward", "all 48 outputs: one pass and 48 turns", "at most 1.25"),
        row("plan and permutations", "one forward", "the same, plan and site permutations included", "at most 1.25"),
        row("checked", "one forward", "the same with the default check, which evaluates one object more"),
    ]
    table = "\n".join(rows)
    return f"""## Networks on a CPU

`python benchmarks/networks.py`; {machine("torch", "e3nn", "numpy")}; {torch.get_num_threads()} threads.
e3nn MessagePassing, {LAYERS} layers of {MUL} channels, l up to {LMAX}, float32; O_h -> C_1;
{figures.nodes} nodes, {figures.edges} edges. Medians of {len(figures.seconds["one forward"])} interleaved
rounds, of times and of ratios within a round.

| what | time | ratio | required |
|---|---|---|---|
{table}

Drawing, expanding and feeding objects costs the first ratio. An object in the attributes of every layer costs more than
that because e3nn multiplies features with attributes three times a layer, whatever the attributes are.
Outputs of both ways agree to {figures.difference:.0e} of the largest.
"""


def main(arguments: list[str] | None = None) -> Figures:
    """Run from the command line; returns the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1008)
    parser.add_argument("--edges", type=int, default=20000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    figures = measure(options.nodes, options.edges, options.repeats)
    write_section(report(figures), options.out)
    return figures


if __name__ == "__main__":
    main()
