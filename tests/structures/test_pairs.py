"""A symmetric structure and a distorted one: S, K, the domain states, and the object of each."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, graphene, make_supercell, molecule
from ase.io import read
from ase.spacegroup import crystal

import sbs
from sbs.errors import DetectionError, SearchLimitError
from sbs.structures.commands import between_report, detect_report
from sbs.structures.pairs import Between
from sbs.structures.sites import move

# Cells of the shape of the tetragonal and orthorhombic phases of BaTiO3, with made-up numbers of that size.
TETRAGONAL = (
    np.diag([3.997, 3.997, 4.031]),
    [[0, 0, 0], [0.5, 0.5, 0.5215], [0.5, 0.5, -0.0233], [0.5, 0, 0.4895], [0, 0.5, 0.4895]],
    ["Ba", "Ti", "O", "O", "O"],
)
ORTHORHOMBIC = (
    np.diag([3.983, 5.675, 5.692]),
    [
        *([0, 0, 0], [0, 0.5, 0.5]),
        *([0.5, 0, 0.517], [0.5, 0.5, 0.017]),
        *([0, 0, 0.489], [0, 0.5, 0.989]),
        *([0.5, 0.253, 0.237], [0.5, 0.753, 0.737], [0.5, 0.747, 0.237], [0.5, 0.247, 0.737]),
    ],
    ["Ba"] * 2 + ["Ti"] * 2 + ["O"] * 6,
)


def recast(structure, seed: int):
    """The same crystal in another cell, orientation, origin and order of atoms."""
    lattice, sites, symbols = structure
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    turn = q * np.sign(np.diagonal(r))
    turn *= np.linalg.det(turn)
    change = rng.integers(-1, 2, size=(3, 3))
    while abs(round(np.linalg.det(change))) != 1:
        change = rng.integers(-1, 2, size=(3, 3))
    order = rng.permutation(len(symbols))
    positions = (np.array(sites) @ lattice @ turn.T + rng.normal(size=3))[order]
    cell = change @ lattice @ turn.T
    return cell, positions @ np.linalg.inv(cell), [symbols[i] for i in order]


def assert_consistent(pair: Between) -> None:
    """Everything a Between promises about its states and objects."""
    group, kept = pair.group, pair.target
    assert len(pair.states) == group.order // kept.order
    assert pair.symmetry_set.target == kept and pair.symmetry_set.group == group
    assert pair.displacements.mean(axis=1) == pytest.approx(0, abs=1e-9)
    matrices = sbs.representation(pair.symmetry_set.irreps, group.matrices)
    for number, state in enumerate(pair.states):
        assert sbs.detect(state.structure, 0.005, periodic=state.structure.periodic).symbol == kept.symbol
        # the objects that stand for a state have exactly its symmetry
        for k in np.flatnonzero(pair.state_of == number):
            image = matrices @ pair.symmetry_set.objects[k]
            fixed = np.linalg.norm(image - pair.symmetry_set.objects[k], axis=1) < 1e-6
            assert np.array_equal(np.flatnonzero(fixed), state.symmetry.elements)
            assert pair.symmetry_set.target_of[int(k)] == state.symmetry
        assert pair.state_of[pair.object_of[number]] == number
        assert np.array_equal(pair.object_displacements[pair.object_of[number]], state.displacement)
    # object and target move together under every element
    for g in range(group.order):
        for k in range(int(pair.symmetry_set.size)):
            image = matrices[g] @ pair.symmetry_set.objects[k]
            other = int(np.linalg.norm(pair.symmetry_set.objects - image, axis=1).argmin())
            assert np.abs(move(pair.parent, g, pair.object_displacements[k]) - pair.object_displacements[other]).max() < 1e-9


def same_states(first: Between, second: Between) -> float:
    """How far the first state of one pair is from the nearest state of another, Å."""
    state = first.states[0]
    gaps = [
        max(np.abs(state.displacement - other.displacement).max(), np.abs(state.strain - other.strain).max())
        for other in second.states
    ]
    return float(min(gaps))


@pytest.mark.parametrize(
    ("child", "target", "states"),
    [(TETRAGONAL, "C4v", 6), (ORTHORHOMBIC, "C2v", 12)],
    ids=["Pm-3m->P4mm", "Pm-3m->Amm2"],
)
def test_ferroelectric_phases_in_any_cell(child, target, states, cubic_perovskite):
    pair = sbs.between(cubic_perovskite, child)
    assert (pair.group.symbol, pair.target.symbol, len(pair.states)) == ("Oh", target, states)
    assert pair.symmetry_set.is_ideal and pair.symmetry_set.size == states
    assert pair.deviation < 1e-9
    assert_consistent(pair)
    for seed in range(4):
        other = sbs.between(cubic_perovskite, recast(child, seed))
        assert same_states(other, pair) < 1e-9
    moved_parent = sbs.between(recast(cubic_perovskite, 9), child)
    assert moved_parent.target.symbol == target and len(moved_parent.states) == states
    assert_consistent(moved_parent)


def test_the_typed_displacements_are_found(cubic_perovskite):
    """z displacements of the tetragonal phase along the polar axis: Ti - Ba = 0.0215 c and so on, whatever the origin."""
    pair = sbs.between(cubic_perovskite, TETRAGONAL)
    state = pair.states[0]
    z = state.displacement[:, 2]
    assert np.abs(state.displacement[:, :2]).max() < 1e-12
    # sites of the parent: Ba, Ti, O along x, y, z
    expected = 4.031 * np.array([0, 0.0215, -0.0105, -0.0105, -0.0233])
    assert np.allclose(z - z[0], expected, atol=1e-9)
    a = 4.0077
    assert np.allclose(np.diagonal(state.strain), [3.997 / a - 1, 3.997 / a - 1, 4.031 / a - 1])


def test_pyxtal_files(cubic_perovskite):
    spec = importlib.util.find_spec("pyxtal")
    if spec is None or spec.origin is None:
        pytest.skip("pyxtal is not installed")
    folder = Path(spec.origin).parent / "database" / "cifs"
    for name, target, states in (("BTO.cif", "C4v", 6), ("BTO-Amm2.cif", "C2v", 12)):
        pair = sbs.between(cubic_perovskite, folder / name)
        assert (pair.target.symbol, len(pair.states), pair.symmetry_set.is_ideal) == (target, states, True)
        assert_consistent(pair)


def repeated(structure, multiple, seed: int | None = None):
    """A multiple (three integers) of a cell, its atoms shuffled by a seed."""
    lattice, sites, symbols = structure
    multiple = np.array(multiple)
    points = np.array(list(np.ndindex(*multiple)))
    places = np.concatenate([(np.array(sites) + point) / multiple for point in points])
    order = np.arange(len(places)) if seed is None else np.random.default_rng(seed).permutation(len(places))
    names = list(symbols) * len(points)
    return np.array(lattice) * multiple[:, None], places[order], [names[i] for i in order]


# cubic and orthorhombic CaTiO3; the latter after S. Sasaki, C. T. Prewitt, J. D. Bass, W. A. Schulze, Acta Cryst. C43, 1668
# (1987), coordinates rounded to three digits
CUBIC = (np.eye(3) * 3.84, [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]], ["Ca", "Ti", "O", "O", "O"])
PNMA = crystal(
    ["Ca", "Ti", "O", "O"],
    [(0.036, 0.25, 0.993), (0, 0, 0.5), (0.484, 0.25, 0.071), (0.289, 0.037, 0.711)],
    spacegroup=62,
    cellpar=[5.442, 7.640, 5.380, 90, 90, 90],
)


def as_tuple(atoms):
    return atoms.cell.array, atoms.get_scaled_positions(), atoms.get_chemical_symbols()


def assert_different_states(pair: Between, number: int) -> None:
    """The states are as many as the index, all of one space group, and no two are one; S permutes them."""
    assert len(pair.states) == pair.group.order // pair.target.order
    shapes = np.array([np.concatenate([s.displacement.ravel(), 10 * s.strain.ravel()]) for s in pair.states])
    apart = np.linalg.norm(shapes[:, None] - shapes[None], axis=2)
    assert apart[~np.eye(len(shapes), dtype=bool)].min() > 0.01
    for state in pair.states:
        assert sbs.detect(state.structure, 0.005).space_group.number == state.space_group.number == number
    for g in (1, pair.group.order // 2, pair.group.order - 1):
        turn = pair.parent.matrices[g]
        for state in pair.states[:4]:
            image = [move(pair.parent, g, state.displacement).ravel(), 10 * (turn @ state.strain @ turn.T).ravel()]
            assert np.linalg.norm(shapes - np.concatenate(image), axis=1).min() < 1e-9


@pytest.mark.parametrize("origin", [0.0, 0.37])
@pytest.mark.parametrize("given", [(1, 1, 1), (1, 1, 2), (2, 1, 1)])
def test_titanium_up_and_down_whatever_the_parents_cell(origin, given, cubic_perovskite):
    """An antiferroelectric wave along z, P4/mmm in a cell of 10 atoms: 3 orientations of the axis and 2 antiphase states."""
    lattice, sites, symbols = repeated(cubic_perovskite, (1, 1, 2))
    sites[1, 2] += 0.02
    sites[6, 2] -= 0.02
    pair = sbs.between(repeated(cubic_perovskite, given), (lattice, sites + np.array([0, 0, origin]), symbols))
    assert (pair.group.order, pair.target.order, pair.parent.supercell.translations) == (384, 64, 8)
    assert pair.deviation < 1e-9 and np.abs(pair.match.strain).max() < 1e-9
    assert_different_states(pair, 123)


def test_calcium_titanate_has_24_states():
    """6 orientation states times 4 antiphase states, each of them Pnma."""
    for seed in (None, 1, 2):
        child = as_tuple(PNMA) if seed is None else recast(as_tuple(PNMA), seed)
        pair = sbs.between(CUBIC, child)
        assert (pair.group.order, pair.target.order, len(pair.states)) == (384, 16, 24)
        assert pair.parent.supercell.point_group.order // 8 == 6
        if seed is None:
            assert_different_states(pair, 62)
    # the child in a multiple of its cell is the same child
    assert len(sbs.between(CUBIC, repeated(as_tuple(PNMA), (2, 1, 1), 3)).states) == 24
    with pytest.raises(DetectionError, match="is the child the more symmetric of the two"):
        sbs.between(as_tuple(PNMA), CUBIC)


def test_the_child_that_lies_on_the_parent_stays_where_it_is():
    """Of 24 states the first is the one that the child is, if the child is given in the parent's frame and origin."""
    wanted = sbs.between(CUBIC, as_tuple(PNMA))
    for state in wanted.states[::5]:
        pair = sbs.between(CUBIC, state.structure)
        assert np.abs(pair.match.rotation - np.eye(3)).max() < 1e-9
        assert np.abs(pair.states[0].displacement - state.displacement).max() < 1e-9
        assert np.abs(pair.states[0].strain - state.strain).max() < 1e-9


