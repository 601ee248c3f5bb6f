"""SymmetryBreaker: what it returns, how it draws, how it follows the module, and what it refuses."""

import copy
import pickle

import numpy as np
import pytest
import torch
from e3nn import o3

import sbs
from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.nn import SymmetryBreaker

BATCH = torch.tensor([0, 0, 1, 1, 1, 2])


@pytest.fixture
def tetragonal():
    return sbs.minimal_set("Oh", "C4v")


@pytest.mark.parametrize(("group", "target"), [("Oh", "C4v"), ("Oh", "D4h"), ("Oh", "T"), ("Ih", "T"), ("D3", "C1")])
def test_component_normalisation_of_every_block(group, target, double):
    breaker = SymmetryBreaker(sbs.minimal_set(group, target), mode="all")
    features = breaker.graph_features(1)[:, 0]
    for (mul, ir), block in zip(breaker.irreps, breaker.irreps.slices(), strict=True):
        assert mul == 1
        norms = features[:, block].square().sum(dim=1)
        assert torch.allclose(norms, torch.full_like(norms, ir.dim), atol=1e-12)


def test_every_node_gets_the_object_of_its_graph(tetragonal, double):
    breaker = SymmetryBreaker(tetragonal, mode="index")
    index = torch.tensor([4, 0, 2])
    nodes = breaker(BATCH, index=index)
    graphs = breaker.graph_features(index=index)
    assert nodes.shape == (6, 3)
    assert torch.equal(nodes, graphs[BATCH])
    assert np.allclose(graphs.numpy() / np.sqrt(3), tetragonal.objects[[4, 0, 2]], atol=1e-14)


def test_all_puts_the_objects_in_front(tetragonal):
    breaker = SymmetryBreaker(tetragonal, mode="all")
    every = breaker(BATCH, 3)
    assert every.shape == (6, 6, 3)
    for number in range(6):
        assert torch.equal(every[number], breaker(BATCH, index=torch.full((3,), number)))


def test_rotations_equal_the_rotated_set(rotations, double):
    symmetry_set = sbs.minimal_set("Oh", "T")
    breaker, turns = SymmetryBreaker(symmetry_set, mode="all"), rotations(5, 4)
    features = breaker.graph_features(rotations=torch.as_tensor(turns))
    for graph, turn in enumerate(turns):
        expected = SymmetryBreaker(symmetry_set.rotated(turn), mode="all").graph_features(1)[:, 0]
        assert (features[:, graph] - expected).abs().max() < 1e-10


def test_drawing_is_uniform_and_repeats_with_the_seed(tetragonal):
    index = SymmetryBreaker(tetragonal, seed=1).draw(60000)
    counts = torch.bincount(index, minlength=6).double()
    # Chi-square with 5 degrees of freedom: 20.5 is exceeded with probability 1e-3; the seed is fixed.
    assert ((counts - 10000).square() / 10000).sum() < 20.5
    assert torch.equal(index, SymmetryBreaker(tetragonal, seed=1).draw(60000))
    assert not torch.equal(index, SymmetryBreaker(tetragonal, seed=2).draw(60000))


def test_drawing_leaves_the_global_generator_alone(tetragonal):
    breaker = SymmetryBreaker(tetragonal, seed=1)
    before = torch.get_rng_state()
    first = breaker.draw(100)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(99)
    again = SymmetryBreaker(tetragonal, seed=1)
    assert torch.equal(first, again.draw(100))
    assert not torch.equal(first, again.draw(100))


def test_several_sets_share_padded_blocks(double):
    sets = [sbs.minimal_set("Td", "T"), sbs.minimal_set("Oh", "C4v"), sbs.minimal_set("Oh", "T")]
    breaker = SymmetryBreaker(sets, mode="index")
    assert breaker.irreps == o3.Irreps("1x0o+1x1o+1x3o")
    rows = breaker.graph_features(index=torch.tensor([1, 5, 3]), set_index=torch.tensor([0, 1, 2]))
    assert torch.equal(rows[0, 1:], torch.zeros(10))
    assert torch.equal(rows[1, [0, *range(4, 11)]], torch.zeros(8))
    assert np.allclose(rows[1, 1:4].numpy() / np.sqrt(3), sets[1].objects[5])
    assert np.allclose(rows[2, 0].numpy(), sets[2].objects[3, 0])
    assert np.allclose(rows[2, 4:].numpy() / np.sqrt(7), sets[2].objects[3, 1:])


