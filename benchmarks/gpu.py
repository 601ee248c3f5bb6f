"""Breakers on a GPU: train the barium titanate example, time steps with and without breakers, and all outputs at once.

1. The barium titanate example, trained on the device: mismatch of all 26 domain states and the time it took.
2. Time of a training step on a large batch of crystals, in float32 and in bfloat16 autocast: with the breaker drawing an
   object for every graph, with a fixed tensor in its place, and for a network that has no place for an object.
3. All 48 outputs of O_h -> C_1 from one forward pass, against one pass for each object.

Times are medians over repetitions after warming up, by CUDA events (by the clock on a CPU).

    python benchmarks/gpu.py                           # on a GPU; writes its section of benchmarks/RESULTS.md
    python benchmarks/gpu.py --device cpu --dry-run    # the same code, small and quick, on a CPU

Needs the examples beside this directory, so run it from a checkout.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import e3nn
import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

import barium_titanate
from crystal_network import Crystal, CrystalNetwork, crystal
from results import RESULTS, machine, write_section

import sbs
from sbs.nn import SymmetryBreaker, all_outputs, site_permutations, transport


@dataclass
class Size:
    """How large to measure."""

    graphs: int = 2048
    mul: int = 32
    repeats: int = 20
    warm_up: int = 5
    steps: int = 400


@dataclass
class Figures:
    """What was measured: seconds by name, and the example's worst mismatch."""

    seconds: dict[str, float] = field(default_factory=dict)
    mismatch: float = float("nan")
    difference: float = float("nan")
    nodes: int = 0
    edges: int = 0
    memory: float = 0.0


def clock(task: Callable[[], object], device: torch.device, size: Size) -> float:
    """Median seconds of ``task``."""
    for _ in range(size.warm_up):
        task()
    times = []
    for _ in range(size.repeats):
        if device.type == "cuda":
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            task()
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end) / 1e3)
        else:
            begin = time.perf_counter()
            task()
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


def parent_crystals(graphs: int, device: torch.device) -> Crystal:
    """A batch of cubic crystals, float32."""
    edge = barium_titanate.PARENT
    one = crystal(barium_titanate.SPECIES, barium_titanate.CUBIC * edge, edge * np.eye(3), cutoff=3.5)
    return one.to(device, torch.float32).repeat(graphs)


class Fixed(torch.nn.Module):
    """Stands in for a breaker: the same features from a tensor that is already there."""

    def __init__(self, breaker: SymmetryBreaker, nodes: int) -> None:
        super().__init__()
        self.irreps = breaker.irreps
        self.register_buffer("features", breaker.objects[0, :1].float().expand(nodes, -1).contiguous())

    def forward(self, *_: object, **__: object) -> Tensor:
        return self.features


def training_step(network: CrystalNetwork, data: Crystal, target: Tensor, low_precision: bool) -> Callable[[], None]:
    """One step of Adam, optionally with the forward pass in bfloat16 autocast."""
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(data.positions.device.type, dtype=torch.bfloat16, enabled=low_precision):
            output = network(data)
        torch.nn.functional.mse_loss(output.float(), target).backward()
        optimiser.step()

    return step


def measure_steps(figures: Figures, device: torch.device, size: Size) -> None:
    """Training steps with and without breakers."""
    data = parent_crystals(size.graphs, device)
    figures.nodes, figures.edges = len(data.species), data.edges.shape[1]
    target = torch.randn(figures.nodes, 9, device=device)
    breaker = SymmetryBreaker(sbs.minimal_set("Oh", "C1")).to(device)
    kinds: dict[str, torch.nn.Module | None] = {
        "with the breaker": breaker,
        "fixed tensor": Fixed(breaker, figures.nodes).to(device),
        "no place for an object": None,
    }
    # e3nn's optimised contractions call tensordot, which autocast does not know: it stops at mixed dtypes.
    previous = e3nn.get_optimization_defaults()["optimize_einsums"]
    e3nn.set_optimization_defaults(optimize_einsums=False)
    try:
        _time_networks(figures, kinds, data, target, device, size)
    finally:
        e3nn.set_optimization_defaults(optimize_einsums=previous)
    if device.type == "cuda":
        figures.memory = torch.cuda.max_memory_allocated(device) / 2**30


def _time_networks(
    figures: Figures,
    kinds: dict[str, torch.nn.Module | None],
    data: Crystal,
    target: Tensor,
    device: torch.device,
    size: Size,
) -> None:
    for name, each in kinds.items():
        torch.manual_seed(0)
        network = CrystalNetwork(3, barium_titanate.IRREPS_OUT, each, mul=size.mul).to(device)
        for precision in ("float32", "bfloat16"):
            step = training_step(network, data, target, precision == "bfloat16")
            figures.seconds[f"{precision} {name}"] = clock(step, device, size)


