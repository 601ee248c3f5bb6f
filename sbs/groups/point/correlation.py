"""How representations of a point group fall apart: in a subgroup, in products, and those of O(3) in the group.

All are scalar products of characters (e.g. M. Tinkham, "Group Theory and Quantum Mechanics", ch. 3): the real irreducible
representation with character psi occurs <chi, psi> / <psi, psi> times in a representation with the real character chi.
Representations are real and named by Mulliken symbols; a conjugate pair of complex ones is one of dimension two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sbs.errors import SymmetryBreakingError
from sbs.groups.abstract.characters import character_table
from sbs.groups.abstract.finite import Subgroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.mulliken import name_irreps
from sbs.groups.point.pointgroups import PointGroup, match_elements, point_group

__all__ = ["RealIrreps", "degree_characters", "product_table", "real_irreps", "subduction"]

# Characters are exact to 1e-12 for groups of order up to some hundreds; multiplicities are integers.
_INTEGER = 1e-6


@dataclass(frozen=True, eq=False)
class RealIrreps:
    """The real irreducible representations of a point group.

    Attributes:
        names: Mulliken symbols. dimensions: int (k,). characters: float64 (k, order), on every element of the group in its
            standard order; read-only.
    """

    names: tuple[str, ...]
    dimensions: np.ndarray
    characters: np.ndarray

    def decompose(self, characters: np.ndarray) -> np.ndarray:
        """Multiplicities of the irreps in representations with real characters (m, order): int (m, k).

        Raises:
            SymmetryBreakingError: the numbers are not characters of representations of the group.
        """
        order = self.characters.shape[1]
        norms = np.einsum("kn,kn->k", self.characters, self.characters) / order
        found = np.asarray(characters, dtype=np.float64) @ self.characters.T / order / norms
        whole = np.rint(found).astype(int)
        if np.abs(found - whole).max(initial=0.0) > _INTEGER or whole.min(initial=0) < 0:
            raise SymmetryBreakingError("these numbers are not the characters of a representation of the group")
        return whole

    def write(self, multiplicities: np.ndarray) -> str:
        """Multiplicities (k,) as text: "A1g + 2Eg"."""
        return " + ".join(
            f"{m if m > 1 else ''}{name}" for m, name in zip(multiplicities.tolist(), self.names, strict=True) if m
        )


def real_irreps(group: PointGroup) -> RealIrreps:
    """The real irreducible representations of a finite point group; the same in every orientation."""
    return _of_family(group.family)


@lru_cache(maxsize=256)
def _of_family(family: PointGroupSymbol) -> RealIrreps:
    group = point_group(family)
    assert isinstance(group, PointGroup)
    table = character_table(group)
    named = name_irreps(family, group.matrices, group.class_of, table)
    values = np.array([table.values[list(irrep.members)].sum(axis=0).real for irrep in named])[:, group.class_of]
    dimensions = np.array([irrep.dimension for irrep in named])
    for array in (values, dimensions):
        array.setflags(write=False)
    return RealIrreps(tuple(irrep.name for irrep in named), dimensions, values)


def subduction(group: PointGroup, subgroup: Subgroup) -> tuple[RealIrreps, np.ndarray]:
    """Correlation table: what the irreps of a group become in a subgroup.

    Args:
        group: S. subgroup: K, a subgroup of it.

    Returns:
        The irreps of K, named in the standard setting that K has where it lies, and the multiplicities, int (number of
        irreps of S, number of irreps of K).
    """
    inner = PointGroup.from_matrices(subgroup.matrices)
    names = real_irreps(inner)
    position = match_elements(inner.matrices, group.matrices)
    return names, names.decompose(real_irreps(group).characters[:, position])


def product_table(group: PointGroup) -> np.ndarray:
    """Multiplicities of the irreps in the products of two irreps: int (k, k, k), [a, b] holds those of a times b."""
    irreps = real_irreps(group)
    k, order = irreps.characters.shape
    products = irreps.characters[:, None] * irreps.characters[None]
    return irreps.decompose(products.reshape(k * k, order)).reshape(k, k, k)


def degree_characters(matrices: np.ndarray, degree: int, even: bool) -> np.ndarray:
    """Characters of the irrep (l, p) of O(3) on orthogonal matrices (n, 3, 3): float64 (n,).

    The character of a rotation by an angle t is 1 + 2 sum_m cos(m t), m = 1 .. l; an improper element is minus a rotation.
    """
    signs = np.rint(np.linalg.det(matrices))
    cosines = np.clip((np.einsum("nii->n", matrices) * signs - 1.0) / 2.0, -1.0, 1.0)
    angles = np.arccos(cosines)
    values = 1.0 + 2.0 * np.cos(np.outer(angles, np.arange(1, degree + 1))).sum(axis=1)
    return values if even else values * signs
