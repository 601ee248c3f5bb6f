"""Octahedral tilts: the broken symmetry includes translations, and objects are fields on the 40 sites of the 2x2x2 cell.

S has 384 elements. A smallest set has one object for each domain, 6 (I4/mcm), 8 (R-3c) or 24 (Pnma), the full one 384. One
network for three phases. An object of the whole crystal, a vector on all sites, keeps the translations whatever it is: it shows
what cannot be reached without sites.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import sbs
from benchmarks.broken_perovskites.body import Weights
from benchmarks.broken_perovskites.fits import crosswise, joined, ratio_text, rms, share_interval, training_error
from benchmarks.broken_perovskites.geometry import summed_harmonics
from benchmarks.broken_perovskites.given import Given
from benchmarks.broken_perovskites.tasks import KINDS, Phase, Task, actions_of
from benchmarks.broken_perovskites.techniques import Rule, Shown, rule_for
from benchmarks.broken_perovskites.train import Budget
from benchmarks.broken_perovskites.units import append, lines
from sbs.nn import SymmetryBreaker

__all__ = ["PHASES", "TECHNIQUES", "LearnedField", "kept_order", "measure", "rule_of", "section", "task_from", "task_of"]

#: Space group numbers.
PHASES = {"I4/mcm": 140, "R-3c": 167, "Pnma": 62}
SEEDS = (0, 1, 2)
FOLDS = 3
BUDGET = Budget(updates=300, batch=12, looks=1)
#: Å, within which an element of S keeps an output.
KEPT = 0.01

TECHNIQUES = (
    "smallest set",
    "full set",
    "learned field, nearest domain",
    "noise on each node",
    "vector on all sites",
    "none",
)
#: One for all techniques: near the best of most on the zone-centre phases; none was tuned for tilts.
RATE = 3e-2

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LearnedField:
    """A learnt vector on every site for each phase, the same for all compositions, against the nearest domain."""

    name: str = "learned field, nearest domain"
    loss: Any = "nearest"
    object_irreps: str = "1x1o"
    equivariant: bool = True
    draws: bool = False

    def weights(self, task: Task, seeds: list[int]) -> Weights:
        """The field of each phase, (M, phases, J, 3)."""
        shape = (len(task.phases), task.sites, 3)
        drawn = [np.random.default_rng(10_007 * seed + 5).normal(size=shape) for seed in seeds]
        return {"rule.object": torch.from_numpy(np.stack(drawn)).float()}

    def show(self, task: Task, items: Tensor, weights: Weights, stream: np.random.Generator) -> Shown:
        """The field of each item's phase, a root mean square of one per component."""
        fields = weights["rule.object"]
        fields = fields / fields.square().mean(dim=(2, 3), keepdim=True).sqrt()
        return Shown(fields[:, torch.from_numpy(task.phase)[items]], torch.zeros_like(items))

    def passes(self, task: Task) -> tuple[int | None, int | None]:
        """One for each element of S; by transport one."""
        return len(task.actions), 1


@lru_cache(maxsize=1)
def phases_of() -> tuple[npt.NDArray[np.int64], Array, tuple[Phase, ...]]:
    """Permutations and actions of S on the sites, and the phases, each in the domain of the labels."""
    from benchmarks.broken_perovskites.phases import subgroup

    found = []
    for name, number in PHASES.items():
        detected, kept = subgroup(name)
        symmetry_set = sbs.minimal_set(detected, kept)
        own = set(np.asarray(kept.elements).tolist())
        paired = next(k for k, t in enumerate(symmetry_set.target_of) if set(np.asarray(t.elements).tolist()) == own)
        permutations = np.asarray(detected.permutations, dtype=np.int64)
        actions = actions_of(np.asarray(detected.matrices), permutations)
        domains = _transversal(detected.group.table, sorted(own))
        found.append(Phase(name, number, symmetry_set, paired, domains, actions[sorted(own)].mean(axis=0)))
    return permutations, actions, tuple(found)


def _transversal(table: npt.ArrayLike, kept: list[int]) -> npt.NDArray[np.int64]:
    """One element of each left coset of K, the identity first."""
    cosets = np.sort(np.asarray(table)[:, kept], axis=1)
    _, first = np.unique(cosets, axis=0, return_index=True)
    return np.array([0, *sorted(int(g) for g in first if g not in kept)])