PARENTS = {
    "perovskite": CUBIC,
    "rutile": as_tuple(
        crystal(["Ti", "O"], [(0, 0, 0), (0.305, 0.305, 0)], spacegroup=136, cellpar=[4.594, 4.594, 2.959, 90, 90, 90])
    ),
    "wurtzite": as_tuple(bulk("ZnO", "wurtzite", a=3.25, c=5.2, u=0.382)),
    "rock salt": as_tuple(bulk("NaCl", "rocksalt", a=5.6)),
    "Pnma": as_tuple(PNMA),
}
CELLS = {
    "perovskite": [[1, 1, 0], [1, -1, 0], [0, 0, 2]],
    "rutile": [[1, 0, 1], [0, 1, 0], [1, 0, -1]],
    "wurtzite": [[2, 1, 0], [0, 1, 0], [0, 0, 1]],
    "rock salt": [[-1, 1, 1], [1, -1, 1], [1, 1, -1]],
    "Pnma": [[1, 0, 0], [0, 1, 0], [0, 0, 2]],
}


@pytest.mark.parametrize("noise", [0.0, 0.002])
@pytest.mark.parametrize("name", PARENTS)
def test_what_was_put_in_comes_out(name, noise):
    """A random distortion of a supercell and a random strain, shuffled, turned, shifted and re-based: one of the states is it."""
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        lattice, sites, symbols = PARENTS[name]
        atoms = make_supercell(Atoms(symbols, scaled_positions=sites, cell=lattice, pbc=True), CELLS[name])
        shift = rng.normal(size=(len(atoms), 3)) * 0.06
        shift -= shift.mean(axis=0)
        strain = rng.normal(size=(3, 3)) * 0.01
        strain = (strain + strain.T) / 2
        shake = rng.normal(size=shift.shape)
        shake *= noise / np.linalg.norm(shake, axis=1, keepdims=True)
        stretch = np.eye(3) + strain
        child = Atoms(atoms.numbers, atoms.positions @ stretch + shift + shake, cell=atoms.cell.array @ stretch, pbc=True)
        pair = sbs.between(PARENTS[name], recast(as_tuple(child), seed))
        found = pair.states[0]
        # the state in the cell of the distortion that was put in, whichever of them it is
        inside = sbs.between(PARENTS[name], child)
        own = inside.states[0]
        gaps = [np.abs(state.displacement - own.displacement).max() for state in pair.states]
        other = pair.states[int(np.argmin(gaps))]
        assert np.abs(other.displacement - own.displacement).max() < 1e-6 and np.abs(other.strain - own.strain).max() < 1e-6
        assert np.abs(own.strain - strain).max() < 1e-9
        # norm per primitive cell, and the field itself site by site
        cells = pair.parent.supercell.translations
        put = np.linalg.norm(shift + shake - (shift + shake).mean(axis=0)) / np.sqrt(round(abs(np.linalg.det(CELLS[name]))))
        assert np.linalg.norm(found.displacement) / np.sqrt(cells) == pytest.approx(put, abs=1e-6)
        places = inside.parent.structure
        for site, position in enumerate(places.positions):
            away = (atoms.positions - position) @ np.linalg.inv(atoms.cell.array)
            copy = np.linalg.norm(away - np.round(away), axis=1).argmin()
            field = shift[copy] + shake[copy] - (shift + shake).mean(axis=0)
            assert np.abs(own.displacement[site] - field).max() < 1e-6


