"""Ways to lay a child's cell on a multiple of the parent's primitive cell, and the cell in which both have all of S.

A sublattice of the parent's lattice is an integer matrix whose rows are its basis on the parent's primitive one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.structures.integer_lattices import hermite_form, kept_sublattice
from sbs.structures.orient import polar

__all__ = ["MAX_STRAIN", "LaidCell", "common_sublattice", "matching_cells"]

#: Largest strain (Frobenius norm) that still counts as a distortion of the parent's lattice; ferroelastic
#: strains are a few percent, and beyond this cells of different shape begin to look alike.
MAX_STRAIN = 0.2
# Cells are tried by strain in these steps; ferroelastic strains end the search at the first or second.
STRAIN_STEPS = (0.02, 0.06, MAX_STRAIN)
# A strain e changes a scalar product of two vectors by at most 2 e (and e² more) of the product of their lengths.
PRODUCT_SLACK = 2.5
# Triples of vectors compared at a time.
CHUNK = 2_000_000


@dataclass(frozen=True, eq=False)
class LaidCell:
    """``child ≈ matrix @ basis @ (1 + strain) @ rotation``, rows; for columns ``parent = rotation @ child``.

    Attributes:
        matrix: int (3, 3), the rows of the child's cell on the parent's basis.
        strain: float64 (3, 3), symmetric, in the parent's frame.
        rotation: proper float64 (3, 3), from the child's frame to the parent's.
    """

    matrix: NDArray[np.int64]
    strain: NDArray[np.float64]
    rotation: NDArray[np.float64]


def matching_cells(
    basis: NDArray[np.float64],
    child: NDArray[np.float64],
    multiple: int,
    actions: NDArray[np.int64],
    layer: bool = False,
) -> Iterator[list[LaidCell]]:
    """Ways to lay a child's cell (3, 3) on ``multiple`` cells of a lattice, by rising strain in steps.

    Args:
        basis: float64 (3, 3), the parent's primitive lattice, rows. child: float64 (3, 3), rows, a reduced basis.
        actions: int (g, 3, 3), the parent's point group acting on rows of integers from the right; of ways that one of its
            rotations carries into each other the first is kept.
        layer: whether the third vectors stand for no period and must stay.

    Yields:
        For each step of strain the ways within it that were in no step before, by rising strain.
    """
    longest = float(np.linalg.norm(child, axis=1).max()) * (1 + MAX_STRAIN)
    bounds = np.floor(longest * np.linalg.norm(np.linalg.inv(basis), axis=0)).astype(int)
    coefficients = np.array(list(np.ndindex(*(2 * bounds + 1)))) - bounds
    vectors = coefficients @ basis
    lengths = np.linalg.norm(vectors, axis=1)
    sizes = np.linalg.norm(child, axis=1)
    proper = actions[np.linalg.det(actions) > 0]
    seen: set[bytes] = set()
    for step in STRAIN_STEPS:
        rows = [np.flatnonzero(np.abs(lengths - size) <= step * size) for size in sizes]
        if layer:
            upright = (np.abs(coefficients) == [0, 0, 1]).all(axis=1)
            flat = coefficients[:, 2] == 0
            rows = [row[flat[row]] for row in rows[:2]] + [rows[2][upright[rows[2]]]]
        found = []
        for matrix in _triples(coefficients, vectors, child, rows, step, multiple):
            if matrix.tobytes() in seen:
                continue
            change = np.linalg.inv(matrix @ basis) @ child
            if np.linalg.det(change) <= 0:
                continue
            turn = polar(change)
            strain = change @ turn.T - np.eye(3)
            if np.linalg.norm(strain) > step:
                continue
            seen |= {np.ascontiguousarray(image).tobytes() for image in matrix @ proper}
            found.append(LaidCell(matrix, (strain + strain.T) / 2, turn))
        if found:
            yield sorted(found, key=lambda way: round(float(np.linalg.norm(way.strain)), 9))


def _triples(
    coefficients: NDArray[np.int64],
    vectors: NDArray[np.float64],
    child: NDArray[np.float64],
    rows: list[NDArray[np.int64]],
    step: float,
    multiple: int,
) -> Iterator[NDArray[np.int64]]:
    """Integer matrices of one determinant whose rows have nearly the lengths and scalar products of a child's cell vectors."""
    products = child @ child.T
    sizes = np.linalg.norm(child, axis=1)
    slack = PRODUCT_SLACK * step * np.outer(sizes, sizes)
    first, second = (part.ravel() for part in np.meshgrid(rows[0], rows[1], indexing="ij"))
    alike = np.abs(np.einsum("ij,ij->i", vectors[first], vectors[second]) - products[0, 1]) <= slack[0, 1]
    first, second = first[alike], second[alike]
    chunk = max(1, CHUNK // max(1, len(rows[2])))
    for start in range(0, len(first), chunk):
        i, j = first[start : start + chunk], second[start : start + chunk]
        fits = np.abs(vectors[i] @ vectors[rows[2]].T - products[0, 2]) <= slack[0, 2]
        fits &= np.abs(vectors[j] @ vectors[rows[2]].T - products[1, 2]) <= slack[1, 2]
        pair, third = np.nonzero(fits)
        matrices = np.stack([coefficients[i[pair]], coefficients[j[pair]], coefficients[rows[2][third]]], axis=1)
        matrices = matrices[np.abs(np.round(np.linalg.det(matrices))) == multiple] if len(matrices) else matrices
        # among equally good ways the one with the largest entries comes first: fewest signs to read
        yield from matrices[np.lexsort(-matrices.reshape(-1, 9).T[::-1])]


def common_sublattice(*lattices: NDArray[np.int64], actions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The largest lattice inside all of some sublattices (rows each) that a point group keeps, as a Hermite form.

    Args:
        actions: int (g, 3, 3), all elements acting on rows from the right.
    """
    common = lattices[0]
    for other in lattices[1:]:
        scale = abs(round(float(np.linalg.det(common)) * float(np.linalg.det(other))))
        duals = np.concatenate([np.linalg.inv(common).T, np.linalg.inv(other).T]) * scale
        total = hermite_form(np.round(duals).astype(np.int64))
        common = np.round(scale * np.linalg.inv(total).T).astype(np.int64)
    return kept_sublattice(common, actions)
