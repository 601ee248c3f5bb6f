"""What would give other numbers without a word: graphs that share an object, sites that differ, turned input, unasked draws."""

import copy
import warnings

import e3nn
import numpy as np
import pytest
import torch
from e3nn import o3
from torch.utils.checkpoint import checkpoint

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import (
    BreakingModel,
    OrientationWarning,
    SymmetryBreaker,
    all_outputs,
    attach,
    detach,
    effect,
    one_graph,
    orbit_minimum_loss,
    orbit_targets,
    site_permutations,
)

HIDDEN = "4x0e+4x1o"


class Positional(torch.nn.Module):
    """Called with tensors by position; ``repeat`` runs the second layer again in the backward pass."""

    def __init__(self, repeat=False):
        super().__init__()
        self.first = o3.Linear("4x0e", HIDDEN)
        self.second = o3.FullyConnectedTensorProduct(HIDDEN, "0e+1o", HIDDEN)
        self.last = o3.Linear(HIDDEN, "1o+0e")
        self.repeat = repeat

    def forward(self, species, pos, edge_index, batch):
        edges = o3.spherical_harmonics("0e+1o", pos, True)
        hidden = self.first(species)
        if self.repeat:
            hidden = checkpoint(self.second, hidden, edges, use_reentrant=self.repeat == "reentrant")
        else:
            hidden = self.second(hidden, edges)
        return self.last(hidden)


def positional_inputs(graphs=2, nodes=3):
    generator = torch.Generator().manual_seed(2)
    return (
        torch.ones(graphs * nodes, 4),
        torch.randn(graphs * nodes, 3, generator=generator),
        torch.zeros(2, 0, dtype=torch.int64),
        torch.arange(graphs).repeat_interleave(nodes),
    )


@pytest.fixture
def symmetry_set():
    return sbs.minimal_set("Oh", "C4v")


def attached(symmetry_set, model=None, at="second", **how):
    model = Positional() if model is None else model
    attachment = attach(model, SymmetryBreaker(symmetry_set), at=at, freeze=False, **how)
    attachment.wake(1.0)
    return model, attachment


# --- one object for several graphs -------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
def test_a_batch_given_by_position_is_found(symmetry_set):
    model, attachment = attached(symmetry_set)
    inputs = positional_inputs()
    with attachment.breaker.choose(torch.tensor([0, 3])):
        both = model(*inputs)
    for graph, index in enumerate((0, 3)):
        own = slice(3 * graph, 3 * graph + 3)
        with attachment.breaker.choose(torch.tensor([index])):
            alone = model(inputs[0][own], inputs[1][own], inputs[2], torch.zeros(3, dtype=torch.int64))
        assert torch.allclose(both[own], alone, atol=1e-6)


def test_graphs_that_cannot_be_told_are_refused(symmetry_set):
    class Unnamed(Positional):
        def forward(self, *tensors):
            return super().forward(*tensors)

    model, attachment = attached(symmetry_set, Unnamed())
    with pytest.raises(NetworkInputError, match="no 'batch'"):
        model(*positional_inputs())
    with attachment.breaker.choose(torch.tensor([0, 1])), pytest.raises(NetworkInputError, match="no 'batch'"):
        model(*positional_inputs())
    detach(model)
    attach(model, SymmetryBreaker(symmetry_set), at="second", graphs=lambda args, kwargs: (args[3], 2))
    model(*positional_inputs())
    detach(model)
    attach(model, SymmetryBreaker(symmetry_set), at="second", graphs=one_graph)
    model(*positional_inputs(1))


def test_a_dictionary_of_several_graphs_without_batch_is_refused(symmetry_set):
    class Mapped(Positional):
        def forward(self, data):
            return super().forward(data["x"], data["pos"], None, None)

    model, _ = attached(symmetry_set, Mapped())
    data = dict(zip(("x", "pos"), positional_inputs(), strict=False))
    with pytest.raises(NetworkInputError, match="The input has 2 graphs"):
        model({**data, "ptr": torch.tensor([0, 3, 6])})


def test_built_models_need_to_know_the_graphs_too(symmetry_set):
    class Host(torch.nn.Module):
        def forward(self, nodes, attributes):
            return attributes

    model = BreakingModel(Host(), SymmetryBreaker(symmetry_set, mode="index"), 1, "0e")
    nodes = torch.ones(4, 1)
    with pytest.raises(NetworkInputError, match="Which node is of which graph"):
        model(nodes, nodes)
    assert model(nodes, nodes, index=torch.tensor([2])).shape == (4, 4)
    with pytest.raises(NetworkInputError, match="2 graphs, but no 'batch'"):
        model(nodes, nodes, index=torch.tensor([2, 3]))
    found = model(nodes, nodes, index=torch.tensor([2, 3]), batch=torch.tensor([0, 0, 1, 1]))
    assert not torch.equal(found[0], found[2])


