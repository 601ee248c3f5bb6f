"""Rotation of features against the numpy representations and against spherical harmonics."""

import numpy as np
import pytest
import torch
from e3nn import o3

import sbs
from sbs.nn import Rotation

IRREPS = o3.Irreps([(1, (l, p)) for l in range(9) for p in (1, -1)])


def special_orientations() -> np.ndarray:
    return np.concatenate([sbs.point_group("Oh").matrices, sbs.point_group("Ih").matrices])


@pytest.mark.parametrize("case", ["random", "special"])
def test_equals_the_numpy_representation(case, rotations, double):
    matrices = rotations(20, 1) if case == "random" else special_orientations()
    x = torch.randn(len(matrices), IRREPS.dim)
    expected = np.einsum("gij,gj->gi", sbs.representation(str(IRREPS), matrices), x.numpy())
    assert np.abs(Rotation(IRREPS)(x, torch.as_tensor(matrices)).numpy() - expected).max() < 1e-11


@pytest.mark.parametrize("l", [1, 2, 5, 11])
def test_turns_spherical_harmonics(l, rotations, double):
    matrices = torch.as_tensor(np.concatenate([rotations(4, 2), special_orientations()[::17]]))
    points = torch.randn(len(matrices), 3)
    parity = "e" if l % 2 == 0 else "o"
    turned = torch.einsum("gij,gj->gi", matrices, points)
    before = o3.spherical_harmonics(l, points, normalize=True, normalization="component")
    after = o3.spherical_harmonics(l, turned, normalize=True, normalization="component")
    assert (Rotation(f"{l}{parity}")(before, matrices) - after).abs().max() < 1e-10


def test_parity_of_pseudotensors(double):
    inversion = -torch.eye(3)[None]
    x = torch.ones(1, 3)
    assert torch.equal(Rotation("1e")(x, inversion), x)
    assert torch.equal(Rotation("1o")(x, inversion), -x)
    assert torch.equal(Rotation("0o")(x[:, :1], inversion), -x[:, :1])


def test_multiplicities_are_turned_one_by_one(rotations, double):
    matrices = torch.as_tensor(rotations(3))
    x = torch.randn(3, 3, 5)
    together = Rotation("3x2e")(x.reshape(3, 15), matrices).reshape(3, 3, 5)
    for copy in range(3):
        assert torch.allclose(together[:, copy], Rotation("2e")(x[:, copy], matrices), atol=1e-14)


def test_is_differentiable(rotations, double):
    rotation = Rotation("1o+2e+3o")
    matrices = torch.as_tensor(rotations(2)).requires_grad_(True)
    x = torch.randn(2, rotation.irreps.dim, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a, b: rotation(a, b), (x, matrices), atol=1e-6)


def test_casts_lose_no_precision(rotations, double):
    matrices = torch.as_tensor(rotations(4))
    x = torch.randn(4, IRREPS.dim)
    rotation = Rotation(IRREPS)
    expected = rotation(x, matrices)
    assert torch.equal(rotation.float().double()(x, matrices), expected)
    assert torch.equal(rotation.half()(x, matrices), expected)
