"""`sbs.table`: all targets of a point group, to look at, to select from and to export."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from sbs.errors import InfiniteSetError, InvalidGroupError, NotASubgroupError, UnknownGroupError
from sbs.groups.abstract.immutability import Immutable
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.abstract.validation import check_bool, check_integer, shown
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, point_group
from sbs.optional import require
from sbs.sets.export import INFINITE, as_json, written
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.question import Question
from sbs.tables.lookup import answer, stored_target
from sbs.tables.storage import load

__all__ = ["COLUMNS", "GroupTable", "TableRow", "table"]


@dataclass(frozen=True)
class TableRow:
    """One class of targets of a group.

    Attributes:
        label, symbol, hermann_mauguin: names of K; the label is unique.
        order: |K|. conjugates: number of subgroups in the class.
        size: objects in the smallest set, int or math.inf. ideal: one orbit, one object per equivalent output.
        degeneracy: number of S-orbits, int or math.inf. irreps: of an object, in e3nn notation.
        normalizer, stabilizer: symbols of M and H.
        aizu: symbol of the ferroic species, or None. ferroelectric, ferroelastic: numbers of domain states.
        group: symbol of S.
    """

    group: str
    label: str
    symbol: str
    hermann_mauguin: str
    order: int
    conjugates: int
    size: int | float
    ideal: bool
    degeneracy: int | float
    irreps: str
    normalizer: str
    stabilizer: str
    aizu: str | None
    ferroelectric: int
    ferroelastic: int

    def minimal_set(self) -> MinimalSet:
        """The set itself, with objects and certificate."""
        group = point_group(self.group)
        assert isinstance(group, PointGroup)
        target = group.subgroup_class(self.label).representative
        return answer(Question(group, target, ClosedGroup(PointGroupSymbol("O(3)")), True, None))

    def as_dict(self) -> dict[str, Any]:
        """Values by name of the field."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


#: Columns that are shown and exported: name of the field and heading.
COLUMNS: tuple[tuple[str, str], ...] = (
    ("label", "target"),
    ("hermann_mauguin", "HM"),
    ("order", "order"),
    ("conjugates", "conj."),
    ("size", "size"),
    ("ideal", "ideal"),
    ("degeneracy", "deg."),
    ("irreps", "irreps"),
    ("normalizer", "M"),
    ("stabilizer", "H"),
    ("aizu", "species"),
    ("ferroelectric", "n(P)"),
    ("ferroelastic", "n(ε)"),
)


