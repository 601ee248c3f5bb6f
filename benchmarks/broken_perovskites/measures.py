"""What is measured of outputs: errors inside Fix(K) and those that break K, space groups, what the design can resolve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from benchmarks.broken_perovskites.tasks import IDEAL_SITES, UNIT, Task
from sbs.errors import DetectionError
from sbs.structures.spglib_calls import symmetry_dataset

__all__ = [
    "Array",
    "Errors",
    "errors_of",
    "median_interval",
    "ratio_interval",
    "rms",
    "rms_interval",
    "space_groups",
    "wall_angles",
]

Array = npt.NDArray[np.float64]

#: Atomic numbers that stand for A, B and O where only equality counts.
_NUMBERS = (56, 22, 8)


@dataclass(frozen=True, eq=False)
class Errors:
    """Root mean square over the atoms of an item, Å, each (M, items).

    Attributes:
        total: of output minus domain.
        inside: of its part in Fix(K), which is the error after projection of the output.
        breaking: of the part that breaks K; total^2 = inside^2 + breaking^2.
        domain: int64, number of the domain that the output was compared with.
    """

    total: Array
    inside: Array
    breaking: Array
    domain: npt.NDArray[np.int64]


def errors_of(
    task: Task, items: npt.NDArray[np.int64], predicted: Tensor, elements: Tensor, loss: str
) -> Errors:
    """Errors of outputs (M, B, J, 3), Å.

    A "paired" technique answers for the domain of its object, number ``elements`` (B,); the others are compared with the
    nearest domain.
    """
    outputs = predicted.double().numpy().reshape(len(predicted), len(items), -1)
    domains = task.domain_targets().double().numpy()[items].reshape(len(items), -1, outputs.shape[-1]) * UNIT
    if loss == "paired":
        domain = np.broadcast_to(elements.numpy(), outputs.shape[:2])
    else:
        domain = np.square(outputs[:, :, None] - domains).sum(-1).argmin(axis=2)
    total, inside, breaking = (np.zeros(outputs.shape[:2]) for _ in range(3))
    off = outputs - np.take_along_axis(domains[None], domain[:, :, None, None], axis=2)[:, :, 0]
    of_phase = task.phase[items]
    for number, phase in enumerate(task.phases):
        for d in np.unique(domain[:, of_phase == number]):
            network, place = np.nonzero((domain == d) & (of_phase == number))
            # Where a phase has fewer domains than another the first stands for the others.
            action = task.actions[phase.domains[d if d < len(phase.domains) else 0]]
            turned = off[network, place] @ action  # back to the stored domain
            kept = turned @ phase.projector
            total[network, place] = np.square(turned).sum(-1)
            inside[network, place] = np.square(kept).sum(-1)
            breaking[network, place] = np.square(turned - kept).sum(-1)
    total, inside, breaking = (np.sqrt(each / task.sites) for each in (total, inside, breaking))
    return Errors(total, inside, breaking, np.array(domain))


def space_groups(task: Task, items: npt.NDArray[np.int64], outputs: Array, tolerances: Sequence[float]) -> npt.NDArray[np.int64]:
    """Numbers of the space groups of outputs (items, J, 3), Å, (items, tolerances), by spglib; 0 where it finds none."""
    found = np.zeros((len(items), len(tolerances)), dtype=np.int64)
    numbers = np.array(_NUMBERS)[list(task.kinds)]
    for row, (item, moved) in enumerate(zip(items, outputs, strict=True)):
        cell = task.cells[item]
        fractional = (IDEAL_SITES @ cell + moved) @ np.linalg.inv(cell)
        for column, tolerance in enumerate(tolerances):
            try:
                found[row, column] = symmetry_dataset(cell, fractional, numbers, tolerance).number
            except DetectionError:
                continue
    return found


def wall_angles(task: Task, vectors: npt.ArrayLike) -> Array:
    """Degrees between the vector of each item (items, 3) and the nearest wall between two domains of its phase, (items,).

    The domains of a polar phase have axes that S takes to each other. The vectors as near to one axis as to another are a mirror
    plane of S; on it an equivariant network's output has that mirror, which no single domain of the two has.
    """
    given = np.asarray(vectors, dtype=np.float64)
    given = given / np.linalg.norm(given, axis=1, keepdims=True)
    found = np.zeros(len(given))
    for number, phase in enumerate(task.phases):
        axes = np.asarray(phase.symmetry_set.objects, dtype=np.float64)
        axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
        own = np.flatnonzero(task.phase == number)
        cosines = given[own] @ axes.T
        best = cosines.argmax(axis=1)
        apart = np.linalg.norm(axes[best][:, None] - axes[None], axis=2)
        gaps = (cosines.max(axis=1, keepdims=True) - cosines) / np.where(apart > 1e-9, apart, np.inf)
        gaps[np.arange(len(own)), best] = np.inf
        found[own] = np.degrees(np.arcsin(np.clip(gaps.min(axis=1), 0, 1)))
    return found


def ratio_interval(
    first: Array, second: Array, groups: Sequence[str], draws: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Ratio of the root mean square errors of two techniques and its 95 % interval.

    Args:
        first, second: (seeds, items), errors of the same items, networks of the same folds.
        groups: (items,) units that are resampled together, as the seeds are: a paired bootstrap over both.
    """
    units = {name: k for k, name in enumerate(sorted(set(groups)))}
    member = np.array([units[g] for g in groups])
    sums = [np.stack([np.bincount(member, row**2, len(units)) for row in each]) for each in (first, second)]
    stream = np.random.default_rng(seed)
    ratios = np.empty(draws)
    for k in range(draws):
        weight = np.bincount(stream.integers(len(units), size=len(units)), minlength=len(units))
        total = []
        for each in sums:
            rows = stream.integers(len(each), size=len(each))
            total.append(float((each[rows] @ weight).mean()))
        ratios[k] = np.sqrt(total[0] / total[1])
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(np.sqrt(sums[0].mean() / sums[1].mean())), float(low), float(high)


def rms(errors: npt.ArrayLike) -> float:
    """Root mean square."""
    return float(np.sqrt(np.square(np.asarray(errors, dtype=np.float64)).mean()))


def rms_interval(errors: Array, groups: Sequence[str], draws: int = 1000, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the root mean square of errors (seeds, items), units and seeds resampled."""
    units = {name: k for k, name in enumerate(sorted(set(groups)))}
    member = np.array([units[g] for g in groups])
    sums = np.stack([np.bincount(member, row**2, len(units)) for row in errors])
    sizes = np.bincount(member, minlength=len(units))
    stream = np.random.default_rng(seed)
    values = np.empty(draws)
    for k in range(draws):
        weight = np.bincount(stream.integers(len(units), size=len(units)), minlength=len(units))
        rows = stream.integers(len(sums), size=len(sums))
        values[k] = np.sqrt((sums[rows] @ weight).mean() / (sizes @ weight))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def median_interval(values: npt.ArrayLike, groups: Sequence[str], draws: int = 1000) -> tuple[float, float, float]:
    """Median of values (n,) and its 95 % interval, groups resampled."""
    known = np.asarray(values, dtype=np.float64)
    units = {name: np.flatnonzero(np.array(groups) == name) for name in sorted(set(groups))}
    places = list(units.values())
    stream = np.random.default_rng(0)
    found = [
        float(np.median(known[np.concatenate([places[k] for k in stream.integers(len(places), size=len(places))])]))
        for _ in range(draws)
    ]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(np.median(known)), float(low), float(high)
