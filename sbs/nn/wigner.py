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

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import shown
from sbs.nn.checks import check_like, check_tensors, determinant, plain_irreps

__all__ = ["ExactBuffers", "Rotation"]

# Coupling constants of this degree take a second; no finite point group up to order 256 needs more.
LARGEST_DEGREE = 64


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
        kept = values.detach().to("cpu").clone()
        self._exact[name] = kept.to(torch.float64) if kept.is_floating_point() else kept
        self.register_buffer(name, self._exact[name].to(self.anchor.device, copy=True), persistent=persistent)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        result = super()._apply(fn, recurse)
        for name, values in self._exact.items():
            self._buffers[name] = values.to(device=self.anchor.device, copy=True)
        return result


class Rotation(ExactBuffers):
    """Apply elements of O(3) to features with given irreps.

    Args:
        irreps: e3nn irreps of the features; dimension ``dim``; degrees up to 64.

    ``forward(features (B, dim), matrices (B, 3, 3)) -> (B, dim)``, computed in float64 whatever the inputs are (the cost is
    per graph, not per node) and returned in float64. Differentiable in both arguments; no host synchronisation.

    Raises:
        NetworkInputError: irreps that cannot be read, are empty or of too high a degree; tensors that do not fit. Whether
            matrices are orthogonal is not looked at: the breaker has checked them.
    """

    def __init__(self, irreps: o3.Irreps | str) -> None:
        super().__init__()
        self.irreps = o3.Irreps(plain_irreps(irreps, "irreps"))
        self.dim: int = self.irreps.dim
        # Plain numbers: torch.compile reads them, while e3nn's Irreps would break its graph.
        self._layout = [
            (mul, ir.l, ir.p, block.start, block.stop)
            for (mul, ir), block in zip(self.irreps, self.irreps.slices(), strict=True)
        ]
        self.lmax = max(l for _, l, _, _, _ in self._layout)
        if self.lmax > LARGEST_DEGREE:
            raise NetworkInputError(
                f"irreps={shown(irreps)} has degree l={self.lmax}; features are turned up to l={LARGEST_DEGREE}: ask for a set "
                "of lower degree with lmax=."
            )
        with torch.device("cpu"):  # also where the model is laid out on "meta"
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
        check_tensors(True, features=features, matrices=matrices)
        if features.ndim != 2 or features.shape[1] != self.dim or not features.is_floating_point():
            raise NetworkInputError(
                f"features has shape {tuple(features.shape)} and dtype {features.dtype}; expected (n, {self.dim}) for "
                "the irreps, floating point."
            )
        if matrices.shape != (features.shape[0], 3, 3) or not matrices.is_floating_point():
            raise NetworkInputError(
                f"matrices has shape {tuple(matrices.shape)} and dtype {matrices.dtype}; expected ({features.shape[0]}, 3, 3), "
                "one for each row of features, floating point."
            )
        check_like(matrices, features.device, "matrices")
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
