"""Interactability and expressivity: published counts, closed formulas, and ranks of the modules themselves."""

import numpy as np
import pytest
import torch
from e3nn import o3
from sympy.physics.wigner import wigner_3j

from sbs.errors import NetworkInputError, SymmetryBreakingError
from sbs.nn.products import PRODUCTS, CompleteProduct, GridGaunt, expressivity, interactability, tensor_product
from sbs.nn.products.selection import coefficient_square, interacts

# Irreps that come out of a product of all natural irreps up to L = 1..10, if only natural ones are kept: the column
# "normalization" of benchmarking/csv/walltime_cpu.csv in github.com/atomicarchitects/PriceofFreedom (commit a7dbecc), rows
# MIMO. The first is the number of paths, all with l1 + l2 + l3 even; the second has one for each l3.
PUBLISHED_CLEBSCH_GORDAN = (5, 14, 30, 55, 91, 140, 204, 285, 385, 506)
PUBLISHED_GAUNT = (3, 5, 7, 9, 11, 13, 15, 17, 19, 21)
# The same file, rows SIMO, one irrep l = L times another.
PUBLISHED_SINGLE = tuple(range(2, 12))


def natural(lmax):
    return o3.Irreps.spherical_harmonics(lmax)


@pytest.mark.parametrize("lmax", range(1, 11))
def test_published_counts(lmax):
    number = lmax - 1
    assert len(interactability("gaunt", lmax)) == PUBLISHED_CLEBSCH_GORDAN[number]
    alone = [triple for triple in interactability("gaunt", lmax).triples if triple[:2] == (lmax, lmax)]
    assert len(alone) == PUBLISHED_SINGLE[number]
    if lmax <= 5:
        only_natural = tensor_product("clebsch-gordan", natural(lmax), natural(lmax), natural(2 * lmax))
        assert only_natural.irreps_out.num_irreps == PUBLISHED_CLEBSCH_GORDAN[number]
    assert tensor_product("gaunt", natural(lmax), natural(lmax)).irreps_out.num_irreps == PUBLISHED_GAUNT[number]


@pytest.mark.parametrize("lmax", range(7))
def test_the_complete_and_the_vector_product_miss_nothing(lmax):
    """(L + 1)(2 L^2 + 4 L + 3) / 3 triples obey the triangle inequality."""
    every = (lmax + 1) * (2 * lmax**2 + 4 * lmax + 3) // 3
    for product in ("clebsch-gordan", "vector-signal", "complete", CompleteProduct):
        found = interactability(product, lmax)
        assert found.complete
        assert len(found) == every
    gaunt = interactability(GridGaunt, lmax)
    assert {sum(triple) % 2 for triple in gaunt.missing} <= {1}
    assert len(gaunt) + len(gaunt.missing) == every


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("name", PRODUCTS)
def test_ranks_of_the_modules_themselves(name):
    """Each block of the product as a matrix (l1 l2, l3): rank 2 l3 + 1 where it interacts, else 0."""
    lmax = 3
    irreps = natural(lmax)
    product = tensor_product(name, irreps, irreps)
    one = torch.eye(irreps.dim)
    tensor = product(one[:, None], one[None, :]).detach().numpy()
    found = set()
    start = 0
    for ir in product.blocks:
        for (_, ir1), block1 in zip(irreps, irreps.slices(), strict=True):
            for (_, ir2), block2 in zip(irreps, irreps.slices(), strict=True):
                matrix = tensor[block1, block2, start : start + ir.dim].reshape(-1, ir.dim)
                rank = np.linalg.matrix_rank(matrix, tol=1e-9)
                assert rank in (0, ir.dim)
                if rank:
                    found.add((ir1.l, ir2.l, ir.l))
        start += ir.dim
    assert found == set(interactability(name, lmax).triples)


@pytest.mark.usefixtures("double")
def test_the_complete_product_reaches_every_bilinear_map_by_rank():
    """x ⊗ y -> all outputs is injective: nothing of the tensor product is lost. The Gaunt product loses most."""
    irreps = natural(4)
    one = torch.eye(irreps.dim)
    ranks = {}
    for name in ("complete", "clebsch-gordan", "gaunt", "vector-signal"):
        tensor = tensor_product(name, irreps, irreps)(one[:, None], one[None, :])
        ranks[name] = int(torch.linalg.matrix_rank(tensor.reshape(irreps.dim**2, -1), rtol=1e-10))
    assert ranks["complete"] == ranks["clebsch-gordan"] == irreps.dim**2
    assert ranks["gaunt"] == sum(2 * l + 1 for l in range(9))
    assert ranks["vector-signal"] == ranks["gaunt"] + sum(2 * l + 1 for l in range(1, 8))


