"""Exact entries of point-group matrices, √3/2, (1+√5)/4, cos(2π/7) ..., as text and as sympy matrices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sbs.errors import InvalidGroupError

if TYPE_CHECKING:
    import sympy

__all__ = ["EXACT_TOLERANCE", "exact_matrix", "format_exact"]

# An entry is its exact value if it agrees to this; float64 matrices of the library are good to a few 1e-16.
EXACT_TOLERANCE = 1e-12

_ROOT5 = math.sqrt(5.0)
# Positive values that need no trigonometry: text, (a, b, r, c) for (a + b √r) / c.
_ALGEBRAIC: dict[str, tuple[int, int, int, int]] = {
    "0": (0, 0, 1, 1),
    "1": (1, 0, 1, 1),
    "1/2": (1, 0, 1, 2),
    "√2/2": (0, 1, 2, 2),
    "√3/2": (0, 1, 3, 2),
    "(1+√5)/4": (1, 1, 5, 4),
    "(√5-1)/4": (-1, 1, 5, 4),
}


@dataclass(frozen=True)
class _Exact:
    """sign * value, with value (a + b √r) / c if `algebraic` is set, else function(π p / q)."""

    sign: int
    text: str
    algebraic: tuple[int, int, int, int] | None
    function: str = ""
    p: int = 0
    q: int = 1

    def __str__(self) -> str:
        return ("-" if self.sign < 0 else "") + self.text

    def to_sympy(self) -> sympy.Expr:
        import sympy

        if self.algebraic is not None:
            a, b, r, c = self.algebraic
            return self.sign * (sympy.Integer(a) + b * sympy.sqrt(r)) / sympy.Integer(c)
        return self.sign * getattr(sympy, self.function)(sympy.pi * sympy.Rational(self.p, self.q))


def _recognise(value: float, n: int | None) -> _Exact:
    """Exact form of one entry; the trigonometric ones for the angles 2πk/n."""
    sign, size = (-1 if value < -EXACT_TOLERANCE else 1), abs(value)
    for text, (a, b, r, c) in _ALGEBRAIC.items():
        if abs(size - (a + b * math.sqrt(r)) / c) < EXACT_TOLERANCE:
            return _Exact(sign, text, (a, b, r, c))
    if n is not None and size <= 1.0:
        # Angles 2πk/n reduced to the first quadrant are multiples of π/n, or of π/2n where n is odd.
        p = round(math.acos(size) * 2 * n / math.pi)
        if abs(size - math.cos(math.pi * p / (2 * n))) < EXACT_TOLERANCE:
            forms = []
            for function, numerator in (("cos", p), ("sin", n - p)):
                divisor = math.gcd(numerator, 2 * n)
                forms.append((2 * n // divisor, numerator // divisor, function))
            q, p, function = min(forms)  # sin(2π/7) rather than cos(3π/14)
            return _Exact(sign, f"{function}({'' if p == 1 else p}π/{q})", None, function, p, q)
    angles = "" if n is None else f", a cosine or a sine of a multiple of 2π/{n}"
    raise InvalidGroupError(
        f"the entry {value!r} is none of the exact values 0, 1/2, 1, √2/2, √3/2, (±1+√5)/4{angles} within "
        f"{EXACT_TOLERANCE:g}; give a matrix in the standard setting and the n of its group"
    )


def _recognised(matrix: npt.ArrayLike, n: int | None) -> list[list[_Exact]]:
    entries = np.asarray(matrix, dtype=np.float64)
    if entries.ndim != 2 or not np.all(np.isfinite(entries)):
        raise InvalidGroupError(f"expected one finite matrix, got an array of shape {entries.shape}:\n{entries}")
    return [[_recognise(float(value), n) for value in row] for row in entries]


def exact_matrix(matrix: npt.ArrayLike, n: int | None = None) -> sympy.Matrix:
    """The matrix with exact sympy entries.

    Args:
        matrix: (3, 3), an element of a point group in its standard setting.
        n: the number in the symbol of the group (or a multiple of it): entries may be cosines and sines of
            2πk/n, or of πk/n for the rotoreflections of S_2n. Not needed for cubic and icosahedral groups.

    Returns:
        sympy Matrix whose every entry agrees with the given one to EXACT_TOLERANCE. sympy is loaded by this call.

    Raises:
        InvalidGroupError: an entry is none of these values.
    """
    import sympy

    return sympy.Matrix([[entry.to_sympy() for entry in row] for row in _recognised(matrix, n)])


def format_exact(matrix: npt.ArrayLike, n: int | None = None) -> str:
    """The matrix as text with exact entries, a line for each row; arguments, errors: see `exact_matrix`."""
    rows = [[str(entry) for entry in row] for row in _recognised(matrix, n)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("[" + "  ".join(word.rjust(w) for word, w in zip(row, widths, strict=True)) + "]" for row in rows)
