"""Exact values of the numbers that groups and their objects consist of, for sympy.

Entries of the matrices of finite groups and components of invariant unit vectors are algebraic numbers: here integers and
rational numbers, numbers (a + b √r) / c with r = 2, 3, 5, square roots of both, and cosines of rational multiples of π, also
times √2/2 or √3/2.  A float64 number is taken for such a value if the two agree to a tolerance.  A number without such a form
meets one by chance once in 10⁴ times for entries of matrices, and in 10² for components of vectors; for these it is checked
in addition that the squares of a row of unit norm add up to one exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sbs.errors import NoExactFormError

if TYPE_CHECKING:
    import sympy

__all__ = ["ENTRY_TOLERANCE", "OBJECT_TOLERANCE", "ExactNumber", "exact_matrices", "exact_rows", "recognised"]

#: Matrices of the library are good to a few 1e-15.
ENTRY_TOLERANCE = 1e-13

#: Objects whose direction was found by maximising a distance are good to a few 1e-11.
OBJECT_TOLERANCE = 1e-10

_RADICANDS = (2, 3, 5)
#: Squared factors of cosines: of vectors with all, half or three quarters of their norm in the plane of the cosine.
_FACTORS = (Fraction(1), Fraction(1, 2), Fraction(3, 4))
#: Largest denominators that are tried: of a squared rational, of a number of a quadratic field, and of a squared one.
_LARGEST_RATIONAL, _LARGEST_SURD, _LARGEST_SQUARE = 5_000, 24, 240


@dataclass(frozen=True)
class ExactNumber:
    """sign √(a + b √r), or sign √k cos(π angle) if ``angle`` is set.

    Attributes:
        sign: 1 or -1.
        a, b, r: of the square, which is a + b √r.
        angle: from 0 to 1/2, or None. k: squared factor of the cosine.
    """

    sign: int
    a: Fraction
    b: Fraction
    r: int
    angle: Fraction | None = None
    k: Fraction = Fraction(1)

    def to_sympy(self) -> sympy.Expr:
        """The number for sympy, which this loads."""
        import sympy

        if self.angle is not None:
            value = sympy.cos(sympy.pi * sympy.Rational(self.angle.numerator, self.angle.denominator))
            return self.sign * value * sympy.sqrt(sympy.Rational(self.k.numerator, self.k.denominator))
        a, b = (sympy.Rational(q.numerator, q.denominator) for q in (self.a, self.b))
        return self.sign * sympy.sqrtdenest(sympy.sqrt(a + b * sympy.sqrt(self.r)))


def exact_matrices(matrices: np.ndarray, n: int) -> tuple[sympy.ImmutableMatrix, ...]:
    """Matrices (m, d, d) with exact entries; loads sympy.

    Args:
        matrices: float64.
        n: cosines and sines of 2πk/n and πk/n are looked for.

    Raises:
        NoExactFormError: an entry has no exact form that is looked for.
    """
    import sympy

    known: dict[ExactNumber, sympy.Expr] = {}
    return tuple(
        sympy.ImmutableMatrix([[_as_sympy(recognised(float(x), n, ENTRY_TOLERANCE), known) for x in row] for row in matrix])
        for matrix in matrices
    )


def exact_rows(rows: np.ndarray, n: int, blocks: Sequence[int]) -> sympy.ImmutableMatrix:
    """Vectors (m, d) of unit norm in each block as a matrix with exact entries; loads sympy.

    Args:
        rows: float64.
        n: cosines and sines of 2πk/n and πk/n are looked for.
        blocks: lengths of the blocks.

    Raises:
        NoExactFormError: a component has no exact form that is looked for.
    """
    import sympy

    known: dict[ExactNumber, sympy.Expr] = {}
    exact = []
    for row in rows:
        numbers = [recognised(float(x), n, OBJECT_TOLERANCE) for x in row]
        start = 0
        for length in blocks:
            _check_norm(numbers[start : start + length])
            start += length
        exact.append([_as_sympy(number, known) for number in numbers])
    return sympy.ImmutableMatrix(exact)


def _as_sympy(number: ExactNumber, known: dict[ExactNumber, sympy.Expr]) -> sympy.Expr:
    if number not in known:
        known[number] = number.to_sympy()
    return known[number]


def _check_norm(numbers: Iterable[ExactNumber]) -> None:
    """The squares of a block add up to one: with cosines in floating point, else as rational numbers."""
    numbers = list(numbers)
    if any(number.angle is not None for number in numbers):
        return
    surds = {r: sum((x.b for x in numbers if x.r == r), Fraction(0)) for r in _RADICANDS}
    if sum((x.a for x in numbers), Fraction(0)) != 1 or any(surds.values()):
        raise NoExactFormError(
            "the exact values found for the components of an object do not have norm one, so at least one of them is not its "
            "exact value; use the float64 components"
        )


@lru_cache(maxsize=4096)
def recognised(value: float, n: int, tolerance: float) -> ExactNumber:
    """The exact value of a float64 number.

    Args:
        value: the number.
        n: cosines and sines of 2πk/n and πk/n are looked for.
        tolerance: how far the value may be off.

    Raises:
        NoExactFormError: it has none of the forms that are looked for.
    """
    sign, size = (-1 if value < 0 else 1), abs(value)
    if size < tolerance:
        return ExactNumber(1, Fraction(0), Fraction(0), 2)
    square = size * size
    near = Fraction(square).limit_denominator(_LARGEST_RATIONAL)
    if near > 0 and abs(math.sqrt(near) - size) < tolerance * max(1.0, size):
        return ExactNumber(sign, near, Fraction(0), 2)
    found = _quadratic(size, _LARGEST_SURD, tolerance)
    if found is not None:
        a, b, r = found
        return ExactNumber(sign, a * a + b * b * r, 2 * a * b, r)
    for k in _FACTORS:
        scaled = size / math.sqrt(k)
        if scaled <= 1.0:
            # Angles 2πj/n in the first quadrant are multiples of π / 2n, those of πj/n of π / 4n.
            p = round(math.acos(scaled) * 4 * n / math.pi)
            if abs(math.cos(math.pi * p / (4 * n)) - scaled) < tolerance:
                return ExactNumber(sign, Fraction(0), Fraction(0), 2, Fraction(p, 4 * n), k)
    found = _quadratic(square, _LARGEST_SQUARE, 2 * size * tolerance)
    if found is not None:
        return ExactNumber(sign, *found)
    raise NoExactFormError(
        f"the number {value!r} is within {tolerance:g} of no rational number, (a + b √2, √3 or √5) / c, square root of "
        f"such, or cosine of a multiple of π/{2 * n}; use the float64 value"
    )


def _quadratic(value: float, largest: int, tolerance: float) -> tuple[Fraction, Fraction, int] | None:
    """a + b √r = value with the least common denominator, if there are such rational numbers, b not zero."""
    c = np.arange(1, largest + 1)[:, None]
    b = np.arange(-largest, largest + 1)
    b = b[b != 0]
    best: tuple[int, Fraction, Fraction, int] | None = None
    for r in _RADICANDS:
        rest = value * c - b * math.sqrt(r)
        a = np.rint(rest)
        rows, columns = np.nonzero((np.abs(rest - a) < tolerance * c) & (np.abs(a) <= 2 * largest))
        if len(rows) and (best is None or rows[0] + 1 < best[0]):
            denominator = int(rows[0]) + 1
            top = int(a[rows[0], columns[0]]), int(b[columns[0]])
            best = denominator, Fraction(top[0], denominator), Fraction(top[1], denominator), r
    return None if best is None else best[1:]
