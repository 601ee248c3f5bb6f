"""Potentials whose minima are known exactly: a lattice φ⁴ model and a puckering molecule."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.neighborlist import neighbor_list

EDGE = 4.0


class LatticePhi4(Calculator):
    """Ions B in cages of eight A: E = Σ_i [-a/2 |d|² + b/4 |d|⁴ + c/4 Σ d_α⁴] + J Σ_<ij> d_i · d_j + cage springs.

    d_i is the shift of B against the mean of its cage. With every d equal (J < 0) or alternating (J > 0) the cage
    feels no force, so with A = a + 6 |J| the minima along <100>, <110>, <111> are -A² / 4 (b + c / n), n = 1, 2, 3 per B.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, a: float = 1.0, b: float = 8.0, c: float = -3.0, j: float = -0.1, k: float = 4.0) -> None:
        super().__init__()
        self.a, self.b, self.c, self.j, self.k = a, b, c, j, k

    def minimum(self, n: int) -> float:
        """Energy per formula unit along <100>, <110>, <111> for n = 1, 2, 3."""
        return -((self.a + 6 * abs(self.j)) ** 2) / (4 * (self.b + self.c / n))

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        numbers = atoms.numbers
        # Pairs A-A at an edge and a face diagonal, B-A in the cage, B-B at an edge; shifts stay below a fifth of the edge.
        i, j, d = neighbor_list("ijD", atoms, 1.55 * EDGE)
        length = np.linalg.norm(d, axis=1)
        cage = (numbers[i] == 5) & (numbers[j] == 3) & (length < 1.25 * EDGE)
        shift = np.zeros((len(atoms), 3))
        np.add.at(shift, i[cage], -d[cage] / 8)
        ions = numbers == 5
        energy = 0.0
        gradient = np.zeros_like(shift)  # by the shifts
        square = (shift[ions] ** 2).sum(1, keepdims=True)
        energy += float((-self.a / 2 * square + self.b / 4 * square**2).sum() + self.c / 4 * (shift[ions] ** 4).sum())
        gradient[ions] = (-self.a + self.b * square) * shift[ions] + self.c * shift[ions] ** 3
        near = ions[i] & ions[j] & (np.sort(np.abs(d), 1)[:, 1] < 0.5 * EDGE)
        first, second = i[near], j[near]
        energy += self.j / 2 * float((shift[first] * shift[second]).sum())
        np.add.at(gradient, first, self.j * shift[second])
        forces = np.zeros_like(shift)
        forces[ions] -= gradient[ions]
        np.add.at(forces, j[cage], gradient[i[cage]] / 8)
        bond = (numbers[i] == 3) & (numbers[j] == 3)
        stretch = length[bond] - EDGE * np.where(length[bond] < 1.2 * EDGE, 1.0, np.sqrt(2))
        energy += self.k / 4 * float((stretch**2).sum())
        np.add.at(forces, i[bond], (self.k * stretch / length[bond])[:, None] * d[bond])
        self.results = {"energy": energy, "forces": forces}


def caesium_chloride() -> Atoms:
    """One cell of the model, Pm-3m."""
    return Atoms(numbers=[3, 5], scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=np.eye(3) * EDGE, pbc=True)


class Pucker(Calculator):
    """A ring of four with springs between neighbours and diagonals; the springs across are too long for the plane.

    With bonds of length L (stiff) and diagonals that want the length D > sqrt(2) L, ... the square of side s folds
    into D2d; both springs can be relaxed at once only if D < sqrt(2) L, where the energy is zero.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, side: float = 2.0, diagonal: float = 2.5, k: float = 5.0) -> None:
        super().__init__()
        self.side, self.diagonal, self.k = side, diagonal, k

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        assert atoms is not None
        x = atoms.positions
        energy, forces = 0.0, np.zeros_like(x)
        rest = {1: self.side, 2: self.diagonal, 3: self.side}
        for m in range(4):
            for n in range(m):
                d = x[m] - x[n]
                length = np.linalg.norm(d)
                off = length - rest[m - n]
                energy += self.k / 2 * off**2
                pull = self.k * off * d / length
                forces[m] -= pull
                forces[n] += pull
        self.results = {"energy": energy, "forces": forces}


def square(side: float = 2.0) -> Atoms:
    """A planar square of four equal atoms, D4h."""
    return Atoms("B4", positions=side / 2 * np.array([[1, 1, 0], [-1, 1, 0], [-1, -1, 0], [1, -1, 0.0]]))


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
