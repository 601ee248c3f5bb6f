"""Subgroups named by Hermann-Mauguin symbols that say how they are oriented: "2mm" in "mmm", "-4m2" in "4/mmm".

The directions of such a symbol are those of the International Tables (see `sbs.groups.point.hermann_mauguin`), in the
axes of the group.
"""

from __future__ import annotations

import numpy as np

from sbs.errors import AmbiguousTargetError, NotASubgroupError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.pointgroups import PointGroup
from sbs.groups.point.symbols import parse_symbol

__all__ = ["named_subgroup"]


def named_subgroup(group: PointGroup, name: str, axes: np.ndarray | None = None) -> Subgroup:
    """The subgroup that a label or symbol names; of several classes the one that a symbol with directions asks for.

    Args:
        group: the group that it lies in.
        name: label, Schoenflies or Hermann-Mauguin symbol.
        axes: proper rotation (3, 3) that takes x, y, z to the axes that the symbol refers to; those of the standard setting of
            the group, turned with it, by default.

    Returns:
        The representative of the class, or the subgroup that lies as the symbol says.

    Raises:
        AmbiguousTargetError: several classes have the symbol, and it does not tell them apart.
        NotASubgroupError: no subgroup has the symbol. UnknownGroupError: no symbol at all.
    """
    try:
        return group.subgroup_class(name).representative
    except AmbiguousTargetError:
        found = _oriented(group, name, group.rotation if axes is None else axes)
        if found is None:
            raise
        return found


def _oriented(group: PointGroup, name: str, axes: np.ndarray) -> Subgroup | None:
    parsed = parse_symbol(name)
    # "mm2" in a tetragonal or cubic group may as well mean mirrors between the axes, as those of Amm2 do; it is taken at its
    # word where the axes of both symbols are the same, or where it could not be written in another way.
    turned = not np.array_equal(parsed.rotation, np.eye(3))
    orthorhombic = parsed.symbol.n == 2 and parsed.symbol.series != "Dnd"
    if not parsed.oriented or group.family.n is None or (orthorhombic and group.family.n > 2 and not turned):
        return None
    try:
        return group.subgroup(PointGroup(parsed.symbol, axes @ parsed.rotation).matrices)
    except NotASubgroupError:
        return None
