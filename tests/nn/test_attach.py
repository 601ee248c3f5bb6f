"""Attaching to models that exist: unchanged until trained, only new weights, detached without a trace."""

import copy
import io

import pytest
import torch

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import SymmetryBreaker, UnreachableBreakerWarning, attach, detach

# Most inputs here have no symmetry: what is tested does not depend on it.
pytestmark = pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")


@pytest.fixture
def symmetry_set():
    return sbs.minimal_set("Oh", "C4v")


@pytest.fixture
def model(explicit_edges):
    from e3nn.nn.models.v2106.gate_points_networks import NetworkForAGraphWithAttributes

    network = NetworkForAGraphWithAttributes(
        irreps_node_input="0e",
        irreps_node_attr="0e",
        irreps_edge_attr="0e",
        irreps_node_output="1o+0e",
        max_radius=4.0,
        num_neighbors=4.0,
        num_nodes=4.0,
        mul=4,
        layers=2,
        lmax=2,
        pool_nodes=False,
    )
    return explicit_edges(network)


@pytest.fixture
def inputs(graph):
    import numpy as np

    data = graph(np.random.default_rng(0).normal(size=(10, 3)))
    keep = (data["edge_index"][0] < 5) == (data["edge_index"][1] < 5)
    return data | {
        "edge_index": data["edge_index"][:, keep],
        "edge_attr": data["edge_attr"][keep],
        "node_attr": torch.ones(10, 1),
        "batch": torch.arange(2).repeat_interleave(5),
        "num_graphs": 2,
    }


def wake(attachment):
    with torch.no_grad():
        for weight in attachment.parameters():
            weight.normal_()


@pytest.mark.parametrize("side", ["output", "input"])
def test_predictions_stay_bit_for_bit_until_trained(side, model, inputs, symmetry_set):
    before = model(inputs)
    breaker = SymmetryBreaker(symmetry_set)
    irreps = None if side == "output" else model.mp.irreps_node_sequence[1]
    attachment = attach(model, breaker, at="mp.layers.1", side=side, irreps=irreps)
    assert torch.equal(model(inputs), before)
    wake(attachment)
    with breaker.choose(torch.tensor([0, 3])):
        first = model(inputs)
    with breaker.choose(torch.tensor([1, 3])):
        second = model(inputs)
    assert not torch.allclose(first[:5], second[:5]) and torch.equal(first[5:], second[5:])


def test_one_training_step_moves_only_the_new_weights(model, inputs, symmetry_set):
    breaker = SymmetryBreaker(symmetry_set)
    before = model(inputs).detach()
    old = {name: value.clone() for name, value in model.named_parameters()}
    attachment = attach(model, breaker, at="mp.layers.0")
    trainable = [name for name, value in model.named_parameters() if value.requires_grad]
    assert trainable == ["mp.layers.0.symmetry_injection.product.weight"]
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1.0)
    with breaker.choose(torch.tensor([0, 0])):
        model(inputs)[0, 0].backward()
    assert attachment.parameters()[0].grad.abs().max() > 0
    optimiser.step()
    with breaker.choose(torch.tensor([0, 0])):
        assert not torch.allclose(model(inputs), before)
    assert all(torch.equal(value, old[name]) for name, value in model.named_parameters() if name in old)


def test_detaching_leaves_no_trace(model, inputs, symmetry_set):
    before, state = model(inputs), {k: v.clone() for k, v in model.state_dict().items()}
    model.mp.layers[0].first.lin1.weight.requires_grad_(False)
    attachments = [attach(model, SymmetryBreaker(symmetry_set, seed=k), at=f"mp.layers.{k}") for k in (0, 1)]
    for each in attachments:
        wake(each)
    with attachments[0].breaker.choose(torch.tensor([0, 0])):
        assert not torch.allclose(model(inputs), before)
    assert detach(model) is model
    assert torch.equal(model(inputs), before)
    assert model.state_dict().keys() == state.keys()
    assert not model._forward_hooks and not model._forward_pre_hooks
    frozen = [name for name, value in model.named_parameters() if not value.requires_grad]
    assert frozen == ["mp.layers.0.first.lin1.weight"]
    with pytest.raises(NetworkInputError, match="Nothing is attached"):
        detach(model)
    with pytest.raises(NetworkInputError, match="any more"):
        attachments[0].detach()


def test_layers_that_share_a_breaker_share_its_draw(model, inputs, symmetry_set):
    """One draw for each call: the outputs are those of one choice for all layers."""
    breaker = SymmetryBreaker(symmetry_set, seed=3)
    for layer in (0, 1):
        wake(attach(model, breaker, at=f"mp.layers.{layer}"))
    index = SymmetryBreaker(symmetry_set, seed=3).draw(2)
    drawn = model(inputs)
    with breaker.choose(index):
        assert torch.equal(model(inputs), drawn)


@pytest.mark.parametrize("way", ["deepcopy", "save"])
def test_copies_are_attached_in_themselves(way, model, inputs, symmetry_set):
    attachment = attach(model, SymmetryBreaker(symmetry_set), at="mp.layers.0")
    wake(attachment)
    if way == "deepcopy":
        twin = copy.deepcopy(model)
    else:
        stream = io.BytesIO()
        torch.save(model, stream)
        stream.seek(0)
        twin = torch.load(stream, weights_only=False)
    own = [module for module in twin.modules() if isinstance(module, SymmetryBreaker)]
    assert len(own) == 1 and own[0] is not attachment.breaker
    with attachment.breaker.choose(torch.tensor([0, 1])):
        expected = model(inputs)
    with own[0].choose(torch.tensor([0, 1])):
        assert torch.allclose(twin(inputs), expected, atol=1e-6)
        detach(twin)
        assert not torch.allclose(twin(inputs), expected)
    with attachment.breaker.choose(torch.tensor([0, 1])):
        assert torch.equal(model(inputs), expected)


