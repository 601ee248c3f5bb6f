"""can_break against networks with random weights, and the run-time probe."""

import numpy as np
import pytest
import torch
from e3nn import o3

import sbs
from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.nn import (
    SymmetryBreaker,
    UnreachableBreakerWarning,
    attach,
    can_break,
    effect,
    site_permutations,
    turn_outputs,
)
from sbs.nn.reach.paths import allowed, as_paths

pytestmark = [
    pytest.mark.filterwarnings("ignore::sbs.nn.UnreachableBreakerWarning"),
    pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning"),
]

KEEPS = 1e-5  # relative change of an output that counts as none


def hidden(lmax):
    return o3.Irreps([(4, (l, p)) for l in range(lmax + 1) for p in (1, -1)])


def kept_by_a_network(model, symmetry_set, data, positions, irreps_out="1o"):
    """Which elements of S leave the output of a network with random weights alone."""
    matrices = np.asarray(symmetry_set.group.matrices)
    with torch.no_grad():
        output = model(data, index=torch.tensor([0]))
    moves = site_permutations(positions, matrices)
    change = (turn_outputs(output, irreps_out, matrices, moves) - output).abs().amax(dim=(1, 2))
    return (change / output.abs().max() < KEEPS).numpy()


NETWORKS = [
    ("Oh", "C4v", 1, 1, "1o"),
    ("Oh", "D4h", 1, 1, "1o"),
    ("Oh", "D4h", 0, 2, "0e"),
    ("Td", "T", 1, 1, "1o"),
    ("Td", "T", 1, 2, "1o"),
    ("Td", "T", 0, 2, "0e"),
    ("Oh", "T", 2, 2, "1o"),
    ("Oh", "T", 1, 2, "0e"),
    ("D8h", "C4h", 1, 2, "1o"),
    ("D8h", "C4h", 2, 1, "1o"),
    ("D12h", "C6h", 2, 2, "1o"),
    ("D4h", "C4h", 2, 2, "1o"),
]


@pytest.mark.parametrize(
    ("group", "target", "lmax", "layers", "out"),
    NETWORKS,
    ids=[f"{g}->{k} l<={l} {n} layers, {o}" for g, k, l, n, o in NETWORKS],
)
def test_agrees_with_networks_of_random_weights(
    group, target, lmax, layers, out, make_network, orbit_molecule, graph, double
):
    symmetry_set = sbs.minimal_set(group, target)
    answer = can_break("0e", hidden(lmax), out, symmetry_set, layers=layers)
    positions = orbit_molecule(symmetry_set.group.matrices)
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    model = make_network(breaker, out, lmax=lmax, layers=layers, mul=4)
    kept = kept_by_a_network(model, symmetry_set, graph(positions), positions, out)
    assert (kept == answer.kept).all()
    assert bool(answer) == (kept.sum() == symmetry_set.target.order)


def test_the_missing_irreps_are_a_cure(make_network, orbit_molecule, graph, double):
    symmetry_set = sbs.minimal_set("D12h", "C6h")
    answer = can_break("0e", "4x0e+4x1o+4x2e", "1o", symmetry_set)
    assert not answer and answer.unreached and answer.missing
    cured = "4x0e+4x1o+4x2e+" + "+".join(f"4x{ir}" for ir in answer.missing)
    assert can_break("0e", cured, "1o", symmetry_set)
    assert "lmax" in str(answer)


def test_fewer_layers_than_a_pseudoscalar_needs():
    symmetry_set = sbs.minimal_set("Td", "T")
    assert not can_break("0e", hidden(2), "1o", symmetry_set, layers=1)
    assert can_break("0e", hidden(2), "1o", symmetry_set, layers=2)


