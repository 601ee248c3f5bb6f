"""Point group and site permutations of a crystal in its own Cartesian frame, by spglib.

spglib gives integer operations on a cell. They become Cartesian matrices through the exact lattice of
:mod:`sbs.structures.lattice`, so that a slightly wrong lattice still gives an exact group, and close to
where it lies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups import PointGroup, point_group
from sbs.structures.copies import Copies
from sbs.structures.inputs import Structure, minimum_image
from sbs.structures.lattice import exact_lattice, placed_holohedry, reduced_basis
from sbs.structures.neighbours import match_sites, neighbour_distances
from sbs.structures.orient import in_setting, oriented_group
from sbs.structures.setting import StandardCell, crystal_frame, is_undecided
from sbs.structures.spglib_calls import layer_group, symmetry_dataset

__all__ = ["CrystalSymmetry", "SpaceGroup", "crystal_symmetry", "primitive_cell", "space_group_of"]

# Below this many sites spglib answers faster than their neighbourhoods can be compared.
MANY_SITES = 200
# Neighbours that are compared, and up to what distance in mean spacings of the atoms: about two shells.
NEIGHBOURS = 12
NEIGHBOURHOOD = 1.6
# Gap in tolerances between distances that no operation can join: each end may miss by one tolerance, and a lattice
# that is off by one over a cell vector adds less than one over the distance of neighbours; doubled.
STANDS_OUT = 6.0
# Sites of one kind that are compared each with each; their number is squared.
COMPARED = 3_000
# An integer matrix computed in floating point must be this close to integers, else the lattices do not fit
# each other.
INTEGER_SLACK = 1e-3
# Lattice points are measured to within the tolerance, so on a basis of a few Å they miss integers by more.
LATTICE_POINT_SLACK = 0.1


@dataclass(frozen=True)
class SpaceGroup:
    """Number (1 to 230) and short international symbol of a space group, e.g. 221 and ``"Pm-3m"``; for a layer those of its
    layer group (1 to 80), 80 and ``"p6/mmm"``."""

    number: int
    symbol: str


@dataclass(frozen=True, eq=False)
class CrystalSymmetry:
    """What the crystal says. ``positions[permutations[g, i]] ≈ group.matrices[g] @ positions[i] + translations[g]`` modulo
    the lattice; ``pure_translations`` (m, num_sites) are the site permutations of the translations that the given cell
    contains, the identity first (more than one row for a cell that is not primitive). ``site_of`` (num_sites,) is the site of
    ``primitive`` that each site is a copy of, and ``images`` (g, primitive sites) what the operations do to those.
    """

    group: PointGroup
    holohedry: PointGroup
    space_group: SpaceGroup
    permutations: NDArray[np.int64]
    translations: NDArray[np.float64]
    pure_translations: NDArray[np.int64]
    deviation: float
    primitive: Structure
    site_of: NDArray[np.int64]
    images: NDArray[np.int64]


def primitive_cell(structure: Structure, tolerance: float) -> Structure:
    """The crystal in a primitive cell, in the same orientation; the first of each set of translated atoms is kept."""
    return _primitive(structure, _dataset(structure, tolerance))


def space_group_of(structure: Structure, tolerance: float) -> tuple[SpaceGroup, str]:
    """Space group (layer group) and Hermann-Mauguin point-group symbol of a crystal (layer), by spglib at ``tolerance`` Å."""
    dataset = _dataset(structure, tolerance)
    return _named(structure, dataset, tolerance), str(dataset.pointgroup)


def crystal_symmetry(structure: Structure, tolerance: float) -> CrystalSymmetry:
    """Symmetry of a crystal within ``tolerance`` Å.

    Raises:
        DetectionError: spglib finds no space group, or the operations and the lattice do not fit each other.
    """
    lattice = structure.lattice
    if lattice is None:
        raise DetectionError("a crystal was expected, got a molecule; give a lattice")
    cell = _Cell.of(structure, tolerance)
    stretch, lattice_rotations, own = exact_lattice(cell.basis, cell.rotations, tolerance)
    whole, numbers = oriented_group(lattice_rotations)
    place = np.argsort(numbers)[own]  # of the crystal's rotations in the holohedry
    holohedry = placed_holohedry(whole, place, cell.basis @ stretch)
    group, order = (whole, np.argsort(place)) if len(own) == whole.order else oriented_group(lattice_rotations[own])
    if is_undecided(group):
        primitive = cell.primitive
        assert primitive.lattice is not None
        normal = primitive.lattice[2] if structure.layer else None
        frame = crystal_frame(group, cell.standard, primitive.positions, primitive.numbers, primitive.lattice, normal)
        group, order = in_setting(group, lattice_rotations[own], frame)
    rotations, shifts = cell.rotations[order], cell.shifts[order]

    fractional = structure.positions @ np.linalg.inv(cell.basis)
    images = (fractional @ rotations.transpose(0, 2, 1) + shifts[:, None]) @ cell.basis
    primitive = cell.primitive
    first = np.unique(cell.site_of, return_index=True)[1]
    met = match_sites(
        primitive.positions, primitive.numbers, images[:, first], cell.basis, structure.shortest_distance
    )
    permutations, pure = met, np.arange(len(structure))[None]
    if len(structure) > len(primitive):
        inverse = np.linalg.inv(cell.basis)
        places = _integers(fractional - fractional[first][cell.site_of], LATTICE_POINT_SLACK)
        copies = Copies.of(_integers(lattice @ inverse, LATTICE_POINT_SLACK), cell.site_of, places)
        offsets = np.round(images[:, first] @ inverse - fractional[first][met]).astype(np.int64)
        permutations, pure = copies.carried(rotations, met, offsets), copies.translated()
    residuals = minimum_image(structure.positions[permutations] - images, cell.basis)
    shared = residuals.mean(axis=1)
    turned = structure.positions @ group.matrices.transpose(0, 2, 1)
    translations = (images - turned).mean(axis=1) + shared
    lattice_deviation = float(np.linalg.norm(cell.basis @ (stretch - np.eye(3)), axis=1).max())
    site_deviation = float(np.linalg.norm(residuals - shared[:, None], axis=2).max())
    return CrystalSymmetry(
        group,
        holohedry,
        cell.space_group,
        permutations,
        translations,
        pure,
        max(site_deviation, lattice_deviation),
        primitive,
        cell.site_of,
        met,
    )


@dataclass(frozen=True, eq=False)
class _Cell:
    """A crystal on a reduced basis (3, 3) of its primitive lattice: integer rotations (n, 3, 3), fractional shifts (n, 3),
    the crystal in a primitive cell, and the site of it that each given site is a copy of.
    """

    basis: NDArray[np.float64]
    rotations: NDArray[np.int64]
    shifts: NDArray[np.float64]
    space_group: SpaceGroup
    standard: StandardCell
    primitive: Structure
    site_of: NDArray[np.int64]

    @classmethod
    def of(cls, structure: Structure, tolerance: float) -> _Cell:
        assert structure.lattice is not None
        dataset = _dataset(structure, tolerance)
        lattice = primitive = structure.lattice
        rotations, shifts = np.asarray(dataset.rotations), np.asarray(dataset.translations, dtype=np.float64)
        site_of = np.arange(len(structure))
        if (rotations == np.eye(3, dtype=np.int64)).all(axis=(1, 2)).sum() > 1:
            site_of = np.unique(np.asarray(dataset.mapping_to_primitive), return_inverse=True)[1].reshape(-1)
            primitive = _own_axes(structure, np.asarray(dataset.primitive_lattice, dtype=np.float64))
            structure = _primitive(structure, dataset)
            _, first = np.unique(_keys(rotations), return_index=True)
            if len(first) == point_group(str(dataset.pointgroup)).order:
                rotations, shifts = rotations[first], shifts[first]
            else:
                # The given cell is of lower symmetry than the crystal: only the primitive one shows every rotation.
                dataset = _dataset(structure, tolerance)
                lattice = primitive
                rotations, shifts = np.asarray(dataset.rotations), np.asarray(dataset.translations)
        basis = reduced_basis(primitive)
        # Columns: vectors of the cell in the reduced basis. They are lattice points, measured to within the tolerance.
        change = _integers(np.linalg.solve(basis.T, lattice.T), LATTICE_POINT_SLACK)
        rotations, shifts = _integers(change @ rotations @ np.linalg.inv(change)), shifts @ change.T
        if len(np.unique(_keys(rotations))) != len(rotations):
            raise DetectionError(
                f"at a tolerance of {tolerance:g} Å the primitive cell that spglib found is not primitive; "
                "lower the tolerance"
            )
        space_group = _named(structure, dataset, tolerance)
        # the standard cell as it lies in the crystal: rows R a = a_std, so a = a_std R
        standard = StandardCell(
            np.asarray(dataset.std_lattice) @ np.asarray(dataset.std_rotation_matrix), int(dataset.hall_number)
        )
        return cls(basis, rotations, shifts, space_group, standard, structure, site_of)


def _keys(rotations: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each integer matrix (n, 3, 3), different for different ones with entries from -5 to 5."""
    return np.asarray(rotations.reshape(-1, 9).astype(np.int64) @ 11 ** np.arange(9))


