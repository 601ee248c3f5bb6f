"""Fix(K): a structure of symmetry K in its primitive cell, and the few coordinates that keep K.

The energy is invariant under K, so at a K-symmetric structure its gradient is K-symmetric as well: a relaxation that
moves only along K-invariant displacements and K-invariant strains loses nothing and cannot drift to another symmetry
(R. S. Palais, "The principle of symmetric criticality", Commun. Math. Phys. 69, 19 (1979)). With R of K and an
invariant strain ε, R (1 + ε) R^T = 1 + ε, so K stays a group of motions of the strained crystal, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.structures.inputs import Structure
from sbs.structures.lattice import reduced_basis
from sbs.structures.pattern_spaces import in_plane
from sbs.structures.sites import STRAIN_BASIS, strain_matrices

__all__ = ["FixedSpace", "fixed_space"]

Floats = NDArray[np.float64]

# Singular values of a projector are 0 or 1 up to rounding in sums of some hundred terms.
_HALF = 0.5
# A pure translation's matrix is the identity; matrices are exact to 1e-12.
_SAME_MATRIX = 1e-6
# Lattice points are integer combinations of the reduced basis, up to the accuracy of the coordinates.
_INTEGER_SLACK = 0.1


@dataclass(frozen=True, eq=False)
class FixedSpace:
    """A structure of symmetry K and the coordinates that K leaves free.

    Attributes:
        structure: in a primitive cell of K, (x, y, z) as in the parent; a molecule as it is.
        cell: the structure in the cell that was given, a multiple of the primitive one.
        site_of: int (num_sites of ``cell``,), the site of the primitive cell that each site is a copy of.
        matrices: float64 (k, 3, 3), the point part of K.
        permutations: int (k, num_sites), site i goes to ``permutations[g, i]`` modulo the lattice.
        displacements: float64 (p, num_sites, 3), orthonormal K-invariant displacements without rigid motions.
        strains: float64 (q, 3, 3), orthonormal K-invariant symmetric matrices; in the plane of a layer, none for a molecule.
    """

    structure: Structure
    cell: Structure
    site_of: NDArray[np.int64]
    matrices: Floats
    permutations: NDArray[np.int64]
    displacements: Floats
    strains: Floats

    @property
    def dimension(self) -> int:
        """Number of free coordinates, internal and strain."""
        return len(self.displacements) + len(self.strains)

    def displaced(self, coordinates: Floats) -> Structure:
        """The structure at coordinates (p + q,): displacements in Å, then strain components."""
        return self._at(self.structure, coordinates, np.arange(len(self.structure)))

    def displaced_cell(self, coordinates: Floats) -> Structure:
        """The same in the cell that was given, its sites in their order."""
        return self._at(self.cell, coordinates, self.site_of)

    def _at(self, structure: Structure, coordinates: Floats, site_of: NDArray[np.int64]) -> Structure:
        count = len(self.displacements)
        moves = np.einsum("p,pni->ni", coordinates[:count], self.displacements)
        stretch = np.eye(3) + np.einsum("q,qij->ij", coordinates[count:], self.strains)
        lattice = structure.lattice
        return replace(
            structure,
            positions=(structure.positions + moves[site_of]) @ stretch,
            lattice=None if lattice is None else lattice @ stretch,
        )


def fixed_space(structure: Structure, matrices: Floats, permutations: NDArray[np.int64]) -> FixedSpace:
    """Coordinates of the structures that have the symmetry of this one.

    Args:
        structure: symmetric under K.
        matrices: float64 (k, 3, 3), point parts of the elements of K, those of pure translations (identity matrices)
            among them.
        permutations: int (k, num_sites), what each element does to the sites of the cell.
    """
    cell, site_of = structure, np.arange(len(structure))
    if structure.lattice is not None:
        structure, site_of, matrices, permutations = _primitive(structure, matrices, permutations)
    return FixedSpace(
        structure,
        cell,
        site_of,
        matrices,
        permutations,
        _invariant_displacements(structure, matrices, permutations),
        _invariant_strains(matrices, structure) if structure.periodic else np.zeros((0, 3, 3)),
    )


def _primitive(
    structure: Structure, matrices: Floats, permutations: NDArray[np.int64]
) -> tuple[Structure, NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Divide out the pure translations of K."""
    lattice = structure.lattice
    assert lattice is not None
    pure = permutations[np.abs(matrices - np.eye(3)).max((1, 2)) < _SAME_MATRIX]
    sites, number = np.unique(pure.min(0), return_inverse=True)
    if len(sites) < len(structure):
        # A translation is where it takes site 0, modulo the cell.
        shifts = structure.positions[pure[:, 0]] - structure.positions[0]
        lattice = _generated_lattice(lattice, shifts)
        if structure.layer:
            lattice = _normal_last(lattice, structure.lattice[2])  # type: ignore[index]
        structure = replace(
            structure, positions=structure.positions[sites], numbers=structure.numbers[sites], lattice=lattice
        )
    reduced = number[permutations[:, sites]]
    _, first = np.unique(
        np.round(matrices.reshape(len(matrices), 9), 6), axis=0, return_index=True
    )
    first = np.sort(first)
    return structure, number, matrices[first], reduced[first]


