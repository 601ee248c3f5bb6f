"""``sbs.relax``: to the nearest minimum inside Fix(K), with ASE's BFGS on the few coordinates that K leaves.

BFGS without line search lives on gradients: the energies of potentials in float32 are too noisy for a line search,
their gradients are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import InvalidGroupError, MissingDependencyError, NotConvergedError
from sbs.groups.abstract.validation import check_bool, check_integer, check_real, check_tolerance
from sbs.optional import require
from sbs.phases.fixed_space import FixedSpace, fixed_space
from sbs.phases.potential import Evaluation, Potential
from sbs.phases.symmetrized import check_finite, symmetrized
from sbs.structures.crystal import SpaceGroup, primitive_cell
from sbs.structures.detected import Detected
from sbs.structures.detection import DEFAULT_TOLERANCE, detect
from sbs.structures.inputs import Structure
from sbs.structures.parsing import parse_structure

__all__ = ["DEFAULT_FMAX", "Relaxation", "formula_units", "relax", "relax_in", "space_of", "whole_symmetry"]

Floats = NDArray[np.float64]

#: Largest gradient at the end, eV/Å. Potentials in float32 give forces to about 1e-4 eV/Å.
DEFAULT_FMAX = 1e-3

#: eV/Å: beyond, nothing is relaxed.
MAX_FMAX = 1.0

#: Steps of the optimiser after which it is given up; relaxations in Fix(K) take 10 to 40.
DEFAULT_STEPS = 200

#: Longest step of an atom, Å: ASE's own default.
MAX_STEP = 0.2

# The first version whose optimisers take gradients from what they optimise, not forces.
_LEAST_ASE = (3, 29)

# The curvature that ASE's BFGS starts from, eV/Å², and a stiffness typical of oxides, eV/Å³ (200 GPa): strain
# components are scaled to lengths in which the cell is as stiff as that curvature.
_START_CURVATURE = 70.0
_STIFFNESS = 1.25
# Softer directions than this (eV/Å²) would be entered in one long step each time.
_LEAST_CURVATURE = 1.0

#: 1 eV/Å³ in GPa.
GPA = 160.21766208


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The end of a relaxation.

    Attributes:
        start: the fixed space in which it ran, at its start.
        coordinates: float64 (p + q,), where it ended: displacements in Å, then strains.
        structure: the relaxed structure in the primitive cell of K.
        energy: eV per cell of ``structure``, with the pressure's work p V.
        forces: float64 (num_sites, 3), eV/Å.
        stress: float64 (3, 3), eV/Å³; None at fixed cell and for a molecule.
        residual: largest component of the gradient that is left, eV/Å.
        calls: evaluations of the calculator.
    """

    start: FixedSpace
    coordinates: Floats
    structure: Structure
    energy: float
    forces: Floats
    stress: Floats | None
    residual: float
    calls: int

    @property
    def strain(self) -> Floats:
        """Strain against the start, float64 (3, 3)."""
        return np.einsum("q,qij->ij", self.coordinates[len(self.start.displacements) :], self.start.strains)

    @property
    def atom_calls(self) -> int:
        """Sites times evaluations."""
        return self.calls * len(self.structure)

    @property
    def energy_per_formula(self) -> float:
        """eV per formula unit."""
        return self.energy / formula_units(self.structure)

    def space_group(self, tolerance: float = DEFAULT_TOLERANCE) -> SpaceGroup | None:
        """Space group of the relaxed crystal, which holds K; None for a molecule."""
        return detect(self.structure, tolerance, periodic=self.structure.periodic).space_group

    def __repr__(self) -> str:
        return (
            f"Relaxation({self.structure!r}, {self.energy:.6f} eV, {len(self.coordinates)} coordinates, "
            f"{self.calls} calls, gradient {self.residual:.1e} eV/Å)"
        )


def formula_units(structure: Structure) -> int:
    """How many formula units a cell holds: the greatest common divisor of its element counts; 1 for a molecule."""
    if not structure.periodic:
        return 1
    _, counts = np.unique(structure.atomic_numbers, return_counts=True)
    return int(np.gcd.reduce(counts))


