"""Maximise the smallest of many quadratic forms over a product of unit spheres, the same on every machine.

Multi-start: fixed quasi-random points climb a smooth minimum, then the best of them are finished by a
primal-dual interior-point method [1, ch. 19] and by Newton steps on the equations that hold at the optimum.
A tiny fixed linear term decides between optima that form a continuum.

[1] J. Nocedal, S. J. Wright, Numerical Optimization, 2nd ed., Springer 2006.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["maximin", "smallest_form", "tie_breaker"]

FloatArray = npt.NDArray[np.float64]

# Fixed starting points, and how many of the best are finished to full precision.
_STARTS = 48
_FINISHED = 8

# Points whose smallest forms agree to this are taken for images of one another; those that fall short of the
# best by less than this part may belong to a continuum of optima.
_SAME_VALUE = 1e-6
_NEARLY_BEST = 3e-3

# Finished points whose values differ by less are equally good.
_EQUALLY_GOOD = 1e-8

# Entries by which a form may differ from a constant one.
_SAME_FORM = 1e-9

# Sharpness of the smooth minimum, in rising steps of _CLIMB iterations each.
_SHARPNESS = (4.0, 16.0, 64.0, 256.0)
_CLIMB = 25

# The barriers of the interior-point method, in units of the best value; iterations for each at most.
_BARRIERS = 10.0 ** -np.arange(3, 11)
_PER_BARRIER = 60

# Weight of the linear term that breaks ties, for each barrier. A continuum of optima keeps the place that
# the term chose; an isolated smooth optimum is moved by no more than the last weight, and the final Newton steps undo that.
_TIE_WEIGHTS = np.maximum(_BARRIERS, 1e-5)

# A Newton step that promises less than this part of the barrier ends the work at that barrier.
_LITTLE = 0.03

# Longest and shortest step on the unit spheres, and how far a multiplier may be from its value on the central path.
_LONGEST_STEP = 0.3
_SHORTEST_STEP = 1e-9
_DUAL_SPREAD = 1e3

# Newton steps at most; three are enough unless the optimum is a degenerate one.
_NEWTON_STEPS = 12

# A form is active if its multiplier (they sum to one) is above this once the barrier is at its end.
_ACTIVE = 1e-7

# Rounding of the smallest form: a point that is worse by no more is preferred if it is the more precise one.
_LOSS = 1e-12

# Directions whose equations are weaker than this, relative to the strongest, are flat: the last Newton
# steps leave them alone. It lies far above what the last tie-breaking weight makes of a flat direction.
_FLAT = 1e-3


def smallest_form(forms: FloatArray, points: FloatArray) -> FloatArray:
    """min over g of c^T A_g c, for forms A of shape (n, k, k) and points c of shape (s, k); shape (s,)."""
    return _values(forms, points.T)[0].min(axis=0)


def maximin(forms: FloatArray, blocks: Sequence[slice]) -> FloatArray:
    """Points that maximise min over g of c^T A_g c, with unit norm in every block.

    Forms that are constant there are set aside; what is left decides.

    Args:
        forms: symmetric matrices A_g, shape (n, k, k), n >= 1, without terms between different blocks.
        blocks: slices that partition range(k).

    Returns:
        Shape (s, k): the best points found, equally good ones. Each is a local maximum, and global as far
        as the starts reach.
    """
    owner = _owner(blocks)
    tie = tie_breaker(blocks)
    forms = forms[~_constant(forms, owner)]
    points = np.column_stack((tie, _starts(owner)))
    if len(forms) == 0:
        return points.T
    points = _climb(forms, owner, points)
    points *= owner.T @ np.where(owner @ (points * tie[:, None]) < 0, -1.0, 1.0)
    scale = float(smallest_form(forms, points.T).max())
    if scale <= 0:  # some form vanishes everywhere
        return points.T
    forms = forms / scale
    finished = []
    for start in _most_promising(forms, tie, points.T):
        rough, multipliers = _interior_point(forms, owner, tie, start)
        rough = _newton(forms, owner, _TIE_WEIGHTS[-1] * tie, rough, multipliers)
        sharp = _newton(forms, owner, None, rough, multipliers)
        values = smallest_form(forms, np.array([sharp, rough, start]))
        # A later, less precise point only counts if it is really better.
        finished.append((sharp, rough, start)[int(np.argmax(values > values.max() - _LOSS))])
    result = np.array(finished)
    values = smallest_form(forms, result)
    return result[values > values.max() - _EQUALLY_GOOD]


def tie_breaker(blocks: Sequence[slice]) -> FloatArray:
    """Fixed direction (k,), of unit norm in each block, with positive, falling, unrelated entries."""
    owner = _owner(blocks)
    weights = 1.0 / np.sqrt(np.arange(1.0, 1.0 + owner.shape[1]) + np.sqrt(2.0))
    return _normalised(owner, weights[:, None])[:, 0]


def _owner(blocks: Sequence[slice]) -> FloatArray:
    """Ones where a coordinate lies in a block, shape (number of blocks, k)."""
    owner = np.zeros((len(blocks), max(block.stop for block in blocks)))
    for i, block in enumerate(blocks):
        owner[i, block] = 1.0
    return owner


def _constant(forms: FloatArray, owner: FloatArray) -> npt.NDArray[np.bool_]:
    """Forms that are the same at all points, multiples of one in each block; they have no say."""
    means = np.diagonal(forms, axis1=1, axis2=2) @ owner.T / owner.sum(axis=1) @ owner
    return np.abs(forms - means[:, :, None] * np.eye(forms.shape[1])).max(axis=(1, 2)) < _SAME_FORM


def _most_promising(forms: FloatArray, tie: FloatArray, points: FloatArray) -> FloatArray:
    """The few points to finish, of shape (s, k).

    Half of them are those of largest value, of equal ones only one, as they are images of one another. The
    others are those, among nearly equal ones, which the tie-breaker prefers: on a continuum of optima they
    have least way to go.
    """
    values = smallest_form(forms, points)
    chosen: list[int] = []
    for i in np.argsort(-np.round(values, 9), kind="stable"):
        if len(chosen) < _FINISHED // 2 and all(abs(values[i] - values[j]) > _SAME_VALUE for j in chosen):
            chosen.append(int(i))
    nearly = np.flatnonzero(values > values.max() * (1 - _NEARLY_BEST))
    for i in nearly[np.argsort(-np.round((points @ tie)[nearly], 9), kind="stable")]:
        if len(chosen) < _FINISHED and all(abs(values[i] - values[j]) > _SAME_VALUE for j in chosen):
            chosen.append(int(i))
    return points[chosen]


def _starts(owner: FloatArray) -> FloatArray:
    """Quasi-random points (k, s): the Kronecker sequence of the generalised golden ratio, made normal."""
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


def _climb(forms: FloatArray, owner: FloatArray, points: FloatArray) -> FloatArray:
    """Gradient ascent of the smooth minimum from all points (k, s) at once."""
    for sharpness in _SHARPNESS:
        for _ in range(_CLIMB):
            values, images = _values(forms, points)
            weights = np.exp(sharpness * (values.min(axis=0) - values))
            weights /= weights.sum(axis=0)
            gradient = 2 * (images * weights[:, None]).sum(axis=0)
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
    """Local maximum (k,) of the smallest form plus the tie-breaking term, and its multipliers (n,).

    For each barrier u the function max over t of t + u sum log(f_g - t) is climbed by primal-dual Newton
    steps; u falls as soon as the step promises little more.
    """
    multipliers: FloatArray | None = None
    longest = _LONGEST_STEP
    for barrier, weight in zip(_BARRIERS, _TIE_WEIGHTS, strict=True):
        term = weight * tie
        for _ in range(_PER_BARRIER):
            local = _Local(forms, owner, term, point)
            height, slack = _barrier_function(local.values, barrier)
            primal = barrier / slack
            if multipliers is None:
                multipliers = primal
            multipliers = np.clip(multipliers, primal / _DUAL_SPREAD, primal * _DUAL_SPREAD)
            stiffness = multipliers / slack
            spread = local.slopes - stiffness @ local.slopes / stiffness.sum()
            curvatures, axes = np.linalg.eigh((spread.T * stiffness) @ spread - local.curvature(multipliers))
            rises = primal @ local.slopes @ axes
            # Negative curvatures are turned round, so that the step climbs.
            curvatures = np.maximum(np.abs(curvatures), 1e-13 * np.abs(curvatures).max(initial=1e-300))
            newton = rises / curvatures
            longest = min(_LONGEST_STEP, 4 * longest)
            while longest > _SHORTEST_STEP:
                parts = _within(rises, curvatures, longest)
                moved = _moved(owner, local, point, axes @ parts)
                ahead = _values(forms, moved[:, None])[0][:, 0] + term @ moved
                if _barrier_function(ahead, barrier)[0] >= height + 1e-4 * (rises @ parts) - 1e-15:
                    multipliers = primal - stiffness * (spread @ (axes @ parts))
                    point = moved
                    break
                longest /= 4
            if rises @ newton < _LITTLE * barrier or longest <= _SHORTEST_STEP:
                break
    assert multipliers is not None
    return point, multipliers


def _within(rises: FloatArray, curvatures: FloatArray, longest: float) -> FloatArray:
    """Newton step, or the best step of the given length, cut short along flat axes first [1, ch. 4.3]."""
    damping = 0.0
    step = rises / curvatures
    for _ in range(50):  # Newton on the length as a function of the damping; a handful are enough
        length = float(np.linalg.norm(step))
        if length <= 1.05 * longest:
            break
        damping += length**2 / float(step @ (step / (curvatures + damping))) * (length / longest - 1.0)
        step = rises / (curvatures + damping)
    return step


def _barrier_function(values: FloatArray, barrier: float) -> tuple[float, FloatArray]:
    """max over t of t + u sum log(f_g - t), and the slacks f_g - t, for which sum u / (f_g - t) = 1."""
    lowest = values.min()
    above = values - lowest
    gap = barrier  # Newton on a falling convex function, from the left: rises to the root without passing it
    for _ in range(60):
        ratio = barrier / (above + gap)
        change = (ratio.sum() - 1.0) / (ratio @ ratio) * barrier
        gap += change
        if change < 1e-12 * gap:
            break
    slack = above + gap
    return float(lowest - gap + barrier * np.log(slack).sum()), slack


def _newton(
    forms: FloatArray, owner: FloatArray, term: FloatArray | None, point: FloatArray, multipliers: FloatArray
) -> FloatArray:
    """Newton steps on the equations of the optimum: the active forms are equal, their weighted slopes vanish.

    With a tie-breaking ``term`` the optimum is isolated; without one, flat directions are left alone.
    """
    cutoff = _FLAT if term is None else 1e-13
    active = np.flatnonzero(multipliers > _ACTIVE * multipliers.sum())
    chosen = forms[active]
    weights = multipliers[active] / multipliers[active].sum()
    for _ in range(_NEWTON_STEPS):
        local = _Local(chosen, owner, np.zeros(len(point)) if term is None else term, point)
        size, count = local.slopes.shape[1], len(active)
        matrix = np.zeros((size + count + 1, size + count + 1))
        matrix[:size, :size] = local.curvature(weights)
        matrix[:size, size:-1] = local.slopes.T
        matrix[size:-1, :size] = local.slopes
        matrix[size:-1, -1] = -1.0
        matrix[-1, size:-1] = 1.0
        level = float(weights @ local.values)
        right = -np.concatenate((local.slopes.T @ weights, local.values - level, [weights.sum() - 1.0]))
        step = np.linalg.lstsq(matrix, right, rcond=cutoff)[0]
        if np.linalg.norm(step[:size]) > _LONGEST_STEP:
            break
        point = _moved(owner, local, point, step[:size])
        weights = weights + step[size:-1]
        if np.linalg.norm(step[:size]) < 1e-15:
            break
    return point