class GauntNetwork(torch.nn.Module):
    """Two rounds of messages and products with the object, all paths with even l1 + l2 + l3 only."""

    def __init__(self, irreps_breaker, lmax, product):
        super().__init__()
        self.edges = o3.Irreps.spherical_harmonics(lmax)
        first, second = o3.Irreps("2x0e"), o3.Irreps([(2, (l, p)) for l in range(lmax + 1) for p in (1, -1)])
        attributes = o3.Irreps("0e") + irreps_breaker
        self.parts = torch.nn.ModuleList()
        for left, right, out in [
            (first, self.edges, second),
            (second, attributes, second),
            (second, self.edges, second),
            (second, attributes, second),
            (second, self.edges, second),
            (second, attributes, o3.Irreps("1o")),
        ]:
            instructions = [
                (i, j, k, "uvw", True)
                for i, (_, a) in enumerate(left)
                for j, (_, b) in enumerate(right)
                for k, (_, c) in enumerate(out)
                if c in allowed(a, b, as_paths(product))
            ]
            self.parts.append(o3.TensorProduct(left, right, out, instructions))

    def forward(self, positions, objects):
        source, target = torch.nonzero(~torch.eye(len(positions), dtype=torch.bool)).T
        vectors = positions[source] - positions[target]
        harmonics = o3.spherical_harmonics(self.edges, vectors, True, normalization="component")
        harmonics = harmonics * torch.exp(-vectors.square().sum(dim=1, keepdim=True))
        x = torch.ones(len(positions), 2)
        attributes = torch.cat([torch.ones(len(positions), 1), objects.expand(len(positions), -1)], dim=1)
        for messages, product in zip(self.parts[::2], self.parts[1::2], strict=True):
            x = torch.zeros(len(positions), messages.irreps_out.dim).index_add(
                0, target, messages(x[source], harmonics)
            )
            x = product(x, attributes)
            if product is not self.parts[-1]:
                # An invariant nonlinearity, the same for all components of a node.
                x = x * torch.sigmoid(x[:, :1])
        return x


GAUNT = [("Td", "T"), ("Oh", "C4v"), ("Oh", "Td"), ("D4", "C4")]


@pytest.mark.parametrize("product", ["clebsch-gordan", "gaunt"])
@pytest.mark.parametrize(("group", "target"), GAUNT, ids=[f"{g}->{k}" for g, k in GAUNT])
def test_gaunt_products_lose_what_they_are_said_to_lose(group, target, product, orbit_molecule, double):
    symmetry_set = sbs.minimal_set(group, target)
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    answer = can_break("0e", hidden(2), "1o", symmetry_set, tensor_product=product, layers=2)
    matrices = np.asarray(symmetry_set.group.matrices)
    positions = orbit_molecule(matrices)
    network = GauntNetwork(breaker.irreps, 2, product)
    with torch.no_grad():
        output = network(torch.as_tensor(positions), breaker.objects[0, :1])
    moves = site_permutations(positions, matrices)
    change = (turn_outputs(output, "1o", matrices, moves) - output).abs().amax(dim=(1, 2))
    assert ((change / output.abs().max() < KEEPS).numpy() == answer.kept).all()
    if (group, product) == ("Td", "gaunt"):
        assert not answer and "Clebsch-Gordan" in answer.reason


POOLED = [("1o", False), ("2e", True), ("0e", False), ("4e", True)]


@pytest.mark.parametrize(("out", "expected"), POOLED, ids=[out for out, _ in POOLED])
def test_pooled_outputs_need_irreps_that_tell(out, expected, make_network, orbit_molecule, graph, double):
    symmetry_set = sbs.minimal_set("Oh", "D4h")
    answer = can_break("0e", hidden(4 if out == "4e" else 2), out, symmetry_set, pooled=True)
    assert bool(answer) == expected
    if not expected:
        assert "2e" in answer.reason
    if out != "4e":
        positions = orbit_molecule(symmetry_set.group.matrices)
        model = make_network(SymmetryBreaker(symmetry_set, mode="index"), out, layers=2, pool=True)
        with torch.no_grad():
            output = model(graph(positions, 2.0), index=torch.tensor([0]))
            model.model.pool_nodes = False
            scale = float(model(graph(positions, 2.0), index=torch.tensor([0])).abs().max())
        images = turn_outputs(output, out, symmetry_set.group.matrices)
        change = (images - output).abs().amax(dim=(1, 2)).numpy()
        assert ((change < KEEPS * scale) == answer.kept).all()


