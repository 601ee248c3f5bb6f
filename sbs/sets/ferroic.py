"""Ferroic species: domain states of a transition from S to K, and the symbol of the species.

K. Aizu, Phys. Rev. B 2, 754 (1970); International Tables for Crystallography D, ch. 3.4. Domain states that differ in
spontaneous polarisation (a polar vector) are ferroelectric, those that differ in spontaneous strain (a symmetric
tensor) ferroelastic. With a generic K-invariant vector or tensor t the number of states that t tells apart is
|S| / |Stab_S(t)|, and Stab_S(t) is the pointwise fixer in S of the K-invariant space.

A species is a pair (S, K) up to conjugation by the normalizer of S in O(3); there are 212 with K < S. Its symbol is
SFK in Hermann-Mauguin notation, with orientation letters in brackets where SFK alone names several species: p for
a direction along a principal axis of S (the main axis; x, y and z in cubic groups), s for any other ("side"). The
first letter is for the main axis of K (the normal of a lone mirror), the second for its other two-fold axes (the
mirror normals where there are none), p only if all are principal; K with a single direction takes one letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sbs.groups import PointGroup, Subgroup
from sbs.groups.point.symbols import hermann_mauguin
from sbs.objects.invariants import invariant_basis, pointwise_fixer
from sbs.objects.representation import representation

__all__ = ["DomainStates", "aizu_symbols", "domain_states"]

# Directions of axes come from matrices exact to 1e-15; different axes of a point group lie 15 degrees apart or more.
_PARALLEL = 1e-6
_POLARISATION = "1x1o"
_STRAIN = "1x0e+1x2e"


class DomainStates(NamedTuple):
    """Numbers of domain states: all of them, and those told apart by polarisation and by strain (1 is none)."""

    total: int
    ferroelectric: int
    ferroelastic: int


def domain_states(target: Subgroup) -> DomainStates:
    """Domain states of a transition from the parent point group to a subgroup."""
    group = target.parent
    assert isinstance(group, PointGroup)
    counts = []
    for irreps in (_POLARISATION, _STRAIN):
        rep = representation(irreps, group.matrices)
        fixer = pointwise_fixer(rep, invariant_basis(rep[target.elements]))
        counts.append(group.order // int(fixer.sum()))
    return DomainStates(group.order // target.order, *counts)


def aizu_symbols(group: PointGroup, targets: Sequence[Subgroup], species: Sequence[int]) -> list[str | None]:
    """Symbols of the species (S, K) for proper subgroups K of S; None for K = S.

    Args:
        group: S in its standard setting. targets: the K. species: a number for each K, equal for K of one species.
    """
    parent = hermann_mauguin(group.family)
    plain = [hermann_mauguin(group.family_of(target)) for target in targets]
    symbols: list[str | None] = []
    for target, name in zip(targets, plain, strict=True):
        if target.order == group.order:
            symbols.append(None)
            continue
        rivals = {number for other, number in zip(plain, species, strict=True) if other == name}
        letters = f"({_orientation(group, target)})" if len(rivals) > 1 else ""
        symbols.append(f"{parent}F{name}{letters}")
    return symbols


def _orientation(group: PointGroup, target: Subgroup) -> str:
    principal = np.eye(3) if group.family.n is None else np.eye(3)[2:]
    axes = sorted(_axes(group, target), key=lambda axis: (-axis.weight, not _along(axis.direction, principal)))
    letters = ["p" if _along(axis.direction, principal) else "s" for axis in axes]
    others = [x for x, axis in zip(letters[1:], axes[1:], strict=True) if axis.proper] or letters[1:]
    return letters[0] + ("" if not others else "p" if set(others) == {"p"} else "s")


class _Axis(NamedTuple):
    direction: NDArray[np.float64]
    weight: int  # number of elements about it, rotations counting double
    proper: bool  # whether one of them is a rotation


def _axes(group: PointGroup, target: Subgroup) -> list[_Axis]:
    """Axes of the rotations and rotoreflections of K (for mirrors: their normals).

    Rotations weigh double, so that the two-fold axis of mm2 counts above the normals of its mirrors.
    """
    found: list[_Axis] = []
    for element in target.elements:
        matrix = group.matrices[element]
        sign = round(float(np.linalg.det(matrix)))
        rotation = matrix * sign
        if np.abs(rotation - np.eye(3)).max() < _PARALLEL:
            continue
        direction = _axis(rotation)
        known = next((i for i, axis in enumerate(found) if _along(direction, axis.direction[None])), None)
        if known is None:
            found.append(_Axis(direction, 1 + (sign > 0), sign > 0))
        else:
            axis = found[known]
            found[known] = _Axis(axis.direction, axis.weight + 1 + (sign > 0), axis.proper or sign > 0)
    return found


def _axis(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vector along the axis of a rotation: a column of R + R^T - (tr R - 1) = 2 (1 - cos) n n^T."""
    symmetric = rotation + rotation.T - (np.trace(rotation) - 1) * np.eye(3)
    column = symmetric[:, int(np.argmax(np.abs(np.diagonal(symmetric))))]
    return np.asarray(column / np.linalg.norm(column))


def _along(direction: NDArray[np.float64], axes: NDArray[np.float64]) -> bool:
    return bool((np.abs(np.abs(axes @ direction) - 1) < _PARALLEL).any())
