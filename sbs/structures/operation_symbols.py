"""Names of the rotations of a crystal in its standard setting: type, axis and sense, as in ``"4[0,0,1]+"``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["operation_symbols", "representative_shifts"]

# (determinant, trace) -> type of a crystallographic rotation.
TYPES = {
    **{(1, 3): "1", (1, -1): "2", (1, 0): "3", (1, 1): "4", (1, 2): "6"},
    **{(-1, -3): "-1", (-1, 1): "m", (-1, 0): "-3", (-1, -1): "-4", (-1, -2): "-6"},
}
# Shifts of one crystal are multiples of 1/24 of a lattice vector in the standard setting.
SHIFT_DIGITS = 4


def operation_symbols(rotations: NDArray[np.int64]) -> list[str]:
    """Symbols of integer rotations (n, 3, 3) in the standard setting.

    The axis is the shortest lattice direction along it whose first nonzero index is positive; the sense is that of the
    proper part of the rotation about it.
    """
    axes = np.array(list(np.ndindex(5, 5, 5))) - 2
    axes = axes[np.lexsort((-axes[:, 2], -axes[:, 1], -axes[:, 0], np.abs(axes).sum(axis=1)))][1:]
    signs = np.round(np.linalg.det(rotations)).astype(np.int64)
    proper = rotations * signs[:, None, None]
    held = axes[(axes @ proper.transpose(0, 2, 1) == axes).all(axis=2).argmax(axis=1)]
    # det(axis, e, W e) = axis · (e × W e) for the basis vectors e; one along the axis gives zero.
    senses = np.einsum("gi,gei->ge", held, np.cross(np.eye(3, dtype=np.int64), proper.transpose(0, 2, 1)))
    first = senses[np.arange(len(senses)), (senses != 0).argmax(axis=1)]
    traces = np.trace(rotations, axis1=1, axis2=2)
    kinds = [TYPES[each] for each in zip(signs.tolist(), traces.tolist(), strict=True)]
    return [_symbol(*parts) for parts in zip(kinds, held.tolist(), first.tolist(), strict=True)]


def _symbol(kind: str, axis: list[int], sense: int) -> str:
    if kind in ("1", "-1"):
        return kind
    text = f"{kind}[{','.join(str(x) for x in axis)}]"
    return text if kind in ("2", "m") else text + ("+" if sense > 0 else "-")


def representative_shifts(shifts: NDArray[np.float64], centring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shifts (n, 3) reduced by lattice translations: each the first, in the order of its coordinates, of those in the cell.

    Args:
        shifts: float64 (n, 3), in the standard setting, in units of the conventional basis.
        centring: float64 (m, 3), the centring translations, the zero vector among them.
    """
    scale = 10.0**SHIFT_DIGITS
    everything = np.round(((shifts[:, None] + centring) % 1) * scale) % scale
    keys = everything @ np.array([scale**2, scale, 1.0])
    return np.asarray(everything[np.arange(len(shifts)), keys.argmin(axis=1)] / scale)
