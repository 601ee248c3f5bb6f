"""Real spherical harmonics in e3nn's basis on quadrature grids, with their tangential derivatives; numpy, float64.

Polar axis y, polar angle β; azimuth α from z towards x; harmonics have mean square one over the sphere (e3nn's
"component" normalisation, no Condon-Shortley phase): Y_{l,m} = P_{l,|m|}(β) times cos(mα) for m >= 0, sin(|m|α) for m < 0.
The grid has Gauss-Legendre nodes in cos β and equal steps in α: n polar and k azimuthal nodes integrate
harmonics of degree up to 2n - 1 and order up to k - 1 exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["LARGEST_DEGREE", "Grid", "associated_legendre", "grid", "harmonics", "tangents"]

FloatArray = npt.NDArray[np.float64]

# Largest degree of an input: up to here the tests hold every product to 1e-10 in float64, and factorials, grids and
# tables stay small (the 3j tensors of two inputs with all l up to 12 have 6 million numbers).
LARGEST_DEGREE = 12


@dataclass(frozen=True, eq=False)
class Grid:
    """Nodes on the sphere; arrays are read-only.

    Attributes:
        polar: (n,) angles β in radians, falling cos β last.
        azimuth: (k,) angles α in radians.
        weights: (n * k,), of the points with the azimuth running fastest; they sum to one.
    """

    polar: FloatArray
    azimuth: FloatArray
    weights: FloatArray


@lru_cache(maxsize=256)
def grid(num_polar: int, num_azimuth: int, hemisphere: bool = False) -> Grid:
    """Gauss-Legendre nodes times equal steps.

    Args:
        num_polar, num_azimuth: of the whole sphere.
        hemisphere: keep the nodes with cos β >= 0 only, at twice the weight off the equator: exact for integrands that
            are even under r -> -r.
    """
    nodes, weights = np.polynomial.legendre.leggauss(num_polar)
    if hemisphere:
        # An odd number of nodes has one on the equator, found to rounding only.
        nodes = np.where(np.arange(num_polar) == (num_polar - 1) / 2, 0.0, nodes)
        kept = nodes >= 0
        nodes, weights = nodes[kept], np.where(nodes > 0, 2.0, 1.0)[kept] * weights[kept]
    azimuth = 2 * np.pi * np.arange(num_azimuth) / num_azimuth
    result = Grid(np.arccos(nodes), azimuth, np.repeat(weights / (2 * num_azimuth), num_azimuth))
    for array in (result.polar, result.azimuth, result.weights):
        array.setflags(write=False)
    return result


def associated_legendre(lmax: int, cos: FloatArray, sin: FloatArray) -> FloatArray:
    """P[l, m], shape (lmax + 1, lmax + 1, n), zero for m > l, by the recursion in l that is stable.

    ``sin`` may be negative: then P is continued to β in (π, 2π), where it is a trigonometric polynomial.
    """
    result = np.zeros((lmax + 1, lmax + 1, len(cos)))
    result[0, 0] = 1.0
    for m in range(1, lmax + 1):
        # The first step also brings in the factor sqrt(2) between m = 0 and m > 0.
        step = np.sqrt(3.0) if m == 1 else np.sqrt((2 * m + 1) / (2 * m))
        result[m, m] = step * sin * result[m - 1, m - 1]
    for m in range(lmax):
        result[m + 1, m] = np.sqrt(2 * m + 3) * cos * result[m, m]
        for l in range(m + 2, lmax + 1):
            front = np.sqrt((4 * l * l - 1) / (l * l - m * m))
            back = np.sqrt(((l - 1) ** 2 - m * m) / (4 * (l - 1) ** 2 - 1))
            result[l, m] = front * (cos * result[l - 1, m] - back * result[l - 2, m])
    return result


@lru_cache(maxsize=256)
def harmonics(l: int, points: Grid) -> FloatArray:
    """Y_l at the points of a grid, shape (2l + 1, points), read-only."""
    legendre = associated_legendre(l, np.cos(points.polar), np.sin(points.polar))[l]
    values = legendre[_orders(l)][:, :, None] * _waves(l, points)[:, None]
    return _frozen(values.reshape(2 * l + 1, -1))


@lru_cache(maxsize=256)
def tangents(l: int, points: Grid) -> FloatArray:
    """Components of ∇Y_l / sqrt(l (l + 1)) along rising β and α, shape (2, 2l + 1, points), read-only; zero for l = 0.

    Turned by r × they are the vector spherical harmonics with equal indices; their mean square is one.
    """
    cos, sin = np.cos(points.polar), np.sin(points.polar)
    legendre = associated_legendre(l, cos, sin)
    m = np.arange(l + 1)[:, None]
    lower = legendre[l - 1] if l else np.zeros_like(legendre[0])
    ladder = np.sqrt((2 * l + 1) * (l * l - m * m) / max(2 * l - 1, 1))
    polar = (l * cos * legendre[l] - ladder * lower) / sin
    orders, waves = _orders(l), _waves(l, points)
    along = polar[orders][:, :, None] * waves[:, None]
    # d/dα turns cos(mα) into -m sin(mα), the wave of -m.
    derivative = -np.arange(-l, l + 1)[:, None] * waves[::-1]
    around = (legendre[l] / sin)[orders][:, :, None] * derivative[:, None]
    return _frozen(np.stack([along, around]).reshape(2, 2 * l + 1, -1) / np.sqrt(max(l * (l + 1), 1)))


def _orders(l: int) -> npt.NDArray[np.int64]:
    return np.abs(np.arange(-l, l + 1))


def _waves(l: int, points: Grid) -> FloatArray:
    """cos(mα) for m >= 0, sin(|m|α) for m < 0, shape (2l + 1, azimuths)."""
    m = np.arange(-l, l + 1)[:, None]
    return np.where(m < 0, np.sin(-m * points.azimuth), np.cos(m * points.azimuth))


def _frozen(array: FloatArray) -> FloatArray:
    array.setflags(write=False)
    return array
