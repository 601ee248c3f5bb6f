"""Examine stored tables as a whole: schema, contents against a fresh calculation, certificates by `MinimalSet.verify`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from sbs.errors import CertificateError, CorruptTableError
from sbs.tables.catalogue import table_path
from sbs.tables.encoding import CHECKSUM_FIELD, shown
from sbs.tables.record import build_record
from sbs.tables.restore import set_from_table
from sbs.tables.schema import violations
from sbs.tables.storage import Entry, read_table

__all__ = ["check_all", "check_table", "differences"]

# Numbers of order 1, calculated on another machine: objects of finite sets agree to 1e-14, the seeds of infinite ones,
# which maximise a distance, to 1e-10.
_TOLERANCE = 1e-9


def check_table(symbol: str, path: str | None = None) -> int:
    """Check one file completely; about a second.

    Args:
        symbol: Schoenflies symbol. path: the file, by default the stored one.

    Returns:
        The number of sets whose certificate was verified.

    Raises:
        CorruptTableError: naming the file and the first field that is wrong.
    """
    table = read_table(table_path(symbol) if path is None else path, symbol)
    document = table.as_dict()
    for field, what in violations(document):
        raise table.error(field, what)
    for field, what in differences(document, build_record(symbol)):
        raise table.error(field, what)
    return sum(_verify(table, row) for row in table.entries("targets"))


def _verify(table: Entry, row: Entry) -> bool:
    try:
        set_from_table(table, row.text("label")).verify()
    except CertificateError as error:
        raise row.error("certificate", str(error)) from error
    return True


def differences(stored: Any, computed: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Places where two documents differ: the field and what differs; floats to 1e-9, the rest exactly."""
    if isinstance(stored, dict) and isinstance(computed, dict):
        for name in {**computed, **stored}:
            where = f"{path}.{name}".lstrip(".")
            if name not in stored or name not in computed:
                yield where, "is missing" if name not in stored else "does not belong here"
            elif where != CHECKSUM_FIELD:  # a fact about the file, not about the group
                yield from differences(stored[name], computed[name], where)
    elif isinstance(stored, list) and isinstance(computed, list) and len(stored) == len(computed):
        for index, (a, b) in enumerate(zip(stored, computed, strict=True)):
            yield from differences(a, b, f"{path}[{index}]")
    elif not _equal(stored, computed):
        yield path, f"is {shown(stored)}, a calculation gives {shown(computed)}"


def _equal(a: Any, b: Any) -> bool:
    numbers = [isinstance(x, (int, float)) and not isinstance(x, bool) for x in (a, b)]
    if all(numbers):
        return math.isclose(a, b, rel_tol=0.0, abs_tol=_TOLERANCE)
    return type(a) is type(b) and a == b


def check_all(symbols: list[str]) -> Iterator[tuple[str, CorruptTableError | None]]:
    """Check several files; the error of each, or None where it is sound."""
    for symbol in symbols:
        try:
            check_table(symbol)
        except CorruptTableError as error:
            yield symbol, error
        else:
            yield symbol, None
