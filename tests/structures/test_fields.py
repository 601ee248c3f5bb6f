"""Site-resolved sets: orbits, stabilizers, exactness from permutations and matrices; covariance; choice of the cheapest field."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import sbs
from sbs.errors import (
    CertificateError,
    DetectionError,
    InvalidGroupError,
    NoSetError,
    NotASubgroupError,
    UnknownGroupError,
)
from sbs.objects.site_blocks import SiteSupply
from sbs.sets.orbits import Known
from tests.structures.crystals import CRYSTALS

CASES = [
    ("perovskite", 2, ["R4+", "M3+"]),
    ("K2NiF4", 2, ["N1+"]),
    ("hcp", 2, ["L1"]),
    ("rutile", 2, ["R1+"]),
    ("zincblende", 2, ["X5"]),
    ("CdI2", (3, 3, 1), ["K3"]),
]


def images(crystal, found):
    """Every element on every object, computed from permutations and matrices: (|S|, size, sites, dim)."""
    turns = sbs.representation(found.irreps, crystal.matrices)
    moved = np.einsum("gab,nsb->gnsa", turns, found.objects)
    result = np.empty_like(moved)
    for g, permutation in enumerate(crystal.permutations):
        result[g][:, permutation] = moved[g]
    return result


@pytest.mark.parametrize(("name", "cell", "labels"), CASES, ids=str)
def test_the_objects_are_one_orbit_with_the_stabilizer_k(name, cell, labels):
    crystal = sbs.detect(CRYSTALS[name], supercell=cell)
    for row in list(sbs.isotropy(crystal, *labels))[2::5]:
        found = sbs.minimal_set(crystal, row)
        assert (found.size, found.is_ideal, found.degeneracy) == (row.index, True, 1)
        objects = found.objects
        assert objects.shape == (row.index, len(crystal.structure), found.dim)
        moved = images(crystal, found)
        distances = np.abs(moved[:, :, None] - objects[None, None]).max(axis=(3, 4))
        reached = distances.argmin(axis=2)
        assert distances.min(axis=2).max() < 1e-9  # closed under S
        assert len(np.unique(reached[:, 0])) == found.size  # one orbit
        gaps = np.abs(objects[:, None] - objects[None]).max(axis=(2, 3)) + np.eye(len(objects))
        assert gaps.min() > 1e-3  # distinct
        for index in range(0, int(found.size), max(1, int(found.size) // 5)):
            fixing = np.flatnonzero(reached[:, index] == index)
            assert np.array_equal(fixing, found.target_of[index].elements)
        assert np.array_equal(found.target_of[0].elements, row.target.elements)
        assert np.array_equal(found.sites, np.flatnonzero(np.abs(objects).max(axis=(0, 2))))
        start = 0
        for block in found.irreps.split("+"):
            width = 2 * int(block[2:-1]) + 1
            norms = (objects[:, :, start : start + width] ** 2).sum(axis=2)
            assert np.allclose(norms.sum(axis=1) / (norms.max(axis=0) > 0).sum(), 1)
            start += width


@pytest.mark.parametrize(("name", "cell", "labels"), CASES, ids=str)
def test_certificates_hold(name, cell, labels):
    crystal = sbs.detect(CRYSTALS[name], supercell=cell)
    for row in list(sbs.isotropy(crystal, *labels))[1::6]:
        sbs.minimal_set(crystal, row).verify()


def test_a_broken_certificate_is_seen():
    crystal = sbs.detect(CRYSTALS["perovskite"], supercell=2)
    found = sbs.minimal_set(crystal, sbs.isotropy(crystal, "R4+", "M3+")["Pnma"])
    orbit = found.orbit
    swapped = np.array(orbit.objects)
    first, second = np.flatnonzero(np.abs(swapped).max(axis=(0, 2)))[:2]
    swapped[:, [first, second]] = swapped[:, [second, first]]
    other = sbs.minimal_set(crystal, sbs.isotropy(crystal, "R4+", "M3+")["P4_2/nmc"])
    broken = [
        replace(orbit, objects=swapped),
        replace(orbit, objects=orbit.objects * 1.001),
        replace(orbit, objects=orbit.objects[::-1].copy()),
        replace(orbit, movers=np.roll(orbit.movers, 1)),
        replace(orbit, stabilizer=other.orbit.stabilizer),
    ]
    for wrong in broken:
        with pytest.raises(CertificateError):
            replace(found, realise=Known(wrong)).verify()
    with pytest.raises(CertificateError):
        replace(found, question=replace(found.question, target=other.target)).verify()


def test_translations_are_broken_where_they_should_be():
    crystal = sbs.detect(CRYSTALS["perovskite"], supercell=2)
    found = sbs.minimal_set(crystal, sbs.isotropy(crystal, "R4+", "M3+")["Pnma"])
    pure = np.arange(crystal.supercell.translations)
    kept = [t for t in pure if t in found.target_of[0]]
    assert len(kept) == 2  # of eight: Pnma holds four primitive cells
    polar = sbs.minimal_set(crystal, "C4v")
    assert all(t in polar.target_of[0] for t in pure) and polar.size == 6


def turned(structure, rng):
    """The same supercell turned (also left-handed), shifted and with its sites shuffled."""
    turn, triangle = np.linalg.qr(rng.normal(size=(3, 3)))
    turn = turn * np.sign(np.diagonal(triangle))
    order = rng.permutation(len(structure))
    shift = rng.normal(size=3)
    change = np.eye(3, dtype=int)
    change[tuple(rng.permutation(3)[:2])] = rng.integers(-1, 2)
    lattice = change @ structure.lattice @ turn.T
    positions = structure.positions[order] @ turn.T + shift
    return (lattice, positions @ np.linalg.inv(lattice), structure.numbers[order].tolist()), turn, order


@pytest.mark.parametrize(
    ("name", "cell", "label"),
    [
        ("perovskite", 2, "R4+ (a,a,0)"),
        ("perovskite", 2, "X5+ (a,a,b,b,0,0)"),
        ("K2NiF4", 2, "X3+ (a,b)"),
        ("hcp", 2, "L1 (a,0,0,0,0,0)"),
        ("rutile", (2, 2, 1), None),
        ("pyrite", 1, None),
        ("monoclinic", 2, None),
        ("triclinic", 2, None),
    ],
    ids=str,
)
def test_the_set_turns_with_the_crystal(name, cell, label):
    crystal = sbs.detect(CRYSTALS[name], supercell=cell)
    if label is None:
        mode = [mode for mode in sbs.modes(crystal) if mode.multiplicity][-1]
        label = sbs.isotropy(crystal, mode.label)[-1].label
    found = sbs.minimal_set(crystal, label)
    rng = np.random.default_rng(5)
    for _ in range(2):
        structure, turn, order = turned(crystal.structure, rng)
        other = sbs.minimal_set(sbs.detect(structure, supercell=1), label)
        assert (other.irreps, other.size) == (found.irreps, found.size)
        expected = found.objects[:, order] @ sbs.representation(found.irreps, turn[None])[0].T
        distances = np.abs(expected[:, None] - other.objects[None]).max(axis=(2, 3))
        assert np.array_equal(np.sort(distances.argmin(axis=1)), np.arange(len(expected)))
        assert distances.min(axis=1).max() < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "cell", "labels"),
    [
        ("perovskite", 2, ["R4+", "M3+"]),
        ("K2NiF4", 2, ["X3+"]),
        ("hcp", 2, ["L1"]),
        ("rutile", 2, ["R1+"]),
        ("CdI2", (3, 3, 1), ["K3"]),
    ],
    ids=str,
)
def test_lists_and_sets_are_the_same_in_a_hundred_ways_to_give_the_crystal(name, cell, labels):
    crystal = sbs.detect(CRYSTALS[name], supercell=cell)
    rows = sbs.isotropy(crystal, *labels)
    facts = [(row.direction, row.space_group.symbol, row.index) for row in rows]
    found = sbs.minimal_set(crystal, rows[len(rows) // 2])
    rng = np.random.default_rng(11)
    for _ in range(100):
        structure, turn, order = turned(crystal.structure, rng)
        other = sbs.detect(structure, supercell=1)
        assert [(row.direction, row.space_group.symbol, row.index) for row in sbs.isotropy(other, *labels)] == facts
        again = sbs.minimal_set(other, rows[len(rows) // 2].label)
        expected = found.objects[:, order] @ sbs.representation(found.irreps, turn[None])[0].T
        distances = np.abs(expected[:, None] - again.objects[None]).max(axis=(2, 3))
        assert np.array_equal(np.sort(distances.argmin(axis=1)), np.arange(len(expected)))
        assert distances.min(axis=1).max() < 1e-6


def test_the_cheapest_field_is_taken():
    crystal = sbs.detect(CRYSTALS["perovskite"], supercell=2)
    # A scalar on every second cation doubles the cell along all edges: nothing cheaper tells R1+ from the parent.
    doubled = sbs.minimal_set(crystal, sbs.isotropy(crystal, "R1+")[0])
    assert (doubled.irreps, len(doubled.sites), doubled.size) == ("1x0e", 8, 2)
    # No scalar or pseudoscalar distinguishes the directions of a polar axis, a vector on one cation does.
    polar = sbs.minimal_set(crystal, sbs.isotropy(crystal, "Γ4-")["P4mm"])
    assert (polar.irreps, len(polar.sites)) == ("1x1o", 8)


def test_blocks_act_as_fields():
    crystal = sbs.detect(CRYSTALS["hcp"], supercell=(2, 2, 1))
    table = np.asarray(crystal.group.table)
    supply = SiteSupply(crystal.matrices, crystal.permutations, table)
    blocks, characters = supply.between(0, 2)
    rng = np.random.default_rng(0)
    a, b = rng.integers(crystal.group.order, size=(2, 30))
    for number, block in enumerate(blocks):
        vectors = rng.normal(size=(block.dim, 2))
        second = block.act(b, vectors)
        both = np.array([block.act(np.array([x]), y)[0] for x, y in zip(a, second, strict=True)])
        assert np.abs(both - block.act(table[a, b], vectors)).max() < 1e-10
        whole = block.act(a, np.eye(block.dim))
        assert np.allclose(np.trace(whole, axis1=1, axis2=2), characters[supply.class_of[a], number])
        assert np.allclose(whole.mean(axis=0) @ vectors, block.average(a, vectors))
        basis = np.linalg.qr(rng.normal(size=(block.dim, 2)))[0]
        assert np.allclose(block.within(a, basis), basis.T @ whole @ basis)


def test_a_target_of_another_crystal_or_cell_is_refused():
    """Numbers of elements mean nothing in another group, and a point group holds no translations that could break."""
    tilts, other = sbs.detect(CRYSTALS["perovskite"], supercell=2), sbs.detect(CRYSTALS["perovskite"], supercell=(2, 2, 1))
    rutile, row = sbs.detect(CRYSTALS["rutile"], supercell=2), sbs.isotropy(tilts, "R4+")[0]
    with pytest.raises(NotASubgroupError, match=r"another group.*label"):
        sbs.minimal_set(other, row)
    lattice, sites, labels = CRYSTALS["perovskite"]
    with pytest.raises(NotASubgroupError, match=r"another group.*label"):  # the same point group and cell
        sbs.minimal_set(sbs.detect(CRYSTALS["PbO layer"], supercell=2), sbs.isotropy(rutile, "Z1")[0])
    reordered = sbs.detect((lattice, sites[::-1], labels[::-1]), supercell=2)
    assert sbs.distortions(reordered, row).displacement_irreps == sbs.distortions(tilts, row).displacement_irreps
    primitive = sbs.detect(CRYSTALS["perovskite"])
    for group in (primitive, tilts.modulo_lattice):
        with pytest.raises(NotASubgroupError, match="breaks translations"):
            sbs.minimal_set(group, row)
    # The same sites in the same orientation, another lattice constant: the same operations.
    larger = sbs.detect((lattice * 1.1, sites, labels), supercell=2)
    assert sbs.minimal_set(larger, row).size == row.index
    # A subgroup that keeps all translations is one of the point group.
    assert sbs.minimal_set(primitive, tilts.resolve_target("D4h")) == sbs.minimal_set(primitive, "D4h")


def test_targets_in_all_their_forms():
    crystal = sbs.detect(CRYSTALS["perovskite"], supercell=2)
    row = sbs.isotropy(crystal, "R4+")["Imma"]
    reference = sbs.minimal_set(crystal, row)
    for target in (row.target, row.label, crystal.operations.elements(row.target.elements)):
        assert np.array_equal(sbs.minimal_set(crystal, target).objects, reference.objects)
    assert sbs.minimal_set(crystal, "D4h").size == 3
    with pytest.raises(UnknownGroupError, match="isotropy"):
        sbs.minimal_set(crystal, "nonsense")
    with pytest.raises(UnknownGroupError, match=r"\(a,a,0\)"):
        sbs.minimal_set(crystal, "R4+ (a,b,a,c)")
    with pytest.raises(NotASubgroupError):
        sbs.minimal_set(crystal, "D6h")


def test_groups_are_named_by_their_space_groups():
    crystal = sbs.detect(CRYSTALS["perovskite"], supercell=2)
    found = sbs.minimal_set(crystal, "R4+ (a,0,0)")
    assert repr(found).startswith("MinimalSet(Pm-3m -> I4/mcm in Pm-3m: 6 objects, ideal")
    assert (crystal.group.symbol, found.target.symbol, found.stabilizer.symbol) == ("Pm-3m", "I4/mcm", "I4/mcm")
    assert "H = I4/mcm" in str(found)
    assert [k.symbol for k in found.target_of] == ["I4/mcm"] * 6


def test_what_does_not_apply_to_fields_is_refused():
    crystal = sbs.detect(CRYSTALS["perovskite"], supercell=2)
    with pytest.raises(InvalidGroupError, match="leave ambient"):
        sbs.minimal_set(crystal, "D4h", ambient="O(3)")
    with pytest.raises(NoSetError, match="larger lmax"):
        _ = sbs.minimal_set(crystal, sbs.isotropy(crystal, "Γ4-")["P4mm"], lmax=0).objects
    with pytest.raises(InvalidGroupError, match="orientation"):
        sbs.minimal_set(crystal, "D4h").rotated(np.eye(3))


def test_a_set_of_fields_is_the_same_every_time_and_survives_pickling():
    import pickle

    crystal = sbs.detect(CRYSTALS["rutile"], supercell=(1, 1, 2))
    row = sbs.isotropy(crystal, "Z1")[0]
    first = sbs.minimal_set(crystal, row)
    assert np.array_equal(first.objects, sbs.minimal_set(sbs.detect(CRYSTALS["rutile"], supercell=(1, 1, 2)), row).objects)
    assert np.array_equal(pickle.loads(pickle.dumps(first)).objects, first.objects)
    assert not first.objects.flags.writeable


def test_a_label_of_a_wave_vector_asked_of_a_primitive_cell_says_what_to_do():
    with pytest.raises(UnknownGroupError, match="supercell=2"):
        sbs.minimal_set(sbs.detect(CRYSTALS["perovskite"]), "R4+ (a,0,0)")


@pytest.mark.parametrize(("name", "supercell"), [("zincblende", (1, 1, 2)), ("wurtzite", 2), ("Bi2Te3", 1), ("rocksalt", 2)])
def test_a_crystal_laid_on_itself_meets_its_own_atoms(name, supercell):
    """Strained evenly, turned, shifted, shuffled, in another cell; in polar crystals nothing fixes the origin along the axis."""
    crystal = sbs.detect(CRYSTALS[name], supercell=supercell)
    found = sbs.minimal_set(crystal, None)
    lattice, positions = 1.03 * np.array(crystal.structure.lattice), 1.03 * np.array(crystal.structure.positions)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        turn, order = np.linalg.qr(rng.normal(size=(3, 3)))[0], rng.permutation(len(positions))
        cell = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]]) @ lattice @ turn.T
        places = (positions[order] + rng.normal(size=3)) @ turn.T @ np.linalg.inv(cell)
        other = sbs.detect((cell, places, crystal.structure.numbers[order].tolist()), supercell=1)
        laid = other.laid_on(found)
        assert (other.structure.numbers == crystal.structure.numbers[laid.sites]).all()
        assert len(set(laid.sites.tolist())) == len(positions)
    for odd in (None, 3, sbs.minimal_set("Oh", "C4v"), crystal):
        with pytest.raises(DetectionError, match="no set of fields"):
            crystal.laid_on(odd)
