"""``sbs.between``: what lies between a symmetric structure and a distorted one: S, K, domain states, and
their objects."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups import PointGroup, Subgroup
from sbs.objects.representation import representation
from sbs.optional import require
from sbs.query import minimal_set
from sbs.sets.minimal_set import MinimalSet
from sbs.structures.crystal import primitive_cell
from sbs.structures.detected import Detected
from sbs.structures.detection import DEFAULT_TOLERANCE, detect
from sbs.structures.inputs import Structure
from sbs.structures.matching import Match, match_crystals, match_molecules, matching_cells
from sbs.structures.orient import largest_prefix
from sbs.structures.parsing import parse_structure
from sbs.structures.patterns import DomainState
from sbs.structures.sites import move

__all__ = ["Between", "between"]

# Atoms that moved by less than this fraction of the shortest distance in the parent are still the same atoms.
FRACTION_MOVED = 0.4


@dataclass(frozen=True, eq=False, repr=False)
class Between:
    """A symmetric structure, one of its distortions, and everything that symmetry says about the pair.

    Attributes:
        parent: the detected symmetric structure, with S.
        target: K, the subgroup of S that the distortion leaves, in the parent's frame.
        states: the |S| / |K| domain states; the first is the child in the parent's frame, averaged over K.
        symmetry_set: the minimal symmetry-breaking set of S -> K.
        state_of: int (size,), the domain state that each object of the set stands for.
        object_of: int (num_states,), the first object that stands for each domain state.
        match: how the child was laid onto the parent.
        deviation: Å, the largest part of a displacement that was averaged away to make K exact.
    """

    parent: Detected
    target: Subgroup
    states: tuple[DomainState, ...]
    symmetry_set: MinimalSet
    state_of: NDArray[np.int64]
    object_of: NDArray[np.int64]
    match: Match
    deviation: float

    @property
    def group(self) -> PointGroup:
        """S, in the parent's frame."""
        return self.parent.point_group()

    @property
    def displacements(self) -> NDArray[np.float64]:
        """float64 (num_states, num_sites, 3), Å: the displacements of each domain state."""
        return np.array([state.displacement for state in self.states])

    @property
    def strains(self) -> NDArray[np.float64]:
        """float64 (num_states, 3, 3): the strain of each domain state."""
        return np.array([state.strain for state in self.states])

    @property
    def targets(self) -> NDArray[np.float64]:
        """float64 (size, num_sites, 3), Å: for each object of the set the displacements it stands for.

        This is what ``sbs.nn.orbit_targets`` returns and ``sbs.nn.paired_loss`` compares with, for outputs
        of irreps "1x1o" on the sites of the parent; it goes with ``symmetry_set.objects`` and
        ``parent.permutations``.
        """
        return self.displacements[self.state_of]

    def write(self, directory: str | os.PathLike[str]) -> list[Path]:
        """Write every domain state as CIF (crystals) or XYZ (molecules), with its object's number in the
        name (needs ASE)."""
        write = require("ase.io", "structures").write
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        suffix = "cif" if self.parent.structure.periodic else "xyz"
        paths = []
        for number, state in enumerate(self.states):
            path = (
                folder / f"{state.structure.formula}_{number:02d}_object{self.object_of[number]:02d}.{suffix}"
            )
            write(str(path), state.structure.to_ase())
            paths.append(path)
        return paths

    def summary(self) -> dict[str, Any]:
        """The plain facts (what the command line prints and writes)."""
        first = self.states[0]
        facts: dict[str, Any] = {
            "formula": self.parent.structure.formula,
            "parent": self.group.symbol,
            "child": self.target.symbol,
        }
        if self.parent.space_group is not None:
            child = detect(first.structure, self.parent.tolerance, periodic=True)
            assert child.space_group is not None
            facts["parent"] += f", {self.parent.space_group.symbol} ({self.parent.space_group.number})"
            facts["child"] += f", {child.space_group.symbol} ({child.space_group.number})"
            facts["strain"] = first.strain.round(6).tolist()
        facts |= {
            "domain states": len(self.states),
            "largest displacement / Å": float(np.linalg.norm(first.displacement, axis=1).max()),
            "averaged away / Å": self.deviation,
            "ambient": self.symmetry_set.ambient.symbol,  # type: ignore[union-attr]
            "objects": int(self.symmetry_set.size),
            "irreps": self.symmetry_set.irreps,
            "ideal": self.symmetry_set.is_ideal,
            "object of each domain state": self.object_of.tolist(),
        }
        return facts

    def __repr__(self) -> str:
        return (
            f"Between({self.group.symbol} -> {self.target.symbol}, {self.parent.structure!r}, "
            f"{len(self.states)} domain states)"
        )

    def __str__(self) -> str:
        return self.report()

    def report(self) -> str:
        """A readable account of the pair: the facts, and the object that each domain state is labelled by."""
        facts = self.summary()
        facts["largest displacement / Å"] = f"{facts['largest displacement / Å']:.4f}"
        facts["averaged away / Å"] = f"{self.deviation:.1e}"
        facts.pop("object of each domain state")
        lines = [f"{key}: {value}" for key, value in facts.items()]
        lines += ["", f"state  object  components ({self.symmetry_set.irreps})"]
        for number, k in enumerate(self.object_of):
            values = "  ".join(f"{value + 0.0:7.4f}" for value in self.symmetry_set.objects[k].round(4))
            lines.append(f"{number:5d}  {k:6d}  {values}")
        return "\n".join(lines)


