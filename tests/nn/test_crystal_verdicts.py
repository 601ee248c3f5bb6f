"""can_break for fields on the sites of crystals, against e3nn's networks with random weights on the crystals themselves."""

import numpy as np
import pytest
import torch
from e3nn import o3
from e3nn.nn.models.v2106.gate_points_message_passing import MessagePassing

import sbs
from sbs.errors import NetworkInputError
from sbs.nn import SymmetryBreaker, build, can_break, turn_outputs

pytestmark = [
    pytest.mark.filterwarnings("ignore::sbs.nn.UnreachableBreakerWarning"),
    pytest.mark.filterwarnings("ignore:.*given NumPy array is not writable.*:UserWarning"),
    pytest.mark.usefixtures("double"),
]

PEROVSKITE = (
    3.9 * np.eye(3),
    [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    ["Sr", "Ti", "O", "O", "O"],
)
NICKELINE = (
    [[3.6, 0, 0], [-1.8, 1.8 * 3**0.5, 0], [0, 0, 5.0]],
    [[0, 0, 0], [0, 0, 0.5], [1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]],
    ["Ni", "Ni", "As", "As"],
)
CRYSTALS = {"perovskite": (PEROVSKITE, 2, 3.0), "nickeline": (NICKELINE, (1, 1, 2), 3.7)}
PLAIN, FULL = "2x0e+2x1o", "2x0e+2x0o+2x1o+2x1e+2x2e+2x2o"
#: Crystal, target, hidden irreps, output, whether of the whole.
CASES = [
    ("perovskite", "R4+ (a,0,0)", PLAIN, "1o", False),
    ("perovskite", "R4+ (a,0,0)", FULL, "1o", False),
    ("perovskite", "M3+ (a,0,0)", PLAIN, "1o", False),
    ("perovskite", "M3+ (a,0,0)", PLAIN, "0e", False),
    ("perovskite", "R4+|M3+ (a,a,0|0,0,b)", PLAIN, "2e", True),
    ("nickeline", 0, PLAIN, "1o", False),
    ("nickeline", 0, FULL, "1e", False),
    ("nickeline", 1, PLAIN, "1o", False),
]
DRAWS = 3


@pytest.fixture(scope="module")
def crystals():
    return {name: sbs.detect(structure, supercell=cell) for name, (structure, cell, _) in CRYSTALS.items()}


def target_of(crystal, target):
    """A row by its label, or by its number among those of the modes that break translations."""
    if isinstance(target, str):
        return target
    label = next(row.label for row in sbs.modes(crystal) if not row.label.startswith("Γ"))
    return sbs.isotropy(crystal, label)[target]


def neighbours(structure, cutoff):
    """Edges within the cutoff, by all images in the cells around."""
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), axis=-1).reshape(-1, 3) @ structure.lattice
    vectors = structure.positions[None, :, None] + shifts - structure.positions[:, None, None]
    lengths = np.linalg.norm(vectors, axis=-1)
    target, source, image = np.nonzero((lengths > 0.1) & (lengths < cutoff))
    return torch.as_tensor(source), torch.as_tensor(target), torch.as_tensor(vectors[target, source, image])


def measured(crystal, found, hidden, out, pooled, cutoff):
    """Elements of S that no draw of weights breaks, and whether the output was zero in all."""
    breaker = SymmetryBreaker(found, mode="index")
    harmonics = o3.Irreps.spherical_harmonics(2)
    model = build(
        MessagePassing,
        breaker,
        on="attributes",
        irreps_node_sequence=["3x0e", hidden, hidden, out],
        irreps_node_attr="0e",
        irreps_edge_attr=harmonics,
        fc_neurons=[1, 8],
        num_neighbors=8.0,
    )
    source, target, vectors = neighbours(crystal.structure, cutoff)
    kinds = torch.as_tensor(np.unique(crystal.structure.numbers, return_inverse=True)[1])
    x, ones = torch.eye(3)[kinds], torch.ones(len(kinds), 1)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))
    back = torch.as_tensor(sbs.representation(f"1x{out}", turn[None])[0])

    def outputs(vectors, rotations):
        lengths = vectors.norm(dim=1, keepdim=True)
        edges = o3.spherical_harmonics(harmonics, vectors, True, normalization="component") * torch.exp(-lengths / 3)
        index = torch.tensor([0])
        with torch.no_grad():
            nodes = model(x, ones, source, target, edges, lengths, index=index, rotations=rotations)
        return nodes.sum(dim=0, keepdim=True) if pooled else nodes

    kept, zero = np.ones(crystal.group.order, dtype=bool), True
    for draw in range(DRAWS):
        torch.manual_seed(draw)
        with torch.no_grad():
            for weight in model.parameters():
                weight.normal_()
        output = outputs(vectors, None)
        turned = outputs(vectors @ torch.as_tensor(turn).T, torch.as_tensor(turn)[None]) @ back
        rounding = max(float((turned - output).abs().max()), 1e-15)
        images = turn_outputs(output, out, crystal.matrices, None if pooled else crystal.permutations)
        changes = (images - output).abs().amax(dim=(1, 2)).numpy()
        assert not ((changes > 1e2 * rounding) & (changes < 1e4 * rounding)).any()
        kept &= changes < 1e3 * rounding
        zero &= float(output.abs().max()) < 1e3 * rounding
    return kept, zero


