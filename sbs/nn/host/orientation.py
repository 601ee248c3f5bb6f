"""A warning where an input does not lie as the breaker believes: turned input without rotations, or with the transpose."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.pointgroups import PointGroup
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import readable
from sbs.nn.choice import Choice
from sbs.nn.host.graphs import Graphs
from sbs.sets.sites import site_permutations

__all__ = ["OrientationCheck", "OrientationWarning"]

# Å: more than the noise of coordinates and of the first steps of a relaxation, less than what another orientation makes.
_TOLERANCE = 0.05

# Graphs that are known to lie right, by a hash of what they are.
_REMEMBERED = 4096

# Elements of an infinite S that are tried: two generate a dense part of it.
_SAMPLED = 4

# Å³; cells below are none.
_LEAST_VOLUME = 1e-6


class OrientationWarning(UserWarning):
    """An input is not symmetric under S in the orientation that its breaker was given."""


class OrientationCheck:
    """Looks at every new graph until one is complained of: an input that is distorted on purpose is complained of once."""

    def __init__(self) -> None:
        self.done: set[int] = set()
        self.seen: set[int] = set()

    def __getstate__(self) -> dict[str, Any]:
        # Breakers are known by their identity, which a copy does not share.
        return {"done": set(), "seen": set()}

    def check(self, breaker: SymmetryBreaker, choice: Choice, graphs: Graphs, num_graphs: int) -> None:
        """Warn unless every graph is symmetric under its turned S."""
        if graphs.positions is None or not readable(graphs.positions) or id(breaker) in self.done:
            return
        if not _well_formed(choice, graphs, num_graphs):
            return  # the breaker, or the host, says so
        positions = _numpy(graphs.positions)
        batch = None if graphs.batch is None else graphs.batch.numpy()
        for number in range(num_graphs):
            which = 0 if choice.set_index is None else int(choice.set_index[number])
            own = positions if batch is None else positions[batch == number]
            turn = np.eye(3) if choice.rotations is None else _numpy(choice.rotations[number])
            cell = _cell(graphs, number)
            key = hash((id(breaker), which, own.tobytes(), turn.tobytes(), None if cell is None else cell.tobytes()))
            if key in self.seen:
                continue
            if len(self.seen) >= _REMEMBERED:
                self.seen.clear()
            self.seen.add(key)
            group = breaker.group_of(which)
            elements = _telling_elements(group)
            if elements is None or not len(own):
                continue
            fits = [_symmetric(own, cell, each @ elements @ each.T) for each in (turn, turn.T)]
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
            self.done.add(id(breaker))
            warnings.warn(
                f"Graph {number} is not symmetric under {group.symbol} in the orientation of the breaker's set "
                f"({breaker.extra_repr()}). {hint}",
                OrientationWarning,
                stacklevel=2,
            )
            return


def _well_formed(choice: Choice, graphs: Graphs, num_graphs: int) -> bool:
    """Whether positions, cells and what is chosen have shapes that can be looked at."""
    assert graphs.positions is not None
    nodes = len(graphs.positions) if graphs.positions.ndim else 0
    shapes: list[tuple[Tensor | None, list[tuple[int, ...]], bool]] = [
        (graphs.positions, [(nodes, 3)], True),
        (graphs.batch, [(nodes,)], False),
        (graphs.cell, [(3, 3), (3 * num_graphs, 3), (1, 3, 3), (num_graphs, 3, 3)], True),
        (choice.set_index, [(num_graphs,)], False),
        (choice.rotations, [(num_graphs, 3, 3)], True),
    ]
    return all(
        given is None or (tuple(given.shape) in allowed and given.is_floating_point() == real)
        for given, allowed, real in shapes
    )


def _telling_elements(group: Any) -> np.ndarray | None:
    """Elements (m, 3, 3) under which only what is symmetric under the group is; None where they are not known."""
    if isinstance(group, PointGroup):
        return group.matrices[list(group.group.generators) or [0]]
    if isinstance(group, ClosedGroup):
        return np.asarray(group.sample(_SAMPLED, 0))
    return None


def _cell(graphs: Graphs, number: int) -> np.ndarray | None:
    if graphs.cell is None:
        return None
    cells = _numpy(graphs.cell).reshape(-1, 3, 3)
    cell = cells[number if len(cells) > 1 else 0]
    return None if abs(np.linalg.det(cell)) < _LEAST_VOLUME else cell


def _symmetric(positions: np.ndarray, cell: np.ndarray | None, matrices: np.ndarray) -> bool:
    try:
        site_permutations(positions, matrices, cell=cell, tolerance=_TOLERANCE)
    except NetworkInputError:
        return False
    return True


def _numpy(values: Tensor) -> np.ndarray:
    return values.detach().double().cpu().numpy()
