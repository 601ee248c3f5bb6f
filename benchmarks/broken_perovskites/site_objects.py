"""Objects of tilts in irreps and on sites of one's own choice, beside those that `sbs.minimal_set` takes.

The library takes the irreps of least dimension that leave exactly K. Any field on the sites that leaves exactly K gives a set
of the same size, and a network may need fewer layers from one than from another to the sites and irreps of its output. Here
the irreps and the sites are said beforehand, by one rule for all phases; within them the field is the library's: of those that
K keeps, the one whose images are furthest apart.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from benchmarks.broken_perovskites.phases import parent, subgroup
from sbs.groups import FiniteGroup
from sbs.objects.irreps import Irrep, irreps_dim
from sbs.objects.separation import best_separated
from sbs.objects.site_blocks import SiteBlock

__all__ = ["CHOICES", "drawn_field", "exact_field"]

Array = npt.NDArray[np.float64]

#: Irreps of e3nn and kinds of sites (0 A, 1 B, 2 O), by what a row of the tables says of them.
CHOICES = {"1o on O": ("1x1o", 2), "1e on B": ("1x1e", 1)}


def _sites(kind: int) -> npt.NDArray[np.int64]:
    """Of one kind: sites are listed A, B, O, O, O, cell after cell."""
    kinds = np.tile([0, 1, 2, 2, 2], len(parent(2).structure.positions) // 5)
    return np.flatnonzero(kinds == kind)


@lru_cache(maxsize=16)
def exact_field(phase: str, choice: str) -> Array:
    """A field of one of the `CHOICES` that exactly K of a phase keeps, (40, dim), component normalisation on its sites."""
    irreps, kind = CHOICES[choice]
    found, target = subgroup(phase)
    sites = _sites(kind)
    irrep = Irrep(1, -1 if irreps.endswith("o") else 1)
    local = np.searchsorted(sites, np.asarray(found.permutations)[:, sites])
    assert isinstance(found.group, FiniteGroup)
    block = SiteBlock(irrep, sites, np.asarray(found.matrices), local)
    mask = np.zeros(found.group.order, dtype=bool)
    mask[np.asarray(target.elements)] = True
    values = best_separated((block,), np.asarray(found.group.table), mask).reshape(len(sites), -1)
    field = np.zeros((len(found.structure.positions), irrep.dim))
    field[sites] = values * (len(sites) * irrep.dim) ** 0.5
    return field


def drawn_field(choice: str, seed: int = 17) -> Array:
    """A field of one of the `CHOICES` that nothing keeps: drawn, it has as many images as S has elements."""
    irreps, kind = CHOICES[choice]
    sites, dim = _sites(kind), irreps_dim(irreps)
    drawn = np.random.default_rng(seed).normal(size=(len(sites), dim))
    field = np.zeros((len(parent(2).structure.positions), dim))
    field[sites] = drawn * (dim * len(sites) / np.square(drawn).sum()) ** 0.5
    return field
