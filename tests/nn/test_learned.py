"""A learned vector finds the symmetry of the data: <100>, <110> and <111> of an octahedron, by itself."""

import copy
import importlib

import numpy as np
import pytest
import torch
from e3nn import o3

import sbs
from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.nn import LearnedBreaker, all_outputs, orbit_minimum_loss, site_permutations, turn_outputs

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


def learn(breaker, parameters, output_of, targets, *, unit, rate):
    """Train network and vector on the objects in turn; the last loss, in squares of the targets' size."""
    optimiser = torch.optim.Adam(parameters, lr=rate)
    for step in range(200):
        optimiser.zero_grad()
        loss = orbit_minimum_loss(output_of(torch.tensor([step % breaker.group.order])), targets) / unit
        (loss + 0.1 * breaker.asymmetry()).backward()
        optimiser.step()
    return float(loss.detach())


@pytest.mark.parametrize("target", DIRECTIONS)
def test_the_vector_finds_the_target(target, double):
    """The data show off-centre ions without a word of which symmetry is left; the right set comes out."""
    group = sbs.point_group("Oh")
    torch.manual_seed(1)
    breaker, model = LearnedBreaker(group, "1x1o", seed=1), CubicSite(group.matrices)
    wanted = torch.as_tensor(0.3 * np.array(DIRECTIONS[target]) / np.linalg.norm(DIRECTIONS[target]))[None]
    targets = turn_outputs(wanted, "1o", group.matrices)
    weights = [*model.parameters(), *breaker.parameters()]
    loss = learn(
        breaker, weights, lambda number: model(breaker.graph_features(1, index=number)), targets, unit=0.09, rate=0.03
    )
    found = breaker.converged()
    assert loss < 1e-3
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


GROUPS = ["D4h", "Td", "C3v", "D6h", "Ih", "D3", "C2v", "Th", "D5h"]


@pytest.mark.parametrize("symbol", GROUPS)
def test_near_a_symmetric_vector_its_stabilizer_is_named(symbol, rotations, double):
    """In any orientation, for every class of K with a vector: what fixes the vector is named, and its set is found."""
    random = np.random.default_rng(3)
    group = sbs.point_group(symbol).rotated(rotations(1, 5)[0])
    breaker = LearnedBreaker(group, "1x1o+1x2e+1x3o", seed=1)
    action, named = breaker.action.numpy(), 0
    for each in group.subgroup_classes:
        kept = np.asarray(each.representative.elements)
        vector = action[kept].mean(axis=0) @ random.normal(size=breaker.dim)
        if np.linalg.norm(vector) < 1e-6:
            continue
        fixing = np.linalg.norm(action @ vector - vector, axis=1) < 1e-9 * np.linalg.norm(vector)
        noise = random.normal(size=breaker.dim)
        with torch.no_grad():
            breaker.vector.copy_(torch.as_tensor(7.0 * vector + 0.01 * np.linalg.norm(vector) * noise / np.linalg.norm(noise)))
        found = breaker.converged()
        if found is not None:
            assert set(kept) <= set(found.target.elements)
            named += set(np.flatnonzero(fixing)) == set(found.target.elements)
    assert named >= 3
    exact = breaker.converged().symmetry_set
    assert exact.group == group and exact.target == breaker.converged().target


def test_detected_structures_are_understood(rotations):
    atoms = pytest.importorskip("ase").Atoms("SF6", positions=1.6 * np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)]))
    atoms.positions = atoms.positions @ rotations(1, 4)[0].T
    detected = sbs.detect(atoms)
    assert LearnedBreaker(detected, "1x1o").group == detected.group
    crystal = sbs.detect(PEROVSKITE)
    assert LearnedBreaker(crystal, "1x1o").objects.shape == (1, 48, 3)


def test_what_is_not_the_breaker_s_is_refused():
    breaker = LearnedBreaker("Oh", "1x1o")
    orbit = breaker.orbit()
    assert breaker.number_of(orbit) == 0
    with torch.no_grad():
        breaker.vector.add_(0.5)
    with pytest.raises(NetworkInputError, match="has moved since"):
        breaker.number_of(orbit)
    with pytest.raises(NetworkInputError, match="not this breaker's D3"):
        LearnedBreaker("D3", "1x1o").load_state_dict(breaker.state_dict())
    with pytest.raises(NetworkInputError, match=r"converged\(\).symmetry_set"):
        _ = breaker.set
    with pytest.raises(NetworkInputError, match=r"set_index\[0\] is 2"):
        breaker.graph_features(1, index=torch.tensor([0]), set_index=torch.tensor([2]))
    given = breaker.features_of([0.0, 0.0, 2.0])
    assert torch.allclose(given, torch.tensor([[0.0, 0.0, 3.0**0.5]]))
    assert torch.equal(breaker.graph_features(1, features=given), given)
    for values in (0.0, float("nan"), float("inf")):
        with torch.no_grad():
            breaker.vector.fill_(values)
        with pytest.raises(NetworkInputError, match="diverged"):
            breaker.converged()


