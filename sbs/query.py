"""The public questions: what users type, resolved to groups, answered from the tables
where they hold the answer and from the solver otherwise."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from sbs.errors import AmbiguousTargetError, InvalidGroupError, NotASubgroupError, UnknownGroupError
from sbs.groups.abstract.finite import FiniteGroup
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.abstract.validation import check_bool, check_integer
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, point_group
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.question import Question
from sbs.tables.lookup import answer, stored_group, stored_target

__all__ = ["minimal_set", "resolve", "resolve_target"]

_EVERYTHING = ClosedGroup(PointGroupSymbol("O(3)"))

#: Queries by symbol that are remembered.
_CACHE_SIZE = 4096


def minimal_set(
    group: Any,
    target: Any,
    ambient: Any = None,
    exact: bool = True,
    lmax: int | None = None,
    frame: str | None = None,
) -> MinimalSet:
    """Smallest equivariant symmetry-breaking set for inputs of symmetry S and outputs of symmetry K <= S.

    Y. Xie and T. Smidt, "Equivariant Symmetry Breaking Sets", TMLR 2024, arXiv:2402.02681.

    Args:
        group: S, as a Schoenflies or Hermann-Mauguin symbol, a `PointGroup`, a `ClosedGroup`, matrices (k, 3, 3) that generate
            it in any orientation, a `Subgroup` of a finite ambient group, or anything with a ``group`` attribute that is one
            of these (a detected structure). Of a crystal in a supercell the objects are fields on its sites.
        target: K, as a label or symbol of a class of subgroups of S, a `Subgroup`, a point group, or matrices.
        ambient: G, "O(3)" (the default, but for a detected crystal the holohedry of its lattice), "SO(3)", a
            point-group symbol or `PointGroup` that contains S, or the `FiniteGroup` that S and K are subgroups of.
        exact: every object is fixed by an S-conjugate of K and by nothing else of S. If False it may be fixed by less, which
            can allow a smaller set.
        lmax: highest degree l of the irreps that an object may use, None for no limit.

        frame: "input" with a detected molecule: where the set in O(3) is infinite, shrink the ambient group to the stabilizer
            of the molecule's lowest multipole that points across its axis. The set then belongs to this molecule, not to all
            inputs of its symmetry, and is finite and ideal.

    Returns:
        The set with its proof; sizes may be math.inf.

    Raises:
        UnknownGroupError, AmbiguousTargetError, NotASubgroupError, InvalidGroupError: what was asked is not well posed.
        NoSetError: no set exists with the given ``lmax``.
        SearchLimitError: the search was given up.
    """
    exact = check_bool(exact, "exact")
    lmax = None if lmax is None else check_integer(lmax, "lmax")
    if getattr(group, "supercell", None) is not None:
        return _on_sites(group, target, ambient, exact, lmax, frame)
    if ambient is None:
        ambient = getattr(group, "ambient", None) or "O(3)"
    if frame is not None:
        return _pinned(group, target, ambient, exact, lmax, frame)
    if isinstance(group, str) and isinstance(target, str) and isinstance(ambient, str):
        return _by_symbols(group, target, ambient, exact, lmax)
    return answer(resolve(group, target, ambient, exact, lmax))


def _on_sites(
    crystal: Any, target: Any, ambient: Any, exact: bool, lmax: int | None, frame: str | None
) -> MinimalSet:
    """The set of fields on the sites of a crystal in a supercell, whose ambient group is its own."""
    from sbs.sets.fields import solve_on_sites  # only crystals have sites

    group = crystal.group
    if frame is not None or not (ambient is None or ambient is group):
        raise InvalidGroupError(
            "fields on the sites of a crystal belong to that crystal: its own group is the ambient group, and its frame is its "
            "own; leave ambient and frame out"
        )
    kept = _abstract_subgroup(crystal.resolve_target(target), group, "target")
    return solve_on_sites(Question(group.whole, kept, group, exact, lmax), crystal.site_frame)


def _pinned(group: Any, target: Any, ambient: Any, exact: bool, lmax: int | None, frame: str) -> MinimalSet:
    """The set in the ambient group that the input pins, if the one in the given ambient group is infinite."""
    if frame != "input":
        raise InvalidGroupError(f'frame must be None or "input", got {frame!r}')
    if not hasattr(group, "pinned_ambient"):
        raise InvalidGroupError(f'frame="input" needs a detected structure, got {group!r}; see sbs.detect')
    free = answer(resolve(group, target, ambient, exact, lmax))
    if free.is_ideal or free.size != math.inf:
        return free
    return answer(resolve(group, target, group.pinned_ambient(free.normalizer), exact, lmax))


@lru_cache(maxsize=_CACHE_SIZE)
def _by_symbols(group: str, target: str, ambient: str, exact: bool, lmax: int | None) -> MinimalSet:
    return answer(resolve(group, target, ambient, exact, lmax))


def resolve(group: Any, target: Any, ambient: Any = "O(3)", exact: bool = True, lmax: int | None = None) -> Question:
    """The question that words and other forms of groups stand for; everything after works with groups.

    Args:
        group, target, ambient, exact, lmax: as in `minimal_set`.

    Raises:
        UnknownGroupError, AmbiguousTargetError, NotASubgroupError, InvalidGroupError: what was asked is not well posed.
    """
    outer = _ambient(ambient)
    if isinstance(outer, FiniteGroup):
        if lmax is not None:
            raise InvalidGroupError("lmax needs a point group; an abstract finite group has no irreps of O(3)")
        inner = _abstract_subgroup(group, outer, "group")
        return Question(inner, _abstract_subgroup(target, outer, "target"), outer, exact, None)
    if isinstance(group, Subgroup) and not isinstance(group.parent, PointGroup):
        raise InvalidGroupError("a subgroup of an abstract finite group needs that group as ambient=...")
    found = _inside(group, outer) if isinstance(outer, PointGroup) else _group(group)
    return Question(found, resolve_target(found, target), outer, exact, lmax)


def _ambient(ambient: Any) -> FiniteGroup | PointGroup | ClosedGroup:
    if isinstance(ambient, FiniteGroup):
        return ambient
    if isinstance(ambient, str) and ambient == "O(3)":
        return _EVERYTHING
    found = point_group(ambient)
    if isinstance(found, ClosedGroup) and found.is_axial:
        raise InvalidGroupError(f"the ambient group must be O(3), SO(3) or finite, got {found.symbol}")
    return found


def _group(group: Any) -> PointGroup | ClosedGroup:
    if isinstance(group, str):
        return stored_group(group) or point_group(group)
    if not isinstance(group, (PointGroup, ClosedGroup, Subgroup, np.ndarray)) and hasattr(group, "group"):
        group = group.group
    return point_group(group)


def _inside(group: Any, ambient: PointGroup) -> PointGroup:
    """S inside a finite ambient group: in the setting it is given in, else the only class of that name."""
    found = _group(group) if not isinstance(group, str) else None
    if isinstance(group, str):
        try:
            found = _group(group)
        except UnknownGroupError:
            return point_group(ambient.subgroup_class(group).representative)  # type: ignore[return-value]
        if isinstance(found, PointGroup) and not _contains(ambient, found):
            return point_group(ambient.subgroup_class(group).representative)  # type: ignore[return-value]
    if isinstance(found, ClosedGroup) or found is None:
        raise NotASubgroupError(f"{group} is infinite and no subgroup of the finite ambient group {ambient.symbol}")
    return found


def _contains(ambient: PointGroup, group: PointGroup) -> bool:
    try:
        ambient.subgroup(group.matrices)
    except NotASubgroupError:
        return False
    return True


def resolve_target(group: PointGroup | ClosedGroup, target: Any) -> Subgroup | PointGroup | ClosedGroup:
    """K inside S, in the setting of S; a `Subgroup` of S where S is finite.

    Raises:
        UnknownGroupError, AmbiguousTargetError, NotASubgroupError, InvalidGroupError: as `minimal_set`.
    """
    if isinstance(group, PointGroup):
        return _target_of_finite(group, target)
    if isinstance(target, str):
        if not group.is_axial:
            return _target_of_sphere(target, group)
        found = group.axial_subgroup(target)
        inner = point_group(found.generators()) if found.is_finite else ClosedGroup(found.family)
        return inner.rotated(group.rotation)
    inner = point_group(target)
    if isinstance(inner, PointGroup):
        if not group.contains(inner.matrices).all():
            raise NotASubgroupError(f"the target {inner.symbol} as oriented is not a subgroup of {group.symbol}")
    elif not _closed_inside(inner, group):
        raise NotASubgroupError(f"the target {inner.symbol} is not a subgroup of {group.symbol} about the same axis")
    return inner


def _target_of_finite(group: PointGroup, target: Any) -> Subgroup:
    if isinstance(target, str):
        return stored_target(group, target) or group.subgroup_class(target).representative
    if isinstance(target, Subgroup) and target.parent == group:
        return target
    if isinstance(target, ClosedGroup):
        raise NotASubgroupError(f"{target.symbol} is infinite and no subgroup of {group.symbol}")
    return group.subgroup(
        target.matrices if isinstance(target, (Subgroup, PointGroup)) else np.asarray(target, dtype=np.float64)
    )


def _target_of_sphere(target: str, group: ClosedGroup) -> PointGroup | ClosedGroup:
    inner = point_group(target)
    if group.symbol == "SO(3)" and (inner.symbol == "O(3)" or not group.contains(_some_elements(inner)).all()):
        raise NotASubgroupError(f"{inner.symbol} has improper elements and is no subgroup of SO(3)")
    return inner


def _some_elements(group: PointGroup | ClosedGroup) -> np.ndarray:
    # A closed infinite group has at most four components, so that this many draws miss none of them but by 1e-13.
    return group.matrices if isinstance(group, PointGroup) else group.sample(128)


def _closed_inside(inner: ClosedGroup, outer: ClosedGroup) -> bool:
    return bool(outer.contains(_some_elements(inner)).all())


def _abstract_subgroup(value: Any, ambient: FiniteGroup, what: str) -> Subgroup:
    if isinstance(value, Subgroup):
        if value.parent != ambient:
            raise NotASubgroupError(f"the {what} is a subgroup of another group than the ambient one")
        return value
    if value is ambient:
        return ambient.whole
    if isinstance(value, str):
        matching = [c for c in ambient.subgroup_classes if c.label == value]
        if matching:
            return matching[0].representative
        labels = ", ".join(c.label for c in ambient.subgroup_classes[:40])
        if any(c.label.startswith(f"{value}.") for c in ambient.subgroup_classes):
            raise AmbiguousTargetError(f"several classes of subgroups have order {value}; the labels are {labels}")
        raise UnknownGroupError(f"{value!r} labels no class of subgroups of the ambient group; the labels are {labels}")
    return ambient.subgroup(value)
