"""What reports call S and its subgroups: point groups by symbol, space groups modulo a supercell by the space group."""

from __future__ import annotations

from sbs.groups import Subgroup
from sbs.structures.child_groups import child_symbol
from sbs.structures.detected import Detected
from sbs.structures.sites import rigid_motions

__all__ = ["name_of_group", "name_of_subgroup", "stands_for_a_line"]


def stands_for_a_line(detected: Detected) -> bool:
    """Whether a point group stands in for the infinite group of a linear molecule."""
    return not detected.structure.periodic and len(detected.structure) > 1 and len(rigid_motions(detected)) == 5


def name_of_group(detected: Detected) -> str:
    """"Oh", or "Pm-3m" for a crystal in a supercell."""
    if detected.supercell is None or detected.space_group is None:
        return detected.symbol
    return detected.space_group.symbol


def name_of_subgroup(detected: Detected, subgroup: Subgroup) -> str:
    """"C4v", "Cinfv" for a subgroup that stands in for an infinite one, or "Pnma" for one of the space group of a crystal in a
    supercell."""
    if detected.supercell is not None:
        return child_symbol(detected.supercell, subgroup.elements)
    name = str(subgroup.symbol)
    if not stands_for_a_line(detected):
        return name
    return name.replace(str(detected.rotations.family.n), "inf")
