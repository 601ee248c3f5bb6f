"""Rotation of features by per-graph orthogonal matrices: precise, differentiable, on the device of the data.

e3nn's ``D_from_matrix`` goes through Euler angles and is off by 1e-6 in float64 at the orientations that
point groups consist of. Here D^l is built from D^(l-1) and D^1 = R by the Clebsch-Gordan series,

    D^l = (2l + 1) C^T (D^(l-1) x R) C,      C = real coupling (l-1, 1 -> l) of unit norm,

(e.g. Varshalovich, Moskalev, Khersonskii, "Quantum Theory of Angular Momentum", 4.6), which has no special orientations. The
sign and the basis are e3nn's, because D^1 = R in the order (x, y, z) and C is e3nn's own 3j tensor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn

__all__ = ["ExactBuffers", "Rotation", "determinant"]


class ExactBuffers(nn.Module):
    """A module some of whose float64 buffers keep their precision when the module is cast.

    The module's working dtype and device are those of the empty buffer ``anchor``, which is cast like any
    other. Buffers given to `register_exact` follow the device only: ``.float().double()`` loses nothing.
    """

    anchor: Tensor

    def __init__(self, dtype: torch.dtype | None = None) -> None:
        super().__init__()
        self._exact: dict[str, Tensor] = {}
        self.register_buffer("anchor", torch.empty(0, dtype=dtype or torch.get_default_dtype()), persistent=False)

    def register_exact(self, name: str, values: Tensor, persistent: bool = False) -> None:
        """Register ``values`` (float64, or integers) as a buffer that casts and ``to_empty`` leave alone."""
        kept = values.detach().clone()
        self._exact[name] = kept.to(torch.float64) if kept.is_floating_point() else kept
        self.register_buffer(name, self._exact[name].clone(), persistent=persistent)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        result = super()._apply(fn, recurse)
        for name, values in self._exact.items():
            self._buffers[name] = values.to(device=self.anchor.device, copy=True)
        return result


def determinant(matrices: Tensor) -> Tensor:
    """Determinants of 3x3 matrices, shape (..., 3, 3) -> (...); the triple product of the rows."""
    return (matrices[..., 0, :] * torch.linalg.cross(matrices[..., 1, :], matrices[..., 2, :])).sum(-1)


class Rotation(ExactBuffers):
    """Apply elements of O(3) to features with given irreps.

    Args:
        irreps: e3nn irreps of the features; dimension ``dim``.

    ``forward(features (B, dim), matrices (B, 3, 3)) -> (B, dim)``, computed in float64 whatever the inputs are (the cost is
    per graph, not per node) and returned in float64. Differentiable in both arguments; no host synchronisation.
    """

    def __init__(self, irreps: o3.Irreps | str) -> None:
        super().__init__()
        self.irreps = o3.Irreps(irreps)
        # Plain numbers: torch.compile reads them, while e3nn's Irreps would break its graph.
        self._layout = [
            (mul, ir.l, ir.p, block.start, block.stop)
            for (mul, ir), block in zip(self.irreps, self.irreps.slices(), strict=True)
        ]
        self.lmax = max((l for _, l, _, _, _ in self._layout), default=0)
        for l in range(2, self.lmax + 1):
            coupling = o3.wigner_3j(l - 1, 1, l, dtype=torch.float64).reshape(3 * (2 * l - 1), 2 * l + 1)
            self.register_exact(f"coupling_{l}", coupling * (2 * l + 1) ** 0.5)

    def blocks(self, proper: Tensor) -> list[Tensor]:
        """[D^0, D^1, ..., D^lmax] of proper rotations (B, 3, 3), float64; D^l has shape (B, 2l + 1, 2l +
        1).
        """
        count = proper.shape[0]
        result = [torch.ones((count, 1, 1), dtype=proper.dtype, device=proper.device), proper]
        for l in range(2, self.lmax + 1):
            coupling: Tensor = getattr(self, f"coupling_{l}")
            side = 3 * (2 * l - 1)
            product = result[-1][:, :, None, :, None] * proper[:, None, :, None, :]
            result.append(coupling.T @ product.reshape(count, side, side) @ coupling)
        return result

    def forward(self, features: Tensor, matrices: Tensor) -> Tensor:
        """Return D(g) x for each row x of ``features`` and its matrix g."""
        with torch.autocast(features.device.type, enabled=False):
            exact = matrices.to(torch.float64)
            sign = torch.sign(determinant(exact))
            rotations = self.blocks(exact * sign[:, None, None])
            features = features.to(torch.float64)
            pieces = []
            for mul, l, parity, start, stop in self._layout:
                piece = features[:, start:stop].reshape(-1, mul, 2 * l + 1)
                turned = torch.einsum("bij,bmj->bmi", rotations[l], piece).reshape(-1, stop - start)
                pieces.append(turned * sign[:, None] if parity == -1 else turned)
            return torch.cat(pieces, dim=1)
