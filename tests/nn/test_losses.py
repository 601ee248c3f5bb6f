"""Losses: pairing by stabilizer, minimum over the orbit, and the energy score."""

import numpy as np
import pytest
import torch

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import (
    energy_score,
    matching_objects,
    orbit_minimum_loss,
    orbit_targets,
    output_stabilizer,
    paired_loss,
    site_permutations,
    turn_outputs,
)


@pytest.fixture
def octahedron():
    """Sites, O_h, permutations, and a displacement of the centre along z with the apex atoms moving too (C_4v)."""
    positions = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    group = sbs.point_group("Oh").matrices
    moves = site_permutations(positions, group)
    target = torch.zeros(7, 3, dtype=torch.float64)
    target[0, 2], target[3, 2], target[6, 2] = 0.3, -0.1, 0.05
    return group, moves, target


def test_the_stabilizer_of_a_target(octahedron):
    group, moves, target = octahedron
    fixed = output_stabilizer(target, "1o", group, moves)
    assert fixed.sum() == 8
    assert (np.abs(group[fixed][:, 2] - [0, 0, 1]).max(axis=1) < 1e-9).all()


def test_objects_are_matched_by_stabilizer(octahedron):
    _, moves, target = octahedron
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    matches = matching_objects(symmetry_set, target, "1o", moves)
    assert sorted(symmetry_set.objects[matches][:, 2].round(9)) == [-1, 1]
    with pytest.raises(NetworkInputError, match="stabilizer of no object"):
        matching_objects(sbs.minimal_set("Oh", "D4h"), target, "1o", moves)


def test_the_orbit_of_targets_is_the_orbit_of_the_target(octahedron):
    group, moves, target = octahedron
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    index = int(np.argmax(symmetry_set.objects[:, 2]))
    targets = orbit_targets(symmetry_set, target, "1o", moves, index=index)
    assert torch.allclose(targets[index], target)
    for b, each in zip(symmetry_set.objects, targets, strict=True):
        assert np.allclose(each[0].numpy(), 0.3 * b, atol=1e-9)
    images = turn_outputs(target, "1o", group, moves).flatten(1)
    assert (torch.cdist(images, targets.flatten(1)).amin(dim=1) < 1e-7).all()
    with pytest.raises(NetworkInputError, match="does not have the target's symmetry"):
        orbit_targets(symmetry_set, target, "1o", moves, index=int(np.argmax(symmetry_set.objects[:, 0])))


def test_targets_of_a_degenerate_set():
    """C_2 in a cubic ambient: two S-orbits of two objects, each paired with the target and its image."""
    symmetry_set = sbs.minimal_set("C2", "C1", ambient="Oh")
    assert symmetry_set.degeneracy == 2
    positions = np.array([[1.0, 0.2, 0.3], [-1.0, -0.2, 0.3]])
    moves = site_permutations(positions, symmetry_set.group.matrices)
    target = torch.tensor([[0.1, 0.2, 0.3], [0.0, 0.0, -0.4]], dtype=torch.float64)
    targets = orbit_targets(symmetry_set, target, "1o", moves)
    image = turn_outputs(target, "1o", symmetry_set.group.matrices, moves)
    for orbit in range(2):
        mine = targets[symmetry_set.orbits == orbit]
        assert (torch.cdist(image.flatten(1), mine.flatten(1)).amin(dim=1) < 1e-7).all()


def test_paired_loss(octahedron):
    _, moves, target = octahedron
    targets = orbit_targets(sbs.minimal_set("Oh", "C4v"), target, "1o", moves)
    index = torch.tensor([3, 1])
    assert paired_loss(targets[index], targets, index) == 0
    assert paired_loss(targets[index] + 0.5, targets, index) == pytest.approx(0.25)
    assert paired_loss(targets[2], targets, 2) == 0
    with pytest.raises(NetworkInputError, match="one object per prediction"):
        paired_loss(targets[index], targets, torch.tensor([3]))


def test_minimum_over_the_orbit(octahedron):
    _, moves, target = octahedron
    targets = orbit_targets(sbs.minimal_set("Oh", "C4v"), target, "1o", moves)
    assert orbit_minimum_loss(targets[4], targets) == 0
    near = (targets[[0, 5]] + 0.01).requires_grad_(True)
    loss = orbit_minimum_loss(near, targets)
    assert float(loss.detach()) == pytest.approx(1e-4, rel=1e-6)
    loss.backward()
    assert torch.allclose(near.grad, torch.full_like(near, 2 * 0.01 / near[0].numel() / 2))
    with pytest.raises(NetworkInputError, match="the same"):
        orbit_minimum_loss(targets[0, :3], targets)


def test_the_energy_score_is_least_for_the_right_distribution():
    """Targets: six equally frequent states. Uniform samples beat samples from too few states, and from the mean."""
    states = torch.cat([torch.eye(3), -torch.eye(3)])[:, None, :].double()
    generator = torch.Generator().manual_seed(0)

    def score(weights):
        values = []
        for _ in range(400):
            drawn = torch.multinomial(torch.tensor(weights), 24, replacement=True, generator=generator)
            values.append(energy_score(states[drawn], states))
        return float(torch.stack(values).mean())

    right = score([1.0] * 6)
    assert right < score([1.0, 1.0, 0.0, 0.0, 1.0, 1.0]) - 0.005
    assert right < score([3.0, 1.0, 1.0, 1.0, 1.0, 1.0]) - 0.002
    collapsed = energy_score(torch.zeros(24, 1, 3).double(), states)
    assert right < float(collapsed)


def test_the_energy_score_has_gradients_where_samples_coincide():
    samples = torch.zeros(4, 2, 3, dtype=torch.float64, requires_grad=True)
    energy_score(samples, torch.ones(2, 2, 3, dtype=torch.float64)).backward()
    assert torch.isfinite(samples.grad).all() and samples.grad.abs().max() > 0
    with pytest.raises(NetworkInputError, match="k >= 2"):
        energy_score(samples[:1], samples)
