"""Generators and elements of the finite point groups in the standard setting.

Standard setting: principal axis z; C_s is the mirror z -> -z; C_nv has the mirror y -> -y; D_n, D_nh, D_nd
have a two-fold axis along x; the cubic groups have their two- or four-fold axes along x, y, z and three-fold
axes along (1,1,1); I, I_h have two-fold axes along x, y, z, a five-fold axis along (0, 1, φ) and a three-fold
axis along (1,1,1).

Every entry of a generator is its exact value to one unit in the last place; 0, ±1/2 and ±1 are exact.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sbs.errors import InfiniteSetError
from sbs.groups.point.families import PointGroupSymbol

__all__ = ["cos_sin", "rotation_z", "standard_generators", "standard_matrices"]

Matrix = npt.NDArray[np.float64]

GOLDEN = (1.0 + math.sqrt(5.0)) / 2.0
_IDENTITY = np.eye(3)
_MIRROR_Z = np.diag([1.0, 1.0, -1.0])
_MIRROR_Y = np.diag([1.0, -1.0, 1.0])
_TWOFOLD_X = np.diag([1.0, -1.0, -1.0])
_TWOFOLD_Z = np.diag([-1.0, -1.0, 1.0])
_INVERSION = np.diag([-1.0, -1.0, -1.0])
# x -> y -> z -> x, the three-fold rotation about (1, 1, 1).
_CYCLE = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
# Rotation by 72° about (0, 1, φ), by Rodrigues' formula; all entries lie in {±1/2, ±φ/2, ±1/(2φ)}.
_FIVEFOLD = 0.5 * np.array([[GOLDEN - 1.0, -GOLDEN, 1.0], [GOLDEN, 1.0, GOLDEN - 1.0], [-1.0, GOLDEN - 1.0, GOLDEN]])


def cos_sin(k: int, n: int) -> tuple[float, float]:
    """Cosine and sine of the angle 2πk/n.

    The angle is reduced to 0..45° in integers, so that the results for symmetric angles agree bit for bit and
    0, ±1/2 and ±1 are exact.
    """
    quadrant, rest = divmod(4 * (k % n), n)  # the angle is (quadrant + rest / n) quarter turns
    flipped = 2 * rest > n
    if flipped:
        rest = n - rest
    if rest == 0:
        c, s = 1.0, 0.0
    elif 2 * rest == n:
        c, s = math.sqrt(0.5), math.sqrt(0.5)
    elif 3 * rest == n:
        c, s = math.sqrt(3.0) / 2.0, 0.5
    else:
        c, s = math.cos(math.pi * rest / (2 * n)), math.sin(math.pi * rest / (2 * n))
    if flipped:
        c, s = s, c
    c, s = [(c, s), (-s, c), (-c, -s), (s, -c)][quadrant]
    return c + 0.0, s + 0.0  # no negative zeros


def rotation_z(k: int, n: int) -> Matrix:
    """Active rotation by 2πk/n about z, counterclockwise seen from +z: float64 (3, 3)."""
    c, s = cos_sin(k, n)
    return np.array([[c, 0.0 - s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _finite_number(symbol: PointGroupSymbol) -> int:
    if not symbol.is_finite:
        raise InfiniteSetError(
            f"{symbol.pretty} has infinitely many elements and no finite list of matrices generates it; "
            "use ClosedGroup, or a finite subgroup with a definite n"
        )
    return 1 if symbol.n is None else int(symbol.n)


def standard_generators(symbol: PointGroupSymbol) -> tuple[Matrix, ...]:
    """Matrices that generate the group in the standard setting.

    Args:
        symbol: a finite point group.

    Returns:
        One to five float64 (3, 3) matrices; for C1 the identity alone.

    Raises:
        InfiniteSetError: the group is infinite.
    """
    n = _finite_number(symbol)
    axis = (rotation_z(1, n),) if n > 1 else ()
    rotoreflection = _MIRROR_Z @ rotation_z(1, 2 * n) + 0.0
    tetrahedral = (_TWOFOLD_Z, _CYCLE)
    generators = {
        "Cn": axis or (_IDENTITY,),
        "Cnh": (*axis, _MIRROR_Z),
        "Cnv": (*axis, _MIRROR_Y),
        "S2n": (rotoreflection,),
        "Dn": (*axis, _TWOFOLD_X),
        "Dnh": (*axis, _TWOFOLD_X, _MIRROR_Z),
        "Dnd": (rotoreflection, _TWOFOLD_X),
        "T": tetrahedral,
        "Th": (*tetrahedral, _INVERSION),
        "Td": (_MIRROR_Z @ rotation_z(1, 4) + 0.0, _CYCLE),
        "O": (rotation_z(1, 4), _CYCLE),
        "Oh": (rotation_z(1, 4), _CYCLE, _INVERSION),
        "I": (*tetrahedral, _FIVEFOLD),
        "Ih": (*tetrahedral, _FIVEFOLD, _INVERSION),
    }[symbol.series]
    return tuple(np.array(g) for g in generators)


def _products(left: Matrix, right: Matrix) -> Matrix:
    """All products a b, the right factor running slowest, so that the left group comes first."""
    return np.einsum("aij,bjk->baik", left, right).reshape(-1, 3, 3)


def _tetrahedral() -> Matrix:
    klein = np.stack([_IDENTITY, _TWOFOLD_Z, _TWOFOLD_X, _TWOFOLD_X @ _TWOFOLD_Z])
    return _products(klein, np.stack([_IDENTITY, _CYCLE, _CYCLE.T]))


def _icosahedral() -> Matrix:
    # I is the exact product of the subgroups T and C5: 12 x 5 distinct elements. The powers of the five-fold
    # rotation are snapped to the values that entries of I take, so that no rounding error enters.
    values = 0.5 * np.array([0.0, 1.0, -1.0, GOLDEN, -GOLDEN, GOLDEN - 1.0, 1.0 - GOLDEN])
    powers = [_IDENTITY, _FIVEFOLD]
    square = _FIVEFOLD @ _FIVEFOLD
    powers.append(values[np.argmin(np.abs(square[..., None] - values), axis=-1)])
    powers += [powers[2].T, powers[1].T]
    return _products(_tetrahedral(), np.stack(powers))


def standard_matrices(symbol: PointGroupSymbol) -> Matrix:
    """All elements of a finite point group in the standard setting, built without accumulated rounding.

    Args:
        symbol: a finite point group.

    Returns:
        float64 (order, 3, 3), identity first, in a fixed order: the rotations about the principal axis (or
        the rotation subgroup T or I) first, then its cosets.

    Raises:
        InfiniteSetError: the group is infinite.
    """
    n = _finite_number(symbol)
    family = symbol.series
    if symbol.n is None:
        base = _icosahedral() if family[0] == "I" else _tetrahedral()
        if family[0] == "O":
            base = _products(base, np.stack([_IDENTITY, rotation_z(1, 4)]))
        if family[1:] == "h":
            base = _products(base, np.stack([_IDENTITY, _INVERSION]))
        if family == "Td":
            base = _products(base, np.stack([_IDENTITY, _MIRROR_Z @ rotation_z(1, 4)]))
        return base + 0.0
    result = np.stack([rotation_z(k, n) for k in range(n)])
    if family == "S2n":
        result = np.concatenate([result, [_MIRROR_Z @ rotation_z(2 * k + 1, 2 * n) for k in range(n)]])
    elif family == "Dnd":
        odd = np.stack([_MIRROR_Z @ rotation_z(2 * k + 1, 2 * n) for k in range(n)])
        result = _products(np.concatenate([result, odd]), np.stack([_IDENTITY, _TWOFOLD_X]))
    else:
        if family == "Cnv":
            result = _products(result, np.stack([_IDENTITY, _MIRROR_Y]))
        if family[0] == "D":
            result = _products(result, np.stack([_IDENTITY, _TWOFOLD_X]))
        if family.endswith("h"):
            result = _products(result, np.stack([_IDENTITY, _MIRROR_Z]))
    return result + 0.0
