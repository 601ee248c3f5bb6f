"""Structures as callers hold them, read into one validated form.

Everything downstream works on :class:`Structure`; this module is the only one that knows what an ASE
``Atoms``, a pymatgen ``Structure`` or a file looks like. Objects of other libraries are recognised by their
attributes, so that neither ASE nor pymatgen is imported unless the caller already did, or asks for a file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.optional import require
from sbs.structures.neighbours import closest_image, closest_pair

__all__ = ["Structure", "atomic_number", "check_tolerance", "minimum_image", "parse_structure"]

# A cell whose volume is below this fraction of a*b*c is flat for every numerical purpose (spglib fails far
# earlier).
FLAT_CELL = 1e-4
# Full occupancy as files write it: CIFs round to three or four decimals.
OCCUPANCY_SLACK = 1e-3
# Closest approach of periodic images above which a cell holds an isolated molecule: the largest nearest-
# neighbour distance of an elemental crystal is 5.3 Å (Cs), of a molecular or noble-gas crystal below 5 Å.
VACUUM_GAP = 7.5
# Distance from an atom to an image of another below which a cell is filled rather than a box around a
# molecule: longer than the bonds of all but the softest solids, shorter than any vacuum that is put around a
# molecule.
FILLED_GAP = 3.5


@dataclass(frozen=True, eq=False, repr=False)
class Structure:
    """Labelled points in space, periodic or not.

    Attributes:
        positions: float64 (num_sites, 3), Cartesian, Å, read-only.
        numbers: int (num_sites,), atomic numbers or any other integer labels, read-only.
        lattice: float64 (3, 3), rows are the cell vectors in Å; None for a molecule.
    """

    positions: NDArray[np.float64]
    numbers: NDArray[np.int64]
    lattice: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", _frozen(self.positions, np.float64))
        object.__setattr__(self, "numbers", _frozen(self.numbers, np.int64))
        if self.lattice is not None:
            object.__setattr__(self, "lattice", _frozen(self.lattice, np.float64))

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        kind = "crystal" if self.periodic else "molecule"
        return f"Structure({self.formula}, {kind} of {len(self)} site{'' if len(self) == 1 else 's'})"

    @property
    def periodic(self) -> bool:
        """Whether the structure has a lattice."""
        return self.lattice is not None

    @property
    def fractional(self) -> NDArray[np.float64]:
        """Fractional coordinates (num_sites, 3) of a crystal; DetectionError for a molecule."""
        if self.lattice is None:
            raise DetectionError(
                "fractional coordinates were asked of a molecule; only a crystal has a lattice"
            )
        return np.linalg.solve(self.lattice.T, self.positions.T).T

    @cached_property
    def shortest_distance(self) -> float:
        """Shortest distance in Å between two atoms (images included); infinite for a single atom."""
        shortest = np.inf if self.lattice is None else float(np.linalg.norm(self.lattice, axis=1).min())
        return min(shortest, closest_pair(self.positions, self.lattice)[0])

    @property
    def formula(self) -> str:
        """Chemical formula in the order of the first appearance of each label, e.g. ``"BaTiO3"``."""
        counts: dict[int, int] = {}
        for number in self.numbers.tolist():
            counts[number] = counts.get(number, 0) + 1
        return "".join(f"{element(number)}{count if count > 1 else ''}" for number, count in counts.items())

    def to_ase(self) -> Any:
        """The same structure as an ASE ``Atoms`` (needs ASE)."""
        atoms = require("ase", "structures").Atoms
        return atoms(numbers=self.numbers, positions=self.positions, cell=self.lattice, pbc=self.periodic)


def parse_structure(structure: Any, tolerance: float, periodic: bool | None = None) -> Structure:
    """Read and validate a structure.

    Args:
        structure: ASE ``Atoms``; pymatgen ``Structure`` or ``Molecule``; ``(positions, numbers)`` with
            Cartesian Å for a molecule; ``(lattice, positions, numbers)`` with cell vectors as rows in Å and
            *fractional* positions for a crystal (spglib's cell tuple); the path of a file that ASE reads
            (CIF, POSCAR, XYZ, ...); or a :class:`Structure`.
        tolerance: distance in Å below which two atoms count as one place.
        periodic: None takes the structure as it presents itself, and refuses one that looks like the other
            kind; True or False insists.

    Raises:
        DetectionError: for input that is no structure: wrong shapes, NaN, no atoms, overlapping atoms, zero
            volume, partial occupancies, periodicity along one or two axes only, a molecule given as a
            crystal or the reverse.
    """
    check_tolerance(tolerance)
    parsed, cell = _read(structure, periodic)
    _check_numbers(parsed)
    _check_cell(parsed)
    _check_overlap(parsed, tolerance)
    if periodic is None:
        _check_kind(parsed, cell)
    return parsed


def check_tolerance(tolerance: float) -> None:
    """Raise DetectionError unless ``tolerance`` is a positive, finite number of Å."""
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float, np.floating, np.integer)):
        raise DetectionError(f"tolerance must be a number of Å, got {tolerance!r}; the default is 0.01")
    if not np.isfinite(tolerance) or tolerance <= 0:
        raise DetectionError(f"tolerance must be positive and finite (in Å), got {tolerance}; try 0.01")


def minimum_image(
    difference: NDArray[np.float64], lattice: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Cartesian difference vectors (..., 3) reduced to the nearest lattice image; unchanged without a
    lattice.

    Exact for vectors shorter than half the smallest height of the cell, which is what site matching needs.
    """
    if lattice is None:
        return difference
    fractional = difference @ np.linalg.inv(lattice)
    return (fractional - np.round(fractional)) @ lattice


def atomic_number(label: Any) -> int:
    """The integer label of a chemical symbol or of an integer; DetectionError otherwise."""
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool):
        return int(label)
    if isinstance(label, str):
        symbol = label.strip().capitalize()
        if symbol in _SYMBOLS:
            return _SYMBOLS.index(symbol)
    raise DetectionError(
        f"site label {label!r} is neither an integer nor a chemical symbol; give atomic numbers"
    )


