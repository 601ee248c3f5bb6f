"""What users name as the target of a crystal in a supercell, as a subgroup of its group."""

from __future__ import annotations

from typing import Any

from sbs.errors import DetectionError, NotASubgroupError, UnknownGroupError
from sbs.groups import FiniteGroup, PointGroup, Subgroup
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.groups.abstract.validation import as_array
from sbs.query import resolve_target
from sbs.structures.crystal_in_cell import CrystalInCell
from sbs.structures.isotropy_table import IsotropySubgroup, target_row

__all__ = ["crystal_target"]


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
        return target if target.parent == group else group.subgroup(target.elements)
    if isinstance(target, (SiteOperations, tuple)):
        return group.subgroup(target)
    if isinstance(target, str) and " (" in target:
        return target_row(crystal, target).target
    if isinstance(target, (str, PointGroup, Subgroup)) or as_array(target, "elements of the group").ndim == 3:
        kept = _keeping_translations(found, target)
    else:
        return group.subgroup(target)
    return group.subgroup_from_mask(kept.mask[found.rotation_of])


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
