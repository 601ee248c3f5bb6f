"""Bodies of points: they have the symmetry of their group, and give way to exactly the subgroup that is asked for."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sbs.groups import point_group
from sbs.objects.components import component_names
from sbs.objects.representation import representation
from sbs.sets.bodies import bodies, distortion

GROUPS = (
    "C1",
    "Cs",
    "Ci",
    "C2",
    "C4",
    "S4",
    "C3v",
    "C10h",
    "D2",
    "D3h",
    "D4d",
    "D12",
    "T",
    "Th",
    "Td",
    "O",
    "Oh",
    "Ih",
)


@pytest.mark.parametrize("symbol", GROUPS)
def test_a_body_is_permuted_by_its_group(symbol):
    group = point_group(symbol)
    for body in bodies(group):
        moved = np.einsum("gij,nj->gni", group.matrices, body.points)
        np.testing.assert_allclose(moved, body.points[body.images], atol=1e-12)
        assert all(sorted(row) == list(range(len(body.points))) for row in body.images.tolist())
        assert abs(np.linalg.norm(body.points, axis=1).max() - 1) < 1e-12


SOLIDS = {"Oh": (8, 12), "Td": (4, 6), "Ih": (12, 30), "D3h": (6, 9), "D4d": (8, 16), "C4v": (5, 8)}


@pytest.mark.parametrize("symbol", SOLIDS)
def test_edges_are_those_of_the_solids(symbol):
    body = bodies(point_group(symbol))[0]
    assert (len(body.points), len(body.edges)) == SOLIDS[symbol]


@pytest.mark.parametrize("symbol", GROUPS)
def test_a_distortion_keeps_exactly_the_subgroup(symbol):
    group = point_group(symbol)
    for c in group.subgroup_classes:
        kept = c.representative.elements
        number, field = distortion(group, kept)
        body = bodies(group)[number]
        points = body.points + 0.1 * field
        stabilizer = [
            g
            for g, matrix in enumerate(group.matrices)
            if np.abs(points @ matrix.T - points[body.images[g]]).max() < 1e-9
        ]
        assert stabilizer == kept.tolist(), c.label
        assert np.linalg.norm(field, axis=1).max() == pytest.approx(1 if c.order < group.order else 0)


def evaluated(name: str, x: float, y: float, z: float) -> float:
    """Value of a function that is written like x(4y²-x²-z²)."""
    powers = name.replace("²", "**2")
    expression = re.sub(r"(?<=[xyz0-9])(?=[xyz(])", "*", powers)
    return float(eval(expression, {"x": x, "y": y, "z": z}))


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_names_of_components_are_the_functions_that_turn_like_them(degree):
    """The named functions, normalised on the sphere, turn by the library's matrices."""
    irreps = f"1x{degree}{'e' if degree % 2 == 0 else 'o'}"
    names = component_names(irreps)
    rng = np.random.default_rng(3)
    points = rng.normal(size=(60, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    values = np.array([[evaluated(name, *point) for name in names] for point in points])
    # Exact norms by a rule of high degree: products of Gauss points in cos(theta) and equal steps in phi.
    nodes, weights = np.polynomial.legendre.leggauss(12)
    phi = 2 * np.pi * np.arange(24) / 24
    grid = np.array([[np.sqrt(1 - u * u) * np.cos(p), np.sqrt(1 - u * u) * np.sin(p), u] for u in nodes for p in phi])
    squares = np.array([[evaluated(name, *point) ** 2 for name in names] for point in grid])
    norms = np.sqrt(np.repeat(weights, 24) @ squares)
    matrix = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turned = np.array([[evaluated(name, *point) for name in names] for point in points @ matrix.T])
    expected = (values / norms) @ representation(irreps, matrix[None])[0].T
    np.testing.assert_allclose(turned / norms, expected, atol=1e-9)


def test_names_of_pseudotensors_and_of_high_degrees():
    assert component_names("1x0o+1x1e") == ("1*", "x*", "y*", "z*")
    assert component_names("1x4e")[0] == "Y(4,-4)" and len(component_names("1x4e")) == 9
