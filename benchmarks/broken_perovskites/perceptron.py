"""A network without symmetry, in the place of the body: a perceptron on coordinates, many copies at once.

It sees what the body sees, without knowing what it means: the invariant features, the cell's vectors in their orientation and
the object, as plain numbers. What the body has built in, it must learn from augmentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from benchmarks.broken_perovskites.body import Weights

__all__ = ["Perceptron"]


@dataclass(frozen=True)
class Perceptron:
    """Two hidden layers of equal width; called as a function of weights.

    Attributes:
        features: number of invariant features.
        sites: of the crystal.
        object_dim: components of the object of the whole crystal.
        width: of the hidden layers.
    """

    features: int
    sites: int
    object_dim: int
    width: int = 40

    @cached_property
    def shapes(self) -> dict[str, tuple[tuple[int, ...], float]]:
        """Of all weights of one network, with the standard deviation at the start."""
        inputs, w = self.features + 9 + self.object_dim, self.width
        return {
            "first": ((inputs, w), 1.0 / 3.0),
            "first_bias": ((w,), 0.0),
            "second": ((w, w), (2.0 / w) ** 0.5),
            "second_bias": ((w,), 0.0),
            "last": ((w, 3 * self.sites), (1.0 / w) ** 0.5),
            "last_bias": ((3 * self.sites,), 0.0),
        }

    def __call__(self, weights: Weights, cells: Tensor, features: Tensor, objects: Tensor) -> Tensor:
        """Displacements (M, B, J, 3), without a rigid shift.

        Args:
            cells: (M or 1, B, 3, 3). features: (B, features). objects: (M or 1, B, object_dim).
        """
        count, crystals = max(len(cells), len(objects), len(weights["first"])), len(features)
        given = [features[None], cells.flatten(2), objects]
        x = torch.cat([each.expand(count, crystals, -1) for each in given], dim=-1)
        x = torch.nn.functional.silu(x @ weights["first"] + weights["first_bias"][:, None])
        x = torch.nn.functional.silu(x @ weights["second"] + weights["second_bias"][:, None])
        out = (x @ weights["last"] + weights["last_bias"][:, None]).reshape(count, crystals, self.sites, 3)
        return out - out.mean(dim=2, keepdim=True)
