"""Maximise the smallest of many quadratic forms over a product of unit spheres, the same on every machine.

Multi-start: fixed quasi-random points climb a smooth minimum, then the best of them are finished by a primal-dual
interior-point method [1, ch. 19] and by Newton steps on the equations that hold at the optimum. A tiny fixed linear
term decides between optima that form a continuum.

[1] J. Nocedal, S. J. Wright, Numerical Optimization, 2nd ed., Springer 2006.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["maximin", "smallest_form"]

FloatArray = npt.NDArray[np.float64]

# Fixed starting points, and how many of the best are finished to full precision.
_STARTS = 48
_FINISHED = 6

# Sharpness of the smooth minimum, in rising steps of _CLIMB iterations each.
_SHARPNESS = (4.0, 16.0, 64.0, 256.0)
_CLIMB = 25

# Weight of the linear term that breaks ties during the search. It moves an isolated smooth optimum by about as much,
# which the final Newton steps undo; a continuum of optima keeps the place that the term chose.
_TIE_WEIGHT = 1e-4

# Interior point: iterations at most, the barrier at which it stops, the longest step on the unit spheres.
_ITERATIONS = 80
_BARRIER_END = 1e-12
_LONGEST_STEP = 0.3

# A form is active if its multiplier (they sum to one) is above this once the barrier is at its end.
_ACTIVE = 1e-7

# Directions whose equations are weaker than this, relative to the strongest, are flat: they are left alone.
_FLAT = 1e-9


def smallest_form(forms: FloatArray, points: FloatArray) -> FloatArray:
    """min over g of c^T A_g c, for forms A of shape (n, k, k) and points c of shape (s, k); shape (s,)."""
    return _values(forms, points.T)[0].min(axis=0)


def maximin(forms: FloatArray, blocks: Sequence[slice]) -> FloatArray:
    """Points that maximise min over g of c^T A_g c, with unit norm in every block; best first.

    Parameters
    ----------
    forms
        Symmetric matrices A_g, shape (n, k, k), n >= 1, without terms between different blocks.
    blocks
        Slices that partition range(k).

    Returns
    -------
    ndarray
        Shape (s, k): the finished points of all starts, ordered by falling value. The best of the fixed starts; it
        is a local maximum, and global as far as the starts reach.
    """
    owner = np.zeros((len(blocks), forms.shape[1]))
    for i, block in enumerate(blocks):
        owner[i, block] = 1.0
    tie = _tie_breaker(owner)
    points = _climb(forms, owner, tie, _starts(owner))
    order = np.argsort(-np.round(smallest_form(forms, points.T), 9), kind="stable")[:_FINISHED]
    finished = []
    for start in points.T[order]:
        rough, multipliers = _interior_point(forms, owner, tie, start)
        finished += [start, rough, _newton(forms, owner, rough, multipliers)]
    result = np.array(finished)
    return result[np.argsort(-smallest_form(forms, result), kind="stable")]


def _tie_breaker(owner: FloatArray) -> FloatArray:
    """Fixed direction (k,) of unit norm in each block, all entries positive, falling and unrelated to one another."""
    weights = 1.0 / np.sqrt(np.arange(1.0, 1.0 + owner.shape[1]) + np.sqrt(2.0))
    return _normalised(owner, weights[:, None])[:, 0]


def _starts(owner: FloatArray) -> FloatArray:
    """Quasi-random points (k, s): a Kronecker sequence [k-th root of the generalised golden ratio] made normal."""
    size = owner.shape[1]
    pairs = (size + 1) // 2
    root = 2.0
    for _ in range(64):
        root = (1.0 + root) ** (1.0 / (2 * pairs + 1))
    steps = root ** -np.arange(1.0, 2 * pairs + 1)
    uniform = (0.5 + np.arange(1, _STARTS + 1) * steps[:, None]) % 1.0
    radius = np.sqrt(-2 * np.log1p(-uniform[:pairs]))
    angle = 2 * np.pi * uniform[pairs:]
    normal = np.concatenate((radius * np.cos(angle), radius * np.sin(angle)))[:size]
    return _normalised(owner, normal + 1e-9)  # the shift keeps every block away from zero


def _normalised(owner: FloatArray, points: FloatArray) -> FloatArray:
    norms = np.sqrt(owner @ points**2)
    return points / (owner.T @ norms)


def _values(forms: FloatArray, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """c^T A_g c, shape (n, s), and A_g c, shape (n, k, s), for points of shape (k, s)."""
    count, size = forms.shape[:2]
    images = (forms.reshape(count * size, size) @ points).reshape(count, size, -1)
    return (images * points).sum(axis=1), images


def _climb(forms: FloatArray, owner: FloatArray, tie: FloatArray, points: FloatArray) -> FloatArray:
    """Gradient ascent of the smooth minimum from all points (k, s) at once."""
    for sharpness in _SHARPNESS:
        for _ in range(_CLIMB):
            values, images = _values(forms, points)
            weights = np.exp(sharpness * (values.min(axis=0) - values))
            weights /= weights.sum(axis=0)
            gradient = 2 * (images * weights[:, None]).sum(axis=0) + _TIE_WEIGHT * tie[:, None]
            gradient -= points * (owner.T @ (owner @ (gradient * points)))
            # The curvature of the smooth minimum is at most that of the forms plus the spread of their slopes.
            slopes = 4 * ((images**2).sum(axis=1) * weights).sum(axis=0)
            points = _normalised(owner, points + gradient / (4.0 + sharpness * slopes))
    return points


class _Local:
    """Values, slopes and curvature at one point, in an orthonormal basis of the tangent space."""

    def __init__(self, forms: FloatArray, owner: FloatArray, tie: FloatArray, point: FloatArray) -> None:
        values, images = _values(forms, point[:, None])
        self.values = values[:, 0] + tie @ point
        gradients = 2 * images[:, :, 0] + tie
        self.tangent = np.linalg.svd(owner * point)[2][len(owner) :].T
        self.slopes = gradients @ self.tangent
        self._forms = forms
        self._radial = (gradients * point) @ owner.T @ owner

    def curvature(self, multipliers: FloatArray) -> FloatArray:
        """Second derivative of the weighted sum of the forms along the spheres."""
        weighted = 2 * np.tensordot(multipliers, self._forms, axes=1)
        weighted[np.diag_indices_from(weighted)] -= multipliers @ self._radial
        return self.tangent.T @ weighted @ self.tangent


def _moved(owner: FloatArray, local: _Local, point: FloatArray, step: FloatArray) -> FloatArray:
    return _normalised(owner, (point + local.tangent @ step)[:, None])[:, 0]


def _interior_point(
    forms: FloatArray, owner: FloatArray, tie: FloatArray, point: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Local maximum (k,) of the smallest form plus the tie-breaking term, and its multipliers (n,)."""
    term = _TIE_WEIGHT * tie
    local = _Local(forms, owner, term, point)
    level = local.values.min() - 0.05
    multipliers = 1.0 / (local.values - level)
    multipliers /= multipliers.sum()
    for _ in range(_ITERATIONS):
        slack = local.values - level
        barrier = 0.1 * float(slack @ multipliers) / len(slack)
        system = np.column_stack((local.slopes, -np.ones(len(slack))))
        matrix = system.T @ (system * (multipliers / slack)[:, None])
        matrix[:-1, :-1] -= local.curvature(multipliers)
        right = system.T @ (barrier / slack)
        right[-1] += 1.0
        step = _definite_solve(matrix, right)
        change = system @ step
        dual = barrier / slack - multipliers - multipliers / slack * change
        length = min(1.0, _LONGEST_STEP / max(float(np.linalg.norm(step[:-1])), 1e-300))
        length = min(length, _inside(slack, change))
        while True:
            moved = _moved(owner, local, point, length * step[:-1])
            ahead = _Local(forms, owner, term, moved)
            if (ahead.values - level - length * step[-1] > 0.01 * slack).all() or length < 1e-12:
                break
            length /= 2
        if length < 1e-12:
            break
        point, local = moved, ahead
        level += length * step[-1]
        multipliers = multipliers + min(1.0, _inside(multipliers, dual)) * dual
        if barrier < _BARRIER_END:
            break
    return point, multipliers


