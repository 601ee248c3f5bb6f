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
    return [_symbol(rotation, axes) for rotation in rotations]


def _symbol(rotation: NDArray[np.int64], axes: NDArray[np.int64]) -> str:
    sign = round(float(np.linalg.det(rotation)))
    kind = TYPES[sign, int(np.trace(rotation))]
    if kind in ("1", "-1"):
        return kind
    proper = rotation * sign
    axis = axes[(axes @ proper.T == axes).all(axis=1).argmax()]
    text = f"{kind}[{','.join(str(x) for x in axis.tolist())}]"
    if kind in ("2", "m"):
        return text
    turns = [round(float(np.linalg.det(np.array([axis, e, proper @ e])))) for e in np.eye(3, dtype=np.int64)]
    return text + ("+" if next(turn for turn in turns if turn) > 0 else "-")


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
