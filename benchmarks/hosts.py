"""Cost of attaching to NequIP, MACE and SevenNet on a CPU: the attached model against the host alone, in one run.

A training step (energy and forces, backward through them, Adam on all weights) and an inference (energy and forces), of one
rocksalt crystal of 8, 100 and 1,000 atoms, its atoms moved a little. Repetitions are interleaved, host and attached model by
turns first; a ratio is the median over the rounds of the ratio within a round, of processor time on one thread.

Each host that is installed gets a section of its own, so that hosts that need other environments can be measured after each
other (MACE pins e3nn 0.4.4):

    python benchmarks/hosts.py [--hosts NequIP SevenNet MACE] [--atoms 8 100 1000] [--seconds 60] [--out benchmarks/RESULTS.md]
"""

from __future__ import annotations

import argparse
import copy
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase import Atoms
from ase.build import bulk
from results import RESULTS, machine, write_section

torch.serialization.add_safe_globals([slice])  # in the constants of e3nn 0.4.4

import sbs  # noqa: E402
from sbs.nn import Attachment, SymmetryBreaker, attach  # noqa: E402

BAR = 1.05
# Repetitions of the primitive or conventional cell, by the number of atoms.
CELLS = {8: (True, (1, 1, 1)), 100: (False, (5, 5, 2)), 1000: (True, (5, 5, 5))}
LEAST_ROUNDS = 5
WARMING = 2


def crystal(atoms: int) -> Atoms:
    """Rocksalt, its atoms moved by some 0.05 Å."""
    cubic, repeats = CELLS[atoms]
    found = bulk("NaCl", "rocksalt", a=5.64, cubic=cubic).repeat(repeats)
    found.rattle(0.05, seed=1)
    return found


@dataclass(frozen=True)
class Host:
    """A model, how it is attached to, and how its graphs are made."""

    model: torch.nn.Module
    words: str
    packages: tuple[str, ...]
    attaching: Callable[[torch.nn.Module], Attachment]
    graph: Callable[[Atoms], Callable[[torch.nn.Module], dict[str, Any]]]
    edges: Callable[[Atoms], int]
    keys: tuple[str, str]


def nequip() -> Host:
    """NequIP, three layers."""
    from nequip.data import AtomicDataDict, from_ase
    from nequip.data.transforms import ChemicalSpeciesToAtomTypeMapper, NeighborListTransform
    from nequip.model import NequIPGNNModel
    from nequip.utils.global_state import set_global_state

    torch.set_default_dtype(torch.float64)
    set_global_state()
    names, cutoff = ["Na", "Cl"], 4.0
    sizes = dict(num_layers=3, l_max=2, num_features=32, avg_num_neighbors=18.0)
    scales = dict(per_type_energy_scales=1.0, per_type_energy_shifts=0.0)
    model = NequIPGNNModel(seed=1, model_dtype="float32", r_max=cutoff, type_names=names, **sizes, **scales)

    def data(atoms: Atoms) -> dict[str, Any]:
        typed = ChemicalSpeciesToAtomTypeMapper(model_type_names=names)(from_ase(atoms))
        return AtomicDataDict.with_batch_(NeighborListTransform(r_max=cutoff)(typed))

    def graph(atoms: Atoms) -> Callable[[torch.nn.Module], dict[str, Any]]:
        made = data(atoms)
        return lambda model: model(dict(made))

    return Host(
        model,
        f"3 layers of 32 features, l up to 2, cutoff {cutoff} Å, float32; attached at `layer1_convnet`",
        ("nequip", "torch", "e3nn"),
        lambda model: attach(
            model,
            SymmetryBreaker(sbs.minimal_set("Oh", "C4v"), dtype=torch.float32),
            at="model.func.layer1_convnet",
            freeze=False,
        ),
        graph,
        lambda atoms: data(atoms)["edge_index"].shape[1],
        ("total_energy", "forces"),
    )


