"""Crystals: groups, permutations and ambients in any cell, orientation, origin and order of atoms."""

from __future__ import annotations

import numpy as np
import pytest
import spglib
from ase.build import bulk, make_supercell
from ase.collections import dcdft
from ase.spacegroup import crystal

import sbs
from sbs.groups.point.pointgroups import match_elements
from sbs.structures.detected import Detected

TOLERANCE = 0.02


def general(number: int, cell: list[float]):
    """Two general orbits of a space group: a crystal of exactly that symmetry."""
    return crystal(["O", "Si"], [(0.13, 0.21, 0.37), (0.3, 0.42, 0.3)], spacegroup=number, cellpar=cell)


CRYSTALS = {
    "P-1": (general(2, [6, 4, 5, 80, 97, 103]), "Ci", "Ci"),
    "P2": (general(3, [6, 4, 5, 90, 103, 90]), "C2", "C2h"),
    "C2": (general(5, [6, 4, 5, 90, 103, 90]), "C2", "C2h"),
    "Pm": (general(6, [6, 4, 5, 90, 103, 90]), "Cs", "C2h"),
    "P2/m": (general(10, [6, 4, 5, 90, 103, 90]), "C2h", "C2h"),
    "P222": (general(16, [6, 4, 5, 90, 90, 90]), "D2", "D2h"),
    "Pmm2": (general(25, [6, 4, 5, 90, 90, 90]), "C2v", "D2h"),
    "P4": (general(75, [4, 4, 5, 90, 90, 90]), "C4", "D4h"),
    "I4": (general(79, [4, 4, 5, 90, 90, 90]), "C4", "D4h"),
    "P4 in a cubic lattice": (general(75, [5, 5, 5, 90, 90, 90]), "C4", "Oh"),
    "P-4": (general(81, [6, 6, 9, 90, 90, 90]), "S4", "D4h"),
    "P422": (general(89, [4, 4, 5, 90, 90, 90]), "D4", "D4h"),
    "P3": (general(143, [4, 4, 5, 90, 90, 120]), "C3", "D6h"),
    "R3": (general(146, [4, 4, 9, 90, 90, 120]), "C3", "D3d"),
    "P6/m": (general(175, [6, 6, 9, 90, 90, 120]), "C6h", "D6h"),
    "P23": (general(195, [7, 7, 7, 90, 90, 90]), "T", "Oh"),
}


def recast(atoms, seed: int, noise: float = 0.0, proper: bool = True):
    """The same crystal in another cell, orientation, origin and order: (structure, the turn)."""
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    g = q * np.sign(np.diagonal(r))
    if proper:
        g = g * np.linalg.det(g)
    change = rng.integers(-1, 2, size=(3, 3))
    while abs(round(np.linalg.det(change))) != 1:
        change = rng.integers(-1, 2, size=(3, 3))
    order = rng.permutation(len(atoms))
    shake = rng.normal(size=(len(atoms), 3))
    shake *= noise / np.linalg.norm(shake, axis=1, keepdims=True)
    lattice = change @ atoms.cell.array @ g.T
    positions = atoms.positions[order] @ g.T + rng.normal(size=3) + shake
    return (lattice, positions @ np.linalg.inv(lattice), atoms.numbers[order]), g


def assert_consistent(found: Detected, tolerance: float) -> None:
    """Exact group, permutations that compose and hit atoms, ambient around the group."""
    found = found.modulo_lattice
    group, lattice = found.point_group(), found.structure.lattice
    images = np.einsum("gij,nj->gni", group.matrices, found.structure.positions) + found.translations[:, None]
    away = (found.structure.positions[found.permutations] - images) @ np.linalg.inv(lattice)
    assert np.linalg.norm((away - np.round(away)) @ lattice, axis=2).max() <= tolerance
    assert found.deviation <= tolerance
    if len(found.pure_translations) == 1:
        for g in range(group.order):
            composed = found.permutations[g][found.permutations]
            assert (composed == found.permutations[group.table[g]]).all()
    assert np.abs(found.rotation @ group.matrices @ found.rotation.T - group.standard.matrices).max() < 1e-12
    assert (match_elements(group.matrices, found.ambient.matrices) >= 0).all()


