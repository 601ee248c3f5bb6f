"""Tables for a terminal, drawn by rich; the rest of the command line does without it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from sbs.optional import require

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Screen", "counted", "watched"]

# Wider than any line: what goes to a file or another program is not to be folded.
_NO_FOLD = 10_000


class Screen:
    """Prints tables and lines to standard output; text is taken literally.

    Raises:
        MissingDependencyError: rich is not installed.
    """

    def __init__(self) -> None:
        self._console = _console()

    def line(self, text: str = "") -> None:
        """One line or several."""
        self._console.print(text, soft_wrap=True)

    def pairs(self, title: str, rows: Iterable[tuple[str, Any]]) -> None:
        """Names and values; a value of None is left out."""
        from rich.table import Table

        table = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False)
        table.add_column(style="bold")
        table.add_column(overflow="fold")
        for name, value in rows:
            if value is not None:
                table.add_row(name, shown(value))
        self._console.print(table)

    def grid(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """A table; columns that hold numbers only are set flush right."""
        from rich import box
        from rich.table import Table

        cells = [list(row) for row in rows]
        table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
        for number, heading in enumerate(columns):
            numeric = all(isinstance(row[number], int) and not isinstance(row[number], bool) for row in cells)
            table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
        for row in cells:
            table.add_row(*(shown(value) for value in row))
        self._console.print(table)

    def print(self, renderable: Any) -> None:
        """Anything that rich can draw."""
        self._console.print(renderable)


def shown(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "∞" if value == "infinite" else str(value)


def _console() -> Console:
    console: Any = require("rich.console", "cli", "ask for --json").Console

    class Terminal(console):
        def on_broken_pipe(self) -> None:
            # rich would end the process with code 1; a reader that has seen enough is no failure.
            raise BrokenPipeError

    width = None if sys.stdout.isatty() else _NO_FOLD
    return Terminal(markup=False, highlight=False, emoji=False, width=width)


@contextmanager
def watched() -> Iterator[None]:
    """Within the block, computations that take long show how far they are, on standard error where that is a terminal."""
    if not sys.stderr.isatty() or find_spec("tqdm") is None:
        yield
        return
    from sbs.progress import report_progress

    bars: dict[str, Any] = {}

    def report(stage: str, done: int, known: int) -> None:
        from tqdm import tqdm

        if stage not in bars:
            bars[stage] = tqdm(desc=stage, leave=False)
        bar = bars[stage]
        bar.total, bar.n = known, done
        bar.refresh()

    try:
        with report_progress(report):
            yield
    finally:
        for bar in bars.values():
            bar.close()


def counted(items: Sequence[Any], unit: str) -> Iterator[Any]:
    """The items one by one, with a progress bar on standard error where that is a terminal.

    Raises:
        MissingDependencyError: tqdm is not installed.
    """
    if len(items) < 2 or not sys.stderr.isatty():
        return iter(items)
    return iter(require("tqdm", "cli").tqdm(items, unit=unit, leave=False))
