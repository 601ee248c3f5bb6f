"""Schoenflies symbols and unique labels of subgroups of a point group.

The symbol of a subgroup follows from counting its rotations and mirrors, whatever its orientation.  Where one symbol
names several classes of subgroups, the label adds in brackets the element classes of the parent that tell them apart,
in the parent's own element symbols and as few as possible: the three classes of C2v in Oh are "C2v(C2,σh)",
"C2v(C2,σd)" and "C2v(C2',...)".  If element classes cannot tell, ".1", ".2", ... follow in the order of the listing.
Labels may be typed in ASCII: "s" for "σ", "2" for "²", an apostrophe for any prime, blanks ignored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from sbs.groups.families import PointGroupSymbol

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


def disambiguate(symbols: Sequence[str], contents: Sequence[frozenset[int]], class_names: Sequence[str]) -> list[str]:
    """Unique labels for classes of subgroups.

    Args:
        symbols: Schoenflies symbol of each class.
        contents: numbers of the parent's element classes (identity left out) that meet a member.
        class_names: name of each element class of the parent.
    """
    labels = list(symbols)
    for symbol in dict.fromkeys(symbols):
        alike = [i for i, s in enumerate(symbols) if s == symbol]
        if len(alike) == 1:
            continue
        varying = sorted(set().union(*(contents[i] for i in alike)) - frozenset.intersection(*(contents[i] for i in alike)))
        for i in alike:
            others = [contents[j] for j in alike if j != i]
            labels[i] = f"{symbol}({_distinguishing(contents[i], others, varying, class_names)})"
        for label in {labels[i] for i in alike}:
            same = [i for i in alike if labels[i] == label]
            if len(same) > 1:
                for number, i in enumerate(same, start=1):
                    labels[i] = f"{label}.{number}"
    return labels


def _distinguishing(own: frozenset[int], others: list[frozenset[int]], varying: list[int], names: Sequence[str]) -> str:
    present = [c for c in varying if c in own]
    for length in range(1, len(present) + 1):
        for chosen in combinations(present, length):
            if all(not set(chosen) <= other for other in others):
                return ",".join(names[c] for c in chosen)
    return ",".join(names[c] for c in present) if present else "no " + ",".join(names[c] for c in varying)


def normalise_label(label: str) -> str:
    """A label as typed, in the form in which labels are compared."""
    text = re.sub(r"\s+", "", label).replace("″", "''").replace("′", "'").replace("’", "'")
    text = re.sub(r"sigma_?", "σ", text)
    text = text.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
    return re.sub(r"(?<=[(,])s(?=[hvd(])", "σ", text).replace("^", "").lower()