@pytest.mark.parametrize("name", CRYSTALS)
def test_general_crystal(name):
    atoms, symbol, holohedry = CRYSTALS[name]
    for seed, noise in ((0, 0.0), (1, 1e-3)):
        structure, g = recast(atoms, seed, noise)
        found = sbs.detect(structure, TOLERANCE)
        assert (found.symbol, found.ambient.symbol, found.space_group.symbol) == (
            symbol,
            holohedry,
            name.split()[0],
        )
        assert_consistent(found, TOLERANCE)
        if noise == 0.0:
            plain = sbs.detect(atoms, TOLERANCE)
            assert (match_elements(g @ plain.matrices @ g.T, found.matrices) >= 0).all()


def unmagnetic(name: str):
    """A crystal of the dcdft collection without its magnetic moments."""
    atoms = dcdft[name]
    atoms.arrays.pop("initial_magmoms", None)
    return atoms


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_dcdft_collection_clean_and_shaken():
    """71 of 71 both ways: space group and point group are those of spglib on the untouched file, at its default tolerance."""
    right = 0
    for seed, name in enumerate(dcdft.names):
        atoms = unmagnetic(name)
        reference = spglib.get_symmetry_dataset(
            (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers), 1e-4
        )
        assert reference is not None
        for noise in (0.0, 1e-3):
            found = sbs.detect(recast(atoms, seed, noise)[0], TOLERANCE)
            assert found.space_group == sbs.structures.SpaceGroup(
                reference.number, reference.international
            ), name
            assert found.modulo_lattice.hermann_mauguin == sbs.point_group(reference.pointgroup).hermann_mauguin, name
            if name != "Mn":
                assert_consistent(found, TOLERANCE)
        right += 1
    assert right == 71


def test_manganese_of_dcdft_is_a_supercell_of_lower_symmetry():
    """Its antiferromagnetic cell is tetragonal, the arrangement of the atoms without their moments is fcc: operations
    that turn the cell permute the two atoms modulo the primitive lattice only."""
    magnetic = sbs.detect(dcdft["Mn"], TOLERANCE)
    assert magnetic.space_group.symbol == "P4/mmm" and magnetic.structure.told_apart_by == ("magnetic moment",)
    cell = sbs.detect(unmagnetic("Mn"), TOLERANCE)
    assert (cell.symbol, cell.order, cell.supercell.complete) == ("D4h", 32, False) and "Oh" in cell.report()
    found = cell.modulo_lattice
    assert found.symbol == "Oh" and found.pure_translations.tolist() == [[0, 1], [1, 0]]
    assert (np.sort(found.permutations, axis=1) == [0, 1]).all()


@pytest.mark.parametrize("multiple", [[[1, 0, 0], [0, 2, 0], [0, 0, 3]], [[2, 1, 0], [0, 1, 0], [0, 0, 2]]])
def test_supercells_show_the_crystal_not_the_cell(multiple):
    cell = sbs.detect(make_supercell(bulk("NaCl", "rocksalt", a=5.6), multiple))
    assert not cell.supercell.complete and "of the point group Oh only; the least cell" in cell.report()
    found = cell.modulo_lattice
    assert (found.symbol, found.space_group.symbol, found.ambient.symbol) == ("Oh", "Fm-3m", "Oh")
    count = round(abs(np.linalg.det(multiple)))
    assert found.pure_translations.shape == (count, 2 * count)
    assert sorted({tuple(row) for row in found.pure_translations.tolist()}) == sorted(
        map(tuple, found.pure_translations.tolist())
    )


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_slightly_wrong_lattice_gives_an_exact_group():
    """spglib's Cartesian operations on this lattice are orthogonal to 1e-3 only."""
    wrong = np.array([[4.0, 0.004, -0.003], [0.002, 4.003, 0.001], [-0.001, 0.003, 3.996]])
    found = sbs.detect((wrong, [[0, 0, 0], [0.5, 0.5, 0.5]], ["Cs", "Cl"]), TOLERANCE)
    cell = (wrong, [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17])
    rotations = spglib.get_symmetry_dataset(cell, TOLERANCE).rotations
    cartesian = wrong.T @ rotations @ np.linalg.inv(wrong.T)
    assert np.abs(cartesian @ cartesian.transpose(0, 2, 1) - np.eye(3)).max() > 1e-3
    assert found.symbol == "Oh"
    assert np.abs(found.matrices @ found.matrices.transpose(0, 2, 1) - np.eye(3)).max() < 1e-14
    assert 1e-3 < found.deviation < TOLERANCE
    # no element of the exact group is further from spglib's than the lattice is wrong
    gap = np.abs(cartesian[:, None] - found.matrices[None]).max(axis=(2, 3)).min(axis=1)
    assert gap.max() < 4e-3


