"""Symmetry-breaking sets where S or its normalizer is infinite (THEORY section 4).

Put C for the rotations of S about its axis.  With normalizer D∞h (or D∞ in SO(3)):

* K holds C: H may hold all of SO(2), so only the components of D∞h count. They form a Klein four-group, in which the
  components of S always have a complement above those of K; the set is finite and ideal.
* S finite and K ∩ SO(2) < C: H ∩ SO(2) is finite while M is not, so size and degeneracy are infinite.
* S infinite and K finite: H has the rotations of K and as many components as M / S allows; the set is infinite and
  ideal, one S-orbit.

With normalizer O(3) or SO(3), S is trivial, Ci, SO(3) or O(3).
"""

from __future__ import annotations

import math
from itertools import combinations

from sbs.groups.point.closed import AxialSubgroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.solver.solutions import ClosedSolution

__all__ = ["solve_axial", "solve_spherical"]

_FLIPS = ("σh", "σv", "C2'")
_SERIES_ABOVE = {
    "Cn": ("Cn", "Cnh", "S2n", "Cnv", "Dn", "Dnh", "Dnd"),
    "Cnh": ("Cnh", "Dnh"),
    "S2n": ("S2n", "Dnd"),
    "Cnv": ("Cnv", "Dnh", "Dnd"),
    "Dn": ("Dn", "Dnh", "Dnd"),
    "Dnh": ("Dnh",),
    "Dnd": ("Dnd",),
}
_INFINITE_SERIES = ("Cn", "Cnh", "Cnv", "Dn", "Dnh")
#: Groups H with H ∩ SO(3) = K and twice its order, for K of rotations only.
_DOUBLED = {
    "Cn": ("Cnv", "Cnh", "S2n"),
    "Dn": ("Dnh", "Dnd"),
    "T": ("Th", "Td"),
    "O": ("Oh",),
    "I": ("Ih",),
    "SO(3)": ("O(3)",),
}


def _component_groups(allowed: frozenset[str]) -> list[frozenset[str]]:
    """Subgroups of the Klein four-group of components, largest first, that use only the allowed ones."""
    groups = [frozenset(c) for size in (3, 1, 0) for c in combinations(_FLIPS, size)]
    return [g for g in groups if g <= allowed]


def solve_axial(group: AxialSubgroup, target: AxialSubgroup, proper: bool) -> ClosedSolution:
    """S and K closed subgroups of D∞h with normalizer M = D∞h, or D∞ if ``proper`` (ambient SO(3))."""
    allowed = frozenset({"C2'"}) if proper else frozenset(_FLIPS)
    normalizer = PointGroupSymbol("Dn" if proper else "Dnh", math.inf)
    index = (1 + len(allowed)) // (1 + len(group.components))
    if target.n == group.n:
        fitting = [h for h in _component_groups(allowed) if h & group.components == target.components]
        largest = len(fitting[0])
        stabilizers = tuple(_infinite_with(h) for h in fitting if len(h) == largest)
        size = (1 + len(allowed)) // (1 + largest)
        ideal = (1 + len(group.components)) // (1 + len(target.components))
        return ClosedSolution(normalizer, stabilizers, size, size // ideal)
    if group.is_finite:
        return ClosedSolution(normalizer, (), math.inf, math.inf)
    above = [AxialSubgroup(series, target.n) for series in _SERIES_ABOVE[target.series]]
    fitting_groups = [
        h for h in above if h.components <= allowed and h.components & group.components == target.components
    ]
    largest = max(len(h.components) for h in fitting_groups)
    gained = (1 + largest) // (1 + len(target.components))
    return ClosedSolution(
        normalizer, tuple(h for h in fitting_groups if len(h.components) == largest), math.inf, index // gained
    )


def _infinite_with(components: frozenset[str]) -> AxialSubgroup:
    return next(a for s in _INFINITE_SERIES if (a := AxialSubgroup(s, math.inf)).components == components)


def solve_spherical(group: PointGroupSymbol, target: PointGroupSymbol, proper: bool) -> ClosedSolution:
    """S one of C1, Ci, SO(3), O(3), with normalizer M = O(3), or SO(3) if ``proper`` (ambient SO(3))."""
    everything = PointGroupSymbol("SO(3)" if proper else "O(3)")
    if group == target and group.is_finite:
        return ClosedSolution(everything, (everything,), 1, 1)
    if group.is_finite:
        return ClosedSolution(everything, (PointGroupSymbol("SO(3)"),), 2, 1)
    if proper or group.family == "O(3)":
        stabilizers: tuple[PointGroupSymbol, ...] = (target,)
    else:
        series = [s for s in _DOUBLED[target.family] if target.n != math.inf or s in _INFINITE_SERIES]
        stabilizers = tuple(dict.fromkeys(PointGroupSymbol(s, target.n) for s in series))
    rotations = target.family in ("SO(3)", "O(3)")
    size = (2 if target != group else 1) if rotations else math.inf
    return ClosedSolution(everything, stabilizers, size, 1)
