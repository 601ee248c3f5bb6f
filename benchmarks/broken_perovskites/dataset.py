"""The labels as they are kept: ``load()`` reads them, DATASHEET.md says what they are.

One compact file, perovskites.npz: displacements rounded to 1e-5 Å, energies to 1e-5 eV; the same bytes for the same labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from sbs.errors import CorruptTableError

__all__ = ["DATA", "PHASE_NAMES", "Entry", "Label", "load", "save"]

Floats = NDArray[np.float64]

DATA = Path(__file__).resolve().parent / "perovskites.npz"

#: Phases in the order of the file: three at the zone centre with 5 sites, three of tilts with 40.
PHASE_NAMES = ("P4mm", "Amm2", "R3m", "I4/mcm", "R-3c", "Pnma")
_ZONE_CENTRE = 3

#: Å and eV: displacements and energies are whole multiples of it.
UNIT = 1e-5


@dataclass(frozen=True, eq=False)
class Label:
    """What one phase of one cubic crystal looks like.

    Attributes:
        phase: space group.
        displacements: float64 (5, 3) or (40, 3), Å, read-only: of the sites of the cubic crystal (``phases.cubic``), in the
            one domain that ``phases.subgroup`` names, without their mean. Zero where the phase relaxed back to the cubic one.
        energy: eV per formula unit, against the cubic crystal at the same edge.
        collapsed: the relaxation ended in a higher symmetry than K: no label of this phase.
        calls: evaluations of the potential; 0 where the cubic crystal is stable at Γ4- and nothing was relaxed.
    """

    phase: str
    displacements: Floats
    energy: float
    collapsed: bool
    calls: int


@dataclass(frozen=True, eq=False)
class Entry:
    """One cubic crystal and its phases.

    Attributes:
        formula: "BaTiO3".
        numbers: atomic numbers of A and B.
        edge: Å, of the cubic cell, in which all its phases are relaxed.
        factor: edge over the relaxed edge: 1, or one of ``generate.EDGES``.
        energy: eV, of the cubic cell.
        curvature: eV/Å², the lowest at Γ4- for displacements of length 1 in one cell.
        phases: by name; those that were not asked, or failed, are not there.
    """

    formula: str
    numbers: tuple[int, int]
    edge: float
    factor: float
    energy: float
    curvature: float
    phases: Mapping[str, Label] = field(default_factory=dict)


def save(entries: Sequence[Entry], path: Path = DATA) -> None:
    """Write a file of entries."""
    labels = [(number, label) for number, entry in enumerate(entries) for label in entry.phases.values()]
    small = [label for _, label in labels if PHASE_NAMES.index(label.phase) < _ZONE_CENTRE]
    large = [label for _, label in labels if PHASE_NAMES.index(label.phase) >= _ZONE_CENTRE]
    np.savez_compressed(
        path,
        formulas=np.array([entry.formula for entry in entries]),
        numbers=np.array([entry.numbers for entry in entries], dtype=np.int16).reshape(-1, 2),
        edges=np.round([entry.edge for entry in entries], 5),
        factors=np.array([entry.factor for entry in entries], dtype=np.float64),
        energies=np.round([entry.energy for entry in entries], 5),
        curvatures=np.round([entry.curvature for entry in entries], 4),
        label_entries=np.array([number for number, _ in labels], dtype=np.int32),
        label_phases=np.array([PHASE_NAMES.index(label.phase) for _, label in labels], dtype=np.int8),
        label_energies=_whole([label.energy for _, label in labels]),
        label_collapsed=np.array([label.collapsed for _, label in labels], dtype=bool),
        label_calls=np.array([label.calls for _, label in labels], dtype=np.int16),
        displacements_5=_whole([label.displacements for label in small]).reshape(-1, 5, 3),
        displacements_40=_whole([label.displacements for label in large]).reshape(-1, 40, 3),
    )


def _whole(values: Sequence[float] | Sequence[Floats]) -> NDArray[np.int32]:
    return np.round(np.array(values, dtype=np.float64) / UNIT).astype(np.int32)


def load(path: Path = DATA) -> tuple[Entry, ...]:
    """Read a file of entries, in the order of the compositions and then of the edges.

    Raises:
        CorruptTableError: no such file, or not one of labels.
    """
    try:
        with path.open("rb") as stream, np.load(stream) as data:
            arrays = dict(data)
        rows: list[dict[str, Label]] = [{} for _ in arrays["formulas"]]
        places = {True: iter(arrays["displacements_5"]), False: iter(arrays["displacements_40"])}
        for number, phase, energy, collapsed, calls in zip(
            *(arrays[f"label_{name}"] for name in ("entries", "phases", "energies", "collapsed", "calls")), strict=True
        ):
            displacements = next(places[bool(phase < _ZONE_CENTRE)]) * UNIT
            displacements.flags.writeable = False
            name = PHASE_NAMES[phase]
            rows[number][name] = Label(name, displacements, float(energy) * UNIT, bool(collapsed), int(calls))
        columns = [arrays[name] for name in ("formulas", "numbers", "edges", "factors", "energies", "curvatures")]
        return tuple(
            Entry(str(formula), (int(a), int(b)), float(edge), float(factor), float(energy), float(curvature), phases)
            for formula, (a, b), edge, factor, energy, curvature, phases in zip(
                *columns, map(MappingProxyType, rows), strict=True
            )
        )
    except (OSError, KeyError, ValueError, IndexError, StopIteration, BadZipFile) as error:
        raise CorruptTableError(
            f"{path} is no file of labels ({type(error).__name__}: {error}); write one with "
            "python -m benchmarks.broken_perovskites.generate"
        ) from error
