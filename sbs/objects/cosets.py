"""Cosets in a finite group given by orthogonal matrices or by its Cayley table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sbs.errors import InvalidGroupError

__all__ = ["cayley_table", "left_cosets", "subgroup_chain"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

# Products of group elements are matched to elements to this accuracy. The elements of D_nh differ by 2 pi / n.
_PRODUCT_TOLERANCE = 1e-7


def cayley_table(matrices: FloatArray) -> IntArray:
    """Table (m, m) with matrices[table[a, b]] == matrices[a] @ matrices[b], for a closed set of matrices.

    Elements are told apart by one generic linear function of their entries, and the match is then checked.

    Raises:
        InvalidGroupError: if a product is not among the matrices.
    """
    count, dim = matrices.shape[:2]
    # The sines of different integers are linearly independent over the algebraic numbers.
    weights = np.sin(np.arange(1.0, 1.0 + dim * dim))
    keys = matrices.reshape(count, -1) @ weights
    order = np.argsort(keys, kind="stable")
    folded = np.einsum("ik,bjk->ijb", weights.reshape(dim, dim), matrices).reshape(dim * dim, count)
    products = matrices.reshape(count, -1) @ folded
    middles = (keys[order][1:] + keys[order][:-1]) / 2
    table = order[np.searchsorted(middles, products)]
    exact = np.einsum("ij,bjk->bik", matrices[-1], matrices)
    matched = np.abs(keys[table] - products).max(), np.abs(matrices[table[-1]] - exact).max()
    if not max(matched) < _PRODUCT_TOLERANCE:
        raise InvalidGroupError(
            "cosets: the matrices are not closed under multiplication; give all elements of a group"
        )
    return table


def left_cosets(table: IntArray, mask: BoolArray) -> IntArray:
    """For each element g the smallest element of g H, where ``mask`` marks the subgroup H; shape (m,)."""
    return table[:, np.flatnonzero(mask)].min(axis=1)


def subgroup_chain(table: IntArray, mask: BoolArray) -> list[IntArray]:
    """Transversals T_1, ..., T_k such that every element of H is one product t_k ... t_1 in exactly one way.

    The mean over H in any representation is then the product of the means over the few elements of each
    transversal, which for a group of hundreds of elements are a few dozen: T_i are the left coset
    representatives of a group in the next larger one of a chain that ends with H.

    Raises:
        InvalidGroupError: if the elements are not closed under multiplication.
    """
    identity = int(np.flatnonzero(table[:, 0] == 0)[0])
    inside = np.zeros(len(table), dtype=bool)
    inside[identity] = True
    inverses = np.argmax(table == identity, axis=1)
    chain: list[IntArray] = []
    generators: list[int] = []
    while (outside := np.flatnonzero(mask & ~inside)).size:
        generators.append(_next_generator(table, inverses, inside, outside, generators))
        transversal, inside = _extend(table, identity, inside, generators)
        if (inside & ~mask).any():
            raise InvalidGroupError("cosets: the marked elements are not closed under multiplication")
        chain.append(transversal)
    return chain


def _next_generator(
    table: IntArray, inverses: IntArray, inside: BoolArray, outside: IntArray, generators: list[int]
) -> int:
    """Element outside L that normalises L if one does, and of which a low power lies in L: a small step."""
    normalising = np.ones(len(outside), dtype=bool)
    for s in generators:
        normalising &= inside[table[table[outside, s], inverses[outside]]]
    choices = outside[normalising] if normalising.any() else outside
    powers = choices
    while not (reached := inside[powers]).any():
        powers = table[powers, choices]
    return int(choices[np.argmax(reached)])


def _extend(table: IntArray, identity: int, inside: BoolArray, generators: list[int]) -> tuple[IntArray, BoolArray]:
    """Left coset representatives of L in the group that the generators span, and the mask of that group."""
    members = np.flatnonzero(inside)
    grown = inside.copy()
    transversal = [identity]
    for t in transversal:  # grows while it is walked through: the orbit of the coset L
        for s in generators:
            image = int(table[s, t])
            if not grown[image]:
                grown[table[image, members]] = True
                transversal.append(image)
    return np.array(transversal), grown
