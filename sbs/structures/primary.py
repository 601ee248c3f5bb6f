"""Primary order parameters: the irreps that bring a symmetry about, as opposed to those that follow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["primary_choice"]


def primary_choice(
    masks: Sequence[NDArray[np.bool_]], order: int, rank: Sequence[tuple[Any, ...]]
) -> tuple[int, ...]:
    """The fewest irreps that together leave K and no more.

    Args:
        masks: for each irrep which elements of S leave its part of the distortion as it is, bool (|S|,).
        order: |K|.
        rank: for each irrep numbers to be added up; of several choices of the same size that with the lowest sums (compared
            one after the other) is taken, then the first.

    Returns:
        Numbers of irreps; none if all of them together leave more than K.
    """
    for size in range(1, len(masks) + 1):
        enough = [
            subset
            for subset in combinations(range(len(masks)), size)
            if np.logical_and.reduce([masks[k] for k in subset]).sum() == order
        ]
        if enough:
            return min(enough, key=lambda subset: (*(sum(part) for part in zip(*(rank[k] for k in subset), strict=True)), subset))
    return ()
