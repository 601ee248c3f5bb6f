"""The vector with a given stabilizer whose images are as far apart as possible.

For v in V^H with unit norm in every block and g in M, |D(g) v - v|^2 = 2 (number of blocks - v^T D(g) v): quadratic forms in
the coordinates of v in V^H, equal for g, g h and the inverse of g. The smallest of them is maximised.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from sbs.errors import NoSetError
from sbs.objects.blocks import Block, invariants
from sbs.objects.cosets import left_cosets, subgroup_chain
from sbs.objects.maximin import maximin, smallest_form, tie_breaker

__all__ = ["DISTINCT", "best_separated"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

# Two objects closer than this would be one to a network in float32. Neighbours in a D_1000h orbit of vectors are 3e-3 apart.
DISTINCT = 1e-5

# Coefficients in the fixed basis are rounded to so many digits before the final normalisation. The optimum
# is found to about 1e-12, so that the rounding of sums, which differs between machines, leaves no trace.
COEFFICIENT_DIGITS = 10

# Coefficients that differ by less are equal when one of several equally good optima is picked.
_EQUAL = 1e-6


def best_separated(blocks: Sequence[Block], table: IntArray, mask: BoolArray) -> FloatArray:
    """Vector (d,) of stabilizer exactly H, unit norm in every block, whose orbit is best separated.

    The smallest distance between two vectors of its orbit is the largest that a fixed multi-start search finds.
    Deterministic: of equally good vectors (signs of blocks, images under elements that normalise H, continua) the one
    with the largest product with a fixed vector, in coordinates of `sbs.objects.blocks.invariants`.

    Only one element of each coset g H, and a few dozen of H, are represented, which makes l = 100 and groups
    of 800 elements cheap.

    Args:
        blocks: the blocks of the vector, in their order.
        table: Cayley table (m, m) of M.
        mask: the elements of H, bool of shape (m,).

    Raises:
        NoSetError: if a block has no H-invariant vector, or an element outside H fixes all of them.
    """
    cosets = left_cosets(table, mask)
    home = cosets[np.argmax(mask)]
    others = np.setdiff1d(cosets, [home])
    chain = subgroup_chain(table, mask)
    bases = [invariants(block, chain) for block in blocks]
    actions = [block.within(others, basis) for block, basis in zip(blocks, bases, strict=True)]
    return _assembled(bases, actions)


def _assembled(bases: list[FloatArray], actions: list[FloatArray]) -> FloatArray:
    """The vector from a basis of V^H in each block and the action of each g outside H within these bases."""
    sizes = [basis.shape[1] for basis in bases]
    if 0 in sizes:
        raise NoSetError(
            f"separation: block {sizes.index(0)} has no vector that the stabilizer fixes; leave the block out"
        )
    edges = [0, *accumulate(sizes)]
    parts = [slice(a, b) for a, b in pairwise(edges)]
    action = np.zeros((len(actions[0]), edges[-1], edges[-1]))
    for part, block in zip(parts, actions, strict=True):
        action[:, part, part] = block
    coefficients = _coefficients(action, parts)
    return np.concatenate([basis @ coefficients[part] for basis, part in zip(bases, parts, strict=True)])


def _coefficients(action: FloatArray, parts: list[slice]) -> FloatArray:
    size = action.shape[1]
    if len(action) == 0:  # H = M: there is one object only, and nothing to keep apart
        best = np.zeros(size)
        best[[part.start for part in parts]] = 1.0
        return best
    forms = np.eye(size) - (action + action.transpose(0, 2, 1)) / 2
    _, kept = np.unique(np.round(forms.reshape(len(forms), -1), 9), axis=0, return_index=True)
    forms = forms[np.sort(kept)]
    if all(part.stop - part.start == 1 for part in parts):
        best = np.ones(size)
    else:
        best = _canonical(maximin(forms, parts), action, parts)
    best = np.round(best, COEFFICIENT_DIGITS)
    for part in parts:
        best[part] /= np.linalg.norm(best[part])
    squared = 2 * float(smallest_form(forms, best[None])[0])
    if not squared > DISTINCT**2:
        raise NoSetError(
            f"separation: an element outside the stabilizer moves no fixed vector by more than "
            f"{max(squared, 0.0) ** 0.5:.1e} (at least {DISTINCT:.0e} is needed): these blocks cannot tell "
            "the stabilizer from a larger group; add irreps"
        )
    return best


def _canonical(points: FloatArray, action: FloatArray, parts: list[slice]) -> FloatArray:
    """Of equally good coefficients (s, k) and their equivalents those that the tie-breaker prefers."""
    defect = action.transpose(0, 2, 1) @ action - np.eye(action.shape[1])
    normalising = action[np.abs(defect).max(axis=(1, 2)) < _EQUAL]
    turned = (normalising @ points.T).transpose(0, 2, 1).reshape(-1, points.shape[1])
    images = np.concatenate([points, turned])
    tie = tie_breaker(parts)
    for part in parts:  # the sign of each block is free
        images[:, part] *= np.where(images[:, part] @ tie[part] < 0, -1.0, 1.0)[:, None]
    preference = images @ tie
    images = images[preference > preference.max() - _EQUAL]
    for entry in range(images.shape[1]):
        column = images[:, entry]
        images = images[column > column.max() - _EQUAL]
    return images[0]
