"""Symmetry-breaking sets where S or its normalizer is infinite.

Put C for the rotations of S about its axis.  With normalizer M = D∞h (or D∞ in SO(3)):

* K holds C: H may hold all of SO(2), so only the components of D∞h count. They form a Klein four-group, in which the
  components of S always have a complement above those of K; the set is finite and ideal.
* S finite and K ∩ SO(2) < C: H ∩ SO(2) is finite while M is not, so size and degeneracy are infinite.
* S infinite and K finite: H has the rotations of K and as many components as M / S allows; the set is infinite and
  ideal, one S-orbit.

With normalizer O(3) or SO(3), S is trivial, Ci, SO(3) or O(3).

A bound on the degree of irreps can rule out what is best here, so that the solutions come as a sequence: every closed
subgroup H of M that S allows, up to conjugation in M, is a stabilizer in exactly one of them. S is normal in M, so that
M / H consists of |M / S H| orbits of S.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from sbs.groups.point.closed import FLIPS, AxialSubgroup
from sbs.groups.point.families import AXIAL_SERIES, PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, point_group
from sbs.solver.solutions import ClosedSolution

__all__ = ["axial_solutions", "spherical_solutions"]

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


def axial_solutions(group: AxialSubgroup, target: AxialSubgroup, proper: bool, exact: bool) -> Iterator[ClosedSolution]:
    """S and K closed subgroups of D∞h with normalizer M = D∞h, or D∞ if ``proper`` (ambient SO(3)), the best first.

    Fewest S-orbits come first, then the largest H ∩ S: if the set need not be exact, as little is broken beyond S -> K as
    possible. If S is finite and the set is not, H is left open.

    Args:
        group, target, proper, exact: the question.
    """
    allowed = frozenset({"C2'"}) if proper else frozenset(FLIPS)
    normalizer = PointGroupSymbol("Dn" if proper else "Dnh", math.inf)
    if group.is_finite and target.n != group.n:
        yield ClosedSolution(normalizer, (), math.inf, math.inf)
        return
    finite = target.n == group.n
    if finite:
        above = [AxialSubgroup(s, math.inf) for s in _INFINITE_SERIES]
    else:
        folds = [int(target.n)] if exact else _divisors(int(target.n))
        above = [AxialSubgroup(s, n) for n in folds for s in AXIAL_SERIES]
    ranked: dict[tuple[int, float], list[AxialSubgroup]] = {}
    for h in above:
        shared = h.components & group.components
        if finite:
            fits = shared == target.components if exact else shared <= target.components
        else:
            inner = _restricted(h, shared)
            fits = inner == target if exact else _holds(target, inner)
        if fits and h.components <= allowed:
            orbits = (1 + len(allowed)) // _joined(group.components, h.components)
            ranked.setdefault((orbits, -(1 + len(shared)) * (1 if finite else h.n)), []).append(h)
    for (orbits, _), stabilizers in sorted(ranked.items()):
        size = (1 + len(allowed)) // (1 + len(stabilizers[0].components)) if finite else math.inf
        yield ClosedSolution(normalizer, tuple(stabilizers), size, orbits)


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _restricted(h: AxialSubgroup, components: frozenset[str]) -> AxialSubgroup:
    """The part of H in some of its components."""
    if components == h.components:
        return h
    if components == frozenset({"σh"}):
        return AxialSubgroup("S2n" if h.series == "Dnd" else "Cnh", h.n)
    return next(a for s in ("Cn", "Cnv", "Dn") if (a := AxialSubgroup(s, h.n)).components == components)


def _joined(a: frozenset[str], b: frozenset[str]) -> int:
    """Order of the group of components that two groups of components generate."""
    together = len(a | b)
    return 1 + (3 if together > 1 else together)


def _holds(outer: AxialSubgroup, inner: AxialSubgroup) -> bool:
    """Whether a closed group about the axis holds another one, up to a turn about the axis."""
    if not inner.components <= outer.components:
        return False
    if not outer.is_finite:
        return True
    if not inner.is_finite or int(outer.n) % int(inner.n):
        return False
    if "σh" not in inner.components:
        return True
    ratio = int(outer.n) // int(inner.n)
    # σh comes after a turn by multiples of 2 π / n, in the groups of rotoreflections by odd multiples of π / n.
    odd_inside, odd_outside = (a.series in ("S2n", "Dnd") for a in (inner, outer))
    if odd_inside:
        return ratio % 2 == 1 if odd_outside else ratio % 2 == 0
    return not odd_outside


def spherical_solutions(
    group: PointGroupSymbol, target: PointGroupSymbol, proper: bool, exact: bool, lmax: int | None = None
) -> Iterator[ClosedSolution]:
    """S one of C1, Ci, SO(3), O(3), with normalizer M = O(3), or SO(3) if ``proper`` (ambient SO(3)), the best first.

    Ordered as in `axial_solutions`; larger means of higher dimension, then of higher
    order or with more components. Groups with more than ``lmax`` + 1 rotations about an axis are not listed: no vector with
    l <= lmax is fixed by as many unless it is fixed by all.
    """
    everything = PointGroupSymbol("SO(3)" if proper else "O(3)")
    if group.is_finite:
        equal = group == target
        yield ClosedSolution(everything, (everything if equal else PointGroupSymbol("SO(3)"),), 1 if equal else 2, 1)
        return
    ranked: dict[tuple[int, int, float], list[PointGroupSymbol]] = {}
    doubling = not proper and group.series == "SO(3)"
    for inner in (target,) if exact else _families_inside(target, lmax):
        size = _size(inner)
        if doubling:
            series = [s for s in _DOUBLED[inner.series] if inner.n != math.inf or s in _INFINITE_SERIES]
            doubled = dict.fromkeys(PointGroupSymbol(s, inner.n) for s in series)
            ranked.setdefault((1, *size), []).extend(doubled)
        ranked.setdefault((2 if doubling else 1, *size), []).append(inner)
    for (orbits, dimension, _), stabilizers in sorted(ranked.items()):
        count = 2 if stabilizers[0].series == "SO(3)" and not proper else 1
        yield ClosedSolution(everything, tuple(stabilizers), count if dimension == -3 else math.inf, orbits)


def _size(family: PointGroupSymbol) -> tuple[int, float]:
    """Dimension and then order (of an infinite group, its number of components), negative."""
    if family.is_finite:
        return 0, -family.order
    if family.n is None:
        return -3, -2 if family.series == "O(3)" else -1
    return -1, -AXIAL_SERIES[family.series]


def _families_inside(family: PointGroupSymbol, lmax: int | None) -> Iterable[PointGroupSymbol]:
    """Families of the closed subgroups of a group, those with more rotations about an axis than ``lmax`` left out."""
    if family.n is None:
        if not family.is_finite:  # its own stabilizer is found with l = 0, so that no smaller group is asked for
            return [family]
        whole = point_group(family)
        assert isinstance(whole, PointGroup)
        return dict.fromkeys(whole.family_of(c.representative) for c in whole.subgroup_classes)
    outer = AxialSubgroup(family.series, family.n)
    folds: list[int | float] = (
        [*_divisors(int(family.n))] if family.is_finite else [math.inf, *range(1, (lmax or 0) + 2)]
    )
    inside = [a for n in folds for s in AXIAL_SERIES if _holds(outer, a := AxialSubgroup(s, n))]
    return dict.fromkeys(a.family for a in inside)
