"""Tensor products against contractions with Wigner 3j tensors, against each other, and against rotations."""

import copy
import pickle
from importlib.metadata import version

import numpy as np
import pytest
import torch
from e3nn import o3

from sbs.errors import NetworkInputError
from sbs.nn.products import PRODUCTS, tensor_product
from sbs.nn.products.clebsch_gordan import E3nnClebschGordan, coupling
from sbs.nn.products.gaunt import FourierGaunt, GridGaunt
from sbs.nn.products.sphere import LARGEST_DEGREE, associated_legendre, grid, harmonics, tangents
from sbs.nn.products.vector import VectorSignal
from sbs.objects.representation import representation

# e3nn 0.4.4 has 3j tensors up to l = 11 only, and products of two inputs go up to twice their degree.
OLD = version("e3nn").startswith("0.4.")
LMAX = 5 if OLD else 8
# Asked of every path in float64; what is found is below 1e-13 times the largest number in the contraction.
TOLERANCE = 1e-10
NATURAL = str(o3.Irreps.spherical_harmonics(LMAX))
BOTH = "2x0e+2x0o+2x1o+2x1e+2x2e+2x2o"

double = pytest.mark.usefixtures("double")
every_product = pytest.mark.parametrize("name", PRODUCTS)


def wigner_3j(name, l1, l2, l3):
    """sqrt(2 l3 + 1) times e3nn's 3j tensor; where an old e3nn has the other sign, that of the new one."""
    tensor = o3.wigner_3j(l1, l2, l3, dtype=torch.float64) * (2 * l3 + 1) ** 0.5
    if OLD and name != "clebsch-gordan-e3nn":
        tensor = tensor * torch.sign((tensor * torch.tensor(coupling(l1, l2, l3))).sum())
    return tensor


def contraction(product, x, y):
    """What the paths of a product say, with e3nn's own 3j tensors: an independent, slow evaluation."""
    name = "clebsch-gordan-e3nn" if isinstance(product, E3nnClebschGordan) else product.name
    first, second = product.split(x, y)
    result = [x.new_zeros((*x.shape[:-1], product.channels, ir.dim)) for ir in product.blocks]
    for path in product.paths:
        l1, l2, l3 = path.degrees
        tensor = wigner_3j(name, l1, l2, l3) * path.coefficient
        left, right = first[path.first], second[path.second]
        result[path.block] = result[path.block] + torch.einsum("ijk,...i,...j->...k", tensor, left, right)
    return torch.cat([each.flatten(-2) for each in result], dim=-1)


