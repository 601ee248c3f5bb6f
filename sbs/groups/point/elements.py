"""Symbols and descriptions of the elements of a point group, in the notation of character tables.

Rotations C_n^k are by 2πk/n counterclockwise about their axis, S_n^k = (σ C_n)^k with σ the mirror across the axis. An axis
is directed so that x y z > 0 where no component vanishes, otherwise the first component of (z, x, y) that is not zero is
positive. That makes C3 and C3² two classes in T and T_h, where they are not conjugate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbs.errors import InvalidGroupError
from sbs.groups.point.exact import exact_matrix, format_exact
from sbs.groups.point.families import PointGroupSymbol

__all__ = [
    "ElementGeometry",
    "class_symbol",
    "describe_element",
    "element_geometry",
    "element_symbols",
    "exact_matrix",
    "format_axis",
    "format_exact",
]

Matrix = npt.NDArray[np.float64]

# Matrices of point groups are good to 1e-12; a direction or angle known to be one of finitely many is compared loosely.
_GEOMETRY_TOLERANCE = 1e-6
# Largest order of an element whose angle is recognised, and how near its angle must be to a fraction of a
# turn. Two fractions with such denominators differ by 1 / 4000² = 6e-8 of a turn or more.
MAX_ELEMENT_FOLD = 4000
_TURN_TOLERANCE = 1e-8

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_GOLDEN = (1.0 + math.sqrt(5.0)) / 2.0


@dataclass(frozen=True)
class ElementGeometry:
    """What an orthogonal matrix does.

    Attributes:
        kind: "identity", "rotation", "inversion", "reflection" or "rotoreflection".
        n, k: the element is C_n^k or S_n^k with 0 < k < n (k < 2n, odd, for rotoreflections); 1, 0 for the
            identity; 2, 1 for the inversion (S2) and 1, 1 for a reflection (S1).
        axis: unit vector (x, y, z) of the rotation axis or the normal of the mirror, directed as the module
            says; None for the identity and the inversion.
    """

    kind: str
    n: int
    k: int
    axis: tuple[float, float, float] | None

    @property
    def symbol(self) -> str:
        """Bare symbol, without primes and plane letters: "E", "C3²", "S6⁵", "i", "σ"."""
        if self.kind in {"identity", "inversion", "reflection"}:
            return {"identity": "E", "inversion": "i", "reflection": "σ"}[self.kind]
        letter = "C" if self.kind == "rotation" else "S"
        return f"{letter}{self.n}" + (str(self.k).translate(_SUPERSCRIPTS) if self.k > 1 else "")


def element_geometry(matrix: npt.ArrayLike) -> ElementGeometry:
    """Kind, axis and angle of one orthogonal matrix of finite order.

    Args:
        matrix: (3, 3), in any orientation.

    Raises:
        InvalidGroupError: not an orthogonal (3, 3) matrix, or its angle is no fraction k/n of a turn with
            n <= MAX_ELEMENT_FOLD.
    """
    g = np.asarray(matrix, dtype=np.float64)
    if g.shape != (3, 3) or not np.abs(g @ g.T - np.eye(3)).max() < _GEOMETRY_TOLERANCE:
        raise InvalidGroupError(f"expected an orthogonal matrix of shape (3, 3), got\n{g}")
    improper = bool(np.linalg.det(g) < 0)
    p = -g if improper else g
    skew = 0.5 * np.array([p[2, 1] - p[1, 2], p[0, 2] - p[2, 0], p[1, 0] - p[0, 1]])
    sine, cosine = float(np.linalg.norm(skew)), 0.5 * (float(np.trace(p)) - 1.0)
    if cosine > 0.0 and sine < _GEOMETRY_TOLERANCE:
        return ElementGeometry("inversion", 2, 1, None) if improper else ElementGeometry("identity", 1, 0, None)
    if cosine < 0.0 and sine < _GEOMETRY_TOLERANCE:  # half turn: p + 1 = 2 u u^T
        column = (p + np.eye(3))[:, int(np.argmax(np.diagonal(p)))]
        u = _directed(column / np.linalg.norm(column))
        turn = 0.5
    else:
        u = _directed(skew / sine)
        turn = math.atan2(float(skew @ u), cosine) / (2.0 * math.pi) % 1.0
    axis = (float(u[0]), float(u[1]), float(u[2]))
    if not improper:
        k, n = _fraction(turn)
        return ElementGeometry("rotation", n, k, axis)
    # -1 is a half turn followed by the mirror across the same axis.
    k, n = _fraction((turn + 0.5) % 1.0)
    if n == 1:
        return ElementGeometry("reflection", 1, 1, axis)
    return ElementGeometry("rotoreflection", n, k if k % 2 else k + n, axis)


def _directed(u: Matrix) -> Matrix:
    """The direction of ±u that the module's rule picks, without negative zeros."""
    clean = np.where(np.abs(u) < _GEOMETRY_TOLERANCE, 0.0, u)
    decisive = np.prod(clean)
    if decisive == 0.0:
        decisive = next(clean[i] for i in (2, 0, 1) if clean[i] != 0.0)
    return (u if decisive > 0 else -u) + 0.0


def _fraction(turn: float) -> tuple[int, int]:
    """(k, n) in lowest terms with turn = k/n modulo 1, by continued fractions."""
    whole, rest = round(turn), 1.0
    if abs(turn - whole) < _TURN_TOLERANCE:
        return 0, 1
    before, now, x = (1, 0), (0, 1), turn  # numerator and denominator of successive convergents; 0 < turn < 1
    while now[1] <= MAX_ELEMENT_FOLD:
        if abs(turn - now[0] / now[1]) < _TURN_TOLERANCE:
            return now
        rest = x - math.floor(x)
        x = 1.0 / rest
        a = math.floor(x)
        before, now = now, (a * now[0] + before[0], a * now[1] + before[1])
    raise InvalidGroupError(
        f"a rotation by {360.0 * turn:.9g}° is not k/n of a turn with n <= {MAX_ELEMENT_FOLD}; "
        "elements of finite point groups are expected"
    )