def _inside(values: FloatArray, change: FloatArray) -> float:
    """Largest step that keeps 1 per cent of every positive value."""
    falling = change < 0
    return float((-0.99 * values[falling] / change[falling]).min(initial=1.0))


def _definite_solve(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solve after shifting negative curvature away, so that the step climbs."""
    values, vectors = np.linalg.eigh(matrix)
    floor = 1e-13 * max(float(np.abs(values).max()), 1e-300)
    return vectors @ ((vectors.T @ right) / np.maximum(np.abs(values), floor))


def _newton(forms: FloatArray, owner: FloatArray, point: FloatArray, multipliers: FloatArray) -> FloatArray:
    """Newton steps, without the tie-breaking term, on: active forms are equal, their weighted slopes vanish."""
    active = np.flatnonzero(multipliers > _ACTIVE * multipliers.sum())
    chosen = forms[active]
    weights = multipliers[active] / multipliers[active].sum()
    for _ in range(6):
        local = _Local(chosen, owner, np.zeros(len(point)), point)
        size, count = local.slopes.shape[1], len(active)
        matrix = np.zeros((size + count + 1, size + count + 1))
        matrix[:size, :size] = local.curvature(weights)
        matrix[:size, size:-1] = local.slopes.T
        matrix[size:-1, :size] = local.slopes
        matrix[size:-1, -1] = -1.0
        matrix[-1, size:-1] = 1.0
        level = float(weights @ local.values)
        right = -np.concatenate((local.slopes.T @ weights, local.values - level, [weights.sum() - 1.0]))
        step = np.linalg.lstsq(matrix, right, rcond=_FLAT)[0]
        if np.linalg.norm(step[:size]) > _LONGEST_STEP:
            break
        point = _moved(owner, local, point, step[:size])
        weights = weights + step[size:-1]
    return point
