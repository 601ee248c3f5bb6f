"""Where the hidden features of a module are, for e3nn modules and for the real clients NequIP, SevenNet and MACE.

Clients are recognised by the names of their packages; none is imported. Allegro keeps its tensor features on
edges, not on nodes: it has no place for an object per node, and `locate` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from e3nn import o3
from torch import nn

from sbs.errors import NetworkInputError
from sbs.nn.checks import as_irreps

__all__ = ["Side", "Site", "locate"]

Side = Literal["input", "output"]

_NEQUIP_FEATURES = "node_features"
_SEVENNET_FEATURES = "x"
_MACE_FEATURES = "node_feats"

_OUTPUT_NAMES = ("irreps_out", "irreps_node_output")
_INPUT_NAMES = ("irreps_in", "irreps_node_input", "irreps_in1")
_LAYOUT_NAMES = ("layout", "layout_str", "layout_out", "layout_in", "irreps_layout")


@dataclass(frozen=True)
class Site:
    """Where to inject: before or after the module, under which key (None: the tensor itself), with which irreps."""

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
    """Find the hidden features of ``module``.

    Raises:
        NetworkInputError: if the irreps cannot be found, or differ from what the caller gives; if the features are not on
            nodes, or are stored in another layout than e3nn's.
    """
    package = type(module).__module__.split(".", 1)[0]
    if package == "allegro":
        raise NetworkInputError(
            f"{name!r} is a module of Allegro, whose tensor features are on edges; an object per node cannot "
            "be attached. Give Allegro the object at build time, as an edge attribute made from "
            "graph_features(...)[batch[edge_src]]."
        )
    _check_layout(module, name)
    known: o3.Irreps | None = None
    if package == "nequip":
        side, key = side or "output", key or _NEQUIP_FEATURES
        found = getattr(module, f"irreps_{'out' if side == 'output' else 'in'}", {})
        known = found.get(key) if isinstance(found, Mapping) else None
    elif package == "sevenn":
        side, key = side or "output", key or _SEVENNET_FEATURES
    elif package == "mace" and hasattr(module, "node_feats_irreps") and side != "output":
        # An interaction block: it returns messages in a layout of its own, so the features are changed before it.
        side, key = "input", key or _MACE_FEATURES
        known = module.node_feats_irreps
    side = side or "output"
    if known is None:
        known = _irreps_of(module, side)
    if irreps is not None and known is not None and _plain(irreps) != _plain(known):
        raise NetworkInputError(
            f"irreps={irreps} was given, but the features at the {side} of {name!r} ({type(module).__name__}) are {known}; "
            "leave irreps out, or give those."
        )
    irreps = irreps if irreps is not None else known
    if irreps is None:
        raise NetworkInputError(
            f"The irreps of the features at the {side} of {name!r} ({type(module).__name__}) are not known; "
            "pass irreps=..., e3nn notation in the order in which the features are stored."
        )
    return Site(side, key, o3.Irreps(irreps))


def _plain(irreps: o3.Irreps) -> o3.Irreps:
    """The same features without a choice of how to write them: 2x1o+1x1o is 3x1o in e3nn's layout."""
    return o3.Irreps(irreps).simplify()


def _check_layout(module: nn.Module, name: str) -> None:
    """Refuse features stored component by component (cuEquivariance's ir_mul); e3nn's layout is channel by channel."""
    settings = getattr(module, "cueq_config", None)
    given = [settings] if getattr(settings, "enabled", False) else []
    for source in (module, *given):
        for attribute in _LAYOUT_NAMES:
            layout = getattr(source, attribute, None)
            if getattr(layout, "name", layout) == "ir_mul":
                raise NetworkInputError(
                    f"The features of {name!r} are stored in cuEquivariance's layout 'ir_mul', which the injection does "
                    "not speak; attach to the e3nn model (mace.cli.convert_cueq_e3nn), or build it with layout='mul_ir'."
                )


def _irreps_of(module: nn.Module, side: Side) -> o3.Irreps | None:
    names = _OUTPUT_NAMES if side == "output" else _INPUT_NAMES
    # e3nn's BatchNorm and Dropout, which change no irreps.
    own = ("irreps",) if type(module).__module__.startswith("e3nn.") else ()
    for attribute in (*names, *own):
        found = getattr(module, attribute, None)
        if isinstance(found, o3.Irreps):
            return found
        if isinstance(found, str):
            return as_irreps(found, f"{type(module).__name__}.{attribute}")
    # A pair applied in sequence (e3nn's Compose), and the single worker inside a SevenNet module.
    inner = ("second", "gate", "linear") if side == "output" else ("first", "gate", "linear")
    for attribute in inner:
        child = getattr(module, attribute, None)
        if isinstance(child, nn.Module):
            return _irreps_of(child, side)
    return None
