"""Search for the stabilizers of symmetry-breaking objects: subgroups H of M with H ∩ S = K.

K = H ∩ S is normal in H, so K <= H <= T = N_M(K).  Put A = N_S(K) and F = T / A, of order |M| / |S|.  H is the same thing
as a subgroup L of F together with a complement of A / K in the preimage of L modulo K, and |H| = |K| |L|.  So the search
goes through the subgroups L of F from the largest down and lifts generators of L one at a time: for the j-th generator
every coset representative of K in A is a candidate, all are tested at once against the relators of <l_1, ..., l_j>, and
survivors are kept up to conjugation by the part of A that fixes the earlier lifts (Holt, Eick and O'Brien, Handbook of
Computational Group Theory, sec. 2.4.3 for presentations from Cayley graphs; Celler, Neubueser and Wright, Acta Appl.
Math. 21, 57 (1990) for complements by lifting relators).  Every L that is passed over is logged with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sbs.errors import SearchLimitError
from sbs.groups.finite import FiniteGroup, Subgroup

__all__ = ["MAX_LIFTS", "Refutation", "StabilizerSearch", "find_stabilizers"]

#: Lifted homomorphisms kept at one level of the search. Beyond this the search gives up with an error.
MAX_LIFTS = 1_000_000


@dataclass(frozen=True)
class Refutation:
    """Why no stabilizer H projects onto one class of subgroups L of F = N_M(K) / N_S(K).

    Attributes:
        order: |L|.
        generators: elements of the ambient group whose cosets generate L.
        reason: "no lift of an element", "no complement" or "rejected" (complements exist, but the caller's condition on
            stabilizers refuses all of them).
    """

    order: int
    generators: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class StabilizerSearch:
    """Outcome of `find_stabilizers`.

    Attributes:
        stabilizers: the subgroups of largest order that were found, one for each class under conjugation by M.
        bound: |M| |K| / |S|, which no stabilizer can exceed.
        refuted: the classes of larger subgroups L that were excluded, largest first; empty if the bound is met.
    """

    stabilizers: tuple[Subgroup, ...]
    bound: int
    refuted: tuple[Refutation, ...]

    @property
    def order(self) -> int:
        """Order of the stabilizers found."""
        return self.stabilizers[0].order

    @property
    def meets_bound(self) -> bool:
        """True if the complement bound proves maximality by itself."""
        return self.order == self.bound


def find_stabilizers(
    ambient: Subgroup,
    group: Subgroup,
    target: Subgroup,
    accept: Callable[[Subgroup], bool] | None = None,
    floor: int = 0,
) -> StabilizerSearch | None:
    """Subgroups H of M of largest order with H ∩ S = K, up to conjugation in M, and the proof that none is larger.

    Args:
        ambient: M, which normalises S.
        group: S.
        target: K <= S.
        accept: an extra condition on H that is invariant under conjugation in M; by default all are accepted.
        floor: orders up to this one are of no interest; None is returned if nothing larger is found.

    Returns:
        The search result, or None if ``floor`` or ``accept`` leaves nothing (a proof, not a failure).

    Raises:
        SearchLimitError: more than MAX_LIFTS partial lifts.
    """
    parent = ambient.parent
    outer = target.normalizer(ambient)
    inner = outer.intersection(group)
    bound = ambient.order * target.order // group.order
    refuted: list[Refutation] = []
    if outer.order == inner.order:
        candidates = [target] if target.order > floor and (accept is None or accept(target)) else []
        return StabilizerSearch(tuple(candidates), bound, ()) if candidates else None
    factor, number = outer.quotient(inner)
    representative = np.zeros(factor.order, dtype=np.intp)
    representative[number[outer.elements[::-1]]] = outer.elements[::-1]
    lifter = _Lifter(parent, target, inner, factor, representative)
    found: list[Subgroup] = []
    for image in _descending_subgroups(factor, lifter.liftable):
        order = image.order * target.order
        if order <= floor or (found and order < found[0].order):
            break
        lifts = list(lifter.complements(image))
        accepted = [h for h in lifts if accept is None or accept(h)]
        if accepted:
            found.extend(accepted)
        elif not found:
            reason = "rejected" if lifts else "no complement" if lifter.liftable[image.elements].all() else "no lift of an element"
            refuted.append(Refutation(image.order, tuple(int(representative[g]) for g in image.generators), reason))
    if not found:
        return None
    return StabilizerSearch(tuple(_up_to_conjugation(found, ambient)), bound, tuple(refuted))


def _descending_subgroups(factor: FiniteGroup, liftable: np.ndarray) -> Iterator[Subgroup]:
    """F itself, then the rest of its subgroup classes by falling order; the lattice is built only if it is needed."""
    yield factor.whole
    for c in reversed(factor.subgroup_classes[:-1]):
        yield c.representative


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


class _Lifter:
    """Complements of A / K in the preimages of subgroups of F = T / A."""

    def __init__(self, parent: FiniteGroup, kernel: Subgroup, inner: Subgroup, factor: FiniteGroup, representative: np.ndarray) -> None:
        self.parent = parent
        self.kernel = kernel
        self.inner = inner
        self.factor = factor
        self.representative = representative
        self.cosets = kernel.left_cosets(inner)[:, 0]
        self.liftable = np.array([self._order_kept(l) for l in range(factor.order)])

    def _lifts(self, image: int) -> np.ndarray:
        """One element of every coset of K that projects onto an element of F."""
        return self.parent.multiply(self.representative[image], self.cosets)

    def _order_kept(self, image: int) -> bool:
        lifts = self._lifts(image)
        power = lifts
        for _ in range(int(self.factor.element_orders[image]) - 1):
            power = self.parent.multiply(power, lifts)
        return bool(self.kernel.mask[power].any())

    def complements(self, image: Subgroup) -> Iterator[Subgroup]:
        """Every H with H ∩ S = K that projects onto ``image``, one or more from each class under A."""
        if not self.liftable[image.elements].all():
            return
        partial = [()] if image.order == 1 else None
        generators = _short_generators(image)
        if partial is not None:
            yield self.kernel
            return
        stack: list[tuple[tuple[int, ...], np.ndarray]] = [((), self.inner.elements)]
        for level in range(len(generators)):
            relators = _CayleyGraph(self.factor, generators[: level + 1])
            grown: list[tuple[tuple[int, ...], np.ndarray]] = []
            for lifted, fixing in stack:
                candidates = self._lifts(generators[level])
                survivors = candidates[relators.hold(self.parent, self.kernel, lifted, candidates)]
                for lift, stabilizer in self._orbit_representatives(survivors, fixing):
                    grown.append(((*lifted, lift), stabilizer))
                if len(grown) > MAX_LIFTS:
                    raise SearchLimitError(f"over {MAX_LIFTS} partial complements; the search was given up and the answer is not known")
            stack = grown
        for lifted, _ in stack:
            yield Subgroup(self.parent, self.parent.generate([*self.kernel.elements.tolist(), *lifted]))

    def _orbit_representatives(self, lifts: np.ndarray, fixing: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        """Orbits of K-cosets under conjugation by ``fixing`` (elements of A), with the elements that fix each."""
        if not len(lifts):
            return
        coset = np.full(self.parent.order, -1, dtype=np.intp)
        coset[self.parent.multiply(lifts[:, None], self.kernel.elements)] = np.arange(len(lifts))[:, None]
        free = np.ones(len(lifts), dtype=bool)
        for index, lift in enumerate(lifts):
            if free[index]:
                images = coset[self.parent.conjugate(lift, fixing)]
                free[images] = False
                yield int(lift), fixing[images == index]


def _short_generators(image: Subgroup) -> tuple[int, ...]:
    """Generators of a subgroup of F, elements of large order first, so that few levels of lifting are needed."""
    orders = image.parent.element_orders
    chosen: list[int] = []
    mask = image.parent.trivial.mask
    for element in sorted(image.elements.tolist(), key=lambda e: (-orders[e], e)):
        if not mask[element]:
            chosen.append(element)
            mask = image.parent.generate(chosen)
            if mask.sum() == image.order:
                break
    return tuple(chosen)


class _CayleyGraph:
    """Relators of <l_1, ..., l_j>: one for every edge of its Cayley graph outside a spanning tree."""

    def __init__(self, factor: FiniteGroup, generators: tuple[int, ...]) -> None:
        position = {0: 0}
        self.tree: list[tuple[int, int]] = []
        self.edges: list[tuple[int, int, int]] = []
        queue = [0]
        for element in queue:
            for j, generator in enumerate(generators):
                image = int(factor.multiply(element, generator))
                if image in position:
                    self.edges.append((position[element], j, position[image]))
                else:
                    position[image] = len(queue)
                    queue.append(image)
                    self.tree.append((position[element], j))

    def hold(self, parent: FiniteGroup, kernel: Subgroup, lifted: tuple[int, ...], candidates: np.ndarray) -> np.ndarray:
        """Which candidates for the last generator, with the earlier lifts, satisfy every relator modulo K."""
        generators = [np.full(len(candidates), lift) for lift in lifted] + [candidates]
        values = np.zeros((len(self.tree) + 1, len(candidates)), dtype=np.intp)
        for row, (origin, j) in enumerate(self.tree, start=1):
            values[row] = parent.multiply(values[origin], generators[j])
        good = np.ones(len(candidates), dtype=bool)
        for origin, j, end in self.edges:
            if not good.any():
                break
            good &= kernel.mask[parent.multiply(parent.inverses[values[end]], parent.multiply(values[origin], generators[j]))]
        return good
