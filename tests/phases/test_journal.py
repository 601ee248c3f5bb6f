"""A journal gives back what was finished, survives an interruption, and refuses what belongs to another run."""

from __future__ import annotations

import numpy as np
import pytest

from sbs.errors import CorruptTableError
from sbs.phases.journal import Journal, fingerprint


def test_finished_pieces_are_not_computed_again(tmp_path):
    path = tmp_path / "deep" / "run.jsonl"
    first = Journal(path, "a")
    assert first.recall("x", lambda: [1.5, None]) == [1.5, None]
    again = Journal(path, "a")
    assert again.recall("x", lambda: pytest.fail("computed again")) == [1.5, None]
    assert "y" not in again


def test_a_line_that_was_cut_off_is_computed_again(tmp_path):
    path = tmp_path / "run.jsonl"
    journal = Journal(path, "a")
    journal.recall("x", lambda: 1)
    journal.recall("y", lambda: 2)
    path.write_bytes(path.read_bytes()[:-5])
    again = Journal(path, "a")
    assert again.recall("x", lambda: 7) == 1
    assert again.recall("y", lambda: 8) == 8
    assert Journal(path, "a").recall("y", lambda: 9) == 8


@pytest.mark.parametrize("text", ["", "no json\n", '{"format": "other", "run": "a"}\n', "[]\n", '{"a": 1}\n'])
def test_what_is_no_journal_is_refused(tmp_path, text):
    path = tmp_path / "run.jsonl"
    path.write_text(text or "\n")
    with pytest.raises(CorruptTableError, match="another path"):
        Journal(path, "a")


def test_another_run_is_refused(tmp_path):
    Journal(tmp_path / "run.jsonl", "a")
    with pytest.raises(CorruptTableError, match="other settings"):
        Journal(tmp_path / "run.jsonl", "b")


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Journal(None, "a").recall("x", lambda: 3) == 3
    assert not list(tmp_path.iterdir())


def test_fingerprints_tell_runs_apart():
    x = np.random.default_rng(0).normal(size=(4, 3))
    assert fingerprint(x, "a") == fingerprint(x.copy(), "a")
    assert fingerprint(x, "a") != fingerprint(x + 1e-12, "a")
    assert fingerprint(x, "a") != fingerprint(x, "b")