def test_supercells_of_between(cubic_perovskite):
    lattice, sites, symbols = repeated(cubic_perovskite, (1, 1, 2))
    sites[1, 2] += 0.02
    child = (lattice, sites, symbols)
    assert sbs.between(cubic_perovskite, child, supercell=2).group.order == 384
    with pytest.raises(DetectionError, match="does not hold the child's cell"):
        sbs.between(cubic_perovskite, child, supercell=3)
    with pytest.raises(DetectionError, match="supercell must"):
        sbs.between(cubic_perovskite, child, supercell="2x2")
    with pytest.raises(SearchLimitError, match="take a smaller supercell"):
        sbs.between(cubic_perovskite, child, supercell=10)
    with pytest.raises(DetectionError, match="a supercell was given with molecules"):
        sbs.between(molecule("CH4"), molecule("CH4"), supercell=2)


def test_molecules_in_any_orientation(moved):
    octahedron = (np.concatenate([np.zeros((1, 3)), 2.03 * np.eye(3), -2.03 * np.eye(3)]), ["Cu"] + ["F"] * 6)
    bonds = np.array([1.89, 1.96, 2.25])
    distorted = np.concatenate([np.zeros((1, 3)), np.diag(bonds), -np.diag(bonds)])
    pair = sbs.between(octahedron, (distorted, octahedron[1]))
    assert (pair.group.symbol, pair.target.symbol, len(pair.states)) == ("Oh", "D2h", 6)
    assert pair.symmetry_set.irreps == "1x2e" and pair.symmetry_set.is_ideal
    assert_consistent(pair)
    placed, labels, _ = moved(distorted, np.array(octahedron[1]), 3)
    assert same_states(sbs.between(octahedron, (placed, list(labels))), pair) < 1e-9
    chosen = [tuple(np.linalg.norm(s.structure.positions[1:4], axis=1).round(6)) for s in pair.states]
    assert sorted(chosen) == sorted(
        {(a, b, c) for a in bonds for b in bonds for c in bonds if len({a, b, c}) == 3}
    )


