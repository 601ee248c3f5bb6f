"""All outputs from one pass per S-orbit, site permutations, and transport."""

import numpy as np
import pytest
import torch

import sbs
from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.nn import SymmetryBreaker, all_outputs, attach, site_permutations, transport, turn_outputs


class Counter(torch.nn.Module):
    """Counts forward passes."""

    def __init__(self, model):
        super().__init__()
        self.model, self.calls, self.irreps_out = model, 0, model.irreps_out

    def forward(self, data):
        self.calls += 1
        return self.model(data)


CASES = [("Oh", "C4v", "O(3)"), ("Oh", "C1", "O(3)"), ("Td", "C3v", "O(3)"), ("D4", "C1", "O(3)"), ("C2", "C1", "Oh")]


@pytest.mark.parametrize(("group", "target", "ambient"), CASES, ids=[f"{g}->{k} in {a}" for g, k, a in CASES])
def test_equals_evaluating_every_object(group, target, ambient, make_network, orbit_molecule, graph, double):
    symmetry_set = sbs.minimal_set(group, target, ambient=ambient)
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    model = Counter(make_network(breaker, "1o+0o+2e"))
    positions = orbit_molecule(symmetry_set.group.matrices)
    data = graph(positions)
    moves = site_permutations(positions, symmetry_set.group.matrices)
    with torch.no_grad():
        found = all_outputs(model, data, symmetry_set, permutations=moves, check=False)
        assert model.calls == symmetry_set.degeneracy
        direct = torch.stack([model.model(data, index=torch.tensor([k])) for k in range(int(symmetry_set.size))])
    assert found.shape == direct.shape
    assert (found - direct).abs().max() < 1e-10 * max(1.0, float(direct.abs().max()))
    assert len(np.unique(found.flatten(1).numpy().round(6), axis=0)) == symmetry_set.size


def test_a_turned_input_and_a_pooled_output(make_network, orbit_molecule, graph, rotations, double):
    symmetry_set = sbs.minimal_set("Td", "C3v")
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    turn = rotations(2, 3)[1]
    positions = orbit_molecule(symmetry_set.group.matrices)
    data = graph(positions @ turn.T)
    turns = torch.as_tensor(turn)[None]
    for pool in (False, True):
        model = make_network(breaker, "1o+2e", pool=pool)
        moves = None if pool else site_permutations(positions, symmetry_set.group.matrices)
        with torch.no_grad():
            found = all_outputs(model, data, symmetry_set, permutations=moves, rotation=turn)
            for k in range(4):
                assert torch.allclose(found[k], model(data, index=torch.tensor([k]), rotations=turns), atol=1e-10)


def test_permutations_are_found_from_the_input(make_network, orbit_molecule, graph, rotations, double):
    symmetry_set = sbs.minimal_set("Td", "C3v")
    model = make_network(SymmetryBreaker(symmetry_set, mode="index"))
    turn = rotations(2, 3)[1]
    positions = orbit_molecule(symmetry_set.group.matrices)
    moves = site_permutations(positions, symmetry_set.group.matrices)
    for rotation in (None, turn):
        data = graph(positions if rotation is None else positions @ turn.T)
        given = all_outputs(model, data, symmetry_set, permutations=moves, rotation=rotation)
        assert torch.equal(all_outputs(model, data, symmetry_set, rotation=rotation), given)
    pooled = make_network(SymmetryBreaker(symmetry_set, mode="index"), pool=True)
    assert all_outputs(pooled, data, symmetry_set, rotation=turn).shape == (4, 1, 3)
    with pytest.raises(NetworkInputError, match="not symmetric under"):
        all_outputs(model, graph(positions + np.linspace(0, 1, 72).reshape(24, 3)), symmetry_set)
    with pytest.raises(NetworkInputError, match="not symmetric under"):
        all_outputs(model, graph(positions), symmetry_set, species=np.arange(24))
    with pytest.raises(NetworkInputError, match="no 'pos' or 'positions'"):
        all_outputs(lambda data, k: torch.zeros(24, 3), {}, symmetry_set, irreps_out="1o")


def test_works_on_attached_models_and_functions(make_network, orbit_molecule, graph, double):
    symmetry_set = sbs.minimal_set("D3", "C1")
    positions = orbit_molecule(symmetry_set.group.matrices)
    moves = site_permutations(positions, symmetry_set.group.matrices)
    data = graph(positions)
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    model = make_network(breaker)
    by_function = all_outputs(
        lambda inputs, k: model(inputs, index=torch.tensor([k])),
        data,
        symmetry_set,
        permutations=moves,
        irreps_out="1o",
    )
    assert torch.equal(by_function, all_outputs(model, data, symmetry_set, permutations=moves))
    plain = model.model
    plain_data = {**data, "node_attr": torch.cat([torch.ones(6, 1), torch.zeros(6, 3)], dim=1)}
    attachment = attach(plain, SymmetryBreaker(symmetry_set), at="mp.layers.0")
    with torch.no_grad():
        for weight in attachment.parameters():
            weight.normal_()
        found = all_outputs(plain, plain_data, symmetry_set, permutations=moves, irreps_out="1o")
        for k in range(6):
            with attachment.breaker.choose(torch.tensor([k])):
                assert torch.allclose(found[k], plain(plain_data), atol=1e-10)


