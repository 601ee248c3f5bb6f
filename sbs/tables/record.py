"""What a file of ``group_data`` holds: the part about the group itself.

`build_record` puts together one document for one group; `sbs.tables.targets` adds a row per target class. Names of
fields are those of ``group_data/schema.json``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sbs.groups import PointGroup, point_group
from sbs.groups.abstract.characters import CharacterTable, character_table
from sbs.groups.point.character_values import epsilon_order, exact_text, float_value
from sbs.groups.point.exact import format_exact
from sbs.groups.point.functions import function_labels
from sbs.groups.point.mulliken import NamedIrrep, name_irreps
from sbs.groups.point.pointgroups import match_elements
from sbs.groups.point.symbols import hermann_mauguin
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
        "family": {"name": group.family.family, "n": group.family.n},
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
        "embedding": match_elements(group.matrices, outer.matrices).tolist(),
    }


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
    table = character_table(group)
    irreps = name_irreps(group.family, group.matrices, group.class_of, table)
    summed = np.array([table.values[list(irrep.members)].sum(axis=0).real for irrep in irreps])
    functions = function_labels(
        group.matrices, summed[:, group.class_of], np.array([irrep.dimension for irrep in irreps])
    )
    epsilon = epsilon_order(group.family)
    has_pairs = any(len(irrep.members) == 2 for irrep in irreps)
    return {
        "columns": [entry["label"] for entry in _element_classes(group)],
        "epsilon": f"exp(2πi/{epsilon})" if has_pairs else None,
        "real": [_real_row(irrep, table, labels, epsilon) for irrep, labels in zip(irreps, functions, strict=True)],
        "complex": [row for irrep in irreps for row in _complex_rows(irrep, table, epsilon)],
    }


def _real_row(
    irrep: NamedIrrep, table: CharacterTable, functions: dict[str, list[str]], epsilon: int
) -> dict[str, Any]:
    multiplicities = table.multiplicities[list(irrep.members)].sum(axis=0).tolist()
    return {
        "name": irrep.name,
        "dimension": irrep.dimension,
        "complex": list(irrep.complex_names),
        "exact": [exact_text(m, epsilon) for m in multiplicities],
        "characters": [float_value(m).real for m in multiplicities],
        **functions,
    }


def _complex_rows(irrep: NamedIrrep, table: CharacterTable, epsilon: int) -> list[dict[str, Any]]:
    names = irrep.complex_names
    rows = []
    for name, conjugate, member in zip(names, names[::-1], irrep.members, strict=True):
        multiplicities = table.multiplicities[member].tolist()
        values = [float_value(m) for m in multiplicities]
        rows.append(
            {
                "name": name,
                "dimension": int(table.dimensions[member]),
                "conjugate": conjugate,
                "exact": [exact_text(m, epsilon) for m in multiplicities],
                "characters": [[value.real, value.imag] for value in values],
            }
        )
    return rows
