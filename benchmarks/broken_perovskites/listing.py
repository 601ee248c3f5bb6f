"""Time to list all domains of one crystal, without transport by S and with it, beside the number of passes.

Without transport a network is asked with every object of the set; with it with one, and S carries its output to all domains.
Time does not depend on what the weights are: networks are untrained. The two ways of all techniques are timed in turn, so that
what else the machine does meets all of them alike.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.broken_perovskites import plan, tilts
from benchmarks.broken_perovskites.tasks import Task
from benchmarks.broken_perovskites.techniques import TECHNIQUES, Rule, Shown, network_for
from benchmarks.broken_perovskites.train import network_weights, outputs
from benchmarks.broken_perovskites.units import append, lines
from benchmarks.results import machine

__all__ = ["mean_draws", "measure", "passes_of", "section", "ways"]

#: Times each way is taken; tilts take longer.
TURNS = {"compositions": 25, "tilts": 5}


def mean_draws(domains: int) -> float:
    """Mean number of draws until each of some equally likely domains has come: n (1 + 1/2 + ... + 1/n)."""
    return domains * sum(1 / k for k in range(1, domains + 1))


def passes_of(rule: Rule, task: Task, phase: int = 0) -> tuple[int | None, int | None]:
    """Passes for the domains of one phase, without and with transport; draws by their mean. None: one domain only."""
    domains = len(task.phases[phase].domains)
    alone, helped = rule.passes(task)
    most = max(len(p.domains) for p in task.phases)
    if rule.draws and alone is None:
        alone = math.ceil(mean_draws(domains))
    counts = (domains if each == most else each for each in (alone, helped))
    first, second = counts
    return first, second


def ways(rule: Rule, task: Task, phase: int = 0) -> dict[str, Callable[[], torch.Tensor]]:
    """What is timed: all domains of the first crystal in a phase, (domains, J, 3), by "objects" and by "transport"."""
    item = int(np.flatnonzero(task.phase == phase)[0])
    network = network_for(rule, task)
    weights = {**network_weights(network, [0]), **rule.weights(task, [0])}
    messages = task.messages.to(torch.float32)
    actions = torch.from_numpy(task.actions[task.phases[phase].domains]).float()
    alone, helped = passes_of(rule, task, phase)

    def asked(count: int) -> torch.Tensor:
        items = torch.full((count,), item)
        shown = rule.show(task, items[:1], weights, np.random.default_rng(0))
        many = Shown(shown.objects.expand(-1, count, -1, -1), shown.elements.expand(count))
        with torch.no_grad():
            return outputs(network, weights, task, messages, items, many)[0]

    found: dict[str, Callable[[], torch.Tensor]] = {}
    if alone is not None:
        found["objects"] = lambda: asked(alone)
    if helped == 1:
        found["transport"] = lambda: (actions @ asked(1).flatten()).reshape(len(actions), task.sites, 3)
    return found


def _timed(task: Task, rules: Sequence[Rule], phase: int, turns: int) -> list[dict[str, Any]]:
    planned = {(rule.name, how): call for rule in rules for how, call in ways(rule, task, phase).items()}
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in planned}
    for turn in range(turns + 1):
        for key, call in planned.items():
            start = time.thread_time()
            call()
            if turn:  # the first warms up
                taken[key].append(time.thread_time() - start)
    found = []
    for rule in rules:
        line: dict[str, Any] = {"technique": rule.name, "passes": list(passes_of(rule, task, phase))}
        for how in ("objects", "transport"):
            own = taken.get((rule.name, how))
            line[how] = None if own is None else [round(1e3 * float(q), 3) for q in np.percentile(own, [50, 25, 75])]
        found.append(line)
    return found


def measure(store: Path, *, few: bool = False) -> None:
    """Time all techniques, if that has not been done."""
    if any(line.get("kind") == "listing" for line in lines(store)):
        return
    torch.set_num_threads(1)
    tasks = {"compositions": (plan.task_for("compositions"), 0), "tilts": (tilts.task_of(), 2)}
    for name, (task, phase) in tasks.items():
        if name == "tilts":
            rules = [tilts.rule_of(each, task) for each in tilts.TECHNIQUES if each not in tilts.STILL]
        else:
            rules = [rule for rule in TECHNIQUES if rule.name != "none"]
        rows = _timed(task, rules, phase, TURNS[name])
        known = {"kind": "listing", "task": name, "phase": task.phases[phase].name, "sites": task.sites}
        append(store, {**known, "domains": len(task.phases[phase].domains), "machine": machine("torch"), "rows": rows})


def section(found: Sequence[dict[str, Any]]) -> str:
    """Passes and times of all techniques, one table for each task."""
    text = []
    for line in found:
        if line.get("kind") != "listing":
            continue
        text.append(
            f"All {line['domains']} domains of {line['phase']}, {line['sites']} sites, one crystal, the passes of a row in one "
            f"batch; processor time in ms, median (quartiles), one thread; {line['machine']}."
        )
        rows = [
            "| technique | passes, each object | time | passes, transport by S | time |",
            "|---|---|---|---|---|",
        ]
        for row in line["rows"]:
            cells = []
            for passes, how in zip(row["passes"], ("objects", "transport"), strict=True):
                took = row[how]
                cells += ["", ""] if took is None else [str(passes), "{:.1f} ({:.1f} to {:.1f})".format(*took)]
            if row["objects"] is None:
                cells[0] = "one domain only"
            rows.append(f"| {row['technique']} | " + " | ".join(cells) + " |")
        text.append("\n".join(rows))
    return "\n\n".join(text)
