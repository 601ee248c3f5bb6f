"""How far above the relaxed phase an output lies in energy, by the potential that made the labels, for a sample.

``python -m benchmarks.broken_perovskites energies`` needs sevenn (``pip install ".[relax,potentials]"``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.broken_perovskites import plan
from benchmarks.broken_perovskites.tasks import IDEAL_SITES, Task
from benchmarks.broken_perovskites.units import append, lines

__all__ = ["Energies", "drop_outputs", "measure"]


class Energies:
    """Energies of displaced crystals of a task, eV per formula unit; those of the labels are kept.

    Args:
        numbers: atomic numbers (A, B) of each item.
        calculator: of ASE.
    """

    def __init__(self, task: Task, numbers: Sequence[tuple[int, int]], calculator: Any) -> None:
        self.task, self.numbers, self.calculator = task, numbers, calculator
        self.labels: dict[int, float] = {}

    def energy(self, item: int, moved: npt.NDArray[np.float64]) -> float:
        """Of one item with displacements (5, 3), Å."""
        from ase import Atoms

        cell = self.task.cells[item]
        a, b = self.numbers[item]
        atoms = Atoms([a, b, 8, 8, 8], positions=IDEAL_SITES @ cell + moved, cell=cell, pbc=True)
        atoms.calc = self.calculator
        return float(atoms.get_potential_energy())

    def above(self, items: Sequence[int], outputs: npt.NDArray[np.float64]) -> list[float]:
        """Energies of outputs (items, 5, 3), Å, minus those of the labels at the same cell."""
        for item in items:
            if item not in self.labels:
                self.labels[item] = self.energy(item, self.task.targets[item])
        return [self.energy(i, out) - self.labels[i] for i, out in zip(items, outputs, strict=True)]


def measure(store: Path) -> None:
    """Of the outputs that are kept for every technique, one line for each that is not there yet; then the outputs go."""
    from benchmarks.broken_perovskites.dataset import load
    from benchmarks.summed_images import sevennet

    numbers = {entry.formula: entry.numbers for entry in load()}
    calculator = sevennet()
    found = list(lines(store))
    done = {(line["task"], line["technique"], line["items"]) for line in found if line.get("kind") == "energy"}
    tasks: dict[str, Energies] = {}
    for line in found:
        if line.get("kind") != "train" or "sample" not in line:
            continue
        name = line["task"]
        if name not in tasks:
            task = plan.task_for(name)
            tasks[name] = Energies(task, [numbers[each] for each in task.composition], calculator)
        if (name, line["technique"], line["items"]) in done or line["items"] != len(tasks[name].task):
            continue
        items, outputs = line["sample"]["items"], np.array(line["sample"]["outputs"])
        known = {"kind": "energy", "task": name, "technique": line["technique"], "items": line["items"]}
        values = np.round(tasks[name].above(items, outputs), 4).tolist()
        append(store, {**known, "sampled": items, "above": values})
    drop_outputs(store)


def drop_outputs(store: Path) -> None:
    """Take the outputs out of the lines whose energies are known: they are most of the file."""
    found = list(lines(store))
    known = {(line["task"], line["technique"], line["items"]) for line in found if line.get("kind") == "energy"}
    kept = [
        {name: value for name, value in line.items() if name != "sample"}
        if line.get("kind") == "train" and (line["task"], line["technique"], line["items"]) in known
        else line
        for line in found
    ]
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in kept)
    whole = store.with_suffix(".part")
    whole.write_text(text, encoding="utf-8")
    whole.replace(store)
