"""What a file of ``group_data`` holds: the part about the group itself.

`build_record` puts together one document for one group; `sbs.tables.targets` adds a row per target class. Names of
fields are those of ``group_data/schema.json``.
"""

from __future__ import annotations

from typing import Any

from sbs.groups import PointGroup, point_group
from sbs.groups.point.exact import format_exact
from sbs.groups.point.symbols import hermann_mauguin
from sbs.sets.question import Question
from sbs.sets.solve import embed
from sbs.solver.normalizer import normalizer_in_o3
from sbs.tables.catalogue import crystal_system
from sbs.tables.storage import FORMAT, VERSION
from sbs.tables.subgroups import subgroup_records, vector_sites
from sbs.tables.targets import target_records

__all__ = ["build_record"]


def build_record(symbol: str) -> dict[str, Any]:
    """The document of one group, ready for `sbs.tables.encoding.dump`; takes up to a second.

    Args:
        symbol: Schoenflies symbol of a finite point group.
    """
    group = point_group(symbol)
    if not isinstance(group, PointGroup):
        raise ValueError(f"tables are of finite groups, {symbol} is infinite")
    subgroups = subgroup_records(group)
    return {
        "format": FORMAT,
        "version": VERSION,
        "checksum": "",
        "symbol": group.symbol,
        "hermann_mauguin": hermann_mauguin(group.family),
        "crystal_system": crystal_system(group.symbol),
        "family": {"name": group.family.series, "n": group.family.n},
        "order": int(group.order),
        "ambient": "O(3)",
        "generators": list(group.whole.generators),
        "normalizer": _normalizer(group),
        "element_classes": _element_classes(group),
        "elements": _elements(group),
        "character_table": _characters(group),
        "vector_sites": vector_sites(group),
        "subgroup_classes": subgroups,
        "targets": target_records(group, [entry["species"] for entry in subgroups]),
    }


def _normalizer(group: PointGroup) -> dict[str, Any]:
    """N_O(3)(S); "embedding" numbers the elements of S among those of the normalizer, both in standard setting."""
    family = normalizer_in_o3(group.family)
    entry: dict[str, Any] = {"symbol": family.schoenflies, "hermann_mauguin": hermann_mauguin(family)}
    if not family.is_finite:
        return {**entry, "order": "infinite", "embedding": None}
    outer = point_group(family)
    assert isinstance(outer, PointGroup)
    return {
        **entry,
        "order": int(outer.order),
        "embedding": _numbers_in_normalizer(group),
    }


def _numbers_in_normalizer(group: PointGroup) -> list[int]:
    numbers = embed(Question(group, group.whole, point_group("O(3)"), True, None)).numbers
    assert numbers is not None
    return [int(number) for number in numbers]


def _element_classes(group: PointGroup) -> list[dict[str, Any]]:
    return [
        {
            "symbol": name,
            "label": name if len(members) == 1 else f"{len(members)}{name}",
            "order": int(group.element_orders[members[0]]),
            "elements": members.tolist(),
        }
        for members, name in zip(group.element_classes, group.element_class_symbols, strict=True)
    ]


def _elements(group: PointGroup) -> list[dict[str, Any]]:
    n = None if group.family.n is None else int(group.family.n)
    return [
        {
            "symbol": name,
            "order": int(order),
            "class": int(number),
            "matrix": [[float(x) + 0.0 for x in row] for row in matrix],
            "exact": [line.strip("[]").split() for line in format_exact(matrix, n).splitlines()],
        }
        for name, order, number, matrix in zip(
            group.element_symbols, group.element_orders, group.class_of, group.matrices, strict=True
        )
    ]


def _characters(group: PointGroup) -> dict[str, Any]:
    table = group.character_table
    return {
        "columns": list(table.classes),
        "epsilon": table.epsilon,
        "real": [
            {
                "name": row.name,
                "dimension": row.dimension,
                "complex": [part.name for part in row.parts],
                "exact": list(row.text),
                "characters": list(row.characters),
                **{name: list(getattr(row, name)) for name in ("linear", "rotation", "quadratic")},
            }
            for row in table
        ],
        "complex": [
            {
                "name": part.name,
                "dimension": part.dimension,
                "conjugate": part.conjugate,
                "exact": list(part.text),
                "characters": [[value.real, value.imag] for value in part.characters],
            }
            for row in table
            for part in row.parts
        ],
    }
