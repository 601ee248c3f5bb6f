"""The public questions: what users type, resolved to groups, answered from the tables
where they hold the answer and from the solver otherwise."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from sbs.errors import AmbiguousTargetError, InvalidGroupError, NotASubgroupError, UnknownGroupError
from sbs.groups.abstract.closure import CLOSURE_TOLERANCE
from sbs.groups.abstract.finite import FiniteGroup
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.groups.abstract.subgroups import Subgroup, SubgroupClass
from sbs.groups.abstract.validation import check_bool, check_integer, check_matrices, shown
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, point_group
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.question import Question
from sbs.tables.lookup import answer, stored_group, stored_target

__all__ = ["minimal_set", "resolve", "resolve_target"]

_EVERYTHING = ClosedGroup(PointGroupSymbol("O(3)"))

#: Largest ``lmax``: the axes of a symbol are at most 500-fold, and no object needs twice that degree. None sets no limit.
MAX_DEGREE = 1_000

#: Queries by symbol that are remembered.
_CACHE_SIZE = 4096


def minimal_set(
    group: Any,
    target: Any = None,
    ambient: Any = None,
    exact: bool = True,
    lmax: int | None = None,
    frame: str | None = None,
) -> MinimalSet:
    """Smallest equivariant symmetry-breaking set for inputs of symmetry S and outputs of symmetry K <= S.

    Y. Xie and T. Smidt, "Equivariant Symmetry Breaking Sets", TMLR 2024, arXiv:2402.02681.

    Args:
        group: S, as a Schoenflies or Hermann-Mauguin symbol, a `PointGroup`, a `ClosedGroup`, matrices (k, 3, 3) that generate
            it in any orientation, a `Subgroup` or `SubgroupClass` (its representative), or what `sbs.detect`,
            `sbs.between` and `sbs.distortions` return; the last two bring their target with them.
            Of a crystal in a supercell the objects are fields on its sites.
        target: K, as a label or symbol of a class of subgroups of S, a `Subgroup`, a `SubgroupClass`, a row of a table or
            anything else with a ``target``, a point group, matrices, or None for K = 1: the full symmetry-breaking set.
            A Hermann-Mauguin symbol that names all directions ("2mm" in "mmm", "-4m2" in "4/mmm") means the subgroup
            so oriented in the axes of S.
        ambient: G, "O(3)" (the default, but for a crystal the holohedry of its lattice), "SO(3)", a point-group symbol or
            `PointGroup` that contains S, or the `FiniteGroup` that S and K are subgroups of.
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
    lmax = None if lmax is None else check_integer(lmax, "lmax", 0, MAX_DEGREE)
    group, target = _posed(group, target)
    if getattr(group, "supercell", None) is not None:
        return _on_sites(group, target, ambient, exact, lmax, frame)
    if isinstance(target, str) and " (" in target and getattr(group, "space_group", None) is not None:
        raise UnknownGroupError(
            f"{target!r} labels an isotropy subgroup, which may lose translations; detect the crystal in a cell that holds its "
            "wave vectors: sbs.detect(structure, supercell=2)"
        )
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
    kept = group.trivial if target is None else crystal.resolve_target(target)
    return solve_on_sites(Question(group.whole, kept, group, exact, lmax), crystal.site_frame)


def _posed(group: Any, target: Any) -> tuple[Any, Any]:
    """S and K of what a comparison or a list of patterns asks; what can be neither is refused by name."""
    if isinstance(group, (str, Subgroup, PointGroup)):
        return group, target
    from sbs.tables.group_table import GroupTable, TableRow  # questions in words and groups do not wait for it

    if isinstance(group, (MinimalSet, GroupTable, TableRow)):
        way = {
            MinimalSet: "an answer; to ask again about its group give minimal_set(answer.group, ...)",
            GroupTable: f"a table; give its symbol {group.symbol!r}" if isinstance(group, GroupTable) else "",
            TableRow: "a target; its own set is row.minimal_set()",
        }
        raise InvalidGroupError(f"the group is {shown(group)}, which is {way[type(group)]}")
    structure = getattr(group, "parent", None)
    if hasattr(structure, "group") and hasattr(group, "target"):
        return structure, group.target if target is None else target
    return group, target


def _pinned(group: Any, target: Any, ambient: Any, exact: bool, lmax: int | None, frame: str) -> MinimalSet:
    """The set in the ambient group that the input pins, if the one in the given ambient group is infinite."""
    if not isinstance(frame, str) or frame != "input":
        raise InvalidGroupError(f'frame must be None or "input", got {shown(frame)}')
    if not hasattr(group, "pinned_ambient"):
        raise InvalidGroupError(f'frame="input" needs a detected structure, got {shown(group)}; see sbs.detect')
    free = answer(resolve(group, target, ambient, exact, lmax))
    if free.is_ideal or free.size != math.inf:
        return free
    return answer(resolve(group, target, group.pinned_ambient(free.normalizer), exact, lmax))


@lru_cache(maxsize=_CACHE_SIZE)
def _by_symbols(group: str, target: str, ambient: str, exact: bool, lmax: int | None) -> MinimalSet:
    return answer(resolve(group, target, ambient, exact, lmax))