def test_sites_on_symmetry_elements_can_transmit_less():
    """One atom at the centre of O_h has no l = 2 features of its own: a 4e object needs them, a 2e does not."""
    symmetry_set = sbs.minimal_set("D8h", "C4h")
    single = np.zeros((1, 3))
    assert not can_break("0e", "4x0e+4x1o+4x2e", "1o", symmetry_set, positions=single)
    assert can_break("0e", "4x0e+4x1o+4x2e", "1o", symmetry_set)


def test_infinite_groups_and_sets():
    assert can_break("0e", hidden(2), "1o", sbs.minimal_set("C4h", "C1"))
    assert can_break("0e", hidden(1), "1o", sbs.minimal_set("Dinfh", "Cinfv"))
    with pytest.raises(InfiniteSetError, match="positions"):
        can_break("0e", hidden(1), "1o", sbs.minimal_set("Dinfh", "Cinfv"), pooled=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(irreps_in="vector"), "irreps_in"),
        (dict(irreps_hidden="many"), "irreps_hidden"),
        (dict(irreps_out=3.5), "irreps_out"),
        (dict(tensor_product="kronecker"), "clebsch-gordan"),
        (dict(layers=-1), "layers"),
        (dict(positions=np.zeros(3)), "positions"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_bad_questions_are_refused(change, message):
    arguments = dict(irreps_in="0e", irreps_hidden="4x0e", irreps_out="1o", symmetry_set=sbs.minimal_set("Oh", "C4v"))
    with pytest.raises(NetworkInputError, match=message):
        can_break(**(arguments | change))


def test_effect_tells_active_dormant_and_inert(make_network, orbit_molecule, graph):
    """A vector acts at once; a 4e starts behind `alpha`, which e3nn sets to zero; a 6 is out of reach of l = 2."""
    verdicts = {}
    for target, group in (("C4v", "Oh"), ("C4h", "D8h"), ("C6h", "D12h")):
        symmetry_set = sbs.minimal_set(group, target)
        breaker = SymmetryBreaker(symmetry_set, mode="index")
        model = make_network(breaker, lmax=2, layers=2, wake=False)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        data = graph(orbit_molecule(sbs.point_group("C2v").matrices, orbits=2))
        answer = effect(model, breaker, data)
        verdicts[symmetry_set.irreps] = answer
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [each.verdict for each in verdicts.values()] == ["active", "dormant", "inert"]
    assert verdicts["1x1o"].now > 0.01 and "active" in str(verdicts["1x1o"])
    dormant, inert = list(verdicts.values())[1:]
    assert dormant.now == 0.0 and dormant.woken > 1e-3 and dormant
    assert inert.now == 0.0 and inert.woken == 0.0 and not inert and "lmax=" in str(inert)


def test_effect_of_an_attached_breaker(make_network, orbit_molecule, graph):
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    host = make_network(SymmetryBreaker(symmetry_set, mode="index"), layers=2).model
    data = graph(orbit_molecule(sbs.point_group("C2v").matrices, orbits=2))
    data["node_attr"] = torch.ones(8, 4)
    breaker = SymmetryBreaker(symmetry_set)
    attachment = attach(host, breaker, at="mp.layers.0")
    assert effect(host, breaker, data).verdict == "dormant"
    with torch.no_grad():
        attachment.parameters()[0].normal_()
    assert effect(host, breaker, data).verdict == "active"
    with pytest.raises(NetworkInputError, match="not part of this model"):
        effect(host, SymmetryBreaker(symmetry_set), data)


def test_warnings_can_be_errors(make_network):
    with pytest.warns(UnreachableBreakerWarning):
        make_network(SymmetryBreaker(sbs.minimal_set("D12h", "C6h"), mode="index"), layers=0)


def test_rounding_is_no_path_on_given_sites():
    """A pseudoscalar of an object that has mirrors is zero; on sites it is a rounding error, not a way through."""
    symmetry_set = sbs.minimal_set("D3h", "C2v")
    ring = np.array([[np.cos(t), np.sin(t), 0.0] for t in (0.0, 2 * np.pi / 3, 4 * np.pi / 3)])
    answer = can_break("0e", hidden(2), "0o", symmetry_set, positions=ring)
    assert not answer and answer.zero and "zero by symmetry" in answer.reason
    table = np.asarray(symmetry_set.group.table)
    for out in ("0o", "1e", "1o", "2o"):
        kept = can_break("0e", hidden(1), out, symmetry_set, positions=ring).kept
        assert kept[table[np.ix_(kept, kept)]].all()


def test_the_place_of_the_object_is_part_of_the_question(double):
    """A pseudoscalar needs a pseudovector to make a vector: behind the second layer there are some, not behind the first."""
    symmetry_set = sbs.minimal_set("Td", "T")
    assert not can_break("0e", hidden(1), "1o", symmetry_set, layers=2, at=3)
    assert not can_break("0e", hidden(2), "1o", symmetry_set, layers=2, at=1)
    assert can_break("0e", hidden(2), "1o", symmetry_set, layers=2, at=2)
    assert can_break("0e", hidden(1), "1o", symmetry_set, layers=2, at="input")
    for place in (0, 4, "output", True):
        with pytest.raises(NetworkInputError, match="number of a layer, 1 to 3"):
            can_break("0e", hidden(1), "1o", symmetry_set, layers=2, at=place)


def test_effect_does_not_take_rounding_for_an_effect(make_network, orbit_molecule, graph, double):
    """Pooled scalars are the same for every object but for rounding, which is all that is left of a pseudoscalar."""
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    data = graph(orbit_molecule(sbs.point_group("Oh").matrices), 2.5)
    for out, verdict in (("0e", "inert"), ("0o", "zero"), ("1o", "active")):
        breaker = SymmetryBreaker(symmetry_set, mode="index")
        model = make_network(breaker, out, lmax=1, layers=1, pool=True)
        assert effect(model, breaker, data).verdict == verdict


def test_an_object_behind_the_output_fills_irreps_that_the_network_leaves_at_zero(double):
    """A pseudoscalar that no network of natural parities has, made of a vector as object and a pseudovector."""
    symmetry_set = sbs.minimal_set("C3v", "C1")
    assert symmetry_set.irreps == "1x1o"
    answer = can_break("0e", "2x1o+2x2e", "0o+1e", symmetry_set, layers=1, at=2)
    assert not answer.zero and (answer.kept.sum() < 6)


def test_effect_compares_objects_that_tell_of_all_others(make_network, orbit_molecule, graph, double):
    """The pooled pseudoscalar knows two halves of a set of sixteen: the first eight objects are of one half."""
    symmetry_set = sbs.minimal_set("Oh", "C3")
    breaker = SymmetryBreaker(symmetry_set, mode="index")
    model = make_network(breaker, "0o", lmax=1, layers=1, pool=True)
    data = graph(orbit_molecule(sbs.point_group("Oh").matrices), 2.5)
    outputs = []
    with torch.no_grad():
        for number in range(int(symmetry_set.size)):
            with breaker.choose(torch.tensor([number])):
                outputs.append(float(model(data)))
    assert np.ptp(outputs[:8]) < 1e-9 < 1e-3 * np.ptp(outputs)
    assert effect(model, breaker, data).verdict == "active"
