"""Which crystals: 15 elements on the large site, 20 in the octahedra, every pair of them.

The rule: A are metals with radii of 1 Å and more in twelve-fold coordination, B metals and metalloids that form BO6 octahedra;
both are among the 89 elements of SevenNet-0. No pair is left out, whether its formal charges add up or not: the labels are a
potential's, and a benchmark of symmetry breaking wants spread more than existence.
"""

from __future__ import annotations

__all__ = ["COMPOSITIONS", "LARGE", "SERIES", "SMALL", "TILTED"]

#: On the A site.
LARGE = ("Na", "K", "Rb", "Cs", "Ag", "Tl", "Mg", "Ca", "Sr", "Ba", "Cd", "Pb", "Y", "La", "Bi")

#: On the B site.
SMALL = (
    "Ti", "Nb", "Zr", "Sn", "Al", "Mn", "Ta", "Hf", "Fe", "W",
    "Ga", "V", "Sc", "Cr", "Mo", "Ge", "Ni", "Co", "In", "Sb",
)  # fmt: skip

#: All pairs (A, B), such that any first n of them spread over both lists: each 15 in a row have every A once.
COMPOSITIONS = tuple(
    (large, SMALL[(4 * number + turn) % len(SMALL)]) for turn in range(len(SMALL)) for number, large in enumerate(LARGE)
)

#: How many of them, from the first on, have tilt phases, and series of lattice constants.
TILTED = 105
SERIES = 60
