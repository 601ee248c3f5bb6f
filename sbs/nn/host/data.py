"""Choices that travel with the data: from a structure to its set, orientation, permutations, and the object of its target.

What `SymmetryFields` writes into a structure (ASE atoms, PyG data, dictionaries such as NequIP's) breakers and hooks read from
the batch: see `sbs.nn.choice`. Pipelines take the fields along under their own rules:

- PyG, Lightning: attributes of ``Data`` are collated as they are.
- NequIP: ``include_keys: [sbs_object, sbs_set, sbs_rotation]`` of its ASE datasets, once `sbs.nn.host.nequip` is imported; with
  sets of fields ``sbs_site`` as well.
- MACE: ``info_keys`` of a head, `sbs.nn.host.mace.info_keys`; with sets of fields also ``arrays_keys``, likewise.
- SevenNet: ``atoms.info`` comes along as it is, in training with ``data_format_args: {drop_info: false}``; it holds a copy of
  ``sbs_site`` too, since SevenNet leaves arrays behind. Bring the atoms into their order before, not after.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from sbs.errors import DetectionError, NetworkInputError
from sbs.groups.abstract.validation import shown
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.pointgroups import PointGroup, match_elements
from sbs.nn.checks import check_kind, check_sets, plain_irreps
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.pairing import paired_object
from sbs.sets.transport import field_permutations, images_under, node_permutations, turned

__all__ = ["SymmetryFields", "orientation", "permutations_for", "rotations_only"]

# Entries of R S R^T against those of the detected group.
_SAME_GROUP = 1e-5


def orientation(detected: Any, symmetry_set: MinimalSet) -> npt.NDArray[np.float64]:
    """The proper rotation R, float64 (3, 3), that takes a set's orientation to that of a detected structure.

    ``rotations=R`` of a breaker, ``rotation=R`` of `sbs.nn.all_outputs`, and ``symmetry_set.rotated(R)``, all mean this one:
    the structure is R times one in the orientation of the set. (``detected.rotation`` is not it: that takes the structure
    to the standard setting.)

    Args:
        detected: from ``sbs.detect``.
        symmetry_set: for inputs of the same point group, in any orientation; with the ambient group "SO(3)", for networks
            that know rotations only, of the rotations in it. Or a set of fields for a crystal of the same kind.

    Raises:
        NetworkInputError: the groups differ, or the set's ambient group lies otherwise than the structure's lattice.
    """
    symmetry_set = check_sets([symmetry_set])[0]
    if field_permutations(symmetry_set) is not None:
        return np.asarray(_corresponding(detected, symmetry_set).rotation)
    detected = _modulo_lattice(detected)
    own, found = symmetry_set.group, _group_for(detected, symmetry_set)
    if getattr(own, "symbol", None) != found.symbol or own.order != found.order:
        raise NetworkInputError(
            f"The structure has the symmetry {found.symbol}, the set is for {getattr(own, 'symbol', own)}; ask for "
            "sbs.minimal_set(detected, target), or give a structure of that symmetry."
        )
    turn = np.asarray(found.rotation @ own.rotation.T, dtype=np.float64)  # type: ignore[union-attr]
    if isinstance(found, PointGroup) and _unlike(turn @ own.matrices @ turn.T, found.matrices):
        raise NetworkInputError(
            f"No rotation was found between the two settings of {found.symbol}; ask for sbs.minimal_set(detected, target), "
            "whose set lies as the structure does."
        )
    ambient, lattice = symmetry_set.ambient, getattr(detected, "ambient", None)
    if isinstance(ambient, PointGroup) and isinstance(lattice, PointGroup):
        inside = ambient.order == lattice.order and not _unlike(turn @ ambient.matrices @ turn.T, lattice.matrices)
        if not inside:
            raise NetworkInputError(
                f"The set's ambient group {ambient.symbol} lies otherwise than the lattice's {lattice.symbol}; ask for "
                "sbs.minimal_set(detected, target)."
            )
    return turn


def _corresponding(detected: Any, symmetry_set: MinimalSet) -> Any:
    """A crystal laid on that of a set of fields: ``rotation``, and ``sites``, for each of its sites that of the set."""
    if not hasattr(detected, "laid_on"):
        raise NetworkInputError(f"{shown(detected)} was not detected; give what sbs.detect returns.")
    try:
        return detected.laid_on(symmetry_set)
    except DetectionError as error:
        raise NetworkInputError(str(error)) from None


def _modulo_lattice(detected: Any) -> Any:
    """A detected structure with its point group, which is what a set of objects in O(3) is for, also if its cell is not
    primitive."""
    return getattr(detected, "modulo_lattice", detected)


def _point_group(detected: Any) -> Any:
    """The point group of a detected structure."""
    for name in ("rotations", "group"):
        found = getattr(detected, name, None)
        if hasattr(found, "rotation"):
            return found
    raise NetworkInputError(f"{shown(detected)} was not detected; give what sbs.detect returns.")


def rotations_only(ambient: Any) -> bool:
    """Whether an ambient group has no improper elements."""
    if isinstance(ambient, ClosedGroup):
        return ambient.symbol == "SO(3)"
    return bool((np.linalg.det(np.asarray(ambient.matrices)) > 0).all())


def _group_for(detected: Any, symmetry_set: MinimalSet) -> Any:
    """The structure's point group; its rotations, where the set is for networks that know no others (ambient "SO(3)")."""
    found = _point_group(detected)
    if not isinstance(found, PointGroup) or not rotations_only(symmetry_set.ambient):
        return found
    proper = found.matrices[np.linalg.det(found.matrices) > 0]
    if len(proper) == found.order:
        return found
    rotations = PointGroup.from_matrices(proper)
    # In the frame of the whole group, where that is a setting of its rotations: labels then mean the same for both.
    same = rotations.standard.rotated(found.rotation)
    return same if not _unlike(same.matrices, proper) else rotations


