"""Axes and mirror planes of a point group, as a picture needs them, and what of them a subgroup keeps.

The elements that leave a line fixed as a whole are rotations C_n^k and rotoreflections S_n^k about it. A subgroup
keeps of an axis what the strongest of its own elements about that line generates, so that a C4 of O_h survives in T as
a C2 and in T_d as an S4. S_n with n = 2 (mod 4) is a rotation times the inversion, and with n odd a rotation times the
mirror across the axis; the rotation, the inversion and the mirror stand for themselves, and only S_n with n = 0 (mod 4)
is a kind of axis of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sbs.groups.point.elements import element_geometry
from sbs.groups.point.pointgroups import PointGroup

__all__ = ["Axis", "Mirror", "SymmetryElements", "symmetry_elements"]

# Two unit vectors along different axes of a group differ by far more than this; equal ones agree to 1e-12.
_SAME_LINE = 1e-6


@dataclass(frozen=True)
class Axis:
    """A line that some rotation or rotoreflection S_4k of the group turns about.

    Attributes:
        direction: unit vector along it, by the rule of `sbs.groups.point.elements`.
        elements: pairs of element number and the kind of axis which that element generates ("C4", "S4", "C2"), the
            strongest kinds first.
    """

    direction: tuple[float, float, float]
    elements: tuple[tuple[int, str], ...]

    @property
    def label(self) -> str:
        """What the whole group has here."""
        return self.elements[0][1]

    def kept(self, elements: np.ndarray) -> str | None:
        """What a subgroup, given by its element numbers, has here: a kind of axis, or None."""
        inside = set(np.asarray(elements).tolist())
        return next((kind for number, kind in self.elements if number in inside), None)


@dataclass(frozen=True)
class Mirror:
    """A mirror plane.

    Attributes:
        normal: unit vector across it. element: number of the reflection.
    """

    normal: tuple[float, float, float]
    element: int


@dataclass(frozen=True)
class SymmetryElements:
    """Axes, mirrors and the inversion of a group.

    Attributes:
        axes: strongest first. mirrors: in the order of the group's elements.
        inversion: element number of the inversion, or None.
    """

    axes: tuple[Axis, ...]
    mirrors: tuple[Mirror, ...]
    inversion: int | None


def symmetry_elements(group: PointGroup) -> SymmetryElements:
    """Axes and mirrors of a finite point group in its own orientation."""
    lines: list[tuple[np.ndarray, list[tuple[int, str, int]]]] = []
    mirrors, inversion = [], None
    for number, matrix in enumerate(group.matrices):
        geometry = element_geometry(matrix)
        if geometry.axis is None:
            inversion = number if geometry.kind == "inversion" else inversion
            continue
        if geometry.kind == "reflection":
            mirrors.append(Mirror(geometry.axis, number))
            continue
        if geometry.kind == "rotoreflection" and geometry.n % 4:
            continue
        entry = (number, f"{'C' if geometry.kind == 'rotation' else 'S'}{geometry.n}", geometry.n)
        direction = np.array(geometry.axis)
        for other, members in lines:
            if 1.0 - abs(float(other @ direction)) < _SAME_LINE:
                members.append(entry)
                break
        else:
            lines.append((direction, [entry]))
    axes = []
    for direction, members in lines:
        # The larger n first; of a C4 and an S4 the C4.
        members.sort(key=lambda entry: (-entry[2], entry[1][0], entry[0]))
        x, y, z = (float(component) for component in direction)
        axes.append(Axis((x, y, z), tuple((number, kind) for number, kind, _ in members)))
    axes.sort(key=lambda axis: (-int(axis.label[1:]), axis.label))
    return SymmetryElements(tuple(axes), tuple(mirrors), inversion)
