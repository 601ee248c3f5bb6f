"""The pages of infinite groups: a few targets of each, with the sets that the library finds for them."""

from __future__ import annotations

import math
from typing import Any

from sbs.groups import ClosedGroup, PointGroupSymbol, point_group
from sbs.groups.point.symbols import hermann_mauguin
from sbs.query import minimal_set
from sbs.solver.normalizer import normalizer_in_o3

__all__ = ["infinite_groups"]

# What each is the symmetry of, and targets that readers look for.
_PAGES: dict[PointGroupSymbol, tuple[str, tuple[str, ...]]] = {
    PointGroupSymbol("Cn", math.inf): ("The symmetry of a turning cone.", ("C1", "C2", "C3")),
    PointGroupSymbol("Cnh", math.inf): ("The symmetry of a turning cylinder.", ("Cinf", "C2h", "C2", "C1")),
    PointGroupSymbol("Cnv", math.inf): (
        "The symmetry of a polar linear molecule such as CO, and of a cone.",
        ("Cs", "Cinf", "C2v", "C3v", "C1"),
    ),
    PointGroupSymbol("Dn", math.inf): ("The symmetry of a twisted cylinder.", ("Cinf", "D2", "D3", "C1")),
    PointGroupSymbol("Dnh", math.inf): (
        "The symmetry of a linear molecule such as CO2, and of a cylinder.",
        ("Cinfv", "C2v(C2')", "D2h", "D3h", "Dinf", "Cinfh", "C1"),
    ),
    PointGroupSymbol("SO(3)"): ("The symmetry of a chiral sphere: all rotations.", ("Cinf", "Dinf", "D2", "O", "C1")),
    PointGroupSymbol("O(3)"): (
        "The symmetry of an atom, and of a sphere.",
        ("Cinfv", "Dinfh", "SO(3)", "D2h", "Td", "Oh", "C1"),
    ),
}


def infinite_groups() -> list[dict[str, Any]]:
    """The infinite groups as the page takes them."""
    return [_page(family, about, targets) for family, (about, targets) in _PAGES.items()]


def _page(family: PointGroupSymbol, about: str, targets: tuple[str, ...]) -> dict[str, Any]:
    rows = []
    for target in targets:
        found = minimal_set(family.schoenflies, target)
        rows.append(
            {
                "target": target,
                "size": "infinite" if found.size == math.inf else int(found.size),
                "shape": _shape(family, found.target, found.size),
                "ideal": found.is_ideal,
                "irreps": found.irreps,
            }
        )
    return {
        "symbol": family.schoenflies,
        "hermann_mauguin": hermann_mauguin(family),
        "normalizer": normalizer_in_o3(family).schoenflies,
        "about": about,
        "targets": rows,
    }


def _shape(family: PointGroupSymbol, target: Any, size: int | float) -> str:
    """What an orbit S / K of an infinite group looks like."""
    if size != math.inf:
        return "a list"
    dimension = _dimension(point_group(family)) - _dimension(target)
    return {
        1: "one circle or several",
        2: "a sphere (or one with opposite points identified)",
        3: "as large as the group",
    }[dimension]


def _dimension(group: Any) -> int:
    """Dimension of a closed subgroup of O(3) as a manifold."""
    if not isinstance(group, ClosedGroup):
        return 0
    return 1 if group.is_axial else 3
