"""Wave vectors, irreducible representations and modes: completeness, orthogonality, published labels, covariance."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import sbs
from sbs.errors import DetectionError, UnknownGroupError
from sbs.structures.cdml import numbered
from sbs.structures.integer_lattices import congruence_solutions, hermite_form
from sbs.structures.operation_symbols import operation_symbols, representative_shifts
from sbs.structures.small_representations import little_group, small_representations
from sbs.structures.space_irreps import find_irrep, space_irreps
from sbs.structures.spglib_calls import setting_operations
from sbs.structures.standard_form import _standard_hall_number
from tests.structures.crystals import CRYSTALS
from tests.structures.test_crystals import recast

CASES = [(name, 2) for name in CRYSTALS] + [("perovskite", 1), ("perovskite", (1, 1, 3)), ("hcp", 3), ("zincblende", 3)]


@pytest.mark.parametrize(("name", "cell"), CASES, ids=str)
def test_the_representations_are_all_and_are_representations(name, cell):
    crystal = sbs.detect(CRYSTALS[name], supercell=cell)
    irreps = space_irreps(crystal)
    order = crystal.group.order
    assert len({irrep.label for irrep in irreps}) == len(irreps)
    # Burnside: the squares of the complex dimensions sum to the order of the group.
    assert sum(part.dimension**2 for irrep in irreps for part in irrep.complex_parts) == order
    table = np.array([part.characters() for irrep in irreps for part in irrep.complex_parts])
    assert np.abs(table @ table.conj().T / order - np.eye(len(table))).max() < 1e-9
    rng = np.random.default_rng(0)
    for irrep in irreps[:: max(1, len(irreps) // 12)]:
        a, b = rng.integers(order, size=(2, 10))
        first, second, product = (irrep.matrices(x) for x in (a, b, crystal.group.multiply(a, b)))
        assert np.abs(first @ second - product).max() < 1e-9
        assert np.abs(first @ first.transpose(0, 2, 1) - np.eye(irrep.dimension)).max() < 1e-9
        whole = irrep.matrices(np.arange(order))
        assert np.abs(np.tensordot(irrep.weights, whole, 1) - np.eye(irrep.dimension)).max() < 1e-9


def test_a_conjugate_pair_and_a_representation_that_occurs_twice():
    # Z/3 by Bloch's theorem and a screw axis: P6_3 at A has pairs; P2_1 at Z is a pair as well.
    pairs = [i for i in space_irreps(sbs.detect(CRYSTALS["wurtzite"], supercell=2)) if i.schur == 0]
    assert "A1A4" in {i.label for i in pairs}
    twice = [i for i in space_irreps(sbs.detect(CRYSTALS["pyrite"], supercell=2)) if i.schur == -1]
    assert twice and all(i.dimension == 2 * i.complex_parts[0].dimension for i in twice)


# H. T. Stokes and D. M. Hatch, Isotropy Subgroups of the 230 Crystallographic Space Groups (1988), and ISODISTORT, for a
# perovskite with the octahedral cation at the origin: C. J. Howard and H. T. Stokes, Acta Cryst. B 54, 782 (1998).
PEROVSKITE = {
    "Γ4-": (3, 3, {"Sr", "Ti", "O"}),
    "Γ5-": (3, 1, {"O"}),
    "X5+": (6, 2, {"Sr", "O"}),
    "X3-": (3, 2, {"Ti", "O"}),
    "M3+": (3, 1, {"O"}),
    "M2+": (3, 1, {"O"}),
    "M5-": (6, 3, {"Sr", "Ti", "O"}),
    "R4+": (3, 1, {"O"}),
    "R3+": (2, 1, {"O"}),
    "R5+": (3, 2, {"Sr", "O"}),
    "R4-": (3, 1, {"Ti"}),
}


def test_the_modes_of_the_perovskite():
    found = sbs.modes(sbs.detect(CRYSTALS["perovskite"], supercell=2))
    for label, (dimension, multiplicity, elements) in PEROVSKITE.items():
        row = found[label]
        assert (row.dimension, row.multiplicity, set(row.elements)) == (dimension, multiplicity, elements)
    assert found["Γ5+"].strain == found["Γ3+"].strain == found["Γ1+"].strain == 1
    assert "R4+" in str(found) and "1/2,1/2,1/2" in str(found)


def test_the_origin_may_be_asked_for():
    crystal = sbs.detect(CRYSTALS["perovskite"], supercell=2, origin="Sr")
    labels = {mode.label for mode in sbs.modes(crystal)}
    # With the larger cation at the origin the tilts are called R5- and M2+ (Howard and Stokes).
    assert sbs.modes(crystal)["R5-"].elements == ("O",) and "R4+" not in labels
    with pytest.raises(DetectionError, match="Sr or Ti"):
        sbs.modes(sbs.detect(CRYSTALS["perovskite"], supercell=2, origin="O"))


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_displacements_and_strains_are_counted_completely(name):
    crystal = sbs.detect(CRYSTALS[name], supercell=2)
    found = sbs.modes(crystal)
    assert sum(row.dimension * row.multiplicity for row in found) == 3 * len(crystal.structure) - 3
    assert sum(row.dimension * row.strain for row in found) == 6
    # Another route: the traces of the isotypic projectors on the displacements.
    turns, count = crystal.matrices, len(crystal.structure)
    for row in list(found)[:6]:
        projector = np.zeros((count, 3, count, 3))
        sites = np.arange(count)
        for g, weight in enumerate(row.irrep.weights):
            projector[crystal.permutations[g], :, sites, :] += weight * turns[g]
        matrix = projector.reshape(3 * count, 3 * count)
        assert np.abs(matrix @ matrix - matrix).max() < 1e-9
        rigid = np.tile(np.eye(3), (count, 1)) / np.sqrt(count)
        inside = round(np.trace(matrix) - np.linalg.norm(matrix @ rigid) ** 2)
        assert inside == row.dimension * row.multiplicity


def moved(crystal, rng):
    """The crystal turned (also left-handed), shifted, with its atoms and its cell vectors in another way."""
    lattice, fractional, labels = np.array(crystal[0]), np.array(crystal[1]), np.array(crystal[2])
    turn, triangle = np.linalg.qr(rng.normal(size=(3, 3)))
    turn = turn * np.sign(np.diagonal(triangle))
    change = np.eye(3, dtype=int)
    for _ in range(3):
        i, j = rng.permutation(3)[:2]
        change[i] += rng.integers(-1, 2) * change[j]
    order = rng.permutation(len(labels))
    basis = change @ lattice @ turn.T
    places = fractional[order] @ lattice @ turn.T + rng.normal(size=3)
    return basis, places @ np.linalg.inv(basis), labels[order].tolist()


@pytest.mark.parametrize("name", ["perovskite", "K2NiF4", "hcp", "rutile", "orthorhombic", "pyrite", "Bi2Te3", "wurtzite"])
def test_labels_are_the_same_however_the_crystal_is_given(name):
    rng = np.random.default_rng(1)
    reference = None
    for _ in range(4):
        crystal = sbs.detect(moved(CRYSTALS[name], rng), supercell=2)
        rows = sbs.modes(crystal).as_dicts()
        facts = [(r["label"], r["dimension"], r["multiplicity"], r["strain"], sorted(r["elements"])) for r in rows]
        reference = reference or facts
        assert facts == reference  # in this order too
    assert reference is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", list(CRYSTALS))
def test_labels_are_the_same_in_a_hundred_ways_to_give_the_crystal(name):
    rng = np.random.default_rng(2)
    facts = set()
    for _ in range(100):
        rows = sbs.modes(sbs.detect(moved(CRYSTALS[name], rng), supercell=2)).as_dicts()
        facts.add(tuple((r["label"], r["multiplicity"], r["strain"], *sorted(r["elements"])) for r in rows))
    assert len(facts) == 1


def test_labels_that_do_not_exist_are_refused_with_those_that_do():
    irreps = space_irreps(sbs.detect(CRYSTALS["perovskite"], supercell=2))
    with pytest.raises(UnknownGroupError, match=r"'R9\+' labels no irreducible.*R4\+"):
        find_irrep(irreps, "R9+")
    assert find_irrep(irreps, "GM4-").label == "Γ4-"
    lines = space_irreps(sbs.detect(CRYSTALS["perovskite"], supercell=3))
    assert find_irrep(lines, "SM1").label == "Σ1[1/3]"


def test_a_molecule_has_no_modes_of_this_kind():
    with pytest.raises(DetectionError, match="molecule"):
        sbs.modes(([[0, 0, 0], [0, 0, 1.1]], ["C", "O"]))


def test_rows_export_themselves():
    found = sbs.modes(sbs.detect(CRYSTALS["perovskite"], supercell=2))
    assert '"label": "R4+"' in found.to_json() and found[:3].rows == found.rows[:3]
    assert "<td>R4+</td>" in found._repr_html_()
    with pytest.raises(UnknownGroupError, match="Q1"):
        found["Q1"]


def test_congruences():
    rng = np.random.default_rng(0)
    for _ in range(100):
        rows = rng.integers(-2, 3, size=(4, 3))
        point = rng.random(3)
        found = congruence_solutions(rows, rows @ point, 1e-6)
        off = found @ rows.T - rows @ point
        assert len(found) and np.abs(off - np.round(off)).max() < 1e-9
        if np.linalg.matrix_rank(rows) == 3:
            away = found - point
            assert (np.abs(away - np.round(away)).max(axis=1) < 1e-9).sum() == 1
            assert len(found) == round(abs(np.linalg.det(hermite_form(rows))))
    assert len(congruence_solutions(np.array([[0, 0, 0]]), np.array([0.5]), 1e-6)) == 0


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("CdI2", [[-1, -1, -2], [2, -1, -2], [1, -2, 2]]),
        ("fluorite", [[1, 0, -1], [0, -2, -2], [-1, 2, -2]]),
        ("perovskite", [[1, 1, 0], [0, 1, 0], [0, 0, 3]]),
    ],
    ids=["CdI2", "fluorite", "perovskite"],
)
def test_labels_in_a_cell_of_low_symmetry_are_the_same_however_it_is_given(name, cell):
    """Such a cell singles out directions that the crystal alone does not tell apart."""
    crystal = sbs.detect(CRYSTALS[name], supercell=cell)
    assert not crystal.supercell.complete
    expected = [(mode.label, mode.multiplicity) for mode in sbs.modes(crystal)]
    for seed in range(4):
        given = sbs.detect(recast(crystal.structure.to_ase(), seed, proper=False)[0])
        assert [(mode.label, mode.multiplicity) for mode in sbs.modes(given)] == expected


# --- the published numbers of the representations ---------------------------------------------------------------------


def published(number):
    """Space group -> shifts and special points of the tables of L. Elcoro et al., J. Appl. Cryst. 50, 1457 (2017), as
    irreptables keeps them: an oracle for tests alone."""
    spec = importlib.util.find_spec("irreptables")
    if spec is None:
        pytest.skip("irreptables is not installed")
    folder = Path(next(iter(spec.submodule_search_locations))) / "data" / "tables"
    head, *points = re.split(r"\n\s*kpoint\s+", (folder / f"irreps-SG={number}-scal.dat").read_text())
    lines = [line.split() for line in head.split("symmetries=")[1].strip().splitlines() if line.strip()]
    rotations = np.array([[float(x) for x in line[:9]] for line in lines]).round().astype(int).reshape(-1, 3, 3)
    shifts = np.round(np.array([[float(x) for x in line[9:12]] for line in lines]) * 24) / 24
    found = []
    for text in points:
        first, *rest = [line for line in text.strip().splitlines() if line.strip()]
        name, vector, numbers = (part.strip() for part in first.split(":"))
        rows = []
        for line in rest:
            label, _, *values = line.split()
            size = np.array(values, dtype=float)
            count = len(numbers.split())
            phases = np.exp(1j * np.pi * size[count:]) if len(size) == 2 * count else 1
            rows.append((label.replace("GM", "Γ"), size[:count] * phases))
        k = np.array([float(x) for x in vector.split()])
        k = np.where(np.abs(np.abs(k) - 1 / 3) < 1e-3, np.sign(k) / 3, k)
        found.append((name.replace("GM", "Γ"), k, np.array([int(x) - 1 for x in numbers.split()]), rows))
    return rotations, shifts, found


def compare_numbers(number):
    """How many special points agree; asserts that they all do."""
    rotations, given, points = published(number)
    own, translations = setting_operations(_standard_hall_number(number))
    centring = translations[(own == np.eye(3)).all(axis=(1, 2))]
    shifts = np.round(representative_shifts(given, centring) * 24) / 24
    basis = hermite_form(np.round(np.vstack([centring, np.eye(3)]) * 24).astype(int)) / 24
    turned = np.round(np.linalg.inv(basis.T) @ rotations @ basis.T).astype(int)
    keys = {w.tobytes(): i for i, w in enumerate(turned)}
    table = np.array([[keys[(a @ b).tobytes()] for b in turned] for a in turned])
    symbols = operation_symbols(rotations)
    agreed = 0
    for name, vector, elements, rows in points:
        group = little_group(basis @ vector, turned, shifts @ np.linalg.inv(basis), table)
        parts = small_representations(group)
        assert sorted(group.elements) == sorted(elements) and len(parts) == len(rows)
        place = [group.elements.tolist().index(e) for e in elements]
        phases = np.exp(2j * np.pi * (shifts - given)[elements] @ vector)
        characters = np.array([part.characters for part in parts]).conj()
        for sign in ("", "+", "-"):
            wanted = [(label, values) for label, values in rows if label.endswith(sign) and (sign or label[-1].isdigit())]
            if not wanted:
                continue
            rowof = [
                int(np.abs(characters[:, place] - values * phases).max(axis=1).argmin()) for _, values in wanted
            ]
            order = numbered(number, name, bool(sign), [symbols[e] for e in group.elements], characters[rowof])
            labels = [f"{name}{count + 1}{sign}" for count in np.argsort(order)]
            assert labels == [label for label, _ in wanted], (number, name)
            agreed += 1
    return agreed


@pytest.mark.parametrize("number", [14, 62, 63, 136, 139, 144, 151, 166, 169, 172, 194, 198, 205, 221, 225, 227])
def test_numbers_are_the_published_ones(number):
    assert compare_numbers(number) > 0


@pytest.mark.slow
def test_numbers_are_the_published_ones_for_every_space_group():
    assert sum(compare_numbers(number) for number in range(1, 231)) > 1500
