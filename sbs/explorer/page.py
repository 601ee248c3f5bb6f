"""Put the explorer together: one HTML file with style, scripts, plotting library and all tables inside it.

The page needs no network; its Content-Security-Policy forbids every request. The tables are those of ``group_data``,
without what only the library needs, rounded for pictures, and compressed; the browser unpacks the one it shows.
"""

from __future__ import annotations

import base64
import gzip
import json
from importlib import resources
from pathlib import Path
from typing import Any

from sbs.errors import SymmetryBreakingError
from sbs.optional import require
from sbs.tables.catalogue import stored_symbols
from sbs.tables.storage import load

__all__ = ["MAX_BYTES", "browse", "explorer_table", "render", "write"]

#: Size that the page must stay below.
MAX_BYTES = 8_000_000

# A picture shows no more; the full numbers are one copied line of Python away.
_DIGITS = 6
# In the order in which the scripts use each other.
_SCRIPTS = ("geometry.js", "scene.js", "hasse.js", "target.js", "tables.js", "concept-text.js", "concepts.js", "app.js")
_CERTIFICATE = ("method", "bound", "refuted")


def explorer_table(symbol: str) -> dict[str, Any]:
    """The stored table of a group as the page takes it: numbers rounded, data of certificates left out."""
    stored = load(symbol)
    if stored is None:
        raise SymmetryBreakingError(f"no table of {symbol!r} is stored; choose one of {', '.join(stored_symbols())}")
    document = stored.as_dict()
    characters = document["character_table"]
    slim = {
        **{k: v for k, v in document.items() if k not in ("format", "version", "checksum", "generators")},
        "normalizer": {k: v for k, v in document["normalizer"].items() if k != "embedding"},
        "character_table": {
            **characters,
            "real": [_without(row, "characters") for row in characters["real"]],
            "complex": [_without(row, "characters") for row in characters["complex"]],
        },
        "targets": [_slim_target(row) for row in document["targets"]],
    }
    rounded: dict[str, Any] = _rounded(slim)
    return rounded


def _slim_target(row: dict[str, Any]) -> dict[str, Any]:
    certificate = {k: v for k, v in row["certificate"].items() if k in _CERTIFICATE}
    stabilizer = _without(row["stabilizer"], "generators")
    return {**row, "certificate": certificate, "stabilizer": stabilizer}


def _without(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in entry.items() if k != name}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        short = round(value, _DIGITS)
        return int(short) if short == int(short) else short
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    return [_rounded(v) for v in value] if isinstance(value, list) else value


def render() -> str:
    """The page as text; the same text every time.

    Raises:
        MissingDependencyError: plotly is not installed. CorruptTableError: a stored table is damaged.
    """
    tables = {symbol: explorer_table(symbol) for symbol in stored_symbols()}
    index = [
        {
            "symbol": symbol,
            "hermann_mauguin": table["hermann_mauguin"],
            "order": table["order"],
            "system": table["crystal_system"],
            "family": table["family"]["name"],
        }
        for symbol, table in tables.items()
    ]
    page = _static("page.html")
    for name, text in (
        ("/*{{style}}*/", _static("style.css")),
        ("{{index}}", _embedded(index)),
        ("{{tables}}", _embedded({symbol: _packed(table) for symbol, table in tables.items()})),
        ("/*{{scripts}}*/", "\n".join(_static(script) for script in _SCRIPTS)),
        ("/*{{plotly}}*/", _plotly()),
    ):
        head, _, tail = page.partition(name)
        page = head + text + tail
    return page


def write(path: str | Path) -> Path:
    """Write the page to a file and return its absolute path."""
    target = Path(path).resolve()
    target.write_text(render(), encoding="utf-8", newline="\n")
    return target


def browse(path: str | Path | None = None, open_browser: bool = True) -> Path:
    """Write the explorer and open it in the browser.

    Args:
        path: where to write, by default ``sbs-explorer.html`` in the folder for temporary files.
    """
    if path is None:
        import tempfile

        path = Path(tempfile.gettempdir()) / "sbs-explorer.html"
    written = write(path)
    if open_browser:
        import webbrowser

        webbrowser.open(written.as_uri())
    return written


def _static(name: str) -> str:
    return (resources.files("sbs.explorer") / "static" / name).read_text(encoding="utf-8")


def _plotly() -> str:
    return str(require("plotly.offline", "explorer").get_plotlyjs())


def _packed(table: dict[str, Any]) -> str:
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
    # Without a time stamp the bytes depend on the contents alone.
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _embedded(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