def between(
    parent: Any, child: Any, tolerance: float = DEFAULT_TOLERANCE, max_displacement: float | None = None
) -> Between:
    """Compare a symmetric structure with a distorted one of the same cell size.

    Args:
        parent: the symmetric structure, anything that ``sbs.detect`` takes, or a ``Detected``.
        child: the distorted structure, in any cell of the same volume, orientation, origin and order of
            atoms.
        tolerance: Å, for the symmetry of the parent and of the distortion.
        max_displacement: Å, how far an atom may have moved; 0.4 of the parent's shortest distance by default.

    Raises:
        DetectionError: the cells differ in size (the message names the supercell), the child is no
            distortion of the parent (the message names an atom and how far it is off), the child breaks no
            symmetry of the parent's point group, or the parent's group is infinite.
    """
    detected = parent if isinstance(parent, Detected) else detect(parent, tolerance)
    own, other = detected.structure, parse_structure(child, tolerance)
    if own.periodic != other.periodic:
        kinds = ["a crystal" if s.periodic else "a molecule" for s in (own, other)]
        raise DetectionError(f"the parent is {kinds[0]} and the child {kinds[1]}; expected two of a kind")
    if own.periodic and len(own) != len(other):
        # a centred cell and a primitive one describe the same crystal: compare what is primitive
        other = primitive_cell(other, tolerance)
        if len(own) > len(other):
            detected = detect(primitive_cell(own, tolerance), tolerance, periodic=True)
            own = detected.structure
    _check_composition(own, other)
    group = detected.point_group()
    limit = FRACTION_MOVED * own.shortest_distance if max_displacement is None else max_displacement
    match = (match_crystals if own.periodic else match_molecules)(own, other, limit)
    target, displacement, strain = _symmetry(detected, match, tolerance)
    if target.order == group.order:
        raise DetectionError(
            f"the child keeps every symmetry of the parent's point group {group.symbol} within {tolerance:g} "
            "Å: nothing is broken; lower the tolerance, or give another child"
        )
    deviation = float(np.linalg.norm(displacement - match.displacement, axis=1).max())
    cosets = np.asarray(target.left_cosets())
    elements = cosets.min(axis=1)
    elements = elements[np.argsort(elements != 0, kind="stable")]
    states = tuple(_state(detected, target, int(g), displacement, strain) for g in elements)
    found = minimal_set(detected, target, frame=None if own.periodic else "input")
    state_of = _states_of_objects(found, group, target, elements)
    object_of = np.array([int(np.flatnonzero(state_of == n)[0]) for n in range(len(states))])
    return Between(detected, target, states, found, state_of, object_of, match, deviation)


