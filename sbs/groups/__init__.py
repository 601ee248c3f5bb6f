"""Finite groups, point groups and their subgroups."""

from sbs.groups.abstract.finite import FiniteGroup
from sbs.groups.abstract.subgroups import Subgroup, SubgroupClass, hasse_edges
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, point_group
from sbs.progress import report_progress

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
