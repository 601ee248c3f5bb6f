"""``sbs.descend``: from a symmetric structure on a saddle to its lower phases.

The search, step by step:

1. The parent is relaxed inside Fix(S), and its Hessian says which irreps of S are unstable.
2. Of every unstable irrep, but those much weaker than the softest one (``weakest``), each direction with one free amplitude
   is entered and relaxed inside Fix(K): the axial isotropy subgroups K of the equivariant branching lemma (M. Golubitsky,
   I. Stewart, D. G. Schaeffer, "Singularities and Groups in Bifurcation Theory" II, 1988, ch. XIII).
3. It goes on from a relaxed phase as from a parent of its own: the Hessian in the parent's cell says whether it is a minimum;
   where it is not, the unstable irreps of K give the phases below. So a coupled phase is tried where one of the phases that it
   couples is unstable towards the other; the energies of the single ones rule out the rest.
4. It goes on always from the lowest phase of all, until that is a minimum. Then each unstable irrep of the parent that takes
   no part in it has its turn: from its own lowest phases (all within ``TIE`` of the lowest), if they gain at least a share
   (``share``) of what the lowest phase with one irrep gains, and again down from the lowest of all, until a limit is reached.

What it ends with is a local minimum: a lower phase to which no chain of instabilities leads is not found.

With ``exhaustive``, weak irreps, directions with several amplitudes and those of pairs of unstable irreps are entered too, and
the Hessian of every phase is computed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import BudgetError, CalculatorError, InvalidGroupError, NotConvergedError
from sbs.groups import Subgroup
from sbs.groups.abstract.validation import check_bool, check_integer, check_real, check_tolerance
from sbs.phases.directions import directions
from sbs.phases.fixed_space import FixedSpace, fixed_space
from sbs.phases.hessian import DEFAULT_STEP, MAX_STEP, Hessian, finite_differences
from sbs.phases.instabilities import Instabilities, SoftMode, analyse
from sbs.phases.journal import Journal, fingerprint
from sbs.phases.potential import Potential
from sbs.phases.relaxation import DEFAULT_FMAX, DEFAULT_STEPS, MAX_FMAX, Relaxation, relax_in, space_of
from sbs.phases.states import State, carried, state_of
from sbs.phases.tree import Failure, Phase, PhaseTree, Repeat
from sbs.progress import tick
from sbs.structures.detected import Detected
from sbs.structures.detection import DEFAULT_TOLERANCE, detect
from sbs.structures.inputs import Structure
from sbs.structures.irreps import real_irreps

__all__ = ["descend"]

Floats = NDArray[np.float64]

#: Largest displacement of an atom at the start of a relaxation, Å: in the basin, and beyond what float32 rounds.
START = 0.15

#: A phase is gone on from if it gains at least this share of what the lowest phase gains.
DEFAULT_SHARE = 0.5

#: An unstable irrep is entered if its squared frequency is at least this share of the softest one's.
DEFAULT_WEAKEST = 0.05

#: Steps from the parent, and phases that are gone on from, after which the search stops.
DEFAULT_DEPTH = 6
DEFAULT_EXPANSIONS = 12

#: An irrep takes part in a phase if its amplitude is at least this, Å: those that are only driven along stay below.
TAKES_PART = 0.1

#: Phases closer than this, eV per formula unit, are told apart by nothing that universal potentials are good for.
TIE = 5e-4

# A phase is below another if it is by this much (eV per formula unit): potentials in float32 are noisier than 1e-5.
_ENERGY_NOISE = 5e-5
# Amplitudes below this (Å) are rounding and are not listed.
_SMALL_AMPLITUDE = 1e-3
# Singular values of the projector onto a fixed space are 0 or 1.
_HALF = 0.5


@dataclass(frozen=True)
class _Settings:
    pressure: float
    cell: bool
    fmax: float
    steps: int
    step: float
    tolerance: float
    share: float
    weakest: float
    depth: int
    expansions: int
    exhaustive: bool


@dataclass(frozen=True, eq=False)
class _Node:
    """A phase and what is needed to go on from it: its structure in the parent's cell and the relaxed energy."""

    phase: Phase
    cell: Structure


