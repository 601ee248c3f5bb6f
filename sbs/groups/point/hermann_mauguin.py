"""Hermann–Mauguin symbols of point groups, read and written.

Source of the rules: International Tables for Crystallography A, ch. 2.1 (symmetry directions of the crystal systems) and ch.
3.2 (non-crystallographic point groups: the axial series, the icosahedral, cylindrical and spherical groups).

The symmetry directions, and so the setting that a symbol asks for, in Cartesian axes:

- three-part symbols of the orthorhombic and monoclinic kind ("mm2", "2mm", "121", "1 2/m 1"): x, y, z;
- one-part symbols ("2", "m", "2/m"): z, which is the standard setting;
- N-fold axis: first z; second a = x and its images under the axis; third the directions between these. For
  odd N, and in the hexagonal system, the third set contains y, perpendicular to a. So "3m1" has mirrors
  perpendicular to x, "31m" mirrors that contain x, "321" two-fold axes along x, "-4m2" mirrors perpendicular
  to x, "-6m2" likewise. Without that detail ("3m", "32", "-3m") the standard setting is meant;
- cubic and icosahedral: as in the standard setting.
"""

from __future__ import annotations

import itertools
import math
import re

import numpy as np
import numpy.typing as npt

from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.generators import rotation_z

__all__ = ["hermann_mauguin", "names_directions", "read_hermann_mauguin"]

Matrix = npt.NDArray[np.float64]
Reading = tuple[PointGroupSymbol, Matrix]

_IDENTITY = np.eye(3)
# The standard principal axis z is carried to x (x -> y -> z -> x) or to y.
_Z_TO_X = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_Z_TO_Y = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])

# Symbols without a principal axis along z in first place; parts separated by blanks.
_ORIENTED: dict[str, tuple[tuple[str, int], Matrix]] = {
    "2 2 2": (("Dn", 2), _IDENTITY),
    "m m m": (("Dnh", 2), _IDENTITY),
    "2/m 2/m 2/m": (("Dnh", 2), _IDENTITY),
    "m m": (("Cnv", 2), _IDENTITY),
    "m m 2": (("Cnv", 2), _IDENTITY),
    "2 m m": (("Cnv", 2), _Z_TO_X),
    "m 2 m": (("Cnv", 2), _Z_TO_Y),
    "m": (("Cnh", 1), _IDENTITY),
}
for _part, _group in {"2": ("Cn", 2), "m": ("Cnh", 1), "2/m": ("Cnh", 2)}.items():
    _ORIENTED[f"{_part} 1 1"] = (_group, _Z_TO_X)
    _ORIENTED[f"1 {_part} 1"] = (_group, _Z_TO_Y)
    _ORIENTED[f"1 1 {_part}"] = (_group, _IDENTITY)

_POLYHEDRAL: dict[str, str] = {
    text: family
    for family, texts in {
        "T": ["2 3"],
        "Th": ["m -3", "m 3", "2/m -3"],
        "O": ["4 3 2", "4 3"],
        "Td": ["-4 3 m"],
        "Oh": ["m -3 m", "m 3 m", "4/m -3 2/m"],
        "I": ["2 3 5", "5 3 2", "5 3"],
        "Ih": [
            "m -3 -5", "2/m -3 -5", "m 3 5", "m -5 -3", "m 5 3", "-5 3 m", "5 3 m", "-5 -3 m", "-5 -3 2/m",
            "-5 3 2/m", "m -5 m", "m -3 5", "m 3 -5",
        ],
        "SO(3)": ["2 inf", "inf inf"],
        "O(3)": ["m -inf", "2/m -inf", "inf inf m", "inf/m -inf m"],
    }.items()
    for text in texts
}  # fmt: skip

_PART = re.compile(r"(-?)([0-9]+|inf)(/m)?|m")
_DIRECTIONS = 3
_MOST_PARTS = 4  # "3/mm2"; longer text is no symbol, and the ways to cut it grow exponentially
_COMPACT = re.compile(r"(?:-?(?:[0-9]+|inf)(?:/m)?|m)+")


