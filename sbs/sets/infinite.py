"""Answer a question whose normalizer is infinite: the first of the solver's solutions that the degree allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from sbs.errors import InvalidGroupError, NoSetError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.closed import FLIPS, AxialSubgroup, ClosedGroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, match_elements
from sbs.sets.continuous import realise_closed
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.question import Embedding, Question
from sbs.solver.closed import axial_solutions, spherical_solutions
from sbs.solver.solutions import ClosedSolution

__all__ = ["axial_description", "solve_with_infinite_normalizer"]


def solve_with_infinite_normalizer(question: Question, embedding: Embedding) -> MinimalSet | None:
    """The set for S and K in O(3) or SO(3), where N(S) is infinite.

    Fewest S-orbits come first; among equals, if the set need not be exact, the largest H ∩ S, so that no more is broken
    than the degree demands; among those the cheapest irreps.

    Returns:
        The set; None if it is proved that no vector with l <= lmax has a stabilizer that does.
    """
    assert isinstance(embedding.outer, ClosedGroup)
    for solution in _solutions(question, embedding.outer.family):
        result = MinimalSet(question, solution, embedding, partial(realise_closed, question, solution))
        if question.lmax is None:
            return result
        try:
            _ = result.irreps
        except NoSetError:
            continue
        return result
    return None


def _solutions(question: Question, outer: PointGroupSymbol) -> Iterator[ClosedSolution]:
    group, target, exact = question.group, question.target, question.exact
    assert isinstance(question.ambient, ClosedGroup) and not isinstance(group, Subgroup)
    proper = question.ambient.symbol == "SO(3)"
    if outer.n is None:
        inner = target.parent.family_of(target) if isinstance(target, Subgroup) else target.family  # type: ignore[attr-defined]
        yield from spherical_solutions(group.family, inner, proper, exact, question.lmax)
        return
    around, within = axial_description(group, group), axial_description(target, group)
    for solution in axial_solutions(around, within, proper, exact):
        yield solution
        if not solution.stabilizers and not exact:
            assert isinstance(group, PointGroup) and isinstance(target, Subgroup)
            for c in reversed(group.subgroup_classes):
                if c.representative <= target and c.order < target.order:
                    yield replace(solution, intersection=c.representative)


def axial_description(subgroup: Subgroup | PointGroup | ClosedGroup, group: PointGroup | ClosedGroup) -> AxialSubgroup:
    """How a closed group lies in the D∞h whose axis is that of ``group``."""
    if isinstance(subgroup, ClosedGroup):
        return AxialSubgroup(subgroup.family.series, subgroup.family.n)  # type: ignore[arg-type]
    local = group.rotation.T @ subgroup.matrices @ group.rotation
    proper = np.linalg.det(local) > 0
    up = local[:, 2, 2] > 0
    fold = int((proper & up).sum())
    flips = {"σh": bool((~proper & ~up).any()), "σv": bool((~proper & up).any()), "C2'": bool((proper & ~up).any())}
    has_mirror = match_elements(FLIPS["σh"][None], local)[0] >= 0
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
