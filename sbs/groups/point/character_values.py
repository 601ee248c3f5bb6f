"""Characters of point groups in closed form, as text and as correctly rounded numbers.

A character is a sum of roots of unity, given as the multiplicities m_k of exp(2 pi i k / e). The printed forms are the
customary ones: integers, golden-section and square-root values, 2cos(2π/n), and powers of ε = exp(2πi/n) in complex
representations, with ε* for the conjugate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.generators import cos_sin

__all__ = ["epsilon_order", "exact_text", "float_value"]

# Distinct values (p + q sqrt r) / 2 with |p|, |q| <= 10 and the traces 2cos(2πk/n), n <= 48, lie over 1e-4 apart.
_SAME = 1e-9
# A group has few different values: about 200 of them fill the 40,000 places of the table of D_200h.
_REMEMBERED = 1024
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def epsilon_order(symbol: PointGroupSymbol) -> int:
    """The n of ε = exp(2πi/n) in the complex characters: the order of the cyclic part, 3 for T and T_h."""
    if symbol.n is None:
        return 3
    n = int(symbol.n)
    return 2 * n if symbol.series == "S2n" and n % 2 == 0 else n


def float_value(multiplicities: Sequence[int]) -> complex:
    """The character as a number; sums of roots that cancel are exactly 0, and real values have no imaginary part."""
    return _float_value(tuple(multiplicities))


@lru_cache(maxsize=_REMEMBERED)
def _float_value(multiplicities: tuple[int, ...]) -> complex:
    exponent = len(multiplicities)
    # Pairs k and k + e/2 are opposite: cancelling them first leaves no rounding residue in the common cases.
    weights = list(multiplicities)
    if exponent % 2 == 0:
        half = exponent // 2
        weights = [weights[k] - weights[k + half] for k in range(half)] + [0] * half
    terms = [(m, cos_sin(k, exponent)) for k, m in enumerate(weights) if m]
    real = math.fsum(m * c for m, (c, _) in terms)
    imaginary = math.fsum(m * s for m, (_, s) in terms)
    return complex(_clean(real), _clean(imaginary))


def _clean(value: float) -> float:
    nearest = round(2 * value) / 2
    return nearest + 0.0 if abs(value - nearest) < _SAME else value


def exact_text(multiplicities: Sequence[int], epsilon: int) -> str:
    """Closed form of a character, for example "-1", "(1+√5)/2", "2cos(2π/7)", "ε²*".

    Args:
        multiplicities: m_k of exp(2 pi i k / e), e the length.
        epsilon: n of ε = exp(2πi/n); every root that occurs in a complex value must be plus or minus a power of it.
    """
    return _exact_text(tuple(multiplicities), epsilon)


@lru_cache(maxsize=_REMEMBERED)
def _exact_text(multiplicities: tuple[int, ...], epsilon: int) -> str:
    value = _float_value(multiplicities)
    if abs(value.imag) < _SAME:
        return _real_text(value.real, len(multiplicities))
    degree = sum(multiplicities)
    k = max(range(len(multiplicities)), key=lambda j: multiplicities[j])
    if multiplicities[k] != degree:
        raise ValueError(f"the complex value {value} is no multiple of one root of unity")
    prefix = "" if degree == 1 else str(degree)
    return _sign_first(prefix, _root_text(k, len(multiplicities), epsilon))


def _sign_first(prefix: str, text: str) -> str:
    return f"-{prefix}{text[1:]}" if text.startswith("-") else prefix + text


def _root_text(k: int, exponent: int, epsilon: int) -> str:
    if 4 * k == exponent:
        return "i"
    if 4 * k == 3 * exponent:
        return "-i"
    sign = ""
    if k * epsilon % exponent:  # an odd n with roots of order 2n: minus a power of ε
        sign, k = "-", (k + exponent // 2) % exponent
    power = k * epsilon // exponent
    conjugate = 2 * power > epsilon
    power = epsilon - power if conjugate else power
    digits = "" if power == 1 else str(power).translate(_SUPERSCRIPTS)
    return f"{sign}ε{digits}{'*' if conjugate else ''}"


def _real_text(value: float, exponent: int) -> str:
    if abs(value - round(value)) < _SAME:
        return str(round(value))
    for radicand in (2, 3, 5):
        for q in (1, -1, 2, -2):
            p = 2 * value - q * math.sqrt(radicand)
            if abs(p - round(p)) < _SAME:
                return _surd(round(p), q, radicand)
    turns = math.acos(value / 2) / (2 * math.pi) if abs(value) <= 2 else 0.0
    for n in range(7, exponent + 1):
        k = round(turns * n)
        if exponent % n == 0 and k and math.gcd(k, n) == 1 and abs(value - 2 * cos_sin(k, n)[0]) < _SAME:
            return f"2cos({'' if 2 * k == 1 else 2 * k}π/{n})"
    raise ValueError(f"no closed form is known for the character {value}")


def _surd(p: int, q: int, radicand: int) -> str:
    root = f"√{radicand}"
    if p == 0 and q % 2 == 0:
        return root if q == 2 else f"-{root}"
    if p == 0:
        return f"{'-' if q < 0 else ''}{root}/2"
    tail = f"{'+' if q > 0 else '-'}{'' if abs(q) == 1 else abs(q)}{root}"
    return f"({p}{tail})/2" if abs(q) == 1 or p % 2 else f"{p // 2}{'+' if q > 0 else '-'}{root}"
