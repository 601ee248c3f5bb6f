"""Linear molecules: how they stretch and bend, although their groups are infinite."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

import sbs
from sbs.errors import AmbiguousTargetError, DetectionError, InfiniteSetError, NoSetError
from sbs.structures.linear import linear_name

# molecule, target, irreps of the patterns, number of domain states; modes from G. Herzberg, Molecular Spectra II
BENDS = {
    "CO2->C2v": ("CO2", "C2v(C2')", ("Πu",), math.inf),
    "CO2->C∞v": ("CO2", "Cinfv", ("Σu+",), 2),
    "C2H2->C2h": ("C2H2", "C2h(C2')", ("Πg",), math.inf),
    "C2H2->C2v": ("C2H2", "C2v(C2')", ("Πu",), math.inf),
    "HCN->Cs": ("HCN", "Cs", ("Π",), math.inf),
}
MODES = {"CO2": "Σg+ + Σu+ + Πu", "C2H2": "2 Σg+ + Πg + Σu+ + Πu", "HCN": "2 Σ+ + Π"}


def turned(atoms: Atoms, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    turn = q * np.sign(np.diagonal(r))
    order = rng.permutation(len(atoms))
    return (atoms.positions @ (turn * np.linalg.det(turn)).T + rng.normal(size=3))[order], atoms.numbers[order]


@pytest.mark.parametrize("name", BENDS)
def test_patterns_of_linear_molecules(name):
    formula, target, irreps, count = BENDS[name]
    for seed in (0, 1):
        patterns = sbs.distortions(turned(molecule(formula), seed), target)
        assert patterns.displacement_irreps == irreps and patterns.index == count
        assert f"modes: Γ = {MODES[formula]}\n" in patterns.report()
        wanted = sbs.point_group(target.partition("(")[0]).symbol
        drawn = patterns.sampled(5, 0.2, seed=3)
        for structure in (patterns.distorted(0.2), *drawn):
            assert sbs.detect(structure, 0.01).symbol == wanted
        if math.isinf(count):
            assert np.abs(drawn[0].positions - drawn[1].positions).max() > 0.01
            with pytest.raises(InfiniteSetError, match="one for every angle"):
                patterns.domain_states(0.2)
        else:
            assert len(patterns.domain_states(0.2)) == count


def test_what_linear_molecules_cannot_do():
    with pytest.raises(AmbiguousTargetError):
        sbs.distortions(molecule("CO2"), "C2v")
    with pytest.raises(NoSetError, match="stay in one plane"):
        sbs.distortions(molecule("CO2"), "C1").distorted(0.1)
    with pytest.raises(NoSetError, match="leave Cinfv, more than the target C3v"):
        sbs.distortions(molecule("CO2"), "C3v").distorted(0.1)
    with pytest.raises(DetectionError, match="nothing is broken"):
        sbs.distortions(molecule("CO2"), "Dinfh")


def bent(kind: str) -> tuple[Atoms, Atoms]:
    """A linear molecule and a bent one, by the shape of the bend."""
    parent = molecule("CO2" if kind in ("bend", "stretch") else "C2H2")
    child = parent.copy()
    if kind == "bend":
        child.positions[0] += [0.2, 0.1, 0]
    elif kind == "stretch":
        child.positions[1, 2] += 0.1
    else:
        first, second = np.flatnonzero(parent.numbers == 1)
        angle = {"cis": 0.0, "trans": np.pi, "twisted": 1.0}[kind]
        child.positions[first] += [0.4, 0, 0]
        child.positions[second] += [0.4 * np.cos(angle), 0.4 * np.sin(angle), 0]
    return parent, child


@pytest.mark.parametrize(
    ("kind", "target", "irreps"),
    [
        ("bend", "C2v", {"Πu"}),
        ("stretch", "Cinfv", {"Σu+"}),
        ("cis", "C2v", {"Πu"}),
        ("trans", "C2h", {"Πg"}),
        ("twisted", "C2", {"Πg", "Πu"}),
    ],
)
def test_between_a_linear_molecule_and_a_bent_one(kind, target, irreps):
    parent, child = bent(kind)
    for seed in (0, 1):
        pair = sbs.between(parent, turned(child, seed))
        assert sbs.detect(child, 0.01).symbol == target and pair.kept == target
        assert {row.irrep for row in pair.amplitudes if row.primary} == irreps
        assert sbs.detect(pair.states[0].structure, 0.01).symbol == target
        assert np.abs(pair.match.displacement.mean(axis=0)).max() < 1e-9
        if kind == "stretch":
            assert len(pair.states) == 2 and sorted(pair.object_of) == [0, 1] and pair.symmetry_set.is_ideal
        else:
            assert math.isinf(pair.index) and math.isinf(pair.symmetry_set.size) and len(pair.states) == 1
            with pytest.raises(InfiniteSetError, match="as many objects"):
                assert pair.object_of
        assert "domain states" in pair.report()
    # distances between the atoms are those of the child
    gaps = np.linalg.norm(child.positions[:, None] - child.positions[None], axis=2)
    own = sbs.between(parent, child).states[0].structure.positions
    assert np.abs(np.linalg.norm(own[:, None] - own[None], axis=2) - gaps).max() < 0.02


def test_names_of_irreps():
    """Σ- is odd under the mirrors through the line; of D∞h, A2u is z: Σu+."""
    expected = {"A1": "Σ+", "A2": "Σ-", "E1": "Π", "A1g": "Σg+", "A2g": "Σg-", "A1u": "Σu-", "A2u": "Σu+", "E1g": "Πg"}
    assert {name: linear_name(name) for name in expected} == expected
