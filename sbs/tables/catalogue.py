"""Which groups are stored, and where their files are.

Paths are plain text: this module is on the way of every first query, and pathlib takes longer to import
than the query itself.
"""

from __future__ import annotations

import os.path
from functools import cache

from sbs.groups.point.families import PointGroupSymbol

__all__ = [
    "CRYSTAL_SYSTEMS",
    "MAX_AXIAL",
    "crystal_system",
    "data_directory",
    "stored_families",
    "stored_symbols",
    "table_path",
]

# Axial families are stored for n up to this number (S_2n up to S24).
MAX_AXIAL = 12

_AXIAL = ("Cn", "Cnh", "Cnv", "S2n", "Dn", "Dnh", "Dnd")
_POLYHEDRAL = ("T", "Th", "Td", "O", "Oh", "I", "Ih")

CRYSTAL_SYSTEMS: dict[str, tuple[str, ...]] = {
    "triclinic": ("C1", "Ci"),
    "monoclinic": ("C2", "Cs", "C2h"),
    "orthorhombic": ("D2", "C2v", "D2h"),
    "tetragonal": ("C4", "S4", "C4h", "D4", "C4v", "D2d", "D4h"),
    "trigonal": ("C3", "S6", "D3", "C3v", "D3d"),
    "hexagonal": ("C6", "C3h", "C6h", "D6", "C6v", "D3h", "D6h"),
    "cubic": ("T", "Th", "O", "Td", "Oh"),
}


@cache
def stored_families() -> tuple[PointGroupSymbol, ...]:
    """The stored groups: seven axial families with n = 1 to 12 (each group once) and seven polyhedral groups."""
    axial = [PointGroupSymbol(family, n) for family in _AXIAL for n in range(1, MAX_AXIAL + 1)]
    return tuple(dict.fromkeys([*axial, *(PointGroupSymbol(family) for family in _POLYHEDRAL)]))


@cache
def stored_symbols() -> tuple[str, ...]:
    """Schoenflies symbols of the stored groups."""
    return tuple(family.schoenflies for family in stored_families())


def crystal_system(symbol: str) -> str | None:
    """Crystal system of a crystallographic point group (Schoenflies symbol), None for any other group."""
    return next((name for name, members in CRYSTAL_SYSTEMS.items() if symbol in members), None)


@cache
def data_directory() -> str:
    """Folder of the stored files: inside the installed package, or ``group_data`` beside it in a source checkout."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    installed = os.path.join(package, "_group_data")
    return installed if os.path.isdir(installed) else os.path.join(os.path.dirname(package), "group_data")


def table_path(symbol: str) -> str:
    """File of a group, whether it exists or not."""
    return os.path.join(data_directory(), f"{symbol}.json")
