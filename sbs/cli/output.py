"""JSON for programs: names in snake_case, numbers as numbers, infinity as "infinite"."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

__all__ = ["snake_case", "write_json"]

_UNITS = {"Å": "angstrom", "°": "degrees", "eV": "ev"}
# A space group is written "P4mm (99)", a pair of point and space group "C4v, P4mm (99)".
_SPACE_GROUP = re.compile(r"(?:(?P<point>\S+), )?(?P<symbol>[A-Za-z][^,()]*) \((?P<number>\d+)\)")


def write_json(facts: Any) -> int:
    """Print facts as JSON; returns the exit code 0."""
    plain_ascii = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    print(json.dumps(facts, ensure_ascii=plain_ascii, allow_nan=False, indent=1))
    return 0


def snake_case(value: Any) -> Any:
    """Facts written for people as facts for programs.

    "largest displacement / Å" becomes "largest_displacement_angstrom", "yes" and "no" true and false, and a space group or
    a pair of point group and space group an object with its "number" as a number.
    """
    if isinstance(value, dict):
        return {_name(key): snake_case(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [snake_case(entry) for entry in value]
    if isinstance(value, str):
        if value in ("yes", "no"):
            return value == "yes"
        match = _SPACE_GROUP.fullmatch(value)
        if match is not None:
            group = {"symbol": match["symbol"], "number": int(match["number"])}
            return group if match["point"] is None else {"point_group": match["point"], "space_group": group}
    return value


def _name(key: str) -> str:
    words, _, unit = key.partition(" / ")
    return re.sub(r"[\s-]+", "_", f"{words} {_UNITS.get(unit, unit)}".strip()).lower()
