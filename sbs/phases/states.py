"""Distorted structures as points of the parent's representation: displacements and strain, moved by the parent's group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.structures.detected import Detected
from sbs.structures.inputs import Structure
from sbs.structures.orient import polar
from sbs.structures.sites import RealIrrep

__all__ = ["STATE_TOLERANCE", "State", "carried", "isotypic_basis", "state_of"]

Floats = NDArray[np.float64]

#: Å: states that differ by less are one. Relaxed to 1e-3 eV/Å, soft coordinates are good to some 1e-3 Å.
STATE_TOLERANCE = 0.02

# Eigenvalues of a projector are 0 or 1 up to rounding.
_HALF = 0.5


@dataclass(frozen=True, eq=False)
class State:
    """A structure as a distortion of a symmetric one.

    Attributes:
        parent: the symmetric structure.
        displacement: float64 (num_sites, 3), Å, in the unstrained parent, without the mean.
        stretch: float64 (3, 3), symmetric: 1 + strain.
    """

    parent: Detected
    displacement: Floats
    stretch: Floats

    @property
    def strain(self) -> Floats:
        """float64 (3, 3)."""
        return self.stretch - np.eye(3)

    def images(self) -> tuple[Floats, Floats]:
        """Displacements (order, num_sites, 3) and stretches (order, 3, 3) of all images under S."""
        matrices = self.parent.matrices
        moved = carried(self.parent, self.displacement[None])[:, 0]
        return moved, matrices @ self.stretch @ np.swapaxes(matrices, 1, 2)

    def elements_to(self, other: State, tolerance: float = STATE_TOLERANCE) -> NDArray[np.int64]:
        """Numbers of the elements of S that carry this state to another one, to within ``tolerance`` Å."""
        moved, stretches = self.images()
        off = np.linalg.norm(moved - other.displacement, axis=2).max(1)
        edge = 1.0 if self.parent.structure.lattice is None else np.linalg.norm(self.parent.structure.lattice, axis=1).max()
        bent = np.abs(stretches - other.stretch).max((1, 2)) * edge
        return np.flatnonzero(np.maximum(off, bent) < tolerance)

    def amplitude(self, irrep: RealIrrep) -> float:
        """Norm in Å, over all sites of the cell, of the part of the displacements that belongs to one irrep."""
        return float(np.linalg.norm(np.einsum("g,gni->ni", irrep.weights, self.images()[0])))


def carried(found: Detected, fields: Floats) -> Floats:
    """Images (order, d, num_sites, 3) of displacement fields (d, num_sites, 3) under the elements of S."""
    turned = np.einsum("gij,dnj->gdni", found.matrices, fields, optimize=True)
    images = np.empty_like(turned)
    np.put_along_axis(images, found.permutations[:, None, :, None], turned, axis=2)
    return images


def state_of(parent: Detected, structure: Structure) -> State:
    """A structure with the sites of the parent, in their order and near them, as a state."""
    origin = parent.structure
    if origin.lattice is None or structure.lattice is None:
        displacement, stretch = structure.positions - origin.positions, np.eye(3)
    else:
        # Rows: r F, with F a stretch in the parent's frame followed by a turn.
        deformation: Floats = np.asarray(np.linalg.solve(origin.lattice, structure.lattice), dtype=np.float64)
        turn = polar(deformation)
        stretch = deformation @ turn.T
        displacement = structure.positions @ np.linalg.inv(deformation) - origin.positions
    return State(parent, displacement - displacement.mean(0), (stretch + stretch.T) / 2)


def isotypic_basis(found: Detected, irrep: RealIrrep) -> Floats:
    """Orthonormal columns (3 num_sites, m d) of the displacements that belong to one irrep, rigid motions included."""
    count = len(found.structure)
    place = (found.permutations * count + np.arange(count)).ravel()
    projector = np.empty((count, 3, count, 3))
    for i in range(3):
        for j in range(3):
            weights = np.repeat(irrep.weights * found.matrices[:, i, j], count)
            projector[:, i, :, j] = np.bincount(place, weights, count * count).reshape(count, count)
    flat = projector.reshape(3 * count, 3 * count)
    values, vectors = np.linalg.eigh((flat + flat.T) / 2)
    return vectors[:, values > _HALF]
