"""Which object of a symmetry-breaking set stands for which domain state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sbs.groups import Subgroup
from sbs.objects.representation import representation
from sbs.sets.minimal_set import MinimalSet
from sbs.structures.detected import Detected

__all__ = ["states_of_objects"]

# Two objects of one set are further apart than this in some component; images are exact to 1e-12.
SAME_OBJECT = 1e-7


def states_of_objects(
    found: MinimalSet, detected: Detected, target: Subgroup, elements: NDArray[np.integer]
) -> NDArray[np.int64]:
    """The domain state of each object, int (size,): if K fixes object b, then g b stands for g K g^-1, the state that g
    makes of the first.

    Args:
        found: the set of S -> K. target: K.
        elements: int (num_states,), the element of S that makes each state of the first.
    """
    assert found.irreps is not None
    matrices = representation(found.irreps, detected.matrices)
    objects = np.asarray(found.objects)
    state_of = np.full(len(objects), -1, dtype=np.int64)
    for orbit in range(int(found.degeneracy)):
        members = np.flatnonzero(found.orbits == orbit)
        base = members[int(np.argmin([_moved(objects[k], matrices, detected, target) for k in members]))]
        for state, element in enumerate(np.asarray(elements).tolist()):
            image = _image(objects[base], matrices, detected, element)
            gaps = np.abs(objects[members] - image).reshape(len(members), -1).max(axis=1)
            state_of[members[gaps < SAME_OBJECT]] = state
    return state_of


def _image(
    vector: NDArray[np.float64], matrices: NDArray[np.float64], detected: Detected, element: int
) -> NDArray[np.float64]:
    """An object (dim,), or a field on the sites (num_sites, dim), carried along by an element of S."""
    image = vector @ matrices[element].T
    if vector.ndim == 1:
        return image
    moved = np.empty_like(image)
    moved[detected.permutations[element]] = image
    return moved


def _moved(
    vector: NDArray[np.float64], matrices: NDArray[np.float64], detected: Detected, target: Subgroup
) -> float:
    """How far the generators of K carry an object from itself, rounded so that equals are equal."""
    return round(
        max((float(np.abs(_image(vector, matrices, detected, g) - vector).max()) for g in target.generators), default=0.0), 9
    )
