"""A symmetry-breaking set as a still picture (SVG) and as facts, for notebooks.

The picture shows a body of the symmetry of the input giving way to that of the output, and the first object: arrows for
degree 1, the surface of its function for higher degrees, a screw for a pseudoscalar, a ball for a scalar. Colours are those
of the explorer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

import numpy as np

from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.pointgroups import PointGroup
from sbs.objects.irreps import Irrep, parse_irreps
from sbs.objects.representation import representation
from sbs.sets.bodies import bodies, distortion
from sbs.sets.report import Described, explanation, named_target

__all__ = ["COLOURS", "Drawn", "as_html", "blocks_of", "body_of", "drawable", "harmonic_surface", "screw", "svg"]

#: The explorer's palette, light.
COLOURS = {"selected": "#c2410c", "negative": "#7ba3d9", "other": "#1d4e89", "kept": "#0f766e", "body": "#64748b"}

_SIZE, _SCALE = 320, 105.0
#: Largest displacement of the body, in units of its radius.
_STRETCH = 0.22
#: Steps of the polar and the azimuthal angle of a surface.
_POLAR, _AROUND = 13, 24
#: More arrows than this make no picture.
_MANY = 60
# Seen from here.
_EYE = np.array([1.0, 0.85, 0.65]) / np.linalg.norm([1.0, 0.85, 0.65])


class Drawn(Described, Protocol):
    """What a picture needs to know of a set, see `sbs.sets.minimal_set.MinimalSet`."""

    @property
    def objects(self) -> np.ndarray: ...
    @property
    def seed_object(self) -> np.ndarray: ...
    @property
    def target_of(self) -> Sequence[Any]: ...


def drawable(result: Drawn) -> bool:
    """Whether a set has a picture: its group turns space, and an object is a vector of irreps of O(3)."""
    return isinstance(result.group, PointGroup) and result.irreps is not None and result.seed_object.ndim == 1


def blocks_of(result: Drawn) -> list[tuple[Irrep, slice]]:
    """Irreps of an object and where their components stand."""
    found, start = [], 0
    for multiplicity, irrep in parse_irreps(result.irreps or ""):
        for _ in range(multiplicity):
            found.append((irrep, slice(start, start + irrep.dim)))
            start += irrep.dim
    return found


def body_of(result: Drawn, index: int = 0) -> tuple[np.ndarray, tuple[tuple[int, int], ...]]:
    """The body when an object is given: points float64 (n, 3) in the orientation of S, and its edges."""
    group = result.group
    assert isinstance(group, PointGroup)
    held = result.target_of[index] if result.size != math.inf else result.target
    assert isinstance(held, Subgroup)
    number, field = distortion(group.standard, held.elements)
    body = bodies(group)[number]
    return (body.points + _STRETCH * field) @ group.rotation.T, body.edges


def harmonic_surface(irrep: Irrep, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The surface r = |f| of a function of degree l: points float64 (polar, around, 3) and f there, largest modulus 1."""
    theta, phi = np.linspace(0, np.pi, _POLAR), np.linspace(0, 2 * np.pi, _AROUND + 1)
    directions = np.stack(
        [
            np.sin(theta)[:, None] * np.cos(phi),
            np.sin(theta)[:, None] * np.sin(phi),
            np.cos(theta)[:, None] * np.ones_like(phi),
        ],
        axis=-1,
    )
    # The harmonics at R y are the column of m = 0 of D(R), because those at the pole y are that unit vector.
    turns = _from_pole(directions.reshape(-1, 3))
    harmonics = representation(f"1x{irrep.l}{'e' if irrep.l % 2 == 0 else 'o'}", turns)[:, :, irrep.l]
    values = (harmonics @ coefficients).reshape(directions.shape[:2])
    values = values / max(np.abs(values).max(), 1e-12)
    return np.abs(values)[:, :, None] * directions, values


def _from_pole(directions: np.ndarray) -> np.ndarray:
    """Rotations (n, 3, 3) that take y to unit vectors (n, 3)."""
    helper = np.where(np.abs(directions[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]])
    across = np.cross(helper, directions)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.stack([np.cross(directions, across), directions, across], axis=2)


def screw(value: float) -> np.ndarray:
    """A helix about z, float64 (n, 3): right-handed for a positive pseudoscalar, left-handed for a negative one."""
    t = np.linspace(0, 5 * np.pi, 90)
    return np.stack([0.22 * np.cos(t), math.copysign(1.0, value) * 0.22 * np.sin(t), 1.1 * (t / t[-1] - 0.5)], axis=1)


