"""Subgroups as bit sets over the elements of their parent, and their classes up to conjugation.

The listing of classes itself is in `sbs.groups.abstract.extension`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from sbs.errors import InvalidGroupError, NotASubgroupError
from sbs.groups.abstract.immutability import Immutable, frozen
from sbs.groups.abstract.laws import left_transversal
from sbs.groups.abstract.validation import check_integer, shown

__all__ = ["Parent", "Subgroup", "SubgroupClass", "enumerate_classes", "hasse_edges", "order_labels"]


class Parent(Protocol):
    """What a subgroup asks of the group that it lies in: a finite group of numbered elements, identity 0."""

    @property
    def order(self) -> int: ...
    @property
    def table(self) -> np.ndarray: ...
    @property
    def matrices(self) -> np.ndarray: ...
    @property
    def exact(self) -> tuple[Any, ...]: ...
    @property
    def inverses(self) -> np.ndarray: ...
    @property
    def element_orders(self) -> np.ndarray: ...
    @property
    def whole(self) -> Subgroup: ...
    @property
    def subgroup_classes(self) -> tuple[SubgroupClass, ...]: ...

    def multiply(self, a: Any, b: Any) -> np.ndarray: ...
    def conjugate(self, elements: Any, by: Any) -> np.ndarray: ...
    def power(self, element: int, exponent: int) -> int: ...
    def generate_onto(self, elements: Iterable[int], start: Subgroup | None = None) -> tuple[np.ndarray, list[int]]: ...
    def subgroup(self, generators: Any) -> Subgroup: ...
    def symbol_of(self, subgroup: Subgroup) -> str | None: ...
    def from_actions(self, left: np.ndarray) -> Parent: ...


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

    parent: Parent
    mask: np.ndarray
    elements: np.ndarray
    order: int
    bits: bytes
    _generators: tuple[int, ...] | None

    def __init__(self, parent: Parent, mask: np.ndarray, generators: Iterable[int] | None = None) -> None:
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
    def from_elements(cls, parent: Parent, elements: np.ndarray) -> Subgroup:
        """The subgroup with exactly these element numbers, which are trusted to be closed."""
        mask = np.zeros(parent.order, dtype=bool)
        mask[elements] = True
        return cls(parent, mask)

    def within(self, parent: Parent) -> Subgroup:
        """The same element numbers in another group with the same law, for example a turned one."""
        return Subgroup(parent, self.mask)

    @property
    def symbol(self) -> str | None:
        """Schoenflies symbol if the parent is a point group, symbol of the space group if it is that of a crystal, else None."""
        return self.parent.symbol_of(self)

    @property
    def matrices(self) -> np.ndarray:
        """Matrices ``(order, d, d)`` of the elements, identity first.

        Raises:
            InvalidGroupError: the elements of the parent are permutations or only numbers.
        """
        return self.parent.matrices[self.elements]

    @property
    def exact(self) -> tuple[Any, ...]:
        """`matrices` with exact entries, as matrices of sympy, which this loads.

        Raises:
            InvalidGroupError: the elements have no matrices. NoExactFormError: an entry has no exact form that is known.
        """
        return tuple(self.parent.exact[x] for x in self.elements)

    @property
    def generators(self) -> tuple[int, ...]:
        """A short generating list: as given, else the lowest-numbered element outside what is generated, repeatedly."""
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
        """The lowest-numbered element of every left coset ``gH`` in a group, in rising order; the identity first."""
        inside = self.parent.whole if within is None else self._same_parent(within)
        if self.order == 1:
            return inside.elements
        return left_transversal(self.parent.multiply, self.elements, inside.mask)

    def left_cosets(self, within: Subgroup | None = None) -> np.ndarray:
        """Left cosets ``gH`` as rows ``(index, order)``; the first row is H, each row starts with its representative."""
        representatives = self.transversal(within)
        return self.parent.multiply(representatives[:, None], self.elements).astype(np.intp)

    def quotient(self, by: Subgroup) -> tuple[Parent, np.ndarray]:
        """Factor group H / N by a normal subgroup, and the coset number of every element of the parent (-1 outside H).

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

    def as_group(self) -> tuple[Parent, np.ndarray]:
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
        return bool(self.mask[check_integer(element, "an element number", 0, self.parent.order - 1)])

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


def enumerate_classes(group: Parent, allowed: np.ndarray | None = None) -> list[tuple[Subgroup, int]]:
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


def order_labels(orders: list[int]) -> list[str]:
    """Labels of the classes of a general group: "<order>", or where several share an order "<order>.<k>", k = 1, 2, ..."""
    total, so_far = Counter(orders), Counter[int]()
    labels = []
    for order in orders:
        so_far[order] += 1
        labels.append(str(order) if total[order] == 1 else f"{order}.{so_far[order]}")
    return labels


def hasse_edges(group: Parent) -> tuple[tuple[int, int], ...]:
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
