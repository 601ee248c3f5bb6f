"""Units of work: one technique on one task, all folds and some seeds; each finished unit is a line of a file.

A run can be stopped at any time: units whose line is there are not repeated.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.broken_perovskites.body import parameters_of
from benchmarks.broken_perovskites.measures import Array, errors_of, rms_interval, space_groups, wall_angles
from benchmarks.broken_perovskites.tasks import UNIT, Task, folds_of
from benchmarks.broken_perovskites.techniques import Drawn, rule_for
from benchmarks.broken_perovskites.train import Budget, Trained, predict, train

__all__ = [
    "PERCEPTRON_RATES",
    "RATES",
    "STORE",
    "Unit",
    "append",
    "lines",
    "packed",
    "run_unit",
    "tune_unit",
    "unpacked",
]

#: Results of the benchmark as it stands in benchmarks/RESULTS.md.
STORE = Path(__file__).resolve().parent / "results.jsonl"

#: Learning rates among which each technique's is chosen, on validation data of the first fold's training items.
RATES = (3e-3, 1e-2, 3e-2, 1e-1, 3e-1)
PERCEPTRON_RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
TUNING_SEEDS = (100, 101)
#: Å, symmetry tolerances for the space group of an output.
TOLERANCES = (1e-3, 1e-2, 3e-2, 1e-1)
#: Å per atom: an output that breaks K by less is taken to have learnt K.
BREAKING_GOAL = 0.005
#: Predictions of each item, where objects are drawn.
DRAWS = 4
#: Items whose outputs are kept, for energies.
SAMPLE = 48
#: Degrees between a drawn vector and the nearest wall between two domains: the bands that errors are told apart by.
WALLS = (0.0, 5.0, 10.0, 20.0, 90.0)
#: Errors are kept in 1e-5 Å.
DIGITS = 1e5


@dataclass(frozen=True)
class Unit:
    """What is trained together.

    Attributes:
        kind: "tune", "train" or "depth".
    """

    kind: str
    task: str
    technique: str
    seeds: tuple[int, ...]
    folds: int
    layers: int
    updates: int
    batch: int

    @property
    def key(self) -> str:
        """What identifies the line."""
        return json.dumps(asdict(self), sort_keys=True)


def lines(store: Path) -> Iterator[dict[str, Any]]:
    """All finished units; a line that a stopped run left unfinished is passed over."""
    if not store.exists():
        return
    for line in store.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def append(store: Path, line: dict[str, Any]) -> None:
    """Write a finished unit, on a line of its own whatever a stopped run left behind."""
    store.parent.mkdir(parents=True, exist_ok=True)
    if store.exists() and store.stat().st_size and not store.read_bytes().endswith(b"\n"):
        with store.open("a", encoding="utf-8") as file:
            file.write("\n")
    with store.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def run_unit(unit: Unit, task: Task, rate: float) -> dict[str, Any]:
    """Train all folds and seeds of a technique and measure the held-out items of each."""
    fold = folds_of(task, unit.folds)
    seeds = [s for s in unit.seeds for _ in range(unit.folds)]
    folds = [f for _ in unit.seeds for f in range(unit.folds)]
    seen = fold[None, :] != np.array(folds)[:, None]
    if unit.kind == "depth":
        seen = np.ones_like(seen)
    rule = rule_for(unit.technique)
    budget = Budget(unit.updates, unit.batch)
    trained = train(rule, task, seen, seeds, [rate] * len(seeds), budget, unit.layers)
    found = _measure(unit, task, trained, seen, len(unit.seeds))
    return {
        **asdict(unit),
        "rate": rate,
        "parameters": parameters_of(trained.weights),
        "seconds": round(trained.seconds, 1),
        "networks": len(seeds),
        "items": len(task),
        **found,
    }


def _measure(unit: Unit, task: Task, trained: Trained, seen: npt.NDArray[np.bool_], seeds: int) -> dict[str, Any]:
    rule = rule_for(unit.technique)
    items = np.arange(len(task))
    held = (~seen).reshape(seeds, unit.folds, -1)
    squares, angles = [], []
    for draw in range(DRAWS if rule.draws else 1):
        predicted, shown = predict(rule, trained.network, trained.weights, task, items, draw)
        errors = errors_of(task, items, predicted * UNIT, shown.elements, rule.loss)
        squares.append([each**2 for each in (errors.total, errors.breaking)])
        angles.append(shown.objects[0, :, 0].numpy())
    total, breaking = (np.mean([each[k] for each in squares], axis=0) for k in range(2))
    result: dict[str, Any] = {
        "train": _rms(total, seen).round(6).tolist(),
        "reached": [_reached(trained.progress, k) for k in range(len(seen))],
        "curve": [[u, round(float(np.median(a)), 5), round(float(np.median(b)), 5)] for u, a, b in trained.progress],
    }
    if unit.kind == "depth":
        return result
    for name, each in (("total", total), ("breaking", breaking)):
        # Each item is held out in one fold: its error is that network's.
        own = (each.reshape(seeds, unit.folds, -1) * held).sum(1) ** 0.5
        result[name] = np.round(own * DIGITS).astype(int).tolist()
    if isinstance(rule, Drawn) and not rule.each_node:
        own_squares = [(each[0].reshape(held.shape) * held).sum(1) for each in squares]
        result["walls"] = _by_walls(task, own_squares, angles)
    outputs = predicted.double().numpy().reshape(seeds, unit.folds, len(items), task.sites, 3) * UNIT
    own = np.einsum("sfijd,fi->sijd", outputs, held[0].astype(float))
    groups = np.stack([space_groups(task, items, each, TOLERANCES) for each in own])
    wanted = np.array([p.number for p in task.phases])[task.phase]
    # Of each seed which items have a right output.
    result["groups"] = {str(t): [packed(row) for row in groups[:, :, k] == wanted] for k, t in enumerate(TOLERANCES)}
    chosen = np.random.default_rng(2).permutation(len(items))[:SAMPLE]
    if 0 in unit.seeds:
        result["sample"] = {"items": chosen.tolist(), "outputs": own[0, chosen].round(5).tolist()}
    return result


def packed(marks: npt.NDArray[np.bool_]) -> str:
    """Marks (n,) as hexadecimal digits, eight in two."""
    return np.packbits(marks).tobytes().hex()


def unpacked(text: str, count: int) -> npt.NDArray[np.bool_]:
    """The inverse of `packed`."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), dtype=np.uint8), count=count).astype(bool)


