"""Model and breaker together: equivariant as a set, and breaking exactly what the object breaks.

The set of outputs {f(gx, b') : b' in P(g S g^-1)} must be g {f(x, b) : b in P(S)} for every g in O(3). P belongs to a pair
of groups, not to an orientation of the input: for g n with n in the generalised normalizer M of S and K, the inputs gx and
gnx have the same groups, hence the same set. A set that is closed under S only passes for g and fails for g n.
"""

import numpy as np
import pytest
import torch

import sbs
from sbs.nn import SymmetryBreaker, site_permutations, turn_outputs
from sbs.nn.losses import output_stabilizer

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}

PAIRS = [("Oh", "C4v"), ("D3", "C1"), ("D4h", "C2v(C2')"), ("Td", "T"), ("Ih", "T")]


def outputs_of(model, data, breaker, turn):
    """Outputs (size, nodes, 3) for every object, one graph turned by ``turn``."""
    results = []
    rotations = torch.as_tensor(turn)[None]
    for number in range(int(breaker.sizes[0])):
        with torch.no_grad():
            results.append(model(data, index=torch.tensor([number]), rotations=rotations))
    return torch.stack(results)


def set_distance(first, second):
    """Hausdorff distance of two finite sets of outputs, largest component."""
    apart = (first[:, None] - second[None]).abs().flatten(2).amax(dim=2)
    return max(float(apart.amin(dim=0).max()), float(apart.amin(dim=1).max()))


def a_larger_element(symmetry_set):
    """An element of M outside S, or of S if there is none."""
    inside = symmetry_set.group.matrices
    for matrix in symmetry_set.normalizer.matrices:
        if np.abs(inside - matrix).max(axis=(1, 2)).min() > 1e-6:
            return matrix
    return np.array(inside[-1])


def layers_for(symmetry_set):
    """A pseudoscalar needs unnatural parities, which e3nn's network has from the second layer on."""
    return 2 if "0o" in symmetry_set.irreps else 1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("group", "target"), PAIRS, ids=[f"{g}->{k}" for g, k in PAIRS])
def test_the_set_of_outputs_turns_with_the_input(group, target, dtype, make_network, orbit_molecule, graph, rotations):
    torch.set_default_dtype(dtype)
    symmetry_set = sbs.minimal_set(group, target)
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    model = make_network(breaker, layers=layers_for(symmetry_set))
    positions = orbit_molecule(sbs.point_group(group).matrices)
    cutoff = np.sort(np.linalg.norm(positions - positions[0], axis=1))[min(8, len(positions) - 1)] + 1e-6
    reference = outputs_of(model, graph(positions, cutoff), breaker, np.eye(3))
    for turn in rotations(2, 7):
        # gx and gnx: one group, one set, two inputs.
        for matrix in (turn, turn @ a_larger_element(symmetry_set)):
            found = outputs_of(model, graph(positions @ matrix.T, cutoff), breaker, turn)
            expected = reference @ torch.as_tensor(matrix.T).to(dtype)
            assert set_distance(found, expected) < TOLERANCE[dtype] * max(1.0, float(reference.abs().max()))


def test_the_check_fails_for_a_set_closed_under_the_group_only(make_network, orbit_molecule, graph, double):
    """D_3 with three in-plane vectors, each up or down: closed under D_3, not under D_6h."""
    symmetry_set = sbs.minimal_set("D3", "C1")
    model = make_network(SymmetryBreaker(symmetry_set, mode="index"))
    group = sbs.point_group("D3").matrices
    vector = np.array([np.cos(0.2), np.sin(0.2), 0.7])
    objects = torch.as_tensor(np.einsum("gij,j->gi", group, vector))
    positions = orbit_molecule(group)

    def evaluate(sites):
        data = graph(sites)
        attributes = [torch.cat([torch.ones(6, 1), each.expand(6, 3)], dim=1) for each in objects]
        return torch.stack([model.model({**data, "node_attr": each}).detach() for each in attributes])

    reference = evaluate(positions)
    scale = float(reference.abs().max())
    for number, matrix in enumerate((np.array(group[-1]), a_larger_element(symmetry_set))):
        distance = set_distance(evaluate(positions @ matrix.T), reference @ torch.as_tensor(matrix.T))
        assert (distance < 1e-10 * scale) if number == 0 else (distance > 1e-2 * scale)


