"""What an ASE ``Atoms``, a pymatgen ``Structure``, a ``PhonopyAtoms`` or a file looks like.

Objects of other libraries are recognised by their attributes, so that none is imported unless the caller already did, or
asks for a file.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, InvalidGroupError
from sbs.groups.abstract.validation import as_list, shown
from sbs.optional import require
from sbs.structures.decorations import StructureWarning, distinguished, warn_ignored
from sbs.structures.inputs import Structure, atomic_number

__all__ = ["read_structure"]

# Full occupancy as files write it: CIFs round to three or four decimals.
OCCUPANCY_SLACK = 1e-3
# The stand-in for the third period of a layer: so many times the longer of the other two, and this gap in Å beyond the
# layer's thickness, so that no operation takes it for one of them and layers are far apart.
LAYER_PERIODS = 2.5
LAYER_GAP = 20.0
# What pymatgen says of a file whose symmetry it could not read.
GUESSED_P1 = "Defaulting to P1"
# In-plane vectors that span less than this fraction of the product of their lengths are parallel.
FLAT_LAYER = 1e-4

# The structure as read, and the cell of a box that was given with a molecule (None otherwise).
Reading = tuple[Structure, NDArray[np.float64] | None]


def read_structure(structure: Any, periodic: bool | None) -> Reading:
    """Any form of a structure, not yet validated.

    Args:
        structure: see ``sbs.structures.parsing.parse_structure``.
        periodic: None takes the structure as it presents itself; True or False insists.

    Raises:
        DetectionError: nothing that could be a structure.
    """
    if isinstance(structure, Structure):
        cell = structure.lattice
        if structure.periodic and periodic is False:
            return replace(structure, lattice=None, layer=False), cell
        return _choose(structure, cell, structure.periodic, periodic)
    if isinstance(structure, (str, os.PathLike)):
        return read_structure(_read_file(os.fspath(structure)), periodic)
    if hasattr(structure, "get_atomic_numbers") and hasattr(structure, "pbc"):
        return _read_ase(structure, periodic)
    if hasattr(structure, "cart_coords") and hasattr(structure, "sites"):
        return _read_pymatgen(structure, periodic)
    if hasattr(structure, "scaled_positions") and hasattr(structure, "cell") and hasattr(structure, "numbers"):
        return _read_phonopy(structure, periodic)
    if isinstance(structure, (tuple, list)) and len(structure) in (2, 3):
        return _read_tuple(tuple(structure), periodic)
    raise DetectionError(
        f"a structure was expected, got {type(structure).__name__}; give ASE Atoms, a pymatgen Structure or "
        "Molecule, PhonopyAtoms, (positions, numbers), (lattice, fractional positions, numbers) or the path of a CIF, "
        "POSCAR or XYZ file"
    )


def _choose(structure: Structure, cell: Any, is_periodic: bool, periodic: bool | None) -> Reading:
    """Apply the caller's ``periodic`` to what was read."""
    wanted = is_periodic if periodic is None else periodic
    if wanted and cell is None:
        raise DetectionError(
            "periodic=True was given with a structure that has no cell: a molecule given as a crystal; give "
            "its lattice, or leave periodic out"
        )
    if not wanted:
        return replace(structure, lattice=None), None if cell is None else np.asarray(cell, dtype=np.float64)
    return (structure if structure.lattice is not None else replace(structure, lattice=cell)), None


def _read_file(name: str) -> Any:
    path, index = name, None
    if not os.path.isfile(name) and "@" in name:
        path, _, index = name.rpartition("@")
    if not os.path.isfile(path):
        raise DetectionError(f"there is no file {name!r}; give the path of a CIF, POSCAR or XYZ file")
    reader = require("ase.io", "structures")
    try:
        if index is not None:
            return reader.read(path, index=int(index))
        frames = _frames(reader, path)
    except Exception as error:  # ASE's readers raise whatever the malformed text trips over
        other = _read_by_pymatgen(path)
        if other is not None and index is None:
            return other
        hint = (
            "; a CIF that lists its symmetry operations is also read by pymatgen, where that is installed (pip install "
            "pymatgen)"
            if other is None and path.lower().endswith(".cif")
            else ""
        )
        raise DetectionError(
            f"{name!r} could not be read as a structure ({type(error).__name__}: {error}); expected a file "
            f"that ASE knows, such as CIF, POSCAR or XYZ{hint}"
        ) from error
    if len(frames) > 1:
        warnings.warn(
            f"{path!r} holds {len(frames)} structures; the last one, {path}@{len(frames) - 1}, is taken: give the path with @0, "
            "@1, ... for another",
            StructureWarning,
            stacklevel=2,
        )
    return frames[-1]


