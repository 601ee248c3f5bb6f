"""Bases of the displacements and strains that K leaves invariant and S does not: V^K ⊖ V^S, one irrep and one orbit of sites at
a time, less the rigid motions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sbs.groups import Subgroup
from sbs.objects.invariants import FIXED_TOLERANCE, projector_basis
from sbs.structures.detected import Detected
from sbs.structures.inputs import Structure
from sbs.structures.irreps import real_irreps
from sbs.structures.sites import STRAIN_BASIS, rigid_motions, site_orbits, strain_matrices

__all__ = ["displacement_patterns", "fixing_elements", "in_plane", "strain_patterns"]

# A rigid motion has a part in a space of patterns if the part's squared norm is above this: 0 or of order 1 /
# num_sites.
RIGID = 1e-8


def displacement_patterns(parent: Detected, kept: Subgroup) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Orthonormal patterns float64 (p, num_sites, 3), and the irrep of S that each belongs to.

    Args:
        parent: with a finite group S. kept: K.
    """
    irreps = [irrep for irrep in real_irreps(parent) if not irrep.trivial]
    matrices, members = parent.matrices, kept.mask / kept.order
    per_irrep: list[list[NDArray[np.float64]]] = [[] for _ in irreps]
    for orbit in site_orbits(parent):
        fixed = projector_basis(orbit.mean(matrices, members))
        for found, irrep in zip(per_irrep, irreps, strict=True):
            basis = _inside(orbit.mean(matrices, irrep.weights), fixed)
            found.append(orbit.spread(basis.T, len(parent.structure)))
    rigid = rigid_motions(parent)
    patterns = [_without(np.concatenate(found), rigid) for found in per_irrep]
    names = tuple(irrep.name for irrep, found in zip(irreps, patterns, strict=True) for _ in found)
    return np.concatenate([np.zeros((0, len(parent.structure), 3)), *patterns]), names


def strain_patterns(parent: Detected, kept: Subgroup) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Orthonormal symmetric matrices float64 (q, 3, 3), and the irrep of S that each belongs to; none for a molecule."""
    if not parent.structure.periodic:
        return np.zeros((0, 3, 3)), ()
    irreps = [irrep for irrep in real_irreps(parent) if not irrep.trivial]
    turns = strain_matrices(parent.matrices)
    fixed = projector_basis(np.tensordot(kept.mask / kept.order, turns, axes=1))
    if parent.structure.layer:
        fixed = _inside(in_plane(parent.structure), fixed)
    bases = [_inside(np.tensordot(irrep.weights, turns, axes=1), fixed) for irrep in irreps]
    names = tuple(irrep.name for irrep, basis in zip(irreps, bases, strict=True) for _ in basis.T)
    return np.einsum("bq,bij->qij", np.concatenate([np.zeros((6, 0)), *bases], axis=1), STRAIN_BASIS), names


def _inside(projector: NDArray[np.float64], fixed: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis (d, k) of the part of a space with basis ``fixed`` (d, f) in the image of a projector that maps
    the space to itself."""
    local = fixed.T @ projector @ fixed
    return np.asarray(fixed @ projector_basis((local + local.T) / 2))


def in_plane(layer: Structure) -> NDArray[np.float64]:
    """Projector (6, 6) onto the strains of a layer that leave its normal alone."""
    assert layer.lattice is not None
    normal = layer.lattice[2] / np.linalg.norm(layer.lattice[2])
    flat = np.eye(3) - np.outer(normal, normal)
    pressed = flat @ STRAIN_BASIS @ flat
    return np.einsum("aij,bij->ab", STRAIN_BASIS, pressed)


def fixing_elements(parent: Detected, patterns: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which elements leave every one of some unit patterns (p, num_sites, 3) as it is."""
    mask = np.ones(len(parent.permutations), dtype=bool)
    for pattern in patterns:
        left = np.flatnonzero(mask)
        turned = np.einsum("gij,nj->gni", parent.matrices[left], pattern, optimize=True)
        mask[left] = np.abs(turned - pattern[parent.permutations[left]]).max(axis=(1, 2)) < FIXED_TOLERANCE
    return mask


def _without(patterns: NDArray[np.float64], rigid: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis of the span of ``patterns`` (p, n, 3) less the rigid motions (r, n, 3) inside it.

    The rigid motions form a representation of S of their own, so their part in the span of K-invariant
    patterns of one irrep is again rigid.
    """
    count = len(patterns)
    if count == 0:
        return patterns
    parts = patterns.reshape(count, -1) @ rigid.reshape(len(rigid), -1).T
    left, sizes, _ = np.linalg.svd(parts, full_matrices=False)
    inside = left[:, sizes**2 > RIGID]
    if inside.shape[1] == 0:
        return patterns
    rest = projector_basis(np.eye(count) - inside @ inside.T)
    return np.einsum("pk,pni->kni", rest, patterns)
