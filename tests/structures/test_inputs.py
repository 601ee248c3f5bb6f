"""What is accepted as a structure, and what is refused with which words."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.io import write

import sbs
from sbs.errors import DetectionError, NotASubgroupError
from sbs.optional import MissingDependencyError, require


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
        assert found.symbol == "C2v" and found.structure.formula == "OH2"


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
    "slab": (Atoms("Cu", cell=CELL, pbc=(True, True, False)), "periodic along ab only"),
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
    with pytest.raises(MissingDependencyError, match=r"pip install 'sbs\[structures\]'"):
        require("no_such_library_at_all.io", "structures")


def test_detecting_a_molecule_loads_no_other_library():
    code = (
        "import sys, numpy, sbs; assert sbs.detect(([[0,0,0],[0,0,1.1],[1,0,0]], [8,1,1])).symbol; "
        "print([m for m in ('torch', 'e3nn', 'sympy', 'ase', 'pymatgen') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
