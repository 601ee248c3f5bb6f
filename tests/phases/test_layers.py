"""Layers, which repeat along two axes: relaxed in their plane, their phases named by layer groups."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ase")

from ase import Atoms
from ase.calculators.emt import EMT
from ase.filters import StrainFilter
from ase.io import read
from ase.optimize import BFGS

import sbs
from sbs.errors import InvalidGroupError
from tests.phases.models import LatticePhi4, Pucker, caesium_chloride, square


def alloy(periods=2.8):
    """Copper and gold in one plane, p4/mmm; the third cell vector of zero stands for no period."""
    return Atoms("CuAu", positions=[[0, 0, 0], [1.4, 1.4, 0]], cell=np.diag([periods, periods, 0]), pbc=(True, True, False))


class Watched(EMT):
    """Remembers along which axes it was asked to repeat."""

    seen: set[tuple[bool, ...]]

    def __init__(self):
        super().__init__()
        self.seen = set()

    def calculate(self, atoms=None, *arguments, **keywords):
        self.seen.add(tuple(atoms.pbc.tolist()))
        super().calculate(atoms, *arguments, **keywords)


@pytest.fixture(scope="module")
def buckled():
    calculator = Watched()
    return sbs.descend(alloy(), calculator), calculator


def test_a_layer_buckles_as_ase_has_it(buckled):
    tree, calculator = buckled
    assert calculator.seen == {(True, True, False)}
    assert tree.root.name == "p4/mmm" and tree.lowest.name == "p4mm"
    assert tree.lowest.stable and tree.lowest.domains == 2
    assert tree.lowest.structure.kind == "layer"
    # The same from a start that is buckled by hand, positions and periods relaxed in turn.
    atoms = alloy().copy()
    atoms.cell[2, 2] = 30.0
    flat, bent = atoms.copy(), atoms.copy()
    bent.positions[1, 2] += 0.5
    energies = []
    for start in (flat, bent):
        start.calc = EMT()
        for _ in range(6):
            BFGS(start, logfile=None).run(fmax=1e-3, steps=60)
            BFGS(StrainFilter(start, mask=[1, 1, 0, 0, 0, 1]), logfile=None).run(fmax=1e-3, steps=60)
        energies.append(start.get_potential_energy())
    assert tree.lowest.energy == pytest.approx(energies[1] - energies[0], abs=1e-4)


def test_the_normal_is_neither_strained_nor_turned(buckled):
    tree, _ = buckled
    normal = tree.parent.structure.lattice[2]
    for phase in (tree.root, *tree):
        assert phase.structure.lattice[2] == pytest.approx(normal)
        assert phase.strain @ normal == pytest.approx(np.zeros(3), abs=1e-12)
        assert sbs.detect(phase.structure).space_group == phase.space_group


def test_in_a_supercell_too():
    tree = sbs.descend(Atoms("Cu", cell=[2.5, 2.5, 0], pbc=(1, 1, 0)), EMT(), (2, 2, 1), cell=False)
    assert {phase.name for phase in tree} == {"p4/mbm", "cmmm"}
    assert tree.lowest.name == "p4/mbm" and tree.lowest.stable


def test_layers_are_written_as_layers(buckled, tmp_path):
    tree, _ = buckled
    paths = tree.write(tmp_path, domains=True)
    assert {path.suffix for path in paths} == {".json", ".extxyz"}
    for path in paths[1:]:
        assert read(path).pbc.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("structure", "calculator", "options"),
    [(alloy, EMT, {}), (square, Pucker, {}), (caesium_chloride, LatticePhi4, {"cell": False})],
    ids=["layer", "molecule", "fixed cell"],
)
def test_a_pressure_that_does_no_work_is_refused(structure, calculator, options):
    for function in (sbs.relax, sbs.descend):
        with pytest.raises(InvalidGroupError, match="does no work"):
            function(structure(), calculator(), pressure=1.0, **options)
