"""What a long run has finished, in a file that grows line by line, so that an interrupted run goes on where it was.

JSON lines: the first names the run (structure, supercell and settings, as a checksum), each other one finished piece. A
last line that was cut off by the interruption is ignored.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sbs.errors import CorruptTableError, InvalidGroupError
from sbs.groups.abstract.validation import shown

__all__ = ["Journal", "checked_path", "fingerprint"]

FORMAT = "sbs descend 1"


def fingerprint(*parts: Any) -> str:
    """Checksum of the arrays and plain values that make up one run."""
    digest = hashlib.sha256()
    for part in parts:
        plain = part.tolist() if isinstance(part, np.ndarray) else part
        digest.update(json.dumps(plain, sort_keys=True, default=str).encode())
    return digest.hexdigest()[:16]


def checked_path(value: Any, what: str) -> Path:
    """A path as users give it.

    Raises:
        InvalidGroupError: no text and no path, or empty.
    """
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str) or not os.fspath(value):
        raise InvalidGroupError(f"{what} must be a path, got {shown(value)}")
    return Path(value)


class Journal:
    """Finished pieces of one run, in a file or only in memory."""

    def __init__(self, path: str | os.PathLike[str] | None, run: str) -> None:
        """Open or begin a journal.

        Args:
            path: of the file, None to remember nothing beyond this process.
            run: fingerprint of the run.

        Raises:
            InvalidGroupError: no path, or one that cannot be written to.
            CorruptTableError: the file belongs to another run, or is no journal.
        """
        self._path = None if path is None else checked_path(path, "journal")
        self._known: dict[str, Any] = {}
        if self._path is None:
            return
        try:
            if self._path.exists() and self._path.stat().st_size:
                self._read(run)
            else:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.write_text(json.dumps({"format": FORMAT, "run": run}) + "\n", encoding="utf-8")
        except OSError as error:
            raise InvalidGroupError(f"the journal {str(self._path)!r} cannot be used ({error}); give another path") from error

    def _read(self, run: str) -> None:
        assert self._path is not None
        text = self._path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            self._path.write_bytes(whole)  # what was being written when the run was interrupted
        try:
            lines = [json.loads(line) for line in whole.decode("utf-8").splitlines()]
            head, rest = lines[0], {line["key"]: line["value"] for line in lines[1:]}
            belongs = head["format"] == FORMAT
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise CorruptTableError(f"{self._path} is no journal of a descent ({error}); give another path") from error
        if not belongs or head["run"] != run:
            raise CorruptTableError(
                f"{self._path} belongs to another structure or to other settings; give another path, or delete it"
            )
        self._known = rest

    def __contains__(self, key: str) -> bool:
        return key in self._known

    def recall(self, key: str, compute: Callable[[], Any]) -> Any:
        """The plain value under a key, computed and written down if it is not there yet."""
        if key not in self._known:
            value = compute()
            self._known[key] = value
            if self._path is not None:
                with self._path.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps({"key": key, "value": value}) + "\n")
                    stream.flush()
        return self._known[key]
