"""Multiplication laws: how a finite group multiplies element numbers.

A small group keeps its Cayley table.  A larger one keeps a chain of subgroups 1 = L_0 < L_1 < ... < L_m = G
with left transversals X_i of L_{i-1} in L_i; every element is x_m ... x_1 in one way, so the left actions of
the few elements of the transversals are enough: memory n (|X_1| + ... + |X_m|) instead of n^2 (the idea of
base and strong generating sets, C. C. Sims 1970; Holt, Eick and O'Brien, Handbook of Computational Group
Theory, sec. 4.4, for any chain of subgroups).

Both laws are built from the left-regular action of generators, ``left[j, x]`` = number of ``g_j * x``;
element 0 is the identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np

from sbs.errors import SearchLimitError

__all__ = [
    "TABLE_ORDER",
    "FactoredLaw",
    "Law",
    "TableLaw",
    "close_mask",
    "law_from_actions",
    "left_transversal",
    "orders_of_elements",
]

#: Up to this order the Cayley table is kept (two bytes an entry, 8 megabytes).
TABLE_ORDER = 2048

#: Steps of the chain of subgroups up to the first index are taken as they come; steps are merged up to the second.
_GOOD_INDEX = 128
_FAIR_INDEX = 8
#: Elements drawn to find subgroups for the chain.
_DRAWS = 24
#: Products formed at once, so that memory stays bounded in large groups.
_CHUNK = 4_000_000
#: Largest memory of a factored law in bytes.
_MAX_BYTES = 200_000_000


class Law(Protocol):
    """What a group needs to multiply."""

    order: int

    def multiply(self, a: Any, b: Any) -> np.ndarray:
        """Products of element numbers; arrays broadcast."""

    def inverses(self) -> np.ndarray:
        """Number of the inverse of every element."""

    def table(self) -> np.ndarray:
        """The Cayley table (order, order)."""


class TableLaw:
    """A Cayley table."""

    def __init__(self, table: np.ndarray) -> None:
        self.order = len(table)
        self._table = table

    def multiply(self, a: Any, b: Any) -> np.ndarray:
        """Products of element numbers; arrays broadcast."""
        return self._table[a, b]

    def inverses(self) -> np.ndarray:
        """Number of the inverse of every element."""
        return (self._table == 0).argmax(1)

    def table(self) -> np.ndarray:
        """The Cayley table (order, order)."""
        return self._table


class FactoredLaw:
    """Left actions of transversals along a chain of subgroups, built by `law_from_actions`.

    Attributes:
        order: number of elements.
        steps: for each step of the chain, from the bottom, the actions ``(|X_i|, order)`` of its transversal and the
            position ``(order,)`` in it of the factor of every element.
    """

    def __init__(self, steps: list[tuple[np.ndarray, np.ndarray]]) -> None:
        self.steps = steps
        self.order = steps[0][0].shape[1]

    def multiply(self, a: Any, b: Any) -> np.ndarray:
        """Products of element numbers; arrays broadcast."""
        product = np.asarray(b)
        for actions, factor in self.steps:
            product = actions[factor[a], product]
        return product

    def inverses(self) -> np.ndarray:
        """Number of the inverse of every element: (x_m ... x_1)^-1 = x_1^-1 ... x_m^-1."""
        result = np.zeros(self.order, dtype=np.intp)
        for actions, factor in reversed(self.steps):
            backwards = np.empty_like(actions)
            for row, action in zip(backwards, actions, strict=True):
                row[action] = np.arange(self.order)
            result = backwards[factor, result]
        return result.astype(np.intp)

    def table(self) -> np.ndarray:
        """The Cayley table (order, order), computed row by row."""
        everything = np.arange(self.order)
        rows = np.empty((self.order, self.order), dtype=smallest_dtype(self.order))
        for element in range(self.order):
            rows[element] = self.multiply(np.intp(element), everything)
        return rows


def smallest_dtype(order: int) -> type[np.unsignedinteger]:
    """Integers that number the elements of a group of some order."""
    return np.uint16 if order <= 1 << 16 else np.uint32


def law_from_actions(left: np.ndarray) -> Law:
    """The law of a group from the left-regular action ``(k, n)`` of generators."""
    order = left.shape[1]
    compact = left.astype(smallest_dtype(order))
    return TableLaw(table_from_left(compact)) if order <= TABLE_ORDER else _factor(compact)


def table_from_left(left: np.ndarray) -> np.ndarray:
    """Cayley table (n, n) from the left-regular action ``(k, n)`` of generators; row g x is row x seen through g."""
    order = left.shape[1]
    table = np.empty((order, order), dtype=left.dtype)
    table[0] = np.arange(order)
    known = np.zeros(order, dtype=bool)
    known[0] = True
    level = np.zeros(1, dtype=np.intp)
    while len(level):
        reached = []
        for row in left:
            products = row[level]
            new = ~known[products]
            known[products] = True
            table[products[new]] = row.take(table[level[new]])
            reached.append(products[new])
        level = np.concatenate(reached).astype(np.intp)
    return table


def _factor(left: np.ndarray) -> FactoredLaw:
    order = left.shape[1]
    pool = _draw(left)
    chain_rows: list[np.ndarray] = []
    reached = np.zeros(order, dtype=bool)
    reached[0] = True
    factors: list[np.ndarray] = []
    steps: list[np.ndarray] = []
    while not reached.all():
        size = int(reached.sum())
        if order <= size * _GOOD_INDEX:
            chain_rows, grown = list(left), np.ones(order, dtype=bool)
        else:
            grown = reached
            while grown.sum() < _FAIR_INDEX * size:
                row, larger = _smallest_extension(chain_rows, grown, pool)
                if grown is not reached and larger.sum() > _GOOD_INDEX * size:
                    break
                chain_rows, grown = [*chain_rows, row], larger
        index = int(grown.sum()) // size
        cyclic = None
        if index > _GOOD_INDEX:
            tried = (_cyclic_transversal(row, reached, index) for row in pool if grown[row[0]])
            cyclic = next((found for found in tried if found is not None), None)
        columns = index if cyclic is None else sum(map(len, cyclic))
        if (sum(map(len, steps)) + columns) * order * left.itemsize > _MAX_BYTES:
            raise SearchLimitError(
                f"no chain of subgroups was found in the group of order {order} that makes its products "
                "cheap; the group was given up. Work with a quotient or a subgroup of it"
            )
        members = np.flatnonzero(reached)
        for actions in cyclic or (_transversal(chain_rows, reached, index),):
            products, where = np.unique(actions[:, members], return_index=True)
            step, lower = np.divmod(where, len(members))
            factor = np.zeros(order, dtype=left.dtype)
            factor[products] = step
            for previous in factors:
                previous[products] = previous[members[lower]]
            factors.append(factor)
            steps.append(actions)
            members = products
        reached = grown
    return FactoredLaw(list(zip(steps, factors, strict=True)))


def _draw(left: np.ndarray) -> list[np.ndarray]:
    """Left actions of the generators, of products drawn from them and of powers of prime order, by rising order."""
    rng = np.random.default_rng(0)
    pool = list(left)
    for _ in range(_DRAWS):
        pool.append(pool[rng.integers(len(pool))][pool[rng.integers(len(pool))]])
    cycles: dict[int, tuple[int, np.ndarray]] = {}
    for row in pool:
        cycle = _cycle(row)
        for p in _primes(cycle):
            power = _power(row, cycle // p)
            cycles[int(power[0])] = p, power
        cycles[int(row[0])] = cycle, row
    cycles.pop(0, None)
    return [cycles[x][1] for x in sorted(cycles, key=lambda x: (cycles[x][0], x))]


def _cycle(row: np.ndarray) -> int:
    """Order of the element that acts by ``row``."""
    length = 1
    x = int(row[0])
    while x:
        x = int(row[x])
        length += 1
    return length


def _power(row: np.ndarray, exponent: int) -> np.ndarray:
    result = np.arange(len(row), dtype=row.dtype)
    square = row
    while exponent:
        if exponent & 1:
            result = square[result]
        square = square[square]
        exponent >>= 1
    return result


def _primes(number: int) -> list[int]:
    primes = [
        p for p in range(2, int(number**0.5) + 1) if number % p == 0 and all(p % q for q in range(2, int(p**0.5) + 1))
    ]
    for p in primes:
        while number % p == 0:
            number //= p
    return [*primes, number] if number > 1 else primes


def _smallest_extension(
    rows: list[np.ndarray], reached: np.ndarray, pool: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The drawn element that enlarges a subgroup little, and the mask of the larger subgroup."""
    enough = _FAIR_INDEX * int(reached.sum())
    best: tuple[int, np.ndarray, np.ndarray] | None = None
    for row in pool:
        if not reached[row[0]]:
            grown = _closure([*rows, row], reached)
            size = int(grown.sum())
            if best is None or size < best[0]:
                best = size, row, grown
                if size <= enough:
                    break
    assert best is not None
    return best[1], best[2]


