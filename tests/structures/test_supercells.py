"""The space group modulo a supercell: group laws, actions on the sites, cells that keep less than the point group."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

import sbs
from sbs.errors import DetectionError, SearchLimitError
from sbs.structures.integer_lattices import Quotient, hermite_form, kept_sublattice
from tests.structures.crystals import CRYSTALS

CELLS = [1, (1, 1, 2), 2, (2, 1, 3), [[1, 1, 0], [1, -1, 0], [0, 0, 2]], [[0, 1, 1], [1, 0, 1], [1, 1, 0]]]


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("name", ["perovskite", "rutile", "zincblende", "hcp", "K2NiF4"])
def test_elements_multiply_as_they_act(name, cell):
    crystal = sbs.detect(CRYSTALS[name], supercell=cell)
    group, found = crystal.group, crystal.supercell
    assert group.order == found.translations * found.point_group.order
    rng = np.random.default_rng(0)
    a, b = rng.integers(group.order, size=(2, 200))
    product = group.multiply(a, b)
    assert np.abs(crystal.matrices[a] @ crystal.matrices[b] - crystal.matrices[product]).max() < 1e-12
    assert (np.take_along_axis(crystal.permutations[a], crystal.permutations[b], 1) == crystal.permutations[product]).all()
    lattice, positions = crystal.structure.lattice, crystal.structure.positions
    images = np.einsum("gij,nj->gni", crystal.matrices, positions) + crystal.translations[:, None]
    off = (positions[crystal.permutations] - images) @ np.linalg.inv(lattice)
    assert np.abs(off - np.round(off)).max() < 1e-6
    assert (crystal.structure.numbers[crystal.permutations] == crystal.structure.numbers).all()
    # Every element is another one: its matrix together with its permutation tells it.
    assert (group.numbers_of(crystal.operations) == np.arange(group.order)).all()


def test_the_perovskite_doubled_along_every_edge_has_384_elements():
    crystal = sbs.detect(CRYSTALS["perovskite"], supercell=2)
    assert (crystal.group.order, len(crystal.structure), crystal.supercell.complete) == (384, 40, True)


def test_a_structure_that_is_a_supercell_is_understood_as_one():
    built = sbs.detect(CRYSTALS["perovskite"], supercell=2)
    lattice = built.structure.lattice
    cell = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]])
    for basis in (lattice, cell @ lattice):
        read = sbs.detect((basis, built.structure.positions @ np.linalg.inv(basis), built.structure.numbers), supercell=1)
        assert read.group.order == 384
        # The same operations: the permutations of the sites are those of the cell that was built.
        assert {row.tobytes() for row in read.permutations} == {row.tobytes() for row in built.permutations}


@pytest.mark.parametrize("name", ["perovskite", "rutile", "rocksalt", "hcp"])
def test_a_structure_that_is_a_supercell_means_the_supercell(name):
    """A cell of eight primitive ones, its atoms in any order, asks and answers as the primitive cell with ``supercell=2``."""
    built = sbs.detect(CRYSTALS[name], supercell=2)
    cell, rng = built.structure, np.random.default_rng(0)
    order = rng.permutation(len(cell))
    given = sbs.detect((cell.lattice, cell.fractional[order], cell.numbers[order].tolist()))
    assert (given.order, given.symbol, given.ambient) == (built.order, built.symbol, built.ambient)
    assert given.supercell.translations == 8 and given.supercell.complete
    rows = np.argsort(order)[built.permutations[:, order]]
    assert {row.tobytes() for row in rows} == {row.tobytes() for row in given.permutations}
    assert np.array_equal(given.pure_translations, given.permutations[:8])
    assert (given.pure_translations[0] == np.arange(len(order))).all()
    assert [mode.label for mode in sbs.modes(given)] == [mode.label for mode in sbs.modes(built)]
    # A target keeps all translations if it is a point group, and is found by the same label if it breaks them.
    point = given.supercell.point_group.subgroup_classes[2].label
    moving = next(mode for mode in sbs.modes(built) if "Γ" not in mode.label and mode.dimension <= 4)
    rows_built, rows_given = sbs.isotropy(built, moving.label), sbs.isotropy(given, moving.label)
    assert [row.label for row in rows_given] == [row.label for row in rows_built]
    for target in (point, rows_built[0].label):
        first, second = sbs.minimal_set(built, target), sbs.minimal_set(given, target)
        second.verify()
        assert (first.size, first.irreps) == (second.size, second.irreps)
        fields = first.objects[:, order]  # the site that was given at place i is site order[i] of the cell that was built
        gaps = np.abs(fields[:, None] - second.objects[None]).max(axis=(2, 3))
        assert gaps.min(axis=1).max() < 1e-6 and gaps.min(axis=0).max() < 1e-6
        one, two = sbs.distortions(built, target), sbs.distortions(given, target)
        assert (one.index, one.displacement_irreps) == (two.index, two.displacement_irreps)


def test_a_conventional_cell_answers_questions_about_its_point_group():
    """Eight atoms of NaCl: labels of point groups keep every translation, and objects of the point group alone are at hand."""
    conventional = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
    found = sbs.detect(conventional)
    assert (found.order, found.symbol, found.supercell.translations) == (192, "Oh", 4)
    target = found.resolve_target("D4h")
    assert target.order == 64 and target.mask[:4].all()
    assert sbs.minimal_set(found, "D4h").size == 3 and sbs.distortions(found, "C4v").index == 6
    plain, primitive = found.modulo_lattice, sbs.detect(bulk("NaCl", "rocksalt", a=5.64))
    assert plain.group == primitive.group and plain.modulo_lattice is plain and plain.supercell is None
    assert np.array_equal(np.sort(plain.permutations, axis=1), np.tile(np.arange(8), (48, 1)))
    one, two = sbs.minimal_set(plain, "D4h"), sbs.minimal_set(primitive, "D4h")
    assert one.irreps == two.irreps == "1x2e" and np.array_equal(one.objects, two.objects)
    assert sbs.distortions(plain, "C4v").displacement_irreps == ("T1u",)


def test_a_cell_of_too_many_primitive_ones_has_its_point_group_and_says_so():
    large = sbs.detect(bulk("NaCl", "rocksalt", a=5.64, cubic=True).repeat(5))
    assert (large.order, large.supercell, len(large.pure_translations)) == (48, None, 500)
    assert "500 primitive cells" in large.report() and "20000 elements" in large.report()
    with pytest.raises(SearchLimitError, match="48 x 500 = 24000"):
        sbs.modes(large)


def test_operations_modulo_the_lattice_are_those_of_the_primitive_cell():
    """In cells that keep all rotations and in ones that do not: the same matrices, and the same images of sites."""
    for cell in (2, (1, 1, 2), [[1, 1, 0], [0, 1, 0], [0, 0, 3]]):
        found = sbs.detect(CRYSTALS["perovskite"], supercell=cell).modulo_lattice
        primitive = sbs.detect(CRYSTALS["perovskite"])
        assert found.group == primitive.group
        count = len(primitive.structure)
        # sites are listed cell by cell, so that modulo the lattice they are those of the primitive cell
        assert (found.permutations % count == np.tile(primitive.permutations, len(found.structure) // count)).all()
        assert (np.sort(found.permutations, axis=1) == np.arange(len(found.structure))).all()


def test_a_cell_that_loses_rotations_says_so_and_names_the_least_that_does_not():
    crystal = sbs.detect(CRYSTALS["perovskite"], supercell=(1, 1, 2))
    assert not crystal.supercell.complete
    assert crystal.supercell.point_group.symbol == "D4h"
    assert crystal.supercell.least_cell.tolist() == [[2, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert "2x2x2" in crystal.report() and "D4h" in crystal.report()
    again = sbs.detect(CRYSTALS["perovskite"], supercell=crystal.supercell.least_cell)
    assert again.supercell.complete


def test_sites_are_listed_cell_by_cell_in_the_given_order():
    given = sbs.detect(CRYSTALS["perovskite"]).structure
    full = sbs.detect(CRYSTALS["perovskite"], supercell=(1, 2, 1)).structure
    assert full.numbers.tolist() == given.numbers.tolist() * 2
    assert np.allclose(full.positions[5:] - given.positions, given.lattice[1])


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (0, "no volume"),
        ((2, 2), "three integers"),
        ((1.5, 1, 1), "integers"),
        ("2", "integer"),
        (True, "integer"),
        (-1, "negative"),
        ([[1, 0, 0], [2, 0, 0], [0, 0, 1]], "no volume"),
        (np.nan, "integers"),
    ],
)
def test_bad_cells_are_refused(cell, message):
    with pytest.raises(DetectionError, match=message):
        sbs.detect(CRYSTALS["perovskite"], supercell=cell)


def test_too_large_a_group_is_refused_with_its_order():
    with pytest.raises(SearchLimitError, match="48 x 512 = 24576 elements, over the limit of 20000"):
        sbs.detect(CRYSTALS["perovskite"], supercell=8)


def test_an_origin_needs_labels_of_wave_vectors():
    assert sbs.detect(CRYSTALS["perovskite"], supercell=1, origin="Sr").supercell.setting.origin_atom == "Sr"
    with pytest.raises(DetectionError, match="give supercell too"):
        sbs.detect(CRYSTALS["perovskite"], origin="Sr")
    with pytest.raises(DetectionError, match="molecule"):
        sbs.detect(([[0, 0, 0], [0, 0, 1.1]], ["C", "O"]), origin="C")


def test_a_molecule_has_no_supercell():
    with pytest.raises(DetectionError, match="molecule"):
        sbs.detect(([[0, 0, 0], [0, 0, 1.1]], ["C", "O"]), supercell=2)


def test_integer_lattices():
    rng = np.random.default_rng(0)
    for _ in range(200):
        rows = rng.integers(-3, 4, size=(3, 3))
        if round(np.linalg.det(rows)) == 0:
            continue
        quotient = Quotient(rows)
        assert quotient.order == abs(round(np.linalg.det(rows)))
        mixed = rng.integers(-2, 3, size=(3, 3)) @ rows
        assert np.array_equal(hermite_form(np.concatenate([mixed, rows])), quotient.form)
        assert (quotient.number(quotient.points) == np.arange(quotient.order)).all()
        shifted = quotient.points + rng.integers(-4, 5, size=(quotient.order, 3)) @ rows
        assert (quotient.number(shifted) == np.arange(quotient.order)).all()
    turn = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 1, 0], [0, 0, 1], [1, 0, 0]], [[0, 0, 1], [1, 0, 0], [0, 1, 0]]])
    assert np.array_equal(kept_sublattice(np.diag([1, 2, 3]), turn), np.diag([6, 6, 6]))
