"""Which irreps can hold a vector whose stabilizer in M is exactly H, and which of them are the cheapest.

An irrep (l, p) *moves* the elements of M that do not fix its H-invariant vectors pointwise. A generic vector
of a sum of irreps has the stabilizer H exactly when every element of M outside H is moved by one of them: an
exact minimum-weight cover of M \\ H by sets of moved elements.

Everything follows from characters. With the mean P over H, trace(D(g) P) = mean over h in H of chi(g h) is
at most trace(P) = dim V^H, with equality exactly when g fixes V^H pointwise. The characters of rotations by
t are chi_l = 1 + 2 cos t + ... + 2 cos l t, so that no matrix of an irrep is needed, up to any l.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sbs.errors import NoSetError, SearchLimitError
from sbs.objects.cosets import cayley_table, left_cosets
from sbs.objects.irreps import Irrep

__all__ = ["MAX_DEGREE", "IrrepChoice", "choose_irreps", "closure", "cost_key"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

# Degrees are searched up to this l. D_nh needs l of about n at most, so it stands for point groups up to n
# = 500.
MAX_DEGREE = 1024

# Degrees up to this are looked at in the first round, then twice as many each time. Only speed depends on it.
_FIRST_DEGREES = 6

# An element that moves some vector of V^H lowers the trace by at least 1 - cos(2 pi / n), where n is its
# order: 2e-5 for n = 1000. Rounding in the mean of characters of degree l is about l times 1e-15.
_TRACE_TOLERANCE = 1e-8


class IrrepChoice(NamedTuple):
    """The cheapest irreps for one of several stabilizers."""

    candidate: int
    irreps: tuple[Irrep, ...]


CostKey = tuple[int, tuple[int, ...], int, tuple[bool, ...]]


def cost_key(irreps: Sequence[Irrep]) -> CostKey:
    """Key by which choices are ordered, the least first.

    In turn: the total dimension; the degrees l, the largest compared first; the number of pseudotensors,
    which are irreps with p != (-1)^l; and last which irreps are pseudotensors, preferably those of high
    degree.
    """
    ordered = sorted(irreps, key=lambda irrep: (irrep.l, not irrep.natural))
    degrees = tuple(irrep.l for irrep in reversed(ordered))
    pseudo = tuple(not irrep.natural for irrep in ordered)
    return sum(irrep.dim for irrep in ordered), degrees, sum(pseudo), pseudo


def closure(matrices: FloatArray, mask: BoolArray, lmax: int | None, table: IntArray | None = None) -> BoolArray:
    """Elements of M that fix every H-invariant vector of every irrep with l <= lmax.

    Args:
        matrices: all elements of M, shape (m, 3, 3).
        mask: the elements of H, bool of shape (m,).
        lmax: largest degree; None for no limit, when the answer is H itself.
        table: Cayley table (m, m) of M if at hand; otherwise it is computed.

    Returns:
        bool of shape (m,), a subgroup that contains H: the smallest isotropy group that lies above H.
    """
    if lmax is None:
        return mask.copy()
    action = _CosetAction(matrices, mask, table)
    fixed = np.ones(action.count, dtype=bool)
    for irrep, moved in action.moved(0, lmax):
        del irrep
        fixed &= ~moved
    return fixed[action.coset_of]


def choose_irreps(
    matrices: FloatArray,
    candidates: Sequence[BoolArray],
    lmax: int | None = None,
    table: IntArray | None = None,
) -> IrrepChoice:
    """Cheapest irreps, each at most once, whose generic H-invariant vector has exactly the stabilizer H in M.

    Proved least in the order of ``cost_key`` over all H given; among equals the first. H = M gives ``0e``.

    Args:
        matrices: all elements of M, shape (m, 3, 3).
        candidates: masks, bool of shape (m,), of the subgroups H to choose from.
        lmax: largest degree allowed, or None.
        table: Cayley table (m, m) of M if at hand; otherwise it is computed.

    Raises:
        NoSetError: if no candidate is the stabilizer of a vector in irreps with l <= lmax.
        SearchLimitError: if without ``lmax`` degrees beyond ``MAX_DEGREE`` would be needed.
    """
    if table is None:
        table = cayley_table(matrices)
    best: tuple[CostKey, IrrepChoice] | None = None
    for number, mask in enumerate(candidates):
        irreps = _cheapest_irreps(_CosetAction(matrices, mask, table), lmax)
        if irreps is None:
            continue
        key = cost_key(irreps)
        if best is None or key < best[0]:
            best = key, IrrepChoice(number, irreps)
    if best is None:
        raise NoSetError(
            f"choice of irreps: none of the {len(candidates)} stabilizers is that of a vector with "
            f"l <= {lmax}; allow a larger lmax"
        )
    return best[1]


class _CosetAction:
    """Characters summed over the cosets g H, from which fixed spaces are read off."""

    def __init__(self, matrices: FloatArray, mask: BoolArray, table: IntArray | None) -> None:
        smallest = left_cosets(cayley_table(matrices) if table is None else table, mask)
        _, self.coset_of = np.unique(smallest, return_inverse=True)
        self.count = int(self.coset_of.max()) + 1
        self.home = int(self.coset_of[np.argmax(mask)])
        self._order = int(mask.sum())
        signs = np.where(np.linalg.det(matrices) < 0, -1.0, 1.0)
        proper = matrices * signs[:, None, None]
        axial = proper[:, [2, 0, 1], [1, 2, 0]] - proper[:, [1, 2, 0], [2, 0, 1]]
        angles = np.arctan2(np.linalg.norm(axial, axis=1), np.trace(proper, axis1=1, axis2=2) - 1)
        # Equal angles are pooled: a group of order 1000 has few different characters.
        self._angles, column = np.unique(np.round(angles, 12), return_inverse=True)
        self._weights = np.zeros((2, self.count, len(self._angles)))
        np.add.at(self._weights, ((signs < 0).astype(int), self.coset_of, column), 1.0)

    def moved(self, first: int, last: int) -> list[tuple[Irrep, BoolArray]]:
        """Irreps with first <= l <= last and V^H != 0, and which cosets each moves: bool, (count,)."""
        degrees = np.arange(1, last + 1)
        characters = np.ones((len(self._angles), last + 1))
        characters[:, 1:] += 2 * np.cumsum(np.cos(self._angles[:, None] * degrees), axis=1)
        sums = self._weights @ characters[:, first:] / self._order
        result = []
        traces = {1: sums[0] + sums[1], -1: sums[0] - sums[1]}
        for l in range(first, last + 1):
            for p in ((-1) ** l, -((-1) ** l)):
                trace = traces[p][:, l - first]
                if trace[self.home] > 0.5:
                    result.append((Irrep(l, p), trace < trace[self.home] - _TRACE_TOLERANCE))
        return result


def _cheapest_irreps(action: _CosetAction, lmax: int | None) -> tuple[Irrep, ...] | None:
    """Least cover of the cosets other than H; None if there is none with l <= lmax."""
    if action.count == 1:
        return (Irrep(0, 1),)
    limit = MAX_DEGREE if lmax is None else lmax
    everything = (1 << action.count) - 1 & ~(1 << action.home)
    irreps: list[tuple[Irrep, int]] = []
    reached, last = 0, -1
    while reached != everything:
        if last >= limit:
            if lmax is None:
                raise SearchLimitError(
                    f"choice of irreps: no vector with l <= {MAX_DEGREE} has the wanted stabilizer; the "
                    "search stops there, so use a group of smaller order"
                )
            return None
        first, last = last + 1, min(limit, max(_FIRST_DEGREES, 2 * last + 1))
        for irrep, moved in action.moved(first, last):
            bits = _bits(moved)
            irreps.append((irrep, bits))
            reached |= bits
    best = _least_cover(irreps, everything, None)
    assert best is not None
    # An irrep of higher degree can only be part of a better cover if it is smaller than the whole of this
    # one.
    useful = min(limit, (sum(irrep.dim for irrep in best) - 1) // 2)
    if useful > last:
        irreps += [(irrep, _bits(moved)) for irrep, moved in action.moved(last + 1, useful)]
        best = _least_cover(irreps, everything, best)
        assert best is not None
    return tuple(sorted(best, key=lambda irrep: (irrep.l, not irrep.natural)))


def _bits(moved: BoolArray) -> int:
    return int.from_bytes(np.packbits(moved, bitorder="little").tobytes(), "little")


def _least_cover(
    irreps: list[tuple[Irrep, int]], everything: int, known: Sequence[Irrep] | None
) -> tuple[Irrep, ...] | None:
    """Cover of least ``cost_key`` by branch and bound; ``known`` is a cover to beat."""
    useful = _undominated(irreps)
    best: tuple[Irrep, ...] | None = tuple(known) if known is not None else None
    best_key = cost_key(best) if best is not None else None

    def search(chosen: tuple[Irrep, ...], dim: int, missing: int) -> None:
        nonlocal best, best_key
        if not missing:
            key = cost_key(chosen)
            if best_key is None or key < best_key:
                best, best_key = chosen, key
            return
        rarest = min(_each_bit(missing), key=lambda bit: sum(1 for _, bits in useful if bits & bit))
        for irrep, bits in useful:
            if bits & rarest and (best_key is None or dim + irrep.dim <= best_key[0]):
                search((*chosen, irrep), dim + irrep.dim, missing & ~bits)

    search((), 0, everything)
    return best


def _undominated(irreps: list[tuple[Irrep, int]]) -> list[tuple[Irrep, int]]:
    """Drop what a cheaper irrep does as well: replacing it in a cover never raises the cost."""
    kept: list[tuple[Irrep, int]] = []
    for irrep, bits in sorted(irreps, key=lambda item: (item[0].l, not item[0].natural)):
        if bits and not any(bits & ~other == 0 for _, other in kept):
            kept.append((irrep, bits))
    return kept


def _each_bit(bits: int) -> list[int]:
    result = []
    while bits:
        low = bits & -bits
        result.append(low)
        bits ^= low
    return result
