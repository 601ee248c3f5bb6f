"""What the command writes to the terminal: text in its width, and on standard error how far long work is."""

from __future__ import annotations

import codecs
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sbs.cli import layout
from sbs.cli.layout import Column
from sbs.progress import report_progress

__all__ = ["Screen", "counted", "plain_text_for", "shown", "watched"]

_BOLD, _PLAIN, _CLEAR = "\x1b[1m", "\x1b[0m", "\r\x1b[2K"

#: What a terminal without Unicode gets; labels in this spelling are accepted again.
_ASCII = {
    **{
        "σ": "s",
        "∞": "inf",
        "√": "sqrt",
        "π": "pi",
        "ε": "eps",
        "φ": "phi",
        "→": "->",
        "Å": "A",
        "°": " deg",
        "−": "-",
    },
    **{
        "…": "...",
        "′": "'",
        "″": "''",
        "·": ".",
        "≤": "<=",
        "⊗": "x",
        "Γ": "Gamma",
        "–": "-",
        "“": '"',
        "”": '"',
        "’": "'",
    },
    **{digit: str(number) for number, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{digit: str(number) for number, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    "\u0304": "",
    "\u0305": "",
}


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_ASCII.get(character, "?") for character in error.object[error.start : error.end]), error.end


codecs.register_error("sbs-ascii", _in_ascii)


def plain_text_for(stream: Any) -> None:
    """Let a stream that cannot show Greek and superscripts spell them out."""
    if not stream.encoding.lower().startswith("utf"):
        stream.reconfigure(errors="sbs-ascii")


class Screen:
    """Prints tables and lines to standard output, as wide as the terminal.

    What goes to a file or another program is not folded, unless the variable COLUMNS says how wide it is to be.
    """

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._width = shutil.get_terminal_size().columns if self._terminal or os.environ.get("COLUMNS") else None
        self._bold = self._terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def line(self, text: str = "") -> None:
        """One line or several, as they are."""
        Progress.clear()
        print(text)

    def report(self, text: str) -> None:
        """A text of several lines: those that run in words are folded, those that are columns stay as they are."""
        lines = []
        for line in text.splitlines():
            words = self._width is not None and len(line) > self._width and "  " not in line.strip()
            lines += textwrap.wrap(line, self._width, break_on_hyphens=False) if words and self._width else [line]
        self.line("\n".join(lines))

    def pairs(self, title: str, rows: Iterable[tuple[str, Any]]) -> None:
        """Names and values; a value of None is left out."""
        listed = [(name, shown(value)) for name, value in rows if value is not None]
        self._print(layout.pairs(title, listed, self._width))

    def grid(self, title: str, columns: Sequence[Column | str], rows: Iterable[Sequence[Any]]) -> None:
        """A table; columns that hold numbers only are set flush right."""
        cells = [list(row) for row in rows]
        set_up = []
        for number, column in enumerate(columns):
            given = Column(column) if isinstance(column, str) else column
            numeric = all(isinstance(row[number], int) and not isinstance(row[number], bool) for row in cells)
            set_up.append(Column(given.heading, given.importance, given.folds, given.right or numeric))
        self._print(layout.grid(title, set_up, [[shown(value) for value in row] for row in cells], self._width))
        self.line()

    def blocks(self, title: str, head: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> None:
        """A table of equal columns, in blocks where the line is too short."""
        self._print(layout.blocks(title, head, columns, rows, self._width))
        self.line()

    def _print(self, lines: list[str]) -> None:
        title = f"{_BOLD}{lines[0]}{_PLAIN}" if self._bold else lines[0]
        self.line("\n".join([title, *lines[1:]]))


def shown(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "∞" if value == "infinite" else str(value)


class Progress:
    """One line on standard error that says how far work is, where that is a terminal; gone before anything is printed."""

    _shown = False

    @classmethod
    def show(cls, stage: str, done: int, known: int) -> None:
        """Replace the line."""
        cls._shown = True
        sys.stderr.write(f"{_CLEAR}{stage}: {done} of {known}" if known else f"{_CLEAR}{stage}: {done}")
        sys.stderr.flush()

    @classmethod
    def clear(cls) -> None:
        """Take the line away."""
        if cls._shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            cls._shown = False


@contextmanager
def watched() -> Iterator[None]:
    """Within the block, computations that take long show how far they are, on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    try:
        with report_progress(Progress.show):
            yield
    finally:
        Progress.clear()


def counted(items: Sequence[Any], unit: str) -> Iterator[Any]:
    """The items one by one; where standard error is a terminal it says how far they are."""
    for number, item in enumerate(items):
        if len(items) > 1 and sys.stderr.isatty():
            Progress.show(f"{unit}s", number, len(items))
        yield item
    Progress.clear()
