"""Rotations that take one group of orthogonal matrices onto, or into, another: found from where their axes can go."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sbs.proof.claims import Continuous
from sbs.proof.elements import find_matrices
from sbs.proof.isotropy import FLIPS, component_of, frame_about

__all__ = [
    "COMPONENTS",
    "common_axis",
    "continuous_inside",
    "holds",
    "kinds_and_axes",
    "moves_into",
    "normalizing_rotations",
    "turns_into",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Axes whose direction cosine differs from 1, or from what it should be, by less are the same.
_ANGLE_TOLERANCE = 1e-6

#: The infinite axial groups and the components of D∞h that they consist of.
COMPONENTS: dict[str, frozenset[int]] = {
    "Cinf": frozenset({0}), "Cinfh": frozenset({0, 1}), "Cinfv": frozenset({0, 2}), "Dinf": frozenset({0, 3}),
    "Dinfh": frozenset(range(len(FLIPS))),
}  # fmt: skip


def holds(group: Continuous, elements: FloatArray) -> BoolArray:
    """Whether each orthogonal matrix (n, 3, 3) is an element of an infinite group."""
    if group.symbol == "O(3)":
        return np.ones(len(elements), dtype=bool)
    if group.symbol == "SO(3)":
        return np.linalg.det(elements) > 0
    return np.isin(component_of(elements, group.axis), sorted(COMPONENTS[group.symbol]))


def continuous_inside(inner: Continuous, outer: Continuous, anywhere: bool) -> bool:
    """Whether an infinite group lies in another one, if ``anywhere`` after some rotation."""
    if outer.symbol in ("SO(3)", "O(3)"):
        proper = inner.symbol in ("Cinf", "Dinf", "SO(3)")
        return proper or outer.symbol == "O(3)"
    if inner.symbol not in COMPONENTS:
        return False
    parallel = anywhere or abs(abs(float(inner.axis @ outer.axis)) - 1) < _ANGLE_TOLERANCE
    return parallel and COMPONENTS[inner.symbol] <= COMPONENTS[outer.symbol]


def kinds_and_axes(group: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Number of the kind (determinant and angle) and the axis of each element; kind -1 for the identity and inversion."""
    signs = np.sign(np.linalg.det(group))
    proper = group * signs[:, None, None]
    cosines = np.clip((np.trace(proper, axis1=1, axis2=2) - 1) / 2, -1, 1)
    _, kinds = np.unique(np.round(np.stack([signs, cosines], 1), 6), axis=0, return_inverse=True)
    # R + R^T - 2 cos is a multiple of the projector on the axis, whose largest column is along it.
    sums = proper + np.swapaxes(proper, 1, 2) - 2 * cosines[:, None, None] * np.eye(3)
    columns = np.linalg.norm(sums, axis=1).argmax(1)
    axes = sums[np.arange(len(group)), :, columns]
    norms = np.linalg.norm(axes, axis=1)
    trivial = cosines > 1 - 1e-9
    return np.where(trivial, -1, kinds.reshape(-1)), axes / np.where(trivial, 1.0, norms)[:, None]


def common_axis(group: FloatArray) -> tuple[str, FloatArray]:
    """ "point" if the elements are ±1 only, "axis" with the axis if all share one, else "many"."""
    kinds, axes = kinds_and_axes(group)
    turned = axes[kinds >= 0]
    if not len(turned):
        return "point", np.array([0.0, 0.0, 1.0])
    shared = np.abs(np.abs(turned @ turned[0]) - 1).max() < _ANGLE_TOLERANCE
    return ("axis" if shared else "many"), turned[0]


def normalizing_rotations(group: FloatArray) -> FloatArray:
    """All rotations R with R S R^T = S, for a finite S whose axes are not all parallel, float64 (n, 3, 3).

    R must take the axes of two elements with different axes to axes of elements of the same kind, up to sign,
    and is fixed by that: all such assignments are tried.
    """
    return moves_into(group, group)


