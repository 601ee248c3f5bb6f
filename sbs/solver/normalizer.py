"""Generalised normalizers: M = {g in N_G(S) : g K g^-1 is S-conjugate to K}.

Normalizers of point groups in O(3): International Tables for Crystallography A, ch. 15.4; every one is again
a point group about the same axes, finite or D∞h or O(3).
"""

from __future__ import annotations

import math

from sbs.errors import NotASubgroupError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.families import PointGroupSymbol

__all__ = ["generalised_normalizer", "normalizer_in_o3", "normalizer_in_so3"]


def normalizer_in_o3(family: PointGroupSymbol) -> PointGroupSymbol:
    """Family of N_O(3)(S), which holds S in the standard setting of both; International Tables A, ch. 15.4."""
    name, n = family.series, family.n
    if name in ("I", "Ih"):
        return PointGroupSymbol("Ih")
    if name in ("T", "Th", "Td", "O", "Oh") or (name in ("Dn", "Dnh") and n == 2):
        return PointGroupSymbol("Oh")
    if name in ("SO(3)", "O(3)") or (n == 1 and name in ("Cn", "S2n")):
        return PointGroupSymbol("O(3)")
    if n == math.inf or name in ("Cn", "Cnh", "S2n"):
        return PointGroupSymbol("Dnh", math.inf)
    return PointGroupSymbol("Dnh", 2 * int(n))  # type: ignore[arg-type]


def normalizer_in_so3(family: PointGroupSymbol) -> PointGroupSymbol:
    """Family of N_SO(3)(S) for S without improper elements: the rotations of N_O(3)(S).

    Raises:
        NotASubgroupError: S has improper elements.
    """
    if family.series not in ("Cn", "Dn", "T", "O", "I", "SO(3)"):
        raise NotASubgroupError(
            f"{family.schoenflies} has improper elements, so it does not lie in SO(3); use ambient='O(3)'"
        )
    outer = normalizer_in_o3(family)
    return PointGroupSymbol({"Ih": "I", "Oh": "O", "O(3)": "SO(3)", "Dnh": "Dn"}[outer.series], outer.n)


def generalised_normalizer(group: Subgroup, target: Subgroup) -> Subgroup:
    """M = {g in N_G(S) : g K g^-1 is S-conjugate to K}, with G the common parent of S = ``group`` and K = ``target``.

    If g K g^-1 = s K s^-1 then s^-1 g normalises K, so M = S · N_{N_G(S)}(K).

    Raises:
        NotASubgroupError: K does not lie in S.
    """
    if not target <= group:
        raise NotASubgroupError(
            f"the target (order {target.order}) is not a subgroup of the group (order {group.order})"
        )
    parent = group.parent
    outer = group if group.order == parent.order else group.normalizer()
    if outer.order == group.order or target.order in (1, group.order):
        return outer
    fixing = target.normalizer(outer)
    mask, added = parent.generate_onto(fixing.generators, group)
    return Subgroup(parent, mask, (*group.generators, *added))