STABILIZER_PAIRS = [
    ("Oh", "C4v"),
    ("Oh", "D4h"),
    ("Oh", "C3v"),
    ("Oh", "C1"),
    ("Oh", "T"),
    ("Td", "T"),
    ("Td", "C3v"),
    ("D3", "C1"),
    ("D6h", "C2v(C2')"),
    ("D4h", "C4h"),
    ("C4v", "C2"),
    ("Ih", "Th"),
    ("Ih", "C5v"),
]


@pytest.mark.parametrize(("group", "target"), STABILIZER_PAIRS, ids=[f"{g}->{k}" for g, k in STABILIZER_PAIRS])
def test_the_output_has_exactly_the_symmetry_of_the_object(group, target, make_network, orbit_molecule, graph, double):
    symmetry_set = sbs.minimal_set(group, target)
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    model = make_network(breaker, layers=layers_for(symmetry_set))
    matrices = np.asarray(symmetry_set.group.matrices)
    positions = orbit_molecule(matrices)
    moves = site_permutations(positions, matrices)
    cutoff = np.sort(np.linalg.norm(positions - positions[0], axis=1))[min(8, len(positions) - 1)] + 1e-6
    action = sbs.representation(symmetry_set.irreps, matrices)
    for number in (0, int(symmetry_set.size) - 1):
        with torch.no_grad():
            output = model(graph(positions, cutoff), index=torch.tensor([number]))
        images = turn_outputs(output, "1o", matrices, moves)
        change = (images - output).abs().amax(dim=(1, 2)).numpy() / float(output.abs().max())
        b = symmetry_set.objects[number]
        fixes = np.abs(action @ b - b).max(axis=1) < 1e-9
        assert fixes.sum() == symmetry_set.target.order
        assert change[fixes].max() < 1e-10
        assert not fixes.all()
        assert change[~fixes].min() > 1e-4
        assert (output_stabilizer(output, "1o", matrices, moves, tolerance=1e-6) == fixes).all()


def test_several_groups_and_orientations_in_one_batch(make_network, orbit_molecule, graph, rotations, double):
    """Graphs of three (S, K) in one batch, each in its own orientation, give what each gives alone."""
    pairs = [("Td", "C3v"), ("Oh", "C4v"), ("D3", "C1")]
    sets = [sbs.minimal_set(*pair) for pair in pairs]
    breaker = SymmetryBreaker(sets, mode="index")
    model = make_network(breaker)
    turns = rotations(3, 5)
    index = torch.tensor([1, 4, 2])
    pieces, expected = [], []
    for number, (each, turn) in enumerate(zip(sets, turns, strict=True)):
        data = graph(orbit_molecule(np.asarray(each.group.matrices)) @ turn.T)
        pieces.append(data)
        choice = {"index": index[number : number + 1], "set_index": torch.tensor([number])}
        expected.append(model(data, rotations=torch.as_tensor(turn)[None], **choice))
    sizes = [len(data["pos"]) for data in pieces]
    offsets = np.cumsum([0, *sizes[:-1]])
    batch = {key: torch.cat([data[key] for data in pieces]) for key in ("pos", "node_input", "edge_attr")}
    batch["edge_index"] = torch.cat([d["edge_index"] + int(o) for d, o in zip(pieces, offsets, strict=True)], dim=1)
    batch["batch"] = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes))
    found = model(batch, index=index, set_index=torch.arange(3), rotations=torch.as_tensor(turns))
    assert torch.allclose(found, torch.cat(expected), atol=1e-12)
