"""The character tables of the 32 crystallographic point groups as they stand in the textbooks.

Written down by hand after F. A. Cotton, "Chemical Applications of Group Theory", appendix II, and S. L. Altmann and
P. Herzig, "Point-Group Theory Tables"; the library computes the same tables from Cayley tables alone. A column is
named by one element of its class (see `ELEMENTS`); groups with inversion, or with an odd axis and a horizontal mirror,
are direct products and are written as such. In a row of a conjugate pair the first of the two complex characters
stands; w is exp(2πi/3), and -w* = exp(2πi/6).
"""

from __future__ import annotations

import cmath

import numpy as np


def rotation(axis: tuple[float, float, float], turn: float) -> np.ndarray:
    """Rotation by 2π·turn about an axis, by Rodrigues' formula."""
    x, y, z = np.array(axis, dtype=float) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = 2 * np.pi * turn
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


Z, X, Y, XY, D = (0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 1)
I = -np.eye(3)
SH = np.diag([1.0, 1.0, -1.0])
ELEMENTS = {
    "E": np.eye(3), "i": I, "sh": SH,
    "C2": rotation(Z, 1 / 2), "C3": rotation(Z, 1 / 3), "C3-": rotation(Z, -1 / 3),
    "C4": rotation(Z, 1 / 4), "C4-": rotation(Z, -1 / 4), "C6": rotation(Z, 1 / 6), "C6-": rotation(Z, -1 / 6),
    "C2x": rotation(X, 1 / 2), "C2y": rotation(Y, 1 / 2), "C2xy": rotation(XY, 1 / 2),
    "sx": I @ rotation(X, 1 / 2), "sy": I @ rotation(Y, 1 / 2), "sxy": I @ rotation(XY, 1 / 2),
    "S4": SH @ rotation(Z, 1 / 4), "S4-": SH @ rotation(Z, -1 / 4),
    "C3d": rotation(D, 1 / 3), "C3d-": rotation(D, -1 / 3),
}  # fmt: skip

w = cmath.exp(2j * cmath.pi / 3)
v = w.conjugate()