# --- everything the network sees ---------------------------------------------------------------------------------


def octahedron():
    return 1.9 * np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])


@pytest.mark.parametrize("field", ["node_input", "node_attr", "node_attrs", "x", "z", "atom_types"])
def test_one_other_ligand_is_seen_in_any_field(field, symmetry_set, double):
    """Six equal ligands but for one: not O_h, whatever the field is called that says so."""
    ligands = torch.eye(3)[[0, 1, 1, 2, 1, 1, 1]]
    data = {"pos": torch.as_tensor(octahedron()), field: ligands}
    with pytest.raises(NetworkInputError, match=field):
        all_outputs(lambda inputs, k: torch.zeros(7, 3), data, symmetry_set, irreps_out="1o")
    equal = data | {field: torch.eye(3)[[0, 1, 1, 1, 1, 1, 1]]}
    all_outputs(lambda inputs, k: torch.zeros(7, 3), equal, symmetry_set, irreps_out="1o", check=False)


def test_vectors_of_the_input_are_compared_by_their_lengths(symmetry_set, double):
    """A field that is symmetric as a whole: each ligand's vector points outwards."""
    from sbs.nn.host.equal import site_labels

    values = torch.cat([torch.ones(7, 1), torch.as_tensor(octahedron())], dim=1)
    labels = site_labels({"pos": values[:, 1:], "node_input": values}, 7, {"node_input": o3.Irreps("0e+1o")})["node_input"]
    assert len(set(labels.tolist())) == 2 and (labels[1:] == labels[1]).all()


def test_what_no_site_shows_is_seen_by_one_more_output(make_network, graph, symmetry_set, double):
    model = make_network(SymmetryBreaker(symmetry_set, mode="index"))
    data = graph(octahedron(), 3.0)
    all_outputs(model, data, symmetry_set)
    cut = (data["edge_index"] != 3).all(dim=0) | (data["edge_index"] == 0).any(dim=0)
    broken = data | {"edge_index": data["edge_index"][:, cut], "edge_attr": data["edge_attr"][cut]}
    with pytest.raises(NetworkInputError, match="has not this symmetry"):
        all_outputs(model, broken, symmetry_set)
    assert all_outputs(model, broken, symmetry_set, check=False).shape == (6, 7, 3)


def test_outputs_that_vanish_by_symmetry_are_not_complained_of(symmetry_set):
    """Rounding alone has no symmetry."""
    generator = torch.Generator().manual_seed(0)
    noise = 1e-7 * torch.randn(6, 7, 3, generator=generator)
    data = {"pos": torch.as_tensor(octahedron())}
    all_outputs(lambda inputs, k: noise[k], data, symmetry_set, irreps_out="1o")


def test_a_crystal_without_its_cell_is_not_taken_for_a_molecule(symmetry_set):
    """SevenNet's graphs for inference have a volume but no cell."""
    data = {"pos": torch.zeros(1, 3), "cell_volume": torch.tensor(64.0)}
    with pytest.raises(NetworkInputError, match="with_shift=True"):
        all_outputs(lambda inputs, k: torch.zeros(1, 3), data, symmetry_set, irreps_out="1o")


# --- orientation ---------------------------------------------------------------------------------------------------


def test_a_turned_input_is_noticed(make_network, graph, rotations, symmetry_set, double):
    turn = rotations(1, 5)[0]
    data = graph(octahedron() @ turn.T, 3.0)
    turns = torch.as_tensor(turn)[None]
    index = torch.tensor([0])
    with pytest.warns(OrientationWarning, match="give rotations="):
        make_network(SymmetryBreaker(symmetry_set, mode="index"))(data, index=index)
    with pytest.warns(OrientationWarning, match="transpose"):
        make_network(SymmetryBreaker(symmetry_set, mode="index"))(data, index=index, rotations=turns.transpose(1, 2))
    model = make_network(SymmetryBreaker(symmetry_set, mode="index"))
    model(data, index=index, rotations=turns)
    with pytest.raises(NetworkInputError, match="transpose of the rotation"):
        all_outputs(model, data, symmetry_set, rotation=turn.T)


