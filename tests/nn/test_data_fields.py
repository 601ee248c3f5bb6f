"""Choices that travel with the data: from a structure to its set, orientation and object, and from a batch to the breaker."""

import numpy as np
import pytest
import torch
from hosts import broken_rocksalt, rocksalt

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import (
    SymmetryBreaker,
    SymmetryFields,
    all_outputs,
    attach,
    orientation,
    permutations_for,
    turn_outputs,
)
from sbs.nn.choice import fields_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


def test_the_object_leads_to_its_target():
    pytest.importorskip("ase", reason="ase is not installed")
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    along = []
    for number, axis in enumerate(symmetry_set.objects):
        info = broken_rocksalt(axis, cubic=number % 2 == 1).info  # the conventional cell has the same point group
        along.append(info["sbs_rotation"] @ symmetry_set.objects[info["sbs_object"]])
    # One rule for all: the object along the axis for every target, or against it for every target.
    sign = np.sign(along[0] @ symmetry_set.objects[0])
    assert np.allclose(along, sign * symmetry_set.objects, atol=1e-8)


def supercell(atoms, seed):
    """The same crystal in a larger, sheared cell, turned, moved, its atoms in another order; and what turns it."""
    from ase.build import make_supercell
    from scipy.spatial.transform import Rotation

    generator = np.random.default_rng(seed)
    large = make_supercell(atoms, [[1, 1, 0], [0, 1, 0], [0, -1, 2]])
    large = large[generator.permutation(len(large))]
    turn = Rotation.random(random_state=seed).as_matrix()
    large.set_cell(large.cell @ turn.T)
    large.positions = large.positions @ turn.T + generator.normal(size=3)
    large.arrays["pull"] = large.arrays["pull"] @ turn.T
    return large, turn


@pytest.mark.parametrize("groups", [("Oh", "C4v", "O(3)"), ("O", "C4", "SO(3)"), ("Oh", "C3v", "O(3)"), ("Oh", "C1", "O(3)")])
def test_the_object_does_not_depend_on_how_a_crystal_is_given(groups):
    """In any cell, orientation and order of atoms the object turned by the rotation is the one that the target says."""
    pytest.importorskip("ase", reason="ase is not installed")
    symmetry_set = sbs.minimal_set(*groups[:2], ambient=groups[2])
    transform = SymmetryFields(symmetry_set, sbs.detect, target="pull")
    action = sbs.representation(symmetry_set.irreps, symmetry_set.group.matrices)
    axis = {"C4v": [0.0, 0, 1], "C4": [0.0, 0, 1], "C3v": [1.0, 1, 1], "C1": [1.0, 0.3, 0.5]}[groups[1]]
    expected = None
    for seed, matrix in enumerate(symmetry_set.group.matrices[::7]):
        atoms = rocksalt()
        atoms.arrays["pull"] = np.outer(np.where(atoms.numbers == 11, 0.1, -0.1), matrix @ axis)
        found, turn = transform(atoms).info, np.eye(3)
        if seed:
            atoms, turn = supercell(atoms, seed)
            found = transform(atoms).info
        rotation = found["sbs_rotation"]
        object_ = symmetry_set.objects[found["sbs_object"]]
        # Turned back: by what the target's pull was made of.
        back = np.linalg.inv(turn @ matrix) @ rotation
        own = sbs.representation(symmetry_set.irreps, back[None])[0] @ object_
        expected = own if expected is None else expected
        stabilizer = [g for g, m in enumerate(symmetry_set.group.matrices) if np.allclose(m @ axis, axis)]
        assert min(np.abs(action[g] @ own - expected).max() for g in stabilizer) < 1e-6


def test_orientation_is_the_way_from_detection_to_the_breaker(make_network, graph, orbit_molecule, rotations, double):
    """A turned molecule: the rotation from `orientation` goes everywhere as it is; the detected one is refused."""
    symmetry_set = sbs.minimal_set("Td", "C3v")
    model = sbs.nn.SymmetryBreaker(symmetry_set, mode="index")
    network = make_network(model)
    turn = rotations(1, 4)[0]
    positions = orbit_molecule(symmetry_set.group.matrices) @ turn.T
    detected = sbs.detect((positions, [1] * len(positions)))
    found = orientation(detected, symmetry_set)
    data = graph(positions)
    outputs = all_outputs(network, data, symmetry_set, rotation=found)
    moves = permutations_for(detected, symmetry_set)
    assert torch.allclose(outputs, all_outputs(network, data, symmetry_set, permutations=moves, rotation=found))
    with pytest.raises(NetworkInputError, match="transpose"):
        all_outputs(network, data, symmetry_set, rotation=found.T)
    with pytest.raises(NetworkInputError, match="set is for Oh"):
        orientation(detected, sbs.minimal_set("Oh", "C4v"))