# name of the group: (columns, {representation: row})
SIMPLE: dict[str, tuple[str, dict[str, list[complex]]]] = {
    "C1": ("E", {"A": [1]}),
    "C2": ("E C2", {"A": [1, 1], "B": [1, -1]}),
    "C3": ("E C3 C3-", {"A": [1, 1, 1], "E": [1, w, v]}),
    "C4": ("E C4 C2 C4-", {"A": [1, 1, 1, 1], "B": [1, -1, 1, -1], "E": [1, 1j, -1, -1j]}),
    "S4": ("E S4 C2 S4-", {"A": [1, 1, 1, 1], "B": [1, -1, 1, -1], "E": [1, 1j, -1, -1j]}),
    "C6": (
        "E C6 C3 C2 C3- C6-",
        {
            "A": [1, 1, 1, 1, 1, 1],
            "B": [1, -1, 1, -1, 1, -1],
            "E1": [1, -v, w, -1, v, -w],
            "E2": [1, w, v, 1, w, v],
        },
    ),
    "D2": ("E C2 C2y C2x", {"A": [1, 1, 1, 1], "B1": [1, 1, -1, -1], "B2": [1, -1, 1, -1], "B3": [1, -1, -1, 1]}),
    "D3": ("E C3 C2x", {"A1": [1, 1, 1], "A2": [1, 1, -1], "E": [2, -1, 0]}),
    "D4": (
        "E C4 C2 C2x C2xy",
        {
            "A1": [1, 1, 1, 1, 1],
            "A2": [1, 1, 1, -1, -1],
            "B1": [1, -1, 1, 1, -1],
            "B2": [1, -1, 1, -1, 1],
            "E": [2, 0, -2, 0, 0],
        },
    ),
    "D6": (
        "E C6 C3 C2 C2x C2y",
        {
            "A1": [1, 1, 1, 1, 1, 1],
            "A2": [1, 1, 1, 1, -1, -1],
            "B1": [1, -1, 1, -1, 1, -1],
            "B2": [1, -1, 1, -1, -1, 1],
            "E1": [2, 1, -1, -2, 0, 0],
            "E2": [2, -1, -1, 2, 0, 0],
        },
    ),
    "C2v": ("E C2 sy sx", {"A1": [1, 1, 1, 1], "A2": [1, 1, -1, -1], "B1": [1, -1, 1, -1], "B2": [1, -1, -1, 1]}),
    "C3v": ("E C3 sy", {"A1": [1, 1, 1], "A2": [1, 1, -1], "E": [2, -1, 0]}),
    "C4v": (
        "E C4 C2 sy sxy",
        {
            "A1": [1, 1, 1, 1, 1],
            "A2": [1, 1, 1, -1, -1],
            "B1": [1, -1, 1, 1, -1],
            "B2": [1, -1, 1, -1, 1],
            "E": [2, 0, -2, 0, 0],
        },
    ),
    "C6v": (
        "E C6 C3 C2 sy sx",
        {
            "A1": [1, 1, 1, 1, 1, 1],
            "A2": [1, 1, 1, 1, -1, -1],
            "B1": [1, -1, 1, -1, 1, -1],
            "B2": [1, -1, 1, -1, -1, 1],
            "E1": [2, 1, -1, -2, 0, 0],
            "E2": [2, -1, -1, 2, 0, 0],
        },
    ),
    "D2d": (
        "E S4 C2 C2x sxy",
        {
            "A1": [1, 1, 1, 1, 1],
            "A2": [1, 1, 1, -1, -1],
            "B1": [1, -1, 1, 1, -1],
            "B2": [1, -1, 1, -1, 1],
            "E": [2, 0, -2, 0, 0],
        },
    ),
    "T": ("E C3d C3d- C2", {"A": [1, 1, 1, 1], "E": [1, w, v, 1], "T": [3, 0, 0, -1]}),
    "O": (
        "E C3d C2 C4 C2xy",
        {
            "A1": [1, 1, 1, 1, 1],
            "A2": [1, 1, 1, -1, -1],
            "E": [2, -1, 2, 0, 0],
            "T1": [3, 0, -1, 1, -1],
            "T2": [3, 0, -1, -1, 1],
        },
    ),
    "Td": (
        "E C3d C2 S4 sxy",
        {
            "A1": [1, 1, 1, 1, 1],
            "A2": [1, 1, 1, -1, -1],
            "E": [2, -1, 2, 0, 0],
            "T1": [3, 0, -1, 1, -1],
            "T2": [3, 0, -1, -1, 1],
        },
    ),
}
# direct products: (first factor, the extra element of order two)
PRODUCTS = {
    "Ci": ("C1", "i"), "C2h": ("C2", "i"), "S6": ("C3", "i"), "C4h": ("C4", "i"), "C6h": ("C6", "i"),
    "D2h": ("D2", "i"), "D3d": ("D3", "i"), "D4h": ("D4", "i"), "D6h": ("D6", "i"), "Th": ("T", "i"), "Oh": ("O", "i"),
    "Cs": ("C1", "sh"), "C3h": ("C3", "sh"), "D3h": ("D3", "sh"),
}  # fmt: skip

