"""What the page knows of a group: its stored table, and what is computed from it for the pictures and correlation tables."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from sbs.errors import SymmetryBreakingError
from sbs.explorer.layout import lay_out
from sbs.groups import PointGroup, Subgroup, point_group
from sbs.groups.point.columns import printed_order
from sbs.groups.point.correlation import degree_characters, product_table, real_irreps, subduction
from sbs.groups.point.symmetry_elements import symmetry_elements
from sbs.objects.components import component_names
from sbs.objects.representation import representation
from sbs.sets.bodies import bodies, distortion
from sbs.tables.catalogue import stored_symbols
from sbs.tables.storage import load

__all__ = ["explorer_table", "rounded"]

# A picture shows no more; the full numbers are one copied line of Python away.
_DIGITS = 6
_CERTIFICATE = ("method", "bound", "refuted")
# Degrees whose splitting is listed.
_DEGREES = range(7)
# A part of an object that is smaller than this is none; parts of unit vectors are above 0.05.
_PART = 1e-6


def explorer_table(symbol: str) -> dict[str, Any]:
    """The stored table of a group as the page takes it.

    Numbers are rounded and the data of certificates left out. Added are "axes", "mirrors" and "inversion" of the group,
    "column_order" of printed character tables, the "diagram" of its subgroups, "degrees" and "products" of
    representations, "bodies", and for every target its row of the correlation table and the distortion of a body.

    Raises:
        SymmetryBreakingError: no table is stored. MissingDependencyError: grandalf is not installed. CorruptTableError: the
            file is damaged.
    """
    stored = load(symbol)
    if stored is None:
        raise SymmetryBreakingError(f"no table of {symbol!r} is stored; choose one of {', '.join(stored_symbols())}")
    document = stored.as_dict()
    group = point_group(symbol)
    assert isinstance(group, PointGroup)
    slim = {
        **{k: v for k, v in document.items() if k not in ("format", "version", "checksum", "generators")},
        "normalizer": _without(document["normalizer"], "embedding"),
        "character_table": {
            **document["character_table"],
            "real": [_without(row, "characters") for row in document["character_table"]["real"]],
            "complex": [_without(row, "characters") for row in document["character_table"]["complex"]],
        },
        "column_order": list(printed_order(group)),
        **_elements(group),
        **_representations(group),
        "diagram": _diagram(document["subgroup_classes"]),
        "bodies": [{"points": body.points.tolist(), "edges": body.edges} for body in bodies(group)],
        "targets": [
            {**_slim_target(row), **_seen(group, row, listed)}
            for row, listed in zip(document["targets"], document["subgroup_classes"], strict=True)
        ],
    }
    result: dict[str, Any] = rounded(slim)
    return result


def rounded(value: Any) -> Any:
    """Lists and dicts with every float rounded for a picture, whole ones as integers."""
    if isinstance(value, float):
        short = round(value, _DIGITS)
        return int(short) if short == int(short) else short
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, (list, tuple)) else value


def _without(entry: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in entry.items() if k != name}


def _slim_target(row: dict[str, Any]) -> dict[str, Any]:
    certificate = {k: v for k, v in row["certificate"].items() if k in _CERTIFICATE}
    return {**row, "certificate": certificate, "stabilizer": _without(row["stabilizer"], "generators")}


def _elements(group: PointGroup) -> dict[str, Any]:
    found = symmetry_elements(group)
    return {
        "axes": [{"direction": a.direction, "label": a.label, "elements": a.elements} for a in found.axes],
        "mirrors": [{"normal": m.normal, "element": m.element} for m in found.mirrors],
        "inversion": found.inversion,
    }


def _diagram(classes: list[dict[str, Any]]) -> dict[str, Any]:
    number = {c["label"]: i for i, c in enumerate(classes)}
    drawing = lay_out([c["order"] for c in classes], [[number[m] for m in c["maximal_subgroups"]] for c in classes])
    return {
        "width": drawing.width,
        "height": drawing.height,
        "places": drawing.places,
        "edges": [{"upper": upper, "lower": lower, "line": line} for upper, lower, line in drawing.edges],
    }


# --- representations ------------------------------------------------------------------------------------------------


def _representations(group: PointGroup) -> dict[str, Any]:
    irreps = real_irreps(group)
    return {
        "degrees": [
            {"irrep": f"{degree}{'e' if even else 'o'}", "content": irreps.write(row)}
            for degree, even, row in _splittings(group)
        ],
        "products": [[irreps.write(cell) for cell in row] for row in product_table(group)],
    }


def _splittings(group: PointGroup) -> list[tuple[int, bool, np.ndarray]]:
    """(l, parity is even, multiplicities of the irreps of the group), natural parity first."""
    irreps = real_irreps(group)
    kinds = [(degree, (degree % 2 == 0) == natural) for natural in (True, False) for degree in _DEGREES]
    found = irreps.decompose(np.array([degree_characters(group.standard.matrices, l, even) for l, even in kinds]))
    return [(degree, even, row) for (degree, even), row in zip(kinds, found, strict=True)]


def _seen(group: PointGroup, row: dict[str, Any], listed: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a target besides its stored row."""
    objects = np.array(row["objects"] if row["objects"] is not None else row["samples"], dtype=np.float64)
    matrices = _matrices(group.symbol, row["irreps"])
    orbits = np.array(row["orbits"]) if row["orbits"] is not None else np.zeros(len(objects), dtype=int)
    first = [int(np.argmax(orbits == orbit)) for orbit in range(int(orbits.max()) + 1)]
    fixed = [row["fixed_by"][i] if row["fixed_by"] is not None else listed["elements"] for i in first]
    movers = None
    if row["objects"] is not None:
        images = np.einsum("gij,oj->ogi", matrices, objects[first])
        movers = [
            int(np.abs(images[orbit] - vector).max(axis=1).argmin())
            for orbit, vector in zip(orbits, objects, strict=True)
        ]
    return {
        "components": component_names(row["irreps"]),
        "carriers": _carriers(group, matrices, objects[0]),
        "correlation": _correlation(group, np.array(listed["elements"])),
        "distortions": [_distortion(group, np.array(kept)) for kept in fixed],
        "movers": movers,
    }


def _distortion(group: PointGroup, kept: np.ndarray) -> dict[str, Any]:
    body, field = distortion(group, kept)
    return {"body": body, "field": field.tolist()}


def _correlation(group: PointGroup, elements: np.ndarray) -> dict[str, Any]:
    mask = np.zeros(int(group.order), dtype=bool)
    mask[elements] = True
    inner, table = subduction(group, Subgroup(group, mask))
    splittings = [inner.write(row @ table) for _, _, row in _splittings(group)]
    return {"irreps": [inner.write(row) for row in table], "degrees": splittings}


def _carriers(group: PointGroup, matrices: np.ndarray, vector: np.ndarray) -> list[str]:
    """Irreps of S that an object has a part in: those that carry the order parameter."""
    irreps = real_irreps(group)
    # sum_g chi(g) D(g) v is zero exactly where the isotypic part of v is.
    moved = matrices @ vector
    parts = np.abs(irreps.characters @ moved / group.order).max(axis=1)
    return [name for name, part in zip(irreps.names, parts, strict=True) if part > _PART]


@lru_cache(maxsize=64)
def _matrices(symbol: str, irreps: str) -> np.ndarray:
    group = point_group(symbol)
    assert isinstance(group, PointGroup)
    return representation(irreps, group.matrices)
