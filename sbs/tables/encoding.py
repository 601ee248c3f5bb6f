"""JSON as it is written to ``group_data``: readable, stable under diff, sealed with a checksum.

What fits on a line stands on one line; a list of plain values (a vector, a row of a matrix) always does. The checksum
is the SHA-256 of the file itself with the 64 digits of the checksum replaced by zeros, so that it can be checked
without rewriting the JSON.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

__all__ = ["CHECKSUM_FIELD", "INFINITE", "checksum", "dump", "shown", "stated_checksum"]

CHECKSUM_FIELD = "checksum"
#: Stands for math.inf, which JSON lacks.
INFINITE = "infinite"

_LINE = 110
_BLANK = "0" * 64
_SEAL = b'"checksum": "sha256:'


def dump(document: dict[str, Any]) -> bytes:
    """Encode a document and fill in its field "checksum", which must be present; UTF-8 with a final newline."""
    sealed = {**document, CHECKSUM_FIELD: f"sha256:{_BLANK}"}
    blank = (_format(sealed, 0) + "\n").encode()
    return blank.replace(_BLANK.encode(), hashlib.sha256(blank).hexdigest().encode(), 1)


def checksum(raw: bytes) -> str:
    """SHA-256 (64 digits) of the bytes of a file with the digits of its own checksum replaced by zeros."""
    start = _start(raw)
    sealed = raw if start < 0 else raw[:start] + _BLANK.encode() + raw[start + len(_BLANK) :]
    return hashlib.sha256(sealed).hexdigest()


def stated_checksum(raw: bytes) -> str | None:
    """The 64 digits that the file states, or None if it states none."""
    start = _start(raw)
    return None if start < 0 else raw[start : start + len(_BLANK)].decode("ascii", "replace")


def shown(value: Any) -> str:
    """A value for an error message, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _start(raw: bytes) -> int:
    """Where the digits of the checksum start, -1 if there are none."""
    found = raw.find(_SEAL)
    return found if found < 0 else found + len(_SEAL)


def _format(value: Any, indent: int) -> str:
    if not isinstance(value, (dict, list)):
        return _scalar(value)
    if not value:
        return "{}" if isinstance(value, dict) else "[]"
    line = _one_line(value)
    nested = list(value.values()) if isinstance(value, dict) else value
    plain = isinstance(value, list) and not any(isinstance(item, (dict, list)) for item in nested)
    if plain or len(line) + indent <= _LINE:
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        items = [f"{pad}{_scalar(key)}: {_format(item, indent + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(items) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + _format(item, indent + 1) for item in value) + "\n" + " " * indent + "]"


def _one_line(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {_one_line(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_one_line(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        if not value - value == 0.0:
            raise ValueError(f"JSON has no number {value}")
        # The shortest digits that give the same double back; whole numbers without a fraction.
        return str(int(value)) if value == int(value) else repr(value)
    return json.dumps(value, ensure_ascii=False)
