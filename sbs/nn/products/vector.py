"""Vector-signal product: the Gaunt product and, beside it, the interactions with odd l1 + l2 + l3.

A feature is read as a scalar signal Σ x_lm Y_lm and as a tangential vector signal u = Σ x_lm X_lm with the vector
spherical harmonics X_lm = r × ∇Y_lm / sqrt(l (l + 1)), whose two indices agree. The cross product of two such signals is
radial; its component along r has exactly the odd interactions, with no zero among them (`selection`). Even and odd
outputs come in blocks of their own; each still adds all pairs (l1, l2).

After Y. Xie et al., "Asymptotically fast Clebsch-Gordan tensor products with vector spherical harmonics",
arXiv:2602.21466, who couple vector signals with all indices; one radial component is enough here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor

from sbs.nn.products import sphere
from sbs.nn.products.gaunt import grid_for, multiply_signals, split_signals
from sbs.nn.products.interface import EquivariantProduct, natural
from sbs.nn.products.sphere import Grid, harmonics, tangents

__all__ = ["VectorSignal", "cross", "signal_tables"]


def signal_tables(l: int, points: Grid) -> npt.NDArray[np.float64]:
    """Values of Y_l and the two components of its tangent signal side by side, shape (2l + 1, 3 points)."""
    return np.concatenate([harmonics(l, points), *tangents(l, points)], axis=-1)


def cross(f: Tensor, g: Tensor) -> Tensor:
    """Radial component of the cross product of signals (..., 3 points) as `signal_tables` make them; (..., points).

    The common quarter turn r × leaves the cross product of two tangential vectors as it is.
    """
    _, f_polar, f_around = f.chunk(3, dim=-1)
    _, g_polar, g_around = g.chunk(3, dim=-1)
    return torch.addcmul(f_polar * g_around, f_around, g_polar, value=-1.0)


def _pointwise(f: Tensor, g: Tensor) -> Tensor:
    """Product of the scalar and of the vector signals, on a new first dimension."""
    points = f.shape[-1] // 3
    return torch.stack([f[..., :points] * g[..., :points], cross(f, g)])


class VectorSignal(EquivariantProduct):
    """Products of scalar and of vector signals on a Gauss-Legendre grid.

    Args:
        irreps_in1, irreps_in2, irreps_out: see `EquivariantProduct`. With irreps of both parities, an output irrep has two
            blocks, the even interactions first.
        grid: numbers of polar and azimuthal nodes; the least exact ones by default.

    Raises:
        NetworkInputError: also for a grid on which the product would be aliased.
    """

    kind = "vector-signal"

    def __init__(
        self,
        irreps_in1: o3.Irreps | str,
        irreps_in2: o3.Irreps | str,
        irreps_out: o3.Irreps | str | None = None,
        *,
        grid: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(irreps_in1, irreps_in2, irreps_out)
        self.grid = grid_for(self, grid)
        points = sphere.grid(*self.grid)
        self._signals = (split_signals(self.irreps_in1), split_signals(self.irreps_in2))
        for name, irreps, signals in zip("xy", (self.irreps_in1, self.irreps_in2), self._signals, strict=True):
            for parity, numbers in signals.items():
                tables = [signal_tables(irreps[n].ir.l, points) for n in numbers]
                self.constant(f"{name}_{parity}", np.concatenate(tables))
        odd = {path.block: sum(path.degrees) % 2 for path in self.paths}
        self._outputs: dict[tuple[int, bool], list[int]] = {}
        for block, ir in enumerate(self.blocks):
            # The cross product of natural signals is a pseudo signal: its l3 has the other parity.
            self._outputs.setdefault((odd[block], natural(ir) != bool(odd[block])), []).append(block)
        for (kind, parity), blocks in self._outputs.items():
            table = np.concatenate([harmonics(self.blocks[block].l, points) for block in blocks])
            self.constant(f"out_{kind}_{parity}", (table * points.weights).T)

    def multiply(self, x: list[Tensor], y: list[Tensor]) -> list[Tensor]:
        """See the base class."""
        first, second = (
            {
                parity: torch.cat([values[n] for n in numbers], dim=-1) @ getattr(self, f"{name}_{parity}")
                for parity, numbers in signals.items()
            }
            for name, values, signals in zip("xy", (x, y), self._signals, strict=True)
        )
        values = multiply_signals(first, second, _pointwise)
        result: dict[int, Tensor] = {}
        for (kind, parity), blocks in self._outputs.items():
            parts = values[parity][kind] @ getattr(self, f"out_{kind}_{parity}")
            result.update(zip(blocks, parts.split([self.block_dims[b] for b in blocks], -1), strict=True))
        return [result[block] for block in range(len(self.block_dims))]
