"""A symmetry-breaking set as a plotly figure that can be turned, in the explorer's colours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sbs.errors import InvalidGroupError
from sbs.groups.abstract.validation import check_integer
from sbs.groups.point.pointgroups import PointGroup
from sbs.groups.point.symmetry_elements import symmetry_elements
from sbs.optional import require
from sbs.sets.picture import COLOURS, Drawn, blocks_of, body_of, drawable, harmonic_surface, screw
from sbs.sets.report import named_target

__all__ = ["plot"]

_AXIS = 1.35
#: Arrow heads of the object and of the others, in units of the arrow.
_HEAD, _SMALL_HEAD = 0.24, 0.13


def plot(result: Drawn, index: int = 0) -> Any:
    """Figure of a set: the body giving way, the chosen object, the others of vectors, and the axes that are kept.

    Args:
        index: which object is given; an infinite set has number 0 only, its seed.

    Returns:
        ``plotly.graph_objects.Figure``.

    Raises:
        InvalidGroupError: the set has no picture (an abstract or infinite group, a field on sites), or no such object.
        MissingDependencyError: plotly is not installed.
    """
    if not drawable(result):
        raise InvalidGroupError(
            f"{result!r} has no picture: its objects are no vectors of irreps of O(3) for a finite point group; "
            "look at .objects, or at .report()"
        )
    objects = result.objects if result.size != math.inf else result.seed_object[None]
    index = check_integer(index, "the number of an object", 0, len(objects) - 1)
    graphs = require("plotly.graph_objects", "explorer")
    traces: list[dict[str, Any]] = []
    points, edges = body_of(result, index)
    traces.append(_lines([points[list(edge)] for edge in edges], COLOURS["body"], 4, "body"))
    traces += _kept_axes(result, index)
    for irrep, place in blocks_of(result):
        part = objects[index, place]
        if irrep.l == 1:
            traces += _arrows(
                np.delete(objects[:, place], index, axis=0), COLOURS["other"], 3, _SMALL_HEAD, "other objects"
            )
            traces += _arrows(part[None], COLOURS["selected"], 9, _HEAD, "object given")
        elif irrep.l == 0 and irrep.p == -1:
            traces.append(_lines([screw(float(part[0]))], COLOURS["selected"], 6, "pseudoscalar"))
        elif irrep.l == 0:
            place_of_ball = {"x": [0], "y": [0], "z": [0], "mode": "markers", "type": "scatter3d", "name": "scalar"}
            traces.append(place_of_ball | {"marker": {"size": 24, "color": COLOURS["selected"]}})
        else:
            traces.append(_surface(*harmonic_surface(irrep, part)))
    hidden = {"visible": False, "range": [-1.6, 1.6]}
    figure = graphs.Figure(traces)
    figure.update_layout(
        title=f"{getattr(result.group, 'symbol', '')} → {named_target(result)}: object {index + 1} of {result.size}",
        scene={"xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "cube"},
        margin={"l": 0, "r": 0, "b": 0, "t": 40},
    )
    return figure


def _lines(runs: list[np.ndarray], colour: str, width: float, name: str) -> dict[str, Any]:
    gap = np.full((1, 3), np.nan)
    x, y, z = np.concatenate([piece for run in runs for piece in (run, gap)] or [gap]).T
    return {"type": "scatter3d", "mode": "lines", "x": x, "y": y, "z": z, "name": name, "hoverinfo": "skip",
            "line": {"color": colour, "width": width}}  # fmt: skip


def _arrows(vectors: np.ndarray, colour: str, width: float, head: float, name: str) -> list[dict[str, Any]]:
    if not len(vectors):
        return []
    x, y, z = vectors.T
    cone = {"type": "cone", "x": x, "y": y, "z": z, "u": x, "v": y, "w": z, "anchor": "tip", "sizemode": "absolute",
            "sizeref": head, "showscale": False, "colorscale": [[0, colour], [1, colour]], "hoverinfo": "skip",
            "name": name}  # fmt: skip
    return [_lines([np.array([np.zeros(3), 0.9 * vector]) for vector in vectors], colour, width, name), cone]


def _surface(points: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    x, y, z = np.moveaxis(points, -1, 0)
    low, high = COLOURS["negative"], COLOURS["selected"]
    scale = [[0, low], [0.47, low], [0.53, high], [1, high]]
    return {"type": "surface", "x": x, "y": y, "z": z, "surfacecolor": values, "cmin": -1, "cmax": 1,
            "colorscale": scale, "showscale": False, "hoverinfo": "skip", "name": "object given"}  # fmt: skip


def _kept_axes(result: Drawn, index: int) -> list[dict[str, Any]]:
    group = result.group
    assert isinstance(group, PointGroup)
    held: Any = result.target_of[index] if result.size != math.inf else result.target
    runs, tips, names = [], [], []
    for axis in symmetry_elements(group.standard).axes:
        kept = axis.kept(held.elements)
        if kept is not None:
            direction = group.rotation @ np.array(axis.direction)
            runs.append(np.array([-_AXIS * direction, _AXIS * direction]))
            tips.append(1.08 * _AXIS * direction)
            names.append(kept if kept == axis.label else f"{axis.label} → {kept}")
    if not runs:
        return []
    x, y, z = np.array(tips).T
    labels = {"type": "scatter3d", "mode": "text", "x": x, "y": y, "z": z, "text": names, "hoverinfo": "skip",
              "showlegend": False, "textfont": {"color": COLOURS["kept"]}}  # fmt: skip
    return [_lines(runs, COLOURS["kept"], 5, "axes that survive"), labels]