def test_coefficients_are_exact_and_never_zero_by_accident():
    for l1 in range(5):
        for l2 in range(5):
            for l3 in range(abs(l1 - l2), l1 + l2 + 1):
                m = (l1 + l2 + l3) % 2
                expected = (2 * l1 + 1) * (2 * l2 + 1) * wigner_3j(l1, l2, l3, m, -m, 0) ** 2
                square = coefficient_square("vector-signal", l1, l2, l3)
                assert (square.numerator, square.denominator) == expected.as_numer_denom()
    for l1 in range(13):
        for l2 in range(13):
            assert all(interacts("vector-signal", l1, l2, l3) for l3 in range(abs(l1 - l2), l1 + l2 + 1))
    assert not interacts("clebsch-gordan", 1, 1, 3)


@pytest.mark.parametrize("lmax", range(2, 6))
def test_expressivity_grows_as_published(lmax):
    """Clebsch-Gordan O(L^3), Gaunt O(L): its maps are a(l1) b(l2) c(l3) up to two scales, so 2(L + 1) + 2L + 1 - 2."""
    irreps = natural(lmax)
    every = len(interactability("complete", lmax))
    assert expressivity("clebsch-gordan", irreps, irreps) == every
    assert expressivity("complete", irreps, irreps) == every
    assert expressivity("gaunt", irreps, irreps) == 4 * lmax + 1
    assert expressivity("gaunt-fourier", irreps, irreps) == 4 * lmax + 1
    assert expressivity("vector-signal", irreps, irreps) == 6 * lmax


def test_channels_buy_expressivity():
    irreps = natural(2)
    even = len(interactability("gaunt", 2))
    by_channels = [expressivity("gaunt", irreps, irreps, channels=c) for c in (1, 2, 3)]
    assert by_channels == [9, even, even]
    # Multiplicities: bilinear maps of two copies each form a space of dimension 2 * 2 * 2 for each path.
    assert expressivity("clebsch-gordan", "2x1o", "2x1o", "2x0e", channels=4) == 8
    assert expressivity("clebsch-gordan", "2x1o", "2x1o", "2x0e", channels=1) == 4


@pytest.mark.parametrize(
    ("name", "first", "second", "out", "channels"),
    [
        ("gaunt", "0e+1o+2e", "0e+1o+2e", "0e+1o+2e", 1),
        ("gaunt", "2x0e+1o", "0e+2x1o", "1o+2x2e", 2),
        ("vector-signal", "1o+1e", "1o+2e", "1o+1e+2e", 1),
        ("complete", "2x1o+1e", "1o", "0e+2x1e", 2),
    ],
)
@pytest.mark.usefixtures("double")
def test_expressivity_is_the_rank_of_the_derivative_of_real_layers(name, first, second, out, channels):
    """Linear, product, linear, evaluated on a basis; the Jacobian by automatic differentiation, its rank from singular values."""
    kinds = [sorted({ir for _, ir in o3.Irreps(irreps)}) for irreps in (first, second)]
    inner = [o3.Irreps([(channels, ir) for ir in each]) for each in kinds]
    product = tensor_product(name, *inner)
    layers = [o3.Linear(first, inner[0]), o3.Linear(second, inner[1]), o3.Linear(product.irreps_out, out)]
    bases = [torch.eye(o3.Irreps(irreps).dim) for irreps in (first, second)]

    def map_of(*weights):
        before1, before2, after = (layer.__call__ for layer in layers)
        x, y = before1(bases[0], weights[0]), before2(bases[1], weights[1])
        return after(product(x[:, None], y[None, :]), weights[2]).reshape(-1)

    generator = torch.Generator().manual_seed(3)
    weights = [torch.randn(layer.weight.shape, generator=generator) for layer in layers]
    jacobian = torch.cat(torch.autograd.functional.jacobian(map_of, tuple(weights)), dim=1)
    values = torch.linalg.svdvals(jacobian)
    rank = int((values > 1e-9 * values[0]).sum())
    assert expressivity(name, first, second, out, channels=channels) == rank


def test_wrong_questions_are_refused():
    with pytest.raises(NetworkInputError, match="unknown"):
        interactability("spam", 2)
    with pytest.raises(SymmetryBreakingError, match="lmax"):
        interactability("gaunt", -1)
    with pytest.raises(SymmetryBreakingError, match="channels"):
        expressivity("gaunt", "1o", "1o", channels=0)
    with pytest.raises(NetworkInputError, match="has no irrep"):
        expressivity("gaunt", "1o", "1o", "1e")
