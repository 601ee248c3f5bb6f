"""How far above the relaxed phase an output lies in energy, by the potential that made the labels, for a sample.

``python -m benchmarks.broken_perovskites energies`` needs sevenn (``pip install ".[relax,potentials]"``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.broken_perovskites import plan
from benchmarks.broken_perovskites.tasks import IDEAL_SITES, Task
from benchmarks.broken_perovskites.units import append, lines

__all__ = ["above", "measure"]


def above(
    task: Task, items: Sequence[int], outputs: npt.NDArray[np.float64], numbers: Sequence[tuple[int, int]], calculator: Any
) -> list[float]:
    """Energies of outputs (items, 5, 3), Å, minus those of the labels at the same cell, eV per formula unit."""
    from ase import Atoms

    def energy(item: int, moved: npt.NDArray[np.float64]) -> float:
        cell = task.cells[item]
        a, b = numbers[item]
        atoms = Atoms([a, b, 8, 8, 8], positions=IDEAL_SITES @ cell + moved, cell=cell, pbc=True, calculator=calculator)
        return float(atoms.get_potential_energy())

    return [energy(i, out) - energy(i, task.targets[i]) for i, out in zip(items, outputs, strict=True)]


def measure(store: Path) -> None:
    """Of the outputs that are kept for every technique, one line for each that is not there yet."""

    from benchmarks.broken_perovskites.dataset import load
    from benchmarks.summed_images import sevennet

    numbers = {entry.formula: entry.numbers for entry in load()}
    calculator = sevennet()
    found = list(lines(store))
    done = {(line["task"], line["technique"], line["items"]) for line in found if line.get("kind") == "energy"}
    for line in found:
        if line.get("kind") != "train" or 0 not in line["seeds"]:
            continue
        task = plan.task_for(line["task"])
        key = (line["task"], line["technique"], line["items"])
        if key in done or line["items"] != len(task):
            continue
        pairs = [numbers[name] for name in task.composition]
        items, outputs = line["sample"]["items"], np.array(line["sample"]["outputs"])
        values = above(task, items, outputs, pairs, calculator)
        names = [task.composition[i] for i in items]
        append(
            store,
            {
                "kind": "energy",
                "task": line["task"],
                "technique": line["technique"],
                "items": line["items"],
                "compositions": names,
                "above": np.round(values, 4).tolist(),
            },
        )
