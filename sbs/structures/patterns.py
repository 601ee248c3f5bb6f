"""``sbs.distortions``: the displacements and strains of a symmetric structure that break its symmetry to a
given subgroup.

The patterns are vectors of a representation of S, that on the displacements of the sites (permutation ⊗
vector) beside that on strains (symmetric matrices). Those that K leaves invariant and S does not span V^K ⊖
V^S; it is found by the projectors that :mod:`sbs.objects.invariants` makes for any real representation, one
irreducible representation of S and one orbit of sites at a time, less the rigid motions. The S-orbit of one
pattern is the set of domain states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, NoSetError
from sbs.groups import Subgroup
from sbs.objects.invariants import invariant_projector, pointwise_fixer, projector_basis
from sbs.structures.detected import Detected
from sbs.structures.detection import DEFAULT_TOLERANCE, detect
from sbs.structures.inputs import Structure
from sbs.structures.sites import (
    STRAIN_BASIS,
    move,
    real_irreps,
    resolve_target,
    site_orbits,
    strain_matrices,
)

__all__ = ["Distortions", "DomainState", "distortions"]

# A rigid motion has a part in a space of patterns if the part's squared norm is above this: 0 or of order 1 /
# num_sites.
RIGID = 1e-8
# Coefficients of the generic combination fall off by this factor from one pattern to the next; its powers are
# no roots of simple polynomials, so no element outside K fixes the sum by coincidence, and the least of ten
# is not yet negligible.
FALL_OFF = 0.8317


@dataclass(frozen=True, eq=False, repr=False)
class DomainState:
    """One of the symmetry-equivalent distorted structures.

    Attributes:
        structure: the distorted structure, sites in the order of the parent.
        element: number of the element of S that carries the first domain state to this one.
        displacement: float64 (num_sites, 3), Å, relative to the (strained) parent sites.
        strain: float64 (3, 3), symmetric; zero for a molecule.
        symmetry: the subgroup of S that is left, a conjugate of K.
    """

    structure: Structure
    element: int
    displacement: NDArray[np.float64]
    strain: NDArray[np.float64]
    symmetry: Subgroup

    def __repr__(self) -> str:
        largest = np.linalg.norm(self.displacement, axis=1).max()
        return f"DomainState({self.symmetry.symbol}, {self.structure!r}, sites moved by up to {largest:.3g} Å)"


@dataclass(frozen=True, eq=False, repr=False)
class Distortions:
    """Symmetry-breaking patterns of a structure. Obtain them from ``sbs.distortions``.

    Attributes:
        parent: the detected high-symmetry structure, with S.
        target: K, a subgroup of ``parent.group``.
        displacements: float64 (p, num_sites, 3), orthonormal, without rigid motions.
        displacement_irreps: Mulliken name of the irreducible representation of S that each belongs to.
        strains: float64 (q, 3, 3), orthonormal symmetric matrices; q = 0 for a molecule.
        strain_irreps: likewise.
    """

    parent: Detected
    target: Subgroup
    displacements: NDArray[np.float64]
    displacement_irreps: tuple[str, ...]
    strains: NDArray[np.float64]
    strain_irreps: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.displacements) + len(self.strains)

    def of_irrep(self, name: str) -> Distortions:
        """The patterns of one irreducible representation of S only; they may leave more symmetry than K."""
        known = sorted({*self.displacement_irreps, *self.strain_irreps})
        if name not in known:
            raise DetectionError(
                f"no pattern belongs to {name!r}; expected one of {', '.join(known) or 'none'}"
            )
        rows = [k for k, irrep in enumerate(self.displacement_irreps) if irrep == name]
        cells = [k for k, irrep in enumerate(self.strain_irreps) if irrep == name]
        return Distortions(
            self.parent,
            self.target,
            self.displacements[rows],
            (name,) * len(rows),
            self.strains[cells],
            (name,) * len(cells),
        )

    @cached_property
    def displacement_symmetry(self) -> Subgroup:
        """The elements of S that leave every displacement pattern invariant: K, or a larger group."""
        return self._fixer(moves=True, stretches=False)

    @cached_property
    def symmetry(self) -> Subgroup:
        """The elements of S that leave every displacement and strain pattern invariant: K, or a larger
        group."""
        return self._fixer(moves=True, stretches=True)

    def pattern(
        self, coefficients: Sequence[float] | NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """A combination of the displacement patterns, float64 (num_sites, 3); a fixed generic one by
        default."""
        weights = _coefficients(coefficients, len(self.displacements), "displacement")
        return np.einsum("p,pni->ni", weights, self.displacements)

    def strain_pattern(
        self, coefficients: Sequence[float] | NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """A combination of the strain patterns, float64 (3, 3); a fixed generic one by default."""
        weights = _coefficients(coefficients, len(self.strains), "strain")
        return np.einsum("q,qij->ij", weights, self.strains)

    def distorted(
        self,
        amplitude: float = 0.1,
        strain: float = 0.0,
        coefficients: Sequence[float] | NDArray[np.float64] | None = None,
        strain_coefficients: Sequence[float] | NDArray[np.float64] | None = None,
    ) -> Structure:
        """The first of the ``domain_states``; same arguments."""
        return self._state(*self._scaled(amplitude, strain, coefficients, strain_coefficients))

    def domain_states(
        self,
        amplitude: float = 0.1,
        strain: float = 0.0,
        coefficients: Sequence[float] | NDArray[np.float64] | None = None,
        strain_coefficients: Sequence[float] | NDArray[np.float64] | None = None,
    ) -> tuple[DomainState, ...]:
        """All images of one distorted structure under S: |S| / |K| of them.

        Args:
            amplitude: the largest displacement of a site, Å.
            strain: Frobenius norm of the strain.
            coefficients, strain_coefficients: which combination of the patterns; a fixed generic one by
                default.

        Raises:
            NoSetError: the patterns that are used leave more symmetry than K.
        """
        shift, cell = self._scaled(amplitude, strain, coefficients, strain_coefficients)
        group = self.parent.point_group()
        states = []
        for coset in self.target.left_cosets():
            element = int(np.min(coset))
            moved = move(self.parent, element, shift)
            turned = group.matrices[element] @ cell @ group.matrices[element].T
            kept = self.target.conjugate(element)
            states.append(DomainState(self._state(moved, turned), element, moved, turned, kept))
        return tuple(states)

    def __repr__(self) -> str:
        return (
            f"Distortions({self.parent.symbol} -> {self.target.symbol}, {self.parent.structure!r}, "
            f"{len(self.displacements)} displacement and {len(self.strains)} strain patterns)"
        )

    def __str__(self) -> str:
        return self.report()

    def report(self) -> str:
        """A readable account of the patterns."""
        group = self.parent.point_group()
        lines = [
            f"{self.parent.structure.formula}: {group.symbol} -> {self.target.symbol}, "
            f"{group.order // self.target.order} domain states",
            f"displacement patterns: {len(self.displacements)} {_tally(self.displacement_irreps)}",
            f"strain patterns: {len(self.strains)} {_tally(self.strain_irreps)}",
        ]
        if self.displacement_symmetry != self.target:
            lines.append(
                f"displacements alone leave {self.displacement_symmetry.symbol}; all patterns together "
                f"{self.symmetry.symbol}"
            )
        return "\n".join(lines)

    def _fixer(self, moves: bool, stretches: bool) -> Subgroup:
        group = self.parent.point_group()
        mask = np.ones(group.order, dtype=bool)
        count = len(self.displacements)
        if moves and count:
            for orbit in site_orbits(self.parent):
                local = self.displacements[:, orbit.copies[:, 0]].reshape(count, -1)
                local = local * np.sqrt(orbit.copies.shape[1])
                mask &= pointwise_fixer(orbit.representation(group.matrices), local.T)
        if stretches and len(self.strains):
            coordinates = np.einsum("bij,qij->bq", STRAIN_BASIS, self.strains)
            mask &= pointwise_fixer(strain_matrices(group.matrices), coordinates)
        return group.subgroup_from_mask(mask)

    def _scaled(
        self,
        amplitude: float,
        strain: float,
        coefficients: Sequence[float] | NDArray[np.float64] | None,
        strain_coefficients: Sequence[float] | NDArray[np.float64] | None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if (
            not np.isfinite([amplitude, strain]).all()
            or amplitude < 0
            or strain < 0
            or amplitude == strain == 0
        ):
            raise DetectionError(
                f"amplitude (Å) and strain must be finite, not negative and not both 0, got {amplitude} and "
                f"{strain}"
            )
        moves, stretches = (
            bool(amplitude) and len(self.displacements) > 0,
            bool(strain) and len(self.strains) > 0,
        )
        kept = self._fixer(moves, stretches)
        if kept != self.target:
            way_out = "choose another target"
            if self.symmetry == self.target:
                way_out = "give amplitude=0.1 and strain=0.02, so that both act"
            raise NoSetError(
                f"the patterns asked for leave {kept.symbol}, more than the target {self.target.symbol}, "
                f"whatever their amplitudes; {way_out}"
            )
        shift, cell = np.zeros((len(self.parent.structure), 3)), np.zeros((3, 3))
        if moves:
            shift = self.pattern(coefficients)
            longest = float(np.linalg.norm(shift, axis=1).max())
            shift = shift * (amplitude / _positive(longest, "displacement"))
        if stretches:
            cell = self.strain_pattern(strain_coefficients)
            cell = cell * (strain / _positive(float(np.linalg.norm(cell)), "strain"))
        return shift, cell

    def _state(self, shift: NDArray[np.float64], strain: NDArray[np.float64]) -> Structure:
        parent = self.parent.structure
        stretch = np.eye(3) + strain
        lattice = None if parent.lattice is None else parent.lattice @ stretch
        return replace(parent, positions=parent.positions @ stretch + shift, lattice=lattice)


def distortions(structure: Any, target: Any, tolerance: float = DEFAULT_TOLERANCE) -> Distortions:
    """The displacement and strain patterns of a structure that K leaves invariant and S does not.

    Args:
        structure: a :class:`Detected`, or anything that ``sbs.detect`` takes: the high-symmetry structure.
        target: K, a label or symbol of a class of subgroups of S, a ``Subgroup`` of S, a point group, or
            matrices.
        tolerance: Å, for the detection of S.

    Returns:
        Orthonormal patterns, each in one irreducible representation of S, in Mulliken's order. Rigid
        translations (and for a molecule rotations) are left out. Patterns repeat in every primitive cell.

    Raises:
        DetectionError: S is infinite or cannot be found, or K is all of it. AmbiguousTargetError, NotASubgroupError: the target.
    """
    parent = structure if isinstance(structure, Detected) else detect(structure, tolerance)
    group = parent.point_group()
    kept = resolve_target(group, target)
    if kept.order == group.order:
        raise DetectionError(
            f"the target is the whole symmetry {group.symbol} of the structure, so nothing is broken; expected a "
            "proper subgroup of it"
        )
    irreps = [irrep for irrep in real_irreps(group.family) if not irrep.trivial]
    orbits = site_orbits(parent)
    per_irrep: list[list[NDArray[np.float64]]] = [[] for _ in irreps]
    for orbit in orbits:
        bases = _invariant_patterns(orbit.representation(group.matrices), kept, [i.weights for i in irreps])
        for found, basis in zip(per_irrep, bases, strict=True):
            found.append(orbit.spread(basis.T, len(parent.structure)))
    rigid = _rigid_motions(parent)
    patterns = [_without(np.concatenate(found), rigid) for found in per_irrep]
    names = tuple(irrep.name for irrep, found in zip(irreps, patterns, strict=True) for _ in found)
    strains = np.zeros((0, 3, 3))
    strain_names: tuple[str, ...] = ()
    if parent.structure.periodic:
        bases = _invariant_patterns(strain_matrices(group.matrices), kept, [i.weights for i in irreps])
        strains = np.einsum("bq,bij->qij", np.concatenate(bases, axis=1), STRAIN_BASIS)
        strain_names = tuple(i.name for i, basis in zip(irreps, bases, strict=True) for _ in basis.T)
    return Distortions(parent, kept, np.concatenate(patterns), names, strains, strain_names)


def _invariant_patterns(
    rep: NDArray[np.float64], kept: Subgroup, weights: list[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """For each irrep an orthonormal basis (d, k) of the K-invariant vectors in its isotypic component."""
    fixed = invariant_projector(rep[kept.elements])
    isotypic = np.tensordot(np.array(weights), rep, axes=(1, 0))
    return [projector_basis(_symmetric(projector @ fixed)) for projector in isotypic]


def _symmetric(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return (matrix + matrix.T) / 2


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


def _rigid_motions(parent: Detected) -> NDArray[np.float64]:
    """Orthonormal translations, and for a molecule infinitesimal rotations about its centre: (r, n, 3)."""
    count = len(parent.structure)
    modes = [np.tile(axis, (count, 1)) for axis in np.eye(3)]
    if not parent.structure.periodic:
        # averaged over the group, so that the rotations are one of its representations whatever the noise
        points = parent.structure.positions - parent.center
        arms = np.einsum("gji,gnj->ni", parent.matrices, points[parent.permutations]) / len(parent.matrices)
        modes += [np.cross(axis, arms) for axis in np.eye(3)]
    _, sizes, right = np.linalg.svd(np.array(modes).reshape(len(modes), -1), full_matrices=False)
    return right[sizes > RIGID * sizes[0]].reshape(-1, count, 3)


def _coefficients(
    given: Sequence[float] | NDArray[np.float64] | None, count: int, kind: str
) -> NDArray[np.float64]:
    if given is None:
        return np.asarray(FALL_OFF ** np.arange(count))
    weights = np.asarray(given, dtype=np.float64)
    if weights.shape != (count,) or not np.isfinite(weights).all():
        raise DetectionError(
            f"expected {count} finite {kind} coefficients, got an array of shape {weights.shape}"
        )
    return weights


def _positive(size: float, kind: str) -> float:
    if size == 0:
        raise DetectionError(f"the coefficients give a {kind} of zero; give at least one that is not 0")
    return size


def _tally(names: tuple[str, ...]) -> str:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return f"({', '.join(f'{count} {name}' for name, count in counts.items())})" if counts else ""