def _generated_lattice(lattice: Floats, shifts: Floats) -> Floats:
    """Reduced basis of the lattice that some cell vectors (3, 3) and translations (m, 3) generate."""
    count = len(shifts)
    fractional = shifts @ np.linalg.inv(lattice)
    # The index of the cell's lattice in the generated one is the number of translations, so their
    # fractional coordinates are multiples of 1 / count.
    integers = np.round(fractional * count)
    if np.abs(fractional * count - integers).max() > _INTEGER_SLACK * count:
        raise DetectionError("the pure translations of the target are no fractions of the cell vectors")
    rows = np.concatenate([integers, count * np.eye(3)]).astype(np.int64)
    return reduced_basis(_hermite(rows)[:3] / count @ lattice)


def _normal_last(lattice: Floats, normal: Floats) -> Floats:
    """A reduced basis of a layer's lattice, turned round so that its third row is ``normal``.

    The normal is orthogonal to the periods and longer, so that a reduced basis holds it or its opposite.
    """
    third = int(np.abs(lattice @ normal).argmax())
    return np.array([lattice[(third + 1) % 3], lattice[(third + 2) % 3], normal])


def _hermite(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row-style Hermite normal form of integer rows, the zero rows last."""
    work = rows.copy()
    top = 0
    for column in range(work.shape[1]):
        while True:
            nonzero = top + np.flatnonzero(work[top:, column])
            if not len(nonzero):
                break
            pivot = nonzero[np.abs(work[nonzero, column]).argmin()]
            work[[top, pivot]] = work[[pivot, top]]
            factors = work[top + 1 :, column] // work[top, column]
            work[top + 1 :] -= factors[:, None] * work[top]
            if not work[top + 1 :, column].any():
                top += 1
                break
    return work


def _invariant_displacements(structure: Structure, matrices: Floats, permutations: NDArray[np.int64]) -> Floats:
    """Orthonormal basis (p, n, 3) of the invariant displacements, orthogonal to rigid motions; orbit by orbit."""
    count = len(structure)
    basis = []
    for first in np.unique(permutations.min(0)):
        # An invariant field on an orbit is fixed by its value at one site, which the site's stabilizer leaves alone.
        stays = permutations[:, first] == first
        values, kept = np.linalg.eigh(matrices[stays].mean(0) + matrices[stays].mean(0).T)
        for vector in kept.T[values > 2 * _HALF]:
            field = np.zeros((count, 3))
            field[permutations[:, first]] = matrices @ vector
            basis.append(field / np.linalg.norm(field))
    if not basis:
        return np.zeros((0, count, 3))
    fields = np.array(basis).reshape(len(basis), -1)
    rigid = _rigid_motions(structure)
    rest = fields - fields @ rigid.T @ rigid
    _, weights, rows = np.linalg.svd(rest, full_matrices=False)
    # Fields are orthonormal, and what they share with rigid motions is invariant too, so singular values are 0 or 1.
    return np.ascontiguousarray(rows[weights > _HALF]).reshape(-1, count, 3)


def _rigid_motions(structure: Structure) -> Floats:
    """Orthonormal rows (r, 3 n): translations, and for a molecule infinitesimal rotations about its centroid."""
    count = len(structure)
    rows = [np.tile(axis, count) for axis in np.eye(3)]
    if structure.lattice is None:
        centred = structure.positions - structure.positions.mean(0)
        rows += [np.cross(axis, centred).ravel() for axis in np.eye(3)]
    _, weights, basis = np.linalg.svd(np.array(rows), full_matrices=False)
    return basis[weights > 1e-6 * weights[0]]


def _invariant_strains(matrices: Floats, structure: Structure) -> Floats:
    """Orthonormal basis (q, 3, 3) of the invariant symmetric matrices; of a layer those that leave its normal alone."""
    mean = strain_matrices(matrices).mean(0)
    if structure.layer:
        mean = mean @ in_plane(structure)  # they commute: K keeps the normal up to its sign
    values, vectors = np.linalg.eigh((mean + mean.T) / 2)
    return np.einsum("aq,aij->qij", vectors[:, values > _HALF], STRAIN_BASIS)