PEROVSKITE = (
    3.9 * np.eye(3),
    [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    ["Sr", "Ti", "O", "O", "O"],
)


def symmetric_pattern(matrices, permutations, elements, seed=0):
    """A displacement of every site that just these elements leave alone: the mean of the images of a random one."""
    drawn = torch.as_tensor(np.random.default_rng(seed).normal(size=(permutations.shape[1], 3)))
    pattern = turn_outputs(drawn, "1o", matrices[elements], permutations[elements]).mean(dim=0)
    pattern = pattern - pattern.mean(dim=0)
    return pattern * np.sqrt(len(pattern)) / pattern.norm() / 10


class OnSites(torch.nn.Module):
    """Where each site goes: along the field there, as far as its species responds."""

    def __init__(self, kinds):
        super().__init__()
        self.register_buffer("kinds", torch.as_tensor(kinds))
        self.response = torch.nn.Parameter(torch.full((3, 1), 0.3))

    def forward(self, field):
        return field * self.response[self.kinds]


@pytest.mark.parametrize("target", ["R4+ (a,0,0)", "M3+ (a,0,0)", "R4+ (a,a,a)"])
def test_a_field_finds_the_tilts(target, double):
    """Displacements with the symmetry of a tilt system, without a word of which: the field finds K, translations and all."""
    crystal = sbs.detect(PEROVSKITE, supercell=2)
    row = sbs.minimal_set(crystal, target)
    wanted = symmetric_pattern(crystal.matrices, crystal.permutations, np.asarray(row.target.elements))
    targets = turn_outputs(wanted, "1o", crystal.matrices, crystal.permutations)
    torch.manual_seed(0)
    breaker = LearnedBreaker(crystal, "1x1o", seed=1)
    model = OnSites(np.unique(crystal.structure.numbers, return_inverse=True)[1])
    weights = [*model.parameters(), *breaker.parameters()]
    loss = learn(
        breaker, weights, lambda number: model(breaker.graph_features(1, index=number)[0]), targets, unit=0.01, rate=0.05
    )
    found = breaker.converged()
    assert loss < 1e-2
    assert found is not None and found.target.order == row.target.order
    exact = found.symmetry_set
    assert exact.target.symbol == row.target.symbol and exact.size == row.size and exact.irreps == row.irreps
    exact.verify()


def test_a_field_is_drawn_chosen_and_transported_like_any_set(double):
    crystal = sbs.detect(PEROVSKITE, supercell=(1, 1, 2))
    breaker = LearnedBreaker(crystal, "1x1o+1x0o", seed=2)
    order, sites = crystal.permutations.shape
    assert breaker.objects.shape == (1, order, sites, 4)
    images = turn_outputs(breaker.seed_object.detach(), "1x1o+1x0o", crystal.matrices, crystal.permutations)
    assert torch.allclose(breaker.objects[0].detach(), images, atol=1e-12)
    model = OnSites(np.unique(crystal.structure.numbers, return_inverse=True)[1])

    def outputs(data, number):
        return model(breaker.graph_features(1, index=torch.tensor([number]))[0][:, :3])

    with torch.no_grad():
        every = all_outputs(outputs, {}, breaker.orbit(), irreps_out="1o")
        direct = torch.stack([outputs({}, k) for k in range(order)])
    assert torch.allclose(every, direct, atol=1e-10)
    batch = torch.arange(2).repeat_interleave(sites)
    on_nodes = breaker(batch, 2)
    assert on_nodes.shape == (2 * sites, 4) and torch.allclose(on_nodes.square().sum(), torch.tensor(8.0 * sites))
    twin = LearnedBreaker(crystal, "1x1o+1x0o", seed=7)
    twin.load_state_dict(copy.deepcopy(breaker.state_dict()))
    assert torch.equal(twin.objects, breaker.objects) and f"{sites} sites" in repr(twin)
    assert breaker.converged().target.order == 1


@pytest.mark.slow
@pytest.mark.parametrize(("target", "symbol"), [("C4v", "P4mm"), ("C2v(C2')", "Amm2"), ("C3v", "R3m")])
def test_barium_titanate_shows_its_phases_by_itself(target, symbol, double):
    """A network on the five atoms: the vector finds <100>, <110> and <111> from displacements of one domain."""
    networks = importlib.import_module("crystal_network")
    crystal = sbs.detect((4.0 / 3.9 * PEROVSKITE[0], PEROVSKITE[1], ["Ba", "Ti", "O", "O", "O"]))
    structure, group = crystal.structure, sbs.point_group("Oh")
    places, lattice = structure.positions.copy(), structure.lattice.copy()
    moves = site_permutations(places, group.matrices, species=structure.numbers, cell=lattice)
    wanted = symmetric_pattern(group.matrices, moves, np.asarray(group.subgroup_class(target).representative.elements))
    targets = turn_outputs(wanted, "1o", group.matrices, moves)
    torch.manual_seed(0)
    breaker = LearnedBreaker(group, "1x1o", seed=1)
    network = networks.CrystalNetwork(3, "1o", breaker, cutoff=3.2, mul=4, layers=1)
    species = np.unique(structure.numbers, return_inverse=True)[1]
    data = networks.crystal(species, places, lattice, 3.2)
    loss = learn(breaker, network.parameters(), lambda number: network(data, index=number), targets, unit=0.01, rate=0.02)
    found = breaker.converged()
    assert loss < 1e-2
    assert found is not None and found.target.symbol == target.partition("(")[0]
    direction = np.sort(breaker.seed_object.detach().abs().numpy())
    expected = {"P4mm": [0, 0, 1], "Amm2": [0, 1, 1], "R3m": [1, 1, 1]}[symbol]
    assert np.allclose(direction / direction[-1], expected, atol=0.05)