class _Objective:
    """The energy on Fix(K), as ASE's optimisers ask for it (their Optimizable protocol)."""

    def __init__(self, space: FixedSpace, potential: Potential, pressure: float, cell: bool) -> None:
        self.space, self.potential, self.pressure = space, potential, pressure
        self.internal = len(space.displacements)
        count = self.internal + (len(space.strains) if cell else 0)
        self._x = np.zeros(count)
        volume = 0.0 if space.structure.lattice is None else abs(float(np.linalg.det(space.structure.lattice)))
        self._length = max(np.sqrt(volume * _STIFFNESS / _START_CURVATURE), 1e-300)
        self._known: tuple[Evaluation, float, Floats] | None = None

    @property
    def coordinates(self) -> Floats:
        full = np.zeros(self.space.dimension)
        full[: len(self._x)] = self._x
        full[self.internal :] /= self._length
        return full

    def evaluation(self) -> tuple[Evaluation, float, Floats]:
        """What the calculator says, the enthalpy in eV, and the gradient in eV/Å."""
        if self._known is None:
            space, coordinates = self.space, self.coordinates
            strains = coordinates[self.internal :]
            structure = space.displaced(coordinates)
            found = self.potential.evaluate(structure, stress=len(self._x) > self.internal)
            stretch = np.eye(3) + np.einsum("q,qij->ij", strains, space.strains)
            gradient = -np.einsum("pni,ij,nj->p", space.displacements, stretch, found.forces, optimize=True)
            energy = found.energy
            if found.stress is not None:
                # dE = V σ : dε (1 + ε)^-1, and dV = V tr(dε (1 + ε)^-1)
                volume = abs(float(np.linalg.det(structure.lattice)))  # type: ignore[arg-type]
                tension = volume * (found.stress + self.pressure * np.eye(3)) @ np.linalg.inv(stretch).T
                gradient = np.concatenate([gradient, np.einsum("qij,ij->q", space.strains, tension) / self._length])
                energy += self.pressure * volume
            self._known = found, energy, gradient
        return self._known

    def start_curvature(self, hessian: Floats) -> Floats:
        """Second derivatives to begin with, from a Hessian in the given cell, with negative ones turned positive."""
        space = self.space
        moves = space.displacements[:, space.site_of].reshape(self.internal, -1)
        copies = len(space.cell) / len(space.structure)
        start = _START_CURVATURE * np.eye(len(self._x))
        values, vectors = np.linalg.eigh(moves @ hessian @ moves.T / copies)
        start[: self.internal, : self.internal] = vectors * np.maximum(np.abs(values), _LEAST_CURVATURE) @ vectors.T
        return start

    # --- what ASE calls ---------------------------------------------------------------------------------------

    def __ase_optimizable__(self) -> _Objective:
        return self

    def ndofs(self) -> int:
        return len(self._x)

    def get_x(self) -> Floats:
        return self._x.copy()

    def set_x(self, x: Floats) -> None:
        self._x, self._known = np.array(x, dtype=np.float64), None

    def get_value(self) -> float:
        return self.evaluation()[1]

    def get_gradient(self) -> Floats:
        return self.evaluation()[2].copy()

    def gradient_norm(self, gradient: Floats) -> float:
        """Largest move of an atom, or scaled strain, in a vector of coordinates."""
        moves = np.einsum("p,pni->ni", gradient[: self.internal], self.space.displacements)
        strains = np.abs(gradient[self.internal :]).max(initial=0.0)
        return max(float(np.linalg.norm(moves, axis=1).max(initial=0.0)), float(strains))

    def converged(self, gradient: Floats, fmax: float) -> bool:
        return self.gradient_norm(gradient) < fmax

    def iterimages(self) -> Iterator[Any]:
        yield self.space.displaced(self.coordinates).to_ase()


def _bfgs(objective: _Objective) -> Any:
    """ASE's optimiser on an objective."""
    ase = require("ase", "relax")
    if tuple(int(part) for part in re.findall(r"\d+", ase.__version__)[:2]) < _LEAST_ASE:
        raise MissingDependencyError(
            f"relaxing needs ase {'.'.join(map(str, _LEAST_ASE))} or newer, found {ase.__version__}: pip install --upgrade ase"
        )
    return require("ase.optimize", "relax").BFGS(objective, logfile=None, maxstep=MAX_STEP)


