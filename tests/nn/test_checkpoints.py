"""Copies and checkpoints of attached models, of a small host and of SevenNet, NequIP and MACE where they are installed."""

import contextlib
import copy
import io

import numpy as np
import pytest
import torch

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import SymmetryBreaker, attach, detach

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

# Of each host: two layers, the sets there, how it is attached to, dtype, and how much its sums of forces are reordered by.
PROPER = {"ignore_parity": True}
HOSTS = {
    "sevennet": (["1_equivariant_gate", "2_equivariant_gate"], [("O", "C4", "SO(3)"), ("O", "C3", "SO(3)")], PROPER, 1e-5),
    "nequip": (["model.func.layer0_convnet", "model.func.layer1_convnet"], [("Oh", "C4v"), ("Oh", "C3v")], {}, 1e-7),
    "mace": (["products.0", "interactions.1"], [("Oh", "C4v"), ("Oh", "C3v")], {}, 1e-12),
}


def attach_all(model, layers, sets, how, dtype, order, seed):
    """Attach a set to each layer, in an order; weights drawn with a seed."""
    for number in order:
        breaker = SymmetryBreaker(sbs.minimal_set(*sets[number]), dtype=dtype, seed=seed + number)
        attach(model, breaker, at=layers[number], **how).wake(0.1, seed + number)
    return model


def breakers(model):
    return sorted((each for each in model.modules() if isinstance(each, SymmetryBreaker)), key=lambda b: int(b.set.size))


def chosen(model, evaluate, numbers):
    """Energy and forces with an object of each breaker."""
    with contextlib.ExitStack() as stack:
        for breaker, number in zip(breakers(model), numbers, strict=True):
            stack.enter_context(breaker.choose(torch.tensor([number])))
        return evaluate(model)


@pytest.mark.parametrize("name", HOSTS)
def test_copies_and_checkpoints_of_hosts(name, request):
    """A copy chooses for itself; a checkpoint fits a model that was attached to in another order."""
    model, evaluate = request.getfixturevalue(name)
    layers, sets, how, noise = HOSTS[name]
    dtype = next(model.parameters()).dtype
    plain = copy.deepcopy(model)
    try:
        attach_all(model, layers, sets, how, dtype, (0, 1), seed=1)
        energy, forces = chosen(model, evaluate, (3, 2))
        twin = copy.deepcopy(model)
        for breaker in breakers(model):
            breaker.drawn = None
        again = chosen(twin, evaluate, (3, 2))
        assert abs(again[0] - energy) <= noise and np.abs(again[1] - forces).max() <= noise < np.abs(forces).max()
        assert all(breaker.drawn is None for breaker in breakers(model))
        stream = io.BytesIO()
        # Of the copy: torch.fx makes a buffer of e3nn's constants when it copies, which the model itself has not.
        torch.save(twin.state_dict(), stream)
        stream.seek(0)
        other = attach_all(plain, layers, sets, how, dtype, (1, 0), seed=7)
        off = chosen(other, evaluate, (3, 2))
        assert np.abs(off[1] - forces).max() > noise
        other.load_state_dict(torch.load(stream, weights_only=True))
        loaded = chosen(other, evaluate, (3, 2))
        assert abs(loaded[0] - energy) <= noise and np.abs(loaded[1] - forces).max() <= noise
        for one, two in zip(breakers(model), breakers(other), strict=True):
            assert torch.equal(one.draw(5), two.draw(5))
    finally:
        detach(model)


class Layers(torch.nn.Module):
    """Two layers of scalars and vectors."""

    def __init__(self, irreps="2x0e+2x1o"):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = torch.nn.Linear(1, 8), torch.nn.Linear(8, 8)
        self.irreps = irreps

    def forward(self, data):
        return self.second(torch.tanh(self.first(data["x"])))


def layered(order, sets=(("Oh", "C4v"), ("Oh", "C3v")), irreps="2x0e+2x1o", seed=1):
    how = {"irreps": irreps}
    return attach_all(Layers(), ["first", "second"], sets, how, torch.float32, order, seed)


@pytest.mark.parametrize("order", [(1, 0), (0,), (1,), ()])
def test_another_order_fits_and_fewer_attachments_are_refused(order):
    saved, other = layered((0, 1)), layered(order, seed=7)
    if len(order) < 2:
        with pytest.raises(RuntimeError, match="Unexpected key"):
            other.load_state_dict(saved.state_dict())
        return
    other.load_state_dict(saved.state_dict())
    inputs = {"x": torch.ones(2, 1)}
    for numbers in ((0, 0), (5, 7)):
        assert torch.equal(chosen(saved, lambda m: m(inputs), numbers), chosen(other, lambda m: m(inputs), numbers))


def test_weights_of_other_sets_or_features_are_refused():
    """Weights are numbers in a row: as many of them may mean something else."""
    saved = layered((0, 1)).state_dict()
    with pytest.raises(NetworkInputError, match="are not those of this breaker"):
        layered((0, 1), sets=(("Oh", "C3v"), ("Oh", "C4v"))).load_state_dict(saved)
    other = layered((0, 1), irreps="2x1o+2x0e")
    assert {name: value.shape for name, value in other.state_dict().items()} == {n: v.shape for n, v in saved.items()}
    with pytest.raises(NetworkInputError, match="weights are for features 2x0e"):
        other.load_state_dict(saved)
