"""NequIP: a model builder with a breaker inside, whose checkpoints and packages rebuild it, and its model modifiers.

In a configuration::

    model:
      _target_: sbs.nn.host.nequip.SymmetryBrokenModel
      seed: 1
      model_dtype: float32
      type_names: [Na, Cl]
      r_max: 4.0
      group: Oh
      target: C4v
      at: layer1_convnet
      model:
        _target_: nequip.model.NequIPGNNModel
        ...

The modifier ``fix_symmetry_breaker`` makes one object part of the model, as an export needs it; ``nequip-compile --modifiers
fix_symmetry_breaker`` takes the one that the configuration names as ``object``. A package that ``nequip-package`` makes is read
where sbs is installed too. NequIP's commands know the fields of a batch by `sbs.nn.host.nequip_fields`, where sbs is installed;
in Python import this module by name: nothing else in the package needs NequIP. For a model in the hands of Python,
`sbs.nn.attach` does.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Literal

import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import MissingDependencyError, NetworkInputError
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.choice import FIELDS, Choice
from sbs.nn.host import nequip_fields  # noqa: F401  # registers the fields
from sbs.nn.host.graphs import graphs_of
from sbs.nn.host.injection import Injection
from sbs.query import minimal_set

try:
    from nequip.data import AtomicDataDict
    from nequip.model import model_builder
    from nequip.nn import GraphModuleMixin
    from nequip.nn.model_modifier_utils import model_modifier
    from nequip.scripts._package_utils import register_libraries_as_external_for_packaging
except ImportError as error:
    raise MissingDependencyError(
        f"sbs.nn.host.nequip needs NequIP 0.19, which could not be imported ({error}); install it with: pip install nequip"
    ) from error

__all__ = ["AppendSymmetryBreaker", "SymmetryBrokenModel", "SymmetryInjection"]

# What NequIP packs is source and pickles; sets come with tables, so that sbs stays a library that a package asks for.
register_libraries_as_external_for_packaging(["sbs"])

_LAYER = "symmetry_injection"


class SymmetryInjection(GraphModuleMixin, torch.nn.Module):
    """h -> h + W (h x b) as a layer of NequIP's, behind the layer whose ``irreps_out`` are given.

    Args:
        breaker: supplies the object of each graph.
        irreps_in: of the layer before.
        object: the one that the modifier fixes where none is named.

    Raises:
        NetworkInputError: if ``irreps_in`` has no node features.
    """

    matrix: Tensor

    def __init__(self, breaker: SymmetryBreaker, irreps_in: Mapping[str, Any], object: int = 0) -> None:
        super().__init__()
        self.key = AtomicDataDict.NODE_FEATURES_KEY
        irreps = _node_features(irreps_in)
        fields = dict.fromkeys(FIELDS)
        GraphModuleMixin._init_irreps(self, irreps_in={**irreps_in, **fields}, irreps_out={self.key: irreps})
        self.injection = Injection(breaker, o3.Irreps(irreps), dtype=breaker.dtype, device=breaker.device)
        self.object = object
        self.fixed = False

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Change ``data``'s node features; one graph unless ``data`` says otherwise."""
        breaker = self.injection.breaker
        features = data[self.key]
        if self.fixed:
            # A constant matrix: an export finds no number of nodes in it.
            data[self.key] = features @ self.matrix
            return data
        graphs = graphs_of((data,), {})
        choice, num_graphs = breaker.resolve(graphs.choice, graphs.num_graphs)
        data[self.key] = self.injection(features, breaker.objects_for(choice, num_graphs), graphs.batch)
        return data

    @model_modifier(persistent=True)
    @classmethod
    def fix_symmetry_breaker(cls, model: torch.nn.Module, object: int | None = None) -> torch.nn.Module:
        """Make one object part of the model, with the weights it has: by default the one that its configuration names."""
        for module in model.modules():
            if isinstance(module, cls):
                number = module.object if object is None else object
                breaker = module.injection.breaker
                if len(breaker.sets) != 1 or breaker.infinite or not 0 <= number < int(breaker.set.size):
                    raise NetworkInputError(
                        f"object={number} is no object of {breaker.sets}; give a number below the size of one finite set."
                    )
                module.register_buffer("matrix", module.injection.matrix(breaker.objects[0, number][None]))
                module.fixed = True
        return model


