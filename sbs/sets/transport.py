"""All objects and outputs of a set from one of each S-orbit: which element of S brings each about, and what it does.

For s in S, f(x, s b) = s f(x, b) up to the permutation that s makes of equal sites. What is here are plans, arrays that any
framework applies to its own tensors.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.groups.abstract.validation import as_array, shown
from sbs.groups.point.rotations import check_rotation
from sbs.objects.irreps import irreps_dim
from sbs.objects.representation import representation
from sbs.sets.features import irreps_of
from sbs.sets.minimal_set import MinimalSet

__all__ = [
    "IMAGE_TOLERANCE",
    "Images",
    "OutputPlan",
    "Transport",
    "generating_objects",
    "images_under",
    "plan_outputs",
    "transport",
]

# Two objects of one set differ by at least the separation of the set, images of one object only by rounding.
IMAGE_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Transport:
    """How each object arises from the representative of its S-orbit.

    Attributes:
        matrices: float64 (order of S, 3, 3).
        representative: int64 (size,), the number of an object for each object.
        element: int64 (size,), the number of an element g of S with b_k = D(g) b_representative.
        permutations: int64 (order of S, sites) for fields on the sites of a crystal: an element takes site i to [g, i].
    """

    matrices: npt.NDArray[np.float64]
    representative: npt.NDArray[np.int64]
    element: npt.NDArray[np.int64]
    permutations: npt.NDArray[np.int64] | None = None

    @property
    def representatives(self) -> npt.NDArray[np.int64]:
        """Numbers of the representatives, one per S-orbit, ascending."""
        return np.unique(self.representative)


class Listed(Hashable, Protocol):
    """What transport needs of a set."""

    @property
    def group(self) -> Any:
        """S."""

    @property
    def size(self) -> int | float:
        """Number of objects."""

    @property
    def irreps(self) -> str | None:
        """Of an object."""

    @property
    def objects(self) -> npt.NDArray[np.float64]:
        """(size, dim)."""


# Largest entry of R^T R - 1 for rotations that come from networks in float32.
_ROTATION_TOLERANCE = 1e-4

# Sets, and plans of outputs, that are remembered.
_REMEMBERED = 32


def transport(symmetry_set: Listed) -> Transport:
    """Find for every object an element of S that brings it about from the first object of its S-orbit; remembered.

    Raises:
        InfiniteSetError: if the set, or S, is infinite.
        NetworkInputError: if it is no set, or one of abstract groups.
    """
    check_listed(symmetry_set)
    listed: Any = symmetry_set
    return _transport(listed)


def check_listed(symmetry_set: Any) -> None:
    """Raise NetworkInputError unless it is a set, or an orbit, of objects."""
    if not isinstance(symmetry_set, MinimalSet) and not {"group", "size", "irreps", "objects"} <= set(dir(symmetry_set)):
        raise NetworkInputError(f"symmetry_set is {shown(symmetry_set)}; expected sbs.minimal_set(...).")


def carried_by(prepared: Transport | None, symmetry_set: Listed) -> Transport:
    """What a user prepared for a set, or what is found for it.

    Raises:
        NetworkInputError: it is something else, or of another set.
    """
    if prepared is None:
        return transport(symmetry_set)
    check_listed(symmetry_set)
    if not isinstance(prepared, Transport) or len(prepared.representative) != symmetry_set.size:
        raise NetworkInputError(f"prepared is {shown(prepared)}; expected sbs.nn.transport(symmetry_set) of the same set.")
    return prepared


def moves_given(permutations: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """A user's permutations of sites, int64 (elements, sites).

    Raises:
        SymmetryBreakingError: they are no such array of integers.
    """
    found = as_array(permutations, "permutations of sites, integers of shape (elements, sites)")
    if found.dtype.kind not in "iu" or found.ndim != 2:
        raise NetworkInputError(
            f"permutations has shape {found.shape} and type {found.dtype}; expected integers, one row per element and one column "
            "per site, as sbs.nn.site_permutations returns them."
        )
    return np.ascontiguousarray(found, dtype=np.int64)


def rotation_given(rotation: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A user's rotation, float64 (3, 3).

    Raises:
        SymmetryBreakingError: it is no element of O(3).
    """
    return check_rotation(rotation, _ROTATION_TOLERANCE)


