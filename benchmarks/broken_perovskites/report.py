"""The report: tables and text from the file of finished units, nothing typed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.broken_perovskites import plan
from benchmarks.broken_perovskites.measures import ratio_interval
from benchmarks.broken_perovskites.tasks import Task
from benchmarks.broken_perovskites.techniques import TECHNIQUES
from benchmarks.broken_perovskites.units import DIGITS, lines

__all__ = ["Result", "results_of", "table", "write"]

Array = npt.NDArray[np.float64]


class Result:
    """All finished seeds of one technique on one task.

    Attributes:
        total, inside, breaking: (seeds, items) errors of the held-out items, Å per atom.
        train: (networks,) errors of the training items, Å per atom.
    """

    def __init__(self, found: Sequence[dict[str, Any]]) -> None:
        ordered = sorted(found, key=lambda line: line["seeds"])
        self.lines = ordered
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


def results_of(store: Path, task: str, items: int) -> dict[str, Result]:
    """By technique, in the order of `TECHNIQUES`; lines of other data are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines(store):
        if line.get("kind") == "train" and line["task"] == task and line["items"] == items:
            found.setdefault(line["technique"], []).append(line)
    return {rule.name: Result(found[rule.name]) for rule in TECHNIQUES if rule.name in found}


def _rms(errors: Array) -> float:
    return float(np.sqrt(np.square(errors).mean()))


def table(task: Task, found: dict[str, Result]) -> str:
    """Errors of every technique, the ratio to the smallest set paired item by item, space groups, passes."""
    rows = [
        "| technique | seeds | training error | held out | inside Fix(K) | breaks K | ratio to the smallest set | "
        "right space group at 0.001 / 0.03 Å | passes for all domains (with symmetry) |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    base = found.get("smallest set")
    for rule in TECHNIQUES:
        if rule.name not in found:
            continue
        own = found[rule.name]
        ratio = ""
        if base is not None and own is not base:
            value, low, high = ratio_interval(own.total, base.total, task.composition)
            ratio = f"{value:.2f} ({low:.2f} to {high:.2f})"
        right = " / ".join(f"{own.groups[t][0]} of {own.groups[t][1]}" for t in ("0.001", "0.03"))
        passes = " (".join("by chance" if p is None else str(p) for p in rule.passes(task)) + ")"
        rows.append(
            f"| {rule.name} | {own.seeds} | {_rms(own.train):.4f} | {_rms(own.total):.4f} | {_rms(own.inside):.4f} | "
            f"{_rms(own.breaking):.4f} | {ratio} | {right} | {passes} |"
        )
    return "\n".join(rows)


def write(store: Path) -> None:
    """Print what there is."""
    for name in plan.TASKS:
        task = plan.task_for(name)
        found = results_of(store, name, len(task))
        if found:
            print(f"### {name}: {len(task)} items\n\n{table(task, found)}\n")
