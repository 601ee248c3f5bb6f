"""Which object goes with which target: those whose stabilizer in S lies in the target's; and the target of every object."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import check_integer, check_real, real_array
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
    transport,
    turned,
)

__all__ = ["TARGET_TOLERANCE", "matching_objects", "output_stabilizer", "paired_object", "target_images"]

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
    values, tolerance = _output(output), check_real(tolerance, "tolerance", 0.0)
    check_components(values.shape[-1], irreps, "irreps_out")
    change = np.abs(turned(values, images_under(irreps, matrices, permutations)) - values).max(axis=(1, 2))
    scale = float(np.abs(values).max(initial=0.0))
    return np.asarray(change <= tolerance * scale) if scale > 0 else np.ones(len(change), dtype=bool)


def _output(given: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """An output (num_sites, dim), float64.

    Raises:
        SymmetryBreakingError: it is no such array of finite numbers.
    """
    values = real_array(given, "an output of shape (num_sites, dim)")
    if values.ndim != 2 or not values.size:
        raise NetworkInputError(f"An output has shape {values.shape}; expected (num_sites, dim).")
    return values


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
    own = field_permutations(symmetry_set)
    matrices = np.asarray(symmetry_set.group.matrices, dtype=np.float64)
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


def paired_object(
    symmetry_set: MinimalSet,
    target: npt.ArrayLike,
    irreps: str,
    permutations: npt.ArrayLike | None,
    weights: npt.ArrayLike | None = None,
    rotation: npt.ArrayLike | None = None,
) -> int:
    """The object paired with ``target``, one rule for all targets: that of s y is s times that of y, for s in S.

    Objects with one stabilizer may all be paired with a target, two opposite ones along an axis for example. Were the first of
    them taken for every target, opposite targets would get one object. Each candidate b = g r, r the representative of its
    S-orbit, makes g^-1 y a target of r; the candidate whose g^-1 y comes first in a fixed order is taken: by its sum over sites
    with ``weights``, and among those for which that is the same, site by site in the order given.

    Args:
        symmetry_set: in its own orientation.
        target: (num_sites, dim), with ``irreps``.
        permutations: (order of S, num_sites), or None for an output of the whole graph.
        weights: (num_sites,), what tells sites apart whatever their order: atomic numbers.
        rotation: (3, 3), where the target is turned by R from the set's orientation.

    Raises:
        NetworkInputError: no object may be paired with the target.
    """
    turn = np.eye(3) if rotation is None else np.asarray(rotation, dtype=np.float64)
    values = _output(target)
    turned_set = symmetry_set if rotation is None else symmetry_set.rotated(turn)
    matches = matching_objects(turned_set, values, irreps, permutations)
    carried = transport(symmetry_set)
    candidates = matches[carried.representative[matches] == carried.representative[matches[0]]]
    elements = carried.element[candidates]
    moves = carried.permutations if permutations is None else np.asarray(permutations)
    inverse = carried.matrices[elements].transpose(0, 2, 1) @ turn.T
    images = turned(values, images_under(irreps, inverse, None if moves is None else np.argsort(moves[elements], axis=1)))
    share = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=np.float64)
    scale = np.abs(values).max(initial=0.0)
    summed = np.einsum("s,ksd->kd", share / np.abs(share).max(), images)
    open_ = np.arange(len(images))
    for each in (summed, images.reshape(len(images), -1)):
        # Irrational in no simple ratio: different targets have different scores.
        scores = each[open_] @ np.cos(np.arange(1, each.shape[1] + 1))
        open_ = open_[scores >= scores.max() - TARGET_TOLERANCE * scale]
    return int(candidates[open_[0]])


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
        index = check_integer(index, "index", 0, len(carried.element) - 1)
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
