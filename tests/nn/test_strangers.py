"""Calls as strangers make them: graphs under other names, models in evaluation, fields of any name, half precision."""

import threading
import warnings
from enum import Enum

import numpy as np
import pytest
import torch
from e3nn import nn as e3nn_nn
from e3nn import o3
from test_silent import HIDDEN, Positional, attached, octahedron, positional_inputs

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import (
    BreakingModel,
    LearnedBreaker,
    OrientationWarning,
    SymmetryBreaker,
    all_outputs,
    attach,
    detach,
    effect,
    one_graph,
)
from sbs.nn.host.equal import site_labels
from sbs.nn.products import PRODUCTS


@pytest.fixture
def symmetry_set():
    return sbs.minimal_set("Oh", "C4v")


class Mapped(Positional):
    """Called with a mapping, and whatever else."""

    def forward(self, data, *more):
        return super().forward(data["x"], data["pos"], None, None)


def mapped_inputs():
    return dict(zip(("x", "pos"), positional_inputs(), strict=False))


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
@pytest.mark.parametrize("name", ["batch_index", "batch_idx", "node_batch", "segment_ids"])
def test_the_graphs_are_found_under_other_names(name, symmetry_set):
    numbers = positional_inputs()[3]
    model, attachment = attached(symmetry_set, Mapped())
    with attachment.breaker.choose(torch.tensor([0, 3])):
        expected = model(mapped_inputs() | {"batch": numbers})
        assert torch.equal(model(mapped_inputs() | {name: numbers}), expected)
    assert not torch.allclose(expected[:3], expected[3:], atol=1e-3)


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
@pytest.mark.parametrize("kind", ["list", "array", "counts", "pointer", "second argument", "sequence"])
def test_graphs_said_otherwise_are_refused_not_taken_for_one(kind, symmetry_set):
    """Each of these gave one object to both graphs."""
    numbers = positional_inputs()[3]
    data = mapped_inputs()
    arguments = {
        "list": (data | {"batch": numbers.tolist()},),
        "array": (data | {"batch": numbers.numpy()},),
        "counts": (data | {"natoms": torch.tensor([3, 3])},),
        "pointer": (data | {"ptr": [0, 3, 6]},),
        "second argument": (data, numbers),
        "sequence": (data, [numbers]),
    }[kind]
    model, attachment = attached(symmetry_set, Mapped())
    with pytest.raises(NetworkInputError, match=r"torch\.Tensor|2 graphs"), attachment.breaker.choose(torch.tensor([1])):
        model(*arguments)
    detach(model)
    attach(model, SymmetryBreaker(symmetry_set), at="second", graphs=one_graph)
    model(*arguments)
    detach(model)
    attach(model, SymmetryBreaker(symmetry_set), at="second", graphs=lambda args, kwargs: 2)
    with pytest.raises(NetworkInputError, match="attach graphs= returned 2"):
        model(*arguments)


def test_ends_of_edges_are_not_taken_for_graphs(symmetry_set):
    """Sorted, they number the nodes 0, 0, 1, 1, ... as graphs do."""

    class Edges(Positional):
        def forward(self, x, edge_src, edge_dst, edge_attr):
            return self.last(self.second(self.first(x), edge_attr[: len(x)]))

    model, attachment = attached(symmetry_set, Edges())
    source, target = torch.tensor([(i, j) for i in range(4) for j in range(4) if i != j]).T
    with attachment.breaker.choose(torch.tensor([2])):
        assert model(torch.ones(4, 4), source, target, torch.ones(12, 4)).shape == (4, 4)


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
@pytest.mark.parametrize("built", [False, True])
def test_a_model_in_evaluation_stays_in_evaluation(built, symmetry_set):
    """A calculator's model is in evaluation when a breaker is attached to it: it drew at every call."""

    class Host(torch.nn.Module):
        def forward(self, data):
            return data["x"]

    if built:
        model = BreakingModel(Host().eval(), SymmetryBreaker(symmetry_set), "x", "4x0e")
    else:
        model, _ = attached(symmetry_set, Mapped().eval())
    with pytest.raises(NetworkInputError, match="unasked"):
        model({"x": torch.ones(3, 4), "pos": torch.zeros(3, 3)})
    model.train()({"x": torch.ones(3, 4), "pos": torch.zeros(3, 3)})


