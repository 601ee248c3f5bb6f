"""The product of features with an object against e3nn's fully connected tensor product, weight by weight."""

import pytest
import torch
from e3nn import o3

from sbs.nn.host.product import ObjectProduct

TOLERANCE = 1e-12

CASES = [
    ("4x0e+3x1o+2x1e+2x2e+1x3o", "1x1o+2x2e"),
    ("3x0e+2x1o+3x0e+2x2o", "1x0e+1x1o+1x3o"),
    ("5x0e+2x0o", "1x0o"),
    ("4x1o+2x1e", "2x1e+1x0e"),
]


def e3nn_product(product, irreps, irreps_objects):
    """e3nn's module with the weights of ours."""
    given = o3.FullyConnectedTensorProduct(irreps, irreps_objects, irreps)
    coupled = [
        [(a, b) for a, (_, one) in enumerate(irreps) for b, (_, other) in enumerate(irreps_objects) if ir in one * other]
        for _, ir in irreps
    ]
    blocks = product.weight.detach().split(product._weights)
    with torch.no_grad():
        for number, own in enumerate(given.weight_views()):
            instruction = given.instructions[number]
            mul, copies, mul_out = own.shape
            start = 0
            for a, b in coupled[instruction.i_out]:
                if (a, b) == (instruction.i_in1, instruction.i_in2):
                    break
                start += irreps[a].mul * irreps_objects[b].mul
            matrix = blocks[instruction.i_out].view(mul_out, -1)[:, start : start + mul * copies]
            own.copy_(matrix.reshape(mul_out, copies, mul).permute(2, 1, 0))
    return given


@pytest.fixture
def pair(request, double):
    irreps, irreps_objects = map(o3.Irreps, request.param)
    product = ObjectProduct(irreps, irreps_objects, torch.float64, torch.device("cpu"))
    torch.manual_seed(0)
    with torch.no_grad():
        product.weight.normal_()
    return product, e3nn_product(product, irreps, irreps_objects), irreps.dim, irreps_objects.dim


@pytest.mark.parametrize("pair", CASES, indirect=True)
def test_it_is_the_fully_connected_tensor_product(pair):
    product, given, dim, dim_objects = pair
    assert product.weight.numel() == given.weight.numel() > 0
    hidden, objects = torch.randn(7, dim), torch.randn(3, dim_objects)
    batch = torch.tensor([0, 0, 2, 1, 1, 1, 2])
    expected = given(hidden, objects[batch])
    assert expected.abs().max() > 0.1
    assert torch.allclose(product(hidden, objects, batch), expected, atol=TOLERANCE)
    assert torch.allclose(product(hidden, objects[batch]), expected, atol=TOLERANCE)
    assert torch.allclose(product(hidden, objects[:1]), given(hidden, objects[:1].expand(7, -1)), atol=TOLERANCE)


@pytest.mark.parametrize("pair", CASES[:1], indirect=True)
def test_all_its_derivatives_are_right(pair):
    product, _, dim, dim_objects = pair
    hidden = torch.randn(2, dim, requires_grad=True)
    objects = torch.randn(2, dim_objects, requires_grad=True)
    batch = torch.tensor([1, 0])
    assert torch.autograd.gradcheck(lambda h, b: product(h, b, batch), (hidden, objects))
    assert torch.autograd.gradgradcheck(lambda h: product(h, objects, batch).square(), (hidden,))


def test_nothing_couples_to_nothing():
    product = ObjectProduct(o3.Irreps("5x0e"), o3.Irreps("1o"), torch.float32, torch.device("cpu"))
    assert product.weight.numel() == 0
    assert torch.equal(product(torch.ones(2, 5), torch.ones(1, 3)), torch.zeros(2, 5))
    # A result that nothing couples to is zero beside others that are not.
    product = ObjectProduct(o3.Irreps("2x0e+1x1o+1x3e"), o3.Irreps("1o"), torch.float32, torch.device("cpu"))
    with torch.no_grad():
        product.weight.fill_(1.0)
    found = product(torch.randn(2, 12), torch.ones(1, 3))
    assert found[:, :5].abs().min() > 0 and not found[:, 5:].any()


def test_casts_keep_the_couplings():
    product = ObjectProduct(o3.Irreps("2x0e+1x2e"), o3.Irreps("2e"), torch.float64, torch.device("cpu"))
    exact = product.coupling.clone()
    assert torch.equal(product.float().double().coupling, exact) and product.weight.dtype == torch.float64
