"""Sets that a molecule's own multipoles make finite: ideal, turning with the molecule, stable, and honest when degenerate."""

from __future__ import annotations

import numpy as np
import pytest

import sbs
from sbs.errors import DetectionError, InvalidGroupError
from sbs.structures.pinning import axial_multipoles

INFINITE = [
    ("C2", "C1"),
    ("C3", "C1"),
    ("C4", "C2"),
    ("C4", "C1"),
    ("C5", "C1"),
    ("C2h", "C1"),
    ("C2h", "Ci"),
    ("C2h", "Cs"),
    ("C3h", "C1"),
    ("C3h", "Cs"),
    ("C6h", "C2h"),
    ("S4", "C1"),
    ("S6", "C1"),
    ("S6", "Ci"),
    ("S8", "C2"),
]


def orbits(symbol: str) -> tuple[np.ndarray, np.ndarray]:
    group = sbs.point_group(symbol)
    seeds = [(1.5, 0.3, 0.8), (0.5, 1.9, 1.7), (2.2, -1.1, 0.4)]
    return np.concatenate([group.matrices @ np.array(s) for s in seeds]), np.repeat([6, 7, 8], group.order)


def distance_between_sets(a: np.ndarray, b: np.ndarray) -> float:
    gaps = np.linalg.norm(a[:, None] - b[None], axis=2)
    return float(max(gaps.min(axis=0).max(), gaps.min(axis=1).max()))


@pytest.mark.parametrize(("group", "target"), INFINITE, ids=[f"{g}->{t}" for g, t in INFINITE])
def test_infinite_sets_become_finite_ideal_and_equivariant(group, target, moved):
    positions, labels = orbits(group)
    found = sbs.detect((positions, labels))
    assert found.symbol == group
    kept = found.group.subgroup_class(target).representative
    free = sbs.minimal_set(found, kept)
    pinned = sbs.minimal_set(found, kept, frame="input")
    assert free.size == np.inf
    pinned.verify()
    assert pinned.is_ideal and pinned.size == group_order(group) // kept.order
    for seed in range(6):  # proper and improper turns, shifts and shuffles
        placed, numbers, g = moved(positions, labels, seed)
        other = sbs.detect((placed, numbers))
        again = sbs.minimal_set(other, other.group.subgroup(g @ kept.matrices @ g.T), frame="input")
        images = pinned.objects @ sbs.representation(pinned.irreps, g[None])[0].T
        assert again.irreps == pinned.irreps
        assert distance_between_sets(images, again.objects) < 1e-9
    # a small change of the molecule changes the objects a little, in proportion
    shake = np.random.default_rng(0).normal(size=positions.shape)
    changes = []
    for size in (1e-4, 1e-3):
        near = sbs.minimal_set(sbs.detect((positions + size * shake, labels)), target, frame="input")
        changes.append(distance_between_sets(near.objects, pinned.objects))
    assert changes[0] < 1e-3 and changes[1] < 1e-2


def group_order(symbol: str) -> int:
    return sbs.point_group(symbol).order


def test_multipoles_are_those_of_the_representation():
    """Turning the charges by R about the axis multiplies Q_lm by exp(i m φ); the norm over m of each l does not change under any
    rotation."""
    rng = np.random.default_rng(1)
    points, charges = rng.normal(size=(7, 3)), rng.uniform(1, 9, size=7)
    moments = axial_multipoles(points, charges, 6)
    angle = 0.7
    c, s = np.cos(angle), np.sin(angle)
    about_z = points @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T
    assert np.allclose(axial_multipoles(about_z, charges, 6), moments * np.exp(1j * angle * np.arange(7)))
    q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turned = axial_multipoles(points @ (q * np.linalg.det(q)).T, charges, 6)

    def norms(m: np.ndarray) -> np.ndarray:
        return np.abs(m[:, 0]) ** 2 + 2 * (np.abs(m[:, 1:]) ** 2).sum(axis=1)

    assert np.allclose(norms(turned), norms(moments))
    assert np.allclose(
        moments[1],
        [charges @ points[:, 2], charges @ (points[:, 0] + 1j * points[:, 1]) / np.sqrt(2), *[0] * 5],
    )


def test_rotations_alone_are_pinned_too():
    found = sbs.detect(orbits("C5"))
    pinned = sbs.minimal_set(found, "C1", ambient="SO(3)", frame="input")
    assert pinned.is_ideal and pinned.size == 5 and pinned.ambient.symbol == "D5"
    pinned.verify()


def test_finite_sets_are_left_alone():
    positions, labels = orbits("S4")
    found = sbs.detect((positions, labels))
    assert sbs.minimal_set(found, "C2", frame="input") == sbs.minimal_set(found, "C2")


def ring(count: int, radius: float, height: float, phase: float = 0.0) -> np.ndarray:
    angles = 2 * np.pi * np.arange(count) / count + phase
    return np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(count, height)], axis=1)


def test_degenerate_inputs_are_reported():
    """A ring of twenty heavy atoms with four hydrogens and four more, twisted: C4, but next to a circle of charge."""
    positions = np.concatenate([ring(20, 3.0, 0.0), ring(4, 0.8, 0.9), ring(4, 0.9, 1.7, 0.3)])
    labels = [30] * 20 + [1] * 8
    found = sbs.detect((positions, labels))
    assert found.symbol == "C4"
    with pytest.raises(DetectionError, match="degenerate input: the multipole l = 4, m = 4"):
        sbs.minimal_set(found, "C1", frame="input")
    # coordinates that are trusted further do pin the azimuth
    assert sbs.minimal_set(sbs.detect((positions, labels), 1e-6), "C1", frame="input").is_ideal


def test_frame_is_for_detected_molecules():
    with pytest.raises(InvalidGroupError, match="needs a detected structure"):
        sbs.minimal_set("C3", "C1", frame="input")
    found = sbs.detect(orbits("C3"))
    with pytest.raises(InvalidGroupError, match='None or "input"'):
        sbs.minimal_set(found, "C1", frame="output")
    crystal = sbs.detect(
        (
            np.diag([4.0, 4.0, 5.0]),
            [[0.1, 0.2, 0], [-0.2, 0.1, 0], [-0.1, -0.2, 0], [0.2, -0.1, 0], [0, 0, 0.3]],
            [6] * 4 + [8],
        )
    )
    assert crystal.symbol == "C4"
    with pytest.raises(DetectionError, match='frame="input" is for molecules'):
        sbs.minimal_set(crystal, "C1", ambient="O(3)", frame="input")
