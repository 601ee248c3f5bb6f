"""Which irreducible representation each linear, rotational and quadratic function belongs to.

The right-hand columns of the printed tables (F. A. Cotton, "Chemical Applications of Group Theory"): x, y, z are a
polar vector, Rx, Ry, Rz an axial one, and the products of coordinates a symmetric tensor. A function belongs to a
representation when the isotypic projector (d / |G|) sum_g chi(g)* D(g) fixes it; functions that the group mixes
stand together in parentheses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["function_labels"]

Array = NDArray[np.float64]

# Projectors and transformed functions are sums of at most 120 terms of order 1, good to 1e-13.
_ZERO = 1e-9

# Coefficients in the basis (x², y², z², yz, xz, xy) of products.
_PRODUCTS: dict[str, tuple[float, ...]] = {
    "x²": (1, 0, 0, 0, 0, 0), "y²": (0, 1, 0, 0, 0, 0), "z²": (0, 0, 1, 0, 0, 0),
    "x²+y²": (1, 1, 0, 0, 0, 0), "x²+y²+z²": (1, 1, 1, 0, 0, 0), "2z²-x²-y²": (-1, -1, 2, 0, 0, 0),
    "x²-y²": (1, -1, 0, 0, 0, 0), "xy": (0, 0, 0, 0, 0, 1), "xz": (0, 0, 0, 0, 1, 0), "yz": (0, 0, 0, 1, 0, 0),
}  # fmt: skip
_MIXED = ("xy", "xz", "yz")
# Bases of the quadratic functions; the first whose members each lie in one representation is the customary one.
_BASES = (
    ("x²", "y²", "z²", *_MIXED),
    ("x²+y²", "z²", "x²-y²", *_MIXED),
    ("x²+y²+z²", "2z²-x²-y²", "x²-y²", *_MIXED),
)
_PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def function_labels(matrices: Array, characters: Array, dimensions: NDArray[np.integer]) -> list[dict[str, list[str]]]:
    """Functions carried by each real irreducible representation.

    Args:
        matrices: float64 (n, 3, 3). characters: float64 (k, n), the real character of every representation on every
            element. dimensions: int (k,) real dimensions.

    Returns:
        For every representation a dict with the keys "linear" (x, y, z), "rotation" (Rx, Ry, Rz) and "quadratic"; a
        value is a list of functions, "(x, y)" standing for two that are mixed.
    """
    signs = np.round(np.linalg.det(matrices))
    # A conjugate pair of complex representations has <chi, chi> = 2, so that its projector is d/2 times the sum.
    norms = np.einsum("kn,kn->k", characters, characters) / len(matrices)
    weights = characters * (dimensions / norms)[:, None] / len(matrices)
    vector = {name: tuple(np.eye(3)[i]) for i, name in enumerate("xyz")}
    rotation = {f"R{name}": coefficients for name, coefficients in vector.items()}
    tensor = _quadratic_action(matrices)
    return [
        {"linear": linear, "rotation": turning, "quadratic": quadratic}
        for linear, turning, quadratic in zip(
            _assign(matrices, weights, vector),
            _assign(matrices * signs[:, None, None], weights, rotation),
            _assign(tensor, weights, _quadratic_basis(tensor, weights)),
            strict=True,
        )
    ]


def _quadratic_action(matrices: Array) -> Array:
    """Action on the coefficients of quadratic forms, f -> f(g^-1 r): float64 (n, 6, 6) in the basis of products."""
    action = np.zeros((len(matrices), 6, 6))
    for column, (i, j) in enumerate(_PAIRS):
        # g maps the function r_i r_j to sum_ab R[a, i] R[b, j] r_a r_b.
        image = np.einsum("na,nb->nab", matrices[:, :, i], matrices[:, :, j])
        for row, (a, b) in enumerate(_PAIRS):
            action[:, row, column] = image[:, a, b] if a == b else image[:, a, b] + image[:, b, a]
    return action


def _quadratic_basis(action: Array, weights: Array) -> dict[str, tuple[float, ...]]:
    projectors = np.einsum("kn,nij->kij", weights, action)
    for names in _BASES:
        if all(_owner(projectors, np.array(_PRODUCTS[name], dtype=float)) is not None for name in names):
            return {name: _PRODUCTS[name] for name in names}
    raise AssertionError("no customary basis of quadratic functions fits this setting")  # the three cover all groups


def _owner(projectors: Array, function: Array) -> int | None:
    fits = np.abs(projectors @ function - function).max(axis=1) < _ZERO
    return int(np.argmax(fits)) if fits.any() else None


def _assign(action: Array, weights: Array, functions: dict[str, tuple[float, ...]]) -> list[list[str]]:
    projectors = np.einsum("kn,nij->kij", weights, action)
    names = list(functions)
    basis = np.array([functions[name] for name in names], dtype=float)  # rows
    images = np.einsum("nij,fj->nfi", action, basis) @ np.linalg.inv(basis)
    mixing = np.abs(images).max(axis=0)  # [f, e]: largest coefficient of e in an image of f
    result: list[list[str]] = [[] for _ in weights]
    done: set[int] = set()
    for first, name in enumerate(names):
        if first in done:
            continue
        together = [e for e in range(len(names)) if mixing[first, e] > _ZERO]
        done.update(together)
        owner = _owner(projectors, basis[first])
        if owner is None:
            raise AssertionError(f"the function {name} lies in no single representation")
        label = ", ".join(names[e] for e in together)
        result[owner].append(f"({label})" if len(together) > 1 else label)
    return result