def _frames(reader: Any, path: str) -> list[Any]:
    if not path.lower().endswith(".cif"):
        return list(reader.read(path, index=":"))
    frames = list(reader.read(path, index=":", store_tags=True))
    for atoms in frames:  # "Fe2+" and "Fe3+" are one element to ASE
        types = atoms.info.get("_atom_site_type_symbol")
        sites = atoms.arrays.get("spacegroup_kinds")
        if types is not None and sites is not None and len(types) > int(max(sites, default=0)):
            atoms.info["type symbols"] = [str(types[k]) for k in sites]
    return frames


def _read_by_pymatgen(path: str) -> Any:
    """A CIF that ASE refuses (old spellings of space groups), if pymatgen is installed and reads it.

    Where a file gives neither operations nor a symbol that pymatgen knows, pymatgen takes P1 and only warns; such a file
    is not read.
    """
    if not path.lower().endswith(".cif"):
        return None
    try:
        structure = require("pymatgen.core", "structures").Structure
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            read = structure.from_file(path)
    except Exception:  # not installed, or as little able to read the file: then ASE's reason is the one to tell
        return None
    return None if any(GUESSED_P1 in str(remark.message) for remark in remarks) else read


def _read_ase(atoms: Any, periodic: bool | None) -> Reading:
    info = getattr(atoms, "info", None) or {}
    for site in info.get("occupancy", {}).values():
        _check_occupancy(site)
    pbc = np.asarray(atoms.pbc, dtype=bool)
    if periodic is None and pbc.sum() == 1:
        axis = "abc"[int(pbc.argmax())]
        raise DetectionError(
            f"the structure is periodic along {axis} only; expected periodicity along three axes, two (a layer) or none: set "
            "atoms.pbc, or insist with periodic=True or periodic=False"
        )
    results = getattr(getattr(atoms, "calc", None), "results", None) or {}
    moments = results.get("magmoms", atoms.arrays.get("initial_magmoms"))
    numbers, words = distinguished(
        np.asarray(atoms.get_atomic_numbers()),
        {
            "oxidation state": atoms.info.get("type symbols") if info else None,
            "charge": atoms.arrays.get("initial_charges"),
            "magnetic moment": moments,
            "isotope": atoms.arrays.get("masses"),
        },
    )
    warn_ignored(np.asarray(atoms.get_atomic_numbers()), "tags", atoms.arrays.get("tags"))
    plain = Structure(atoms.positions, numbers, None, told_apart_by=words)
    cell = np.asarray(atoms.cell, dtype=np.float64)
    if periodic is None and pbc.sum() == 2:
        return _layer(plain, cell[pbc]), None
    has_cell = bool(cell.any()) or bool(pbc.all())
    return _choose(plain, cell if has_cell else None, bool(pbc.all()), periodic)


def _layer(structure: Structure, periods: NDArray[np.float64]) -> Structure:
    """A layer with two periods (2, 3), Å, and the stand-in for the third."""
    normal = np.cross(*periods)
    lengths = np.linalg.norm(periods, axis=1)
    area = float(np.linalg.norm(normal))
    if not np.isfinite(periods).all() or area <= FLAT_LAYER * float(lengths.prod()):
        raise DetectionError(
            f"the two periods of the layer {periods.tolist()} span no area; expected two independent cell vectors"
        )
    normal /= area
    height = LAYER_PERIODS * float(lengths.max()) + LAYER_GAP
    if len(structure):
        height += float(np.ptp(structure.positions @ normal))
    return replace(structure, lattice=np.array([*periods, normal * height]), layer=True)


