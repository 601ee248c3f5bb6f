"""The commands on structures in files."""

from __future__ import annotations

from typing import Any

from sbs.cli.layout import Column
from sbs.cli.output import write_json
from sbs.cli.terminal import Screen

__all__ = ["between", "detect", "distortions", "isotropy", "modes"]


def detect(file: str, tolerance: float | None, supercell: str | None, as_json: bool) -> int:
    """``sbs detect``."""
    from sbs.structures.commands import detect_report

    return _report(detect_report(file, supercell=supercell, **_given(tolerance)), as_json)


def modes(file: str, supercell: str | None, tolerance: float | None, as_json: bool) -> int:
    """``sbs modes``."""
    from sbs.structures.commands import modes_report

    return _listing(modes_report(file, supercell, **_given(tolerance)), as_json)


def isotropy(file: str, irreps: list[str], supercell: str | None, tolerance: float | None, as_json: bool) -> int:
    """``sbs isotropy``."""
    from sbs.structures.commands import isotropy_report

    return _listing(isotropy_report(file, irreps, supercell, **_given(tolerance)), as_json)


def distortions(
    file: str,
    target: str,
    supercell: str | None,
    amplitude: float,
    strain: float,
    write: str | None,
    format: str,
    tolerance: float | None,
    as_json: bool,
) -> int:
    """``sbs distortions``."""
    from sbs.structures.commands import distortions_report

    facts = distortions_report(file, target, supercell, amplitude, strain, write, format, **_given(tolerance))
    return _report(facts, as_json)


def between(
    parent: str,
    child: str,
    supercell: str | None,
    write: str | None,
    format: str,
    tolerance: float | None,
    as_json: bool,
) -> int:
    """``sbs between``."""
    from sbs.structures.commands import between_report

    facts = between_report(parent, child, write, supercell=supercell, format=format, **_given(tolerance))
    return _report(facts, as_json)


def _given(tolerance: float | None) -> dict[str, float]:
    return {} if tolerance is None else {"tolerance": tolerance}


# Columns that are left out first where the line is short, the highest first; the others always stay.
_IMPORTANCE = {"strain": 1, "arms": 2, "free": 3, "cell": 4, "antiphase": 5, "number": 6}


def _listing(facts: dict[str, Any], as_json: bool) -> int:
    """Facts that are rows, with the table under "printed"."""
    printed = facts.pop("printed")
    if as_json:
        return _report(facts, as_json)
    screen = Screen()
    columns = [Column(heading, _IMPORTANCE.get(heading, 0)) for heading in printed["headings"]]
    screen.grid(printed["title"], columns, printed["cells"])
    if printed["account"]:
        screen.report(printed["account"])
    return 0


def _report(facts: dict[str, Any], as_json: bool) -> int:
    """Facts that carry their own words under "report", and maybe a list of files under "written"."""
    if as_json:
        return write_json({name: value for name, value in facts.items() if name != "report"})
    screen = Screen()
    screen.report(facts["report"])
    for path in facts.get("written", ()):
        screen.line(f"wrote {path}")
    return 0