def _integers(matrices: NDArray[np.float64], slack: float = INTEGER_SLACK) -> NDArray[np.int64]:
    rounded = np.round(matrices)
    off = float(np.abs(matrices - rounded).max())
    if off > slack:
        raise DetectionError(
            f"the crystal's rotations are not integer on its primitive lattice (off by {off:.1e}): the cell "
            "is not a multiple of it within the tolerance; lower the tolerance"
        )
    return rounded.astype(np.int64)


def _primitive(structure: Structure, dataset: Any) -> Structure:
    mapping = np.asarray(dataset.mapping_to_primitive)
    _, sites = np.unique(mapping, return_index=True)
    if len(sites) == len(mapping):
        return structure
    return replace(
        structure,
        positions=structure.positions[sites],
        numbers=structure.numbers[sites],
        lattice=_own_axes(structure, np.asarray(dataset.primitive_lattice)),
    )


def _own_axes(structure: Structure, lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """For a layer the basis in which the third vector is normal to it again, in the same handedness."""
    if not structure.layer:
        return lattice
    assert structure.lattice is not None
    normal = structure.lattice[2] / np.linalg.norm(structure.lattice[2])
    along = np.abs(lattice @ normal)
    third = int(along.argmax())
    first, second = (lattice[(third + k) % 3] for k in (1, 2))
    return np.array([first, second, structure.lattice[2] * np.sign(lattice[third] @ normal)])


def _dataset(structure: Structure, tolerance: float) -> Any:
    assert structure.lattice is not None
    return symmetry_dataset(structure.lattice, structure.fractional, _kinds(structure, tolerance), tolerance)


def _named(structure: Structure, dataset: Any, tolerance: float) -> SpaceGroup:
    if not structure.layer:
        return SpaceGroup(int(dataset.number), str(dataset.international))
    assert structure.lattice is not None
    return SpaceGroup(*layer_group(structure.lattice, structure.fractional, structure.numbers, tolerance))


def _kinds(structure: Structure, tolerance: float) -> NDArray[np.int64]:
    """Labels (n,) for spglib: those of the structure, split where neighbourhoods differ by more than any operation within
    the tolerance could.

    spglib tries every vector between two sites of the rarest label as a translation, which for a disordered structure is
    quadratic. Sites that stand out by the distances to their neighbours make that label rare, and take nothing away: an
    operation changes no sorted distance by more than twice what it misses an atom by.
    """
    count = len(structure)
    assert structure.lattice is not None
    if count < MANY_SITES:
        return structure.numbers
    spacing = (abs(float(np.linalg.det(structure.lattice))) / count) ** (1 / 3)
    distances = neighbour_distances(structure.positions, structure.lattice, NEIGHBOURHOOD * spacing, NEIGHBOURS)
    gap = STANDS_OUT * tolerance
    _, kinds = np.unique(structure.numbers, return_inverse=True)
    for column in distances.T:
        order = np.lexsort((column, kinds))
        split = (np.diff(kinds[order]) != 0) | (np.diff(column[order]) > gap)
        kinds = np.empty(count, dtype=np.int64)
        kinds[order] = np.concatenate([[0], np.cumsum(split)])
    members = [np.flatnonzero(kinds == kind) for kind in range(int(kinds.max()) + 1)]
    rarest = min(members, key=len)
    if 1 < len(rarest) <= COMPARED:  # a site that no other one of its kind resembles in all distances is a kind of its own
        alike = np.zeros(len(rarest), dtype=np.int64)
        for own in distances[rarest]:
            alike += (np.abs(distances[rarest] - own) <= gap).all(axis=1)
        alone = rarest[alike == 1]
        kinds[alone] = kinds.max() + 1 + np.arange(len(alone))
    return kinds + 1