@lru_cache(maxsize=_REMEMBERED)
def _transport(symmetry_set: Listed) -> Transport:
    if math.isinf(symmetry_set.size) or math.isinf(symmetry_set.group.order):
        raise InfiniteSetError(
            f"{symmetry_set.group.symbol} or its set is infinite: its outputs cannot be listed. Evaluate "
            "sampled objects, or use a smaller ambient group."
        )
    matrices = np.asarray(symmetry_set.group.matrices, dtype=np.float64)
    permutations = field_permutations(symmetry_set)
    objects = np.asarray(symmetry_set.objects)
    flat = objects.reshape(len(objects), -1)
    squares = (flat**2).sum(axis=1)
    representative = np.full(len(objects), -1, dtype=np.int64)
    element = np.full(len(objects), -1, dtype=np.int64)
    for first in range(len(objects)):
        if representative[first] >= 0:
            continue
        images = acted(objects[first][None], irreps_of(symmetry_set), matrices, permutations)[:, 0]
        # The nearest by the product of all pairs at once; then the distance itself, which has no cancellation.
        hit = (images @ flat.T * -2 + squares + (images**2).sum(axis=1)[:, None]).argmin(axis=0)
        distance = np.linalg.norm(images[hit] - flat, axis=1)
        mine = (distance < IMAGE_TOLERANCE) & (representative < 0)
        representative[mine], element[mine] = first, hit[mine]
        # The identity for the representative itself, so that its output is handed on untouched.
        element[first] = _identity(matrices, permutations)
    return Transport(matrices, representative, element, permutations)


def generating_objects(symmetry_set: Listed) -> npt.NDArray[np.int64]:
    """Objects that tell whether an output depends on the object: one of each S-orbit first, and its images under generators of S.

    If f(x, g b) = g f(x, b) is f(x, b) for all generators g of S, then all of S fixes f(x, b), which is f(x, h b) for every h.

    Raises:
        InfiniteSetError, NetworkInputError: as `transport`.
    """
    carried = transport(symmetry_set)
    group: Any = symmetry_set.group
    rows = np.asarray(group.generators, dtype=np.int64)
    if hasattr(group, "parent"):  # numbered as in the group around it
        rows = np.searchsorted(np.asarray(group.elements), rows)
    objects = np.asarray(symmetry_set.objects)
    first = carried.representatives
    moves = None if carried.permutations is None else carried.permutations[rows]
    images = acted(objects[first], irreps_of(symmetry_set), carried.matrices[rows], moves)
    flat = objects.reshape(len(objects), -1)
    nearest = np.linalg.norm(images[:, :, None] - flat, axis=3).argmin(axis=2).reshape(-1)
    found = np.concatenate([first, nearest])
    return found[np.sort(np.unique(found, return_index=True)[1])]


def _identity(matrices: np.ndarray, permutations: np.ndarray | None) -> int:
    away = np.abs(matrices - np.eye(3)).sum(axis=(1, 2))
    if permutations is not None:
        away = away + (permutations != np.arange(permutations.shape[1])).sum(axis=1)
    return int(away.argmin())


def field_permutations(symmetry_set: Any) -> npt.NDArray[np.int64] | None:
    """How the elements of S permute the sites of fields, int64 (order, sites); None for objects of the whole graph."""
    check_listed(symmetry_set)
    if math.isinf(symmetry_set.size) or np.asarray(symmetry_set.objects).ndim == 2:
        return None
    group = symmetry_set.group
    parent = getattr(group, "parent", group)
    return np.asarray(parent.meaning.permutations, dtype=np.int64)[np.asarray(getattr(group, "elements", slice(None)))]


