"""What users name as the target of a crystal in a supercell, as a subgroup of its group."""

from __future__ import annotations

from typing import Any

import numpy as np

from sbs.errors import DetectionError, InvalidGroupError, NotASubgroupError, UnknownGroupError
from sbs.groups import FiniteGroup, PointGroup, Subgroup
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.groups.abstract.validation import as_array
from sbs.query import resolve_target
from sbs.structures.crystal_in_cell import CrystalInCell
from sbs.structures.isotropy_table import IsotropySubgroup, target_row

__all__ = ["crystal_target"]

# Traces of crystallographic rotations are integers.
SAME_TRACE = 0.5


def crystal_target(crystal: CrystalInCell, target: Any) -> Subgroup:
    """K as a subgroup of S.

    Args:
        crystal: detected in a supercell.
        target: a row of ``sbs.isotropy`` or its label, "R4+ (a,a,0)"; a label or symbol of a class of subgroups of the point
            group, a subgroup of it or matrices, all of which keep every translation; a `Subgroup` of S; or elements of S.

    Raises:
        UnknownGroupError, AmbiguousTargetError, NotASubgroupError: nothing, or several things, answer to it.
    """
    group, found = crystal.group, crystal.supercell
    if found is None or not isinstance(group, FiniteGroup):
        raise DetectionError("a crystal in a supercell was expected; see sbs.detect(..., supercell=...)")
    if isinstance(target, IsotropySubgroup):
        target = target.target
    target = getattr(target, "representative", target)
    if isinstance(target, Subgroup) and not isinstance(target.parent, PointGroup):
        return target if _same_elements(group, target.parent) else _of_another(group, target)
    if isinstance(target, (SiteOperations, tuple)):
        return group.subgroup(target)
    if isinstance(target, str) and " (" in target:
        return target_row(crystal, target).target
    if isinstance(target, (str, PointGroup, Subgroup)) or as_array(target, "elements of the group").ndim == 3:
        kept = _keeping_translations(found, target)
    else:
        return group.subgroup(target)
    return group.subgroup_from_mask(kept.mask[found.rotation_of])


def _same_elements(group: FiniteGroup, other: Any) -> bool:
    """Whether elements of one number multiply alike and turn alike, up to one turn for all: then they are the same operations, of
    this crystal or of one like it in another orientation or order of atoms."""
    own, theirs = group.meaning, getattr(other, "meaning", None)
    if not (isinstance(own, SiteOperations) and isinstance(theirs, SiteOperations)) or other != group:
        return other is group
    traces = [np.trace(each.matrices, axis1=1, axis2=2) for each in (own, theirs)]
    return bool(np.abs(traces[0] - traces[1]).max() < SAME_TRACE)


def _of_another(group: FiniteGroup, target: Subgroup) -> Subgroup:
    """A subgroup of the group of another crystal on the same sites in the same orientation, by its operations."""
    meaning = getattr(target.parent, "meaning", None)
    try:
        if isinstance(meaning, SiteOperations):
            return group.subgroup(meaning.elements(target.elements))
    except (InvalidGroupError, NotASubgroupError):
        pass
    raise NotASubgroupError(
        f"the target is a subgroup of order {target.order} of another group than that of this crystal and cell, whose operations "
        "it does not share; name it by its label, such as 'R4+ (a,0,0)', or take a row of sbs.isotropy of this crystal"
    )


def _keeping_translations(found: Any, target: Any) -> Subgroup:
    """A subgroup of the point group that the cell keeps."""
    try:
        kept = resolve_target(found.point_group, target)
    except (UnknownGroupError, NotASubgroupError) as error:
        if not found.complete:
            hint = f"the cell, {found.account()}; for the point group alone ask about detected.modulo_lattice"
        elif isinstance(error, UnknownGroupError):
            hint = "in a supercell a label of sbs.isotropy is a target too, such as 'R4+ (a,a,0)'"
        else:
            raise
        raise type(error)(f"{error}; {hint}") from None
    assert isinstance(kept, Subgroup)
    return kept
