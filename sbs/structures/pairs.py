"""``sbs.between``: what lies between a symmetric structure and a distorted one: S, K, domain states,
mode amplitudes and objects.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError, InfiniteSetError
from sbs.groups import ClosedGroup, FiniteGroup, PointGroup, PointGroupSymbol, Subgroup
from sbs.groups.abstract.immutability import ComparedByValue, frozen
from sbs.groups.abstract.validation import check_real
from sbs.query import minimal_set
from sbs.sets.minimal_set import MinimalSet
from sbs.structures.amplitudes import ModeAmplitude, mode_amplitudes
from sbs.structures.crystal import space_group_of
from sbs.structures.detected import Detected
from sbs.structures.detection import DEFAULT_TOLERANCE, detect
from sbs.structures.domains import SEEN, DomainState, distorted, domain_states
from sbs.structures.group_names import name_of_group, name_of_subgroup
from sbs.structures.inputs import Structure
from sbs.structures.laying import SAME_TURN, check_composition, lay_crystals
from sbs.structures.linear import is_linear, stand_in, turns_kept
from sbs.structures.matching import Match, match_linear, match_molecules
from sbs.structures.orient import largest_prefix
from sbs.structures.parsing import parse_structure
from sbs.structures.sites import changes, finite_group, move
from sbs.structures.state_objects import states_of_objects
from sbs.structures.writing import write_states

__all__ = ["Between", "between"]

# Atoms that moved by less than this fraction of the shortest distance in the parent are still the same atoms.
FRACTION_MOVED = 0.4


@dataclass(frozen=True, eq=False, repr=False)
class Between(ComparedByValue):
    """A symmetric structure, one of its distortions, and everything that symmetry says about the pair.

    Attributes:
        parent: the detected symmetric structure, with S: its point group, or where the child breaks translations the space
            group modulo the least supercell that holds the child's cell and keeps the point group.
        target: K, the subgroup of S that the distortion leaves, in the parent's frame.
        states: the |S| / |K| domain states; the first is the child in the parent's frame, averaged over K. Of all domain states
            that the child can be taken for it is the one for which the child need be turned least, then shifted least.
        match: how the child was laid onto the parent.
        deviation: Å, the largest part of a displacement that was averaged away to make K exact.
        stand_in: for a linear molecule the molecule with a finite group in place of C∞v or D∞h; ``target`` lies in that group.
    """

    parent: Detected
    target: Subgroup
    states: tuple[DomainState, ...]
    match: Match
    deviation: float
    stand_in: Detected | None = None

    @property
    def finite(self) -> Detected:
        """The parent with the finite group that K lies in: S itself, or what stands in for that of a linear molecule."""
        return self.stand_in or self.parent

    @property
    def group(self) -> PointGroup | FiniteGroup:
        """S, in the parent's frame; for a linear molecule the finite group that stands in for it."""
        return finite_group(self.finite)

    @property
    def index(self) -> int | float:
        """|S| / |K|, the number of domain states; infinite where a linear molecule bends (``states`` then holds one)."""
        if self.stand_in is not None and turns_kept(self.stand_in, self.target) < int(
            self.stand_in.rotations.family.n or 1
        ):
            return math.inf
        return self.group.order // self.target.order

    @property
    def kept(self) -> str:
        """Symbol of K: of its point group, or in a supercell of its space group."""
        return name_of_subgroup(self.finite, self.target)

    @cached_property
    def symmetry_set(self) -> MinimalSet:
        """The minimal symmetry-breaking set of S -> K."""
        if self.stand_in is not None:
            whole = ClosedGroup(PointGroupSymbol("Cnv", math.inf), self.parent.rotations.rotation)
            return minimal_set(self.parent, self.target if math.isinf(self.index) else whole)
        frame = None if self.parent.structure.periodic else "input"
        return minimal_set(self.parent, self.target, frame=frame)

    @cached_property
    def state_of(self) -> NDArray[np.int64]:
        """int (size,), the domain state that each object of the set stands for."""
        if math.isinf(self.index):
            raise InfiniteSetError(
                f"{self.parent.structure.formula} has infinitely many domain states, one for every angle about its axis, and as "
                "many objects; symmetry_set.sample(n) gives some"
            )
        elements = np.array([state.element for state in self.states])
        return frozen(states_of_objects(self.symmetry_set, self.finite, self.target, elements))

    @cached_property
    def object_of(self) -> NDArray[np.int64]:
        """int (num_states,), the first object that stands for each domain state."""
        return frozen(np.array([int(np.flatnonzero(self.state_of == n)[0]) for n in range(len(self.states))]))

    @cached_property
    def amplitudes(self) -> tuple[ModeAmplitude, ...]:
        """What each irrep of S contributes to the distortion: A_s, A_p (Å) and strain."""
        first = self.states[0]
        return mode_amplitudes(self.finite, self.target, first.displacement, first.strain)

    @property
    def displacements(self) -> NDArray[np.float64]:
        """float64 (num_states, num_sites, 3), Å: the displacements of each domain state."""
        return np.array([state.displacement for state in self.states])

    @property
    def strains(self) -> NDArray[np.float64]:
        """float64 (num_states, 3, 3): the strain of each domain state."""
        return np.array([state.strain for state in self.states])

    @property
    def object_displacements(self) -> NDArray[np.float64]:
        """float64 (size, num_sites, 3), Å: for each object of the set the displacements it stands for.

        This is what ``sbs.nn.orbit_targets`` returns and ``sbs.nn.paired_loss`` compares with, for outputs
        of irreps "1x1o" on the sites of the parent; it goes with ``symmetry_set.objects`` and
        ``parent.permutations``.
        """
        return self.displacements[self.state_of]

    def write(self, directory: str | os.PathLike[str], format: str = "cif") -> list[Path]:
        """Write every domain state to a file, with its object's number in the name; see ``sbs.structures.writing``.

        Args:
            format: "cif", "poscar" or "extxyz"; molecules are always written as "extxyz".
        """
        format = format if self.parent.structure.periodic else "extxyz"
        return write_states(self.states, self.symmetry_set, self.state_of, directory, format)

    def summary(self) -> dict[str, Any]:
        """The plain facts by snake_case name: numbers as numbers, lengths in Å (what the command line writes as JSON)."""
        first = self.states[0]
        facts: dict[str, Any] = {
            "formula": self.parent.structure.formula,
            "parent": {"point_group": self.parent.symbol},
            "child": {"symmetry": self.kept},
        }
        if self.parent.space_group is not None:
            child = space_group_of(first.structure, self._fine_tolerance())[0]
            for name, group in (("parent", self.parent.space_group), ("child", child)):
                facts[name] |= {"space_group": group.symbol, "space_group_number": group.number}
        if self.parent.supercell is not None:
            facts["supercell"] = self.parent.supercell.cell.tolist()
        if self.parent.structure.periodic:
            facts["strain"] = first.strain.round(9).tolist()
        facts |= {
            "domain_states": "infinite" if math.isinf(self.index) else len(self.states),
            "largest_displacement": float(np.linalg.norm(first.displacement, axis=1).max()),
            "averaged_away": self.deviation,
            "amplitudes": [
                {
                    "irrep": row.irrep,
                    "standard": row.standard,
                    "parent": row.parent,
                    "strain": row.strain,
                    "primary": row.primary,
                }
                for row in self.amplitudes
            ],
            "ambient": getattr(self.symmetry_set.ambient, "symbol", None) or "the crystal itself",
            "objects": "infinite" if math.isinf(self.symmetry_set.size) else int(self.symmetry_set.size),
            "irreps": self.symmetry_set.irreps,
            "ideal": self.symmetry_set.is_ideal,
        }
        if not math.isinf(self.index):
            facts["object_of_each_domain_state"] = self.object_of.tolist()
        return facts

    def _fine_tolerance(self) -> float:
        return max(min(self.parent.tolerance, SEEN * self.states[0].difference), 1e-6)

    def __repr__(self) -> str:
        return (
            f"Between({name_of_group(self.parent)} -> {self.kept}, {self.parent.structure!r}, "
            f"{'infinitely many' if math.isinf(self.index) else len(self.states)} domain states)"
        )

    def __str__(self) -> str:
        return self.report()

    def report(self) -> str:
        """A readable account of the pair: the facts, the amplitudes, and the object that each domain state is labelled by."""
        facts = self.summary()
        for name in ("parent", "child"):
            words = facts[name]
            symbol = words.get("point_group", words.get("symmetry"))
            space = f"{words['space_group']} ({words['space_group_number']})" if "space_group" in words else ""
            supercell = name == "child" and self.parent.supercell is not None
            facts[name] = space if supercell else ", ".join(part for part in (symbol, space) if part)
        if self.parent.supercell is not None:
            facts["supercell"] = self.parent.supercell.account()
        facts["largest_displacement"] = f"{facts['largest_displacement']:.4f} Å"
        facts["averaged_away"] = f"{self.deviation:.1e} Å"
        facts.pop("object_of_each_domain_state", None)
        facts.pop("amplitudes")
        lines = [f"{key.replace('_', ' ')}: {value}" for key, value in facts.items()]
        lines += ["", "irrep   A_s / Å   A_p / Å    strain"]
        lines += [
            f"{row.irrep:5s}  {row.standard:8.5f}  {row.parent:8.5f}  {row.strain:8.5f}{'  primary' if row.primary else ''}"
            for row in self.amplitudes
        ]
        if math.isinf(self.index):
            return "\n".join(lines)
        if self.parent.supercell is not None:  # an object is a field on the sites
            lines += ["", "state  object"]
            return "\n".join(lines + [f"{number:5d}  {k:6d}" for number, k in enumerate(self.object_of)])
        lines += ["", f"state  object  components ({self.symmetry_set.irreps})"]
        for number, k in enumerate(self.object_of):
            values = "  ".join(f"{value + 0.0:7.4f}" for value in self.symmetry_set.objects[k].round(4))
            lines.append(f"{number:5d}  {k:6d}  {values}")
        return "\n".join(lines)