def svg(result: Drawn) -> str:
    """The picture as SVG; empty for a set that has none."""
    if not drawable(result):
        return ""
    shapes: list[tuple[float, str]] = []
    points, edges = body_of(result)
    for a, b in edges:
        shapes.append(_line(points[[a, b]], COLOURS["body"], 1.6))
    finite = result.size != math.inf
    for irrep, place in blocks_of(result):
        part = result.seed_object[place]
        if irrep.l == 1:
            others = result.objects[1:, place] if finite and result.size <= _MANY else np.zeros((0, 3))
            for other in others:
                shapes += _arrow(other, COLOURS["other"], 1.2, "4 3")
            shapes += _arrow(part, COLOURS["selected"], 4.0)
        elif irrep.l == 0 and irrep.p == -1:
            shapes.append(_line(screw(float(part[0])), COLOURS["selected"], 3.0))
        elif irrep.l == 0:
            shapes.append((0.0, f'<circle cx="{_SIZE / 2}" cy="{_SIZE / 2}" r="24" fill="{COLOURS["selected"]}"/>'))
        else:
            shapes += _surface(*harmonic_surface(irrep, part))
    body = "".join(shape for _, shape in sorted(shapes, key=lambda entry: entry[0]))
    name = escape(f"Object of the set {named_target(result)} in {getattr(result.group, 'symbol', '')}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIZE}" height="{_SIZE}" viewBox="0 0 {_SIZE} {_SIZE}" '
        f'role="img" aria-label="{name}">{body}</svg>'
    )


def _projected(points: np.ndarray) -> np.ndarray:
    """Across, down and depth of points (..., 3)."""
    flat = math.hypot(_EYE[0], _EYE[1])
    right = np.array([-_EYE[1], _EYE[0], 0.0]) / flat
    up = np.cross(_EYE, right)
    return np.stack([_SIZE / 2 + _SCALE * points @ right, _SIZE / 2 - _SCALE * points @ up, points @ _EYE], axis=-1)


def _path(points: np.ndarray) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in points)


def _line(points: np.ndarray, colour: str, width: float, dash: str = "") -> tuple[float, str]:
    seen = _projected(points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    path = (
        f'<path d="{_path(seen)}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round"{dashed}/>'
    )
    return float(seen[:, 2].mean()), path


def _arrow(vector: np.ndarray, colour: str, width: float, dash: str = "") -> list[tuple[float, str]]:
    tip, neck = _projected(vector), _projected(0.86 * vector)
    along = (tip - neck)[:2]
    length = float(np.linalg.norm(along))
    across = np.array([-along[1], along[0]]) / max(length, 1e-9) * (2.5 + 1.1 * width)
    corners = [tip[:2], neck[:2] + across, neck[:2] - across]
    head = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    return [
        _line(np.array([np.zeros(3), 0.88 * vector]), colour, width, dash),
        (float(tip[2]), f'<polygon points="{head}" fill="{colour}"/>'),
    ]


def _surface(points: np.ndarray, values: np.ndarray) -> list[tuple[float, str]]:
    seen = _projected(points)
    quads = np.stack([seen[:-1, :-1], seen[:-1, 1:], seen[1:, 1:], seen[1:, :-1]], axis=2).reshape(-1, 4, 3)
    signs = ((values[:-1, :-1] + values[1:, 1:]) > 0).ravel()
    shapes = []
    for quad, positive in zip(quads, signs, strict=True):
        a, b = quad[2] - quad[0], quad[3] - quad[1]
        if abs(a[0] * b[1] - a[1] * b[0]) > 1.0:  # twice the area in square pixels; smaller ones cannot be seen
            colour = COLOURS["selected" if positive else "negative"]
            shapes.append(
                (
                    float(quad[:, 2].mean()),
                    f'<path d="{_path(quad)}Z" fill="{colour}" stroke="{colour}" stroke-width=".4"/>',
                )
            )
    return shapes


def as_html(result: Drawn) -> str:
    """Facts and picture side by side; for notebooks, without styles of its own but the layout."""
    size = "infinitely many" if result.size == math.inf else str(result.size)
    degeneracy = "∞" if result.degeneracy == math.inf else str(result.degeneracy)
    rows = [
        ("objects", f"{size}{', ideal: one S-orbit' if result.is_ideal else f', not ideal: {degeneracy} S-orbits'}"),
        ("irreps", result.irreps),
        ("normalizer M", _name(result.normalizer)),
        ("stabilizer H", _name(result.stabilizer)),
        ("why", explanation(result)),
    ]
    body = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows
        if value is not None
    )
    title = escape(f"{_name(result.group)} → {named_target(result)} in {_name(result.ambient)}")
    table = f'<table style="max-width:36em"><caption>{title}</caption><tbody>{body}</tbody></table>'
    return f'<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:center">{svg(result)}{table}</div>'


def _name(group: object) -> str:
    order = getattr(group, "order", math.inf)
    written = "infinite order" if order == math.inf else f"order {order}"
    return getattr(group, "symbol", None) or f"a group of {written}"
