"""Stored tables: found, read, checked.

A file is trusted only after its checksum, format, version and symbol are found right. Fields are then read through
`Entry`, which refuses a value of the wrong kind, so that a file that was forged with a right checksum gives an error
and no answer; `sbs.tables.checking` examines a whole file against the schema and the mathematics.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from sbs.errors import CorruptTableError
from sbs.tables.catalogue import stored_symbols, table_path
from sbs.tables.encoding import checksum, shown, stated_checksum

__all__ = ["FORMAT", "VERSION", "Entry", "load", "read_table"]

FORMAT = "sbs-group-table"
VERSION = 1


class Entry:
    """A JSON object of a file that knows where it stands, so that errors can name file and field."""

    __slots__ = ("_values", "file", "path")

    def __init__(self, values: Any, file: str, path: str = "") -> None:
        self.file = file
        self.path = path
        if not isinstance(values, dict):
            raise self.error("", f"expected an object, got {shown(values)}")
        self._values = values

    def error(self, field: str, what: str) -> CorruptTableError:
        """The error to raise about one of the fields."""
        where = ".".join(part for part in (self.path, field) if part) or "the document"
        return CorruptTableError(
            f"{self.file}: field {where}: {what}; the file is damaged or not from this version of sbs: restore it, "
            "or write it again with 'python -m sbs.tables build'"
        )

    def raw(self, field: str) -> Any:
        """The value of a field that must be present."""
        try:
            return self._values[field]
        except KeyError:
            raise self.error(field, "is missing") from None

    def text(self, field: str) -> str:
        """A field that must be text."""
        value = self.raw(field)
        if not isinstance(value, str):
            raise self.error(field, f"expected text, got {shown(value)}")
        return value

    def truth(self, field: str) -> bool:
        """A field that must be true or false."""
        value = self.raw(field)
        if not isinstance(value, bool):
            raise self.error(field, f"expected true or false, got {shown(value)}")
        return value

    def integer(self, field: str, least: int = 0) -> int:
        """A field that must be a whole number of at least ``least``."""
        value = self.raw(field)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.error(field, f"expected a whole number of at least {least}, got {shown(value)}")
        return value

    def integers(self, field: str, below: int) -> list[int]:
        """A field that must be a list of whole numbers in 0 .. below - 1."""
        return self.check_integers(field, self.raw(field), below)

    def check_integers(self, field: str, value: Any, below: int) -> list[int]:
        """``value``, if it is a list of whole numbers in 0 .. below - 1."""
        if not isinstance(value, list) or not all(type(x) is int and 0 <= x < below for x in value):
            raise self.error(field, f"expected a list of whole numbers in 0..{below - 1}, got {shown(value)}")
        return value

    def items(self, field: str) -> list[Any]:
        """A field that must be a list."""
        value = self.raw(field)
        if not isinstance(value, list):
            raise self.error(field, f"expected a list, got {shown(value)}")
        return value

    def entry(self, field: str) -> Entry:
        """A field that must be an object."""
        return Entry(self.raw(field), self.file, f"{self.path}.{field}".lstrip("."))

    def entries(self, field: str) -> Iterator[Entry]:
        """A field that must be a list of objects."""
        for index, value in enumerate(self.items(field)):
            yield Entry(value, self.file, f"{self.path}.{field}[{index}]".lstrip("."))

    def as_dict(self) -> dict[str, Any]:
        """The plain values; treat them as read-only."""
        return self._values


@lru_cache(maxsize=128)
def load(symbol: str) -> Entry | None:
    """The stored table of a group by its Schoenflies symbol, None if the group is not among the stored ones.

    Read once per process, and only when asked.

    Raises:
        CorruptTableError: the file is missing, damaged or of a foreign format.
    """
    if symbol not in stored_symbols():
        return None
    return read_table(table_path(symbol), symbol)


def read_table(path: str, symbol: str) -> Entry:
    """Read one file and check that it is an undamaged table of the group.

    Raises:
        CorruptTableError: naming the file and the field that is wrong.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read()
    except OSError as error:
        raise CorruptTableError(
            f"{path}: cannot be read ({error.strerror}); the table of {symbol} belongs to the library: install it again, or "
            "write the tables with 'python -m sbs.tables build'"
        ) from error
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise CorruptTableError(
            f"{path}: field the document: is no JSON ({error}); the file is damaged: restore it, or write it again with "
            "'python -m sbs.tables build'"
        ) from error
    table = Entry(document, path)
    if table.raw("format") != FORMAT:
        raise table.error("format", f"expected {FORMAT!r}, got {shown(table.raw('format'))}")
    if table.raw("version") != VERSION:
        raise table.error("version", f"this library reads version {VERSION}, got {shown(table.raw('version'))}")
    if table.raw("symbol") != symbol:
        raise table.error("symbol", f"expected {symbol!r}, got {shown(table.raw('symbol'))}")
    found = checksum(raw)
    if stated_checksum(raw) != found:
        raise _damaged(table, found)
    return table


def _damaged(table: Entry, found: str) -> CorruptTableError:
    """Names the damaged field where the schema can tell which it is, else the checksum."""
    from sbs.tables.schema import violations

    for field, what in violations(table.as_dict()):
        return table.error(field, f"{what}, and the checksum of the file does not match")
    return table.error("checksum", f"the contents have the checksum sha256:{found}, not the one stated")
