"""Objects on the sites of a crystal: octahedral tilts of SrTiO3 as node features, in any order of nodes, mixed with others."""

import numpy as np
import pytest
import torch
from e3nn import o3

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import (
    SymmetryBreaker,
    all_outputs,
    attach,
    effect,
    fix,
    matching_objects,
    one_graph,
    orbit_targets,
    turn_outputs,
)

CELL = 3.9


@pytest.fixture(scope="module")
def crystal():
    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    return sbs.detect((CELL * np.eye(3), sites, [38, 22, 8, 8, 8]), supercell=2)


@pytest.fixture(scope="module")
def tilts(crystal):
    """The tilts of most perovskites: Pnma, 24 states."""
    return sbs.minimal_set(crystal, "R4+|M3+ (a,a,0|0,0,b)")


class Periodic(torch.nn.Module):
    """One round of messages to all neighbours within a radius, in the crystal."""

    def __init__(self, crystal):
        super().__init__()
        structure = crystal.structure
        positions, lattice = structure.positions, structure.lattice
        shifts = np.array([[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1)]) @ lattice
        vectors = positions[None, :, None] + shifts[None, None] - positions[:, None, None]
        lengths = np.linalg.norm(vectors, axis=-1)
        target, source, image = np.nonzero((lengths > 0.1) & (lengths < 0.8 * CELL))
        self.edges = torch.as_tensor(np.stack([source, target]))
        harmonics = o3.spherical_harmonics("0e+1o+2e", torch.as_tensor(vectors[target, source, image]), True)
        self.register_buffer("harmonics", harmonics * torch.as_tensor(np.exp(-lengths[target, source, image]))[:, None])
        kinds = np.unique(structure.atomic_numbers, return_inverse=True)[1]
        self.register_buffer("x", torch.eye(3)[torch.as_tensor(kinds)])
        hidden = "4x0e+2x1o+2x1e+2x2e"
        self.first = o3.FullyConnectedTensorProduct("3x0e", "0e+1o+2e", hidden)
        self.second = o3.FullyConnectedTensorProduct(hidden, "0e+1o+2e", "1o")
        self.irreps_out = o3.Irreps("1o")

    def messages(self, layer, features, order):
        # Node k of the input is site order[k].
        place = torch.argsort(order)
        source, target = place[self.edges]
        made = layer(features[source], self.harmonics)
        return torch.zeros(len(features), made.shape[1], dtype=made.dtype).index_add(0, target, made)

    def forward(self, data):
        order = data.get("sbs_site", torch.arange(len(self.x)))
        return self.messages(self.second, self.messages(self.first, self.x[order], order), order)


@pytest.fixture
def attached(crystal, tilts, double):
    model = Periodic(crystal)
    breaker = SymmetryBreaker(tilts, mode="index")
    # The messages of the first layer are what the second reads: attach before it, where features are those of nodes.
    return model, breaker


class Whole(torch.nn.Module):
    """The model with its hidden features at a place of their own."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner
        self.place = torch.nn.Identity()
        self.irreps_out = inner.irreps_out

    def forward(self, data):
        order = data.get("sbs_site", torch.arange(len(self.inner.x)))
        hidden = self.place(self.inner.messages(self.inner.first, self.inner.x[order], order))
        return self.inner.messages(self.inner.second, hidden, order)


@pytest.fixture
def whole(attached):
    inner, breaker = attached
    model = Whole(inner)
    attach(model, breaker, at="place", irreps="4x0e+2x1o+2x1e+2x2e", graphs=one_graph).wake(1.0)
    return model, breaker


def test_each_node_gets_the_value_of_its_site(tilts, double):
    breaker = SymmetryBreaker(tilts, mode="index")
    batch = torch.arange(2).repeat_interleave(40)
    features = breaker(batch, index=torch.tensor([0, 3]))
    assert np.allclose(features.numpy() / np.sqrt(3), np.concatenate(tilts.objects[[0, 3]]))
    order = torch.randperm(40)
    shuffled = breaker(batch[:40], index=torch.tensor([3]), sites=order)
    assert torch.equal(shuffled, features[40:][order])


def test_crystals_and_molecules_share_a_batch(tilts, double):
    molecular = sbs.minimal_set("Oh", "C4v")
    breaker = SymmetryBreaker([tilts, molecular], mode="index")
    batch = torch.tensor([0] * 7 + [1] * 40 + [2] * 3)
    features = breaker(batch, index=torch.tensor([4, 1, 2]), set_index=torch.tensor([1, 0, 1]))
    blocks = {str(ir): block for (_, ir), block in zip(breaker.irreps, breaker.irreps.slices(), strict=True)}
    vector = blocks[molecular.irreps.removeprefix("1x")]
    assert np.allclose(features[:7, vector].numpy() / np.sqrt(3), molecular.objects[4])
    field = blocks[tilts.irreps.removeprefix("1x")]
    assert np.allclose(features[7:47, field].numpy() / np.sqrt(3), tilts.objects[1])
    with pytest.raises(NetworkInputError, match="Graph 1 has 41 nodes"):
        breaker(torch.tensor([0] * 7 + [1] * 41), index=torch.tensor([4, 1]), set_index=torch.tensor([1, 0]))


def test_all_states_from_one_pass(whole, tilts):
    model, breaker = whole
    with torch.no_grad():
        outputs = all_outputs(model, {}, tilts)
        for number in range(0, int(tilts.size), 5):
            with breaker.choose(torch.tensor([number])):
                direct = model({})
            assert (outputs[number] - direct).abs().max() < 1e-9 * direct.abs().max()
        assert (outputs[0] - outputs[1]).abs().max() > 1e-3
        order = torch.randperm(40)
        shuffled = all_outputs(model, {"sbs_site": order}, tilts)
    assert torch.allclose(shuffled, outputs[:, order], atol=1e-9)


def test_a_fixed_field_is_an_ordinary_module(whole, tilts):
    model, breaker = whole
    with breaker.choose(torch.tensor([2])), torch.no_grad():
        expected = model({})
        assert torch.allclose(fix(model, 2)({}), expected, atol=1e-12)
    assert effect(model, breaker, {}).verdict == "active"


def test_targets_are_paired_with_fields(tilts, crystal):
    """The displacements of one tilt belong to the object with its symmetry, and those of all states follow."""
    target = torch.tensor(tilts.objects[2])
    irreps = tilts.irreps
    matches = matching_objects(tilts, target, irreps, None)
    assert 2 in matches
    targets = orbit_targets(tilts, target, irreps, None, index=2)
    assert np.allclose(targets.numpy(), tilts.objects, atol=1e-9)
    group = tilts.group
    images = turn_outputs(target, irreps, group.matrices, crystal.permutations).flatten(1)
    assert (torch.cdist(images, targets.flatten(1)).amin(dim=1) < 1e-6).all()
