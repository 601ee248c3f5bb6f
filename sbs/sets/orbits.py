"""A symmetry-breaking set as one orbit: what a finite and a continuous one have in common, and the finite one.

Everything here is in the setting of the solver; `sbs.sets.minimal_set` turns it to that of the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sbs.groups.abstract.immutability import frozen
from sbs.groups.abstract.subgroups import Subgroup
from sbs.objects.irreps import Irrep

__all__ = ["OBJECT_DIGITS", "FiniteOrbit", "Known", "Orbit"]

#: Decimals kept of the components of an object: what is beyond is rounding, and differs between machines.
OBJECT_DIGITS = 14


class Orbit(Protocol):
    """The M-orbit of one object, which is the set."""

    @property
    def stabilizer(self) -> Any:
        """H, the stabilizer of the seed in M: a `Subgroup` of the solver's parent, a `PointGroup` or a `ClosedGroup`."""

    @property
    def irreps(self) -> tuple[Irrep, ...] | None:
        """Irreps of the blocks of an object; None for a group whose elements are only numbers."""

    @property
    def seed(self) -> np.ndarray:
        """One object, float64 (dim,); the first where they are listed."""

    @property
    def objects(self) -> np.ndarray:
        """All objects of a finite orbit, float64 (size, dim), sorted by S-orbit."""

    @property
    def orbits(self) -> np.ndarray:
        """Number of the S-orbit of each object of a finite orbit, int (size,)."""

    def conjugates(self, target: Any) -> Sequence[Any]:
        """For each object of a finite orbit the image of K, which fixes the seed, that fixes it."""

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """``n`` objects drawn uniformly under M, float64 (n, dim)."""


@dataclass(frozen=True, eq=False)
class FiniteOrbit:
    """Objects that are listed.

    Attributes:
        stabilizer: H, the stabilizer in M of object 0.
        irreps: irreps of the blocks, or None for points of M / H.
        objects: float64 (size, dim).
        movers: element numbers (size,) of the parent; ``movers[i]`` takes object 0 to object i.
        orbits: integers (size,), the S-orbit of each object.
    """

    stabilizer: Subgroup
    irreps: tuple[Irrep, ...] | None
    objects: np.ndarray
    movers: np.ndarray
    orbits: np.ndarray

    def __post_init__(self) -> None:
        for array in (self.objects, self.movers, self.orbits):
            frozen(array)

    @property
    def seed(self) -> np.ndarray:
        """Object 0."""
        return np.asarray(self.objects[0])

    def conjugates(self, target: Subgroup) -> Sequence[Subgroup]:
        """The images of K under the movers."""
        return [target.conjugate(int(mover)) for mover in self.movers]

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Objects of the list."""
        return np.asarray(self.objects[rng.integers(len(self.objects), size=n)])


@dataclass(frozen=True, eq=False)
class Known:
    """An orbit that need not be computed, for example because it was stored."""

    orbit: Orbit

    def __call__(self) -> Orbit:
        """The orbit."""
        return self.orbit