def _splittings(part: re.Match[str]) -> list[list[str]]:
    """Ways to read one run of digits: digit by digit, a number and one or two last digits, one number."""
    sign, run, mirror = part.group(1), part.group(2), part.group(3) or ""
    if run is None or run == "inf":
        return [[part.group(0)]]
    cuts = [list(run), [run[:-2], run[-2:-1], run[-1:]], [run[:-1], run[-1:]], [run]]
    unique: list[list[str]] = []
    for cut in cuts:
        if "" not in cut and not any(number.startswith("0") for number in cut) and cut not in unique:
            unique.append(cut)
    return [[sign + cut[0], *cut[1:-1], cut[-1] + mirror] if len(cut) > 1 else [sign + cut[0] + mirror]
            for cut in unique]  # fmt: skip


def _tokenisations(text: str) -> list[list[str]]:
    """Ways to cut a normalised symbol into parts; where it contains blanks, numbers are never cut."""
    chunks = text.split()
    if not chunks or not all(_COMPACT.fullmatch(chunk) for chunk in chunks):
        return []
    if len(chunks) > 1:
        return [[part.group(0) for chunk in chunks for part in _PART.finditer(chunk)]]
    parts = list(_PART.finditer(text))
    if len(parts) > _MOST_PARTS:
        return []
    runs = [_splittings(part) for part in parts]
    return [list(itertools.chain.from_iterable(choice)) for choice in itertools.product(*runs)]


def _axial(tokens: list[str], spaced: bool) -> Reading | None:
    """Read the parts as an N-fold principal axis along z followed by the second and third directions."""
    head = _PART.fullmatch(tokens[0])
    if head is None or head.group(2) is None:
        return None
    n: int | float = math.inf if head.group(2) == "inf" else int(head.group(2))
    inverted, mirror = head.group(1) == "-", head.group(3) is not None
    odd, infinite = n % 2 == 1, n == math.inf
    if inverted and mirror:
        return None
    rest = tokens[1:]
    if mirror or (inverted and (odd or infinite)):
        rest = ["m" if part == "2/m" else part for part in rest]
    tail = " ".join(rest)
    # A number with a 1 directly behind it is one number in compact text, but for the trigonal settings.
    if "1" in rest and n != 3 and not spaced and rest[0] == "1":
        return None
    if tail in {"1", "1 1"} and not spaced:
        return None
    cyclic = tail in {"", "1", "1 1"} if n > 2 else tail == "" or (n == 1 and tail == "1 1" and not mirror)

    if inverted:
        return _rotoinversion(n, tail, cyclic)
    if cyclic:
        return PointGroupSymbol("Cnh" if mirror else "Cn", n), _IDENTITY
    if n < 3:
        if (mirror, n, tail) == (True, 2, "m m"):
            return PointGroupSymbol("Dnh", 2), _IDENTITY
        return None
    # Half the angle between neighbouring images of x under the reflections and two-fold axes: 2π / 4N.
    turned = _IDENTITY if infinite else rotation_z(1, 4 * int(n))
    if mirror:
        if tail == "m m" or (tail == "m" and (odd or infinite)):
            return PointGroupSymbol("Dnh", n), _IDENTITY
        if odd and tail in {"2 m", "m 2"}:
            return PointGroupSymbol("Dnh", n), _IDENTITY if tail == "2 m" else turned
        return None
    if infinite:
        names = {"m": "Cnv", "m m": "Cnv", "2": "Dn", "2 2": "Dn"}
        return (PointGroupSymbol(names[tail], n), _IDENTITY) if tail in names else None
    settings: dict[str, tuple[str, Matrix]] = {"m m": ("Cnv", _IDENTITY), "2 2": ("Dn", _IDENTITY)}
    if odd:
        settings = {
            "m": ("Cnv", _IDENTITY), "1 m": ("Cnv", _IDENTITY), "m 1": ("Cnv", turned),
            "2": ("Dn", _IDENTITY), "2 1": ("Dn", _IDENTITY), "1 2": ("Dn", turned),
        }  # fmt: skip
    if tail not in settings:
        return None
    family, rotation = settings[tail]
    return PointGroupSymbol(family, n), rotation


