"""Networks with random weights: what can_break says of each product, and what no Gaunt network can do."""

import numpy as np
import pytest
import torch
from e3nn import o3

import sbs
from sbs.errors import InvalidGroupError, NetworkInputError
from sbs.nn import SymmetryBreaker, can_break, with_breaker
from sbs.nn.products import PRODUCTS, tensor_product
from sbs.nn.products.network import Mixed, ProductNetwork
from sbs.nn.reach.species import Case, all_species
from sbs.nn.reach.verdict import Inquiry, kept_elements
from sbs.objects.representation import representation

pytestmark = pytest.mark.usefixtures("double")

HIDDEN = "0e+0o+1o+1e+2e+2o"
NODES = 5
# Relative change of an output that counts as one: rounding is 1e-14, a path through random weights is above 1e-5.
KEEPS = 1e-9


def cluster(seed=7):
    sites = torch.as_tensor(np.random.default_rng(seed).normal(size=(NODES, 3)))
    source, target = np.nonzero(~np.eye(NODES, dtype=bool))
    return {
        "pos": sites,
        "node_input": torch.arange(1.0, NODES + 1)[:, None],
        "edge_index": torch.as_tensor(np.stack([source, target])),
    }


def network(breaker, name, irreps_out="1o", hidden=HIDDEN, layers=2):
    attributes = with_breaker("0e", breaker)
    torch.manual_seed(1)
    return ProductNetwork(
        "0e", attributes, irreps_out, tensor_product=name, irreps_hidden=hidden, layers=layers, channels=2
    )


def with_objects(data, objects):
    """As many copies of the cluster as there are objects, in one graph without edges between them."""
    count = len(objects)
    shift = NODES * torch.arange(count)[None, :, None]
    return {
        "pos": data["pos"].repeat(count, 1),
        "node_input": data["node_input"].repeat(count, 1),
        "edge_index": (data["edge_index"][:, None] + shift).flatten(1),
        "node_attr": torch.cat([torch.ones(count, 1), objects], dim=1).repeat_interleave(NODES, dim=0),
    }


def kept_by_network(symmetry_set, name, **options):
    """Elements of S whose image of the object gives a network with random weights the same output."""
    breaker = SymmetryBreaker(symmetry_set)
    model = network(breaker, name, **options)
    action = torch.as_tensor(representation(str(breaker.irreps), symmetry_set.group.matrices))
    given = symmetry_set.sample(1, 0)[0] if breaker.infinite else breaker.objects[0, 0]
    with torch.no_grad():
        outputs = model(with_objects(cluster(), action @ torch.as_tensor(given))).unflatten(0, (-1, NODES))
    change = (outputs - outputs[:1]).abs().amax(dim=(1, 2))
    return (change <= KEEPS * outputs.abs().max()).numpy()


@pytest.mark.parametrize("name", ["gaunt", "gaunt-fourier", "vector-signal", "complete"])
@pytest.mark.parametrize(("group", "target", "layers"), [("Td", "T", 2), ("D4h", "C4h", 1), ("C2v", "C1", 2)])
def test_the_verdict_is_that_of_networks_with_random_weights(name, group, target, layers):
    symmetry_set = sbs.minimal_set(group, target)
    answer = can_break("0e", HIDDEN, "1o", symmetry_set, tensor_product=PRODUCTS[name].kind, layers=layers)
    assert (kept_by_network(symmetry_set, name, layers=layers) == answer.kept).all()
    assert bool(answer) or PRODUCTS[name].kind == "gaunt"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gaunt", "vector-signal", "complete"])
def test_the_verdict_for_all_212_species_is_that_of_networks_with_random_weights(name):
    case = Case("gaunt" if name == "gaunt" else "complete", 2, 2)
    reached_by_networks = 0
    for species in all_species():
        kept = kept_by_network(species.set, name)
        answer, fixing = kept_elements(Inquiry("0e", HIDDEN, "1o", species.set, tensor_product=case.product))
        expected = answer.kept
        assert (kept == expected).all(), species.symbol
        reached_by_networks += bool((kept == fixing).all())
    assert reached_by_networks == (128 if name == "gaunt" else 212)


def test_a_product_itself_can_be_asked_about():
    symmetry_set = sbs.minimal_set("Td", "T")
    for name in ("gaunt", "complete"):
        product = tensor_product(name, "0e+1o", "0e+1o")
        by_name = can_break("0e", HIDDEN, "1o", symmetry_set, tensor_product=name)
        assert bool(can_break("0e", HIDDEN, "1o", symmetry_set, tensor_product=product)) == bool(by_name)
    with pytest.raises(NetworkInputError, match="'vector-signal'"):
        can_break("0e", HIDDEN, "1o", symmetry_set, tensor_product="spam")


@pytest.mark.parametrize("name", ["gaunt", "complete"])
def test_the_network_is_equivariant(name, rotations):
    breaker = SymmetryBreaker(sbs.minimal_set("D3h", "D3"))
    model = network(breaker, name, "0e+1o+1e+2e")
    data = with_objects(cluster(), breaker.objects[0, :1])
    for matrix in rotations(2):
        turned = dict(data, pos=data["pos"] @ torch.as_tensor(matrix).T)
        for key, irreps in (("node_attr", model.irreps_node_attr), ("node_input", model.irreps_node_input)):
            turned[key] = data[key] @ torch.as_tensor(representation(str(irreps), matrix[None]))[0].T
        action = torch.as_tensor(representation("0e+1o+1e+2e", matrix[None]))[0]
        with torch.no_grad():
            difference = model(turned) - model(data) @ action.T
        assert float(difference.abs().max()) < 1e-10


def test_gaunt_networks_do_not_see_the_sign_of_pseudotensors():
    """Natural signals stay natural: outputs of natural irreps cannot tell an object from itself with the sign of its
    pseudotensor part turned, whatever the weights, degrees and layers; those of other products can."""
    symmetry_set = sbs.minimal_set("D2h", "C2(C2(z))")
    breaker = SymmetryBreaker(symmetry_set)
    irreps = breaker.irreps
    assert {ir.p == (-1) ** ir.l for _, ir in irreps} == {True, False}
    sign = torch.cat([torch.full((mul * ir.dim,), float(ir.p * (-1) ** ir.l)) for mul, ir in irreps])
    each = breaker.objects[0, :1]
    for name, layers in (("gaunt", 1), ("gaunt", 3), ("complete", 2)):
        model = network(breaker, name, "0e+1o+2e", layers=layers)
        with torch.no_grad():
            same = model(with_objects(cluster(), each))
            other = model(with_objects(cluster(), sign * each))
        change = float((same - other).abs().max() / same.abs().max())
        assert (change < KEEPS) == (name == "gaunt")


def test_impossible_networks_are_refused():
    with pytest.raises(InvalidGroupError, match="channels must be an integer from 1"):
        ProductNetwork("0e", "0e", "1o", channels=0)
    with pytest.raises(NetworkInputError, match="unknown"):
        ProductNetwork("0e", "0e", "1o", tensor_product="spam")
    # An output that cannot arise stays zero.
    mixed = Mixed("gaunt", o3.Irreps("1o"), o3.Irreps("1o"), [o3.Irrep("1e")], 2)
    assert mixed(torch.ones(3, 3), torch.ones(3, 3)).shape == (3, 0)
