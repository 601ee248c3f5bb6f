"""What is to be learnt: crystals, the symmetry-broken displacements of each, and what symmetry says of both.

A task is a list of items. An item is an undistorted crystal, of symmetry S, together with a phase, a subgroup K of S up to
conjugation; its target is the displacement field of the atoms in that phase, given for one of the |S| / |K| equivalent
domains. All domains follow from it by S.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

import sbs
from benchmarks.broken_perovskites.geometry import Messages, summed_harmonics
from sbs.groups import Subgroup
from sbs.nn import orbit_targets, site_permutations
from sbs.sets.minimal_set import MinimalSet

__all__ = ["IDEAL_SITES", "UNIT", "Phase", "Task", "cubic_task", "folds_of", "synthetic"]

#: Fractional sites of a cubic perovskite: A, B, and the oxygens next to B along x, y and z, as in `phases.cubic`.
IDEAL_SITES = np.array([[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])
KINDS = (0, 1, 2, 2, 2)
#: Å; displacements are learnt in this unit, near their size, so that weights of order one suffice.
UNIT = 0.1
#: Formal charges of A, B, O: they decide which way a domain counts as polarised, whatever the valences.
CHARGES = np.array([2.0, 4.0, -2.0, -2.0, -2.0])

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Phase:
    """A subgroup K of S: its smallest set, the elements that make the domains, and the projector on Fix(K).

    Attributes:
        name: of the space group.
        number: of the space group, in the tables.
        symmetry_set: the smallest exact set for (S, K).
        paired: number of the object whose stabilizer is the K of the stored domain.
        domains: numbers of elements of S, one for each domain; the first is the identity.
        projector: float64 (3 J, 3 J), onto the fields that the K of the stored domain keeps.
    """

    name: str
    number: int
    symmetry_set: MinimalSet
    paired: int
    domains: npt.NDArray[np.int64]
    projector: Array


@dataclass(frozen=True, eq=False)
class Task:
    """Items with all that techniques and measures need.

    Attributes:
        name: for tables.
        permutations: int64 (order of S, J). actions: float64 (order of S, 3 J, 3 J), of S on displacement fields.
        features: float64 (items, F), invariant; cells: (items, 3, 3) Å.
        harmonics: float64 (crystals, RADIAL, J, J, 9); crystal: int64 (items,) which of these.
        phase: int64 (items,), number in ``phases``.
        targets: float64 (items, J, 3), Å, the stored domain, without a rigid shift.
        composition: (items,) names; series of one composition are resampled together.
        held_out: (items,) what is held out together: names of folds' units.
        cells_repeated: 8 where the crystals repeat a cell twice along each axis, see `Messages`.
    """

    name: str
    permutations: npt.NDArray[np.int64]
    actions: Array
    features: Array
    cells: Array
    harmonics: Array
    crystal: npt.NDArray[np.int64]
    phases: tuple[Phase, ...]
    phase: npt.NDArray[np.int64]
    targets: Array
    composition: tuple[str, ...]
    held_out: tuple[str, ...]
    kinds: tuple[int, ...] = KINDS
    cells_repeated: int = 1

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def sites(self) -> int:
        """Number of sites."""
        return self.targets.shape[1]

    @cached_property
    def messages(self) -> Messages:
        """Of the crystals, float64."""
        return Messages.of(self.harmonics, cells=self.cells_repeated)

    def domain_targets(self) -> Tensor:
        """Targets of all domains, float32 (items, most domains, J, 3), in `UNIT`; the first is the stored one.

        Where a phase has fewer domains than another the first is repeated.
        """
        most = max(len(p.domains) for p in self.phases)
        elements = np.zeros((len(self), most), dtype=np.int64)
        for number, phase in enumerate(self.phases):
            elements[self.phase == number, : len(phase.domains)] = phase.domains
        flat = self.targets.reshape(len(self), -1)
        found = np.einsum("ndij,nj->ndi", self.actions[elements], flat) / UNIT
        return torch.from_numpy(found.reshape(len(self), most, self.sites, 3)).float()

    def projectors(self) -> Array:
        """Of each item's phase, (items, 3 J, 3 J)."""
        return np.stack([p.projector for p in self.phases])[self.phase]


def elements_of(group: object) -> npt.NDArray[np.int64]:
    """Numbers of the elements of a subgroup of a finite group."""
    assert isinstance(group, Subgroup)
    return np.asarray(group.elements, dtype=np.int64)


def actions_of(matrices: Array, permutations: npt.NDArray[np.int64]) -> Array:
    """Of group elements on displacement fields: site i's vector R v arrives at site p[g, i]; (m, 3 J, 3 J)."""
    order, sites = permutations.shape
    moved = np.zeros((order, sites, sites))
    moved[np.arange(order)[:, None], permutations, np.arange(sites)] = 1.0
    return np.einsum("gij,gab->giajb", moved, matrices).reshape(order, 3 * sites, 3 * sites)


#: Space group number, subgroup of O_h and a polar axis.
POLAR_PHASES = {
    "P4mm": (99, "C4v", (0.0, 0.0, 1.0)),
    "Amm2": (38, "C2v(C2')", (0.0, 1.0, 1.0)),
    "R3m": (160, "C3v", (1.0, 1.0, 1.0)),
}


