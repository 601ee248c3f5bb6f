"""`sbs.table`: rows, sorting, selecting, printing, exporting."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

import sbs
from sbs.errors import InfiniteSetError, UnknownGroupError
from sbs.tables.group_table import COLUMNS, GroupTable


@pytest.mark.parametrize("symbol", ["Oh", "m-3m", "C4", "D13h", "S14"])
def test_rows_are_the_classes_and_their_sets(symbol):
    table = sbs.table(symbol)
    group = sbs.point_group(symbol)
    assert [row.label for row in table] == [c.label for c in group.subgroup_classes]
    for row, c in zip(table, group.subgroup_classes, strict=True):
        found = sbs.minimal_set(group, c.representative)
        assert (row.size, row.ideal, row.degeneracy, row.irreps) == (
            found.size, found.is_ideal, found.degeneracy, found.irreps,
        )  # fmt: skip
        assert (row.order, row.conjugates, row.symbol) == (c.order, c.size, c.symbol)


def test_stored_and_computed_tables_agree(monkeypatch):
    from sbs.tables import group_table

    stored = sbs.table("D3h")
    monkeypatch.setattr(group_table, "load", lambda symbol: None)
    assert sbs.table("D3h") == stored


def test_rows_by_number_label_and_slice():
    table = sbs.table("Oh")
    assert table["D4h"] is table[[row.label for row in table].index("D4h")]
    assert isinstance(table[:5], GroupTable) and len(table[:5]) == 5
    assert table["D4h"].minimal_set().size == 3
    with pytest.raises(UnknownGroupError, match="rows are"):
        table["C5"]


def test_sort():
    sizes = [row.size for row in sbs.table("Oh").sort("size", reverse=True)]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] == 48
    assert sbs.table("C4").sort("size")[-1].size == math.inf
    assert sbs.table("Oh").sort("aizu")[0].aizu is None
    with pytest.raises(UnknownGroupError, match="columns are"):
        sbs.table("Oh").sort("weight")


def test_filter():
    table = sbs.table("Oh")
    assert {row.symbol for row in table.filter(symbol="C2v")} == {"C2v"} and len(table.filter(symbol="C2v")) == 3
    assert {row.order for row in table.filter(order=[2, 4])} == {2, 4}
    assert all("1o" in row.irreps for row in table.filter(irreps="1o"))
    assert {row.irreps for row in table.filter(irreps="1o")} == {"1x1o", "1x0o+1x1o"}
    assert [row.label for row in table.filter(irreps="1x0o")][-1] == "O"
    assert {row.label for row in table.filter(lambda row: row.size <= 2)} == {"O", "Th", "Td", "Oh"}
    assert [row.label for row in sbs.table("C4").filter(ideal=True)] == ["C4"]
    assert len(table.filter(order=5)) == 0
    with pytest.raises(UnknownGroupError, match="weight"):
        table.filter(weight=3)


def test_text_is_aligned_and_complete():
    text = str(sbs.table("Oh"))
    lines = text.splitlines()
    assert lines[0].startswith("Oh (m-3m), order 48") and len(lines) == 3 + 33
    column = lines[1].index("size") + len("size")
    assert {line[column - 2 : column].strip() for line in lines[3:]} == {str(r.size) for r in sbs.table("Oh")}
    assert "∞" in str(sbs.table("C4"))
    assert "species" not in str(sbs.table("C5"))  # no species outside crystals


def test_empty_selection_prints():
    empty = sbs.table("Oh").filter(order=5)
    assert "target" in str(empty) and empty.to_csv().count("\n") == 1 and "<tbody></tbody>" in empty._repr_html_()


def test_rich_table_has_every_row():
    console_module = pytest.importorskip("rich.console")
    stream = io.StringIO()
    console_module.Console(file=stream, width=140).print(sbs.table("D4h"))
    assert all(row.label in stream.getvalue() for row in sbs.table("D4h"))


def test_html_is_escaped_and_well_formed():
    from xml.etree import ElementTree

    root = ElementTree.fromstring(sbs.table("D6h")._repr_html_())
    assert len(root.find("tbody")) == len(sbs.table("D6h"))
    assert any("C2''" in (cell.text or "") for cell in root.iter("td"))


def test_json_round_trip(tmp_path):
    path = tmp_path / "table.json"
    text = sbs.table("C4").to_json(str(path))
    assert path.read_text(encoding="utf-8") == text
    read = json.loads(text)
    assert read["symbol"] == "C4" and [row["size"] for row in read["rows"]] == ["infinite", "infinite", 1]


def test_csv_round_trip(tmp_path):
    path = tmp_path / "table.csv"
    rows = list(csv.DictReader(io.StringIO(sbs.table("Oh").to_csv(str(path)))))
    assert path.is_file() and len(rows) == 33
    chosen = next(row for row in rows if row["label"] == "D4h")
    assert (chosen["size"], chosen["ideal"], chosen["aizu"]) == ("3", "yes", "m-3mF4/mmm")


def test_latex():
    text = sbs.table("Oh").to_latex()
    lines = text.splitlines()
    assert lines[1] == r"\begin{tabular}{" + "l" * len(COLUMNS) + "}" and lines[-1] == r"\end{tabular}"
    rows = [line for line in lines if line.endswith(r"\\")]
    assert {row.count("&") for row in rows} == {len(COLUMNS) - 1}
    assert "$C_{4v}$" in text and r"$m\bar{3}m\mathrm{F}4mm$" in text and r"$1\times1o$" in text
    assert r"D_{\inftyh}" not in sbs.table("C4").to_latex() and r"$\infty$" in sbs.table("C4").to_latex()
    for line in rows:
        assert line.count("$") % 2 == 0 and line.count("{") == line.count("}")
        assert line.isascii(), line


def test_infinite_group_has_no_table():
    with pytest.raises(InfiniteSetError, match=r"C∞v|Cinfv"):
        sbs.table("Cinfv")
