"""Layered drawing of the classes of subgroups, laid out once, when the page is written.

A row holds the classes of one order, larger groups higher. Order within the rows and horizontal places are those of
grandalf's Sugiyama layout (K. Sugiyama, S. Tagawa, M. Toda, IEEE Trans. SMC 11, 109 (1981); U. Brandes and B. Köpf,
Graph Drawing 2001). An edge that passes a row does so through a place of its own, upright, so that it crosses no box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sbs.optional import require

__all__ = ["BOX", "ROW", "Drawing", "lay_out"]

#: Width and height of a box, and the distance of two rows; in the page's pixels.
BOX = (80, 40)
ROW = 80
_GAP = 8
# Width of the place that an edge takes in a row which it passes.
_LANE = 4
# Rounds of ordering; more change nothing in the stored groups.
_ROUNDS = 12


@dataclass(frozen=True)
class Drawing:
    """Where everything is.

    Attributes:
        width, height: of the drawing.
        places: centre (x, y) of the box of every class; y grows downwards.
        edges: for every edge the numbers of the larger and the smaller class and the corners of its line, (x, y) each.
    """

    width: float
    height: float
    places: tuple[tuple[float, float], ...]
    edges: tuple[tuple[int, int, tuple[tuple[float, float], ...]], ...]


def lay_out(orders: Sequence[int], below: Sequence[Sequence[int]]) -> Drawing:
    """Draw classes of subgroups.

    Args:
        orders: order of every class. below: for every class the numbers of its maximal subgroups' classes.

    Raises:
        MissingDependencyError: grandalf is not installed.
    """
    rows = sorted(set(orders), reverse=True)
    rank = [rows.index(order) for order in orders]
    pairs = [(upper, lower) for upper, lowers in enumerate(below) for lower in lowers]
    if not pairs:
        return _framed([(0.0, 0.0)], [])
    layout, vertices, edges = _sugiyama(rank, pairs)
    places = [(float(v.view.xy[0]), float(rank[i] * ROW)) for i, v in enumerate(vertices)]
    lines = []
    for (upper, lower), edge in zip(pairs, edges, strict=True):
        lane = layout.ctrls.get(edge, {})
        corners = [(places[upper][0], places[upper][1] + BOX[1] / 2)]
        for row in range(rank[upper] + 1, rank[lower]):
            x = float(lane[row].view.xy[0])
            corners += [(x, row * ROW - BOX[1] / 2), (x, row * ROW + BOX[1] / 2)]
        corners.append((places[lower][0], places[lower][1] - BOX[1] / 2))
        lines.append((upper, lower, corners))
    return _framed(places, lines)


def _sugiyama(rank: Sequence[int], pairs: Sequence[tuple[int, int]]) -> tuple[Any, list[Any], list[Any]]:
    """grandalf's layout with the rows given: the layout, its vertices and its edges."""
    graphs, layouts = require("grandalf.graphs", "explorer"), require("grandalf.layouts", "explorer")

    class Box:
        w, h = BOX
        xy = (0.0, 0.0)

    class Rows(layouts.SugiyamaLayout):  # type: ignore[name-defined]
        def rank_all(self, roots: Any, optimize: bool = False) -> None:
            self.layers = [layouts.Layer([]) for _ in range(max(rank) + 1)]
            for vertex in vertices:
                self.grx[vertex].rank = rank[vertex.data]
                self.layers[rank[vertex.data]].append(vertex)

    vertices = [graphs.Vertex(number) for number in range(len(rank))]
    for vertex in vertices:
        vertex.view = Box()
    edges = [graphs.Edge(vertices[upper], vertices[lower]) for upper, lower in pairs]
    # Not through grandalf's Graph, which keeps edges in sets: the drawing would change from run to run.
    layout = Rows(graphs.graph_core(vertices, edges))
    layout.dw, layout.xspace, layout.order_iter = _LANE, _GAP, _ROUNDS
    layout.init_all(roots=[vertices[rank.index(0)]])
    layout.draw(N=_ROUNDS)
    for layer in layout.layers:
        _apart(list(layer))
    return layout, vertices, edges


def _apart(row: list[Any]) -> None:
    """Push the members of a row to the right until none overlaps its neighbour; the averaging of places can bring it near."""
    for left, right in pairwise(row):
        least = left.view.xy[0] + (left.view.w + right.view.w + _GAP) / 2
        right.view.xy = (max(right.view.xy[0], least), right.view.xy[1])


def _framed(places: list[tuple[float, float]], lines: list[tuple[int, int, list[tuple[float, float]]]]) -> Drawing:
    """Shifted so that everything lies within (0, 0) and (width, height), in whole pixels."""
    every = [*places, *(corner for _, _, corners in lines for corner in corners)]
    left, top = min(x for x, _ in every) - BOX[0] / 2 - _GAP, min(y for _, y in places) - BOX[1] / 2 - _GAP

    def moved(point: tuple[float, float]) -> tuple[float, float]:
        return round(point[0] - left, 1), round(point[1] - top, 1)

    width = max(x for x, _ in every) + BOX[0] / 2 + _GAP - left
    height = max(y for _, y in places) + BOX[1] / 2 + _GAP - top
    return Drawing(
        round(width, 1),
        round(height, 1),
        tuple(moved(place) for place in places),
        tuple((upper, lower, tuple(moved(corner) for corner in corners)) for upper, lower, corners in lines),
    )
