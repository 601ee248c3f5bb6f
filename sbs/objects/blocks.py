"""The blocks that an object may be made of: real orthogonal representations of M, each with what it costs.

Three kinds are one irrep (l, p) of O(3), the irrep on every site of an orbit of a crystal, and the points of M / H where
the elements are nothing but numbers. The choice of blocks (`sbs.objects.choice`) and the best vector in them
(`sbs.objects.separation`) ask no more than this module says, so that a new kind brings no new algorithm.

Elements of M are numbered 0 .. m - 1 throughout, in the order of the Cayley table that a supply holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from sbs.groups.abstract.subgroups import Subgroup
from sbs.objects.cosets import cayley_table
from sbs.objects.invariants import projector_basis
from sbs.objects.irreps import Irrep
from sbs.objects.representation import irrep_matrices

__all__ = [
    "AnyBlock",
    "Block",
    "CosetBlock",
    "Cost",
    "CostKey",
    "IrrepBlock",
    "IrrepSupply",
    "Supply",
    "cost_key",
    "invariants",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]


class Cost(NamedTuple):
    """What one block costs.

    Attributes:
        dim: dimension of the representation that every place carries, 2l + 1 for an irrep.
        l: its degree.
        pseudo: whether it is a pseudotensor, p != (-1)^l.
        places: number of places that carry it: 1 for an object of the whole input, the size of a site orbit for a field.
    """

    dim: int
    l: int = 0
    pseudo: bool = False
    places: int = 1

    @classmethod
    def of(cls, irrep: Irrep, places: int = 1) -> Cost:
        """Cost of an irrep on one place or several."""
        return cls(irrep.dim, irrep.l, not irrep.natural, places)


CostKey = tuple[int, tuple[int, ...], int, tuple[bool, ...], int, tuple[int, ...]]


def cost_key(costs: Iterable[Cost]) -> CostKey:
    """Key by which sums of blocks are ordered, the least first; the order of the blocks does not matter.

    In turn: the total dimension; the degrees l, the largest compared first; the number of pseudotensors, which are
    irreps with p != (-1)^l; which of them are pseudotensors, preferably those of high degree; and last the number of
    places, in all and one by one.
    """
    ordered = sorted(costs, key=lambda cost: cost[1:])
    pseudo = tuple(cost.pseudo for cost in ordered)
    places = tuple(cost.places for cost in ordered)
    degrees = tuple(cost.l for cost in reversed(ordered))
    return sum(cost.dim for cost in ordered), degrees, sum(pseudo), pseudo, sum(places), places


class Block(Protocol):
    """One orthogonal representation of M."""

    @property
    def cost(self) -> Cost:
        """What the block adds to the cost of an object."""

    @property
    def dim(self) -> int:
        """Number d of components that it adds to an object."""

    def act(self, elements: IntArray, vectors: FloatArray) -> FloatArray:
        """Images (k, d, c) of vectors (d, c) under elements of M (k,)."""

    def average(self, elements: IntArray, vectors: FloatArray) -> FloatArray:
        """Mean (d, c) of the images of vectors (d, c) under some elements of M (k,)."""

    def within(self, elements: IntArray, basis: FloatArray) -> FloatArray:
        """The action (k, c, c) of some elements within an orthonormal basis (d, c): basis^T D(g) basis."""


AnyBlock = TypeVar("AnyBlock", bound=Block)
_Kind = TypeVar("_Kind", bound=Block, covariant=True)


class Supply(Protocol[_Kind]):
    """All blocks of one kind, by rising degree, and their characters.

    Attributes:
        table: Cayley table (m, m) of M.
        class_of: int (m,), a class for each element such that all characters are constant on classes.
    """

    @property
    def table(self) -> IntArray: ...
    @property
    def class_of(self) -> IntArray: ...

    def between(self, first: int, last: int) -> tuple[Sequence[_Kind], FloatArray]:
        """The blocks with first <= l <= last by rising l, and their characters, float64 (classes, blocks)."""


def invariants(block: Block, chain: Sequence[IntArray]) -> FloatArray:
    """Orthonormal basis (d, k) of the vectors of a block that a subgroup H of M fixes; the same on every machine.

    Args:
        block: the block.
        chain: H as a product of transversals, see `sbs.objects.cosets.subgroup_chain`.
    """
    projector = np.eye(block.dim)
    for transversal in chain:
        projector = block.average(transversal, projector)
    return projector_basis((projector + projector.T) / 2)


class IrrepBlock:
    """One irrep of O(3), restricted to M.

    Args:
        irrep: (l, p).
        matrices: all elements of M, float64 (m, 3, 3).
    """

    def __init__(self, irrep: Irrep, matrices: FloatArray) -> None:
        self.irrep = irrep
        self._matrices = matrices

    @property
    def cost(self) -> Cost:
        """Dimension, degree and parity of the irrep."""
        return Cost.of(self.irrep)

    @property
    def dim(self) -> int:
        """2l + 1."""
        return self.irrep.dim

    def act(self, elements: IntArray, vectors: FloatArray) -> FloatArray:
        """D(g) v, float64 (k, d, c)."""
        return irrep_matrices(self.irrep, self._matrices[elements]) @ vectors

    def average(self, elements: IntArray, vectors: FloatArray) -> FloatArray:
        """Mean of D(g) v, float64 (d, c)."""
        return np.asarray(irrep_matrices(self.irrep, self._matrices[elements]).mean(axis=0) @ vectors)

    def within(self, elements: IntArray, basis: FloatArray) -> FloatArray:
        """basis^T D(g) basis, float64 (k, c, c)."""
        return np.asarray(basis.T @ irrep_matrices(self.irrep, self._matrices[elements]) @ basis)

    def __repr__(self) -> str:
        return f"IrrepBlock({self.irrep})"


class IrrepSupply:
    """The irreps of O(3) on a group of orthogonal matrices.

    Args:
        matrices: all elements of M, float64 (m, 3, 3).
        table: Cayley table (m, m) of M if at hand; otherwise it is computed.
    """

    def __init__(self, matrices: FloatArray, table: IntArray | None = None) -> None:
        self.matrices = matrices
        self.table = cayley_table(matrices) if table is None else table
        self._improper = np.linalg.det(matrices) < 0
        proper = matrices * np.where(self._improper, -1.0, 1.0)[:, None, None]
        axial = proper[:, [2, 0, 1], [1, 2, 0]] - proper[:, [1, 2, 0], [2, 0, 1]]
        angles = np.arctan2(np.linalg.norm(axial, axis=1), np.trace(proper, axis1=1, axis2=2) - 1)
        # Equal angles are pooled: a group of order 1000 has few different characters.
        self._angles, pooled = np.unique(np.round(angles, 12), return_inverse=True)
        self.class_of = pooled.reshape(-1) + len(self._angles) * self._improper

    def block(self, irrep: Irrep) -> IrrepBlock:
        """The block of one irrep."""
        return IrrepBlock(irrep, self.matrices)

    def between(self, first: int, last: int) -> tuple[list[IrrepBlock], FloatArray]:
        """Both irreps of each degree, that of natural parity first.

        Characters of rotations by t are chi_l = 1 + 2 cos t + ... + 2 cos l t, so that no matrix is needed, up to any l.
        """
        proper = np.ones((len(self._angles), last + 1))
        proper[:, 1:] += 2 * np.cumsum(np.cos(self._angles[:, None] * np.arange(1, last + 1)), axis=1)
        irreps = [Irrep(l, p) for l in range(first, last + 1) for p in ((-1) ** l, -((-1) ** l))]
        rotations = np.repeat(proper[:, first:], 2, axis=1)
        improper = rotations * np.array([irrep.p for irrep in irreps], dtype=np.float64)
        return [self.block(irrep) for irrep in irreps], np.concatenate([rotations, improper])


class CosetBlock:
    """The points of M / H, which M permutes: the block of a group whose elements are only numbers.

    Args:
        stabilizer: H.
        movers: element numbers (d,) of the parent of H, one in each coset m H of M; the points in their order.
    """

    def __init__(self, stabilizer: Subgroup, movers: IntArray) -> None:
        self.movers = movers
        self._multiply = stabilizer.parent.multiply
        self.coset_of = np.full(stabilizer.parent.order, -1, dtype=np.intp)
        self.coset_of[self._multiply(movers[:, None], stabilizer.elements)] = np.arange(len(movers))[:, None]

    @property
    def cost(self) -> Cost:
        """As many dimensions as there are points."""
        return Cost(self.dim)

    @property
    def dim(self) -> int:
        """|M| / |H|."""
        return len(self.movers)

    @property
    def points(self) -> FloatArray:
        """The points as rows of the unit matrix, float64 (d, d): a read-only view of 2 d - 1 numbers."""
        line = np.zeros(2 * self.dim - 1)
        line[self.dim - 1] = 1.0
        return np.lib.stride_tricks.sliding_window_view(line, self.dim)[::-1]

    def images(self, elements: IntArray) -> IntArray:
        """The point that each point is carried to, (k, d), by elements given by their numbers in the parent of H."""
        return self.coset_of[self._multiply(elements[:, None], self.movers)]

    def act(self, elements: IntArray, vectors: FloatArray) -> FloatArray:
        """Rows of the vectors carried to the images of their points, float64 (k, d, c)."""
        result = np.empty((len(elements), *vectors.shape))
        result[np.arange(len(elements))[:, None], self.images(elements)] = vectors
        return result

    def average(self, elements: IntArray, vectors: FloatArray) -> FloatArray:
        """Mean of the carried vectors, float64 (d, c)."""
        return np.asarray(self.act(elements, vectors).mean(axis=0))

    def within(self, elements: IntArray, basis: FloatArray) -> FloatArray:
        """basis^T D(g) basis, float64 (k, c, c)."""
        return np.asarray(basis.T @ self.act(elements, basis))
