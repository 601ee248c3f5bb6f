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
from benchmarks.broken_perovskites.units import DIGITS, lines

__all__ = ["BASE", "Result", "Results", "depths", "effort", "load", "missing", "resolvable", "tuning_spread"]

Array = npt.NDArray[np.float64]

#: What the others are compared with.
BASE = "smallest set"


class Result:
    """All finished seeds of one technique on one task.

    Attributes:
        total, inside, breaking: (seeds, items) errors of the held-out items, Å per atom.
        train: (networks,) errors of the training items, Å per atom.
        groups: for each tolerance [outputs with the right space group, outputs], first seed.
        reached: for each network the update from which on the part that breaks K stays small, or None.
        curve: rows (update, training error, part that breaks K), medians over the networks of the first seeds.
    """

    def __init__(self, found: Sequence[dict[str, Any]]) -> None:
        ordered = sorted(found, key=lambda line: line["seeds"])
        self.total, self.inside, self.breaking = (
            np.concatenate([np.array(line[name]) for line in ordered]) / DIGITS for name in ("total", "inside", "breaking")
        )
        self.train: Array = np.concatenate([np.array(line["train"]) for line in ordered])
        self.parameters = int(ordered[0]["parameters"])
        self.rate = float(ordered[0]["rate"])
        self.groups: dict[str, list[int]] = ordered[0]["groups"]
        self.reached: list[int | None] = [each for line in ordered for each in line["reached"]]
        self.curve: list[list[float]] = ordered[0]["curve"]

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return len(self.total)


@dataclass(frozen=True, eq=False)
class Results:
    """All that is known of a task.

    Attributes:
        found: by technique, in the order of `TECHNIQUES`.
        energies: by technique, eV per formula unit above the phase, for a sample of outputs.
    """

    task: Task
    found: dict[str, Result]
    energies: dict[str, list[float]]

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
    """What is there of a task, None if there is nothing; lines of other data are left out."""
    known = [line for line in lines(store) if line.get("task") == name and line.get("kind") in ("train", "energy")]
    if not known:
        return None
    task = plan.task_for(name)
    found: dict[str, list[dict[str, Any]]] = {}
    energies: dict[str, list[float]] = {}
    for line in known:
        if line["items"] != len(task) or line.get("folds", plan.FOLDS) != plan.FOLDS:
            continue
        if line["kind"] == "train":
            found.setdefault(line["technique"], []).append(line)
        else:
            energies[line["technique"]] = line["above"]
    ordered = {rule.name: Result(found[rule.name]) for rule in TECHNIQUES if rule.name in found}
    return Results(task, ordered, energies) if ordered else None


def tuning_spread(store: Path) -> float | None:
    """Standard deviation between seeds of the logarithm of the validation error, at each technique's best rate, pooled."""
    squares = []
    for line in lines(store):
        if line.get("kind") == "tune":
            values = np.log(line["validation"][line["rates"].index(line["best"])])
            squares.append(float(values.var(ddof=1)))
    return float(np.sqrt(np.mean(squares))) if squares else None


#: Sum of the normal quantiles for a level of 5 % on both sides and a power of 80 %.
POWER = 1.960 + 0.842


def resolvable(spread: float, seeds: int) -> float:
    """The least ratio of errors that so many seeds on each side show, seeds being the only source of chance."""
    return float(np.exp(POWER * spread * np.sqrt(2 / seeds)))


def depths(store: Path) -> dict[tuple[str, int], list[float]]:
    """Training errors by technique and number of layers."""
    return {
        (line["technique"], line["layers"]): line["train"] for line in lines(store) if line.get("kind") == "depth"
    }


def effort(store: Path) -> tuple[int, float]:
    """Number of networks trained, and minutes of processor time."""
    known = [line for line in lines(store) if line.get("kind") in ("tune", "train", "depth")]
    networks = sum(line.get("networks", len(line.get("rates", ())) * len(line["seeds"])) for line in known)
    return networks, sum(line["seconds"] for line in known) / 60


def missing(store: Path) -> str:
    """Planned units that are not there, by task."""
    done = {unit_of(line).key for line in lines(store) if line.get("kind") in ("tune", "train", "depth")}
    told = []
    for name in plan.TASKS:
        planned = list(plan.train_units(name))
        lacking = [unit for unit in planned if unit.key not in done]
        if lacking:
            names = "; ".join(f"{unit.technique} (seeds {unit.seeds[0]} to {unit.seeds[-1]})" for unit in lacking)
            told.append(f"- {name}: {'everything' if len(lacking) == len(planned) else names}.")
    return "\n".join(told)
