"""Tensor products on a CPU: time and memory against degree and batch, e3nn in the same run.

1. All pairs of irreps up to L ("all": L = 1..10) and a single pair l x l ("one"), batches from 1 to 10^4, float32, forward,
   one thread: processor time, which other users of the machine change least. Rounds are interleaved; a ratio is the
   median over the rounds of the ratio within a round.
2. Where a product becomes faster than e3nn's ``FullTensorProduct``, and how time grows with L.
3. Peak memory of one forward pass, each in a process of its own, and the size of the tables.

    python benchmarks/products.py [--repeats 7] [--lmax 10] [--out benchmarks/RESULTS.md]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from e3nn import o3
from results import RESULTS, machine, write_section
from torch import Tensor

from sbs.nn.products import tensor_product

PEER = "e3nn"
FULL = ("clebsch-gordan", "clebsch-gordan-sparse", "complete")
MIXED = ("gaunt", "gaunt-fourier", "vector-signal")
NAMES = (PEER, *FULL, *MIXED)
BATCHES = (1, 100, 10_000)
CROSSING_BATCHES = (1, 10, 100, 1000, 10_000)
CROSSING_DEGREES = (2, 4, 6, 8, 10)
# Larger outputs are left out, so that the run fits into 8 GB with the copies that products make.
LARGEST_OUTPUT = 4e8  # bytes
# The sparse product holds every term of every output at once.
LARGEST_TERMS = 2e9  # bytes
MEMORY_DEGREES, MEMORY_BATCH = (4, 8), 1000

Product = Callable[[Tensor, Tensor], Tensor]


def irreps_of(which: str, l: int) -> o3.Irreps:
    """All natural irreps up to l, or that of degree l alone."""
    every = o3.Irreps.spherical_harmonics(l)
    return every if which == "all" else o3.Irreps([every[-1]])


def make(name: str, irreps: o3.Irreps) -> Product:
    """A product of two such features with all its outputs."""
    return o3.FullTensorProduct(irreps, irreps) if name == PEER else tensor_product(name, irreps, irreps)


def fits(name: str, product: Product, batch: int) -> bool:
    """Whether the output and the terms stay below the limits."""
    terms = len(product.values) if name == "clebsch-gordan-sparse" else 0
    return 4 * batch * product.irreps_out.dim <= LARGEST_OUTPUT and 12 * batch * terms <= LARGEST_TERMS


@dataclass
class Figures:
    """Seconds of each round, by ("all" or "one", l, batch) and product."""

    seconds: dict[tuple[str, int, int], dict[str, np.ndarray]] = field(default_factory=dict)
    memory: dict[tuple[int, str], dict[str, float]] = field(default_factory=dict)

    def median(self, case: tuple[str, int, int], name: str) -> float | None:
        """Median of the seconds; None where it was left out."""
        found = self.seconds.get(case, {}).get(name)
        return None if found is None else float(np.median(found))

    def ratio(self, case: tuple[str, int, int], name: str, reference: str) -> float | None:
        """Median over the rounds of the ratio within a round."""
        found = self.seconds.get(case, {})
        if name not in found or reference not in found:
            return None
        return float(np.median(found[name] / found[reference]))


def measure(lmax: int, repeats: int) -> Figures:
    """All times; two rounds of warming up."""
    figures = Figures()
    for which, largest in (("all", lmax), ("one", lmax)):
        for l in range(1, largest + 1):
            irreps = irreps_of(which, l)
            products = {name: make(name, irreps) for name in NAMES}
            chosen = set(BATCHES)
            if which == "all" and l in CROSSING_DEGREES:
                chosen |= set(CROSSING_BATCHES)
            for batch in sorted(chosen):
                generator = torch.Generator().manual_seed(l)
                x, y = (torch.randn((batch, irreps.dim), generator=generator) for _ in range(2))
                tasks = {name: each for name, each in products.items() if fits(name, each, batch)}
                times: dict[str, list[float]] = {name: [] for name in tasks}
                with torch.no_grad():
                    for number in range(repeats + 2):
                        for name, product in tasks.items():
                            start = time.process_time()
                            product(x, y)
                            if number >= 2:
                                times[name].append(time.process_time() - start)
                figures.seconds[which, l, batch] = {name: np.array(values) for name, values in times.items()}
                print(which, l, batch, {name: f"{1e3 * np.median(v):.2f} ms" for name, v in times.items()}, flush=True)
    for l in MEMORY_DEGREES:
        for name in NAMES:
            done = subprocess.run(
                [sys.executable, "-W", "ignore", __file__, "--memory", name, str(l)],
                capture_output=True,
                text=True,
                check=True,
            )
            figures.memory[l, name] = json.loads(done.stdout)
    return figures


def peak_memory(name: str, l: int) -> dict[str, float]:
    """Megabytes: tables of the product, and what one forward pass adds to the peak of this process."""
    irreps = irreps_of("all", l)
    product = make(name, irreps)
    x, y = torch.randn(MEMORY_BATCH, irreps.dim), torch.randn(MEMORY_BATCH, irreps.dim)
    with torch.no_grad():
        product(x[:1], y[:1])
        # Making the 3j tensors takes memory of its own: the peak so far is filled first, so that a rise is the pass's own.
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        current = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1024
        filler = torch.ones(max(int((before - current) * 256), 0))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        product(x, y)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    del filler
    tables = sum(buffer.numel() * buffer.element_size() for buffer in product.buffers())
    return {"tables": tables / 1e6, "pass": (after - before) / 1e3}


def growth(figures: Figures, name: str, batch: int, lmax: int) -> float | None:
    """Exponent p of time ~ (L + 1)^p, fitted over the upper half of the degrees."""
    points = [(l, figures.median(("all", l, batch), name)) for l in range(lmax // 2, lmax + 1)]
    known = [(np.log(l + 1), np.log(seconds)) for l, seconds in points if seconds is not None]
    return float(np.polyfit(*zip(*known, strict=True), 1)[0]) if len(known) >= 3 else None


def shown(value: float | None, form: str, scale: float = 1.0) -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else format(scale * value, form)


def report(figures: Figures, lmax: int, repeats: int) -> str:
    """A page of Markdown."""
    parts = []
    for which, title in (("all", "All pairs of irreps up to L"), ("one", "One pair of irreps, l x l")):
        for batch in BATCHES:
            rows = []
            for l in range(1, lmax + 1):
                case = (which, l, batch)
                times = [shown(figures.median(case, name), ".3g", 1e3) for name in NAMES]
                rows.append(f"| {l} | " + " | ".join(times) + " |")
            head = (
                f"| {'L' if which == 'all' else 'l'} | " + " | ".join(NAMES) + " |\n" + "|---" * (len(NAMES) + 1) + "|"
            )
            parts.append(f"### {title}, batch {batch} (ms)\n\n{head}\n" + "\n".join(rows))
    degrees = [l for l in CROSSING_DEGREES if l <= lmax]
    rows = []
    for l in degrees:
        entries = [shown(figures.ratio(("all", l, batch), "complete", PEER), ".2f") for batch in CROSSING_BATCHES]
        rows.append(f"| {l} | " + " | ".join(entries) + " |")
    head = "| L | " + " | ".join(f"batch {batch}" for batch in CROSSING_BATCHES) + " |"
    head += "\n" + "|---" * (len(CROSSING_BATCHES) + 1) + "|"
    parts.append(
        "### The complete product against e3nn's full product\n\nTime of `complete` over e3nn's `FullTensorProduct`, same "
        f"outputs; below 1 it is faster.\n\n{head}\n" + "\n".join(rows)
    )
    rows = []
    for l in range(1, lmax + 1):
        entries = [shown(figures.ratio(("all", l, batch), "gaunt-fourier", "gaunt"), ".1f") for batch in BATCHES]
        entries += [shown(figures.ratio(("all", l, batch), "gaunt", PEER), ".3f") for batch in BATCHES]
        rows.append(f"| {l} | " + " | ".join(entries) + " |")
    head = "| L | " + " | ".join(f"Fourier / grid, batch {batch}" for batch in BATCHES)
    head += " | " + " | ".join(f"grid / e3nn, batch {batch}" for batch in BATCHES) + " |"
    parts.append(
        f"### Grid and Fourier route to the Gaunt product\n\n{head}\n"
        + "|---" * (2 * len(BATCHES) + 1)
        + "|\n"
        + "\n".join(rows)
    )
    promised = {
        PEER: "6",
        "clebsch-gordan": "6",
        "clebsch-gordan-sparse": "5",
        "complete": "4 and logarithms with fast transforms, 6 with matrix products",
        "gaunt": "3 with separated transforms, 4 with matrix products",
        "gaunt-fourier": "3",
        "vector-signal": "as gaunt",
    }
    rows = [
        f"| {name} | {promised[name]} | "
        + " | ".join(
            shown(figures.median(("all", lmax, b), name) and growth(figures, name, b, lmax), ".1f") for b in BATCHES
        )
        + " |"
        for name in NAMES
    ]
    head = "| product | exponent promised | " + " | ".join(f"measured, batch {b}" for b in BATCHES) + " |"
    parts.append(
        f"### Growth of the time of all pairs with L\n\n"
        f"Exponents p of (L + 1)^p, fitted for L = {lmax // 2} to {lmax}.\n\n{head}\n"
        + "|---" * (len(BATCHES) + 2)
        + "|\n"
        + "\n".join(rows)
    )
    rows = [
        f"| {name} | "
        + " | ".join(
            f"{figures.memory[l, name]['tables']:.1f} | {figures.memory[l, name]['pass']:.0f}" for l in MEMORY_DEGREES
        )
        + " |"
        for name in NAMES
    ]
    head = "| product | " + " | ".join(f"tables, L = {l} | forward pass, L = {l}" for l in MEMORY_DEGREES) + " |"
    parts.append(
        f"### Memory (MB), all pairs, batch {MEMORY_BATCH}\n\n{head}\n"
        + "|---" * (2 * len(MEMORY_DEGREES) + 1)
        + "|\n"
        + "\n".join(rows)
    )
    return f"""## Tensor products on a CPU

