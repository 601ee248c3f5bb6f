"""``sbs.instabilities``: which irreducible representations of S lower the energy of a symmetric structure.

The Hessian commutes with S, so on the isotypic component of an irrep of dimension d that occurs m times it has m
eigenvalues of multiplicity d each. A negative one says that the irrep's order parameter lowers the energy; its
eigenvectors are a copy of the irrep, and their isotropy subgroups are the phases that can come of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.errors import NotConvergedError
from sbs.optional import require
from sbs.phases.hessian import DEFAULT_STEP, Hessian, finite_differences
from sbs.phases.potential import Potential
from sbs.phases.states import isotypic_basis
from sbs.phases.symmetrized import check_finite
from sbs.structures.detected import Detected
from sbs.structures.detection import DEFAULT_TOLERANCE, detect
from sbs.structures.irreps import real_irreps

__all__ = ["Instabilities", "SoftMode", "analyse", "instabilities"]

Floats = NDArray[np.float64]

# sqrt(eV / (Å² amu)) / 2π in THz, from the CODATA values of e and of the atomic mass constant; and 1 THz in cm⁻¹.
THZ = 15.633302
WAVENUMBER = 33.35640951981521

#: Forces on a structure that is on its own saddle, eV/Å: above what float32 leaves and what relaxations end with.
SADDLE_FORCE = 2e-2

#: THz: a mode that is imaginary by more than this but not resolved leaves open whether it is unstable. Smaller ones do as
#: well, but phonons that soft change no energy that universal potentials are good for.
DOUBTFUL = 1.0

# Eigenvalues of a projector are 0 or 1 up to rounding.
_HALF = 0.5


@dataclass(frozen=True, eq=False)
class SoftMode:
    """One eigenvalue of the dynamical matrix and its eigenvectors.

    Attributes:
        label: irrep of S, "R4+", or "T1u" for a molecule or at the zone centre.
        frequency: THz; negative for an imaginary one.
        curvature: eV/Å² along a pattern of unit norm.
        unstable: whether the eigenvalue is negative beyond what the finite differences resolve.
        resolved: whether it differs from zero beyond that.
        patterns: float64 (d, num_sites, 3), orthonormal displacement patterns: a basis of the irrep.
    """

    label: str
    frequency: float
    curvature: float
    unstable: bool
    resolved: bool
    patterns: Floats

    @property
    def dimension(self) -> int:
        """Dimension d of the irrep (over the real numbers)."""
        return len(self.patterns)

    @property
    def wavenumber(self) -> float:
        """cm⁻¹; negative for an imaginary frequency."""
        return self.frequency * WAVENUMBER

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, without the patterns."""
        return {
            "label": self.label,
            "dimension": self.dimension,
            "frequency_thz": self.frequency,
            "wavenumber_per_cm": self.wavenumber,
            "curvature_ev_per_angstrom_squared": self.curvature,
            "unstable": self.unstable,
            "resolved": self.resolved,
        }

    def __repr__(self) -> str:
        return f"SoftMode({self.label}, {_frequency(self.frequency)} THz{', unstable' if self.unstable else ''})"


