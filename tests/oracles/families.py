"""Families of finite permutation groups, as generators: lists of images of 0 .. d - 1."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

__all__ = [
    "alternating",
    "counterexample",
    "cyclic",
    "dihedral",
    "direct",
    "extraspecial",
    "heisenberg",
    "hyperoctahedral",
    "icosahedral",
    "perovskite_cell",
    "special_linear",
    "symmetric",
]

Generators = list[list[int]]
Element = tuple[int, ...]


def cyclic(n: int) -> Generators:
    """C_n on n points."""
    return [[*range(1, n), 0]]


def symmetric(n: int) -> Generators:
    """S_n."""
    return [[*range(1, n), 0], [1, 0, *range(2, n)]]


def alternating(n: int) -> Generators:
    """A_n, by the 3-cycles (0 1 k)."""
    cycles = []
    for k in range(2, n):
        images = list(range(n))
        images[0], images[1], images[k] = 1, k, 0
        cycles.append(images)
    return cycles


def dihedral(n: int) -> Generators:
    """Symmetries of the n-gon, of order 2 n."""
    return [[*range(1, n), 0], [*range(n - 1, -1, -1)]]


def hyperoctahedral(n: int) -> Generators:
    """Symmetries of the n-cube, on the 2 n ends of its axes."""
    generators = [[1, 0, *range(2, 2 * n)]]
    for i in range(n - 1):
        images = list(range(2 * n))
        images[2 * i : 2 * i + 4] = [2 * i + 2, 2 * i + 3, 2 * i, 2 * i + 1]
        generators.append(images)
    return generators


def icosahedral() -> Generators:
    """I_h as A_5 x C_2."""
    return direct(alternating(5), cyclic(2))


def direct(*factors: Generators) -> Generators:
    """Direct product, each factor on points of its own."""
    degree = sum(len(f[0]) for f in factors)
    generators = []
    start = 0
    for factor in factors:
        for g in factor:
            images = list(range(degree))
            images[start : start + len(g)] = [start + i for i in g]
            generators.append(images)
        start += len(factor[0])
    return generators


def _regular(
    elements: list[Element], multiply: Callable[[Element, Element], Element], generators: list[Element]
) -> Generators:
    number = {e: i for i, e in enumerate(elements)}
    return [[number[multiply(g, e)] for e in elements] for g in generators]


def heisenberg(p: int) -> Generators:
    """Upper unitriangular 3 x 3 matrices modulo p, order p^3, acting on themselves (extraspecial for odd p)."""
    elements = list(itertools.product(range(p), repeat=3))

    def multiply(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
        return (a[0] + b[0]) % p, (a[1] + b[1]) % p, (a[2] + b[2] + a[0] * b[1]) % p

    return _regular(elements, multiply, [(1, 0, 0), (0, 1, 0)])


def extraspecial(p: int, pairs: int) -> Generators:
    """Extraspecial group p^(1 + 2 pairs) of plus type (exponent p if p is odd), acting on itself."""
    elements = list(itertools.product(range(p), repeat=2 * pairs + 1))

    def multiply(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
        twist = sum(a[2 * i] * b[2 * i + 1] for i in range(pairs))
        return (*((x + y) % p for x, y in zip(a[:-1], b[:-1], strict=True)), (a[-1] + b[-1] + twist) % p)

    unit = np.eye(2 * pairs + 1, dtype=int)
    return _regular(elements, multiply, [tuple(int(x) for x in row) for row in unit[:-1]])


def special_linear(p: int) -> Generators:
    """SL(2, p) on the non-zero vectors of its plane."""
    vectors = [v for v in itertools.product(range(p), repeat=2) if any(v)]
    number = {v: i for i, v in enumerate(vectors)}
    shears = ((1, 1, 0, 1), (1, 0, 1, 1))
    return [[number[(a * x + b * y) % p, (c * x + d * y) % p] for x, y in vectors] for a, b, c, d in shears]


def perovskite_cell(size: int = 2) -> Generators:
    """Factor group of a size^3 cubic supercell of a perovskite: O_h and translations modulo the supercell.

    Acts on the A, B and three O sites of each cell; order 48 size^3.
    """
    basis = np.array([[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    period = 2 * size
    cells = 2 * np.array(list(itertools.product(range(size), repeat=3)))
    sites = [tuple(int(x) for x in (c + b) % period) for c in cells for b in basis]
    number = {s: i for i, s in enumerate(sites)}
    turns = [
        [[0, -1, 0], [1, 0, 0], [0, 0, 1]],
        [[0, 0, 1], [1, 0, 0], [0, 1, 0]],
        [[-1, 0, 0], [0, -1, 0], [0, 0, -1]],
    ]
    points = np.array(sites)
    images = [points @ np.array(turn).T % period for turn in turns]
    images += [(points + shift) % period for shift in 2 * np.eye(3, dtype=int)]
    return [[number[tuple(int(x) for x in row)] for row in moved] for moved in images]


def counterexample() -> tuple[Generators, Generators, Generators]:
    """The group h x h (order 1024) of Xie and Smidt with its S and K (arXiv:2402.02681).

    h = <r, s, c | r^2, s^4, (rs)^2, c^2, scs^3c, (rc)^4>: with d = rcr the last relator says that c and d commute, both
    commute with s, and r inverts s and exchanges c and d. Elements r^a s^b c^i d^j, so |h| = 32; h acts on itself.
    """
    elements = list(itertools.product(range(2), range(4), range(2), range(2)))

    def multiply(x: tuple[int, ...], y: tuple[int, ...]) -> tuple[int, ...]:
        (a, b, i, j), (a2, b2, i2, j2) = x, y
        if a2:
            b, i, j = -b % 4, j, i
        return (a + a2) % 2, (b + b2) % 4, (i + i2) % 2, (j + j2) % 2

    r, s, c = (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)
    one = _regular(elements, multiply, [r, s, c])
    six = direct(one, one)

    def compose(g: list[int], h: list[int]) -> list[int]:
        return [g[x] for x in h]

    r1, s1, c1, r2, s2, c2 = six
    return six, [r1, compose(s1, s1), c1, r2, compose(s2, s2), c2], [compose(c1, c2)]
