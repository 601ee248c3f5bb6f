"""A question whose words have become groups, and how its S lies in the group that the solver works in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from sbs.groups.abstract.immutability import frozen
from sbs.groups.abstract.subgroups import Parent, Subgroup
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.pointgroups import PointGroup
from sbs.objects.representation import representation

__all__ = ["Embedding", "Group", "Inner", "Question", "Target"]

#: S: a group with an orientation, or a subgroup of a finite ambient group.
Group = PointGroup | ClosedGroup | Subgroup
#: K: a subgroup of a finite group, or a group in the setting of an infinite S.
Target = Subgroup | PointGroup | ClosedGroup
#: The group that the elements of S and K are numbered in as the user gave them.
Inner = Parent | ClosedGroup

AnyGroup = TypeVar("AnyGroup", Subgroup, PointGroup, ClosedGroup)


@dataclass(frozen=True)
class Question:
    """What is asked, as groups; two questions are equal if their groups are, orientation included.

    Attributes:
        group: S.
        target: K.
        ambient: G, the group under which the network is equivariant.
        exact: True if every object is to be fixed by an S-conjugate of K and no more; False if less may be fixed.
        lmax: highest degree of irreps allowed, or None.
    """

    group: Group
    target: Target
    ambient: Parent | ClosedGroup
    exact: bool
    lmax: int | None

    @property
    def inner(self) -> Inner:
        """The group in which K is a subgroup by element numbers: S itself, or the parent of both."""
        return self.group.parent if isinstance(self.group, Subgroup) else self.group

    def rotated(self, rotation: np.ndarray) -> Question:
        """The question for an input turned by a matrix in O(3), shape (3, 3); its group has an orientation."""
        group: Any = self.group
        turned = group.rotated(rotation)
        target: Any = self.target
        inside = isinstance(target, Subgroup)
        ambient = self.ambient
        return replace(
            self,
            group=turned,
            target=target.within(turned) if inside else target.rotated(rotation),
            ambient=ambient.rotated(rotation) if isinstance(ambient, (PointGroup, ClosedGroup)) else ambient,
        )


@dataclass(frozen=True, eq=False)
class Embedding:
    """How the elements of ``inner`` lie in ``outer``, the parent that the solver works in.

    Attributes:
        inner: the group whose subgroups the user names.
        outer: a finite group in its standard setting; where the normalizer M is infinite, M in its standard setting.
        numbers: int (inner.order,), the number in ``outer`` of each element; None where ``outer`` is infinite.
        frame: float64 (3, 3), the matrix of O(3) that takes the setting of ``outer`` to that of ``inner``.
        turn: the element of ``outer`` by which the embedding was turned, see `turned`.
    """

    inner: Inner
    outer: Inner
    numbers: np.ndarray | None
    frame: np.ndarray
    turn: int = 0

    def __post_init__(self) -> None:
        if self.frame.flags.writeable:
            object.__setattr__(self, "frame", frozen(np.array(self.frame)))

    @cached_property
    def is_standard(self) -> bool:
        """Whether both settings are the same."""
        return np.array_equal(self.frame, np.eye(3))

    def image(self, group: Any) -> Any:
        """A subgroup of ``inner``, or ``inner`` itself, as a subgroup of ``outer``; as it is where ``outer`` is infinite."""
        if self.numbers is None or isinstance(self.outer, ClosedGroup):
            return group
        numbers = self.numbers[group.elements] if isinstance(group, Subgroup) else self.numbers
        return Subgroup.from_elements(self.outer, numbers)

    def preimage(self, group: Any) -> Any:
        """The part of a subgroup of ``outer`` that lies in ``inner``; as it is where ``outer`` is infinite."""
        if self.numbers is None or isinstance(self.inner, ClosedGroup):
            return group
        return Subgroup(self.inner, group.mask[self.numbers])

    def turned(self, by: int) -> Embedding:
        """The embedding followed by conjugation with an element of ``outer`` that normalises the image of ``inner``."""
        if by == 0 or self.numbers is None or isinstance(self.outer, ClosedGroup):
            return self
        frame = self.frame @ self.outer.matrices[by].T
        return replace(self, numbers=self.outer.conjugate(self.numbers, by), frame=frame, turn=by)

    def rotated(self, rotation: np.ndarray, inner: Inner) -> Embedding:
        """The embedding of the same group in another orientation: ``inner`` turned by a matrix in O(3)."""
        return replace(self, inner=inner, frame=rotation @ self.frame)

    def placed(self, group: AnyGroup) -> AnyGroup:
        """A group of the solver's setting in the setting of ``inner``."""
        if self.is_standard:
            return group
        if isinstance(group, Subgroup):
            parent = group.parent
            return group.within(parent.rotated(self.frame)) if isinstance(parent, PointGroup) else group
        return group.rotated(self.frame)

    def given(self, numbers: np.ndarray) -> np.ndarray:
        """Element numbers of the group that `placed` gives for ``outer``, from those of ``outer``."""
        return numbers

    def carried(self, vectors: np.ndarray, irreps: str | None) -> np.ndarray:
        """Objects (n, dim) of the solver's setting in the setting of ``inner``."""
        if irreps is None or self.is_standard:
            return vectors
        return np.asarray(vectors @ representation(irreps, self.frame[None])[0].T)
