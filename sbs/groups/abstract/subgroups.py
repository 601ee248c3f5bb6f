"""Subgroup lattices up to conjugation; the listing itself is in `sbs.groups.abstract.extension`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sbs.groups.abstract.finite import FiniteGroup, Subgroup

__all__ = ["SubgroupClass", "hasse_edges", "subgroup_classes"]


@dataclass(frozen=True)
class SubgroupClass:
    """A conjugacy class of subgroups; equal to another one of the same label, representative and size.

    Attributes:
        label: unique name within the parent group, accepted wherever a symbol is.
        representative: the member whose element numbers come first.
        size: number of members.
    """

    label: str
    representative: Subgroup
    size: int

    @property
    def order(self) -> int:
        """Order of each member."""
        return self.representative.order

    @property
    def symbol(self) -> str | None:
        """Schoenflies symbol shared by the members, None outside point groups."""
        return self.representative.symbol

    @cached_property
    def members(self) -> tuple[Subgroup, ...]:
        """All members, the representative first."""
        return tuple(self.representative.conjugates())

    @property
    def is_normal(self) -> bool:
        """True if the only member is normal in the parent."""
        return self.size == 1

    def __repr__(self) -> str:
        return f"SubgroupClass({self.label!r}, order={self.order}, size={self.size})"


def enumerate_classes(group: FiniteGroup, allowed: np.ndarray | None = None) -> list[tuple[Subgroup, int]]:
    """Representatives (the member whose elements come first) and sizes of all classes, by rising order.

    Args:
        group: any group that is small enough for a Cayley table.
        allowed: mask (order,), invariant under conjugation; only subgroups of these elements are listed.

    Raises:
        SearchLimitError: there are too many subgroups to list.
    """
    from sbs.groups.abstract.extension import classes_by_extension  # not needed where tables answer

    found = classes_by_extension(group.table, group.inverses, group.element_orders, allowed)
    return [(Subgroup.from_elements(group, c.elements), c.size) for c in found]


def subgroup_classes(group: FiniteGroup) -> tuple[SubgroupClass, ...]:
    """Classes of subgroups with labels; see `FiniteGroup.subgroup_classes`.

    Labels of a general group read "<order>" or, where several classes share an order, "<order>.<k>" with k =
    1, 2, ... in the order of the listing. The listing follows the element numbers, so that the same group given by turned or
    permuted generators has the same labels, but given by other generators it may number classes of one order differently.
    Those of a point group are described in `sbs.groups.point.naming`; they do not depend on numbers.
    """
    found = enumerate_classes(group)
    labels = _order_labels([s.order for s, _ in found])
    return tuple(SubgroupClass(label, s, size) for label, (s, size) in zip(labels, found, strict=True))


def _order_labels(orders: list[int]) -> list[str]:
    total, so_far = Counter(orders), Counter[int]()
    labels = []
    for order in orders:
        so_far[order] += 1
        labels.append(str(order) if total[order] == 1 else f"{order}.{so_far[order]}")
    return labels


def hasse_edges(group: FiniteGroup) -> tuple[tuple[int, int], ...]:
    """Maximal-subgroup relations between classes: pairs ``(i, j)``, members of class i are maximal in members of j."""
    classes = group.subgroup_classes
    number = np.repeat(np.arange(len(classes)), [c.size for c in classes])[::-1]
    packed = np.array([np.frombuffer(m.bits, dtype=np.uint8) for c in classes for m in c.members])[::-1]
    edges = set()
    for j, upper in enumerate(classes):
        outside = ~np.frombuffer(upper.representative.bits, dtype=np.uint8)
        # Proper subgroups of the representative, largest first: the first is maximal, and so on without what it holds.
        start = int(np.searchsorted(-number, -j, side="right"))
        below = start + np.flatnonzero(~(packed[start:] & outside).any(1))
        while len(below):
            edges.add((int(number[below[0]]), j))
            below = below[(packed[below] & ~packed[below[0]]).any(1)]
    return tuple(sorted(edges))
