"""The space group of a crystal modulo the translations of a cell: a finite group that turns, shifts and permutes sites.

Let 𝒢 be the space group, T its translations and T' those of a cell. The operations of 𝒢 that map T' onto itself form, modulo
T', the finite group S of order |P'| |T / T'|, where P' holds the rotations that keep T'. Everything is integer arithmetic on a
primitive basis: a site is a site of the primitive cell and an integer vector modulo T', an operation an integer matrix, a
shift and an integer vector. Nothing is searched or matched in the large cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, SearchLimitError
from sbs.groups import FiniteGroup, PointGroup
from sbs.groups.abstract.immutability import ComparedByValue, frozen
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.groups.abstract.validation import real_array, shown
from sbs.structures.copies import Copies
from sbs.structures.crystal import CrystalSymmetry
from sbs.structures.inputs import Structure
from sbs.structures.integer_lattices import Quotient, kept_sublattice
from sbs.structures.lattice import diagonal_or_reduced
from sbs.structures.orient import oriented_group
from sbs.structures.primitive import INTEGER_SLACK, PrimitiveCrystal, integers, primitive_crystal
from sbs.structures.standard_setting import StandardSetting, standard_setting

__all__ = ["MAX_CRYSTAL_ORDER", "Supercell", "parse_supercell", "supercell_group"]

#: Largest |S| that is built: beyond, the permutations of the sites alone take gigabytes.
MAX_CRYSTAL_ORDER = 20_000

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Supercell(ComparedByValue):
    """How S lies over the space group of the crystal.

    Attributes:
        cell: int (3, 3), the cell vectors as rows in terms of those that were given.
        primitive: the crystal on its primitive lattice, with the rotations of all of P.
        point_group: P', the rotations that keep T'.
        kept: int (|P'|,), the number in P of each element of P'.
        rotation_of: int (|S|,), the number in P' of each element of S. Element ``r * m + k`` of S has rotation r and is
            followed by translation k of the m in T / T', so that the first m elements are the pure translations.
        lattice_of: int (|S|, 3), the lattice vector that is added to the shift of the rotation, on the primitive basis.
        copies: the sites over those of the primitive cell.
        full_point_group: P.
        least_cell: int (3, 3), the least multiple of ``cell`` that keeps P, in terms of the cell vectors given; ``cell``
            itself if it is complete.
        holohedry: the point group of the crystal's lattice.
        origin: chemical symbol of the atom that was asked for at the origin of the standard setting, or None.
    """

    cell: IntArray
    primitive: PrimitiveCrystal
    point_group: PointGroup
    kept: IntArray
    rotation_of: IntArray
    lattice_of: IntArray
    copies: Copies
    full_point_group: PointGroup
    least_cell: IntArray
    holohedry: PointGroup
    origin: str | None

    @property
    def quotient(self) -> Quotient:
        """T / T', integer vectors on the primitive basis."""
        return self.copies.quotient

    @property
    def site_of(self) -> IntArray:
        """int (sites,), the site of the primitive cell that each site is a copy of."""
        return self.copies.site_of

    @property
    def place_of(self) -> IntArray:
        """int (sites, 3), the primitive cell that it lies in."""
        return self.copies.place_of

    @cached_property
    def point_operations(self) -> tuple[IntArray, FloatArray]:
        """What the elements of P do, all lattice translations left out: site permutations int (|P|, sites), for those that do
        not keep T' modulo the primitive lattice, and translations float64 (|P|, 3), Å."""
        found = self.primitive
        permutations = self.copies.carried(found.rotations, found.images, found.offsets)
        return frozen(permutations), frozen(found.shifts @ found.basis)

    @cached_property
    def operations_of_cell(self) -> tuple[IntArray, FloatArray]:
        """The rotations of P' on the primitive basis, int (|P'|, 3, 3), and their shifts, float64 (|P'|, 3)."""
        return self.primitive.rotations[self.kept], self.primitive.shifts[self.kept]

    @cached_property
    def setting(self) -> StandardSetting:
        """The standard setting of the space group that the cell keeps, which labels refer to."""
        generators = self.point_group.generators
        return standard_setting(self.primitive, self.kept, self.holohedry, generators, self.quotient.form, self.origin)

    @cached_property
    def standard_operations(self) -> tuple[IntArray, FloatArray]:
        """The operations of P' in the standard setting."""
        return self.setting.operations(*self.operations_of_cell)

    @property
    def complete(self) -> bool:
        """Whether the cell keeps every rotation of the crystal."""
        return self.point_group.order == self.full_point_group.order

    @property
    def translations(self) -> int:
        """|T / T'|, the number of primitive cells in the cell."""
        return self.quotient.order

    def account(self) -> str:
        """What the choice of the cell does to the symmetry, in a line."""
        text = f"{_text(self.cell)} of the given cell, {self.translations} primitive cells"
        if self.complete:
            return f"{text}, keeps the whole point group"
        return (
            f"{text}, keeps {self.point_group.symbol} of the point group {self.full_point_group.symbol} only; the least cell "
            f"over it that keeps all is {_text(self.least_cell)}"
        )


#: Largest multiple of an edge; groups of far smaller cells are already too large.
_LARGEST_MULTIPLE = 1_000


def parse_supercell(supercell: Any) -> IntArray:
    """The integer matrix (3, 3) of a supercell given as an integer, three integers or a matrix.

    Raises:
        DetectionError: not integers, another shape, or singular.
    """
    try:
        array = real_array([supercell] if np.ndim(supercell) == 0 else supercell, "a supercell of integers")
        array = array[0] if np.ndim(supercell) == 0 else array
    except Exception:  # the value is the user's, and so is what its conversion raises
        array = np.zeros(0)
    if array.shape not in ((), (3,), (3, 3)):
        raise DetectionError(
            f"supercell must be an integer, three integers or a 3x3 integer matrix, got {shown(supercell)}; supercell=2 is the "
            "cell of twice every edge"
        )
    if (np.abs(array) > _LARGEST_MULTIPLE).any() or (array != np.round(array)).any():
        raise DetectionError(
            f"supercell must hold integers of at most {_LARGEST_MULTIPLE}, got {shown(supercell)}; for example (2, 2, 2)"
        )
    matrix = np.round(array).astype(np.int64)
    matrix = matrix * np.eye(3, dtype=np.int64) if matrix.ndim < 2 else matrix
    if round(float(np.linalg.det(matrix))) == 0 or (array.ndim < 2 and (array < 1).any()):
        raise DetectionError(
            f"the supercell {supercell!r} has no volume or a negative edge; give positive multiples of the edges, or a matrix "
            "of three independent rows"
        )
    return matrix


def supercell_group(
    structure: Structure,
    found: CrystalSymmetry,
    cell: IntArray,
    origin: str | None = None,
    naming: Callable[[Supercell, NDArray[np.intp]], str] | None = None,
) -> tuple[Structure, FiniteGroup, SiteOperations, Supercell]:
    """The crystal in a multiple of the given cell, and its space group modulo the translations of that multiple.

    Sites are listed cell by cell, the given sites of each in their order; the cells by rising multiples of the given edges,
    so that the multiple (1, 1, 1) leaves the structure as it is.

    Args:
        structure: as given.
        found: its symmetry.
        cell: int (3, 3), the multiple.
        origin: chemical symbol of the atom at the origin of the standard setting; None for the rule of
            `sbs.structures.standard_setting`.
        naming: the symbol of the space group that some elements form.

    Raises:
        DetectionError: the structure is a layer and the cell a multiple of its third vector.
        SearchLimitError: |S| exceeds ``MAX_CRYSTAL_ORDER``.
    """
    if structure.layer and (cell[2, 2] != 1 or cell[2, :2].any() or cell[:2, 2].any()):
        raise DetectionError(
            "the structure is a layer, whose third cell vector is no period; expected a supercell such as (2, 2, 1), got "
            f"{cell.tolist()}"
        )
    primitive, number, places = primitive_crystal(structure, found)
    given = integers(np.asarray(structure.lattice) @ np.linalg.inv(primitive.basis))
    sublattice = cell @ given
    actions = primitive.rotations.transpose(0, 2, 1)
    turned = sublattice @ actions @ np.linalg.inv(sublattice)
    kept = np.flatnonzero(np.abs(turned - np.round(turned)).max(axis=(1, 2)) < INTEGER_SLACK)
    translations = abs(round(float(np.linalg.det(sublattice))))
    if len(kept) * translations > MAX_CRYSTAL_ORDER:
        raise SearchLimitError(
            f"the space group modulo this cell has {len(kept)} x {translations} = {len(kept) * translations} elements, over "
            f"the limit of {MAX_CRYSTAL_ORDER}; take a smaller supercell"
        )
    point_group, order = found.group, np.arange(found.group.order)
    if len(kept) < found.group.order:
        point_group, order = oriented_group(found.group.matrices[kept])
    kept = kept[order]
    points = _points_inside(cell)
    site_of = np.tile(number, len(points))
    place_of = (points[:, None] @ given + places[None]).reshape(-1, 3)
    full = _supercell_structure(structure, cell, points)

    rotations = primitive.rotations[kept]
    copies = Copies.of(sublattice, site_of, place_of)
    quotient = copies.quotient
    moved = place_of @ rotations.transpose(0, 2, 1) + primitive.offsets[kept][:, site_of]
    # Followed by a translation the cell of the image is another; sums of cells are looked up.
    cells = quotient.sums[:, quotient.number(moved)].transpose(1, 0, 2)
    permutations = copies.numbers[primitive.images[kept][:, None, site_of], cells].reshape(-1, len(site_of))
    rotation_of = np.repeat(np.arange(len(kept)), quotient.order)
    lattice_of = np.tile(quotient.points, (len(kept), 1))
    shifts = found.translations[kept][rotation_of] + lattice_of @ primitive.basis
    complete = len(kept) == found.group.order
    least = cell if complete else _least_cell(sublattice, actions, given, np.asarray(structure.lattice))
    supercell = Supercell(
        *(cell, primitive, point_group, kept, rotation_of, lattice_of, copies, found.group, least),
        *(found.holohedry, origin),
    )
    names = None if naming is None else partial(naming, supercell)
    operations = SiteOperations(point_group.matrices[rotation_of], shifts, permutations, names)
    group = FiniteGroup.from_actions(
        _left_actions(point_group, rotations, primitive.shifts[kept], quotient), operations
    )
    return full, group, operations, supercell


def _left_actions(
    point_group: PointGroup, rotations: IntArray, shifts: FloatArray, quotient: Quotient
) -> NDArray[np.int64]:
    """Left-regular action (k, |S|) of generators: those of P' with their shifts, and the basis translations.

    (W1, w1 + n1)(W2, w2 + n2) = (W1 W2, w12 + n1 + W1 n2 + c), with the integer c = w1 + W1 w2 - w12.
    """
    everything = np.arange(len(rotations))
    lattices = quotient.number(quotient.points @ rotations.transpose(0, 2, 1))
    result = []
    for element in (0, *point_group.generators):
        product = np.asarray(point_group.multiply(element, everything), dtype=np.int64)
        carry = integers(shifts[element] + shifts @ rotations[element].T - shifts[product])
        moves = (np.zeros((1, 3), dtype=np.int64),) if element else np.eye(3, dtype=np.int64)[:, None]
        for move in moves:
            places = quotient.sums[quotient.number(carry + move)[:, None], lattices[element]]
            result.append((product[:, None] * quotient.order + places).reshape(-1))
    return np.array(result)


def _least_cell(sublattice: IntArray, actions: IntArray, given: IntArray, lattice: FloatArray) -> IntArray:
    kept = kept_sublattice(sublattice, actions)
    multiple = np.round(kept @ np.linalg.inv(given)).astype(np.int64)
    return diagonal_or_reduced(multiple, lattice)


def _points_inside(cell: IntArray) -> IntArray:
    """Integer vectors (m, 3), one for each class modulo the rows of ``cell``, in its half-open parallelepiped, sorted."""
    corners = np.array(list(np.ndindex(2, 2, 2))) @ cell
    low, high = corners.min(axis=0), corners.max(axis=0)
    candidates = np.array(list(np.ndindex(*(high - low + 1)))) + low
    # The adjugate keeps the test exact: x = n cell^-1 lies in [0, 1) if 0 <= n adj < det, for a positive determinant.
    determinant = round(float(np.linalg.det(cell)))
    scaled = candidates @ np.round(np.linalg.inv(cell) * determinant).astype(np.int64) * np.sign(determinant)
    inside = ((scaled >= 0) & (scaled < abs(determinant))).all(axis=1)
    return np.asarray(candidates[inside])


def _supercell_structure(structure: Structure, cell: IntArray, points: IntArray) -> Structure:
    if np.array_equal(cell, np.eye(3)):
        return structure
    lattice = np.asarray(structure.lattice)
    positions = (structure.positions[None] + (points @ lattice)[:, None]).reshape(-1, 3)
    return replace(
        structure, positions=positions, numbers=np.tile(structure.numbers, len(points)), lattice=cell @ lattice
    )


def _text(cell: IntArray) -> str:
    diagonal = np.diagonal(cell)
    if not (cell - np.diag(diagonal)).any():
        return "x".join(str(n) for n in diagonal.tolist())
    return str(cell.tolist())