# --- unasked draws -------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
def test_in_evaluation_nothing_is_drawn_unasked(symmetry_set):
    model, attachment = attached(symmetry_set)
    inputs = positional_inputs()
    outputs = graphs_known(model, inputs)
    assert outputs.shape == (6, 4)
    model.eval()
    with pytest.raises(NetworkInputError, match="In evaluation no object is drawn unasked"):
        graphs_known(model, inputs)
    with attachment.breaker.choose(draw=True):
        graphs_known(model, inputs)
    with attachment.breaker.choose(torch.tensor([0, 0])):
        assert torch.equal(model(*inputs), model(*inputs))
    infinite = SymmetryBreaker(sbs.minimal_set("C3", "C1")).eval()
    with pytest.raises(NetworkInputError, match="unasked"):
        infinite.graph_features(1)


def graphs_known(model, inputs):
    """Call with the number of graphs known."""
    call = model._symmetry_call
    call.graphs = lambda args, kwargs: (args[3], 2)
    return model(*inputs)


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
def test_choosing_on_a_copy_acts_on_the_copy(symmetry_set):
    model, attachment = attached(symmetry_set)
    inputs = positional_inputs()
    with attachment.breaker.choose(torch.tensor([0, 0])):
        expected = model(*inputs)
        twin = copy.deepcopy(attachment)
        with twin.breaker.choose(torch.tensor([4, 4])):
            other = twin.model(*inputs)
        assert torch.equal(model(*inputs), expected) and not torch.allclose(other, expected)
    with attachment.breaker.choose(torch.tensor([4, 4])):
        assert torch.allclose(model(*inputs), other, atol=1e-6)


def test_a_checkpoint_continues_the_stream(symmetry_set):
    breaker = SymmetryBreaker(symmetry_set, seed=4)
    breaker.draw(7)
    state = copy.deepcopy(breaker.state_dict())
    expected = breaker.draw(50)
    again = SymmetryBreaker(symmetry_set, seed=0)
    again.load_state_dict(state)
    assert torch.equal(again.draw(50), expected) and again.stream.seed == 4


@pytest.mark.filterwarnings("ignore")
def test_an_export_does_not_draw(symmetry_set):
    breaker = SymmetryBreaker(symmetry_set)
    batch = torch.tensor([0, 0, 1])
    with pytest.raises(Exception, match="exported program cannot draw"):
        torch.export.export(breaker, (batch, 2), strict=False)
    program = torch.export.export(breaker, (batch, 2), {"index": torch.tensor([1, 5])}, strict=False)
    assert torch.equal(
        program.module()(batch, 2, index=torch.tensor([1, 5])), breaker(batch, 2, index=torch.tensor([1, 5]))
    )


# --- a parity that is not there --------------------------------------------------------------------------------------


def test_a_host_without_parity_gets_no_set_with_parity(symmetry_set):
    for wrong in (symmetry_set, sbs.minimal_set("O", "C4"), sbs.minimal_set("O", "C4", ambient="Oh")):
        with pytest.raises(NetworkInputError, match=r"ambient=\"SO\(3\)\""):
            attach(Positional(), SymmetryBreaker(wrong), at="second", ignore_parity=True)
    for right in (sbs.minimal_set("O", "C4", ambient="SO(3)"), sbs.minimal_set("D4", "C4", ambient="O")):
        attach(Positional(), SymmetryBreaker(right), at="second", ignore_parity=True)