def test_two_breakers_draw_independently(symmetry_set):
    """With one seed each object of the first went with one or two of the second: pairs that S does not leave alone."""
    model = Mapped()
    first, second = SymmetryBreaker(symmetry_set), SymmetryBreaker(sbs.minimal_set("Oh", "C3v"))
    attach(model, first, at="first", irreps=HIDDEN)
    with pytest.raises(NetworkInputError, match="another seed="):
        attach(model, second, at="second")
    attach(model, SymmetryBreaker(second.sets, seed=5), at="second")
    detach(model)
    attach(model, SymmetryBreaker(symmetry_set, mode="index"), at="first", irreps=HIDDEN)
    attach(model, SymmetryBreaker(second.sets, mode="index"), at="second")


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
def test_rows_that_are_no_nodes_are_refused(symmetry_set):
    class Pooled(Positional):
        def forward(self, x, batch):
            hidden = self.first(x)
            return self.second(hidden.new_zeros(2, 16).index_add(0, batch, hidden), torch.ones(2, 4))

    model, attachment = attached(symmetry_set, Pooled())
    attachment.detach()
    attachment = attach(model, SymmetryBreaker(symmetry_set), at="second")
    inputs = positional_inputs()
    with pytest.raises(NetworkInputError, match="2 rows, but 'batch' numbers 6"), attachment.breaker.choose(torch.tensor([0, 1])):
        model(inputs[0], inputs[3])


class Energies(Positional):
    """Forces from an energy, as potentials have them."""

    irreps_out = o3.Irreps("1o")

    def forward(self, data):
        positions = data["pos"].detach().requires_grad_()
        source, target = data["edge_index"]
        edges = o3.spherical_harmonics("0e+1o", positions[source] - positions[target], False)
        hidden = self.second(self.first(data["x"])[source], edges)
        energy = self.last(hidden)[:, 3].square().sum() + self.last(hidden)[:, :3].sum(dim=0).square().sum()
        return -torch.autograd.grad(energy, positions, create_graph=self.training)[0]


def test_models_that_differentiate_have_all_outputs_and_an_effect(symmetry_set, graph, double):
    model = Energies()
    attachment = attach(model, SymmetryBreaker(symmetry_set), at="first", irreps=HIDDEN, freeze=False)
    attachment.wake(1.0)
    data = graph(octahedron(), 3.0) | {"x": torch.ones(7, 4)}
    assert all_outputs(model, data, symmetry_set).shape == (6, 7, 3)
    assert effect(model, attachment.breaker, data).verdict == "active"


class Weighted(torch.nn.Module):
    """A network on edges that sees a number of each site and of each edge."""

    irreps_out = o3.Irreps("1o")

    def __init__(self):
        super().__init__()
        self.first = o3.FullyConnectedTensorProduct("0e", "0e+1o+2e", HIDDEN)
        self.second = o3.FullyConnectedTensorProduct(HIDDEN, "0e+1o+2e", HIDDEN)
        self.last = o3.Linear(HIDDEN, "1o")

    def forward(self, data):
        source, target = data["edge_index"]
        vectors = data["pos"][source] - data["pos"][target]
        edges = o3.spherical_harmonics("0e+1o+2e", vectors, True) * torch.exp(-vectors.norm(dim=1, keepdim=True))
        edges = edges * data.get("bond_order", torch.ones(len(source)))[:, None]
        masses = data.get("masses", torch.ones(len(data["pos"]))).to(edges)[:, None]
        hidden = torch.zeros(len(masses), 16).index_add(0, target, self.first(masses[source], edges))
        hidden = hidden + torch.zeros_like(hidden).index_add(0, target, self.second(hidden[source], edges))
        return self.last(hidden)


