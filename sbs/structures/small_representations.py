"""Irreducible representations of the little group of a wave vector, from its operations alone.

The operations (W | w) of a crystal that keep a wave vector k up to a reciprocal lattice vector form its little group. A small
representation sends a lattice translation n to exp(-2πi k·n), so that on the rotations it is projective with the factors
exp(-2πi k·c), where w_a + W_a w_b = w_ab + c. All of them are found in the regular representation: a generic Hermitian element
of its commutant has one eigenspace for every copy of every irreducible part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.errors import SearchLimitError

__all__ = ["LittleGroup", "SmallRepresentation", "little_group", "small_representations"]

# A shift of one lattice step shows as 1 against rounding and the error of the shifts.
CARRY_SLACK = 0.05
# Eigenvalues of one copy agree to rounding; those of different copies differ by a random amount, and by less than this with
# a chance of some 1e-6, when another element of the commutant is drawn.
SAME_EIGENVALUE = 1e-7
DRAWS = 20
# Norms of characters are integers.
NORM_SLACK = 1e-6

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class LittleGroup:
    """The little group of a wave vector modulo lattice translations.

    Attributes:
        wave_vector: float64 (3,), in reciprocal coordinates of the basis that the operations are written in.
        elements: int (h,), the numbers of its rotations in the point group, the identity first.
        table: int (h, h), products in this numbering.
        factors: complex (h, h): D(a) D(b) = factors[a, b] D(ab).
    """

    wave_vector: FloatArray
    elements: IntArray
    table: IntArray
    factors: ComplexArray


@dataclass(frozen=True, eq=False)
class SmallRepresentation:
    """One irreducible small representation.

    Attributes:
        matrices: complex (h, d, d), unitary.
        characters: complex (h,).
    """

    matrices: ComplexArray
    characters: ComplexArray

    @property
    def dimension(self) -> int:
        """d."""
        return int(self.matrices.shape[1])


def little_group(
    wave_vector: FloatArray, rotations: IntArray, shifts: FloatArray, table: IntArray
) -> LittleGroup:
    """The little group of a wave vector.

    Args:
        wave_vector: float64 (3,), reciprocal coordinates.
        rotations: int (n, 3, 3), all rotations of the point group on a basis of the lattice, the identity first.
        shifts: float64 (n, 3).
        table: int (n, n), products of the rotations.
    """
    turned = wave_vector @ np.linalg.inv(rotations) - wave_vector
    elements = np.flatnonzero(np.abs(turned - np.round(turned)).max(axis=1) < CARRY_SLACK)
    number = np.full(len(rotations), -1, dtype=np.int64)
    number[elements] = np.arange(len(elements))
    own = np.asarray(table)[np.ix_(elements, elements)].astype(np.int64)
    w = shifts[elements]
    carries = w[:, None] + np.einsum("aij,bj->abi", rotations[elements], w) - shifts[own]
    factors = np.exp(-2j * np.pi * np.round(carries) @ wave_vector)
    return LittleGroup(wave_vector, elements, number[own], factors)


def small_representations(group: LittleGroup, seed: int = 0) -> tuple[SmallRepresentation, ...]:
    """All small representations up to equivalence, sorted by dimension and then by their characters, the largest first.

    Raises:
        SearchLimitError: the decomposition failed, which rounding alone could cause.
    """
    count = len(group.elements)
    everything = np.arange(count)
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        weights = rng.normal(size=count) + 1j * rng.normal(size=count)
        commuting = np.zeros((count, count), dtype=np.complex128)
        # R(c) e_b = factors[b, c] e_bc commutes with L(a) e_b = factors[a, b] e_ab.
        np.add.at(commuting, (group.table, everything[:, None]), group.factors * weights[None])
        values, vectors = np.linalg.eigh(commuting + commuting.conj().T)
        edges = np.flatnonzero(np.diff(values) > SAME_EIGENVALUE * max(1.0, float(np.abs(values).max()))) + 1
        found = _irreducible(vectors, np.concatenate([[0], edges]), group)
        if found is not None:
            return found
    raise SearchLimitError(
        f"the representations of a little group of {count} rotations could not be separated in {DRAWS} draws; report the crystal"
    )


def _irreducible(
    vectors: ComplexArray, starts: NDArray[np.intp], group: LittleGroup
) -> tuple[SmallRepresentation, ...] | None:
    """One of each kind, from eigenvectors (h, h) as columns and the first column of each eigenspace; None unless every space is
    irreducible and all kinds are there."""
    count = len(group.elements)
    # L(a) e_b = factors[a, b] e_ab: in (a, b, column) the rows ab, so that V^† L(a) V is a sum over b
    carried = group.factors[:, :, None] * vectors[group.table].conj()
    characters = np.add.reduceat(np.einsum("abi,bi->ai", carried, vectors), starts, axis=1).T
    products = np.abs(characters @ characters.conj().T) / count
    if np.abs((np.abs(characters) ** 2).mean(axis=1) - 1).max() > NORM_SLACK:
        return None
    different = np.flatnonzero((products > 0.5).argmax(axis=1) == np.arange(len(starts)))
    found = []
    for number in different.tolist():
        part = slice(starts[number], starts[number + 1] if number + 1 < len(starts) else count)
        matrices = np.einsum("abi,bj->aij", carried[:, :, part], vectors[:, part], optimize=True)
        found.append(SmallRepresentation(matrices, characters[number]))
    if sum(each.dimension**2 for each in found) != count:
        return None
    return tuple(sorted(found, key=_rank))


def _rank(representation: SmallRepresentation) -> tuple[float, ...]:
    values = np.round(representation.characters, 6) + 0.0
    return (representation.dimension, *np.stack([-values.real, -values.imag], axis=1).ravel().tolist())