@pytest.mark.parametrize(("name", "target", "hidden", "out", "pooled"), CASES)
def test_the_verdict_is_that_of_networks_on_the_crystal(crystals, name, target, hidden, out, pooled):
    crystal, cutoff = crystals[name], CRYSTALS[name][2]
    found = sbs.minimal_set(crystal, target_of(crystal, target))
    answer = can_break("3x0e", hidden, out, found, crystal=crystal, cutoff=cutoff, pooled=pooled)
    kept, zero = measured(crystal, found, hidden, out, pooled, cutoff)
    assert (answer.kept == kept).all() and answer.zero == zero
    # A subgroup of S that holds the stabilizer of the object.
    table = crystal.group.table if hasattr(crystal.group, "table") else crystal.group.parent.table
    assert kept[np.asarray(table)[np.ix_(kept, kept)]].all()
    assert kept[np.asarray(found.target.elements)].all()
    assert bool(answer) == (kept.sum() == found.target.order and not zero)


def test_both_answers_occur_and_say_what_to_add(crystals):
    """The least field of R4+ is a pseudoscalar: vectors need tensors of the other parity to hear of it."""
    crystal = crystals["perovskite"]
    found = sbs.minimal_set(crystal, "R4+ (a,0,0)")
    answer = can_break("3x0e", PLAIN, "1o", found, crystal=crystal)
    assert found.irreps == "1x0o" and not answer and answer.zero and answer.unreached == ("0o",)
    assert can_break("3x0e", FULL, "1o", found, crystal=crystal)


def test_a_crystal_that_is_a_little_off_gets_the_same_answer(crystals):
    """What detection forgives is no path: sites and cell are made symmetric before networks look at them."""
    lattice, sites, species = PEROVSKITE
    rng = np.random.default_rng(0)
    rough = (
        lattice + 2e-4 * rng.normal(size=(3, 3)),
        np.array(sites) + 5e-5 * rng.normal(size=(5, 3)),
        species,
    )
    crystal = sbs.detect(rough, supercell=2, tolerance=0.01)
    found = sbs.minimal_set(crystal, "M3+ (a,0,0)")
    assert crystal.group.order == 384
    for hidden, out, pooled in ((PLAIN, "1o", False), (PLAIN, "0e", False), (PLAIN, "2e", True)):
        answer = can_break("3x0e", hidden, out, found, crystal=crystal, pooled=pooled)
        exact = sbs.minimal_set(crystals["perovskite"], "M3+ (a,0,0)")
        expected = can_break("3x0e", hidden, out, exact, crystal=crystals["perovskite"], pooled=pooled)
        assert (answer.kept_order, answer.zero) == (expected.kept_order, expected.zero)


def test_bad_questions_are_refused(crystals):
    found = sbs.minimal_set(crystals["perovskite"], "M3+ (a,0,0)")
    for arguments, message in (
        ({}, r"crystal=sbs\.detect"),
        ({"crystal": crystals["nickeline"]}, "on 40 sites, the crystal has 8"),
        ({"crystal": PEROVSKITE}, "as sbs.detect returns it"),
        ({"crystal": crystals["perovskite"], "positions": np.zeros((1, 3))}, "not both"),
        ({"crystal": crystals["perovskite"], "cutoff": 0.5}, "longer"),
    ):
        with pytest.raises(NetworkInputError, match=message):
            can_break("3x0e", PLAIN, "1o", found, **arguments)
