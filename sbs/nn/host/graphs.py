"""Which graph each node is of, read from what a model was called with; what cannot be read is not guessed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.nn.checks import check_tensors, readable
from sbs.nn.choice import Choice, fields_of, reader
from sbs.nn.compiling import is_compiling

__all__ = ["CELLS", "LABELS", "PERIODIC", "POSITIONS", "GraphReader", "Graphs", "argument_names", "graphs_of", "one_graph"]

#: ``(args, kwargs) -> (batch or None, num_graphs or None)``; None and 1 for a single graph.
GraphReader = Callable[[tuple[Any, ...], dict[str, Any]], tuple[Tensor | None, int | None]]

POSITIONS = ("pos", "positions")
CELLS = ("cell", "cell_lattice_vectors")
# Fields that number or label the sites, under the names that e3nn, PyG, NequIP, MACE and SevenNet give them.
LABELS = ("node_input", "node_attr", "node_attrs", "x", "z", "species", "atomic_numbers", "atom_types", "numbers")
# The graph of each node, and the number of nodes of each graph, under the names that e3nn, PyG, NequIP, MACE, SevenNet and
# others give them.
_BATCHES = ("batch", "batch_index", "batch_idx", "batch_indices", "node_batch", "graph_index", "graph_idx", "segment_ids")
_COUNTS = ("num_atoms", "num_nodes", "natoms", "n_atoms", "n_node", "n_nodes")

# The ends of edges, which may number nodes as a batch numbers graphs.
_EDGES = (
    *("edge_src", "edge_dst", "edge_source", "edge_target", "src", "dst", "source", "target", "senders", "receivers"),
    *("row", "col", "idx_i", "idx_j", "edge_i", "edge_j", "i", "j", "center", "neighbor", "centers", "neighbors"),
)
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


def graphs_of(
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    names: tuple[str, ...] = (),
    given: tuple[Tensor | None, int | None] | None = None,
) -> Graphs:
    """Read the graphs from a call; ``given`` (batch, num_graphs) goes before what it says.

    Looks for an argument named "batch" (or "batch_index" and the like), by position or keyword, then into arguments that are
    mappings or have attributes like a PyG ``Data``. ``num_graphs`` is read from "num_graphs", or from the length of "ptr",
    "num_atoms" or "num_nodes", none of which waits for the device.

    Raises:
        NetworkInputError: several graphs are given and nothing says which node is of which; what says it is no tensor; or an
            argument of another name looks as if it did.
    """
    bound = {**dict(zip(names, args, strict=False)), **kwargs}
    structured = [source for source in (*args, *kwargs.values()) if reader(source) is not None]
    found, known = (None, None) if given is None else given
    for source in (bound, *structured) if given is None else ():
        read = reader(source)
        assert read is not None
        values = _batch_of(read)
        count = _number_of_graphs(read)
        if values is not None:
            found, known = values, count
            break
        if count is not None and count > 1:
            raise NetworkInputError(
                f"The input has {count} graphs, but no 'batch' says which node is of which: every graph would get the same "
                "object. Add 'batch', one graph number per node."
            )
        if source is not bound or not frozenset(_BATCHES).isdisjoint(names):
            known = 1
    data = structured[0] if structured else bound
    read = reader(data)
    assert read is not None
    positions, cell = _first(read, POSITIONS), _first(read, CELLS)
    if found is None and given is None and not is_compiling():
        _refuse_numbering(args, bound, names, positions)
    unknown = cell is None and _first(read, PERIODIC) is not None
    return Graphs(found, known, fields_of(data), None if unknown else positions, cell)


def _first(read: Callable[[str], Any], names: tuple[str, ...]) -> Tensor | None:
    return next((values for values in map(read, names) if isinstance(values, Tensor)), None)


def _batch_of(read: Callable[[str], Any]) -> Tensor | None:
    """The graph of each node; data that are the argument called "batch" are none.

    Raises:
        NetworkInputError: it is given as something else than a tensor.
    """
    for name in _BATCHES:
        values = read(name)
        if isinstance(values, Tensor):
            return values
        if values is not None and reader(values) is None:
            check_tensors(**{name: values})
    return None


def _number_of_graphs(read: Callable[[str], Any]) -> int | None:
    given = read("num_graphs")
    if isinstance(given, (int, np.integer)):
        return int(given)
    if isinstance(given, Tensor) and given.numel() == 1 and readable(given):
        return int(given)
    pointer = read("ptr")
    if isinstance(pointer, (Tensor, np.ndarray, list)):
        return len(pointer) - 1
    for name in _COUNTS:
        counts = read(name)
        if isinstance(counts, (Tensor, np.ndarray)) and counts.ndim == 1:
            return len(counts)
    return None


def _refuse_numbering(
    args: tuple[Any, ...], bound: dict[str, Any], names: tuple[str, ...], positions: Tensor | None
) -> None:
    """Refuse what looks like the graph of each node, in an argument of which nothing else is known.

    Raises:
        NetworkInputError: there is a tensor 0, ..., 0, 1, ..., 1, 2, ... with as many numbers as there are nodes.
    """
    inner = [(f"argument {number}", value) for number, value in enumerate(args) if number >= len(names)]
    for number, value in enumerate(args):
        if isinstance(value, (tuple, list)):
            inner += [(f"entry {place} of argument {number}", each) for place, each in enumerate(value)]
    given = [(repr(name), value) for name, value in bound.items() if name not in (*LABELS, *_EDGES)] + inner
    tensors = [(name, value) for name, value in given if isinstance(value, Tensor) and readable(value)]
    # Features of the nodes come first; those of edges have as many rows as there are edges, whose ends are sorted as graphs are.
    every = [*bound.values(), *(value for _, value in inner)]
    matrices = [value for value in every if isinstance(value, Tensor) and value.ndim == 2 and value.is_floating_point()]
    nodes = len(positions) if positions is not None else len(matrices[0]) if matrices else 0
    for name, values in tensors:
        if values.ndim != 1 or len(values) != nodes or not nodes or values.dtype not in (torch.int64, torch.int32):
            continue
        steps = values.diff()
        # As many graphs as nodes would be a numbering of the nodes.
        if int(values[0]) == 0 and bool(((steps == 0) | (steps == 1)).all()) and 0 < int(values[-1]) < len(values) - 1:
            raise NetworkInputError(
                f"The model was called with {name}, which numbers the nodes as if they were of {int(values[-1]) + 1} graphs, but "
                "the arguments have no 'batch': every graph would get the same object. Call it 'batch', or pass attach "
                "graphs=lambda args, kwargs: (batch, num_graphs), or graphs=sbs.nn.one_graph if there is one graph."
            )
