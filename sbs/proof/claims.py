"""What is claimed about a symmetry-breaking set, as arrays and numbers.

A claim holds whatever a result states in public. It is built by the room that makes results; this room only reads it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbs.errors import CertificateError

__all__ = ["ClosedClaim", "Continuous", "Elements", "FiniteClaim", "Refuted", "insist"]


def insist(condition: object, claim: str) -> None:
    """Raise CertificateError unless a claim holds."""
    if not condition:
        raise CertificateError(
            f"the certificate does not hold: {claim}; report this set as a bug, or rebuild it if it was stored"
        )


@dataclass(frozen=True, eq=False)
class Elements:
    """Elements of a finite group: what they do, or where that is unknown their numbers in a Cayley table.

    Attributes:
        matrices: float64 (n, d, d), orthogonal if they act on vectors; or None.
        permutations: integers (n, points), element g takes point i to ``permutations[g, i]``; or None.
        numbers: integers (n,) of the claim's Cayley table; or None.
    """

    matrices: np.ndarray | None = None
    permutations: np.ndarray | None = None
    numbers: np.ndarray | None = None

    def __len__(self) -> int:
        for part in (self.matrices, self.permutations, self.numbers):
            if part is not None:
                return len(part)
        return 0


@dataclass(frozen=True, eq=False)
class Continuous:
    """An infinite closed subgroup of O(3).

    Attributes:
        symbol: "Cinf", "Cinfv", "Cinfh", "Dinf", "Dinfh", "SO(3)" or "O(3)".
        axis: unit vector (3,), of no meaning for SO(3) and O(3).
    """

    symbol: str
    axis: np.ndarray


@dataclass(frozen=True, eq=False)
class Refuted:
    """A class of larger stabilizers that the search says it excluded.

    Attributes:
        order: of their image L in N_M(K) / N_S(K).
        generators: elements whose cosets generate L.
        reason: "no lift of an element", "no complement" or "rejected".
    """

    order: int
    generators: Elements
    reason: str


@dataclass(frozen=True, eq=False)
class FiniteClaim:
    """A set with a finite normalizer M.

    Attributes:
        group, target, normalizer, stabilizer: S, K, M and H, all elements of each.
        ambient: "O(3)", "SO(3)", or all elements of the finite ambient group G.
        law: Cayley table of G, if elements are numbers.
        exact, lmax, size, ideal_size, degeneracy, is_ideal: as in `MinimalSet`.
        irreps: e3nn notation; None if objects are the points of M / H.
        objects: float64 (size, dim), or for a field on the points that the elements permute (size, points, dim).
        orbits: integers (size,).
        target_of: for each object the elements of a conjugate of K.
        movers: elements that take the first object to each, or None; needed for points of M / H.
        sites: for a field, the numbers of the points that carry it, rising; None for other objects.
        seed: the first object.
        samples: some objects drawn from the set.
        refuted: the classes of larger stabilizers that were excluded.
    """

    group: Elements
    target: Elements
    normalizer: Elements
    stabilizer: Elements
    ambient: str | Elements
    exact: bool
    lmax: int | None
    size: int
    ideal_size: int
    degeneracy: int
    is_ideal: bool
    irreps: str | None
    objects: np.ndarray
    orbits: np.ndarray
    target_of: tuple[Elements, ...]
    seed: np.ndarray
    samples: np.ndarray
    movers: Elements | None = None
    sites: np.ndarray | None = None
    law: np.ndarray | None = None
    refuted: tuple[Refuted, ...] = ()


@dataclass(frozen=True, eq=False)
class ClosedClaim:
    """A set with an infinite normalizer M. Attributes as in `FiniteClaim`; lists are None where the set is infinite."""

    group: Elements | Continuous
    target: Elements | Continuous
    normalizer: Continuous
    stabilizer: Elements | Continuous
    ambient: str
    exact: bool
    lmax: int | None
    size: int | float
    ideal_size: int | float
    degeneracy: int | float
    is_ideal: bool
    irreps: str
    seed: np.ndarray
    samples: np.ndarray
    objects: np.ndarray | None = None
    orbits: np.ndarray | None = None
    target_of: tuple[Elements | Continuous, ...] | None = None
