"""Relaxations inside Fix(K), against models whose minima are known and against relaxing every coordinate."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ase")

from ase import Atoms
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

import sbs
from sbs.errors import BudgetError, CalculatorError, NotConvergedError
from sbs.phases.fixed_space import fixed_space
from sbs.phases.potential import Potential
from sbs.phases.relaxation import relax_in, space_of, whole_symmetry
from sbs.phases.symmetrized import symmetrized
from sbs.structures.inputs import Structure
from tests.phases.models import EDGE, LatticePhi4, Pucker, caesium_chloride, square


def polar_cell(direction, size=0.2) -> Atoms:
    atoms = caesium_chloride()
    shift = np.array(direction, dtype=float)
    atoms.positions[1] += size * shift / np.linalg.norm(shift)
    return atoms


@pytest.mark.parametrize("direction", [(0, 0, 1), (0, 1, 1), (1, 1, 1)], ids=["P4mm", "Amm2", "R3m"])
def test_the_minimum_along_a_direction_is_the_analytic_one(direction):
    model = LatticePhi4()
    done = sbs.relax(polar_cell(direction), model, cell=False)
    assert done.energy_per_formula == pytest.approx(model.minimum(sum(direction)), abs=1e-6)
    assert len(done.coordinates) == 1 + len(done.start.strains)
    assert done.space_group().symbol == {1: "P4mm", 2: "Amm2", 3: "R3m"}[sum(direction)]


def test_a_symmetric_structure_stays_where_it_is():
    done = sbs.relax(caesium_chloride(), LatticePhi4(), cell=False)
    assert done.energy == 0
    assert done.calls == 1
    assert done.space_group().number == 221


def test_the_fixed_space_is_all_that_is_invariant():
    # Independent route: rank of the mean of all operations on displacements and on strains.
    atoms = polar_cell((0, 1, 1)).repeat((1, 2, 1))
    found = sbs.detect(atoms, supercell=1)
    space = space_of(found)
    n = len(found.structure)
    total = np.zeros((n, 3, n, 3))
    for g in range(found.order):
        for i in range(n):
            total[found.permutations[g, i], :, i, :] += found.matrices[g]
    mean = total.reshape(3 * n, 3 * n) / found.order
    invariant = np.linalg.matrix_rank(mean, tol=1e-6)
    shifts = np.linalg.matrix_rank(found.matrices.mean(0), tol=1e-6)
    assert len(space.displacements) == invariant - shifts
    assert len(space.structure) == 2
    for pattern in space.displacements:
        assert np.abs(pattern.sum(0)).max() < 1e-12


def test_the_symmetry_holds_exactly_at_any_coordinates():
    space = space_of(whole_symmetry(polar_cell((1, 1, 1))))
    rng = np.random.default_rng(3)
    moved = space.displaced(0.05 * rng.normal(size=space.dimension))
    lattice = moved.lattice
    for g, permutation in zip(space.matrices, space.permutations, strict=True):
        integers = lattice @ g.T @ np.linalg.inv(lattice)
        assert np.abs(integers - np.round(integers)).max() < 1e-12
        image = moved.positions @ g.T
        away = (image - moved.positions[permutation]) @ np.linalg.inv(lattice)
        away -= away[0]
        assert np.abs(away - np.round(away)).max() < 1e-12


def test_relaxing_in_few_coordinates_ends_where_relaxing_in_all_does():
    sites = [[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5], [0, 0, 0]]
    atoms = Atoms("Cu3Au", scaled_positions=sites, cell=np.eye(3) * 3.9, pbc=True)
    done = sbs.relax(atoms, EMT(), fmax=1e-4)
    assert done.start.dimension == 1
    atoms.calc = EMT()
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-4)
    assert done.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
    assert done.structure.lattice == pytest.approx(np.array(atoms.cell), abs=1e-3)
    assert np.abs(done.stress).max() < 1e-4


def test_gradients_are_the_slopes_of_the_energy():
    # A low symmetry with internal and strain coordinates, at a strained point.
    from sbs.phases.relaxation import _Objective

    rng = np.random.default_rng(0)
    sites = [[0, 0, 0], [0.52, 0.5, 0.01], [0.5, 0.03, 0.5], [0.02, 0.5, 0.46]]
    atoms = Atoms("Cu2Au2", scaled_positions=sites, cell=np.diag([3.8, 3.9, 4.0]), pbc=True)
    structure = Structure(atoms.positions, atoms.numbers, atoms.cell[:])
    space = fixed_space(structure, np.eye(3)[None], np.arange(4)[None])
    assert (len(space.displacements), len(space.strains)) == (9, 6)
    objective = _Objective(space, Potential(EMT()), 0.02, True)
    x = 0.02 * rng.normal(size=15)
    objective.set_x(x)
    gradient = objective.get_gradient()
    for k in range(15):
        values = []
        for sign in (1, -1):
            objective.set_x(x + sign * 1e-4 * np.eye(15)[k])
            values.append(objective.get_value())
        assert gradient[k] == pytest.approx((values[0] - values[1]) / 2e-4, abs=1e-5)


def test_pressure_shrinks_the_cell_to_that_stress():
    atoms = Atoms("Cu", cell=2.55 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / np.sqrt(2), pbc=True)
    done = sbs.relax(atoms, EMT(), pressure=5.0, fmax=1e-5)
    assert done.stress == pytest.approx(-5.0 / 160.21766 * np.eye(3), abs=1e-4)


def test_a_molecule_relaxes_in_its_point_group():
    folded = square()
    folded.positions[::2, 2] += 0.3
    done = sbs.relax(folded, Pucker())
    assert done.energy == pytest.approx(0.0, abs=1e-6)
    assert sbs.detect(done.structure).symbol == "D2d"
    assert done.start.dimension == 2


def test_averaging_over_the_group_makes_a_noisy_structure_exact():
    rng = np.random.default_rng(5)
    atoms = caesium_chloride().repeat(2)
    atoms.positions += 0.003 * rng.normal(size=atoms.positions.shape)
    atoms.set_cell(atoms.cell[:] * (1 + 1e-4 * rng.normal(size=(3, 3))), scale_atoms=False)
    found = sbs.detect(atoms, supercell=1)
    exact = symmetrized(found)
    assert found.order == 384
    again = sbs.detect(exact, tolerance=1e-8, supercell=1)
    assert again.order == 384
    assert np.abs(exact.positions - exact.positions.mean(0) - atoms.positions + atoms.positions.mean(0)).max() < 0.02


class Broken(LennardJones):
    """Fails in the way that it is told to."""

    def __init__(self, way):
        super().__init__()
        self.way = way

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        if self.way == "raises":
            raise RuntimeError("no parameters for B")
        super().calculate(atoms, properties, system_changes)
        if self.way == "nan":
            self.results["forces"] = self.results["forces"] * np.nan
        if self.way == "shape":
            self.results["forces"] = self.results["forces"][:1]


@pytest.mark.parametrize(("way", "message"), [("raises", "no parameters for B"), ("nan", "NaN"), ("shape", "shape")])
def test_a_calculator_that_fails_is_named(way, message):
    with pytest.raises(CalculatorError, match=message):
        sbs.relax(caesium_chloride(), Broken(way))


def test_a_calculator_without_stress_says_what_to_do():
    with pytest.raises(CalculatorError, match="cell=False"):
        sbs.relax(polar_cell((0, 0, 1)), LatticePhi4())


@pytest.mark.parametrize("calculator", [None, "sevennet", EMT, 3])
def test_what_is_no_calculator_is_refused(calculator):
    with pytest.raises(CalculatorError, match="ASE calculator"):
        sbs.relax(caesium_chloride(), calculator)


def test_too_few_steps_are_an_error():
    with pytest.raises(NotConvergedError, match="after 1 steps"):
        sbs.relax(polar_cell((0, 0, 1)), LatticePhi4(), cell=False, steps=1)


def test_the_budget_stops_a_relaxation():
    space = space_of(whole_symmetry(polar_cell((0, 0, 1))))
    with pytest.raises(BudgetError, match="budget of 2"):
        relax_in(space, Potential(LatticePhi4(), budget=2), cell=False)


@pytest.mark.parametrize("value", [np.nan, "1", True, None])
def test_a_pressure_is_a_number(value):
    with pytest.raises(sbs.errors.SymmetryBreakingError, match="pressure"):
        sbs.relax(caesium_chloride(), LatticePhi4(), cell=False, pressure=value)


def test_linear_molecules_are_refused_by_name():
    for question in (sbs.relax, sbs.instabilities, sbs.descend):
        with pytest.raises(sbs.errors.DetectionError, match="infinite group"):
            question(Atoms("CO2", positions=[[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]]), EMT())


def test_the_edge_of_the_model_is_where_its_cage_rests():
    assert np.abs(_forces(caesium_chloride())).max() == 0
    assert caesium_chloride().cell[0, 0] == EDGE


def _forces(atoms):
    atoms.calc = LatticePhi4()
    return atoms.get_forces()


def test_an_isotropy_subgroup_is_relaxed_from_a_distortion_that_has_it():
    model = LatticePhi4(j=0.1)
    crystal = sbs.detect(caesium_chloride(), supercell=2)
    for row in sbs.isotropy(crystal, "R5+"):
        if row.free == 1:
            done = sbs.relax(sbs.distortions(crystal, row).distorted(0.2), model, cell=False)
            count = {"(a,0,0)": 1, "(a,a,0)": 2, "(a,a,a)": 3}[row.direction]
            assert done.energy_per_formula == pytest.approx(model.minimum(count), abs=1e-6)
            assert done.space_group().symbol == row.space_group.symbol
