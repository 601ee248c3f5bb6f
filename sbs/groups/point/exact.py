"""Exact entries of point-group matrices, √3/2, (1+√5)/4, cos(2π/7) ..., as text and as sympy matrices.

Only the values that occur in the standard settings are taken; `sbs.groups.abstract.exact_numbers` recognises them.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sbs.errors import InvalidGroupError, NoExactFormError
from sbs.groups.abstract.exact_numbers import ENTRY_TOLERANCE, ExactNumber, recognised

if TYPE_CHECKING:
    import sympy

__all__ = ["exact_matrix", "format_exact"]

# Values that need no trigonometry, by their squares a + b √r.
_ALGEBRAIC: dict[tuple[Fraction, Fraction, int], str] = {
    (Fraction(0), Fraction(0), 2): "0",
    (Fraction(1), Fraction(0), 2): "1",
    (Fraction(1, 4), Fraction(0), 2): "1/2",
    (Fraction(1, 2), Fraction(0), 2): "√2/2",
    (Fraction(3, 4), Fraction(0), 2): "√3/2",
    (Fraction(3, 8), Fraction(1, 8), 5): "(1+√5)/4",
    (Fraction(3, 8), Fraction(-1, 8), 5): "(√5-1)/4",
}


def _entry(value: float, n: int | None) -> tuple[ExactNumber, str]:
    """An entry and its text; cosines and sines are those of multiples of π/2n."""
    try:
        number = recognised(value, 1 if n is None else n, ENTRY_TOLERANCE)
    except NoExactFormError:
        raise _unknown(value, n) from None
    sign = "-" if number.sign < 0 else ""
    if number.angle is None:
        text = _ALGEBRAIC.get((number.a, number.b, number.r))
    elif n is not None and number.k == 1 and 2 * n % number.angle.denominator == 0:
        forms = ((number.angle, "cos"), (Fraction(1, 2) - number.angle, "sin"))
        q, p, function = min((a.denominator, a.numerator, name) for a, name in forms)  # sin(2π/7) rather than cos(3π/14)
        text = f"{function}({'' if p == 1 else p}π/{q})"
    else:
        text = None
    if text is None:
        raise _unknown(value, n)
    return number, sign + text


def _unknown(value: float, n: int | None) -> InvalidGroupError:
    angles = "" if n is None else f", a cosine or a sine of a multiple of 2π/{n}"
    return InvalidGroupError(
        f"the entry {value!r} is none of the exact values 0, 1/2, 1, √2/2, √3/2, (±1+√5)/4{angles} within "
        f"{ENTRY_TOLERANCE:g}; give a matrix in the standard setting and the n of its group"
    )


def _entries(matrix: npt.ArrayLike, n: int | None) -> list[list[tuple[ExactNumber, str]]]:
    entries = np.asarray(matrix, dtype=np.float64)
    if entries.ndim != 2 or not np.all(np.isfinite(entries)):
        raise InvalidGroupError(
            f"expected one finite matrix, got an array of shape {entries.shape}:\n{entries}"
        )
    return [[_entry(float(value), n) for value in row] for row in entries]


def exact_matrix(matrix: npt.ArrayLike, n: int | None = None) -> sympy.Matrix:
    """The matrix with exact sympy entries.

    Args:
        matrix: (3, 3), an element of a point group in its standard setting.
        n: the number in the symbol of the group (or a multiple of it): entries may be cosines and sines of
            2πk/n, or of πk/n for the rotoreflections of S_2n. Not needed for cubic and icosahedral groups.

    Returns:
        sympy Matrix whose every entry agrees with the given one to ENTRY_TOLERANCE. sympy is loaded by this call.

    Raises:
        InvalidGroupError: an entry is none of these values.
    """
    import sympy

    return sympy.Matrix([[entry.to_sympy() for entry, _ in row] for row in _entries(matrix, n)])


def format_exact(matrix: npt.ArrayLike, n: int | None = None) -> str:
    """The matrix as text with exact entries, a line for each row; arguments, errors: see `exact_matrix`."""
    rows = [[text for _, text in row] for row in _entries(matrix, n)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("[" + "  ".join(word.rjust(w) for word, w in zip(row, widths, strict=True)) + "]" for row in rows)
