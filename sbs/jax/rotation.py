"""Rotation of features by orthogonal matrices, traceable and differentiable.

D^l comes from D^(l-1) and D^1 = R by the Clebsch-Gordan series D^l = C^T (D^(l-1) x R) C, as in `sbs.nn.wigner`; C is found
here as the map that commutes with the representations of `sbs.objects.representation`, whose sign does not matter.
"""

from __future__ import annotations

from functools import lru_cache

import jax.numpy as jnp
import numpy as np
from jax import Array

from sbs.errors import NetworkInputError
from sbs.jax.checks import is_known, real
from sbs.objects.irreps import irreps_dim, parse_irreps
from sbs.objects.representation import representation

__all__ = ["rotate"]

# Largest allowed entry of R^T R - 1, by the dtype of R: several roundings of a product of rotations.
_ORTHOGONAL = {"float64": 1e-6, "float32": 1e-4}
_COARSELY_ORTHOGONAL = 1e-2

# Random rotations that a map has to commute with: two generate a dense subgroup of SO(3), the third is for safety.
_ROTATIONS = 3
_SEED = 11


@lru_cache(maxsize=64)
def _coupling(l: int) -> np.ndarray:
    """C, float64 (3 (2 l - 1), 2 l + 1), orthonormal columns."""
    q, r = np.linalg.qr(np.random.default_rng(_SEED).normal(size=(_ROTATIONS, 3, 3)))
    turns = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    turns *= np.sign(np.linalg.det(turns))[:, None, None]
    # Parity does not enter: rotations only.
    lower, upper = representation(f"1x{l - 1}e", turns), representation(f"1x{l}e", turns)
    rows, columns = 3 * (2 * l - 1), 2 * l + 1
    equations = [
        np.kron(np.kron(a, g), np.eye(columns)) - np.kron(np.eye(rows), b.T)
        for a, g, b in zip(lower, turns, upper, strict=True)
    ]
    _, _, right = np.linalg.svd(np.concatenate(equations))
    found = right[-1].reshape(rows, columns)
    return found / np.linalg.norm(found, axis=0)


def rotate(features: Array, irreps: str, rotations: Array) -> Array:
    """D(g) x for each row of ``features`` (n, dim) with ``irreps`` and its matrix g of ``rotations`` (n, 3, 3), in O(3).

    Raises:
        NetworkInputError: the shapes do not fit, or a matrix is not orthogonal, as far as values are known.
    """
    features, rotations = real(features, "features"), real(rotations, "rotations")
    if features.ndim != 2 or features.shape[1] != irreps_dim(irreps) or rotations.shape != (len(features), 3, 3):
        raise NetworkInputError(
            f"features has shape {features.shape} and rotations {rotations.shape}; expected (n, {irreps_dim(irreps)}) for "
            f"{irreps}, and (n, 3, 3)."
        )
    if is_known(rotations) and len(rotations):
        exact = np.asarray(rotations, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            off = float(np.abs(exact.transpose(0, 2, 1) @ exact - np.eye(3)).max())
        if not off <= _ORTHOGONAL.get(str(rotations.dtype), _COARSELY_ORTHOGONAL):
            raise NetworkInputError(
                f"rotations are not orthogonal: R^T R differs from 1 by {off:.1e}; give matrices of O(3), R such that the input "
                "is R times the standard orientation."
            )
    sign = jnp.sign(jnp.linalg.det(rotations))
    proper = rotations * sign[:, None, None]
    terms = parse_irreps(irreps)
    blocks = [jnp.ones((len(features), 1, 1), proper.dtype), proper]
    for l in range(2, max((irrep.l for _, irrep in terms), default=0) + 1):
        coupling = jnp.asarray(_coupling(l), proper.dtype)
        side = 3 * (2 * l - 1)
        product = (blocks[-1][:, :, None, :, None] * proper[:, None, :, None, :]).reshape(-1, side, side)
        blocks.append(coupling.T @ product @ coupling)
    pieces, start = [], 0
    for mul, irrep in terms:
        stop = start + mul * irrep.dim
        piece = features[:, start:stop].reshape(-1, mul, irrep.dim)
        turned = jnp.einsum("nij,nmj->nmi", blocks[irrep.l], piece).reshape(-1, stop - start)
        pieces.append(turned * sign[:, None] if irrep.p == -1 else turned)
        start = stop
    return jnp.concatenate(pieces, axis=1)
