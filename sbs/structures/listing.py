"""A list of rows that prints as a table and exports itself: what ``sbs.modes`` and ``sbs.isotropy`` return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from sbs.errors import AmbiguousTargetError, UnknownGroupError
from sbs.groups.abstract.immutability import Immutable
from sbs.groups.abstract.validation import check_integer
from sbs.optional import require
from sbs.sets.export import as_json

__all__ = ["Listing", "columns_of_text"]

Row = TypeVar("Row")


class Listing(Immutable, Sequence[Row], Generic[Row]):
    """Rows with named columns. Immutable.

    Args:
        title: what is listed, one line.
        rows: each has ``label`` and ``as_dict()``, plain values by snake_case name.
        columns: name of a value and its heading, those that are printed.
    """

    title: str
    rows: tuple[Row, ...]
    columns: tuple[tuple[str, str], ...]

    def __init__(self, title: str, rows: Sequence[Row], columns: Sequence[tuple[str, str]]) -> None:
        self._set(title=title, rows=tuple(rows), columns=tuple(columns))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and (self.title, self.rows) == (other.title, other.rows)

    def __hash__(self) -> int:
        return hash((self.title, len(self.rows)))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, key: Any) -> Any:
        """A row by number or by label, or the rows of a slice.

        Raises:
            UnknownGroupError: no row has the label. AmbiguousTargetError: several rows answer to it.
        """
        if isinstance(key, slice):
            return type(self)(self.title, self.rows[key], self.columns)
        if isinstance(key, str):
            found = [row for row in self.rows if _names(row, key)]
            if len(found) == 1:
                return found[0]
            labels = ", ".join(str(row.label) for row in (found or self.rows))  # type: ignore[attr-defined]
            if found:
                raise AmbiguousTargetError(f"{self.title}: {len(found)} rows answer to {key!r}; give the label, one of {labels}")
            raise UnknownGroupError(f"{self.title}: no row is called {key!r}; expected one of {labels}")
        return self.rows[check_integer(key, "the number of a row", -len(self.rows), len(self.rows) - 1)]

    def as_dicts(self) -> list[dict[str, Any]]:
        """The rows as plain dictionaries: numbers, strings and lists."""
        return [row.as_dict() for row in self.rows]  # type: ignore[attr-defined]

    def to_json(self, path: str | None = None, indent: int = 1) -> str:
        """The rows as JSON text; also written to ``path`` if one is given."""
        return as_json({"title": self.title, "rows": self.as_dicts()}, path, indent)

    def to_pandas(self) -> Any:
        """The rows as a pandas DataFrame (needs pandas)."""
        return require("pandas", "structures").DataFrame(self.as_dicts())

    def cells(self) -> list[list[str]]:
        """The printed columns as text, row by row."""
        shown = []
        for row in self.as_dicts():
            shown.append([_text(row[name]) for name, _ in self.columns])
        return shown

    def __str__(self) -> str:
        return "\n".join([self.title, *columns_of_text([heading for _, heading in self.columns], self.cells())])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title}: {len(self)} rows)"

    def _repr_html_(self) -> str:
        from html import escape

        head = "".join(f"<th>{escape(heading)}</th>" for _, heading in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in self.cells())
        return f"<table><caption>{escape(self.title)}</caption><tr>{head}</tr>{body}</table>"


def _names(row: Any, key: str) -> bool:
    return key in (row.label, *getattr(row, "aliases", ()))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " ".join(str(v) for v in value)
    return "" if value is None else str(value)


def columns_of_text(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of aligned text, the headings first."""
    widths = [max(len(line[k]) for line in [headings, *rows]) for k in range(len(headings))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in [headings, *rows]]
