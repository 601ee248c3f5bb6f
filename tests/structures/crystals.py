"""Parent crystals of many lattice types, as (lattice in Å, fractional positions, labels)."""

from __future__ import annotations

from typing import Any

import numpy as np


def _hexagonal(a: float, c: float) -> np.ndarray:
    return np.array([[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, c]])


_FCC = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
_BCC = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2

#: Name -> crystal in a primitive cell.
CRYSTALS: dict[str, tuple[Any, Any, list[str]]] = {
    "perovskite": (
        np.eye(3) * 3.905,
        [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
        ["Sr", "Ti", "O", "O", "O"],
    ),
    "rocksalt": (_FCC * 5.64, [[0, 0, 0], [0.5, 0.5, 0.5]], ["Na", "Cl"]),
    "zincblende": (_FCC * 5.41, [[0, 0, 0], [0.25, 0.25, 0.25]], ["Zn", "S"]),
    "fluorite": (_FCC * 5.14, [[0, 0, 0], [0.25, 0.25, 0.25], [0.75, 0.75, 0.75]], ["Zr", "O", "O"]),
    "iron": (_BCC * 2.87, [[0, 0, 0]], ["Fe"]),
    "rutile": (
        np.diag([4.594, 4.594, 2.959]),
        [[0, 0, 0], [0.5, 0.5, 0.5], [0.305, 0.305, 0], [0.695, 0.695, 0], [0.195, 0.805, 0.5], [0.805, 0.195, 0.5]],
        ["Ti", "Ti", "O", "O", "O", "O"],
    ),
    # Body-centred tetragonal, I4/mmm, z(K) = 0.352, z(F) = 0.151.
    "K2NiF4": (
        np.array([[-4.006, 4.006, 13.076], [4.006, -4.006, 13.076], [4.006, 4.006, -13.076]]) / 2,
        [
            [0, 0, 0],
            [0.352, 0.352, 0],
            [0.648, 0.648, 0],
            [0.151, 0.151, 0],
            [0.849, 0.849, 0],
            [0.5, 0, 0.5],
            [0, 0.5, 0.5],
        ],
        ["Ni", "K", "K", "F", "F", "F", "F"],
    ),
    "hcp": (_hexagonal(3.21, 5.21), [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]], ["Mg", "Mg"]),
    "wurtzite": (
        _hexagonal(3.25, 5.207),
        [[1 / 3, 2 / 3, 0], [2 / 3, 1 / 3, 0.5], [1 / 3, 2 / 3, 0.382], [2 / 3, 1 / 3, 0.882]],
        ["Zn", "Zn", "O", "O"],
    ),
    # Trigonal, P-3m1.
    "CdI2": (_hexagonal(4.24, 6.84), [[0, 0, 0], [1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]], ["Cd", "I", "I"]),
    # Rhombohedral, R-3m, on the primitive cell.
    "Bi2Te3": (
        np.array([[2.192, 1.2655, 10.166], [-2.192, 1.2655, 10.166], [0, -2.531, 10.166]]),
        [[0, 0, 0], [0.4, 0.4, 0.4], [0.6, 0.6, 0.6], [0.212, 0.212, 0.212], [0.788, 0.788, 0.788]],
        ["Te", "Bi", "Bi", "Te", "Te"],
    ),
    # Simple tetragonal, P4/mmm.
    "PbO layer": (np.diag([3.9, 3.9, 4.2]), [[0, 0, 0], [0.5, 0.5, 0.5]], ["Pb", "O"]),
    # Primitive orthorhombic, Pmmm.
    "orthorhombic": (np.diag([3.1, 4.2, 5.3]), [[0, 0, 0], [0.5, 0.5, 0.5]], ["Cs", "Cl"]),
    # Base-centred orthorhombic, Cmcm (α-uranium).
    "uranium": (
        np.array([[1.427, -2.935, 0], [1.427, 2.935, 0], [0, 0, 4.955]]),
        [[0.898, 0.102, 0.25], [0.102, 0.898, 0.75]],
        ["U", "U"],
    ),
    # Simple monoclinic, P2/m.
    "monoclinic": (
        np.array([[4.1, 0, 0], [0, 3.3, 0], [-1.1, 0, 5.0]]),
        [[0, 0, 0], [0.5, 0.5, 0.5]],
        ["Ca", "O"],
    ),
    "triclinic": (np.array([[4.1, 0.3, 0.2], [0.1, 5.3, -0.4], [-0.7, 0.5, 6.1]]), [[0, 0, 0], [0.5, 0.5, 0.5]], ["Li", "F"]),
    # Skutterudite-like Im-3 (ReO3 cell with square rings), boracite-free cubic groups of lower symmetry.
    "pyrite": (
        np.eye(3) * 5.42,
        [
            *([0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]),
            *(
                [(s * u + a) % 1, (t * u + b) % 1, (r * u + c) % 1]
                for u in (0.385,)
                for s, t, r, a, b, c in (
                    (1, 1, 1, 0, 0, 0),
                    (-1, -1, -1, 0, 0, 0),
                    (-1, -1, 1, 0.5, 0, 0.5),
                    (1, 1, -1, 0.5, 0, 0.5),
                    (-1, 1, -1, 0, 0.5, 0.5),
                    (1, -1, 1, 0, 0.5, 0.5),
                    (1, -1, -1, 0.5, 0.5, 0),
                    (-1, 1, 1, 0.5, 0.5, 0),
                )
            ),
        ],
        ["Fe"] * 4 + ["S"] * 8,
    ),
}
