"""The finished units, read back: errors by technique, what is missing, what the design can resolve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.broken_perovskites import plan
from benchmarks.broken_perovskites.measures import ratio_interval
from benchmarks.broken_perovskites.nulls import kernel_ridge, mean_pattern
from benchmarks.broken_perovskites.runs import unit_of
from benchmarks.broken_perovskites.tasks import Task, folds_of
from benchmarks.broken_perovskites.techniques import TECHNIQUES
from benchmarks.broken_perovskites.units import DIGITS, lines, unpacked

__all__ = ["BASE", "Result", "Results", "depths", "effort", "load", "missing", "resolvable", "tuning_spread"]

Array = npt.NDArray[np.float64]

#: What the others are compared with.
BASE = "smallest set"


class Result:
    """All finished seeds of one technique on one task.

    Attributes:
        total, inside, breaking: (seeds, items) errors of the held-out items, Å per atom.
        train: (networks,) errors of the training items, Å per atom.
        right: for each tolerance which outputs have the right space group, bool (seeds, items).
        reached: for each network the update from which on the part that breaks K stays small, or None.
        curve: rows (update, training error, part that breaks K), medians over the networks of the first seeds.
        walls: errors by the angle of a drawn vector to the nearest wall between domains, where vectors are drawn; first seeds.
    """

    def __init__(self, found: Sequence[dict[str, Any]]) -> None:
        ordered = sorted(found, key=lambda line: line["seeds"])
        self.total, self.breaking = (
            np.concatenate([np.array(line[name]) for line in ordered]) / DIGITS for name in ("total", "breaking")
        )
        self.train: Array = np.concatenate([np.array(line["train"]) for line in ordered])
        self.parameters = int(ordered[0]["parameters"])
        self.rate = float(ordered[0]["rate"])
        items = self.total.shape[1]
        self.right: dict[str, npt.NDArray[np.bool_]] = {
            tolerance: np.stack([unpacked(row, items) for line in ordered for row in line["groups"][tolerance]])
            for tolerance in ordered[0]["groups"]
        }
        self.reached: list[int | None] = [each for line in ordered for each in line["reached"]]
        self.curve: list[list[float]] = ordered[0]["curve"]
        self.walls: list[dict[str, Any]] = ordered[0].get("walls", [])

    @property
    def inside(self) -> Array:
        """(seeds, items), of the part of the error in Fix(K)."""
        return np.sqrt(np.maximum(self.total**2 - self.breaking**2, 0.0))

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return len(self.total)


@dataclass(frozen=True, eq=False)
class Results:
    """All that is known of a task.

    Attributes:
        found: by technique, in the order of `TECHNIQUES`.
        energies: by technique and item, eV per formula unit above the phase, for a sample of outputs of the first seed.
    """

    task: Task
    found: dict[str, Result]
    energies: dict[str, dict[int, float]]

    @cached_property
    def nulls(self) -> dict[str, Array]:
        """What needs no network, errors (1, items) with the folds of the comparison."""
        fold = folds_of(self.task, plan.FOLDS)
        return {"mean pattern": mean_pattern(self.task, fold), "kernel ridge regression": kernel_ridge(self.task, fold)}

    @property
    def sizes(self) -> Array:
        """Of the targets, (items,), Å per atom: the error of no displacement at all."""
        return np.sqrt(np.square(self.task.targets).sum(axis=(1, 2)) / self.task.sites)

    def ratio(self, name: str) -> tuple[float, float, float] | None:
        """Of a technique's error to that of the smallest set, with its interval."""
        if name == BASE or name not in self.found or BASE not in self.found:
            return None
        if name not in self._ratios:
            self._ratios[name] = ratio_interval(self.found[name].total, self.found[BASE].total, self.task.composition)
        return self._ratios[name]

    @cached_property
    def _ratios(self) -> dict[str, tuple[float, float, float]]:
        return {}


def load(store: Path, name: str) -> Results | None:
    """What is there of a task, None if there is nothing; lines of other data or of another plan are left out."""
    known = [line for line in lines(store) if line.get("task") == name and line.get("kind") in ("train", "energy")]
    if not known:
        return None
    task = plan.task_for(name)
    planned = {unit.key for unit in plan.train_units(name)}
    found: dict[str, list[dict[str, Any]]] = {}
    energies: dict[str, dict[int, float]] = {}
    for line in known:
        if line["items"] != len(task):
            continue
        if line["kind"] == "energy":
            energies[line["technique"]] = dict(zip(line["sampled"], line["above"], strict=True))
        elif unit_of(line).key in planned:
            found.setdefault(line["technique"], []).append(line)
    ordered = {rule.name: Result(found[rule.name]) for rule in TECHNIQUES if rule.name in found}
    return Results(task, ordered, energies) if ordered else None


def tuning_spread(store: Path) -> float | None:
    """Standard deviation between seeds of the logarithm of the validation error, at each technique's best rate, pooled."""
    squares = []
    for line in lines(store):
        if line.get("kind") == "tune" and len(line["seeds"]) > 1:
            values = np.log(line["validation"][line["rates"].index(line["best"])])
            squares.append(float(values.var(ddof=1)))
    return float(np.sqrt(np.mean(squares))) if squares else None


#: Sum of the normal quantiles for a level of 5 % on both sides and a power of 80 %.
POWER = 1.960 + 0.842


def resolvable(spread: float, seeds: int) -> float:
    """The least ratio of errors that so many seeds on each side show, seeds being the only source of chance."""
    return float(np.exp(POWER * spread * np.sqrt(2 / seeds)))


def depths(store: Path, task: str) -> dict[tuple[str, int], list[float]]:
    """Training errors of a task by technique and number of layers."""
    known = (line for line in lines(store) if line.get("kind") == "depth" and line["task"] == task)
    return {(line["technique"], line["layers"]): line["train"] for line in known}


def effort(store: Path) -> tuple[int, float]:
    """Number of networks trained, and minutes of processor time, of all tasks."""
    networks = 0
    known = [line for line in lines(store) if "seconds" in line]
    for line in known:
        tried = np.size(line["validation"]) if "validation" in line else 1
        shown = len(line.get("pairs", (0,)))
        each = 1 if tried > 1 else line.get("folds", 1) * len(line.get("seeds", (0,)))
        networks += line.get("networks", tried * shown * each)
    return networks, sum(line["seconds"] for line in known) / 60


def missing(store: Path) -> str:
    """Planned units that are not there, by task."""
    done = {unit_of(line).key for line in lines(store) if line.get("kind") in ("tune", "train", "depth")}
    steps = {"choice of rates": plan.tune_units, "comparison": plan.train_units, "depth": plan.depth_units}
    told = []
    for name in plan.TASKS:
        for step, units in steps.items():
            planned = list(units(name))
            lacking = [unit for unit in planned if unit.key not in done]
            if not lacking:
                continue
            names = dict.fromkeys(f"{unit.technique} (seeds {unit.seeds[0]} to {unit.seeds[-1]})" for unit in lacking)
            told.append(f"- {name}, {step}: {'everything' if len(lacking) == len(planned) else '; '.join(names)}.")
    return "\n".join(told)
