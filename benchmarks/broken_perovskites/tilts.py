"""Octahedral tilts: the broken symmetry includes translations, and objects are fields on the 40 sites of the 2x2x2 cell.

S has 384 elements. A smallest set has one object for each domain, 6 (I4/mcm), 8 (R-3c) or 24 (Pnma), the full one 384. One
network for three phases. An object of the whole crystal, a vector on all sites, keeps the translations whatever it is: it shows
what cannot be reached without sites.

Sets of one size differ in the irreps and sites of their objects (`site_objects`). The library's are those of least dimension:
pseudoscalars on O for I4/mcm and R-3c, vectors on A for Pnma. Beside them stands a rule that is said beforehand: the irrep of the
outputs on the sites that move, 1o on O.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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
from benchmarks.broken_perovskites.geometry import CUTOFF, summed_harmonics
from benchmarks.broken_perovskites.given import Given
from benchmarks.broken_perovskites.phases import subgroup
from benchmarks.broken_perovskites.site_objects import CHOICES, drawn_field, exact_field
from benchmarks.broken_perovskites.tasks import KINDS, Phase, Task, actions_of, elements_of
from benchmarks.broken_perovskites.techniques import Rule, Shown, rule_for
from benchmarks.broken_perovskites.train import Budget
from benchmarks.broken_perovskites.units import RATES, append, lines
from sbs.groups import FiniteGroup
from sbs.nn import SymmetryBreaker, can_break

__all__ = ["PHASES", "TECHNIQUES", "LearnedField", "kept_order", "measure", "rule_of", "section", "task_from", "task_of"]

#: Space group numbers.
PHASES = {"I4/mcm": 140, "R-3c": 167, "Pnma": 62}
FOLDS = 3
BUDGET = Budget(updates=400, batch=12, looks=1)
TUNING = Budget(updates=240, batch=12, looks=1)
#: Folds that validate in the choice of rates, two for the costs' sake; the largest rate is left out for the same reason.
VALIDATED = (1, 2)
#: Å, within which an element of S keeps an output.
KEPT = 0.01

TECHNIQUES = (
    "smallest set",
    "smallest set, 1o on O",
    "learned field, nearest domain",
    "full set",
    "full set, 1o on O",
    "noise on each node",
    "vector on all sites",
    "none",
)
#: Of what has nothing to learn.
RATE = 1e-2
#: With ten seeds.
FIRST = TECHNIQUES[:3]
#: Objects of sets of one size, and layers.
CHOSEN = (
    ("smallest set", 2),
    ("smallest set", 3),
    ("smallest set, 1o on O", 2),
    ("smallest set, 1e on B", 2),
)
#: What has no gradient at all: its outputs are zero, or keep the translations that every label breaks.
STILL = ("vector on all sites", "none")

#: For the question how many layers objects need: all irreps of the body, as many layers as are tried.
HIDDEN, MOST_LAYERS = "4x0e+4x0o+4x1o+4x1e+4x2e+4x2o", 4

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
    found = []
    for name, number in PHASES.items():
        detected, kept = subgroup(name)
        symmetry_set = sbs.minimal_set(detected, kept)
        own = set(np.asarray(kept.elements).tolist())
        paired = next(k for k, t in enumerate(symmetry_set.target_of) if set(elements_of(t).tolist()) == own)
        permutations = np.asarray(detected.permutations, dtype=np.int64)
        actions = actions_of(np.asarray(detected.matrices), permutations)
        assert isinstance(detected.group, FiniteGroup)
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
        cells_repeated=8,
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
    if name.startswith("smallest set, "):
        choice = name.removeprefix("smallest set, ")
        fields = torch.from_numpy(np.stack([exact_field(p.name, choice) for p in task.phases]))
        most = max(len(p.domains) for p in task.phases)
        return Given(name, fields[number].float(), zero, CHOICES[choice][0], orbit=(most, 1))
    if name.startswith("full set"):
        fields, irreps = _full_fields(task) if name == "full set" else _full_vectors(task)
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


def _full_vectors(task: Task) -> tuple[Tensor, str]:
    """Of the 384 images of a field of vectors on O, for each phase the one with the largest overlap with the mean label."""
    images = task.actions @ drawn_field("1o on O").reshape(-1)
    means = [task.targets[task.phase == k].sum(axis=0).reshape(-1) for k in range(len(task.phases))]
    chosen = np.stack([images[int((images @ mean).argmax())] for mean in means])
    return torch.from_numpy(chosen.reshape(len(means), task.sites, 3)), CHOICES["1o on O"][0]


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


def measure(store: Path, *, few: bool = False) -> None:
    """Train and measure all techniques that are not in the store; with ``few`` the first seeds alone."""
    torch.set_num_threads(1)
    task = task_of(compositions_of(finished(store)))
    done = {(line["technique"], line["layers"], line["rate"], *line["seeds"]) for line in finished(store)}
    more = [MANY[start : start + 3] for start in (3, 6)] + [MANY[9:]]
    # The first seeds of everything before the others, what is compared most before the rest: what a stopped run has is balanced.
    each = [*((name, 2) for name in FIRST), CHOSEN[1], ("full set", 2), *CHOSEN, *((name, 2) for name in TECHNIQUES)]
    planned = [(FEW[:1] if name in STILL else FEW, name, layers) for name, layers in dict.fromkeys(each)]
    planned += [] if few else [(seeds, name, 2) for seeds in more for name in FIRST]
    for seeds, name, layers in planned:
        rule = rule_of(name, task)
        part = "tilts" if layers == 2 else f"tilts, {layers} layers"
        still = name in STILL
        rate = RATE if still else tuned_rate(store, part, task, rule, TUNING, RATES[:-1], layers, VALIDATED)
        if (name, layers, rate, *seeds) in done:
            continue
        budget = Budget(5, BUDGET.batch, 1) if name == "none" else BUDGET  # its gradients are zero
        line = crosswise(task, rule, seeds, FOLDS, rate, budget, kept_order, layers)
        append(store, {"kind": "tilts", "compositions": sorted(set(task.composition)), **line})


def table(task: Task, found: Sequence[dict[str, Any]]) -> str:
    """Errors, the ratio to the smallest set, and outputs that as many elements keep as the label."""
    by = joined([line for line in found if line["layers"] == 2])
    names = [p.name for p in task.phases]
    rows = [
        "| technique | irreps | seeds | training error (Å) | held out (Å) | breaks K | ratio to the smallest set | "
        + " | ".join(f"held out, {name}" for name in names)
        + " | outputs with the order of K | passes for all domains (with symmetry) |",
        "|---|---|---|---|---|---|---|---|---|" + "---|" * len(names),
    ]
    wanted = np.array([len(task.actions) // len(p.domains) for p in task.phases])[task.phase]
    for name in TECHNIQUES:
        if name not in by:
            continue
        line, rule = by[name], rule_of(name, task)
        against = ratio_text(line, by.get(TECHNIQUES[0]), task)
        total = np.array(line["total"])
        each = " | ".join(f"{rms(total[:, task.phase == k]):.4f}" for k in range(len(names)))
        right = share_told(np.array(line["groups"]) == wanted, task.composition)
        passes = " (".join("by chance" if p is None else str(p) for p in rule.passes(task)) + ")"
        rows.append(
            f"| {name} | {rule.object_irreps} | {len(line['seeds'])} | {training_error(line):.4f} | {rms(total):.4f} | "
            f"{rms(line['breaking']):.4f} | {against} | {each} | {right} | {passes} |"
        )
    return "\n".join(rows)


def chosen_table(task: Task, found: Sequence[dict[str, Any]]) -> str:
    """Objects of sets of one size, and layers: errors of the first seeds of each, by phase."""
    names = [p.name for p in task.phases]
    rows = [
        "| objects | layers | parameters | training error (Å) | held out (Å) | "
        + " | ".join(f"held out, {name}" for name in names)
        + " | ratio to the smallest set, 2 layers |",
        "|---|---|---|---|---|---|" + "---|" * len(names),
    ]
    own = {(line["technique"], line["layers"]): line for line in found if tuple(line["seeds"]) == FEW}
    for name, layers in CHOSEN:
        if (name, layers) not in own:
            continue
        line = own[name, layers]
        total = np.array(line["total"])
        each = " | ".join(f"{rms(total[:, task.phase == k]):.4f}" for k in range(len(names)))
        against = ratio_text(line, own.get(CHOSEN[0]), task)
        rows.append(
            f"| {name} | {layers} | {line['parameters']} | {training_error(line):.4f} | {rms(total):.4f} | {each} | {against} |"
        )
    return "\n".join(rows)


def objects_told(task: Task) -> str:
    """What the library's smallest sets of the phases consist of."""
    kinds = np.array(list("ABO"))[list(task.kinds)]
    told = []
    for phase in task.phases:
        carried = np.abs(np.asarray(phase.symmetry_set.objects)).max(axis=(0, 2)) > 0
        told.append(f"{phase.symmetry_set.irreps} on {' and '.join(sorted(set(kinds[carried])))} for {phase.name}")
    return ", ".join(told)


