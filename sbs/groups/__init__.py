"""Finite groups, point groups and their subgroups."""

from sbs.groups.closed import ClosedGroup
from sbs.groups.families import PointGroupSymbol
from sbs.groups.finite import FiniteGroup, Subgroup
from sbs.groups.pointgroups import PointGroup, point_group
from sbs.groups.progress import report_progress
from sbs.groups.subgroups import SubgroupClass, hasse_edges

__all__ = [
    "ClosedGroup",
    "FiniteGroup",
    "PointGroup",
    "PointGroupSymbol",
    "Subgroup",
    "SubgroupClass",
    "hasse_edges",
    "point_group",
    "report_progress",
]