def _unlike(matrices: np.ndarray, others: np.ndarray) -> bool:
    return bool(np.abs(matrices[:, None] - others[None]).max(axis=(2, 3)).min(axis=1).max() > _SAME_GROUP)


def _symbol(symmetry_set: MinimalSet) -> str:
    return str(getattr(symmetry_set.group, "symbol", symmetry_set.group))


def permutations_for(detected: Any, symmetry_set: MinimalSet) -> npt.NDArray[np.int64]:
    """Site permutations (order of S, num_sites) in the order of ``symmetry_set.group``: for losses and `sbs.nn.all_outputs`.

    Raises:
        NetworkInputError: as `orientation`; or the group is infinite.
    """
    symmetry_set = check_sets([symmetry_set])[0]
    own = field_permutations(symmetry_set)
    if own is not None:
        return node_permutations(own, _corresponding(detected, symmetry_set).sites)
    detected = _modulo_lattice(detected)
    turn = orientation(detected, symmetry_set)
    if not isinstance(symmetry_set.group, PointGroup):
        raise NetworkInputError(f"{symmetry_set.group.symbol} is infinite: its permutations cannot be listed.")
    turned = turn @ symmetry_set.group.matrices @ turn.T
    # Elements of the structure's group, which may have more than the set's.
    return np.asarray(detected.permutations)[match_elements(turned, _point_group(detected).matrices)]


