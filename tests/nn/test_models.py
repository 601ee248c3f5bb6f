"""Building e3nn's own models with a breaker."""

import pytest
import torch
from e3nn import o3

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import SymmetryBreaker, UnreachableBreakerWarning, build, with_breaker

NEW_E3NN = tuple(int(p) for p in __import__("importlib.metadata").metadata.version("e3nn").split(".")[:2]) >= (0, 5)

# The inputs here have no symmetry: what is tested does not depend on it.
pytestmark = pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
needs_new = pytest.mark.skipif(not NEW_E3NN, reason="e3nn 0.4's own model needs torch_geometric and torch_cluster")


@pytest.fixture
def breaker():
    return SymmetryBreaker(sbs.minimal_set("Oh", "C4v"), mode="index")


GATE_POINTS = dict(
    irreps_hidden="4x0e+4x1o+4x1e+2x2e",
    irreps_out="1o",
    irreps_edge_attr="0e+1o+2e",
    layers=1,
    max_radius=3.0,
    number_of_basis=4,
    radial_layers=1,
    radial_neurons=8,
    num_neighbors=3.0,
    num_nodes=4.0,
    reduce_output=False,
)


def gate_points(version):
    import importlib

    return importlib.import_module(f"e3nn.nn.models.gate_points_{version}").Network


def data(nodes=4, graphs=1):
    generator = torch.Generator().manual_seed(1)
    batch = torch.arange(graphs).repeat_interleave(nodes)
    one = torch.nonzero(~torch.eye(nodes, dtype=torch.bool)).T
    edges = torch.cat([one + nodes * k for k in range(graphs)], dim=1)
    return {
        "pos": torch.randn(nodes * graphs, 3, generator=generator),
        "x": torch.ones(nodes * graphs, 1),
        "edge_index": edges,
        "edge_attr": torch.ones(edges.shape[1], 1),
        "batch": batch,
    }


def depends_on_the_object(model, inputs, graphs):
    first = model(inputs, index=torch.zeros(graphs, dtype=torch.int64))
    return not torch.allclose(first, model(inputs, index=torch.full((graphs,), 3)), rtol=1e-3)


def test_a_scalar_stays_among_the_attributes(breaker):
    assert with_breaker("2x0e+1o", breaker) == o3.Irreps("2x0e+1o+1o")
    assert with_breaker("1o", breaker) == o3.Irreps("0e+1o+1o")
    assert with_breaker(None, breaker) == o3.Irreps("0e+1o")
    with pytest.raises(NetworkInputError, match="e3nn notation"):
        with_breaker("one vector", breaker)


@needs_new
@pytest.mark.parametrize("on", ["attributes", "input"])
@pytest.mark.parametrize("version", [2101, 2102])
def test_gate_points(version, on, breaker):
    arguments = dict(GATE_POINTS, irreps_in="0e", irreps_node_attr="0e")
    model = build(gate_points(version), breaker, on=on, **arguments)
    inputs = data(graphs=2) | {"z": torch.ones(8, 1)}
    assert model(inputs, index=torch.tensor([0, 1])).shape == (8, 3)
    assert depends_on_the_object(model, inputs, 2)


@pytest.mark.parametrize("on", ["attributes", "input"])
@pytest.mark.parametrize("key", ["x", "node_input"])
def test_network_for_a_graph_with_attributes(on, key, breaker, explicit_edges):
    from e3nn.nn.models.v2106.gate_points_networks import NetworkForAGraphWithAttributes

    model = build(
        NetworkForAGraphWithAttributes,
        breaker,
        on=on,
        irreps_node_input="0e",
        irreps_node_attr="0e",
        irreps_edge_attr="0e",
        irreps_node_output="2x1o",
        max_radius=3.0,
        num_neighbors=3.0,
        num_nodes=4.0,
        mul=4,
        layers=1,
        pool_nodes=False,
    )
    explicit_edges(model.model)
    inputs = data(graphs=2) | {"node_attr": torch.ones(8, 1)}
    inputs[key] = inputs.pop("x")
    assert model.irreps_out == o3.Irreps("2x1o")
    assert depends_on_the_object(model, inputs, 2)
    before = {name: value.clone() for name, value in inputs.items()}
    model(inputs, index=torch.tensor([1, 2]))
    assert inputs.keys() == before.keys() and all(torch.equal(inputs[k], before[k]) for k in before)