@dataclass(frozen=True, eq=False)
class Instabilities:
    """All modes of a symmetric structure, the softest first; rigid motions left out.

    Attributes:
        crystal: what was examined.
        modes: rows.
        resolution: THz; an eigenvalue nearer to zero than this squared cannot be told from zero.
        calls: evaluations that it took.
    """

    crystal: Detected
    modes: tuple[SoftMode, ...]
    resolution: float
    calls: int

    @property
    def unstable(self) -> tuple[SoftMode, ...]:
        """The modes that lower the energy."""
        return tuple(mode for mode in self.modes if mode.unstable)

    @property
    def doubtful(self) -> tuple[SoftMode, ...]:
        """The modes that are imaginary by more than ``DOUBTFUL`` but not beyond what the finite differences resolve."""
        return tuple(mode for mode in self.modes if mode.frequency < -DOUBTFUL and not mode.unstable)

    def __len__(self) -> int:
        return len(self.modes)

    def __iter__(self) -> Iterator[SoftMode]:
        return iter(self.modes)

    def __getitem__(self, number: int) -> SoftMode:
        return self.modes[number]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: the rows and the resolution."""
        return {
            "formula": self.crystal.structure.formula,
            "resolution_thz": self.resolution,
            "calls": self.calls,
            "modes": [mode.to_dict() for mode in self.modes],
        }

    def to_json(self, indent: int | None = 2) -> str:
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def to_pandas(self) -> Any:
        """One row for each mode, as a pandas DataFrame (needs pandas)."""
        return require("pandas", "relax").DataFrame([mode.to_dict() for mode in self.modes])

    def __repr__(self) -> str:
        found = ", ".join(dict.fromkeys(mode.label for mode in self.unstable)) or "none"
        return f"Instabilities({self.crystal.structure!r}, unstable: {found})"

    def __str__(self) -> str:
        lines = [
            f"{self.crystal.structure.formula}: {len(self.unstable)} of {len(self.modes)} modes unstable, "
            f"resolution {self.resolution:.2f} THz ({self.calls} evaluations)",
            "irrep   dim   THz        cm⁻¹",
        ]
        for mode in self.modes:
            note = "unstable" if mode.unstable else "" if mode.resolved else "not told from zero"
            lines.append(
                f"{mode.label:6s}  {mode.dimension:3d}  {_frequency(mode.frequency):>8s}  "
                f"{_frequency(mode.wavenumber):>9s}  {note}".rstrip()
            )
        return "\n".join(lines)


def _frequency(value: float) -> str:
    """An imaginary frequency as spectroscopists write it: "5.87i"."""
    return f"{abs(value):.2f}{'i' if value < 0 else ''}"


def instabilities(
    crystal: Any, calculator: Any, *, step: float = DEFAULT_STEP, tolerance: float = DEFAULT_TOLERANCE
) -> Instabilities:
    """Frequencies of a symmetric structure by irrep, unstable ones marked.

    Args:
        crystal: a ``Detected`` (for modes that change the cell: ``sbs.detect(structure, supercell=...)``), or anything
            that ``sbs.detect`` takes.
        calculator: an ASE calculator.
        step: Å, of the central differences.
        tolerance: Å, for finding the symmetry.

    Raises:
        NotConvergedError: the structure is not at its own saddle: forces remain that its symmetry allows.
        CalculatorError: the calculator fails or returns NaN.
        DetectionError: not a structure, or one with an infinite group.
    """
    found = crystal if isinstance(crystal, Detected) else detect(crystal, tolerance)
    if found.structure.periodic and found.supercell is None:
        found = detect(found.structure, tolerance, supercell=1)
    check_finite(found)
    potential = Potential(calculator)
    hessian = finite_differences(found.structure, found.matrices, found.permutations, potential, step)
    force = float(np.linalg.norm(hessian.forces, axis=1).max())
    if force > SADDLE_FORCE:
        raise NotConvergedError(
            f"{found.structure!r} is not at its own saddle: a force of {force:.3f} eV/Å remains, at most {SADDLE_FORCE:g} "
            "is expected; relax it without breaking its symmetry first, sbs.relax(crystal, calculator)"
        )
    return analyse(found, hessian)


def analyse(found: Detected, hessian: Hessian) -> Instabilities:
    """Modes by irrep from a Hessian in the sites of ``found``."""
    masses = require("ase.data", "relax").atomic_masses
    weights = 1 / np.sqrt(np.repeat(masses[found.structure.atomic_numbers], 3))
    dynamical = weights[:, None] * hessian.matrix * weights
    rigid = _rigid_directions(found, 1 / weights)
    noise = hessian.noise * float(weights.max()) ** 2
    modes = []
    for irrep in real_irreps(found):
        basis = isotypic_basis(found, irrep)
        basis = basis - rigid @ (rigid.T @ basis)
        vectors, singular, _ = np.linalg.svd(basis, full_matrices=False)
        basis = vectors[:, singular > _HALF]
        if not basis.shape[1]:
            continue
        values, states = np.linalg.eigh(basis.T @ dynamical @ basis)
        dimension = irrep.dimension
        for start in range(0, len(values), dimension):
            value = float(values[start : start + dimension].mean())
            patterns = (weights[:, None] * (basis @ states[:, start : start + dimension])).T
            patterns = np.linalg.qr(patterns.T)[0].T
            curvature = float(np.einsum("pi,ij,pj->", patterns, hessian.matrix, patterns)) / len(patterns)
            modes.append(
                SoftMode(
                    irrep.name,
                    float(np.sign(value) * np.sqrt(abs(value)) * THZ),
                    curvature,
                    value < -noise,
                    abs(value) > noise,
                    patterns.reshape(len(patterns), -1, 3),
                )
            )
    modes.sort(key=lambda mode: mode.frequency)
    return Instabilities(found, tuple(modes), float(np.sqrt(noise) * THZ), hessian.calls)


def _rigid_directions(found: Detected, root_masses: Floats) -> Floats:
    """Orthonormal columns: the mass-weighted translations, and for a molecule the infinitesimal rotations."""
    positions = found.structure.positions
    columns = [np.tile(axis, len(positions)) for axis in np.eye(3)]
    if found.structure.lattice is None:
        centred = positions - positions.mean(0)
        columns += [np.cross(axis, centred).ravel() for axis in np.eye(3)]
    vectors, sizes, _ = np.linalg.svd(np.array(columns).T * root_masses[:, None], full_matrices=False)
    return vectors[:, sizes > 1e-6 * sizes[0]]
