"""The fifteen simple tilt systems of perovskites, from the isotropy subgroups of the two tilt order parameters.

Octahedra that share corners turn about x, y and z either in phase along the axis (M3+, "+") or out of phase (R4+, "-").
Where no axis carries both kinds, there are fifteen systems with the untilted parent: C. J. Howard and H. T. Stokes, Acta
Cryst. B 54, 782 (1998), whose symbols (after A. M. Glazer, Acta Cryst. B 28, 3384 (1972)) are used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sbs.structures import detect, isotropy

__all__ = ["GLAZER", "simple_tilts", "tilted", "turns"]

#: Symbols of Glazer, by the space group.
GLAZER = {
    221: "a0a0a0", 127: "a0a0c+", 139: "a0b+b+", 204: "a+a+a+", 71: "a+b+c+", 140: "a0a0c-", 74: "a0b-b-", 167: "a-a-a-",
    12: "a0b-c-", 15: "a-b-b-", 2: "a-b-c-", 63: "a0b+c-", 62: "a+b-b-", 11: "a+b-c-", 137: "a+a+c-",
}  # fmt: skip
# Angles in radians that the letters of a direction stand for in pictures; all different.
_ANGLES = {"0": 0.0, "a": 0.24, "b": 0.17, "c": 0.11}
#: Å; edge of the cubic cell.
_EDGE = 4.0
_SITES = [[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.5]]
_NUMBERS = [20, 22, 8, 8, 8]  # CaTiO3


def simple_tilts() -> list[dict[str, Any]]:
    """The tilt systems as the page takes them, the parent first, then as ``sbs.isotropy`` lists them.

    Returns:
        For each: names of the space group, its symbol after Glazer, the direction of the order parameter, index, numbers of
        orientation and antiphase states, size of the primitive cell, free parameters, and the "turns" of octahedra about
        x, y, z: a pair of letter and sign each.
    """
    parent: dict[str, Any] = {
        "space_group": "Pm-3m", "number": 221, "direction": "(0,0,0|0,0,0)", "index": 1, "orientation_states": 1,
        "antiphase_states": 1, "cell": 1, "free": 0,
    }  # fmt: skip
    rows = [parent]
    for row in isotropy(detect((_EDGE * np.eye(3), _SITES, _NUMBERS), supercell=(2, 2, 2)), "M3+", "R4+"):
        facts = row.as_dict()
        if not any(plus != "0" and minus != "0" for plus, minus in _pairs(facts["direction"])):
            rows.append({name: facts[name] for name in parent})
    return [{**row, "glazer": GLAZER[row["number"]], "turns": turns(row["direction"])} for row in rows]


def _pairs(direction: str) -> list[tuple[str, str]]:
    """For each axis the letters of the in-phase and of the out-of-phase turn."""
    plus, minus = (part.split(",") for part in direction.strip("()").split("|"))
    return list(zip(plus, minus, strict=True))


def turns(direction: str) -> list[tuple[float, int]]:
    """For each axis the angle in radians by which octahedra turn about it, and +1 in phase or -1 out of phase."""
    return [(_ANGLES[minus], -1) if minus != "0" else (_ANGLES[plus], 1) for plus, minus in _pairs(direction)]


def tilted(direction: str, scale: float) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """The crystal of 40 atoms with its octahedra turned, to first order in the angles: cell, fractional sites, numbers.

    Args:
        scale: factor on the angles of `turns`.
    """
    angles = turns(direction)
    cells = np.array([(i, j, k) for i in range(2) for j in range(2) for k in range(2)])
    sites, numbers = [], []
    for cell in cells:
        signs = [
            (-1.0) ** (cell.sum() if sign < 0 else cell.sum() - cell[axis]) for axis, (_, sign) in enumerate(angles)
        ]
        turn = scale * np.array([angle * sign for (angle, _), sign in zip(angles, signs, strict=True)])
        for site, number in zip(np.array(_SITES), _NUMBERS, strict=True):
            # Only oxygen lies on a bond from the centre of the octahedron; its corners move across their bonds.
            moved = np.cross(turn, site) if number == 8 else np.zeros(3)
            sites.append((cell + site + moved) / 2)
            numbers.append(number)
    return 2 * _EDGE * np.eye(3), np.array(sites), numbers
