"""What ``sbs detect``, ``sbs distortions`` and ``sbs between`` do, as functions from paths to plain facts; the command line
prints them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sbs.errors import DetectionError
from sbs.progress import tick
from sbs.structures.crystal_questions import isotropy, modes
from sbs.structures.detected import Detected
from sbs.structures.detection import DEFAULT_TOLERANCE, detect
from sbs.structures.irreps import vibrations
from sbs.structures.listing import Listing
from sbs.structures.pairs import between
from sbs.structures.patterns import distortions
from sbs.structures.writing import FORMATS, write_structure

__all__ = [
    "between_report",
    "detect_report",
    "distortions_report",
    "isotropy_report",
    "modes_report",
    "supercell_of_text",
]

StructurePath = str | os.PathLike[str]


def supercell_of_text(text: str | None) -> Any:
    """A supercell as it is typed: "2", "2x2x2" or "2,2,1", or nine integers row by row; None stays None.

    Raises:
        DetectionError: anything else.
    """
    if text is None:
        return None
    try:
        numbers = [int(part) for part in text.replace("x", ",").split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 3, 9):
        raise DetectionError(
            f"a supercell must be typed as 2, as 2x2x1 or as nine integers 1,1,0,1,-1,0,0,0,2, got {text!r}"
        )
    if len(numbers) == 9:
        return [numbers[:3], numbers[3:6], numbers[6:]]
    return numbers[0] if len(numbers) == 1 else numbers


def detect_report(
    path: StructurePath, tolerance: float = DEFAULT_TOLERANCE, supercell: str | None = None
) -> dict[str, Any]:
    """Facts about the symmetry of the structure in a file, for a table or JSON; all in words under
    ``"report"``.

    Raises:
        DetectionError, MissingDependencyError: as ``sbs.detect``.
    """
    found = detect(path, tolerance, supercell=supercell_of_text(supercell))
    return found.summary() | {"report": found.report()}


def modes_report(
    path: StructurePath, supercell: str | None = None, tolerance: float = DEFAULT_TOLERANCE
) -> dict[str, Any]:
    """The modes of the crystal in a file, in words under ``"report"``.

    Raises:
        DetectionError, MissingDependencyError, SearchLimitError: as ``sbs.modes``.
    """
    crystal = detect(path, tolerance, supercell=supercell_of_text(supercell or "1"))
    return _listed(crystal, modes(crystal))


def isotropy_report(
    path: StructurePath, irreps: Sequence[str], supercell: str | None = None, tolerance: float = DEFAULT_TOLERANCE
) -> dict[str, Any]:
    """The isotropy subgroups of order parameters of the crystal in a file, in words under ``"report"``.

    Raises:
        DetectionError, MissingDependencyError, SearchLimitError, UnknownGroupError: as ``sbs.isotropy``.
    """
    crystal = detect(path, tolerance, supercell=supercell_of_text(supercell or "1"))
    return _listed(crystal, isotropy(crystal, *irreps))


def _listed(crystal: Detected, rows: Listing[Any]) -> dict[str, Any]:
    found = crystal.supercell
    assert found is not None
    setting = found.setting
    account = "" if found.complete else found.account()
    return {
        "formula": crystal.structure.formula,
        "space_group": {"number": setting.space_group.number, "symbol": setting.space_group.symbol},
        "origin_atom": setting.origin_atom,
        "supercell": found.cell.tolist(),
        "order": int(crystal.order),
        "keeps_point_group": found.complete,
        "least_cell": found.least_cell.tolist(),
        "rows": rows.as_dicts(),
        "report": f"{rows}\n\n{account}" if account else str(rows),
        "printed": {"title": rows.title, "headings": [h for _, h in rows.columns], "cells": rows.cells(), "account": account},
    }


def distortions_report(
    path: StructurePath,
    target: str,
    supercell: str | None = None,
    amplitude: float = 0.1,
    strain: float = 0.0,
    write: StructurePath | None = None,
    format: str = "cif",
    tolerance: float = DEFAULT_TOLERANCE,
) -> dict[str, Any]:
    """Facts about the patterns that break the symmetry of the structure in a file to a target.

    Args:
        amplitude, strain: of the domain states that are written, Å and Frobenius norm.
        write: a folder for the domain states, listed under ``"written"``.
        format: see `sbs.structures.writing.FORMATS`; molecules are written as extended XYZ.

    Raises:
        DetectionError, NoSetError, MissingDependencyError: as ``sbs.distortions`` and ``domain_states``.
    """
    found = detect(path, tolerance, supercell=supercell_of_text(supercell))
    patterns = distortions(found, target)
    facts = found.summary() | {
        "target": target,
        "target_order": patterns.target.order,
        "domain_states": patterns.index,
        "modes": [{"irrep": name, "multiplicity": count} for name, count in vibrations(patterns.finite)],
        "displacement_patterns": len(patterns.displacements),
        "strain_patterns": len(patterns.strains),
        "irreps": [
            {
                "irrep": row.name,
                "displacement_patterns": row.displacements,
                "strain_patterns": row.strains,
                "leaves_order": row.symmetry.order,
                "primary": row.primary,
            }
            for row in patterns.irreps
        ],
        "report": patterns.report(),
    }
    if write is not None:
        folder = Path(write)
        folder.mkdir(parents=True, exist_ok=True)
        format = format if found.structure.periodic else "extxyz"
        states = patterns.domain_states(amplitude, strain)
        facts["smallest_difference"] = states[0].difference
        facts["written"] = []
        for number, state in enumerate(states):
            tick("domain states", number, len(states))
            ending = FORMATS.get(format, (format, ""))[0]
            name = folder / f"{state.structure.formula}_{number:02d}.{ending}"
            write_structure(name, state.structure, format)
            facts["written"].append(str(name))
    return facts


def between_report(
    parent: StructurePath,
    child: StructurePath,
    write: StructurePath | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    supercell: str | None = None,
    format: str = "cif",
) -> dict[str, Any]:
    """Facts about a symmetric and a distorted structure.

    With ``write``, every domain state is also written to a file in that folder, listed under ``"written"``.

    Raises:
        DetectionError, MissingDependencyError: as ``sbs.between``.
    """
    found = between(parent, child, tolerance, supercell=supercell_of_text(supercell))
    facts = found.summary() | {"report": found.report()}
    if write is not None:
        facts["written"] = [str(path) for path in found.write(write, format)]
    return facts
