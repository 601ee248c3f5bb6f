"""Whatever is handed to breakers, products, can_break or turn_outputs, only errors of the library come out."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from e3nn import o3

import sbs
from sbs.nn import (
    LearnedBreaker,
    Rotation,
    SymmetryBreaker,
    SymmetryFields,
    attach,
    can_break,
    effect,
    energy_score,
    matching_objects,
    orbit_minimum_loss,
    orbit_targets,
    orientation,
    output_stabilizer,
    paired_loss,
    permutations_for,
    transport,
    turn_outputs,
    with_breaker,
)
from sbs.nn.products import PRODUCTS, expressivity, interactability
from sbs.nn.products.network import ProductNetwork

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from test_bad_input import ODD, outcome

pytestmark = [
    pytest.mark.filterwarnings("ignore::sbs.nn.UnreachableBreakerWarning"),
    pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning"),
    pytest.mark.filterwarnings("ignore:.*given NumPy array is not writable.*:UserWarning"),
]

TENSORS = {
    "tensor": torch.zeros(3),
    "empty tensor": torch.zeros(0),
    "NaN tensor": torch.full((1, 3), float("nan")),
    "complex tensor": torch.zeros(2, dtype=torch.complex64),
    "truth tensor": torch.ones(2, dtype=torch.bool),
    "integer tensor": torch.tensor([7, -3]),
    "matrix tensor": torch.eye(3)[None],
    "sparse tensor": torch.eye(3).to_sparse(),
    "scalar tensor": torch.tensor(0),
    "half precision tensor": torch.ones(1, 3, dtype=torch.bfloat16),
    "tensor with gradient": torch.ones(1, 3, requires_grad=True),
    "high degree": "1x400e",
    "irreps with a negative number": "-1x0e",
    "module": torch.nn.Linear(2, 2),
    "irreps": o3.Irreps("2x1o"),
}
VALUES = ODD | TENSORS

SET = sbs.minimal_set("D3", "C3")
VECTORS = sbs.minimal_set("Oh", "C4v")
OUTPUT = torch.ones(1, 3)
UPWARDS = torch.tensor([[0.0, 0.0, 1.0]])
CRYSTAL = (4.0 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], ["Cs", "Cl"])
DETECTED = sbs.detect(CRYSTAL)
MATRICES = np.asarray(sbs.point_group("Oh").matrices)


BREAKER = SymmetryBreaker(VECTORS, mode="index")
SAMPLING = SymmetryBreaker(VECTORS)
LEARNED = LearnedBreaker("D3", "1x1o")


class Host(torch.nn.Module):
    """The object itself as output."""

    def __init__(self):
        super().__init__()
        self.breaker = BREAKER

    def forward(self, inputs):
        return self.breaker.graph_features(1)


HOST = Host()


def reach(**given):
    arguments = {"irreps_in": "0e", "irreps_hidden": "2x0e+2x1o", "irreps_out": "1o", "symmetry_set": SET, "layers": 1}
    return can_break(**(arguments | given))


def choosing(**given):
    with BREAKER.choose(**given):
        return BREAKER.graph_features(1)


CALLS: dict[str, Callable[[object], object]] = {
    "SymmetryBreaker(x)": SymmetryBreaker,
    "SymmetryBreaker(mode=x)": lambda x: SymmetryBreaker(VECTORS, mode=x),
    "SymmetryBreaker(seed=x)": lambda x: SymmetryBreaker(VECTORS, seed=x),
    "SymmetryBreaker(shared=x)": lambda x: SymmetryBreaker(VECTORS, shared=x),
    "SymmetryBreaker(dtype=x)": lambda x: SymmetryBreaker(VECTORS, dtype=x),
    "breaker(x)": lambda x: BREAKER(x, index=torch.tensor([0])),
    "breaker(num_graphs=x)": lambda x: BREAKER(torch.zeros(2, dtype=torch.long), x, index=torch.tensor([0])),
    "breaker(index=x)": lambda x: BREAKER(torch.zeros(2, dtype=torch.long), 1, index=x),
    "breaker(set_index=x)": lambda x: BREAKER(torch.zeros(2, dtype=torch.long), 1, index=torch.tensor([0]), set_index=x),
    "breaker(rotations=x)": lambda x: BREAKER(torch.zeros(2, dtype=torch.long), 1, index=torch.tensor([0]), rotations=x),
    "breaker(features=x)": lambda x: BREAKER(torch.zeros(2, dtype=torch.long), 1, features=x),
    "breaker.graph_features(x)": lambda x: SAMPLING.graph_features(x),
    "breaker.draw(x)": SAMPLING.draw,
    "breaker.choose(x)": lambda x: choosing(index=x),
    "breaker.choose(rotations=x)": lambda x: choosing(index=torch.tensor([0]), rotations=x),
    "breaker.choose(features=x)": lambda x: choosing(features=x),
    "breaker.features_of(x)": BREAKER.features_of,
    "breaker.features_of(set_index=x)": lambda x: BREAKER.features_of(VECTORS.objects[:1], x),
    "LearnedBreaker(x)": lambda x: LearnedBreaker(x, "1x1o"),
    "LearnedBreaker(irreps=x)": lambda x: LearnedBreaker("D3", x),
    "LearnedBreaker(seed=x)": lambda x: LearnedBreaker("D3", "1x1o", seed=x),
    "learned.asymmetry(x)": LEARNED.asymmetry,
    "learned.converged(x)": LEARNED.converged,
    "with_breaker(x)": lambda x: with_breaker(x, BREAKER),
    "with_breaker(0e, x)": lambda x: with_breaker("0e", x),
    "attach(x)": lambda x: attach(x, BREAKER, "layer"),
    "attach(breaker=x)": lambda x: attach(torch.nn.Sequential(torch.nn.Identity()), x, "0"),
    "attach(at=x)": lambda x: attach(torch.nn.Sequential(torch.nn.Identity()), BREAKER, x),
    "output_stabilizer(x)": lambda x: output_stabilizer(x, "1o", MATRICES, None),
    "matching_objects(target=x)": lambda x: matching_objects(VECTORS, x, "1o", None),
    "orbit_targets(target=x)": lambda x: orbit_targets(VECTORS, x, "1o", None),
    "paired_loss(x)": lambda x: paired_loss(x, OUTPUT[None], 0),
    "paired_loss(targets=x)": lambda x: paired_loss(OUTPUT, x, 0),
    "orbit_minimum_loss(x)": lambda x: orbit_minimum_loss(x, OUTPUT[None]),
    "orbit_minimum_loss(targets=x)": lambda x: orbit_minimum_loss(OUTPUT, x),
    "energy_score(x)": lambda x: energy_score(x, OUTPUT[None]),
    "energy_score(targets=x)": lambda x: energy_score(OUTPUT[None].expand(2, -1, -1), x),
    "can_break(irreps_in=x)": lambda x: reach(irreps_in=x),
    "can_break(irreps_hidden=x)": lambda x: reach(irreps_hidden=x),
    "can_break(irreps_out=x)": lambda x: reach(irreps_out=x),
    "can_break(symmetry_set=x)": lambda x: reach(symmetry_set=x),
    "can_break(tensor_product=x)": lambda x: reach(tensor_product=x),
    "can_break(layers=x)": lambda x: reach(layers=x),
    "can_break(pooled=x)": lambda x: reach(pooled=x),
    "can_break(positions=x)": lambda x: reach(positions=x),
    "can_break(crystal=x)": lambda x: reach(crystal=x),
    "can_break(at=x)": lambda x: reach(at=x),
    "can_break(lmax=x)": lambda x: reach(lmax=x),
    "Rotation(x)": Rotation,
    "rotation(x, m)": lambda x: Rotation("1o")(x, torch.eye(3)[None]),
    "rotation(v, x)": lambda x: Rotation("1o")(torch.ones(1, 3), x),
    "transport(x)": transport,
    "turn_outputs(matrices=x)": lambda x: turn_outputs(OUTPUT, "1o", x),
    "turn_outputs(permutations=x)": lambda x: turn_outputs(torch.ones(7, 3), "1o", MATRICES, x),
    "SymmetryFields(x)": lambda x: SymmetryFields(x, sbs.detect),
    "SymmetryFields(detect=x)": lambda x: SymmetryFields(VECTORS, x),
    "SymmetryFields(irreps=x)": lambda x: SymmetryFields(VECTORS, sbs.detect, irreps=x),
    "SymmetryFields(target=x)": lambda x: SymmetryFields(VECTORS, sbs.detect, target=x),
    "SymmetryFields(to_structure=x)": lambda x: SymmetryFields(VECTORS, sbs.detect, to_structure=x),
    "SymmetryFields(...)(x)": SymmetryFields(VECTORS, sbs.detect, target="y"),
    "fields.fields(x)": SymmetryFields(VECTORS, sbs.detect).fields,
    "fields.fields(target=x)": lambda x: SymmetryFields(VECTORS, sbs.detect).fields(CRYSTAL, x),
    "orientation(x)": lambda x: orientation(x, VECTORS),
    "orientation(set=x)": lambda x: orientation(DETECTED, x),
    "permutations_for(x)": lambda x: permutations_for(x, VECTORS),
    "permutations_for(set=x)": lambda x: permutations_for(DETECTED, x),
    "output_stabilizer(matrices=x)": lambda x: output_stabilizer(OUTPUT, "1o", x, None),
    "output_stabilizer(permutations=x)": lambda x: output_stabilizer(OUTPUT, "1o", MATRICES, x),
    "output_stabilizer(tolerance=x)": lambda x: output_stabilizer(OUTPUT, "1o", MATRICES, None, x),
    "matching_objects(x)": lambda x: matching_objects(x, OUTPUT, "1o", None),
    "matching_objects(irreps=x)": lambda x: matching_objects(VECTORS, OUTPUT, x, None),
    "matching_objects(permutations=x)": lambda x: matching_objects(VECTORS, OUTPUT, "1o", x),
    "orbit_targets(x)": lambda x: orbit_targets(x, OUTPUT, "1o", None),
    "orbit_targets(index=x)": lambda x: orbit_targets(VECTORS, UPWARDS, "1o", None, index=x),
    "orbit_targets(prepared=x)": lambda x: orbit_targets(VECTORS, UPWARDS, "1o", None, prepared=x),
    "paired_loss(index=x)": lambda x: paired_loss(OUTPUT, OUTPUT[None], x),
    "learned.draw(x)": LEARNED.draw,
    "learned.graph_features(x)": LEARNED.graph_features,
    "learned.graph_features(index=x)": lambda x: LEARNED.graph_features(1, index=x),
    "learned.features_of(x)": LEARNED.features_of,
    "learned.number_of(x)": LEARNED.number_of,
    "can_break(cutoff=x)": lambda x: reach(cutoff=x),
    "ProductNetwork(channels=x)": lambda x: ProductNetwork("0e", "0e", "0e", channels=x, layers=0),
    "ProductNetwork(max_radius=x)": lambda x: ProductNetwork("0e", "0e", "1o", channels=1, layers=0, max_radius=x),
    "GridGaunt(grid=x)": lambda x: PRODUCTS["gaunt"]("0e", "0e", grid=x),
    **{f"{name}(x)": lambda x, name=name: PRODUCTS[name](x, "1x0e+1x1o") for name in PRODUCTS},
    **{f"{name}(irreps_out=x)": lambda x, name=name: PRODUCTS[name]("1x0e", "1x1o", x) for name in ("complete", "gaunt")},
    "effect(x)": lambda x: effect(x, BREAKER, None),
    "effect(breaker=x)": lambda x: effect(HOST, x, None),
    "effect(num_graphs=x)": lambda x: effect(HOST, BREAKER, None, num_graphs=x),
    # What a function of the caller raises is the caller's.
    "effect(select=x)": lambda x: effect(HOST, BREAKER, None, select=None if callable(x) else x),
    "effect(select -> x)": lambda x: effect(HOST, BREAKER, None, select=lambda _: x),
    "effect(seed=x)": lambda x: effect(HOST, BREAKER, None, seed=x),
    "turn_outputs(x)": lambda x: turn_outputs(x, "1o", MATRICES),
    "turn_outputs(irreps=x)": lambda x: turn_outputs(OUTPUT, x, MATRICES),
    "interactability(x)": lambda x: interactability(x, 1),
    "interactability(lmax=x)": lambda x: interactability("gaunt", x),
    "expressivity(x)": lambda x: expressivity(x, "0e+1o", "0e+1o"),
    "expressivity(irreps=x)": lambda x: expressivity("gaunt", x, "0e+1o"),
    **{
        f"{name} product(x, y)": lambda x, name=name: PRODUCTS[name]("1x0e+1x1o", "1x0e+1x1o")(x, torch.ones(1, 4))
        for name in ("gaunt", "complete")
    },
}


@pytest.mark.parametrize("name", CALLS)
def test_only_errors_of_the_library_come_out(name):
    wrong = {odd: found for odd, value in VALUES.items() if (found := outcome(CALLS[name], value))}
    assert wrong == {}
