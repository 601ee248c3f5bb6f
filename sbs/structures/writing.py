"""Domain states as files.

POSCAR and extended XYZ hold cell vectors and positions in the parent's frame. CIF holds lengths and angles of the cell only, and
whoever reads it puts a along x and b into the xy plane: that is another frame for each state, so the objects that stand
for a state are turned with it. The list ``domains.json`` beside the files gives, for each of them, the turn from the parent's
frame to that of the file, the numbers of its objects and the first of them in the frame of the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.objects.representation import representation
from sbs.optional import require
from sbs.sets.minimal_set import MinimalSet
from sbs.structures.domains import DomainState
from sbs.structures.inputs import Structure

__all__ = ["FORMATS", "file_frame", "write_states", "write_structure"]

#: Format -> ending of the file's name, and ASE's name of the format.
FORMATS = {"cif": ("cif", "cif"), "poscar": ("vasp", "vasp"), "extxyz": ("xyz", "extxyz")}
# Digits of the turn in the first line of a CIF.
DIGITS = 9


def write_states(
    states: Sequence[DomainState],
    found: MinimalSet,
    state_of: NDArray[np.int64],
    directory: str | os.PathLike[str],
    format: str,
) -> list[Path]:
    """Write every domain state and the list ``domains.json`` (needs ASE).

    Args:
        states: of a pair S -> K. found: the set of that pair. state_of: int (size,), the state that each object stands for.
        directory: made where it is missing. format: one of ``FORMATS``.

    Returns:
        The paths of the structures, in the order of the states.

    Raises:
        DetectionError: unknown format.
    """
    ending = _ending(format)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    paths, entries = [], []
    for number, state in enumerate(states):
        objects = np.flatnonzero(state_of == number)
        path = folder / f"{state.structure.formula}_{number:02d}_object{objects[0]:02d}.{ending}"
        turn = write_structure(path, state.structure, format)
        turned = np.asarray(found.objects[objects[0]]) @ representation(str(found.irreps), turn[None])[0].T
        paths.append(path)
        entries.append(
            {
                "file": path.name,
                "state": number,
                "space_group": None if state.space_group is None else state.space_group.symbol,
                "objects": objects.tolist(),
                "object_in_this_frame": turned.tolist(),
                "turn_from_parent": turn.tolist(),
            }
        )
    facts = {"irreps": found.irreps, "format": format, "states": entries}
    (folder / "domains.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    return paths


def write_structure(path: Path, structure: Structure, format: str) -> NDArray[np.float64]:
    """Write one structure (needs ASE) and return the rotation (3, 3) from its frame to that of the file.

    Raises:
        DetectionError: unknown format.
    """
    _ending(format)
    write = require("ase.io", "structures").write
    atoms = structure.to_ase()
    turn = file_frame(structure, format)
    options: dict[str, Any] = {"direct": True} if format == "poscar" else {}
    if format == "cif" and structure.lattice is not None and np.linalg.det(structure.lattice) < 0:
        atoms.cell = -atoms.cell.array  # the same lattice, and a basis that has the handedness that readers build
    write(str(path), atoms, format=FORMATS[format][1], **options)
    if format == "cif":
        text = path.read_text(encoding="utf-8")
        matrix = " ".join(f"{value + 0.0:.{DIGITS}f}" for value in turn.round(DIGITS).ravel())
        note = f"# turned from the frame of the parent (a along x, b in the xy plane) by {matrix}\n"
        path.write_text(note + text, encoding="utf-8")
    return turn


def file_frame(structure: Structure, format: str) -> NDArray[np.float64]:
    """The rotation (3, 3) from the frame of a structure to the one in which a file of the format is read."""
    if format != "cif" or structure.lattice is None:
        return np.eye(3)
    lattice = structure.lattice * np.sign(np.linalg.det(structure.lattice))
    x = lattice[0] / np.linalg.norm(lattice[0])
    z = np.cross(lattice[0], lattice[1])
    z /= np.linalg.norm(z)
    return np.array([x, np.cross(z, x), z])


def _ending(format: str) -> str:
    if format not in FORMATS:
        raise DetectionError(f"unknown format {format!r} of a structure; expected one of {', '.join(FORMATS)}")
    return FORMATS[format][0]