`python benchmarks/products.py`; {machine("torch", "e3nn", "numpy")}; one thread, processor time.
float32, one channel, forward passes without gradients, all outputs. Medians of {repeats} interleaved rounds. A dash: left out
because its output or its terms would be too large. No GPU could be had, so cuEquivariance and OpenEquivariance, which
need one, were not measured.

{verdict(figures, lmax)}

{(chr(10) * 2).join(parts)}
"""


def verdict(figures: Figures, lmax: int) -> str:
    """What the figures say of the published findings, from the figures."""
    ratios = [
        figures.ratio((which, l, batch), "gaunt-fourier", "gaunt")
        for which in ("all", "one")
        for l in range(1, lmax + 1)
        for batch in BATCHES
    ]
    known = [ratio for ratio in ratios if ratio is not None]
    top = min(8, lmax)
    batches = [batch for batch in CROSSING_BATCHES if ("all", top, batch) in figures.seconds]
    against = [figures.ratio(("all", top, batch), "complete", PEER) for batch in batches]
    listed = ", ".join(f"{shown(ratio, '.2f')} ({batch})" for ratio, batch in zip(against, batches, strict=True))
    below = [batch for batch, ratio in zip(batches, against, strict=True) if ratio is not None and ratio < 1]
    every = [("all", l, batch) for l in range(1, lmax + 1) for batch in BATCHES]
    pairs = [(figures.median(case, "complete"), figures.median(case, "clebsch-gordan")) for case in every]
    dense = [complete / other for complete, other in pairs if complete is not None and other is not None]
    beaten = sum(ratio > 1 for ratio in known)
    return f"""- The grid beats the Fourier route in {beaten} of {len(known)} cases (published: arXiv:2506.13523), by
  factors of {min(known):.1f} to {max(known):.1f}.
- At L = {top} the complete product takes these multiples of the time of e3nn's full product (batch): {listed}.
  It is faster up to a batch of {max(below, default=0)}.
- One matrix product for each pair of irreps (`clebsch-gordan`) computes the same outputs faster still: the complete
  product takes {min(dense):.1f} to {max(dense):.1f} times as long (median {np.median(dense):.1f}). The promise of O(L^4 log² L)
  does not show for L up to {lmax}.
- Gaunt products are the cheapest because they compute less: one output for each l3, no odd interactions."""


def main(arguments: list[str] | None = None) -> Figures | None:
    """Run from the command line; returns the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--lmax", type=int, default=10)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--memory", nargs=2, metavar=("PRODUCT", "L"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    # What e3nn and torch say about each other.
    warnings.simplefilter("ignore")
    if options.memory:
        print(json.dumps(peak_memory(options.memory[0], int(options.memory[1]))))
        return None
    figures = measure(options.lmax, options.repeats)
    write_section(report(figures, options.lmax, options.repeats), options.out)
    return figures


if __name__ == "__main__":
    main()