def _rotoinversion(n: int | float, tail: str, cyclic: bool) -> Reading | None:
    """Read -N with its further directions: N odd contains i; N = 4k generates S_N; N = 4k + 2 is (N/2)/m."""
    if n == math.inf:
        names = {"": "Cnh", "m": "Dnh", "m m": "Dnh"}
        return (PointGroupSymbol(names[tail], n), _IDENTITY) if tail in names else None
    n = int(n)
    if cyclic or (n == 2 and tail == ""):
        if n % 2 == 1:
            return PointGroupSymbol("S2n", n), _IDENTITY
        return PointGroupSymbol("S2n" if n % 4 == 0 else "Cnh", n // 2), _IDENTITY
    if n < 3:
        return None
    if n % 2 == 1:
        turned = {"m": False, "m 1": False, "1 m": True}
        if tail not in turned:
            return None
        return PointGroupSymbol("Dnd", n), rotation_z(1, 4 * n) if turned[tail] else _IDENTITY
    if tail not in {"2 m", "m 2"}:
        return None
    family = "Dnd" if n % 4 == 0 else "Dnh"
    return PointGroupSymbol(family, n // 2), rotation_z(1, 2 * n) if tail == "m 2" else _IDENTITY


def read_hermann_mauguin(text: str) -> Reading | None:
    """Read a Hermann–Mauguin symbol, short or full.

    Args:
        text: normalised symbol: lower case, "-" for the bar, "inf" for ∞. Blanks may separate the parts; then
            every run of digits is one number ("11 2" is D11, while "112" is C2 along z).

    Returns:
        The group and the proper rotation, float64 (3, 3), that carries its standard setting into the setting
        of the symbol; None if the text is no such symbol. A symbol that can be cut in several ways has its
        crystallographic meaning if there is one ("32" is D3, "23" is T), else the meaning with the most parts
        ("1022" is D10).
    """
    found = _read(text)
    return None if found is None else found[0]


def names_directions(text: str) -> bool:
    """Whether a symbol names all three symmetry directions, as "2mm" and "-4m2" do and "2", "3m" do not."""
    found = _read(text)
    return found is not None and len(found[1]) == _DIRECTIONS


def _read(text: str) -> tuple[Reading, list[str]] | None:
    """What a symbol says, and the parts that it was cut into."""
    spaced = len(text.split()) > 1
    for tokens in _tokenisations(text):
        key = " ".join(tokens)
        if key in _ORIENTED:
            (family, n), rotation = _ORIENTED[key]
            return (PointGroupSymbol(family, n), rotation), tokens
        if key in _POLYHEDRAL:
            return (PointGroupSymbol(_POLYHEDRAL[key]), _IDENTITY), tokens
        reading = _axial(tokens, spaced)
        if reading is not None:
            return reading, tokens
    return None


def _parts(symbol: PointGroupSymbol) -> list[str]:
    family, n = symbol.series, symbol.n
    if n is None:
        fixed = {"T": "2 3", "Th": "m -3", "O": "4 3 2", "Td": "-4 3 m", "Oh": "m -3 m", "I": "2 3 5",
                 "Ih": "m -3 -5", "SO(3)": "2 inf", "O(3)": "m -inf"}  # fmt: skip
        return fixed[family].split()
    if n == math.inf:
        return {"Cn": "inf", "Cnh": "inf/m", "Cnv": "inf m", "Dn": "inf 2", "Dnh": "inf/m m"}[family].split()
    n = int(n)
    small = {("Cnh", 1): "m", ("Cnv", 2): "m m 2", ("Dnh", 2): "m m m"}.get((family, n))
    if small is not None:
        return small.split()
    odd = n % 2 == 1
    return {
        "Cn": f"{n}",
        "Cnh": f"-{2 * n}" if odd else f"{n}/m",
        "Cnv": f"{n} m" if odd else f"{n} m m",
        "S2n": f"-{n}" if odd else f"-{2 * n}",
        "Dn": f"{n} 2" if odd else f"{n} 2 2",
        "Dnh": f"-{2 * n} 2 m" if odd else f"{n}/m m m",
        "Dnd": f"-{n} m" if odd else f"-{2 * n} 2 m",
    }[family].split()


def hermann_mauguin(symbol: PointGroupSymbol) -> str:
    """Short Hermann–Mauguin symbol of a point group, in the standard setting.

    Returns:
        The compact symbol ("m-3m", "-62m", "-5m", "235", "∞/mm") where reading it gives the group back; where
        the digits would run into another symbol, parts are separated by blanks or completed with ones ("11 2"
        for D11, as "112" is C2; "32 1 1" for C32, as "32" is D3). Reading the result always gives this group
        and no rotation.
    """
    parts = _parts(symbol)
    for text in ("".join(parts), " ".join(parts), " ".join([*parts, "1", "1"])):
        reading = read_hermann_mauguin(text)
        if reading is not None and reading[0] == symbol and np.array_equal(reading[1], _IDENTITY):
            return text.replace("inf", "∞")
    raise AssertionError(f"no unambiguous Hermann-Mauguin symbol for {symbol}")
