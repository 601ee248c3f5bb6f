"""Neighbour search by bins against all pairs, and what it is used for in large crystals."""

from __future__ import annotations

import numpy as np
import pytest
import spglib
from ase.build import bulk, make_supercell

import sbs
from sbs.errors import DetectionError
from sbs.structures import neighbours
from sbs.structures.crystal import _kinds
from sbs.structures.inputs import Structure
from sbs.structures.neighbours import closest_image, closest_pair, match_sites, near, neighbour_distances

CELLS = {
    "cube": np.eye(3) * 5.0,
    "needle": np.diag([2.0, 3.0, 31.0]),
    "skew": np.array([[4.0, 0, 0], [3.5, 2.0, 0], [-3.0, 1.5, 2.5]]),
}


def all_distances(positions: np.ndarray, lattice: np.ndarray, reach: int = 12) -> np.ndarray:
    """Distances (images, n, n) from every site to every image, by definition."""
    steps = np.array(list(np.ndindex(*(2 * reach + 1,) * 3))) - reach
    steps = steps[np.argsort(np.abs(steps).sum(axis=1), kind="stable")]
    apart = positions[None] - positions[:, None]
    return np.linalg.norm(apart[None] + (steps @ lattice)[:, None, None], axis=3)


@pytest.fixture(params=[0, neighbours.FEW_PAIRS], ids=["bins", "all pairs"], autouse=True)
def few_pairs(request, monkeypatch):
    """Every test by bins, and by comparing everything where there are few pairs."""
    monkeypatch.setattr(neighbours, "FEW_PAIRS", request.param)


@pytest.mark.parametrize("radius", [0.4, 1.7, 40.0])
def test_pairs_are_those_of_all_pairs(radius):
    rng = np.random.default_rng(3)
    points, queries = rng.normal(size=(70, 3)) * 6, rng.normal(size=(50, 3)) * 9
    points[:10] = points[:10].round()  # some on the faces of bins
    table = np.linalg.norm(queries[:, None] - points[None], axis=2)
    query, point, distance = near(points, queries, radius)
    assert sorted(zip(query.tolist(), point.tolist(), strict=True)) == list(
        zip(*(index.tolist() for index in np.nonzero(table <= radius)), strict=True)
    )
    assert np.array_equal(distance, table[query, point])
    assert (np.diff(query) >= 0).all()


@pytest.mark.parametrize("lattice", CELLS.values(), ids=CELLS)
def test_periodic_neighbours_are_those_of_all_images(lattice):
    rng = np.random.default_rng(5)
    positions = rng.uniform(-2, 3, size=(7, 3)) @ lattice  # also outside the cell
    table = all_distances(positions, lattice, 8)
    other = table + np.where(np.eye(7, dtype=bool), np.inf, 0)
    distance, first, second = closest_pair(positions, lattice)
    assert distance == pytest.approx(other.min()) == pytest.approx(other[:, first, second].min())
    expected = np.sort(np.where(table > 1e-9, table, np.inf).transpose(1, 0, 2).reshape(7, -1), axis=1)[:, :5]
    assert neighbour_distances(positions, lattice, 2.5, 5) == pytest.approx(np.minimum(expected, 2.5))
    steps = np.array([s for s in np.ndindex(3, 3, 3) if s != (1, 1, 1)]) - 1
    images = (positions + (steps @ lattice)[:, None]).reshape(-1, 3)
    assert closest_image(positions, lattice, 0.1) == pytest.approx(
        min(
            np.linalg.norm(images[:, None] - positions[None], axis=2).min(),
            np.linalg.norm(steps @ lattice, axis=1).min(),
        )
    )


@pytest.mark.parametrize("lattice", CELLS.values(), ids=CELLS)
def test_sites_are_matched_as_by_all_distances(lattice):
    rng = np.random.default_rng(7)
    positions = rng.uniform(size=(9, 3)) @ lattice
    labels = rng.integers(1, 3, size=9)
    shortest = closest_pair(positions, lattice)[0]
    orders = np.array([np.concatenate([rng.permutation(np.flatnonzero(labels == k)) for k in (1, 2)]) for _ in range(4)])
    orders = orders[:, np.argsort(np.argsort(labels, kind="stable"), kind="stable")]
    shake = rng.normal(size=(4, 9, 3))
    shake *= 0.4 * shortest * rng.uniform(size=(4, 9, 1)) / np.linalg.norm(shake, axis=2, keepdims=True)
    images = positions[orders] + shake + rng.integers(-3, 4, size=(4, 9, 3)) @ lattice
    assert np.array_equal(match_sites(positions, labels, images, lattice, shortest), orders)
    images[2, 4] = images[2, np.flatnonzero((labels == labels[4]) & (np.arange(9) != 4))[0]]
    with pytest.raises(DetectionError, match="sends two atoms to one place"):
        match_sites(positions, labels, images, lattice, shortest)
    with pytest.raises(DetectionError, match="sends two atoms to one place"):
        match_sites(positions, labels[::-1].copy(), images[:1], lattice, shortest)


def test_a_thousand_atoms_and_all_their_translations():
    salt = make_supercell(bulk("NaCl", "rocksalt", a=5.6, cubic=True), np.diag([5, 5, 5]))
    order = np.random.default_rng(0).permutation(len(salt))
    found = sbs.detect(salt[order])
    assert (len(salt), found.symbol, found.space_group.number) == (1000, "Oh", 225)
    pure = found.pure_translations
    assert pure.shape == (500, 1000) and np.array_equal(pure[0], np.arange(1000))
    assert len(np.unique(pure[:, 0])) == 500 and (np.sort(pure, axis=1) == np.arange(1000)).all()
    # each is a translation: every atom moves by the same vector modulo the cell
    moved = (salt[order].positions[pure] - salt[order].positions) / 28.0
    away = moved - moved[:, :1]
    assert np.abs(away - np.round(away)).max() < 1e-9
    keys = {row.tobytes() for row in pure}
    assert all(pure[a][pure[b]].tobytes() in keys for a in (1, 17, 499) for b in range(500))


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_sites_that_stand_out_lose_no_operation():
    """Labels split by neighbourhoods, against spglib on the plain labels: a perfect crystal with a vacancy, a shaken one with
    and one without symmetry left."""
    salt = make_supercell(bulk("NaCl", "rocksalt", a=5.6, cubic=True), np.diag([3, 3, 3]))
    vacancy = salt.copy()
    del vacancy[1]
    rng = np.random.default_rng(1)
    shaken = salt.copy()
    shaken.positions += rng.normal(size=shaken.positions.shape) * 0.1
    twin = make_supercell(shaken, np.diag([1, 1, 2]))
    for atoms, split in ((vacancy, True), (shaken, True), (twin, True), (salt, False)):
        structure = Structure(atoms.positions, atoms.numbers, atoms.cell.array)
        kinds = _kinds(structure, 0.005)
        assert (len(np.unique(kinds)) > 2) is split
        plain = spglib.get_symmetry((atoms.cell.array, structure.fractional, atoms.numbers), 0.005)
        found = spglib.get_symmetry((atoms.cell.array, structure.fractional, kinds), 0.005)
        operations = [
            sorted((*r.ravel().tolist(), *((t + 1e-6) % 1).round(4).tolist()) for r, t in zip(*o, strict=True))
            for o in ((each["rotations"], each["translations"]) for each in (plain, found))
        ]
        assert operations[0] == operations[1]
