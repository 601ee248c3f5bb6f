"""The six phases: their subgroups K of the cubic crystal's group, the same for every composition, and how one is relaxed.

The cubic crystal has B at the origin, A in the middle and O halfway along the edges, in the order A, B, O. Its cell is fixed:
a label is a field of displacements of the sites of the cubic crystal, nothing else.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

import sbs
from sbs.groups import Subgroup
from sbs.phases.fixed_space import fixed_space
from sbs.phases.potential import Potential
from sbs.phases.relaxation import Relaxation, relax_in
from sbs.phases.states import STATE_TOLERANCE
from sbs.structures.detected import Detected
from sbs.structures.inputs import Structure

__all__ = [
    "PHASES", "TILTS", "ZONE_CENTRE", "cubic", "kept", "mean_over", "parent", "polar_axis",
    "reference", "relaxed",
    "same_domain", "subgroup", "tilts",
]  # fmt: skip

Floats = NDArray[np.float64]

#: Phases of the polar irrep at Γ, and phases of octahedral tilts: irreps of the cubic crystal, and the isotropy subgroup's
#: direction.
ZONE_CENTRE = {"P4mm": ("Γ4-", "(a,0,0)"), "Amm2": ("Γ4-", "(a,a,0)"), "R3m": ("Γ4-", "(a,a,a)")}
TILTS = {"I4/mcm": ("R4+", "(a,0,0)"), "R-3c": ("R4+", "(a,a,a)"), "Pnma": ("R4+|M3+", "(a,a,0|0,0,b)")}
PHASES = {**ZONE_CENTRE, **TILTS}

_SITES = np.array([[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])

#: eV/Å, the largest gradient at the end; curvatures along the labels are some eV/Å², so that labels are good to about 1e-3 Å.
FMAX = 2e-3
#: Most steps of one relaxation.
STEPS = 80


def cubic(numbers: tuple[int, int], edge: float, copies: int = 1) -> Structure:
    """ABO3 with an edge in Å, one cell or a cube of ``copies``³ of them, cell after cell."""
    shifts = np.indices((copies,) * 3).reshape(3, -1).T
    positions = (shifts[:, None] + _SITES).reshape(-1, 3) * edge
    return Structure(positions, np.tile([*numbers, 8, 8, 8], len(shifts)), edge * copies * np.eye(3))


@lru_cache(maxsize=2)
def parent(copies: int) -> Detected:
    """The group of the cubic crystal in one cell or in a cube of ``copies``³ of them, as it acts on the sites of `cubic`."""
    return sbs.detect(cubic((56, 22), 4.0), supercell=copies)


@lru_cache(maxsize=len(PHASES))
def subgroup(phase: str) -> tuple[Detected, Subgroup]:
    """S and K of a phase: the cell is 1×1×1 at the zone centre and 2×2×2 for tilts."""
    irreps, direction = PHASES[phase]
    found = parent(1 if phase in ZONE_CENTRE else 2)
    return found, next(row.target for row in sbs.isotropy(found, *irreps.split("|")) if row.direction == direction)


def mean_over(phase: str, field: Floats) -> Floats:
    """The part of a field, float64 (sites, 3), that K leaves invariant."""
    found, target = subgroup(phase)
    images = np.zeros((target.order, *field.shape))
    for image, g in zip(images, target.elements, strict=True):
        image[found.permutations[g]] = field @ found.matrices[g].T
    return images.mean(0)


def polar_axis(phase: str) -> Floats:
    """The unit vector that K leaves invariant, its first component that is not zero positive."""
    found, target = subgroup(phase)
    values, vectors = np.linalg.eigh(
        found.matrices[target.elements].mean(0) + found.matrices[target.elements].mean(0).T
    )
    axis = vectors[:, values.argmax()]
    return axis * np.sign(axis[np.flatnonzero(np.abs(axis) > 1e-6)[0]])


def tilts(phase: str) -> list[Floats]:
    """The rigid rotations of octahedra in K, one field for each irrep that drives it, the largest displacement 1."""
    found, _ = subgroup(phase)
    sites = np.round(found.structure.positions / 4.0 * 2).astype(
        int
    )  # in half edges: B even, O with one odd coordinate
    oxygen = np.flatnonzero((sites % 2).sum(1) == 1)
    along = np.argmax(sites[oxygen] % 2, axis=1)
    cells = (sites[oxygen] - np.eye(3, dtype=int)[along]) // 2
    fields = []
    for irrep in PHASES[phase][0].split("|"):
        best = np.zeros(found.structure.positions.shape)
        for axis in np.eye(3):
            # R4+ alternates from cell to cell along all axes, M3+ along those across the rotation's.
            signs = (-1) ** (cells.sum(1) if irrep == "R4+" else cells @ (1 - axis).astype(int))
            field = np.zeros_like(best)
            field[oxygen] = signs[:, None] * np.cross(axis, np.eye(3)[along])
            kept = mean_over(phase, field)
            if np.linalg.norm(kept) > np.linalg.norm(best) + 1e-6:
                best = kept
        fields.append(best / np.linalg.norm(best, axis=1).max())
    return fields


def relaxed(phase: str, structure: Structure, start: Floats, potential: Potential, hessian: Floats) -> Relaxation:
    """Relax inside Fix(K) at fixed cell, from displacements ``start``, float64 (sites, 3), that K leaves invariant."""
    found, target = subgroup(phase)
    begin = Structure(structure.positions + start, structure.numbers, structure.lattice)
    space = fixed_space(begin, found.matrices[target.elements], found.permutations[target.elements])
    return relax_in(space, potential, cell=False, fmax=FMAX, steps=STEPS, hessian=hessian)


def reference(phase: str) -> Floats:
    """The field, float64 (sites, 3), that says which domain is stored: cations against oxygens, or the rigid tilts."""
    if phase in ZONE_CENTRE:
        return np.outer([1 / 2, 1 / 2, -1 / 3, -1 / 3, -1 / 3], polar_axis(phase))
    return np.sum(tilts(phase), axis=0)


@lru_cache(maxsize=len(PHASES))
def _normalizer(phase: str) -> NDArray[np.int64]:
    """Numbers of the elements of S that take K to itself: they take a generic field of K to another one."""
    found, _ = subgroup(phase)
    generic = mean_over(phase, np.random.default_rng(0).normal(size=found.structure.positions.shape))
    images = _images(found, generic)
    return np.array([g for g, image in enumerate(images) if np.abs(mean_over(phase, image) - image).max() < 1e-9])


def _images(found: Detected, field: Floats) -> Floats:
    """A field carried along by every element of S, float64 (order, sites, 3)."""
    images = np.empty((len(found.matrices), *field.shape))
    turned = np.einsum("gij,nj->gni", found.matrices, field)
    np.put_along_axis(images, found.permutations[:, :, None], turned, axis=1)
    return images


def same_domain(phase: str, field: Floats) -> Floats:
    """The domain with the same K that is nearest to `reference`: relaxations may overshoot into another."""
    images = _images(subgroup(phase)[0], field)[_normalizer(phase)]
    overlaps = np.einsum("gni,ni->g", images, reference(phase))
    return images[int(np.argmax(overlaps > overlaps.max() - 1e-6))]


def kept(phase: str, structure: Structure, field: Floats) -> int:
    """How many elements of S leave a field of displacements as it is: |K|, or more where it relaxed back."""
    found, _ = subgroup(phase)
    images = _images(found, field)
    return int((np.linalg.norm(images - field, axis=2).max(1) < STATE_TOLERANCE).sum())
