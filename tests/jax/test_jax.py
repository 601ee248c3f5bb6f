"""The JAX adapter beside torch: the same features, outputs and losses to 1e-12, traced and differentiated."""

import sys
from pathlib import Path

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="jax is not installed")
jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402

import sbs  # noqa: E402
import sbs.jax  # noqa: E402
from sbs.errors import InfiniteSetError, NetworkInputError  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from test_bad_input import ODD, outcome  # noqa: E402

TOLERANCE = 1e-12
PAIRS = [("Oh", "C4v"), ("Oh", "T"), ("Ih", "T"), ("D3", "C1"), ("Td", "C3v")]


@pytest.fixture
def torch_side():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(previous)


def rotations(count, seed=0):
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(count, 3, 3)))
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    return q


@pytest.mark.parametrize(("group", "target"), PAIRS, ids=[f"{g}->{k}" for g, k in PAIRS])
def test_features_are_those_of_torch(group, target, torch_side):
    import sbs.nn

    sets = [sbs.minimal_set(group, target), sbs.minimal_set("Oh", "C3v")]
    index, which, turns = np.array([1, 3, 0, 1]), np.array([0, 1, 1, 0]), rotations(4)
    batch = np.array([0, 0, 1, 2, 2, 2, 3])
    breaker = sbs.nn.SymmetryBreaker(sets, mode="index")
    to = torch_side.as_tensor
    expected = breaker(to(batch), index=to(index), set_index=to(which), rotations=to(turns)).numpy()
    objects = sbs.jax.Objects(sets)
    found = jax.jit(objects.node_features)(batch, index, set_index=which, rotations=turns)
    assert objects.irreps.replace(" ", "") == str(breaker.irreps)
    assert np.abs(np.asarray(found) - expected).max() < TOLERANCE


def test_fields_on_sites_are_those_of_torch(torch_side):
    import sbs.nn

    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    crystal = sbs.detect((3.9 * np.eye(3), sites, [38, 22, 8, 8, 8]), supercell=2)
    sets = [sbs.minimal_set(crystal, "R4+ (a,0,0)"), sbs.minimal_set("Oh", "C4v")]
    batch, index, which = np.array([0] * 3 + [1] * 40), np.array([2, 1]), np.array([1, 0])
    breaker = sbs.nn.SymmetryBreaker(sets, mode="index")
    to = torch_side.as_tensor
    expected = breaker(to(batch), index=to(index), set_index=to(which)).numpy()
    objects = sbs.jax.Objects(sets)
    found = objects.node_features(batch, index, set_index=which)
    assert np.abs(np.asarray(found) - expected).max() < TOLERANCE
    with pytest.raises(NetworkInputError, match="fields on 40 sites"):
        objects.node_features(batch[:-1], index, set_index=which)


def test_drawing_is_uniform_and_repeats_with_the_key():
    objects = sbs.jax.Objects(sbs.minimal_set("Oh", "C4v"))
    drawn = np.asarray(objects.draw(jax.random.key(1), 60000))
    counts = np.bincount(drawn, minlength=6)
    # Chi-square with 5 degrees of freedom: 20.5 is exceeded with probability 1e-3; the key is fixed.
    assert ((counts - 10000) ** 2 / 10000).sum() < 20.5
    assert np.array_equal(drawn, objects.draw(jax.random.key(1), 60000))


def cross_network(positions, features):
    """An equivariant function of sites and an object (a polar vector): vectors on the sites."""
    vectors = positions[:, None] - positions[None]
    weights = jnp.exp(-jnp.square(vectors).sum(-1))
    along = jnp.einsum("ijk,k->ij", vectors, features)
    return jnp.einsum("ij,ijk->ik", weights * jnp.sin(along), vectors) + jnp.einsum("ij,k->ik", weights, features)