def moves_into(inner: FloatArray, outer: FloatArray, first_only: bool = False) -> FloatArray:
    """Rotations R with R L R^T inside a finite group, for a finite L, float64 (n, 3, 3).

    All of them if the axes of L are not all parallel; else one for each axis that the axis of L can go to.
    """
    both = np.concatenate([inner, outer])
    kinds, axes = kinds_and_axes(both)
    own_kinds, own_axes = kinds[: len(inner)], axes[: len(inner)]
    kinds, axes = kinds[len(inner) :], axes[len(inner) :]
    moved = np.flatnonzero(own_kinds >= 0)
    if not len(moved):
        return np.eye(3)[None] if (find_matrices(inner, outer) >= 0).all() else np.zeros((0, 3, 3))
    # The kind with the fewest elements to go to leaves the fewest cases.
    choices = np.array([(kinds == k).sum() for k in own_kinds])
    first = int(moved[np.argmin(choices[moved])])
    a = np.concatenate([axes[kinds == own_kinds[first]], -axes[kinds == own_kinds[first]]])
    slanted = moved[np.abs(own_axes[moved] @ own_axes[first]) < 1 - _ANGLE_TOLERANCE]
    if not len(slanted):
        candidates = np.array([frame_about(axis) @ frame_about(own_axes[first]).T for axis in a]).reshape(-1, 3, 3)
    else:
        second = int(slanted[np.argmin(choices[slanted])])
        b = np.concatenate([axes[kinds == own_kinds[second]], -axes[kinds == own_kinds[second]]])
        left, right = np.nonzero(np.abs(a @ b.T - own_axes[first] @ own_axes[second]) < _ANGLE_TOLERANCE)
        frame = _frame(own_axes[first][None], own_axes[second][None])[0]
        candidates = _frame(a[left], b[right]) @ frame.T
    kept: list[FloatArray] = []
    for rotation in _distinct(candidates):
        if (find_matrices(rotation @ inner @ rotation.T, outer) >= 0).all():
            kept.append(rotation)
            if first_only:
                break
    return np.array(kept).reshape(-1, 3, 3)


def _distinct(rotations: FloatArray) -> FloatArray:
    """One of each matrix, in the order in which they come."""
    if not len(rotations):
        return rotations
    # Rotations of a finite group onto itself are 1e-3 apart at least; a generic direction tells them apart.
    keys = rotations.reshape(len(rotations), 9) @ np.sin(np.arange(1.0, 10.0))
    order = np.argsort(keys, kind="stable")
    kept: list[int] = []
    start = 0
    for i, index in enumerate(order):
        while keys[index] - keys[order[start]] > _ANGLE_TOLERANCE * 10:
            start += 1
        near = [j for j in order[start:i] if np.abs(rotations[j] - rotations[index]).max() < _ANGLE_TOLERANCE]
        if not near:
            kept.append(int(index))
    return rotations[sorted(kept)]


def turns_into(inner: FloatArray, outer: FloatArray, axis: FloatArray) -> bool:
    """Whether some turn about an axis takes a finite subgroup of D∞h about it into another one."""
    frame = frame_about(axis)
    candidates = [0.0]
    parts, others = component_of(inner, axis), component_of(outer, axis)
    for component in (2, 3):
        if (parts == component).any():
            # A turn by t of a mirror or two-fold axis adds 2 t to the turn that it is after the one at azimuth 0.
            own = _azimuth(inner[parts == component][:1], frame)[0]
            candidates = ((_azimuth(outer[others == component], frame) - own) / 2).tolist()
            break
    for angle in candidates:
        turn = frame @ _about_pole(angle) @ frame.T
        if (find_matrices(turn @ inner @ turn.T, outer) >= 0).all():
            return True
    return False


def _azimuth(flips: FloatArray, frame: FloatArray) -> FloatArray:
    local = frame.T @ flips @ frame
    # The flip at azimuth 0 keeps z, and the one after which comes a turn by t takes it to azimuth t.
    return np.arctan2(local[:, 0, 2], local[:, 2, 2])


def _about_pole(angle: float) -> FloatArray:
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def _frame(a: FloatArray, b: FloatArray) -> FloatArray:
    """Right-handed orthonormal frames (n, 3, 3), columns a, the part of b across a, and their cross product."""
    across = b - (a * b).sum(1)[:, None] * a
    across /= np.linalg.norm(across, axis=1)[:, None]
    return np.stack([a, across, np.cross(a, across)], axis=2)
