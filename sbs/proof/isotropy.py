"""The elements of an infinite closed group that fix one given vector, and those that take it to another.

Seen from an axis, a vector is a sum of waves c cos m φ + s sin m φ. A turn by t multiplies the amplitude c + i s by
exp(i m t), so that the turns that fix the vector are those by multiples of 2 π / gcd(m), and of every other component of
D∞h the elements are found by solving for one wave and asking the rest.

In O(3) the matrix Q(v) with entries <J_a v, J_b v>, J the generators of the turns, goes along with the vector,
Q(g v) = g Q(v) g^T. If its eigenvalues differ, what fixes v is among the eight reflections in its eigenframe; if two are
equal, it keeps the axis of the third; if all three are equal, v is fixed by a polyhedral group, above which there are few
others, or by SO(3).
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

__all__ = ["FLIPS", "MOVED", "Frames", "View", "Waves", "component_of", "frame_about", "is_image", "principal_axes"]

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

#: Keeps the normal equations solvable where turns about some axis do not move a vector.
_DAMPING = 1e-9


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


class View:
    """A representation seen from an axis: its harmonics about that axis."""

    def __init__(self, representation: Representation, axis: FloatArray) -> None:
        self.axis = axis
        self.frame = frame_about(axis)
        self._back = representation.matrices(self.frame.T[None])[0]
        self._flips = representation.matrices(_LOCAL_FLIPS[1:])
        orders: list[int] = []
        cosines: list[int] = []
        sines: list[int] = []
        for (l, _), part in zip(representation.blocks, representation.slices, strict=True):
            middle = part.start + l
            orders += range(l + 1)
            cosines += range(middle, middle + l + 1)
            sines += range(middle, middle - l - 1, -1)
        self.orders = np.array(orders)
        self._cosines, self._sines = np.array(cosines), np.array(sines)

    def amplitudes(self, vector: FloatArray) -> npt.NDArray[np.complex128]:
        """Complex amplitudes c + i s (4, waves) of a vector after each of the reflections in ``FLIPS``."""
        local = self._back @ vector
        rows = np.array([local, *(self._flips @ local)])
        return rows[:, self._cosines] + 1j * np.where(self.orders > 0, rows[:, self._sines], 0.0)


class Waves:
    """A vector as a sum of waves about the axis of a view."""

    def __init__(self, view: View, vector: FloatArray) -> None:
        self.axis, self.frame, self.orders = view.axis, view.frame, view.orders
        self.amplitudes = view.amplitudes(vector)

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


def turn_generators(representation: Representation) -> FloatArray:
    """J_x, J_y, J_z, the derivatives of the matrices of turns about the axes, float64 (3, dim, dim)."""
    found = np.zeros((3, representation.dim, representation.dim))
    frames = np.array([frame_about(axis) for axis in np.eye(3)])
    for matrices, generator in zip(representation.matrices(frames), found, strict=True):
        for (l, _), part in zip(representation.blocks, representation.slices, strict=True):
            frame = matrices[part, part]
            # cos m φ becomes m sin m φ, sin m φ becomes -m cos m φ; the entry of m < 0 is that of the sine of |m| φ.
            slope = np.zeros((2 * l + 1, 2 * l + 1))
            slope[np.arange(2 * l + 1), np.arange(2 * l, -1, -1)] = -np.arange(-l, l + 1)
            generator[part, part] = frame @ slope @ frame.T
    return found


class Frames:
    """A representation of O(3) with the generators of its turns."""

    def __init__(self, representation: Representation) -> None:
        self.representation = representation
        self.generators = turn_generators(representation)
        self._view: View | None = None

    def view(self, axis: FloatArray) -> View:
        """The view from an axis; the last one is kept."""
        if self._view is None or not np.array_equal(self._view.axis, axis):
            self._view = View(self.representation, axis)
        return self._view


def principal_axes(frames: Frames, vector: FloatArray) -> tuple[str, FloatArray]:
    """What Q(v) tells: "point" (v is fixed by SO(3)), "frame", "axis" or "none", and its eigenvectors as columns.

    For "axis" the first column is the axis. Of the matrices Q of the blocks, added with weights, the first that tells most.
    """
    rows = frames.generators @ vector
    parts = np.array([rows[:, part] @ rows[:, part].T for part in frames.representation.slices])
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


def is_image(frames: Frames, source: FloatArray, goal: FloatArray, proper: bool) -> bool:
    """Whether an element of O(3), or of SO(3) if ``proper``, takes one vector to another.

    Raises:
        SearchLimitError: none was found, and none excluded, because neither vector singles out an axis.
    """
    act = frames.representation.act
    kind, columns = principal_axes(frames, source)
    other, others = principal_axes(frames, goal)
    if kind != other:
        return False
    signs = (1.0,) if proper else (1.0, -1.0)
    if kind == "point":
        return any(np.abs(act(s * np.eye(3)[None], source[None]) - goal).max() < MOVED for s in signs)
    if kind == "frame":
        flips = np.array([np.diag(s) for s in itertools.product((1.0, -1.0), repeat=3)])
        candidates = others @ flips @ columns.T
        if proper:
            candidates = candidates[np.linalg.det(candidates) > 0]
        return bool((np.abs(act(candidates, source[None])[:, 0] - goal).max(axis=1) < MOVED).any())
    if kind == "axis":
        view = frames.view(columns[:, 0])
        back = view.frame @ frame_about(others[:, 0]).T
        here, there = Waves(view, source), Waves(view, act(back[None], goal[None])[0, 0])
        components = (0, 3) if proper else range(len(FLIPS))
        return any((angles := here.turns_to(there, c)) is None or bool(angles) for c in components)
    if any(_is_turned(frames, act(s * np.eye(3)[None], source[None])[0, 0], goal) for s in signs):
        return True
    raise SearchLimitError(
        "no rotation was found that takes the seed of the set to an object; the claim was not decided"
    )


def _is_turned(frames: Frames, source: FloatArray, goal: FloatArray) -> bool:
    """Gauss-Newton over rotations from those of a grid that bring the vector nearest to its goal."""
    matrices = frames.representation.matrices
    angles = 2 * np.pi * np.arange(_STEPS) / _STEPS
    about = matrices(_rotations(angles[:, None] * np.array([0.0, 0.0, 1.0])))
    tilts = matrices(_rotations(angles[:, None] * np.array([1.0, 0.0, 0.0])))
    vectors = np.einsum("aij,bjk,ck->abci", about, tilts, about @ source).reshape(-1, len(source))
    vectors = vectors[np.argsort(np.linalg.norm(vectors - goal, axis=1), kind="stable")[:_STARTS]]
    for _ in range(_NEWTON_STEPS):
        tangents = np.einsum("aij,nj->nai", frames.generators, vectors)
        normal = tangents @ np.swapaxes(tangents, 1, 2) + _DAMPING * np.eye(3)
        steps = np.linalg.solve(normal, (tangents @ (goal - vectors)[:, :, None]))[:, :, 0]
        vectors = np.einsum("nij,nj->ni", matrices(_rotations(steps)), vectors)
        if (np.abs(vectors - goal).max(axis=1) < MOVED).any():
            return True
    return False


def _rotations(vectors: FloatArray) -> FloatArray:
    """Rotations (n, 3, 3) by |v| about v (Rodrigues' formula)."""
    angles = np.linalg.norm(vectors, axis=1)
    x, y, z = (vectors / np.where(angles == 0, 1.0, angles)[:, None]).T
    zero = np.zeros_like(x)
    cross = np.stack([np.stack([zero, -z, y], 1), np.stack([z, zero, -x], 1), np.stack([-y, x, zero], 1)], 1)
    return np.eye(3) + np.sin(angles)[:, None, None] * cross + (1 - np.cos(angles))[:, None, None] * cross @ cross
