"""Put the explorer together: one HTML file with style, scripts, plotting library and all tables inside it.

The page needs no network; its Content-Security-Policy forbids every request. Tables and the plotting library are
compressed; the browser unpacks what it shows.
"""

from __future__ import annotations

import base64
import gzip
import json
from importlib import resources
from pathlib import Path
from typing import Any

from sbs import __version__
from sbs.explorer.content import explorer_table, rounded
from sbs.explorer.infinite import infinite_groups
from sbs.explorer.tilts import simple_tilts
from sbs.groups.point.spellings import spellings
from sbs.groups.point.symbols import MAX_FOLD, parse_symbol
from sbs.optional import require
from sbs.query import minimal_set
from sbs.tables.catalogue import stored_families, stored_symbols

__all__ = ["MAX_BYTES", "browse", "render", "write"]

#: Size that the page must stay below.
MAX_BYTES = 8_000_000

# In the order in which the scripts use each other.
_SCRIPTS = (
    *("dom.js", "spelling.js", "packed.js", "geometry.js", "flat.js", "scene.js", "hasse.js", "target.js", "tables.js"),
    *("overview.js", "tilts.js", "start.js", "formula.js", "concept-text.js", "concepts.js", "app.js"),
)
_PAPER = (
    "Y. Xie and T. Smidt, “Equivariant Symmetry Breaking Sets”, Transactions on Machine Learning Research, 2024, "
    "arXiv:2402.02681"
)
_BIBTEX = """@article{xie2024equivariant,
  title   = {Equivariant Symmetry Breaking Sets},
  author  = {YuQing Xie and Tess Smidt},
  journal = {Transactions on Machine Learning Research},
  year    = {2024},
  url     = {https://arxiv.org/abs/2402.02681}
}
"""


def render() -> str:
    """The page as text; the same text every time. Takes some seconds: pictures and correlation tables are computed.

    Raises:
        MissingDependencyError: plotly or grandalf is not installed. CorruptTableError: a stored table is damaged.
    """
    plotly = _packed(_plotly())
    tables = {symbol: explorer_table(symbol) for symbol in stored_symbols()}
    packed = {symbol: _packed(_json(table)) for symbol, table in tables.items()}
    packed["all targets"] = _packed(_json(_all_targets(tables)))
    page = _static("page.html")
    for name, text in (
        ("/*{{style}}*/", _static("style.css")),
        ("{{index}}", _embedded(_index(tables))),
        ("{{tables}}", _embedded(packed)),
        ("/*{{scripts}}*/", "\n".join(_static(script) for script in _SCRIPTS)),
        ("{{plotly}}", plotly),
    ):
        head, _, tail = page.partition(name)
        page = head + text + tail
    return page


def _index(tables: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the page knows before it unpacks a table."""
    infinite = infinite_groups()
    accepted = spellings([*stored_families(), *(parse_symbol(group["symbol"]).symbol for group in infinite)])
    return {
        "about": {"version": __version__, "licence": "MIT", "paper": _PAPER, "bibtex": _BIBTEX, "max_fold": MAX_FOLD},
        "index": [
            {
                "symbol": symbol,
                "hermann_mauguin": table["hermann_mauguin"],
                "order": table["order"],
                "system": table["crystal_system"],
                "family": table["family"]["name"],
                "spellings": accepted[symbol],
            }
            for symbol, table in tables.items()
        ],
        "degenerate": _degenerate(),
        "tilts": simple_tilts(),
        "curves": json.loads(_static("data_efficiency.json")),
        "infinite": [{**group, "kind": "infinite", "spellings": accepted[group["symbol"]]} for group in infinite],
    }


def _degenerate() -> dict[str, Any]:
    """A set of two orbits, for the page on concepts."""
    found = minimal_set("C2", "C1", ambient="Oh")
    return {
        "code": 'sbs.minimal_set("C2", "C1", ambient="Oh")',
        "objects": rounded(found.objects.tolist()),
        "orbits": found.orbits.tolist(),
    }


def _all_targets(tables: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    rows = [
        {
            "group": symbol,
            "system": table["crystal_system"],
            "order": table["order"],
            "target": target["label"],
            "index": table["order"] // listed["order"],
            **{name: target[name] for name in ("size", "ideal", "degeneracy", "irreps", "aizu")},
        }
        for symbol, table in tables.items()
        for listed, target in zip(table["subgroup_classes"], table["targets"], strict=True)
    ]
    return [{"position": position, **row} for position, row in enumerate(rows)]


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


def _packed(text: str) -> str:
    # Without a time stamp the bytes depend on the contents alone.
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _embedded(value: Any) -> str:
    """JSON that may stand inside a script element."""
    return _json(value).replace("</", "<\\/")
