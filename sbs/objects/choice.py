"""Which blocks can hold a vector whose stabilizer in M is exactly H, and which of them are the cheapest.

A block *moves* the elements of M that do not fix its H-invariant vectors pointwise. A generic vector of a sum of blocks
has the stabilizer H exactly when every element of M outside H is moved by one of them: an exact minimum-weight cover of
M \\ H by sets of moved elements.

Everything follows from characters. With the mean P over H, trace(D(g) P) = mean over h in H of chi(g h) is at most
trace(P) = dim V^H, with equality exactly when g fixes V^H pointwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np
import numpy.typing as npt

from sbs.errors import NoSetError, SearchLimitError
from sbs.objects.blocks import AnyBlock, Block, CostKey, Supply, cost_key
from sbs.objects.cosets import left_cosets

__all__ = ["MAX_DEGREE", "BlockChoice", "choose_blocks", "isotropy_above"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Degrees are searched up to this l. D_nh needs l of about n at most, so it stands for point groups up to n = 500.
MAX_DEGREE = 1024

# Degrees up to this are looked at in the first round, then twice as many each time. Only speed depends on it.
_FIRST_DEGREES = 6

# An element that moves some vector of V^H lowers the trace by at least 1 - cos(2 pi / n), where n is its
# order: 2e-5 for n = 1000. Rounding in the mean of characters of degree l is about l times 1e-15.
_TRACE_TOLERANCE = 1e-8


@dataclass(frozen=True)
class BlockChoice(Generic[AnyBlock]):
    """The cheapest blocks for one of several stabilizers."""

    candidate: int
    blocks: tuple[AnyBlock, ...]


def isotropy_above(supply: Supply[Block], mask: BoolArray, lmax: int | None) -> BoolArray:
    """Elements of M that fix every H-invariant vector of every block with l <= lmax.

    Args:
        supply: the blocks, and M with them.
        mask: the elements of H, bool of shape (m,).
        lmax: largest degree; None for no limit, when the answer is H itself.

    Returns:
        bool of shape (m,), a subgroup that contains H: the smallest isotropy group that lies above H.
    """
    if lmax is None:
        return mask.copy()
    action = _CosetAction(supply, mask)
    fixed = np.ones(action.count, dtype=bool)
    for _, moved in action.moved(0, lmax):
        fixed &= ~moved
    return fixed[action.coset_of]


def choose_blocks(
    supply: Supply[AnyBlock], candidates: Sequence[BoolArray], lmax: int | None = None
) -> BlockChoice[AnyBlock]:
    """Cheapest blocks, each at most once, whose generic H-invariant vector has exactly the stabilizer H in M.

    Proved least in the order of ``cost_key`` over all H given; among equals the first. H = M takes the cheapest block
    that M fixes.

    Args:
        supply: the blocks to choose from, and M with them.
        candidates: masks, bool of shape (m,), of the subgroups H to choose from.
        lmax: largest degree allowed, or None.

    Raises:
        NoSetError: if no candidate is the stabilizer of a vector in blocks with l <= lmax.
        SearchLimitError: if without ``lmax`` degrees beyond ``MAX_DEGREE`` would be needed.
    """
    best: tuple[CostKey, BlockChoice[AnyBlock]] | None = None
    for number, mask in enumerate(candidates):
        blocks = _cheapest(_CosetAction(supply, mask), lmax)
        if blocks is None:
            continue
        key = _key(blocks)
        if best is None or key < best[0]:
            best = key, BlockChoice(number, blocks)
    if best is None:
        raise NoSetError(
            f"choice of blocks: none of the {len(candidates)} stabilizers is that of a vector with "
            f"l <= {lmax}; allow a larger lmax"
        )
    return best[1]


def _key(blocks: Sequence[Block]) -> CostKey:
    return cost_key(block.cost for block in blocks)


class _CosetAction(Generic[AnyBlock]):
    """Characters summed over the cosets g H, from which fixed spaces are read off."""

    def __init__(self, supply: Supply[AnyBlock], mask: BoolArray) -> None:
        smallest = left_cosets(supply.table, mask)
        _, self.coset_of = np.unique(smallest, return_inverse=True)
        self.count = int(self.coset_of.max()) + 1
        self.home = int(self.coset_of[np.argmax(mask)])
        self._supply = supply
        # Mean over h in H of chi(g h): how often g H meets each class, and the characters of the classes.
        self._weights = np.zeros((self.count, int(supply.class_of.max()) + 1))
        np.add.at(self._weights, (self.coset_of, supply.class_of), 1.0 / mask.sum())

    def moved(self, first: int, last: int) -> list[tuple[AnyBlock, BoolArray]]:
        """Blocks with first <= l <= last and V^H != 0, and which cosets each moves: bool, (count,)."""
        blocks, characters = self._supply.between(first, last)
        traces = self._weights @ characters[: self._weights.shape[1]]
        lowered = traces < traces[self.home] - _TRACE_TOLERANCE
        return [(block, lowered[:, i]) for i, block in enumerate(blocks) if traces[self.home, i] > 0.5]


def _cheapest(action: _CosetAction[AnyBlock], lmax: int | None) -> tuple[AnyBlock, ...] | None:
    """Least cover of the cosets other than H; None if there is none with l <= lmax."""
    limit = MAX_DEGREE if lmax is None else lmax
    if action.count == 1:
        fixed = (block for l in range(limit + 1) for block, _ in action.moved(l, l))
        return (next(fixed),)
    everything = (1 << action.count) - 1 & ~(1 << action.home)
    blocks: list[tuple[AnyBlock, int]] = []
    reached, last = 0, -1
    while reached != everything:
        if last >= limit:
            if lmax is None:
                raise SearchLimitError(
                    f"choice of blocks: no vector with l <= {MAX_DEGREE} has the wanted stabilizer; the "
                    "search stops there, so use a group of smaller order"
                )
            return None
        first, last = last + 1, min(limit, max(_FIRST_DEGREES, 2 * last + 1))
        for block, moved in action.moved(first, last):
            bits = _bits(moved)
            blocks.append((block, bits))
            reached |= bits
    best = _least_cover(blocks, everything, None)
    assert best is not None
    # A block of higher degree can only be part of a better cover if it is smaller than the whole of this one.
    useful = min(limit, (sum(block.cost.dim for block in best) - 1) // 2)
    if useful > last:
        blocks += [(block, _bits(moved)) for block, moved in action.moved(last + 1, useful)]
        best = _least_cover(blocks, everything, best)
        assert best is not None
    return tuple(sorted(best, key=lambda block: block.cost[1:]))


def _bits(moved: BoolArray) -> int:
    return int.from_bytes(np.packbits(moved, bitorder="little").tobytes(), "little")


def _least_cover(
    blocks: list[tuple[AnyBlock, int]], everything: int, known: Sequence[AnyBlock] | None
) -> tuple[AnyBlock, ...] | None:
    """Cover of least ``cost_key`` by branch and bound; ``known`` is a cover to beat."""
    useful = _undominated(blocks)
    best: tuple[AnyBlock, ...] | None = tuple(known) if known is not None else None
    best_key = _key(best) if best is not None else None

    def search(chosen: tuple[AnyBlock, ...], dim: int, missing: int) -> None:
        nonlocal best, best_key
        if not missing:
            key = _key(chosen)
            if best_key is None or key < best_key:
                best, best_key = chosen, key
            return
        rarest = min(_each_bit(missing), key=lambda bit: sum(1 for _, bits in useful if bits & bit))
        for block, bits in useful:
            if bits & rarest and (best_key is None or dim + block.cost.dim <= best_key[0]):
                search((*chosen, block), dim + block.cost.dim, missing & ~bits)

    search((), 0, everything)
    return best


def _undominated(blocks: list[tuple[AnyBlock, int]]) -> list[tuple[AnyBlock, int]]:
    """Drop what a cheaper block does as well: replacing it in a cover never raises the cost."""
    kept: list[tuple[AnyBlock, int]] = []
    for block, bits in sorted(blocks, key=lambda item: item[0].cost[1:]):
        if bits and not any(bits & ~other == 0 for _, other in kept):
            kept.append((block, bits))
    return kept


def _each_bit(bits: int) -> list[int]:
    result = []
    while bits:
        low = bits & -bits
        result.append(low)
        bits ^= low
    return result
