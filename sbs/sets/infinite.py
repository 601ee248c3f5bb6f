"""Pose a question whose generalised normalizer is infinite: the first of the solver's solutions that the degree allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sbs.errors import InvalidGroupError, NoSetError
from sbs.groups.abstract.finite import Subgroup
from sbs.groups.point.closed import AxialSubgroup, ClosedGroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, match_elements
from sbs.sets.minimal_set import MinimalSet
from sbs.solver.closed import axial_solutions, spherical_solutions
from sbs.solver.solutions import ClosedSolution

__all__ = ["axial_description", "solve_with_infinite_normalizer"]


def solve_with_infinite_normalizer(
    group: PointGroup | ClosedGroup,
    target: Subgroup | PointGroup | ClosedGroup,
    ambient: ClosedGroup,
    outer: PointGroupSymbol,
    exact: bool,
    lmax: int | None,
) -> MinimalSet:
    """The set for S and K in O(3) or SO(3), with N(S) = ``outer`` infinite.

    Fewest S-orbits come first; among equals, if the set need not be exact, the largest H ∩ S, so that no more is broken
    than the degree demands; among those the cheapest irreps.

    Raises:
        NoSetError: it is proved that no vector with l <= lmax has a stabilizer that does.
    """
    for solution in _solutions(group, target, outer, ambient.symbol == "SO(3)", exact, lmax):
        result = MinimalSet(group, target, ambient, exact, lmax, solution, group.rotation)
        if lmax is None:
            return result
        try:
            _ = result.irreps
        except NoSetError:
            continue
        return result
    raise NoSetError(_why_no_set(group, target, ambient, outer, exact, lmax))


def _solutions(
    group: PointGroup | ClosedGroup,
    target: Subgroup | PointGroup | ClosedGroup,
    outer: PointGroupSymbol,
    proper: bool,
    exact: bool,
    lmax: int | None,
) -> Iterator[ClosedSolution]:
    if outer.n is None:
        inner = target.parent.family_of(target) if isinstance(target, Subgroup) else target.family  # type: ignore[attr-defined]
        yield from spherical_solutions(group.family, inner, proper, exact, lmax)
        return
    around, within = axial_description(group, group), axial_description(target, group)
    for solution in axial_solutions(around, within, proper, exact, lmax):
        yield solution
        if not solution.stabilizers and not exact:
            assert isinstance(group, PointGroup) and isinstance(target, Subgroup)
            for c in reversed(group.subgroup_classes):
                if c.representative <= target and c.order < target.order:
                    yield replace(solution, intersection=c.representative)


def _why_no_set(
    group: PointGroup | ClosedGroup,
    target: Subgroup | PointGroup | ClosedGroup,
    ambient: ClosedGroup,
    outer: PointGroupSymbol,
    exact: bool,
    lmax: int | None,
) -> str:
    free = solve_with_infinite_normalizer(group, target, ambient, outer, exact, None)
    text = (
        f"no {'exact ' if exact else ''}symmetry-breaking set for {group.symbol} -> {target.symbol} has objects with "
        f"l <= {lmax}; without the limit irreps {free.irreps} do it"
    )
    if not exact:
        return text
    try:
        loose = solve_with_infinite_normalizer(group, target, ambient, outer, False, lmax)
    except NoSetError:
        return f"{text}; exact=False finds none either"
    return f"{text}; with l <= {lmax}, exact=False gives objects of irreps {loose.irreps}, which break more symmetry than asked"


def axial_description(subgroup: Subgroup | PointGroup | ClosedGroup, group: PointGroup | ClosedGroup) -> AxialSubgroup:
    """How a closed group lies in the D∞h whose axis is that of ``group``."""
    if isinstance(subgroup, ClosedGroup):
        return AxialSubgroup(subgroup.family.family, subgroup.family.n)  # type: ignore[arg-type]
    local = group.rotation.T @ subgroup.matrices @ group.rotation
    proper = np.linalg.det(local) > 0
    up = local[:, 2, 2] > 0
    fold = int((proper & up).sum())
    flips = {"σh": bool((~proper & ~up).any()), "σv": bool((~proper & up).any()), "C2'": bool((proper & ~up).any())}
    has_mirror = match_elements(np.diag([1.0, 1.0, -1.0])[None], local)[0] >= 0
    found = frozenset(name for name, present in flips.items() if present)
    series = {
        frozenset(): "Cn",
        frozenset({"σh"}): "Cnh" if has_mirror else "S2n",
        frozenset({"σv"}): "Cnv",
        frozenset({"C2'"}): "Dn",
    }.get(found, "Dnh" if has_mirror else "Dnd")
    if found and len(found) not in (1, 3):
        raise InvalidGroupError("the target is not a subgroup of the axial group about this axis")
    return AxialSubgroup(series, fold)