def layers_needed(task: Task) -> str:
    """Hidden layers before that of the output without which the objects of a phase's set give no displacements."""
    told = []
    for phase in task.phases:
        crystal, _ = subgroup(phase.name)
        given = ("3x0e", HIDDEN, "1x1o", phase.symmetry_set)
        least = next(n for n in range(MOST_LAYERS + 1) if can_break(*given, layers=n, crystal=crystal, cutoff=CUTOFF))
        told.append(f"{least} for {phase.name}")
    return ", ".join(told)


def section(found: Sequence[dict[str, Any]]) -> str:
    """Tables and what they are of, from the finished units."""
    own = [line for line in found if line.get("kind") == "tilts"]
    if not own:
        return ""
    task = task_of(compositions_of(own))
    counts = Counter(task.phases[k].name for k in task.phase)
    mixture = ", ".join(f"{counts[p.name]} {p.name} of {len(p.domains)} domains" for p in task.phases)
    text = (
        f"{len(set(task.composition))} compositions ({mixture}), 40 sites, one network for all phases; {FOLDS} folds, "
        f"{BUDGET.updates} updates of {BUDGET.batch} items, two layers. The last but one column counts outputs of all seeds "
        f"that are kept, to {KEPT} Å, by as many elements of S as the label (95 %). The library's objects are "
        f"{objects_told(task)}, the irreps of least dimension that leave exactly K. Through e3nn's convolutions they give "
        f"displacements behind at least so many hidden layers (`sbs.nn.can_break`): {layers_needed(task)}; the body here, which "
        'multiplies each node with its object behind every message, may do with fewer. "1o on O" is the set of the same size '
        "whose objects have the irrep of the outputs on the sites that move. A training error near the held-out one says that "
        "a technique does not fit its training items yet, and its ratio is not one of generalisation."
    )
    chosen = (
        f"Sets of one size with other objects, and one more layer (more parameters, in the table); {len(FEW)} seeds, each with a "
        "learning rate of its own:"
    )
    return f"{text}\n\n{table(task, own)}\n\n{chosen}\n\n{chosen_table(task, own)}"
