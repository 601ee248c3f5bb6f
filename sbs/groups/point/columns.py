"""The order in which printed character tables list the classes of elements.

Sources: F. A. Cotton, "Chemical Applications of Group Theory", appendix II; S. L. Altmann and P. Herzig, "Point-Group
Theory Tables". The identity comes first, then the powers of the generator of the principal axis by rising angle, then
the two-fold axes C2' and C2'' across it, then the mirrors. A group with the inversion (or, without it, with the
horizontal mirror) lists its rotations R like that, and then i R (or σh R) in the same order. The polyhedral groups
follow customs of their own, which are listed.
"""

from __future__ import annotations

import numpy as np

from sbs.groups.point.mulliken import cyclic_generator
from sbs.groups.point.pointgroups import PointGroup, match_elements

__all__ = ["printed_order"]

_POLYHEDRAL = {
    "T": ("E", "C3", "C3²", "C2"),
    "Th": ("E", "C3", "C3²", "C2", "i", "S6", "S6⁵", "σh"),
    "Td": ("E", "C3", "C2", "S4", "σd"),
    "O": ("E", "C4", "C2", "C3", "C2'"),
    "Oh": ("E", "C3", "C2'", "C4", "C2", "i", "S4", "S6", "σh", "σd"),
    "I": ("E", "C5", "C5²", "C3", "C2"),
    "Ih": ("E", "C5", "C5²", "C3", "C2", "i", "S10", "S10³", "S6", "σ"),
}
_SECONDARY = ("C2'", "C2''", "σv", "σv(xz)", "σv'(yz)", "σd")
_D2 = ("C2(z)", "C2(y)", "C2(x)")


def printed_order(group: PointGroup) -> tuple[int, ...]:
    """Numbers of the element classes of a finite point group in the order of printed character tables.

    Returns:
        A permutation of ``range(len(group.element_classes))``; ``columns[printed_order(group)[j]]`` is the j-th column.
    """
    group = group.standard
    names = group.element_class_symbols
    if group.family.series in _POLYHEDRAL:
        customary = _POLYHEDRAL[group.family.series]
        return tuple(sorted(range(len(names)), key=lambda c: customary.index(names[c])))
    across = _product_with(group)
    if across is None:
        return tuple(sorted(range(len(names)), key=lambda c: _rank(group, c)))
    proper = [c for c in range(len(names)) if _is_proper(group, c)]
    proper.sort(key=lambda c: _rank(group, c))
    images = [int(group.class_of[group.table[across, group.element_classes[c][0]]]) for c in proper]
    return tuple([*proper, *images])


def _product_with(group: PointGroup) -> int | None:
    """Number of i, or of σh in a group without i, by which the rotations are multiplied; None if neither is there."""
    for matrix in (-np.eye(3), np.diag([1.0, 1.0, -1.0])):
        number = int(match_elements(matrix[None], group.matrices)[0])
        if number >= 0:
            return number
    return None


def _is_proper(group: PointGroup, c: int) -> bool:
    return bool(np.linalg.det(group.matrices[group.element_classes[c][0]]) > 0)


def _rank(group: PointGroup, c: int) -> tuple[int, float]:
    """Sort key: first the powers of the principal generator by their exponent, then what lies across the axis."""
    name = group.element_class_symbols[c]
    if name == "E":
        return 0, 0.0
    if name in _D2:
        return 1, float(_D2.index(name))
    if name in _SECONDARY:
        return 2, float(_SECONDARY.index(name))
    powers = _generator_powers(group)
    exponents = [powers[int(e)] for e in group.element_classes[c] if int(e) in powers]
    return (1, float(min(exponents))) if exponents else (3, float(c))


def _generator_powers(group: PointGroup) -> dict[int, int]:
    """Element number -> least positive exponent of the principal generator that gives it."""
    generator = cyclic_generator(group.family)
    powers: dict[int, int] = {}
    matrix = np.eye(3)
    for exponent in range(1, 2 * int(group.order) + 1):
        matrix = matrix @ generator
        number = int(match_elements(matrix[None], group.matrices)[0])
        if number < 0 or number in powers:
            break
        powers[number] = exponent
    return powers