def test_a_molecule_with_an_infinite_set_uses_its_own_frame():
    group = sbs.point_group("C3h")
    seeds = [(1.6, 0.4, 0.0), (2.1, -1.2, 0.9)]
    positions = np.concatenate([group.matrices @ np.array(s) for s in seeds])
    labels = [6] * 6 + [1] * 6
    keep = np.unique(positions.round(6), axis=0, return_index=True)[1]
    positions, labels = positions[keep], np.array(labels)[keep]
    parent = sbs.detect((positions, labels))
    assert parent.symbol == "C3h"
    child = sbs.distortions(parent, "Cs").distorted(0.15)
    pair = sbs.between(parent, child)
    assert len(pair.states) == 3 and pair.symmetry_set.is_ideal and pair.symmetry_set.ambient.symbol == "D3h"
    assert_consistent(pair)


def test_what_is_no_pair_is_refused(cubic_perovskite):
    lattice, sites, symbols = cubic_perovskite
    far = [list(s) for s in sites]
    far[2] = [0.5, 0.25, 0.1]
    with pytest.raises(DetectionError, match=r"its atom 2 \(O\) is \d\.\d\d Å off site \d of the parent"):
        sbs.between(cubic_perovskite, (lattice, far, symbols))
    with pytest.raises(DetectionError, match="expected the same elements"):
        sbs.between(cubic_perovskite, (lattice, sites, ["Sr", "Ti", "O", "O", "O"]))
    with pytest.raises(DetectionError, match="expected the same composition"):
        sbs.between(cubic_perovskite, (lattice, [*sites[:4], [0.1, 0.3, 0.2]], ["Ba", "Ti", "O", "O", "Ti"]))
    with pytest.raises(DetectionError, match="is no distortion of the parent's"):
        sbs.between(cubic_perovskite, (lattice * np.array([[1], [1], [1.6]]), sites, symbols))
    with pytest.raises(DetectionError, match="keeps every symmetry"):
        sbs.between(cubic_perovskite, cubic_perovskite)
    with pytest.raises(DetectionError, match="the parent is a crystal and the child a molecule"):
        sbs.between(cubic_perovskite, molecule("CH4"))
    methane = molecule("CH4")
    stretched = methane.positions.copy()
    stretched[3] *= 1.9
    with pytest.raises(DetectionError, match=r"its atom 3 \(H\) is 0\.\d\d Å off site \d of the parent"):
        sbs.between(methane, (stretched, methane.numbers))
    with pytest.raises(DetectionError, match="no way to lay its atoms on those of the parent"):
        sbs.between(methane, (methane.positions * [1, 1, 9], methane.numbers))
    with pytest.raises(DetectionError, match="keeps every symmetry of the parent's point group Dinfh"):
        sbs.between(molecule("CO2"), molecule("CO2"))
    with pytest.raises(DetectionError, match="do not follow one another along a line"):
        sbs.between(molecule("CO2"), Atoms("COO", [(0, 0, 0), (0, 0, 1.2), (0, 0, 2.4)]))


