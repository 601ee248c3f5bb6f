"""Irreducible representations of a detected structure, and the directions in which a soft mode of one can go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sbs.groups import PointGroup, Subgroup
from sbs.objects.arrangements import flats, image_of
from sbs.phases.instabilities import SoftMode
from sbs.phases.states import carried
from sbs.structures.crystal_questions import isotropy
from sbs.structures.detected import Detected

__all__ = ["Direction", "directions"]

Floats = NDArray[np.float64]

# Elements that fix a flat pointwise, up to the noise of a Hessian's eigenvectors within an exact irrep.
_FIXED = 1e-6


@dataclass(frozen=True, eq=False)
class Direction:
    """One isotropy subgroup of a soft mode, or of several that are coupled.

    Attributes:
        name: "R4+ (a,a,0)"; for a molecule the subgroup's label, "B2u D2d(C2')".
        target: K, a subgroup of S.
        free: number of free amplitudes.
    """

    name: str
    target: Subgroup
    free: int


def directions(found: Detected, modes: Sequence[SoftMode]) -> list[Direction]:
    """All isotropy subgroups of soft modes, one of each class under S, by falling order; S itself left out."""
    labels = [mode.label for mode in modes]
    if found.supercell is not None:
        return [Direction(row.label, row.target, row.free) for row in isotropy(found, *labels)]
    group = found.group
    assert isinstance(group, PointGroup)
    patterns = np.concatenate([mode.patterns for mode in modes])
    count = len(patterns)
    matrices = np.einsum("ani,gbni->gab", patterns, carried(found, patterns), optimize=True)
    vector = np.sqrt(np.arange(2.0, 2.0 + count)) % 1 + 0.1
    image = image_of(matrices @ vector, group.multiply, lambda numbers: matrices[numbers])
    rows = []
    for flat in flats(image):
        elements = np.flatnonzero(flat.fixer[image.number])
        if len(elements) < group.order:
            target = group.subgroup(elements.tolist())
            rows.append(Direction(f"{' + '.join(labels)} {group.label_of(target)}", target, flat.basis.shape[1]))
    return sorted(rows, key=lambda row: (-row.target.order, row.name))