def descend(
    structure: Any,
    calculator: Any,
    supercell: Any = None,
    *,
    pressure: float = 0.0,
    cell: bool = True,
    exhaustive: bool = False,
    share: float = DEFAULT_SHARE,
    weakest: float = DEFAULT_WEAKEST,
    depth: int = DEFAULT_DEPTH,
    expansions: int = DEFAULT_EXPANSIONS,
    budget: int | None = None,
    fmax: float = DEFAULT_FMAX,
    steps: int = DEFAULT_STEPS,
    step: float = DEFAULT_STEP,
    tolerance: float = DEFAULT_TOLERANCE,
    journal: str | os.PathLike[str] | None = None,
) -> PhaseTree:
    """All lower phases of a symmetric crystal or molecule, by the search that the module describes.

    Args:
        structure: anything that ``sbs.detect`` takes, or a ``Detected``, whose cell is then the one that is given.
        calculator: an ASE calculator.
        supercell: of a crystal, as ``sbs.detect`` takes it: distortions that repeat in this cell are found. By default
            the cell as it is given.
        pressure: GPa.
        cell: whether cells relax too.
        exhaustive: enter the directions with several amplitudes and of pairs of unstable irreps too.
        share: a phase is gone on from if it gains at least this share of what the lowest gains, 0 to 1.
        weakest: an unstable irrep is entered if its eigenvalue (squared frequency) is at least this share of the softest
            one's, 0 to 1.
        depth: most steps from the parent.
        expansions: most phases that are gone on from.
        budget: most evaluations of the calculator; what is known then is kept and marked incomplete.
        fmax: eV/Å, largest gradient at the end of a relaxation.
        steps: most steps of a relaxation.
        step: Å, of the finite differences.
        tolerance: Å, for finding symmetries.
        journal: path of a file that remembers finished pieces; a run that was interrupted goes on from it.

    Returns:
        The tree of phases, the lowest first.

    Raises:
        CalculatorError: the calculator fails on the parent. Where it fails on a distorted structure, that direction is
            listed under ``failures``.
        DetectionError: not a structure, or one whose group is infinite.
        CorruptTableError: the journal belongs to another run.
    """
    settings = _Settings(
        pressure=check_real(pressure, "pressure"),
        cell=check_bool(cell, "cell"),
        fmax=check_tolerance(fmax, "fmax", MAX_FMAX),
        steps=check_integer(steps, "steps", 1),
        step=check_tolerance(step, "step", MAX_STEP),
        tolerance=tolerance,
        share=check_real(share, "share", 0.0, 1.0),
        weakest=check_real(weakest, "weakest", 0.0, 1.0),
        depth=check_integer(depth, "depth", 1),
        expansions=check_integer(expansions, "expansions", 1),
        exhaustive=check_bool(exhaustive, "exhaustive"),
    )
    given = structure.structure if isinstance(structure, Detected) else structure
    found = detect(given, tolerance)
    if found.structure.periodic:
        found = detect(given, tolerance, supercell=1 if supercell is None else supercell)
    elif supercell is not None:
        raise InvalidGroupError("a molecule has no cell; leave supercell out")
    lattice = found.structure.lattice
    run = fingerprint(
        found.structure.positions,
        found.structure.numbers,
        0 if lattice is None else lattice,
        found.structure.kind,
        type(calculator).__name__,
        repr(settings),
    )
    return _Descent(found, Potential(calculator, budget), settings, Journal(journal, run)).run()


