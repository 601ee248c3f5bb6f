"""The stabilizer of one vector in a continuous group, found numerically to a stated accuracy.

For g = R(t) c with c fixed, v . D(g) v is a trigonometric polynomial of degree l_max in t that reaches |v|^2 exactly at the
elements that fix v; for SO(3) the same is searched over the axis of rotation.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sbs.groups.point.closed import rotation_about_z
from sbs.objects.irreps import Irrep
from sbs.objects.representation import representation

__all__ = ["FIXED_TOLERANCE", "axial_stabilizer_order", "elements_fixing"]

#: |D(g) v - v| below this counts as fixed; iterations stop near 1e-12, and distinct objects are further apart than 1e-5.
FIXED_TOLERANCE = 1e-7

#: Samples of a trigonometric polynomial per degree: eight per shortest wave bracket every maximum.
_SAMPLES_PER_DEGREE = 8

#: Axes tried per unit of l^2 when a rotation that fixes a vector is looked for; neighbours are then about 1 / (6 l) apart.
_AXES_PER_DEGREE_SQUARED = 150

_FLIPS = {
    "E": np.eye(3),
    "σh": np.diag([1.0, 1.0, -1.0]),
    "σv": np.diag([1.0, -1.0, 1.0]),
    "C2'": np.diag([1.0, -1.0, -1.0]),
}


def axial_stabilizer_order(irreps: tuple[Irrep, ...], vector: np.ndarray, components: Iterable[str]) -> float:
    """Number of elements of D∞h (only of SO(2) and the given components of it) that fix a vector; math.inf if SO(2) does."""
    degree = max(irrep.l for irrep in irreps)
    samples = max(1, _SAMPLES_PER_DEGREE * degree)
    angles = 2 * np.pi * np.arange(samples) / samples
    turns = np.array([rotation_about_z(t) for t in angles])
    # v . D(R(t) c) v at enough angles gives its Fourier coefficients exactly.
    total = 0.0
    for component in ("E", *components):
        values = representation(irreps, turns @ _FLIPS[component]) @ vector @ vector
        coefficients = np.fft.rfft(values) / samples
        count = _maxima_reaching(coefficients, float(vector @ vector), degree)
        if count == np.inf:
            return float("inf")
        total += count
    return total


def _maxima_reaching(coefficients: np.ndarray, top: float, degree: int) -> float:
    """How often a real trigonometric polynomial takes its possible maximum ``top`` on [0, 2 pi)."""
    harmonics = np.arange(degree + 1)
    weights = np.where(harmonics == 0, 1.0, 2.0) * coefficients[: degree + 1] if degree else coefficients[:1]
    if np.abs(weights[1:]).max(initial=0.0) < FIXED_TOLERANCE**2:
        return np.inf if abs(weights[0].real - top) < FIXED_TOLERANCE**2 else 0.0
    grid = np.linspace(0, 2 * np.pi, 64 * degree, endpoint=False)
    t = grid.copy()
    for _ in range(40):
        phases = np.exp(1j * np.outer(t, harmonics)) * weights
        first = (phases * 1j * harmonics).real.sum(1)
        second = (phases * -(harmonics**2)).real.sum(1)
        step = np.where(second < 0, -first / np.where(second == 0, 1, second), np.sign(first) * 0.01 / degree)
        t += np.clip(step, -0.05 / degree, 0.05 / degree)
    values = (np.exp(1j * np.outer(t, harmonics)) * weights).real.sum(1)
    # |D v - v|^2 = 2 (top - value).
    hits = np.sort(np.mod(t[2 * (top - values) < FIXED_TOLERANCE**1.5], 2 * np.pi))
    if not len(hits):
        return 0.0
    gaps = np.diff(np.concatenate([hits, hits[:1] + 2 * np.pi]))
    return float((gaps > 1e-3).sum())


def elements_fixing(irreps: tuple[Irrep, ...], vector: np.ndarray) -> np.ndarray | None:
    """Elements of O(3) of prime-power rotation order that fix a vector, (k, 3, 3); None if infinitely many do.

    A finite stabilizer contains rotations about an axis of order at most l_max, since a vector fixed by a higher one is
    fixed by all rotations about the axis.
    """
    degree = max(irrep.l for irrep in irreps)
    if _lie_rank(irreps, vector) < 3:
        return None
    axes = _fibonacci_sphere(max(200, _AXES_PER_DEGREE_SQUARED * degree * degree))
    found: list[np.ndarray] = []
    if any(irrep.p < 0 for irrep in irreps) is False:
        found.append(-np.eye(3))
    for order in range(2, degree + 1):
        for sign in (1.0, -1.0):
            start = _distance(irreps, vector, axes, 2 * np.pi / order, sign)
            best = axes[np.argsort(start)[: max(40, len(axes) // 10)]]
            refined = _refine(irreps, vector, best, 2 * np.pi / order, sign)
            distance = _distance(irreps, vector, refined, 2 * np.pi / order, sign)
            for g in sign * _rotations(refined[distance < FIXED_TOLERANCE**0.75], 2 * np.pi / order):
                if all(np.abs(g - h).max() > 1e-3 for h in found):
                    found.append(g)
    return np.array(found).reshape(-1, 3, 3)


def _lie_rank(irreps: tuple[Irrep, ...], vector: np.ndarray) -> int:
    """Dimension of the orbit of a vector under SO(3)."""
    step = 1e-4
    tangent = []
    for axis in np.eye(3):
        pair = representation(irreps, _rotations(np.array([axis, axis]), np.array([step, -step])))
        tangent.append((pair[0] - pair[1]) @ vector / (2 * step))
    return int(np.linalg.matrix_rank(np.array(tangent), tol=1e-5))


def _fibonacci_sphere(count: int) -> np.ndarray:
    k = np.arange(count) + 0.5
    z = 1 - 2 * k / count
    phi = np.pi * (1 + 5**0.5) * k
    r = np.sqrt(1 - z * z)
    return np.stack([r * np.cos(phi), r * np.sin(phi), z], axis=1)


def _rotations(axes: np.ndarray, angle: float | np.ndarray) -> np.ndarray:
    """Rodrigues' formula, (n, 3, 3)."""
    c = np.broadcast_to(np.cos(angle), len(axes))[:, None, None]
    s = np.broadcast_to(np.sin(angle), len(axes))[:, None, None]
    cross = np.zeros((len(axes), 3, 3))
    x, y, z = axes.T
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -z, y, -x
    cross -= np.swapaxes(cross, 1, 2)
    outer = axes[:, :, None] * axes[:, None, :]
    return c * np.eye(3) + s * cross + (1 - c) * outer


