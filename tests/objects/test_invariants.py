"""Invariant spaces against null spaces and characters, and pointwise fixers against their definition."""

import numpy as np
import pytest

from sbs.errors import InvalidGroupError
from sbs.groups import point_group
from sbs.objects.invariants import (
    invariant_basis,
    invariant_projector,
    pointwise_fixer,
    projector_basis,
)
from sbs.objects.irreps import Irrep
from sbs.objects.representation import irrep_matrices, representation

GRID = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1)], dtype=float)


def displacements(matrix, sites):
    """Action of one matrix on the displacements of sites, (3 n, 3 n)."""
    moved = sites @ matrix.T
    target = np.argmin(np.linalg.norm(moved[:, None] - sites, axis=2), axis=1)
    result = np.zeros((len(sites), 3, len(sites), 3))
    result[target, :, np.arange(len(sites))] = matrix
    return result.reshape(3 * len(sites), 3 * len(sites))


def null_space_dimension(rep):
    stacked = np.concatenate([matrix - np.eye(rep.shape[1]) for matrix in rep])
    return int((np.linalg.svd(stacked, compute_uv=False) < 1e-8).sum())


@pytest.mark.parametrize("symbol", ["C1", "Ci", "C3v", "D2", "D4h", "Td", "Oh", "Ih"])
def test_basis_spans_the_common_null_space(symbol):
    matrices = point_group(symbol).matrices
    for irreps in ("1x1o", "1x2e", "1x3o+1x0o", "2x4e", "1x6e+1x6o"):
        rep = representation(irreps, matrices)
        basis = invariant_basis(rep)
        assert basis.shape == (rep.shape[1], null_space_dimension(rep))
        assert np.abs(rep @ basis - basis).max(initial=0.0) < 1e-14
        assert np.abs(basis.T @ basis - np.eye(basis.shape[1])).max(initial=0.0) < 1e-14


@pytest.mark.parametrize(
    ("symbol", "natural"),
    [  # degrees of the invariant harmonics, Int. Tables / Altmann & Herzig
        ("Oh", {0: 1, 4: 1, 6: 1, 8: 1, 9: 0, 12: 2}),
        ("Td", {0: 1, 3: 1, 4: 1, 6: 1, 7: 1, 9: 1}),
        ("Ih", {0: 1, 6: 1, 10: 1, 12: 1, 15: 0, 30: 2}),
        ("C4v", {0: 1, 1: 1, 2: 1, 3: 1, 4: 2}),
    ],
)
def test_number_of_invariant_harmonics(symbol, natural):
    matrices = point_group(symbol).matrices
    found = {l: invariant_basis(irrep_matrices(Irrep(l, (-1) ** l), matrices)).shape[1] for l in natural}
    assert found == natural


def test_matrices_may_come_one_at_a_time():
    matrices = point_group("D4h").matrices
    rep = np.array([displacements(m, GRID) for m in matrices])
    basis = invariant_basis(rep)
    assert np.array_equal(basis, invariant_basis(displacements(m, GRID) for m in matrices))
    probe = point_group("Oh").matrices
    assert np.array_equal(
        pointwise_fixer(np.array([displacements(m, GRID) for m in probe]), basis),
        pointwise_fixer((displacements(m, GRID) for m in probe), basis),
    )


def test_basis_does_not_depend_on_rounding_or_order():
    rng = np.random.default_rng(0)
    for symbol in ("C1", "C4v", "D2", "Td"):
        rep = np.array([displacements(m, GRID) for m in point_group(symbol).matrices])
        basis = invariant_basis(rep)
        noisy = (rep + 1e-15 * rng.normal(size=rep.shape))[rng.permutation(len(rep))]
        assert np.abs(invariant_basis(noisy) - basis).max() < 1e-13


def test_basis_is_positive_at_its_pivots():
    basis = invariant_basis(np.array([displacements(m, GRID) for m in point_group("C2").matrices]))
    pivots = np.argmax(np.abs(basis) > np.abs(basis).max(axis=0) - 1e-6, axis=0)
    assert (basis[pivots, np.arange(basis.shape[1])] > 0).all()


def test_trivial_group_fixes_everything():
    assert np.array_equal(invariant_basis(np.eye(4)[None]), np.eye(4))


def test_zero_space():
    basis = invariant_basis(representation("1x1o", point_group("Oh").matrices))
    assert basis.shape == (3, 0)
    assert pointwise_fixer(representation("1x1o", point_group("Oh").matrices), basis).all()


@pytest.mark.parametrize("irreps", ["1x1o", "1x2e", "1x3o", "1x4e+1x1e"])
def test_pointwise_fixer_is_the_stabilizer_of_a_generic_vector(irreps):
    group = point_group("Oh")
    rep = representation(irreps, group.matrices)
    rng = np.random.default_rng(0)
    for cls in group.subgroup_classes:
        basis = invariant_basis(rep[cls.representative.mask])
        vector = basis @ rng.normal(size=basis.shape[1])
        stabilizer = np.linalg.norm(rep @ vector - vector, axis=1) < 1e-6
        assert np.array_equal(pointwise_fixer(rep, basis), stabilizer)


def test_large_representation():
    # 500 sites, all but two in threes: 1500 coordinates, taken one matrix at a time.
    matrices = point_group("C3").matrices
    start = np.random.default_rng(0).normal(size=(166, 3))
    sites = np.concatenate([start @ m.T for m in matrices] + [np.array([[0, 0, 1.0], [0, 0, -2.0]])])
    projector = invariant_projector(displacements(m, sites) for m in matrices)
    basis = projector_basis(projector)
    assert basis.shape == (1500, 166 * 3 + 2)
    assert np.abs(projector @ basis - basis).max() < 1e-13


@pytest.mark.parametrize(
    "rep",
    [
        representation("1x2e", point_group("Oh").matrices[:-1]),
        representation("1x2e", point_group("Oh").matrices[[0, 1]]) * 2,
        np.full((2, 3, 3), np.nan),
        np.array([np.eye(2), [[1.0, 1.0], [0.0, 1.0]]]),
        np.empty((0, 3, 3)),
        np.eye(3),
        np.ones((2, 3, 4)),
        [],
        [np.ones(3)],
    ],
    ids=[
        "element missing",
        "not orthogonal",
        "nan",
        "shear",
        "empty",
        "flat",
        "oblong",
        "no matrices",
        "vector",
    ],
)
def test_what_is_no_group_of_orthogonal_matrices_is_refused(rep):
    with pytest.raises(InvalidGroupError, match="invariants"):
        invariant_basis(rep)
