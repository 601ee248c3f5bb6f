"""Schoenflies symbols and unique labels of subgroups of a point group.

The symbol of a subgroup follows from counting its rotations and mirrors, whatever its orientation.  Where one symbol
names several classes of subgroups, the label adds in brackets the element classes of the parent that tell them apart,
in the parent's own element symbols and as few as possible: the three classes of C2v in Oh are "C2v(2σh)",
"C2v(2σd)" and "C2v(C2')".  Where no element class is its own, numbers of elements tell: of the two classes of D2 in
Oh, "D2(C2')" has two-fold axes of the second kind and "D2(3C2)" three of the first.  If that cannot tell either, ".1",
".2", ... follow in the order of the listing.
Labels may be typed in ASCII: "s" for "σ", "2" for "²", an apostrophe for any prime, blanks ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from sbs.errors import UnknownGroupError
from sbs.groups.abstract.validation import shown
from sbs.groups.point.families import PointGroupSymbol

__all__ = ["classify", "disambiguate", "normalise_label"]

_IMPROPER_POLYHEDRAL = {"T": "Th", "O": "Oh", "I": "Ih"}


def classify(determinants: np.ndarray, rotation_orders: np.ndarray) -> PointGroupSymbol:
    """Symbol of a finite point group from its elements, each given by two integers.

    Args:
        determinants: +1 or -1 for each element.
        rotation_orders: order of ``g`` for a proper element and of ``-g`` for an improper one (1 for the inversion, 2
            for a mirror).
    """
    proper = determinants > 0
    rotations = int(proper.sum())
    fold = int(rotation_orders[proper].max())
    improper = rotation_orders[~proper]
    mirrors = int((improper == 2).sum())
    if rotations == fold:
        if not len(improper):
            return PointGroupSymbol("Cn", fold)
        if mirrors == fold and fold > 1:
            return PointGroupSymbol("Cnv", fold)
        return PointGroupSymbol("Cnh", fold) if mirrors else PointGroupSymbol("S2n", fold)
    if rotations == 2 * fold:
        if not len(improper):
            return PointGroupSymbol("Dn", fold)
        return PointGroupSymbol("Dnh" if mirrors == fold + 1 else "Dnd", fold)
    family = {12: "T", 24: "O", 60: "I"}[rotations]
    if not len(improper):
        return PointGroupSymbol(family)
    if family == "T" and not (improper == 1).any():
        return PointGroupSymbol("Td")
    return PointGroupSymbol(_IMPROPER_POLYHEDRAL[family])


def disambiguate(
    symbols: Sequence[str], contents: Sequence[Mapping[int, int]], class_names: Sequence[str]
) -> list[str]:
    """Unique labels for classes of subgroups.

    Args:
        symbols: Schoenflies symbol of each class.
        contents: for each class, how many elements of a member lie in each of the parent's element classes.
        class_names: name of each element class of the parent; used only where symbols repeat.
    """
    labels = list(symbols)
    for symbol in dict.fromkeys(symbols):
        alike = [i for i, s in enumerate(symbols) if s == symbol]
        if len(alike) == 1:
            continue
        for i in alike:
            mark = _distinguishing(contents[i], [contents[j] for j in alike if j != i], class_names)
            labels[i] = f"{symbol}({mark})" if mark else symbol
        for label in {labels[i] for i in alike}:
            same = [i for i in alike if labels[i] == label]
            if len(same) > 1:
                for number, i in enumerate(same, start=1):
                    labels[i] = f"{label}.{number}"
    return labels


def _distinguishing(own: Mapping[int, int], others: Sequence[Mapping[int, int]], names: Sequence[str]) -> str:
    """Fewest element classes that only this subgroup has, else fewest numbers of elements that only it has."""
    present = sorted(c for c in own if any(other.get(c, 0) != own[c] for other in others))
    for length in range(1, len(present) + 1):
        for chosen in combinations(present, length):
            if all(any(c not in other for c in chosen) for other in others):
                return ",".join(names[c] for c in chosen)
        for chosen in combinations(present, length):
            if all(any(other.get(c, 0) != own[c] for c in chosen) for other in others):
                return ",".join(f"{own[c]}{names[c]}" if own[c] > 1 else names[c] for c in chosen)
    return ",".join(names[c] for c in present)


def normalise_label(label: str) -> str:
    """A label as typed, in the form in which labels are compared.

    Raises:
        UnknownGroupError: it is no text.
    """
    if not isinstance(label, str):
        raise UnknownGroupError(f"a label or symbol must be text such as \"C2v(C2')\" or '4/mmm', got {shown(label)}")
    text = re.sub(r"\s+", "", label).replace("″", "''").replace("′", "'").replace("’", "'")
    text = re.sub(r"sigma_?", "σ", text)
    text = text.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
    return re.sub(r"(?<=[(,0-9])s(?=[hvd(])", "σ", text).replace("^", "").lower()
