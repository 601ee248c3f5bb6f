"""Gaunt products: features as functions on the sphere, multiplied point by point.

The functions are f = Σ x_lm Y_lm with harmonics of mean square one; the output is the expansion of f g. Natural irreps
(parity (-1)^l) make one function, pseudotensors another; a product of two natural or two pseudo functions is
natural, of one of each pseudo. One output for each l3 adds all pairs (l1, l2); those with odd l1 + l2 + l3 are absent.

Two routes to the same numbers: a grid on the sphere (Y. Xie et al., arXiv:2506.13523), and Fourier series on the
torus, where functions are continued from β in [0, π] to [0, 2π) (S. Luo et al., arXiv:2401.10216).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import shown
from sbs.nn.products import sphere
from sbs.nn.products.interface import EquivariantProduct, natural
from sbs.nn.products.sphere import associated_legendre, harmonics

__all__ = ["FourierGaunt", "GridGaunt", "grid_for", "multiply_signals", "outputs_by_parity", "split_signals"]


def grid_for(product: EquivariantProduct, given: tuple[int, int] | None) -> tuple[int, int]:
    """Numbers of polar and azimuthal nodes: the least that are exact, or the given ones if they are enough.

    Raises:
        NetworkInputError: if the given grid is not two positive integers, or too small.
    """
    degree = _largest(product.irreps_in1) + _largest(product.irreps_in2)
    out = max(ir.l for ir in product.blocks)
    least = ((degree + out) // 2 + 1, degree + out + 1)
    if given is None:
        return least
    try:
        polar, azimuth = (int(number) for number in given)
    except Exception as error:  # the value is the user's, and so is what going through it raises
        raise NetworkInputError(
            f"grid={shown(given)}; expected two integers, the numbers of polar and azimuthal nodes, at least {least}."
        ) from error
    if polar < least[0] or azimuth < least[1]:
        raise NetworkInputError(
            f"grid=({polar}, {azimuth}) is too small: a product of total degree {degree}, read off up to l={out}, is "
            f"aliased below {least[0]} polar and {least[1]} azimuthal nodes; give at least {least}, or leave grid out."
        )
    return polar, azimuth


def _largest(irreps: o3.Irreps) -> int:
    return max(ir.l for _, ir in irreps)


def split_signals(irreps: o3.Irreps) -> dict[bool, list[int]]:
    """Numbers of the natural (True) and of the pseudo (False) irreps; only signals that occur."""
    signals: dict[bool, list[int]] = {}
    for number, (_, ir) in enumerate(irreps):
        signals.setdefault(natural(ir), []).append(number)
    return signals


def multiply_signals(
    first: dict[bool, Tensor], second: dict[bool, Tensor], by: Callable[[Tensor, Tensor], Tensor]
) -> dict[bool, Tensor]:
    """Products of the signals of two features by the parity of the result."""
    result: dict[bool, Tensor] = {}
    for parity1, left in first.items():
        for parity2, right in second.items():
            value, parity = by(left, right), parity1 == parity2
            result[parity] = result[parity] + value if parity in result else value
    return result


class GridGaunt(EquivariantProduct):
    """Gaunt product on Gauss-Legendre times equispaced nodes: two matrix products in, one out.

    Args:
        irreps_in1, irreps_in2, irreps_out: see `EquivariantProduct`.
        grid: numbers of polar and azimuthal nodes; the least exact ones by default.

    Raises:
        NetworkInputError: also for a grid on which the product would be aliased.
    """

    kind = "gaunt"

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
                self.constant(f"{name}_{parity}", np.concatenate([harmonics(irreps[n].ir.l, points) for n in numbers]))
        self._outputs = outputs_by_parity(self.blocks)
        for parity, blocks in self._outputs.items():
            table = np.concatenate([harmonics(self.blocks[block].l, points) for block in blocks])
            self.constant(f"out_{parity}", (table * points.weights).T)

    def multiply(self, x: list[Tensor], y: list[Tensor]) -> list[Tensor]:
        """See the base class."""
        first, second = (
            {
                parity: torch.cat([values[n] for n in numbers], dim=-1) @ getattr(self, f"{name}_{parity}")
                for parity, numbers in signals.items()
            }
            for name, values, signals in zip("xy", (x, y), self._signals, strict=True)
        )
        values = multiply_signals(first, second, torch.mul)
        result: dict[int, Tensor] = {}
        for parity, blocks in self._outputs.items():
            parts = (values[parity] @ getattr(self, f"out_{parity}")).split([self.block_dims[b] for b in blocks], -1)
            result.update(zip(blocks, parts, strict=True))
        return [result[block] for block in range(len(self.block_dims))]


class FourierGaunt(EquivariantProduct):
    """Gaunt product by two-dimensional Fourier transforms (fast convolution of the Fourier coefficients on the torus)."""

    kind = "gaunt"

    def __init__(
        self, irreps_in1: o3.Irreps | str, irreps_in2: o3.Irreps | str, irreps_out: o3.Irreps | str | None = None
    ) -> None:
        super().__init__(irreps_in1, irreps_in2, irreps_out)
        degree = _largest(self.irreps_in1) + _largest(self.irreps_in2)
        self._size = 2 * degree + 1
        self._width = self._size**2
        self._signals = (split_signals(self.irreps_in1), split_signals(self.irreps_in2))
        for name, irreps, signals in zip("xy", (self.irreps_in1, self.irreps_in2), self._signals, strict=True):
            for parity, numbers in signals.items():
                self._series(f"{name}_{parity}", [irreps[n].ir.l for n in numbers], self._size)
        self._outputs = outputs_by_parity(self.blocks)
        for parity, blocks in self._outputs.items():
            self._projection(f"out_{parity}", [self.blocks[block].l for block in blocks], degree)

    def _series(self, name: str, degrees: Sequence[int], size: int) -> None:
        """From coefficients, arranged as (m, l) with m >= 0, to Fourier coefficients in β."""
        top = max(degrees)
        table = np.zeros((top + 1, len(degrees), size), dtype=np.complex128)
        for number, l in enumerate(degrees):
            for m, series in enumerate(_polar_series(l)):
                # A wave c e^{imα} and its conjugate make cos and sin; Y has each once.
                table[m, number, np.arange(-l, l + 1) % size] = series * (1.0 if m == 0 else 0.5)
        self.constant(name, _as_real(table))
        starts = np.concatenate([[0], np.cumsum([2 * l + 1 for l in degrees])])
        cos = np.full((top + 1, len(degrees)), starts[-1])
        sin = np.full((top + 1, len(degrees)), starts[-1])
        for number, l in enumerate(degrees):
            zero, orders = starts[number] + l, np.arange(l + 1)
            cos[orders, number] = zero + orders
            sin[orders[1:], number] = zero - orders[1:]
        self.constant(f"{name}_cos", cos)
        self.constant(f"{name}_sin", sin)

    def _projection(self, name: str, degrees: Sequence[int], degree: int) -> None:
        """From Fourier coefficients in β to coefficients (m, l), m >= 0, and from these to components."""
        top, size = max(degrees), 2 * degree + 1
        frequencies = np.arange(-degree, degree + 1)
        table = np.zeros((top + 1, size, len(degrees)), dtype=np.complex128)
        for number, l in enumerate(degrees):
            pairs = _half_circle(frequencies[:, None] + np.arange(-l, l + 1))
            for m, series in enumerate(_polar_series(l)):
                table[m, frequencies % size, number] = pairs @ series
        self.constant(name, _as_real(table))
        picks = [
            (abs(m) * len(degrees) + number) * 2 + (m < 0) for number, l in enumerate(degrees) for m in range(-l, l + 1)
        ]
        self.constant(f"{name}_pick", np.array(picks))

    def _torus(self, name: str, values: Tensor) -> Tensor:
        """Function values on the torus, (..., size, size)."""
        padded = torch.nn.functional.pad(values.to(_complex_part(values.dtype)), (0, 1))
        waves = torch.complex(padded[..., getattr(self, f"{name}_cos")], -padded[..., getattr(self, f"{name}_sin")])
        spectrum = torch.einsum("...ml,mlu->...um", waves, torch.view_as_complex(getattr(self, name).to(padded.dtype)))
        return torch.fft.irfft2(spectrum, s=(self._size, self._size), norm="forward")

    def multiply(self, x: list[Tensor], y: list[Tensor]) -> list[Tensor]:
        """See the base class."""
        batch = torch.broadcast_shapes(x[0].shape[:-1], y[0].shape[:-1])
        if 0 in batch:  # the transforms refuse empty batches
            return [x[0].new_zeros((*batch, dim)) for dim in self.block_dims]
        first, second = (
            {
                parity: self._torus(f"{name}_{parity}", torch.cat([values[n] for n in numbers], dim=-1))
                for parity, numbers in signals.items()
            }
            for name, values, signals in zip("xy", (x, y), self._signals, strict=True)
        )
        result: dict[int, Tensor] = {}
        for parity, values in multiply_signals(first, second, torch.mul).items():
            if parity not in self._outputs:
                continue
            blocks, table = self._outputs[parity], torch.view_as_complex(getattr(self, f"out_{parity}").to(values.dtype))
            spectrum = torch.fft.rfft2(values, norm="forward")[..., : table.shape[0]]
            waves = torch.einsum("...um,mul->...ml", spectrum, table)
            # The mean of h cos(mα) is the real part of h's coefficient, that of h sin(mα) minus the imaginary part.
            parts = torch.stack([waves.real, -waves.imag], dim=-1).flatten(-3)[..., getattr(self, f"out_{parity}_pick")]
            parts = parts.to(x[0].dtype)
            result.update(zip(blocks, parts.split([self.block_dims[b] for b in blocks], -1), strict=True))
        return [result[block] for block in range(len(self.block_dims))]


def _complex_part(dtype: torch.dtype) -> torch.dtype:
    """There are no complex numbers of half precision to compute with."""
    return torch.promote_types(dtype, torch.float32)


def outputs_by_parity(blocks: Sequence[o3.Irrep]) -> dict[bool, list[int]]:
    """Numbers of the natural and of the pseudo blocks."""
    result: dict[bool, list[int]] = {}
    for number, ir in enumerate(blocks):
        result.setdefault(natural(ir), []).append(number)
    return result


def _polar_series(l: int) -> npt.NDArray[np.complex128]:
    """Fourier coefficients of P[l, m] on the whole circle of β, shape (m, 2l + 1), frequencies -l..l."""
    size = 2 * l + 1
    angles = 2 * np.pi * np.arange(size) / size
    values = associated_legendre(l, np.cos(angles), np.sin(angles))[l]
    return np.asarray(np.fft.fftshift(np.fft.fft(values, axis=-1, norm="forward"), axes=-1))


def _as_real(table: npt.NDArray[np.complex128]) -> npt.NDArray[np.float64]:
    """Real and imaginary parts as a last dimension: a module's change of dtype passes over complex buffers."""
    return np.stack([table.real, table.imag], axis=-1)


def _half_circle(k: npt.NDArray[np.int64]) -> npt.NDArray[np.complex128]:
    """Half the integral of sin β exp(ikβ) over β from 0 to π: 1 / (1 - k²) for even k, ±iπ/4 for k = ±1, else zero."""
    even = k % 2 == 0
    real = np.where(even, 1.0 / np.where(even, 1 - k * k, 1), 0.0)
    return real + 0.25j * np.pi * ((k == 1).astype(float) - (k == -1))
