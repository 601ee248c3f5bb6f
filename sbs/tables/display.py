"""A `GroupTable` in a terminal and in a notebook."""

from __future__ import annotations

import html
from typing import Any, NamedTuple

__all__ = ["Shown", "as_html", "as_rich", "as_text"]


class Shown(NamedTuple):
    """What of a table is shown.

    Attributes:
        title: one line on what it is of.
        columns: field and heading of each column.
        cells: the text of each cell, row by row.
        ideal: for each row whether its set is ideal.
    """

    title: str
    columns: list[tuple[str, str]]
    cells: list[list[str]]
    ideal: list[bool]


_NUMBERS = {"order", "conjugates", "size", "degeneracy", "ferroelectric", "ferroelastic"}


def as_text(table: Shown) -> str:
    """Aligned plain text, the same in every terminal; ``rich.print(table)`` gives a ruled table."""
    cells = [[heading for _, heading in table.columns], *table.cells]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    numeric = [name in _NUMBERS for name, _ in table.columns]
    lines = [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([table.title, lines[0], rule, *lines[1:]])


def as_rich(table: Shown) -> Any:
    """A rich table; rows whose set is not ideal are dimmed, which the column "ideal" says as well."""
    from rich import box
    from rich.table import Table

    result = Table(title=table.title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name, heading in table.columns:
        result.add_column(heading, justify="right" if name in _NUMBERS else "left", no_wrap=True)
    for ideal, cells in zip(table.ideal, table.cells, strict=True):
        result.add_row(*cells, style=None if ideal else "dim")
    return result


def as_html(table: Shown) -> str:
    """A table element for notebooks, without styles of its own."""
    head = "".join(f"<th>{html.escape(heading)}</th>" for _, heading in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>" for cells in table.cells
    )
    caption = html.escape(table.title)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
