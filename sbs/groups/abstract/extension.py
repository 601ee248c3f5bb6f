"""All classes of subgroups by cyclic extension.

Every subgroup V has a last term P of its derived series, which is perfect, and a chain P < ... < V in which
each member is normal of prime index p in the next: the next one is <U, z> for an element z of p-power order
that normalises U, with z^p in U.  So one representative of each class is extended in all such ways, beginning
with the perfect subgroups (the trivial one among them); new classes are recognised because all conjugates of
the known ones are kept as bit sets (J. Neubueser, Numer. Math. 2, 280 (1960); for this form see A. Hulpke, J.
Symb. Comput. 27, 425 (1999)).  Perfect subgroups come from `sbs.groups.abstract.perfect`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbs.errors import SearchLimitError
from sbs.groups.abstract.laws import left_transversal
from sbs.groups.abstract.modular import smallest_prime_factor
from sbs.groups.abstract.perfect import perfect_subgroups
from sbs.progress import tick

__all__ = ["MAX_SUBGROUPS", "BareClass", "classes_by_extension"]

#: Bit sets kept at most; at order 2000 each takes about 350 bytes, all of them under half a gigabyte.
MAX_SUBGROUPS = 1_000_000


@dataclass(frozen=True)
class BareClass:
    """A class of subgroups as plain numbers.

    Attributes:
        elements: sorted element numbers of the member whose numbers come first.
        size: number of members.
    """

    elements: np.ndarray
    size: int


def classes_by_extension(
    table: np.ndarray, inverses: np.ndarray, orders: np.ndarray, allowed: np.ndarray | None = None
) -> list[BareClass]:
    """One entry for every class of subgroups, by rising order, then by first elements.

    Args:
        table, inverses, orders: Cayley table, inverses and element orders of the group.
        allowed: mask (n,), invariant under conjugation; only subgroups of these elements are listed.

    Raises:
        SearchLimitError: more than MAX_SUBGROUPS subgroups.
    """
    zuppos, primes = prime_power_generators(table, orders)
    if allowed is not None:
        primes = primes[allowed[zuppos]]
        zuppos = zuppos[allowed[zuppos]]
    perfect = perfect_subgroups(table, inverses, zuppos, orders)
    if allowed is not None:
        perfect = [p for p in perfect if allowed[p].all()]
    return _Extension(table, inverses, zuppos, primes, allowed).run(perfect)


class _Extension:
    def __init__(
        self,
        table: np.ndarray,
        inverses: np.ndarray,
        zuppos: np.ndarray,
        primes: np.ndarray,
        allowed: np.ndarray | None,
    ) -> None:
        self.n = len(table)
        self.allowed = allowed
        self.table = table
        self.conjugation = table[table, inverses[:, None]]
        self.zuppos, self.zuppo_primes = zuppos, primes
        powers = [np.zeros_like(self.zuppos), self.zuppos]
        roots = np.zeros_like(self.zuppos)
        for step in range(2, int(self.zuppo_primes.max(initial=1)) + 1):
            powers.append(table[powers[-1], self.zuppos])
            exact = self.zuppo_primes == step
            roots[exact] = powers[-1][exact]
        # The powers 0, 1, ... of each, (number of zuppos, largest prime); row i is of use up to column p - 1.
        self.powers = np.array(powers).T
        self.p_th_powers = roots
        self.known: set[bytes] = set()

    def run(self, perfect: list[np.ndarray]) -> list[BareClass]:
        queue: list[tuple[np.ndarray, tuple[int, ...], np.ndarray]] = []
        found: list[BareClass] = []
        for seed in [np.zeros(1, dtype=np.intp), *perfect]:
            self._add(seed, generators_of(self.table, seed), queue, found)
        done = 0
        while done < len(queue):
            elements, generators, normalizer = queue[done]
            for extended, z in self._extensions(elements, normalizer):
                self._add(extended, (*generators, z), queue, found)
            done += 1
            tick("classes of subgroups", done, len(queue))
        return sorted(found, key=lambda c: (len(c.elements), c.elements.tolist()))

    def _extensions(self, elements: np.ndarray, normalizer: np.ndarray) -> list[tuple[np.ndarray, int]]:
        """The subgroups <U, z>, z of p-power order, with U normal of index p, that are not yet known."""
        inside = np.zeros(self.n, dtype=bool)
        inside[elements] = True
        z = self.zuppos
        open_ = normalizer[z] & inside[self.p_th_powers] & ~inside[z]
        fresh = []
        free = np.flatnonzero(open_)
        while len(free):
            first = free[0]
            union = self.table[self.powers[first, : self.zuppo_primes[first], None], elements]
            mask = np.zeros(self.n, dtype=bool)
            mask[union] = True
            free = free[~mask[z[free]]]
            if self.allowed is not None and not self.allowed[union].all():
                continue
            if np.packbits(mask).tobytes() not in self.known:
                fresh.append((mask.nonzero()[0], int(z[first])))
        return fresh

    def _add(
        self,
        elements: np.ndarray,
        generators: tuple[int, ...],
        queue: list[tuple[np.ndarray, tuple[int, ...], np.ndarray]],
        found: list[BareClass],
    ) -> None:
        mask = np.zeros(self.n, dtype=bool)
        mask[elements] = True
        if np.packbits(mask).tobytes() in self.known:
            return
        normalizer = mask[self.conjugation[:, list(generators)]].all(1)
        transversal = left_transversal(lambda g, h: self.table[g, h], normalizer.nonzero()[0], np.ones(self.n, dtype=bool))
        images = np.zeros((len(transversal), self.n), dtype=bool)
        images[np.arange(len(transversal))[:, None], self.conjugation[transversal[:, None], elements]] = True
        packed = np.packbits(images, axis=1)
        width = packed.shape[1]
        data = packed.tobytes()
        keys = [data[i : i + width] for i in range(0, len(data), width)]
        self.known.update(keys)
        if len(self.known) > MAX_SUBGROUPS:
            raise SearchLimitError(
                f"the group of order {self.n} has over {MAX_SUBGROUPS} subgroups; the list was given up. "
                "Ask for the minimal set of one target instead of all classes"
            )
        # Bits are packed big-endian, so the largest key is that of the member with the lowest-numbered elements.
        first = np.flatnonzero(images[keys.index(max(keys))])
        queue.append((elements, generators, normalizer))
        found.append(BareClass(first, len(keys)))


def prime_power_generators(table: np.ndarray, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lowest-numbered generator of every cyclic subgroup of prime-power order > 1, and its prime."""
    primes = np.zeros(int(orders.max()) + 1, dtype=np.intp)
    for order in set(orders.tolist()) - {1}:
        p = smallest_prime_factor(order)
        rest = order
        while rest % p == 0:
            rest //= p
        primes[order] = p if rest == 1 else 0
    candidates = np.flatnonzero(primes[orders])
    lowest = candidates.copy()
    power = candidates.copy()
    for step in range(2, int(orders[candidates].max(initial=1))):
        power = table[power, candidates]
        generates = (step < orders[candidates]) & (step % primes[orders[candidates]] != 0)
        lowest = np.where(generates, np.minimum(lowest, power), lowest)
    chosen = candidates[lowest == candidates]
    return chosen, primes[orders[chosen]]


def generators_of(table: np.ndarray, elements: np.ndarray) -> tuple[int, ...]:
    """The lowest-numbered element outside what is already generated, repeatedly."""
    mask = np.zeros(len(table), dtype=bool)
    mask[0] = True
    generators: list[int] = []
    while True:
        rest = elements[~mask[elements]]
        if not len(rest):
            return tuple(generators)
        generators.append(int(rest[0]))
        new = table[np.flatnonzero(mask), rest[0]]
        while len(new):
            mask[new] = True
            fresh = np.zeros(len(table), dtype=bool)
            fresh[table[new[:, None], generators]] = True
            new = np.flatnonzero(fresh & ~mask)