@pytest.mark.parametrize("on", ["attributes", "input"])
def test_message_passing(on, breaker):
    from e3nn.nn.models.v2106.gate_points_message_passing import MessagePassing

    model = build(
        MessagePassing,
        breaker,
        on=on,
        irreps_node_sequence=["0e", "4x0e+4x1o+4x1e", "1o"],
        irreps_node_attr="0e",
        irreps_edge_attr="0e+1o",
        fc_neurons=[2, 8],
        num_neighbors=3.0,
    )
    batch = torch.tensor([0, 0, 1, 1])
    edges = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
    inputs = (torch.ones(4, 1), torch.ones(4, 1), *edges, torch.randn(4, 4), torch.randn(4, 2))
    found = model(*inputs, batch=batch, index=torch.tensor([2, 5]))
    alone = model(*inputs, batch=batch, index=torch.tensor([2, 0]))
    assert found.shape == (4, 3)
    assert torch.equal(found[:2], alone[:2]) and not torch.allclose(found[2:], alone[2:])


def test_simple_network(breaker):
    from e3nn.nn.models.v2106.gate_points_networks import SimpleNetwork

    arguments = dict(irreps_in="0e", irreps_out="1o", max_radius=9.0, num_neighbors=3.0, num_nodes=4.0)
    model = build(SimpleNetwork, breaker, on="input", mul=4, layers=1, pool_nodes=False, **arguments)
    inputs = data(graphs=2)
    assert model(inputs, index=torch.tensor([0, 1])).shape == (8, 3)
    assert depends_on_the_object(model, inputs, 2)


def test_models_that_are_not_known_are_refused(breaker):
    with pytest.raises(NetworkInputError, match="with_breaker"):
        build(torch.nn.Linear, breaker, in_features=1, out_features=1)


def test_places_that_a_model_lacks_are_refused(breaker):
    from e3nn.nn.models.v2106.gate_points_networks import SimpleNetwork

    with pytest.raises(NetworkInputError, match="it takes 'input'"):
        build(SimpleNetwork, breaker, irreps_in="0e", irreps_out="1o", max_radius=2.0, num_neighbors=2.0, num_nodes=2.0)


def test_a_breaker_of_mode_all_is_refused(make_network):
    with pytest.raises(NetworkInputError, match="all_outputs"):
        make_network(SymmetryBreaker(sbs.minimal_set("Oh", "C4v"), mode="all"))


def test_bad_data_are_refused(breaker, make_network):
    model = make_network(breaker)
    inputs = data()
    index = torch.tensor([0])
    with pytest.raises(NetworkInputError, match=r"expected \(num_nodes, 1\)"):
        model(inputs | {"node_attr": torch.ones(4, 2)}, index=index)
    with pytest.raises(NetworkInputError, match="dtype"):
        model(inputs | {"pos": inputs["pos"].double()}, index=index)
    with pytest.raises(NetworkInputError, match="num_graphs"):
        SymmetryBreaker(breaker.set)(torch.zeros(4, dtype=torch.int64))


def test_an_unreachable_breaker_warns_and_names_the_way_out(make_network):
    """A set whose object is of degree 6, where l = 2 reaches 4."""
    symmetry_set = sbs.minimal_set("D12h", "C6h")
    degree = max(ir.l for _, ir in o3.Irreps(symmetry_set.irreps))
    assert degree > 4
    with pytest.warns(UnreachableBreakerWarning, match=r"lmax=2"):
        make_network(SymmetryBreaker(symmetry_set, mode="index"), mul=2)


def test_a_pseudoscalar_warns_of_parity(make_network):
    with pytest.warns(UnreachableBreakerWarning, match="both parities"):
        make_network(SymmetryBreaker(sbs.minimal_set("Td", "T"), mode="index"), layers=1)
