"""The space group of a subgroup of S: its type, and its conventional cell against that of the parent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.groups import Subgroup
from sbs.structures.integer_lattices import hermite_form
from sbs.structures.lattice import reduced_basis
from sbs.structures.standard_form import form_of_operations
from sbs.structures.supercell import Supercell

__all__ = ["ChildSpaceGroup", "child_operations", "child_space_group", "child_symbol"]

# Decimals of bases and origins; what is beyond is rounding.
DIGITS = 10

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ChildSpaceGroup:
    """A space group with its conventional cell against that of its parent.

    Attributes:
        number: 1 to 230.
        symbol: short international symbol, "Imma".
        basis: float64 (3, 3), the conventional basis vectors as rows, in the conventional basis of the parent.
        origin: float64 (3,), the origin likewise.
    """

    number: int
    symbol: str
    basis: FloatArray
    origin: FloatArray

    def __str__(self) -> str:
        return f"{self.symbol} ({self.number})"


def child_symbol(found: Supercell, elements: NDArray[np.intp]) -> str:
    """The symbol of the space group that some elements of S form."""
    basis, rotations, shifts = child_operations(found, elements)
    return form_of_operations(basis @ found.primitive.basis, rotations, shifts).space_group.symbol


def child_operations(
    found: Supercell, elements: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """Elements of S, by number, that form a subgroup, as a space group of its own.

    Returns:
        A basis of its translations as rows of integers on the primitive basis of the parent, (3, 3), and its rotations
        (n, 3, 3) and shifts (n, 3) on that basis, one for each rotation.
    """
    pure = elements[elements < found.translations]
    lattice = hermite_form(np.concatenate([found.quotient.form, found.lattice_of[pure]]))
    short = np.round(reduced_basis(lattice @ found.primitive.basis) @ np.linalg.inv(found.primitive.basis))
    basis = short.astype(np.int64) if np.linalg.det(short) > 0 else -short.astype(np.int64)
    _, first = np.unique(found.rotation_of[elements], return_index=True)
    chosen = elements[first]
    rotations, shifts = found.operations_of_cell
    inverse = np.linalg.inv(basis.T)
    turned = inverse @ rotations[found.rotation_of[chosen]] @ basis.T
    moved = (shifts[found.rotation_of[chosen]] + found.lattice_of[chosen]) @ inverse.T
    return basis, np.round(turned).astype(np.int64), moved


def child_space_group(found: Supercell, kept: Subgroup) -> ChildSpaceGroup:
    """The space group of a subgroup of S."""
    basis, rotations, shifts = child_operations(found, kept.elements)
    form = form_of_operations(basis @ found.primitive.basis, rotations, shifts)
    parent = found.setting
    inverse = np.linalg.inv(form.matrix)
    columns = parent.matrix @ basis.T @ inverse
    origin = parent.matrix @ basis.T @ (-inverse @ form.shift) + parent.shift
    vectors, place = np.round(columns.T, DIGITS) + 0.0, np.round(origin, DIGITS) + 0.0
    vectors.setflags(write=False)
    place.setflags(write=False)
    return ChildSpaceGroup(form.space_group.number, form.space_group.symbol, vectors, place)
