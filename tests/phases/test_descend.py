"""The search for phases, against models whose minima are known, and what it says when something goes wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("ase")

from ase.calculators.calculator import Calculator

import sbs
from sbs.errors import CalculatorError, CorruptTableError, InvalidGroupError, SymmetryBreakingError
from tests.phases.models import LatticePhi4, Pucker, caesium_chloride, square


@pytest.fixture(scope="module")
def polar():
    """Ferroelectric coupling, axes along <100>: all energies of the model are known."""
    return sbs.descend(caesium_chloride(), LatticePhi4(), cell=False)


@pytest.fixture(scope="module")
def alternating():
    """Antiferroelectric coupling: the same energies, in a cell of eight formula units."""
    return sbs.descend(caesium_chloride(), LatticePhi4(j=0.1), 2, cell=False)


def energies(tree):
    return {phase.name: phase.energy for phase in tree}


def test_the_phases_of_the_polar_model_are_the_analytic_ones(polar):
    model = LatticePhi4()
    expected = {"P4mm": model.minimum(1), "Amm2": model.minimum(2), "R3m": model.minimum(3)}
    assert energies(polar) == pytest.approx(expected, abs=1e-6)
    assert polar.lowest.name == "P4mm"
    assert polar.lowest.stable is True
    assert polar.complete and not polar.failures
    assert [phase.domains for phase in polar] == [6, 12, 8]


def test_other_couplings_make_other_minima():
    model = LatticePhi4(c=3.0)
    tree = sbs.descend(caesium_chloride(), model, cell=False)
    assert tree.lowest.name == "R3m"
    assert tree.lowest.energy == pytest.approx(model.minimum(3), abs=1e-6)


def test_alternating_shifts_are_found_in_the_cell_that_holds_them(alternating):
    model = LatticePhi4(j=0.1)
    assert alternating.lowest.energy == pytest.approx(model.minimum(1), abs=1e-6)
    assert {round(p.energy, 5) for p in alternating} >= {round(model.minimum(n), 5) for n in (1, 2, 3)}
    assert alternating.lowest.stable is True
    assert len(alternating.lowest.structure) == 4
    # In the primitive cell alone the alternating pattern does not exist, and the polar one costs coupling energy.
    alone = sbs.descend(caesium_chloride(), model, cell=False)
    assert alone.lowest.energy > alternating.lowest.energy + 1e-3


def test_every_phase_has_the_symmetry_that_it_claims(polar, alternating):
    for tree in (polar, alternating):
        for phase in tree:
            assert sbs.detect(phase.structure).space_group == phase.space_group
            moved, _ = phase.state.images()
            kept = np.flatnonzero(np.abs(moved - phase.state.displacement).max((1, 2)) < 1e-6)
            assert kept.tolist() == phase.target.elements.tolist()


def test_domain_states_are_all_different_and_of_one_energy(polar):
    model = LatticePhi4()
    phase = polar.lowest
    states = phase.domain_states()
    assert len(states) == 6
    for state in states:
        atoms = state.to_ase()
        atoms.calc = model
        assert atoms.get_potential_energy() == pytest.approx(phase.energy, abs=1e-9)
    shifts = np.array([state.positions[1] - state.positions[0] for state in states])
    assert len(np.unique(shifts.round(6), axis=0)) == 6


def test_the_breaker_of_a_phase_leads_to_it(polar):
    found = polar.lowest.breaker()
    assert found.size == polar.lowest.domains == 6
    found.verify()


def test_a_square_that_puckers():
    tree = sbs.descend(square(), Pucker())
    assert tree.lowest.name == "D2d"
    assert tree.lowest.stable is True
    assert tree.lowest.domains == 2
    atoms = tree.lowest.structure.to_ase()
    atoms.calc = Pucker()
    assert atoms.get_potential_energy() == pytest.approx(0, abs=1e-6)
    assert tree.lowest.energy == pytest.approx(-tree_energy_of_the_square(), abs=1e-6)


def tree_energy_of_the_square():
    """Energy of the best plane square: side x, 2 k (x - s)² + k (√2 x - d)², minimised by hand."""
    model = Pucker()
    x = (2 * model.side + np.sqrt(2) * model.diagonal) / 4
    return 2 * model.k * (x - model.side) ** 2 + model.k * (np.sqrt(2) * x - model.diagonal) ** 2


def test_nothing_unstable_is_said(capsys):
    tree = sbs.descend(caesium_chloride(), LatticePhi4(a=-2.0), cell=False)
    assert len(tree) == 0
    assert tree.lowest is tree.root
    assert tree.root.stable is True
    assert "minimum" in str(tree)


def test_a_gain_below_the_noise_is_no_reason_to_go_on():
    tree = sbs.descend(caesium_chloride(), LatticePhi4(a=-0.57), cell=False, fmax=1e-6)
    assert -5e-5 < tree.lowest.energy < 0
    assert tree.complete and not tree.limit


def test_depth_limits_the_search_and_says_so():
    tree = sbs.descend(caesium_chloride(), LatticePhi4(), cell=False, depth=1)
    assert not tree.complete and "depth=1" in tree.limit
    assert tree.lowest.stable is None


class Noisy(LatticePhi4):
    """Forces whose noise hides in the Hessian what is unstable: nothing repeats, nothing is symmetric."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        rng = np.random.default_rng(int(abs(1e6 * atoms.positions).sum()))
        self.results["forces"] = self.results["forces"] + 0.05 * rng.normal(size=self.results["forces"].shape)


