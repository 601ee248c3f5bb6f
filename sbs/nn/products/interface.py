"""The interface that every tensor product here has, and the checks of irreps and inputs.

A product takes features x and y and returns every output that it has; weights belong to the linear layers before and
behind it. It acts channel by channel: all irreps of an input occur equally often, and output channel c is
made from channel c of both (one channel of an input serves all channels of the other).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.nn.checks import as_irreps, check_tensors
from sbs.nn.compiling import autocasting, is_compiling
from sbs.nn.products import selection
from sbs.nn.products.selection import Kind
from sbs.nn.products.sphere import LARGEST_DEGREE

__all__ = ["EquivariantProduct", "Path", "natural"]

# On a CPU, large batches go through so many rows at a time that intermediate results (a megabyte each) stay in the
# caches: less memory (the sparse product at l up to 8 takes a third) and, for vector signals, up to a third less
# time. Fewer than 64 rows cost more in calls than they save.
_CACHED = 1 << 18
_LEAST_ROWS = 64


@dataclass(frozen=True)
class Path:
    """One interaction: ``coefficient * sqrt(2 l3 + 1) * w3j(x_first, y_second)`` is added to a block of the output.

    Attributes:
        first, second: number of the irrep in `irreps_in1` and `irreps_in2`.
        block: number of the output block, see `EquivariantProduct.blocks`.
        degrees: (l1, l2, l3).
        coefficient: positive.
    """

    first: int
    second: int
    block: int
    degrees: tuple[int, int, int]
    coefficient: float


class EquivariantProduct(torch.nn.Module):
    """Bilinear equivariant map of two features, without weights.

    Args:
        irreps_in1, irreps_in2: each irrep once, all with the same multiplicity, the channels; both inputs have
            the same number of channels, or one of them has one.
        irreps_out: the irreps (l, parity) to keep, multiplicities do not matter; all that arise by default.

    Attributes:
        irreps_in1, irreps_in2, irreps_out: what goes in, and what comes out, sorted as e3nn's ``FullTensorProduct`` does.
        blocks, block_dims: irrep of each output block of `channels` copies, and its dimension; a product that keeps
            paths apart has a block per path.
        paths: what the product computes, exactly.
        kind: "clebsch-gordan", "gaunt", "vector-signal" or "complete".

    Raises:
        NetworkInputError: for irreps that cannot be read, that repeat or differ in multiplicity, whose degree is
            too large, or that cannot come out.
    """

    kind: Kind

    def __init__(
        self, irreps_in1: o3.Irreps | str, irreps_in2: o3.Irreps | str, irreps_out: o3.Irreps | str | None = None
    ) -> None:
        super().__init__()
        self.irreps_in1, first = _checked(irreps_in1, "irreps_in1")
        self.irreps_in2, second = _checked(irreps_in2, "irreps_in2")
        if first != second and 1 not in (first, second):
            raise NetworkInputError(
                f"irreps_in1={self.irreps_in1} has {first} channels, irreps_in2={self.irreps_in2} has {second}; "
                "expected as many, or one in one of them; bring them there with o3.Linear."
            )
        self.channels = max(first, second)
        wanted = None if irreps_out is None else {ir for _, ir in as_irreps(irreps_out, "irreps_out")}
        self.blocks, self.paths = _paths(self.kind, self.irreps_in1, self.irreps_in2, wanted)
        self._refuse_missing(wanted)
        self.irreps_out = o3.Irreps([(self.channels, ir) for ir in self.blocks]).simplify()
        self._tables: dict[str, npt.NDArray[Any]] = {}
        self._width = 1  # of the widest intermediate result, numbers a row
        # Plain numbers for `forward`: torch.compile does not trace e3nn's irreps.
        self._layouts = (_layout(self.irreps_in1), _layout(self.irreps_in2))
        self.block_dims = tuple(ir.dim for ir in self.blocks)

    def _refuse_missing(self, wanted: set[o3.Irrep] | None) -> None:
        missing = sorted((wanted or set()) - set(self.blocks))
        if missing or not self.blocks:
            possible = _paths(self.kind, self.irreps_in1, self.irreps_in2, None)[0]
            raise NetworkInputError(
                f"irreps_out contains {', '.join(map(str, missing)) or 'no irrep'}, which the {self.kind} product of "
                f"{self.irreps_in1} and {self.irreps_in2} does not have; it has {o3.Irreps(list(possible)).simplify()}."
            )

    def constant(self, name: str, table: npt.NDArray[Any]) -> None:
        """Register a table as a buffer (not saved: it follows from the irreps), floats in torch's default precision.

        A change of dtype starts again from the float64 table, so that no digit is lost by way of float32.
        """
        self._tables[name] = table
        self._width = max(self._width, *table.shape)
        device = torch.empty(0).device  # "meta" where the model is laid out there
        self.register_buffer(name, _cast(table, torch.get_default_dtype(), device), persistent=False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> EquivariantProduct:
        super()._apply(fn, recurse)
        for name, table in self._tables.items():
            # Also after `to_empty`, which leaves nothing in it.
            buffer = getattr(self, name)
            setattr(self, name, _cast(table, buffer.dtype, buffer.device))
        return self

    @property
    def name(self) -> str:
        """The kind, for messages."""
        return self.kind

    def has(self, l1: int, l2: int, l3: int) -> bool:
        """Whether the product, between linear layers, makes degree l3 from l1 and l2: what `sbs.nn.can_break` asks."""
        return selection.interacts(self.kind, l1, l2, l3)

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the tables, and of what may go in."""
        return self._floats().dtype

    def _floats(self) -> Tensor:
        """Any table of floats."""
        return next(each for each in self.buffers() if each.is_floating_point())

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Multiply.

        Args:
            x, y: (..., irreps_in1.dim) and (..., irreps_in2.dim), on the device and in the precision of the
                module; leading dimensions broadcast.

        Returns:
            (..., irreps_out.dim).

        Raises:
            NetworkInputError: for another last dimension, device or dtype, or batches that do not broadcast.
        """
        self._check(x, y)
        if autocasting(x.device):
            # The layers around cast what they hand on; the product keeps the precision of its tables.
            with torch.autocast(x.device.type, enabled=False):
                return self._evaluated(x.to(self.dtype), y.to(self.dtype)).to(torch.promote_types(x.dtype, y.dtype))
        return self._evaluated(x, y)

    def _evaluated(self, x: Tensor, y: Tensor) -> Tensor:
        rows = max(_LEAST_ROWS, _CACHED // (self.channels * self._width))
        if is_compiling() or x.device.type != "cpu" or x.shape[:-1] != y.shape[:-1] or x.shape[:-1].numel() <= rows:
            return self._multiplied(x, y)
        pairs = zip(x.flatten(0, -2).split(rows), y.flatten(0, -2).split(rows), strict=True)
        return torch.cat([self._multiplied(*pair) for pair in pairs]).unflatten(0, x.shape[:-1])

    def _multiplied(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.cat([block.flatten(-2) for block in self.multiply(*self.split(x, y))], dim=-1)

    def split(self, x: Tensor, y: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """The inputs as blocks (..., channels, 2 l + 1), one for each irrep."""
        first, second = (
            [values[..., start : start + mul * dim].unflatten(-1, (mul, dim)) for start, mul, dim in layout]
            for values, layout in zip((x, y), self._layouts, strict=True)
        )
        return first, second

    def multiply(self, x: list[Tensor], y: list[Tensor]) -> list[Tensor]:
        """Blocks (..., channels, 2 l + 1) of the inputs -> blocks of the output, in the order of `blocks`."""
        raise NotImplementedError

    def _check(self, x: Tensor, y: Tensor) -> None:
        check_tensors(True, x=x, y=y)
        expected = self._floats()
        for name, given, layout in (("x", x, self._layouts[0]), ("y", y, self._layouts[1])):
            start, mul, last = layout[-1]
            if given.ndim == 0 or given.shape[-1] != start + mul * last:
                irreps = self.irreps_in1 if name == "x" else self.irreps_in2
                raise NetworkInputError(
                    f"{name} has shape {tuple(given.shape)}; expected (..., {irreps.dim}) for the irreps {irreps}."
                )
            same = given.dtype == expected.dtype or (given.is_floating_point() and autocasting(expected.device))
            if not same or given.device != expected.device:
                raise NetworkInputError(
                    f"{name} is {given.dtype} on {given.device}, the product {expected.dtype} on {expected.device}; "
                    f"bring them together, for example with product.to({name})."
                )
        try:
            torch.broadcast_shapes(x.shape[:-1], y.shape[:-1])
        except RuntimeError as error:
            raise NetworkInputError(
                f"x and y have batch dimensions {tuple(x.shape[:-1])} and {tuple(y.shape[:-1])}, which do not "
                "broadcast; give the same, or one where they differ."
            ) from error

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.irreps_in1} x {self.irreps_in2} -> {self.irreps_out})"


def natural(ir: o3.Irrep) -> bool:
    """True if p = (-1)^l, the parity of the spherical harmonics; otherwise it is a pseudotensor."""
    return bool(ir.p == (-1) ** ir.l)


def _cast(table: npt.NDArray[Any], dtype: torch.dtype, device: torch.device) -> Tensor:
    if table.dtype.kind in "iu":
        return torch.tensor(table, dtype=torch.int64, device=device)
    return torch.tensor(table, dtype=dtype, device=device)


def _layout(irreps: o3.Irreps) -> tuple[tuple[int, int, int], ...]:
    """Start, multiplicity and dimension of each irrep."""
    return tuple((block.start, mul, ir.dim) for (mul, ir), block in zip(irreps, irreps.slices(), strict=True))


def _checked(irreps: o3.Irreps | str, name: str) -> tuple[o3.Irreps, int]:
    """Irreps and their number of channels."""
    found = as_irreps(irreps, name)
    kinds = [ir for _, ir in found]
    muls = {mul for mul, _ in found}
    if not kinds or 0 in muls:
        raise NetworkInputError(f"{name}={irreps} has no irrep, or one with multiplicity zero; leave it out.")
    if len(set(kinds)) < len(kinds) or len(muls) > 1:
        raise NetworkInputError(
            f"{name}={found} has irreps that repeat or differ in multiplicity; expected each irrep once, all with "
            "the same multiplicity (the channels), for example '8x0e+8x1o'; o3.Linear brings features there."
        )
    largest = max(ir.l for ir in kinds)
    if largest > LARGEST_DEGREE:
        raise NetworkInputError(
            f"{name}={found} has degree l={largest}; products are held to rounding up to l={LARGEST_DEGREE}: leave "
            "higher irreps out."
        )
    return found, muls.pop()


def _paths(
    kind: Kind, first: o3.Irreps, second: o3.Irreps, wanted: set[o3.Irrep] | None
) -> tuple[tuple[o3.Irrep, ...], tuple[Path, ...]]:
    """Output blocks in sorted order, and the paths to them."""
    found = [
        (out, number1, number2, (ir1.l, ir2.l, out.l))
        for number1, (_, ir1) in enumerate(first)
        for number2, (_, ir2) in enumerate(second)
        for out in ir1 * ir2
        if (wanted is None or out in wanted) and selection.interacts(kind, ir1.l, ir2.l, out.l)
    ]
    found.sort(key=lambda each: each[0])  # stable: paths of one irrep stay in the order of the inputs

    def block_of(number: int) -> tuple[object, ...]:
        out, *_, degrees = found[number]
        return (out, sum(degrees) % 2) if selection.mixes(kind) else (out, number)

    keys = sorted({block_of(number) for number in range(len(found))})
    place = {key: block for block, key in enumerate(keys)}
    paths = tuple(
        Path(number1, number2, place[block_of(number)], degrees, selection.coefficient(kind, *degrees))
        for number, (_, number1, number2, degrees) in enumerate(found)
    )
    blocks: list[Any] = [key[0] for key in keys]
    return tuple(blocks), paths