def test_the_fields_of_a_structure(rotations):
    """Set, rotation and object of a turned molecule with a target; the object's own image is that target's."""
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    corners = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    turn = rotations(1, 9)[0]
    numbers = [16, 9, 9, 9, 9, 9, 9]
    transform = SymmetryFields([sbs.minimal_set("Td", "C3v"), symmetry_set], sbs.detect)
    target = np.zeros((7, 3))
    target[0] = turn @ [0.0, 0.0, 0.3]
    fields = transform.fields((corners @ turn.T, numbers), target)
    assert fields["sbs_set"] == 1
    along = fields["sbs_rotation"] @ symmetry_set.objects[fields["sbs_object"]]
    assert abs(abs(along @ turn[:, 2]) - 1) < 1e-6
    with pytest.raises(NetworkInputError, match="sets are for Td"):
        SymmetryFields(sbs.minimal_set("Td", "C3v"), sbs.detect).fields((corners, numbers))


def test_dictionaries_and_attributes_are_written_and_read():
    """What the transform writes into a mapping or an object is what a breaker reads from the batch."""
    corners = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    numbers = np.array([16, 9, 9, 9, 9, 9, 9])
    target = np.zeros((7, 3))
    target[0, 2] = 0.3
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    transform = SymmetryFields(
        symmetry_set, sbs.detect, target="y", to_structure=lambda data: (data["pos"].numpy(), numbers)
    )
    data = [transform({"pos": torch.as_tensor(corners), "y": torch.as_tensor(target)}) for _ in range(2)]
    names = ("sbs_object", "sbs_set", "sbs_rotation")
    batch = {name: torch.cat([each[name] for each in data]) for name in names}
    choice = fields_of(batch)
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    rows = breaker.graph_features(
        index=choice.object_index, set_index=choice.set_index, rotations=choice.rotations
    )
    assert rows.shape == (2, 3) and torch.allclose(rows[0].abs(), torch.tensor([0.0, 0.0, 3**0.5]), atol=1e-6)
    del data[0]["y"]
    del data[0]["sbs_object"]
    assert "sbs_object" not in transform(data[0])


def test_what_a_batch_says_goes_before_what_was_chosen(make_network, graph, orbit_molecule):
    symmetry_set = sbs.minimal_set("Td", "C3v")
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    model = make_network(breaker)
    data = graph(orbit_molecule(symmetry_set.group.matrices))
    expected = model(data, index=torch.tensor([3]))
    with breaker.choose(torch.tensor([1])):
        assert torch.equal(model({**data, "sbs_object": torch.tensor([[3]])}), expected)
        assert torch.equal(model(data, index=torch.tensor([3])), expected)
        assert not torch.allclose(model(data), expected)
    features = breaker.features_of(symmetry_set.objects[3])
    assert torch.allclose(model({**data, "sbs_features": features.reshape(-1, 1)}), expected, atol=1e-4)