def element(number: int) -> str:
    """Chemical symbol of an atomic number; ``X<number>`` for labels that are none."""
    return _SYMBOLS[number] if 0 < number < len(_SYMBOLS) else f"X{number}"


def _frozen(array: Any, dtype: type) -> NDArray[Any]:
    copy: NDArray[Any] = np.array(array, dtype=dtype)
    copy.setflags(write=False)
    return copy


def _read(structure: Any, periodic: bool | None) -> tuple[Structure, NDArray[np.float64] | None]:
    """The structure, and the cell of a box that was given with a molecule (None otherwise)."""
    if isinstance(structure, Structure):
        return _choose(
            structure.positions, structure.numbers, structure.lattice, structure.periodic, periodic
        )
    if isinstance(structure, (str, os.PathLike)):
        return _read(_read_file(structure), periodic)
    if hasattr(structure, "get_atomic_numbers") and hasattr(structure, "pbc"):
        return _read_ase(structure, periodic)
    if hasattr(structure, "cart_coords") and hasattr(structure, "sites"):
        return _read_pymatgen(structure, periodic)
    if isinstance(structure, (tuple, list)) and len(structure) in (2, 3):
        return _read_tuple(tuple(structure), periodic)
    raise DetectionError(
        f"a structure was expected, got {type(structure).__name__}; give ASE Atoms, a pymatgen Structure or "
        "Molecule, (positions, numbers), (lattice, fractional positions, numbers) or the path of a CIF, "
        "POSCAR or XYZ file"
    )


def _choose(
    positions: Any, numbers: Any, cell: Any, is_periodic: bool, periodic: bool | None
) -> tuple[Structure, NDArray[np.float64] | None]:
    """Apply the caller's ``periodic`` to what was read."""
    wanted = is_periodic if periodic is None else periodic
    if wanted and cell is None:
        raise DetectionError(
            "periodic=True was given with a structure that has no cell: a molecule given as a crystal; give "
            "its lattice, or leave periodic out"
        )
    structure = Structure(positions, numbers, cell if wanted else None)
    return structure, None if wanted or cell is None else np.asarray(cell, dtype=np.float64)


def _read_file(path: str | os.PathLike[str]) -> Any:
    name = os.fspath(path)
    if not os.path.isfile(name):
        raise DetectionError(f"there is no file {name!r}; give the path of a CIF, POSCAR or XYZ file")
    reader = require("ase.io", "structures")
    try:
        return reader.read(name)
    except Exception as error:  # ASE's readers raise whatever the malformed text trips over
        raise DetectionError(
            f"{name!r} could not be read as a structure ({type(error).__name__}: {error}); expected a file "
            "that ASE knows, such as CIF, POSCAR or XYZ"
        ) from error


def _read_ase(atoms: Any, periodic: bool | None) -> tuple[Structure, NDArray[np.float64] | None]:
    for site in (getattr(atoms, "info", None) or {}).get("occupancy", {}).values():
        _check_occupancy(site)
    pbc = np.asarray(atoms.pbc, dtype=bool)
    if periodic is None and pbc.any() and not pbc.all():
        axes = "".join(name for name, flag in zip("abc", pbc, strict=True) if flag)
        raise DetectionError(
            f"the structure is periodic along {axes} only; expected periodicity along all three axes or "
            "none: set atoms.pbc, or insist with periodic=True or periodic=False"
        )
    cell = np.asarray(atoms.cell, dtype=np.float64)
    has_cell = bool(cell.any()) or bool(pbc.all())
    return _choose(
        atoms.positions, atoms.get_atomic_numbers(), cell if has_cell else None, bool(pbc.all()), periodic
    )


