"""``sbs.distortions``: the displacements and strains of a symmetric structure that break its symmetry to a given subgroup.

The patterns are vectors of a representation of S, that on the displacements of the sites (permutation ⊗
vector) beside that on strains (symmetric matrices). Those that K leaves invariant and S does not span V^K ⊖
V^S; it is found by projectors, one irreducible representation of S and one orbit of sites at a time, less the rigid
motions. The S-orbit of one pattern is the set of domain states. S is the point group of a molecule or of a crystal
(patterns repeat in every primitive cell), or the space group modulo a supercell (patterns of every wave vector that fits it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, InfiniteSetError, InvalidGroupError, NoSetError
from sbs.groups import ClosedGroup, Subgroup
from sbs.groups.abstract.immutability import ComparedByValue, frozen
from sbs.groups.abstract.validation import check_integer, check_real, check_seed, real_array, shown
from sbs.objects.invariants import pointwise_fixer
from sbs.structures.detected import Detected
from sbs.structures.detection import DEFAULT_TOLERANCE, detect
from sbs.structures.domains import SEEN, DomainState, distorted, domain_states
from sbs.structures.generic import furthest_apart
from sbs.structures.group_names import name_of_group, name_of_subgroup
from sbs.structures.inputs import Structure
from sbs.structures.irreps import real_irreps, vibrations
from sbs.structures.linear import is_linear, standing_for, turns_kept
from sbs.structures.pattern_spaces import displacement_patterns, fixing_elements, strain_patterns
from sbs.structures.primary import primary_choice
from sbs.structures.sites import (
    STRAIN_BASIS,
    finite_group,
    resolve_target,
    strain_matrices,
)

__all__ = ["Distortions", "PatternIrrep", "distortions"]

# Two domain states must differ by more than this fraction of the amplitude: less is not seen at any tolerance that
# sees the distortion itself.
LEAST_FRACTION = 1e-3


@dataclass(frozen=True, eq=False)
class PatternIrrep(ComparedByValue):
    """The patterns of one irreducible representation of S.

    Attributes:
        name: Mulliken name, or wave vector and number in a supercell ("R4+").
        displacements: number of displacement patterns. strains: number of strain patterns.
        symmetry: what these patterns alone leave of S.
        primary: whether it is one of the primary order parameters: of the fewest irreps that together leave K and no more (of
            several such choices one with irreps that the target was named by, then the lowest total dimension, then
            displacements before strains). The others are secondary: they follow.
    """

    name: str
    displacements: int
    strains: int
    symmetry: Subgroup
    primary: bool


@dataclass(frozen=True, eq=False, repr=False)
class Distortions(ComparedByValue):
    """Symmetry-breaking patterns of a structure. Obtain them from ``sbs.distortions``.

    Attributes:
        parent: the detected high-symmetry structure, with S.
        target: K, a subgroup of ``parent.group``.
        displacements: float64 (p, num_sites, 3), orthonormal, without rigid motions.
        displacement_irreps: name of the irreducible representation of S that each belongs to.
        strains: float64 (q, 3, 3), orthonormal symmetric matrices; q = 0 for a molecule.
        strain_irreps: likewise.
        named: the irreps that the target was named by (a row of ``sbs.isotropy``), if any.
        stand_in: for a linear molecule the molecule with a finite group in place of C∞v or D∞h; ``target`` lies in that group.
    """

    parent: Detected
    target: Subgroup
    displacements: NDArray[np.float64]
    displacement_irreps: tuple[str, ...]
    strains: NDArray[np.float64]
    strain_irreps: tuple[str, ...]
    named: tuple[str, ...] = ()
    stand_in: Detected | None = None

    def __post_init__(self) -> None:
        frozen(self.displacements)
        frozen(self.strains)

    def __len__(self) -> int:
        return len(self.displacements) + len(self.strains)

    def of_irrep(self, name: str) -> Distortions:
        """The patterns of one irreducible representation of S only; they may leave more symmetry than K."""
        known = sorted({*self.displacement_irreps, *self.strain_irreps})
        if not isinstance(name, str) or name not in known:
            raise DetectionError(
                f"no pattern belongs to {shown(name)}; expected one of {', '.join(known) or 'none'}"
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
            self.named,
            self.stand_in,
        )

    @cached_property
    def displacement_symmetry(self) -> Subgroup:
        """The elements of S that leave every displacement pattern invariant: K, or a larger group."""
        return self._fixer(moves=True, stretches=False)

    @cached_property
    def symmetry(self) -> Subgroup:
        """The elements of S that leave every displacement and strain pattern invariant: K, or a larger group."""
        return self._fixer(moves=True, stretches=True)

    @property
    def finite(self) -> Detected:
        """The structure with the finite group that acts on its patterns: S itself, or what stands in for it."""
        return self.stand_in or self.parent

    @property
    def index(self) -> int | float:
        """|S| / |K|, the number of domain states; infinite where a linear molecule bends."""
        if self.stand_in is not None and turns_kept(self.stand_in, self.target) < int(
            self.stand_in.rotations.family.n or 1
        ):
            return math.inf
        return int(finite_group(self.finite).order) // self.target.order

    @cached_property
    def irreps(self) -> tuple[PatternIrrep, ...]:
        """The irreducible representations that take part, the primary order parameters marked."""
        names = list(dict.fromkeys((*self.displacement_irreps, *self.strain_irreps)))
        parts = [self.of_irrep(name) for name in names]
        kept = [part.symmetry for part in parts]
        dimensions = {irrep.name: irrep.dimension for irrep in real_irreps(self.finite)}
        rank = [
            (name not in self.named, dimensions[name], len(part.displacements) == 0)
            for name, part in zip(names, parts, strict=True)
        ]
        chosen = primary_choice([fixer.mask for fixer in kept], self.target.order, rank)
        return tuple(
            PatternIrrep(name, len(part.displacements), len(part.strains), fixer, number in chosen)
            for number, (name, part, fixer) in enumerate(zip(names, parts, kept, strict=True))
        )

    @cached_property
    def _generic(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        moving, stretching = ~self.displacement_symmetry.mask, ~self._fixer(False, True).mask
        return (
            furthest_apart(self.finite, self.displacements, self.displacement_irreps, moving, strain=False),
            furthest_apart(self.finite, self.strains, self.strain_irreps, stretching, strain=True),
        )

    def pattern(
        self, coefficients: Sequence[float] | NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """A combination of the displacement patterns, float64 (num_sites, 3).

        By default a generic one with equal weights of the irreps, whose images under S are far apart.
        """
        weights = _coefficients(coefficients, self._generic[0], "displacement")
        return np.einsum("p,pni->ni", weights, self.displacements)

    def strain_pattern(
        self, coefficients: Sequence[float] | NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """A combination of the strain patterns, float64 (3, 3); a generic one as ``pattern`` by default."""
        weights = _coefficients(coefficients, self._generic[1], "strain")
        return np.einsum("q,qij->ij", weights, self.strains)

    def distorted(
        self,
        amplitude: float = 0.1,
        strain: float = 0.0,
        coefficients: Sequence[float] | NDArray[np.float64] | None = None,
        strain_coefficients: Sequence[float] | NDArray[np.float64] | None = None,
    ) -> Structure:
        """The first of the ``domain_states``; same arguments."""
        shift, cell = self._scaled(amplitude, strain, coefficients, strain_coefficients)
        return distorted(self.parent.structure, shift, cell)

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
            coefficients, strain_coefficients: which combination of the patterns; a generic one by default.

        Raises:
            NoSetError: the patterns that are used leave more symmetry than K, or these coefficients do:
                then states would coincide.
        """
        if math.isinf(self.index):
            raise InfiniteSetError(
                f"{self.parent.structure.formula} has infinitely many domain states, one for every angle about its axis; "
                "distorted() gives one of them, sampled(n) some"
            )
        shift, cell = self._scaled(amplitude, strain, coefficients, strain_coefficients)
        lattice = self.parent.structure.lattice
        size = float(np.linalg.norm(shift, axis=1).max())
        if lattice is not None:
            size = max(size, float(np.linalg.norm(cell)) * float(np.linalg.norm(lattice, axis=1).max()))
        return domain_states(self.finite, self.target, shift, cell, LEAST_FRACTION * size)

    def sampled(self, n: int, amplitude: float = 0.1, seed: int | np.random.Generator = 0) -> tuple[Structure, ...]:
        """``n`` distorted structures drawn uniformly under S, for S of any order.

        Args:
            amplitude: the largest displacement of a site, Å.
            seed: non-negative integer, or a generator that is drawn from.
        """
        shift, cell = self._scaled(amplitude, 0.0, None, None)
        rng, structures = check_seed(seed), []
        for _ in range(check_integer(n, "the number of structures")):
            if isinstance(self.parent.group, ClosedGroup):
                turn = self.parent.group.sample(1, rng)[0]
                place = self.parent.permutation_of(turn)
            else:
                element = int(rng.integers(int(self.parent.group.order)))
                turn, place = self.parent.matrices[element], self.parent.permutations[element]
            moved = np.empty_like(shift)
            moved[place] = shift @ turn.T
            structures.append(distorted(self.parent.structure, moved, turn @ cell @ turn.T))
        return tuple(structures)

    def __repr__(self) -> str:
        return (
            f"Distortions({name_of_group(self.parent)} -> {self._name(self.target)}, {self.parent.structure!r}, "
            f"{len(self.displacements)} displacement and {len(self.strains)} strain patterns)"
        )

    def __str__(self) -> str:
        return self.report()

    def report(self) -> str:
        """A readable account of the patterns."""
        count = "infinitely many" if math.isinf(self.index) else str(self.index)
        lines = [
            f"{self.parent.structure.formula}: {name_of_group(self.parent)} -> {self._name(self.target)}, {count} domain states",
            f"modes: Γ = {_sum(vibrations(self.finite))}" if self.parent.supercell is None else "",
            f"displacement patterns: {len(self.displacements)} {_tally(self.displacement_irreps)}",
            f"strain patterns: {len(self.strains)} {_tally(self.strain_irreps)}",
            f"primary order parameters: {' + '.join(row.name for row in self.irreps if row.primary) or 'none'}",
        ]
        if self.displacement_symmetry != self.target:
            lines.append(
                f"displacements alone leave {self._name(self.displacement_symmetry)}; all patterns together "
                f"{self._name(self.symmetry)}"
            )
        return "\n".join(line for line in lines if line)

    def _name(self, subgroup: Subgroup) -> str:
        return name_of_subgroup(self.finite, subgroup)

    def _fixer(self, moves: bool, stretches: bool) -> Subgroup:
        group = finite_group(self.finite)
        mask = np.ones(group.order, dtype=bool)
        if moves and len(self.displacements):
            mask &= fixing_elements(self.finite, self.displacements)
        if stretches and len(self.strains):
            coordinates = np.einsum("bij,qij->bq", STRAIN_BASIS, self.strains)
            mask &= pointwise_fixer(strain_matrices(self.finite.matrices), coordinates)
        return group.subgroup_from_mask(mask)

    def _scaled(
        self,
        amplitude: float,
        strain: float,
        coefficients: Sequence[float] | NDArray[np.float64] | None,
        strain_coefficients: Sequence[float] | NDArray[np.float64] | None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        try:
            amplitude, strain = check_real(amplitude, "amplitude (Å)", 0.0), check_real(strain, "strain", 0.0)
        except InvalidGroupError as error:
            raise DetectionError(f"amplitude (Å) and strain must be finite, not negative and not both 0: {error}") from None
        if amplitude == strain == 0:
            raise DetectionError("amplitude (Å) and strain must be finite, not negative and not both 0, got 0 and 0")
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
                f"the patterns asked for leave {self._name(kept)}, more than the target {self._name(self.target)}, "
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
        if self.stand_in is not None:
            # a mirror through the line may lie at any angle, so that what the group that stands in leaves is not all
            found = detect(distorted(self.parent.structure, shift, cell), SEEN * amplitude, periodic=False)
            if not math.isinf(found.order) and found.order > self.target.order:
                raise NoSetError(
                    f"the patterns of {self.parent.structure.formula} for {self._name(self.target)} leave {found.symbol}, "
                    "whatever their amplitudes: all its atoms stay in one plane; choose another target"
                )
        return shift, cell


def distortions(
    structure: Any, target: Any, tolerance: float = DEFAULT_TOLERANCE, supercell: Any = None
) -> Distortions:
    """The displacement and strain patterns of a structure that K leaves invariant and S does not.

    Args:
        structure: a :class:`Detected`, or anything that ``sbs.detect`` takes: the high-symmetry structure.
        target: K, a label or symbol of a class of subgroups of S, a ``Subgroup`` of S, a point group, or
            matrices; for a crystal in a supercell a row of ``sbs.isotropy`` or a ``Subgroup`` of S.
        tolerance: Å, for the detection of S.
        supercell: as for ``sbs.detect``: S is then the space group modulo the supercell.

    Returns:
        Orthonormal patterns, each in one irreducible representation of S, in Mulliken's order. Rigid
        translations (and for a molecule rotations) are left out. Without a supercell patterns repeat in every primitive cell.

    Raises:
        DetectionError: S is infinite or cannot be found, or K is all of it. AmbiguousTargetError, NotASubgroupError: the target.
    """
    parent = structure if isinstance(structure, Detected) else detect(structure, tolerance, supercell=supercell)
    if isinstance(structure, Detected) and supercell is not None:
        raise DetectionError(
            "supercell= was given with a structure that is already detected; give it to sbs.detect instead"
        )
    whole, standing = parent, None
    if is_linear(parent):
        parent, kept = standing_for(parent, target)
        standing = parent
    else:
        kept = resolve_target(parent, target)
    if kept.order == finite_group(parent).order:
        raise DetectionError(
            f"the target is the whole symmetry {whole.symbol} of the structure, so nothing is broken; expected a "
            "proper subgroup of it"
        )
    patterns, names = displacement_patterns(parent, kept)
    strains, strain_names = strain_patterns(parent, kept)
    named = tuple(getattr(target, "irreps", None) or ())
    return Distortions(whole, kept, patterns, names, strains, strain_names, named, standing)


def _coefficients(
    given: Sequence[float] | NDArray[np.float64] | None, generic: NDArray[np.float64], kind: str
) -> NDArray[np.float64]:
    if given is None:
        return generic
    try:
        weights = real_array(given, f"{len(generic)} finite {kind} coefficients")
    except InvalidGroupError as error:
        raise DetectionError(str(error)) from None
    if weights.shape != generic.shape:
        raise DetectionError(
            f"expected {len(generic)} finite {kind} coefficients, got an array of shape {weights.shape}"
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


def _sum(terms: Sequence[tuple[str, int]]) -> str:
    """A sum of irreps as spectroscopists write it: "3 T1u + T2u"."""
    return " + ".join(f"{count} {name}" if count > 1 else name for name, count in terms) or "0"
