"""Patterns of every wave vector, and the amplitudes of a distortion by irrep: what is put in comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.spacegroup import crystal

import sbs
from sbs.errors import DetectionError, NotASubgroupError, SymmetryBreakingError
from sbs.structures.domains import distorted
from sbs.structures.primary import primary_choice

A = 3.9
PEROVSKITE = (np.eye(3) * A, [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]], [38, 22, 8, 8, 8])
# orthorhombic CaTiO3 after S. Sasaki, C. T. Prewitt, J. D. Bass, W. A. Schulze, Acta Cryst. C43, 1668 (1987), rounded
PNMA = crystal(
    ["Sr", "Ti", "O", "O"],
    [(0.036, 0.25, 0.993), (0, 0, 0.5), (0.484, 0.25, 0.071), (0.289, 0.037, 0.711)],
    spacegroup=62,
    cellpar=[5.442, 7.640, 5.380, 90, 90, 90],
)
HCP = bulk("Mg", "hcp", a=3.21, c=5.21)
PARENTS = {"perovskite": (PEROVSKITE, 2), "hcp": ((HCP.cell.array, HCP.get_scaled_positions(), HCP.numbers), (2, 2, 1))}


def scrambled(structure, rng):
    """The same crystal turned, shifted, re-based and in another order of atoms."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    turn = q * np.sign(np.diagonal(r))
    turn *= np.linalg.det(turn)
    change = np.array([[1, 1, 0], [0, 1, 0], [-1, 0, 1]])
    order = rng.permutation(len(structure))
    lattice = change @ structure.lattice @ turn.T
    positions = structure.positions[order] @ turn.T + rng.normal(size=3)
    return lattice, positions @ np.linalg.inv(lattice), structure.numbers[order]


@pytest.fixture(scope="module", params=PARENTS)
def general(request):
    """All patterns of a supercell: those that the trivial subgroup leaves."""
    parent, supercell = PARENTS[request.param]
    found = sbs.detect(parent, supercell=supercell)
    return parent, sbs.distortions(found, found.group.trivial)


def test_patterns_of_every_wave_vector(general):
    _, patterns = general
    found = patterns.parent
    count = len(found.structure)
    flat = patterns.displacements.reshape(-1, 3 * count)
    assert np.abs(flat @ flat.T - np.eye(len(flat))).max() < 1e-10
    assert np.abs(patterns.displacements.mean(axis=1)).max() < 1e-10
    # all displacements but the translations (none of these crystals has one that keeps everything), and the strains that break
    assert len(flat) == 3 * count - 3 and len(patterns.strains) == 6 - (1 if count == 40 else 2)
    # each irrep's patterns span a space that S keeps, and no two irreps mix
    names = np.array(patterns.displacement_irreps)
    for g in range(1, int(found.group.order), 37):
        images = np.empty_like(patterns.displacements)
        images[:, found.permutations[g]] = patterns.displacements @ found.matrices[g].T
        mixing = np.abs(images.reshape(len(flat), -1) @ flat.T)
        assert mixing[names[:, None] != names[None]].max() < 1e-10


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_amplitudes_that_were_put_in_come_out(general, noise):
    """Random mixtures of modes and strain in a child that is shuffled, turned, shifted and re-based."""
    parent, patterns = general
    names = sorted(set(patterns.displacement_irreps))
    stretches = sorted(set(patterns.strain_irreps))
    cells = patterns.parent.supercell.translations
    for seed in range(3):
        rng = np.random.default_rng(seed)
        put = {name: rng.uniform(0.05, 0.4) for name in rng.permutation(names)[:4]}
        shift = np.zeros((len(patterns.parent.structure), 3))
        for name, size in put.items():
            rows = patterns.of_irrep(name).displacements
            weights = rng.normal(size=len(rows))
            shift += np.einsum("p,pni->ni", weights * (size / np.linalg.norm(weights)), rows)
        strain, sizes = np.zeros((3, 3)), {}
        for name in stretches:
            rows = patterns.of_irrep(name).strains
            weights = rng.normal(size=len(rows)) * 0.005
            sizes[name] = np.linalg.norm(weights)
            strain += np.einsum("q,qij->ij", weights, rows)
        shake = rng.normal(size=shift.shape) * noise
        child = distorted(patterns.parent.structure, shift + shake, strain)
        pair = sbs.between(parent, scrambled(child, rng), tolerance=1e-3 + 5 * noise)
        found = {row.irrep: row for row in pair.amplitudes}
        slack = 1e-6 + 6 * noise * np.sqrt(len(shift))
        for name, size in put.items():
            assert found[name].parent == pytest.approx(size / np.sqrt(cells), abs=slack / np.sqrt(cells))
        for name, size in sizes.items():
            assert found[name].strain == pytest.approx(size, abs=1e-9)
        if not noise:
            assert {name for name, row in found.items() if row.parent > 1e-6} == set(put)
            for row in found.values():
                assert row.standard == pytest.approx(row.parent * np.sqrt(pair_cells(pair)))


@pytest.mark.parametrize("motions", [12, pytest.param(100, marks=pytest.mark.slow)])
def test_amplitudes_belong_to_the_pair(motions):
    """Parent and child turned, shifted, shuffled and re-based, each on its own: the same amplitudes, primary irreps and number of
    states, and the same child."""
    parent = sbs.detect(PEROVSKITE).structure
    child = sbs.detect(PNMA).structure
    first = sbs.between(parent, child)
    rng = np.random.default_rng(8)
    for _ in range(motions):
        pair = sbs.between(scrambled(parent, rng), scrambled(child, rng))
        found = {row.irrep: row for row in pair.amplitudes}
        assert set(found) == {row.irrep for row in first.amplitudes}
        for other in first.amplitudes:
            row = found[other.irrep]
            assert row.primary is other.primary
            assert (row.standard, row.parent) == pytest.approx((other.standard, other.parent), abs=1e-6)
            assert row.strain == pytest.approx(other.strain, abs=1e-9)
        assert len(pair.states) == 24 and pair.kept == "Pnma"


