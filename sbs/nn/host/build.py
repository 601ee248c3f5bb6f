"""Attaching at build time: models whose node attributes (or inputs) carry a symmetry-breaking object.

The portable contract, for any framework, is `SymmetryBreaker.graph_features` ``[num_graphs, irreps.dim]`` and
``SymmetryBreaker.irreps``. `build` does the rest for e3nn's own models.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from e3nn import o3
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import shown
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import as_irreps, check_batch, check_kind, check_like, check_number, check_tensors
from sbs.nn.choice import Choice
from sbs.nn.compiling import autocasting
from sbs.nn.host.graphs import Graphs, argument_names, graphs_of
from sbs.nn.host.orientation import OrientationCheck
from sbs.nn.reach.paths import UnreachableBreakerWarning, unreachable_blocks, unreachable_message

__all__ = ["BreakingModel", "build", "with_breaker"]

Place = Literal["attributes", "input"]


def with_breaker(irreps: o3.Irreps | str | None, breaker: SymmetryBreaker) -> o3.Irreps:
    """Irreps of node attributes with the breaker behind them: ``irreps + breaker.irreps``.

    A 0e is put in front where ``irreps`` has none: products with attributes that lack a scalar would lose
    whatever the breaker does not touch, and e3nn's v2106 models refuse them.
    """
    own = as_irreps(irreps if irreps is not None else "", "irreps")
    check_kind(breaker, SymmetryBreaker, "breaker")
    if "0e" not in own:
        own = o3.Irreps("0e") + own
    return own + breaker.irreps


@dataclass(frozen=True)
class _Slot:
    """Where a model class takes a tensor per node: constructor argument, and key in its data or positional argument."""

    argument: str
    key: str | int


# By module and name, not by class: importing all of them would load, in e3nn 0.4.4, torch_geometric and
# torch_cluster.
_SLOTS: dict[tuple[str, str], dict[str, _Slot]] = {
    ("gate_points_2101", "Network"): {
        "attributes": _Slot("irreps_node_attr", "z"),
        "input": _Slot("irreps_in", "x"),
    },
    ("gate_points_2102", "Network"): {
        "attributes": _Slot("irreps_node_attr", "z"),
        "input": _Slot("irreps_in", "x"),
    },
    ("v2106.gate_points_networks", "NetworkForAGraphWithAttributes"): {
        "attributes": _Slot("irreps_node_attr", "node_attr"),
        "input": _Slot("irreps_node_input", "node_input"),
    },
    ("v2106.gate_points_networks", "SimpleNetwork"): {"input": _Slot("irreps_in", "x")},
    ("v2106.gate_points_message_passing", "MessagePassing"): {
        "attributes": _Slot("irreps_node_attr", 1),
        "input": _Slot("irreps_node_sequence", 0),
    },
}
_PACKAGE = "e3nn.nn.models."


class BreakingModel(nn.Module):
    """A model and its breaker, called like the model.

    Args:
        model: called with the same arguments, after the breaker's features were put behind one tensor of the nodes.
        breaker: supplies the features.
        key: where that tensor is: a key of the data (a dict, the first argument) or the number of a positional
            argument.
        irreps: of that tensor as the user gives it, without the breaker; where it is "0e", it may be left out (ones).

    ``forward(*inputs, index=None, set_index=None, rotations=None, features=None, num_graphs=None, batch=None)``: the
    choices of `SymmetryBreaker`, which data that are a dict may also carry (see `sbs.nn.choice`). ``batch`` is read from the
    data, or from the model's own argument of that name; data without it are one graph. Where tensors are given by position
    and none of them is called "batch", it must be passed, or one object chosen.
    """

    def __init__(self, model: nn.Module, breaker: SymmetryBreaker, key: str | int, irreps: o3.Irreps | str) -> None:
        super().__init__()
        check_kind(model, nn.Module, "model")
        check_kind(breaker, SymmetryBreaker, "breaker")
        if not isinstance(key, (str, int)) or isinstance(key, bool) or (isinstance(key, int) and key < 0):
            raise NetworkInputError(
                f"key is {shown(key)}; expected the name of a tensor in the data, or the number of a positional argument."
            )
        if breaker.mode == "all":
            raise NetworkInputError(
                "mode='all' gives several features per node; use mode='sample' or 'index' here and "
                "sbs.nn.all_outputs for all outputs."
            )
        self.model = model
        self.breaker = breaker
        self.key = key
        self.irreps = as_irreps(irreps, "irreps")
        self._names = argument_names(model)
        self._orientation = OrientationCheck()
        self._given_dim: int = self.irreps.dim
        self.takes_ones = self.irreps == o3.Irreps("0e")
        # In evaluation with the model: nothing is drawn there unasked.
        self.training = model.training
        breaker.train(model.training)
        for name in ("irreps_out", "irreps_node_output"):
            if hasattr(model, name):
                self.irreps_out = o3.Irreps(getattr(model, name))
                break

    def forward(
        self,
        *inputs: Any,
        index: Tensor | None = None,
        set_index: Tensor | None = None,
        rotations: Tensor | None = None,
        features: Tensor | None = None,
        num_graphs: int | None = None,
        batch: Tensor | None = None,
    ) -> Any:
        """The model's output, with the chosen (or drawn) objects."""
        check_tensors(batch=batch)
        check_number(num_graphs, "num_graphs")
        graphs = graphs_of(inputs, {}, self._names, (batch, num_graphs) if batch is not None or num_graphs == 1 else None)
        choice = Choice(index, set_index, rotations, features).over(graphs.choice)
        if num_graphs is not None:
            graphs = graphs._replace(num_graphs=num_graphs)
        if isinstance(self.key, int):
            if self.key >= len(inputs):
                raise NetworkInputError(
                    f"The model was called with {len(inputs)} arguments; its features of the nodes are argument {self.key}."
                )
            nodes = inputs[self.key]
            check_tensors(True, **{f"argument {self.key}": nodes})
            extended = self._extend(nodes, nodes, graphs, choice)
            return self.model(*inputs[: self.key], extended, *inputs[self.key + 1 :])
        if not inputs or not (isinstance(inputs[0], Mapping) or hasattr(inputs[0], "keys")):
            raise NetworkInputError(
                f"The model was called with {shown(inputs[0]) if inputs else 'nothing'}; expected data, a mapping of names to "
                "tensors."
            )
        data = dict(inputs[0])
        # e3nn's v2106 networks read "x" before "node_input".
        key = "x" if self.key == "node_input" and "x" in data else self.key
        if not isinstance(data.get("pos"), Tensor):
            names = ", ".join(map(repr, list(data)[:12]))
            raise NetworkInputError(f"The data have no tensor 'pos', the positions of the nodes; they have {names}.")
        check_tensors(False, **{f"{key!r}": data.get(key)})
        data[key] = self._extend(data.get(key), data["pos"], graphs, choice)
        return self.model(data, *inputs[1:])

    def _extend(
        self, given: Tensor | None, like: Tensor, graphs: Graphs, choice: Choice
    ) -> Tensor:
        if given is None:
            if not self.takes_ones:
                raise NetworkInputError(
                    f"The data lack {self.key!r}: features {self.irreps} of every node are expected."
                )
            given = like.new_ones((like.shape[0], 1))
        if given.ndim != 2 or given.shape[1] != self._given_dim:
            raise NetworkInputError(
                f"{self.key!r} has shape {tuple(given.shape)}; expected (num_nodes, {self._given_dim}) for "
                f"irreps {self.irreps} (the breaker's {self.breaker.irreps} are added here)."
            )
        dtype = None if autocasting(given.device) else self.breaker.dtype
        check_like(given, self.breaker.device, f"{self.key!r}", dtype)
        if graphs.batch is None and graphs.num_graphs is None and not self.breaker.has_choice(choice):
            raise NetworkInputError(
                "Which node is of which graph is not known: no argument of the model is called 'batch'. With several graphs "
                "every one would get the same object. Pass batch=, one graph number per node, or num_graphs=1."
            )
        choice, num_graphs = self.breaker.resolve(choice, graphs.num_graphs)
        batch = graphs.batch
        if batch is None:
            if num_graphs != 1:
                raise NetworkInputError(
                    f"There are {num_graphs} graphs, but no 'batch' says which node is of which; add it to the data."
                )
            batch = torch.zeros(given.shape[0], dtype=torch.int64, device=given.device)
        check_batch(batch, num_graphs, self.breaker.device)
        self._orientation.check(self.breaker, choice, graphs, num_graphs)
        features = self.breaker.on_nodes(self.breaker.objects_for(choice, num_graphs), batch, given.shape[0], choice)
        return torch.cat([given, features.to(given.dtype)], dim=1)