def sevennet() -> Host:
    """SevenNet, three layers, with weights drawn at random."""
    from sevenn._const import DEFAULT_E3_EQUIVARIANT_MODEL_CONFIG
    from sevenn.atom_graph_data import AtomGraphData
    from sevenn.model_build import build_E3_equivariant_model
    from sevenn.train.dataload import unlabeled_atoms_to_graph
    from sevenn.util import chemical_species_preprocess

    torch.set_default_dtype(torch.float32)
    torch.manual_seed(1)
    cutoff = 4.0
    sizes = {"cutoff": cutoff, "channel": 32, "lmax": 2, "num_convolution_layer": 3, "is_parity": False}
    species = chemical_species_preprocess(["Na", "Cl"])
    scales = {"shift": 0.0, "scale": 1.0, "conv_denominator": 18.0}
    model = build_E3_equivariant_model(DEFAULT_E3_EQUIVARIANT_MODEL_CONFIG | sizes | species | scales)
    model.set_is_batch_data(False)

    def graph(atoms: Atoms) -> Callable[[torch.nn.Module], dict[str, Any]]:
        made = AtomGraphData.from_numpy_dict(unlabeled_atoms_to_graph(atoms, cutoff))
        return lambda model: model(made.clone())

    return Host(
        model,
        f"3 layers of 32x0e+32x1e+32x2e, cutoff {cutoff} Å, float32; attached at `1_equivariant_gate`",
        ("sevenn", "torch", "e3nn"),
        lambda model: attach(
            model,
            SymmetryBreaker(sbs.minimal_set("O", "C4", ambient="SO(3)"), dtype=torch.float32),
            at="1_equivariant_gate",
            ignore_parity=True,
            freeze=False,
        ),
        graph,
        lambda atoms: int(np.asarray(unlabeled_atoms_to_graph(atoms, cutoff)["edge_index"]).shape[1]),
        ("inferred_total_energy", "inferred_force"),
    )


def mace() -> Host:
    """MACE, two interactions."""
    from e3nn import o3
    from mace import data as mace_data
    from mace import modules, tools
    from mace.tools import torch_geometric

    torch.set_default_dtype(torch.float64)
    cutoff, table = 4.0, tools.AtomicNumberTable([11, 17])
    model = modules.MACE(
        r_max=cutoff,
        num_bessel=8,
        num_polynomial_cutoff=5,
        max_ell=3,
        interaction_cls=modules.interaction_classes["RealAgnosticResidualInteractionBlock"],
        interaction_cls_first=modules.interaction_classes["RealAgnosticInteractionBlock"],
        num_interactions=2,
        num_elements=2,
        hidden_irreps=o3.Irreps("32x0e+32x1o"),
        MLP_irreps=o3.Irreps("16x0e"),
        gate=torch.nn.functional.silu,
        atomic_energies=np.zeros(2),
        avg_num_neighbors=18.0,
        atomic_numbers=[11, 17],
        correlation=3,
        radial_type="bessel",
    )

    def data(atoms: Atoms) -> Any:
        single = mace_data.AtomicData.from_config(mace_data.config_from_atoms(atoms), z_table=table, cutoff=cutoff)
        return next(iter(torch_geometric.dataloader.DataLoader([single], batch_size=1)))

    def graph(atoms: Atoms) -> Callable[[torch.nn.Module], dict[str, Any]]:
        made = data(atoms).to_dict()
        return lambda model: model(dict(made), training=model.training)

    return Host(
        model,
        f"2 interactions, 32x0e+32x1o, l up to 3, correlation 3, cutoff {cutoff} Å, float64; attached at `interactions.1`",
        ("mace-torch", "torch", "e3nn"),
        lambda model: attach(
            model, SymmetryBreaker(sbs.minimal_set("Oh", "C4v")), at="interactions.1", freeze=False
        ),
        graph,
        lambda atoms: data(atoms)["edge_index"].shape[1],
        ("energy", "forces"),
    )


HOSTS: dict[str, tuple[str, Callable[[], Host]]] = {
    "NequIP": ("nequip", nequip),
    "SevenNet": ("sevenn", sevennet),
    "MACE": ("mace", mace),
}


def training_step(host: Host, model: torch.nn.Module, call: Callable[[torch.nn.Module], dict[str, Any]]) -> Callable[[], None]:
    """One step of Adam on energy and forces; objects are drawn."""
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-6)

    def step() -> None:
        model.train()
        optimiser.zero_grad(set_to_none=True)
        output = call(model)
        loss = output[host.keys[0]].square().mean() + (output[host.keys[1]] - 0.1).square().mean()
        loss.backward()
        optimiser.step()

    return step