def test_what_the_noise_hides_is_no_minimum():
    tree = sbs.descend(caesium_chloride(), Noisy(), cell=False, fmax=0.5)
    curvatures = tree.root.curvatures
    assert [mode.label for mode in curvatures.doubtful] == ["Γ4-"] and not curvatures.unstable
    assert tree.root.stable is None
    assert "not resolved: Γ4- of Pm-3m" in str(tree)
    assert "the parent is a minimum" not in str(tree)


def test_a_budget_that_ends_before_the_hessian_says_nothing_of_minima():
    tree = sbs.descend(caesium_chloride(), LatticePhi4(), cell=False, budget=2)
    assert tree.root.stable is None
    assert "minimum" not in str(tree) and "not complete" in str(tree)


def test_an_exhaustive_search_finds_no_less(polar):
    tree = sbs.descend(caesium_chloride(), LatticePhi4(), cell=False, exhaustive=True)
    assert tree.lowest.energy == pytest.approx(polar.lowest.energy, abs=1e-6)
    assert all(phase.stable is not None for phase in tree)
    # Directions with several amplitudes fall back on those with one, and that is said.
    assert {repeat.name for repeat in tree.repeats} & {phase.name for phase in tree}
    assert "relaxed back to P4mm" in str(tree) or "relaxed back to R3m" in str(tree)


def test_a_run_that_is_interrupted_goes_on(tmp_path):
    path = tmp_path / "run.jsonl"
    part = sbs.descend(caesium_chloride(), LatticePhi4(), cell=False, budget=12, journal=path)
    assert not part.complete
    assert "budget of 12" in part.limit
    assert "not complete" in str(part)
    whole = sbs.descend(caesium_chloride(), LatticePhi4(), cell=False, journal=path)
    fresh = sbs.descend(caesium_chloride(), LatticePhi4(), cell=False)
    assert whole.to_dict()["phases"] == fresh.to_dict()["phases"]
    assert whole.calls < fresh.calls
    again = sbs.descend(caesium_chloride(), LatticePhi4(), cell=False, journal=path)
    assert again.calls == 0
    with pytest.raises(CorruptTableError, match="other settings"):
        sbs.descend(caesium_chloride(), LatticePhi4(), cell=False, journal=path, fmax=1e-4)


def test_the_result_is_the_same_for_a_turned_and_shuffled_crystal(polar):
    rng = np.random.default_rng(8)
    from scipy.spatial.transform import Rotation

    atoms = caesium_chloride()[[1, 0]]
    turn = Rotation.from_rotvec([0.3, -0.2, 0.9]).as_matrix()
    atoms.set_cell(atoms.cell[:] @ turn.T)
    atoms.positions = atoms.positions @ turn.T + rng.normal(size=3)

    class Turned(LatticePhi4):
        # The model's on-site anisotropy refers to fixed axes: turn there and back.
        def calculate(self, atoms=None, properties=("energy",), system_changes=()):
            back = atoms.copy()
            back.set_cell(back.cell[:] @ turn)
            back.positions = back.positions @ turn
            super().calculate(back, properties, system_changes)
            self.results["forces"] = self.results["forces"] @ turn.T

    tree = sbs.descend(atoms, Turned(), cell=False)
    assert energies(tree) == pytest.approx(energies(polar), abs=1e-6)
    assert [phase.domains for phase in tree] == [phase.domains for phase in polar]


