"""Isotropy subgroups: the published lists, two routes that share no code, space groups by spglib, covariance."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import sbs
from sbs.errors import AmbiguousTargetError, DetectionError, SearchLimitError, UnknownGroupError
from sbs.objects.arrangements import flats, image_of
from sbs.structures.isotropy_table import target_row
from sbs.structures.order_parameters import order_parameter
from sbs.structures.space_irreps import find_irrep, space_irreps
from sbs.structures.spglib_calls import setting_operations, symmetry_dataset
from sbs.structures.standard_form import _standard_hall_number
from tests.structures.crystals import CRYSTALS
from tests.structures.test_modes import moved


def crystal_of(name, cell=2):
    return sbs.detect(CRYSTALS[name], supercell=cell)


def symbols(rows):
    return sorted(row.space_group.symbol for row in rows)


# C. J. Howard and H. T. Stokes, Acta Cryst. B 54, 782 (1998); H. T. Stokes and D. M. Hatch, Isotropy Subgroups of the 230
# Crystallographic Space Groups (1988).
FAMILIES = {
    ("perovskite", "R4+"): "C2/c C2/m I4/mcm Imma P-1 R-3c",
    ("perovskite", "M3+"): "I4/mmm Im-3 Immm P4/mbm",
    ("perovskite", "Γ4-"): "Amm2 Cm P1 P4mm Pm R3m",
    # Tilts of K2NiF4: LTO is Cmce (Bmab), LTT P4_2/ncm; M. K. Crawford et al., Phys. Rev. B 44, 7749 (1991).
    ("K2NiF4", "X3+"): "Cmce P4_2/ncm Pccn",
}


@pytest.mark.parametrize(("name", "label"), FAMILIES, ids=str)
def test_families_of_the_literature(name, label):
    assert symbols(sbs.isotropy(crystal_of(name), label)) == FAMILIES[name, label].split()


def test_the_fifteen_simple_tilt_systems():
    rows = sbs.isotropy(crystal_of("perovskite"), "R4+", "M3+")
    assert len(rows) == 24
    simple = []
    for row in rows:
        out_of_phase, in_phase = (part.split(",") for part in row.direction.strip("()").split("|"))
        if not any(a != "0" and b != "0" for a, b in zip(out_of_phase, in_phase, strict=True)):
            simple.append(row.space_group.symbol)
    howard_and_stokes = "P4/mbm I4/mmm Im-3 Immm I4/mcm Imma R-3c C2/m C2/c P-1 Cmcm Pnma P2_1/m P4_2/nmc"
    assert sorted(simple) == sorted(howard_and_stokes.split())  # and the parent is the fifteenth


def test_domain_states_are_orientations_times_antiphase_states():
    rows = sbs.isotropy(crystal_of("perovskite"), "R4+", "M3+")
    row = rows["Pnma"]
    assert (row.index, row.domains, row.cell, row.target.order) == (24, (6, 4), 4, 16)
    assert row.direction == "(a,a,0|0,0,b)" and row.label == "R4+|M3+ (a,a,0|0,0,b)"
    # a = a_p + c_p, b = 2 b_p, c = a_p - c_p up to the choice of axes.
    assert abs(np.linalg.det(row.space_group.basis)) == pytest.approx(4)
    for each in rows:
        assert each.index == each.orientation_states * each.antiphase_states == 384 // each.target.order
        assert abs(np.linalg.det(each.space_group.basis)) / each.cell == pytest.approx(
            {"P": 1, "I": 2, "C": 2, "A": 2, "F": 4, "R": 3}[each.space_group.symbol[0]]
        )


def by_subgroup_classes(crystal, labels):
    """The other route: K is an isotropy subgroup if every larger class member fixes less of W, by characters alone."""
    group = crystal.group
    irreps = [find_irrep(space_irreps(crystal), label) for label in labels]
    character = sum(np.trace(irrep.matrices(np.arange(group.order)), axis1=1, axis2=2) for irrep in irreps)
    table = np.asarray(group.table)
    found = []
    for each in group.subgroup_classes:
        kept = each.representative.elements
        fixed = round(character[kept].sum() / len(kept))
        if fixed == 0 or len(kept) == group.order:
            continue
        # g fixes Fix(K) pointwise exactly if the mean over K of the character at gk is the dimension of Fix(K).
        means = character[table[:, kept]].mean(axis=1)
        if int((means > fixed - 1e-6).sum()) == len(kept):
            found.append((len(kept), fixed, each.size))
    return Counter(found)


def by_flats(crystal, labels):
    rows = sbs.isotropy(crystal, *labels)
    return Counter((r.target.order, r.free, len(r.target.conjugates())) for r in rows)


TWO_ROUTES = [
    ("perovskite", (1, 1, 2), None),
    ("perovskite", 1, ["Γ4-"]),
    ("perovskite", 1, ["Γ4-", "Γ3+"]),
    ("rocksalt", [[0, 1, 1], [1, 0, 1], [1, 1, 0]], None),
    ("zincblende", 1, ["Γ4"]),
    ("iron", [[0, 1, 1], [1, 0, 1], [1, 1, 0]], None),
    ("rutile", (1, 1, 2), None),
    ("K2NiF4", [[1, 1, 0], [1, 0, 1], [0, 1, 1]], None),
    ("hcp", (2, 2, 1), None),
    ("wurtzite", (1, 1, 2), None),
    ("CdI2", (1, 1, 3), None),
    ("CdI2", (3, 3, 1), None),
    ("Bi2Te3", 2, None),
    ("PbO layer", (2, 2, 1), None),
    ("orthorhombic", (2, 2, 1), None),
    ("uranium", (1, 1, 3), None),
    ("monoclinic", 2, None),
    ("triclinic", 3, None),
    ("pyrite", 1, None),
]


@pytest.mark.parametrize(("name", "cell", "labels"), TWO_ROUTES, ids=str)
def test_two_routes_agree(name, cell, labels):
    crystal = crystal_of(name, cell)
    if labels is None:
        moving = [mode.label for mode in sbs.modes(crystal) if mode.multiplicity]
        singles = [[label] for label in moving[-3:]]
    else:
        singles = [[label] for label in labels] if len(labels) == 1 else [labels]
    for chosen in singles:
        assert by_flats(crystal, chosen) == by_subgroup_classes(crystal, chosen), chosen


@pytest.mark.slow
@pytest.mark.parametrize("name", ["perovskite", "rocksalt", "fluorite", "iron", "rutile", "K2NiF4", "hcp", "wurtzite", "CdI2"])
def test_two_routes_agree_in_doubled_cells(name):
    crystal = crystal_of(name)
    for mode in sbs.modes(crystal):
        if mode.multiplicity:
            assert by_flats(crystal, [mode.label]) == by_subgroup_classes(crystal, [mode.label]), mode.label
    if name == "perovskite":
        assert len(crystal.group.subgroup_classes) == 1427
        assert by_flats(crystal, ["R4+", "M3+"]) == by_subgroup_classes(crystal, ["R4+", "M3+"])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "cell"), [("CdI2", 3), ("triclinic", 3), ("monoclinic", 3), ("perovskite", (1, 1, 3))], ids=str)
def test_two_routes_agree_in_trebled_cells(name, cell):
    crystal = crystal_of(name, cell)
    for mode in sbs.modes(crystal):
        if mode.multiplicity and mode.dimension <= 8:
            assert by_flats(crystal, [mode.label]) == by_subgroup_classes(crystal, [mode.label]), mode.label


def generic_child(crystal, row, seed=0):
    """The crystal with a random small displacement of every site and a random strain that K leaves in place."""
    rng = np.random.default_rng(seed)
    kept = row.target.elements
    shift, strain = rng.normal(size=(len(crystal.structure), 3)), rng.normal(size=(3, 3))
    moves, stretch = np.zeros_like(shift), np.zeros((3, 3))
    for g in kept:
        moves[crystal.permutations[g]] += shift @ crystal.matrices[g].T
        stretch += crystal.matrices[g] @ (strain + strain.T) @ crystal.matrices[g].T
    moves *= 0.1 / np.linalg.norm(moves, axis=1).max()
    cell = np.eye(3) + 0.01 * stretch / np.linalg.norm(stretch)
    return crystal.structure.lattice @ cell, crystal.structure.positions @ cell + moves


CONFIRMED = [
    ("perovskite", 2, ["R4+", "M3+"]),
    ("perovskite", 2, ["X5+"]),
    ("perovskite", 2, ["Γ4-"]),
    ("K2NiF4", 2, ["X3+"]),
    ("K2NiF4", 2, ["N1+"]),
    ("rutile", 2, ["R1+"]),
    ("hcp", 2, ["L1"]),
    ("fluorite", 2, ["X5+"]),
    ("hcp", (3, 3, 1), ["K5"]),
    ("CdI2", (3, 3, 1), ["K3"]),
]


@pytest.mark.parametrize(("name", "cell", "labels"), CONFIRMED, ids=str)
def test_spglib_confirms_the_space_group_of_generic_distortions(name, cell, labels):
    crystal = crystal_of(name, cell)
    rows = sbs.isotropy(crystal, *labels)
    assert len(rows)
    for row in rows:
        lattice, positions = generic_child(crystal, row)
        found = symmetry_dataset(lattice, positions @ np.linalg.inv(lattice), crystal.structure.numbers, 1e-4)
        assert (found.number, found.international) == (row.space_group.number, row.space_group.symbol), row


def test_basis_and_origin_take_the_child_to_its_standard_setting():
    crystal = crystal_of("perovskite")
    for row in sbs.isotropy(crystal, "R4+"):
        lattice, positions = generic_child(crystal, row)
        conventional = row.space_group.basis @ crystal.supercell.setting.basis
        # In the child's own cell and origin spglib finds its standard setting again, up to the normalizer.
        origin = row.space_group.origin @ crystal.supercell.setting.basis
        assert np.linalg.det(conventional) > 0
        volume = np.linalg.det(conventional) / np.linalg.det(crystal.supercell.setting.basis)
        assert volume == pytest.approx(np.linalg.det(row.space_group.basis))
        assert origin.shape == (3,) and len(positions) == 40 and lattice.shape == (3, 3)


def child_operations_in_their_setting(crystal, row):
    """The operations of K, carried from the standard setting of the parent by the basis and origin of a row, modulo the child's
    conventional cell, in twenty-fourths."""
    found, space = crystal.supercell, row.space_group
    turned, moved = found.setting.operations(*found.operations_of_cell)
    elements = row.target.elements
    rotations = turned[found.rotation_of[elements]]
    shifts = moved[found.rotation_of[elements]] + found.lattice_of[elements] @ found.setting.matrix.T
    # parent x = B^T x_child + p, with the rows of B the child's basis
    inverse = np.linalg.inv(space.basis.T)
    own = inverse @ rotations @ space.basis.T
    assert np.abs(own - np.round(own)).max() < 1e-6
    places = (shifts + rotations @ space.origin - space.origin) @ inverse.T
    lattice = found.quotient.form @ found.setting.matrix.T @ inverse.T  # translations of the supercell
    result = set()
    for steps in np.ndindex(4, 4, 4):
        parts = (places + np.array(steps) @ lattice) * 24
        assert np.abs(parts - np.round(parts)).max() < 1e-3
        numbers = np.round(parts).astype(int) % 24
        result |= {(*w.ravel().tolist(), *t.tolist()) for w, t in zip(np.round(own).astype(int), numbers, strict=True)}
    return result


@pytest.mark.parametrize(
    ("name", "cell", "labels"),
    [
        ("perovskite", 2, ["R4+"]),
        ("perovskite", 2, ["M3+"]),
        ("perovskite", 2, ["R4+", "M3+"]),
        ("perovskite", 2, ["X5+"]),
        ("K2NiF4", 2, ["X3+"]),
        ("rocksalt", 2, ["L3+"]),
        ("iron", 2, ["N2-"]),
        ("rutile", 2, ["M5+"]),
        ("hcp", (2, 2, 1), None),
        ("wurtzite", (2, 2, 1), None),
        ("Bi2Te3", 2, None),
        ("uranium", 2, None),
        ("orthorhombic", (2, 1, 2), None),
        ("monoclinic", 2, None),
        ("pyrite", 1, None),
        ("pyrite", 2, ["R1+R3+"]),
    ],
    ids=str,
)
def test_basis_and_origin_carry_the_operations_to_the_standard_setting(name, cell, labels):
    """Exactly those that spglib's database lists for the child, for every row; None: of all modes of up to three components."""
    crystal = crystal_of(name, cell)
    asked = [labels] if labels else [[m.label] for m in sbs.modes(crystal) if m.dimension <= 3]
    rows = [row for each in asked for row in sbs.isotropy(crystal, *each)]
    assert rows
    for row in rows:
        rotations, shifts = setting_operations(_standard_hall_number(row.space_group.number))
        numbers = np.round(shifts * 24).astype(int) % 24
        wanted = {(*w.ravel().tolist(), *t.tolist()) for w, t in zip(rotations, numbers, strict=True)}
        assert child_operations_in_their_setting(crystal, row) == wanted, row