def _check_composition(parent: Structure, child: Structure) -> None:
    kinds, counts = np.unique(parent.numbers, return_counts=True)
    others, amounts = np.unique(child.numbers, return_counts=True)
    if not np.array_equal(kinds, others):
        raise DetectionError(
            f"the parent is {parent.formula}, the child {child.formula}; expected the same elements"
        )
    ratio = amounts / counts
    if (ratio == 1).all():
        return
    if (ratio != ratio[0]).any() or not parent.periodic:
        raise DetectionError(
            f"the parent is {parent.formula}, the child {child.formula}; expected the same composition"
        )
    if ratio[0] < 1:
        raise DetectionError(
            f"the child's primitive cell holds {len(child)} atoms, the parent's {len(parent)}; expected "
            "cells of equal size: is the child the more symmetric of the two? Then exchange them"
        )
    raise DetectionError(
        f"the child's cell holds {ratio[0]:g} times as many atoms as the parent's ({len(child)} and "
        f"{len(parent)}): it is the {_supercell(parent, child, ratio[0])} of the parent's cell, so the "
        "distortion also breaks translations; expected a distortion that repeats in every cell of the "
        "parent"
    )


def _supercell(parent: Structure, child: Structure, ratio: float) -> str:
    assert parent.lattice is not None and child.lattice is not None
    cells = matching_cells(parent.lattice, child.lattice, int(ratio)) if float(ratio).is_integer() else []
    if not cells:
        return f"{ratio:g}-fold supercell"
    rows = np.linalg.norm(cells[0][0] @ parent.lattice, axis=1)
    size = " x ".join(f"{length:.2f}" for length in rows)
    return f"supercell {cells[0][0].tolist()} ({size} Å)"


def _symmetry(
    detected: Detected, match: Match, tolerance: float
) -> tuple[Subgroup, NDArray[np.float64], NDArray[np.float64]]:
    """K, and the displacements and strain averaged over it."""
    group = detected.point_group()
    count = group.order
    moved = np.array([move(detected, g, match.displacement) for g in range(count)])
    turned = group.matrices @ match.strain @ group.matrices.transpose(0, 2, 1)
    off = np.linalg.norm(moved - match.displacement, axis=2).max(axis=1)
    if detected.structure.lattice is not None:
        longest = float(np.linalg.norm(detected.structure.lattice, axis=1).max())
        off = np.maximum(off, longest * np.linalg.norm(turned - match.strain, axis=(1, 2)))
    order = np.argsort(off, kind="stable")
    order = order[off[order] <= tolerance]
    rank = np.full(count, count)
    rank[order] = np.arange(len(order))
    size = largest_prefix(rank[group.table[np.ix_(order, order)]])
    kept = group.subgroup_from_mask(np.isin(np.arange(count), order[:size]))
    return kept, moved[kept.elements].mean(axis=0), turned[kept.elements].mean(axis=0)


def _state(
    detected: Detected,
    target: Subgroup,
    element: int,
    displacement: NDArray[np.float64],
    strain: NDArray[np.float64],
) -> DomainState:
    parent = detected.structure
    turn = detected.matrices[element]
    moved, turned = move(detected, element, displacement), turn @ strain @ turn.T
    stretch = np.eye(3) + turned
    lattice = None if parent.lattice is None else parent.lattice @ stretch
    structure = replace(parent, positions=parent.positions @ stretch + moved, lattice=lattice)
    return DomainState(structure, element, moved, turned, target.conjugate(element))


def _states_of_objects(
    found: MinimalSet, group: PointGroup, target: Subgroup, elements: NDArray[np.integer]
) -> NDArray[np.int64]:
    """The domain state of each object: if K fixes object b, then g b stands for g K g^-1, the state that g
    makes of the first."""
    assert found.irreps is not None
    matrices = representation(found.irreps, group.matrices)
    coset_of = np.empty(group.order, dtype=np.int64)
    for number, g in enumerate(elements):
        coset_of[group.table[int(g), target.elements]] = number
    state_of = np.full(int(found.size), -1, dtype=np.int64)
    for orbit in range(int(found.degeneracy)):
        members = np.flatnonzero(found.orbits == orbit)
        base = next(k for k in members if found.target_of[int(k)] == target)
        images = matrices @ found.objects[base]
        apart = np.linalg.norm(images[:, None] - found.objects[members][None], axis=2)
        state_of[members[apart.argmin(axis=1)]] = coset_of
    return state_of
