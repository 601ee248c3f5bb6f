"""Which object goes with which target: those whose stabilizer in S lies in the target's; and the target of every object."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sbs.errors import NetworkInputError
from sbs.sets.features import irreps_of
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.transport import (
    IMAGE_TOLERANCE,
    Images,
    Transport,
    acted,
    check_components,
    field_permutations,
    images_under,
    turned,
)

__all__ = ["TARGET_TOLERANCE", "matching_objects", "output_stabilizer", "target_images"]

# Relative to the largest component: targets come from experiments and relaxations.
TARGET_TOLERANCE = 1e-3


def output_stabilizer(
    output: npt.ArrayLike,
    irreps: str,
    matrices: npt.ArrayLike,
    permutations: npt.ArrayLike | None,
    tolerance: float = TARGET_TOLERANCE,
) -> npt.NDArray[np.bool_]:
    """Which of ``matrices`` (m, 3, 3) fix an output (num_sites, dim): bool (m,); ``tolerance`` relative to its maximum."""
    values = np.asarray(output, dtype=np.float64)
    check_components(values.shape[-1], irreps, "irreps_out")
    change = np.abs(turned(values, images_under(irreps, matrices, permutations)) - values).max(axis=(1, 2))
    scale = float(np.abs(values).max(initial=0.0))
    return np.asarray(change <= tolerance * scale) if scale > 0 else np.ones(len(change), dtype=bool)


def matching_objects(
    symmetry_set: MinimalSet,
    target: npt.ArrayLike,
    irreps: str,
    permutations: npt.ArrayLike | None,
    tolerance: float = TARGET_TOLERANCE,
) -> npt.NDArray[np.int64]:
    """Objects that may be paired with ``target`` (num_sites, dim): those b with Stab_S(b) inside Stab_S(target).

    Returns their numbers; each S-orbit of the set has one at least if the target's symmetry holds a conjugate of K.

    Raises:
        NetworkInputError: if no object may be paired with the target: its symmetry is not (a conjugate of) that
            of the set's target.
    """
    matrices = np.asarray(symmetry_set.group.matrices, dtype=np.float64)
    own = field_permutations(symmetry_set)
    permutations = own if permutations is None else permutations
    fixed = output_stabilizer(target, irreps, matrices, permutations, tolerance)
    objects = np.asarray(symmetry_set.objects)
    images = acted(objects, irreps_of(symmetry_set), matrices, own)
    moved = np.linalg.norm(images - objects.reshape(1, len(objects), -1), axis=-1)
    stabilizers = moved < IMAGE_TOLERANCE
    matches = np.flatnonzero((~stabilizers | fixed[:, None]).all(axis=0))
    if not len(matches):
        raise NetworkInputError(
            f"The target is fixed by {int(fixed.sum())} of the {len(fixed)} elements of "
            f"{symmetry_set.group.symbol}, which holds the stabilizer of no object "
            f"({int(stabilizers[:, 0].sum())} elements each): it is no output of symmetry "
            f"{symmetry_set.target.symbol} in this setting. Check the target, permutations, or raise "
            "tolerance."
        )
    return matches


def target_images(
    symmetry_set: MinimalSet,
    target: npt.ArrayLike,
    irreps: str,
    permutations: npt.ArrayLike | None,
    carried: Transport,
    index: int | None = None,
) -> Images:
    """What makes the target of every object from ``target`` (num_sites, dim), which is paired with object ``index``.

    By default it is paired with the first object that `matching_objects` finds in each S-orbit; the rest follows by
    symmetry: b_k = g b gives g target.

    Raises:
        NetworkInputError: if ``index`` may not be paired with this target, or an S-orbit has no object that may.
    """
    matches = matching_objects(symmetry_set, target, irreps, permutations)
    if index is not None:
        if index not in matches:
            raise NetworkInputError(
                f"Object {index} does not have the target's symmetry; objects that do: {matches.tolist()}."
            )
        others = matches[carried.representative[matches] != carried.representative[index]]
        matches = np.concatenate([[index], others])
    rows = np.empty(len(carried.element), dtype=np.int64)
    for representative in carried.representatives:
        candidates = matches[carried.representative[matches] == representative]
        if not len(candidates):
            raise NetworkInputError(
                f"No object in the S-orbit of object {representative} has the target's symmetry; use "
                "paired_loss on the orbits that do."
            )
        members = np.flatnonzero(carried.representative == representative)
        rows[members] = _quotients(carried, carried.element[members], int(carried.element[candidates[0]]))
    moved = carried.permutations if permutations is None else np.asarray(permutations)
    return images_under(irreps, carried.matrices[rows], None if moved is None else moved[rows])


def _quotients(carried: Transport, elements: np.ndarray, divisor: int) -> np.ndarray:
    """Numbers of c a^-1 for elements c: object = a r and b_k = c r, so b_k = c a^-1 object."""
    matrices = carried.matrices[elements] @ carried.matrices[divisor].T
    apart = np.abs(matrices[:, None] - carried.matrices[None]).sum(axis=(2, 3))
    if carried.permutations is None:
        return apart.argmin(axis=1)
    # Several elements of a crystal's group share a matrix; matrix and permutation together name one.
    own = carried.permutations
    products = own[elements][:, np.argsort(own[divisor])]
    return (apart + (products[:, None] != own[None]).sum(axis=2)).argmin(axis=1)