def between(
    parent: Any,
    child: Any,
    tolerance: float = DEFAULT_TOLERANCE,
    max_displacement: float | None = None,
    supercell: Any = None,
) -> Between:
    """Compare a symmetric structure with a distorted one.

    Args:
        parent: the symmetric structure, anything that ``sbs.detect`` takes, or a ``Detected``.
        child: the distorted structure, in any cell, orientation, origin and order of atoms.
        tolerance: Å, for the symmetry of the parent and of the distortion.
        max_displacement: Å, how far an atom may have moved; 0.4 of the parent's shortest distance by default.
        supercell: of the parent, as for ``sbs.detect``, in place of the least one that holds the child's cell and keeps the
            parent's point group.

    Raises:
        DetectionError: the child is no distortion of the parent (the message names an atom and how far it is off), it breaks
            no symmetry of the parent, the supercell does not hold its cell, or the parent's group is infinite.
        SearchLimitError: the space group modulo the supercell is too large.
    """
    own = parent.structure if isinstance(parent, Detected) else parse_structure(parent, tolerance)
    other = parse_structure(child, tolerance)
    if own.kind != other.kind:
        raise DetectionError(f"the parent is a {own.kind} and the child a {other.kind}; expected two of a kind")
    limit = FRACTION_MOVED * own.shortest_distance
    if max_displacement is not None:
        limit = check_real(max_displacement, "max_displacement", 0.0)
    if own.periodic:
        detected, match = lay_crystals(own, other, tolerance, limit, supercell)
    else:
        if supercell is not None:
            raise DetectionError("a supercell was given with molecules; leave supercell out")
        check_composition(own, other)
        detected = parent if isinstance(parent, Detected) else detect(own, tolerance, periodic=False)
        if is_linear(detected):
            return _linear(detected, other, tolerance, limit)
        detected.point_group()
        match = match_molecules(own, other, limit)
    target, displacement, strain = _symmetry(detected, match, tolerance)
    group = finite_group(detected)
    if target.order == group.order:
        raise DetectionError(
            f"the child keeps every symmetry of the parent's point group {detected.symbol} within {tolerance:g} "
            "Å: nothing is broken; lower the tolerance, or give another child"
        )
    deviation = float(np.linalg.norm(displacement - match.displacement, axis=1).max())
    states = domain_states(detected, target, displacement, strain, 0.0)
    return Between(detected, target, states, match, deviation)


