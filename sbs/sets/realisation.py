"""The objects of a finite set, as a record: stored tables restore it without computing objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from sbs.groups.abstract.subgroups import Subgroup
    from sbs.objects.irreps import Irrep

__all__ = ["OBJECT_DIGITS", "Realisation"]

#: Decimals kept of the components of an object: what is beyond is rounding, and differs between machines.
OBJECT_DIGITS = 14


@dataclass(frozen=True)
class Realisation:
    """Objects of a finite set.

    Attributes:
        stabilizer: H, the stabilizer in M of object 0.
        irreps: irreps of the blocks, or None for points of M / H (a group without matrices).
        objects: float64 (size, dim).
        movers: element numbers (size,) of the parent; ``movers[i]`` takes object 0 to object i.
        orbits: integers (size,), the S-orbit of each object.
    """

    stabilizer: Subgroup
    irreps: tuple[Irrep, ...] | None
    objects: np.ndarray
    movers: np.ndarray
    orbits: np.ndarray
