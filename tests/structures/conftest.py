"""Shared structures and movements for the tests of the structures room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


def turn(rng: np.random.Generator) -> np.ndarray:
    """A random element of O(3), both handednesses alike."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.diagonal(r))


@pytest.fixture
def cubic_perovskite() -> tuple[np.ndarray, list[list[float]], list[str]]:
    """Cubic BaTiO3, a = 4.0077 Å."""
    sites = [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]
    return np.eye(3) * 4.0077, sites, ["Ba", "Ti", "O", "O", "O"]


@pytest.fixture
def moved() -> Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Turn, shift, shuffle and shake a molecule: gives positions, labels and the turn."""

    def move(
        positions: np.ndarray, labels: np.ndarray, seed: int, noise: float = 0.0
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        g = turn(rng)
        order = rng.permutation(len(labels))
        shake = rng.normal(size=(len(labels), 3))
        shake *= noise / np.linalg.norm(shake, axis=1, keepdims=True)
        return positions[order] @ g.T + rng.normal(size=3) + shake, np.asarray(labels)[order], g

    return move
