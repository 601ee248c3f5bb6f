"""The page as a file: complete, self-contained, small, the same every time, and true to the tables."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest

from sbs.explorer import page as explorer
from sbs.explorer.content import rounded
from sbs.tables.catalogue import stored_symbols
from sbs.tables.checking import differences
from sbs.tables.storage import load


@pytest.fixture(scope="module")
def text(page_file):
    return page_file.read_text(encoding="utf-8")


def embedded(text: str, name: str):
    return json.loads(re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', text, re.DOTALL)[1])


def test_below_eight_megabytes(page_file):
    assert page_file.stat().st_size < explorer.MAX_BYTES == 8_000_000


def test_no_placeholder_is_left_and_nothing_is_fetched(text):
    own = text
    assert not re.search(r"\{\{\w+\}\}", own)
    assert not re.search(r"""(src=|<link[^>]*href=)["'](https?:)?//""", own)
    assert "plotly.js" in gzip.decompress(base64.b64decode(re.search(r'id="plotly">(.*?)<', own)[1])).decode()[:400]
    assert "@import" not in own and "fetch(" not in own
    assert "default-src 'none'" in own


def test_every_group_is_inside(text):
    tables, index = embedded(text, "tables"), embedded(text, "index")
    symbols = list(stored_symbols())
    assert [entry["symbol"] for entry in index["index"]] == symbols
    assert list(tables) == [*symbols, "all targets"]


@pytest.mark.parametrize("symbol", ["Oh", "C3", "D12h"])
def test_numbers_are_those_of_the_tables(text, symbol):
    packed = json.loads(gzip.decompress(base64.b64decode(embedded(text, "tables")[symbol])))
    stored = load(symbol).as_dict()
    assert list(differences(rounded(stored["elements"]), packed["elements"])) == []
    for row, full in zip(packed["targets"], stored["targets"], strict=True):
        for name in ("label", "size", "ideal", "degeneracy", "irreps", "orbits", "fixed_by", "aizu"):
            assert row[name] == full[name]
        assert list(differences(row["objects"], rounded(full["objects"]))) == []


def test_the_same_page_every_time(text):
    assert explorer.render() == text


def test_browse_writes_and_opens(tmp_path, monkeypatch):
    import webbrowser

    monkeypatch.setattr(explorer, "render", lambda: "a page")
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    written = explorer.browse(tmp_path / "page.html")
    assert opened == [written.as_uri()]
    explorer.browse(written, open_browser=False)
    assert len(opened) == 1
