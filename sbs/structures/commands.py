"""What ``sbs detect`` and ``sbs between`` do, as functions from paths to plain facts; the command line prints them."""

from __future__ import annotations

import os
from typing import Any

from sbs.structures.detection import DEFAULT_TOLERANCE, detect
from sbs.structures.pairs import between

__all__ = ["between_report", "detect_report"]

Path = str | os.PathLike[str]


def detect_report(path: Path, tolerance: float = DEFAULT_TOLERANCE) -> dict[str, Any]:
    """Facts about the symmetry of the structure in a file, for a table or JSON; all in words under
    ``"report"``.

    Raises:
        DetectionError, MissingDependencyError: as ``sbs.detect``.
    """
    found = detect(path, tolerance)
    return found.summary() | {"report": found.report()}


def between_report(
    parent: Path, child: Path, write: Path | None = None, tolerance: float = DEFAULT_TOLERANCE
) -> dict[str, Any]:
    """Facts about a symmetric and a distorted structure.

    With ``write``, every domain state is also written to a file in that folder, listed under ``"written"``.

    Raises:
        DetectionError, MissingDependencyError: as ``sbs.between``.
    """
    found = between(parent, child, tolerance)
    facts = found.summary() | {"report": found.report()}
    if write is not None:
        facts["written"] = [str(path) for path in found.write(write)]
    return facts
