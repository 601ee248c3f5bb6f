"""On a GPU, where there is one: the same objects as on the CPU, a stream of its own, and no waiting for the device."""

import pytest
import torch

import sbs
from sbs.nn import SymmetryBreaker

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_features_are_those_of_the_cpu(rotations):
    breaker = SymmetryBreaker([sbs.minimal_set("Oh", "T"), sbs.minimal_set("Oh", "C4v")])
    choice = dict(
        index=torch.tensor([3, 1, 5]), set_index=torch.tensor([0, 0, 1]), rotations=torch.as_tensor(rotations(3))
    )
    batch = torch.tensor([0, 1, 1, 2])
    expected = breaker(batch, **choice)
    breaker = breaker.cuda()
    found = breaker(batch.cuda(), **{name: value.cuda() for name, value in choice.items()})
    assert found.is_cuda and torch.allclose(found.cpu(), expected, atol=1e-6)


def test_drawing_repeats_and_leaves_the_global_generator_alone():
    before = torch.cuda.get_rng_state()
    draws = [SymmetryBreaker(sbs.minimal_set("Oh", "C1"), seed=3).cuda().draw(1000) for _ in range(2)]
    assert torch.equal(*draws) and torch.equal(before, torch.cuda.get_rng_state())


def test_networks_agree_with_the_cpu(make_network, graph, orbit_molecule):
    breaker = SymmetryBreaker(sbs.minimal_set("Oh", "C4v"), mode="index")
    model = make_network(breaker)
    data = graph(orbit_molecule(sbs.point_group("D3").matrices))
    expected = model(data, index=torch.tensor([2]))
    found = model.cuda()({name: value.cuda() for name, value in data.items()}, index=torch.tensor([2]).cuda())
    assert torch.allclose(found.cpu(), expected, rtol=1e-3, atol=1e-4)


def test_the_host_never_waits(rotations):
    breaker = SymmetryBreaker([sbs.minimal_set("Oh", "C4v"), sbs.minimal_set("C4h", "C1")]).cuda()
    batch, which = torch.tensor([0, 1, 1]).cuda(), torch.tensor([0, 1]).cuda()
    turns = torch.as_tensor(rotations(2)).cuda()
    breaker(batch, 2, set_index=which, rotations=turns)
    torch.cuda.set_sync_debug_mode("error")
    try:
        breaker(batch, 2, set_index=which, rotations=turns)
    finally:
        torch.cuda.set_sync_debug_mode("default")
