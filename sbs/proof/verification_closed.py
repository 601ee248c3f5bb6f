"""Certificates where M is infinite: the same claims as in `sbs.proof.verification`, tested on drawn elements.

M = D∞h (D∞ in SO(3)) about an axis, or O(3) (SO(3)).  That M is the whole normalizer follows from the axis: an element that
normalises S keeps the one axis that the elements of S share.  That fewer objects cannot be follows from the number of
S-orbits, or, for an infinite set, from connectedness: SO(2) acts on a finite set trivially.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sbs.groups.point.closed import ClosedGroup, rotation_about_z
from sbs.groups.point.pointgroups import PointGroup
from sbs.objects.irreps import Irrep, parse_irreps
from sbs.objects.representation import representation
from sbs.objects.stabilizers import axial_stabilizer_order, elements_fixing
from sbs.proof.verification import CLOSURE_TOLERANCE, check_blocks, find, require

__all__ = ["verify_closed"]

#: Elements of an infinite group that are drawn to test a claim on all of it, from a fixed seed.
_DRAWS = 64
_SEED = 20240

#: |D(g) b - b| above this counts as moved: the least distance between different objects is 1e-5.
_MOVED = 1e-6


def verify_closed(result: Any) -> None:
    """Certificate of a set whose normalizer M is infinite."""
    normalizer = result.normalizer
    assert isinstance(normalizer, ClosedGroup)
    drawn = normalizer.sample(_DRAWS, _SEED)
    _check_normalizer(result, normalizer, drawn)
    if result.size == math.inf:
        _check_infinite(result)
    else:
        _check_finite(result, drawn)


def _inside(matrices: np.ndarray, group: object) -> bool:
    if isinstance(group, ClosedGroup):
        return bool(group.contains(matrices).all())
    return bool((find(matrices, group.matrices) >= 0).all())  # type: ignore[attr-defined]


def _elements(group: object) -> np.ndarray:
    """All elements of a finite group, drawn ones of an infinite group."""
    return group.sample(_DRAWS, _SEED + 1) if isinstance(group, ClosedGroup) else group.matrices  # type: ignore[attr-defined]


def _check_normalizer(result: Any, normalizer: ClosedGroup, drawn: np.ndarray) -> None:
    own, inner = _elements(result.group), _elements(result.target)
    require(_inside(inner, result.group), "K lies in S")
    require(_inside(own, normalizer), "S lies in M")
    for g in drawn:
        require(_inside(g @ own @ g.T, result.group), "every element of M normalises S")
    if isinstance(result.group, PointGroup):
        # S is abelian here, so that a conjugate of K under S is K itself.
        for g in drawn:
            require(_inside(g @ inner @ g.T, result.target), "every element of M maps K to a conjugate under S")
    axis = normalizer.rotation[:, 2]
    improper = np.linalg.det(own)[:, None, None] * own
    turned = improper[np.abs(improper - np.eye(3)).max((1, 2)) > 1e-9]
    if normalizer.is_axial:
        require(len(turned) > 0, "S has an axis")
        shared = np.abs(np.abs(turned @ axis @ axis) - 1).max() < 1e-9
        distinct = isinstance(result.group, ClosedGroup) or (np.abs(turned @ axis - axis).max() < 1e-9)
        require(bool(shared) and bool(distinct), "all elements of S keep the axis of M")
    elif isinstance(result.group, PointGroup):
        require(len(turned) == 0, "S has no axis")


def _check_finite(result: Any, drawn: np.ndarray) -> None:
    objects = result.objects
    irreps = _irreps(result)
    check_blocks(objects, irreps)
    require(objects.shape[0] == result.size, "size is the number of objects")
    gaps = np.linalg.norm(objects[:, None] - objects[None], axis=2) + 4 * np.eye(len(objects))
    require(float(gaps.min()) > _MOVED, "the objects are distinct")
    for g in np.concatenate([drawn, _elements(result.group)]):
        images = objects @ representation(irreps, g[None])[0].T
        miss = np.abs(images[:, None] - objects[None]).max(2).min(1).max()
        require(bool(miss < CLOSURE_TOLERANCE), f"the set is closed under M (missed by {miss:.1e})")
    own = _elements(result.group)
    images = representation(irreps, own) @ objects.T
    fixed = np.abs(images - objects.T[None]).max(1) < _MOVED
    inside = (
        result.target.contains(own)
        if isinstance(result.target, ClosedGroup)
        else find(own, result.target.matrices) >= 0
    )
    require(bool((fixed == inside[:, None]).all()), "the stabilizer in S of every object is K")
    reached = np.abs(images[:, :, :1] - objects.T[None]).max(1).min(0) < _MOVED if len(images) else np.zeros(0)
    require(
        bool(reached.all()) and result.degeneracy == 1 and set(result.orbits.tolist()) == {0}, "the set is one S-orbit"
    )
    require(result.is_ideal, "a set that is one S-orbit with stabilizer K is ideal, and none is smaller")


def _check_infinite(result: Any) -> None:
    irreps = _irreps(result)
    drawn = result.sample(8, _SEED)
    check_blocks(drawn, irreps)
    if isinstance(result.group, PointGroup):
        seed = result.seed_object
        own = result.group.matrices
        fixed = np.abs(representation(irreps, own) @ seed - seed).max(1) < _MOVED
        inside = find(own, result.target.matrices) >= 0
        claim = fixed == inside if result.exact else fixed <= inside
        require(bool(claim.all()), "the stabilizer in S of an object is K, or lies in it if the set is not exact")
        axis = result.normalizer.rotation[:, 2]
        about = (np.linalg.det(own) > 0) & (own @ axis @ axis > 1 - 1e-9)
        require(
            bool((about & ~inside).any()),
            "S has a rotation about the axis of M that is not in K, so no finite set is closed under M",
        )
        require(result.degeneracy == math.inf and not result.is_ideal, "an infinite set for a finite S is not ideal")
        return
    _check_continuous_stabilizer(result, irreps)
    require(result.degeneracy == 1 and result.is_ideal, "the set is one S-orbit")


def _check_continuous_stabilizer(result: Any, irreps: list[Irrep]) -> None:
    """S infinite: exactly K fixes the seed, all elements of S being searched."""
    group, target, seed = result.group, result.target, result.seed_object
    assert isinstance(group, ClosedGroup)
    require(
        bool((np.abs(representation(irreps, _elements(target)) @ seed - seed).max(1) < _MOVED).all()),
        "K fixes the seed",
    )
    back = group.rotation.T
    local = representation(irreps, back[None])[0] @ seed
    if group.is_axial:
        require(
            axial_stabilizer_order(tuple(irreps), local, group.components) == target.order,
            "nothing of S but K fixes the seed",
        )
        return
    fixing = elements_fixing(tuple(irreps), seed)
    if isinstance(target, ClosedGroup):
        require(fixing is None, "a continuous group fixes the seed")
        flips = np.array(
            [np.diag([1.0, 1.0, -1.0]), np.diag([1.0, -1.0, 1.0]), np.diag([1.0, -1.0, -1.0]) @ rotation_about_z(0.3)]
        )
        flips = target.rotation @ flips @ target.rotation.T
        allowed = group.contains(flips)
        fixed = np.abs(representation(irreps, flips) @ seed - seed).max(1) < _MOVED
        require(bool((fixed == target.contains(flips))[allowed].all()), "nothing of S but K fixes the seed")
        return
    require(fixing is not None, "only finitely many elements fix the seed")
    assert fixing is not None
    own = fixing[group.contains(fixing)]
    require(
        bool((np.abs(own[:, None] - target.matrices[None]).max((2, 3)).min(1) < 1e-4).all()),
        "nothing of S but K fixes the seed",
    )


def _irreps(result: Any) -> list[Irrep]:
    return [irrep for mul, irrep in parse_irreps(result.irreps or "") for _ in range(mul)]
