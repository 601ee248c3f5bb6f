"""The Hessian of a symmetric structure, from as few displaced structures as its symmetry allows.

One route for crystals and molecules (K. Parlinski, Z. Q. Li, Y. Kawazoe, Phys. Rev. Lett. 78, 4063 (1997), for the
direct method): with H_ji the second derivatives by the displacements of sites j and i, every element g of S = (R,
π) gives H_{π j, π i} = R H_ji R^T. So one site of each orbit is displaced, along directions whose images under the
site's stabilizer span space, and backwards too unless the symmetry does that.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sbs.groups.abstract.validation import check_tolerance
from sbs.phases.potential import Potential
from sbs.structures.inputs import Structure

__all__ = ["DEFAULT_STEP", "MAX_STEP", "Hessian", "finite_differences"]

Floats = NDArray[np.float64]

#: Å: large enough for forces in float32, small enough for the cubic terms that central differences leave.
DEFAULT_STEP = 0.01

#: Å: beyond, differences are no derivatives.
MAX_STEP = 0.2

# Directions that are tried, simplest first: one of them spans space under any cubic site, any site at all takes three.
_DIRECTIONS = np.array(
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1], [1, 2, 3]], dtype=np.float64
)
_DIRECTIONS /= np.linalg.norm(_DIRECTIONS, axis=1, keepdims=True)

# Exact matrices send directions to directions up to rounding.
_SAME = 1e-6
# Singular values below this are directions that are not spanned; those of images of the directions above are larger.
_RANK = 1e-3


@dataclass(frozen=True, eq=False)
class Hessian:
    """Second derivatives of the energy at a symmetric structure.

    Attributes:
        matrix: float64 (3 n, 3 n), eV/Å², symmetric, invariant under S and under translations.
        noise: eV/Å², the norm (largest singular value) of what had to be averaged away to make it so: curvatures below
            it cannot be told from zero.
        forces: float64 (n, 3), eV/Å, at the structure itself.
        calls: evaluations that it took.
    """

    matrix: Floats
    noise: float
    forces: Floats
    calls: int


def finite_differences(
    structure: Structure,
    matrices: Floats,
    permutations: NDArray[np.int64],
    potential: Potential,
    step: float = DEFAULT_STEP,
) -> Hessian:
    """Central differences of forces.

    Args:
        structure: symmetric.
        matrices, permutations: float64 (order, 3, 3) and int (order, n): all elements of S.
        potential: what to differentiate.
        step: Å.

    Raises:
        InvalidGroupError: a step that is no positive number of at most ``MAX_STEP``.
    """
    step = check_tolerance(step, "step", MAX_STEP)
    count = len(structure)
    before = potential.calls
    forces = potential.evaluate(structure, stress=False).forces
    raw = np.zeros((count, 3, count, 3))
    for first in np.unique(permutations.min(0)):
        column = _column(structure, forces, int(first), matrices, permutations, potential, step)
        # Every image of the site once, and the column carried there.
        images, movers = np.unique(permutations[:, first], return_index=True)
        for site, g in zip(images, movers, strict=True):
            turned = np.einsum("ab,jbc,dc->jad", matrices[g], column, matrices[g])
            raw[permutations[g], :, site, :] = turned
    flat = raw.reshape(3 * count, 3 * count)
    symmetric = (flat + flat.T) / 2
    rigid = np.tile(np.eye(3), (count, 1)) / np.sqrt(count)
    free = np.eye(3 * count) - rigid @ rigid.T
    matrix = free @ symmetric @ free
    noise = float(np.linalg.norm(matrix - flat, 2))
    return Hessian(matrix, noise, forces, potential.calls - before)


def _column(
    structure: Structure,
    at_rest: Floats,
    site: int,
    matrices: Floats,
    permutations: NDArray[np.int64],
    potential: Potential,
    step: float,
) -> Floats:
    """H_{j, site} for all j, float64 (n, 3, 3): second index of the response, third of the displacement."""
    stays = np.flatnonzero(permutations[:, site] == site)
    rotations, moves = matrices[stays], permutations[stays]
    responses, normal = np.zeros((len(structure), 3, 3)), np.zeros((3, 3))
    for direction, both in _directions(rotations):
        gained = _forces(structure, site, direction * step, potential) - at_rest
        if both:
            opposite = _forces(structure, site, -direction * step, potential) - at_rest
        else:
            # An element that turns the direction round says what the backward step would give. It says so of the change of
            # the forces alone: those at rest need not be invariant, for some potentials know no reflections (SevenNet-0).
            back = int(np.abs(rotations @ direction + direction).max(1).argmin())
            opposite = np.empty_like(gained)
            opposite[moves[back]] = gained @ rotations[back].T
        slope = -(gained - opposite) / (2 * step)
        for rotation, move in zip(rotations, moves, strict=True):
            turned = np.empty_like(slope)
            turned[move] = slope @ rotation.T
            along = rotation @ direction
            responses += turned[:, :, None] * along
            normal += np.outer(along, along)
    return responses @ np.linalg.inv(normal)


def _directions(rotations: Floats) -> list[tuple[Floats, bool]]:
    """Directions whose images under a site's stabilizer span space, and whether each needs the backward step."""
    chosen: list[tuple[Floats, bool]] = []
    spanned = np.zeros((0, 3))
    while _rank(spanned) < 3:
        options = []
        for simplicity, direction in enumerate(_DIRECTIONS):
            images = rotations @ direction
            gained = _rank(np.concatenate([spanned, images])) - _rank(spanned)
            both = bool(np.abs(images + direction).max(1).min() > _SAME)
            options.append((gained / (2.0 if both else 1.0), -simplicity, direction, both, images))
        _, _, direction, both, images = max(options, key=lambda option: option[:2])
        chosen.append((direction, both))
        spanned = np.concatenate([spanned, images])
    return chosen


def _rank(vectors: Floats) -> int:
    return int((np.linalg.svd(vectors, compute_uv=False) > _RANK).sum()) if len(vectors) else 0


def _forces(structure: Structure, site: int, displacement: Floats, potential: Potential) -> Floats:
    positions = structure.positions.copy()
    positions[site] += displacement
    return potential.evaluate(replace(structure, positions=positions), stress=False).forces