def relax(
    phase: Any,
    calculator: Any,
    *,
    pressure: float = 0.0,
    cell: bool = True,
    fmax: float = DEFAULT_FMAX,
    steps: int = DEFAULT_STEPS,
    tolerance: float = DEFAULT_TOLERANCE,
) -> Relaxation:
    """Relax a crystal or a molecule without breaking its symmetry: K holds exactly at the end.

    Args:
        phase: anything that ``sbs.detect`` takes, a ``Detected``, or a ``DomainState``; its whole symmetry is K. For an
            isotropy subgroup give a structure that has it: ``sbs.distortions(crystal, row).distorted(0.1)``.
        calculator: an ASE calculator.
        pressure: GPa, for a crystal whose cell is relaxed; a layer and a molecule take none.
        cell: whether the cell relaxes too; a molecule has none.
        fmax: the largest move of an atom in the gradient at the end, eV/Å (strains scaled to lengths).
        steps: most steps of the optimiser.
        tolerance: Å, for finding the symmetry.

    Returns:
        The relaxed phase in the primitive cell of K, in the orientation that was given.

    Raises:
        CalculatorError: the calculator fails, returns NaN, or has no stress.
        NotConvergedError: the gradient is not below ``fmax`` after ``steps`` steps.
        DetectionError: not a structure.
        InvalidGroupError: an option that is none, or a pressure where it does no work.
    """
    space = space_of(whole_symmetry(phase, tolerance))
    return relax_in(space, Potential(calculator), pressure=pressure, cell=cell, fmax=fmax, steps=steps)


def whole_symmetry(phase: Any, tolerance: float = DEFAULT_TOLERANCE) -> Detected:
    """A structure with all its symmetry: a crystal as its space group modulo the translations of a primitive cell."""
    if isinstance(phase, Detected) and (phase.supercell is not None or not phase.structure.periodic):
        return phase
    given = phase if isinstance(phase, Structure) else getattr(phase, "structure", phase)
    structure = parse_structure(given, tolerance)
    if not structure.periodic:
        return detect(structure, tolerance)
    return detect(primitive_cell(structure, tolerance), tolerance, supercell=1)


def space_of(found: Detected) -> FixedSpace:
    """Fix(S) of what was detected, with the structure averaged over S."""
    check_finite(found)
    return fixed_space(symmetrized(found), found.matrices, found.permutations)


def _check_pressure(pressure: float, structure: Structure, cell: bool) -> None:
    """Refuse a pressure where it does no work.

    Raises:
        InvalidGroupError: not zero for a molecule, a layer or a fixed cell.
    """
    if pressure and (structure.kind != "crystal" or not cell):
        where = f"a {structure.kind}" if structure.kind != "crystal" else "a fixed cell"
        raise InvalidGroupError(
            f"a pressure of {pressure:g} GPa was given for {where}, where it does no work; it goes with crystals whose cell "
            "relaxes (cell=True)"
        )


def relax_in(
    space: FixedSpace,
    potential: Potential,
    *,
    pressure: float = 0.0,
    cell: bool = True,
    fmax: float = DEFAULT_FMAX,
    steps: int = DEFAULT_STEPS,
    hessian: Floats | None = None,
) -> Relaxation:
    """Relax inside a space that is known; arguments and errors as `relax`.

    ``hessian``, float64 (3 n, 3 n) in eV/Å² for the n sites of ``space.cell`` at a structure nearby, is where the optimiser
    starts from: it need not be exact, and only the number of steps depends on it.
    """
    pressure, fmax = check_real(pressure, "pressure"), check_tolerance(fmax, "fmax", MAX_FMAX)
    steps, cell = check_integer(steps, "steps", 1), check_bool(cell, "cell")
    _check_pressure(pressure, space.structure, cell)
    before = potential.calls
    objective = _Objective(space, potential, pressure / GPA, cell and space.structure.periodic)
    found, energy, gradient = objective.evaluation()
    if objective.ndofs() and not objective.converged(gradient, fmax):
        optimiser = _bfgs(objective)
        if hessian is not None:
            optimiser.H0 = objective.start_curvature(hessian)
        optimiser.run(fmax=fmax, steps=steps)
        found, energy, gradient = objective.evaluation()
    residual = objective.gradient_norm(gradient)
    if residual >= fmax:
        raise NotConvergedError(
            f"{space.structure!r} is not relaxed after {steps} steps: the gradient is {residual:.1e} eV/Å, asked {fmax:g}; "
            "allow more steps or a larger fmax (float32 potentials reach about 1e-4)"
        )
    return Relaxation(
        space,
        objective.coordinates,
        space.displaced(objective.coordinates),
        energy,
        found.forces,
        found.stress,
        residual,
        potential.calls - before,
    )