def test_ambiguous_crystal():
    sites = [[0, 0, 0], [0.5, 0.5, 0.507], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
    cell = np.eye(3) * 4.0
    found = sbs.detect((cell, sites, ["Ba", "Ti", "O", "O", "O"]), TOLERANCE)
    assert found.symbol == "C4v" and found.ambiguous and found.alternative.startswith("Pm-3m")
    assert "Pm-3m" in found.report()
    assert not sbs.detect((cell, sites, ["Ba", "Ti", "O", "O", "O"]), 0.002).ambiguous


@pytest.mark.parametrize("name", CRYSTALS)
def test_every_set_of_a_crystal_is_finite_and_turns_with_it(name):
    """In the lattice's holohedry every S -> K has a finite set; re-detected in another cell and orientation, mirrored ones
    included, it is the image of the first."""
    atoms, _, _ = CRYSTALS[name]
    first = sbs.detect(atoms).modulo_lattice
    for number, c in enumerate(first.group.subgroup_classes[:-1]):
        kept = c.representative
        plain = sbs.minimal_set(first, kept)
        assert plain.ambient == first.ambient and np.isfinite(plain.size)
        for seed in (2 * number, 2 * number + 1):
            structure, g = recast(atoms, seed, proper=False)
            other = sbs.detect(structure).modulo_lattice
            again = sbs.minimal_set(other, other.group.subgroup(g @ kept.matrices @ g.T))
            assert again.irreps == plain.irreps and again.size == plain.size
            images = plain.objects @ sbs.representation(plain.irreps, g[None])[0].T
            gaps = np.linalg.norm(images[:, None] - again.objects[None], axis=2)
            assert gaps.min(axis=1).max() < 1e-6 and gaps.min(axis=0).max() < 1e-6


def test_cyclic_crystal_is_finite_in_its_lattice_and_infinite_in_o3():
    found = sbs.detect(CRYSTALS["P4"][0])
    inside = sbs.minimal_set(found, "C1")
    inside.verify()
    assert inside.size == 4 and inside.is_ideal and inside.ambient.symbol == "D4h"
    assert sbs.minimal_set(found, "C1", ambient="O(3)").size == np.inf
    assert "holohedry" in found.report() and "D4h" in found.report()


def test_results_print_in_words_and_not_as_arrays():
    cube = (np.eye(3) * 4.0, [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], [56, 22, 8, 8, 8])
    found, patterns = sbs.detect(cube), sbs.distortions(cube, "C4v")
    assert repr(found) == "Detected(Oh, Pm-3m (221), Structure(BaTiO3, crystal of 5 sites), 0 Å off)"
    assert repr(patterns).startswith("Distortions(Oh -> C4v, Structure(BaTiO3") and "6 domain states" in str(patterns)
    assert "holohedry" in str(found) and "holohedry" in sbs.minimal_set(found, "C4v").report()
    assert "array" not in repr(patterns.domain_states(0.1)[0])