def test_quartz_of_the_wrong_hand():
    """Low quartz P3_221 (L. Levien, C. T. Prewitt, D. J. Weidner, Am. Mineral. 65, 920 (1980)) comes from high quartz P6_222 in
    two Dauphiné twins; its mirror image P3_121 does not."""
    cell, hexagonal = [4.9977, 4.9977, 5.4601, 90, 90, 120], [4.916, 4.916, 5.4054, 90, 90, 120]
    high = crystal(["Si", "O"], [(0.5, 0, 0), (0.4157, 0.2078, 1 / 6)], spacegroup=180, cellpar=cell)
    low = crystal(["Si", "O"], [(0.4697, 0, 2 / 3), (0.4135, 0.2669, 0.7858)], spacegroup=154, cellpar=hexagonal)
    pair = sbs.between(high, low)
    assert (pair.group.symbol, pair.target.symbol, len(pair.states)) == ("D6", "D3", 2)
    assert {state.space_group.number for state in pair.states} == {154}
    with pytest.raises(DetectionError, match="the mirror image of the child is a distortion of the parent"):
        sbs.between(high, Atoms(low.numbers, -low.positions, cell=low.cell, pbc=True))


def test_files_and_facts(tmp_path, cubic_perovskite):
    parent = sbs.detect(cubic_perovskite)
    parent.structure.to_ase().write(tmp_path / "parent.cif")
    sbs.detect(TETRAGONAL).structure.to_ase().write(tmp_path / "child.cif")
    facts = between_report(tmp_path / "parent.cif", tmp_path / "child.cif", tmp_path / "domains")
    assert (facts["parent"]["point_group"], facts["parent"]["space_group_number"]) == ("Oh", 221)
    assert (facts["child"]["symmetry"], facts["child"]["space_group"]) == ("C4v", "P4mm")
    assert "parent: Oh, Pm-3m (221)\nchild: C4v, P4mm (99)" in facts["report"]
    assert facts["domain_states"] == facts["objects"] == 6 and facts["ideal"] is True
    assert len(facts["written"]) == 6
    found = {sbs.detect(path).space_group.symbol for path in facts["written"]}
    assert found == {"P4mm"}
    axes = {int(np.argmax(read(path).cell.lengths())) for path in facts["written"]}
    assert axes == {0, 1, 2}
    alone = detect_report(tmp_path / "child.cif")
    assert (
        alone["point_group"] == "C4v"
        and (alone["space_group"], alone["space_group_number"]) == ("P4mm", 99)
        and "Ambient: D4h" in alone["report"]
    )


