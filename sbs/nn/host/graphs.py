"""Which graph each node is of, read from what a model was called with; what cannot be read is not guessed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.nn.choice import Choice, fields_of, reader

__all__ = ["CELLS", "LABELS", "PERIODIC", "POSITIONS", "GraphReader", "Graphs", "argument_names", "graphs_of", "one_graph"]

#: ``(args, kwargs) -> (batch or None, num_graphs or None)``; None and 1 for a single graph.
GraphReader = Callable[[tuple[Any, ...], dict[str, Any]], tuple[Tensor | None, int | None]]

POSITIONS = ("pos", "positions")
CELLS = ("cell", "cell_lattice_vectors")
# Fields that number or label the sites, under the names that e3nn, PyG, NequIP, MACE and SevenNet give them.
LABELS = ("node_input", "node_attr", "node_attrs", "x", "z", "species", "atomic_numbers", "atom_types", "numbers")


# Fields that only a crystal has: without a cell beside them its lattice is not known.
PERIODIC = ("cell_volume", "cell_shift", "pbc_shift", "edge_cell_shift", "shifts", "unit_shifts")


class Graphs(NamedTuple):
    """What a call says of its graphs.

    ``batch`` (num_nodes,), or None if there is one graph or nothing is known; ``num_graphs``, or None if unknown; the choice
    that the batch carries; positions (num_nodes, 3) and cell where it has them, no positions where the lattice is unknown.
    """

    batch: Tensor | None
    num_graphs: int | None
    choice: Choice = Choice()
    positions: Tensor | None = None
    cell: Tensor | None = None


def one_graph(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor | None, int | None]:
    """For ``attach(graphs=one_graph)``: a model that is always called with a single graph."""
    return None, 1


def argument_names(model: nn.Module) -> tuple[str, ...]:
    """Names of the arguments of ``model.forward``, as far as they can be given by position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        return ()
    return tuple(each.name for each in parameters if each.kind in kinds)


def graphs_of(args: tuple[Any, ...], kwargs: dict[str, Any], names: tuple[str, ...] = ()) -> Graphs:
    """Read the graphs from a call.

    Looks for an argument named "batch", by position or keyword, then into arguments that are mappings or have attributes
    like a PyG ``Data``. ``num_graphs`` is read from "num_graphs", or from the length of "ptr", "num_atoms" or "num_nodes",
    none of which waits for the device.

    Raises:
        NetworkInputError: several graphs are given and nothing says which node is of which; or "batch" is no tensor.
    """
    bound = {**dict(zip(names, args, strict=False)), **kwargs}
    structured = [source for source in (*args, *kwargs.values()) if reader(source) is not None]
    found, known = None, None
    for source in (bound, *structured):
        read = reader(source)
        assert read is not None
        values = read("batch")
        count = _number_of_graphs(read)
        if isinstance(values, Tensor):
            found, known = values, count
            break
        if isinstance(values, (list, tuple, np.ndarray)):
            raise NetworkInputError(
                f"'batch' is a {type(values).__name__}; expected a torch.Tensor, one graph number per node: "
                "torch.as_tensor(...) makes one."
            )
        if count is not None and count > 1:
            raise NetworkInputError(
                f"The input has {count} graphs, but no 'batch' says which node is of which: every graph would get the same "
                "object. Add 'batch', one graph number per node."
            )
        if source is not bound or "batch" in names:
            known = 1
    data = structured[0] if structured else bound
    read = reader(data)
    assert read is not None
    cell = _first(read, CELLS)
    unknown = cell is None and _first(read, PERIODIC) is not None
    return Graphs(found, known, fields_of(data), None if unknown else _first(read, POSITIONS), cell)


def _first(read: Callable[[str], Any], names: tuple[str, ...]) -> Tensor | None:
    return next((values for values in map(read, names) if isinstance(values, Tensor)), None)


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
