"""Tables as plain text of a given width: long columns fold, less important ones are left out and named, wide tables of
equal columns are cut into blocks."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Column", "blocks", "grid", "pairs"]

_GAP = "  "
#: A column that may fold keeps at least so many characters.
_NARROWEST = 18


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        heading: its title.
        importance: columns of a higher number are left out first where the line is too short; 0 never is.
        folds: whether long cells may go on in the next line.
        right: whether cells are set flush right; numbers are.
    """

    heading: str
    importance: int = 0
    folds: bool = False
    right: bool = False


def grid(title: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Lines of a table with its title, at most ``width`` characters long where the columns that stay allow it.

    Args:
        width: of a line; None for as long as it takes.
    """
    kept = list(range(len(columns)))
    left_out: list[int] = []
    while width is not None and _least(columns, rows, kept) > width:
        dispensable = [i for i in kept if columns[i].importance]
        if not dispensable:
            break
        least = max(dispensable, key=lambda i: (columns[i].importance, i))
        kept.remove(least)
        left_out.append(least)
    widths = _widths(columns, rows, kept, width)
    lines = [title, _line(columns, kept, widths, [columns[i].heading for i in kept], heading=True)]
    lines.append(_GAP.join("-" * widths[i] for i in kept))
    for row in rows:
        folded = [_fold(row[i], widths[i]) if columns[i].folds else [row[i]] for i in kept]
        for number in range(max((len(cell) for cell in folded), default=0)):
            cells = [cell[number] if number < len(cell) else "" for cell in folded]
            lines.append(_line(columns, kept, widths, cells))
    if left_out:
        names = ", ".join(columns[i].heading for i in sorted(left_out))
        lines += textwrap.wrap(f"(no room for {names}: widen the terminal, or ask for --json)", width or 80)
    return [line.rstrip() for line in lines]


def _natural(columns: Sequence[Column], rows: Sequence[Sequence[str]], i: int) -> int:
    return max(len(columns[i].heading), *(len(row[i]) for row in rows)) if rows else len(columns[i].heading)


def _least(columns: Sequence[Column], rows: Sequence[Sequence[str]], kept: Sequence[int]) -> int:
    """Width of the table when every column that may fold is as narrow as it gets."""
    total = len(_GAP) * (len(kept) - 1)
    for i in kept:
        natural = _natural(columns, rows, i)
        total += min(natural, max(_NARROWEST, len(columns[i].heading))) if columns[i].folds else natural
    return total


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], kept: Sequence[int], width: int | None
) -> dict[int, int]:
    widths = {i: _natural(columns, rows, i) for i in kept}
    if width is None:
        return widths
    excess = sum(widths.values()) + len(_GAP) * (len(kept) - 1) - width
    # The widest of the columns that may fold gives way first.
    while excess > 0:
        able = [i for i in kept if columns[i].folds and widths[i] > max(_NARROWEST, len(columns[i].heading))]
        if not able:
            break
        widest = max(able, key=lambda i: widths[i])
        widths[widest] -= 1
        excess -= 1
    return widths


def _fold(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def _line(
    columns: Sequence[Column], kept: Sequence[int], widths: dict[int, int], cells: Sequence[str], heading: bool = False
) -> str:
    parts = [
        cell.rjust(widths[i]) if columns[i].right else cell.ljust(widths[i])
        for i, cell in zip(kept, cells, strict=True)
    ]
    return _GAP.join(parts)


def blocks(
    title: str, head: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], width: int | None
) -> list[str]:
    """A table of equal columns, as of characters: where the line is too short it goes on in blocks that repeat the first column.

    Args:
        head: heading of the first column. rows: first cell and the others of every row.
    """
    first = max(len(head), *(len(name) for name, _ in rows))
    sizes = [max(len(columns[j]), *(len(cells[j]) for _, cells in rows)) for j in range(len(columns))]
    parts: list[list[int]] = [[]]
    room = (width or 10**9) - first
    for j, size in enumerate(sizes):
        taken = sum(sizes[i] + len(_GAP) for i in parts[-1])
        if parts[-1] and taken + size + len(_GAP) > room:
            parts.append([])
        parts[-1].append(j)
    lines = [title]
    for number, part in enumerate(parts):
        if number:
            lines.append("")
        listed = [(head, columns), *rows]
        for name, cells in listed:
            lines.append(name.ljust(first) + "".join(_GAP + cells[j].rjust(sizes[j]) for j in part))
    return [line.rstrip() for line in lines]


def pairs(title: str, rows: Sequence[tuple[str, str]], width: int | None) -> list[str]:
    """Names and values under a title; long values go on below themselves."""
    indent = max(len(name) for name, _ in rows) + 4
    lines = [title]
    for name, value in rows:
        folded = [value] if width is None else _fold(value, max(_NARROWEST, width - indent))
        lines.append(f"  {name.ljust(indent - 4)}  {folded[0]}")
        lines += [" " * indent + rest for rest in folded[1:]]
    return [line.rstrip() for line in lines]
