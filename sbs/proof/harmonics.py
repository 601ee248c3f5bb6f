"""How orthogonal matrices act on e3nn's irreps, from the definition of the spherical harmonics alone.

The checker shares no code with `sbs.objects.representation`. There the matrices are products of turns about two axes; here
D_l(R) is what the definition Y_l(R x) = D_l(R) Y_l(x) says on generic points x, of which there are more than components. That the
two agree, on all irreps and at all orientations, is a test.

Basis: the real harmonics of degree l, without the phase of Condon and Shortley, with the pole along y and the azimuth
counted from z towards x, so that l = 1 is (x, y, z); the inversion acts as the parity p.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sbs.proof.claims import insist

__all__ = ["Representation", "blocks_of"]

FloatArray = npt.NDArray[np.float64]

#: Points for each component: enough for a condition number below 10 at every degree.
_POINTS_PER_COMPONENT = 3

#: Entries of the arrays of one batch of group elements, 16 MB.
_BATCH = 2_000_000

_TERM = re.compile(r"(?:(\d+)x)?(\d+)([eo])", re.ASCII)

#: No claim has blocks of a higher degree: point groups to D500h need l of about their fold.
_MAX_DEGREE = 1024


def blocks_of(irreps: object) -> list[tuple[int, int]]:
    """(l, p) of every block of irreps in e3nn's notation.

    Raises:
        CertificateError: they cannot be read.
    """
    terms = [_TERM.fullmatch(term.strip()) for term in irreps.split("+")] if isinstance(irreps, str) else [None]
    blocks = []
    for term in terms:
        insist(term is not None, f"{irreps!r} are irreps")
        assert term is not None
        count, l, letter = int(term[1] or 1), int(term[2]), term[3]
        insist(1 <= count <= _MAX_DEGREE and l <= _MAX_DEGREE, f"{irreps!r} are irreps of a sensible size")
        blocks += [(l, 1 if letter == "e" else -1)] * count
    return blocks


class Representation:
    """The direct sum of some irreps (l, p)."""

    def __init__(self, blocks: list[tuple[int, int]]) -> None:
        self.blocks = blocks
        edges = np.cumsum([0, *(2 * l + 1 for l, _ in blocks)])
        self.slices = [slice(int(a), int(b)) for a, b in pairwise(edges)]
        self.dim = int(edges[-1])

    def matrices(self, elements: FloatArray) -> FloatArray:
        """D(g) of orthogonal matrices (n, 3, 3), float64 (n, dim, dim)."""
        result = np.zeros((len(elements), self.dim, self.dim))
        signs = np.where(np.linalg.det(elements) < 0, -1.0, 1.0)
        proper = elements * signs[:, None, None]
        known: dict[int, FloatArray] = {}
        for (l, p), part in zip(self.blocks, self.slices, strict=True):
            if l not in known:
                known[l] = _rotations(l, proper)
            result[:, part, part] = known[l] if p == 1 else known[l] * signs[:, None, None]
        return result

    def act(self, elements: FloatArray, vectors: FloatArray) -> FloatArray:
        """D(g) v for all elements (n, 3, 3) and rows of vectors (k, dim), float64 (n, k, dim)."""
        batch = max(1, _BATCH // max(1, self.dim**2))
        parts = [elements[i : i + batch] for i in range(0, len(elements), batch)]
        images = [np.einsum("gij,kj->gki", self.matrices(part), vectors) for part in parts]
        return np.concatenate(images) if images else np.zeros((0, len(vectors), self.dim))


def _rotations(l: int, proper: FloatArray) -> FloatArray:
    if l == 0:
        return np.ones((len(proper), 1, 1))
    if l == 1:
        return proper
    points, inverse = _frame(l)
    batch = max(1, _BATCH // (len(points) * (2 * l + 1)))
    result = np.empty((len(proper), 2 * l + 1, 2 * l + 1))
    for i in range(0, len(proper), batch):
        turned = points @ np.swapaxes(proper[i : i + batch], 1, 2)
        values = _harmonics(l, turned.reshape(-1, 3)).reshape(len(turned), len(points), -1)
        # Rows: Y(R x)^T = Y(x)^T D(R)^T on all points.
        result[i : i + batch] = np.swapaxes(inverse @ values, 1, 2)
    return result


@lru_cache(maxsize=32)
def _frame(l: int) -> tuple[FloatArray, FloatArray]:
    """Generic points (n, 3), and the left inverse (2l + 1, n) of the harmonics on them."""
    count = _POINTS_PER_COMPONENT * (2 * l + 1)
    k = np.arange(count) + 0.5
    height, azimuth = k / count, np.pi * (1 + 5**0.5) * k  # half a sphere: -x tells no more than x
    ring = np.sqrt(1 - height**2)
    points = np.stack([ring * np.cos(azimuth), ring * np.sin(azimuth), height], axis=1)
    return points, np.asarray(np.linalg.pinv(_harmonics(l, points)), dtype=np.float64)


def _harmonics(l: int, points: FloatArray) -> FloatArray:
    """The 2l + 1 real harmonics, up to one common factor, on unit vectors (n, 3): float64 (n, 2l + 1).

    Fully normalised associated Legendre functions by the recursion over the degree at fixed order, which is stable.
    """
    x, y, z = points.T
    radius = np.hypot(x, z)
    order = np.arange(l + 1)
    lower, current = np.zeros((len(points), l + 1)), np.zeros((len(points), l + 1))
    sectoral = np.ones(len(points))
    for degree in range(l + 1):
        m = order[:degree]
        above = np.zeros_like(current)
        if degree:
            a = np.sqrt((4.0 * degree**2 - 1) / (degree**2 - m**2))
            b = np.sqrt(((degree - 1.0) ** 2 - m**2) / (4.0 * (degree - 1.0) ** 2 - 1))
            above[:, :degree] = a * (y[:, None] * current[:, :degree] - b * lower[:, :degree])
            sectoral = sectoral * radius * (np.sqrt(1 + 1 / (2.0 * degree)))
        above[:, degree] = sectoral
        lower, current = current, above
    azimuth = np.arctan2(x, z)[:, None] * order[1:]
    result = np.empty((len(points), 2 * l + 1))
    result[:, l] = current[:, 0]
    result[:, l + 1 :] = np.sqrt(2) * current[:, 1:] * np.cos(azimuth)
    result[:, :l] = (np.sqrt(2) * current[:, 1:] * np.sin(azimuth))[:, ::-1]
    return result