def node_permutations(permutations: npt.NDArray[np.int64], sites: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Permutations of nodes, node i being site ``sites[i]``, from those of sites (order of S, sites)."""
    return np.argsort(sites)[permutations[:, sites]]


def acted(
    objects: np.ndarray, irreps: str, matrices: np.ndarray, permutations: np.ndarray | None
) -> npt.NDArray[np.float64]:
    """Images g b of objects (n, dim) or fields (n, sites, dim): (elements, n, numbers of an object)."""
    action = representation(irreps, matrices)
    if permutations is None:
        return np.einsum("gij,nj->gni", action, objects)
    turned = np.einsum("gij,nsj->gnsi", action, objects, optimize=True)
    sources = np.argsort(permutations, axis=1)
    moved = np.take_along_axis(turned, sources[:, None, :, None], axis=2)
    return moved.reshape(len(matrices), len(objects), -1)


@dataclass(frozen=True, eq=False)
class Images:
    """What group elements make of an output: y'[k, i] = action[k] @ y[k, sources[k, i]].

    Attributes:
        action: float64 (m, dim, dim).
        sources: int64 (m, num_sites), the site that arrives at each site; None for outputs of the whole graph.
    """

    action: npt.NDArray[np.float64]
    sources: npt.NDArray[np.int64] | None


def images_under(irreps: str, matrices: npt.ArrayLike, permutations: npt.ArrayLike | None) -> Images:
    """Images of outputs with ``irreps`` under ``matrices`` (m, 3, 3), which take site i to ``permutations`` (m, n)[g, i].

    Raises:
        NetworkInputError: permutations do not fit the matrices, or are none.
    """
    action = representation(irreps, matrices)
    if permutations is None:
        return Images(action, None)
    targets = moves_given(permutations)
    if len(targets) != len(action):
        raise NetworkInputError(
            f"permutations has shape {targets.shape}; expected one row per element and one column per site: "
            f"({len(action)}, num_sites)."
        )
    sources = np.argsort(targets, axis=1)
    if not (np.take_along_axis(targets, sources, axis=1) == np.arange(targets.shape[1])).all():
        raise NetworkInputError(
            "A row of permutations names a site twice or not at all; give site numbers 0..num_sites - 1 as "
            "sbs.nn.site_permutations returns them."
        )
    return Images(action, sources)


@dataclass(frozen=True, eq=False)
class OutputPlan:
    """From the outputs of the representatives to those of all objects.

    Attributes:
        representatives: int64 (degeneracy,), the objects to evaluate.
        orbit: int64 (size,), which of these outputs each object's output comes from.
        images: what is done to it.
    """

    representatives: npt.NDArray[np.int64]
    orbit: npt.NDArray[np.int64]
    images: Images


def telling_object(planned: OutputPlan, carried: Transport) -> int | None:
    """The object whose output differs most from its representative's: its element moves most sites, turns farthest."""
    others = np.flatnonzero(carried.representative != np.arange(len(carried.representative)))
    if not len(others):
        return None
    turns = 3.0 - np.trace(carried.matrices[carried.element[others]], axis1=1, axis2=2)
    sources = planned.images.sources
    moved = np.zeros(len(others)) if sources is None else (sources[others] != np.arange(sources.shape[1])).sum(axis=1)
    return int(others[np.lexsort((turns, moved))[-1]])


def plan_outputs(
    carried: Transport,
    irreps: str,
    permutations: npt.ArrayLike | None = None,
    rotation: npt.ArrayLike | None = None,
) -> OutputPlan:
    """The plan for outputs with ``irreps``.

    Args:
        carried: of the set.
        irreps: of the output, e3nn notation.
        permutations: int (order of S, num_sites); None where the output is of the whole graph.
        rotation: (3, 3), where the input is turned by R from the set's orientation.

    Raises:
        NetworkInputError: permutations do not have a row for each element of S.
    """
    turn = None if rotation is None else rotation_given(rotation)
    moves = None if permutations is None else moves_given(permutations)
    if moves is not None and len(moves) != len(carried.matrices):
        raise NetworkInputError(
            f"permutations has shape {moves.shape}; expected a row for each of the {len(carried.matrices)} elements "
            "of S."
        )
    return _planned(
        carried, irreps, None if moves is None else (moves.tobytes(), moves.shape), None if turn is None else turn.tobytes()
    )


@lru_cache(maxsize=_REMEMBERED)
def _planned(
    carried: Transport, irreps: str, moves: tuple[bytes, tuple[int, ...]] | None, turn: bytes | None
) -> OutputPlan:
    """The plan for the same set, sites and orientation is made once."""
    matrices = carried.matrices[carried.element]
    if turn is not None:
        rotation = np.frombuffer(turn).reshape(3, 3)
        matrices = rotation @ matrices @ rotation.T
    permutations = None
    if moves is not None:
        permutations = np.frombuffer(moves[0], dtype=np.int64).reshape(moves[1])[carried.element]
    representatives = carried.representatives
    orbit = np.searchsorted(representatives, carried.representative)
    images = images_under(irreps, matrices, permutations)
    for each in (representatives, orbit, images.action, images.sources):
        if each is not None:
            each.setflags(write=False)
    return OutputPlan(representatives, orbit, images)


def turned(outputs: npt.ArrayLike, images: Images) -> npt.NDArray[np.float64]:
    """Apply ``images`` to outputs (num_sites, dim) or (m, num_sites, dim) in numpy: float64 (m, num_sites, dim)."""
    values = np.asarray(outputs, dtype=np.float64)
    stacked = values[None] if values.ndim == 2 else values
    found = stacked @ images.action.transpose(0, 2, 1)
    if images.sources is not None and images.sources.shape[1] != found.shape[1]:
        raise NetworkInputError(
            f"The output has {found.shape[1]} sites, permutations {images.sources.shape[1]}; give one row for each site."
        )
    return found if images.sources is None else np.take_along_axis(found, images.sources[:, :, None], axis=1)


def check_components(size: int, irreps: str, name: str) -> None:
    """Raise NetworkInputError unless an output of ``size`` components has ``irreps``."""
    if size != irreps_dim(irreps):
        raise NetworkInputError(f"The output has {size} components; {name}={irreps} has {irreps_dim(irreps)}.")
