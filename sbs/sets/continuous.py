"""Objects where M is infinite: a seed vector whose M-orbit is the set, drawn from uniformly or listed if finite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sbs.errors import NoSetError, SearchLimitError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.closed import FLIPS, AxialSubgroup, ClosedGroup, rotation_about_z
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, point_group
from sbs.objects.blocks import Cost, CostKey, IrrepSupply, cost_key
from sbs.objects.choice import choose_blocks
from sbs.objects.invariants import invariant_basis
from sbs.objects.irreps import Irrep
from sbs.objects.representation import irrep_matrices, representation
from sbs.objects.seeds import generic_vector, harmonics
from sbs.objects.separation import best_separated
from sbs.objects.stabilizers import Closed, cheapest_irreps
from sbs.sets.orbits import OBJECT_DIGITS
from sbs.sets.question import Question
from sbs.solver.solutions import ClosedSolution

__all__ = ["ContinuousOrbit", "realise_closed"]

#: Amplitudes of angular waves below this are rounding: irreps of a seed have unit norm, and few waves each.
_NO_WAVE = 1e-7

#: Phases are good to the ten digits that seeds are optimised to.
_PHASE_TOLERANCE = 1e-6


#: Movers and orbits of a set without a list.
_ENDLESS = np.zeros((0, 3, 3)), np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, eq=False)
class ContinuousOrbit:
    """The M-orbit of one vector, in the standard setting.

    Attributes:
        normalizer: M.
        stabilizer: H, the stabilizer of the seed.
        irreps: irreps of the blocks.
        seed: float64 (dim,).
        movers: elements (size, 3, 3) of M that list a finite orbit, sorted by S-orbit; empty if it is infinite.
        orbits: int (size,), the S-orbit of each.
    """

    normalizer: ClosedGroup
    stabilizer: PointGroup | ClosedGroup
    irreps: tuple[Irrep, ...]
    seed: np.ndarray
    movers: np.ndarray
    orbits: np.ndarray

    @cached_property
    def objects(self) -> np.ndarray:
        """The objects of a finite orbit, float64 (size, dim)."""
        return representation(self.irreps, self.movers) @ self.seed + 0.0

    def conjugates(self, target: Any) -> Sequence[Any]:
        """K for every object: it is normal in S wherever a closed group gives a finite set."""
        return (target,) * len(self.movers)

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """``n`` objects of the orbit, uniformly, float64 (n, dim)."""
        if len(self.movers):
            return np.asarray(self.objects[rng.integers(len(self.movers), size=n)])
        if not n:
            return np.zeros((0, len(self.seed)))
        return np.asarray(representation(self.irreps, self.normalizer.sample(n, rng)) @ self.seed)


def realise_closed(question: Question, solution: ClosedSolution) -> ContinuousOrbit:
    """Seed, irreps and stabilizer for a `ClosedSolution`, by least cost of the irreps.

    Raises:
        NoSetError: it is proved that no vector with l <= lmax has one of the stabilizers.
    """
    if not solution.stabilizers:
        return _about_the_axis_of_a_finite_group(question, solution)
    best: tuple[CostKey, Closed, tuple[Irrep, ...]] | None = None
    for candidate in solution.stabilizers:
        irreps = cheapest_irreps(_described(candidate), solution.normalizer, question.lmax)
        if irreps is not None:
            key = cost_key(Cost.of(irrep) for irrep in irreps)
            if best is None or key < best[0]:
                best = key, candidate, irreps
    if best is None:
        raise NoSetError(f"no vector with l <= {question.lmax} has the stabilizer that is needed; allow a larger lmax")
    _, chosen, irreps = best
    normalizer = ClosedGroup(solution.normalizer)
    seed = np.round(generic_vector(_described(chosen), irreps), OBJECT_DIGITS) + 0.0
    listed = _ENDLESS if solution.size == math.inf else _listed(normalizer, irreps, seed, question.group)
    return ContinuousOrbit(normalizer, _placed(chosen), irreps, seed, *listed)


def _described(group: AxialSubgroup | PointGroupSymbol) -> Closed:
    """A group with an axis as one about z."""
    return group if isinstance(group, AxialSubgroup) or group.n is None else AxialSubgroup(group.series, group.n)


def _placed(group: AxialSubgroup | PointGroupSymbol) -> PointGroup | ClosedGroup:
    if isinstance(group, AxialSubgroup) and group.is_finite:
        return PointGroup.from_matrices(group.generators())
    return point_group(group.family if isinstance(group, AxialSubgroup) else group)


def _listed(
    normalizer: ClosedGroup, irreps: tuple[Irrep, ...], seed: np.ndarray, group: PointGroup | ClosedGroup | Subgroup
) -> tuple[np.ndarray, np.ndarray]:
    """One element of each component of M that makes a new object, sorted by S-orbit, and the numbers of the orbits."""
    movers: list[np.ndarray] = []
    images: list[np.ndarray] = []
    for g in _components(normalizer):
        image = representation(irreps, g[None])[0] @ seed
        if all(np.abs(image - other).max() > _PHASE_TOLERANCE for other in images):
            movers.append(g)
            images.append(image)
    acting = representation(irreps, _in_standard_setting(group))
    orbit = np.full(len(movers), -1)
    for index, image in enumerate(images):
        if orbit[index] < 0:
            near = np.abs(np.array(images)[:, None] - (acting @ image)[None]).max(2).min(1) < _PHASE_TOLERANCE
            orbit[near] = orbit.max() + 1
    order = np.argsort(orbit, kind="stable")
    return np.array(movers)[order], orbit[order]


def _components(group: ClosedGroup) -> np.ndarray:
    """One element of each component of a closed group."""
    if not group.is_axial:
        return np.array([np.eye(3), -np.eye(3)]) if group.symbol == "O(3)" else np.eye(3)[None]
    return np.array([np.eye(3), *(flip for name, flip in FLIPS.items() if name in group.components)])


def _in_standard_setting(group: PointGroup | ClosedGroup | Subgroup) -> np.ndarray:
    """Matrices of S, or one element of each of its components if it is infinite."""
    if isinstance(group, PointGroup):
        return group.standard.matrices
    assert isinstance(group, ClosedGroup)
    return _components(group)


# --- S finite, M infinite -------------------------------------------------------------------------------------------


def _about_the_axis_of_a_finite_group(question: Question, solution: ClosedSolution) -> ContinuousOrbit:
    """S finite, set infinite: the seed is best separated within its S-orbit, and M turns it all the way round."""
    group, target = question.group, solution.intersection or question.target
    assert isinstance(group, PointGroup) and isinstance(target, Subgroup)
    matrices = group.standard.matrices
    choice = choose_blocks(IrrepSupply(matrices, group.table), [target.mask], question.lmax)
    irreps = tuple(block.irrep for block in choice.blocks)
    seed = best_separated(choice.blocks, group.table, target.mask)
    normalizer = ClosedGroup(solution.normalizer)
    flips = _flips_fixing(normalizer, _waves(irreps, seed))
    # M turns the seed all the way round, so its azimuth is free: a mirror plane or two-fold axis of H goes through x,
    # of several the one that makes the first components largest.
    azimuths = next((angles for name, angles in flips.items() if name != "σh"), np.zeros(1)) / 2
    turned = [representation(irreps, rotation_about_z(-t)[None])[0] @ seed for t in azimuths]
    best = max(range(len(turned)), key=lambda i: tuple(np.round(turned[i], 6)))
    back = rotation_about_z(-azimuths[best])
    found = [back @ rotation_about_z(angles[0]) @ FLIPS[name] @ back.T for name, angles in flips.items()]
    generators = matrices[list(target.generators)]
    fitted = PointGroup.from_matrices(np.array([np.eye(3), *generators, *found]), tolerance=10 * _PHASE_TOLERANCE)
    stabilizer = PointGroup(fitted.family, np.round(fitted.rotation, OBJECT_DIGITS) + 0.0)
    seed = _made_invariant(irreps, turned[best], stabilizer)
    return ContinuousOrbit(normalizer, stabilizer, irreps, seed, *_ENDLESS)


def _waves(irreps: tuple[Irrep, ...], vector: np.ndarray) -> list[tuple[Irrep, int, complex]]:
    """Irrep, angular number m >= 0 and complex amplitude of every c cos m φ + s sin m φ in a vector, c + i s."""
    found, start = [], 0
    for irrep in irreps:
        parts = harmonics(irrep.l).T @ vector[start : start + irrep.dim]
        for m in range(irrep.l + 1):
            amplitude = complex(parts[irrep.l + m], parts[irrep.l - m] if m else 0.0)
            if abs(amplitude) > _NO_WAVE:
                found.append((irrep, m, amplitude))
        start += irrep.dim
    return found


def _flips_fixing(normalizer: ClosedGroup, waves: list[tuple[Irrep, int, complex]]) -> dict[str, np.ndarray]:
    """Flips F in M, each with all angles t such that the turn by t about the axis after F fixes a sum of waves.

    A turn by t multiplies the amplitude of the wave m by exp(i m t); σh multiplies it by a sign, a mirror through the axis and a
    two-fold axis across it conjugate it as well (`sbs.objects.seeds`).
    """
    found: dict[str, np.ndarray] = {}
    for name in ("σv", "C2'", "σh"):
        if name not in normalizer.components:
            continue
        # exp(i m t) must be this for every wave.
        phases = [(m, _sign(name, irrep, m) * (1 if name == "σh" else a / a.conjugate())) for irrep, m, a in waves]
        if angles := _common_angles(phases):
            found[name] = np.array(angles)
    return found


def _sign(name: str, irrep: Irrep, m: int) -> int:
    return {"σh": irrep.p * (-1) ** m, "σv": irrep.p * (-1) ** irrep.l, "C2'": (-1) ** (irrep.l + m)}[name]


def _common_angles(phases: Iterable[tuple[int, complex]]) -> list[float]:
    """All t in [0, 2 π) with exp(i m t) = phase for every pair; one at least has m > 0."""
    moving = sorted((m, phase) for m, phase in phases if m)
    if any(abs(phase - 1) > _PHASE_TOLERANCE for m, phase in phases if not m):
        return []
    first, phase = moving[0]
    angles = np.mod((np.angle(phase) + 2 * np.pi * np.arange(first)) / first, 2 * np.pi)
    angles[angles > 2 * np.pi - _PHASE_TOLERANCE] = 0.0
    agree = [all(abs(np.exp(1j * m * t) - phase) < m * _PHASE_TOLERANCE for m, phase in moving) for t in angles]
    return sorted(angles[agree].tolist())


def _made_invariant(irreps: tuple[Irrep, ...], vector: np.ndarray, group: PointGroup) -> np.ndarray:
    """The vector without what a numerical search left in it that ``group`` does not fix."""
    blocks, start = [], 0
    for irrep in irreps:
        basis = invariant_basis(irrep_matrices(irrep, group.matrices))
        block = basis @ (basis.T @ vector[start : start + irrep.dim])
        blocks.append(block / np.linalg.norm(block))
        start += irrep.dim
    exact = np.round(np.concatenate(blocks), OBJECT_DIGITS) + 0.0
    if not np.abs(exact - vector).max() <= _PHASE_TOLERANCE:  # also where a block had no invariant part at all
        raise SearchLimitError(
            f"the stabilizer {group.symbol} that was found does not fix the seed; the search was given up"
        )
    return exact