def pair_cells(pair) -> int:
    """Primitive cells of the parent in a primitive cell of the child, from the translations that K keeps."""
    count = pair.parent.supercell.translations
    return count // int(pair.target.mask[:count].sum())


def test_a_tilt_by_hand():
    """Octahedra turned about z, neighbours oppositely: each of the two equatorial oxygens per cell moves by d, so A_p = √2 d, and
    A_s = 2 d in the child's cell of twice the volume; R4+ for opposite layers, M3+ for equal ones."""
    found = sbs.detect(PEROVSKITE, supercell=2)
    d = 0.15
    for irrep, layers, symbol in (("R4+", -1, "I4/mcm"), ("M3+", 1, "P4/mbm")):
        structure = found.structure
        shift = np.zeros((len(structure), 3))
        for site, (position, number) in enumerate(zip(structure.positions / A, structure.numbers, strict=True)):
            if number == 8 and abs(position[2] - round(position[2])) < 1e-6:
                along_x = abs(position[0] - round(position[0])) > 0.1
                cell = np.floor(position + 1e-6)
                sign = (-1) ** int(cell[0] + cell[1]) * layers ** int(cell[2])
                shift[site] = [0, sign * d, 0] if along_x else [-sign * d, 0, 0]
        pair = sbs.between(PEROVSKITE, replace(structure, positions=structure.positions + shift))
        rows = {row.irrep: row for row in pair.amplitudes}
        assert set(rows) == {irrep} and rows[irrep].primary
        assert rows[irrep].parent == pytest.approx(np.sqrt(2) * d) and rows[irrep].standard == pytest.approx(2 * d)
        assert pair.states[0].space_group.symbol == symbol and len(pair.states) == 6


def test_amplitudes_of_an_orthorhombic_perovskite():
    """The two tilts are primary; the others follow. Squares add up to that of the whole displacement."""
    pair = sbs.between(PEROVSKITE, PNMA)
    rows = {row.irrep: row for row in pair.amplitudes}
    assert {name for name, row in rows.items() if row.standard > 0} == {"R4+", "M3+", "X5+", "R5+", "M2+"}
    assert {name for name, row in rows.items() if row.strain > 0} == {"Γ1+", "Γ3+", "Γ5+"}
    assert {name for name, row in rows.items() if row.primary} == {"R4+", "M3+"}
    total = np.sqrt(sum(row.parent**2 for row in rows.values()))
    assert total == pytest.approx(np.linalg.norm(pair.states[0].displacement) / np.sqrt(8))
    strain = np.sqrt(sum(row.strain**2 for row in rows.values()))
    assert strain == pytest.approx(np.linalg.norm(pair.states[0].strain))


@pytest.mark.parametrize("irreps", [("R4+",), ("M3+",), ("R4+", "M3+")], ids="+".join)
def test_distortions_of_isotropy_subgroups(irreps):
    """Every generic distortion has the space group of its row, by spglib; its domain states are as many as the index."""
    found = sbs.detect(PEROVSKITE, supercell=2)
    for row in sbs.isotropy(found, *irreps):
        if row.index > 24:
            continue
        patterns = sbs.distortions(found, row)
        assert patterns.target == row.target
        assert set(row.irreps) <= set(patterns.displacement_irreps) or row.direction.count("0,0,0")
        states = patterns.domain_states(0.2)
        assert len(states) == row.index
        for state in (states[0], states[-1]):
            assert state.space_group.number == row.space_group.number
        assert states[0].difference > 0.02
    primary = {row.name for row in patterns.irreps if row.primary}
    assert primary <= set(irreps) and primary


def test_targets_of_a_supercell_that_do_not_exist():
    found = sbs.detect(PEROVSKITE, supercell=2)
    with pytest.raises(NotASubgroupError):
        sbs.distortions(found, sbs.point_group("C5v"))
    with pytest.raises(SymmetryBreakingError, match=r"sbs\.isotropy"):
        sbs.distortions(found, "nothing")
    # a symbol of the point group keeps every translation, and gives what the primitive cell gives
    patterns = sbs.distortions(found, "C4v")
    assert len(patterns.displacements) == 3 and set(patterns.displacement_irreps) == {"Γ4-"}
    with pytest.raises(DetectionError, match="already detected"):
        sbs.distortions(found, "C4v", supercell=2)
    with pytest.raises(DetectionError, match="nothing is broken"):
        sbs.distortions(found, found.group.whole)


def test_the_choice_of_primary_irreps():
    masks = [np.array(mask, dtype=bool) for mask in ([1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 1, 1], [1, 1, 1, 1])]
    assert primary_choice(masks, 2, [(3,), (2,), (1,), (0,)]) == (1, 2)
    assert primary_choice(masks, 2, [(1,), (2,), (3,), (0,)]) == (0, 1)
    assert primary_choice(masks, 1, [(0,)] * 4) == (0, 1, 2)
    assert primary_choice(masks, 3, [(0,)] * 4) == (0,)
    assert primary_choice(masks[3:], 1, [(0,)]) == ()
