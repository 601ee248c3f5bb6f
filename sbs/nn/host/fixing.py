"""An ordinary module in place of hooks and breakers: one constant object, ready for TorchScript, export and deployment.

With b constant, h -> h + W (h x b) is a linear map of the features h. An attachment becomes that matrix, in a module behind the
layer (or around it); a model built with a breaker gets the constant feature in its place.
"""

from __future__ import annotations

import copy
import inspect
import typing
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import check_integer
from sbs.groups.point.rotations import check_rotation
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import check_kind
from sbs.nn.choice import Choice
from sbs.nn.host.attach import Attachment, attachments_of, detach
from sbs.nn.host.build import BreakingModel
from sbs.nn.host.constant import FixedChange, FixedFeatures
from sbs.nn.host.injection import Injection

__all__ = ["FixedModel", "fix"]

# Objects of a set have numbers below this.
_MOST = 2**31 - 1

_SUFFIX = "fixed_symmetry"


class FixedModel(nn.Module):
    """A model built with a breaker, with one object in its place; called like the model.

    Args:
        built: the model and where its breaker puts the objects.
        features: (1, dim), the object.
    """

    features: Tensor

    def __init__(self, built: BreakingModel, features: Tensor) -> None:
        super().__init__()
        self.model = built.model
        self.key = built.key
        self.ones = built.irreps.dim if built.takes_ones else 0
        self.register_buffer("features", features)
        if hasattr(built, "irreps_out"):
            self.irreps_out = built.irreps_out

    def forward(self, *inputs: Any) -> Any:
        """The model's output for the constant object."""
        if isinstance(self.key, int):
            nodes = self._extend(inputs[self.key])
            return self.model(*inputs[: self.key], nodes, *inputs[self.key + 1 :])
        data = dict(inputs[0])
        key = "x" if self.key == "node_input" and "x" in data else self.key
        given = data.get(key)
        if given is None:
            if not self.ones:
                raise NetworkInputError(f"The data lack {key!r}, the features of every node.")
            given = data["pos"].new_ones((data["pos"].shape[0], 1))
        data[key] = self._extend(given)
        return self.model(data, *inputs[1:])

    def _extend(self, given: Tensor) -> Tensor:
        return torch.cat([given, self.features.to(given.dtype).expand(given.shape[0], -1)], dim=1)


def fix(
    model: nn.Module,
    object: int | None = None,
    *,
    set_index: int = 0,
    rotation: Any = None,
    features: Tensor | None = None,
) -> nn.Module:
    """A copy of ``model`` in which one constant object takes the place of every breaker and hook.

    The copy is an ordinary module that knows nothing of this package's breakers: evaluate it, script it, export it, or give
    it to the exporter of its host. The model itself is left as it is.

    Args:
        model: built with, or attached to, a breaker.
        object: number of the object in its set.
        set_index: number of the set, where a breaker holds several.
        rotation: (3, 3), from the orientation of the set to that of the structures to come.
        features: (1, dim), the object itself, for infinite sets: see ``breaker.features_of``.

    Raises:
        NetworkInputError: there is no breaker in the model, or the object is not of its set.
        InvalidGroupError: ``object`` or ``set_index`` is no number, ``rotation`` no matrix of O(3).
    """
    check_kind(model, nn.Module, "model")
    if (object is None) == (features is None):
        raise NetworkInputError("Give the object to fix: its number, or features=breaker.features_of(...).")
    twin = copy.deepcopy(model)
    attached = attachments_of(twin)
    if isinstance(twin, BreakingModel):
        result: nn.Module = FixedModel(twin, _constant(twin.breaker, object, set_index, rotation, features))
    elif attached:
        changes = [
            (each, each.injection.matrix(_constant(each.breaker, object, set_index, rotation, features)))
            for each in attached
        ]
        result = detach(twin)
        for each, matrix in changes:
            _put(result, each, matrix)
    else:
        raise NetworkInputError(
            f"This {type(model).__name__} is neither built with a breaker (sbs.nn.build) nor attached to one (sbs.nn.attach): "
            "there is nothing to fix. Fix the model that was given to attach, not a part of it."
        )
    if any(isinstance(each, (SymmetryBreaker, Injection)) for each in result.modules()):
        raise NetworkInputError("A breaker is left in a part of the model; fix that part, then put it into the model.")
    return result.train(model.training)


