"""Symmetry-breaking patterns: counted by characters, orthonormal, and exactly what the target leaves invariant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from ase.build import bulk, graphene, make_supercell, molecule
from ase.spacegroup import crystal

import sbs
from sbs.errors import AmbiguousTargetError, DetectionError, NoSetError, NotASubgroupError
from sbs.structures.detected import Detected
from sbs.structures.sites import move, site_orbits, strain_matrices

OCTAHEDRON = (np.concatenate([np.zeros((1, 3)), 1.56 * np.eye(3), -1.56 * np.eye(3)]), ["S"] + ["F"] * 6)
# every target class of cubic BaTiO3 whose strain patterns and Gamma-point displacements reach it, with the space group found
PEROVSKITE = {
    "C4v": "P4mm",
    "C3v": "R3m",
    "C2v(C2')": "Amm2",
    "D3": "R32",
    "C1": "P1",
    "D4h": "P4/mmm",
    "D2d(C2')": "P-4m2",
}


def dense(found: Detected) -> np.ndarray:
    """The displacement representation by definition: entry (i, j) of block g is R_g where g sends site j to site i."""
    order, count = found.permutations.shape
    rep = np.zeros((order, 3 * count, 3 * count))
    for g in range(order):
        for j, i in enumerate(found.permutations[g]):
            rep[g, 3 * i : 3 * i + 3, 3 * j : 3 * j + 3] = found.matrices[g]
    return rep


@pytest.mark.parametrize("target", PEROVSKITE, ids=[f"m-3m->{t}" for t in PEROVSKITE])
def test_perovskite_reaches_exactly_the_target(target, cubic_perovskite):
    patterns = sbs.distortions(cubic_perovskite, target)
    alone = patterns.displacement_symmetry == patterns.target
    states = patterns.domain_states(0.1, strain=0.0 if alone else 0.02)
    assert len(states) == 48 // patterns.target.order
    group = patterns.parent.group
    for state in states:
        found = sbs.detect(state.structure, 0.005)
        assert found.space_group.symbol == PEROVSKITE[target]
        # what is left of the parent's group is the conjugate that the state names
        left = [np.abs(found.matrices - m).max(axis=(1, 2)).min() < 1e-3 for m in group.matrices]
        assert np.array_equal(np.flatnonzero(left), state.symmetry.elements)
    shapes = np.array([np.concatenate([s.displacement.ravel(), s.strain.ravel()]) for s in states])
    apart = np.linalg.norm(shapes[:, None] - shapes[None], axis=2) + np.eye(len(states))
    assert apart.min() > 1e-3
    # the S-orbit is closed: every element permutes the domain states
    for g in range(group.order):
        moved = move(patterns.parent, g, states[-1].displacement)
        turned = group.matrices[g] @ states[-1].strain @ group.matrices[g].T
        image = np.concatenate([moved.ravel(), turned.ravel()])
        assert np.linalg.norm(shapes - image, axis=1).min() < 1e-12


@pytest.mark.parametrize(
    ("structure", "target"),
    [
        (OCTAHEDRON, "D4h"),
        (OCTAHEDRON, "C4v"),
        (OCTAHEDRON, "C1"),
        (OCTAHEDRON, "S6"),
        (molecule("C6H6"), "D3h(C2')"),
        (molecule("C6H6"), "C2v(C2)"),
        (molecule("CH4"), "C3v"),
        (molecule("CH4"), "D2d"),
        (molecule("C60"), "C5v"),
    ],
    ids=["SF6-D4h", "SF6-C4v", "SF6-C1", "SF6-S6", "C6H6-D3h", "C6H6-C2v", "CH4-C3v", "CH4-D2d", "C60-C5v"],
)
def test_patterns_span_what_linear_algebra_says(structure, target):
    """Independent route: the null spaces of all D(g) - 1 over K and over S, and no rigid motion."""
    patterns = sbs.distortions(structure, target)
    parent, kept = patterns.parent, patterns.target
    rep = dense(parent)
    count = rep.shape[1]

    def fixed(elements: Sequence[int]) -> np.ndarray:
        _, sizes, right = np.linalg.svd(
            np.concatenate([rep[g] - np.eye(count) for g in elements]), full_matrices=True
        )
        return right[np.concatenate([sizes, np.zeros(count - len(sizes))]) < 1e-8]

    inside, everywhere = fixed([0, *kept.generators]), fixed(parent.group.whole.generators)
    points = parent.structure.positions - parent.center
    arms = np.einsum("gji,gnj->ni", parent.matrices, points[parent.permutations]) / len(rep)
    rigid = [np.tile(e, (len(arms), 1)).ravel() for e in np.eye(3)] + [
        np.cross(e, arms).ravel() for e in np.eye(3)
    ]
    rigid_inside = np.linalg.matrix_rank(np.array(rigid) @ inside.T, tol=1e-6)
    rigid_inside -= np.linalg.matrix_rank(np.array(rigid) @ everywhere.T, tol=1e-6)
    flat = patterns.displacements.reshape(len(patterns.displacements), -1)
    assert len(flat) == len(inside) - len(everywhere) - rigid_inside
    assert np.abs(flat @ flat.T - np.eye(len(flat))).max() < 1e-12
    assert np.abs(flat @ inside.T @ inside - flat).max() < 1e-8
    assert np.abs(flat @ everywhere.T).max(initial=0.0) < 1e-8
    assert np.abs(flat @ np.array(rigid).T).max() < 1e-8


def test_irreps_are_the_known_ones(cubic_perovskite):
    """Cubic perovskite at Gamma: 3 T1u optic modes and 1 T2u; strain: A1g + Eg + T2g. SF6: A1g + Eg + T2g + 2 T1u + T2u."""
    patterns = sbs.distortions(cubic_perovskite, "C1")
    assert patterns.displacement_irreps == ("T1u",) * 9 + ("T2u",) * 3
    assert patterns.strain_irreps == ("Eg",) * 2 + ("T2g",) * 3
    vibrations = sbs.distortions(OCTAHEDRON, "C1").displacement_irreps
    assert vibrations == ("Eg",) * 2 + ("T2g",) * 3 + ("T1u",) * 6 + ("T2u",) * 3
    assert sbs.distortions(molecule("CH4"), "C1").displacement_irreps == ("E",) * 2 + ("T2",) * 6
    only = patterns.of_irrep("T2u")
    assert only.displacement_irreps == ("T2u",) * 3 and len(only.strains) == 0
    with pytest.raises(
        DetectionError, match="no pattern belongs to 'A2g'; expected one of Eg, T1u, T2g, T2u"
    ):
        patterns.of_irrep("A2g")


def test_patterns_of_one_irrep_mix_only_among_themselves(cubic_perovskite):
    patterns = sbs.distortions(cubic_perovskite, "C1")
    parent = patterns.parent
    for name in ("T1u", "T2u"):
        rows = patterns.of_irrep(name).displacements
        flat = rows.reshape(len(rows), -1)
        for g in range(parent.order):
            moved = np.array([move(parent, g, row) for row in rows]).reshape(len(rows), -1)
            assert np.abs(moved @ flat.T @ flat - moved).max() < 1e-12


def test_site_representation_is_the_dense_one(cubic_perovskite):
    found = sbs.detect(cubic_perovskite)
    rep = dense(found)
    for orbit in site_orbits(found):
        rows = (3 * orbit.copies[:, :1] + np.arange(3)).ravel()
        weights = np.random.default_rng(0).normal(size=(3, len(rep)))
        weights[0] = np.arange(len(rep)) == 7  # a single element
        for each in weights:
            expected = np.tensordot(each, rep[:, rows[:, None], rows], axes=1)
            assert np.abs(orbit.mean(found.matrices, each) - expected).max() < 1e-12
    strain = strain_matrices(found.matrices)
    assert np.abs(strain[found.group.table] - strain[:, None] @ strain[None]).max() < 1e-14


def test_patterns_repeat_in_a_supercell():
    """The patterns of a supercell are those of the primitive cell, spread: same number, same symmetry."""
    small = sbs.distortions(bulk("NaCl", "rocksalt", a=5.6), "C4v")
    cell = sbs.detect(make_supercell(bulk("NaCl", "rocksalt", a=5.6), [[1, 0, 0], [0, 2, 0], [0, 0, 3]]))
    with pytest.raises(NotASubgroupError, match=r"keeps C2h of the point group Oh only; the least cell.*modulo_lattice"):
        sbs.distortions(cell, "C4v")
    large = sbs.distortions(cell.modulo_lattice, "C4v")
    assert small.displacement_irreps == large.displacement_irreps == ("T1u",)
    flat = large.displacements.reshape(1, -1)
    assert np.abs(flat @ flat.T - 1).max() < 1e-12
    assert sbs.detect(large.distorted(0.1), 0.005).space_group.symbol == "I4mm"
    assert len(large.domain_states(0.1)) == 6


def test_amplitudes_are_what_was_asked(cubic_perovskite):
    patterns = sbs.distortions(cubic_perovskite, "C4v")
    state = patterns.domain_states(0.07, strain=0.015)[0]
    assert np.linalg.norm(state.displacement, axis=1).max() == pytest.approx(0.07)
    assert np.linalg.norm(state.strain) == pytest.approx(0.015)
    own = patterns.domain_states(0.1, coefficients=[0, 0, 1])[0]
    direction = own.displacement.ravel() / np.linalg.norm(own.displacement)
    assert abs(direction @ patterns.displacements[2].ravel()) == pytest.approx(1)


def test_what_cannot_be_done_is_said(cubic_perovskite):
    patterns = sbs.distortions(cubic_perovskite, "D4h")
    with pytest.raises(NoSetError, match=r"leave Oh, more than the target D4h.*strain=0\.02"):
        patterns.domain_states(0.1)
    with pytest.raises(NoSetError, match="choose another target"):
        sbs.distortions(cubic_perovskite, "Td").domain_states(0.1, strain=0.02)
    with pytest.raises(AmbiguousTargetError, match="C2v names 3 classes"):
        sbs.distortions(cubic_perovskite, "C2v")
    with pytest.raises(NotASubgroupError):
        sbs.distortions(cubic_perovskite, sbs.point_group("C5v"))
    with pytest.raises(DetectionError, match=r"infinite group O\(3\)"):
        sbs.distortions(([[0, 0, 0]], ["Ar"]), "C1")
    for whole in (
        cubic_perovskite,
        molecule("CH3CHO"),
        ([[0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3]], [6, 7, 8, 9]),
    ):
        found = sbs.detect(whole)
        with pytest.raises(DetectionError, match="nothing is broken"):
            sbs.distortions(found, found.symbol)
    for amplitude, strain in ((0, 0), (-1, 0), (np.nan, 0)):
        with pytest.raises(DetectionError, match="must be finite, not negative and not both 0"):
            sbs.distortions(cubic_perovskite, "C4v").domain_states(amplitude, strain)
    with pytest.raises(DetectionError, match="expected 3 finite displacement coefficients"):
        sbs.distortions(cubic_perovskite, "C4v").pattern([1.0])
    with pytest.raises(DetectionError, match="displacement of zero"):
        sbs.distortions(cubic_perovskite, "C4v").distorted(0.1, coefficients=[0, 0, 0])


def test_five_hundred_sites():
    """General positions of Pm-3m: orbits of 48, so that no matrix is larger than 144."""
    rng = np.random.default_rng(0)
    basis = np.sort(rng.uniform(0.03, 0.47, size=(40, 3)), axis=1)
    kept: list[np.ndarray] = []
    for point in basis:  # a crystal with room between the atoms
        trial = [*kept, point]
        atoms = crystal(
            ["C"] * len(trial), trial, spacegroup=221, cellpar=[30] * 3 + [90] * 3, onduplicates="replace"
        )
        if len(atoms) == 48 * len(trial):
            kept = trial
        if len(kept) == 10:
            break
    atoms = crystal(["C"] * 10, kept, spacegroup=221, cellpar=[30] * 3 + [90] * 3)
    atoms = atoms + crystal(
        ["N", "O"], [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=221, cellpar=[30] * 3 + [90] * 3
    )
    patterns = sbs.distortions(sbs.detect(atoms, 0.005), "C4v")
    assert len(atoms) == 482
    # per general orbit 144 / 8 = 18 vectors are C4v-invariant and 144 / 48 = 3 Oh-invariant; N and O add 1 each, less 1 rigid
    assert len(patterns.displacements) == 10 * (18 - 3) + 2 - 1
    assert patterns.displacement_symmetry == patterns.target


def state_distances(states) -> np.ndarray:
    """Largest displacement of a site between every two states."""
    moves = np.array([state.displacement for state in states])
    apart = np.linalg.norm(moves[:, None] - moves[None], axis=3).max(axis=2)
    return apart[~np.eye(len(states), dtype=bool)]


@pytest.mark.parametrize("target", ["C3", "C1", "C5v", "T"])
def test_generic_distortions_of_a_fullerene_are_generic(target):
    """Many patterns, of which no falling sequence of weights sees the last."""
    patterns = sbs.distortions(molecule("C60"), target)
    states = patterns.domain_states(0.3)
    assert len(states) == 120 // patterns.target.order
    assert sbs.detect(states[0].structure, 0.01).symbol == sbs.detect(states[-1].structure, 0.01).symbol == target
    assert state_distances(states).min() == pytest.approx(states[0].difference) and states[0].difference > 0.1
    # equal weights per irrep
    pattern = patterns.pattern().ravel()
    weights = {
        name: np.linalg.norm(patterns.of_irrep(name).displacements.reshape(-1, 180) @ pattern)
        for name in set(patterns.displacement_irreps)
    }
    assert np.ptp(list(weights.values())) < 1e-12


def test_coefficients_that_leave_more_symmetry_are_refused(cubic_perovskite):
    patterns = sbs.distortions(cubic_perovskite, "C1")
    with pytest.raises(NoSetError, match=r"leaves C4v, more than the target C1.*other coefficients"):
        patterns.domain_states(0.1, coefficients=[1] + [0] * 11)
    nearly = [1, 1e-5, 3e-5] + [0] * 9
    with pytest.raises(NoSetError, match=r"differ by .* Å only"):
        patterns.domain_states(0.1, coefficients=nearly)
    states = patterns.domain_states(0.1, coefficients=[1, 0.3, 0.6] + [0] * 9)
    assert len(states) == 48 and state_distances(states).min() == pytest.approx(states[0].difference)
    for wrong in (["a"] * 12, [np.nan] * 12, [[1] * 12], None):
        if wrong is not None:
            with pytest.raises(DetectionError, match="12 finite displacement coefficients"):
                patterns.pattern(wrong)


def test_modes_as_spectroscopists_write_them(cubic_perovskite):
    assert "Γ = 3 T1u + T2u" in sbs.distortions(cubic_perovskite, "C4v").report()
    assert "Γ = A1g + Eg + T2g + 2 T1u + T2u" in sbs.distortions(OCTAHEDRON, "C4v").report()
    assert "Γ = A1 + E + 2 T2" in sbs.distortions(molecule("CH4"), "C3v").report()
    assert "Γ = 2 A1 + B2" in sbs.distortions(molecule("H2O"), "Cs(σv(xz))").report()
    fullerene = sbs.distortions(molecule("C60"), "Th").report()
    assert "Γ = 2 Ag + 3 T1g + 4 T2g + 6 Gg + 8 Hg + Au + 4 T1u + 5 T2u + 6 Gu + 7 Hu\n" in fullerene


def test_primary_order_parameters(cubic_perovskite):
    """P4mm comes from T1u alone, the tetragonal strain follows; D2d(C2') needs the strain, which T2u does not bring."""
    rows = sbs.distortions(cubic_perovskite, "C4v").irreps
    assert {row.name: row.primary for row in rows} == {"T1u": True, "Eg": False}
    assert {row.name: row.symmetry.symbol for row in rows} == {"T1u": "C4v", "Eg": "D4h"}
    assert [(row.displacements, row.strains) for row in rows] == [(3, 0), (0, 1)]
    patterns = sbs.distortions(cubic_perovskite, "C2v(C2')")
    assert "primary order parameters: T1u\n" in patterns.report() + "\n"


def test_layers_strain_in_their_plane():
    patterns = sbs.distortions(graphene(), "C1")
    assert patterns.strain_irreps == ("E2g",) * 2
    assert np.abs(patterns.strains[:, 2]).max() == 0
    # x lies along a, across the bonds, so that the sublattices that move against each other along z are B1g
    assert patterns.displacement_irreps == ("B1g", "E2g", "E2g")
