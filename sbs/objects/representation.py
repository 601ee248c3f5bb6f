"""Real representation matrices of O(3) in e3nn's basis, good to 1e-12 at every orientation.

The basis of degree l are the real spherical harmonics Y_l (m = -l..l, no Condon-Shortley phase) with polar
axis y and azimuth counted from z towards x, so that l = 1 is (x, y, z). D(R) acts by Y_l(R x) = D_l(R)
Y_l(x); the inversion acts as the parity p.

Method: with R = R_y(a) R_z(b) R_y(c) one has D(R) = Y(a) B Y(b) B^T Y(c), where Y(.), a turn about the polar axis, only mixes
m with -m, and B = D(R_x(90 degrees)) is a constant of each l [1]. B follows from Wigner's d(pi/2) by a three-term recursion
that is stable towards falling m [2]. The angles come from two-argument arctangents, each after the previous turn was undone.
So the product of the turns is R to rounding even where a and c are not separately defined, which is at the orientations that
point groups consist of.

[1] D. Pinchon, P. E. Hoggan, J. Phys. A: Math. Theor. 40, 1597 (2007).
[2] S. Trapani, J. Navaza, Acta Cryst. A 62, 262 (2006).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sbs.groups.abstract.validation import check_count
from sbs.groups.point.rotations import check_orthogonal
from sbs.objects.irreps import Irrep, IrrepsLike, parse_irreps

__all__ = ["irrep_matrices", "representation"]

FloatArray = npt.NDArray[np.float64]

#: Arrays of the size of the result that are held while it is computed.
_WORKING_COPIES = 4


def irrep_matrices(irrep: Irrep, matrices: npt.ArrayLike) -> FloatArray:
    """Matrices of one irrep, shape (n, 2l+1, 2l+1), for orthogonal ``matrices`` of shape (n, 3, 3).

    Matrices that are orthogonal to `sbs.groups.point.rotations.ROTATION_TOLERANCE` stand for the nearest orthogonal ones.

    Raises:
        SymmetryBreakingError: the matrices have the wrong shape, are not finite, not real or not orthogonal.
    """
    return _Turns(matrices).irrep(irrep)


def representation(irreps: IrrepsLike, matrices: npt.ArrayLike) -> FloatArray:
    """Block-diagonal matrices of a direct sum of irreps, in e3nn's basis and order of blocks.

    Args:
        irreps: e3nn notation such as ``"1x0o+2x1e"``, or a sequence of ``Irrep`` or ``(mul, Irrep)``.
        matrices: orthogonal matrices on column vectors (x, y, z), shape (n, 3, 3); those that are orthogonal to
            `sbs.groups.point.rotations.ROTATION_TOLERANCE` stand for the nearest orthogonal ones.

    Returns:
        float64, shape (n, dim, dim), equal to e3nn's ``Irreps.D_from_matrix`` and exact to 1e-12.

    Raises:
        SymmetryBreakingError: the irreps cannot be read, the matrices have the wrong shape, are not finite, not real or not
            orthogonal, or the result would not fit into memory.
    """
    terms = parse_irreps(irreps)
    turns = _Turns(matrices)
    dim = sum(mul * irrep.dim for mul, irrep in terms)
    check_count(turns.count, "the number of matrices", _WORKING_COPIES * dim**2)
    if len(terms) == 1 and terms[0][0] == 1:
        return turns.irrep(terms[0][1])
    result = np.zeros((turns.count, dim, dim))
    start = 0
    for mul, irrep in terms:
        block = turns.irrep(irrep)
        for _ in range(mul):
            stop = start + irrep.dim
            result[:, start:stop, start:stop] = block
            start = stop
    return result


class _Turns:
    """The angles (a, b, c) of a stack of matrices, from which every irrep follows."""

    def __init__(self, matrices: npt.ArrayLike) -> None:
        given = check_orthogonal(matrices, empty=True)
        self.count = len(given)
        self.sign = np.where(np.linalg.det(given) < 0, -1.0, 1.0)
        self.proper = given * self.sign[:, None, None]
        self._angles: FloatArray | None = None

    @property
    def angles(self) -> FloatArray:
        """Angles (n, 3) with R = R_y(a) R_z(b) R_y(c)."""
        if self._angles is None:
            r = self.proper
            a = np.arctan2(r[:, 2, 1], -r[:, 0, 1])
            b = np.arctan2(np.hypot(r[:, 2, 1], r[:, 0, 1]), r[:, 1, 1])
            cos, sin = np.cos(a), np.sin(a)
            # Row z of R_y(-a) R is (-sin c, 0, cos c), whatever a was.
            c = np.arctan2(-cos * r[:, 2, 0] - sin * r[:, 0, 0], cos * r[:, 2, 2] + sin * r[:, 0, 2])
            self._angles = np.stack((a, b, c), axis=1)
        return self._angles

    def irrep(self, irrep: Irrep) -> FloatArray:
        """Matrices (n, 2l+1, 2l+1), a fresh array."""
        if irrep.l == 0:
            result = np.ones((self.count, 1, 1))
        elif irrep.l == 1:
            result = self.proper.copy()
        else:
            result = self._rotations(irrep.l)
        if irrep.p == -1:
            result *= self.sign[:, None, None]
        return result

    def _rotations(self, l: int) -> FloatArray:
        quarter = _quarter_turn(l)
        phases = self.angles[:, :, None] * np.arange(-l, l + 1.0)
        cos, sin = np.cos(phases), np.sin(phases)
        middle = quarter * cos[:, None, 1] + quarter[:, ::-1] * sin[:, None, 1]
        middle = middle @ quarter.T
        right = middle * cos[:, None, 2] + middle[:, :, ::-1] * sin[:, None, 2]
        return right * cos[:, 0, :, None] - right[:, ::-1] * sin[:, 0, :, None]


@lru_cache(maxsize=256)
def _quarter_turn(l: int) -> FloatArray:
    """D_l of the turn by 90 degrees about x, which takes the polar axis y to z; read-only, (2l+1, 2l+1)."""
    d = _wigner_d_quarter(l)
    sign = (-1.0) ** np.arange(l + 1)
    plus = sign[:, None] * sign * d[:, l:]  # (-1)^(m+m') d[m, m'] for m, m' >= 0
    minus = sign[:, None] * d[:, l::-1]  # (-1)^m d[m, -m']
    result = np.zeros((2 * l + 1, 2 * l + 1))
    cosine = result[l:, l:]
    cosine[...] = plus + minus
    cosine[0] /= np.sqrt(2.0)
    cosine[:, 0] /= np.sqrt(2.0)
    result[:l, :l] = (plus - minus)[:0:-1, :0:-1]
    result.flags.writeable = False
    return result


def _wigner_d_quarter(l: int) -> FloatArray:
    """Wigner's small d(pi/2) with rows m = 0..l and columns m' = -l..l (phases of Condon and Shortley)."""
    columns = np.arange(-l, l + 1.0)
    rising = np.arange(1.0, l + 1.0)
    # Row m = l is (-1)^(l-m') sqrt(binomial(2l, l+m')) / 2^l, built as a product so that nothing overflows.
    centre = np.prod(np.sqrt((2 * rising - 1) / (2 * rising)))
    half = centre * np.cumprod(np.sqrt((l - rising + 1) / (l + rising)))
    d = np.zeros((l + 2, 2 * l + 1))  # one row more, zero, for m = l + 1
    d[l] = np.concatenate((half[::-1], [centre], half)) * (-1.0) ** (l - columns)
    for m in range(l - 1, -1, -1):
        norm = (l - m) * (l + m + 1)
        d[m] = (2 * columns / np.sqrt(norm)) * d[m + 1] - np.sqrt((l - m - 1) * (l + m + 2) / norm) * d[m + 2]
    return d[:-1]
