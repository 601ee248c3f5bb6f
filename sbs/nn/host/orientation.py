"""A warning where an input does not lie as the breaker believes: turned input without rotations, or with the transpose."""

from __future__ import annotations

import warnings

import numpy as np
from torch import Tensor

from sbs.errors import SymmetryBreakingError
from sbs.groups.point.pointgroups import PointGroup
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import readable
from sbs.nn.choice import Choice
from sbs.nn.host.graphs import Graphs
from sbs.sets.sites import site_permutations

__all__ = ["OrientationCheck", "OrientationWarning"]

# Å: more than the noise of coordinates and of the first steps of a relaxation, less than what another orientation makes.
_TOLERANCE = 0.05


class OrientationWarning(UserWarning):
    """An input is not symmetric under S in the orientation that its breaker was given."""


class OrientationCheck:
    """Looks at the first call of each breaker only: an input that is distorted on purpose is not complained of twice."""

    def __init__(self) -> None:
        self.done: set[int] = set()

    def check(self, breaker: SymmetryBreaker, choice: Choice, graphs: Graphs, num_graphs: int) -> None:
        """Warn unless every graph is symmetric under its turned S."""
        if graphs.positions is None or not readable(graphs.positions) or id(breaker) in self.done:
            return
        self.done.add(id(breaker))
        batch = np.zeros(len(graphs.positions), dtype=int) if graphs.batch is None else graphs.batch.numpy()
        for number in range(num_graphs):
            which = 0 if choice.set_index is None else int(choice.set_index[number])
            group = breaker.group_of(which)
            nodes = np.flatnonzero(batch == number)
            if not isinstance(group, PointGroup) or not len(nodes):
                continue
            turn = np.eye(3) if choice.rotations is None else choice.rotations[number].detach().double().numpy()
            fits = [_symmetric(graphs, nodes, number, turned @ group.matrices @ turned.T) for turned in (turn, turn.T)]
            if fits[0]:
                continue
            if fits[1]:
                hint = "It is under the transpose of the rotation given: rotations take the set's orientation to the input's."
            else:
                hint = (
                    "If it is turned, give rotations=, R with input = R times the set's orientation, which "
                    "sbs.nn.orientation(sbs.detect(structure), set) returns; if it is distorted on purpose, ignore this "
                    "warning."
                )
            warnings.warn(
                f"Graph {number} is not symmetric under {group.symbol} in the orientation of the breaker's set "
                f"({breaker.extra_repr()}). {hint}",
                OrientationWarning,
                stacklevel=2,
            )
            return


def _symmetric(graphs: Graphs, nodes: np.ndarray, number: int, matrices: np.ndarray) -> bool:
    assert graphs.positions is not None
    positions = graphs.positions.detach().double().numpy()[nodes]
    cell: np.ndarray | None = None
    if graphs.cell is not None:
        cell = _numpy(graphs.cell).reshape(-1, 3, 3)
        cell = cell[number if len(cell) > 1 else 0]
        if abs(np.linalg.det(cell)) < 1e-6:
            cell = None
    try:
        site_permutations(positions, matrices, cell=cell, tolerance=_TOLERANCE)
    except SymmetryBreakingError:
        return False
    return True


def _numpy(values: Tensor) -> np.ndarray:
    return values.detach().double().cpu().numpy()
