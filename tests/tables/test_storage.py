"""Stored tables follow the schema; every way of damaging one is noticed and named."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from sbs.errors import CorruptTableError
from sbs.tables import checking
from sbs.tables.catalogue import data_directory, stored_symbols, table_path
from sbs.tables.checking import check_table, differences
from sbs.tables.encoding import dump
from sbs.tables.restore import set_from_table
from sbs.tables.schema import schema, violations
from sbs.tables.storage import load, read_table

SAMPLE = "C3v"


def document(symbol: str = SAMPLE) -> dict:
    return json.loads(Path(table_path(symbol)).read_bytes())


def leaves(value, path=()):
    """Paths of all plain values; of long lists the first and the last entry."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index in sorted({0, len(value) - 1}):
            yield from leaves(value[index], (*path, index))
    else:
        yield path


def changed(value):
    """A wrong value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    return 1 if value is None else [7]


def broken_copies(symbol: str):
    whole = document(symbol)
    for path in leaves(whole):
        copied = copy.deepcopy(whole)
        parent = copied
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = changed(parent[path[-1]])
        yield path, copied


def field_name(path) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


@pytest.mark.parametrize("symbol", stored_symbols())
def test_follows_the_schema(symbol):
    assert list(violations(document(symbol))) == []


def test_our_validator_agrees_with_a_real_one():
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())
    for symbol in ("C1", "C4", "Oh", "S8"):
        assert validator.is_valid(document(symbol))
    for path, copied in list(broken_copies(SAMPLE))[::5]:
        assert validator.is_valid(copied) == (not list(violations(copied))), path


def test_every_file_is_sealed():
    for symbol in stored_symbols():
        read_table(table_path(symbol), symbol)


def test_any_change_breaks_the_seal(tmp_path):
    """Without a new checksum no change gets past the loader, whatever the field."""
    raw = Path(table_path(SAMPLE)).read_text(encoding="utf-8")
    path = tmp_path / "C3v.json"
    checked = 0
    for number, line in enumerate(raw.splitlines()):
        digits = [i for i, c in enumerate(line) if c.isdigit()]
        if not digits or number % 7:
            continue
        at = digits[-1]
        damaged = raw.splitlines(keepends=True)
        damaged[number] = damaged[number][:at] + str((int(line[at]) + 1) % 10) + damaged[number][at + 1 :]
        path.write_text("".join(damaged), encoding="utf-8")
        with pytest.raises(CorruptTableError, match=r"C3v\.json: field"):
            read_table(str(path), SAMPLE)
        checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"format": "other"}, "format"),
        ({"version": 99}, "version"),
        ({"symbol": "D3"}, "symbol"),
        ({"order": "six"}, "order"),
        ({"targets": []}, "targets"),
        ({"extra": 1}, "extra"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_foreign_file_names_the_field(tmp_path, change, field):
    path = tmp_path / "C3v.json"
    raw = json.dumps({**document(), **change})
    path.write_text(raw, encoding="utf-8")
    with pytest.raises(CorruptTableError, match=rf"C3v\.json: field {field}: "):
        read_table(str(path), SAMPLE)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"\xff\xfe", b"null"], ids=["empty", "cut", "list", "binary", "null"]
)
def test_no_table_at_all(tmp_path, content):
    path = tmp_path / "C3v.json"
    path.write_bytes(content)
    with pytest.raises(CorruptTableError, match="the document"):
        read_table(str(path), SAMPLE)


def test_missing_file(tmp_path):
    with pytest.raises(CorruptTableError, match="cannot be read"):
        read_table(str(tmp_path / "C3v.json"), SAMPLE)


@pytest.mark.parametrize("symbol", ["C2", "C3v"])
def test_forged_file_is_refused_by_the_check_whatever_the_field(tmp_path, monkeypatch, symbol):
    """With a checksum that fits, every single changed value is found by `check_table`, in the right part of the file."""
    path = tmp_path / f"{symbol}.json"
    computed = checking.build_record(symbol)
    monkeypatch.setattr(checking, "build_record", lambda symbol: computed)
    count = 0
    for where, copied in broken_copies(symbol):
        if where == ("checksum",):
            continue
        path.write_bytes(dump(copied))
        with pytest.raises(CorruptTableError) as caught:
            check_table(symbol, str(path))
        assert f"{symbol}.json: field {where[0]}" in str(caught.value)
        count += 1
    assert count > 100


@pytest.mark.parametrize("symbol", ["C2", "D3", "T"])
def test_sound_file_passes_the_check(symbol):
    assert check_table(symbol) == len(document(symbol)["targets"])


def test_wrong_certificate_is_found_by_verification(tmp_path, monkeypatch):
    """Objects that were exchanged for a set of another orientation, in a file whose contents are not recomputed."""
    copied = document("Oh")
    row = next(r for r in copied["targets"] if r["label"] == "C4v")
    row["objects"] = [[0.6 * x + 0.8 * y, 0.6 * y - 0.8 * x, z] for x, y, z in row["objects"]]
    path = tmp_path / "Oh.json"
    path.write_bytes(dump(copied))
    monkeypatch.setattr(checking, "differences", lambda stored, computed: iter(()))
    with pytest.raises(CorruptTableError, match="certificate"):
        check_table("Oh", str(path))


@pytest.mark.parametrize(
    "where",
    [
        ("size",), ("ideal",), ("degeneracy",), ("objects", 0, 0), ("orbits", 0), ("irreps",),
        ("certificate", "parent"), ("certificate", "turn"), ("certificate", "target", 0),
        ("certificate", "normalizer", 1), ("certificate", "stabilizers", 0, 1), ("certificate", "chosen"),
        ("certificate", "movers"), ("certificate", "method"),
    ],
    ids=field_name,
)  # fmt: skip
def test_forged_row_gives_no_answer(tmp_path, where):
    """What the library itself reads from a row it checks again, so that a forged row gives an error, not a set."""
    copied = document("Oh")
    row = next(r for r in copied["targets"] if r["label"] == "D4h")
    parent = row
    for key in where[:-1]:
        parent = parent[key]
    value = parent[where[-1]]
    parent[where[-1]] = (
        value[:-1] if isinstance(value, list) else 90 if where == ("certificate", "turn") else changed(value)
    )
    path = tmp_path / "Oh.json"
    path.write_bytes(dump(copied))
    table = read_table(str(path), "Oh")
    with pytest.raises(CorruptTableError, match=r"Oh\.json: field "):
        set_from_table(table, "D4h")


def test_differences_see_numbers_and_structure():
    assert list(differences({"a": [1.0, 2.0]}, {"a": [1.0 + 1e-14, 2]})) == []
    assert [f for f, _ in differences({"a": [1.0, 2.0]}, {"a": [1.0, 2.1]})] == ["a[1]"]
    assert [f for f, _ in differences({"a": {"b": True}}, {"a": {"b": 1}})] == ["a.b"]
    assert [f for f, _ in differences({"a": 1}, {"b": 1})] == ["b", "a"]


def test_only_what_is_asked_is_loaded():
    assert load("D13h") is None
    assert load("C5") is load("C5")


def test_data_directory_is_the_shipped_one():
    assert (Path(data_directory()) / "schema.json").is_file()
