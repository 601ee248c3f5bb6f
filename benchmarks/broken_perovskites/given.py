"""A technique whose objects come with the items: made beforehand, one for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from benchmarks.broken_perovskites.body import Weights
from benchmarks.broken_perovskites.tasks import Task
from benchmarks.broken_perovskites.techniques import Loss, Shown

__all__ = ["Given"]


@dataclass(frozen=True, eq=False)
class Given:
    """Shows each item the object that was made for it.

    Attributes:
        objects: float32 (items, sites, dim), component normalisation.
        elements: int64 (items,), which domain goes with it, by its number in `Task.domain_targets`.
        orbit: number of objects of the set, and how many passes of the network give all domains with the help of symmetry.
    """

    name: str
    objects: Tensor
    elements: Tensor
    object_irreps: str
    loss: Loss = "paired"
    equivariant: bool = True
    draws: bool = False
    orbit: tuple[int | None, int | None] = (None, None)

    def weights(self, task: Task, seeds: list[int]) -> Weights:
        """None."""
        return {}

    def show(self, task: Task, items: Tensor, weights: Weights, stream: np.random.Generator) -> Shown:
        """The objects of a batch."""
        return Shown(self.objects[items][None], self.elements[items])

    def passes(self, task: Task) -> tuple[int | None, int | None]:
        """As given."""
        return self.orbit