@pytest.mark.parametrize("motions", [3, pytest.param(100, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["perovskite", "K2NiF4", "rutile", "pyrite"])
def test_the_list_is_the_same_however_the_crystal_is_given(name, motions):
    rng = np.random.default_rng(3)
    label = {"perovskite": "X5+", "K2NiF4": "N1+", "rutile": "R1+", "pyrite": "R1-R3-"}[name]
    lists = set()
    for _ in range(motions):
        rows = sbs.isotropy(sbs.detect(moved(CRYSTALS[name], rng), supercell=2), label)
        lists.add(tuple((r.direction, r.space_group.symbol, r.index) for r in rows))
    assert len(lists) == 1


def test_every_row_is_named_and_exports_itself():
    rows = sbs.isotropy(crystal_of("perovskite"), "R4+")
    assert rows["(a,a,0)"] is rows["Imma"] is rows["R4+ (a,a,0)"]
    assert '"space_group": "Imma"' in rows.to_json()
    assert "Imma" in str(rows) and "direction" in str(rows)
    assert target_row(crystal_of("perovskite"), "R4+ (a,a,0)").space_group.symbol == "Imma"
    with pytest.raises(AmbiguousTargetError, match=r"2 rows answer to 'P2_1/m'.*a,b,0"):
        sbs.isotropy(crystal_of("perovskite"), "R4+", "M3+")["P2_1/m"]
    with pytest.raises(UnknownGroupError, match="direction"):
        target_row(crystal_of("perovskite"), "R4+")


def test_what_cannot_be_asked_is_refused_with_the_next_step():
    crystal = crystal_of("perovskite")
    with pytest.raises(DetectionError, match=r"no displacement and no strain.*R1-.*R4\+"):
        sbs.isotropy(crystal, "R1-")
    with pytest.raises(UnknownGroupError, match=r"R4\+"):
        sbs.isotropy(crystal, "Q4")
    with pytest.raises(DetectionError, match=r"expected labels.*R4\+"):
        sbs.isotropy(crystal)
    with pytest.raises(DetectionError, match="name each once"):
        sbs.isotropy(crystal, "R4+", "R4+")


def test_flats_of_a_reflection_group():
    # The dihedral group of the square: two classes of mirror lines, each of two lines; and the plane.
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    flip = np.diag([1.0, -1.0])
    group = sbs.FiniteGroup.from_matrices([turn, flip])
    matrices = group.matrices
    image = image_of(matrices @ np.array([1.0, 0.3]), group.multiply, lambda numbers: matrices[numbers])
    assert [(f.basis.shape[1], f.size, int(f.fixer.sum())) for f in flats(image)] == [(2, 1, 1), (1, 2, 2), (1, 2, 2)]


def test_too_large_a_group_says_so(monkeypatch):
    order_parameter.cache_clear()  # equal crystals share what is remembered
    monkeypatch.setattr("sbs.objects.arrangements.MAX_IMAGE", 4)
    with pytest.raises(SearchLimitError, match="smaller supercell"):
        sbs.isotropy(sbs.detect(CRYSTALS["zincblende"], supercell=1), "Γ4")
