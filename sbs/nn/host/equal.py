"""Which sites of an input are equal to a network, and how S permutes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import as_array, real_array
from sbs.nn.checks import check_tensors
from sbs.nn.choice import reader
from sbs.nn.host.graphs import CELLS, LABELS, PERIODIC, POSITIONS
from sbs.sets.sites import numbered, site_permutations

__all__ = ["field_irreps", "found_permutations", "site_labels", "suspicions"]

# Relative to the largest value of a field: equal features may differ by rounding to float32.
_SAME_FEATURE = 1e-5

# What says where sites are, and is compared by itself; what only numbers graphs.
_GEOMETRY = (*POSITIONS, *CELLS, *PERIODIC, "batch", "ptr")

# Edges times group elements that are looked at, some tenths of a second.
_MOST_IMAGES = 2_000_000


def site_labels(
    inputs: Any, sites: int, irreps: Mapping[str, o3.Irreps] | None = None
) -> dict[str, npt.NDArray[np.int64]]:
    """For each field of ``inputs`` that says something of the sites, numbers (sites,) equal where it says the same.

    Args:
        irreps: of fields that have vectors: only their invariants are compared, because S turns the vectors.
    """
    read = reader(inputs)
    labels = {}
    for name in LABELS if read is not None else ():
        given = read(name) if read is not None else None
        if given is None:
            continue
        values = _array(given, name)
        if values.ndim == 0 or len(values) != sites or not values.size:
            continue
        labels[name] = _numbered(values.reshape(sites, -1), (irreps or {}).get(name))
    return labels


def field_irreps(model: Any) -> dict[str, o3.Irreps]:
    """Irreps of the fields of the nodes that a model of e3nn takes, or one that was built with a breaker; what it tells."""
    inner = getattr(model, "model", model)
    named = {
        "node_input": ("irreps_node_input", "irreps_in"),
        "x": ("irreps_node_input", "irreps_in"),
        "node_attr": ("irreps_node_attr",),
        "z": ("irreps_node_attr",),
    }
    found = {
        field: getattr(inner, name)
        for field, names in named.items()
        for name in names[::-1]
        if isinstance(getattr(inner, name, None), o3.Irreps)
    }
    key, own = getattr(model, "key", None), getattr(model, "irreps", None)
    if isinstance(key, str) and isinstance(own, o3.Irreps):
        # What is given, without the breaker's part.
        found |= {key: own} | ({"x": own} if key == "node_input" else {})
    return found


def suspicions(
    inputs: Any, matrices: npt.NDArray[np.float64], moves: npt.NDArray[np.int64]
) -> list[npt.NDArray[np.int64]]:
    """For each thing that the inputs say of sites or edges and that group elements change: how much each one changes.

    Nothing tells which of it the network sees: whoever asks has to look at the network's output.

    Args:
        matrices: (elements, 3, 3). moves: int (elements, sites).

    Returns:
        int (elements,) for each: the number of sites or edges that would have to look otherwise.
    """
    sites = moves.shape[1]
    arrays = {name: values for name, values in _arrays(inputs).items() if name not in _GEOMETRY}
    edges = arrays.pop("edge_index", None)
    found = []
    for values in arrays.values():
        if len(values) == sites:
            rows = values.reshape(sites, -1)
            labels = _numbered(rows)
            changed = (labels[moves] != labels).sum(axis=1)
            if not (changed.any() and rows.shape[1] == 3 and _turned_with_sites(rows, matrices, moves)):
                found.append(changed)
    if edges is not None and edges.ndim == 2 and len(edges) == 2 and edges.size and edges.min() >= 0 and edges.max() < sites:
        kinds = [np.zeros(edges.shape[1], dtype=np.int64)]
        for values in arrays.values():
            if len(values) == edges.shape[1] != sites:
                rows = values.reshape(len(values), -1)
                # Vectors on edges are turned: their lengths are compared.
                kinds.append(_numbered(np.linalg.norm(rows, axis=1, keepdims=True) if rows.shape[1] == 3 else rows))
        few = moves[: max(1, _MOST_IMAGES // edges.shape[1])]
        for kind in kinds:
            changed = np.zeros(len(moves), dtype=np.int64)
            changed[: len(few)] = [_moved_edges(edges, kind, move) for move in few]
            found.append(changed)
    return [each for each in found if each.any()]


def _turned_with_sites(vectors: np.ndarray, matrices: np.ndarray, moves: np.ndarray) -> bool:
    """Whether vectors on the sites (sites, 3), polar or axial, are as symmetric as the sites are."""
    images = vectors @ matrices.transpose(0, 2, 1)
    gap = 10 * _SAME_FEATURE * np.abs(vectors).max(initial=0.0)
    signs = np.linalg.det(matrices)[:, None, None]
    return any(bool((np.abs(each - vectors[moves]) <= gap).all()) for each in (images, signs * images))


def _moved_edges(edges: np.ndarray, kinds: np.ndarray, move: np.ndarray) -> int:
    """Edges whose image is none, or one of another kind."""
    width = len(move)
    code = (edges[0] * width + edges[1]) * (kinds.max() + 1) + kinds
    image = (move[edges[0]] * width + move[edges[1]]) * (kinds.max() + 1) + kinds
    return int((np.sort(code) != np.sort(image)).sum())


def _arrays(inputs: Any) -> dict[str, np.ndarray]:
    """Everything in a mapping, a PyG ``Data``, an object with attributes or a sequence that is an array of numbers."""
    if isinstance(inputs, Mapping):
        items = list(inputs.items())
    elif isinstance(inputs, (tuple, list)):
        items = list(enumerate(inputs))
    elif hasattr(inputs, "to_dict"):
        items = list(inputs.to_dict().items())
    else:
        items = list(getattr(inputs, "__dict__", {}).items())
    found = {}
    for name, given in items:
        complex_ = isinstance(given, Tensor) and given.is_complex()
        if isinstance(given, (Tensor, np.ndarray)) and not complex_:
            values = _array(given, str(name))
            if values.ndim and values.dtype.kind in "biuf":
                found[str(name)] = values
    return found


def _numbered(values: np.ndarray, irreps: o3.Irreps | None = None) -> npt.NDArray[np.int64]:
    """Equal numbers for equal rows (sites, columns)."""
    if values.dtype.kind in "fc":
        if irreps is not None and values.shape[1] == irreps.dim:
            values = _invariants(values, irreps)
        scale = np.abs(values[np.isfinite(values)]).max(initial=0.0)
        columns = [_clusters(column, _SAME_FEATURE * scale) for column in values.T]
        values = np.stack(columns, axis=1) if columns else np.zeros((len(values), 1))
    return np.unique(values, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _clusters(values: np.ndarray, gap: float) -> npt.NDArray[np.int64]:
    """Numbers that begin anew wherever sorted values are farther apart: no border that rounding could lie on."""
    order = np.argsort(values)
    before, after = values[order][:-1], values[order][1:]
    # What is no number, and infinity, is equal to itself.
    equal = (before == after) | (np.isnan(before) & np.isnan(after))
    steps = ~equal
    steps[steps] = ~(after[steps] - before[steps] <= gap)
    numbers = np.empty(len(values), dtype=np.int64)
    numbers[order] = np.concatenate([[0], np.cumsum(steps)])
    return numbers


def _invariants(values: np.ndarray, irreps: o3.Irreps) -> np.ndarray:
    columns = []
    for (mul, ir), block in zip(irreps, irreps.slices(), strict=True):
        each = values[:, block].reshape(len(values), mul, ir.dim)
        columns.append(each[:, :, 0] if ir == o3.Irrep("0e") else np.linalg.norm(each, axis=2))
    return np.concatenate(columns, axis=1)


def found_permutations(
    inputs: Any,
    group: npt.NDArray[np.float64],
    turn: npt.NDArray[np.float64] | None,
    rows: int,
    species: npt.ArrayLike | None,
    tolerance: float,
    irreps: Mapping[str, o3.Irreps],
) -> tuple[npt.NDArray[np.int64], bool]:
    """Permutations of the sites in ``inputs`` under the turned ``group``, and whether the output is of the whole graph.

    Raises:
        NetworkInputError: positions are missing, or the input is not symmetric; the message names the field that breaks it.
    """
    read = reader(inputs)
    positions = next((each for each in map(read, POSITIONS) if each is not None), None) if read is not None else None
    if positions is None:
        raise NetworkInputError(
            "The inputs have no 'pos' or 'positions' to find site permutations from; pass permutations=, "
            "from sbs.nn.site_permutations, or None if the output is of the whole graph."
        )
    sites = real_array(_array(positions, "positions"), "positions (num_sites, 3), in Å,")
    if sites.ndim != 2 or sites.shape[1] != 3:
        raise NetworkInputError(f"The positions in the inputs have shape {sites.shape}; expected (num_sites, 3), in Å.")
    pooled = rows == 1 and len(sites) != 1
    if not pooled and rows != len(sites):
        raise NetworkInputError(f"The output has {rows} rows, the input {len(sites)} sites; pass permutations=.")
    assert read is not None
    cell = next((each for each in map(read, CELLS) if each is not None), None)
    if cell is None and any(read(name) is not None for name in PERIODIC):
        raise NetworkInputError(
            "The inputs are of a crystal but lack its 'cell' (SevenNet: 'cell_lattice_vectors', which "
            "unlabeled_atoms_to_graph(atoms, cutoff, with_shift=True) adds), so that site permutations cannot be found; add "
            "it, or pass permutations= from sbs.nn.site_permutations."
        )
    lattice = None if cell is None else real_array(_array(cell, "cell"), "lattice vectors (3, 3) as rows, in Å,")
    if lattice is not None and lattice.size != 9:
        raise NetworkInputError(f"The cell in the inputs has shape {lattice.shape}; expected (3, 3), vectors as rows, in Å.")
    lattice = None if lattice is None else lattice.reshape(3, 3)
    if lattice is not None and not lattice.any():
        lattice = None
    labels = site_labels(inputs, len(sites), irreps)
    if species is not None:
        labels["species"] = numbered(_array(species, "species"), len(sites), "species")
    together = np.stack(list(labels.values()), axis=1) if labels else np.zeros((len(sites), 1), dtype=np.int64)
    kinds = np.unique(together, axis=0, return_inverse=True)[1].reshape(-1)
    turned = group if turn is None else turn @ group @ turn.T

    def search(matrices: np.ndarray, kinds: np.ndarray) -> npt.NDArray[np.int64]:
        return site_permutations(sites, matrices, species=kinds, cell=lattice, tolerance=tolerance)

    try:
        moves = search(turned, kinds)
    except NetworkInputError as error:
        if pooled and not _fits(search, turned, np.zeros_like(kinds)):
            raise
        if _fits(search, turned, np.zeros_like(kinds)):
            telling = [name for name, own in labels.items() if not _fits(search, turned, own)] or list(labels)
            raise NetworkInputError(
                f"{error} The positions alone are symmetric: {', '.join(map(repr, telling))} tell sites apart that S "
                "exchanges, so that the network does not see this symmetry. Give a set of the group that is left."
            ) from None
        if turn is not None and _fits(search, turn.T @ group @ turn, kinds):
            raise NetworkInputError(
                "The input is symmetric under the transpose of the rotation given: rotation takes the set's orientation to "
                "the input's; see sbs.nn.orientation."
            ) from None
        raise
    return moves, pooled


def _fits(search: Any, matrices: np.ndarray, kinds: np.ndarray) -> bool:
    try:
        search(matrices, kinds)
    except NetworkInputError:
        return False
    return True


def _array(values: Any, name: str) -> np.ndarray:
    if not isinstance(values, Tensor):
        return as_array(values, f"numbers of the sites under {name!r}") if not _texts(values) else np.asarray(values)
    dense = values.detach().cpu().to_dense()
    if dense.is_complex():
        check_tensors(True, **{name: values})
    # numpy has no bfloat16.
    return (dense.float() if dense.is_floating_point() and dense.dtype != torch.float64 else dense).numpy()


def _texts(values: Any) -> bool:
    """Whether these are names, as of species."""
    return isinstance(values, (list, tuple)) and all(isinstance(each, str) for each in values)