def inputs(product, *batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    dtype = product.dtype
    return tuple(
        torch.randn((*batch, irreps.dim), generator=generator, dtype=torch.float64).to(dtype)
        for irreps in (product.irreps_in1, product.irreps_in2)
    )


def turn(values, irreps, matrices):
    """Features (..., dim) turned by every matrix, (matrices, ..., dim), irrep by irrep."""
    parts = []
    for (mul, ir), block in zip(irreps, irreps.slices(), strict=True):
        action = torch.as_tensor(representation(str(ir), matrices))
        copies = values[..., block].unflatten(-1, (mul, ir.dim))
        parts.append(torch.einsum("gij,...j->g...i", action, copies).flatten(-2))
    return torch.cat(parts, dim=-1)


@pytest.fixture(scope="module")
def one_pair_at_a_time():
    """Inputs in which one l1 and one l2 are filled, for all pairs up to LMAX, and all 3j contractions of them by triple."""
    x = torch.randn((LMAX + 1, (LMAX + 1) ** 2), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y = torch.randn((LMAX + 1, (LMAX + 1) ** 2), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    degrees = torch.arange((LMAX + 1) ** 2).sqrt().floor()
    keep = (degrees[None] == torch.arange(LMAX + 1)[:, None]).to(torch.float64)
    x, y = x * keep, y * keep
    tables = {}
    for l1 in range(LMAX + 1):
        for l2 in range(LMAX + 1):
            for l3 in range(abs(l1 - l2), l1 + l2 + 1):
                tensor = wigner_3j("", l1, l2, l3)
                left, right = x[l1, l1**2 : (l1 + 1) ** 2], y[l2, l2**2 : (l2 + 1) ** 2]
                tables[l1, l2, l3] = torch.einsum("ijk,i,j->k", tensor, left, right)
    return x, y, tables


@double
@every_product
def test_every_path_is_a_wigner_3j_contraction(name, one_pair_at_a_time):
    """All (l1, l2, l3) with l1, l2 <= 8, each on its own; whatever should not interact is zero."""
    x, y, tables = one_pair_at_a_time
    product = tensor_product(name, NATURAL, NATURAL)
    found = product(x[:, None], y[None, :])
    blocks = found.split(list(product.block_dims), dim=-1)
    expected = [torch.zeros_like(block) for block in blocks]
    for path in product.paths:
        l1, l2, _ = path.degrees
        expected[path.block][l1, l2] = path.coefficient * tables[path.degrees]
    if OLD and name == "clebsch-gordan-e3nn":
        blocks, expected = ([each.abs() for each in some] for some in (blocks, expected))
    worst = max(float((a - b).abs().max()) for a, b in zip(blocks, expected, strict=True))
    assert worst < TOLERANCE
    if product.kind in ("clebsch-gordan", "complete"):
        assert {path.degrees for path in product.paths} == set(tables)


@double
@every_product
@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (BOTH, BOTH, None),
        ("3x1o+3x3o", "3x2o+3x2e", "1o+1e+3o"),
        ("4x0e+4x1o", "2e", None),
        ("1o", "3x1o+3x2e", "1o+1e+2e+2o+3o"),
        ("2x2e+2x0e", "1e", "1e+3e"),
    ],
)
def test_parities_channels_and_chosen_outputs(name, first, second, wanted):
    if PRODUCTS[name].kind == "gaunt" and wanted == "1o+1e+2e+2o+3o":
        wanted = "1o+2e+3o"
    product = tensor_product(name, first, second, wanted)
    x, y = inputs(product, 3)
    assert torch.allclose(product(x, y), contraction(product, x, y), atol=1e-12, rtol=0)
    if wanted is not None:
        assert {ir for _, ir in product.irreps_out} <= {ir for _, ir in o3.Irreps(wanted)}


@double
@every_product
def test_equivariance_under_rotations_and_inversion(name, rotations):
    largest = f"{LARGEST_DEGREE}e"
    # e3nn takes seconds to make its own tensors of such degrees.
    for irreps in (BOTH, NATURAL, *([] if name == "clebsch-gordan-e3nn" else [largest])):
        product = tensor_product(name, irreps, irreps)
        x, y = inputs(product, 2)
        matrices = np.concatenate([rotations(4), -np.eye(3)[None]])
        turned = product(turn(x, product.irreps_in1, matrices), turn(y, product.irreps_in2, matrices))
        expected = turn(product(x, y), product.irreps_out, matrices)
        assert float((turned - expected).abs().max()) < TOLERANCE


@double
def test_the_checks_above_can_fail(rotations):
    """An altered table is noticed by the contraction and by the rotations."""
    product = tensor_product("gaunt", "0e+1o", "0e+1o")
    product.x_True[1] += 1e-6
    x, y = inputs(product, 2)
    assert not torch.allclose(product(x, y), contraction(product, x, y), atol=1e-12, rtol=0)
    matrices = rotations(1)
    turned = product(turn(x, product.irreps_in1, matrices), turn(y, product.irreps_in2, matrices))
    assert float((turned - turn(product(x, y), product.irreps_out, matrices)).abs().max()) > 1e-9


@double
@pytest.mark.parametrize("name", ["clebsch-gordan", "clebsch-gordan-sparse", "clebsch-gordan-e3nn", "complete"])
def test_the_complete_products_are_e3nns_full_tensor_product(name):
    irreps = o3.Irreps("0e+1o+1e+2e")
    full, product = o3.FullTensorProduct(irreps, irreps), tensor_product(name, irreps, irreps)
    x, y = inputs(product, 5)
    assert product.irreps_out == full.irreps_out.simplify()
    found, expected = product(x, y), full(x, y)
    if OLD and name != "clebsch-gordan-e3nn":  # whose 3j tensors have the other sign for some triples
        found, expected = found.abs(), expected.abs()
    assert torch.allclose(found, expected, atol=1e-12, rtol=0)


@double
def test_grid_and_fourier_agree_and_multiply_functions():
    """The Gaunt product of x with the function 1 is x, and of two harmonics the pointwise product."""
    for product in (GridGaunt("0e+1o+2e", "0e+1o+2e"), FourierGaunt("0e+1o+2e", "0e+1o+2e")):
        x, y = inputs(product, 4)
        one = torch.zeros_like(y)
        one[:, 0] = 1.0
        assert torch.allclose(product(x, one)[:, :9], x, atol=1e-12)
        point = torch.nn.functional.normalize(torch.randn(1, 3), dim=-1)
        values = [
            (features * o3.spherical_harmonics(irreps, point, True, "component")).sum(-1)
            for features, irreps in (
                (x, product.irreps_in1),
                (y, product.irreps_in2),
                (product(x, y), product.irreps_out),
            )
        ]
        assert torch.allclose(values[0] * values[1], values[2], atol=1e-12)


@double
def test_the_vector_product_of_vectors_is_the_cross_product():
    product = VectorSignal("1o", "1o", "1e")
    x, y = inputs(product, 6)
    cross = torch.linalg.cross(x, y)
    ratio = (product(x, y) * cross).sum() / (cross * cross).sum()
    assert ratio > 0
    assert torch.allclose(product(x, y), ratio * cross, atol=1e-12)
    with pytest.raises(NetworkInputError, match="does not have"):
        GridGaunt("1o", "1o", "1e")


@every_product
def test_single_precision_is_close_and_double_is_exact_again(name):
    product = tensor_product(name, "2x0e+2x1o+2x2e", "2x0e+2x1o+2x2e")
    assert product.dtype == torch.float32
    x, y = inputs(product, 7)
    reference = contraction(product, x.double(), y.double())
    assert float((product(x, y) - reference).abs().max()) < 1e-5 * float(reference.abs().max())
    if name != "clebsch-gordan-e3nn":  # e3nn rounds its own tables when a module is made
        again = copy.deepcopy(product).double()
        assert torch.allclose(again(x.double(), y.double()), reference, atol=1e-12, rtol=0)
    assert not [key for key in product.state_dict() if not key.startswith("product.")]
    assert torch.equal(pickle.loads(pickle.dumps(product))(x, y), product(x, y))


@double
@every_product
def test_batches_broadcast_and_empty_ones_pass(name):
    product = tensor_product(name, "2x0e+2x1o", "0e+1o")
    x, y = inputs(product, 4, 3)
    together = product(x[:, None], y[None, :, :1])
    assert together.shape == (4, 4, 3, product.irreps_out.dim)
    assert torch.allclose(together[1, 2], product(x[1], y[2, :1]), atol=1e-12)
    assert product(x[0, 0], y[0, 0]).shape == (product.irreps_out.dim,)
    assert product(x[:0], y[:0]).shape == (0, 3, product.irreps_out.dim)


@double
@every_product
def test_gradients(name):
    product = tensor_product(name, "0e+1o+1e", "1o+2e")
    x, y = inputs(product, 2)
    assert torch.autograd.gradcheck(product, (x.requires_grad_(), y.requires_grad_()))


@every_product
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_torch_compile_traces_all_of_it(name):
    """One graph, forward and backward; code generation itself is torch's."""
    product = tensor_product(name, "2x0e+2x1o", "2x0e+2x1o")
    compiled = torch.compile(product, fullgraph=True, backend="aot_eager")
    x, y = inputs(product, 5)
    results = []
    for each in (product, compiled):
        leaf = x.clone().requires_grad_()
        value = each(leaf, y)
        value.square().sum().backward()
        results.append((value.detach(), leaf.grad))
    for plain, traced in zip(*results, strict=True):
        assert torch.allclose(plain, traced, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("first", "second", "wanted", "match"),
    [
        ("spam", "1o", None, "not e3nn notation"),
        ("2x1o+3x2e", "1o", None, "differ in multiplicity"),
        ("1o+1o", "1o", None, "repeat"),
        ("0x1o", "1o", None, "multiplicity zero"),
        ("", "1o", None, "no irrep"),
        ("2x1o", "3x1o", None, "has 2 channels"),
        ("1o", f"{LARGEST_DEGREE + 1}e", None, f"up to l={LARGEST_DEGREE}"),
        ("1o", "1o", "5e", "contains 5e"),
        ("1o", "1o", "", "no irrep"),
    ],
)
@every_product
def test_wrong_irreps_are_named(name, first, second, wanted, match):
    with pytest.raises(NetworkInputError, match=match):
        tensor_product(name, first, second, wanted)


@pytest.mark.filterwarnings("error")
@every_product
def test_wrong_inputs_are_named(name):
    product = tensor_product(name, "2x0e+2x1o", "2x0e+2x1o")
    x, y = inputs(product, 4)
    for wrong, match in (
        ((x[:, :5], y), r"x has shape \(4, 5\)"),
        ((x, torch.ones(())), r"y has shape \(\)"),
        ((x.double(), y), "x is torch.float64"),
        ((x, y[:3]), "do not broadcast"),
        ((x, y.to("meta")), "on meta"),
    ):
        with pytest.raises(NetworkInputError, match=match):
            product(*wrong)
    with pytest.raises(NetworkInputError, match="is unknown; choose one of"):
        tensor_product("spam", "1o", "1o")


@double
@pytest.mark.parametrize("cls", [GridGaunt, VectorSignal])
def test_a_grid_that_aliases_is_refused_and_would_be_wrong(cls, monkeypatch):
    irreps = "0e+1o+2e+3o"
    least = cls(irreps, irreps).grid
    assert least == (7, 13)
    finer = cls(irreps, irreps, grid=(9, 17))
    x, y = inputs(finer, 3)
    assert torch.allclose(finer(x, y), cls(irreps, irreps)(x, y), atol=1e-12)
    # Fewer outputs need fewer nodes.
    assert cls(irreps, irreps, "0e+1o").grid == (4, 8)
    for small in ((6, 13), (7, 12)):
        with pytest.raises(NetworkInputError, match=r"aliased below 7 polar and 13 azimuthal"):
            cls(irreps, irreps, grid=small)
    for broken in (3, (1, 2, 3), ("a", "b")):
        with pytest.raises(NetworkInputError, match="expected two integers"):
            cls(irreps, irreps, grid=broken)
    monkeypatch.setattr(f"{cls.__module__}.grid_for", lambda _, given: given)
    for small in ((6, 13), (7, 12)):
        assert float((cls(irreps, irreps, grid=small)(x, y) - finer(x, y)).abs().max()) > 1e-3


def test_harmonics_are_e3nns():
    points = grid(12, 21)
    sin, cos = np.sin(points.polar)[:, None], np.cos(points.polar)[:, None]
    directions = np.stack([sin * np.sin(points.azimuth), cos + 0 * points.azimuth, sin * np.cos(points.azimuth)], -1)
    where = torch.as_tensor(directions).requires_grad_()
    for l in range(9):
        values = o3.spherical_harmonics(l, where, True, normalization="component").reshape(-1, 2 * l + 1)
        assert np.abs(values.detach().numpy().T - harmonics(l, points)).max() < 1e-12
        # The squared length of the gradient, by automatic differentiation and by the recursion.
        for m in (0, l // 2, 2 * l) if l else ():
            (gradient,) = torch.autograd.grad(values[:, m].sum(), where, retain_graph=True)
            length = (gradient.numpy().reshape(-1, 3) ** 2).sum(1) / max(l * (l + 1), 1)
            assert np.abs(length - (tangents(l, points)[:, m] ** 2).sum(0)).max() < 1e-10


def test_harmonics_are_orthonormal_up_to_the_largest_degree():
    top = 2 * LARGEST_DEGREE
    for hemisphere in (False, True):
        points = grid(top + 1, 2 * top + 1, hemisphere)
        assert points.weights.sum() == pytest.approx(1.0, abs=1e-13)
        for l in (top - 2, top):
            gram = (harmonics(l, points) * points.weights) @ harmonics(top, points).T
            expected = np.eye(2 * l + 1, 2 * top + 1) if l == top else 0.0
            assert np.abs(gram - expected).max() < 1e-11
    with pytest.raises(ValueError, match="read-only"):
        harmonics(2, points)[0, 0] = 1.0
    # Continued beyond the pole, P of odd m changes sign.
    beta = np.array([0.3, 1.1])
    there, back = (associated_legendre(3, np.cos(beta), sign * np.sin(beta)) for sign in (1, -1))
    assert np.allclose(there[3], back[3] * (-1.0) ** np.arange(4)[:, None])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@every_product
def test_cuda_gives_the_same(name):
    product = tensor_product(name, "2x0e+2x1o+2x2e", "2x0e+2x1o+2x2e")
    x, y = inputs(product, 7)
    on_cpu = product(x, y)
    assert torch.allclose(product.cuda()(x.cuda(), y.cuda()).cpu(), on_cpu, atol=1e-4)


@pytest.mark.skipif(not OLD, reason="this e3nn has 3j tensors of every degree")
def test_what_an_old_e3nn_lacks_is_said():
    with pytest.raises(NetworkInputError, match=r"Use 'clebsch-gordan', or e3nn >= 0\.5"):
        tensor_product("clebsch-gordan-e3nn", "6e", "6e")
