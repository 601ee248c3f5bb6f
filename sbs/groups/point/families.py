"""The families of closed point groups, one canonical symbol for each: a series and its number.

Series: the seven axial series with an integer n >= 1, the seven polyhedral groups, and the infinite closed
groups (n = math.inf in five of the axial series, SO(3), O(3)). Several members of the series are the same
group; a `PointGroupSymbol` always holds the canonical one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sbs.errors import UnknownGroupError

__all__ = ["AXIAL_SERIES", "POLYHEDRAL_ORDERS", "PointGroupSymbol"]

# Order of the finite member as a multiple of n.
AXIAL_SERIES: dict[str, int] = {"Cn": 1, "Cnh": 2, "Cnv": 2, "S2n": 2, "Dn": 2, "Dnh": 4, "Dnd": 4}
POLYHEDRAL_ORDERS: dict[str, int | float] = {
    "T": 12, "Th": 24, "Td": 24, "O": 24, "Oh": 48, "I": 60, "Ih": 120, "SO(3)": math.inf, "O(3)": math.inf,
}  # fmt: skip

# n = 1 members that are another series' member under a second name.
_FOLDED_AT_ONE: dict[str, tuple[str, int]] = {
    "Cnv": ("Cnh", 1), "Dn": ("Cn", 2), "Dnh": ("Cnv", 2), "Dnd": ("Cnh", 2),
}  # fmt: skip
# Rotoreflections through ever smaller angles generate, in the limit, z -> -z: these are h-groups.
_FOLDED_AT_INFINITY: dict[str, str] = {"S2n": "Cnh", "Dnd": "Dnh"}


@dataclass(frozen=True)
class PointGroupSymbol:
    """Canonical name of a closed subgroup of O(3), up to its orientation.

    Attributes:
        series: "Cn", "Cnh", "Cnv", "S2n", "Dn", "Dnh", "Dnd", "T", "Th", "Td", "O", "Oh", "I", "Ih", "SO(3)"
            or "O(3)".
        n: the number in the Schoenflies symbol, halved for S2n (S4 has n = 2); math.inf for C∞, C∞h, C∞v, D∞,
            D∞h; None for the series without one.

    Construction folds every group onto one symbol, so that equal symbols mean conjugate groups and the
    converse: C1v -> Cnh 1 (Cs), D1 -> Cn 2, D1h -> Cnv 2, D1d -> Cnh 2, D∞d -> D∞h, S∞ -> C∞h. Ci is S2n with
    n = 1. The number has no upper limit here; text is limited by `sbs.groups.point.symbols.MAX_FOLD`.

    Raises:
        UnknownGroupError: no such series, or n is not a positive integer (or math.inf where that is a group).
    """

    series: str
    n: int | float | None = None

    def __post_init__(self) -> None:
        series, n = self.series, self.n
        if series in POLYHEDRAL_ORDERS:
            if n is not None:
                raise UnknownGroupError(f"the series {series} takes no number, got n = {n!r}; leave n out")
            return
        if series not in AXIAL_SERIES:
            known = ", ".join([*AXIAL_SERIES, *POLYHEDRAL_ORDERS])
            raise UnknownGroupError(f"unknown series of point groups {series!r}; the series are {known}")
        if n != math.inf and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
            raise UnknownGroupError(
                f"the number in {series} must be an integer of at least 1 (or math.inf), got {n!r}; "
                "write for example PointGroupSymbol('Dnh', 4) for D4h"
            )
        if n == math.inf:
            series = _FOLDED_AT_INFINITY.get(series, series)
        elif n == 1:
            series, n = _FOLDED_AT_ONE.get(series, (series, n))
        object.__setattr__(self, "series", series)
        object.__setattr__(self, "n", n)

    @property
    def is_finite(self) -> bool:
        """Whether the group has finitely many elements."""
        return self.order != math.inf

    @property
    def order(self) -> int | float:
        """Number of elements: an int, or math.inf."""
        if self.n is None:
            return POLYHEDRAL_ORDERS[self.series]
        return math.inf if self.n == math.inf else AXIAL_SERIES[self.series] * int(self.n)

    @property
    def schoenflies(self) -> str:
        """Schoenflies symbol in plain ASCII: "C1", "Cs", "Ci", "C2h", "S4", "D4h", "Cinfv", "SO(3)"."""
        if self.n is None:
            return self.series
        if self.series == "S2n":
            return "Ci" if self.n == 1 else f"S{2 * int(self.n)}"
        if self.series == "Cnh" and self.n == 1:
            return "Cs"
        number = "inf" if self.n == math.inf else str(self.n)
        return self.series[0] + number + self.series[2:]

    @property
    def pretty(self) -> str:
        """Schoenflies symbol for display, with ∞ for infinity."""
        return self.schoenflies.replace("inf", "∞")

    def __str__(self) -> str:
        return self.schoenflies