def _node_features(irreps_in: Mapping[str, Any]) -> o3.Irreps:
    key = AtomicDataDict.NODE_FEATURES_KEY
    if irreps_in.get(key) is None:
        raise NetworkInputError(f"irreps_in has no {key!r}; put this module behind the embedding of node types.")
    return o3.Irreps(irreps_in[key])


@model_builder
def SymmetryBrokenModel(
    model: Mapping[str, Any],
    type_names: Sequence[str],
    r_max: float,
    group: str,
    target: str,
    at: str | Sequence[str],
    ambient: str | None = None,
    exact: bool = True,
    lmax: int | None = None,
    object: int = 0,
    mode: Literal["sample", "index"] = "sample",
    stream_seed: int = 0,
) -> torch.nn.Module:
    """A NequIP model with a breaker behind one or more of its layers.

    Args:
        model: configuration of the model, with "_target_", without seed, model_dtype, type_names and r_max.
        type_names: of the atoms.
        r_max: cutoff, Å.
        group, target, ambient, exact, lmax: of `sbs.minimal_set`.
        at: the layers, such as "layer1_convnet".
        object: the one that the modifier ``fix_symmetry_breaker`` takes.
        mode: of the breaker: "index" refuses a batch that does not bring its objects (``include_keys`` of the data) instead of
            drawing.
        stream_seed: of the breaker's draws.

    Raises:
        NetworkInputError: the model has no such layer.
    """
    settings = dict(model)
    module, _, name = settings.pop("_target_").rpartition(".")
    inner: torch.nn.Module = getattr(import_module(module), name)(
        **settings, type_names=list(type_names), r_max=r_max
    )
    breaker = SymmetryBreaker(minimal_set(group, target, ambient, exact, lmax), mode=mode, seed=stream_seed)
    for each in [at] if isinstance(at, str) else at:
        _insert(inner, each, breaker, object)
    # GraphModel hands on only the fields that the model names.
    for module_ in inner.modules():
        if isinstance(module_, GraphModuleMixin):
            module_.irreps_in.update(dict.fromkeys(FIELDS))
    return inner


def _insert(model: torch.nn.Module, at: str, breaker: SymmetryBreaker, object: int) -> None:
    for parent in model.modules():
        if isinstance(parent, torch.nn.Sequential) and at in parent._modules:
            entries: list[tuple[str, torch.nn.Module | None]] = []
            for key, child in parent._modules.items():
                entries.append((key, child))
                if key == at:
                    irreps: Any = getattr(child, "irreps_out", {})
                    entries.append((f"{at}_{_LAYER}", SymmetryInjection(breaker, irreps, object)))
            parent._modules = OrderedDict(entries)  # type: ignore[arg-type]
            return
    names = [key for parent in model.modules() if isinstance(parent, torch.nn.Sequential) for key in parent._modules]
    raise NetworkInputError(f"The model has no layer {at!r}; its layers are {', '.join(names)}.")


class AppendSymmetryBreaker(GraphModuleMixin, torch.nn.Module):
    """Appends the object to the node features; the ``irreps_in`` of the ``ConvNetLayer`` behind it are its ``irreps_out``.

    Args:
        breaker: supplies the object of each graph; choose it with ``breaker.choose(...)``, or let it be drawn.
        irreps_in: the ``irreps_out`` of the module before, with scalar node features.

    Raises:
        NetworkInputError: if ``irreps_in`` has no node features.
    """

    breaker: SymmetryBreaker

    def __init__(self, breaker: SymmetryBreaker, irreps_in: Mapping[str, Any]) -> None:
        super().__init__()
        irreps = _node_features(irreps_in)
        self.breaker = breaker
        GraphModuleMixin._init_irreps(
            self,
            irreps_in=dict(irreps_in),
            irreps_out={AtomicDataDict.NODE_FEATURES_KEY: irreps + breaker.irreps},
        )

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Append to ``data``'s node features; one graph unless ``data`` says otherwise."""
        key = AtomicDataDict.NODE_FEATURES_KEY
        features = data[key]
        graphs = graphs_of((data,), {})
        batch, num_graphs = graphs.batch, graphs.num_graphs
        if batch is None:
            batch, num_graphs = torch.zeros(len(features), dtype=torch.int64, device=features.device), 1
        choice, num_graphs = self.breaker.resolve(Choice().over(graphs.choice), num_graphs)
        objects = self.breaker.objects_for(choice, num_graphs).index_select(0, batch)
        data[key] = torch.cat([features, objects], dim=1)
        return data