def inference(host: Host, model: torch.nn.Module, call: Callable[[torch.nn.Module], dict[str, Any]]) -> Callable[[], None]:
    """Energy and forces, the object chosen where there is one."""
    breakers = [each for each in model.modules() if isinstance(each, SymmetryBreaker)]
    chosen = torch.tensor([3])

    def run() -> None:
        model.eval()
        if breakers:
            with breakers[0].choose(chosen):
                call(model)[host.keys[1]].sum().item()
        else:
            call(model)[host.keys[1]].sum().item()

    return run


def by_turns(tasks: list[Callable[[], None]], seconds: float) -> np.ndarray:
    """Processor time (rounds, tasks): each of two tasks comes first in every other round."""
    for task in tasks * WARMING:
        task()
    times: list[list[float]] = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST_ROUNDS or time.perf_counter() < end:
        order = range(len(tasks)) if len(times) % 2 else reversed(range(len(tasks)))
        row = [0.0] * len(tasks)
        for number in order:
            start = time.process_time()
            tasks[number]()
            row[number] = time.process_time() - start
        times.append(row)
    return np.array(times)


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds (rounds, 2) of the host and of the attached model."""

    atoms: int
    edges: int
    what: str
    seconds: np.ndarray

    @property
    def ratio(self) -> float:
        """Median over the rounds."""
        return float(np.median(self.seconds[:, 1] / self.seconds[:, 0]))

    @property
    def spread(self) -> tuple[float, float]:
        """Quartiles of the ratio over the rounds."""
        low, high = np.quantile(self.seconds[:, 1] / self.seconds[:, 0], [0.25, 0.75])
        return float(low), float(high)

    def text(self) -> str:
        """The line."""
        host, attached = 1e3 * np.median(self.seconds, axis=0)
        low, high = self.spread
        return (
            f"| {self.atoms:,} | {self.edges:,} | {self.what} | {host:.1f} ms | {attached:.1f} ms | "
            f"**{self.ratio:.3f}** | {low:.3f} to {high:.3f} | {len(self.seconds)} |"
        )


def measure(host: Host, sizes: list[int], seconds: float) -> list[Row]:
    """Training and inference at every size."""
    rows = []
    attached = copy.deepcopy(host.model)
    host.attaching(attached)
    for size in sizes:
        atoms = crystal(size)
        call = host.graph(atoms)
        for what, task in (("training step", training_step), ("inference", inference)):
            tasks = [task(host, model, call) for model in (host.model, attached)]
            rows.append(Row(size, host.edges(atoms), what, by_turns(tasks, seconds)))
            print(rows[-1].text(), flush=True)
    return rows


def verdict(rows: list[Row]) -> str:
    """From which size on the bar is kept, in words."""
    sentences = []
    for what in dict.fromkeys(row.what for row in rows):
        own = sorted((row for row in rows if row.what == what), key=lambda row: row.atoms)
        kept = [n for n in range(len(own)) if all(row.ratio <= BAR for row in own[n:])]
        start = f"{own[kept[0]].atoms:,} atoms on" if kept else None
        sentences.append(f"{what}: at most {BAR} from {start}" if start else f"{what}: above {BAR} at the largest size")
    return "; ".join(sentences)


def report(name: str, host: Host, rows: list[Row]) -> str:
    """A section of Markdown."""
    lines = "\n".join(row.text() for row in rows)
    return f"""## Cost of attaching: {name}

`python benchmarks/hosts.py`; {machine(*host.packages, "numpy")}; processor time on one thread.
{name}, {host.words}. One crystal of NaCl. Required: at most {BAR} at any size that matters. Measured: {verdict(rows)}.

| atoms | edges | what | host alone | attached | ratio | quartiles of the ratio | rounds |
|---|---|---|---|---|---|---|---|
{lines}
"""


def main(arguments: list[str] | None = None) -> dict[str, list[Row]]:
    """Run from the command line; returns the rows of each host."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", nargs="+", choices=list(HOSTS), help="default: those that are installed")
    parser.add_argument("--atoms", type=int, nargs="+", default=list(CELLS), choices=list(CELLS))
    parser.add_argument("--seconds", type=float, default=60.0, help="for each line")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # the hosts' own, about themselves
    torch.set_num_threads(1)
    found = {}
    for name in options.hosts or [name for name, (package, _) in HOSTS.items() if find_spec(package)]:
        host = HOSTS[name][1]()
        found[name] = measure(host, options.atoms, options.seconds)
        write_section(report(name, host, found[name]), options.out)
    return found


if __name__ == "__main__":
    main()