class GroupTable(Immutable, Sequence[TableRow]):
    """Targets of one group as rows, by rising order unless sorted otherwise. Immutable; obtain one from `sbs.table`.

    Attributes:
        symbol: Schoenflies symbol of S. hermann_mauguin, order: of S.
        rows: the rows.
    """

    symbol: str
    hermann_mauguin: str
    order: int
    rows: tuple[TableRow, ...]

    def __init__(self, symbol: str, hermann_mauguin: str, order: int, rows: Sequence[TableRow]) -> None:
        self._set(symbol=symbol, hermann_mauguin=hermann_mauguin, order=order, rows=tuple(rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[TableRow]:
        return iter(self.rows)

    def __getitem__(self, key: Any) -> Any:
        """A row by number, or by label or symbol as in `sbs.minimal_set`, or a table of the rows in a slice.

        Raises:
            UnknownGroupError: no row has the name. AmbiguousTargetError: several have it.
            InvalidGroupError: neither a number of a row nor a name.
        """
        if isinstance(key, slice):
            return self._with(self.rows[key])
        if isinstance(key, str):
            label = self._label(key)
            for row in self.rows:
                if row.label == label:
                    return row
            raise UnknownGroupError(self._no_row(key))
        return self.rows[check_integer(key, "the number of a row", -len(self), len(self) - 1)]

    def _label(self, name: str) -> str:
        """The label of the target that a label or symbol names, as `sbs.minimal_set` reads it."""
        if any(row.label == name for row in self.rows):
            return name
        group = point_group(self.symbol)
        assert isinstance(group, PointGroup)
        try:
            return group.label_of(stored_target(group, name) or self._named(group, name))
        except NotASubgroupError:
            raise UnknownGroupError(self._no_row(name)) from None

    @staticmethod
    def _named(group: PointGroup, name: str) -> Subgroup:
        from sbs.groups.point.oriented import named_subgroup

        return named_subgroup(group, name)

    def _no_row(self, name: str) -> str:
        labels = ", ".join(row.label for row in self.rows)
        return f"the table of {self.symbol} has no row {shown(name)}; its rows are {labels}"

    def sort(self, by: str = "order", reverse: bool = False) -> GroupTable:
        """The same rows sorted by a field; rows that tie keep their order.

        Raises:
            UnknownGroupError: no such field.
        """
        self._check_field(by)

        def key(row: TableRow) -> tuple[bool, Any]:
            value = getattr(row, by)
            return value is not None, value  # None (no species) sorts before any text

        return self._with(sorted(self.rows, key=key, reverse=check_bool(reverse, "reverse")))

    def filter(self, predicate: Callable[[TableRow], bool] | None = None, **equal: Any) -> GroupTable:
        """The rows that satisfy a predicate and whose fields have the given values.

        A value may be a collection of allowed values; ``irreps`` also matches a single one of several blocks, so that
        ``irreps="2e"`` keeps "1x2e" and "1x0o+1x2e": ``table.filter(ideal=True, order=[2, 4], irreps="1o")``.

        Raises:
            UnknownGroupError: no such field. InvalidGroupError: the predicate is no function of a row.
        """
        if predicate is not None and not callable(predicate):
            raise InvalidGroupError(f"the predicate must be a function of a row, got {shown(predicate)}")
        for name in equal:
            self._check_field(name)
        kept = [
            row
            for row in self.rows
            if (predicate is None or predicate(row))
            and all(_matches(row, name, value) for name, value in equal.items())
        ]
        return self._with(kept)

    def to_json(self, path: str | None = None, indent: int = 1) -> str:
        """The rows as JSON text, infinity as "infinite"; also written to ``path`` if one is given."""
        rows = [
            {name: INFINITE if value == math.inf else value for name, value in r.as_dict().items()} for r in self.rows
        ]
        head = {"symbol": self.symbol, "hermann_mauguin": self.hermann_mauguin, "order": self.order, "rows": rows}
        return as_json(head, path, indent)

    def to_csv(self, path: str | None = None) -> str:
        """The rows as comma-separated values with a header line; also written to ``path`` if one is given."""
        import csv
        import io

        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([field.name for field in fields(TableRow)])
        for row in self.rows:
            writer.writerow([_text(value) for value in row.as_dict().values()])
        return written(stream.getvalue(), path)

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame, one column for each field; needs pandas.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        return require("pandas", "notebook").DataFrame([row.as_dict() for row in self.rows])

    def to_latex(self, path: str | None = None) -> str:
        """The shown columns as a LaTeX tabular (package booktabs); also written to ``path`` if one is given."""
        from sbs.tables.latex import tabular

        return written(tabular(self._shown()), path)

    def cells(self) -> list[list[str]]:
        """The shown columns as text, row by row, without the columns that are empty throughout."""
        return [[_text(getattr(row, name)) for name, _ in self.columns()] for row in self.rows]

    def columns(self) -> list[tuple[str, str]]:
        """Field and heading of the columns that are shown."""
        return [c for c in COLUMNS if c[0] != "aizu" or any(row.aizu for row in self.rows)]

    def title(self) -> str:
        """One line on what the table is of."""
        return f"{self.symbol} ({self.hermann_mauguin}), order {self.order}: smallest symmetry-breaking sets in O(3)"

    def __str__(self) -> str:
        from sbs.tables.display import as_text

        return as_text(self._shown())

    def __repr__(self) -> str:
        return f"GroupTable({self.symbol}: {len(self)} targets)"

    def __rich__(self) -> Any:
        from sbs.tables.display import as_rich

        return as_rich(self._shown())

    def _repr_html_(self) -> str:
        from sbs.tables.display import as_html

        return as_html(self._shown())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GroupTable) and (self.symbol, self.rows) == (other.symbol, other.rows)

    def __hash__(self) -> int:
        return hash((self.symbol, self.rows))

    def _shown(self) -> Any:
        # A first query imports this module and draws nothing.
        from sbs.tables.display import Shown

        return Shown(self.title(), self.columns(), self.cells(), [row.ideal for row in self.rows])

    def _with(self, rows: Sequence[TableRow]) -> GroupTable:
        return GroupTable(self.symbol, self.hermann_mauguin, self.order, rows)

    def _check_field(self, name: str) -> None:
        known = [field.name for field in fields(TableRow)]
        if not isinstance(name, str) or name not in known:
            raise UnknownGroupError(f"{shown(name)} is no column of a table; the columns are {', '.join(known)}")


def table(group: Any) -> GroupTable:
    """Smallest symmetry-breaking sets of a point group for every class of targets, in O(3).

    Stored groups are read, all others are computed.

    Args:
        group: Schoenflies or Hermann-Mauguin symbol, or a `PointGroup`.

    Raises:
        UnknownGroupError: no such group. InfiniteSetError: the group is infinite and has no finite list of targets.
        CorruptTableError: the stored file is damaged.
    """
    found = point_group(group)
    if not isinstance(found, PointGroup):
        raise InfiniteSetError(
            f"{found.symbol} has infinitely many classes of subgroups, which no table can list; "
            "ask sbs.minimal_set for one target"
        )
    stored = load(found.symbol)
    if stored is None:
        return GroupTable(found.symbol, found.hermann_mauguin, int(found.order), _computed(found.standard))
    rows = [
        _row(found.symbol, listed.as_dict(), target.as_dict())
        for listed, target in zip(stored.entries("subgroup_classes"), stored.entries("targets"), strict=True)
    ]
    return GroupTable(found.symbol, found.hermann_mauguin, int(found.order), rows)


def _computed(group: PointGroup) -> list[TableRow]:
    from sbs.tables.subgroups import subgroup_records
    from sbs.tables.targets import target_records

    listed = subgroup_records(group)
    targets = target_records(group, [entry["species"] for entry in listed])
    return [_row(group.symbol, entry, target) for entry, target in zip(listed, targets, strict=True)]


def _row(group: str, listed: dict[str, Any], target: dict[str, Any]) -> TableRow:
    return TableRow(
        group,
        listed["label"],
        listed["symbol"],
        listed["hermann_mauguin"],
        listed["order"],
        listed["size"],
        _cardinal(target["size"]),
        target["ideal"],
        _cardinal(target["degeneracy"]),
        target["irreps"],
        target["normalizer"]["symbol"],
        target["stabilizer"]["symbol"],
        target["aizu"],
        target["domain_states"]["ferroelectric"],
        target["domain_states"]["ferroelastic"],
    )


def _cardinal(value: int | str) -> int | float:
    return math.inf if isinstance(value, str) else value


def _matches(row: TableRow, name: str, value: Any) -> bool:
    own = getattr(row, name)
    if name == "irreps" and isinstance(value, str):
        return value in (own, *own.split("+"), *(block.partition("x")[2] for block in own.split("+")))
    if isinstance(value, np.ndarray):
        value = value.ravel().tolist()
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return any(own is each or bool(np.all(own == each)) for each in value)
    return bool(np.all(own == value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "∞" if value == math.inf else str(value)
