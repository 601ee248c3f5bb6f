"""Train any technique on any task, crosswise, and measure what is held out against the nearest domain.

The tasks beside the main comparison share this: errors are to the nearest domain for all techniques alike, since some do not say
which domain their output is of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.broken_perovskites.body import parameters_of
from benchmarks.broken_perovskites.measures import errors_of, ratio_interval, space_groups
from benchmarks.broken_perovskites.tasks import UNIT, Task, folds_of
from benchmarks.broken_perovskites.techniques import Rule
from benchmarks.broken_perovskites.train import Budget, Trained, predict, train
from benchmarks.broken_perovskites.units import DIGITS, RATES, append, lines

__all__ = [
    "FEW",
    "MANY",
    "crosswise",
    "fit",
    "joined",
    "ratio_text",
    "rms",
    "share_interval",
    "share_told",
    "training_error",
    "tuned_rate",
]

Array = npt.NDArray[np.float64]

TUNING_SEED, TUNING_FOLDS = 100, 5
#: Those of the folds that validate in turn; the first takes no part in the choice.
VALIDATED = (1, 2, 3, 4)
#: Seeds of the first three techniques of a task, and of the others.
MANY, FEW = tuple(range(10)), tuple(range(3))
#: What each seed adds to.
STACKED = ("seeds", "train", "total", "breaking", "groups")
#: Å, for the space group of an output.
TOLERANCE = 0.03


def fit(
    task: Task, rule: Rule, seeds: tuple[int, ...], folds: int, rate: float, budget: Budget, layers: int = 2
) -> tuple[Trained, Any]:
    """One network for each seed and fold, and bool (networks, items): which items each did not see."""
    fold = folds_of(task, folds)
    held = np.stack([fold == f for _ in seeds for f in range(folds)])
    networks = [s for s in seeds for _ in range(folds)]
    return train(rule, task, ~held, networks, [rate] * len(networks), budget, layers), held


def space_group_numbers(task: Task, outputs: Array) -> npt.NDArray[np.int64]:
    """Of outputs (items, 5, 3), Å, at `TOLERANCE`."""
    return space_groups(task, np.arange(len(task)), outputs, (TOLERANCE,))[:, 0]


def crosswise(
    task: Task,
    rule: Rule,
    seeds: tuple[int, ...],
    folds: int,
    rate: float,
    budget: Budget,
    watch: Callable[[Task, Array], npt.NDArray[np.int64]] = space_group_numbers,
    layers: int = 2,
) -> dict[str, Any]:
    """The results of one technique: errors of every item by the network that did not see it, in 1 / `DIGITS` Å per atom.

    Args:
        watch: what is noted under "groups" of the outputs of each seed, Å.
    """
    trained, held = fit(task, rule, seeds, folds, rate, budget, layers)
    items = np.arange(len(task))
    predicted, shown = predict(rule, trained.network, trained.weights, task, items)
    found = errors_of(task, items, predicted * UNIT, shown.elements, "nearest")
    split = held.reshape(len(seeds), folds, -1)
    own = {
        name: np.round(np.sqrt((each.reshape(split.shape) ** 2 * split).sum(1)) * DIGITS).astype(int).tolist()
        for name, each in (("total", found.total), ("breaking", found.breaking))
    }
    outputs = predicted.double().numpy().reshape(*split.shape, task.sites, 3) * UNIT
    own_outputs = np.einsum("sfijd,sfi->sijd", outputs, split.astype(float))
    inside = np.sqrt((found.total**2 * ~held).sum(1) / (~held).sum(1))
    return {
        "technique": rule.name,
        "seeds": list(seeds),
        "folds": folds,
        "updates": budget.updates,
        "batch": budget.batch,
        "layers": layers,
        "rate": rate,
        "items": len(task),
        "parameters": parameters_of(trained.weights),
        "train": np.round(inside, 6).tolist(),
        "seconds": round(trained.seconds, 1),
        **own,
        "groups": [watch(task, each).tolist() for each in own_outputs],
    }


def tuned_rate(
    store: Path,
    name: str,
    task: Task,
    rule: Rule,
    budget: Budget,
    rates: Sequence[float] = RATES,
    layers: int = 2,
    validated: Sequence[int] = VALIDATED,
) -> float:
    """The rate of least validation error of a technique on a task, chosen once and kept in the store.

    Of `TUNING_FOLDS` folds those ``validated`` validate in turn, each on networks trained on the others but the first: the first
    takes no part.

    Args:
        name: of the task, and of its part if there are several.
        budget: of the choice: the same for all techniques of a kind.
    """
    for line in lines(store):
        if line.get("kind") == "rates" and (line["task"], line["technique"]) == (name, rule.name):
            return float(line["best"])
    fold = folds_of(task, TUNING_FOLDS)
    held = np.tile(validated, len(rates))
    seen = (fold[None] > 0) & (fold[None] != held[:, None])
    trained = train(rule, task, seen, [TUNING_SEED] * len(held), np.repeat(rates, len(validated)).tolist(), budget, layers)
    items = np.arange(len(task))
    predicted, shown = predict(rule, trained.network, trained.weights, task, items)
    squares = np.nan_to_num(errors_of(task, items, predicted * UNIT, shown.elements, "nearest").total ** 2, nan=1e6)
    own = fold[None] == held[:, None]
    sums = ((squares * own).sum(1) / own.sum(1)).reshape(len(rates), -1)
    values = np.sqrt(sums)
    best = float(rates[int(sums.mean(axis=1).argmin())])
    line = {"kind": "rates", "task": name, "technique": rule.name, "rates": list(rates), "updates": budget.updates}
    seconds = round(trained.seconds, 1)
    append(store, {**line, "validation": np.round(values, 6).tolist(), "best": best, "seconds": seconds})
    return best


def joined(found: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By technique: the lines of all seeds as one."""
    whole: dict[str, dict[str, Any]] = {}
    for line in sorted(found, key=lambda each: each["seeds"]):
        own = whole.setdefault(line["technique"], {**line, **{name: [] for name in STACKED}})
        for name in STACKED:
            own[name] = [*own[name], *line.get(name, [])]
    return whole


