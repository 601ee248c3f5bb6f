"""Wave vectors that repeat in a cell: which there are, their stars, and the names that crystallographers give them.

Names and representatives are those of Cracknell, Davies, Miller and Love (1979) in the standard setting of International Tables
(reciprocal coordinates of the conventional basis), as in H. T. Stokes, B. J. Campbell and R. Cordes, Acta Cryst. A 69, 388
(2013), read off the lists of the package Crystalline.jl. Where the representative of a special point lies in no arm of a star,
because the point group is not the full one of the lattice, the name of its image with an A added is taken ("PA").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sbs.structures.integer_lattices import Quotient, small_vectors

__all__ = [
    "Star",
    "bravais_lattice",
    "commensurate_stars",
    "name_star",
    "reciprocal_vectors",
    "shortest_equivalents",
    "star_order",
]

# Wave vectors of a cell are rational; two of them differ by far more.
SAME_VECTOR = 1e-5
# Lengths of wave vectors that differ by no more are equal but for the error of the lattice.
SAME_LENGTH = 1e-3
# Multiples of six of every index are reciprocal lattice vectors of all lattices; what is left of an arm, and what is between it
# and a point of the table, has indices within this.
PERIOD = 6
REACH = 4

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

#: Bravais lattice -> name -> representative, with free parameters u, v, w.
NAMES = {
    "aP": "Γ 0,0,0; X 1/2,0,0; Y 0,1/2,0; Z 0,0,1/2; V 1/2,1/2,0; U 1/2,0,1/2; T 0,1/2,1/2; R 1/2,1/2,1/2; Ω u,v,w",
    "mP": (
        "Γ 0,0,0; Y 1/2,0,0; Z 0,1/2,0; B 0,0,1/2; C 1/2,1/2,0; A 1/2,0,1/2; D 0,1/2,1/2; E 1/2,1/2,1/2; Λ 0,v,0; W 1/2,v,0; "
        "V 0,v,1/2; U 1/2,v,1/2; F u,0,w; G u,1/2,w; Ω u,v,w"
    ),
    "mC": "Γ 0,0,0; Y 0,1,0; A 0,0,1/2; M 0,1,1/2; V 1/2,1/2,0; L 1/2,1/2,1/2; Λ 0,v,0; U 0,v,1/2; B u,0,w; Ω u,v,w",
    "oP": (
        "Γ 0,0,0; X 1/2,0,0; Y 0,1/2,0; Z 0,0,1/2; S 1/2,1/2,0; U 1/2,0,1/2; T 0,1/2,1/2; R 1/2,1/2,1/2; Σ u,0,0; Δ 0,v,0; "
        "Λ 0,0,w; C u,1/2,0; D 1/2,v,0; A u,0,1/2; B 0,v,1/2; G 1/2,0,w; H 0,1/2,w; E u,1/2,1/2; P 1/2,v,1/2; Q 1/2,1/2,w; "
        "K 0,v,w; L 1/2,v,w; M u,0,w; N u,1/2,w; V u,v,0; W u,v,1/2; Ω u,v,w"
    ),
    "oC": (
        "Γ 0,0,0; Y 1,0,0; Z 0,0,1/2; T 1,0,1/2; S 1/2,1/2,0; R 1/2,1/2,1/2; Σ u,0,0; Δ 0,v,0; Λ 0,0,w; H 1,0,w; A u,0,1/2; "
        "B 0,v,1/2; D 1/2,1/2,w; K 0,v,w; M u,0,w; P u,v,0; Q u,v,1/2; Ω u,v,w"
    ),
    "oA": (
        "Γ 0,0,0; Y 0,0,-1; Z 1/2,0,0; T 1/2,0,-1; S 0,1/2,-1/2; R 1/2,1/2,-1/2; Σ 0,0,w; Δ 0,v,0; Λ u,0,0; H u,0,-1; "
        "A 1/2,0,w; B 1/2,v,0; D u,1/2,-1/2; K u,v,0; M u,0,w; P 0,v,w; Q 1/2,v,w; Ω u,v,w"
    ),
    "oF": (
        "Γ 0,0,0; T 1,0,0; Y 0,1,0; Z 0,0,1; L 1/2,1/2,1/2; Σ u,0,0; Δ 0,v,0; Λ 0,0,w; A u,0,1; B 0,v,1; H 0,1,w; E 0,v,w; "
        "J u,0,w; M u,v,0; Ω u,v,w"
    ),
    "oI": (
        "Γ 0,0,0; X 1,1,1; R 1/2,0,1/2; S 0,1/2,1/2; T 1/2,1/2,0; W 1/2,1/2,1/2; Σ u,0,0; Δ 0,v,0; Λ 0,0,w; D u,1/2,1/2; "
        "Q 1/2,v,1/2; P 1/2,1/2,w; A 0,v,w; B u,0,w; C u,v,0; Ω u,v,w"
    ),
    "tP": (
        "Γ 0,0,0; Z 0,0,1/2; M 1/2,1/2,0; A 1/2,1/2,1/2; X 0,1/2,0; R 0,1/2,1/2; Λ 0,0,w; V 1/2,1/2,w; W 0,1/2,w; Σ u,u,0; "
        "S u,u,1/2; Δ 0,v,0; U 0,v,1/2; Y u,1/2,0; T u,1/2,1/2; B 0,v,w; C u,u,w; D u,v,0; E u,v,1/2; F u,1/2,w; Ω u,v,w"
    ),
    "tI": (
        "Γ 0,0,0; M 1,1,1; X 1/2,1/2,0; P 1/2,1/2,1/2; N 1/2,0,1/2; Λ 0,0,w; W 1/2,1/2,w; Σ u,0,0; Δ u,u,0; Y u,1-u,0; "
        "Q 1/2,v,1/2; A u,u,w; B u,0,w; C u,v,0; Ω u,v,w"
    ),
    "hP": (
        "Γ 0,0,0; A 0,0,1/2; K 1/3,1/3,0; H 1/3,1/3,1/2; M 1/2,0,0; L 1/2,0,1/2; Δ 0,0,w; P 1/3,1/3,w; U 1/2,0,w; Λ u,u,0; "
        "Q u,u,1/2; Σ u,0,0; R u,0,1/2; B u,v,0; C u,u,w; D u,0,w; E u,v,1/2; Ω u,v,w"
    ),
    "hR": "Γ 0,0,0; T 0,0,3/2; L -1/2,1/2,1/2; F 0,1/2,1; Λ 0,0,w; Σ u,-2u,0; Y u,u,3/2; C u,-u,w; Ω u,v,w",
    "cP": (
        "Γ 0,0,0; X 0,1/2,0; M 1/2,1/2,0; R 1/2,1/2,1/2; Δ 0,v,0; Σ u,u,0; Λ u,u,u; S u,1/2,u; T 1/2,1/2,w; Z u,1/2,0; A u,v,0; "
        "B u,1/2,w; C u,u,w; Ω u,v,w"
    ),
    "cF": (
        "Γ 0,0,0; X 0,1,0; L 1/2,1/2,1/2; W 1/2,1,0; Δ 0,v,0; Σ u,u,0; Λ u,u,u; V u,1,0; Q 1/2,v,1-v; A u,v,0; C u,u,w; Ω u,v,w"
    ),
    "cI": (
        "Γ 0,0,0; H 1,1,1; N 1/2,1/2,0; P 1/2,1/2,1/2; Δ 0,v,0; Σ u,u,0; Λ u,u,u; D 1/2,1/2,w; G 1+u,1-u,1; A u,v,0; C u,u,w; "
        "Ω u,v,w"
    ),
}


@dataclass(frozen=True, eq=False)
class Star:
    """The images of a wave vector under the point group, up to reciprocal lattice vectors.

    Attributes:
        arms: float64 (s, 3), reciprocal coordinates of the primitive basis.
        movers: int (s,), the number of a rotation that takes the first arm to each.
    """

    arms: FloatArray
    movers: IntArray


def bravais_lattice(number: int, symbol: str) -> str:
    """Symbol of the Bravais lattice of a space group, such as "cF"; "oA" apart from "oC"."""
    for last, family in ((2, "a"), (15, "m"), (74, "o"), (142, "t"), (194, "h")):
        if number <= last:
            return family + symbol[0]
    return "c" + symbol[0]


def commensurate_stars(quotient: Quotient, rotations: IntArray) -> list[Star]:
    """All wave vectors k with k·t integer for the translations t of a cell, star by star, k = 0 first.

    Args:
        quotient: ℤ³ / Λ, Λ the cell's translations on the primitive basis.
        rotations: int (n, 3, 3), a group that keeps Λ, the identity first.
    """
    dual = Quotient(quotient.form.T)
    inverse = np.linalg.inv(quotient.form).T  # rows: a basis of the wave vectors
    vectors = dual.points @ inverse
    turned = vectors @ np.linalg.inv(rotations)  # (n, m, 3): k W^-1
    numbers = dual.number(np.round(turned @ quotient.form.T).astype(np.int64))
    stars = []
    seen = np.zeros(dual.order, dtype=bool)
    for first in range(dual.order):
        if seen[first]:
            continue
        arms, movers = np.unique(numbers[:, first], return_index=True)
        order = np.argsort(movers, kind="stable")
        stars.append(Star(vectors[arms[order]], movers[order]))
        seen[arms] = True
    return stars


@dataclass(frozen=True, eq=False)
class _Named:
    """One row of the table: k = offset + parameters @ directions."""

    name: str
    offset: FloatArray
    directions: FloatArray


@lru_cache(maxsize=32)
def _table(lattice: str) -> tuple[_Named, ...]:
    rows = []
    for entry in NAMES[lattice].split(";"):
        name, vector = entry.split()
        offset, directions = np.zeros(3), np.zeros((3, 3))
        for axis, term in enumerate(vector.split(",")):
            offset[axis], directions[:, axis] = _linear(term)
        rows.append(_Named(name, offset, directions[np.abs(directions).any(axis=1)]))
    return tuple(sorted(rows, key=lambda row: len(row.directions)))


def _linear(term: str) -> tuple[float, list[float]]:
    """Constant part and coefficients of u, v, w in a term such as "1-u", "-2u" or "1/2"."""
    constant, slopes = 0.0, [0.0, 0.0, 0.0]
    for part in term.replace("-", "+-").split("+"):
        if not part:
            continue
        letter = next((k for k, name in enumerate("uvw") if name in part), None)
        number = part.rstrip("uvw")
        value = -1.0 if number == "-" else 1.0 if not number else _fraction(number)
        if letter is None:
            constant += value
        else:
            slopes[letter] += value
    return constant, slopes


def _fraction(text: str) -> float:
    top, _, bottom = text.partition("/")
    return float(top) / float(bottom or 1)


def name_star(
    arms: FloatArray, matrix: FloatArray, reciprocal: FloatArray, lattice: str, holohedry: IntArray, rotations: int
) -> tuple[str, tuple[float, ...], int]:
    """The name of a star, the values of its free parameters, and the arm that the name belongs to.

    Args:
        arms: float64 (s, 3), on the primitive basis.
        matrix: float64 (3, 3), Q of the standard setting: k on the conventional basis is ``k @ inv(Q)``.
        reciprocal: of that setting, see `reciprocal_vectors`.
        lattice: symbol of the Bravais lattice.
        holohedry: int (m, 3, 3), rotations of the lattice in the standard setting.
        rotations: order of the group whose star it is.
    """
    conventional = arms @ np.linalg.inv(matrix)
    conventional -= PERIOD * np.round(conventional / PERIOD)
    # A star of as many rotations as the lattice has holds every image of the representative already.
    others = np.linalg.inv(holohedry) if rotations < len(holohedry) else ()
    for row in _table(lattice):
        found = _parameters(conventional, reciprocal, row.offset, row.directions)
        if found is not None:
            return row.name, *found
        turned = [_parameters(conventional, reciprocal, row.offset @ w, row.directions @ w) for w in others]
        images = [each for each in turned if each is not None]
        if images:
            return f"{row.name}A", *min(images)
    raise AssertionError("the general wave vector matches every star")


def star_order(point: str, parameters: tuple[float, ...], lattice: str) -> tuple[int, int, str, tuple[float, ...]]:
    """A key that sorts stars as the table lists them: points first, Γ before all, then lines and planes by their parameters."""
    names = [row.name for row in _table(lattice)]
    place = names.index(point) if point in names else names.index(point.removesuffix("A"))
    return len(parameters), place, point, parameters


def reciprocal_vectors(matrix: FloatArray) -> FloatArray:
    """Reciprocal lattice vectors (m, 3) with small indices on the conventional basis, from Q (3, 3) of the standard setting."""
    indices = small_vectors(REACH).astype(np.float64)
    periodic = indices @ matrix
    return indices[(np.abs(periodic - np.round(periodic)) < SAME_VECTOR).all(axis=1)]


def shortest_equivalents(
    arms: FloatArray, matrix: FloatArray, reciprocal: FloatArray, basis: FloatArray
) -> FloatArray:
    """The shortest vector equivalent to each arm, (s, 3) in reciprocal coordinates of the standard setting; of several the one
    with the largest first coordinates.

    Args:
        arms: float64 (s, 3), on the primitive basis.
        matrix: float64 (3, 3), Q of the standard setting. reciprocal: of that setting, see `reciprocal_vectors`.
        basis: float64 (3, 3), the conventional basis vectors as rows, Å.
    """
    conventional = arms @ np.linalg.inv(matrix)
    conventional -= PERIOD * np.round(conventional / PERIOD)
    candidates = conventional[:, None] + reciprocal
    lengths = np.linalg.norm(candidates @ np.linalg.inv(basis).T, axis=2)
    chosen = []
    for own, sizes in zip(candidates, lengths, strict=True):
        near = own[sizes < sizes.min() * (1 + SAME_LENGTH) + SAME_VECTOR]
        chosen.append(near[np.lexsort(np.round(near, 4).T[::-1])[-1]])
    return np.array(chosen)


def _parameters(
    arms: FloatArray, reciprocal: FloatArray, offset: FloatArray, directions: FloatArray
) -> tuple[tuple[float, ...], int] | None:
    """The least positive parameters with which an arm is of the given form, and that arm; None if none is."""
    rest = arms[:, None] + reciprocal[None] - offset
    if len(directions) == 0:
        fits = np.abs(rest).max(axis=2) < SAME_VECTOR
        return ((), int(fits.any(axis=1).argmax())) if fits.any() else None
    values = rest @ np.linalg.pinv(directions)
    fits = np.abs(values @ directions - rest).max(axis=2) < SAME_VECTOR
    # Of equivalent arms the first in the order of the parameters, none of them negative, stands for all.
    fits &= (values > -SAME_VECTOR).all(axis=2)
    if not fits.any():
        return None
    candidates = [(tuple((np.round(values[a, r], 6) + 0.0).tolist()), int(a)) for a, r in np.argwhere(fits)]
    return min(candidates)