@pytest.mark.parametrize("what", ["masses", "whole masses", "rough masses", "bond_order", "edges"])
def test_a_symmetry_that_one_more_output_does_not_miss_is_missed_by_another(what, symmetry_set, graph, double):
    """Three ligands that differ: the three-fold axis is left that brings about the object whose output is compared first."""
    model = Weighted()
    attach(model, SymmetryBreaker(symmetry_set), at="first", freeze=False).wake(1.0)
    data = graph(octahedron())
    source, target = data["edge_index"]
    ends = torch.tensor([1, 3, 5])
    masses = torch.ones(7)
    masses[ends] = 2.0
    short = (torch.isin(source, ends) & (target == 0)) | (torch.isin(target, ends) & (source == 0))
    if what == "edges":
        broken = data | {"edge_index": data["edge_index"][:, ~short], "edge_attr": data["edge_attr"][~short]}
    elif what == "bond_order":
        broken = data | {what: 1.0 + short.to(torch.float64)}
    else:
        dtype = {"whole masses": torch.int64, "rough masses": torch.bfloat16}.get(what, torch.float64)
        broken = data | {"masses": masses.to(dtype)}
    with pytest.raises(NetworkInputError, match="has not this symmetry"):
        all_outputs(model, broken, symmetry_set)
    # What the network does not see, and vectors that turn with the sites, are no reason to refuse.
    all_outputs(model, data | {"unseen": masses, "velocities": torch.as_tensor(octahedron())}, symmetry_set)