@pytest.mark.parametrize("turned", [False, True])
def test_all_outputs_equal_evaluating_every_object_and_torch(turned, torch_side):
    import sbs.nn

    symmetry_set = sbs.minimal_set("Oh", "C4v")
    objects = sbs.jax.Objects(symmetry_set)
    turn = rotations(1, 3)[0] if turned else np.eye(3)
    standard = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    moves = sbs.jax.site_permutations(standard, symmetry_set.group.matrices)

    def apply(positions, number):
        return cross_network(positions, objects.graph_features(jnp.array([number]), rotations=turn[None])[0])

    found = sbs.jax.all_outputs(
        apply, standard @ turn.T, symmetry_set, irreps_out="1o", permutations=moves, rotation=turn
    )
    direct = jnp.stack([apply(standard @ turn.T, k) for k in range(6)])
    assert np.abs(found - direct).max() < TOLERANCE
    other = sbs.nn.all_outputs(
        lambda inputs, k: torch_side.as_tensor(np.array(apply(inputs, k))),
        standard @ turn.T,
        symmetry_set,
        irreps_out="1o",
        permutations=moves,
        rotation=turn,
    )
    assert np.abs(np.asarray(found) - other.numpy()).max() < TOLERANCE
    with pytest.raises(NetworkInputError, match="has not this symmetry"):
        bent = standard @ turn.T + np.linspace(0, 0.1, 21).reshape(7, 3)
        sbs.jax.all_outputs(apply, bent, symmetry_set, irreps_out="1o", permutations=moves, rotation=turn)


def test_losses_and_their_gradients_are_those_of_torch(torch_side):
    import sbs.nn

    symmetry_set = sbs.minimal_set("Oh", "C4v")
    sites = np.concatenate([np.zeros((1, 3)), np.eye(3), -np.eye(3)])
    moves = sbs.jax.site_permutations(sites, symmetry_set.group.matrices)
    target = np.zeros((7, 3))
    target[0, 2], target[3, 2] = 0.3, -0.1
    ours = sbs.jax.orbit_targets(symmetry_set, target, "1o", moves)
    theirs = sbs.nn.orbit_targets(symmetry_set, torch_side.as_tensor(target), "1o", moves)
    assert np.abs(np.asarray(ours) - theirs.numpy()).max() < TOLERANCE
    prediction = np.random.default_rng(0).normal(size=(4, 7, 3))
    index = np.array([0, 5, 2, 2])
    pairs = [
        (lambda x: sbs.jax.paired_loss(x, ours, index), lambda x: sbs.nn.paired_loss(x, theirs, torch_side.as_tensor(index))),
        (lambda x: sbs.jax.orbit_minimum_loss(x, ours), lambda x: sbs.nn.orbit_minimum_loss(x, theirs)),
        (lambda x: sbs.jax.energy_score(x, ours), lambda x: sbs.nn.energy_score(x, theirs)),
    ]
    for start in (prediction, np.zeros((4, 7, 3))):
        for one, other in pairs:
            value, gradient = jax.value_and_grad(one)(jnp.asarray(start))
            given = torch_side.tensor(start, requires_grad=True)
            expected = other(given)
            expected.backward()
            assert abs(float(value) - float(expected.detach())) < TOLERANCE
            assert np.abs(np.asarray(gradient) - given.grad.numpy()).max() < TOLERANCE


def test_rotation_is_that_of_e3nn_jax():
    e3nn = pytest.importorskip("e3nn_jax", reason="e3nn-jax is not installed")
    irreps = "2x0e+1x1o+1x2e+1x3o+1x4e"
    turns = rotations(5, 2)
    turns = turns * np.sign(np.linalg.det(turns))[:, None, None]
    features = np.random.default_rng(1).normal(size=(5, 2 + 3 + 5 + 7 + 9))
    found = sbs.jax.rotate(jnp.asarray(features), irreps, jnp.asarray(turns))
    for row, turn, wanted in zip(features, turns, found, strict=True):
        expected = e3nn.IrrepsArray(irreps, jnp.asarray(row)).transform_by_matrix(jnp.asarray(turn)).array
        # Its matrices go through angles.
        assert np.abs(np.asarray(expected) - np.asarray(wanted)).max() < 1e-5


