"""Answer a question from the stored tables, which row it asks for and in which orientation, else by the solver."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from sbs.errors import UnknownGroupError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.naming import normalise_label
from sbs.groups.point.pointgroups import PointGroup, point_group
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.question import Question
from sbs.tables.catalogue import stored_families, stored_symbols
from sbs.tables.restore import AMBIENT, set_from_table
from sbs.tables.storage import Entry, load

__all__ = ["answer", "lookup", "stored_group", "stored_set", "stored_target"]

_STANDARD = np.eye(3)
# More than all stored rows; only questions in the standard setting are remembered, of other settings there is no end.
_REMEMBERED = 4096


def answer(question: Question) -> MinimalSet:
    """The set for a question: the stored one, else the solver's.

    Raises:
        NotASubgroupError, NoSetError, SearchLimitError: as `sbs.sets.solve.solve`.
        CorruptTableError: the file of the group is damaged.
    """
    stored = lookup(question)
    if stored is not None:
        return stored
    from sbs.sets.solve import solve  # what the tables answer does not wait for the solver to be imported

    return solve(question)


def lookup(question: Question) -> MinimalSet | None:
    """The answer to a question if it is stored, else None: then the solver is to answer.

    Stored are exact sets in O(3) without a limit on l, for the groups of `sbs.tables.catalogue` in any orientation and the
    representative of each class of targets.

    Raises:
        CorruptTableError: the file of the group is damaged.
    """
    group, target = question.group, question.target
    if not question.exact or question.lmax is not None or not _is_everything(question.ambient):
        return None
    if not isinstance(group, PointGroup) or not isinstance(target, Subgroup):
        return None
    result = _in_standard_setting(group.symbol, target.bits)
    if result is None or group == result.group:
        return result
    return replace(result, question=question, embedding=result.embedding.rotated(group.rotation, group))


def stored_group(symbol: str) -> PointGroup | None:
    """A stored group in its standard setting if it is named as it is stored, without reading symbols."""
    symbols = stored_symbols()
    if symbol not in symbols:
        return None
    found = point_group(stored_families()[symbols.index(symbol)])
    assert isinstance(found, PointGroup)
    return found


def stored_target(group: PointGroup, name: str) -> Subgroup | None:
    """The representative of the class of subgroups that a label or symbol names, if it is stored and named clearly.

    Raises:
        CorruptTableError: the file of the group is damaged.
    """
    table = load(group.symbol)
    row = None if table is None else _named(table, name)
    if row is None:
        return None
    return Subgroup.from_elements(group, np.array(row.integers("elements", group.order), dtype=np.intp))


def _named(table: Entry, name: str) -> Entry | None:
    """The class of subgroups that a label or symbol names, None if it names none or several."""
    rows = list(table.entries("subgroup_classes"))
    wanted = normalise_label(name)
    for row in rows:
        if normalise_label(row.text("label")) == wanted:
            return row
    if "(" in name:
        return None
    from sbs.groups.point.symbols import parse_symbol  # most questions name a target by its label

    try:
        symbol = parse_symbol(name).symbol.schoenflies
    except UnknownGroupError:
        return None
    matching = [row for row in rows if row.text("symbol") == symbol]
    return matching[0] if len(matching) == 1 else None


def _is_everything(ambient: object) -> bool:
    return (
        isinstance(ambient, ClosedGroup) and ambient.symbol == AMBIENT and np.array_equal(ambient.rotation, _STANDARD)
    )


@lru_cache(maxsize=_REMEMBERED)
def _in_standard_setting(symbol: str, bits: bytes) -> MinimalSet | None:
    """The stored set for a target given as the bits of a `Subgroup`, None if it is not the representative of its class."""
    table = load(symbol)
    if table is None:
        return None
    elements = np.flatnonzero(np.unpackbits(np.frombuffer(bits, dtype=np.uint8))).tolist()
    rows = table.entries("subgroup_classes")
    label = next((row.text("label") for row in rows if row.raw("elements") == elements), None)
    return None if label is None else stored_set(symbol, label)


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
