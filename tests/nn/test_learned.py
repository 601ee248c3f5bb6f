"""A learned vector finds the symmetry of the data: <100>, <110> and <111> of an octahedron, by itself."""

import copy

import numpy as np
import pytest
import torch
from e3nn import o3

import sbs
from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.nn import LearnedBreaker, all_outputs, orbit_minimum_loss, turn_outputs

DIRECTIONS = {"C4v": (0, 0, 1), "C2v(C2')": (0, 1, 1), "C3v": (1, 1, 1)}
HIDDEN = "4x0e+3x1o+2x2e"


class CubicSite(torch.nn.Module):
    """Where the ion at the centre of an octahedron goes: products of the object with itself and with the cubic field."""

    def __init__(self, matrices):
        super().__init__()
        self.first = o3.FullyConnectedTensorProduct("1x0e+1x1o", "1x0e+1x1o+1x2e+1x4e", HIDDEN)
        self.last = o3.FullyConnectedTensorProduct(HIDDEN, HIDDEN, "1o")
        # The invariant of degree 4, along a generic start.
        field = sbs.representation("1x4e", matrices).mean(axis=0) @ np.arange(1.0, 10.0)
        self.register_buffer("field", torch.as_tensor(3 * field / np.linalg.norm(field)))

    def forward(self, objects):
        ones = torch.ones(len(objects), 1)
        squares = o3.spherical_harmonics(2, objects, False)
        seen = torch.cat([ones, objects, squares, self.field.expand(len(objects), -1)], dim=1)
        hidden = self.first(torch.cat([ones, objects], dim=1), seen)
        return self.last(hidden, hidden)


@pytest.mark.parametrize("target", DIRECTIONS)
def test_the_vector_finds_the_target(target, double):
    """The data show off-centre ions without a word of which symmetry is left; the right set comes out."""
    group = sbs.point_group("Oh")
    torch.manual_seed(1)
    breaker, model = LearnedBreaker(group, "1x1o", seed=1), CubicSite(group.matrices)
    wanted = torch.as_tensor(0.3 * np.array(DIRECTIONS[target]) / np.linalg.norm(DIRECTIONS[target]))[None]
    targets = turn_outputs(wanted, "1o", group.matrices)
    optimiser = torch.optim.Adam([*model.parameters(), *breaker.parameters()], lr=0.03)
    for step in range(200):
        optimiser.zero_grad()
        output = model(breaker.graph_features(1, index=torch.tensor([step % group.order])))
        loss = orbit_minimum_loss(output, targets) / 0.09
        (loss + 0.1 * breaker.asymmetry()).backward()
        optimiser.step()
    found = breaker.converged()
    assert float(loss.detach()) < 1e-3
    assert found is not None and found.target.symbol == target.partition("(")[0]
    assert found.symmetry_set.size == len(np.unique(targets.flatten(1).numpy().round(6), axis=0))
    assert found.deviation < 0.05 < found.separation and found.target.symbol in str(found)


def test_it_is_drawn_chosen_and_transported_like_any_set(make_network, graph, double):
    breaker = LearnedBreaker("D3", "1x1o+1x2e", seed=1)
    model = make_network(breaker)
    group = sbs.point_group("D3")
    positions = np.einsum("gij,oj->ogi", group.matrices, np.random.default_rng(0).normal(size=(2, 3))).reshape(-1, 3)
    data = graph(positions)
    with torch.no_grad():
        outputs = all_outputs(model, data, breaker.orbit())
        direct = torch.stack([model(data, index=torch.tensor([k])) for k in range(6)])
    assert (outputs - direct).abs().max() < 1e-10
    norms = breaker.graph_features(40).square().sum(dim=1)
    assert torch.allclose(norms, torch.full_like(norms, breaker.dim))
    breaker.graph_features(1, index=torch.tensor([4])).sum().backward()
    assert breaker.vector.grad.abs().max() > 0
    twin = LearnedBreaker("D3", "1x1o+1x2e", seed=7)
    twin.load_state_dict(copy.deepcopy(breaker.state_dict()))
    assert torch.equal(twin.objects, breaker.objects)
    with pytest.raises(NetworkInputError, match=r"breaker.orbit\(\)"):
        all_outputs(model, data, sbs.minimal_set("D3", "C1"))


def test_an_unclear_vector_is_said_to_be_on_its_way():
    breaker = LearnedBreaker("Oh", "1x1o")
    for direction, symbol in (((0.0, 0.0, 1.0), "C4v"), ((0.3, 0.9, 0.5), "C1"), ((0.06, 0.0, 1.0), None)):
        with torch.no_grad():
            breaker.vector.copy_(torch.tensor(direction))
        found = breaker.converged()
        assert (found and found.target.symbol) == symbol


def test_bad_questions_are_refused():
    with pytest.raises(InfiniteSetError, match="finite point group"):
        LearnedBreaker("Dinfh", "1x1o")
    with pytest.raises(NetworkInputError, match="no vector breaks it"):
        LearnedBreaker("O", "2x0o")
    with pytest.raises(NetworkInputError, match="e3nn notation"):
        LearnedBreaker("Oh", "vector")
