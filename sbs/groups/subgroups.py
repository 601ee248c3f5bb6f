"""Subgroup lattices up to conjugation.

Every subgroup U > 1 has a maximal subgroup H and an element z of prime-power order with U = <H, z>, so all classes are
reached from the trivial group by adding one such element at a time to one representative of each class found so
far.  In a solvable group H can be taken normal in U of prime index p and z with z^p in H (cyclic extension: J.
Neubueser 1960; Holt, Eick and O'Brien, Handbook of Computational Group Theory, sec. 10.1), which makes U the union of
p cosets of H.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from sbs.groups.finite import FiniteGroup, Subgroup

__all__ = ["SubgroupClass", "hasse_edges", "subgroup_classes"]


@dataclass(frozen=True, eq=False)
class SubgroupClass:
    """A conjugacy class of subgroups.

    Attributes:
        label: unique name within the parent group, accepted wherever a symbol is.
        representative: the member whose element numbers come first.
        size: number of members.
    """

    label: str
    representative: Subgroup
    size: int
    _members: tuple[Subgroup, ...] = field(default=(), repr=False)

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


def prime_power_cyclic_generators(group: FiniteGroup) -> np.ndarray:
    """One generator, the lowest-numbered, of every cyclic subgroup of prime-power order > 1."""
    seen = np.zeros(group.order, dtype=bool)
    chosen = []
    for element in range(1, group.order):
        order = int(group.element_orders[element])
        if seen[element] or len(_prime_factors(order)) != 1:
            continue
        powers = [element]
        while powers[-1]:
            powers.append(int(group.table[powers[-1], element]))
        seen[[x for x in powers if group.element_orders[x] == order]] = True
        chosen.append(element)
    return np.array(chosen, dtype=np.intp)


def _prime_factors(number: int) -> list[int]:
    factors = []
    divisor = 2
    while number > 1:
        if number % divisor == 0:
            factors.append(divisor)
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    return factors


def enumerate_classes(group: FiniteGroup) -> list[tuple[Subgroup, int]]:
    """Representatives and sizes of all classes of subgroups, by rising order, then by their first elements."""
    zuppos = prime_power_cyclic_generators(group)
    seen: set[bytes] = set()
    found: list[tuple[Subgroup, int]] = []
    queue: list[Subgroup] = [group.trivial]
    seen.add(group.trivial.bits)
    everything = np.arange(group.order)
    while queue:
        current = queue.pop(0)
        conjugates = _conjugate_masks(group, current.elements, everything)
        seen.update(row.tobytes() for row in np.unique(np.packbits(conjugates, axis=1), axis=0))
        members = np.unique(np.packbits(conjugates, axis=1), axis=0)
        found.append((_first_member(group, members), len(members)))
        for z in zuppos[~current.mask[zuppos]]:
            mask = group.generate([*current.generators, int(z)])
            bits = np.packbits(mask).tobytes()
            if bits not in seen:
                extended = Subgroup(group, mask)
                seen.update(row.tobytes() for row in np.packbits(_conjugate_masks(group, extended.elements, everything), axis=1))
                queue.append(extended)
    found.sort(key=lambda item: (item[0].order, item[0].elements.tolist()))
    return found


def _conjugate_masks(group: FiniteGroup, elements: np.ndarray, by: np.ndarray) -> np.ndarray:
    masks = np.zeros((len(by), group.order), dtype=bool)
    masks[np.arange(len(by))[:, None], group.conjugate(elements[None], by[:, None])] = True
    return masks


def _first_member(group: FiniteGroup, packed: np.ndarray) -> Subgroup:
    # Big-endian packed bits compare like "holds the lower-numbered elements first", largest row first.
    best = max(range(len(packed)), key=lambda i: packed[i].tobytes())
    return Subgroup(group, np.unpackbits(packed[best], count=group.order).astype(bool))


def subgroup_classes(group: FiniteGroup) -> tuple[SubgroupClass, ...]:
    """Classes of subgroups with labels; see `FiniteGroup.subgroup_classes`.

    Labels of a general group read "<order>" or, where several classes share an order, "<order>.<k>" with k = 1, 2, ...
    in the order of the listing; those of a point group are described in `sbs.groups.naming`.
    """
    found = enumerate_classes(group)
    labels = group.label_classes([s for s, _ in found]) if hasattr(group, "label_classes") else _order_labels([s.order for s, _ in found])
    return tuple(SubgroupClass(label, s, size) for label, (s, size) in zip(labels, found, strict=True))


def _order_labels(orders: list[int]) -> list[str]:
    return [str(n) if orders.count(n) == 1 else f"{n}.{orders[: i + 1].count(n)}" for i, n in enumerate(orders)]


def hasse_edges(group: FiniteGroup) -> tuple[tuple[int, int], ...]:
    """Maximal-subgroup relations between classes: pairs ``(i, j)``, members of class i are maximal in members of j."""
    classes = group.subgroup_classes
    member_masks = [np.array([m.mask for m in c.members]) for c in classes]
    edges = []
    for j, upper in enumerate(classes):
        inside = [masks[~(masks & ~upper.representative.mask).any(1)] for masks in member_masks[:j]]
        covered = np.zeros((0, group.order), dtype=bool)
        for i in reversed(range(j)):
            candidates = inside[i]
            if not len(candidates) or classes[i].order == upper.order:
                continue
            contained = np.array([bool((~(mask & ~covered).any(1)).any()) if len(covered) else False for mask in candidates])
            if not contained.all():
                edges.append((i, j))
                covered = np.concatenate([covered, candidates[~contained]])
    return tuple(sorted(edges))
