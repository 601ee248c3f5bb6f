"""The examples of the structures room, at reduced length."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from ase.calculators.calculator import Calculator, all_changes

pytest.importorskip("matplotlib")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_jahn_teller(tmp_path, capsys):
    states = load("jahn_teller").main(["--output", str(tmp_path)])
    assert {name: len(points) for name, points in states.items()} == {"D2h": 6, "D4h": 3}
    # the six states lie on one circle of the E_g plane, in pairs about the three tetragonal directions
    assert np.ptp(np.linalg.norm(states["D2h"], axis=1)) < 1e-9
    assert (tmp_path / "jahn_teller.png").stat().st_size > 1000
    assert "1.888, 1.963, 2.252" in capsys.readouterr().out


class Landau(Calculator):
    """A ferroelectric in four terms, for tests: titanium in the cage of its oxygen atoms, in a stiff cubic cell.

    E = -a u² + b u⁴ + c (ux⁴ + uy⁴ + uz⁴) + k sum |x - x_cubic|² + k |strain|²
    with u the displacement of Ti against the mean of the O, x their other displacements.
    """

    implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012 - as ASE's base class declares it
    A, B, C, K = 2.0, 10.0, -2.0, 30.0
    SITES = np.array([[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])
    EDGE = 4.0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["energy"] = self.energy(atoms.positions, atoms.cell.array)
        step = 1e-4
        forces = np.zeros((5, 3))
        for i, k in np.ndindex(5, 3):
            shifted = [atoms.positions.copy() for _ in range(2)]
            shifted[0][i, k] += step
            shifted[1][i, k] -= step
            forces[i, k] = -np.subtract(*(self.energy(p, atoms.cell.array) for p in shifted)) / (2 * step)
        stress = np.zeros((3, 3))
        for i, j in np.ndindex(3, 3):
            energies = []
            for sign in (1, -1):
                stretch = np.eye(3)
                stretch[i, j] += sign * step / 2
                stretch[j, i] += sign * step / 2
                energies.append(self.energy(atoms.positions @ stretch, atoms.cell.array @ stretch))
            stress[i, j] = (energies[0] - energies[1]) / (2 * step) / atoms.get_volume()
        self.results["forces"] = forces
        self.results["stress"] = stress[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]

    def energy(self, positions: np.ndarray, cell: np.ndarray) -> float:
        away = positions @ np.linalg.inv(cell) - self.SITES
        away -= away[0]
        away = (away - np.round(away)) @ cell
        u = away[1] - away[2:].mean(axis=0)
        cage = away[2:] - away[2:].mean(axis=0)
        strain = cell @ cell.T / self.EDGE**2 - np.eye(3)
        well = -self.A * u @ u + self.B * (u @ u) ** 2 + self.C * (u**4).sum()
        return float(
            well + self.K * ((cage**2).sum() + (away[2:].mean(axis=0) ** 2).sum() + (strain**2).sum())
        )


def test_ferroelectric_phases_with_a_model_potential(tmp_path, capsys):
    """The whole example on a Landau model: what it promises is symmetry, whatever the potential."""
    example = load("ferroelectric_phases")
    common = ["--output", str(tmp_path), "--quiet", "--fmax", "0.002"]
    results = example.main([*common, "--targets", "C4v"], calculator=Landau())
    assert [r.space_group for r in results] == ["Pm-3m"] + ["P4mm"] * 6
    results = example.main([*common, "--first-state-only"], calculator=Landau())
    assert [r.space_group for r in results] == ["Pm-3m", "P4mm", "Amm2", "R3m"]
    assert len(list(tmp_path.glob("*.cif"))) == 9
    out = capsys.readouterr().out
    assert "largest force along the 3 patterns of C4v" in out and "P4mm" in out
    assert (tmp_path / "ferroelectric_phases.png").stat().st_size > 1000


@pytest.mark.filterwarnings(
    "ignore"
)  # sevenn, torch and their dependencies warn of one another while they load
def test_ferroelectric_phases_with_sevennet(tmp_path):
    pytest.importorskip("sevenn")
    example = load("ferroelectric_phases")
    results = example.main(
        ["--output", str(tmp_path), "--quiet", "--first-state-only", "--targets", "C4v", "C3v"]
    )
    assert [r.space_group for r in results] == ["Pm-3m", "P4mm", "R3m"]
    assert all(r.energy < -0.05 for r in results[1:])