def _read_pymatgen(structure: Any, periodic: bool | None) -> Reading:
    for site in structure:
        _check_occupancy({str(kind): float(amount) for kind, amount in site.species.items()})
    species = list(structure.species)
    plain = np.array([kind.Z if hasattr(kind, "Z") else atomic_number(str(kind)) for kind in species], dtype=np.int64)
    properties = getattr(structure, "site_properties", None) or {}
    numbers, words = distinguished(
        plain,
        {
            "oxidation state": [getattr(kind, "oxi_state", None) for kind in species],
            "spin": [getattr(kind, "spin", None) for kind in species],
            "magnetic moment": properties.get("magmom"),
            "charge": properties.get("charge"),
            "isotope": [getattr(kind, "atomic_mass", None) for kind in species],
        },
    )
    warn_ignored(plain, "tags", properties.get("tags"))
    lattice = getattr(structure, "lattice", None)
    cell = None if lattice is None else np.asarray(lattice.matrix, dtype=np.float64)
    read = Structure(np.asarray(structure.cart_coords), numbers, None, told_apart_by=words)
    pbc = np.asarray(getattr(lattice, "pbc", (True, True, True)), dtype=bool)
    if cell is not None and periodic is None and pbc.sum() == 2:
        return _layer(read, cell[pbc]), None
    return _choose(read, cell, lattice is not None, periodic)


def _read_phonopy(atoms: Any, periodic: bool | None) -> Reading:
    cell = np.asarray(atoms.cell, dtype=np.float64)
    numbers, words = distinguished(
        np.asarray(atoms.numbers),
        {"magnetic moment": getattr(atoms, "magnetic_moments", None), "isotope": getattr(atoms, "masses", None)},
    )
    positions = np.asarray(atoms.scaled_positions, dtype=np.float64) @ cell
    return _choose(Structure(positions, numbers, None, told_apart_by=words), cell, True, periodic)


def _read_tuple(parts: tuple[Any, ...], periodic: bool | None) -> Reading:
    lattice = None if len(parts) == 2 else _real_numbers(parts[0])
    positions = _real_numbers(parts[-2])
    if positions.size == 0:
        raise DetectionError("the structure is empty: expected at least one atom")
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise DetectionError(f"positions must have shape (num_sites, 3), got {positions.shape}")
    if lattice is not None and lattice.shape != (3, 3):
        raise DetectionError(
            f"the first of three parts must be the (3, 3) lattice, got shape {lattice.shape}; the order is "
            "(lattice, fractional positions, numbers)"
        )
    try:
        labels = as_list(parts[-1], "atomic numbers or symbols, one for each position")
    except InvalidGroupError as error:
        raise DetectionError(str(error)) from None
    if any(np.ndim(label) for label in labels if isinstance(label, (list, tuple, np.ndarray))):
        raise DetectionError(f"numbers must have shape (num_sites,), got {shown(parts[-1])}")
    numbers = [atomic_number(label) for label in labels]
    if lattice is not None:
        positions = positions @ lattice
    return _choose(Structure(positions, np.array(numbers), None), lattice, lattice is not None, periodic)


def _real_numbers(values: Any) -> NDArray[np.float64]:
    """A fresh array of real numbers, which may be NaN; what is wrong with them is said where their meaning is known."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "iufO":
            raise TypeError(f"got {shown(values)}, no real numbers")
        return np.array(array, dtype=np.float64)
    except Exception as error:  # the values are the user's, and so is what their conversion raises
        raise DetectionError(f"lattice and positions must be arrays of numbers: {error}") from error


def _check_occupancy(species: dict[str, float]) -> None:
    total = sum(species.values())
    if len(species) != 1 or abs(total - 1) > OCCUPANCY_SLACK:
        listed = ", ".join(f"{name} {amount:g}" for name, amount in species.items())
        raise DetectionError(
            f"a site is partially occupied ({listed}); expected one whole atom on each site: order the "
            "structure first (for example with pymatgen's OrderDisorderedStructureTransformation)"
        )