def resolve(group: Any, target: Any = None, ambient: Any = "O(3)", exact: bool = True, lmax: int | None = None) -> Question:
    """The question that words and other forms of groups stand for; everything after works with groups.

    Args:
        group, target, ambient, exact, lmax: as in `minimal_set`.

    Raises:
        UnknownGroupError, AmbiguousTargetError, NotASubgroupError, InvalidGroupError: what was asked is not well posed.
    """
    outer = _ambient(ambient)
    group = group.representative if isinstance(group, SubgroupClass) else group
    if isinstance(outer, FiniteGroup):
        if lmax is not None:
            raise InvalidGroupError("lmax needs a point group; an abstract finite group has no irreps of O(3)")
        inner = _abstract_subgroup(group, outer, "group")
        return Question(inner, _abstract_subgroup(target, outer, "target"), outer, exact, None)
    if isinstance(group, Subgroup) and not isinstance(group.parent, PointGroup):
        raise InvalidGroupError("a subgroup of an abstract finite group needs that group as ambient=...")
    found = _inside(group, outer) if isinstance(outer, PointGroup) else _group(group)
    # A symbol for S means the axes x, y, z; any other form of S brings its own.
    axes = np.eye(3) if isinstance(group, str) else None
    return Question(found, resolve_target(found, target, axes), outer, exact, lmax)


def _ambient(ambient: Any) -> FiniteGroup | PointGroup | ClosedGroup:
    if isinstance(ambient, FiniteGroup):
        return ambient
    if isinstance(ambient, str) and ambient == "O(3)":
        return _EVERYTHING
    if not isinstance(ambient, (str, PointGroup, ClosedGroup)):
        raise InvalidGroupError(
            f'the ambient group must be "O(3)", "SO(3)", the symbol of a point group or a group, got {shown(ambient)}'
        )
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


def resolve_target(
    group: PointGroup | ClosedGroup, target: Any, axes: np.ndarray | None = None
) -> Subgroup | PointGroup | ClosedGroup:
    """K inside S, in the setting of S; a `Subgroup` of S where S is finite.

    Args:
        group: S.
        target: as in `minimal_set`.
        axes: proper rotation (3, 3) that takes x, y, z to the axes that a Hermann-Mauguin symbol refers to; those of the
            standard setting of S, turned with it, by default.

    Raises:
        UnknownGroupError, AmbiguousTargetError, NotASubgroupError, InvalidGroupError: as `minimal_set`.
    """
    if isinstance(group, PointGroup):
        return _target_of_finite(group, target, group.rotation if axes is None else axes)
    target = _plain_target(target, group.symbol)
    if target is None:
        return point_group("C1")
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


def _target_of_finite(group: PointGroup, target: Any, axes: np.ndarray) -> Subgroup:
    target = _plain_target(target, group.symbol)
    if target is None:
        return group.trivial
    if isinstance(target, str):
        stored = stored_target(group, target)
        if stored is not None:
            return stored
        from sbs.groups.point.oriented import named_subgroup  # only where no table names the target

        return named_subgroup(group, target, axes)
    if isinstance(target, Subgroup) and target.parent == group:
        return target
    if isinstance(target, ClosedGroup):
        raise NotASubgroupError(f"{target.symbol} is infinite and no subgroup of {group.symbol}")
    if isinstance(target, Subgroup) and _breaks_translations(target):
        raise NotASubgroupError(
            f"the target, of order {target.order}, breaks translations of a supercell, which a point group does not hold; ask "
            "about the crystal in that cell, as sbs.detect(..., supercell=...) returns it"
        )
    return group.subgroup(
        target.matrices if isinstance(target, (Subgroup, PointGroup)) else check_matrices(target, 3)
    )


def _breaks_translations(target: Subgroup) -> bool:
    """Whether a subgroup of the space group modulo a supercell lacks some of the translations."""
    meaning = target.parent.meaning if isinstance(target.parent, FiniteGroup) else None
    if not isinstance(meaning, SiteOperations):
        return False
    pure = np.abs(meaning.matrices - np.eye(3)).max(axis=(1, 2)) < CLOSURE_TOLERANCE
    return not bool(target.mask[pure].all())


def _plain_target(target: Any, symbol: str) -> Any:
    """The label, subgroup or group that a class of subgroups, a row of a table or another result stands for."""
    if target is None or isinstance(target, (str, Subgroup, PointGroup, ClosedGroup)):
        return target
    from sbs.tables.group_table import TableRow  # questions in words and groups do not wait for it

    if isinstance(target, TableRow):
        if target.group != symbol:
            raise NotASubgroupError(f"the target is a row of the table of {target.group}, the group is {symbol}")
        return target.label
    if isinstance(target, SubgroupClass):
        return target.representative
    if isinstance(target, (FiniteGroup, MinimalSet)):
        raise InvalidGroupError(f"the target is {shown(target)}; give a symbol, a label, a subgroup or matrices")
    return _plain_target(target.target, symbol) if hasattr(target, "target") else target


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
    if value is None and what == "target":
        return ambient.trivial
    if isinstance(value, SubgroupClass):
        value = value.representative
    if isinstance(value, Subgroup):
        if value.parent != ambient:
            raise NotASubgroupError(f"the {what} is a subgroup of another group than the ambient one")
        return value
    if isinstance(value, FiniteGroup) and value == ambient:
        return ambient.whole
    if value is None or isinstance(value, (PointGroup, ClosedGroup, FiniteGroup, MinimalSet, bool, int, float)):
        raise InvalidGroupError(
            f"the {what} must be a subgroup of the ambient group, its label, or a list of elements, got {shown(value)}"
        )
    if isinstance(value, str):
        matching = [c for c in ambient.subgroup_classes if c.label == value]
        if matching:
            return matching[0].representative
        labels = ", ".join(c.label for c in ambient.subgroup_classes[:40])
        if any(c.label.startswith(f"{value}.") for c in ambient.subgroup_classes):
            raise AmbiguousTargetError(f"several classes of subgroups have order {value}; the labels are {labels}")
        raise UnknownGroupError(f"{value!r} labels no class of subgroups of the ambient group; the labels are {labels}")
    return ambient.subgroup(value)