def test_bad_calls_are_refused():
    objects = sbs.jax.Objects(sbs.minimal_set("Oh", "C4v"))
    with pytest.raises(NetworkInputError, match=r"index\[1\] is 6"):
        objects.graph_features(np.array([0, 6]))
    with pytest.raises(NetworkInputError, match="one integer per graph"):
        objects.graph_features(np.array([0.0]))
    with pytest.raises(NetworkInputError, match="batch"):
        objects.node_features(np.array([0, 2]), np.array([0, 1]))
    with pytest.raises(InfiniteSetError, match="infinite"):
        sbs.jax.Objects(sbs.minimal_set("C3", "C1"))
    with pytest.raises(NetworkInputError, match="No set"):
        sbs.jax.Objects([])
    with pytest.raises(NetworkInputError, match="components"):
        sbs.jax.turn_outputs(jnp.zeros((2, 3)), "2e", np.eye(3)[None])
    with pytest.raises(NetworkInputError, match="same"):
        sbs.jax.orbit_minimum_loss(jnp.zeros((2, 3)), jnp.zeros((4, 3, 3)))


def test_unsorted_batches_and_sites_are_read_right():
    """Nodes of two crystals mixed: each has the value at its own site; sites that are none are refused, not clamped."""
    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    crystal = sbs.detect((3.9 * np.eye(3), sites, [38, 22, 8, 8, 8]), supercell=2)
    objects = sbs.jax.Objects(sbs.minimal_set(crystal, "R4+ (a,0,0)"))
    batch, index = np.repeat([0, 1], 40), np.array([1, 4])
    expected = objects.node_features(batch, index)
    mixed = np.stack([np.arange(40), np.arange(40, 80)], axis=1).reshape(-1)
    assert np.array_equal(objects.node_features(batch[mixed], index), np.asarray(expected)[mixed])
    assert np.array_equal(jax.jit(objects.node_features)(batch[mixed], index), np.asarray(expected)[mixed])
    with pytest.raises(NetworkInputError, match=r"sites\[3\] is 40"):
        objects.node_features(batch, index, sites=np.where(np.arange(80) == 3, 40, np.arange(80) % 40))


def test_outputs_of_sites_need_their_permutations():
    symmetry_set = sbs.minimal_set("Oh", "C4v")
    with pytest.raises(NetworkInputError, match="has 7 rows"):
        sbs.jax.all_outputs(lambda inputs, k: jnp.zeros((7, 3)), {}, symmetry_set, irreps_out="1o")


VECTORS = sbs.minimal_set("Oh", "C4v")
OBJECTS = sbs.jax.Objects(VECTORS)
ONE, UPWARDS = jnp.ones((1, 3)), np.array([[0.0, 0.0, 1.0]])
MATRICES = np.asarray(VECTORS.group.matrices)
GIVEN = {"traced key": jax.random.key(0), "jax array": jnp.ones((1, 3)), "complex jax array": jnp.ones(3, dtype=complex)}