def test_sets_with_blocks_of_their_own(tetragonal, double):
    breaker = SymmetryBreaker([tetragonal, sbs.minimal_set("Oh", "C3v")], mode="index", shared=False)
    assert breaker.irreps.dim == 6
    rows = breaker.graph_features(index=torch.tensor([0, 0]), set_index=torch.tensor([0, 1]))
    assert rows[0, 3:].abs().max() == 0 and rows[1, :3].abs().max() == 0
    assert rows[0, :3].abs().max() > 1 and rows[1, 3:].abs().max() > 0.9


def test_drawing_respects_the_size_of_each_set():
    breaker = SymmetryBreaker([sbs.minimal_set("Td", "T"), sbs.minimal_set("Oh", "C1")])
    which = torch.arange(4000) % 2
    index = breaker.draw(4000, which)
    assert index[which == 0].unique().tolist() == [0, 1]
    assert index[which == 1].unique().tolist() == list(range(48))


def test_casts_keep_the_objects_exact(double):
    symmetry_set = sbs.minimal_set("Oh", "C3v")
    breaker = SymmetryBreaker(symmetry_set, mode="all")
    exact = breaker.graph_features(1)
    assert breaker.float().graph_features(1).dtype == torch.float32
    assert torch.equal(breaker.double().graph_features(1), exact)
    assert breaker.to(torch.bfloat16).graph_features(1).dtype == torch.bfloat16


def test_autocast_does_not_touch_the_objects(tetragonal, rotations):
    breaker = SymmetryBreaker(tetragonal, mode="all")
    turns = torch.as_tensor(rotations(2), dtype=torch.float32)
    expected = breaker.graph_features(rotations=turns)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(breaker.graph_features(rotations=turns), expected)


def test_state_dict_holds_the_set_and_refuses_another(tetragonal, double):
    saved = SymmetryBreaker(tetragonal).state_dict()
    fresh = SymmetryBreaker(tetragonal).float()
    fresh.load_state_dict(saved)
    other = SymmetryBreaker(sbs.minimal_set("Oh", "C3v"))
    before = other.objects.clone()
    with pytest.raises(NetworkInputError, match="not those of this breaker"):
        other.load_state_dict(saved)
    assert torch.equal(other.objects, before)


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))], ids=["deepcopy", "pickle"]
)
def test_copies_continue_the_stream_independently(duplicate, tetragonal):
    breaker = SymmetryBreaker(tetragonal, seed=5)
    breaker.draw(10)
    twin = duplicate(breaker)
    assert torch.equal(breaker.draw(20), twin.draw(20))
    breaker.draw(7)
    assert not torch.equal(breaker.draw(20), twin.draw(20))


def test_choose_is_the_default_inside_and_only_there(tetragonal):
    breaker = SymmetryBreaker(tetragonal, mode="index")
    with breaker.choose(torch.tensor([3])):
        inside = breaker.graph_features()
        assert torch.equal(breaker.graph_features(index=torch.tensor([1])), breaker.objects[0, 1:2].float())
    assert torch.equal(inside, breaker.objects[0, 3:4].float())
    with pytest.raises(NetworkInputError, match="index"):
        breaker.graph_features(1)


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiles_without_a_graph_break_and_draws_the_same(backend, tetragonal, rotations):
    turns = torch.as_tensor(rotations(3), dtype=torch.float32)
    plain = SymmetryBreaker([tetragonal, sbs.minimal_set("Oh", "D4h")], seed=3)
    compiled = torch.compile(copy.deepcopy(plain), backend=backend, fullgraph=True)
    which = torch.tensor([0, 1, 0])
    for _ in range(3):
        expected = plain(BATCH, 3, set_index=which, rotations=turns)
        assert torch.allclose(compiled(BATCH, 3, set_index=which, rotations=turns), expected, atol=1e-6)


INFINITE = [("C4h", "C1"), ("C2", "C1"), ("C3", "C1"), ("Dinfh", "C2v(C2')"), ("O(3)", "Cinfv")]


@pytest.mark.parametrize(("group", "target"), INFINITE, ids=lambda name: name)
def test_infinite_sets_are_sampled_as_numpy_samples_them(group, target, double):
    symmetry_set = sbs.minimal_set(group, target)
    assert symmetry_set.size == float("inf")
    drawn = SymmetryBreaker(symmetry_set, seed=2).graph_features(20000).numpy()
    breaker = SymmetryBreaker(symmetry_set)
    scales = np.concatenate([np.full(ir.dim, ir.dim**0.5) for _, ir in breaker.irreps])
    reference = symmetry_set.sample(20000, 1) * scales
    # Means and second moments of the two samples agree to a few standard errors (1 / sqrt(20000) = 0.007).
    assert np.abs(drawn.mean(axis=0) - reference.mean(axis=0)).max() < 0.06
    assert np.abs(drawn.T @ drawn - reference.T @ reference).max() / 20000 < 0.15
    # Every drawn object has the norm of its block, and the smallest stabilizer asked for.
    for (_, ir), block in zip(breaker.irreps, breaker.irreps.slices(), strict=True):
        assert np.allclose((drawn[:, block] ** 2).sum(axis=1), ir.dim)


