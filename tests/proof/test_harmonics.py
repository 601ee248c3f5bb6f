"""The checker's matrices of irreps against those of the library, which come from another formula."""

import numpy as np
import pytest

from sbs.errors import CertificateError
from sbs.groups import point_group
from sbs.objects.representation import representation
from sbs.proof.harmonics import Representation, blocks_of


def orthogonal(count, seed=3):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(count, 3, 3)))[0]


@pytest.mark.parametrize("l", [0, 1, 2, 3, 4, 5, 6, 9, 12, 25, 60])
def test_both_formulas_agree(l):
    matrices = np.concatenate([orthogonal(3), point_group("Oh").matrices[::7], point_group("Ih").matrices[::31]])
    own = Representation([(l, 1), (l, -1)]).matrices(matrices)
    assert np.abs(own - representation(f"{l}e+{l}o", matrices)).max() < 1e-12


def test_images_of_vectors():
    representation_ = Representation(blocks_of("2x1o+3e"))
    elements, vectors = orthogonal(5), np.random.default_rng(1).normal(size=(4, 13))
    expected = np.einsum("gij,kj->gki", representation("2x1o+3e", elements), vectors)
    assert np.abs(representation_.act(elements, vectors) - expected).max() < 1e-12


def test_irreps_are_read():
    assert blocks_of("1x0o+2x3e") == [(0, -1), (3, 1), (3, 1)]


@pytest.mark.parametrize("text", ["", "1", "1x", "1z", "1e+", "0x1e", "99999e", "-1e", None, 3, "1e,1o"])
def test_what_is_no_irreps_is_refused(text):
    with pytest.raises(CertificateError):
        blocks_of(text)
