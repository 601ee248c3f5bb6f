"""can_break against e3nn's own networks with random weights in float64: random groups, targets, irreps, layers, places."""

import numpy as np
import pytest
import torch
from e3nn import o3
from e3nn.nn.models.v2106.gate_points_message_passing import MessagePassing

import sbs
from sbs.nn import SymmetryBreaker, attach, build, can_break, one_graph, site_permutations, turn_outputs

pytestmark = [
    pytest.mark.filterwarnings("ignore::sbs.nn.UnreachableBreakerWarning"),
    pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning"),
]

GROUPS = [
    *("C2", "Cs", "C2v", "C2h", "D2", "D2h", "C4v", "D4", "S4", "D2d", "D4h", "C3v", "D3", "D3d", "D3h", "C6v", "D6"),
    *("T", "Th", "Td", "O", "Oh"),
]
HIDDEN = ["0e", "0o", "1o", "1e", "2e", "2o", "3o"]
OUTPUTS = ["0e", "0o", "1o", "1e", "2e", "2o"]
# Relative to the response to an object without symmetry.
SAME = 1e-9
# Outputs below are rounding, whatever they are compared with: the networks' numbers are of order one and more.
SMALLEST = 1e-3


def random_case(rng, kind):
    """A set, hidden irreps, layers, output irreps and the place of the object."""
    while True:
        group = sbs.point_group(GROUPS[rng.integers(len(GROUPS))])
        classes = [c for c in group.subgroup_classes if c.order < group.order]
        target = classes[rng.integers(len(classes))]
        ambient = "O(3)" if rng.random() < 0.7 else group
        symmetry_set = sbs.minimal_set(group, target.representative, ambient=ambient)
        if symmetry_set.size == np.inf or max(ir.l for _, ir in o3.Irreps(symmetry_set.irreps)) > 4:
            continue
        chosen = [ir for ir in HIDDEN if rng.random() < 0.55] or ["0e"]
        hidden = "+".join(f"2x{ir}" for ir in chosen)
        layers = int(rng.integers(1, 3))
        at = {"built": "attributes", "input": "input", "attached": int(rng.integers(1, layers + 2))}[kind]
        return symmetry_set, hidden, layers, OUTPUTS[rng.integers(len(OUTPUTS))], at


def molecule(group, rng):
    """General S-orbits, at least ten sites; two orbits at least, because one orbit of a polar group lies in a plane."""
    orbits = max(2, -(-10 // group.order))
    points = rng.normal(size=(orbits, 3))
    return np.einsum("gij,oj->ogi", group.matrices, points).reshape(-1, 3)


def network(symmetry_set, hidden, layers, out, at, lmax, positions):
    """e3nn's network with random weights, and a function from objects' features to outputs."""
    sequence = ["0e", *[o3.Irreps(hidden)] * layers, out]
    arguments = dict(irreps_edge_attr=o3.Irreps.spherical_harmonics(lmax), fc_neurons=[1, 8], num_neighbors=float(len(positions)))
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    if at in ("attributes", "input"):
        model = build(
            MessagePassing,
            breaker,
            on=at,
            irreps_node_sequence=sequence,
            irreps_node_attr="0e",
            **arguments,
        )
        inner = model.model
    else:
        inner = MessagePassing(irreps_node_sequence=sequence, irreps_node_attr="0e", **arguments)
        attach(inner, breaker, at=f"layers.{at - 1}", graphs=one_graph).wake(1.0)
    with torch.no_grad():
        for name, weight in inner.named_parameters():
            if "alpha" in name:
                weight.normal_()
    source, target = torch.nonzero(~torch.eye(len(positions), dtype=torch.bool)).T
    sites = torch.as_tensor(positions)
    vectors = sites[source] - sites[target]
    harmonics = o3.spherical_harmonics(arguments["irreps_edge_attr"], vectors, True, normalization="component")
    lengths = vectors.norm(dim=1, keepdim=True)
    harmonics = harmonics * torch.exp(-((lengths / lengths.mean()) ** 2))
    ones = torch.ones(len(positions), 1)

    def evaluate(features):
        with torch.no_grad():
            if at in ("attributes", "input"):
                return model(ones, ones, source, target, harmonics, lengths, features=features)
            with breaker.choose(features=features):
                return inner(ones, ones, source, target, harmonics, lengths)

    return breaker, evaluate


def measured(symmetry_set, hidden, layers, out, at, rng, pooled=False):
    """Which elements of S the outputs of a random network keep; None where a convolution cannot be built."""
    lmax = max(ir.l for _, ir in o3.Irreps(hidden) + o3.Irreps(out))
    matrices = np.asarray(symmetry_set.group.matrices)
    positions = molecule(symmetry_set.group, rng)
    try:
        breaker, evaluate = network(symmetry_set, hidden, layers, out, at, lmax, positions)
    except (AssertionError, ValueError, sbs.errors.NetworkInputError):
        return None
    moves = None if pooled else site_permutations(positions, matrices)

    def changes(features):
        output = evaluate(features)
        output = output.sum(dim=0, keepdim=True) if pooled else output
        moved = turn_outputs(output, out, matrices, moves) - output
        return moved.abs().amax(dim=(1, 2)).numpy(), float(output.abs().max())

    first = breaker.objects[0, :1]
    found, size = changes(first)
    generic = torch.randn(first.shape, generator=torch.Generator().manual_seed(5))
    response, other = changes(generic * first.norm() / generic.norm())
    largest = max(size, other, SMALLEST)
    zero = size < SAME * largest
    if response.max() < SAME * largest:
        return np.ones(len(found), dtype=bool), zero
    return found <= SAME * response.max(), zero


def sweep(kind, count, seed, pooled=False):
    """Wrong verdicts among ``count`` random cases, and how many answers were yes, no, and zero."""
    rng = np.random.default_rng(seed)
    wrong, verdicts, done = [], [], 0
    while done < count:
        symmetry_set, hidden, layers, out, at = random_case(rng, kind)
        torch.manual_seed(done)
        truth = measured(symmetry_set, hidden, layers, out, at, rng, pooled)
        if truth is None:
            continue
        done += 1
        answer = can_break("0e", hidden, out, symmetry_set, layers=layers, at=at, pooled=pooled)
        verdicts.append(bool(answer))
        kept, zero = truth
        if not (kept == answer.kept).all() or zero != answer.zero:
            wrong.append((symmetry_set, hidden, layers, out, at, int(kept.sum()), answer.kept_order, zero, answer.zero))
        table = np.asarray(symmetry_set.group.table)
        assert answer.kept[table[np.ix_(answer.kept, answer.kept)]].all()
    assert 0 < sum(verdicts) < count
    return wrong


@pytest.mark.parametrize("kind", ["built", "input", "attached"])
def test_verdicts_against_measurement(kind, double):
    assert sweep(kind, 12, 1) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["built", "input", "attached"])
@pytest.mark.parametrize("pooled", [False, True], ids=["nodes", "pooled"])
def test_verdicts_against_measurement_at_length(kind, pooled, double):
    assert sweep(kind, 1000, 2, pooled) == []
