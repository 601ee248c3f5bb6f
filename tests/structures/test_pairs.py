"""A symmetric structure and a distorted one: S, K, the domain states, and the object of each."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.io import read

import sbs
from sbs.errors import DetectionError
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
        assert np.array_equal(pair.targets[pair.object_of[number]], state.displacement)
    # object and target move together under every element
    for g in range(group.order):
        for k in range(int(pair.symmetry_set.size)):
            image = matrices[g] @ pair.symmetry_set.objects[k]
            other = int(np.linalg.norm(pair.symmetry_set.objects - image, axis=1).argmin())
            assert np.abs(move(pair.parent, g, pair.targets[k]) - pair.targets[other]).max() < 1e-9


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


def test_calcium_titanate_names_its_supercell():
    """Cubic and orthorhombic CaTiO3 among the AFLOW prototypes that ship with pymatgen-core: 5 and 20 atoms."""
    pytest.importorskip("pymatgen.core")
    from pymatgen.analysis.prototypes._data import AFLOW_PROTOTYPE_LIBRARY

    by_label = {entry["tags"]["aflow"]: entry["snl"].structure for entry in AFLOW_PROTOTYPE_LIBRARY}
    cubic, orthorhombic = by_label["AB3C_cP5_221_a_c_b"], by_label["AB3C_oP20_62_c_cd_a"]
    with pytest.raises(
        DetectionError, match=r"4 times as many atoms.*supercell \[\[1, 1, 0\], \[1, -1, 0\], \[0, 0, -2\]\]"
    ):
        sbs.between(cubic, orthorhombic)
    with pytest.raises(DetectionError, match="is the child the more symmetric of the two"):
        sbs.between(orthorhombic, cubic)


def test_doubled_cell_names_its_supercell(cubic_perovskite):
    lattice, sites, symbols = cubic_perovskite
    double = np.array([[*s[:2], (s[2] + k) / 2] for k in (0, 1) for s in sites])
    double[1, 0] += 0.02  # one of the two titanium atoms moves: the cell is really doubled
    child = (lattice * np.array([[1], [1], [2]]), double, symbols * 2)
    with pytest.raises(DetectionError, match=r"2 times as many atoms.*supercell .*breaks translations"):
        sbs.between(cubic_perovskite, child)


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
    with pytest.raises(DetectionError, match="infinite group"):
        sbs.between(molecule("CO2"), molecule("CO2"))


def test_files_and_facts(tmp_path, cubic_perovskite):
    parent = sbs.detect(cubic_perovskite)
    parent.structure.to_ase().write(tmp_path / "parent.cif")
    sbs.detect(TETRAGONAL).structure.to_ase().write(tmp_path / "child.cif")
    facts = between_report(tmp_path / "parent.cif", tmp_path / "child.cif", tmp_path / "domains")
    assert facts["parent"] == "Oh, Pm-3m (221)" and facts["child"] == "C4v, P4mm (99)"
    assert facts["domain states"] == facts["objects"] == 6 and facts["ideal"] is True
    assert len(facts["written"]) == 6
    found = {sbs.detect(path).space_group.symbol for path in facts["written"]}
    assert found == {"P4mm"}
    axes = {int(np.argmax(read(path).cell.lengths())) for path in facts["written"]}
    assert axes == {0, 1, 2}
    alone = detect_report(tmp_path / "child.cif")
    assert (
        alone["point group"] == "C4v"
        and alone["space group"] == "P4mm (99)"
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
    assert np.abs(targets.numpy() - pair.targets).max() < 1e-12
