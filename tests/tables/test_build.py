"""The stored files are what a build writes, byte for byte, and a build can be interrupted."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sbs.errors import UnknownGroupError
from sbs.tables import build as building
from sbs.tables.__main__ import main
from sbs.tables.build import JOURNAL, build
from sbs.tables.catalogue import CRYSTAL_SYSTEMS, crystal_system, data_directory, stored_symbols, table_path
from sbs.tables.encoding import checksum, dump, stated_checksum

SAMPLE = ("C1", "Cs", "C4", "S8", "D3", "D2d", "T", "Oh", "D5h")


def stored_bytes(symbol: str) -> bytes:
    return Path(table_path(symbol)).read_bytes()


def test_catalogue_holds_the_promised_groups():
    names = set(stored_symbols())
    assert len(names) == len(stored_symbols()) == 87
    assert {s for members in CRYSTAL_SYSTEMS.values() for s in members} <= names
    assert sum(len(members) for members in CRYSTAL_SYSTEMS.values()) == 32
    assert {"I", "Ih", "C12", "C12h", "C12v", "S24", "D12", "D12h", "D12d"} <= names
    assert crystal_system("D6h") == "hexagonal" and crystal_system("D5h") is None


def test_a_file_for_every_group_and_none_beside():
    files = {path.stem for path in Path(data_directory()).glob("*.json")}
    assert files == {*stored_symbols(), "schema"}
    total = sum(path.stat().st_size for path in Path(data_directory()).glob("*.json"))
    assert total < 15_000_000


def test_rebuilt_byte_for_byte(tmp_path):
    seen = []
    built = build(SAMPLE, tmp_path, jobs=2, progress=lambda stream, total: seen.append(total) or stream)
    assert built == list(SAMPLE) and seen == [len(SAMPLE)]
    assert {path.name for path in tmp_path.iterdir()} == {f"{symbol}.json" for symbol in SAMPLE}
    for symbol in SAMPLE:
        assert (tmp_path / f"{symbol}.json").read_bytes() == stored_bytes(symbol), symbol


@pytest.mark.slow
def test_every_table_rebuilt_byte_for_byte(tmp_path):
    build(directory=tmp_path)
    for symbol in stored_symbols():
        assert (tmp_path / f"{symbol}.json").read_bytes() == stored_bytes(symbol), symbol


def test_build_leaves_the_environment_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    build(["C1"], tmp_path)
    assert "OPENBLAS_CORETYPE" not in os.environ and os.environ["OPENBLAS_NUM_THREADS"] == "2"


def interrupted_build(directory: Path) -> None:
    """Stops after the second of three groups, as Ctrl-C would."""

    def stop(stream, total):
        for count, symbol in enumerate(stream, start=1):
            yield symbol
            if count == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(["C1", "Ci", "Cs"], directory, jobs=1, progress=stop)


def test_interrupted_build_goes_on(tmp_path):
    interrupted_build(tmp_path)
    done = set((tmp_path / JOURNAL).read_text(encoding="utf-8").split()[1:])
    assert len(done) == 2
    assert build(["C1", "Ci", "Cs"], tmp_path, jobs=1) == [s for s in ("C1", "Ci", "Cs") if s not in done]
    assert not (tmp_path / JOURNAL).exists()
    for symbol in ("C1", "Ci", "Cs"):
        assert (tmp_path / f"{symbol}.json").read_bytes() == stored_bytes(symbol)


def test_interrupted_build_starts_over_when_the_sources_changed(tmp_path, monkeypatch):
    interrupted_build(tmp_path)
    monkeypatch.setattr(building, "source_fingerprint", lambda: "other sources")
    assert build(["C1", "Ci", "Cs"], tmp_path, jobs=1) == ["C1", "Ci", "Cs"]


def test_restart_does_not_go_on(tmp_path):
    interrupted_build(tmp_path)
    assert build(["C1", "Ci", "Cs"], tmp_path, jobs=1, resume=False) == ["C1", "Ci", "Cs"]


def test_command_line(tmp_path, capsys):
    assert main(["build", "C2", "--out", str(tmp_path), "--jobs", "1"]) == 0
    assert (tmp_path / "C2.json").read_bytes() == stored_bytes("C2")
    assert main(["list"]) == 0
    assert "D12h" in capsys.readouterr().out.split()
    assert main(["check", "C2", "D3"]) == 0
    assert "2 of 2 tables are sound" in capsys.readouterr().out
    assert main(["build", "D13h"]) == 2
    assert "D13h" in capsys.readouterr().err


def test_unknown_group_is_not_built(tmp_path):
    with pytest.raises(UnknownGroupError, match="Q8"):
        build(["Q8"], tmp_path, jobs=1)
    assert not list(tmp_path.glob("*.json*"))


def test_encoding_is_json_with_a_seal():
    document = {"checksum": "", "rows": [[1.0, 0.5], [-0.0, 1e-17]], "text": "σ ∞", "nested": {"a": list(range(60))}}
    raw = dump(document)
    assert stated_checksum(raw) == checksum(raw)
    read = json.loads(raw)
    assert {**read, "checksum": ""} == document
    damaged = raw.replace(b"0.5", b"0.6")
    assert stated_checksum(damaged) != checksum(damaged)
    with pytest.raises(ValueError, match="nan"):
        dump({"checksum": "", "x": float("nan")})
