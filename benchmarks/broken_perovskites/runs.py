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
    """The tuned learning rate of each (task, technique); "" stands for any task: a rate tuned on another one."""
    tuned = [line for line in found if line.get("kind") == "tune"]
    own = {(line["task"], line["technique"]): float(line["best"]) for line in tuned}
    return {**{("", technique): rate for (_, technique), rate in own.items()}, **own}


def finish(unit: Unit, task: Task, store: Path, rates: dict[tuple[str, str], float]) -> dict[str, Any]:
    """Run a unit and write its line."""
    if unit.kind == "tune":
        line = tune_unit(unit, task)
        rates[unit.task, unit.technique] = rates["", unit.technique] = line["best"]
    else:
        known = rates.get((unit.task, unit.technique), rates.get(("", unit.technique), DEFAULT_RATE))
        line = run_unit(unit, task, known)
    append(store, line)
    return line


def run(
    step: str, store: Path, tasks: Sequence[str] | None, techniques: Sequence[str] | None, few: bool = False
) -> None:
    """All units of a step that are not in the store; with ``few`` those of the first seeds alone."""
    deterministic()
    found = [line for line in lines(store) if line.get("kind") in ("tune", "train", "depth")]
    done = {unit_of(line).key for line in found}
    rates = best_rates(found)
    for name in tasks or list(plan.TASKS):
        planned: Iterator[Unit] = {"tune": plan.tune_units, "train": plan.train_units, "depth": plan.depth_units}[step](name)
        for unit in planned:
            if unit.key in done or (techniques and unit.technique not in techniques):
                continue
            if few and step == "train" and unit.seeds != plan.FEW:
                continue
            line = finish(unit, plan.task_for(name), store, rates)
            told = line.get("best") or [round(float(x), 4) for x in line["train"][:3]]
            print(name, unit.technique, unit.seeds, unit.layers, told, f"{line['seconds']} s", file=sys.stderr, flush=True)