def _constant(
    breaker: SymmetryBreaker, object: int | None, set_index: int, rotation: Any, features: Tensor | None
) -> Tensor:
    """(1, dim) features of the object; of a field (sites, dim)."""
    device = breaker.device
    turn = None
    if rotation is not None:
        turn = torch.tensor(check_rotation(rotation), device=device)[None]
    index = None if object is None else torch.tensor([check_integer(object, "object", 0, _MOST)], device=device)
    set_index = check_integer(set_index, "set_index", 0, len(breaker.sets) - 1)
    choice = Choice(index, torch.tensor([set_index], device=device), turn, features)
    choice.check()
    found = breaker.objects_for(choice, 1).detach().clone()
    return found[0] if found.ndim == 3 else found


def _put(model: nn.Module, attachment: Attachment, matrix: Tensor) -> None:
    """Put the constant map where the attachment was."""
    parent_name, _, name = attachment.name.rpartition(".")
    parent = model.get_submodule(parent_name)
    module = model.get_submodule(attachment.name)
    site = attachment.site
    if isinstance(parent, nn.Sequential) and site.side == "output" and site.key is not None:
        entries = []
        for key, child in parent._modules.items():
            entries.append((key, child))
            if key == name:
                entries.append((f"{name}_{_SUFFIX}", FixedFeatures(matrix, site.key)))
        parent._modules = OrderedDict(entries)
        return
    around = _around(module, matrix, site.side, site.key)
    for attribute in ("irreps_in", "irreps_out", "irreps_node_input", "irreps_node_output"):
        if hasattr(module, attribute):
            setattr(around, attribute, getattr(module, attribute))
    setattr(parent, name, around)


def _around(module: nn.Module, matrix: Tensor, side: str, key: str | None) -> nn.Module:
    """A module called exactly like ``module``: its forward is written out, because TorchScript reads signatures."""
    root = nn.Module()
    root.add_module("layer", module)
    parameters = _parameters(module)
    graph = fx.Graph()
    nodes: dict[str, Any] = {}
    for each in parameters:
        default = () if each.default is inspect.Parameter.empty else (each.default,)
        annotation = Tensor if each.annotation is inspect.Parameter.empty else each.annotation
        nodes[each.name] = graph.create_node("placeholder", each.name, default, type_expr=annotation)
    names = list(nodes)
    if side == "input":
        root.add_module("change", FixedChange(matrix))
        where = key if key in nodes else names[0]
        arguments = {name: graph.call_module("change", (node,)) if name == where else node for name, node in nodes.items()}
        graph.output(graph.call_module("layer", (), arguments))
    else:
        root.add_module("change", FixedChange(matrix) if key is None else FixedFeatures(matrix, key))
        found = graph.call_module("layer", (), dict(nodes))
        graph.output(graph.call_module("change", (found,)))
    graph.lint()
    return fx.GraphModule(root, graph)


def _parameters(module: nn.Module) -> list[inspect.Parameter]:
    forward: Callable[..., Any] = module.forward
    try:
        resolved = typing.get_type_hints(forward)
    except (NameError, TypeError):
        resolved = {}
    found = []
    for each in inspect.signature(forward).parameters.values():
        if each.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise NetworkInputError(
                f"{type(module).__name__}.forward takes {each}, so that its call cannot be written out; attach to a layer "
                "with named arguments to fix the model."
            )
        found.append(each.replace(annotation=resolved.get(each.name, each.annotation)))
    return found