class SymmetryFields:
    """A transform: writes set number, orientation and, if the target is known, an object into a structure.

    Args:
        sets: those of the breaker, in its order; a structure gets the first whose group is its own. A set of fields is for all
            crystals of the kind that it was asked for, in a cell with as many sites: with other elements, another lattice
            constant, turned, moved, the atoms in another order.
        detect: ``sbs.detect``, or a function that calls it with a tolerance.
        target: the name under which a structure carries the broken output, (num_sites, dim): an array of ASE atoms, an
            attribute or entry of data. The object is then one that leads to it; structures without it get no object, and
            fall back to what ``breaker.choose`` says.
        irreps: of that output.
        to_structure: makes of data what ``detect`` takes; needed for PyG data and dictionaries.
    """

    def __init__(
        self,
        sets: MinimalSet | Sequence[MinimalSet],
        detect: Callable[[Any], Any],
        *,
        target: str | None = None,
        irreps: str = "1x1o",
        to_structure: Callable[[Any], Any] | None = None,
    ) -> None:
        self.sets = check_sets(sets)
        for name, given, needed in (("detect", detect, True), ("to_structure", to_structure, False)):
            if not callable(given) and (needed or given is not None):
                raise NetworkInputError(f"{name} is {shown(given)}; expected a function of a structure such as sbs.detect.")
        if target is not None:
            check_kind(target, str, "target")
        self.detect = detect
        self.target = target
        self.irreps = plain_irreps(irreps, "irreps")
        self.to_structure = to_structure

    def fields(self, structure: Any, target: npt.ArrayLike | None = None) -> dict[str, npt.NDArray[Any]]:
        """The fields of one structure, and of its broken output (num_sites, dim) where it is given.

        Raises:
            NetworkInputError: no set is for this symmetry, or no object leads to the target.
        """
        detected = self.detect(structure)
        number, laid = self._fitting(detected)
        chosen = self.sets[number]
        if laid is not None:
            return {"sbs_set": np.array(number), **self._with_sites(detected, chosen, laid, target)}
        turn = orientation(detected, chosen)
        fields: dict[str, npt.NDArray[Any]] = {"sbs_set": np.array(number), "sbs_rotation": turn}
        if target is not None:
            moves = permutations_for(detected, chosen)
            kinds = detected.structure.numbers
            fields["sbs_object"] = np.array(paired_object(chosen, target, self.irreps, moves, kinds, turn))
        return fields

    def _fitting(self, detected: Any) -> tuple[int, Any]:
        """The first set that is for such a structure, and if it is one of fields, how the structure is laid on its crystal."""
        reasons = []
        for number, each in enumerate(self.sets):
            if field_permutations(each) is not None:
                try:
                    return number, _corresponding(detected, each)
                except NetworkInputError as error:
                    reasons.append(str(error))
                    continue
            if _group_for(_modulo_lattice(detected), each).symbol == _symbol(each):
                return number, None
        found = _point_group(_modulo_lattice(detected))
        names = ", ".join(map(_symbol, self.sets))
        raise NetworkInputError(
            " ".join([f"The structure has the symmetry {found.symbol}; the sets are for {names}.", *dict.fromkeys(reasons)])
        )

    def _with_sites(
        self, detected: Any, chosen: MinimalSet, laid: Any, target: npt.ArrayLike | None
    ) -> dict[str, npt.NDArray[Any]]:
        """For a set of fields: also the site of the set that each atom is."""
        fields: dict[str, npt.NDArray[Any]] = {"sbs_rotation": laid.rotation, "sbs_site": laid.sites}
        if target is not None:
            back = np.argsort(laid.sites)
            # A set of fields is not turned: the target is carried to the crystal that the set is for.
            own = turned(np.asarray(target)[back], images_under(self.irreps, laid.rotation.T[None], None))[0]
            kinds = detected.structure.numbers[back]
            fields["sbs_object"] = np.array(paired_object(chosen, own, self.irreps, None, kinds))
        return fields

    def __call__(self, data: Any) -> Any:
        """Write the fields into ``data`` and return it: ASE atoms, PyG data, or a dictionary."""
        atoms = hasattr(data, "info") and hasattr(data, "arrays")
        structure = data if self.to_structure is None else self.to_structure(data)
        given = None
        if self.target is not None:
            source = data.arrays if atoms else data
            given = source.get(self.target) if hasattr(source, "get") else getattr(source, self.target, None)
            given = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else given
        fields = self.fields(structure, given)
        for name, values in fields.items():
            of_nodes = name == "sbs_site"
            if atoms:
                data.info[name] = values.tolist() if values.ndim == 0 else values
                if of_nodes:
                    data.set_array(name, values)
                continue
            # One row for each graph, and for each node, so that batches are made by concatenation.
            row = torch.as_tensor(values) if of_nodes else torch.as_tensor(values)[None]
            if isinstance(data, MutableMapping):
                data[name] = row
            else:
                setattr(data, name, row)
        return data