def polar_phase(name: str, axis: Array, actions: Array) -> Phase:
    """A phase at the zone centre, with the object along the polar axis of the stored domain."""
    number, label, _ = POLAR_PHASES[name]
    found = sbs.minimal_set("Oh", label)
    direction = axis / np.linalg.norm(axis)
    paired = int((found.objects @ direction).argmax())
    group = np.asarray(found.group.matrices)
    fixing = np.linalg.norm(group @ direction - direction, axis=1) < 1e-9
    images = np.round(group @ direction, 6) + 0.0
    _, first = np.unique(images, axis=0, return_index=True)
    identity = int(np.abs(group - np.eye(3)).sum(axis=(1, 2)).argmin())
    rest = [int(g) for g in sorted(first) if not fixing[g]]
    return Phase(name, number, found, paired, np.array([identity, *rest]), actions[fixing].mean(axis=0))


def cubic_task(
    name: str,
    phases: Sequence[str],
    phase: npt.NDArray[np.int64],
    species: Sequence[tuple[str, str]],
    constants: Array,
    displacements: Array,
    held_out: Sequence[str],
    axes: Sequence[Sequence[float]] | None = None,
) -> Task:
    """A task of five-atom cells.

    Args:
        phases: names; phase: (items,) numbers of them. species: (A, B) of each item.
        constants: lattice constants of the undistorted crystals, Å.
        displacements: (items, 5, 3) Å, in the order of `IDEAL_SITES`, in a domain with the polar axis of ``axes`` or
            its opposite. Of the two that is kept in which the formal charges make the dipole point along the axis:
            labels in which it points here along, there against the object cannot be learnt by any technique.
        held_out: (items,) units of the folds.
        axes: of each phase; by default those of `POLAR_PHASES`.
    """
    matrices = np.asarray(sbs.point_group("Oh").matrices)
    permutations = site_permutations(IDEAL_SITES * 4.0, matrices, cell=np.eye(3) * 4.0)
    actions = actions_of(matrices, permutations)
    polar = np.array([POLAR_PHASES[each][2] for each in phases] if axes is None else axes, dtype=np.float64)
    found = tuple(polar_phase(each, axis, actions) for each, axis in zip(phases, polar, strict=True))
    targets = displacements - displacements.mean(axis=1, keepdims=True)
    dipoles = np.einsum("j,njd,nd->n", CHARGES, targets, polar[phase])
    targets = np.where(dipoles[:, None, None] < 0, -targets, targets)
    values, crystal = np.unique(np.round(constants, 6), return_inverse=True)
    harmonics = np.stack([summed_harmonics(np.eye(3) * a, IDEAL_SITES * a) for a in values])
    firsts, seconds = sorted({a for a, _ in species}), sorted({b for _, b in species})
    columns = [np.array([a == each for a, _ in species]) for each in firsts]
    columns += [np.array([b == each for _, b in species]) for each in seconds]
    columns += [(constants - constants.mean()) / max(float(constants.std()), 1e-3)]
    if len(phases) > 1:
        columns += [phase == number for number in range(len(phases))]
    return Task(
        name=name,
        permutations=permutations,
        actions=actions,
        features=np.stack(columns, axis=1).astype(np.float64),
        cells=np.eye(3) * constants[:, None, None],
        harmonics=harmonics,
        crystal=crystal.astype(np.int64),
        phases=found,
        phase=phase,
        targets=targets,
        composition=tuple(f"{a}{b}O3" for a, b in species),
        held_out=tuple(held_out),
    )


def object_targets(task: Task, item: int) -> Tensor:
    """Targets of all objects of the smallest set, (objects, J, 3) Å, by the library's own pairing."""
    phase = task.phases[task.phase[item]]
    return orbit_targets(
        phase.symmetry_set, torch.from_numpy(task.targets[item]), "1x1o", task.permutations, index=phase.paired
    )


def folds_of(task: Task, count: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Fold of each item, (items,): units that are held out together share one; every item is tested once."""
    units = sorted(set(task.held_out))
    order = np.random.default_rng(seed).permutation(len(units))
    fold = {units[k]: int(position % count) for position, k in enumerate(order)}
    return np.array([fold[u] for u in task.held_out])


def synthetic(compositions: int = 20, constants: int = 3, phases: Sequence[str] = ("P4mm",), seed: int = 0) -> Task:
    """A stand-in for data: smooth made-up amplitudes on the zone-centre patterns, for tests and for trying out."""
    rng = np.random.default_rng(seed)
    firsts, seconds = [f"A{k}" for k in range(6)], [f"B{k}" for k in range(8)]
    pairs = [(a, b) for a in firsts for b in seconds]
    chosen = [pairs[k] for k in rng.permutation(len(pairs))[:compositions]]
    latent = {name: rng.normal(size=3) for name in (*firsts, *seconds)}
    species, lattice, which, fields, held = [], [], [], [], []
    for a, b in chosen:
        for step in range(constants):
            for number, name in enumerate(phases):
                value = 3.9 + 0.1 * step + 0.05 * latent[a][0]
                mix = latent[a] + latent[b] + 4 * (value - 4.0)
                size = 0.15 * np.log1p(np.exp(mix))
                axis = np.array(POLAR_PHASES[name][2])
                along = np.array([size[0], size[1] + 0.1, -size[2], -size[2], -size[2]])
                moved = along[:, None] * axis / np.linalg.norm(axis)
                # The oxygen next to B along the axis is not equivalent to the others.
                moved[2:] += -0.05 * np.abs(np.eye(3) @ axis)[:, None] * axis
                species.append((a, b))
                lattice.append(value)
                which.append(number)
                fields.append(moved)
                held.append(f"{a}{b} {step}")
    return cubic_task("synthetic", phases, np.array(which), species, np.array(lattice), np.array(fields), held)
