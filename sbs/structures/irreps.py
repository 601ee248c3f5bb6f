"""The irreducible representations of S by name, and how often each occurs among the displacements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sbs.structures.detected import Detected
from sbs.structures.group_names import stands_for_a_line
from sbs.structures.linear import linear_name
from sbs.structures.sites import RealIrrep, point_group_irreps, rigid_motions, site_orbits
from sbs.structures.space_irreps import space_irreps

__all__ = ["real_irreps", "vibrations"]


def real_irreps(detected: Detected) -> tuple[RealIrrep, ...]:
    """The real irreducible representations of S: Mulliken names for a point group, wave vector and number (CDML, "R4+") for
    the space group modulo a supercell.

    Raises:
        DetectionError: S is infinite.
    """
    if detected.supercell is not None:
        return tuple(RealIrrep(i.label, i.weights, i.trivial, i.dimension) for i in space_irreps(detected))
    found = point_group_irreps(detected.point_group().family)
    if stands_for_a_line(detected):
        return tuple(replace(irrep, name=linear_name(irrep.name)) for irrep in found)
    return found


def vibrations(detected: Detected) -> tuple[tuple[str, int], ...]:
    """How often each irrep occurs among the displacements of a primitive cell (or of a molecule, or of the supercell), rigid
    motions left out: ("T1u", 3), ("T2u", 1) for a cubic perovskite."""
    matrices = detected.matrices
    characters = np.zeros(len(matrices))
    for orbit in site_orbits(detected):
        stay = (orbit.permutations == np.arange(orbit.permutations.shape[1])).sum(axis=1)
        characters += stay * np.trace(matrices, axis1=1, axis2=2)
    characters -= np.trace(matrices, axis1=1, axis2=2)
    if not detected.structure.periodic:  # rotations turn as axial vectors
        turns = np.linalg.det(matrices)[:, None, None] * matrices
        axes = np.eye(3)
        if len(rigid_motions(detected)) == 5:  # atoms on a line are not turned about it
            axis = detected.rotations.rotation[:, 2]
            axes = axes - np.outer(axis, axis)
        characters -= np.einsum("ij,gji->g", axes, turns)
    found = []
    for irrep in real_irreps(detected):
        count = round(float(irrep.weights @ characters) / irrep.dimension)
        if count:
            found.append((irrep.name, count))
    return tuple(found)
