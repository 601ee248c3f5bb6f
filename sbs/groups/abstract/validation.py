"""Checks of what users hand over as a group: matrices, permutations, Cayley tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sbs.errors import InvalidGroupError

__all__ = ["check_matrices", "check_permutations", "check_table"]


def check_matrices(matrices: Any) -> np.ndarray:
    """Validated float64 copy ``(k, d, d)`` of a stack of finite square matrices.

    Raises:
        InvalidGroupError: empty, wrong shape, not numbers, NaN or infinite.
    """
    try:
        array = np.array(matrices, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidGroupError(f"expected real matrices of one shape (k, d, d): {error}") from None
    if array.size == 0:
        raise InvalidGroupError("no matrices were given; the trivial group is [identity]")
    if array.ndim != 3 or array.shape[1] != array.shape[2]:
        raise InvalidGroupError(f"expected matrices of shape (k, d, d), got {array.shape}")
    if not np.isfinite(array).all():
        raise InvalidGroupError("the matrices hold NaN or infinite entries")
    return array


def check_permutations(generators: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
    """Validated integers ``(k, d)``: each row the images of 0 .. d - 1 under a permutation.

    Raises:
        InvalidGroupError: no generators, unequal lengths, or a row that is no permutation.
    """
    rows = [np.asarray(g) for g in generators]
    if not rows:
        raise InvalidGroupError(
            "no generators were given; the trivial group of degree d is from_permutations([range(d)])"
        )
    degree = rows[0].size
    if not degree or any(row.ndim != 1 or row.dtype.kind not in "iu" or len(row) != degree for row in rows):
        raise InvalidGroupError("generators must be integer sequences of one length d, the images of 0 .. d-1")
    stacked = np.array(rows)
    wrong = np.flatnonzero((np.sort(stacked, 1) != np.arange(degree)).any(1))
    if len(wrong):
        images = stacked[wrong[0]].tolist()[:20]
        raise InvalidGroupError(f"generator {wrong[0]} is not a permutation of 0..{degree - 1}: {images}")
    return stacked


def check_table(table: Any, limit: int) -> np.ndarray:
    """Validated Cayley table ``(n, n)`` of integers 0 .. n - 1 with element 0 as the identity.

    Closure, identity, the Latin-square property and associativity (Light's test on generators) are checked.

    Raises:
        InvalidGroupError: the table is no group, its identity is not element 0, or it is over ``limit``.
    """
    raw = np.asarray(table)
    if raw.ndim != 2 or raw.shape[0] != raw.shape[1] or raw.shape[0] == 0:
        raise InvalidGroupError(f"a Cayley table is a non-empty square array, got shape {raw.shape}")
    if raw.dtype.kind not in "iu":
        raise InvalidGroupError(f"a Cayley table holds integers, got dtype {raw.dtype}")
    order = len(raw)
    if order > limit:
        raise InvalidGroupError(f"a Cayley table of order {order} is over the limit {limit}; use from_permutations")
    numbers = np.arange(order)
    if raw.min() < 0 or raw.max() >= order:
        raise InvalidGroupError(f"entries of a Cayley table of order {order} lie in 0..{order - 1}")
    if not (np.array_equal(raw[0], numbers) and np.array_equal(raw[:, 0], numbers)):
        raise InvalidGroupError("element 0 must be the identity: the first row and column must read 0, 1, 2, ...")
    if (np.sort(raw, 0) != numbers[:, None]).any() or (np.sort(raw, 1) != numbers).any():
        raise InvalidGroupError("every row and column of a Cayley table must hold each element once")
    small = raw.astype(np.uint16 if order <= 1 << 16 else np.uint32)
    reached = np.zeros(order, dtype=bool)
    reached[0] = True
    while not reached.all():
        generator = int(reached.argmin())
        # Light's test: elements g with (a g) b = a (g b) for all a, b are closed under products.
        if not np.array_equal(small[small[:, generator]], small[:, small[generator]]):
            raise InvalidGroupError(
                f"the table is not associative: (a*{generator})*b differs from a*({generator}*b) for some a, b"
            )
        reached[generator] = True
        while True:
            members = np.flatnonzero(reached)
            products = small[np.ix_(members, members)]
            if reached[products].all():
                break
            reached[products] = True
    return small
