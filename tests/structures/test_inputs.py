"""What is accepted as a structure, and what is refused with which words."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, graphene, molecule, mx2
from ase.io import write

import sbs
from sbs.errors import DetectionError, MissingDependencyError, NotASubgroupError
from sbs.optional import require
from sbs.structures import StructureWarning


def test_every_form_of_a_crystal(tmp_path, cubic_perovskite):
    lattice, sites, symbols = cubic_perovskite
    atoms = Atoms(symbols, scaled_positions=sites, cell=lattice, pbc=True)
    write(tmp_path / "cubic.cif", atoms)
    write(tmp_path / "POSCAR", atoms, format="vasp", sort=True)
    forms = [
        cubic_perovskite,
        atoms,
        str(tmp_path / "cubic.cif"),
        tmp_path / "POSCAR",
        sbs.detect(atoms).structure,
    ]
    for form in forms:
        found = sbs.detect(form)
        assert (found.symbol, found.space_group.number, len(found.structure)) == ("Oh", 221, 5)
        assert np.allclose(found.structure.lattice, lattice)


def test_every_form_of_a_molecule(tmp_path):
    water = molecule("H2O")
    write(tmp_path / "water.xyz", water)
    for form in [
        water,
        (water.positions, water.numbers),
        (water.positions, ["O", "H", "H"]),
        tmp_path / "water.xyz",
    ]:
        found = sbs.detect(form)
        assert found.symbol == "C2v" and found.structure.formula == "H2O"


def test_pymatgen_objects():
    core = pytest.importorskip("pymatgen.core")
    salt = core.Structure.from_spacegroup(
        "Fm-3m", core.Lattice.cubic(5.6), ["Na+", "Cl-"], [[0, 0, 0], [0.5, 0, 0]]
    )
    assert sbs.detect(salt).space_group.number == 225
    water = molecule("H2O")
    assert sbs.detect(core.Molecule(water.numbers, water.positions)).symbol == "C2v"
    mixed = core.Structure(core.Lattice.cubic(3.6), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]])
    with pytest.raises(DetectionError, match=r"partially occupied \(Cu 0.5, Au 0.5\)"):
        sbs.detect(mixed)


CELL = np.eye(3) * 4.0
BAD = {
    "empty": ((np.zeros((0, 3)), []), "empty: expected at least one atom"),
    "nan": (([[0, 0, 0], [0, np.nan, 1]], [1, 1]), "atom 1 has a position that is not finite"),
    "overlap": (
        ([[0, 0, 0], [2, 0, 0], [0, 0, 0.001]], [6, 6, 6]),
        "atoms 0 and 2 overlap: they are 0.001 Å apart",
    ),
    "overlap of images": ((CELL, [[0, 0, 0.001], [0, 0, 0.999]], [6, 6]), "atoms 0 and 1 overlap"),
    "flat cell": ((np.diag([4.0, 4.0, 0.0]), [[0, 0, 0]], [6]), "no volume"),
    "cell with nan": (
        (CELL * np.nan, [[0, 0, 0]], [6]),
        "lattice has entries that are not finite|position that is not",
    ),
    "shape": (([[0, 0]], [1]), r"shape \(num_sites, 3\), got \(1, 2\)"),
    "labels": (([[0, 0, 0], [1, 0, 0]], [1]), "2 positions were given with 1 labels"),
    "label": (([[0, 0, 0]], ["Qq"]), "'Qq' is neither an integer nor a chemical symbol"),
    "lattice shape": (([4, 4, 4], [[0, 0, 0]], [1]), r"must be the \(3, 3\) lattice"),
    "words": ((["a", "b"], [1, 1]), "must be arrays of numbers"),
    "object": (42, "a structure was expected, got int"),
    "no file": ("no_such_file.cif", "there is no file 'no_such_file.cif'"),
    "rod": (Atoms("Cu", cell=CELL, pbc=(False, True, False)), "periodic along b only.*two .a layer."),
    "layer without area": (Atoms("Cu", cell=np.ones((3, 3)), pbc=(True, True, False)), "span no area"),
    "empty layer": (Atoms(cell=CELL, pbc=(True, True, False)), "empty: expected at least one atom"),
    "no cell": (Atoms("Cu", pbc=True), "no volume"),
    "molecule as crystal": (
        Atoms("H2", [[0, 0, 0], [0, 0, 0.74]], cell=[15, 15, 15], pbc=True),
        "a molecule given as a crystal",
    ),
    "crystal as molecule": (Atoms("Cu", cell=bulk("Cu").cell, pbc=False), "a crystal given as a molecule"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_structures_are_refused(name):
    structure, words = BAD[name]
    with pytest.raises(DetectionError, match=words):
        sbs.detect(structure)


@pytest.mark.parametrize("tolerance", [0, -0.1, np.nan, np.inf, "0.1", None, True])
def test_bad_tolerances_are_refused(tolerance):
    with pytest.raises(DetectionError, match="tolerance must be"):
        sbs.detect(molecule("H2O"), tolerance=tolerance)


def test_unreadable_and_disordered_files(tmp_path):
    (tmp_path / "broken.cif").write_text("this is no CIF")
    with pytest.raises(DetectionError, match="could not be read as a structure"):
        sbs.detect(tmp_path / "broken.cif")
    (tmp_path / "alloy.cif").write_text(
        "data_alloy\n_cell_length_a 3.6\n_cell_length_b 3.6\n_cell_length_c 3.6\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P 1'\nloop_\n_atom_site_label\n"
        "_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n"
        "Cu1 Cu 0 0 0 0.7\nAu1 Au 0 0 0 0.3\n"
    )
    with pytest.raises(DetectionError, match="partially occupied"):
        sbs.detect(tmp_path / "alloy.cif")


def test_periodic_insists():
    gas = Atoms("H2", [[0, 0, 0], [0, 0, 0.74]], cell=[15, 15, 15], pbc=True)
    assert sbs.detect(gas, periodic=True).symbol == "D4h"
    assert sbs.detect(gas, periodic=False).symbol == "Dinfh"
    with pytest.raises(DetectionError, match="has no cell"):
        sbs.detect(molecule("H2O"), periodic=True)


def test_permutation_of_refuses_foreign_matrices():
    water, chain = sbs.detect(molecule("H2O")), sbs.detect(molecule("CO2"))
    for found in (water, chain):
        tilted = (
            sbs.point_group("C5").rotated(np.array([[1, 0, 0], [0, 0.6, -0.8], [0, 0.8, 0.6]])).matrices[1]
        )
        with pytest.raises(NotASubgroupError, match="no element of"):
            found.permutation_of(tilted)


def test_input_is_copied_and_results_are_read_only():
    positions = molecule("CH4").positions
    found = sbs.detect((positions, [6, 1, 1, 1, 1]))
    positions[:] = 0
    assert np.abs(found.structure.positions).max() > 0.5
    for array in (found.structure.positions, found.permutations, found.translations, found.matrices):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_threads_agree():
    expected = {name: sbs.detect(molecule(name)).symbol for name in ("CH4", "H2O", "C6H6", "NH3")}
    expected_crystal = sbs.detect(bulk("Al")).space_group
    wrong: list[str] = []

    def work() -> None:
        for name, symbol in expected.items():
            if (
                sbs.detect(molecule(name)).symbol != symbol
                or sbs.detect(bulk("Al")).space_group != expected_crystal
            ):
                wrong.append(name)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_missing_library_names_its_command():
    with pytest.raises(MissingDependencyError, match=r"pip install no_such_library_at_all.*\.\[structures\]"):
        require("no_such_library_at_all.io", "structures")


def test_detecting_a_molecule_loads_no_other_library():
    code = (
        "import sys, numpy, sbs; assert sbs.detect(([[0,0,0],[0,0,1.1],[1,0,0]], [8,1,1])).symbol; "
        "print([m for m in ('torch', 'e3nn', 'sympy', 'ase', 'pymatgen') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


OLD_SPELLING = """data_old
_cell_length_a 5.0
_cell_length_b 6.0
_cell_length_c 7.0
_cell_angle_alpha 90
_cell_angle_beta 100
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P2(1)/c'
{operations}loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
O1 O 0.1 0.2 0.3
Si1 Si 0.4 0.1 0.3
"""
OPERATIONS = "loop_\n_symmetry_equiv_pos_as_xyz\n'x, y, z'\n'-x, y+1/2, -z+1/2'\n'-x, -y, -z'\n'x, -y+1/2, z+1/2'\n"


def test_old_spellings_of_space_groups(tmp_path, monkeypatch):
    path = tmp_path / "old.cif"
    path.write_text(OLD_SPELLING.format(operations=OPERATIONS))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pymatgen.core", None)
        with pytest.raises(DetectionError, match=r"P2\(1\)/c.*also read by pymatgen"):
            sbs.detect(path)
    pytest.importorskip("pymatgen.core")
    found = sbs.detect(path)
    assert (found.space_group.number, len(found.structure)) == (14, 8)
    # without operations pymatgen would take P1
    path.write_text(OLD_SPELLING.format(operations=""))
    with pytest.raises(DetectionError, match="could not be read"):
        sbs.detect(path)


def chain(**arrays):
    """Two atoms of one element on a body-centred lattice, with something on each of them."""
    atoms = Atoms("Fe2", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=np.eye(3) * 2.87, pbc=True)
    for name, values in arrays.items():
        atoms.set_array(name, np.array(values))
    return atoms


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("initial_magmoms", [2.2, -2.2], "magnetic moment"),
        ("initial_charges", [2.0, 3.0], "charge"),
        ("masses", [55.9, 56.9], "isotope"),
    ],
)
def test_decorations_tell_sites_apart(name, values, words):
    assert sbs.detect(chain()).space_group.number == 229
    found = sbs.detect(chain(**{name: values}))
    assert found.space_group.number == 221 and len(found.pure_translations) == 1
    assert found.structure.told_apart_by == (words,) and words in found.report()
    assert found.structure.atomic_numbers.tolist() == [26, 26] and found.structure.formula in ("FeFe'", "Fe'Fe")
    assert found.structure.to_ase().get_chemical_symbols() == ["Fe", "Fe"]
    # whatever the order of the sites, the kinds are the same; and equal values tell nothing apart
    assert sorted(sbs.detect(chain(**{name: values[::-1]})).structure.numbers) == sorted(found.structure.numbers)
    assert sbs.detect(chain(**{name: [values[0], values[0] + 0.01]})).structure.told_apart_by == ()


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [("initial_magmoms", [[0, 0, 2.0], [2.0, 0, 0]], "moments with directions"), ("tags", [1, 2], "tags of the sites")],
)
def test_decorations_that_tell_nothing_apart_are_named(name, values, words):
    with pytest.warns(StructureWarning, match=f"{words}.*not taken into account"):
        found = sbs.detect(chain(**{name: values}))
    assert found.space_group.number == 229
    sbs.detect(chain(**{name: [values[0], values[0]]}))  # and no warning


def test_decorations_of_pymatgen_and_of_files(tmp_path):
    cif = (
        "data_x\n_cell_length_a 2.87\n_cell_length_b 2.87\n_cell_length_c 2.87\n_cell_angle_alpha 90\n_cell_angle_beta 90\n"
        "_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P 1'\nloop_\n_atom_site_label\n_atom_site_type_symbol\n"
        "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nFe1 Fe2+ 0 0 0\nFe2 Fe3+ 0.5 0.5 0.5\n"
    )
    (tmp_path / "mixed.cif").write_text(cif)
    found = sbs.detect(tmp_path / "mixed.cif")
    assert found.space_group.number == 221 and found.structure.told_apart_by == ("oxidation state",)
    (tmp_path / "same.cif").write_text(cif.replace("Fe3+", "Fe2+"))
    assert sbs.detect(tmp_path / "same.cif").space_group.number == 229
    core = pytest.importorskip("pymatgen.core")
    cell, sites = core.Lattice.cubic(2.87), [[0, 0, 0], [0.5, 0.5, 0.5]]
    species = [core.Species("Fe", 2), core.Species("Fe", 3)]
    assert sbs.detect(core.Structure(cell, species, sites)).structure.told_apart_by == ("oxidation state",)
    spins = [core.Species("Fe", 2, spin=5), core.Species("Fe", 2, spin=-5)]
    assert sbs.detect(core.Structure(cell, spins, sites)).structure.told_apart_by == ("spin",)
    moments = core.Structure(cell, ["Fe", "Fe"], sites, site_properties={"magmom": [2.0, -2.0]})
    assert sbs.detect(moments).structure.told_apart_by == ("magnetic moment",)
    isotopes = core.Molecule(["H", "D", "O"], [[0, 0.76, -0.47], [0, -0.76, -0.47], [0, 0, 0.12]])
    assert sbs.detect(isotopes).symbol == "Cs"


def test_phonopy_cells():
    atoms = pytest.importorskip("phonopy.structure.atoms").PhonopyAtoms
    salt = bulk("NaCl", "rocksalt", a=5.6)
    cell = atoms(symbols=salt.get_chemical_symbols(), cell=salt.cell.array, scaled_positions=salt.get_scaled_positions())
    assert sbs.detect(cell).space_group.number == 225


def test_files_with_several_structures_say_which_is_taken(tmp_path):
    write(tmp_path / "path.xyz", [molecule("H2O"), molecule("CH4"), molecule("NH3")])
    with pytest.warns(StructureWarning, match=r"holds 3 structures; the last one, .*path\.xyz@2, is taken"):
        assert sbs.detect(tmp_path / "path.xyz").symbol == "C3v"
    for index, symbol in enumerate(["C2v", "Td", "C3v"]):
        assert sbs.detect(f"{tmp_path / 'path.xyz'}@{index}").symbol == symbol
    for wrong in ("7", "x"):
        with pytest.raises(DetectionError, match="could not be read"):
            sbs.detect(f"{tmp_path / 'path.xyz'}@{wrong}")


def test_layers():
    """Layer groups and their ambients; what the third cell vector is does not matter."""
    sheet, sandwich = graphene(), mx2("MoS2")
    rectangle = Atoms("CO", [(0, 0, 0), (0.5, 0.9, 1.1)], cell=[3, 4, 0], pbc=(1, 1, 0))
    oblique = Atoms("CO", [(0, 0, 0), (0.5, 0.9, 0)], cell=[[3, 0, 0], [0.7, 4, 0], [0, 0, 0]], pbc=(1, 1, 0))
    square = Atoms("C", cell=[3, 3, 3], pbc=(1, 1, 0))
    expected = {"D6h": sheet, "D3h": sandwich, "C1": rectangle, "Cs": oblique, "D4h": square}
    ambients = {"D6h": "D6h", "D3h": "D6h", "C1": "D2h", "Cs": "C2h", "D4h": "D4h"}
    groups = {"D6h": (80, "p6/mmm"), "D3h": (78, "p-6m2"), "D4h": (61, "p4/mmm")}
    for symbol, atoms in expected.items():
        found = sbs.detect(atoms)
        assert (found.symbol, found.ambient.symbol) == (symbol, ambients[symbol])
        if symbol in groups:
            assert (found.space_group.number, found.space_group.symbol) == groups[symbol]
        for third in ([0, 0, 0], [0.3, 0.2, 9.0], [0, 0, 40.0]):
            other = atoms.copy()
            other.cell[2] = third
            assert np.abs(sbs.detect(other).matrices - found.matrices).max() < 1e-12
        # the same with the periods along other axes of the cell
        cycled = Atoms(atoms.numbers, atoms.positions, cell=np.roll(atoms.cell.array, 1, axis=0), pbc=(0, 1, 1))
        assert sbs.detect(cycled).symbol == symbol
        assert found.structure.to_ase().pbc.tolist() == [True, True, False]
    assert "layer group: p6/mmm (80)" in sbs.detect(sheet).report() and sbs.detect(sheet).summary()["kind"] == "layer"
    large = sbs.detect(sheet.repeat((3, 2, 1)))
    assert (large.symbol, large.order, large.pure_translations.shape) == ("C2h", 24, (6, 12))
    assert large.modulo_lattice.symbol == "D6h" and large.supercell.least_cell.tolist() == [[2, 0, 0], [0, 3, 0], [0, 0, 1]]
    assert sbs.minimal_set(sbs.detect(sandwich), "C3v").ambient.symbol == "D6h"
    doubled = sbs.detect(sheet, supercell=2)
    assert (doubled.group.order, len(doubled.structure), doubled.structure.kind) == (96, 8, "layer")
    with pytest.raises(DetectionError, match="mixes its periods with its normal"):
        sbs.detect(sheet, supercell=[[1, 0, 0], [0, 1, 0], [0, 1, 1]])
