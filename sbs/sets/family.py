"""Objects where M is infinite: a seed vector whose M-orbit is the set, drawn from uniformly or listed if finite."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sbs.errors import NoSetError, SearchLimitError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.closed import AxialSubgroup, ClosedGroup, rotation_about_z
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, match_elements, point_group
from sbs.objects.blocks import Cost, CostKey, IrrepSupply, cost_key
from sbs.objects.choice import choose_blocks
from sbs.objects.invariants import invariant_basis
from sbs.objects.irreps import Irrep
from sbs.objects.representation import irrep_matrices, representation
from sbs.objects.separation import best_separated
from sbs.objects.stabilizers import axial_stabilizer_order, elements_fixing
from sbs.sets.orbits import OBJECT_DIGITS
from sbs.sets.question import Question
from sbs.solver.solutions import ClosedSolution

__all__ = ["ContinuousOrbit", "realise_closed"]

#: Sums of irreps that are tried for the seed of an infinite set before the search gives up.
_MAX_SUMS = 400

#: Irreps of higher degree than this above the order of the axis are not tried for a seed.
_EXTRA_DEGREE = 4

#: |D(g) v - v| is linear in the error of an angle, so that 1e-6 decides whether g fixes v.
_SEARCH_TOLERANCE = 1e-6

#: Steps gain at least six digits each, as differences over 1e-4 give slopes to 1e-8.
_NEWTON_STEPS = 6
_DIFFERENCE = 1e-4

_FLIPS = {"σh": np.diag([1.0, 1.0, -1.0]), "σv": np.diag([1.0, -1.0, 1.0]), "C2'": np.diag([1.0, -1.0, -1.0])}


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
        NoSetError: ``lmax`` leaves no irreps that do.
        SearchLimitError: no seed was found among the cheapest sums of irreps.
    """
    if solution.size != math.inf:
        return _finite_orbit(solution, question)
    if not solution.stabilizers:
        return _finite_group(solution, question)
    if solution.normalizer.n is None:
        return _about_a_point(solution, question.lmax)
    return _about_an_axis(solution, question.lmax)


def _symbol(group: AxialSubgroup | PointGroupSymbol) -> PointGroupSymbol:
    return group if isinstance(group, PointGroupSymbol) else group.family


def _lmax_error(lmax: int | None) -> NoSetError:
    return NoSetError(f"no symmetry-breaking set has objects with l <= {lmax}; allow a larger lmax")


def _finite_orbit(solution: ClosedSolution, question: Question) -> ContinuousOrbit:
    """H holds SO(2) or SO(3), so that only components count: M is replaced by a finite group with the same ones.

    C7 does for SO(2): l <= 1 tells all components apart, and has no invariants of C7 besides those of SO(2).
    """
    normalizer = ClosedGroup(solution.normalizer)
    if solution.normalizer.n is None:
        proxy = point_group("Ci" if solution.normalizer.family == "O(3)" else "C1")
        assert isinstance(proxy, PointGroup)
        proper = np.linalg.det(proxy.matrices) > 0
        masks = [proper | (_symbol(h).family == "O(3)") for h in solution.stabilizers]
    else:
        proxy = point_group("D7h" if solution.normalizer.family == "Dnh" else "D7")
        assert isinstance(proxy, PointGroup)
        masks = [ClosedGroup(_symbol(h)).contains(proxy.matrices) for h in solution.stabilizers]
    try:
        supply = IrrepSupply(proxy.matrices, proxy.table)
        choice = choose_blocks(supply, masks, question.lmax)
    except NoSetError:
        raise _lmax_error(question.lmax) from None
    mask = masks[choice.candidate]
    stabilizer = ClosedGroup(_symbol(solution.stabilizers[choice.candidate]))
    irreps = tuple(block.irrep for block in choice.blocks)
    seed = best_separated(choice.blocks, proxy.table, mask)
    inner = proxy.subgroup_from_mask(mask)
    movers = proxy.matrices[inner.left_cosets()[:, 0]]
    group = _in_standard_setting(question.group)
    images = representation(irreps, movers) @ seed
    orbit = np.full(len(movers), -1)
    for index in range(len(movers)):
        if orbit[index] < 0:
            turned = representation(irreps, group) @ images[index]
            near = np.abs(images[:, None] - turned[None]).max(2).min(1) < 1e-9
            orbit[near] = orbit.max() + 1
    order = np.argsort(orbit, kind="stable")
    return ContinuousOrbit(normalizer, stabilizer, irreps, seed, movers[order], orbit[order])


def _in_standard_setting(group: PointGroup | ClosedGroup | Subgroup) -> np.ndarray:
    """Matrices of S, or one element of each of its components if it is infinite."""
    if isinstance(group, PointGroup):
        return group.standard.matrices
    assert isinstance(group, ClosedGroup)
    if not group.is_axial:
        return np.array([np.eye(3), -np.eye(3)]) if group.symbol == "O(3)" else np.eye(3)[None]
    return np.array([np.eye(3), *(_FLIPS[c] for c in sorted(group.components))])