def element_symbols(matrices: npt.ArrayLike, symbol: PointGroupSymbol) -> tuple[str, ...]:
    """Chemists' symbols of the elements of a point group in its standard setting.

    Conjugate elements share a symbol up to the power of the rotation; elements of different classes differ,
    so that `class_symbol` names every class. Primes and plane letters:

    - D2, D2h: C2(x), C2(y), C2(z), σ(xy), σ(xz), σ(yz); C2v: σv(xz), σv'(yz);
    - other D groups: C2' for two-fold axes across the principal axis; for even n in D_n and D_nh those that
      include the x axis, and C2'' for those between;
    - σh is the mirror across the principal axis (or across a cube axis); σv contains the x axis or its images
      under the principal rotation, thus in D_nh a C2' axis; σd lies between;
    - cubic groups: C2 about x, y, z, and C2' about the face diagonals; σh across x, y, z, and σd across the
      diagonals;
    - I_h: σ.

    Args:
        matrices: (n, 3, 3), elements of the group in the standard setting, in any order.
        symbol: the group.

    Returns:
        One symbol for each matrix.

    Raises:
        InvalidGroupError: a matrix is not an orthogonal matrix of finite order.
    """
    elements = np.asarray(matrices, dtype=np.float64)
    return tuple(_full_symbol(element_geometry(matrix), symbol) for matrix in elements)


def _full_symbol(element: ElementGeometry, symbol: PointGroupSymbol) -> str:
    bare = element.symbol
    if element.axis is None or bare not in {"C2", "σ"} or symbol.series in {"I", "Ih"}:
        return bare
    axis = np.abs(element.axis)
    along = [bool(component > 1.0 - _GEOMETRY_TOLERANCE) for component in axis]
    if symbol.n is None:
        if bare == "C2":
            return "C2" if any(along) else "C2'"
        return "σh" if any(along) else "σd"
    if symbol.n == 2 and symbol.series in {"Dn", "Dnh"}:
        letters = dict(zip(("C2", "σ"), (("x", "y", "z"), ("yz", "xz", "xy")), strict=True))[bare]
        return f"{bare}({letters[along.index(True)]})"
    if symbol.n == 2 and symbol.series == "Cnv" and bare == "σ":
        return "σv(xz)" if along[1] else "σv'(yz)"
    if along[2]:
        return "C2" if bare == "C2" else "σh"
    if symbol.series == "Dnd":
        return "C2'" if bare == "C2" else "σd"
    # Directions of the two-fold axes and mirror planes are at multiples of π/n; even multiples are images of x.
    x, y, _ = element.axis if bare == "C2" else (-element.axis[1], element.axis[0], 0.0)
    n = int(symbol.n)
    multiple = round(math.atan2(y, x) / (math.pi / n))
    image_of_x = n % 2 == 1 or multiple % 2 == 0
    if bare == "C2":
        return "C2'" if image_of_x else "C2''"
    return "σv" if image_of_x else "σd"


def class_symbol(symbols: Iterable[str]) -> str:
    """Name of an element class: the symbol of least power among its members, "C3" for C3 and C3²."""
    return min(symbols, key=_power_first)


def _power_first(symbol: str) -> tuple[int, str]:
    power = re.search("[⁰¹²³⁴⁵⁶⁷⁸⁹]+", symbol)
    return (int(power.group().translate(_PLAIN_DIGITS)) if power else 1, symbol)


def format_axis(axis: npt.ArrayLike) -> str:
    """Direction as text: "[1 1 1]", "[0 1 φ]", "the line 18° from x" (towards y), or decimals.

    Args:
        axis: (3,), not zero; its length does not matter.
    """
    u = np.asarray(axis, dtype=np.float64)
    u = np.where(np.abs(u) < _GEOMETRY_TOLERANCE * np.linalg.norm(u), 0.0, u)
    scaled = u / np.abs(u[u != 0.0]).min()
    values = {"0": 0.0, "1": 1.0, "2": 2.0, "3": 3.0, "φ": _GOLDEN, "φ²": _GOLDEN**2}
    words: list[str] = []
    for component in scaled:
        near = [word for word, value in values.items() if abs(abs(component) - value) < _GEOMETRY_TOLERANCE]
        words += [("-" if component < 0 else "") + word for word in near]
    if len(words) == 3:
        return f"[{' '.join(words)}]"
    if u[2] == 0.0:
        return f"the line {math.degrees(math.atan2(u[1], u[0])):.6g}° from x"
    return "[" + " ".join(f"{component:.4f}" for component in u / np.linalg.norm(u)) + "]"


def describe_element(matrix: npt.ArrayLike) -> str:
    """What an element does: "rotation by 120° about [1 1 1]", "reflection in the plane normal to [0 0 1]".

    A rotoreflection turns by the stated angle about the axis and reflects across it.

    Raises:
        InvalidGroupError: as `element_geometry`.
    """
    element = element_geometry(matrix)
    if element.axis is None:
        return element.kind
    if element.kind == "reflection":
        return f"reflection in the plane normal to {format_axis(element.axis)}"
    angle = 360.0 * (element.k % element.n) / element.n
    return f"{element.kind} by {angle:.6g}° about {format_axis(element.axis)}"