@lru_cache(maxsize=1)
def task_of(names: tuple[str, ...] | None = None) -> Task:
    """All labels of tilts that there are, or those of some compositions."""
    from benchmarks.broken_perovskites.dataset import load

    entries = [e for e in load() if e.factor == 1.0 and (names is None or e.formula in names)]
    found = [(e.numbers, e.edge, e.formula, e.phases[n]) for e in entries for n in PHASES if n in e.phases]
    chosen = [each for each in found if not each[3].collapsed]
    return task_from(
        [list(PHASES).index(label.phase) for *_, label in chosen],
        [numbers for numbers, *_ in chosen],
        [edge for _, edge, *_ in chosen],
        np.array([label.displacements for *_, label in chosen]).reshape(-1, 40, 3),
        [formula for _, _, formula, _ in chosen],
    )


def task_from(
    phase: Sequence[int], numbers: Sequence[tuple[int, int]], edges: Sequence[float], displacements: Array, names: Sequence[str]
) -> Task:
    """A task of displacement fields, float64 (items, 40, 3) Å, in the domains of `phases.subgroup`."""
    from benchmarks.broken_perovskites.phases import cubic

    permutations, actions, phases = phases_of()
    values, crystal = np.unique(np.round(edges, 6), return_inverse=True)
    structures = [cubic((56, 22), float(a), 2) for a in values]
    harmonics = np.stack([summed_harmonics(np.asarray(s.lattice), np.asarray(s.positions)) for s in structures])
    columns = [np.array([n[k] == z for n in numbers]) for k in (0, 1) for z in sorted({n[k] for n in numbers})]
    columns += [(np.array(edges) - np.mean(edges)) / max(float(np.std(edges)), 1e-3)]
    columns += [np.array(phase) == k for k in range(len(phases))]
    return Task(
        name="tilts",
        permutations=permutations,
        actions=actions,
        features=np.stack(columns, axis=1).astype(np.float64),
        cells=2 * np.eye(3) * np.array(edges)[:, None, None],
        harmonics=harmonics,
        crystal=crystal.astype(np.int64),
        phases=phases,
        phase=np.array(phase, dtype=np.int64),
        targets=displacements - displacements.mean(axis=1, keepdims=True),
        composition=tuple(names),
        held_out=tuple(names),
        kinds=KINDS * 8,
    )


def rule_of(name: str, task: Task) -> Rule:
    """A technique of this task."""
    zero = torch.zeros(len(task), dtype=torch.int64)
    number = torch.from_numpy(task.phase)
    if name == "smallest set":
        breaker = SymmetryBreaker([p.symmetry_set for p in task.phases], mode="index")
        fields = torch.stack([breaker.objects[k, p.paired] for k, p in enumerate(task.phases)])
        most = max(len(p.domains) for p in task.phases)
        return Given(name, fields[number].float(), zero, str(breaker.irreps), orbit=(most, 1))
    if name == "full set":
        fields, irreps = _full_fields(task)
        return Given(name, fields[number].float(), zero, irreps, orbit=(len(task.actions), 1))
    if name == "vector on all sites":
        vector = SymmetryBreaker(sbs.minimal_set("Oh", "C1"), mode="index").objects[0, 0].float()
        return Given(name, vector.expand(len(task), task.sites, 3), zero, "1x1o", loss="nearest")
    if name == "none":
        return Given(name, torch.zeros(len(task), task.sites, 3), zero, "1x1o")
    return LearnedField() if name == LearnedField.name else rule_for(name)


def _full_fields(task: Task) -> tuple[Tensor, str]:
    """Of the 384 fields that break all of S, for each phase the one with the largest overlap with the mean label."""
    from benchmarks.broken_perovskites.phases import parent

    full = sbs.minimal_set(parent(2), None)
    breaker = SymmetryBreaker(full, mode="index")
    objects = breaker.objects[0]
    start = next((s.start for (_, ir), s in zip(breaker.irreps, breaker.irreps.slices(), strict=True) if str(ir) == "1o"), None)
    fields = []
    for k in range(len(task.phases)):
        mean = torch.from_numpy(task.targets[task.phase == k].sum(axis=0))
        overlap = torch.zeros(len(objects)) if start is None else (objects[..., start : start + 3] * mean).sum(dim=(1, 2))
        fields.append(objects[int(overlap.argmax())])
    return torch.stack(fields), str(breaker.irreps)