def _linear(detected: Detected, child: Structure, tolerance: float, limit: float) -> Between:
    """A linear molecule and one of its distortions: K among the groups that stand in for S, about every angle that a mirror or
    two-fold axis of the child could have."""
    axis = detected.rotations.rotation[:, 2]
    match = match_linear(detected.structure, axis, child, limit)
    across = match.displacement - np.outer(match.displacement @ axis, axis)
    sizes = np.linalg.norm(across, axis=1)
    directions = across[sizes > tolerance] / sizes[sizes > tolerance][:, None]
    sums = (directions[:, None] + directions).reshape(-1, 3)
    best: Between | None = None
    for direction in (np.zeros(3), *directions, *sums[np.linalg.norm(sums, axis=1) > SAME_TURN]):
        standing = stand_in(detected, direction)
        target, displacement, strain = _symmetry(standing, match, tolerance)
        if best is None or target.order > best.target.order:
            deviation = float(np.linalg.norm(displacement - match.displacement, axis=1).max())
            fixed = DomainState(
                distorted(detected.structure, displacement, strain), 0, displacement, strain, target, 0.0
            )
            best = Between(detected, target, (fixed,), match, deviation, standing)
    assert best is not None and best.stand_in is not None
    if best.target.order == best.stand_in.order:
        raise DetectionError(
            f"the child keeps every symmetry of the parent's point group {detected.symbol} within {tolerance:g} "
            "Å: nothing is broken; lower the tolerance, or give another child"
        )
    if math.isinf(best.index):
        return best
    first = best.states[0]
    states = domain_states(best.stand_in, best.target, first.displacement, first.strain, 0.0)
    return replace(best, states=states)


def _symmetry(
    detected: Detected, match: Match, tolerance: float
) -> tuple[Subgroup, NDArray[np.float64], NDArray[np.float64]]:
    """K, and the displacements and strain averaged over it."""
    group = finite_group(detected)
    off, stretched = changes(detected, match.displacement, match.strain)
    if detected.structure.lattice is not None:
        longest = float(np.linalg.norm(detected.structure.lattice, axis=1).max())
        off = np.maximum(off, longest * stretched)
    order = np.argsort(off, kind="stable")
    order = order[off[order] <= tolerance]
    rank = np.full(group.order, group.order)
    rank[order] = np.arange(len(order))
    size = largest_prefix(rank[group.multiply(order[:, None], order)])
    kept = group.subgroup_from_mask(np.isin(np.arange(group.order), order[:size]))
    displacement, strain = np.zeros_like(match.displacement), np.zeros((3, 3))
    for element in kept.elements.tolist():
        turn = detected.matrices[element]
        displacement += move(detected, element, match.displacement) / kept.order
        strain += turn @ match.strain @ turn.T / kept.order
    return kept, displacement, strain
