"""Hessians from symmetry-reduced displacements against brute force, and against phonopy where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ase")

from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

import sbs
from sbs.phases.hessian import finite_differences
from sbs.phases.potential import Potential
from tests.phases.models import LatticePhi4, caesium_chloride


def brute_force(found, calculator, step=1e-3):
    structure = found.structure
    columns = []
    for index in range(3 * len(structure)):
        forces = []
        for sign in (1, -1):
            atoms = structure.to_ase()
            atoms.positions.ravel()[index] += sign * step
            atoms.calc = calculator
            forces.append(atoms.get_forces().ravel())
        columns.append(-(forces[0] - forces[1]) / (2 * step))
    return np.array(columns).T


def ordered_alloy():
    sites = [[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5], [0, 0, 0]]
    return Atoms("Cu3Au", scaled_positions=sites, cell=np.eye(3) * 3.8, pbc=True)


def crooked():
    sites = [[0, 0, 0], [0.52, 0.5, 0.01], [0.5, 0.03, 0.5], [0.02, 0.5, 0.46]]
    return Atoms("Cu2Au2", scaled_positions=sites, cell=np.diag([3.8, 3.9, 4.0]), pbc=True)


CASES = {
    "fcc": (lambda: bulk("Cu", cubic=True), EMT, 2),
    "Cu3Au": (ordered_alloy, EMT, 3),
    "phi4": (caesium_chloride, LatticePhi4, 3),
    "low symmetry": (crooked, EMT, 25),
}


@pytest.mark.parametrize("case", CASES)
def test_the_reduced_displacements_give_the_whole_hessian(case):
    build, calculator, calls = CASES[case]
    found = sbs.detect(build(), supercell=1)
    potential = Potential(calculator())
    hessian = finite_differences(found.structure, found.matrices, found.permutations, potential, step=1e-3)
    reference = brute_force(found, calculator())
    assert hessian.matrix == pytest.approx((reference + reference.T) / 2, abs=2e-4)
    assert hessian.calls == potential.calls == calls
    assert hessian.noise < 1e-3


def test_a_molecule_too():
    atoms = molecule("CH4")
    found = sbs.detect(atoms)
    hessian = finite_differences(found.structure, found.matrices, found.permutations, Potential(EMT()), step=1e-3)
    assert hessian.matrix == pytest.approx(brute_force(found, EMT()), abs=5e-3)


def test_noise_in_the_forces_is_reported():
    class Noisy(EMT):
        def calculate(self, *arguments, **keywords):
            super().calculate(*arguments, **keywords)
            rng = np.random.default_rng(int(abs(self.results["energy"]) * 1e9) % 2**32)
            self.results["forces"] = self.results["forces"] + 1e-4 * rng.normal(size=self.results["forces"].shape)

    found = sbs.detect(bulk("Cu", cubic=True), supercell=1)
    noisy = finite_differences(found.structure, found.matrices, found.permutations, Potential(Noisy()))
    exact = finite_differences(found.structure, found.matrices, found.permutations, Potential(EMT()))
    assert noisy.noise > 3 * exact.noise
    assert np.linalg.norm(noisy.matrix - exact.matrix, 2) < 3 * noisy.noise


@pytest.mark.parametrize("case", CASES)
def test_forces_that_know_no_reflections_spoil_nothing(case):
    """Networks equivariant under rotations alone leave forces at rest that the crystal's mirrors forbid."""
    build, calculator, _ = CASES[case]
    found = sbs.detect(build(), supercell=1)
    handed = 1e-3 * np.random.default_rng(5).normal(size=found.structure.positions.shape)
    handed -= handed.mean(0)

    class Handed(calculator):
        def calculate(self, *arguments, **keywords):
            super().calculate(*arguments, **keywords)
            self.results["forces"] = self.results["forces"] + handed

    arguments = (found.structure, found.matrices, found.permutations)
    plain = finite_differences(*arguments, Potential(calculator()))
    spoilt = finite_differences(*arguments, Potential(Handed()))
    assert spoilt.matrix == pytest.approx(plain.matrix, abs=1e-9)
    assert spoilt.noise == pytest.approx(plain.noise, abs=1e-9)


def test_phonopy_finds_the_same_frequencies():
    phonopy = pytest.importorskip("phonopy")
    from phonopy.structure.atoms import PhonopyAtoms

    atoms = ordered_alloy().repeat(2)
    run = phonopy.Phonopy(
        PhonopyAtoms(symbols=atoms.get_chemical_symbols(), scaled_positions=atoms.get_scaled_positions(), cell=atoms.cell[:]),
        supercell_matrix=np.eye(3, dtype=int),
        primitive_matrix="P",
    )
    run.generate_displacements(distance=0.01)
    forces = []
    for cell in run.supercells_with_displacements:
        copy = Atoms(numbers=cell.numbers, positions=cell.positions, cell=cell.cell, pbc=True, calculator=EMT())
        forces.append(copy.get_forces())
    run.forces = forces
    run.produce_force_constants()
    constants = np.swapaxes(run.force_constants, 1, 2).reshape(96, 96)
    found = sbs.detect(atoms, supercell=1)
    ours = finite_differences(found.structure, found.matrices, found.permutations, Potential(EMT()))
    assert np.linalg.eigvalsh(ours.matrix) == pytest.approx(np.linalg.eigvalsh((constants + constants.T) / 2), abs=5e-3)
    assert ours.calls <= len(forces) + 1