def test_infinite_sets_have_no_numbers():
    symmetry_set = sbs.minimal_set("C4h", "C1")
    with pytest.raises(InfiniteSetError, match="mode='all' needs finite"):
        SymmetryBreaker(symmetry_set, mode="all")
    insisting = SymmetryBreaker(symmetry_set, mode="index")
    given = insisting.features_of(symmetry_set.sample(2, 1))
    assert torch.equal(insisting.graph_features(features=given), given)
    with pytest.raises(NetworkInputError, match="draws nothing"):
        insisting.graph_features(2)
    with pytest.raises(InfiniteSetError, match="no numbers"):
        insisting.graph_features(index=torch.tensor([0]))
    breaker = SymmetryBreaker(symmetry_set)
    with pytest.raises(InfiniteSetError, match="no numbers"):
        breaker.draw(3)
    with pytest.raises(InfiniteSetError, match="no numbers"):
        breaker.graph_features(index=torch.tensor([0]))


BAD_CALLS = {
    "index-out-of-range": (dict(index=torch.tensor([0, 6, 1])), r"index\[1\] is 6"),
    "negative-index": (dict(index=torch.tensor([0, -1, 1])), r"0\.\.5"),
    "index-of-wrong-length": (dict(index=torch.tensor([0])), "graph numbers"),
    "float-index": (dict(index=torch.tensor([0.0, 1.0, 2.0])), "one integer per graph"),
    "not-orthogonal": (dict(rotations=2 * torch.eye(3).expand(3, 3, 3)), "not orthogonal"),
    "nan-rotation": (dict(rotations=torch.full((3, 3, 3), torch.nan)), "not orthogonal"),
    "rotation-shape": (dict(num_graphs=3, rotations=torch.eye(3)), r"\(3, 3, 3\)"),
    "empty-graph": (dict(num_graphs=4), r"Graphs \[3\] of 4 have no node"),
    "too-few-graphs": (dict(num_graphs=2), "graph numbers 0..2"),
    "unknown-number-of-graphs": (dict(), "num_graphs"),
    "other-device": (dict(index=torch.zeros(3, dtype=torch.int64, device="meta")), "is on meta"),
    "set-out-of-range": (dict(num_graphs=3, set_index=torch.tensor([0, 0, 1])), "set_index"),
}


@pytest.mark.parametrize(("call", "message"), BAD_CALLS.values(), ids=BAD_CALLS.keys())
def test_bad_calls_are_refused(call, message, tetragonal):
    with pytest.raises(NetworkInputError, match=message):
        SymmetryBreaker(tetragonal)(BATCH, **call)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (torch.zeros(0, dtype=torch.int64), "empty"),
        (torch.zeros(3), "integer"),
        (torch.zeros((3, 1), dtype=torch.int64), "shape"),
        (None, "batch is missing"),
    ],
    ids=["empty", "float", "two-dimensional", "missing"],
)
def test_bad_batches_are_refused(batch, message, tetragonal):
    with pytest.raises(NetworkInputError, match=message):
        SymmetryBreaker(tetragonal)(batch, 1)


def test_bad_constructions_are_refused(tetragonal):
    with pytest.raises(NetworkInputError, match="unknown"):
        SymmetryBreaker(tetragonal, mode="every")
    with pytest.raises(NetworkInputError, match="No set"):
        SymmetryBreaker([])
    with pytest.raises(NetworkInputError, match="one set"):
        SymmetryBreaker([tetragonal, tetragonal], mode="all")
    with pytest.raises(NetworkInputError, match="give set_index"):
        SymmetryBreaker([tetragonal, tetragonal]).graph_features(2)
    group = sbs.FiniteGroup.from_permutations([[1, 2, 3, 0], [3, 2, 1, 0]])
    whole = group.subgroup(list(range(group.order)))
    abstract = sbs.minimal_set(group=whole, target=group.subgroup([0]), ambient=group)
    with pytest.raises(NetworkInputError, match="no irreps"):
        SymmetryBreaker(abstract)
