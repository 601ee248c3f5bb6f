"""Which tasks are made of the data, and which units are trained, in what order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.broken_perovskites.tasks import Task, cubic_task
from benchmarks.broken_perovskites.techniques import TECHNIQUES, rule_for
from benchmarks.broken_perovskites.units import TUNING_SEEDS, Unit

__all__ = ["FIRST", "TASKS", "depth_units", "task_for", "train_units", "tune_units", "updates_of"]

#: Folds of the comparison, for two cores' sake few, and of the choice of rates.
FOLDS, TUNING_FOLDS = 3, 5
#: Of each task: three phases by one network take more.
UPDATES = {"constants": 600, "compositions": 600, "phases": 900}
BATCH = 16
#: Rates are chosen with fewer updates.
TUNING_UPDATES = 400
#: A perceptron costs a hundredth of the body: it gets this many times more updates, so as not to lose by haste.
HASTE = 5
#: Seeds of the techniques in question, and of the others.
MANY, FEW = tuple(range(10)), tuple(range(3))
FIRST = tuple(rule.name for rule in TECHNIQUES[:3])
#: Depths that are tried, on the training data alone.
DEPTHS = (1, 2, 3)
DEPTH_TASKS = ("constants", "phases")
DEPTH_UPDATES = 450
DEEP = (
    "smallest set",
    "full set, nearest pairing",
    "full set, other pairing",
    "learned vector, nearest domain",
    "random vector on the sphere",
)


def _zone_centre(name: str, phases: Sequence[str], series: bool) -> Task:
    from ase.data import chemical_symbols

    from benchmarks.broken_perovskites.dataset import load
    from benchmarks.broken_perovskites.phases import polar_axis

    which, species, edges, fields, held = [], [], [], [], []
    entries = load()
    with_series = {entry.formula for entry in entries if entry.factor != 1.0}
    for entry in entries:
        if (series and entry.formula not in with_series) or (not series and entry.factor != 1.0):
            continue
        for number, phase in enumerate(phases):
            label = entry.phases.get(phase)
            if label is None or label.collapsed:
                continue
            which.append(number)
            species.append((chemical_symbols[entry.numbers[0]], chemical_symbols[entry.numbers[1]]))
            edges.append(entry.edge)
            fields.append(label.displacements)
            held.append(f"{entry.formula} {entry.factor}" if series else entry.formula)
    axes = [polar_axis(phase).tolist() for phase in phases]
    return cubic_task(name, phases, np.array(which), species, np.array(edges), np.array(fields), held, axes)


#: (i) to (iii); what is held out together is one crystal at one lattice constant, or one composition.
TASKS: dict[str, Callable[[], Task]] = {
    "constants": lambda: _zone_centre("constants", ["P4mm"], True),
    "compositions": lambda: _zone_centre("compositions", ["P4mm"], False),
    "phases": lambda: _zone_centre("phases", ["P4mm", "Amm2", "R3m"], False),
}


@lru_cache(maxsize=2)
def task_for(name: str) -> Task:
    """A task by its name."""
    return TASKS[name]()


def tune_units(task: str, updates: int = TUNING_UPDATES) -> Iterator[Unit]:
    """One for each technique that learns anything."""
    for rule in TECHNIQUES:
        if rule.name != "none":
            yield Unit("tune", task, rule.name, TUNING_SEEDS, TUNING_FOLDS, 2, _updates(rule.name, updates), BATCH)


def train_units(task: str, updates: int | None = None) -> Iterator[Unit]:
    """First few seeds of all techniques, then the others of the first three: what a stopped run has is balanced."""
    updates = updates_of(task) if updates is None else updates
    for rule in TECHNIQUES:
        yield Unit("train", task, rule.name, FEW, FOLDS, 2, _updates(rule.name, updates), BATCH)
    for name in FIRST:
        yield Unit("train", task, name, MANY[len(FEW) :], FOLDS, 2, updates, BATCH)


def updates_of(task: str) -> int:
    """Of the body; those of a task that is not in the plan are as few as any."""
    return UPDATES.get(task, min(UPDATES.values()))


def _updates(technique: str, updates: int) -> int:
    # Without anything that breaks symmetry outputs are zero, and so are gradients.
    return min(updates, 5) if technique == "none" else updates if rule_for(technique).equivariant else HASTE * updates


def depth_units(task: str, updates: int = DEPTH_UPDATES) -> Iterator[Unit]:
    """Trained on all items, for the tasks in which depth is measured."""
    if task in UPDATES and task not in DEPTH_TASKS:
        return
    for layers in DEPTHS:
        for name in DEEP:
            yield Unit("depth", task, name, FEW, 1, layers, updates, BATCH)


def data_file() -> Path:
    """Where the labels are."""
    from benchmarks.broken_perovskites.dataset import DATA

    return DATA
