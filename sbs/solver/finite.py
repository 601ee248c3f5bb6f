"""The smallest symmetry-breaking set of (S, K) in a finite ambient group, as group theory.

Exact: |P| = |M| / max |H| over H <= M with H ∩ S = K. Not exact: H ∩ S may be any subgroup K' of an
S-conjugate of K; up to conjugation in M, K' <= K, so the exact search is run for one K' of each class,
largest bound first (Xie and Smidt, TMLR 2024, theorems 1 and 2 and their extension).
"""

from __future__ import annotations

from collections.abc import Callable

from sbs.errors import NoSetError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.progress import tick
from sbs.solver.complements import find_stabilizers
from sbs.solver.normalizer import generalised_normalizer
from sbs.solver.solutions import FiniteSolution, StabilizerSearch

__all__ = ["solve_finite"]


def solve_finite(
    group: Subgroup,
    target: Subgroup,
    exact: bool = True,
    accept: Callable[[Subgroup], bool] | None = None,
    every: bool = True,
) -> FiniteSolution:
    """Smallest symmetry-breaking set of S = ``group`` and K = ``target`` in their common parent.

    Args:
        group: S.
        target: K <= S.
        exact: require H ∩ S = K; otherwise H ∩ S may be smaller (up to conjugation in S).
        accept: extra condition on H, invariant under conjugation in M.
        every: find one H of each class; otherwise one H is enough.

    Raises:
        NotASubgroupError: K does not lie in S.
        NoSetError: ``accept`` refuses every stabilizer.
        SearchLimitError: the search was given up.
    """
    normalizer = generalised_normalizer(group, target)
    intersections = [target] if exact else _subgroups_of(target, normalizer)
    best: list[Subgroup] = []
    searches: list[tuple[Subgroup, StabilizerSearch | None]] = []
    for intersection in intersections:
        known = best[0].order if best else 0
        if normalizer.order * intersection.order // group.order < known:
            break
        # Only a larger H is of interest if one of each order is enough.
        floor = max(known - 1, 0) if every else known
        if normalizer.order * intersection.order // group.order <= floor:
            continue
        search = find_stabilizers(normalizer, group, intersection, accept, floor, every)
        searches.append((intersection, search))
        if search is not None:
            best = [*best, *search.stabilizers] if search.order == known else list(search.stabilizers)
            tick("intersections with the target", len(searches), len(intersections))
    if not best:
        raise NoSetError(f"no subgroup of the normalizer (order {normalizer.order}) is admissible as a stabilizer")
    return FiniteSolution(group, target, normalizer, exact, tuple(best), tuple(searches))


def _subgroups_of(target: Subgroup, normalizer: Subgroup) -> list[Subgroup]:
    """Subgroups of K by falling order, one of each class under M."""
    inner, elements = target.as_group()
    kept: list[Subgroup] = []
    seen: set[bytes] = set()
    for c in reversed(inner.subgroup_classes):
        candidate = target.parent.subgroup(elements[c.representative.elements].tolist())
        if candidate.bits not in seen:
            seen.update(image.bits for image in candidate.conjugates(normalizer))
            kept.append(candidate)
    return kept