def ratio_text(first: dict[str, Any], second: dict[str, Any] | None, task: Task) -> str:
    """Of the held-out errors of two techniques, with its 95 % interval: paired by items and resampled by composition.

    Empty for the second technique itself, or where it has not run.
    """
    if second is None or first is second:
        return ""
    arrays = [np.array(each["total"], dtype=np.float64) for each in (first, second)]
    value, low, high = ratio_interval(arrays[0], arrays[1], task.composition)
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def training_error(line: dict[str, Any]) -> float:
    """Over the networks of one technique, Å."""
    return float(np.sqrt(np.square(line["train"]).mean()))


def share_told(right: npt.ArrayLike, composition: Sequence[str], draws: int = 2000) -> str:
    """How many of outputs (seeds, items) are right, with the 95 % interval of the share.

    Compositions and seeds are resampled together. Where all are right, or none is, that interval has no width: then it is the
    one of as many independent outputs as there are compositions.
    """
    known = np.array(right, dtype=np.float64)
    count, asked = int(known.sum()), known.size
    names = sorted(set(composition))
    if count in (0, asked):
        low, high = share_interval(len(names) if count else 0, len(names))
    else:
        places = {name: k for k, name in enumerate(names)}
        member = np.array([places[name] for name in composition])
        sums = np.stack([np.bincount(member, row, len(names)) for row in known])
        sizes = np.bincount(member, minlength=len(names))
        stream = np.random.default_rng(0)
        found = []
        for _ in range(draws):
            weight = np.bincount(stream.integers(len(names), size=len(names)), minlength=len(names))
            rows = stream.integers(len(sums), size=len(sums))
            found.append((sums[rows] @ weight).mean() / (sizes @ weight))
        low, high = np.percentile(found, [2.5, 97.5])
    return f"{count} of {asked} ({100 * low:.0f} to {100 * high:.0f} %)"


def share_interval(right: int, asked: int, level: float = 0.95) -> tuple[float, float]:
    """Two-sided interval for a share, C. J. Clopper and E. S. Pearson, Biometrika 26, 404 (1934)."""
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = 0.0 if right == 0 else float(beta.ppf(tail, right, asked - right + 1))
    high = 1.0 if right == asked else float(beta.ppf(1 - tail, right + 1, asked - right))
    return low, high


def rms(values: npt.ArrayLike) -> float:
    """Of errors in 1 / `DIGITS` Å, in Å."""
    return float(np.sqrt(np.square(np.array(values, dtype=np.float64)).mean()) / DIGITS)
