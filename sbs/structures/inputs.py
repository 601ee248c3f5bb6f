"""Structures in one validated form, on which everything downstream works."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups.abstract.immutability import ComparedByValue
from sbs.optional import require
from sbs.structures.neighbours import closest_pair
from sbs.structures.viewing import view

__all__ = ["KIND_STEP", "Structure", "atomic_number", "element", "minimum_image"]

#: Sites of one element with different decorations have numbers that differ by multiples of this.
KIND_STEP = 1000


@dataclass(frozen=True, eq=False, repr=False)
class Structure(ComparedByValue):
    """Labelled points in space, periodic or not.

    Attributes:
        positions: float64 (num_sites, 3), Cartesian, Å, read-only.
        numbers: int (num_sites,), what tells sites apart, read-only: atomic numbers or any other integer labels. Sites of
            one element that carry different decorations (oxidation states, moments, isotopes) differ by multiples of
            ``KIND_STEP``.
        lattice: float64 (3, 3), rows are the cell vectors in Å; None for a molecule.
        layer: whether only the first two cell vectors are periods. The third is then normal to the layer and stands for no
            translation: it is longer than twice the others and leaves a gap between layers.
        told_apart_by: the decorations that distinguish sites of one element, in words.
    """

    positions: NDArray[np.float64]
    numbers: NDArray[np.int64]
    lattice: NDArray[np.float64] | None = None
    layer: bool = False
    told_apart_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", _frozen(self.positions, np.float64))
        object.__setattr__(self, "numbers", _frozen(self.numbers, np.int64))
        if self.lattice is not None:
            object.__setattr__(self, "lattice", _frozen(self.lattice, np.float64))

    def __len__(self) -> int:
        return len(self.numbers)

    def __repr__(self) -> str:
        return f"Structure({self.formula}, {self.kind} of {len(self)} site{'' if len(self) == 1 else 's'})"

    @property
    def kind(self) -> str:
        """"crystal", "layer" or "molecule"."""
        return "layer" if self.layer else "crystal" if self.periodic else "molecule"

    @property
    def atomic_numbers(self) -> NDArray[np.int64]:
        """int (num_sites,): the numbers without the marks of decorations."""
        marked = self.numbers >= KIND_STEP
        return np.where(marked, self.numbers % KIND_STEP, self.numbers)

    @property
    def periodic(self) -> bool:
        """Whether the structure has a lattice: a crystal, or a layer."""
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
        """Chemical formula, e.g. ``"BaTiO3"``, ``"H2O"``, ``"CH4"``: metals and labels that are no element in the order of their
        first appearance, then the other elements in the order of the nomenclature of inorganic chemistry (IUPAC 2005, table
        VI without the metals); with carbon and hydrogen carbon and hydrogen first (Hill)."""
        counts: dict[int, int] = {}
        for number in self.numbers.tolist():
            counts[number] = counts.get(number, 0) + 1
        symbols = {number: element(number).rstrip("'") for number in counts}
        order = _NONMETALS if not {"C", "H"} <= set(symbols.values()) else ["C", "H", *_NONMETALS]
        ranks = {number: order.index(s) if s in order else -1 for number, s in symbols.items()}
        return "".join(
            f"{element(number)}{counts[number] if counts[number] > 1 else ''}" for number in sorted(counts, key=ranks.__getitem__)
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        """Chemical symbol of each site, without the marks of decorations."""
        return tuple(element(number) for number in self.atomic_numbers.tolist())

    def view(self, width: int = 400, height: int = 320) -> Any:
        """The atoms in space, for notebooks; see `sbs.structures.viewing`.

        Raises:
            MissingDependencyError: py3Dmol is not installed.
        """
        return view(self, self.symbols, None, width, height)

    def to_ase(self) -> Any:
        """The same structure as an ASE ``Atoms`` (needs ASE)."""
        atoms = require("ase", "structures").Atoms
        pbc = (True, True, False) if self.layer else self.periodic
        return atoms(numbers=self.atomic_numbers, positions=self.positions, cell=self.lattice, pbc=pbc)


def minimum_image(
    difference: NDArray[np.float64], lattice: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Cartesian difference vectors (..., 3) reduced to the nearest lattice image; unchanged without a lattice.

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
    """Chemical symbol of an atomic number, with a prime for each step of a decorated kind; ``X<number>`` for
    labels that are none.
    """
    kind, own = divmod(number, KIND_STEP) if number >= KIND_STEP else (0, number)
    return _SYMBOLS[own] + kind * "'" if 0 < own < len(_SYMBOLS) else f"X{number}"


def _frozen(array: Any, dtype: type) -> NDArray[Any]:
    copy: NDArray[Any] = np.array(array, dtype=dtype)
    copy.setflags(write=False)
    return copy


_SYMBOLS = (  # noqa: SIM905 - 118 quoted strings would be unreadable
    "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb "
    "Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf "
    "Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh "
    "Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
).split()

_NONMETALS = "Rn Xe Kr Ar Ne He B Si C Sb As P N H Te Se S At I Br Cl O F".split()  # noqa: SIM905
