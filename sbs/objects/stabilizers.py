"""Irreps that hold a vector whose stabilizer in D∞h, D∞, O(3) or SO(3) is exactly a closed subgroup H.

Let V be a sum of irreps.  A vector of V^H has a stabilizer that is larger than H exactly if it lies in V^L' for a minimal
overgroup L' of H.  The overgroups conjugate to one L that hold H form finitely many orbits of the normalizer of H, of
dimension f, the *freedom* of L over H (a two-fold axis across z can lie anywhere in the plane: f = 1).  So the vectors that
overgroups of the kind L fix fill at most dim V^L + f dimensions of V^H, and

    if dim V^H - dim V^L > f for every kind L of minimal overgroups, almost every vector of V^H has the stabilizer H.

The converse holds too.  Where f = 0 a difference of 0 means V^L = V^H.  Where f > 0, H is C1, Ci, or one of C_n, C_nh, S_2n in
which only rotations about z are free; going through the few sums of irreps with a difference of at most f shows that each
vector of V^H has a larger stabilizer: one vector is fixed by rotations about it and mirrors through it, one quadrupole by
D2h; two vectors by the mirror through both; a single pair of harmonics cos m, sin m by a mirror (or two-fold axis) whose azimuth
its phase tells.  A kind L with V^L = V^H in all irreps up to a degree proves that no vector of that degree has the stabilizer H,
whatever the multiplicities.

Of the infinitely many overgroups with p times as many rotations about an axis, p prime, two are enough: the angular numbers
that H leaves are multiples of its fold n that begin with n or 2 n, so that an odd p divides all of them only if there is
none but 0; p = 3 stands for every odd p, and has the largest V^L.

M. Golubitsky, I. Stewart, D. G. Schaeffer, Singularities and Groups in Bifurcation Theory II, ch. XIII (1988); E. Ihrig,
M. Golubitsky, Physica D 13, 1 (1984); L. Michel, Rev. Mod. Phys. 52, 617 (1980); M. J. Linehan, G. E. Stedman, J. Phys. A 34,
6663 (2001), who list the stabilizers in single irreps.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sbs.groups.point.closed import AxialSubgroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.generators import standard_matrices
from sbs.objects.blocks import Cost, CostKey, cost_key
from sbs.objects.irreps import Irrep

__all__ = ["Closed", "Overgroup", "cheapest_irreps", "invariant_dimension", "overgroups"]

#: A closed subgroup of O(3) up to conjugation: about the axis z, or polyhedral, or SO(3) or O(3).
Closed = AxialSubgroup | PointGroupSymbol

_ROTATIONS_ONLY = {"Cn", "Dn", "T", "O", "I", "SO(3)"}


class Overgroup(NamedTuple):
    """A kind of minimal overgroup of H.

    Attributes:
        group: L, up to conjugation.
        freedom: dimension of the family of conjugates of L that hold H.
    """

    group: Closed
    freedom: int


# Overgroups about the same axis: series, multiple of the fold, freedom.
_ABOUT_THE_AXIS: dict[str, tuple[tuple[str, int, int], ...]] = {
    "Cn": (("Cn", 2, 0), ("Cn", 3, 0), ("Cnh", 1, 0), ("S2n", 1, 0), ("Cnv", 1, 1), ("Dn", 1, 1)),
    "Cnh": (("Cnh", 2, 0), ("Cnh", 3, 0), ("Dnh", 1, 1)),
    "S2n": (("Cnh", 2, 0), ("S2n", 3, 0), ("Dnd", 1, 1)),
    "Cnv": (("Cnv", 2, 0), ("Cnv", 3, 0), ("Dnh", 1, 0), ("Dnd", 1, 0)),
    "Dn": (("Dn", 2, 0), ("Dn", 3, 0), ("Dnh", 1, 0), ("Dnd", 1, 0)),
    "Dnh": (("Dnh", 2, 0), ("Dnh", 3, 0)),
    "Dnd": (("Dnh", 2, 0), ("Dnd", 3, 0)),
}
# About SO(2) a mirror through the axis lies at all azimuths at once.
_ABOUT_THE_AXIS_INFINITE: dict[str, tuple[str, ...]] = {
    "Cn": ("Cnh", "Cnv", "Dn"), "Cnh": ("Dnh",), "Cnv": ("Dnh",), "Dn": ("Dnh",), "Dnh": (),
}  # fmt: skip
# Overgroups in O(3) that are not about the axis z; those that hold another overgroup of the same H are left out.
_ACROSS: dict[tuple[str, int | float], tuple[tuple[str, int | None, int], ...]] = {
    ("Cnh", 1): (("Cnv", 3, 1),),  # three-fold axes in the mirror
    ("Cn", 2): (("Dn", 3, 1),),  # three-fold axes across the two-fold one
    ("Cnh", 2): (("Dnd", 3, 1),),
    ("Cnv", 2): (("Dnh", 3, 0),),  # the axis of C2v is a two-fold one of D3h, whose own lies along x or y
    ("Cn", 3): (("T", None, 1),),
    ("S2n", 3): (("Th", None, 1),),
    ("Cnv", 3): (("Td", None, 0),),
    ("Dn", 2): (("T", None, 0),),
    ("Dnh", 2): (("Th", None, 0),),
    ("Dnd", 2): (("Td", None, 0),),
    ("Dn", 3): (("O", None, 0), ("I", None, 0)),
    ("Dnd", 3): (("Oh", None, 0), ("Ih", None, 0)),
    ("Dn", 4): (("O", None, 0),),
    ("Dnh", 4): (("Oh", None, 0),),
    ("Dn", 5): (("I", None, 0),),
    ("Dnd", 5): (("Ih", None, 0),),
    ("Dn", math.inf): (("SO(3)", None, 0),),
    ("Dnh", math.inf): (("O(3)", None, 0),),
}
_POLYHEDRAL: dict[str, tuple[str, ...]] = {
    "T": ("Td", "Th", "O", "I"), "Th": ("Oh", "Ih"), "Td": ("Oh",), "O": ("Oh", "SO(3)"), "I": ("Ih", "SO(3)"),
    "Oh": ("O(3)",), "Ih": ("O(3)",), "SO(3)": ("O(3)",), "O(3)": (),
}  # fmt: skip


def overgroups(group: Closed, ambient: PointGroupSymbol) -> tuple[Overgroup, ...]:
    """Kinds of minimal overgroups of H in D∞h, D∞, O(3) or SO(3).

    Args:
        group: H; an axial one about z, with its canonical series if the ambient group is O(3) or SO(3).
        ambient: the group in which stabilizers are taken.
    """
    spherical = ambient.n is None
    if isinstance(group, PointGroupSymbol):
        found = tuple(Overgroup(PointGroupSymbol(name), 0) for name in _POLYHEDRAL[group.series])
    elif spherical and (group.series, group.n) in (("Cn", 1), ("S2n", 1)):
        found = _of_a_point(group.series)
    else:
        found = (*_about_the_axis(group), *(_across(group) if spherical else ()))
    if ambient.series in _ROTATIONS_ONLY:
        return tuple(o for o in found if o.group.series in _ROTATIONS_ONLY)
    return found


def _of_a_point(series: str) -> tuple[Overgroup, ...]:
    """C1 and Ci: an axis, or the normal of a mirror, may point anywhere."""
    if series == "S2n":
        return Overgroup(AxialSubgroup("Cnh", 2), 2), Overgroup(AxialSubgroup("S2n", 3), 2)
    return (
        Overgroup(AxialSubgroup("Cn", 2), 2), Overgroup(AxialSubgroup("Cn", 3), 2),
        Overgroup(AxialSubgroup("S2n", 1), 0), Overgroup(AxialSubgroup("Cnh", 1), 2),
    )  # fmt: skip


def _about_the_axis(group: AxialSubgroup) -> tuple[Overgroup, ...]:
    if not group.is_finite:
        return tuple(Overgroup(AxialSubgroup(s, math.inf), 0) for s in _ABOUT_THE_AXIS_INFINITE[group.series])
    return tuple(
        Overgroup(AxialSubgroup(series, multiple * int(group.n)), freedom)
        for series, multiple, freedom in _ABOUT_THE_AXIS[group.series]
    )


def _across(group: AxialSubgroup) -> tuple[Overgroup, ...]:
    found = _ACROSS.get((group.series, group.n), ())
    return tuple(
        Overgroup(PointGroupSymbol(name) if n is None else AxialSubgroup(name, n), freedom)
        for name, n, freedom in found
    )


def invariant_dimension(group: Closed, irrep: Irrep) -> int:
    """dim V^L of one irrep."""
    if isinstance(group, PointGroupSymbol):
        if group.series in ("SO(3)", "O(3)"):
            return int(irrep.l == 0 and (irrep.p == 1 or group.series == "SO(3)"))
        return _polyhedral_dimension(group, irrep)
    vertical = bool(group.components & {"σv", "C2'"})
    waves = sum(1 for _ in waves_kept(group, irrep))
    return int(is_axis_fixed(group, irrep)) + (waves if vertical else 2 * waves)


def is_axis_fixed(group: AxialSubgroup, irrep: Irrep) -> bool:
    """Whether a group about z fixes the harmonic of angular number 0."""
    signs = {"σh": irrep.p, "σv": irrep.p * (-1) ** irrep.l, "C2'": (-1) ** irrep.l}
    return all(signs[component] == 1 for component in group.components)


def waves_kept(group: AxialSubgroup, irrep: Irrep) -> Iterator[int]:
    """Angular numbers m > 0 of the harmonics that the rotations and the horizontal component of a group about z keep."""
    if not group.is_finite:
        return
    n = int(group.n)
    for m in range(n, irrep.l + 1, n):
        sign = irrep.p * (-1) ** m  # of σh, and that of the turn by π / n in a rotoreflection is (-1)^(m / n)
        if "σh" not in group.components or sign * ((-1) ** (m // n) if group.series in ("S2n", "Dnd") else 1) == 1:
            yield m


@lru_cache(maxsize=4096)
def _polyhedral_dimension(group: PointGroupSymbol, irrep: Irrep) -> int:
    signs, angles = _angles(group)
    characters = 1 + 2 * np.cos(np.outer(angles, np.arange(1, irrep.l + 1))).sum(axis=1)
    return round(float((np.where(signs < 0, irrep.p, 1) * characters).mean()))


@lru_cache(maxsize=8)
def _angles(group: PointGroupSymbol) -> tuple[np.ndarray, np.ndarray]:
    matrices = standard_matrices(group)
    signs = np.sign(np.linalg.det(matrices))
    return signs, np.arccos(np.clip((signs * np.trace(matrices, axis1=1, axis2=2) - 1) / 2, -1, 1))


def cheapest_irreps(group: Closed, ambient: PointGroupSymbol, lmax: int | None) -> tuple[Irrep, ...] | None:
    """Cheapest sum of irreps, an irrep more than once if need be, that holds a vector of stabilizer exactly H.

    Least in the order of `sbs.objects.blocks.cost_key`, by a search over what is still missing (Dijkstra).

    Args:
        group, ambient: H, and the group in which the stabilizer is taken.
        lmax: largest degree, or None.

    Returns:
        The irreps by rising degree; None if it is proved that no vector with l <= lmax has the stabilizer H.
    """
    above = overgroups(group, ambient)
    if not above:
        return (Irrep(0, 1),)
    needed = tuple(o.freedom + 1 for o in above)
    offers: list[_Offer] = []
    degree = 0
    while any(not any(offer.gains[i] for offer in offers) for i in range(len(above))):
        if lmax is not None and degree > lmax:
            return None
        offers += _offers(group, above, degree)
        degree += 1
    best = _least(_undominated(offers), needed)
    useful = (best[0][0] - 1) // 2  # an irrep of higher degree alone is dearer than the whole sum
    offers += [offer for l in range(degree, min(useful, useful if lmax is None else lmax) + 1)
               for offer in _offers(group, above, l)]  # fmt: skip
    return _least(_undominated(offers), needed)[1]


class _Offer(NamedTuple):
    """An irrep, and by how much dim V^H exceeds dim V^L in it for each kind L of overgroups, up to what can be needed."""

    irrep: Irrep
    gains: tuple[int, ...]


def _offers(group: Closed, above: tuple[Overgroup, ...], l: int) -> list[_Offer]:
    found = []
    for p in ((-1) ** l, -((-1) ** l)):
        irrep = Irrep(l, p)
        own = invariant_dimension(group, irrep)
        gains = tuple(min(own - invariant_dimension(o.group, irrep), o.freedom + 1) for o in above)
        if any(gains):
            found.append(_Offer(irrep, gains))
    return found


def _undominated(offers: list[_Offer]) -> list[_Offer]:
    """Offers by rising cost without those of which an earlier one gives as much."""
    kept: list[_Offer] = []
    for offer in offers:
        if not any(all(a >= b for a, b in zip(other.gains, offer.gains, strict=True)) for other in kept):
            kept.append(offer)
    return kept


def _least(offers: list[_Offer], needed: tuple[int, ...]) -> tuple[CostKey, tuple[Irrep, ...]]:
    """Least sum of offers that reaches all that is needed. The order of costs is kept when the same irrep is added."""
    start: tuple[CostKey, tuple[Irrep, ...], tuple[int, ...]] = (cost_key(()), (), needed)
    queue, done = [start], set()
    while True:
        key, irreps, missing = heapq.heappop(queue)
        if not any(missing):
            return key, irreps
        if missing in done:
            continue
        done.add(missing)
        for irrep, gains in offers:
            left = tuple(max(0, m - g) for m, g in zip(missing, gains, strict=True))
            if left != missing and left not in done:
                longer = tuple(sorted((*irreps, irrep), key=lambda i: (i.l, not i.natural)))
                heapq.heappush(queue, (cost_key(Cost.of(i) for i in longer), longer, left))
