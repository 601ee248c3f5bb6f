"""Uniform sampling of infinite symmetry-breaking sets on the device: a random element of M applied to one object.

An infinite set is one orbit of M, the generalised normalizer, which is then a closed infinite subgroup of
O(3). A Haar-random element of M applied to any object is uniform on the orbit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sbs.errors import InfiniteSetError
from sbs.groups.point.closed import ClosedGroup
from sbs.nn.draw import RandomStream
from sbs.nn.wigner import ExactBuffers, Rotation
from sbs.sets.minimal_set import MinimalSet

__all__ = ["OrbitSampler", "random_rotations"]

_FINITE, _AXIAL, _FULL = 0, 1, 2

# Diagonals of the coset representatives of M modulo its rotations about z, or modulo SO(3).
_COSETS: dict[str, tuple[int, tuple[tuple[int, int, int], ...]]] = {
    "Cinf": (_AXIAL, ((1, 1, 1),)),
    "Cinfv": (_AXIAL, ((1, 1, 1), (1, -1, 1))),
    "Cinfh": (_AXIAL, ((1, 1, 1), (1, 1, -1))),
    "Dinf": (_AXIAL, ((1, 1, 1), (1, -1, -1))),
    "Dinfh": (_AXIAL, ((1, 1, 1), (1, -1, 1), (1, 1, -1), (1, -1, -1))),
    "SO(3)": (_FULL, ((1, 1, 1),)),
    "O(3)": (_FULL, ((1, 1, 1), (-1, -1, -1))),
}
_MOST_COSETS = 4


def random_rotations(uniform: Tensor) -> Tensor:
    """Haar-random rotations (n, 3, 3) from uniform numbers (n, 3).

    K. Shoemake, "Uniform random rotations", Graphics Gems III (1992).
    """
    near, far = torch.sqrt(1 - uniform[:, 0]), torch.sqrt(uniform[:, 0])
    a, b = 2 * math.pi * uniform[:, 1], 2 * math.pi * uniform[:, 2]
    x, y, z, w = near * torch.sin(a), near * torch.cos(a), far * torch.sin(b), far * torch.cos(b)
    rows = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)),
    )
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def _about_z(turn: Tensor) -> Tensor:
    cos, sin = torch.cos(2 * math.pi * turn), torch.sin(2 * math.pi * turn)
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    rows = ((cos, -sin, zero), (sin, cos, zero), (zero, zero, one))
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


class OrbitSampler(ExactBuffers):
    """Move each graph's base object to a uniformly random point of its set; objects of finite sets stay."""

    cosets: Tensor
    settings: Tensor
    kinds: Tensor
    counts: Tensor

    def __init__(self, sets: Sequence[MinimalSet]) -> None:
        super().__init__()
        with torch.device("cpu"):  # also where the model is laid out on "meta"
            self._tabulate(sets)

    def _tabulate(self, sets: Sequence[MinimalSet]) -> None:
        kinds, counts, cosets, settings = [], [], [], []
        for each in sets:
            kind, setting = _FINITE, torch.eye(3, dtype=torch.float64)
            diagonals: tuple[tuple[int, int, int], ...] = ((1, 1, 1),)
            if math.isinf(each.size):
                normalizer = each.normalizer
                symbol = normalizer.symbol
                if symbol not in _COSETS or not isinstance(normalizer, ClosedGroup):
                    raise InfiniteSetError(
                        f"Cannot sample orbits of {symbol} on the device; known are {', '.join(_COSETS)}. "
                        "Take objects from set.sample(n, seed) instead."
                    )
                kind, diagonals = _COSETS[symbol]
                setting = torch.tensor(normalizer.rotation, dtype=torch.float64)
            kinds.append(kind)
            counts.append(len(diagonals))
            padded = [*diagonals, *[(1, 1, 1)] * (_MOST_COSETS - len(diagonals))]
            cosets.append(torch.diag_embed(torch.tensor(padded, dtype=torch.float64)))
            settings.append(setting)
        self.register_exact("cosets", torch.stack(cosets))
        self.register_exact("settings", torch.stack(settings))
        self.register_exact("kinds", torch.tensor(kinds))
        self.register_exact("counts", torch.tensor(counts))

    def forward(self, features: Tensor, which: Tensor, stream: RandomStream, rotate: Rotation) -> Tensor:
        """Features (B, dim) of base objects, set numbers (B,) -> features of random objects, float64."""
        uniform = stream.uniform(features.shape[0], 4, self.anchor)
        kind = self.kinds[which][:, None, None]
        identity = torch.eye(3, dtype=torch.float64, device=features.device)
        turned = torch.where(kind == _AXIAL, _about_z(uniform[:, 0]), random_rotations(uniform[:, :3]))
        turned = torch.where(kind == _FINITE, identity, turned)
        coset = self.cosets[which, (uniform[:, 3] * self.counts[which]).to(torch.int64)]
        setting = self.settings[which]
        return rotate(features, setting @ turned @ coset @ setting.transpose(1, 2))
