"""Representation matrices: e3nn's basis, homomorphism, special orientations, input errors."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from sbs.errors import SymmetryBreakingError
from sbs.groups import point_group
from sbs.objects.irreps import Irrep
from sbs.objects.representation import irrep_matrices, representation

# e3nn takes its Euler angles by arccos, which loses digits near its singular orientations: for some tens of
# random ones about two of the sixteen.
E3NN_ERROR = 1e-12

ACCURACY = 1e-12


def random_orthogonal(count, seed):
    """Haar distributed up to signs, half of them improper."""
    rng = np.random.default_rng(seed)
    matrices = np.linalg.qr(rng.normal(size=(count, 3, 3)))[0]
    matrices[::2] *= -1
    return matrices


@pytest.fixture
def e3nn_matrices():
    """e3nn's D_from_matrix in float64; its generators follow torch's default dtype."""
    torch = pytest.importorskip("torch")
    o3 = pytest.importorskip("e3nn.o3")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield lambda irreps, matrices: o3.Irreps(irreps).D_from_matrix(torch.tensor(matrices)).numpy()
    torch.set_default_dtype(before)


def quadratic_harmonics(points):
    """Degree 2 in e3nn's order, written out: polar axis y, azimuth from z to x."""
    x, y, z = points.T
    return np.stack(
        [
            np.sqrt(3) * x * z,
            np.sqrt(3) * x * y,
            y**2 - (x**2 + z**2) / 2,
            np.sqrt(3) * y * z,
            np.sqrt(3) / 2 * (z**2 - x**2),
        ],
        axis=1,
    )


def deviation_from_homomorphism(irrep, a, b):
    return np.abs(irrep_matrices(irrep, a) @ irrep_matrices(irrep, b) - irrep_matrices(irrep, a @ b)).max()


@pytest.mark.parametrize("p", [1, -1], ids=["even", "odd"])
@pytest.mark.parametrize("l", range(9))
def test_equals_e3nn_on_random_rotations(l, p, e3nn_matrices):
    matrices = random_orthogonal(40, seed=l)
    difference = irrep_matrices(Irrep(l, p), matrices) - e3nn_matrices(str(Irrep(l, p)), matrices)
    assert np.abs(difference).max() < E3NN_ERROR


def test_direct_sum_has_the_blocks_of_e3nn(e3nn_matrices):
    matrices = random_orthogonal(10, seed=7)
    text = "2x1o+1x0o+1x3e+2x2e"
    assert np.abs(representation(text, matrices) - e3nn_matrices(text, matrices)).max() < E3NN_ERROR


@pytest.mark.parametrize("group", ["Oh", "Ih", "D6h"])
def test_degree_two_turns_the_quadratic_harmonics(group):
    points = np.random.default_rng(0).normal(size=(20, 3))
    for matrix in point_group(group).matrices:
        turned = quadratic_harmonics(points @ matrix.T)
        expected = quadratic_harmonics(points) @ irrep_matrices(Irrep(2, 1), matrix[None])[0].T
        assert np.abs(turned - expected).max() < 1e-13 * np.abs(turned).max() + 1e-13


@pytest.mark.parametrize("group", ["Oh", "Ih", "D6h", "D7d"])
@pytest.mark.parametrize("irrep", [Irrep(2, -1), Irrep(3, 1), Irrep(6, -1), Irrep(20, 1)], ids=str)
def test_homomorphism_on_a_point_group(group, irrep):
    g = point_group(group)
    matrices = irrep_matrices(irrep, g.matrices)
    for a in range(g.order):
        assert np.abs(matrices[a] @ matrices - matrices[g.table[a]]).max() < ACCURACY


@pytest.mark.parametrize("l", [1, 2, 5, 10, 20, 60])
def test_homomorphism_on_random_elements(l):
    a, b = random_orthogonal(30, seed=1), random_orthogonal(30, seed=2)[::-1]
    assert deviation_from_homomorphism(Irrep(l, -1), a, b) < ACCURACY


def rotation(axis, angle):
    axis = np.asarray(axis) / np.linalg.norm(axis)
    cross = np.cross(np.eye(3), axis).T
    return np.cos(angle) * np.eye(3) + (1 - np.cos(angle)) * np.outer(axis, axis) + np.sin(angle) * cross


