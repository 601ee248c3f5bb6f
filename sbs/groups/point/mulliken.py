"""Mulliken names of the irreducible representations of the point groups.

Source: R. S. Mulliken, "Report on notation for the spectra of polyatomic molecules", J. Chem. Phys. 23, 1997 (1955).
A, B: one-dimensional, even or odd under the principal rotation (in D_2 and D_2h: A is even under all three two-fold
axes, B1, B2, B3 are even under the one along z, y, x); E, T, G, H: dimension 2 to 5; subscript 1 or 2: even or odd
under the two-fold axis along x, or where there is none under the mirror y -> -y; E_k: the k for which the
principal rotation through 2 pi / n has the trace 2 cos(2 pi k / n); g, u under the inversion; ' and '' under the
horizontal mirror of groups without inversion. Complex conjugate pairs of one-dimensional representations share one
name E; the two are told apart as 1E and 2E, 1E being the one in which the generator of the cyclic part has the
character exp(+2 pi i k / n).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.groups.abstract.characters import CharacterTable
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.generators import rotation_z

__all__ = ["NamedIrrep", "cyclic_generator", "name_irreps"]

# Standard matrices are exact to the last place; distinct elements of a group differ by far more than this.
_MATCH = 1e-9
_LETTERS = {1: "A", 2: "E", 3: "T", 4: "G", 5: "H"}
_MIRROR_Z = np.diag([1.0, 1.0, -1.0])
_MIRROR_Y = np.diag([1.0, -1.0, 1.0])
_TWOFOLD = {axis: np.diag([1.0 if axis == other else -1.0 for other in "xyz"]) for axis in "xyz"}


@dataclass(frozen=True)
class NamedIrrep:
    """An irreducible representation over the real numbers.

    Attributes:
        name: Mulliken name, "T1u", "E2'", "A".
        dimension: real dimension.
        members: numbers of the complex characters it consists of: one, or a conjugate pair in the order 1E, 2E.
    """

    name: str
    dimension: int
    members: tuple[int, ...]

    @property
    def complex_names(self) -> tuple[str, ...]:
        """Names of the complex representations: the name itself, or "1E.." and "2E.." of a conjugate pair."""
        return (self.name,) if len(self.members) == 1 else ("1" + self.name, "2" + self.name)


class _Traces:
    """Characters on elements given by their matrix in the standard setting."""

    def __init__(self, matrices: NDArray[np.float64], class_of: NDArray[np.integer], table: CharacterTable) -> None:
        self._matrices = matrices
        self._class_of = class_of
        self._values = table.values

    def has(self, matrix: NDArray[np.float64]) -> bool:
        return bool((np.abs(self._matrices - matrix).max(axis=(1, 2)) < _MATCH).any())

    def class_of(self, matrix: NDArray[np.float64]) -> int:
        distance = np.abs(self._matrices - matrix).max(axis=(1, 2))
        return int(self._class_of[int(np.argmin(distance))])

    def sign(self, members: tuple[int, ...], matrix: NDArray[np.float64]) -> int:
        """+1, 0 or -1: sign of the summed character on the class of the matrix."""
        return int(np.sign(round(float(self.trace(members, matrix)), 9)))

    def trace(self, members: tuple[int, ...], matrix: NDArray[np.float64]) -> float:
        return float(self._values[list(members), self.class_of(matrix)].sum().real)

    def phase(self, member: int, matrix: NDArray[np.float64]) -> float:
        """Argument of one complex character on the class of the matrix, in (-pi, pi]."""
        value = self._values[member, self.class_of(matrix)]
        return math.atan2(value.imag, value.real)


def name_irreps(
    symbol: PointGroupSymbol,
    matrices: NDArray[np.float64],
    class_of: NDArray[np.integer],
    table: CharacterTable,
) -> tuple[NamedIrrep, ...]:
    """Name the irreducible representations of a finite point group in its standard setting.

    Args:
        symbol: the group.
        matrices: float64 (n, 3, 3) in the standard setting; class_of: int (n,) class of each; table: its characters.

    Returns:
        The real irreducible representations, in the customary order: g before u and ' before '', then A, B, E, T, G, H,
        then by number. Point groups have no quaternionic representations (their Frobenius-Schur indicators are 0 or 1).
    """
    traces = _Traces(matrices, class_of, table)
    generator = cyclic_generator(symbol)
    groups: list[tuple[int, ...]] = []
    for index, conjugate in enumerate(table.conjugates):
        if conjugate == index:
            groups.append((index,))
        elif index < conjugate:
            pair = (index, int(conjugate))
            groups.append(pair if traces.phase(index, generator) > 0 else pair[::-1])
    suffixes = [_suffix(symbol, traces, members) for members in groups]
    named = []
    for members, suffix in zip(groups, suffixes, strict=True):
        dimension = int(sum(table.dimensions[m] for m in members))
        alike = sum(
            int(sum(table.dimensions[m] for m in other)) == dimension
            for other, mark in zip(groups, suffixes, strict=True)
            if mark == suffix
        )
        stem = _letter_and_number(symbol, traces, members, dimension, alike)
        named.append(NamedIrrep(stem + suffix, dimension, members))
    return tuple(sorted(named, key=_customary_order))


def cyclic_generator(symbol: PointGroupSymbol) -> NDArray[np.float64]:
    """The element that A and B, E_k and T1, T2 refer to: float64 (3, 3) in the standard setting.

    C_n along z; S_2n in S_2n and D_nd with n even; C_4, S_4 in O, O_h and T_d; C_3 in T, T_h; C_5 in I, I_h.
    """
    if symbol.n is not None:
        n = int(symbol.n)
        if symbol.series in ("S2n", "Dnd") and n % 2 == 0:
            return _MIRROR_Z @ rotation_z(1, 2 * n)
        return rotation_z(1, n)
    if symbol.series in ("O", "Oh"):
        return rotation_z(1, 4)
    if symbol.series == "Td":
        return _MIRROR_Z @ rotation_z(1, 4)
    if symbol.series in ("T", "Th"):
        return np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    golden = (1 + math.sqrt(5)) / 2
    return 0.5 * np.array([[golden - 1, -golden, 1], [golden, 1, golden - 1], [-1, golden - 1, golden]])


def _suffix(symbol: PointGroupSymbol, traces: _Traces, members: tuple[int, ...]) -> str:
    if traces.has(-np.eye(3)):
        return "g" if traces.sign(members, -np.eye(3)) > 0 else "u"
    if symbol.series in ("Cnh", "Dnh"):
        return "'" if traces.sign(members, _MIRROR_Z) > 0 else "''"
    return ""


def _letter_and_number(
    symbol: PointGroupSymbol, traces: _Traces, members: tuple[int, ...], dimension: int, alike: int
) -> str:
    generator = cyclic_generator(symbol)
    if dimension == 1:
        return _one_dimensional(symbol, traces, members)
    letter = _LETTERS[dimension]
    if alike == 1:
        return letter
    trace = traces.trace(members, generator)
    if dimension == 3:
        return letter + ("1" if trace > 0 else "2")
    order = round(2 * math.pi / math.acos(max(-1.0, min(1.0, _rotation_cosine(generator)))))
    k = round(order * math.acos(max(-1.0, min(1.0, trace / 2))) / (2 * math.pi))
    return f"{letter}{k}"


def _rotation_cosine(matrix: NDArray[np.float64]) -> float:
    """Cosine of the turn about z of a rotation or rotoreflection along z."""
    return float(matrix[0, 0])


def _one_dimensional(symbol: PointGroupSymbol, traces: _Traces, members: tuple[int, ...]) -> str:
    if symbol.n == 2 and symbol.series in ("Dn", "Dnh"):
        even = [axis for axis in "zyx" if traces.sign(members, _TWOFOLD[axis]) > 0]
        return "A" if len(even) == 3 else f"B{'zyx'.index(even[0]) + 1}"
    if symbol.series in ("T", "Th", "I", "Ih"):
        return "A"
    if symbol.n is None:
        return "A" + ("1" if traces.sign(members, cyclic_generator(symbol)) > 0 else "2")
    letter = "A" if traces.sign(members, cyclic_generator(symbol)) > 0 else "B"
    if symbol.series in ("Dn", "Dnh", "Dnd"):
        return letter + ("1" if traces.sign(members, _TWOFOLD["x"]) > 0 else "2")
    if symbol.series == "Cnv":
        return letter + ("1" if traces.sign(members, _MIRROR_Y) > 0 else "2")
    return letter


def _customary_order(irrep: NamedIrrep) -> tuple[str, int, str]:
    stem = irrep.name.rstrip("gu'")
    suffix = irrep.name[len(stem) :]
    return suffix, "ABETGH".index(stem[0]), stem[1:].rjust(3)