# representation: linear, rotational and quadratic functions in the order of the printed tables
FUNCTIONS = {
    "C1": "A: x y z Rx Ry Rz x² y² z² xy xz yz",
    "Ci": "Ag: Rx Ry Rz x² y² z² xy xz yz; Au: x y z",
    "Cs": "A': x y Rz x² y² z² xy; A'': z Rx Ry xz yz",
    "C2": "A: z Rz x² y² z² xy; B: x y Rx Ry xz yz",
    "C2h": "Ag: Rz x² y² z² xy; Bg: Rx Ry xz yz; Au: z; Bu: x y",
    "C2v": "A1: z x² y² z²; A2: Rz xy; B1: x Ry xz; B2: y Rx yz",
    "D2": "A: x² y² z²; B1: z Rz xy; B2: y Ry xz; B3: x Rx yz",
    "D2h": "Ag: x² y² z²; B1g: Rz xy; B2g: Ry xz; B3g: Rx yz; Au: ; B1u: z; B2u: y; B3u: x",
    "C4": "A: z Rz x²+y² z²; B: x²-y² xy; E: (x,y) (Rx,Ry) (xz,yz)",
    "S4": "A: Rz x²+y² z²; B: z x²-y² xy; E: (x,y) (Rx,Ry) (xz,yz)",
    "C4h": "Ag: Rz x²+y² z²; Bg: x²-y² xy; Eg: (Rx,Ry) (xz,yz); Au: z; Bu: ; Eu: (x,y)",
    "C4v": "A1: z x²+y² z²; A2: Rz; B1: x²-y²; B2: xy; E: (x,y) (Rx,Ry) (xz,yz)",
    "D2d": "A1: x²+y² z²; A2: Rz; B1: x²-y²; B2: z xy; E: (x,y) (Rx,Ry) (xz,yz)",
    "D4": "A1: x²+y² z²; A2: z Rz; B1: x²-y²; B2: xy; E: (x,y) (Rx,Ry) (xz,yz)",
    "D4h": "A1g: x²+y² z²; A2g: Rz; B1g: x²-y²; B2g: xy; Eg: (Rx,Ry) (xz,yz); A1u: ; A2u: z; B1u: ; B2u: ; Eu: (x,y)",
    "C3": "A: z Rz x²+y² z²; E: (x,y) (Rx,Ry) (x²-y²,xy) (xz,yz)",
    "S6": "Ag: Rz x²+y² z²; Eg: (Rx,Ry) (x²-y²,xy) (xz,yz); Au: z; Eu: (x,y)",
    "C3v": "A1: z x²+y² z²; A2: Rz; E: (x,y) (Rx,Ry) (x²-y²,xy) (xz,yz)",
    "D3": "A1: x²+y² z²; A2: z Rz; E: (x,y) (Rx,Ry) (x²-y²,xy) (xz,yz)",
    "D3d": "A1g: x²+y² z²; A2g: Rz; Eg: (Rx,Ry) (x²-y²,xy) (xz,yz); A1u: ; A2u: z; Eu: (x,y)",
    "C6": "A: z Rz x²+y² z²; B: ; E1: (x,y) (Rx,Ry) (xz,yz); E2: (x²-y²,xy)",
    "C3h": "A': Rz x²+y² z²; E': (x,y) (x²-y²,xy); A'': z; E'': (Rx,Ry) (xz,yz)",
    "C6h": "Ag: Rz x²+y² z²; Bg: ; E1g: (Rx,Ry) (xz,yz); E2g: (x²-y²,xy); Au: z; Bu: ; E1u: (x,y); E2u: ",
    "C6v": "A1: z x²+y² z²; A2: Rz; B1: ; B2: ; E1: (x,y) (Rx,Ry) (xz,yz); E2: (x²-y²,xy)",
    "D3h": "A1': x²+y² z²; A2': Rz; E': (x,y) (x²-y²,xy); A1'': ; A2'': z; E'': (Rx,Ry) (xz,yz)",
    "D6": "A1: x²+y² z²; A2: z Rz; B1: ; B2: ; E1: (x,y) (Rx,Ry) (xz,yz); E2: (x²-y²,xy)",
    "D6h": "A1g: x²+y² z²; A2g: Rz; B1g: ; B2g: ; E1g: (Rx,Ry) (xz,yz); E2g: (x²-y²,xy); "
    "A1u: ; A2u: z; B1u: ; B2u: ; E1u: (x,y); E2u: ",
    "T": "A: x²+y²+z²; E: (2z²-x²-y²,x²-y²); T: (x,y,z) (Rx,Ry,Rz) (xy,xz,yz)",
    "Th": "Ag: x²+y²+z²; Eg: (2z²-x²-y²,x²-y²); Tg: (Rx,Ry,Rz) (xy,xz,yz); Au: ; Eu: ; Tu: (x,y,z)",
    "Td": "A1: x²+y²+z²; A2: ; E: (2z²-x²-y²,x²-y²); T1: (Rx,Ry,Rz); T2: (x,y,z) (xy,xz,yz)",
    "O": "A1: x²+y²+z²; A2: ; E: (2z²-x²-y²,x²-y²); T1: (x,y,z) (Rx,Ry,Rz); T2: (xy,xz,yz)",
    "Oh": "A1g: x²+y²+z²; A2g: ; Eg: (2z²-x²-y²,x²-y²); T1g: (Rx,Ry,Rz); T2g: (xy,xz,yz); "
    "A1u: ; A2u: ; Eu: ; T1u: (x,y,z); T2u: ",
}


def known_table(symbol: str) -> tuple[list[np.ndarray], dict[str, list[complex]]]:
    """Matrices that stand for the columns, and the rows by Mulliken name."""
    if symbol in SIMPLE:
        columns, rows = SIMPLE[symbol]
        return [ELEMENTS[name] for name in columns.split()], rows
    factor, extra = PRODUCTS[symbol]
    matrices, rows = known_table(factor)
    even, odd = ("g", "u") if extra == "i" else ("'", "''")
    product = {}
    for name, row in rows.items():
        product[name + even] = [*row, *row]
        product[name + odd] = [*row, *(-value for value in row)]
    return [*matrices, *(ELEMENTS[extra] @ m for m in matrices)], product