def _distance(irreps: tuple[Irrep, ...], vector: np.ndarray, axes: np.ndarray, angle: float, sign: float) -> np.ndarray:
    return np.linalg.norm(representation(irreps, sign * _rotations(axes, angle)) @ vector - vector, axis=1)


def _refine(irreps: tuple[Irrep, ...], vector: np.ndarray, axes: np.ndarray, angle: float, sign: float) -> np.ndarray:
    """Gauss-Newton on |D(R(axis, angle)) v - v| over the axis, all starts at once."""
    step = 1e-5
    for _ in range(12):
        helper = np.where(np.abs(axes[:, :1]) < 0.7, np.array([[1.0, 0, 0]]), np.array([[0, 1.0, 0]]))
        first = np.cross(axes, helper)
        first /= np.linalg.norm(first, axis=1, keepdims=True)
        second = np.cross(axes, first)
        moved = []
        for direction in (first, second):
            pair = [axes + step * direction, axes - step * direction]
            values = [
                representation(irreps, sign * _rotations(a / np.linalg.norm(a, axis=1, keepdims=True), angle)) @ vector
                for a in pair
            ]
            moved.append((values[0] - values[1]) / (2 * step))
        residual = representation(irreps, sign * _rotations(axes, angle)) @ vector - vector
        jacobian = np.stack(moved, axis=2)
        normal = np.einsum("nij,nik->njk", jacobian, jacobian) + 1e-12 * np.eye(2)
        delta = np.linalg.solve(normal, np.einsum("nij,ni->nj", jacobian, residual)[..., None])[..., 0]
        delta *= np.minimum(1, 0.1 / np.maximum(np.linalg.norm(delta, axis=1), 1e-300))[:, None]
        axes = axes - delta[:, :1] * first - delta[:, 1:] * second
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return axes
