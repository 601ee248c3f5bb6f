"""The labels of broken perovskites: their file, their symmetry, how they are made, and the potential that makes them."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import numpy as np
import pytest

pytest.importorskip("ase")
pytest.importorskip("spglib")

from ase.calculators.calculator import Calculator

import sbs
from benchmarks.broken_perovskites.compositions import COMPOSITIONS, LARGE, SMALL
from benchmarks.broken_perovskites.dataset import DATA, PHASE_NAMES, UNIT, load, save
from benchmarks.broken_perovskites.generate import EDGES, _label, check, entries, series, zone_centre
from benchmarks.broken_perovskites.phases import (
    PHASES,
    ZONE_CENTRE,
    cubic,
    kept,
    mean_over,
    parent,
    polar_axis,
    reference,
    same_domain,
    subgroup,
    tilts,
)
from sbs.errors import CorruptTableError
from sbs.phases.many import run_many
from sbs.phases.states import carried
from sbs.structures.inputs import Structure

#: Å: what rounding to the file's unit moves a site, twice and along a body diagonal.
ROUNDED = 4 * UNIT


@pytest.fixture(scope="module")
def kept_entries():
    return load()


def labels(known, collapsed=False):
    return [(entry, label) for entry in known for label in entry.phases.values() if label.collapsed == collapsed]


def test_all_pairs_are_there_once_and_any_first_of_them_have_every_large_element():
    assert sorted(COMPOSITIONS) == sorted((a, b) for a in LARGE for b in SMALL)
    for first in range(0, len(COMPOSITIONS), len(LARGE)):
        assert {a for a, _ in COMPOSITIONS[first : first + len(LARGE)]} == set(LARGE)


def test_the_file_keeps_its_bytes(kept_entries, tmp_path):
    save(kept_entries, tmp_path / "again.npz")
    save(load(tmp_path / "again.npz"), tmp_path / "twice.npz")
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "twice.npz").read_bytes()
    with np.load(DATA) as stored, np.load(tmp_path / "again.npz") as written:
        assert all(np.array_equal(stored[name], written[name]) for name in stored.files)
    assert DATA.stat().st_size < 500_000


def test_what_is_no_file_of_labels_is_refused(tmp_path):
    for name, content in {"text.npz": b"no archive", "cut.npz": DATA.read_bytes()[:-200]}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CorruptTableError, match="generate"):
            load(tmp_path / name)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    for name in ("other.npz", "missing.npz"):
        with pytest.raises(CorruptTableError, match="generate"):
            load(tmp_path / name)


def test_entries_are_distinct_and_their_edges_belong_to_their_series(kept_entries):
    names = [(entry.formula, entry.factor) for entry in kept_entries]
    assert len(set(names)) == len(names)
    relaxed = {entry.formula: entry.edge for entry in kept_entries if entry.factor == 1.0}
    for entry in kept_entries:
        assert entry.factor in (1.0, *EDGES)
        assert abs(entry.edge - entry.factor * relaxed[entry.formula]) < 2 * UNIT
        assert set(entry.phases) <= set(PHASE_NAMES)
        for label in entry.phases.values():
            assert label.displacements.shape == ((5, 3) if label.phase in ZONE_CENTRE else (40, 3))
            assert not label.displacements.flags.writeable
            assert np.abs(label.displacements.mean(0)).max() < UNIT


def test_every_label_has_exactly_the_symmetry_of_its_phase(kept_entries):
    for entry, label in labels(kept_entries):
        structure = cubic(entry.numbers, entry.edge, 1 if label.phase in ZONE_CENTRE else 2)
        assert kept(label.phase, structure, label.displacements) == subgroup(label.phase)[1].order
        assert np.abs(mean_over(label.phase, label.displacements) - label.displacements).max() < ROUNDED


def test_spglib_reads_the_space_group_from_the_distorted_crystal(kept_entries):
    for phase in PHASE_NAMES:
        found = [(entry, label) for entry, label in labels(kept_entries) if label.phase == phase]
        for entry, label in found[:: max(1, len(found) // 3)]:
            structure = cubic(entry.numbers, entry.edge, 1 if phase in ZONE_CENTRE else 2)
            distorted = Structure(structure.positions + label.displacements, structure.numbers, structure.lattice)
            assert sbs.detect(distorted, 2e-3).space_group.symbol == phase


def test_labels_of_a_phase_are_one_domain(kept_entries):
    for _, label in labels(kept_entries):
        assert np.sum(label.displacements * reference(label.phase)) > 0
    series = {}
    for entry, label in labels(kept_entries):
        series.setdefault((entry.formula, label.phase), []).append(label.displacements.ravel())
    for fields in map(np.array, series.values()):
        assert (fields @ fields.T > 0).all()


@pytest.mark.parametrize("phase", PHASE_NAMES)
def test_the_same_domain_is_found_from_every_domain_of_the_same_symmetry(phase):
    found, target = subgroup(phase)
    noise = np.random.default_rng(1).normal(size=found.structure.positions.shape)
    field = mean_over(phase, reference(phase) + 0.1 * noise)
    nearest = same_domain(phase, field)
    domains = [
        image for image in carried(found, field[None])[:, 0] if np.abs(mean_over(phase, image) - image).max() < 1e-9
    ]
    assert any(np.abs(image - field).max() > 0.1 for image in domains)
    for image in domains[:: max(1, len(domains) // 12)]:
        assert np.abs(same_domain(phase, image) - nearest).max() < 1e-12
    assert kept(phase, found.structure, nearest) == target.order
    assert np.abs(mean_over(phase, nearest) - nearest).max() < 1e-12


def test_what_collapsed_has_more_symmetry_than_its_phase_or_nothing_left(kept_entries):
    for entry, label in labels(kept_entries, collapsed=True):
        largest = np.linalg.norm(label.displacements, axis=1).max()
        if largest == 0.0:
            assert label.energy == 0.0
        else:
            structure = cubic(entry.numbers, entry.edge, 1 if label.phase in ZONE_CENTRE else 2)
            assert kept(label.phase, structure, label.displacements) > subgroup(label.phase)[1].order


def test_the_cubic_crystal_is_the_one_whose_group_is_used():
    for copies in (1, 2):
        assert np.abs(parent(copies).structure.positions - cubic((56, 22), 4.0, copies).positions).max() == 0.0
    assert {phase: subgroup(phase)[1].order for phase in PHASES} == {
        "P4mm": 8, "Amm2": 4, "R3m": 6, "I4/mcm": 64, "R-3c": 48, "Pnma": 16,
    }  # fmt: skip


@pytest.mark.parametrize("phase", ["I4/mcm", "R-3c", "Pnma"])
def test_tilts_turn_rigid_octahedra_and_break_exactly_to_the_phase(phase):
    structure = cubic((56, 22), 4.0, 2)
    field = 0.2 * np.sum(tilts(phase), axis=0)
    assert kept(phase, structure, field) == subgroup(phase)[1].order
    gaps = structure.positions[:, None] - structure.positions[structure.numbers == 22]
    gaps -= 8.0 * np.round(gaps / 8.0)
    site, metal = np.nonzero(np.abs(np.linalg.norm(gaps, axis=2) - 2.0) < 1e-6)
    moves = field[site] - field[structure.numbers == 22][metal]
    assert np.abs(np.einsum("ni,ni->n", moves, gaps[site, metal])).max() < 1e-12


class Well(Calculator):
    """E = -k |d|²/2 + q |d|⁴/4 of the displacement d of B against the mean of O, and springs on all else: any direction is as
    deep, k²/(4 q) below the cubic crystal, at |d| = sqrt(k / q)."""

    def __init__(self, k, q=10.0):
        super().__init__()
        self.implemented_properties = ["energy", "forces"]
        self.k, self.q = k, q

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        ideal = cubic((56, 22), atoms.cell[0, 0]).positions
        moves = atoms.positions - ideal
        moves -= moves.mean(0)
        weights = np.array([0.0, 1.0, -1 / 3, -1 / 3, -1 / 3])
        soft = weights / np.linalg.norm(weights)
        d = weights @ moves
        rest = moves - np.outer(soft, soft @ moves)
        self.results = {
            "energy": -self.k * d @ d / 2 + self.q * (d @ d) ** 2 / 4 + 4.0 * (rest**2).sum(),
            "forces": np.outer(weights, (self.k - self.q * d @ d) * d) - 8.0 * (rest - rest.mean(0)),
        }
        self.results["forces"] -= self.results["forces"].mean(0)


def lent(calculator):
    @contextmanager
    def lend():
        yield calculator

    return lend


def test_a_known_well_is_found_in_every_direction():
    result = zone_centre((56, 22), lent(Well(2.0)), 4.0)
    for phase, label in result["phases"].items():
        field = np.array(label["displacements"])
        d = field[1] - field[2:].mean(0)
        assert not label["collapsed"]
        assert label["energy"] == pytest.approx(-(2.0**2) / 40, abs=1e-5)
        assert d == pytest.approx(np.sqrt(0.2) * polar_axis(phase), abs=2e-3)


def test_what_is_stable_or_falls_back_is_no_label():
    stable = zone_centre((56, 22), lent(Well(-1.0)), 4.0)
    assert stable["curvature"] > 0
    shallow = zone_centre((56, 22), lent(Well(1e-3)), 4.0)  # |d| = 0.01 Å at the bottom
    assert shallow["curvature"] < 0
    for result in (stable, shallow):
        kept_labels = [_label(name, phase) for name, phase in result["phases"].items()]
        assert [label.collapsed for label in kept_labels] == [True] * 3
        assert not any(label.displacements.any() for label in kept_labels)


def test_a_run_goes_on_and_what_failed_is_left_out(tmp_path):
    def failing(*_):
        raise ValueError("no such crystal")

    (a, b), (c, d) = COMPOSITIONS[:2]
    run_many(zone_centre, {a + b + "O3": ((56, 22), lent(Well(2.0)), 4.0)}, tmp_path / "zone-centre")
    run_many(failing, {a + b + "O3": (), c + d + "O3": ()}, tmp_path / "zone-centre")
    run_many(series, {a + b + "O3": ((56, 22), lent(Well(2.0)), 4.0)}, tmp_path / "series")
    found = entries(tmp_path)
    assert [(entry.formula, entry.factor) for entry in found] == [(a + b + "O3", f) for f in sorted((1.0, *EDGES))]
    save(found, tmp_path / "few.npz")
    again = load(tmp_path / "few.npz")
    assert again[2].phases["R3m"].energy == pytest.approx(-0.1, abs=1e-5)
    assert check(again, 1, lent(Fixed(Well(2.0)))).displacement < 1e-2


class Fixed(Calculator):
    """Another calculator, and a stress that is zero at an edge of 4 Å."""

    def __init__(self, calculator):
        super().__init__()
        self.implemented_properties = ["energy", "forces", "stress"]
        self._calculator = calculator

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self._calculator.calculate(atoms)
        self.results = dict(self._calculator.results)
        self.results["stress"] = (atoms.cell[0, 0] - 4.0) * np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])


def rattled(count, copies):
    """Different perovskites of equally many atoms, sites displaced at random."""
    found = []
    for k in range(count):
        atoms = cubic((56, 22) if k % 2 else (20, 40), 3.9 + 0.1 * k, copies).to_ase()
        atoms.positions += 0.1 * np.random.default_rng(k).normal(size=atoms.positions.shape)
        found.append(atoms)
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_summed_images_give_the_numbers_of_the_potential_alone_and_in_batches():
    pytest.importorskip("sevenn")
    from benchmarks.summed_images import Batches, sevennet
    from sbs.phases.calculators import named_calculator

    reference, summed = named_calculator("sevennet"), sevennet()
    cells = [*rattled(3, 1), *rattled(2, 2)]
    batches = Batches(sevennet())
    answers = {}

    def ask(number, own):
        with batches.running() as calculator:
            answers[number] = [calculator.get_property(name, cell) for cell in own for name in ("forces", "energy")]

    work = [threading.Thread(target=ask, args=(k, [cell])) for k, cell in enumerate(cells)]
    [thread.start() for thread in work]
    [thread.join() for thread in work]
    for k, atoms in enumerate(cells):
        forces, energy = reference.get_property("forces", atoms), reference.get_property("energy", atoms)
        assert np.abs(summed.get_property("forces", atoms) - forces).max() < 1e-4
        stress = reference.get_property("stress", atoms)
        assert np.abs(summed.get_property("stress", atoms) - stress).max() < 1e-5
        assert np.abs(answers[k][0] - forces).max() < 1e-4
        assert answers[k][1] == pytest.approx(energy, abs=1e-4 * len(atoms))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_sample_of_the_labels_is_reproduced(kept_entries):
    pytest.importorskip("sevenn")
    found = check(kept_entries, 3)
    assert found.labels >= 9
    assert found.verdicts == 0
    assert found.edge < 1e-3
    assert found.displacement < 1e-2
    assert found.energy < 1e-3
