"""A generic vector that a closed subgroup of O(3) in standard setting fixes, from harmonics about the axis z.

With φ the azimuth from x towards y, D∞h about z takes the harmonics cos m φ and sin m φ of the irrep (l, p) to multiples of
themselves, or mixes the two:

    turn by t:  cos m φ -> cos m (φ - t),  sin likewise
    σh:         both times p (-1)^m
    σv (y -> -y):        cos times p (-1)^l,  sin times -p (-1)^l
    C2' (about x):       cos times (-1)^(l+m),  sin times -(-1)^(l+m)

so that what a group fixes is written down, without a mean over its elements.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sbs.groups.point.closed import AxialSubgroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.generators import standard_matrices
from sbs.objects.invariants import invariant_basis
from sbs.objects.irreps import Irrep
from sbs.objects.representation import irrep_matrices
from sbs.objects.stabilizers import Closed, is_axis_fixed, waves_kept

__all__ = ["generic_vector", "harmonics"]

#: Takes y to z, z to x and x to y: the harmonics of e3nn's basis have their pole along y and count the azimuth from z.
_POLE_TO_Z = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]).T


@lru_cache(maxsize=64)
def harmonics(l: int) -> np.ndarray:
    """Columns m = -l .. l of the irrep l: sin |m| φ for m < 0, the zonal one for m = 0, cos m φ; read-only, orthonormal."""
    columns = irrep_matrices(Irrep(l, 1), _POLE_TO_Z[None])[0]
    columns = np.where(np.abs(columns) < 1e-15, 0.0, columns)
    columns.setflags(write=False)
    return columns


def generic_vector(group: Closed, irreps: tuple[Irrep, ...]) -> np.ndarray:
    """Vector (dim,) of V^H, unit norm in each irrep, with as small a stabilizer as V^H has.

    Args:
        group: H in standard setting: about z, a mirror through the axis or a two-fold axis across it contains x.
        irreps: irreps that each have a vector fixed by H.
    """
    if isinstance(group, PointGroupSymbol):
        return _of_basis([_polyhedral_basis(group, irrep) for irrep in irreps])
    blocks, free = [], 0
    for irrep in irreps:
        columns, total = harmonics(irrep.l), np.zeros(irrep.dim)
        if is_axis_fixed(group, irrep):
            total += columns[:, irrep.l]
        for m in waves_kept(group, irrep):
            cosine, sine = columns[:, irrep.l + m], columns[:, irrep.l - m]
            if group.components & {"σv", "C2'"}:
                total += cosine if _is_even(group, irrep, m) else sine
            else:
                # The first wave sets the azimuth; one eighth of a period between it and the others is as far from all
                # mirrors and two-fold axes across z as can be.
                total += cosine if free == 0 else (cosine + sine) / np.sqrt(2)
                free += 1
        blocks.append(total / np.linalg.norm(total))
    return np.concatenate(blocks)


def _is_even(group: AxialSubgroup, irrep: Irrep, m: int) -> bool:
    """Whether the flip through x keeps cos m φ rather than sin m φ."""
    if "C2'" in group.components:
        return (irrep.l + m) % 2 == 0
    return irrep.natural


def _polyhedral_basis(group: PointGroupSymbol, irrep: Irrep) -> np.ndarray:
    if group.series in ("SO(3)", "O(3)"):
        return np.ones((1, 1))
    return invariant_basis(irrep_matrices(irrep, standard_matrices(group)))


def _of_basis(bases: list[np.ndarray]) -> np.ndarray:
    """Sum of the basis vectors with weights that have no rational relations."""
    blocks = [basis @ np.sqrt(np.arange(1.0, basis.shape[1] + 1)) for basis in bases]
    return np.concatenate([block / np.linalg.norm(block) for block in blocks])