def test_targets_are_the_form_that_networks_train_on(cubic_perovskite):
    torch = pytest.importorskip("torch")
    losses = pytest.importorskip("sbs.nn.losses")
    pair = sbs.between(cubic_perovskite, ORTHORHOMBIC)
    own = torch.tensor(pair.states[0].displacement)
    targets = losses.orbit_targets(
        pair.symmetry_set, own, "1x1o", pair.parent.permutations, index=int(pair.object_of[0])
    )
    assert np.abs(targets.numpy() - pair.object_displacements).max() < 1e-12


@pytest.mark.parametrize("format", ["cif", "poscar", "extxyz"])
def test_files_keep_the_frame_or_turn_with_their_objects(format, tmp_path, cubic_perovskite):
    """Read back, every file shows its state, turned as the list beside the files says; its object is turned alike."""
    parent = recast(cubic_perovskite, 5)
    lattice = parent[0][[1, 0, 2]]  # left-handed
    sites = np.array(parent[1])[:, [1, 0, 2]]
    pair = sbs.between((lattice, sites, parent[2]), TETRAGONAL)
    paths = pair.write(tmp_path, format)
    for number, (path, state) in enumerate(zip(paths, pair.states, strict=True)):
        atoms, turn = read(path), np.eye(3)
        turned = pair.symmetry_set.objects[pair.object_of[number]]
        if format == "cif":
            notes = [line for line in path.read_text().splitlines() if line.startswith("#")]
            turn = np.array(notes[0].rpartition(" by ")[2].split(), float).reshape(3, 3)
            turned = np.array(notes[1].rpartition(": ")[2].split(), float)
            assert np.linalg.det(turn) == pytest.approx(1) and np.abs(turn - np.eye(3)).max() > 1e-3
        elif format == "extxyz":
            assert atoms.info["irreps"] == pair.symmetry_set.irreps
            assert np.abs(atoms.info["object"] - turned).max() < 1e-7
        expected = state.structure
        cell = atoms.cell.array if format != "cif" else atoms.cell.array * np.sign(np.linalg.det(expected.lattice))
        assert np.abs(expected.lattice @ turn.T - cell).max() < 1e-5
        away = (expected.positions @ turn.T - atoms.positions) @ np.linalg.inv(atoms.cell.array)
        assert np.abs((away - np.round(away)) @ atoms.cell.array).max() < 1e-5
        assert atoms.numbers.tolist() == expected.numbers.tolist()
        # the object of the file has the symmetry of the file's structure, in the frame of the file
        group = sbs.detect(Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True), 0.002)
        images = sbs.representation(pair.symmetry_set.irreps, group.matrices) @ turned
        assert group.space_group.symbol == "P4mm" and np.abs(images - turned).max() < 1e-4
    with pytest.raises(DetectionError, match=r"unknown format 'pdb'.*cif, poscar, extxyz"):
        pair.write(tmp_path, "pdb")


def test_layers_in_pairs():
    """A sheet whose two sublattices part along z: buckled graphene, two states; the stand-ins for a third period may differ."""
    flat = graphene(a=2.5)
    buckled = flat.copy()
    buckled.positions[:, 2] += [0.2, -0.2]
    buckled.cell[2] = [0, 0, 40]
    pair = sbs.between(flat, buckled)
    assert (pair.target.symbol, len(pair.states)) == ("D3d", 2) and np.abs(pair.match.strain).max() < 1e-9
    assert {state.space_group.symbol for state in pair.states} == {"p-3m1"}
    wave = flat.repeat((2, 1, 1))
    wave.positions[:2, 2] += 0.3
    pair = sbs.between(flat, wave)
    assert pair.parent.supercell.translations == 4 and pair.parent.structure.layer
    assert len(pair.states) == pair.group.order // pair.target.order == 6
