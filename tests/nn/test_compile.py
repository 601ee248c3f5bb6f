"""torch.compile of a whole network with a breaker; compiling takes minutes, hence slow."""

import pytest
import torch

import sbs
from sbs.nn import SymmetryBreaker


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_network_gives_the_same_numbers(make_network, graph, orbit_molecule, rotations):
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    breaker = SymmetryBreaker(symmetry_set, seed=4)
    model = make_network(breaker, layers=1, lmax=1, mul=2)
    data = graph(orbit_molecule(sbs.point_group("D3").matrices))
    turns = torch.as_tensor(rotations(1), dtype=torch.float32)
    index = torch.tensor([2])
    expected = model(data, index=index, rotations=turns)
    drawn = model(data, num_graphs=1)
    compiled = torch.compile(model)
    assert torch.allclose(compiled(data, index=index, rotations=turns), expected, atol=1e-5)
    breaker.stream.reseed(4)
    assert torch.allclose(compiled(data, num_graphs=1), drawn, atol=1e-5)
    loss = compiled(data, index=index, rotations=turns).square().sum()
    gradients = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    reference = model(data, index=index, rotations=turns).square().sum()
    for found, wanted in zip(
        gradients, torch.autograd.grad(reference, list(model.parameters()), allow_unused=True), strict=True
    ):
        assert (found is None) == (wanted is None)
        if found is not None:
            assert torch.allclose(found, wanted, atol=1e-4 * float(wanted.abs().max()) + 1e-6)