def test_transport_brings_the_objects_about():
    for group, target, ambient in CASES:
        symmetry_set = sbs.minimal_set(group, target, ambient=ambient)
        plan = transport(symmetry_set)
        action = sbs.representation(symmetry_set.irreps, plan.matrices[plan.element])
        moved = np.einsum("kij,kj->ki", action, symmetry_set.objects[plan.representative])
        assert np.abs(moved - symmetry_set.objects).max() < 1e-10
        assert len(plan.representatives) == symmetry_set.degeneracy


def test_errors_of_all_outputs(make_network, orbit_molecule, graph):
    symmetry_set = sbs.minimal_set("D3", "C1")
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    model = make_network(breaker)
    positions = orbit_molecule(symmetry_set.group.matrices)
    data, moves = graph(positions), site_permutations(positions, symmetry_set.group.matrices)
    with pytest.raises(NetworkInputError, match="breaker's set"):
        all_outputs(model, data, sbs.minimal_set("Td", "T"), permutations=moves)
    with pytest.raises(NetworkInputError, match="a row for each of the 6"):
        all_outputs(model, data, symmetry_set, permutations=moves[:2])
    with pytest.raises(NetworkInputError, match="components"):
        all_outputs(model, data, symmetry_set, permutations=moves, irreps_out="2e")
    with pytest.raises(NetworkInputError, match="symmetry breakers, expected one"):
        all_outputs(torch.nn.Linear(1, 1), data, symmetry_set, permutations=moves, irreps_out="1o")
    with pytest.raises(NetworkInputError, match="irreps_out"):
        all_outputs(lambda data, k: None, data, symmetry_set, permutations=moves)
    with pytest.raises(InfiniteSetError, match="infinite"):
        transport(sbs.minimal_set("C4h", "C1"))


def test_permutations_of_a_molecule_off_centre(orbit_molecule):
    matrices = sbs.point_group("Td").matrices
    positions = orbit_molecule(matrices, orbits=2) + np.array([3.0, -1.0, 0.5])
    species = np.repeat(["H", "F"], 24)
    moves = site_permutations(positions, matrices, species=species)
    centre = positions.mean(axis=0)
    for matrix, move in zip(matrices, moves, strict=True):
        assert np.abs((positions - centre) @ matrix.T - (positions - centre)[move]).max() < 1e-9
        assert sorted(move) == list(range(48))


def test_permutations_compose_as_the_group():
    group = sbs.point_group("Oh")
    positions = np.concatenate([np.eye(3), -np.eye(3), np.zeros((1, 3))])
    moves = site_permutations(positions, group.matrices)
    for a in range(0, 48, 7):
        for b in range(0, 48, 5):
            assert (moves[group.table[a, b]] == moves[a][moves[b]]).all()


def test_permutations_of_a_crystal_with_a_glide():
    """Diamond: O_h with translations by (1/4, 1/4, 1/4), and a wrapped, slightly noisy cell."""
    basis = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    fractional = np.concatenate([basis, basis + 0.25])
    cell = 3.57 * np.eye(3)
    noisy = fractional @ cell + 1e-5 * np.random.default_rng(0).normal(size=(8, 3))
    matrices = sbs.point_group("Oh").matrices
    moves = site_permutations(noisy, matrices, species=np.zeros(8), cell=cell)
    for matrix, move in zip(matrices, moves, strict=True):
        shift = fractional[move] - fractional @ matrix.T
        shift -= shift[0]
        assert np.abs(shift - np.round(shift)).max() < 1e-9


def test_inputs_that_are_not_symmetric_are_refused(orbit_molecule):
    matrices = sbs.point_group("D3").matrices
    positions = orbit_molecule(matrices)
    positions[0] += 0.05
    with pytest.raises(NetworkInputError, match="not symmetric under"):
        site_permutations(positions, matrices)
    assert site_permutations(positions, matrices, tolerance=0.2).shape == (6, 6)
    with pytest.raises(NetworkInputError, match="not symmetric under"):
        site_permutations(orbit_molecule(matrices), matrices, species=[0, 0, 0, 0, 0, 1])
    with pytest.raises(NetworkInputError, match="lattice is not symmetric"):
        site_permutations(np.zeros((1, 3)), sbs.point_group("Oh").matrices, cell=np.diag([4.0, 4.0, 4.2]))
    with pytest.raises(NetworkInputError, match="positions has shape"):
        site_permutations(np.zeros((0, 3)), matrices)


def test_turning_outputs_is_differentiable(orbit_molecule, double):
    matrices = sbs.point_group("D3").matrices
    moves = site_permutations(orbit_molecule(matrices), matrices)
    output = torch.randn(6, 3, requires_grad=True)
    assert torch.autograd.gradcheck(lambda y: turn_outputs(y, "1o", matrices, moves), output)