@settings(max_examples=60, deadline=None)
@given(
    l=st.integers(0, 12),
    p=st.sampled_from([1, -1]),
    axes=st.tuples(*[st.sampled_from([(0, 1, 0), (0, 0, 1), (1, 0, 0), (1, 1, 1), (1, 2, 3)])] * 2),
    angles=st.tuples(*[st.sampled_from([0.0, np.pi / 2, np.pi, 2 * np.pi / 3, 1.0])] * 2),
    nudges=st.tuples(*[st.sampled_from([0.0, 1e-16, 1e-12, 1e-9, 1e-8, 1e-6, 1e-3])] * 2),
    sign=st.sampled_from([1.0, -1.0]),
)
def test_homomorphism_close_to_special_orientations(l, p, axes, angles, nudges, sign):
    a, b = (
        rotation(axis, angle) @ rotation((3, -1, 2), nudge)
        for axis, angle, nudge in zip(axes, angles, nudges, strict=True)
    )
    assert deviation_from_homomorphism(Irrep(l, p), sign * a[None], b[None]) < ACCURACY


def test_continuous_at_the_pole():
    # A turn about the polar axis y, tilted by ever less: the matrices tend to those of the untilted turn.
    turn = rotation((0, 1, 0), 0.7)
    limit = irrep_matrices(Irrep(8, 1), turn[None])
    for tilt in (1e-4, 1e-8, 1e-12, 1e-16):
        near = irrep_matrices(Irrep(8, 1), (turn @ rotation((1, 0, 1), tilt))[None])
        assert np.abs(near - limit).max() < 20 * tilt + ACCURACY


@pytest.mark.parametrize("l", range(6))
def test_inversion_acts_as_the_parity(l):
    inversion = -np.eye(3)[None]
    for p in (1, -1):
        assert np.array_equal(irrep_matrices(Irrep(l, p), inversion)[0].round(14), p * np.eye(2 * l + 1))


def test_vectors_are_x_y_z():
    matrices = random_orthogonal(5, seed=0)
    assert np.abs(irrep_matrices(Irrep(1, -1), matrices) - matrices).max() < 1e-15


def test_characters():
    matrices = random_orthogonal(20, seed=4)
    proper = matrices * np.sign(np.linalg.det(matrices))[:, None, None]
    angles = np.arccos((np.trace(proper, axis1=1, axis2=2) - 1) / 2)
    for l in range(8):
        expected = np.sin((l + 0.5) * angles) / np.sin(angles / 2)
        found = np.trace(irrep_matrices(Irrep(l, 1), matrices), axis1=1, axis2=2)
        assert np.abs(found - expected).max() < 1e-10


def test_results_are_fresh_arrays():
    matrices = np.eye(3)[None].copy()
    for l in range(4):
        irrep_matrices(Irrep(l, 1), matrices)[:] = 7.0
        assert np.array_equal(matrices[0], np.eye(3))
        assert np.allclose(irrep_matrices(Irrep(l, 1), matrices)[0], np.eye(2 * l + 1))


def test_empty_stack():
    assert representation("1x1o+1x2e", np.empty((0, 3, 3))).shape == (0, 8, 8)


@pytest.mark.parametrize(
    ("matrices", "message"),
    [
        (np.eye(3), r"shape \(3, 3\)"),
        (np.ones((2, 3)), r"shape \(2, 3\)"),
        (np.eye(4)[None], r"shape \(1, 4, 4\)"),
        (2 * np.eye(3)[None], "orthogonal"),
        (np.full((1, 3, 3), np.nan), "orthogonal"),
        (np.diag([1.0, 1.0, np.inf])[None], "orthogonal"),
        (np.eye(3)[None] + 1e-6, "orthogonal"),
        ([["a"]], "real numbers"),
        ([[[1.0], [1.0, 2.0]]], r"shape \(k, 3, 3\)"),
        (np.full((1, 3, 3), None), "real numbers"),
        (1j * np.eye(3)[None], "real numbers"),
    ],
    ids=["flat", "vectors", "4x4", "scaled", "nan", "inf", "skewed", "text", "ragged", "objects", "complex"],
)
def test_bad_matrices_are_refused(matrices, message):
    with pytest.raises(SymmetryBreakingError, match=message):
        representation("1x1o", matrices)