def _by_walls(task: Task, squares: list[Array], vectors: list[Array]) -> list[dict[str, Any]]:
    """Errors (seeds, items) of each draw, squared, by the drawn vector's angle to the nearest wall between domains."""
    angle = np.stack([wall_angles(task, each) for each in vectors])  # (draws, items)
    found = []
    for low, high in itertools.pairwise(WALLS):
        draw, item = np.nonzero((angle >= low) & (angle < high))
        own = np.sqrt(np.stack([squares[d][:, i] for d, i in zip(draw, item, strict=True)], axis=1))
        least, most = rms_interval(own, [task.composition[i] for i in item])
        value = float(np.sqrt(np.square(own).mean()))
        band = {"from": low, "to": high, "vectors": len(item), "share": round(len(item) / angle.size, 4)}
        found.append({**band, "error": round(value, 5), "interval": [round(least, 5), round(most, 5)]})
    return found


def _rms(squares: npt.NDArray[np.float64], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    return np.sqrt((squares * mask).sum(1) / np.maximum(mask.sum(1), 1))


def _reached(progress: Sequence[tuple[int, list[float], list[float]]], network: int) -> int | None:
    """The first look from which on the part that breaks K stays below the goal; None if it does not."""
    found = None
    for update, _, breaking in reversed(progress):
        if breaking[network] > BREAKING_GOAL:
            break
        found = update
    return found


def tune_unit(unit: Unit, task: Task) -> dict[str, Any]:
    """Validation error of each rate: trained without the first two folds, validated on the second.

    The first fold takes no part, so one fold of the comparison is untouched by the choice.
    """
    fold = folds_of(task, unit.folds)
    rule = rule_for(unit.technique)
    tried = RATES if rule.equivariant else PERCEPTRON_RATES
    rates = [r for r in tried for _ in unit.seeds]
    seeds = [s for _ in tried for s in unit.seeds]
    seen = np.broadcast_to(fold > 1, (len(rates), len(task))).copy()
    trained = train(rule, task, seen, seeds, rates, Budget(unit.updates, unit.batch, 1), unit.layers)
    items = np.flatnonzero(fold == 1)
    predicted, shown = predict(rule, trained.network, trained.weights, task, items)
    errors = errors_of(task, items, predicted * UNIT, shown.elements, rule.loss)
    values = np.sqrt(np.nan_to_num(errors.total**2, nan=1e6).mean(1)).reshape(len(tried), -1)
    best = int(np.median(values, axis=1).argmin())
    return {
        **asdict(unit),
        "rates": list(tried),
        "validation": np.round(values, 6).tolist(),
        "best": tried[best],
        "seconds": round(trained.seconds, 1),
    }


def deterministic() -> None:
    """One thread, so that sums are in the same order in every run."""
    torch.set_num_threads(1)
