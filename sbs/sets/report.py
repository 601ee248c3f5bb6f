"""A symmetry-breaking set in words."""

from __future__ import annotations

import math
from typing import Any, Protocol

from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.pointgroups import PointGroup, match_elements, point_group
from sbs.solver.solutions import ClosedSolution, FiniteSolution

__all__ = ["Described", "explanation", "infinite_message", "named_target", "report"]


class Described(Protocol):
    """What a text needs to know of a set, see `sbs.sets.minimal_set.MinimalSet`."""

    @property
    def group(self) -> Any: ...
    @property
    def target(self) -> Any: ...
    @property
    def ambient(self) -> Any: ...
    @property
    def normalizer(self) -> Any: ...
    @property
    def stabilizer(self) -> Any: ...
    @property
    def solution(self) -> FiniteSolution | ClosedSolution: ...
    @property
    def exact(self) -> bool: ...
    @property
    def lmax(self) -> int | None: ...
    @property
    def size(self) -> int | float: ...
    @property
    def is_ideal(self) -> bool: ...
    @property
    def degeneracy(self) -> int | float: ...
    @property
    def irreps(self) -> str | None: ...


def named_target(result: Described) -> str:
    """K by its unique label within S, where S is a point group, else by its symbol."""
    if isinstance(result.group, PointGroup) and isinstance(result.target, Subgroup):
        return result.group.label_of(result.target)
    return _named(result.target)


def _named(group: object) -> str:
    symbol = getattr(group, "symbol", None)
    return symbol if symbol else f"a group of order {getattr(group, 'order', '?')}"


def _count(number: int | float) -> str:
    return "infinitely many" if number == math.inf else str(number)


def report(result: Described) -> str:
    """Text of `MinimalSet.report`."""
    s, m, h = (_named(g) for g in (result.group, result.normalizer, result.stabilizer))
    k = named_target(result)
    lines = [
        f"Symmetry-breaking set for inputs of symmetry {s} and outputs of symmetry {k}, ambient group {_named(result.ambient)}"
    ]
    kind = (
        "ideal: one S-orbit, one object per equivalent output"
        if result.is_ideal
        else f"not ideal: {_count(result.degeneracy)} S-orbit{'s' if result.degeneracy != 1 else ''}"
    )
    lines.append(f"  objects     {_count(result.size)} ({kind})")
    if result.irreps is not None:
        lines.append(
            f"  irreps      {result.irreps}" + (f" (limit l <= {result.lmax})" if result.lmax is not None else "")
        )
    if isinstance(result.ambient, PointGroup):
        lines.append(
            f"  ambient     G = {_named(result.ambient)} is finite, so M is the normalizer in it, not in O(3); right for "
            "crystals whose lattice has this holohedry, because no other map carries one description of them into another"
        )
    lines.append(f"  normalizer  M = {m}, order {_order(result.normalizer)}")
    lines.append(f"  stabilizer  H = {h}, order {_order(result.stabilizer)}")
    lines.append(f"  why         {explanation(result)}")
    return "\n".join(lines)


def _order(group: object) -> str:
    order = getattr(group, "order", math.inf)
    return "infinite" if order == math.inf else str(order)


def explanation(result: Described) -> str:
    """Why the set is large enough and why no smaller one exists, in one sentence or two."""
    s, m, h = (_named(g) for g in (result.group, result.normalizer, result.stabilizer))
    k = named_target(result)
    if not isinstance(result.solution, FiniteSolution):
        if result.size == math.inf and not result.is_ideal:
            return f"the rotations of {s} that {k} lacks have the infinite normalizer {m}, so no finite set is closed under it"
        meets = "meets" if result.exact else "meets (in no more than)"
        return f"H = {h} {meets} {s} in {k} and every component of M holds elements of S or H, so the set is one S-orbit"
    solution = result.solution
    order, bound = (
        solution.stabilizers[0].order,
        solution.normalizer.order * solution.target.order // solution.group.order,
    )
    meets = "meets" if result.exact else "meets (in no more than)"
    count = f"|M| / |H| = {solution.normalizer.order} / {order} = {solution.size}"
    text = f"H = {h} {meets} {s} in {k}, so {count} objects are enough"
    if order == bound:
        return f"{text}; |H| = |M| |K| / |S| is the most that is possible, so fewer cannot be"
    if result.lmax is not None:
        return (
            f"{text}; every larger subgroup of M was excluded, by an exhaustive search or because "
            f"l <= {result.lmax} cannot realise it"
        )
    return (
        f"{text}; the bound |M| |K| / |S| = {bound} is not reached: an exhaustive search excluded every larger subgroup"
    )


def infinite_message(result: Described) -> str:
    """Message of InfiniteSetError: what is infinite and the ways out."""
    s, k = _named(result.group), named_target(result)
    text = (
        f"the symmetry-breaking set for {s} -> {k} in {_named(result.ambient)} is infinite, so there is no list of objects; "
        "draw from it with .sample(n, seed)"
    )
    if result.is_ideal:
        return f"{text} (it is ideal: all objects are equivalent under {s})"
    remedy = _finite_ambient(result)
    if remedy is None:
        return text
    return (
        f"{text}, or make it finite: give a smaller ambient group ({remedy}, or the holohedry of a crystal's lattice), or "
        "for a molecule pin the frame by the input itself, sbs.minimal_set(sbs.detect(molecule), target, frame='input')"
    )


def _finite_ambient(result: Described) -> str | None:
    """How to ask in a finite ambient group that holds S as it is oriented; None where S itself is infinite."""
    group = result.group.parent if isinstance(result.group, Subgroup) else result.group
    if not isinstance(group, PointGroup):
        return None
    n = int(group.family.n or 1)
    proper = getattr(result.ambient, "symbol", None) == "SO(3)"
    # The holohedries of crystals first; another n has no lattice and gets the smallest group of its own axis.
    for fold in (4, 6, n, 2 * n):
        symbol = f"D{fold}" if proper else f"D{fold}h"
        outer = point_group(symbol)
        if isinstance(outer, PointGroup) and (match_elements(group.standard.matrices, outer.matrices) >= 0).all():
            if group == group.standard:
                return f"ambient={symbol!r}"
            return f"ambient=sbs.point_group({symbol!r}).rotated(group.rotation), with group the S of this set"
    return None
