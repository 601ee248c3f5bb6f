"""Train what is planned and not yet there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from benchmarks.broken_perovskites import plan
from benchmarks.broken_perovskites.tasks import Task
from benchmarks.broken_perovskites.units import Unit, append, deterministic, lines, run_unit, tune_unit

__all__ = ["best_rates", "finish", "run", "unit_of"]

#: Of techniques that nothing is tuned for.
DEFAULT_RATE = 1e-2


def unit_of(line: dict[str, Any]) -> Unit:
    """The unit that a line is of."""
    values = {f.name: line[f.name] for f in fields(Unit)}
    return Unit(**{**values, "seeds": tuple(values["seeds"])})


def best_rates(found: Sequence[dict[str, Any]]) -> dict[tuple[str, str], float]:
    """The tuned learning rate of each (task, technique)."""
    return {(line["task"], line["technique"]): line["best"] for line in found if line.get("kind") == "tune"}


def finish(unit: Unit, task: Task, store: Path, rates: dict[tuple[str, str], float]) -> dict[str, Any]:
    """Run a unit and write its line."""
    if unit.kind == "tune":
        line = tune_unit(unit, task)
        rates[unit.task, unit.technique] = line["best"]
    else:
        line = run_unit(unit, task, rates.get((unit.task, unit.technique), DEFAULT_RATE))
    append(store, line)
    return line


def run(step: str, store: Path, tasks: Sequence[str] | None, techniques: Sequence[str] | None) -> None:
    """All units of a step that are not in the store."""
    deterministic()
    found = [line for line in lines(store) if line.get("kind") in ("tune", "train", "depth")]
    done = {unit_of(line).key for line in found}
    rates = best_rates(found)
    for name in tasks or list(plan.TASKS):
        planned: Iterator[Unit] = {"tune": plan.tune_units, "train": plan.train_units, "depth": plan.depth_units}[step](name)
        for unit in planned:
            if unit.key in done or (techniques and unit.technique not in techniques):
                continue
            line = finish(unit, plan.task_for(name), store, rates)
            told = line.get("best") or [round(float(x), 4) for x in line["train"][:3]]
            print(name, unit.technique, unit.seeds, unit.layers, told, f"{line['seconds']} s", file=sys.stderr, flush=True)
