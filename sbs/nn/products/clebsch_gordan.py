"""Clebsch-Gordan products: every path |l1 - l2| <= l3 <= l1 + l2 with its own output.

Outputs are sqrt(2 l3 + 1) times the contraction with the Wigner 3j tensor, as e3nn's ``FullTensorProduct`` has them:
unit variance in, unit variance out. Cost for all l up to L: O(L^6) dense, O(L^5) sparse.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.nn.products.interface import EquivariantProduct
from sbs.nn.products.selection import coefficient
from sbs.nn.products.sphere import grid, harmonics, tangents

__all__ = ["DenseClebschGordan", "E3nnClebschGordan", "SparseClebschGordan", "coupling"]

# Entries of the 3j tensor below this are zeros that were rounded: others of degree up to 24 are above 1e-6.
_ZERO = 1e-12


@lru_cache(maxsize=4096)
def coupling(l1: int, l2: int, l3: int) -> npt.NDArray[np.float64]:
    """sqrt(2 l3 + 1) times e3nn's Wigner 3j tensor, shape (2 l1 + 1, 2 l2 + 1, 2 l3 + 1), read-only.

    By exact quadrature of a product of three harmonics, or of a harmonic with the cross product of two tangential ones,
    divided by its known coefficient: good to 1e-13, for every degree, in a millisecond.
    """
    points = grid(l1 + l2 + 1, 2 * (l1 + l2) + 1, True)
    weighted = harmonics(l3, points) * (points.weights / coefficient("vector-signal", l1, l2, l3))
    if (l1 + l2 + l3) % 2 == 0:
        pairs = harmonics(l1, points)[:, None] * harmonics(l2, points)
    else:
        (along1, around1), (along2, around2) = tangents(l1, points), tangents(l2, points)
        pairs = along1[:, None] * around2 - around1[:, None] * along2
    tensor = np.asarray(pairs @ weighted.T)
    tensor[np.abs(tensor) < _ZERO] = 0.0
    tensor.setflags(write=False)
    return tensor


class DenseClebschGordan(EquivariantProduct):
    """One matrix product for each pair of irreps, which gives all its outputs at once."""

    kind = "clebsch-gordan"

    def __init__(
        self, irreps_in1: o3.Irreps | str, irreps_in2: o3.Irreps | str, irreps_out: o3.Irreps | str | None = None
    ) -> None:
        super().__init__(irreps_in1, irreps_in2, irreps_out)
        self._pairs: dict[tuple[int, int], list[tuple[int, int]]] = {}
        tables: dict[tuple[int, int], list[npt.NDArray[np.float64]]] = {}
        for path in self.paths:
            pair = (path.first, path.second)
            l1, l2, l3 = path.degrees
            self._pairs.setdefault(pair, []).append((path.block, 2 * l3 + 1))
            tables.setdefault(pair, []).append(coupling(l1, l2, l3).reshape(-1, 2 * l3 + 1))
        for (first, second), matrices in tables.items():
            self.constant(f"matrix_{first}_{second}", np.concatenate(matrices, axis=1))

    def multiply(self, x: list[Tensor], y: list[Tensor]) -> list[Tensor]:
        """See the base class."""
        result: dict[int, Tensor] = {}
        for (first, second), outputs in self._pairs.items():
            outer = (x[first].unsqueeze(-1) * y[second].unsqueeze(-2)).flatten(-2)
            parts = (outer @ getattr(self, f"matrix_{first}_{second}")).split([dim for _, dim in outputs], dim=-1)
            for (block, _), part in zip(outputs, parts, strict=True):
                result[block] = part
        return [result[block] for block in range(len(self.block_dims))]


class SparseClebschGordan(EquivariantProduct):
    """Only the entries of the 3j tensors that are not zero: for all l up to 8, 80369 of 938961."""

    kind = "clebsch-gordan"

    def __init__(
        self, irreps_in1: o3.Irreps | str, irreps_in2: o3.Irreps | str, irreps_out: o3.Irreps | str | None = None
    ) -> None:
        super().__init__(irreps_in1, irreps_in2, irreps_out)
        starts1, starts2 = _starts([ir for _, ir in self.irreps_in1]), _starts([ir for _, ir in self.irreps_in2])
        starts3 = _starts(list(self.blocks))
        columns: list[list[npt.NDArray[Any]]] = [[], [], [], []]
        for path in self.paths:
            tensor = coupling(*path.degrees)
            i, j, k = np.nonzero(tensor)
            parts = (i + starts1[path.first], j + starts2[path.second], k + starts3[path.block], tensor[i, j, k])
            for column, part in zip(columns, parts, strict=True):
                column.append(part)
        left, right, out, values = (np.concatenate(column) for column in columns)
        order = np.lexsort((right, left, out))
        for name, table in (("left", left), ("right", right), ("out", out), ("values", values)):
            self.constant(name, table[order])
        self._dim = starts3[-1]

    left: Tensor
    right: Tensor
    out: Tensor
    values: Tensor

    def multiply(self, x: list[Tensor], y: list[Tensor]) -> list[Tensor]:
        """See the base class."""
        terms = torch.cat(x, dim=-1)[..., self.left] * torch.cat(y, dim=-1)[..., self.right] * self.values
        result = terms.new_zeros((*terms.shape[:-1], self._dim)).index_add(-1, self.out, terms)
        return list(result.split(list(self.block_dims), dim=-1))


class E3nnClebschGordan(EquivariantProduct):
    """e3nn's own ``TensorProduct``, which works path by path; the peer of the others.

    With e3nn 0.4.4 some paths have the other sign, which linear layers do not notice.
    """

    kind = "clebsch-gordan"

    def __init__(
        self, irreps_in1: o3.Irreps | str, irreps_in2: o3.Irreps | str, irreps_out: o3.Irreps | str | None = None
    ) -> None:
        super().__init__(irreps_in1, irreps_in2, irreps_out)
        one, other = (irreps[0].mul for irreps in (self.irreps_in1, self.irreps_in2))
        mode = "uuu" if one == other else "uvu" if other == 1 else "uvv"
        try:
            self.product = o3.TensorProduct(
                self.irreps_in1,
                self.irreps_in2,
                o3.Irreps([(self.channels, ir) for ir in self.blocks]),
                [(path.first, path.second, path.block, mode, False) for path in self.paths],
                internal_weights=False,
                shared_weights=False,
            )
        except NotImplementedError as error:
            raise NetworkInputError(
                f"This e3nn has no Wigner 3j tensors for {self}: {error}. Use 'clebsch-gordan', or e3nn >= 0.5."
            ) from error

    def _evaluated(self, x: Tensor, y: Tensor) -> Tensor:
        result: Tensor = self.product(x, y)
        return result


def _starts(irreps: list[o3.Irrep]) -> list[int]:
    """Where each irrep begins, and the dimension of all."""
    return [0, *np.cumsum([ir.dim for ir in irreps]).tolist()]