def kept_order(task: Task, outputs: Array) -> npt.NDArray[np.int64]:
    """How many elements of S keep each output (items, 40, 3), Å, within `KEPT` on every atom."""
    flat = outputs.reshape(len(outputs), -1)
    found = np.zeros(len(flat), dtype=np.int64)
    for action in task.actions:
        off = (flat @ action.T - flat).reshape(outputs.shape)
        found += np.linalg.norm(off, axis=2).max(axis=1) < KEPT
    return found


def finished(store: Path) -> list[dict[str, Any]]:
    """The lines of this task."""
    return [line for line in lines(store) if line.get("kind") == "tilts"]


def compositions_of(found: Sequence[dict[str, Any]]) -> tuple[str, ...] | None:
    """The compositions that finished units were trained on: labels that came later take no part."""
    return tuple(found[0]["compositions"]) if found else None


def measure(store: Path, seeds: Sequence[int] = SEEDS) -> None:
    """Train and measure all techniques that are not in the store."""
    torch.set_num_threads(1)
    task = task_of(compositions_of(finished(store)))
    done = {(line["technique"], *line["seeds"]) for line in finished(store)}
    for seed, name in product(seeds, TECHNIQUES):
        if (name, seed) not in done:
            line = crosswise(task, rule_of(name, task), (seed,), FOLDS, RATE, BUDGET, watch=kept_order)
            append(store, {"kind": "tilts", "compositions": sorted(set(task.composition)), **line})


def table(task: Task, found: Sequence[dict[str, Any]]) -> str:
    """Errors, the ratio to the smallest set, and outputs that as many elements keep as the label."""
    by = joined(found)
    names = [p.name for p in task.phases]
    rows = [
        "| technique | training error (Å) | held out (Å) | inside Fix(K) | breaks K | ratio to the smallest set | "
        + " | ".join(f"held out, {name}" for name in names)
        + " | outputs with the order of K | passes for all domains (with symmetry) |",
        "|---|---|---|---|---|---|---|---|" + "---|" * len(names),
    ]
    wanted = np.array([len(task.actions) // len(p.domains) for p in task.phases])[task.phase]
    for name in TECHNIQUES:
        if name not in by:
            continue
        line = by[name]
        against = ratio_text(line, by.get(TECHNIQUES[0]), task)
        total = np.array(line["total"])
        each = " | ".join(f"{rms(total[:, task.phase == k]):.4f}" for k in range(len(names)))
        right = int((np.array(line["groups"])[0] == wanted).sum())
        low, high = share_interval(right, len(task))
        passes = " (".join("by chance" if p is None else str(p) for p in rule_of(name, task).passes(task)) + ")"
        rows.append(
            f"| {name} | {training_error(line):.4f} | {rms(total):.4f} | {rms(line['inside']):.4f} | "
            f"{rms(line['breaking']):.4f} | "
            f"{against} | {each} | {right} of {len(task)} ({100 * low:.0f} to {100 * high:.0f} %) | {passes} |"
        )
    return "\n".join(rows)


def section(found: Sequence[dict[str, Any]]) -> str:
    """Table and what it is of, from the finished units."""
    own = [line for line in found if line.get("kind") == "tilts"]
    if not own:
        return ""
    task = task_of(compositions_of(own))
    counts = Counter(task.phases[k].name for k in task.phase)
    mixture = ", ".join(f"{counts[p.name]} {p.name} of {len(p.domains)} domains" for p in task.phases)
    seeds = sorted({len(line["seeds"]) for line in joined(own).values()})
    text = (
        f"{len(set(task.composition))} compositions ({mixture}), 40 sites, one network for all phases; "
        f"{' or '.join(map(str, seeds))} seeds, {FOLDS} folds. The last but one column counts outputs of the first seed that are "
        f"kept, to {KEPT} Å, by as many elements of S as the label. All of it at {BUDGET.updates} updates and two layers: a "
        "training error near the held-out one says that a technique does not fit its training items yet, and its ratio is not "
        "one of generalisation."
    )
    return f"{text}\n\n{table(task, own)}"
