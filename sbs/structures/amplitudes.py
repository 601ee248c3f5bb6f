"""Amplitudes of a distortion by irreducible representation of S, as crystallographers give them.

D. Orobengoa, C. Capillas, M. I. Aroyo, J. M. Perez-Mato, J. Appl. Cryst. 42, 820 (2009) (AMPLIMODES), and B. J. Campbell,
H. T. Stokes, D. E. Tanner, D. M. Hatch, J. Appl. Cryst. 39, 607 (2006) (ISODISPLACE): A_s is the root of the sum of the
squared displacements in the child's primitive cell, A_p = A_s √(V_p / V_s) that per primitive cell of the parent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.groups import Subgroup
from sbs.structures.detected import Detected
from sbs.structures.irreps import real_irreps
from sbs.structures.primary import primary_choice
from sbs.structures.sites import CHUNK, changes

__all__ = ["ModeAmplitude", "mode_amplitudes"]

# Amplitudes (Å) and strains below this are rounding.
VANISHING = 1e-10
# A part of a distortion that an element changes by less than this fraction is left as it is: rounding.
UNMOVED = 1e-6


@dataclass(frozen=True)
class ModeAmplitude:
    """What one irreducible representation contributes to a distortion.

    Attributes:
        irrep: its name: "R4+" in a supercell, a Mulliken name where S is a point group.
        standard: A_s, Å: the norm of its displacements in the child's primitive cell.
        parent: A_p, Å: the same per primitive cell of the parent.
        strain: Frobenius norm of its part of the strain.
        primary: whether it is one of the primary order parameters: of the fewest irreps whose parts of this distortion together
            leave K and no more, and of several such choices that with the largest squared displacements.
    """

    irrep: str
    standard: float
    parent: float
    strain: float
    primary: bool


def mode_amplitudes(
    detected: Detected, target: Subgroup, displacement: NDArray[np.float64], strain: NDArray[np.float64]
) -> tuple[ModeAmplitude, ...]:
    """The irreps that take part in a distortion, in the order of their names' table, with the totally symmetric one.

    Args:
        target: K. displacement: float64 (num_sites, 3), Å. strain: float64 (3, 3).
    """
    irreps = real_irreps(detected)
    weights = np.array([irrep.weights for irrep in irreps])
    parts = np.zeros((len(irreps), displacement.size))
    stretches = np.zeros((len(irreps), 9))
    matrices, inverse = detected.matrices, np.argsort(detected.permutations, axis=1)
    step = max(1, CHUNK // max(1, displacement.size))
    for start in range(0, len(matrices), step):
        part = slice(start, start + step)
        moved = np.einsum("gij,gnj->gni", matrices[part], displacement[inverse[part]], optimize=True)
        turned = matrices[part] @ strain @ matrices[part].transpose(0, 2, 1)
        parts += weights[:, part] @ moved.reshape(len(moved), -1)
        stretches += weights[:, part] @ turned.reshape(len(turned), -1)
    whole, child = _primitive_cells(detected, target)
    norms, strains = (np.linalg.norm(values, axis=1) for values in (parts, stretches))
    norms, strains = (np.where(values > VANISHING, values, 0.0) for values in (norms, strains))
    active = [k for k in range(len(irreps)) if norms[k] > 0 or strains[k] > 0]
    masks = []
    for k in active:
        moved, turned = changes(detected, parts[k].reshape(-1, 3), stretches[k].reshape(3, 3))
        masks.append((moved <= UNMOVED * max(norms[k], VANISHING)) & (turned <= UNMOVED * max(strains[k], VANISHING)))
    chosen = primary_choice(masks, target.order, [(-float(norms[k] ** 2),) for k in active])
    return tuple(
        ModeAmplitude(
            irreps[k].name,
            float(norms[k] * np.sqrt(child / whole)),
            float(norms[k] / np.sqrt(whole)),
            float(strains[k]),
            number in chosen,
        )
        for number, k in enumerate(active)
    )


def _primitive_cells(detected: Detected, target: Subgroup) -> tuple[int, int]:
    """How many primitive cells of the parent there are in the structure, and in the child's primitive cell."""
    if detected.supercell is None:
        return len(detected.pure_translations), 1
    count = detected.supercell.translations
    return count, count // int(target.mask[:count].sum())  # the first elements of S are the translations
