"""Which sites of an input are equal to a network, and how S permutes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from e3nn import o3
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import as_array, real_array
from sbs.nn.checks import check_tensors
from sbs.nn.choice import reader
from sbs.nn.host.graphs import CELLS, LABELS, PERIODIC, POSITIONS
from sbs.sets.sites import numbered, site_permutations

__all__ = ["found_permutations", "site_labels"]

# Relative to the largest value of a field: equal features may differ by rounding to float32.
_SAME_FEATURE = 1e-5


def site_labels(inputs: Any, sites: int, irreps: o3.Irreps | None = None) -> dict[str, npt.NDArray[np.int64]]:
    """For each field of ``inputs`` that says something of the sites, numbers (sites,) equal where it says the same.

    Args:
        irreps: of the first field that has their dimension: only its invariants are compared, because its vectors are
            turned by S.
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
        values = values.reshape(sites, -1)
        if values.dtype.kind in "fc":
            fits = irreps is not None and values.shape[1] == irreps.dim
            own = _invariants(values, irreps) if fits and irreps is not None else values
            scale = np.abs(own).max(initial=0.0)
            values = np.round(own / (_SAME_FEATURE * scale)) if scale > 0 else own
        labels[name] = numbered(values, sites, repr(name))
    return labels


def _invariants(values: np.ndarray, irreps: o3.Irreps) -> np.ndarray:
    columns = []
    for (mul, ir), block in zip(irreps, irreps.slices(), strict=True):
        each = values[:, block].reshape(len(values), mul, ir.dim)
        columns.append(each[:, :, 0] if ir.l == 0 else np.linalg.norm(each, axis=2))
    return np.concatenate(columns, axis=1)


def found_permutations(
    inputs: Any,
    group: npt.NDArray[np.float64],
    turn: npt.NDArray[np.float64] | None,
    rows: int,
    species: npt.ArrayLike | None,
    tolerance: float,
    irreps: o3.Irreps | None,
) -> npt.NDArray[np.int64] | None:
    """Permutations of the sites in ``inputs`` under the turned ``group``, or None if the output is of the whole graph.

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
    return None if pooled else moves


def _fits(search: Any, matrices: np.ndarray, kinds: np.ndarray) -> bool:
    try:
        search(matrices, kinds)
    except NetworkInputError:
        return False
    return True


def _array(values: Any, name: str) -> np.ndarray:
    if isinstance(values, Tensor):
        check_tensors(True, **{name: values})
        return values.detach().cpu().numpy()
    return as_array(values, f"numbers of the sites under {name!r}") if not _texts(values) else np.asarray(values)


def _texts(values: Any) -> bool:
    """Whether these are names, as of species."""
    return isinstance(values, (list, tuple)) and all(isinstance(each, str) for each in values)
