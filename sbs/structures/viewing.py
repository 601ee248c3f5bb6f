"""Structures in notebooks: facts as HTML, atoms in space by 3Dmol (N. Rego and D. Koes, Bioinformatics 31, 1322 (2015))."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from sbs.optional import require

__all__ = ["facts_html", "view", "xyz"]

#: Å; displacements shorter than this get no arrow.
_SHORTEST = 1e-3
#: Arrows are drawn so many times longer than the displacement, at most to this length in Å.
_MAGNIFIED, _LONGEST = 10.0, 1.5


def facts_html(title: str, report: str) -> str:
    """A report of lines "name: value" as a table."""
    rows = []
    for line in report.partition("\n\n")[0].splitlines():
        name, colon, value = line.partition(": ")
        if colon and value.strip():
            rows.append(
                f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(value)}</td></tr>"
            )
    return f"<table><caption>{escape(title)}</caption><tbody>{''.join(rows)}</tbody></table>"


def xyz(structure: Any, symbols: Sequence[str]) -> str:
    """The atoms of a `sbs.structures.inputs.Structure` in the XYZ format, Å; symbols, one for each atom."""
    lines = [str(len(structure)), structure.formula]
    for symbol, position in zip(symbols, structure.positions, strict=True):
        lines.append(f"{symbol} " + " ".join(f"{x:.6f}" for x in position))
    return "\n".join(lines) + "\n"


def view(
    structure: Any, symbols: Sequence[str], displacement: np.ndarray | None = None, width: int = 400, height: int = 320
) -> Any:
    """A py3Dmol view of a structure, its cell, and arrows along displacements.

    Args:
        structure: a `sbs.structures.inputs.Structure`, crystal or molecule. symbols: of its elements, one for each atom.
        displacement: float64 (num_sites, 3), Å; arrows are ten times as long, at most 1.5 Å.

    Raises:
        MissingDependencyError: py3Dmol is not installed.
    """
    viewer = require("py3Dmol", "notebook").view(width=width, height=height)
    viewer.addModel(xyz(structure, symbols), "xyz")
    viewer.setStyle({"sphere": {"scale": 0.28}, "stick": {"radius": 0.1}})
    if structure.lattice is not None:
        _add_cell(viewer, np.asarray(structure.lattice))
    if displacement is not None:
        for start, step in zip(np.asarray(structure.positions), displacement, strict=True):
            length = float(np.linalg.norm(step))
            if length > _SHORTEST:
                end = start + step / length * min(_MAGNIFIED * length, _LONGEST)
                viewer.addArrow({"start": _point(start), "end": _point(end), "radius": 0.08, "color": "#c2410c"})
    viewer.zoomTo()
    return viewer


def _add_cell(viewer: Any, lattice: np.ndarray) -> None:
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    for first, a in enumerate(corners):
        for b in corners[first + 1 :]:
            if np.abs(a - b).sum() == 1:
                viewer.addLine({"start": _point(a @ lattice), "end": _point(b @ lattice), "color": "#64748b"})


def _point(vector: np.ndarray) -> dict[str, float]:
    return dict(zip("xyz", (float(x) for x in vector), strict=True))
