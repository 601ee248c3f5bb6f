"""From the group theory of a finite ambient to numbers: which stabilizer, which blocks, which vector, which orbit."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sbs.groups.abstract.immutability import frozen
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.pointgroups import PointGroup
from sbs.objects.blocks import CosetBlock, IrrepSupply
from sbs.objects.choice import choose_blocks
from sbs.objects.representation import representation
from sbs.objects.separation import best_separated
from sbs.sets.orbits import OBJECT_DIGITS, FiniteOrbit
from sbs.solver.solutions import FiniteSolution

__all__ = ["list_cosets", "realise_finite", "table_within"]

#: Tables of M kept: the targets of one group share a few M.
_TABLES = 4


def realise_finite(solution: FiniteSolution, lmax: int | None) -> FiniteOrbit:
    """Choose H and the irreps by least cost, take the best separated vector, and list its M-orbit by S-orbits.

    In a point group the objects are vectors in e3nn's basis with unit norm in each irrep block; in any other group
    they are the points of M / H as one-hot rows.
    """
    parent = solution.normalizer.parent
    if not isinstance(parent, PointGroup):
        stabilizer = solution.stabilizers[0]
        movers, orbits = list_cosets(solution, stabilizer)
        return FiniteOrbit(stabilizer, None, CosetBlock(stabilizer, movers).points, movers, orbits)
    inside = solution.normalizer.elements
    supply = IrrepSupply(solution.normalizer.matrices, table_within(solution.normalizer))
    choice = choose_blocks(supply, [h.mask[inside] for h in solution.stabilizers], lmax)
    stabilizer = solution.stabilizers[choice.candidate]
    irreps = tuple(block.irrep for block in choice.blocks)
    vector = best_separated(choice.blocks, supply.table, stabilizer.mask[inside])
    movers, orbits = list_cosets(solution, stabilizer)
    objects = representation(irreps, parent.matrices[movers]) @ vector
    return FiniteOrbit(stabilizer, irreps, np.round(objects, OBJECT_DIGITS) + 0.0, movers, orbits)


@lru_cache(maxsize=_TABLES)
def table_within(subgroup: Subgroup) -> np.ndarray:
    """Cayley table (m, m) of a subgroup by the positions of its elements, read-only."""
    number = np.full(subgroup.parent.order, -1)
    number[subgroup.elements] = np.arange(subgroup.order)
    return frozen(number[subgroup.parent.multiply(subgroup.elements[:, None], subgroup.elements)])


def list_cosets(solution: FiniteSolution, stabilizer: Subgroup) -> tuple[np.ndarray, np.ndarray]:
    """Representatives of the cosets m H in M and their S-orbits, sorted by orbit; the identity comes first."""
    movers = stabilizer.transversal(solution.normalizer)
    block = CosetBlock(stabilizer, movers)
    orbits = np.full(len(movers), -1, dtype=np.intp)
    for index, mover in enumerate(movers):
        if orbits[index] < 0:
            orbits[block.coset_of[stabilizer.parent.multiply(solution.group.elements, mover)]] = orbits.max() + 1
    order = np.argsort(orbits, kind="stable")
    return movers[order], orbits[order]