def _finite_group(solution: ClosedSolution, question: Question) -> ContinuousOrbit:
    """S finite, set infinite: the seed is best separated within its S-orbit, and M turns it all the way round."""
    group, target = question.group, solution.intersection or question.target
    assert isinstance(group, PointGroup) and isinstance(target, Subgroup)
    matrices = group.standard.matrices
    try:
        choice = choose_blocks(IrrepSupply(matrices, group.table), [target.mask], question.lmax)
    except NoSetError:
        raise _lmax_error(question.lmax) from None
    irreps = tuple(block.irrep for block in choice.blocks)
    seed = best_separated(choice.blocks, group.table, target.mask)
    normalizer = ClosedGroup(solution.normalizer)
    known = matrices[target.elements]
    flips = _flips_fixing(normalizer, irreps, seed, _fold(known))
    # M turns the seed all the way round, so its azimuth is free: a mirror plane or two-fold axis of H goes through x,
    # of several the one that makes the first components largest.
    azimuths = next((angles for name, angles in flips.items() if name != "σh"), np.zeros(1)) / 2
    turned = [representation(irreps, rotation_about_z(-t)[None])[0] @ seed for t in azimuths]
    best = max(range(len(turned)), key=lambda i: tuple(np.round(turned[i], 6)))
    seed, back = turned[best], rotation_about_z(-azimuths[best])
    found = [back @ rotation_about_z(angles[0]) @ _FLIPS[name] @ back.T for name, angles in flips.items()]
    fitted = PointGroup.from_matrices(np.array([*known, *found]), tolerance=10 * _SEARCH_TOLERANCE)
    stabilizer = PointGroup(fitted.family, np.round(fitted.rotation, OBJECT_DIGITS) + 0.0)
    seed = _made_invariant(irreps, seed, stabilizer)
    return ContinuousOrbit(normalizer, stabilizer, irreps, seed, *_ENDLESS)


def _made_invariant(irreps: tuple[Irrep, ...], vector: np.ndarray, group: PointGroup) -> np.ndarray:
    """The vector without what a numerical search left in it that ``group`` does not fix."""
    blocks, start = [], 0
    for irrep in irreps:
        basis = invariant_basis(irrep_matrices(irrep, group.matrices))
        block = basis @ (basis.T @ vector[start : start + irrep.dim])
        blocks.append(block / np.linalg.norm(block))
        start += irrep.dim
    exact = np.round(np.concatenate(blocks), OBJECT_DIGITS) + 0.0
    if not np.abs(exact - vector).max() <= _SEARCH_TOLERANCE:  # also where a block had no invariant part at all
        raise SearchLimitError(
            f"the stabilizer {group.symbol} that was found does not fix the seed; the search was given up"
        )
    return exact


def _flips_fixing(
    normalizer: ClosedGroup, irreps: tuple[Irrep, ...], seed: np.ndarray, fold: int
) -> dict[str, np.ndarray]:
    """Flips F in M, each with all angles t such that the turn by t about the axis after F fixes the seed.

    Args:
        fold: number of rotations about the axis that fix the seed.
    """
    degree = max(irrep.l for irrep in irreps)
    step = np.pi / (16 * fold * max(1, degree))
    angles = np.arange(0, 2 * np.pi, step)
    turns = np.array([rotation_about_z(t) for t in angles])
    found = {}
    for name in ("σv", "C2'", "σh"):
        flip = _FLIPS[name]
        if not normalizer.contains(flip[None])[0]:
            continue

        def miss(angle: float, flip: np.ndarray = flip) -> np.ndarray:
            return representation(irreps, (rotation_about_z(angle) @ flip)[None])[0] @ seed - seed

        far = np.linalg.norm(representation(irreps, turns @ flip) @ seed - seed, axis=1)
        # The vector moves by no more than its norm times the degree for each radian.
        near = (far <= np.roll(far, 1)) & (far <= np.roll(far, -1)) & (far <= degree * np.linalg.norm(seed) * step)
        zeros = [_zero(miss, float(t)) for t in angles[near]]
        if fixing := [t for t in zeros if np.linalg.norm(miss(t)) < _SEARCH_TOLERANCE]:
            found[name] = np.array(fixing)
    return found


def _zero(function: Callable[[float], np.ndarray], start: float) -> float:
    """Where a vector of trigonometric polynomials of an angle vanishes, by Gauss-Newton steps from near it."""
    angle = start
    for _ in range(_NEWTON_STEPS):
        slope = (function(angle + _DIFFERENCE) - function(angle - _DIFFERENCE)) / (2 * _DIFFERENCE)
        if (steepness := float(slope @ slope)) < _SEARCH_TOLERANCE:
            break  # the vector does not depend on the angle
        angle -= float(slope @ function(angle)) / steepness
    return angle


def _fold(matrices: np.ndarray) -> int:
    return int(((np.linalg.det(matrices) > 0) & (matrices[:, 2, 2] > 0)).sum())