def _closure(rows: list[np.ndarray], start: np.ndarray) -> np.ndarray:
    """Mask of the subgroup whose generators act by ``rows``; ``start`` is the mask of a subgroup of it."""
    multipliers = list(rows)
    # Squares, fourth powers, ... keep the number of rounds logarithmic in long cycles.
    for row in rows:
        while True:
            row = row[row]
            if row[0] == 0 or len(multipliers) > 64:
                break
            multipliers.append(row)
    stacked = np.array(multipliers)
    mask = start.copy()
    new = np.flatnonzero(mask)
    while len(new):
        fresh = np.zeros(len(mask), dtype=bool)
        fresh[stacked[:, new]] = True
        fresh &= ~mask
        new = np.flatnonzero(fresh)
        mask[new] = True
    return mask


def _cyclic_transversal(row: np.ndarray, lower: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Powers t^a and t^(b m) whose products t^(b m) t^a meet every coset of L, about sqrt(index) of each.

    None unless the powers t^0, t^1, ..., t^(index - 1) meet each once.
    """
    x, length = int(row[0]), 1
    while not lower[x]:
        x = int(row[x])
        length += 1
    if length != index:
        return None
    step = int(np.ceil(index**0.5))
    small = [np.arange(len(row), dtype=row.dtype)]
    for _ in range(step):
        small.append(row[small[-1]])
    large = [small[0]]
    while len(large) * step < index:
        large.append(small[step][large[-1]])
    return np.array(small[:step]), np.array(large)


def left_transversal(
    multiply: Callable[[int, np.ndarray], np.ndarray], members: np.ndarray, within: np.ndarray
) -> np.ndarray:
    """The lowest-numbered element of every left coset of a subgroup, in rising order; the identity first.

    Args:
        multiply: products of one element with several.
        members: element numbers of the subgroup.
        within: mask (n,) of a group that holds it.
    """
    free = within.copy()
    free[members] = False
    chosen = [0]
    element = int(free.argmax())
    while free[element]:
        chosen.append(element)
        free[multiply(element, members)] = False
        element = int(free.argmax())
    return np.array(chosen, dtype=np.intp)


def _transversal(rows: list[np.ndarray], lower: np.ndarray, index: int) -> np.ndarray:
    """Left actions (index, n) of one element of each coset x L of L = ``lower`` in the group whose generators act by ``rows``."""
    order = len(lower)
    members = np.flatnonzero(lower)
    covered = lower.copy()
    actions = np.empty((index, order), dtype=rows[0].dtype)
    actions[0] = np.arange(order)
    count = 1
    done = 0
    while count < index:
        for row in rows:
            if not covered[row[actions[done, 0]]]:
                actions[count] = row[actions[done]]
                covered[actions[count, members]] = True
                count += 1
        done += 1
    return actions


def orders_of_elements(law: Law) -> np.ndarray:
    """Order of every element: for each prime p with p^a dividing n, how often x^(n / p^a) must be raised to p."""
    orders = np.ones(law.order, dtype=np.intp)
    for p in _primes(law.order):
        rest = law.order
        while rest % p == 0:
            rest //= p
        current = _powers(law, np.arange(law.order), rest)
        while True:
            open_ = np.flatnonzero(current)
            if not len(open_):
                break
            orders[open_] *= p
            current[open_] = _powers(law, current[open_], p)
    return orders


def _powers(law: Law, elements: np.ndarray, exponent: int) -> np.ndarray:
    result = np.zeros(len(elements), dtype=np.intp)
    for bit in bin(exponent)[2:]:
        result = law.multiply(result, result)
        if bit == "1":
            result = law.multiply(result, elements)
    return result


def close_mask(law: Law, mask: np.ndarray, generators: Iterable[int], elements: Iterable[int]) -> list[int]:
    """Enlarge the mask of a subgroup, in place, by some elements to the subgroup they generate together.

    Args:
        law: how to multiply.
        mask: booleans (order,) of the subgroup to begin with.
        generators: generators of that subgroup.
        elements: what is added.

    Returns:
        The elements that were needed.
    """
    multipliers = list(generators)
    used = []
    for element in elements:
        if mask[element]:
            continue
        used.append(int(element))
        # With g^2, g^4, ... as further multipliers, long cycles close in a logarithmic number of rounds.
        power = int(element)
        while not mask[power] and power not in multipliers:
            multipliers.append(power)
            power = int(law.multiply(power, power))
        steps = np.array(multipliers)[:, None]
        new = mask.nonzero()[0]
        while len(new):
            fresh = np.zeros(law.order, dtype=bool)
            width = 1 + _CHUNK // len(steps)
            for start in range(0, len(new), width):
                fresh[law.multiply(steps, new[start : start + width])] = True
            fresh &= ~mask
            mask |= fresh
            new = fresh.nonzero()[0]
    return used


def orbit_numbers(size: int, moves: list[np.ndarray]) -> np.ndarray:
    """Orbits of the group generated by permutations (size,) of points, numbered by their first points."""
    lowest = np.arange(size)
    while True:
        spread = lowest
        for move in moves:
            # Both ways along each cycle, then jump to what the lowest point itself has found.
            spread = np.minimum(spread, spread[move])
            back = spread.copy()
            back[move] = np.minimum(back[move], spread)
            spread = back
        spread = spread[spread]
        if np.array_equal(spread, lowest):
            return np.unique(lowest, return_inverse=True)[1].reshape(-1).astype(np.intp)
        lowest = spread