CALLS = {
    "Objects(x)": sbs.jax.Objects,
    "Objects(shared=x)": lambda x: sbs.jax.Objects(VECTORS, shared=x),
    "draw(x)": lambda x: OBJECTS.draw(x, 2),
    "draw(num_graphs=x)": lambda x: OBJECTS.draw(jax.random.key(0), x),
    "draw(set_index=x)": lambda x: OBJECTS.draw(jax.random.key(0), 1, x),
    "graph_features(x)": OBJECTS.graph_features,
    "graph_features(set_index=x)": lambda x: OBJECTS.graph_features(np.array([0]), set_index=x),
    "graph_features(rotations=x)": lambda x: OBJECTS.graph_features(np.array([0]), rotations=x),
    "node_features(x)": lambda x: OBJECTS.node_features(x, np.array([0])),
    "node_features(index=x)": lambda x: OBJECTS.node_features(np.array([0]), x),
    "node_features(sites=x)": lambda x: OBJECTS.node_features(np.array([0]), np.array([0]), sites=x),
    "rotate(x)": lambda x: sbs.jax.rotate(x, "1o", np.eye(3)[None]),
    "rotate(irreps=x)": lambda x: sbs.jax.rotate(ONE, x, np.eye(3)[None]),
    "rotate(rotations=x)": lambda x: sbs.jax.rotate(ONE, "1o", x),
    "turn_outputs(x)": lambda x: sbs.jax.turn_outputs(x, "1o", MATRICES),
    "turn_outputs(irreps=x)": lambda x: sbs.jax.turn_outputs(ONE, x, MATRICES),
    "turn_outputs(matrices=x)": lambda x: sbs.jax.turn_outputs(ONE, "1o", x),
    "turn_outputs(permutations=x)": lambda x: sbs.jax.turn_outputs(ONE, "1o", MATRICES, x),
    "all_outputs(x)": lambda x: sbs.jax.all_outputs(x, {}, VECTORS, irreps_out="1o") if not callable(x) else None,
    "all_outputs(output=x)": lambda x: sbs.jax.all_outputs(lambda data, k: x, {}, VECTORS, irreps_out="1o"),
    "all_outputs(set=x)": lambda x: sbs.jax.all_outputs(lambda data, k: ONE, {}, x, irreps_out="1o"),
    "all_outputs(irreps=x)": lambda x: sbs.jax.all_outputs(lambda data, k: ONE, {}, VECTORS, irreps_out=x),
    "all_outputs(rotation=x)": lambda x: sbs.jax.all_outputs(lambda d, k: ONE * 0, {}, VECTORS, irreps_out="1o", rotation=x),
    "all_outputs(permutations=x)": lambda x: sbs.jax.all_outputs(
        lambda data, k: ONE * 0, {}, VECTORS, irreps_out="1o", permutations=x
    ),
    "all_outputs(prepared=x)": lambda x: sbs.jax.all_outputs(lambda d, k: ONE * 0, {}, VECTORS, irreps_out="1o", prepared=x),
    "all_outputs(check=x)": lambda x: sbs.jax.all_outputs(lambda data, k: ONE * 0, {}, VECTORS, irreps_out="1o", check=x),
    "orbit_targets(x)": lambda x: sbs.jax.orbit_targets(x, UPWARDS, "1o", None),
    "orbit_targets(target=x)": lambda x: sbs.jax.orbit_targets(VECTORS, x, "1o", None),
    "orbit_targets(irreps=x)": lambda x: sbs.jax.orbit_targets(VECTORS, UPWARDS, x, None),
    "orbit_targets(index=x)": lambda x: sbs.jax.orbit_targets(VECTORS, UPWARDS, "1o", None, index=x),
    "matching_objects(target=x)": lambda x: sbs.jax.matching_objects(VECTORS, x, "1o", None),
    "paired_loss(x)": lambda x: sbs.jax.paired_loss(x, ONE[None], 0),
    "paired_loss(targets=x)": lambda x: sbs.jax.paired_loss(ONE, x, 0),
    "paired_loss(index=x)": lambda x: sbs.jax.paired_loss(ONE, ONE[None], x),
    "orbit_minimum_loss(x)": lambda x: sbs.jax.orbit_minimum_loss(x, ONE[None]),
    "orbit_minimum_loss(targets=x)": lambda x: sbs.jax.orbit_minimum_loss(ONE, x),
    "energy_score(x)": lambda x: sbs.jax.energy_score(x, ONE[None]),
    "energy_score(targets=x)": lambda x: sbs.jax.energy_score(jnp.ones((2, 1, 3)), x),
}


@pytest.mark.parametrize("name", CALLS)
def test_only_errors_of_the_library_come_out(name):
    wrong = {odd: found for odd, value in (ODD | GIVEN).items() if (found := outcome(CALLS[name], value))}
    assert wrong == {}
