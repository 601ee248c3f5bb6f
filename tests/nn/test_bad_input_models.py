"""Whatever models with breakers, their inputs and what is made of them are handed, only errors of the library come out."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from e3nn.nn.models.v2106.gate_points_message_passing import MessagePassing

import sbs
from sbs.nn import (
    BreakingModel,
    SymmetryBreaker,
    all_outputs,
    attach,
    build,
    calculator,
    detach,
    fix,
    site_permutations,
    transport,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from test_bad_input import outcome
from test_bad_input_networks import VALUES

pytestmark = [
    pytest.mark.filterwarnings("ignore::sbs.nn.UnreachableBreakerWarning"),
    pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning"),
    pytest.mark.filterwarnings("ignore:.*given NumPy array is not writable.*:UserWarning"),
]

SET = sbs.minimal_set("Oh", "C4v")
BREAKER = SymmetryBreaker(SET, mode="index")
MATRICES = np.asarray(sbs.point_group("Oh").matrices)
CORNERS = np.concatenate([np.eye(3), -np.eye(3)])
FIRST = torch.tensor([0])


class Layers(torch.nn.Module):
    """A model of one tensor for each node; with objects behind the features, of four."""

    def __init__(self, inputs: int = 1) -> None:
        super().__init__()
        self.first = torch.nn.Linear(inputs, 4)
        self.first.irreps_out = "1x0e+1x1o"

    def forward(self, data):
        return self.first(data["x"])


class Holder:
    """What has a model, as calculators have."""

    def __init__(self, model):
        self.model = model


def attached() -> torch.nn.Module:
    model = Layers()
    attach(model, SymmetryBreaker(SET, mode="index"), at="first", irreps="1x0e+1x1o").wake(1.0)
    return model


def data(**fields):
    return {"x": torch.ones(6, 1), "pos": torch.as_tensor(CORNERS), "batch": torch.zeros(6, dtype=torch.long), **fields}


ATTACHED = attached()
HELD = BreakingModel(Layers(4), BREAKER, "x", "0e")
SIZES = {"irreps_node_sequence": ["0e", "2x0e+2x1o", "1o"], "irreps_edge_attr": "0e+1o", "fc_neurons": [2, 4]}
REST = {"num_neighbors": 2.0, "irreps_node_attr": "0e"}


def sequence(**given):
    return build(MessagePassing, BREAKER, **(SIZES | REST | given))


def outputs(**given):
    """All outputs of vectors that point along the object."""

    def model(inputs, number):
        return torch.as_tensor(SET.objects[number]).expand(6, 3)

    arguments = {"model": model, "inputs": data(), "symmetry_set": SET, "irreps_out": "1o"}
    return all_outputs(**(arguments | given))


CALLS: dict[str, Callable[[object], object]] = {
    "build(x)": lambda x: build(x, BREAKER),
    "build(breaker=x)": lambda x: build(MessagePassing, x, **SIZES, **REST),
    "build(on=x)": lambda x: sequence(on=x),
    "build(irreps_node_attr=x)": lambda x: sequence(irreps_node_attr=x),
    "build(irreps_node_sequence=x)": lambda x: sequence(irreps_node_sequence=x),
    "build(irreps_node_sequence=x, on input)": lambda x: sequence(on="input", irreps_node_sequence=x),
    "BreakingModel(x)": lambda x: BreakingModel(x, BREAKER, "x", "0e"),
    "BreakingModel(breaker=x)": lambda x: BreakingModel(Layers(4), x, "x", "0e"),
    "BreakingModel(key=x)": lambda x: BreakingModel(Layers(4), BREAKER, x, "0e")(data(), index=FIRST),
    "BreakingModel(irreps=x)": lambda x: BreakingModel(Layers(4), BREAKER, "x", x),
    "built(x)": lambda x: HELD(x, index=FIRST),
    "built(features of nodes x)": lambda x: HELD(data(x=x), index=FIRST),
    "built(batch in the data x)": lambda x: HELD(data(batch=x), index=FIRST),
    "built(index=x)": lambda x: HELD(data(), index=x),
    "built(set_index=x)": lambda x: HELD(data(), index=FIRST, set_index=x),
    "built(rotations=x)": lambda x: HELD(data(), index=FIRST, rotations=x),
    "built(features=x)": lambda x: HELD(data(), features=x),
    "built(num_graphs=x)": lambda x: HELD(data(), index=FIRST, num_graphs=x),
    "built(batch=x)": lambda x: HELD(data(), index=FIRST, batch=x),
    "built(sbs_object x)": lambda x: HELD(data(sbs_object=x)),
    "attached(batch x)": lambda x: ATTACHED(data(sbs_object=FIRST, batch=x)),
    "attached(num_graphs x)": lambda x: ATTACHED(data(sbs_object=FIRST, num_graphs=x)),
    "attached(pos x)": lambda x: ATTACHED(data(sbs_object=FIRST, pos=x)),
    "attached(cell x)": lambda x: ATTACHED(data(sbs_object=FIRST, cell=x)),
    **{
        f"attached({field} x)": lambda x, field=field: ATTACHED(data(**{"sbs_object": FIRST, field: x}))
        for field in ("sbs_object", "sbs_set", "sbs_rotation", "sbs_features", "sbs_site", "data_info")
    },
    "attached(data_info with x)": lambda x: ATTACHED(data(data_info=[{"sbs_object": x}])),
    "detach(x)": detach,
    "fix(x)": lambda x: fix(x, 0),
    "fix(object=x)": lambda x: fix(ATTACHED, x),
    "fix(built, object=x)": lambda x: fix(HELD, x),
    "fix(set_index=x)": lambda x: fix(ATTACHED, 0, set_index=x),
    "fix(rotation=x)": lambda x: fix(ATTACHED, 0, rotation=x),
    "fix(features=x)": lambda x: fix(ATTACHED, features=x),
    "calculator(x)": lambda x: calculator(x, 0),
    "calculator(object=x)": lambda x: calculator(Holder(ATTACHED), x),
    "calculator(set_index=x)": lambda x: calculator(Holder(ATTACHED), 0, set_index=x),
    "calculator(rotation=x)": lambda x: calculator(Holder(ATTACHED), 0, rotation=x),
    "calculator(features=x)": lambda x: calculator(Holder(ATTACHED), features=x),
    # What a function of the user's raises is the user's.
    "all_outputs(x)": lambda x: outputs(model=x) if x is not len and x is not int else None,
    "all_outputs(inputs=x)": lambda x: outputs(inputs=x),
    "all_outputs(pos x)": lambda x: outputs(inputs=data(pos=x)),
    "all_outputs(species in the inputs x)": lambda x: outputs(inputs=data(species=x)),
    "all_outputs(cell x)": lambda x: outputs(inputs=data(cell=x)),
    "all_outputs(symmetry_set=x)": lambda x: outputs(symmetry_set=x),
    "all_outputs(permutations=x)": lambda x: outputs(permutations=x),
    "all_outputs(species=x)": lambda x: outputs(species=x),
    "all_outputs(tolerance=x)": lambda x: outputs(tolerance=x),
    "all_outputs(irreps_out=x)": lambda x: outputs(irreps_out=x),
    "all_outputs(rotation=x)": lambda x: outputs(rotation=x),
    "all_outputs(select=x)": lambda x: outputs(select=x) if not callable(x) else None,
    "all_outputs(prepared=x)": lambda x: outputs(prepared=x),
    "all_outputs(check=x)": lambda x: outputs(check=x),
    "transport(x)": transport,
    "site_permutations(x)": lambda x: site_permutations(x, MATRICES),
    "site_permutations(matrices=x)": lambda x: site_permutations(CORNERS, x),
    "site_permutations(species=x)": lambda x: site_permutations(CORNERS, MATRICES, species=x),
    "site_permutations(cell=x)": lambda x: site_permutations(CORNERS, MATRICES, cell=x),
    "site_permutations(tolerance=x)": lambda x: site_permutations(CORNERS, MATRICES, tolerance=x),
}


@pytest.mark.parametrize("name", CALLS)
def test_only_errors_of_the_library_come_out(name):
    wrong = {odd: found for odd, value in VALUES.items() if (found := outcome(CALLS[name], value))}
    assert wrong == {}


def test_what_a_class_of_somebody_else_raises_is_told_with_its_name():
    for given in ({"fc_neurons": None}, {"layers_that_it_lacks": 3}):
        with pytest.raises(sbs.errors.NetworkInputError, match=r"MessagePassing refuses its arguments .* TypeError"):
            sequence(**given)


@pytest.mark.parametrize("given", [[0, 0, 0, 1, 1, 1], np.array([0, 0, 0, 1, 1, 1])])
def test_a_batch_that_is_no_tensor_is_refused(given):
    """It was passed over, and all graphs got one object."""
    with pytest.raises(sbs.errors.NetworkInputError, match=r"batch.* is .* expected a torch"):
        ATTACHED(data(sbs_object=FIRST, batch=given))