def check_no_synchronisation(device: torch.device) -> None:
    """Raise if a breaker makes the host wait for the device; nothing to check on a CPU."""
    if device.type != "cuda":
        return
    sets = [sbs.minimal_set("Oh", "C4v"), sbs.minimal_set("C4h", "C1")]
    breaker = SymmetryBreaker(sets).to(device)
    batch = torch.arange(64, device=device).repeat_interleave(5)
    which = torch.arange(64, device=device) % 2
    turns = torch.linalg.qr(torch.randn(64, 3, 3, device=device))[0]
    breaker(batch, 64, set_index=which, rotations=turns)
    torch.cuda.synchronize(device)
    torch.cuda.set_sync_debug_mode("error")
    try:
        breaker(batch, 64, set_index=which, rotations=turns)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def measure_outputs(figures: Figures, device: torch.device, size: Size) -> None:
    """All outputs of one large crystal cell: a supercell with its symmetry permutations."""
    cells = max(1, round((size.graphs / 8) ** (1 / 3)))
    edge = barium_titanate.PARENT * cells
    grid = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    positions = (barium_titanate.CUBIC[None] + grid).reshape(-1, 3) * barium_titanate.PARENT
    species = np.tile(barium_titanate.SPECIES, len(grid))
    symmetry_set = sbs.minimal_set("Oh", "C1")
    breaker = SymmetryBreaker(symmetry_set, mode="index").to(device)
    network = CrystalNetwork(3, "1o", breaker, mul=size.mul).to(device)
    data = crystal(species, positions, edge * np.eye(3), cutoff=3.5).to(device, torch.float32)
    moves = site_permutations(positions, symmetry_set.group.matrices, species=species, cell=edge * np.eye(3))
    plan = transport(symmetry_set)

    def every() -> Tensor:
        return all_outputs(network, data, symmetry_set, permutations=moves, prepared=plan, check=False)

    def one_by_one() -> Tensor:
        return torch.stack([network(data, index=torch.tensor([k], device=device)) for k in range(48)])

    with torch.no_grad():
        figures.seconds["one forward"] = clock(lambda: network(data, index=breaker.draw(1)), device, size)
        figures.seconds["all outputs"] = clock(every, device, size)
        short = Size(repeats=max(1, size.repeats // 5), warm_up=1)
        figures.seconds["every object"] = clock(one_by_one, device, short)
        direct = one_by_one()
        figures.difference = float((every() - direct).abs().max() / direct.abs().max())


def measure_example(figures: Figures, device: torch.device, size: Size) -> None:
    """The barium titanate example in float64, as its script does it."""
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    begin = time.perf_counter()
    try:
        result = barium_titanate.all_domains(size.steps, str(device))
    finally:
        torch.set_default_dtype(previous)
    figures.seconds["example"] = time.perf_counter() - begin
    figures.mismatch = max(float(values.max()) for values in result.domains.values())


def report(figures: Figures, device: torch.device, size: Size) -> str:
    """A page of Markdown."""
    card = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU ({platform.machine()})"
    cuda = f", CUDA {torch.version.cuda}" if device.type == "cuda" else ""
    seconds = figures.seconds
    rows = []
    for precision in ("float32", "bfloat16"):
        base = seconds[f"{precision} fixed tensor"]
        for name in ("no place for an object", "fixed tensor", "with the breaker"):
            value = seconds[f"{precision} {name}"]
            rows.append(f"| step, {precision}, {name} | {1e3 * value:.2f} ms | {value / base:.3f} |")
    forward = seconds["one forward"]
    for name in ("one forward", "all outputs", "every object"):
        rows.append(f"| {name} (48 objects) | {1e3 * seconds[name]:.2f} ms | {seconds[name] / forward:.3f} |")
    table = "\n".join(rows)
    return f"""## Networks on a GPU

`python benchmarks/gpu.py` on {card}; {machine("torch", "e3nn", "numpy")}{cuda}.
Batch of {size.graphs} cubic crystals, {figures.nodes} nodes, {figures.edges} edges, {size.mul} channels, l up to 2;
{figures.memory:.1f} GiB of device memory. Medians of {size.repeats} repetitions after {size.warm_up} to warm up; ratios to the
step with a fixed tensor in the object's place, and to one forward pass.

| what | time | ratio |
|---|---|---|
{table}

All outputs from one pass agree with one pass for each object to {figures.difference:.0e} of the largest.
Barium titanate example, {size.steps} steps in float64: {seconds["example"]:.0f} s; mismatch of the 26 domain states at most
{figures.mismatch:.1e} Å².
"""


def main(arguments: list[str] | None = None) -> Figures:
    """Run from the command line; returns the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--graphs", type=int, default=Size.graphs, help="crystals in a batch; enough to fill the card")
    parser.add_argument("--mul", type=int, default=Size.mul, help="channels of each irrep")
    parser.add_argument("--steps", type=int, default=Size.steps, help="Adam steps of the example")
    parser.add_argument("--repeats", type=int, default=Size.repeats)
    parser.add_argument("--dry-run", action="store_true", help="everything once, as small as possible; writes nothing")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("no CUDA device is available; try --device cpu --dry-run")
    size = Size(options.graphs, options.mul, options.repeats, Size.warm_up, options.steps)
    if options.dry_run:
        size = Size(graphs=8, mul=2, repeats=1, warm_up=0, steps=2)
    figures = Figures()
    check_no_synchronisation(device)
    measure_steps(figures, device, size)
    measure_outputs(figures, device, size)
    measure_example(figures, device, size)
    text = report(figures, device, size)
    if options.dry_run:
        print(text)
    else:
        write_section(text, options.out)
    return figures


if __name__ == "__main__":
    main()