# --- training ----------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
def test_autocast_works_where_the_host_does(symmetry_set, make_network, graph):
    class Cast(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Linear(4, 16)
            self.first.irreps_out = o3.Irreps(HIDDEN)
            self.last = torch.nn.Linear(16, 3)

        def forward(self, x, batch=None):
            return self.last(self.first(x))

    model, attachment = attached(symmetry_set, Cast(), at="first")
    x = torch.ones(3, 4)
    with attachment.breaker.choose(torch.tensor([1])):
        expected = model(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(x)
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).abs().max() < 0.03 * expected.abs().max()
    found.float().square().sum().backward()
    assert attachment.parameters()[0].grad.isfinite().all()

    class Host(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 3)

        def forward(self, nodes):
            return self.layer(nodes)

    built = BreakingModel(Host(), SymmetryBreaker(symmetry_set, mode="index"), 0, "0e")
    inner = torch.nn.Linear(1, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert built(inner(torch.ones(3, 1)), index=torch.tensor([2])).shape == (3, 3)


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
@pytest.mark.parametrize("repeat", ["reentrant", "not reentrant"])
def test_activation_checkpointing_sees_the_same_objects(repeat, symmetry_set):
    model, attachment = attached(symmetry_set, Positional(repeat=repeat))
    inputs = positional_inputs()
    reference = copy.deepcopy(model)
    reference.repeat = False
    for each in (model, reference):
        graphs_known(each, inputs).square().sum().backward()
    for found, wanted in zip(model.parameters(), reference.parameters(), strict=True):
        assert torch.allclose(found.grad, wanted.grad, atol=1e-5)
    first, second = model(*inputs), model(*inputs)
    with pytest.raises(NetworkInputError, match="wait for their backward pass"):
        (first.sum() + second.sum()).backward()
    del first, second
    with attachment.breaker.choose(torch.tensor([1, 2])):
        (model(*inputs).sum() + model(*inputs).sum()).backward()


@pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning")
def test_a_checkpointed_model_as_a_whole(symmetry_set, make_network, graph):
    model, attachment = attached(symmetry_set)
    inputs = positional_inputs()
    graphs_known(model, inputs)
    state = copy.deepcopy(attachment.breaker.stream)
    model.zero_grad()
    model(*inputs).square().sum().backward()
    expected = attachment.parameters()[0].grad.clone()
    attachment.breaker.stream = state
    model.zero_grad()
    checkpoint(model, *inputs, use_reentrant=False).square().sum().backward()
    assert torch.allclose(attachment.parameters()[0].grad, expected, atol=1e-5)
    built = make_network(SymmetryBreaker(symmetry_set))
    data = graph(octahedron(), 3.0)
    with pytest.raises(NetworkInputError, match="would draw another object"):
        checkpoint(built, data, use_reentrant=False).sum().backward()


def test_a_compiled_model_takes_any_number_of_graphs(symmetry_set):
    from torch import _dynamo

    class Mapped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = torch.nn.Linear(4, 16)
            self.last = torch.nn.Linear(16, 3)

        def forward(self, data):
            return self.last(self.first(data["x"]))

    model = Mapped()
    before = e3nn.get_optimization_defaults()
    e3nn.set_optimization_defaults(optimize_einsums=True)
    attach(model, SymmetryBreaker(symmetry_set), at="first", irreps=HIDDEN)
    e3nn.set_optimization_defaults(**before)
    _dynamo.reset()
    compiled = []

    def backend(module, example):
        compiled.append(module)
        return module

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fast = torch.compile(model, backend=backend, dynamic=True, fullgraph=True)
        for graphs in range(2, 13):
            batch = torch.arange(graphs).repeat_interleave(3)
            fast({"x": torch.ones(3 * graphs, 4), "batch": batch, "num_graphs": graphs})
    _dynamo.reset()
    assert len(compiled) <= 3


def test_one_attachment_thaws_nothing_that_another_freezes(symmetry_set):
    model = Positional()
    model.last.weight.requires_grad_(False)
    first = attach(model, SymmetryBreaker(symmetry_set), at="second")
    second = attach(model, SymmetryBreaker(symmetry_set, seed=1), at="first", irreps=HIDDEN)
    first.detach()
    assert [name for name, each in model.named_parameters() if each.requires_grad] == [
        "first.symmetry_injection.product.weight"
    ]
    second.detach()
    assert [name for name, each in model.named_parameters() if not each.requires_grad] == ["last.weight"]


def test_the_orbit_minimum_is_left_at_the_start(symmetry_set, double):
    """At the symmetric output every target is equally near: the mean of their pulls is zero, one of them is not."""
    group = symmetry_set.group.matrices
    moves = site_permutations(octahedron(), group)
    target = torch.zeros(7, 3)
    target[0, 2] = 0.3
    targets = orbit_targets(symmetry_set, target, "1o", moves)
    start = torch.zeros(6, 7, 3, requires_grad=True)
    orbit_minimum_loss(start, targets).backward()
    pulls = -start.grad[:, 0]
    assert (pulls.norm(dim=1) > 1e-3).all()
    # Each object is pulled to a target of its own.
    assert len(np.unique(pulls.numpy().round(6), axis=0)) == 6


def test_effect_asks_for_its_draws(make_network, orbit_molecule, graph):
    breaker = SymmetryBreaker(sbs.minimal_set("C3", "C1"))
    model = make_network(breaker, lmax=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OrientationWarning)
        assert effect(model, breaker, graph(orbit_molecule(sbs.point_group("C3").matrices)))