def test_the_state_dict_carries_the_new_weights(model, inputs, symmetry_set):
    first = attach(model, SymmetryBreaker(symmetry_set), at="mp.layers.0")
    wake(first)
    twin = copy.deepcopy(model)
    detach(twin)
    second = attach(twin, SymmetryBreaker(symmetry_set), at="mp.layers.0")
    twin.load_state_dict(model.state_dict())
    with first.breaker.choose(torch.tensor([2, 2])), second.breaker.choose(torch.tensor([2, 2])):
        assert torch.equal(model(inputs), twin(inputs))


def test_attached_models_stay_equivariant(model, inputs, symmetry_set, rotations):
    model, breaker = model.double(), SymmetryBreaker(symmetry_set, dtype=torch.float64)
    data = {k: v.double() if torch.is_tensor(v) and v.is_floating_point() else v for k, v in inputs.items()}
    wake(attach(model, breaker, at="mp.layers.0"))
    turns = torch.as_tensor(rotations(2, 3))
    turned = torch.einsum("nij,nj->ni", turns[data["batch"]], data["pos"])
    # e3nn casts its float32 coupling constants: 1e-6 is what the model itself keeps.
    with breaker.choose(torch.tensor([1, 4])):
        plain = model(data)
    with breaker.choose(torch.tensor([1, 4]), rotations=turns):
        found = model(data | {"pos": turned})
    expected = torch.einsum("nij,nj->ni", turns[data["batch"]], plain[:, :3])
    assert (found[:, :3] - expected).abs().max() < 1e-5 * plain.abs().max()
    assert (found[:, 3] - plain[:, 3]).abs().max() < 1e-5 * plain.abs().max()


def test_without_a_batch_there_is_one_graph(model, inputs, symmetry_set):
    breaker = SymmetryBreaker(symmetry_set)
    wake(attach(model, breaker, at="mp.layers.0"))
    single = {k: v for k, v in inputs.items() if k not in ("batch", "num_graphs")}
    with breaker.choose(torch.tensor([2])):
        one = model(single)
    with breaker.choose(torch.tensor([2, 2])):
        assert torch.allclose(model(inputs), one, atol=1e-6)


def test_bad_attachments_leave_the_model_untouched(model, inputs, symmetry_set):
    breaker = SymmetryBreaker(symmetry_set)
    before = model(inputs)
    bad = [
        (dict(at="mp.layer.0"), r"near names are 'mp.layers.0'"),
        (dict(at=""), "no layer ''"),
        (dict(at="mp.layers"), "container.*'mp.layers.0'"),
        (dict(at="mp.layers.0.first.fc"), "container"),
        (dict(at="mp.layers.0.first.fc.layer0"), "pass irreps="),
        (dict(at="mp.layers.0", irreps="four vectors"), "e3nn notation"),
    ]
    for arguments, message in bad:
        with pytest.raises(NetworkInputError, match=message):
            attach(model, breaker, **arguments)
    with pytest.raises(NetworkInputError, match="dtype"):
        attach(model, SymmetryBreaker(symmetry_set, dtype=torch.float64), at="mp.layers.0")
    with pytest.raises(NetworkInputError, match="is on"):
        attach(model, copy.deepcopy(breaker).to("meta"), at="mp.layers.0")
    with pytest.raises(NetworkInputError, match="mode='all'"):
        attach(model, SymmetryBreaker(symmetry_set, mode="all"), at="mp.layers.0")
    assert all(p.requires_grad for p in model.parameters()) and torch.equal(model(inputs), before)
    attach(model, breaker, at="mp.layers.0")
    with pytest.raises(NetworkInputError, match="already attached"):
        attach(model, breaker, at="mp.layers.0")


def test_irreps_that_contradict_the_layer_are_refused(model, inputs, symmetry_set):
    with pytest.raises(NetworkInputError, match=r"irreps=3x0e\+1x1o was given, but .* are 4x0e\+4x1o\+4x2e"):
        attach(model, SymmetryBreaker(symmetry_set), at="mp.layers.0", irreps="3x0e+1o")
    attach(model, SymmetryBreaker(symmetry_set), at="mp.layers.0", irreps="2x0e+2x0e+4x1o+4x2e")


def test_a_part_of_the_model_called_alone_is_refused(model, inputs, symmetry_set):
    attach(model, SymmetryBreaker(symmetry_set), at="mp.layers.0")
    with pytest.raises(NetworkInputError, match="called by itself"):
        model.mp.layers[0](
            torch.ones(2, 1), torch.ones(2, 1), *torch.tensor([[0, 1], [1, 0]]), torch.ones(2, 10), torch.ones(2, 10)
        )


def test_batches_need_a_number_of_graphs(model, inputs, symmetry_set):
    breaker = SymmetryBreaker(symmetry_set)
    attach(model, breaker, at="mp.layers.0")
    unknown = {k: v for k, v in inputs.items() if k != "num_graphs"}
    with pytest.raises(NetworkInputError, match="num_graphs"):
        model(unknown)
    with breaker.choose(torch.tensor([0, 1])):
        model(unknown)


def test_an_unreachable_breaker_warns(model):
    symmetry_set = sbs.minimal_set("D12h", "C6h")
    with pytest.warns(UnreachableBreakerWarning, match="lmax=2"):
        attach(model, SymmetryBreaker(symmetry_set), at="mp.layers.0")
    detach(model)
    with pytest.warns(UnreachableBreakerWarning, match="never have an effect"):
        attach(model, SymmetryBreaker(sbs.minimal_set("Oh", "C4v")), at="mp.layers.0", side="input")