class Potential(torch.nn.Module):
    """A host that hands on features of its graphs."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(1, 4)
        self.first.irreps_out = "1x0e+1x1o"

    def forward(self, data):
        return self.first(data["x"])


def batch_of(count, **fields):
    return {"x": torch.ones(2 * count, 1), "batch": torch.arange(count).repeat_interleave(2), "num_graphs": count, **fields}


def attached(mode="sample"):
    model = Potential()
    breaker = SymmetryBreaker(sbs.minimal_set("Oh", "C4v"), mode=mode)
    attach(model, breaker, at="first", irreps="1x0e+1x1o")
    return model, breaker


@pytest.mark.parametrize("given", [3, [3, 3], np.array([3, 3]), "3"])
def test_a_field_that_is_no_tensor_is_refused(given):
    """It was passed over, and an object drawn in its place."""
    model, _ = attached()
    with pytest.raises(NetworkInputError, match=r"sbs_object is .* expected a torch\.Tensor"):
        model(batch_of(2, sbs_object=given))


def test_a_field_of_some_graphs_of_a_batch_is_refused():
    """It was passed over for all of them."""
    model, _ = attached()
    with pytest.raises(NetworkInputError, match=r"'sbs_object' is given for graphs \[0\] of a batch of 2 only"):
        model(batch_of(2, data_info=[{"sbs_object": 3}, {}]))
    with pytest.raises(NetworkInputError, match="'sbs_object' of a structure is 'three'"):
        model(batch_of(2, data_info=[{"sbs_object": "three"}] * 2))


def test_a_breaker_of_mode_index_wants_the_fields():
    model, breaker = attached("index")
    with pytest.raises(NetworkInputError, match="let the batch bring 'sbs_object'"):
        model(batch_of(2))
    model(batch_of(2, data_info=[{"sbs_object": 3}] * 2))
    assert torch.equal(breaker.drawn, breaker.objects[0, 3].expand(2, -1))


def test_expected_fields_that_do_not_arrive_are_complained_of_once(recwarn):
    """Hosts whose own commands train: what their pipelines leave behind would be drawn at random."""
    from sbs.nn import MissingFieldsWarning
    from sbs.nn.host.attach import expect_fields

    model, breaker = attached()
    expect_fields(model, "This host hands them on if told to.")
    model(batch_of(2, sbs_object=torch.tensor([1, 2])))
    with breaker.choose(torch.tensor([0, 1])):
        model(batch_of(2))
    with breaker.choose(draw=True):
        model(batch_of(2))
    assert not recwarn.list
    with pytest.warns(MissingFieldsWarning, match="This host hands them on"):
        model(batch_of(2))
    model(batch_of(2))
    assert not recwarn.list


def test_pairs_of_an_infinite_set_are_trained(double):
    """A bent CO2: the object is a direction across the axis; one pair (object, output) teaches all directions."""
    from e3nn import o3

    symmetry_set = sbs.minimal_set("Dinfh", "C2v(C2')")
    axis = np.eye(3)[2]
    positions = torch.as_tensor(np.stack([0 * axis, 1.16 * axis, -1.16 * axis]))

    class Host(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first = o3.Linear("1x0e", "4x0e+2x1o+2x2e")
            self.last = o3.FullyConnectedTensorProduct("4x0e+2x1o+2x2e", "0e+1o+2e", "1o")

        def forward(self, data):
            hidden = self.first(data["x"])
            return self.last(hidden, o3.spherical_harmonics("0e+1o+2e", data["pos"], False))

    model = Host()
    breaker = SymmetryBreaker(symmetry_set)
    attachment = attach(model, breaker, at="first", irreps="4x0e+2x1o+2x2e", freeze=False)
    data = {"x": torch.tensor([[1.0], [0.3], [0.3]]), "pos": positions, "num_graphs": 1}
    model(data)
    drawn = breaker.drawn
    assert drawn.shape == (1, breaker.dim)
    given = breaker.features_of(symmetry_set.sample(1, 3))
    # What a C2v output says: the carbon goes along the only vector that the object's stabilizer leaves.
    turns = symmetry_set.group.sample(400, 1)
    action = sbs.representation(symmetry_set.irreps, turns)
    scales = np.concatenate([np.full(ir.dim, ir.dim**0.5) for _, ir in breaker.irreps])
    plain = given[0].numpy() / scales
    images = action @ plain
    optimiser = torch.optim.Adam(model.parameters(), lr=0.03)
    direction = torch.zeros(3, 3)
    fixed = np.abs(images - plain).max(axis=1) < 1e-6
    assert not fixed[1:].all()
    with breaker.choose(features=given):
        before = model(data).detach()
    direction[0] = before[0] if before[0].norm() > 1e-6 else torch.tensor([1.0, 0.0, 0.0])
    for _ in range(150):
        optimiser.zero_grad()
        with breaker.choose(features=given):
            loss = (model(data)[:, :2] - direction[:, :2]).square().mean()
        loss.backward()
        optimiser.step()
    with breaker.choose(features=given), torch.no_grad():
        trained = model(data)
    about_z = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = breaker.features_of(sbs.representation(symmetry_set.irreps, about_z[None])[0] @ plain)
    with breaker.choose(features=turned), torch.no_grad():
        other = model(data)
    assert torch.allclose(other, turn_outputs(trained, "1o", about_z[None])[0], atol=1e-5)
    assert attachment.breaker is breaker


def test_a_linear_molecule_finds_its_orientation(rotations):
    """Infinite sets have no list of objects: the way from detection to the breaker asks for none."""
    symmetry_set = sbs.minimal_set("Dinfh", "C2v(C2')")
    turn = rotations(1, 3)[0]
    molecule = (np.array([[0.0, 0, 0], [0, 0, 1.16], [0, 0, -1.16]]) @ np.asarray(turn).T, [6, 8, 8])
    found = orientation(sbs.detect(molecule), symmetry_set)
    assert np.allclose(np.abs(found @ [0.0, 0, 1]), np.abs(np.asarray(turn) @ [0.0, 0, 1]), atol=1e-6)
    fields = SymmetryFields(symmetry_set, sbs.detect).fields(molecule)
    assert set(fields) == {"sbs_set", "sbs_rotation"} and np.allclose(fields["sbs_rotation"], found)
