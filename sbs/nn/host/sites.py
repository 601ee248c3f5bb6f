"""Where the hidden features of a module are, for e3nn modules and for the real clients NequIP, SevenNet and
MACE.

Clients are recognised by the names of their packages; none is imported. Allegro keeps its tensor features on
edges, not on nodes: it has no place for an object per node, and `locate` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from e3nn import o3
from torch import Tensor, nn

from sbs.errors import NetworkInputError

__all__ = ["Site", "graphs_of", "locate"]

Side = Literal["input", "output"]

_NEQUIP_FEATURES = "node_features"
_SEVENNET_FEATURES = "x"
_MACE_FEATURES = "node_feats"

_OUTPUT_NAMES = ("irreps_out", "irreps_node_output")
_INPUT_NAMES = ("irreps_in", "irreps_node_input")


@dataclass(frozen=True)
class Site:
    """Where to inject: before or after the module, under which key (None: the tensor itself), with which
    irreps.
    """

    side: Side
    key: str | None
    irreps: o3.Irreps


def locate(
    module: nn.Module,
    name: str,
    *,
    irreps: o3.Irreps | None = None,
    side: Side | None = None,
    key: str | None = None,
) -> Site:
    """Find the hidden features of ``module``; what the caller gives is taken as it is.

    Raises:
        NetworkInputError: if the irreps cannot be found, or the module's features are not on nodes.
    """
    package = type(module).__module__.split(".", 1)[0]
    if package == "allegro":
        raise NetworkInputError(
            f"{name!r} is a module of Allegro, whose tensor features are on edges; an object per node cannot "
            "be attached. Give Allegro the object at build time, as an edge attribute made from "
            "graph_features(...)[batch[edge_src]]."
        )
    if package == "nequip":
        side, key = side or "output", key or _NEQUIP_FEATURES
        if irreps is None:
            found = getattr(module, f"irreps_{'out' if side == 'output' else 'in'}", {})
            irreps = found.get(key) if isinstance(found, Mapping) else None
    elif package == "sevenn":
        side, key = side or "output", key or _SEVENNET_FEATURES
    elif package == "mace" and hasattr(module, "node_feats_irreps") and side != "output":
        # An interaction block: it returns messages in a layout of its own, so the features are changed before it.
        side, key = "input", key or _MACE_FEATURES
        irreps = irreps if irreps is not None else module.node_feats_irreps
    side = side or "output"
    if irreps is None:
        irreps = _irreps_of(module, side)
    if irreps is None:
        raise NetworkInputError(
            f"The irreps of the features at the {side} of {name!r} ({type(module).__name__}) are not known; "
            "pass irreps=..., e3nn notation in the order in which the features are stored."
        )
    return Site(side, key, o3.Irreps(irreps))


def _irreps_of(module: nn.Module, side: Side) -> o3.Irreps | None:
    for attribute in _OUTPUT_NAMES if side == "output" else _INPUT_NAMES:
        found = getattr(module, attribute, None)
        if isinstance(found, o3.Irreps):
            return found
    # A pair applied in sequence (e3nn's Compose), and the single worker inside a SevenNet module.
    inner = ("second", "gate", "linear") if side == "output" else ("first", "gate", "linear")
    for attribute in inner:
        child = getattr(module, attribute, None)
        if isinstance(child, nn.Module):
            return _irreps_of(child, side)
    return None


def graphs_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor | None, int | None]:
    """The graph of each node and the number of graphs, from what a model was called with.

    Looks for a keyword ``batch``, then at the first argument that is a mapping or has attributes like a PyG
    ``Data``. ``num_graphs`` is read from "num_graphs", or from the length of "ptr", "num_atoms" or
    "num_nodes", none of which waits for the device.
    """
    for source in (kwargs, *args, *kwargs.values()):
        read = _reader(source)
        if read is None:
            continue
        batch = read("batch")
        if not isinstance(batch, Tensor):
            continue
        return batch, _number_of_graphs(read)
    return None, None


def _reader(source: Any) -> Callable[[str], Any] | None:
    if isinstance(source, Mapping):
        return source.get
    if isinstance(source, Tensor) or not hasattr(source, "batch"):
        return None
    return lambda name: getattr(source, name, None)


def _number_of_graphs(read: Callable[[str], Any]) -> int | None:
    given = read("num_graphs")
    if isinstance(given, int):
        return given
    pointer = read("ptr")
    if isinstance(pointer, Tensor):
        return pointer.shape[0] - 1
    for name in ("num_atoms", "num_nodes"):
        counts = read(name)
        if isinstance(counts, Tensor) and counts.ndim == 1:
            return counts.shape[0]
    return None
