"""Labels and frames belong to the structure: the same under any motion, order of atoms and choice of cell."""

from __future__ import annotations

import numpy as np
import pytest
import spglib
from ase import Atoms
from ase.build import bulk, molecule
from ase.spacegroup import crystal

import sbs
from sbs.structures.detected import Detected
from sbs.structures.setting import exchangeable_axes

ANY = [(0.13, 0.21, 0.37), (0.3, 0.42, 0.3)]
CRYSTALS = {
    # orthorhombic CaTiO3, S. Sasaki, C. T. Prewitt, J. D. Bass, W. A. Schulze, Acta Cryst. C43, 1668 (1987), rounded
    "Pnma": crystal(
        ["Ca", "Ti", "O", "O"],
        [(0.036, 0.25, 0.993), (0, 0, 0.5), (0.484, 0.25, 0.071), (0.289, 0.037, 0.711)],
        spacegroup=62,
        cellpar=[5.442, 7.640, 5.380, 90, 90, 90],
    ),
    "rutile": crystal(["Ti", "O"], [(0, 0, 0), (0.305, 0.305, 0)], spacegroup=136, cellpar=[4.594, 4.594, 2.959, 90, 90, 90]),
    "hcp": bulk("Mg", "hcp", a=3.21, c=5.21),
    "wurtzite": bulk("ZnO", "wurtzite", a=3.25, c=5.2, u=0.382),
    "Pmm2, a = b": crystal(["O", "Si"], ANY, spacegroup=25, cellpar=[6, 6, 7, 90, 90, 90]),
    "P222, cubic lattice": crystal(["O", "Si"], ANY, spacegroup=16, cellpar=[6, 6, 6, 90, 90, 90]),
    "Pbca": crystal(["O"], ANY[:1], spacegroup=61, cellpar=[7, 6, 5, 90, 90, 90]),
}
MOLECULES = {
    "ethylene": molecule("C2H4"),
    "benzene": molecule("C6H6"),
    "water": molecule("H2O"),
    "square": Atoms("XeF4", [(0, 0, 0), (1.9, 0, 0), (-1.9, 0, 0), (0, 1.9, 0), (0, -1.9, 0)]),
    "hydrogen cyanide": molecule("HCN"),
    # three different axes with atoms of one kind on none of them
    "twisted": Atoms("C4", [(1.0, 1.2, 0.8), (-1.0, -1.2, 0.8), (1.0, -1.2, -0.8), (-1.0, 1.2, -0.8)]),
}


def turn(rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.diagonal(r))


def recast(atoms: Atoms, rng: np.random.Generator) -> tuple[tuple, np.ndarray]:
    """The same structure in another orientation (mirrored ones too), place, order of atoms and, for a crystal, cell."""
    g, order = turn(rng), rng.permutation(len(atoms))
    positions = atoms.positions[order] @ g.T + rng.normal(size=3)
    if not atoms.pbc.any():
        return (positions, atoms.numbers[order]), g
    change = rng.integers(-1, 2, size=(3, 3))
    while abs(round(np.linalg.det(change))) != 1:
        change = rng.integers(-1, 2, size=(3, 3))
    lattice = change @ atoms.cell.array @ g.T
    return (lattice, positions @ np.linalg.inv(lattice), atoms.numbers[order]), g


def assert_same_labels(found: Detected, other: Detected, g: np.ndarray) -> None:
    """Every class of subgroups has the label that the class of its image has."""
    for c in found.point_group().subgroup_classes:
        image = other.point_group().subgroup(g @ c.representative.matrices @ g.T)
        assert other.point_group().label_of(image) == c.label


@pytest.mark.parametrize("motions", [15, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", [*CRYSTALS, *MOLECULES])
def test_labels_move_with_the_structure(name, motions):
    atoms = (CRYSTALS | MOLECULES)[name]
    rng = np.random.default_rng(len(name))
    found = sbs.detect(atoms)
    for _ in range(motions):
        moved, g = recast(atoms, rng)
        other = sbs.detect(moved)
        if name == "hydrogen cyanide":
            assert g @ found.group.rotation[:, 2] == pytest.approx(other.group.rotation[:, 2])
        else:
            assert_same_labels(found, other, g)
            # the frames are images of each other up to an element of the group (of its rotations and their negatives)
            between = other.group.rotation.T @ g @ found.group.rotation
            inside = [np.abs(s * between - m).max() for m in found.group.standard.matrices for s in (1, -1)]
            assert min(inside) < 1e-6


def test_the_choice_is_the_documented_one():
    # planar molecules: x normal to the plane, z through the carbon atoms or along the axis
    ethylene = sbs.detect(MOLECULES["ethylene"])
    points = (ethylene.structure.positions - ethylene.center) @ ethylene.group.rotation
    assert np.abs(points[:, 0]).max() < 1e-9 and np.abs(points[:2, :2]).max() < 1e-9
    # benzene: C2' through atoms; vibrations in Wilson's convention have B2g and no B1g
    benzene = sbs.detect(MOLECULES["benzene"])
    points = (benzene.structure.positions - benzene.center) @ benzene.group.rotation
    assert (np.linalg.norm(points[:, 1:], axis=1) < 1e-6).sum() == 4
    modes = sbs.distortions(benzene, "C1").displacement_irreps
    counts = {name: modes.count(name) for name in set(modes)}
    assert counts == {"A2g": 1, "B2g": 2, "E1g": 2, "E2g": 8, "A2u": 1, "B1u": 2, "B2u": 2, "E1u": 6, "E2u": 4}
    # ethylene, z along C=C and x normal to the plane (G. Herzberg, Molecular Spectra II)
    modes = sbs.distortions(ethylene, "C1").displacement_irreps
    counts = {name: modes.count(name) for name in set(modes)}
    assert counts == {"B2g": 1, "B3g": 2, "Au": 1, "B1u": 2, "B2u": 2, "B3u": 1}
    # a crystal: along a, b, c of the International Tables: P 21/n 21/m 21/a keeps n and m with an axis along c (Pnm21), n and a
    # with one along b (Pn21a), m and a with one along a (P21ma)
    for label, number in {"C2v(C2(z))": 31, "C2v(C2(y))": 33, "C2v(C2(x))": 26}.items():
        patterns = sbs.distortions(CRYSTALS["Pnma"], label)
        assert sbs.detect(patterns.distorted(0.2), 0.005).space_group.number == number


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_axes_that_a_space_group_does_not_tell_apart():
    """Against spglib: the type stays, and the operations are those of the standard setting about some origin, for exactly the
    orders found. Number of orders: International Tables A, six divided by the number of settings of the symbol."""
    settings = {16: 1, 17: 3, 18: 3, 19: 1, 25: 3, 31: 6, 47: 1, 51: 6, 55: 3, 61: 2, 62: 6, 63: 6, 70: 1, 72: 3, 74: 6}
    hall = {}
    for number in range(530, 0, -1):
        hall[spglib.get_spacegroup_type(number).number] = number
    for number, count in settings.items():
        found = exchangeable_axes(hall[number])
        if number == 74:  # Imma and Immb are two symbols of one setting with the origin elsewhere
            count = 3
        assert len(found) == 6 // count, number
        assert (0, 1, 2) in found
