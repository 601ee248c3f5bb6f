"""The elements of an infinite closed group that fix one given vector, and those that take it to another.

Seen from an axis, a vector is a sum of waves c cos m φ + s sin m φ. A turn by t multiplies the amplitude c + i s by exp(i m t), so that the
turns that fix the vector are those by multiples of 2 π / gcd(m), and of every other component of D∞h the elements are found by
solving for one wave and asking the rest.

In O(3) the matrix Q(v) with entries <J_a v, J_b v>, J the generators of the turns, goes along with the vector, Q(g v) = g Q(v) g^T. If
its eigenvalues differ, what fixes v is among the eight reflections in its eigenframe; if two are equal, it keeps the axis of
the third; if all three are equal, v is fixed by a polyhedral group, above which there are few others, or by SO(3).
Nothing here knows how the vector was chosen.
"""

from __future__ import annotations

import itertools
import math
from functools import cached_property, reduce

import numpy as np
import numpy.typing as npt

from sbs.errors import SearchLimitError
from sbs.proof.harmonics import Representation

__all__ = ["FLIPS", "MOVED", "Waves", "component_of", "frame_about", "is_image", "principal_axes", "turn_generators"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

#: |D(g) b - b| above this counts as moved: the least distance between different objects is 1e-5.
MOVED = 1e-6

#: Eigenvalues of Q, relative to their sum, closer than this count as equal. Rounding is 1e-12.
_EQUAL = 1e-6

#: The components of D∞h as the checker numbers them; the reflections are those about the pole y, with z at azimuth 0.
FLIPS = ("E", "σh", "σv", "C2'")
_LOCAL_FLIPS = np.array([np.eye(3), np.diag([1.0, -1.0, 1.0]), np.diag([-1.0, 1.0, 1.0]), np.diag([-1.0, -1.0, 1.0])])

#: Rotations from which the one that takes a vector to another is sought where no axis is at hand, by cubic steps of 30 degrees.
_STEPS = 12
_NEWTON_STEPS = 12
_STARTS = 48


def frame_about(axis: FloatArray) -> FloatArray:
    """A proper rotation that takes the pole y to an axis."""
    unit = axis / np.linalg.norm(axis)
    across = np.cross(unit, np.eye(3)[np.argmin(np.abs(unit))])
    across /= np.linalg.norm(across)
    return np.stack([across, unit, np.cross(across, unit)], axis=1)


def component_of(elements: FloatArray, axis: FloatArray) -> IntArray:
    """Number in ``FLIPS`` of the component of D∞h about an axis that holds each element (n, 3, 3), -1 for none."""
    cosines = elements @ axis @ axis
    proper = np.linalg.det(elements) > 0
    kept = np.abs(elements @ axis - np.sign(cosines)[:, None] * axis).max(axis=1, initial=0.0) < MOVED
    return np.where(kept, np.where(cosines > 0, np.where(proper, 0, 2), np.where(proper, 3, 1)), -1)


class Waves:
    """A vector of a representation as a sum of waves about an axis."""

    def __init__(self, representation: Representation, vector: FloatArray, axis: FloatArray) -> None:
        self.axis = axis
        self.frame = frame_about(axis)
        local = representation.act(self.frame.T[None], vector[None])[0]
        images = representation.act(_LOCAL_FLIPS, local)[:, 0]
        orders, amplitudes = [], []
        for (l, _), part in zip(representation.blocks, representation.slices, strict=True):
            rows = images[:, part]
            for m in range(l + 1):
                orders.append(m)
                amplitudes.append(rows[:, l + m] + (1j * rows[:, l - m] if m else 0))
        self.orders = np.array(orders)
        #: Complex amplitudes (4, waves) of the vector after each flip.
        self.amplitudes = np.array(amplitudes).T

    @cached_property
    def fold(self) -> int:
        """Number of turns about the axis that fix the vector; 0 if all do."""
        present = self.orders[np.abs(self.amplitudes[0]) > MOVED]
        return reduce(math.gcd, (int(m) for m in present), 0)

    def fixed_by(self, elements: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether each element (n, 3, 3) of D∞h about the axis fixes the vector; False for other elements."""
        component = component_of(elements, self.axis)
        local = (self.frame.T @ elements @ self.frame) @ _LOCAL_FLIPS[np.maximum(component, 0)]
        angles = np.arctan2(local[:, 0, 2], local[:, 2, 2])
        images = self.amplitudes[np.maximum(component, 0)] * np.exp(1j * np.outer(angles, self.orders))
        return (component >= 0) & (np.abs(images - self.amplitudes[0]).max(axis=1, initial=0.0) < MOVED)

    def turns_to(self, other: Waves, component: int) -> list[float] | None:
        """Angles t so that this vector, flipped and then turned by t, is the other one; None if all angles are."""
        return _turns(self.orders, self.amplitudes[component], other.amplitudes[0])

    def stabilizer_components(self) -> dict[int, float]:
        """For each component of D∞h that holds elements fixing the vector, how many: a multiple of the fold, or math.inf."""
        found: dict[int, float] = {}
        for component in range(len(FLIPS)):
            angles = self.turns_to(self, component)
            if angles is None or angles:
                found[component] = math.inf if angles is None else len(angles)
        return found


def _turns(
    orders: IntArray, source: npt.NDArray[np.complex128], goal: npt.NDArray[np.complex128]
) -> list[float] | None:
    """All t in [0, 2 π) with exp(i m t) source_m = goal_m for every wave; None if every t does."""
    if np.abs(np.abs(source) - np.abs(goal)).max(initial=0.0) > MOVED:
        return []
    moving = np.flatnonzero((orders > 0) & (np.abs(source) > MOVED))
    if np.abs(source - goal)[orders == 0].max(initial=0.0) > MOVED:
        return []
    if not len(moving):
        return None
    first = moving[np.lexsort((-np.abs(source[moving]), orders[moving]))[0]]
    m = int(orders[first])
    start = float(np.angle(goal[first] / source[first])) / m
    angles = np.array([start + 2 * np.pi * j / m for j in range(m)])
    misses = np.abs(np.exp(1j * np.outer(angles, orders)) * source - goal).max(axis=1)
    return [float(t) for t in angles[misses < MOVED]]


def turn_generators(representation: Representation, vector: FloatArray) -> FloatArray:
    """J_x v, J_y v, J_z v, the derivatives of v under turns about the axes, float64 (3, dim)."""
    rows = []
    for axis in np.eye(3):
        frame = frame_about(axis)
        local = representation.act(frame.T[None], vector[None])[0, 0]
        slope = np.zeros_like(local)
        for (l, _), part in zip(representation.blocks, representation.slices, strict=True):
            m = np.arange(-l, l + 1)
            # cos m φ becomes m sin m φ, sin m φ becomes -m cos m φ; the entry of m < 0 is that of the sine of |m| φ.
            slope[part] = -m * local[part][::-1]
        rows.append(representation.act(frame[None], slope[None])[0, 0])
    return np.array(rows)


def principal_axes(representation: Representation, vector: FloatArray) -> tuple[str, FloatArray]:
    """What Q(v) tells: "point" (v is fixed by SO(3)), "frame", "axis" or "none", and its eigenvectors as columns.

    For "axis" the first column is the axis. Of the matrices Q of the blocks, added with weights, the first that tells most.
    """
    rows = turn_generators(representation, vector)
    parts = np.array([rows[:, part] @ rows[:, part].T for part in representation.slices])
    if np.abs(parts).max() < MOVED:
        return "point", np.eye(3)
    best: tuple[str, FloatArray] = "none", np.eye(3)
    # Blocks of one kind with different vectors: weights without relations keep apart what equal weights could add up.
    for weights in (np.ones(len(parts)), np.sqrt(np.arange(1.0, len(parts) + 1)), *np.eye(len(parts))):
        values, columns = np.linalg.eigh(np.tensordot(weights, parts, axes=1))
        gaps = np.diff(values) > _EQUAL * max(1.0, float(np.abs(values).sum()))
        if gaps.all():
            return "frame", columns
        if gaps.any() and best[0] == "none":
            best = "axis", columns if gaps[0] else columns[:, ::-1]
    return best


def is_image(representation: Representation, source: FloatArray, goal: FloatArray, proper: bool) -> bool:
    """Whether an element of O(3), or of SO(3) if ``proper``, takes one vector to another.

    Raises:
        SearchLimitError: none was found, and none excluded, because neither vector singles out an axis.
    """
    kind, columns = principal_axes(representation, source)
    other, others = principal_axes(representation, goal)
    if kind != other:
        return False
    signs = (1.0,) if proper else (1.0, -1.0)
    if kind == "point":
        return any(np.abs(representation.act(s * np.eye(3)[None], source[None]) - goal).max() < MOVED for s in signs)
    if kind == "frame":
        flips = np.array([np.diag(s) for s in itertools.product((1.0, -1.0), repeat=3)])
        candidates = others @ flips @ columns.T
        if proper:
            candidates = candidates[np.linalg.det(candidates) > 0]
        images = representation.act(candidates, source[None])[:, 0]
        return bool((np.abs(images - goal).max(axis=1) < MOVED).any())
    if kind == "axis":
        axis = columns[:, 0]
        back = frame_about(axis) @ frame_about(others[:, 0]).T
        here = Waves(representation, source, axis)
        there = Waves(representation, representation.act(back[None], goal[None])[0, 0], axis)
        components = (0, 3) if proper else range(len(FLIPS))
        return any((angles := here.turns_to(there, c)) is None or bool(angles) for c in components)
    if any(
        _is_turned(representation, representation.act(s * np.eye(3)[None], source[None])[0, 0], goal) for s in signs
    ):
        return True
    raise SearchLimitError(
        "no rotation was found that takes the seed of the set to an object; the claim was not decided"
    )


def _is_turned(representation: Representation, source: FloatArray, goal: FloatArray) -> bool:
    """Gauss-Newton over rotations from those of a grid that bring the vector nearest to its goal."""
    angles = 2 * np.pi * np.arange(_STEPS) / _STEPS
    about = _about_z(angles)
    tilts = np.array([[[1, 0, 0], [0, c, -s], [0, s, c]] for c, s in zip(np.cos(angles), np.sin(angles), strict=True)])
    first = representation.act(about, source[None])[:, 0]
    second = representation.act(tilts, first).reshape(-1, representation.dim)
    images = representation.act(about, second).reshape(-1, representation.dim)
    nearest = np.argsort(np.linalg.norm(images - goal, axis=1), kind="stable")[:_STARTS]
    for vector in images[nearest]:
        for _ in range(_NEWTON_STEPS):
            tangents = turn_generators(representation, vector)
            step = np.linalg.lstsq(tangents.T, goal - vector, rcond=None)[0]
            vector = representation.act(_rotation(step)[None], vector[None])[0, 0]
            if np.abs(vector - goal).max() < MOVED:
                return True
    return False


def _about_z(angles: FloatArray) -> FloatArray:
    c, s, zero = np.cos(angles), np.sin(angles), np.zeros(len(angles))
    return np.stack([np.stack([c, -s, zero], 1), np.stack([s, c, zero], 1), np.stack([zero, zero, zero + 1], 1)], 1)


def _rotation(vector: FloatArray) -> FloatArray:
    """Rotation by |v| about v (Rodrigues' formula)."""
    angle = float(np.linalg.norm(vector))
    if angle == 0.0:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
