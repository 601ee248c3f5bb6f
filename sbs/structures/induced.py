"""Representations of a space group modulo a supercell, induced from a small representation of one arm of a star."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sbs.structures.small_representations import LittleGroup, SmallRepresentation
    from sbs.structures.supercell import Supercell
    from sbs.structures.wave_vectors import Star

__all__ = ["InducedRepresentation", "Induction"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


class Induction:
    """What representations that are induced from one arm of a star have in common.

    With representatives s_i that take the first arm to the i-th, r s_j = s_i h for every rotation r and arm j, with h in the
    little group.

    Args:
        supercell: S over the space group.
        star: its arms, the first one that of the little group, and the rotations that take it to each.
        group: the little group of the first arm.

    Attributes:
        target: int (n, s), the arm i for each of the n rotations of P' and each arm j.
        inner: int (n, s), the number of h in the little group.
        phases: complex (n, s), what the lattice vector contributes by which r s_j and s_i h differ.
        translations: complex (s, m), exp(-2πi k_i·t) for every arm and translation.
    """

    def __init__(self, supercell: Supercell, star: Star, group: LittleGroup) -> None:
        self.supercell, self.star = supercell, star
        rotations, shifts = supercell.operations_of_cell
        table, inverses = supercell.point_group.table, supercell.point_group.inverses
        movers = star.movers
        place = np.full(len(rotations), -1, dtype=np.int64)
        place[group.elements] = np.arange(len(group.elements))
        everything = np.arange(len(rotations))
        # r s_j = s_i h with h in the little group: i is the arm whose coset holds r s_j.
        coset = np.full(len(rotations), -1, dtype=np.int64)
        for i, mover in enumerate(movers):
            coset[table[mover, group.elements]] = i
        product = table[everything[:, None], movers[None]]
        self.target = coset[product]
        inner = table[inverses[movers[self.target]], product]
        self.inner = place[inner]
        # Translations: w_r + W_r w_j = w_i + W_i (c + w_h), with c a lattice vector.
        reached = shifts[:, None] + shifts[movers] @ rotations.transpose(0, 2, 1)
        inverse = np.round(np.linalg.inv(rotations[movers])).astype(np.int64)
        carry = np.einsum("rjab,rjb->rja", inverse[self.target], reached - shifts[movers[self.target]]) - shifts[inner]
        self.phases: ComplexArray = np.exp(-2j * np.pi * np.round(carry) @ group.wave_vector)
        self.translations: ComplexArray = np.exp(-2j * np.pi * star.arms @ supercell.quotient.points.T)


class InducedRepresentation:
    """A complex irreducible representation of S.

    D(g) has in row i and column j the small matrix of s_i^-1 g s_j where that lies in the little group, and zero elsewhere.

    Args:
        induction: from an arm of a star.
        small: the small representation.
    """

    def __init__(self, induction: Induction, small: SmallRepresentation) -> None:
        self._induction = induction
        self._supercell, self._star = induction.supercell, induction.star
        self.arms = len(self._star.arms)
        self.small = small

    @property
    def dimension(self) -> int:
        """Number of arms times the dimension of the small representation."""
        return self.arms * self.small.dimension

    @cached_property
    def _blocks(self) -> ComplexArray:
        """For every rotation of P' and arm j the block that takes it to another arm, complex (n, s, d, d)."""
        shared = self._induction
        return np.asarray(shared.phases[..., None, None] * self.small.matrices[shared.inner])

    def characters(self) -> ComplexArray:
        """The character of every element of S, complex (|S|,)."""
        shared = self._induction
        traces = shared.phases * self.small.characters[shared.inner]
        diagonal = np.where(shared.target == np.arange(self.arms), traces, 0)
        return np.asarray((diagonal @ shared.translations).reshape(-1))

    def matrices(self, elements: NDArray[np.intp]) -> ComplexArray:
        """Unitary matrices, complex (m, n, n), of some elements of S."""
        found = self._supercell
        chosen = np.asarray(elements, dtype=np.intp).reshape(-1)
        target, blocks = self._induction.target, self._blocks
        rotation, translation = chosen // found.translations, chosen % found.translations
        phases = self._induction.translations[:, translation].T  # (m, s)
        d = self.small.dimension
        result = np.zeros((len(chosen), self.arms, d, self.arms, d), dtype=np.complex128)
        row, column = np.arange(len(chosen))[:, None], np.arange(self.arms)[None]
        goal = target[rotation]
        result[row, goal, :, column, :] = phases[row, goal][..., None, None] * blocks[rotation]
        return result.reshape(len(chosen), self.dimension, self.dimension)

    @cached_property
    def _intertwiner(self) -> ComplexArray:
        """U with D(g) U = U D(g)*, unitary, for a representation that is equivalent to its conjugate."""
        rng = np.random.default_rng(0)
        start = rng.normal(size=(self.dimension,) * 2) + 1j * rng.normal(size=(self.dimension,) * 2)
        # The mean over the translations keeps what links arms k and -k.
        arms = self._star.arms
        opposite = arms[:, None] + arms[None]
        linked = np.abs(opposite - np.round(opposite)).max(axis=2) < 1e-6
        start *= np.kron(linked, np.ones((self.small.dimension,) * 2))
        given = self.matrices(np.arange(self._supercell.point_group.order) * self._supercell.translations)
        mean = np.asarray((given @ start @ given.transpose(0, 2, 1)).mean(axis=0))
        return mean * (np.sqrt(self.dimension) / float(np.linalg.norm(mean)))

    def real_basis(self) -> ComplexArray:
        """V with V^† D(g) V real: U = V V^T for a symmetric unitary U, whose real and imaginary parts commute."""
        mean = self._intertwiner
        mixed = mean.real + np.sqrt(2) * mean.imag
        _, turn = np.linalg.eigh((mixed + mixed.T) / 2)
        phases = np.diagonal(turn.T @ mean @ turn)
        return np.asarray(turn * np.sqrt(phases / np.abs(phases)))
