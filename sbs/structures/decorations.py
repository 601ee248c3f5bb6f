"""What sites of one element carry beside their element, and whether it tells them apart.

Oxidation states, charges, collinear moments and isotopes are numbers that stay with an atom under every operation on its
position, so sites that differ in them are different sites. Moments that point in directions turn with the operations (as
axial vectors, and change sign under time reversal), and tags are the user's own marks; these distinguish no sites, and a
warning says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sbs.structures.inputs import KIND_STEP

__all__ = ["StructureWarning", "distinguished", "warn_ignored"]

# Values of decorations that are linked by smaller steps are one value: oxidation states and charges are given in tenths,
# computed moments of equivalent atoms differ by a few hundredths of a Bohr magneton, masses of isotopes by one.
SAME_VALUE = 0.05


class StructureWarning(UserWarning):
    """Something that came with a structure is not taken into account."""


def distinguished(
    numbers: NDArray[np.integer], decorations: Mapping[str, Any]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Numbers in which sites of one element with different decorations differ by multiples of ``KIND_STEP``.

    Args:
        numbers: int (n,), atomic numbers.
        decorations: name -> one value (number, text or None) for each site, or None.

    Returns:
        (int (n,), the names of the decorations that tell sites of one element apart). The kinds of an element are numbered by
        rising values, so that the order of the sites does not matter; the first keeps its atomic number.

    Warns:
        StructureWarning: moments with directions, which are left out.
    """
    plain = np.array(numbers, dtype=np.int64)
    columns, words = [], []
    for name, values in decorations.items():
        if values is None or len(values) != len(plain):
            continue
        if name in ("magnetic moment", "spin") and _has_directions(values):
            warn_ignored(plain, "moments with directions", [str(np.round(np.asarray(v, dtype=float), 3)) for v in values])
            continue
        column = _ranks(values)
        if _differs(plain, column):
            columns.append(column)
            words.append(name)
    if not columns:
        return plain, ()
    marks = np.stack(columns, axis=1)
    result = plain.copy()
    for number in np.unique(plain):
        sites = np.flatnonzero(plain == number)
        kinds = np.unique(marks[sites], axis=0, return_inverse=True)[1].reshape(-1)
        result[sites] += KIND_STEP * kinds
    return result, tuple(words)


def warn_ignored(numbers: NDArray[np.integer], name: str, values: Sequence[Any] | NDArray[Any] | None) -> None:
    """Warn that a decoration does not distinguish sites, if it differs between sites of one element."""
    if values is None or len(values) != len(numbers) or not _differs(np.asarray(numbers), _ranks(values)):
        return
    warnings.warn(
        f"the {name} of the sites differ and are not taken into account: sites of one element count as alike; to tell them "
        "apart give (lattice, positions, numbers) with numbers of your own",
        StructureWarning,
        stacklevel=2,
    )


def _has_directions(values: Sequence[Any] | NDArray[Any]) -> bool:
    return any(value is not None and np.ndim(getattr(value, "moment", value)) > 0 for value in values)


def _ranks(values: Sequence[Any] | NDArray[Any]) -> NDArray[np.int64]:
    """Number of each value by rising order: numbers linked by small steps are one, None comes last, texts are sorted."""
    if any(isinstance(value, str) for value in values):
        return np.unique([str(value) for value in values], return_inverse=True)[1].reshape(-1)
    plain = np.array([np.inf if value is None else float(getattr(value, "moment", value)) for value in values])
    order = np.argsort(plain, kind="stable")
    steps = np.diff(np.where(np.isfinite(plain[order]), plain[order], 1e300)) > SAME_VALUE
    ranks = np.empty(len(plain), dtype=np.int64)
    ranks[order] = np.concatenate([[0], np.cumsum(steps)])
    return ranks


def _differs(numbers: NDArray[np.integer], ranks: NDArray[np.int64]) -> bool:
    """Whether two sites of one element have different ranks."""
    return len(np.unique(np.stack([numbers, ranks], axis=1), axis=0)) > len(np.unique(numbers))