class _Descent:
    """One search: what is known so far, and how it grows."""

    def __init__(self, found: Detected, potential: Potential, settings: _Settings, journal: Journal) -> None:
        self.given, self.potential, self.settings, self.journal = found, potential, settings, journal
        self.parent = found
        self.nodes: list[_Node] = []
        self.failures: list[Failure] = []
        self.repeats: list[Repeat] = []
        self.energy = 0.0

    def run(self) -> PhaseTree:
        limit = self._grow()
        root, *rest = self.nodes
        phases = sorted((node.phase for node in rest), key=lambda phase: phase.energy)
        return PhaseTree(
            self.parent,
            root.phase,
            tuple(phases),
            tuple(self.failures),
            tuple(self.repeats),
            not limit,
            limit,
            self.potential.calls,
            self.potential.atom_calls,
        )

    # --- the search -------------------------------------------------------------------------------------------

    def _grow(self) -> str:
        """Grow the tree; what ended it, or nothing."""
        relaxed = self._relaxed("parent", space_of(self.given))
        cell = relaxed.start.displaced_cell(relaxed.coordinates)
        self.parent = detect(cell, self.settings.tolerance, supercell=1) if cell.periodic else detect(cell)
        self.energy = relaxed.energy_per_formula
        whole = self.parent.group.whole  # type: ignore[union-attr]
        self._keep(relaxed, self.parent.structure, None, (), whole)
        try:
            self._expand(0)
            for gone_on, number in enumerate(self._to_go_on_from()):
                if gone_on == self.settings.expansions:
                    return f"{gone_on} phases were gone on from (expansions={gone_on})"
                self._expand(number)
        except BudgetError as error:
            return str(error)
        if len(self.nodes) > 1 and self._lowest().phase.curvatures is None and self._lowest().phase.energy < -_ENERGY_NOISE:
            return f"the lowest phase is {self.settings.depth} steps from the parent (depth={self.settings.depth})"
        return ""

    def _to_go_on_from(self) -> Iterator[int]:
        """Numbers of phases, each asked for when those before are done."""
        yield from self._downhill()
        for phase in self._lowest_single_ones():
            irrep = phase.route[0].partition(" ")[0]
            takes_part = self._lowest().phase.modes.get(irrep, 0.0) > TAKES_PART
            if self._is_open(self.nodes[phase.number]) and not takes_part:
                yield phase.number
                yield from self._downhill()
        while self.settings.exhaustive:
            open_nodes = [n for n in self.nodes[1:] if self._is_open(n)]
            if not open_nodes:
                return
            yield min(open_nodes, key=lambda node: node.phase.energy).phase.number

    def _downhill(self) -> Iterator[int]:
        """The lowest phase of all, until that is a minimum or a limit is reached."""
        while len(self.nodes) > 1 and self._is_open(self._lowest()):
            yield self._lowest().phase.number

    def _lowest_single_ones(self) -> list[Phase]:
        """Of each unstable irrep of the parent the lowest phases, if they gain enough, the lowest first."""
        single = sorted((n.phase for n in self.nodes[1:] if len(n.phase.route) == 1), key=lambda phase: phase.energy)
        least: dict[str, float] = {}
        chosen = []
        for phase in single:
            best = least.setdefault(phase.route[0].partition(" ")[0], phase.energy)
            gained = phase.energy <= min(self.settings.share * single[0].energy, -_ENERGY_NOISE)
            if gained and phase.energy < best + TIE:
                chosen.append(phase)
        return chosen

    def _is_open(self, node: _Node) -> bool:
        phase = node.phase
        return phase.curvatures is None and len(phase.route) < self.settings.depth and phase.energy < -_ENERGY_NOISE

    def _lowest(self) -> _Node:
        return min(self.nodes[1:], key=lambda node: node.phase.energy)

    def _expand(self, number: int) -> None:
        """The Hessian of one phase, and the phases along its unstable directions."""
        node = self.nodes[number]
        phase = node.phase
        here = self.parent if number == 0 else _within(node.cell, self.settings.tolerance)
        tick(f"Hessian of {phase.name}", self.potential.calls, len(self.nodes))
        hessian = self._hessian(here, f"hessian {number}")
        found = analyse(here, hessian)
        self.nodes[number] = replace(node, phase=replace(phase, curvatures=found))
        for mode_set in self._mode_sets(found):
            for row in directions(here, mode_set):
                for mark, start in self._starts(here, mode_set, row.target):
                    self._enter(here, row.target, start, number, (*phase.route, row.name + mark), hessian.matrix)

    def _mode_sets(self, found: Instabilities) -> list[tuple[SoftMode, ...]]:
        softest: dict[str, SoftMode] = {}
        for mode in found.unstable:
            if self.settings.exhaustive or mode.frequency**2 >= self.settings.weakest * found[0].frequency ** 2:
                softest.setdefault(mode.label, mode)
        singles: list[tuple[SoftMode, ...]] = [(mode,) for mode in softest.values()]
        return singles + (list(combinations(softest.values(), 2)) if self.settings.exhaustive else [])

    def _starts(self, here: Detected, modes: tuple[SoftMode, ...], target: Subgroup) -> list[tuple[str, Structure]]:
        """Distorted structures to start from: one, or two where a direction and its opposite are not equivalent."""
        patterns = []
        for mode in modes:
            fixed = _fixed_patterns(here, target, mode.patterns)
            if not len(fixed) or (len(fixed) > 1 and not self.settings.exhaustive):
                return []
            patterns.append(fixed.sum(0))
        starts = []
        signs = [(1.0,), (-1.0,)] if len(modes) == 1 else [(1.0, 1.0), (1.0, -1.0)]
        known: list[State] = []
        for sign in signs:
            field = np.einsum("k,kni->ni", np.array(sign), np.array(patterns))
            field *= START / np.linalg.norm(field, axis=1).max()
            state = State(here, field, np.eye(3))
            if any(len(other.elements_to(state, START / 10)) for other in known):
                continue
            known.append(state)
            origin = here.structure
            mark = "" if len(known) == 1 else " opposite"
            starts.append((mark, replace(origin, positions=origin.positions + field)))
        return starts

    def _enter(
        self, here: Detected, target: Subgroup, start: Structure, above: int, route: tuple[str, ...], hessian: Floats
    ) -> None:
        """Relax in one direction and keep what comes of it, unless it is known."""
        tick(" > ".join(route), self.potential.calls, len(self.nodes))
        space = fixed_space(start, here.matrices[target.elements], here.permutations[target.elements])
        try:
            relaxed = self._relaxed(f"{above} {route[-1]}", space, hessian)
        except (CalculatorError, NotConvergedError) as error:
            self.failures.append(Failure(route, str(error)))
            return
        cell = relaxed.start.displaced_cell(relaxed.coordinates)
        state = state_of(self.parent, cell)
        left = state.elements_to(state)
        for node in self.nodes:
            if len(node.phase.state.elements_to(state)):
                self.repeats.append(Repeat(route, node.phase.number, node.phase.name))
                return
        kept = Subgroup.from_elements(self.parent.group, left)  # type: ignore[arg-type]
        expected = len(target.elements)
        self._keep(relaxed, cell, above, route, kept, "" if kept.order <= expected else "relaxed back")

    def _keep(
        self,
        relaxed: Relaxation,
        cell: Structure,
        above: int | None,
        route: tuple[str, ...],
        kept: Subgroup,
        collapsed: str = "",
    ) -> None:
        state = state_of(self.parent, cell)
        primitive = fixed_space(cell, self.parent.matrices[kept.elements], self.parent.permutations[kept.elements])
        share = np.sqrt(len(primitive.structure) / len(cell))
        amplitudes = {i.name: state.amplitude(i) * share for i in real_irreps(self.parent)}
        symmetry = detect(primitive.structure, self.settings.tolerance, periodic=cell.periodic)
        phase = Phase(
            number=len(self.nodes),
            above=above,
            route=route,
            target=kept,
            space_group=symmetry.space_group,
            point_group=symmetry.symbol,
            energy=relaxed.energy_per_formula - self.energy,
            structure=primitive.structure,
            state=state,
            modes={name: value for name, value in amplitudes.items() if value > _SMALL_AMPLITUDE},
            curvatures=None,
            calls=relaxed.calls,
            atom_calls=relaxed.atom_calls,
            collapsed=collapsed and f"{collapsed} to {symmetry.space_group.symbol if symmetry.space_group else symmetry.symbol}",
        )
        self.nodes.append(_Node(phase, cell))

    # --- pieces that the journal remembers ----------------------------------------------------------------------

    def _relaxed(self, key: str, space: FixedSpace, hessian: Floats | None = None) -> Relaxation:
        settings = self.settings

        def compute() -> dict[str, Any]:
            try:
                done = relax_in(
                    space,
                    self.potential,
                    pressure=settings.pressure,
                    cell=settings.cell,
                    fmax=settings.fmax,
                    steps=settings.steps,
                    hessian=hessian,
                )
            except NotConvergedError as error:
                return {"failed": str(error)}
            return {
                "coordinates": done.coordinates.tolist(),
                "energy": done.energy,
                "forces": done.forces.tolist(),
                "stress": None if done.stress is None else done.stress.tolist(),
                "residual": done.residual,
                "calls": done.calls,
            }

        kept = self.journal.recall(f"relax {key}", compute)
        if "failed" in kept:
            raise NotConvergedError(kept["failed"])
        coordinates = np.array(kept["coordinates"])
        return Relaxation(
            space,
            coordinates,
            space.displaced(coordinates),
            kept["energy"],
            np.array(kept["forces"]),
            None if kept["stress"] is None else np.array(kept["stress"]),
            kept["residual"],
            kept["calls"],
        )

    def _hessian(self, here: Detected, key: str) -> Hessian:
        def compute() -> dict[str, Any]:
            done = finite_differences(
                here.structure, here.matrices, here.permutations, self.potential, self.settings.step
            )
            return {
                "matrix": done.matrix.tolist(),
                "noise": done.noise,
                "forces": done.forces.tolist(),
                "calls": done.calls,
            }

        kept = self.journal.recall(key, compute)
        return Hessian(np.array(kept["matrix"]), kept["noise"], np.array(kept["forces"]), kept["calls"])


def _within(cell: Structure, tolerance: float) -> Detected:
    """A phase as a crystal of its own, in the parent's cell."""
    return detect(cell, tolerance, supercell=1) if cell.periodic else detect(cell, tolerance)


def _fixed_patterns(here: Detected, target: Subgroup, patterns: Floats) -> Floats:
    """Orthonormal combinations (k, num_sites, 3) of an irrep's patterns that K leaves invariant."""
    mean = np.einsum("ani,bni->ab", patterns, carried(here, patterns)[target.elements].mean(0), optimize=True)
    values, vectors = np.linalg.eigh((mean + mean.T) / 2)
    return np.einsum("dk,dni->kni", vectors[:, values > _HALF], patterns)
