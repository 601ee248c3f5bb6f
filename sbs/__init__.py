"""Equivariant symmetry-breaking sets: the smallest sets, their certificates, and breakers for e3nn networks.

>>> import sbs
>>> sbs.minimal_set(group="Oh", target="D4h")
MinimalSet(Oh -> D4h in O(3): 3 objects, ideal, irreps 1x2e)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sbs import errors

if TYPE_CHECKING:
    from sbs import nn as nn
    from sbs.groups import ClosedGroup, FiniteGroup, PointGroup, Subgroup, SubgroupClass, point_group
    from sbs.objects.representation import representation
    from sbs.phases.descend import descend
    from sbs.phases.instabilities import instabilities
    from sbs.phases.many import descend_many
    from sbs.phases.relaxation import relax
    from sbs.query import minimal_set
    from sbs.sets.minimal_set import MinimalSet
    from sbs.structures import between, detect, distortions, isotropy, modes
    from sbs.tables.group_table import table

__version__ = "0.1.0"

#: Public names and the module that defines each; loaded at first use, so that ``import sbs`` costs nothing.
_EXPORTS = {
    "ClosedGroup": "sbs.groups",
    "FiniteGroup": "sbs.groups",
    "MinimalSet": "sbs.sets.minimal_set",
    "PointGroup": "sbs.groups",
    "Subgroup": "sbs.groups",
    "SubgroupClass": "sbs.groups",
    "between": "sbs.structures",
    "descend": "sbs.phases.descend",
    "descend_many": "sbs.phases.many",
    "detect": "sbs.structures",
    "distortions": "sbs.structures",
    "instabilities": "sbs.phases.instabilities",
    "isotropy": "sbs.structures",
    "minimal_set": "sbs.query",
    "modes": "sbs.structures",
    "point_group": "sbs.groups",
    "relax": "sbs.phases.relaxation",
    "representation": "sbs.objects.representation",
    "table": "sbs.tables.group_table",
}

#: Parts of the package with libraries of their own, loaded at first use as well. They are not in ``__all__``, so that a star
#: import needs none of these libraries.
_PARTS = ("nn",)

__all__ = [
    "ClosedGroup",
    "FiniteGroup",
    "MinimalSet",
    "PointGroup",
    "Subgroup",
    "SubgroupClass",
    "between",
    "descend",
    "descend_many",
    "detect",
    "distortions",
    "errors",
    "instabilities",
    "isotropy",
    "minimal_set",
    "modes",
    "point_group",
    "relax",
    "representation",
    "table",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _PARTS:
        return import_module(f"sbs.{name}")
    if name not in _EXPORTS:
        raise AttributeError(f"module 'sbs' has no attribute {name!r}; it offers {', '.join(__dir__())}")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_PARTS])
