"""The space group modulo a supercell: group laws, actions on the sites, cells that keep less than the point group."""

from __future__ import annotations

import numpy as np
import pytest

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


def test_without_a_supercell_the_point_group_is_meant_and_the_translations_are_named():
    full = sbs.detect(CRYSTALS["perovskite"], supercell=2).structure
    plain = sbs.detect((full.lattice, full.fractional, full.numbers.tolist()))
    assert (plain.symbol, plain.order, len(plain.pure_translations)) == ("Oh", 48, 8)
    assert "8 primitive cells" in plain.report() and "supercell=1" in plain.report()
    # What asks about wave vectors takes the cell as it is.
    assert "R4+" in {mode.label for mode in sbs.modes(plain)}
    assert sbs.isotropy(plain, "R4+")["Imma"].index == 12


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
