"""Inputs whose symmetry is hidden: atoms off their sites by noise, and crystals in an orientation never seen.

*Noise.* The input is the cubic crystal with Gaussian noise on each coordinate, the label the P4mm displacement of the clean one.
Noise breaks the symmetry by itself, so that a network without any object can answer; whether it answers well is the question. The
other way is to find the hidden symmetry with a tolerance, `sbs.detect`, and to use the set of what is found, with the noisy
sites as input or with those of the symmetry found.

*Orientation.* Crystals turned by rotations drawn from SO(3), with their labels. An equivariant network with the set of the
detected turned crystal needs no training for it; a perceptron has what its augmentation gave it: turns of the cube, or turns at
large.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

import sbs
from benchmarks.broken_perovskites.body import Body
from benchmarks.broken_perovskites.fits import (
    FEW,
    MANY,
    crosswise,
    fit,
    joined,
    ratio_text,
    rms,
    share_interval,
    training_error,
    tuned_rate,
)
from benchmarks.broken_perovskites.geometry import Messages, scales_of, summed_harmonics
from benchmarks.broken_perovskites.given import Given
from benchmarks.broken_perovskites.tasks import IDEAL_SITES, UNIT, Task, cubic_task
from benchmarks.broken_perovskites.techniques import Rule, rule_for
from benchmarks.broken_perovskites.train import Budget, Trained
from benchmarks.broken_perovskites.units import DIGITS, PERCEPTRON_RATES, RATES, append, lines
from sbs.errors import SymmetryBreakingError
from sbs.nn import SymmetryBreaker

__all__ = [
    "LEVELS",
    "TECHNIQUES",
    "TURNED",
    "detected_share",
    "measure",
    "noisy_task",
    "section",
    "turned_errors",
    "turned_task",
]

Array = npt.NDArray[np.float64]

#: Å, standard deviation of each coordinate.
LEVELS = (0.0, 0.02, 0.05, 0.1)
#: Å, of the detection.
TOLERANCES = (0.02, 0.1, 0.3, 0.6)
#: Compositions that take part, and of them those whose detection and turned copies are looked at.
COMPOSITIONS, SAMPLE = 96, 24
FOLDS = 3
BUDGET = Budget(updates=500, batch=16, looks=1)
TUNING = Budget(updates=250, batch=16, looks=1)
#: Folds that validate in the choice of rates on noisy sites, one for the costs' sake; the largest rate is left out likewise.
VALIDATED = (1,)
#: A perceptron's update costs a hundredth of the body's.
LONG = Budget(updates=4000, batch=64, looks=1)
LONG_TUNING = Budget(updates=1500, batch=64, looks=1)
#: Orientations of each composition that a perceptron is trained on, and on which everything is tested.
ORIENTATIONS, TESTED = 8, 3

TECHNIQUES = (
    "smallest set, sites of the symmetry found",
    "smallest set, noisy sites",
    "learned vector, nearest domain",
    "no object, nearest domain",
)
BASE = TECHNIQUES[1]
#: With ten seeds.
FIRST = TECHNIQUES[:3]
TURNED = ("smallest set", "perceptron, turns of the cube", "perceptron, turns at large")


@lru_cache(maxsize=1)
def clean_task() -> Task:
    """Compositions drawn among those with a P4mm phase, without noise."""
    from ase.data import chemical_symbols

    from benchmarks.broken_perovskites.dataset import load

    found = [e for e in load() if e.factor == 1.0 and "P4mm" in e.phases and not e.phases["P4mm"].collapsed]
    chosen = sorted(np.random.default_rng(5).permutation(len(found))[:COMPOSITIONS])
    entries = [found[k] for k in chosen]
    species = [(chemical_symbols[e.numbers[0]], chemical_symbols[e.numbers[1]]) for e in entries]
    edges, fields = np.array([e.edge for e in entries]), np.array([e.phases["P4mm"].displacements for e in entries])
    formulas = [e.formula for e in entries]
    return cubic_task("noise", ["P4mm"], np.zeros(len(entries), dtype=np.int64), species, edges, fields, formulas)


def noisy_positions(task: Task) -> Array:
    """Sites of every composition at every level, Å, (items, LEVELS, J, 3)."""
    edges = task.cells[:, 0, 0]
    drawn = np.random.default_rng(6).normal(size=(len(task), len(LEVELS), task.sites, 3))
    return IDEAL_SITES * edges[:, None, None, None] + drawn * np.array(LEVELS)[:, None, None]


def noisy_task(clean: Task | None = None, *, symmetrised: bool = False) -> Task:
    """Every composition at every level; ``symmetrised`` shows the clean crystal in place of the noisy one."""
    task = clean_task() if clean is None else clean
    count, levels = len(task), len(LEVELS)
    own = np.repeat(np.arange(count), levels)
    if symmetrised:
        harmonics, crystal = task.harmonics, task.crystal[own]
    else:
        positions = noisy_positions(task).reshape(-1, task.sites, 3)
        harmonics = np.stack([summed_harmonics(task.cells[k], p) for k, p in zip(own, positions, strict=True)])
        crystal = np.arange(len(own))
    return replace(
        task,
        features=task.features[own],
        cells=task.cells[own],
        harmonics=harmonics,
        crystal=crystal,
        phase=task.phase[own],
        targets=task.targets[own],
        composition=tuple(task.composition[k] for k in own),
        held_out=tuple(task.held_out[k] for k in own),
    )


def rule_of(name: str, task: Task) -> Rule:
    """A technique of the noisy task."""
    if name.startswith("smallest set"):
        return replace(_vector(task), name=name)
    if name == "no object, nearest domain":
        nothing = torch.zeros(len(task), task.sites, 3)
        return Given(name, nothing, torch.zeros(len(task), dtype=torch.int64), "1x1o", loss="nearest")
    return rule_for(name)


def _vector(task: Task) -> Given:
    """The object of the stored domain for every item."""
    phase = task.phases[0]
    vector = SymmetryBreaker(phase.symmetry_set, mode="index").objects[0, phase.paired].float()
    shown = vector.expand(len(task), task.sites, 3)
    return Given("smallest set", shown, torch.zeros(len(task), dtype=torch.int64), "1x1o")


def detected_share(task: Task, level: int, tolerance: float) -> tuple[int, int]:
    """(found, asked): of a sample of noisy crystals those in which the cubic group is found with a tolerance."""
    found = 0
    for item in range(min(SAMPLE, len(task))):
        sites = noisy_positions(task)[item, level] @ np.linalg.inv(task.cells[item])
        try:
            found += sbs.detect((task.cells[item], sites, [56, 22, 8, 8, 8]), tolerance=tolerance).group.order == 48
        except SymmetryBreakingError:
            continue
    return found, min(SAMPLE, len(task))


# --- orientation ------------------------------------------------------------------------------------------------------


def rotations(count: int, seed: int) -> Array:
    """Uniform on SO(3), from unit quaternions."""
    q = np.random.default_rng(seed).normal(size=(count, 4))
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def turned_task(clean: Task, turns: Literal["cube", "large"], count: int = ORIENTATIONS) -> tuple[Task, Given]:
    """Each composition in some orientations, label and object turned with it, for a network that is not equivariant.

    Turns of the cube leave the cell and permute the sites: augmentation by the crystal's own operations.
    """
    own = np.repeat(np.arange(len(clean)), count)
    stream = np.random.default_rng(8)
    matrices = np.asarray(sbs.point_group("Oh").matrices)
    flat = clean.targets.reshape(len(clean), -1)[own]
    if turns == "cube":
        drawn = stream.integers(len(matrices), size=len(own))
        turn = matrices[drawn]
        moved = np.einsum("nij,nj->ni", clean.actions[drawn], flat).reshape(len(own), -1, 3)
        cells = clean.cells[own]
    else:
        turn = rotations(len(own), 9)
        moved = flat.reshape(len(own), -1, 3) @ turn.transpose(0, 2, 1)
        cells = clean.cells[own] @ turn.transpose(0, 2, 1)
    phase = replace(clean.phases[0], domains=clean.phases[0].domains[:1])
    task = replace(
        clean,
        features=clean.features[own],
        cells=cells,
        crystal=clean.crystal[own],
        phases=(phase,),
        phase=clean.phase[own],
        targets=moved,
        composition=tuple(clean.composition[k] for k in own),
        held_out=tuple(clean.held_out[k] for k in own),
    )
    vector = _vector(clean).objects[0, 0].numpy()
    shown = torch.from_numpy(turn @ vector).float()[:, None].expand(-1, clean.sites, -1)
    name = f"perceptron, turns {'of the cube' if turns == 'cube' else 'at large'}"
    return task, Given(name, shown, torch.zeros(len(own), dtype=torch.int64), "1x1o", equivariant=False)


def turned_errors(clean: Task, trained: Trained, turn: Array, item: int) -> Array:
    """Errors of networks for one crystal in an orientation, Å per atom, (networks,), against the nearest turned domain.

    Everything is found from the turned crystal alone: its group by `sbs.detect`, the set in its frame, one object of it.
    """
    cell = clean.cells[item] @ turn.T
    detected = sbs.detect((cell, IDEAL_SITES, [56, 22, 8, 8, 8]))
    breaker = SymmetryBreaker(sbs.minimal_set(detected, "C4v"), mode="index")
    vector = breaker.objects[0, 0].float().expand(1, 1, clean.sites, 3)
    features = torch.from_numpy(clean.features[item : item + 1]).float()
    with torch.no_grad():
        if isinstance(trained.network, Body):
            harmonics = summed_harmonics(cell, IDEAL_SITES @ cell)[None]
            messages = Messages.of(harmonics, clean.messages.neighbourhood, scales_of(clean.harmonics))
            kinds = torch.tensor(clean.kinds)
            found = trained.network(trained.weights, messages.to(torch.float32), features, kinds, vector)
        else:
            cells = torch.from_numpy(cell).float()[None, None] / 4.0
            found = trained.network(trained.weights, cells, features, vector[:, :, 0])
    domains = clean.domain_targets()[item].double().numpy() @ turn.T
    off = found.double().numpy()[:, 0][:, None] - domains[None]
    return np.asarray(np.sqrt(np.square(off).sum(axis=(2, 3)).min(axis=1) / clean.sites) * UNIT)


def _orientation_line(name: str, seeds: tuple[int, ...], store: Path) -> dict[str, Any]:
    """A technique as trained, tested on held-out compositions upright and turned, (seeds, sample, orientations)."""
    clean = clean_task()
    if name == "smallest set":
        task, rule, budget = clean, _vector(clean), BUDGET
        rate = tuned_rate(store, "orientation", task, rule, TUNING)
    else:
        task, rule = turned_task(clean, "cube" if "cube" in name else "large")
        budget, rate = LONG, tuned_rate(store, "orientation", task, rule, LONG_TUNING, PERCEPTRON_RATES)
    trained, held = fit(task, rule, seeds, FOLDS, rate, budget)
    out = {held_name: np.flatnonzero(held[:, k]) for k, held_name in enumerate(task.held_out)}
    turns = rotations(TESTED, 10)
    upright, turned = [], []
    sample = np.arange(0, len(clean), max(1, len(clean) // SAMPLE))[:SAMPLE]
    for item in sample:
        networks = out[clean.held_out[item]]  # of each seed the one that did not see it
        upright.append(turned_errors(clean, trained, np.eye(3), item)[networks])
        turned.append([turned_errors(clean, trained, turn, item)[networks] for turn in turns])
    return {
        "kind": "noise",
        "part": "orientation",
        "technique": name,
        "seeds": list(seeds),
        "items": len(clean),
        "updates": budget.updates,
        "rate": rate,
        "train": [float(x) for x in trained.progress[-1][1]],
        "upright": np.round(np.array(upright).T * DIGITS).astype(int).tolist(),
        "turned": np.round(np.moveaxis(np.array(turned), 2, 0) * DIGITS).astype(int).tolist(),
        "seconds": round(trained.seconds, 1),
    }


# --- running and telling ----------------------------------------------------------------------------------------------


def finished(store: Path, part: str) -> list[dict[str, Any]]:
    """The lines of one part of this task."""
    return [line for line in lines(store) if line.get("kind") == "noise" and line["part"] == part]


def measure(store: Path, *, few: bool = False) -> None:
    """Everything that is not in the store; with ``few`` the first seeds alone."""
    torch.set_num_threads(1)
    clean = clean_task()
    if not finished(store, "detection"):
        shares = [[detected_share(clean, level, t) for t in TOLERANCES] for level in range(len(LEVELS))]
        append(
            store, {"kind": "noise", "part": "detection", "levels": LEVELS, "tolerances": TOLERANCES, "found": shares}
        )
    turned = {(line["technique"], *line["seeds"]) for line in finished(store, "orientation")}
    done = {(line["technique"], *line["seeds"]) for line in finished(store, "noise")}
    noisy, symmetrised = noisy_task(), noisy_task(symmetrised=True)
    for seeds in (FEW,) if few else (FEW, MANY[len(FEW) :]):
        for name in TECHNIQUES if seeds == FEW else FIRST:
            if (name, *seeds) not in done:
                task = symmetrised if "found" in name else noisy
                rule = rule_of(name, task)
                rate = tuned_rate(store, "noise", task, rule, TUNING, RATES[:-1], 2, VALIDATED)
                line = crosswise(task, rule, seeds, FOLDS, rate, BUDGET)
                append(store, {"kind": "noise", "part": "noise", **line})
        for name in TURNED:
            if (name, *seeds) not in turned:
                append(store, _orientation_line(name, seeds, store))


def noise_table(found: Sequence[dict[str, Any]], task: Task) -> str:
    """Held-out errors at each level, with the ratio to the smallest set on noisy sites over all levels."""
    by = joined(found)
    level = np.tile(np.arange(len(LEVELS)), len(task) // len(LEVELS))
    heads = [f"held out at {each:g} Å" for each in LEVELS] + [f"P4mm at {each:g} Å" for each in LEVELS]
    rows = [
        "| technique | seeds | training error (Å) | " + " | ".join(heads) + " | ratio to the set on noisy sites |",
        "|---|---|---|" + "---|" * (len(heads) + 1),
    ]
    for name in TECHNIQUES:
        if name not in by:
            continue
        line = by[name]
        total, groups = np.array(line["total"]), np.array(line["groups"])
        cells = [f"{rms(total[:, level == k]):.4f}" for k in range(len(LEVELS))]
        cells += [f"{int((groups[:, level == k] == 99).sum())} of {groups[:, level == k].size}" for k in range(len(LEVELS))]
        against = ratio_text(line, by.get(BASE), task)
        rows.append(f"| {name} | {len(line['seeds'])} | {training_error(line):.4f} | " + " | ".join(cells) + f" | {against} |")
    return "\n".join(rows)


def orientation_table(found: Sequence[dict[str, Any]]) -> str:
    """Errors upright and turned, of the same networks and compositions, with the ratio's interval over compositions."""
    head = "| technique | seeds | training error (Å) | held out, upright | held out, turned | turned over upright |"
    rows = [head, "|---|---|---|---|---|---|"]
    for name in TURNED:
        own = [line for line in found if line["technique"] == name]
        if not own:
            continue
        upright = np.concatenate([np.array(line["upright"], dtype=np.float64) for line in own])
        each = np.concatenate([np.array(line["turned"], dtype=np.float64) for line in own])
        turned = np.sqrt(np.square(each).mean(axis=2))
        stream = np.random.default_rng(0)
        picks = stream.integers(upright.shape[1], size=(2000, upright.shape[1]))
        ratios = np.sqrt(np.square(turned[:, picks]).mean(axis=(0, 2)) / np.square(upright[:, picks]).mean(axis=(0, 2)))
        low, high = np.percentile(ratios, [2.5, 97.5])
        trained = float(np.sqrt(np.square(np.concatenate([line["train"] for line in own])).mean()))
        rows.append(
            f"| {name} | {len(upright)} | {trained:.4f} | {rms(upright):.4f} | {rms(turned):.4f} | "
            f"{rms(turned) / rms(upright):.2f} ({low:.2f} to {high:.2f}) |"
        )
    return "\n".join(rows)


def section(found: Sequence[dict[str, Any]]) -> str:
    """Tables and what they are of, from the finished units."""
    own = [line for line in found if line.get("kind") == "noise"]
    parts = {part: [line for line in own if line["part"] == part] for part in ("detection", "noise", "orientation")}
    text = []
    for line in parts["detection"]:
        says = []
        for (k, level), (j, tolerance) in product(enumerate(line["levels"]), enumerate(line["tolerances"])):
            right, asked = line["found"][k][j]
            low, high = share_interval(right, asked)
            says.append(f"| {level:g} | {tolerance:g} | {right} of {asked} | {100 * low:.0f} to {100 * high:.0f} % |")
        head = "| noise (Å) | tolerance (Å) | cubic group found | 95 % interval |\n|---|---|---|---|\n"
        text.append(head + "\n".join(says))
    if parts["noise"]:
        text.append(
            "The first row takes the group as found and asks the network on the symmetrised sites: it holds for the share of "
            "inputs for which the table above finds the group, not end to end."
        )
        text.append(noise_table(parts["noise"], noisy_task(symmetrised=True)))
    if parts["orientation"]:
        text.append(orientation_table(parts["orientation"]))
    return "\n\n".join(text)
