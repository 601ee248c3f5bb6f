"""A generic combination of patterns: no element outside the symmetry of the patterns leaves it nearly as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sbs.structures.detected import Detected

__all__ = ["furthest_apart"]

# Generic combinations that are tried: of so many the one is taken whose images under S are furthest apart. The best of 64
# is within some tens of percent of the best there is, in few dimensions and in many.
TRIALS = 64
# Distances that differ by less are equal when the best trial is chosen, so that rounding does not choose.
FORM_DIGITS = 9


def furthest_apart(
    parent: Detected,
    patterns: NDArray[np.float64],
    names: tuple[str, ...],
    outside: NDArray[np.bool_],
    strain: bool,
) -> NDArray[np.float64]:
    """Coefficients (p,) of a generic combination of patterns, of unit norm and with equal weights per irrep: of ``TRIALS`` the
    one whose images under some elements are furthest away from it.

    Args:
        patterns: float64 (p, num_sites, 3), or strains (p, 3, 3). names: the irrep of each.
        outside: bool (order,), the elements that are to move the combination.
        strain: whether the patterns are strains.
    """
    count = len(patterns)
    if count == 0:
        return np.zeros(0)
    trials = np.random.default_rng(0).standard_normal((TRIALS, count))
    for name in set(names):
        own = np.array([other == name for other in names])
        trials[:, own] /= np.linalg.norm(trials[:, own], axis=1, keepdims=True)
    trials /= np.linalg.norm(trials, axis=1, keepdims=True)
    vectors = np.einsum("tp,pni->tni", trials, patterns)
    nearest = np.full(TRIALS, np.inf)
    for element in np.flatnonzero(outside):
        matrix = parent.matrices[element]
        turned = matrix @ vectors if strain else vectors[:, np.argsort(parent.permutations[element])]
        away = turned @ matrix.T - vectors
        nearest = np.minimum(nearest, np.einsum("tni,tni->t", away, away))
    best = int(np.argmax(nearest.round(FORM_DIGITS)))
    return np.asarray(trials[best])
