"""Names of point groups: Schoenflies and Hermann–Mauguin symbols, read and written.

`parse_symbol` is the one entrance for text from users; `PointGroupSymbol` is the canonical name it returns.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbs.errors import UnknownGroupError
from sbs.groups.abstract.validation import shown
from sbs.groups.point.families import AXIAL_SERIES, POLYHEDRAL_ORDERS, PointGroupSymbol
from sbs.groups.point.hermann_mauguin import hermann_mauguin, names_directions, read_hermann_mauguin

__all__ = ["MAX_FOLD", "ParsedSymbol", "PointGroupSymbol", "hermann_mauguin", "parse_symbol"]

# Largest n read from text. D_500h has 2000 elements and its normalizer D_1000h 4000: a multiplication table
# of 16 million entries, which is what a laptop still holds without thought.
MAX_FOLD = 500

_SCHOENFLIES_NAMES: dict[str, tuple[str, int | float | None]] = {
    "t": ("T", None), "th": ("Th", None), "td": ("Td", None), "o": ("O", None), "oh": ("Oh", None),
    "I": ("I", None), "ih": ("Ih", None), "y": ("I", None), "yh": ("Ih", None),
    "so(3)": ("SO(3)", None), "so3": ("SO(3)", None), "k": ("SO(3)", None),
    "o(3)": ("O(3)", None), "o3": ("O(3)", None), "kh": ("O(3)", None),
    "cs": ("Cnh", 1), "ci": ("S2n", 1), "v": ("Dn", 2), "vh": ("Dnh", 2), "vd": ("Dnd", 2),
}  # fmt: skip
_SCHOENFLIES = re.compile(r"(c|d|s)(-?[0-9]+|inf)(h|v|d|i)?")
_SUFFIXES = {"c": ("", "h", "v", "i"), "d": ("", "h", "d"), "s": ("",)}
_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_OVERLINES = "\u0304\u0305"  # combining macron and overline, written after the digit
_MINUS = str.maketrans("−–‐‑¯", "-----")


@dataclass(frozen=True, eq=False)
class ParsedSymbol:
    """What a symbol says: the group and the setting.

    Attributes:
        symbol: canonical name of the group.
        rotation: float64 (3, 3), read-only, proper; R g R^T for g in the standard setting are the elements of
            the group in the setting that the text asks for. The identity for Schoenflies symbols.
        oriented: whether the text is a Hermann–Mauguin symbol that names all three symmetry directions ("2mm", "-4m2").
    """

    symbol: PointGroupSymbol
    rotation: npt.NDArray[np.float64]
    oriented: bool = False


def parse_symbol(text: str) -> ParsedSymbol:
    """Read a Schoenflies or Hermann–Mauguin symbol.

    Schoenflies: "D4h", "S6", "C3i", "Cs", "Ih", any n up to MAX_FOLD, "Cinfv" or "C∞v", "SO(3)" or "K",
    "O(3)" or "Kh"; letter case, underscores, braces and subscript digits do not matter ("c_{2v}"), except
    that a lone "i" is refused. Hermann–Mauguin: short or full, any n, bars as "-" or as combining overlines;
    see `sbs.groups.point.hermann_mauguin` for the settings that variants such as "-4m2", "31m" and "2mm" ask for.

    Args:
        text: the symbol.

    Returns:
        The group and its setting.

    Raises:
        UnknownGroupError: the text is no symbol of a point group (near matches are suggested), or its n is
            not in 1..MAX_FOLD.
    """
    if not isinstance(text, str):
        raise UnknownGroupError(
            f"a point-group symbol must be text such as 'D4h' or '4/mmm', got {type(text).__name__}: {shown(text)}"
        )
    plain = _normalise(text)
    if not plain:
        raise UnknownGroupError("the point-group symbol is empty; give for example 'D4h' or '4/mmm'")
    longest = max((len(run) for run in re.findall("[0-9]+", plain)), default=0)
    if longest > 9:
        raise UnknownGroupError(_too_large(text))
    reading = _read_schoenflies(plain, text)
    oriented = False
    if reading is None:
        reading = read_hermann_mauguin(plain.lower())
        oriented = reading is not None and names_directions(plain.lower())
    if reading is None:
        raise UnknownGroupError(_unknown(text, plain))
    symbol, rotation = reading
    if symbol.n is not None and symbol.n != math.inf and symbol.n > MAX_FOLD:
        raise UnknownGroupError(_too_large(text))
    rotation = np.array(rotation)
    rotation.flags.writeable = False
    return ParsedSymbol(symbol, rotation, oriented)


def _normalise(text: str) -> str:
    """Plain ASCII spelling: bars in front of their number as "-", ∞ as "inf", no markup."""
    plain = unicodedata.normalize("NFD", text).translate(_DIGITS).translate(_MINUS)
    plain = re.sub(r"\\(?:bar|overline)\s*\{?([0-9]+|\\infty|∞)\}?", r"-\1", plain).replace("\\infty", "inf")
    plain = re.sub(f"((?:[0-9∞][{_OVERLINES}])+)", lambda m: "-" + re.sub(f"[{_OVERLINES}]", "", m[1]), plain)
    plain = re.sub(r"[_${}]", "", plain)
    plain = re.sub("∞|infinity|inf|oo", "inf", plain, flags=re.IGNORECASE)
    plain = re.sub(r"\s*/\s*", "/", plain)
    return re.sub(r"-\s+", "-", " ".join(plain.split()))


def _read_schoenflies(plain: str, text: str) -> tuple[PointGroupSymbol, npt.NDArray[np.float64]] | None:
    # A lone small i is the inversion, not a group: there the case matters.
    name = _SCHOENFLIES_NAMES.get(plain if plain in {"I", "i"} else plain.lower())
    if name is not None:
        return PointGroupSymbol(*name), np.eye(3)
    match = _SCHOENFLIES.fullmatch(plain.lower())
    if match is None or (match.group(3) or "") not in _SUFFIXES[match.group(1)]:
        return None
    letter, number, suffix = match.group(1), match.group(2), match.group(3) or ""
    n: int | float = math.inf if number == "inf" else int(number)
    if n < 1:
        raise UnknownGroupError(
            f"{text!r} asks for a {n}-fold axis; the number must be at least 1, "
            f"for example {(letter.upper() + '4' + suffix)!r}"
        )
    if letter == "s" or suffix == "i":
        # S_n with odd n, and C_n x {1, i} with even n, contain the horizontal mirror: they are C_nh.
        if n == math.inf or n % 2 == (1 if letter == "s" else 0):
            return PointGroupSymbol("Cnh", n), np.eye(3)
        return PointGroupSymbol("S2n", int(n) // 2 if letter == "s" else int(n)), np.eye(3)
    return PointGroupSymbol(letter.upper() + "n" + suffix, n), np.eye(3)


def _too_large(text: str) -> str:
    quoted = text if len(text) <= 40 else text[:37] + "..."
    return (
        f"{quoted!r} has a rotation axis of more than {MAX_FOLD}-fold symmetry; symbols are limited to "
        f"n <= {MAX_FOLD} (S{2 * MAX_FOLD} for rotoreflections); for the limit of large n use 'Dinfh' etc."
    )


def _unknown(text: str, plain: str) -> str:
    import difflib  # only needed to say what went wrong

    numbers = {*range(1, 9), *(int(run) for run in re.findall("[0-9]{1,4}", plain))} - {0}
    groups = [PointGroupSymbol(family) for family in POLYHEDRAL_ORDERS]
    for n in sorted(numbers):
        groups += [PointGroupSymbol(family, n) for family in AXIAL_SERIES if n <= MAX_FOLD]
    groups += [PointGroupSymbol(family, math.inf) for family in AXIAL_SERIES]
    spellings: dict[str, str] = {}
    for group in groups:
        spellings[group.schoenflies.lower()] = group.schoenflies
        spellings[hermann_mauguin(group)] = hermann_mauguin(group)
    # As it was typed: "oo" is read as ∞, but who writes "Foo" does not mean D∞.
    near = difflib.get_close_matches(" ".join(text.lower().split()), spellings, n=3, cutoff=0.6)
    hint = f"did you mean {', '.join(spellings[match] for match in near)}?" if near else "nothing is near."
    quoted = text if len(text) <= 40 else text[:37] + "..."
    return (
        f"{quoted!r} is not a point-group symbol; {hint} Expected Schoenflies (D4h, S6, Oh, Ih, Cinfv) or "
        "Hermann-Mauguin (4/mmm, -3, m-3m, -5m, ∞m)"
    )
