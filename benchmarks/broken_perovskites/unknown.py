"""K changes with the composition and is not told: the label is the lowest of P4mm, Amm2 and R3m.

The question that a smallest set answers takes K as known. Here it is not, and the honest choices are: the set of one K, which
is wrong for the compositions of another; the set of what all three phases keep, a mirror (24 objects); the full set (48); or
an object that belongs to no K, learnt or drawn. The phase as an input, with the smallest set of each K, shows what knowing K is
worth.

The three domains that go with an object are neighbours: their axes, [001], [110] and [111], lie in the object's mirror plane.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import sbs
from benchmarks.broken_perovskites.body import Weights
from benchmarks.broken_perovskites.fits import (
    FEW,
    MANY,
    crosswise,
    joined,
    ratio_text,
    rms,
    share_told,
    training_error,
    tuned_rate,
)
from benchmarks.broken_perovskites.given import Given
from benchmarks.broken_perovskites.tasks import IDEAL_SITES, Task, cubic_task
from benchmarks.broken_perovskites.techniques import Learned, Rule, Shown, rule_for
from benchmarks.broken_perovskites.train import Budget
from benchmarks.broken_perovskites.units import append, lines
from sbs.nn import SymmetryBreaker, site_permutations
from sbs.sets.minimal_set import MinimalSet

__all__ = ["AXES", "TECHNIQUES", "measure", "rule_of", "section", "task_of"]

#: Polar axes of the domains that are shown, all in the mirror plane x = y.
AXES = {"P4mm": (0.0, 0.0, 1.0), "Amm2": (1.0, 1.0, 0.0), "R3m": (1.0, 1.0, 1.0)}
FOLDS = 3
BUDGET = Budget(updates=600, batch=16, looks=1)
TUNING = Budget(updates=300, batch=16, looks=1)

#: In the order of the table; "K told" alone sees the phase.
TECHNIQUES = (
    "smallest set of each K, K told",
    "smallest set of the most frequent K",
    "smallest set of what all K share",
    "full set",
    "learned vector, nearest domain",
    "learned vector, paired",
    "random vector on the sphere",
    "noise on each node",
    "none",
)
#: Those of the first kind get ten seeds: the set, the full set, the learnt vector.
FIRST = ("smallest set of what all K share", "full set", "learned vector, nearest domain")
BASE = "smallest set of what all K share"
#: Of what has nothing to learn.
RATE = 1e-2


@lru_cache(maxsize=1)
def task_of() -> Task:
    """Every composition that is unstable at Γ, its lowest phase as the label; features do not tell the phase."""
    from ase.data import chemical_symbols

    from benchmarks.broken_perovskites.dataset import load
    from benchmarks.broken_perovskites.phases import polar_axis

    which, species, edges, fields, names = [], [], [], [], []
    phases = list(AXES)
    turns = {name: _turn(polar_axis(name), AXES[name]) for name in phases}
    for entry in load():
        own = [entry.phases.get(name) for name in phases]
        if entry.factor != 1.0 or any(label is None or label.collapsed for label in own):
            continue
        number = int(np.argmin([label.energy for label in own if label is not None]))
        label = own[number]
        assert label is not None
        matrix, places = turns[phases[number]]
        moved = np.zeros((5, 3))
        moved[places] = label.displacements @ matrix.T
        which.append(number)
        species.append((chemical_symbols[entry.numbers[0]], chemical_symbols[entry.numbers[1]]))
        edges.append(entry.edge)
        fields.append(moved)
        names.append(entry.formula)
    axes = [list(AXES[name]) for name in phases]
    told = cubic_task("unknown", phases, np.array(which), species, np.array(edges), np.array(fields), names, axes)
    return replace(told, features=told.features[:, : -len(phases)])


def told(task: Task) -> Task:
    """The same task with the phase among the features."""
    return replace(task, features=np.concatenate([task.features, np.eye(len(task.phases))[task.phase]], axis=1))


def _turn(
    axis: npt.NDArray[np.float64], wanted: Sequence[float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """A rotation of the cube that takes one polar axis to another, and where it takes the sites."""
    direction = np.array(wanted) / np.linalg.norm(wanted)
    matrices = np.asarray(sbs.point_group("O").matrices)
    number = int(np.linalg.norm(matrices @ axis - direction, axis=1).argmin())
    return matrices[number], site_permutations(IDEAL_SITES, matrices, cell=np.eye(3))[number]


def shared_set() -> MinimalSet:
    """Of the mirror x = y, which the three shown domains have in common."""
    mirror = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    return sbs.minimal_set("Oh", mirror[None])


def _nearest_object(found: MinimalSet) -> npt.NDArray[np.float64]:
    """The object that lies best between the three axes."""
    axes = np.array([np.array(a) / np.linalg.norm(a) for a in AXES.values()])
    objects = np.asarray(found.objects)
    return np.asarray(objects[(objects @ axes.T).min(axis=1).argmax()])


def _same(name: str, task: Task, vector: npt.NDArray[np.float64], size: int) -> Given:
    """One vector for all items, against the stored domains."""
    scaled = torch.from_numpy(vector * 3**0.5 / np.linalg.norm(vector)).float()
    shown = scaled.expand(len(task), task.sites, 3)
    return Given(name, shown, torch.zeros(len(task), dtype=torch.int64), "1x1o", orbit=(size, 1))


class OneVector(Learned):
    """One learnt vector for all items: one for each phase would tell the phase."""

    def weights(self, task: Task, seeds: list[int]) -> Weights:
        """Of a task with a single phase."""
        return super().weights(replace(task, phases=task.phases[:1]), seeds)

    def show(self, task: Task, items: Tensor, weights: Weights, stream: np.random.Generator) -> Shown:
        """The vector, against the stored domain, whatever the phase is."""
        return super().show(replace(task, phase=np.zeros_like(task.phase)), items, weights, stream)


def rule_of(name: str, task: Task) -> Rule:
    """A technique of this task."""
    if name == "smallest set of each K, K told":
        vectors = [SymmetryBreaker(p.symmetry_set, mode="index").objects[0, p.paired] for p in task.phases]
        shown = torch.stack(vectors)[torch.from_numpy(task.phase)].float()[:, None].expand(-1, task.sites, -1)
        return Given(name, shown, torch.zeros(len(task), dtype=torch.int64), "1x1o", orbit=(12, 1))
    if name == "smallest set of the most frequent K":
        number = Counter(task.phase.tolist()).most_common(1)[0][0]
        phase = task.phases[number]
        return _same(name, task, np.asarray(phase.symmetry_set.objects)[phase.paired], int(phase.symmetry_set.size))
    if name == BASE:
        found = shared_set()
        return _same(name, task, _nearest_object(found), int(found.size))
    if name == "full set":
        full = sbs.minimal_set("Oh", "C1")
        return _same(name, task, _nearest_object(full), int(full.size))
    rule = rule_for(name)
    return OneVector(rule.name, rule.loss) if isinstance(rule, Learned) else rule


def finished(store: Path) -> list[dict[str, Any]]:
    """The lines of this task."""
    return [line for line in lines(store) if line.get("kind") == "unknown"]


def measure(store: Path, *, few: bool = False) -> None:
    """Train and measure all techniques that are not in the store; with ``few`` the first seeds alone."""
    torch.set_num_threads(1)
    task = task_of()
    done = {(line["technique"], *line["seeds"]) for line in finished(store) if line["items"] == len(task)}
    # The first seeds of all techniques before the others: what a stopped run has is balanced.
    planned = [(FEW, name) for name in TECHNIQUES] + ([] if few else [(MANY[len(FEW) :], name) for name in FIRST])
    for seeds, name in planned:
        if (name, *seeds) not in done:
            rule = rule_of(name, task)
            own = told(task) if name.endswith("K told") else task
            rate = RATE if name == "none" else tuned_rate(store, "unknown", own, rule, TUNING)
            budget = Budget(5, BUDGET.batch, 1) if name == "none" else BUDGET  # its gradients are zero
            append(store, {"kind": "unknown", **crosswise(own, rule, seeds, FOLDS, rate, budget)})


def table(task: Task, found: Sequence[dict[str, Any]]) -> str:
    """Errors, the ratio to the set of what all K share, and how many outputs have the label's space group."""
    by = joined([line for line in found if line["items"] == len(task)])
    wanted = np.array([p.number for p in task.phases])[task.phase]
    head = [f"right of {p.name}" for p in task.phases]
    rows = [
        "| technique | seeds | training error (Å) | held out (Å) | ratio to the set of what all K share | " + " | ".join(head)
        + " | passes for all domains (with symmetry) |",
        "|---|---|---|---|---|" + "---|" * (len(head) + 1),
    ]  # fmt: skip
    for name in TECHNIQUES:
        if name not in by:
            continue
        line = by[name]
        against = ratio_text(line, by.get(BASE), task)
        groups = np.array(line["groups"])
        right = [
            f"{int((groups[:, wanted == p.number] == p.number).sum())} of {groups[:, wanted == p.number].size}"
            for p in task.phases
        ]
        passes = " (".join("by chance" if p is None else str(p) for p in rule_of(name, task).passes(task)) + ")"
        errors = f"{training_error(line):.4f} | {rms(line['total']):.4f}"
        rows.append(f"| {name} | {len(line['seeds'])} | {errors} | {against} | {' | '.join(right)} | {passes} |")
    return "\n".join(rows)


def section(found: Sequence[dict[str, Any]]) -> str:
    """Table and what it says, from the finished units."""
    own = [line for line in found if line.get("kind") == "unknown"]
    if not own:
        return ""
    task = task_of()
    counts = Counter(task.phases[k].name for k in task.phase)
    mixture = ", ".join(f"{counts[p.name]} {p.name}" for p in task.phases)
    wanted = np.array([p.number for p in task.phases])[task.phase]
    by = joined([line for line in own if line["items"] == len(task)])
    says = [
        f"{name} {share_told(np.array(by[name]['groups']) == wanted, task.composition)}" for name in TECHNIQUES if name in by
    ]
    seeds = sorted({len(line["seeds"]) for line in by.values()})
    text = (
        f"{len(task)} compositions, the label being the lowest of three phases ({mixture}); "
        f"{' or '.join(map(str, seeds))} seeds, {FOLDS} folds, {BUDGET.updates} updates. Outputs with the label's space "
        f"group at 0.03 Å, all seeds (95 % intervals): {'; '.join(says)}."
    )
    return f"{text}\n\n{table(task, own)}"
