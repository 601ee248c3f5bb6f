"""What the commands say, as plain values that JSON can hold; infinity is written "infinite"."""

from __future__ import annotations

import math
from typing import Any

from sbs.errors import InfiniteSetError, NoExactFormError
from sbs.groups import ClosedGroup, PointGroup, PointGroupSymbol
from sbs.groups.point.symbols import hermann_mauguin
from sbs.sets.export import INFINITE, cardinal
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.report import named_target
from sbs.tables.catalogue import CRYSTAL_SYSTEMS

__all__ = ["INFINITE", "catalogue_facts", "closed_group_facts", "exact_components", "group_facts", "set_facts"]

_ICOSAHEDRAL = ("I", "Ih")
# Family, example, order and what it holds.
_FAMILIES = (
    ("Cn", "C5", "n", "rotations about z"),
    ("Cnh", "C5h", "2n", "Cn and the horizontal mirror; C1h is Cs"),
    ("Cnv", "C5v", "2n", "Cn and n mirrors through z, one of them through x"),
    ("S2n", "S10", "2n", "powers of a rotoreflection about z; S2 is Ci"),
    ("Dn", "D5", "2n", "Cn and n two-fold axes across z, one of them x"),
    ("Dnh", "D5h", "4n", "Dn and the horizontal mirror"),
    ("Dnd", "D5d", "4n", "Dn and n mirrors between the two-fold axes"),
)
_INFINITE_GROUPS = (
    PointGroupSymbol("Cn", math.inf),
    PointGroupSymbol("Cnh", math.inf),
    PointGroupSymbol("Cnv", math.inf),
    PointGroupSymbol("Dn", math.inf),
    PointGroupSymbol("Dnh", math.inf),
    PointGroupSymbol("SO(3)"),
    PointGroupSymbol("O(3)"),
)


def _label(result: MinimalSet, target: str) -> str:
    """Unique label of the class of subgroups that a symbol or label names."""
    group = result.group
    if isinstance(group, PointGroup):
        return named_target(result)
    if isinstance(group, ClosedGroup) and group.is_axial:
        return group.label_of(group.axial_subgroup(target))
    return target


def set_facts(result: MinimalSet, target: str) -> dict[str, Any]:
    """A set as `MinimalSet.to_dict` has it, with the label of the target among closed groups as well.

    Args:
        result: the set.
        target: how the target was asked for, a symbol or label.
    """
    facts = result.to_dict()
    facts["target"]["label"] = _label(result, target)
    return facts


def exact_components(result: MinimalSet) -> list[list[str]] | None:
    """The components of the objects as exact numbers, "sqrt(3)/2"; None of an infinite set, or where they are not known."""
    try:
        return [[str(value) for value in row] for row in result.exact_objects.tolist()]
    except (InfiniteSetError, NoExactFormError):
        return None


def group_facts(group: PointGroup) -> dict[str, Any]:
    """A finite point group in its standard setting: elements, element classes, irreps, subgroup classes with sizes."""
    from sbs.groups.point.elements import describe_element
    from sbs.tables.record import build_record
    from sbs.tables.storage import load

    stored = load(group.symbol)
    record = build_record(group.symbol) if stored is None else stored.as_dict()
    return {
        **{name: record[name] for name in ("symbol", "hermann_mauguin", "crystal_system", "order")},
        "normalizer": {name: record["normalizer"][name] for name in ("symbol", "order")},
        "elements": [
            {
                **{name: element[name] for name in ("symbol", "order", "class")},
                "operation": describe_element(element["matrix"]),
                "matrix": element["matrix"],
                "exact": element["exact"],
            }
            for element in record["elements"]
        ],
        "element_classes": record["element_classes"],
        "irreps": record["character_table"]["real"],
        "subgroup_classes": [
            {
                **{name: listed[name] for name in ("label", "symbol", "hermann_mauguin", "order")},
                "conjugates": listed["size"],
                **{name: target[name] for name in ("size", "ideal", "degeneracy", "irreps")},
            }
            for listed, target in zip(record["subgroup_classes"], record["targets"], strict=True)
        ],
    }


def closed_group_facts(group: ClosedGroup) -> dict[str, Any]:
    """An infinite closed group; it has no lists to print."""
    from sbs.solver.normalizer import normalizer_in_o3

    return {
        "symbol": group.symbol,
        "hermann_mauguin": hermann_mauguin(group.family),
        "order": INFINITE,
        "normalizer": {"symbol": normalizer_in_o3(group.family).schoenflies, "order": INFINITE},
        "components": sorted(group.components) if group.is_axial else None,
    }


def catalogue_facts() -> dict[str, Any]:
    """Everything that can be asked for."""
    from sbs.groups.point.symbols import parse_symbol

    def row(symbol: str, system: str | None) -> dict[str, Any]:
        from sbs.groups import point_group

        family = parse_symbol(symbol).symbol
        order = cardinal(point_group(family).order)
        return {"symbol": symbol, "hermann_mauguin": hermann_mauguin(family), "order": order, "crystal_system": system}

    return {
        "crystallographic": [row(symbol, name) for name, members in CRYSTAL_SYSTEMS.items() for symbol in members],
        "icosahedral": [row(symbol, None) for symbol in _ICOSAHEDRAL],
        "families": [
            {"family": family, "example": example, "order": order, "about": about}
            for family, example, order, about in _FAMILIES
        ],
        "infinite": [
            {"symbol": family.schoenflies, "hermann_mauguin": hermann_mauguin(family)} for family in _INFINITE_GROUPS
        ],
    }
