"""Elementary abelian layers of a normal subgroup, with coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbs.groups.abstract.modular import smallest_prime_factor
from sbs.groups.abstract.subgroups import Parent, Subgroup

__all__ = ["Layer", "derived_subgroup", "elementary_layers"]


@dataclass(frozen=True)
class Layer:
    """A factor U / V of characteristic subgroups of A, elementary abelian of order p^d.

    Attributes:
        prime: p.
        basis: element numbers (d,) whose cosets are a basis.
        coordinates: integers (n, d), the coordinates of u V for u in U; -1 for elements outside U.
    """

    prime: int
    basis: np.ndarray
    coordinates: np.ndarray

    def elements(self, group: Parent, vectors: np.ndarray) -> np.ndarray:
        """One element of U for each coordinate vector, ``(..., d)`` to ``(...,)``."""
        result = np.zeros(vectors.shape[:-1], dtype=np.intp)
        for position, element in enumerate(self.basis):
            power = np.array([group.power(int(element), e) for e in range(self.prime)])
            result = group.multiply(result, power[vectors[..., position]])
        return result


def derived_subgroup(subgroup: Subgroup) -> Subgroup:
    """Normal closure of the commutators of the generators."""
    group = subgroup.parent
    gens = np.array(subgroup.generators, dtype=np.intp)
    if not len(gens):
        return subgroup
    products = group.multiply(gens[:, None], gens)
    derived = group.subgroup(np.unique(group.multiply(products, group.inverses[products.T])).tolist())
    while True:
        images = group.conjugate(np.array(derived.generators or (0,), dtype=np.intp), gens[:, None])
        outside = images[~derived.mask[images]]
        if not len(outside):
            return derived
        derived = group.subgroup([*derived.generators, *np.unique(outside).tolist()])


def elementary_layers(subgroup: Subgroup) -> tuple[list[Layer], Subgroup]:
    """Layers of A from the top, and what is left below them: 1 if A is solvable, else a perfect group.

    Every group of the series is characteristic in A, so that conjugation acts on each layer (Holt, Eick and
    O'Brien, Handbook of Computational Group Theory, sec. 8.1 and 8.3).
    """
    group = subgroup.parent
    layers: list[Layer] = []
    current = subgroup
    while current.order > 1:
        derived = derived_subgroup(current)
        if derived.order == current.order:
            break
        while current.order > derived.order:
            prime = smallest_prime_factor(current.order // derived.order)
            powers = [group.power(g, prime) for g in current.generators]
            lower = group.subgroup([*derived.generators, *powers])
            layers.append(_layer(current, lower, prime))
            current = lower
    return layers, current


def _layer(upper: Subgroup, lower: Subgroup, prime: int) -> Layer:
    group = upper.parent
    members = lower.elements
    mask = np.array(lower.mask)
    basis: list[int] = []
    vectors = np.zeros((len(members), 0), dtype=np.int64)
    for generator in upper.generators:
        if mask[generator]:
            continue
        basis.append(generator)
        powers = np.array([group.power(generator, e) for e in range(prime)])
        members = group.multiply(members[None], powers[:, None]).astype(np.intp)
        exponents = np.broadcast_to(np.arange(prime)[:, None, None], (*members.shape, 1))
        vectors = np.concatenate([np.broadcast_to(vectors, (prime, *vectors.shape)), exponents], axis=2)
        members, vectors = members.ravel(), vectors.reshape(-1, len(basis))
        mask[members] = True
    coordinates = np.full((group.order, len(basis)), -1, dtype=np.int64)
    coordinates[members] = vectors
    return Layer(prime, np.array(basis, dtype=np.intp), coordinates)
