"""The spellings by which a point group is found where no parser runs: search fields and addresses of pages.

Each was read by `sbs.groups.point.symbols.parse_symbol`, the one entrance for symbols, so that a page which looks texts
up in this list accepts nothing that the library refuses. What markup and typography add (blanks, underscores, subscript
digits, overlines) is taken off before the look-up, as the parser does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from sbs.errors import UnknownGroupError
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.hermann_mauguin import hermann_mauguin, read_hermann_mauguin
from sbs.groups.point.symbols import parse_symbol

__all__ = ["spellings"]

# "{n}" is the number of the family; those that a parser refuses, or reads as another group, fall away.
_SCHOENFLIES = ("C{n}", "C{n}h", "C{n}v", "C{n}i", "D{n}", "D{n}h", "D{n}d", "S{n}", "S{2n}")
_HERMANN_MAUGUIN = (
    "{n}", "-{n}", "-{2n}", "{n}/m", "{n}m", "{n}mm", "{n}m1", "{n}1m", "{n}2", "{n}22", "{n}21", "{n}12", "{n}/mm",
    "{n}/mmm", "{n}/m2/m2/m", "-{2n}2m", "-{2n}m2", "-{n}m", "-{n}2/m", "-{n}m1", "-{n}1m", "-{n}12/m", "-{n}2/m1",
)  # fmt: skip
_NAMED = (
    *(
        "Cs",
        "Ci",
        "T",
        "Th",
        "Td",
        "O",
        "Oh",
        "I",
        "Ih",
        "Y",
        "Yh",
        "V",
        "Vh",
        "Vd",
        "K",
        "Kh",
        "SO(3)",
        "SO3",
        "O(3)",
        "O3",
    ),
    *("m", "2", "2/m", "222", "mm2", "2mm", "m2m", "mmm", "2/m2/m2/m", "121", "1m1", "12/m1", "112", "11m", "112/m"),
    *(
        "23",
        "m-3",
        "m3",
        "2/m-3",
        "432",
        "43",
        "-43m",
        "m-3m",
        "m3m",
        "4/m-32/m",
        "235",
        "532",
        "53",
        "m-3-5",
        "m35",
        "m-5-3",
        "53m",
    ),
    *("∞", "∞m", "∞/m", "∞2", "∞/mm", "∞∞", "∞∞m", "2∞", "m-∞"),
)

# What Schoenflies symbols begin with; "i" is that of "inf" and of the icosahedral group.
_LETTERS = "cdstoiykv"


def spellings(groups: Iterable[PointGroupSymbol]) -> dict[str, list[str]]:
    """The accepted spellings of some groups.

    Returns:
        Schoenflies symbol -> texts in lower case without blanks, "-" for the bar and "inf" for ∞.
    """
    wanted = list(groups)
    found: dict[str, list[str]] = {group.schoenflies: [] for group in wanted}
    for text in sorted({_plain(text) for group in wanted for text in _candidates(group)}):
        family = _read(text)
        if family is not None and family.schoenflies in found:
            found[family.schoenflies].append(text)
    return found


def _candidates(group: PointGroupSymbol) -> Iterator[str]:
    yield from (group.schoenflies, hermann_mauguin(group), *_NAMED)
    if group.n is None:
        return
    folds = (
        [("inf", "inf")] if group.n == math.inf else [(str(n), str(2 * n)) for n in (int(group.n), 2 * int(group.n))]
    )
    for n, double in folds:
        yield from (pattern.format(**{"n": n, "2n": double}) for pattern in _SCHOENFLIES + _HERMANN_MAUGUIN)


def _read(text: str) -> PointGroupSymbol | None:
    # To refuse a text takes the parser long, because it looks for near ones; its reader of these symbols just says None.
    if text[0] not in _LETTERS and read_hermann_mauguin(text) is None:
        return None
    try:
        return parse_symbol(text).symbol
    except UnknownGroupError:
        return None


def _plain(text: str) -> str:
    return text.replace(" ", "").replace("∞", "inf").lower()
