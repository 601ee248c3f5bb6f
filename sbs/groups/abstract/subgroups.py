"""Subgroups as bit sets, and their classes up to conjugation; the listing itself is in `sbs.groups.abstract.extension`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sbs.errors import InvalidGroupError, NotASubgroupError
from sbs.groups.abstract.immutability import Immutable, frozen
from sbs.groups.abstract.validation import check_integer, shown

if TYPE_CHECKING:
    from sbs.groups.abstract.finite import FiniteGroup

__all__ = ["Subgroup", "SubgroupClass", "hasse_edges", "subgroup_classes"]


class Subgroup(Immutable):
    """A subgroup of a `FiniteGroup`, held as a bit set over the elements of its parent.

    Attributes:
        parent: the group it lies in.
        mask: booleans ``(parent.order,)``, read-only.
        elements: sorted element numbers of the parent.
        order: number of elements.
        bits: the mask packed to bytes.
    """

    __slots__ = ("_generators", "bits", "elements", "mask", "order", "parent")

    parent: FiniteGroup
    mask: np.ndarray
    elements: np.ndarray
    order: int
    bits: bytes
    _generators: tuple[int, ...] | None

    def __init__(self, parent: FiniteGroup, mask: np.ndarray, generators: Iterable[int] | None = None) -> None:
        elements = frozen(mask.nonzero()[0])
        self._set(
            parent=parent,
            mask=frozen(mask),
            elements=elements,
            order=len(elements),
            bits=np.packbits(mask).tobytes(),
            _generators=None if generators is None else tuple(generators),
        )

    @classmethod
    def from_elements(cls, parent: FiniteGroup, elements: np.ndarray) -> Subgroup:
        """The subgroup with exactly these element numbers, which are trusted to be closed."""
        mask = np.zeros(parent.order, dtype=bool)
        mask[elements] = True
        return cls(parent, mask)

    @property
    def symbol(self) -> str | None:
        """Schoenflies symbol if the parent is a point group, else None."""
        return self.parent.symbol_of(self) if hasattr(self.parent, "symbol_of") else None

    @property
    def matrices(self) -> np.ndarray:
        """Matrices ``(order, 3, 3)`` of the elements, identity first.

        Raises:
            InvalidGroupError: the parent has no matrices.
        """
        matrices = getattr(self.parent, "matrices", None)
        if matrices is None:
            raise InvalidGroupError(
                "the parent group has no matrices; it was built from permutations or a Cayley table"
            )
        return matrices[self.elements]

    @property
    def generators(self) -> tuple[int, ...]:
        """A short generating list: as given, else the lowest-numbered element outside what is generated,
        repeatedly.
        """
        if self._generators is None:
            self._set(_generators=tuple(self.parent.generate_onto(self.elements.tolist())[1]))
        return self._generators or ()

    def conjugate(self, by: int) -> Subgroup:
        """``by * H * by^-1``.

        Raises:
            InvalidGroupError: no element number.
        """
        by = check_integer(by, "an element number", 0, self.parent.order - 1)
        return Subgroup.from_elements(self.parent, self.parent.conjugate(self.elements, by))

    def conjugates(self, under: Subgroup | None = None) -> list[Subgroup]:
        """Distinct conjugates under a subgroup (default: the whole parent), itself first."""
        outer = self.parent.whole if under is None else self._same_parent(under)
        movers = self.normalizer(outer).transversal(outer)
        return [self] + [self.conjugate(int(m)) for m in movers[1:]]

    def normalizer(self, under: Subgroup | None = None) -> Subgroup:
        """Elements of ``under`` (default: the parent) that map the subgroup to itself by conjugation."""
        by = np.arange(self.parent.order) if under is None else self._same_parent(under).elements
        # It is enough that generators stay inside, since conjugation keeps the order.
        for generator in self.generators:
            by = by[self.mask[self.parent.conjugate(generator, by)]]
        return Subgroup.from_elements(self.parent, by)

    def centralizer(self, under: Subgroup | None = None) -> Subgroup:
        """Elements of ``under`` (default: the parent) that commute with every element of the subgroup."""
        by = np.arange(self.parent.order) if under is None else self._same_parent(under).elements
        for generator in self.generators:
            by = by[self.parent.multiply(by, generator) == self.parent.multiply(generator, by)]
        return Subgroup.from_elements(self.parent, by)

    def intersection(self, other: Subgroup) -> Subgroup:
        """Common elements of two subgroups of one parent."""
        return Subgroup(self.parent, self.mask & self._same_parent(other).mask)

    def transversal(self, within: Subgroup | None = None) -> np.ndarray:
        """The lowest-numbered element of every left coset ``gH`` in a group, in rising order; the identity
        first.
        """
        inside = self.parent.whole if within is None else self._same_parent(within)
        if self.order == 1:
            return inside.elements
        free = inside.mask & ~self.mask
        chosen = [0]
        element = int(free.argmax())
        while free[element]:
            chosen.append(element)
            free[self.parent.multiply(element, self.elements)] = False
            element = int(free.argmax())
        return np.array(chosen, dtype=np.intp)

    def left_cosets(self, within: Subgroup | None = None) -> np.ndarray:
        """Left cosets ``gH`` as rows ``(index, order)``; the first row is H, each row starts with its
        representative.
        """
        representatives = self.transversal(within)
        return self.parent.multiply(representatives[:, None], self.elements).astype(np.intp)

    def quotient(self, by: Subgroup) -> tuple[FiniteGroup, np.ndarray]:
        """Factor group H / N by a normal subgroup, and the coset number of every element of the parent (-1
        outside H).

        Raises:
            NotASubgroupError: ``by`` is not a normal subgroup of H.
        """
        normal = self._same_parent(by)
        if not normal <= self or normal.normalizer(self).order != self.order:
            raise NotASubgroupError("a factor group needs a normal subgroup; this one is not normal")
        cosets = normal.left_cosets(self)
        number = np.full(self.parent.order, -1, dtype=np.intp)
        number[cosets] = np.arange(len(cosets))[:, None]
        return self.parent.from_actions(number[self._actions(cosets[:, 0])]), number

    def as_group(self) -> tuple[FiniteGroup, np.ndarray]:
        """The subgroup as a group of its own, and the parent's number of each of its elements."""
        number = np.zeros(self.parent.order, dtype=np.intp)
        number[self.elements] = np.arange(self.order)
        return self.parent.from_actions(number[self._actions(self.elements)]), self.elements

    def _actions(self, on: np.ndarray) -> np.ndarray:
        """Products of the generators with some elements, (k, m)."""
        return self.parent.multiply(np.array(self.generators or (0,), dtype=np.intp)[:, None], on)

    def is_normal(self) -> bool:
        """True if the subgroup is normal in its parent."""
        return self.normalizer().order == self.parent.order

    def _same_parent(self, other: Subgroup) -> Subgroup:
        if not isinstance(other, Subgroup):
            raise InvalidGroupError(f"expected a Subgroup of the same group, got {shown(other)}")
        if other.parent is not self.parent and other.parent != self.parent:
            raise NotASubgroupError("the two subgroups lie in different parent groups")
        return other

    def __contains__(self, element: int) -> bool:
        number = check_integer(element, "an element number", 0, self.parent.order - 1)
        return bool(self.mask[number])

    def __le__(self, other: object) -> bool:
        if not isinstance(other, Subgroup):
            return NotImplemented
        return not bool((self.mask & ~self._same_parent(other).mask).any())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Subgroup) and self.bits == other.bits and self.parent == other.parent

    def __hash__(self) -> int:
        return hash(self.bits)

    def __len__(self) -> int:
        return self.order

    def __repr__(self) -> str:
        name = self.symbol or "Subgroup"
        return f"{name}(order={self.order}, in {self.parent!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Subgroup, (self.parent, np.array(self.mask), self._generators)


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