def test_features_that_differ_by_rounding_are_equal():
    """Rounded to a grid, values near one of its borders were told apart."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        rows = torch.randn(2, 64, generator=generator)[[0, 1, 1, 1, 1, 1, 1]]
        noisy = rows * (1 + 1e-7 * torch.randn(rows.shape, generator=generator))
        labels = site_labels({"node_attrs": noisy}, 7)["node_attrs"]
        assert (labels[1:] == labels[1]).all() and labels[0] != labels[1]
    undefined = torch.tensor([[1.0], [float("nan")], [float("nan")], [float("inf")], [float("inf")]])
    assert site_labels({"x": undefined}, 5)["x"].tolist() == [0, 2, 2, 1, 1]


def test_a_turned_input_is_noticed_whenever_it_comes(make_network, graph, rotations, symmetry_set, double):
    """Not in the first call alone; and once, not in every call."""
    model = make_network(SymmetryBreaker(symmetry_set, mode="index"))
    turned = graph(octahedron() @ rotations(1, 5)[0].T, 3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(graph(octahedron(), 3.0), index=torch.tensor([0]))
        model(graph(octahedron() + 1.0, 3.0), index=torch.tensor([0]))
    with pytest.warns(OrientationWarning, match="give rotations="):
        model(turned, index=torch.tensor([0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(turned, index=torch.tensor([0]))


def test_a_turned_linear_molecule_is_noticed(make_network, graph):
    line = np.array([[0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]])
    model = make_network(SymmetryBreaker(sbs.minimal_set("Dinfh", "C2v(C2)")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(graph(line))
    with pytest.warns(OrientationWarning, match="not symmetric under Dinfh"):
        model(graph(line[:, [2, 0, 1]]))


@pytest.mark.parametrize("module", ["BatchNorm", "Dropout", "text"])
def test_irreps_that_contradict_a_module_are_refused(module, symmetry_set):
    layer = torch.nn.Identity()
    if module == "text":
        layer.irreps_out = HIDDEN
    else:
        layer = e3nn_nn.BatchNorm(HIDDEN) if module == "BatchNorm" else e3nn_nn.Dropout(HIDDEN, 0.1)
    model = torch.nn.Sequential(layer)
    with pytest.raises(NetworkInputError, match="but the features"):
        attach(model, SymmetryBreaker(symmetry_set), at="0", irreps="16x0e")
    assert attach(model, SymmetryBreaker(symmetry_set), at="0").site.irreps == o3.Irreps(HIDDEN)


def test_another_layout_is_refused_wherever_it_is_told(symmetry_set):
    layout = Enum("Layout", ["mul_ir", "ir_mul"])
    for value in ("ir_mul", layout.ir_mul):
        layer = torch.nn.Identity()
        layer.layout_out = value
        with pytest.raises(NetworkInputError, match="ir_mul"):
            attach(torch.nn.Sequential(layer), SymmetryBreaker(symmetry_set), at="0", irreps=HIDDEN)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_work_under_autocast_and_in_half_precision(name, dtype):
    irreps = "4x0e+4x1o+4x2e"
    product, layer = PRODUCTS[name](irreps, irreps), torch.nn.Linear(36, 36)
    x, y = torch.randn(2, 5, 36)
    expected = product(layer(x), layer(y))
    with torch.autocast("cpu", dtype=dtype):
        found = product(layer(x), layer(y))
    assert found.dtype == dtype
    assert (found.float() - expected).abs().max() < 0.05 * expected.abs().max()
    found.float().square().sum().backward()
    assert layer.weight.grad.isfinite().all()
    halved = product.to(dtype)(x.to(dtype), y.to(dtype))
    expected = product.float()(x, y)
    assert halved.dtype == dtype and (halved.float() - expected).abs().max() < 0.1 * expected.abs().max()


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
def test_models_are_transformed_by_torch_func(symmetry_set):
    model, attachment = attached(symmetry_set)
    x, positions, edges, _ = positional_inputs(1)
    batch = torch.zeros(3, dtype=torch.int64)
    with attachment.breaker.choose(torch.tensor([2])):
        found = torch.func.jacrev(lambda moved: model(x, moved, edges, batch))(positions)
        expected = torch.autograd.functional.jacobian(lambda moved: model(x, moved, edges, batch), positions)
        many = torch.func.vmap(lambda moved: model(x, moved, edges, batch))(torch.stack([positions, 2 * positions]))
        assert torch.allclose(many[1], model(x, 2 * positions, edges, batch), atol=1e-5)
    assert torch.allclose(found, expected, atol=1e-5)


def test_numbers_of_a_breaker_survive_an_empty_device():
    """``to_empty`` fills buffers with whatever is there; those that follow from the sets are known."""
    breaker = SymmetryBreaker([sbs.minimal_set("C3", "C1"), sbs.minimal_set("Oh", "D3d")])
    expected = {name: values.clone() for name, values in breaker.named_buffers()}
    breaker.to("meta").to_empty(device="cpu")
    for name, values in breaker.named_buffers():
        assert torch.equal(values, expected[name]), name


@pytest.mark.parametrize("name", [name for name in PRODUCTS if name != "clebsch-gordan-e3nn"])
def test_tables_of_products_survive_an_empty_device(name):
    product, x = PRODUCTS[name]("2x0e+2x1o", "2x0e+2x1o"), torch.randn(3, 8)
    expected = product(x, x)
    assert torch.equal(product.to("meta").to_empty(device="cpu")(x, x), expected)


def test_breakers_are_laid_out_on_meta():
    """As large models are: built without memory, then filled from a checkpoint."""
    several = [sbs.minimal_set("C3", "C1"), sbs.minimal_set("Oh", "D4h")]
    for make in (lambda: SymmetryBreaker(several), lambda: LearnedBreaker("Oh", "1x1o+1x2e", seed=4)):
        with torch.device("meta"):
            twin = make()
        breaker = make()
        twin.to_empty(device="cpu").load_state_dict(breaker.state_dict())
        for (name, found), wanted in zip(twin.named_buffers(), breaker.buffers(), strict=True):
            assert torch.equal(found, wanted), name
        assert torch.equal(twin.objects, breaker.objects)


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
def test_calls_in_several_threads_are_refused_not_mixed(symmetry_set):
    """One graph's call took the object of another call."""
    model, _ = attached(symmetry_set, Mapped())
    waits, entered, errors = threading.Event(), threading.Event(), []

    def hold(*_):
        entered.set()
        waits.wait(10)

    handle = model.first.register_forward_pre_hook(hold)
    data = {"x": torch.ones(3, 4), "pos": torch.zeros(3, 3)}
    first = threading.Thread(target=model, args=(data,))
    first.start()
    assert entered.wait(10)
    handle.remove()
    try:
        model(data)
    except NetworkInputError as error:
        errors.append(str(error))
    waits.set()
    first.join()
    assert errors and "another thread" in errors[0]
    model(data)
