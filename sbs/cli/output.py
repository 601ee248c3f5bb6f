"""JSON for programs: names in snake_case, numbers as numbers, infinity as "infinite"."""

from __future__ import annotations

import json
import sys
from typing import Any

__all__ = ["write_json"]


def write_json(facts: Any) -> int:
    """Print facts as JSON; returns the exit code 0."""
    plain_ascii = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    print(json.dumps(facts, ensure_ascii=plain_ascii, allow_nan=False, indent=1))
    return 0
