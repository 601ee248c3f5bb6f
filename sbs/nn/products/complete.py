"""The complete product on grids: all Clebsch-Gordan paths from products of scalar and of vector signals.

Every pair of irreps is multiplied by itself, so that no path is mixed with another: the product of the scalar signals
gives its even l3, the cross product of the vector signals its odd ones (`vector`), and division by the known coefficients
(`selection`) gives the same numbers as the Clebsch-Gordan product, in the same order. For fixed l1 and l2 both
integrands are even under r -> -r, which leaves half the sphere. Pairs of similar l1 + l2 share a grid, and so the
values of their signals.

With fast transforms this is O(L^4 log² L) (Y. Xie et al., arXiv:2602.21466). The transforms here are matrix products, O(L^6) as
in the dense product: separated into azimuth and polar angle they were slower for all l up to 10 in batches of 100 or more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from e3nn import o3
from torch import Tensor

from sbs.nn.products import sphere
from sbs.nn.products.interface import EquivariantProduct, Path
from sbs.nn.products.selection import coefficient
from sbs.nn.products.sphere import harmonics
from sbs.nn.products.vector import cross, signal_tables

__all__ = ["CompleteProduct"]

# Pairs whose l1 + l2 round up to the same multiple of this share a grid: more share, but finer than some need. 3 was
# the fastest of 1 to 4 for all l up to 4, 6, 8 and 10.
_SHARED_STEP = 3


@dataclass(frozen=True)
class _Pair:
    """Outputs of one pair of irreps: blocks of even and of odd l1 + l2 + l3, with their dimensions."""

    first: int
    second: int
    even: tuple[tuple[int, int], ...]
    odd: tuple[tuple[int, int], ...]


class CompleteProduct(EquivariantProduct):
    """Same outputs as `DenseClebschGordan`, computed on grids."""

    kind = "complete"

    def __init__(
        self, irreps_in1: o3.Irreps | str, irreps_in2: o3.Irreps | str, irreps_out: o3.Irreps | str | None = None
    ) -> None:
        super().__init__(irreps_in1, irreps_in2, irreps_out)
        by_pair: dict[tuple[int, int], list[Path]] = {}
        for path in self.paths:
            by_pair.setdefault((path.first, path.second), []).append(path)
        largest = max(sum(paths[0].degrees[:2]) for paths in by_pair.values())
        self._shared: dict[int, list[_Pair]] = {}
        for (first, second), paths in sorted(by_pair.items()):
            total = sum(paths[0].degrees[:2])
            degree = min(-(-total // _SHARED_STEP) * _SHARED_STEP, largest)
            points = sphere.grid(degree + 1, 2 * degree + 1, True)
            for name, number, l in zip("xy", (first, second), paths[0].degrees[:2], strict=True):
                if not hasattr(self, f"{name}_{number}_{degree}"):
                    self.constant(f"{name}_{number}_{degree}", signal_tables(l, points))
            parts: list[tuple[tuple[int, int], ...]] = []
            for odd in (0, 1):
                chosen = [path for path in paths if sum(path.degrees) % 2 == odd]
                parts.append(tuple((path.block, 2 * path.degrees[2] + 1) for path in chosen))
                if chosen:
                    self.constant(f"out_{first}_{second}_{odd}", _analysis(chosen, points))
            self._shared.setdefault(degree, []).append(_Pair(first, second, *parts))

    def multiply(self, x: list[Tensor], y: list[Tensor]) -> list[Tensor]:
        """See the base class."""
        result: dict[int, Tensor] = {}
        for degree, pairs in self._shared.items():
            # A matrix product of strided blocks would go row by row.
            left = {n: x[n].contiguous() @ getattr(self, f"x_{n}_{degree}") for n in sorted({pair.first for pair in pairs})}
            right = {n: y[n].contiguous() @ getattr(self, f"y_{n}_{degree}") for n in sorted({pair.second for pair in pairs})}
            for pair in pairs:
                f, g = left[pair.first], right[pair.second]
                points = f.shape[-1] // 3
                if pair.even:
                    self._read(f[..., :points] * g[..., :points], pair, 0, pair.even, result)
                if pair.odd:
                    self._read(cross(f, g), pair, 1, pair.odd, result)
        return [result[block] for block in range(len(self.block_dims))]

    def _read(
        self, values: Tensor, pair: _Pair, odd: int, outputs: tuple[tuple[int, int], ...], result: dict[int, Tensor]
    ) -> None:
        """Expand a signal and file its parts under their blocks."""
        parts = values @ getattr(self, f"out_{pair.first}_{pair.second}_{odd}")
        for (block, _), part in zip(outputs, parts.split([dim for _, dim in outputs], -1), strict=True):
            result[block] = part


def _analysis(paths: list[Path], points: sphere.Grid) -> npt.NDArray[np.float64]:
    """From values on the grid to the outputs of these paths, in Clebsch-Gordan normalisation; (points, dim)."""
    tables = [harmonics(path.degrees[2], points) / coefficient("vector-signal", *path.degrees) for path in paths]
    return (np.concatenate(tables) * points.weights).T
