"""Domain states as files.

POSCAR and extended XYZ hold cell vectors and positions in the parent's frame. CIF holds lengths and angles of the cell only, and
whoever reads it puts a along x and b into the xy plane: that is another frame for each state. So a CIF says in its first lines
how it is turned, and gives the object that stands for its state turned with it; extended XYZ holds the object too.
"""

from __future__ import annotations

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
# Digits of the numbers in the first lines of a CIF.
DIGITS = 9


def write_states(
    states: Sequence[DomainState],
    found: MinimalSet,
    state_of: NDArray[np.int64],
    directory: str | os.PathLike[str],
    format: str,
) -> list[Path]:
    """Write every domain state, with the number of the first object that stands for it in the name (needs ASE).

    Args:
        states: of a pair S -> K. found: the set of that pair. state_of: int (size,), the state that each object stands for.
        directory: made where it is missing. format: one of ``FORMATS``.

    Returns:
        The paths, in the order of the states.

    Raises:
        DetectionError: unknown format.
    """
    ending = _ending(format)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, state in enumerate(states):
        chosen = int(np.flatnonzero(state_of == number)[0])
        path = folder / f"{state.structure.formula}_{number:02d}_object{chosen:02d}.{ending}"
        write_structure(path, state.structure, format, str(found.irreps), np.asarray(found.objects[chosen]))
        paths.append(path)
    return paths


def write_structure(
    path: Path, structure: Structure, format: str, irreps: str = "0x0e", components: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Write one structure and an object that belongs to it (needs ASE).

    Args:
        irreps: of the object. components: of the object in the structure's frame, float64 (dim,) or (num_sites,
            dim); none by default.

    Returns:
        The rotation (3, 3) from the structure's frame to that of the file, by which the object is turned in the file.

    Raises:
        DetectionError: unknown format.
    """
    _ending(format)
    write = require("ase.io", "structures").write
    atoms = structure.to_ase()
    turn = file_frame(structure, format)
    turned = None if components is None else components @ representation(irreps, turn[None])[0].T
    options: dict[str, Any] = {"direct": True} if format == "poscar" else {}
    if format == "cif" and structure.lattice is not None and np.linalg.det(structure.lattice) < 0:
        atoms.cell = -atoms.cell.array  # the same lattice, and a basis that has the handedness that readers build
    if format == "extxyz" and turned is not None:
        atoms.info["irreps"] = irreps
        (atoms.info if turned.ndim == 1 else atoms.arrays)["object"] = turned
    write(str(path), atoms, format=FORMATS[format][1], **options)
    if format == "cif":
        lines = ["# turned from the frame of the parent (a along x, b in the xy plane) by " + _numbers(turn)]
        if turned is not None:
            rows = {"": turned} if turned.ndim == 1 else {f" on site {k}": row for k, row in enumerate(turned) if row.any()}
            lines += [f"# object ({irreps}){where} in this frame: {_numbers(row)}" for where, row in rows.items()]
        path.write_text("\n".join([*lines, path.read_text(encoding="utf-8")]), encoding="utf-8")
    return turn


def _numbers(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value + 0.0:.{DIGITS}f}" for value in values.round(DIGITS).ravel())


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