class FailsFarOut(LatticePhi4):
    """Returns NaN as soon as an ion is along a face diagonal."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        away = atoms.get_distances(1, 0, mic=True, vector=True)[0] if len(atoms) == 2 else np.zeros(3)
        shift = np.sort(np.abs(np.abs(away) - 2.0))
        if shift[2] > 0.05 and shift[1] > 0.05 and shift[0] < 0.01:
            self.results["energy"] = np.nan


def test_a_direction_where_the_calculator_fails_stops_nothing_else(polar):
    tree = sbs.descend(caesium_chloride(), FailsFarOut(), cell=False)
    assert [len(failure.route) for failure in tree.failures] == [1]
    assert "NaN" in tree.failures[0].reason
    assert set(energies(tree)) == {"P4mm", "R3m"}


class Dead(Calculator):
    """Never works."""

    implemented_properties = ("energy", "forces")

    def calculate(self, *arguments, **keywords):
        raise RuntimeError("dead")


def test_a_calculator_that_fails_on_the_parent_is_an_error():
    with pytest.raises(CalculatorError, match="dead"):
        sbs.descend(caesium_chloride(), Dead())


@pytest.mark.parametrize(
    "options",
    [
        {"depth": 0},
        {"expansions": 1.5},
        {"budget": True},
        {"fmax": -1},
        {"share": "half"},
        {"step": float("nan")},
        {"supercell": 0},
        {"supercell": "2x2"},
        {"steps": None},
        {"pressure": "high"},
    ],
    ids=str,
)
def test_bad_options_are_named(options):
    with pytest.raises(SymmetryBreakingError):
        sbs.descend(caesium_chloride(), LatticePhi4(), cell=False, **options)


def test_what_was_detected_goes_in(polar):
    tree = sbs.descend(sbs.detect(caesium_chloride()), LatticePhi4(), cell=False)
    assert energies(tree) == pytest.approx(energies(polar), abs=1e-9)
    crystal = sbs.detect(caesium_chloride(), supercell=2)
    part = sbs.descend(crystal, LatticePhi4(j=0.1), cell=False, budget=10)
    assert part.parent.group.order == 384


def test_a_molecule_has_no_supercell():
    with pytest.raises(InvalidGroupError, match="no cell"):
        sbs.descend(square(), Pucker(), 2)


def test_a_parent_off_its_saddle_is_told_to_relax_first():
    atoms = caesium_chloride()
    atoms.set_cell(atoms.cell[:] * 1.1, scale_atoms=True)
    from ase import Atoms

    chain = Atoms("B4", positions=1.3 * square().positions)
    with pytest.raises(SymmetryBreakingError, match=r"sbs\.relax"):
        sbs.instabilities(chain, Pucker())


def test_instabilities_name_the_irrep_and_its_curvature():
    model = LatticePhi4(j=0.1)
    found = sbs.instabilities(sbs.detect(caesium_chloride(), supercell=2), model)
    softest = found.unstable[0]
    assert softest.dimension == 3
    assert softest.frequency < 0
    assert "unstable" in str(found)
    data = json.loads(found.to_json())
    assert data["modes"][0]["label"] == softest.label
    assert softest.wavenumber == pytest.approx(softest.frequency * 33.3564, rel=1e-4)
    # All alternating: shifts of B against A, both carry weight, curvature of d is -(a + 6 j) per unit of d².
    pattern = softest.patterns[0]
    relative = pattern[found.crystal.structure.numbers == 5]
    assert np.abs(np.abs(relative).sum(1) - np.abs(relative).sum(1)[0]).max() < 1e-6


def test_the_tree_is_written_and_read_back(polar, tmp_path):
    from ase.io import read

    paths = polar.write(tmp_path / "phases", domains=True)
    assert {path.suffix for path in paths} == {".json", ".cif", ".extxyz"}
    data = json.loads((tmp_path / "phases" / "phases.json").read_text())
    assert [row["space_group"] for row in data["phases"]] == [phase.name for phase in polar]
    for phase in polar:
        name = f"{phase.number:02d}_{phase.name}"
        assert sbs.detect(read(tmp_path / "phases" / f"{name}.cif")).space_group == phase.space_group
        assert len(read(tmp_path / "phases" / f"{name}_domains.extxyz", index=":")) == phase.domains
    (tmp_path / "file").write_text("")
    with pytest.raises(SymmetryBreakingError, match="another folder"):
        polar.write(tmp_path / "file")


def test_the_tree_prints_and_plots(polar):
    text = str(polar)
    assert "P4mm" in text and "Pm-3m" in text
    pytest.importorskip("matplotlib")
    assert polar.plot().axes
