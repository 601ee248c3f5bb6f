"""Which degrees interact in a tensor product, and how strongly: exact, in integers.

Every equivariant bilinear map of degrees l1 and l2 to l3 is a multiple of the Wigner 3j tensor w. A product is
therefore known by its multiples c(l1, l2, l3), here with respect to sqrt(2 l3 + 1) w, the normalisation of
e3nn's "component" convention:

- Clebsch-Gordan: c = 1 for |l1 - l2| <= l3 <= l1 + l2.
- Product of two functions on the sphere (Gaunt, [1]), with harmonics of mean square one:
  c = sqrt((2 l1 + 1)(2 l2 + 1)) |(l1 l2 l3; 0 0 0)|, which is zero for odd l1 + l2 + l3.
- Cross product of two tangential vector signals, read along r, which brings back the odd interactions [2], with
  vector spherical harmonics r × ∇Y / sqrt(l (l + 1)) of mean square one:
  c = sqrt((2 l1 + 1)(2 l2 + 1)) |(l1 l2 l3; 1 -1 0)| for odd l1 + l2 + l3, else zero.

With e3nn's basis and its sign of the 3j tensor (since e3nn 0.5; 0.4.4 has the other sign for some triples), both are positive;
the tests compare them with quadrature.

[1] S. Luo, T. Chen, A. S. Krishnapriyan, ICLR 2024, arXiv:2401.10216; Y. Xie, A. Daigavane, M. Kotak, T. Smidt, "The
Price of Freedom", ICML 2025, arXiv:2506.13523. [2] The same authors, arXiv:2602.21466; the coefficient follows
from G. Racah's formula and the spin-weighted harmonics (J. N. Goldberg et al., J. Math. Phys. 8, 2155 (1967)).
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import factorial, sqrt
from typing import Literal, get_args

__all__ = ["KINDS", "Kind", "coefficient", "coefficient_square", "degrees", "interacts", "mixes"]

#: What a product computes, whatever the algorithm.
Kind = Literal["clebsch-gordan", "gaunt", "vector-signal", "complete"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def mixes(kind: Kind) -> bool:
    """Whether all pairs (l1, l2) are added into one output of each l3 (and kind of signal)."""
    return kind in ("gaunt", "vector-signal")


def interacts(kind: Kind, l1: int, l2: int, l3: int) -> bool:
    """Whether degrees l1 and l2 have an output of degree l3."""
    return coefficient_square(kind, l1, l2, l3) != 0


def degrees(kind: Kind, l1: int, l2: int) -> list[int]:
    """Degrees l3 of the outputs of l1 and l2, rising."""
    return [l3 for l3 in range(abs(l1 - l2), l1 + l2 + 1) if interacts(kind, l1, l2, l3)]


def coefficient(kind: Kind, l1: int, l2: int, l3: int) -> float:
    """The multiple c of sqrt(2 l3 + 1) times e3nn's Wigner 3j tensor; zero where nothing interacts."""
    return sqrt(coefficient_square(kind, l1, l2, l3))


def coefficient_square(kind: Kind, l1: int, l2: int, l3: int) -> Fraction:
    """The square of `coefficient`, a rational number."""
    if not abs(l1 - l2) <= l3 <= l1 + l2:
        return Fraction(0)
    if kind in ("clebsch-gordan", "complete"):
        return Fraction(1)
    weight = (2 * l1 + 1) * (2 * l2 + 1)
    if (l1 + l2 + l3) % 2 == 0:
        return weight * _square_3j(l1, l2, l3, 0)
    if kind == "gaunt":
        return Fraction(0)
    return weight * _square_3j(l1, l2, l3, 1)


@lru_cache(maxsize=1 << 16)
def _square_3j(l1: int, l2: int, l3: int, m: int) -> Fraction:
    """Square of (l1 l2 l3; m -m 0), by Racah's formula."""
    if m > min(l1, l2):
        return Fraction(0)
    triangle = Fraction(
        factorial(l1 + l2 - l3) * factorial(l1 - l2 + l3) * factorial(-l1 + l2 + l3), factorial(l1 + l2 + l3 + 1)
    )
    norm = factorial(l1 + m) * factorial(l1 - m) * factorial(l2 + m) * factorial(l2 - m) * factorial(l3) ** 2
    total = Fraction(0)
    for t in range(max(0, l2 - l3 - m, l1 - l3 - m), min(l1 + l2 - l3, l1 - m, l2 - m) + 1):
        below = (t, l3 - l2 + t + m, l3 - l1 + t + m, l1 + l2 - l3 - t, l1 - t - m, l2 - t - m)
        denominator = 1
        for each in below:
            denominator *= factorial(each)
        total += Fraction((-1) ** t, denominator)
    return triangle * norm * total**2