def _about_an_axis(solution: ClosedSolution, lmax: int | None) -> ContinuousOrbit:
    """S infinite about an axis, H finite: the cheapest sum of irreps with a vector whose stabilizer in M is H."""
    normalizer = ClosedGroup(solution.normalizer)
    best: tuple[CostKey, ContinuousOrbit] | None = None
    for candidate in solution.stabilizers:
        assert isinstance(candidate, AxialSubgroup)
        group = PointGroup.from_matrices(candidate.generators())
        for irreps, seed in _sums_with_invariants(group.matrices, int(candidate.n) + _EXTRA_DEGREE, lmax):
            if best is not None and _cost(irreps) >= best[0]:
                break
            if axial_stabilizer_order(irreps, seed, normalizer.components) == group.order:
                best = _cost(irreps), ContinuousOrbit(normalizer, group, irreps, seed, *_ENDLESS)
                break
    return _found(best, lmax)


def _about_a_point(solution: ClosedSolution, lmax: int | None) -> ContinuousOrbit:
    """M = O(3) or SO(3): the cheapest sum of irreps with a vector whose stabilizer in M is H."""
    normalizer = ClosedGroup(solution.normalizer)
    proper = solution.normalizer.family == "SO(3)"
    best: tuple[CostKey, ContinuousOrbit] | None = None
    for family in solution.stabilizers:
        assert isinstance(family, PointGroupSymbol)
        group = point_group(family)
        finite = isinstance(group, PointGroup)
        # An axial group is told from C_n by l < n, so that C_n with the same components stands for it.
        proxy = group.matrices if isinstance(group, PointGroup) else _finite_stand_in(group)
        top = (
            2 * _EXTRA_DEGREE
            if not finite
            else max(2 * _EXTRA_DEGREE, (int(family.n) if family.n else 10) + _EXTRA_DEGREE)
        )
        for irreps, seed in _sums_with_invariants(proxy, top, lmax):
            if best is not None and _cost(irreps) >= best[0]:
                break
            if _stabilizer_is(group, irreps, seed, proper):
                best = _cost(irreps), ContinuousOrbit(normalizer, group, irreps, seed, *_ENDLESS)
                break
    return _found(best, lmax)


def _finite_stand_in(group: ClosedGroup) -> np.ndarray:
    symbol = PointGroupSymbol(group.family.family, 4 * _EXTRA_DEGREE + 1)
    stand_in = point_group(symbol)
    assert isinstance(stand_in, PointGroup)
    return stand_in.matrices


def _stabilizer_is(group: PointGroup | ClosedGroup, irreps: tuple[Irrep, ...], seed: np.ndarray, proper: bool) -> bool:
    fixing = elements_fixing(irreps, seed)
    if isinstance(group, ClosedGroup):
        if fixing is not None or max(irrep.l for irrep in irreps) == 0:
            return False
        flips = [c for c in _FLIPS if c not in group.components and not (proper and c != "C2'")]
        moved = (
            representation(irreps, np.array([_FLIPS[c] for c in flips]).reshape(-1, 3, 3)) @ seed
            if flips
            else np.zeros((0, len(seed)))
        )
        return bool((np.abs(moved - seed).max(1, initial=0.0) > 1e-6).all())
    if fixing is None:
        return False
    if proper:
        fixing = fixing[np.linalg.det(fixing) > 0]
    return bool((match_elements(fixing, group.matrices, tolerance=1e-4) >= 0).all())


def _cost(irreps: Sequence[Irrep]) -> CostKey:
    return cost_key(Cost.of(irrep) for irrep in irreps)


def _found(best: tuple[CostKey, ContinuousOrbit] | None, lmax: int | None) -> ContinuousOrbit:
    if best is not None:
        return best[1]
    if lmax is not None:
        raise _lmax_error(lmax)
    raise SearchLimitError(
        "no seed of the infinite set was found among the cheapest sums of irreps; the search was given up"
    )


def _sums_with_invariants(
    matrices: np.ndarray, top: int, lmax: int | None
) -> Iterator[tuple[tuple[Irrep, ...], np.ndarray]]:
    """Sums of distinct irreps that have vectors fixed by the group, by rising cost, each with a generic such vector."""
    bases: dict[Irrep, np.ndarray] = {}
    for l in range(min(top, lmax if lmax is not None else top) + 1):
        for p in ((-1) ** l, -((-1) ** l)):
            basis = invariant_basis(irrep_matrices(Irrep(l, p), matrices))
            if basis.shape[1] and (l, p) != (0, 1):
                bases[Irrep(l, p)] = basis
    sums = [c for size in (1, 2, 3) for c in itertools.combinations(bases, size)]
    for irreps in sorted(sums, key=_cost)[:_MAX_SUMS]:
        ordered = tuple(sorted(irreps, key=lambda i: (i.l, not i.natural)))
        blocks = []
        for position, irrep in enumerate(ordered):
            basis = bases[irrep]
            # Fixed weights without rational relations: a generic vector, the same on every machine.
            weights = np.cos(1.0 + np.sqrt(2.0) * np.arange(basis.shape[1]) + np.sqrt(3.0) * position)
            block = basis @ weights
            blocks.append(block / np.linalg.norm(block))
        yield ordered, np.concatenate(blocks)