def build(
    model_class: type[nn.Module] | Callable[..., nn.Module],
    breaker: SymmetryBreaker,
    *,
    on: Place = "attributes",
    **arguments: Any,
) -> BreakingModel:
    """Build one of e3nn's models with a breaker on its nodes.

    ``arguments`` are the model's own; the breaker's irreps are appended to ``irreps_node_attr``
    (``on="attributes"``, the default) or to the input irreps (``on="input"``). Known classes:
    gate_points_2101.Network, gate_points_2102.Network, v2106's NetworkForAGraphWithAttributes, SimpleNetwork
    (input only) and MessagePassing.

    The result is called like the model, with data as without a breaker (node attributes that are "0e" or not
    given may be left out). Whether the asymmetry can arrive at the output: `sbs.nn.can_break`.

    Raises:
        NetworkInputError: for a class that is not known, or a place that it does not have.

    Warns:
        UnreachableBreakerWarning: if part of the object can never act on these features.
    """
    check_kind(breaker, SymmetryBreaker, "breaker")
    module, name = str(getattr(model_class, "__module__", "")), str(getattr(model_class, "__name__", ""))
    slots = _SLOTS.get((module.removeprefix(_PACKAGE), name))
    if slots is None or not module.startswith(_PACKAGE):
        names = ", ".join(".".join(each) for each in _SLOTS)
        raise NetworkInputError(
            f"{shown(model_class)} is not a class that build knows ({names}); build your model with the irreps of "
            "sbs.nn.with_breaker(irreps, breaker), and pass it to BreakingModel, or concatenate "
            "breaker(batch, num_graphs) yourself."
        )
    if not isinstance(on, str) or on not in slots:
        raise NetworkInputError(
            f"{name} takes no {shown(on)} of the nodes; it takes {', '.join(map(repr, slots))}: pass on=..."
        )
    slot = slots[on]
    given = arguments.get(slot.argument)
    if slot.argument == "irreps_node_sequence":
        if not isinstance(given, (list, tuple)) or len(given) < 2:
            raise NetworkInputError(
                f"irreps_node_sequence is {shown(given)}; expected a list: the irreps of input, hidden layers and output."
            )
        own = as_irreps(given[0], "irreps_node_sequence[0]")
        arguments[slot.argument] = [own + breaker.irreps, *given[1:]]
    elif on == "input":
        own = as_irreps(given if given is not None else "0e", slot.argument)
        arguments[slot.argument] = own + breaker.irreps
    else:
        extended = with_breaker(given, breaker)
        own = extended[: len(extended) - len(breaker.irreps)]
        arguments[slot.argument] = extended
    try:
        model = model_class(**arguments)
    except Exception as error:  # whatever the class of somebody else makes of its own arguments
        raise NetworkInputError(
            f"{name} refuses its arguments {sorted(arguments)}: {type(error).__name__}: {error}. Give those that it takes "
            "without a breaker."
        ) from error
    features = _features(model)
    if unreachable_blocks(breaker.irreps, features):
        message = unreachable_message(breaker.irreps, features, name)
        warnings.warn(message, UnreachableBreakerWarning, stacklevel=2)
    return BreakingModel(model, breaker, slot.key, own)


def _features(model: nn.Module) -> o3.Irreps:
    """All irreps that the nodes of one of e3nn's models have, from input to output."""
    sequence = getattr(getattr(model, "mp", model), "irreps_node_sequence", None)
    if sequence is not None:
        return sum(sequence, o3.Irreps(""))
    named = [getattr(model, name, None) for name in ("irreps_in", "irreps_hidden", "irreps_out")]
    return sum((each for each in named if isinstance(each, o3.Irreps)), o3.Irreps("0e"))
