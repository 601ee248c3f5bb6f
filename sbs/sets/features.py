"""Objects as features of a network: one layout of irreps for several sets, e3nn's component normalisation.

A block (l, p) of an object has unit norm in a `MinimalSet` and squared norm 2l + 1 as a feature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sbs.errors import NetworkInputError
from sbs.objects.irreps import Irrep, format_irreps, irreps_dim, parse_irreps
from sbs.sets.minimal_set import MinimalSet

__all__ = ["FeatureTable", "common_irreps", "feature_block", "feature_table", "first_object", "spread"]


@dataclass(frozen=True)
class FeatureTable:
    """Objects of several sets as features.

    Attributes:
        irreps: e3nn notation.
        objects: float64 (sets, largest size, dim), read-only; rows behind the end of a set are zero. Of an infinite set one
            object stands here. If a set has fields on the sites of a crystal, (sets, largest size, most sites, dim): objects
            of a whole graph are then the same on every site.
        sizes: int64 (sets,), the number of rows of each set.
        sites: int64 (sets,), the number of sites of a set's fields; 0 for objects of the whole graph.
    """

    irreps: str
    objects: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.int64]
    sites: npt.NDArray[np.int64]


def common_irreps(all_irreps: Sequence[str]) -> str:
    """The least irreps that hold each of ``all_irreps``, sorted by l, odd parity after even."""
    counts = [_count(irreps) for irreps in all_irreps]
    kinds = sorted({irrep for count in counts for irrep in count}, key=lambda irrep: (irrep.l, -irrep.p))
    return format_irreps([(max(count.get(irrep, 0) for count in counts), irrep) for irrep in kinds])


def _count(irreps: str) -> dict[Irrep, int]:
    count: dict[Irrep, int] = {}
    for mul, irrep in parse_irreps(irreps):
        count[irrep] = count.get(irrep, 0) + mul
    return count


def spread(objects: npt.ArrayLike, irreps: str, common: str) -> npt.NDArray[np.float64]:
    """Objects (n, dim) with ``irreps``, unit norm in each block, as features with ``common`` irreps that hold them."""
    given = np.asarray(objects, dtype=np.float64)
    result = np.zeros((*given.shape[:-1], irreps_dim(common)))
    starts: dict[Irrep, int] = {}
    start = 0
    for mul, irrep in parse_irreps(common):
        starts.setdefault(irrep, start)
        start += mul * irrep.dim
    start = 0
    for mul, irrep in parse_irreps(irreps):
        for _ in range(mul):
            place = starts[irrep]
            result[..., place : place + irrep.dim] = given[..., start : start + irrep.dim] * math.sqrt(irrep.dim)
            starts[irrep] += irrep.dim
            start += irrep.dim
    return result


def irreps_of(symmetry_set: Any) -> str:
    """Irreps of a set's objects.

    Raises:
        NetworkInputError: the set is of abstract groups.
    """
    if not symmetry_set.irreps:
        target = getattr(symmetry_set, "target", None)
        raise NetworkInputError(
            f"The set ({symmetry_set.group} to {target}) is of abstract groups and has no irreps of O(3); a network needs a "
            "set of point groups."
        )
    return str(symmetry_set.irreps)


def first_object(symmetry_set: MinimalSet, irreps: str) -> npt.NDArray[np.float64]:
    """One object as a feature with ``irreps`` (dim,): the first of a list, a drawn one of an infinite set."""
    given = symmetry_set.sample(1, 0) if math.isinf(symmetry_set.size) else symmetry_set.objects[:1]
    return spread(given, irreps_of(symmetry_set), irreps)[0]


def feature_block(
    sets: Sequence[MinimalSet], number: int, objects: npt.ArrayLike, shared: bool = True
) -> npt.NDArray[np.float64]:
    """``objects`` (n, dim) of set ``number`` in the layout that `feature_table` has for all ``sets``: (n, common dim)."""
    own = [common_irreps([irreps_of(each)]) for each in sets]
    if shared:
        return spread(objects, irreps_of(sets[number]), common_irreps(own))
    dims = [irreps_dim(each) for each in own]
    block = spread(objects, irreps_of(sets[number]), own[number])
    start = sum(dims[:number])
    around = (start, sum(dims) - start - dims[number])
    return np.pad(block, [(0, 0)] * (block.ndim - 1) + [around])


def feature_table(sets: Sequence[MinimalSet], shared: bool = True) -> FeatureTable:
    """All objects of ``sets`` as features.

    Args:
        sets: one or more.
        shared: whether sets use the same blocks of irreps; if not, each set has blocks of its own and the others are zero.

    Raises:
        NetworkInputError: a set is of abstract groups.
    """
    own = [common_irreps([irreps_of(each)]) for each in sets]
    irreps = common_irreps(own) if shared else "+".join(own)
    tables = []
    for number, each in enumerate(sets):
        given = each.sample(1, 0) if math.isinf(each.size) else each.objects
        tables.append(feature_block(sets, number, given, shared))
    sizes = np.array([len(table) for table in tables], dtype=np.int64)
    sites = np.array([table.shape[1] if table.ndim == 3 else 0 for table in tables], dtype=np.int64)
    if sites.any():
        tables = [_on_sites(table, int(sites.max())) for table in tables]
    objects = np.stack([np.pad(table, [(0, sizes.max() - len(table))] + [(0, 0)] * (table.ndim - 1)) for table in tables])
    for values in (objects, sizes, sites):
        values.setflags(write=False)
    return FeatureTable(irreps, objects, sizes, sites)


def _on_sites(table: np.ndarray, most: int) -> np.ndarray:
    """(size, dim) or (size, sites, dim) -> (size, most, dim)."""
    if table.ndim == 2:
        return np.repeat(table[:, None], most, axis=1)
    return np.pad(table, ((0, 0), (0, most - table.shape[1]), (0, 0)))