def _read_pymatgen(structure: Any, periodic: bool | None) -> tuple[Structure, NDArray[np.float64] | None]:
    for site in structure:
        _check_occupancy({str(kind): float(amount) for kind, amount in site.species.items()})
    numbers = [kind.Z if hasattr(kind, "Z") else atomic_number(str(kind)) for kind in structure.species]
    lattice = getattr(structure, "lattice", None)
    cell = None if lattice is None else np.asarray(lattice.matrix, dtype=np.float64)
    return _choose(np.asarray(structure.cart_coords), numbers, cell, lattice is not None, periodic)


def _read_tuple(
    parts: tuple[Any, ...], periodic: bool | None
) -> tuple[Structure, NDArray[np.float64] | None]:
    try:
        lattice = None if len(parts) == 2 else np.array(parts[0], dtype=np.float64)
        positions = np.array(parts[-2], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DetectionError(f"lattice and positions must be arrays of numbers: {error}") from error
    if positions.size == 0:
        raise DetectionError("the structure is empty: expected at least one atom")
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise DetectionError(f"positions must have shape (num_sites, 3), got {positions.shape}")
    if lattice is not None and lattice.shape != (3, 3):
        raise DetectionError(
            f"the first of three parts must be the (3, 3) lattice, got shape {lattice.shape}; the order is "
            "(lattice, fractional positions, numbers)"
        )
    labels = list(parts[-1]) if np.ndim(parts[-1]) == 1 else None
    if labels is None:
        raise DetectionError(f"numbers must have shape (num_sites,), got {np.shape(parts[-1])}")
    numbers = [atomic_number(label) for label in labels]
    if lattice is not None:
        positions = positions @ lattice
    return _choose(positions, numbers, lattice, lattice is not None, periodic)


def _check_occupancy(species: dict[str, float]) -> None:
    total = sum(species.values())
    if len(species) != 1 or abs(total - 1) > OCCUPANCY_SLACK:
        listed = ", ".join(f"{name} {amount:g}" for name, amount in species.items())
        raise DetectionError(
            f"a site is partially occupied ({listed}); expected one whole atom on each site: order the "
            "structure first (for example with pymatgen's OrderDisorderedStructureTransformation)"
        )


def _check_numbers(structure: Structure) -> None:
    positions, numbers = structure.positions, structure.numbers
    if len(positions) == 0:
        raise DetectionError("the structure is empty: expected at least one atom")
    if positions.ndim != 2 or positions.shape[1] != 3:
        raise DetectionError(f"positions must have shape (num_sites, 3), got {positions.shape}")
    if numbers.shape != (len(positions),):
        raise DetectionError(
            f"{len(positions)} positions were given with {numbers.size} labels; expected one label each"
        )
    bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
    if len(bad):
        raise DetectionError(f"atom {bad[0]} has a position that is not finite: {positions[bad[0]]}")


def _check_cell(structure: Structure) -> None:
    lattice = structure.lattice
    if lattice is None:
        return
    if not np.isfinite(lattice).all():
        raise DetectionError(f"the lattice has entries that are not finite: {lattice.tolist()}")
    box = float(np.prod(np.linalg.norm(lattice, axis=1)))
    volume = abs(float(np.linalg.det(lattice)))
    if box == 0 or volume < FLAT_CELL * box:
        raise DetectionError(
            f"the cell has no volume ({volume:.3g} Å3 for edges that span {box:.3g} Å3): expected three "
            "independent cell vectors; give a molecule as (positions, numbers), or ASE Atoms with pbc=False"
        )


def _check_overlap(structure: Structure, tolerance: float) -> None:
    if structure.shortest_distance <= 2 * tolerance:
        _, first, second = closest_pair(structure.positions, structure.lattice)
        raise DetectionError(
            f"atoms {first} and {second} overlap: they are {structure.shortest_distance:.4g} Å apart, no "
            f"more than twice the tolerance of {tolerance:g} Å; remove the duplicate or lower the tolerance"
        )


def _check_kind(structure: Structure, box: NDArray[np.float64] | None) -> None:
    """Refuse a molecule in a periodic box of vacuum, and a crystal whose periodicity was switched off."""
    lattice = structure.lattice if box is None else box
    if lattice is None or abs(np.linalg.det(lattice)) < FLAT_CELL:
        return
    closest = closest_image(structure.positions, lattice, VACUUM_GAP if structure.periodic else FILLED_GAP)
    if structure.periodic and closest > VACUUM_GAP:
        raise DetectionError(
            f"the periodic images are at least {closest:.1f} Å apart in every direction: a molecule given as "
            "a crystal? Give it without a cell (pbc=False), or insist with periodic=True"
        )
    if not structure.periodic and closest <= FILLED_GAP:
        raise DetectionError(
            f"the structure is not periodic, yet it has a cell and an atom lies {closest:.2f} Å from an "
            "image of another: a crystal given as a molecule? Set pbc=True, or insist with periodic=False"
        )


_SYMBOLS = (  # noqa: SIM905 - 118 quoted strings would be unreadable
    "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb "
    "Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf "
    "Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh "
    "Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
).split()
