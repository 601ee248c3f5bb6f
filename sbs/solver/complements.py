"""Search for the stabilizers of symmetry-breaking objects: subgroups H of M with H ∩ S = K.

K = H ∩ S is normal in H, so K <= H <= T = N_M(K).  Put Q = T / K, A = N_S(K) / K and F = Q / A, of order |M|
/ |S|. H / K is the same thing as a subgroup L of F together with a complement of A in its preimage, and |H| =
|K| |L|.  So the search goes through the subgroups L of F from the largest down and asks for complements
(`sbs.solver.lifting`). An element of F that has no lift of the same order to Q lies in no such L; this alone
usually excludes most of F. Every L that is passed over is logged with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sbs.groups.abstract.subgroups import Parent, Subgroup, enumerate_classes
from sbs.progress import tick
from sbs.solver.lifting import MAX_LIFTS, Lifter
from sbs.solver.solutions import Refutation, StabilizerSearch

__all__ = ["LOGGED_ORDER", "MAX_LIFTS", "find_stabilizers"]

#: Up to this order of F every class of larger L is logged; above, those that hold an element without a lift are left out.
LOGGED_ORDER = 64


def find_stabilizers(
    normalizer: Subgroup,
    group: Subgroup,
    target: Subgroup,
    accept: Callable[[Subgroup], bool] | None = None,
    floor: int = 0,
    every: bool = True,
) -> StabilizerSearch | None:
    """Subgroups H of M of largest order with H ∩ S = K, up to conjugation in M, and the proof that none is larger.

    Args:
        normalizer: M, which normalises S.
        group: S.
        target: K <= S.
        accept: an extra condition on H that is invariant under conjugation in M; by default all are accepted.
        floor: orders up to this one are of no interest; None is returned if nothing larger is found.
        every: find one H of each class; otherwise stop at the first.

    Returns:
        The search result, or None if ``floor`` or ``accept`` leaves nothing (a proof, not a failure).

    Raises:
        SearchLimitError: too many partial complements, or F has too many subgroups to list.
    """
    bound = normalizer.order * target.order // group.order
    outer = target.normalizer(normalizer) if normalizer.order > group.order else target
    inner = outer.intersection(group)
    if outer.order == inner.order:
        accepted = target.order > floor and (accept is None or accept(target))
        return StabilizerSearch((target,), bound, ()) if accepted else None
    upstairs = _Upstairs(outer, target)
    lifter = Lifter(upstairs.image(inner))
    factor = lifter.factor
    refuted: list[Refutation] = []
    found: list[Subgroup] = []
    for image in _descending_subgroups(factor, lifter.liftable):
        order = image.order * target.order
        if order <= floor or (found and order < found[0].order):
            break
        tick("candidates for a stabilizer", len(refuted), len(found))
        split = False
        for complement in lifter.complements(image):
            split = True
            stabilizer = upstairs.preimage(complement)
            if accept is None or accept(stabilizer):
                found.append(stabilizer)
                if not every:
                    return StabilizerSearch((stabilizer,), bound, tuple(refuted))
        if not found:
            lifted = bool(lifter.liftable[image.elements].all())
            reason = "rejected" if split else "no complement" if lifted else "no lift of an element"
            generators = upstairs.representative[lifter.representative[list(image.generators)]]
            refuted.append(Refutation(image.order, tuple(generators.tolist()), reason))
    if not found:
        return None
    return StabilizerSearch(tuple(_up_to_conjugation(found, normalizer)), bound, tuple(refuted))


class _Upstairs:
    """Q = T / K as a group of its own, and the way back to subgroups of the parent.

    Attributes:
        representative: (|Q|,), an element of T above each element of Q.
    """

    def __init__(self, outer: Subgroup, kernel: Subgroup) -> None:
        self.parent = outer.parent
        if kernel.order == 1 and outer.order == self.parent.order:
            self.group = self.parent
            self.number = self.representative = np.arange(self.parent.order)
            return
        self.group, self.number = outer.quotient(kernel)
        self.representative = np.zeros(self.group.order, dtype=np.intp)
        self.representative[self.number[outer.elements[::-1]]] = outer.elements[::-1]

    def image(self, subgroup: Subgroup) -> Subgroup:
        """Image in Q of a subgroup of T."""
        return Subgroup.from_elements(self.group, self.number[subgroup.elements])

    def preimage(self, subgroup: Subgroup) -> Subgroup:
        """The elements of T that project into a subgroup of Q."""
        return Subgroup(self.parent, np.concatenate([subgroup.mask, [False]])[self.number])


def _descending_subgroups(factor: Parent, liftable: np.ndarray) -> Iterator[Subgroup]:
    """Classes of subgroups of F by falling order, F first; the list of classes is made only if it is needed.

    In a large F only subgroups of liftable elements follow F, at first the group that all of these generate,
    if it holds no others.
    """
    whole = factor.whole
    yield whole
    if factor.order <= LOGGED_ORDER:
        for c in reversed(factor.subgroup_classes[:-1]):
            yield c.representative
        return
    span = factor.subgroup(np.flatnonzero(liftable).tolist())
    if span.order < factor.order and liftable[span.elements].all():
        yield span
    for subgroup, _ in reversed(enumerate_classes(factor, liftable)):
        if subgroup.order < factor.order and subgroup.bits != span.bits:
            yield subgroup


def _up_to_conjugation(subgroups: list[Subgroup], under: Subgroup) -> list[Subgroup]:
    """One subgroup of each class; the order of the list is kept."""
    seen: set[bytes] = set()
    kept = []
    for subgroup in subgroups:
        if subgroup.bits not in seen:
            kept.append(subgroup)
            if len(subgroups) > 1:
                seen.update(c.bits for c in subgroup.conjugates(under))
    return kept
