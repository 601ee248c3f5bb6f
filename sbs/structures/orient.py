"""From measured operations to an exact group: the one place where rounding is decided.

Measured matrices are only nearly orthogonal and only nearly closed. Here they are replaced by the exact
group next to them: a homomorphism close to a given approximate one is found by averaging (K. Grove, H.
Karcher, E. A. Ruh, Math. Ann. 211, 7 (1974): the iteration converges quadratically), and its standard
setting by :func:`sbs.groups.point.identify.identify`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups import PointGroup
from sbs.groups.point.identify import identify
from sbs.groups.point.pointgroups import match_elements

__all__ = ["exact_representation", "in_setting", "largest_prefix", "oriented_group", "polar"]

# Iterations and defect at which averaging has converged: each one squares the defect, and rounding stops it
# near 1e-15.
AVERAGING_ROUNDS = 12
EXACT = 1e-13
# Largest entry of the difference between an exact group's matrices and the standard ones turned to them.
STANDARD_MATCH = 1e-8


def polar(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nearest orthogonal matrices (..., 3, 3), the orthogonal factors of the polar decompositions."""
    left, _, right = np.linalg.svd(matrices)
    return left @ right


def largest_prefix(table: NDArray[np.int64]) -> int:
    """Length of the longest run 0..k-1 of elements that is closed under the products in ``table`` (m, m).

    A product outside the m elements is marked by any number >= m. The elements come in the order in which
    they may be admitted, the surest first. 0 if no run is closed.
    """
    count = len(table)
    needed = np.maximum.accumulate(np.maximum.accumulate(table, axis=0), axis=1).diagonal()
    closed = np.flatnonzero(needed <= np.arange(count))
    return int(closed[-1]) + 1 if len(closed) else 0


def exact_representation(matrices: NDArray[np.float64], table: NDArray[np.integer]) -> NDArray[np.float64]:
    """The orthogonal representation next to nearly orthogonal, nearly multiplicative matrices.

    Args:
        matrices: float64 (n, 3, 3), one for each group element.
        table: int (n, n), table[g, h] is the number of the product g h.

    Returns:
        float64 (n, 3, 3) with R[table[g, h]] = R[g] R[h] to rounding.

    Raises:
        DetectionError: the matrices are too far from a representation for the averaging to converge.
    """
    current = polar(matrices)
    for _ in range(AVERAGING_ROUNDS):
        # mean over h of R[gh] R[h]^T, as one matrix product
        count = len(current)
        left = current[table].transpose(0, 2, 1, 3).reshape(3 * count, 3 * count)
        right = current.transpose(0, 2, 1).reshape(3 * count, 3)
        averaged = polar((left @ right).reshape(count, 3, 3))
        change = float(np.abs(averaged - current).max())
        current = averaged
        if change < EXACT:
            return current
    raise DetectionError(
        f"the operations found do not settle to an exact group (still changing by {change:.1e}); expected "
        "operations that nearly form a group: lower the tolerance"
    )


def in_setting(
    group: PointGroup, matrices: NDArray[np.float64], frame: NDArray[np.float64]
) -> tuple[PointGroup, NDArray[np.int64]]:
    """The group in another setting (3, 3) of its normalizer, and the int (n,) order in which the ``matrices`` come in it."""
    turned = PointGroup(group.family, frame)
    return turned, match_elements(turned.matrices, matrices, STANDARD_MATCH)


def oriented_group(matrices: NDArray[np.float64]) -> tuple[PointGroup, NDArray[np.int64]]:
    """The exact group as a standard group in its orientation.

    Args:
        matrices: float64 (n, 3, 3), all elements of a point group, exact.

    Returns:
        The PointGroup, and the int (n,) order in which the given elements come in it:
        ``matrices[order] == group.matrices``.
    """
    found = identify(matrices)
    group = PointGroup(found.symbol, found.rotation)
    order = np.asarray(found.match)
    residual = float(np.abs(matrices[order] - group.matrices).max())
    if len(matrices) != group.order or residual > STANDARD_MATCH or len(np.unique(order)) != group.order:
        raise DetectionError(
            f"{len(matrices)} operations were found that do not fit the standard group {group.symbol} of "
            f"order {group.order} (residual {residual:.1e}); lower the tolerance"
        )
    return group, order
