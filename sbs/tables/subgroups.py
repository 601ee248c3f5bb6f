"""What a table says about the subgroups of a point group that needs no symmetry-breaking set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sbs.groups import PointGroup, Subgroup, hasse_edges, point_group
from sbs.groups.point.symbols import hermann_mauguin
from sbs.objects.invariants import invariant_basis, pointwise_fixer
from sbs.objects.representation import representation
from sbs.solver.normalizer import normalizer_in_o3

__all__ = ["species_numbers", "subgroup_records", "vector_sites"]

_VECTOR = "1x1o"


def species_numbers(group: PointGroup) -> list[int]:
    """For each subgroup class of S the number of its class under N_O(3)(S), that is of its species.

    Where the normalizer is infinite it is D∞h or O(3) over a group all of whose subgroups lie about one axis; it
    maps each of them to itself, so that every class is a species of its own.
    """
    classes = group.subgroup_classes
    family = normalizer_in_o3(group.family)
    if not family.is_finite:
        return list(range(len(classes)))
    normalizer = point_group(family)
    assert isinstance(normalizer, PointGroup)
    numbers: dict[bytes, int] = {}
    result = []
    for c in classes:
        inside = normalizer.subgroup(c.representative.matrices)
        first = min(conjugate.bits for conjugate in inside.conjugates())
        result.append(numbers.setdefault(first, len(numbers)))
    return result


def subgroup_records(group: PointGroup) -> list[dict[str, Any]]:
    """One entry per subgroup class: names, orders, the elements of its representative, its maximal subgroups."""
    classes = group.subgroup_classes
    below: list[list[str]] = [[] for _ in classes]
    for lower, upper in hasse_edges(group):
        below[upper].append(classes[lower].label)
    return [
        {
            "label": c.label,
            "symbol": c.symbol,
            "hermann_mauguin": hermann_mauguin(group.family_of(c.representative)),
            "order": int(c.order),
            "size": int(c.size),
            "species": species,
            "elements": c.representative.elements.tolist(),
            "maximal_subgroups": lower,
        }
        for c, lower, species in zip(classes, below, species_numbers(group), strict=True)
    ]


def vector_sites(group: PointGroup) -> list[dict[str, Any]]:
    """Site symmetries of vectors: the stabilizers of points of space, the general vector first, the origin last.

    A subgroup H is one if the pointwise fixer of its fixed space is H itself. "freedom" is the dimension of that
    space, "multiplicity" the number of equivalent vectors, "direction" one unit vector in the space (None at the
    origin): the sum of its basis vectors, weighted so that no special position is hit.
    """
    rep = representation(_VECTOR, group.matrices)
    sites = []
    for c in group.subgroup_classes:
        basis = invariant_basis(rep[c.representative.elements])
        if pointwise_fixer(rep, basis).sum() != c.order:
            continue
        sites.append(
            {
                "label": c.label,
                "multiplicity": group.order // int(c.order),
                "freedom": basis.shape[1],
                "direction": _generic(group, c.representative, basis),
            }
        )
    return sorted(sites, key=lambda site: (-site["freedom"], -site["multiplicity"]))


def _generic(group: PointGroup, site: Subgroup, basis: np.ndarray) -> list[float] | None:
    if basis.shape[1] == 0:
        return None
    rep = representation(_VECTOR, group.matrices)
    for weights in _weights(basis.shape[1]):
        vector = basis @ weights
        vector /= np.linalg.norm(vector)
        if (np.abs(rep @ vector - vector).max(axis=1) < 1e-6).sum() == site.order:
            return [float(x) for x in vector]
    raise AssertionError(f"no tried vector has the stabilizer {site.symbol} in {group.symbol}")


def _weights(dimension: int) -> Sequence[np.ndarray]:
    # Small unequal integers: a special position solves a linear equation with cyclotomic coefficients, and of these
    # few vectors at least one solves none of the equations of the stored groups.
    return [np.array(w[:dimension], dtype=float) for w in ((1, 2, 3), (1, 3, 5), (2, 3, 7), (3, 5, 11))]
