"""Answer a query from the stored tables: which row it asks for, and in which orientation."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sbs.errors import UnknownGroupError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.naming import normalise_label
from sbs.groups.point.pointgroups import PointGroup
from sbs.sets.minimal_set import MinimalSet
from sbs.tables.catalogue import stored_symbols
from sbs.tables.restore import AMBIENT, set_from_table
from sbs.tables.storage import Entry, load

if TYPE_CHECKING:
    from sbs.groups.point.symbols import ParsedSymbol

__all__ = ["lookup", "stored_set"]

_STANDARD = np.eye(3)
# More than all stored rows; only questions in the standard setting are remembered, of other settings there is no end.
_REMEMBERED = 4096


def lookup(group: Any, target: Any, ambient: Any, exact: bool, lmax: int | None) -> MinimalSet | None:
    """The answer to a query if it is stored, else None: then the solver is to answer, or to raise the right error.

    Stored are exact sets in O(3) without a limit on l, for the groups of `sbs.tables.catalogue` in any orientation.

    Args:
        group: symbol or `PointGroup`. target: label or symbol of a class of subgroups, or a `Subgroup` that is the
            representative of its class. ambient, exact, lmax: as in `sbs.minimal_set`.

    Raises:
        CorruptTableError: the file of the group is damaged.
    """
    if not exact or lmax is not None or not _is_everything(ambient):
        return None
    if isinstance(group, str):
        return _by_symbols(group, target) if isinstance(target, str) else None
    if not isinstance(group, PointGroup):
        return None
    if isinstance(target, str):
        result = _in_standard_setting(group.symbol, target)
    elif isinstance(target, Subgroup) and target.parent == group:
        result = _in_standard_setting(group.symbol, target.bits)
    else:
        return None
    return result if result is None or _is_standard(group) else _oriented(result, group)


def _is_standard(group: PointGroup) -> bool:
    return group is group.standard or np.array_equal(group.rotation, _STANDARD)


@lru_cache(maxsize=_REMEMBERED)
def _by_symbols(group: str, target: str) -> MinimalSet | None:
    if group in stored_symbols():
        return _in_standard_setting(group, target)
    parsed = _parsed(group)
    if parsed is None:
        return None
    result = _in_standard_setting(parsed.symbol.schoenflies, target)
    if result is None or np.array_equal(parsed.rotation, _STANDARD):
        return result
    return _oriented(result, PointGroup(parsed.symbol, parsed.rotation))


@lru_cache(maxsize=_REMEMBERED)
def _in_standard_setting(symbol: str, target: str | bytes) -> MinimalSet | None:
    """The stored set for a target given by its label or symbol, or as the bits of a `Subgroup`."""
    table = load(symbol)
    label = None if table is None else _find(table, target)
    return None if label is None else stored_set(symbol, label)


def _parsed(symbol: str) -> ParsedSymbol | None:
    from sbs.groups.point.symbols import parse_symbol  # most queries name a stored group as it is stored

    try:
        return parse_symbol(symbol)
    except UnknownGroupError:
        return None


def _is_everything(ambient: Any) -> bool:
    if isinstance(ambient, str):
        return ambient == AMBIENT
    return (
        isinstance(ambient, ClosedGroup) and ambient.symbol == AMBIENT and np.array_equal(ambient.rotation, _STANDARD)
    )


def _find(table: Entry, target: str | bytes) -> str | None:
    """Label of the row that a target names, None if it names none or several."""
    rows = list(table.entries("subgroup_classes"))
    if isinstance(target, bytes):
        elements = np.flatnonzero(np.unpackbits(np.frombuffer(target, dtype=np.uint8))).tolist()
        return next((row.text("label") for row in rows if row.raw("elements") == elements), None)
    labels = [row.text("label") for row in rows]
    if target in labels:
        return target
    wanted = normalise_label(target)
    for label in labels:
        if normalise_label(label) == wanted:
            return label
    parsed = _parsed(target)
    if parsed is None:
        return None
    matching = [row.text("label") for row in rows if row.text("symbol") == parsed.symbol.schoenflies]
    return matching[0] if len(matching) == 1 else None


def _oriented(result: MinimalSet, group: PointGroup) -> MinimalSet:
    """The set for the same group in another orientation."""
    assert isinstance(result.target, Subgroup)
    target = Subgroup(group, np.array(result.target.mask))
    frame = group.rotation @ result.frame
    return MinimalSet(group, target, result.ambient, True, None, result.solution, frame, result.realised)


@lru_cache(maxsize=_REMEMBERED)
def stored_set(symbol: str, label: str) -> MinimalSet:
    """The stored set of a group (Schoenflies symbol, standard setting) and a target (label).

    Raises:
        CorruptTableError: the file of the group is damaged, or has no such row.
    """
    table = load(symbol)
    if table is None:
        raise UnknownGroupError(
            f"no table of {symbol!r} is stored; the stored groups are {', '.join(stored_symbols())}"
        )
    return set_from_table(table, label)
