"""The checker's stabilizers of vectors in D∞h and O(3), on vectors whose stabilizers are known."""

import math

import numpy as np
import pytest

from sbs.groups import point_group
from sbs.proof.axes import holds, moves_into, normalizing_rotations, turns_into
from sbs.proof.claims import Continuous
from sbs.proof.harmonics import Representation
from sbs.proof.isotropy import Frames, View, Waves, is_image, principal_axes, turn_generators
from sbs.solver.normalizer import normalizer_in_o3

AXIS = np.array([0.0, 0.0, 1.0])
TURN = np.linalg.qr(np.random.default_rng(11).normal(size=(3, 3)))[0]


def components(blocks, vector, axis=AXIS):
    return Waves(View(Representation(blocks), axis), np.array(vector, dtype=float)).stabilizer_components()


def test_vectors_about_an_axis():
    # Components 0 .. 3 are the turns, σh, mirrors through the axis, two-fold axes across it.
    assert components([(1, -1)], [0, 0, 1]) == {0: math.inf, 2: math.inf}
    assert components([(1, -1)], [1, 0, 0]) == {0: 1, 1: 1, 2: 1, 3: 1}
    assert components([(1, -1)], [0.6, 0, 0.8]) == {0: 1, 2: 1}
    assert components([(1, 1)], [0, 0, 1]) == {0: math.inf, 1: math.inf}
    assert components([(0, -1)], [1]) == {0: math.inf, 3: math.inf}
    # x^2 - y^2 in e3nn's order (xz, xy, 2y2-..., yz, ...) has D2h, and is turned as a whole with its axis.
    quadrupole = [0, 0, -math.sqrt(3) / 2, 0, -1 / 2]
    assert components([(2, 1)], quadrupole) == {0: 2, 1: 2, 2: 2, 3: 2}
    turned = Representation([(2, 1)]).act(TURN[None], np.array([quadrupole]))[0, 0]
    assert components([(2, 1)], turned, TURN[:, 2]) == {0: 2, 1: 2, 2: 2, 3: 2}
    # Two vectors across the axis: nothing but σh keeps both, unless they are parallel.
    assert components([(1, -1), (1, -1)], [1, 0, 0, 0.6, 0.8, 0]) == {0: 1, 1: 1}
    assert components([(1, -1), (1, -1)], [1, 0, 0, 1, 0, 0]) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_generators_are_the_derivatives_of_turns():
    representation, vector = Representation([(2, -1), (3, 1)]), np.random.default_rng(2).normal(size=12)
    step = 1e-5
    c, s = math.cos(step), math.sin(step)
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    images = representation.act(np.array([about_z, about_z.T]), vector[None])[:, 0]
    slope = (images[0] - images[1]) / (2 * step)
    assert np.abs(turn_generators(representation)[2] @ vector - slope).max() < 1e-8


def test_what_the_quadratic_form_tells():
    frames = Frames(Representation([(1, -1), (1, -1)]))
    assert principal_axes(frames, np.array([0, 0, 1.0, 0, 0, 1]))[0] == "axis"
    assert principal_axes(frames, np.array([0, 0, 1.0, 0.6, 0, 0.8]))[0] == "frame"
    assert principal_axes(Frames(Representation([(0, -1)])), np.ones(1))[0] == "point"
    xyz = np.zeros(7)
    xyz[1] = 1.0  # Td
    assert principal_axes(Frames(Representation([(3, -1)])), xyz)[0] == "none"


@pytest.mark.parametrize("blocks", [[(1, -1)], [(2, 1)], [(1, -1), (1, 1)], [(3, -1)], [(4, 1), (0, -1)]], ids=str)
def test_images_are_recognised(blocks):
    representation = Representation(blocks)
    vector = np.random.default_rng(4).normal(size=representation.dim)
    image = representation.act(TURN[None], vector[None])[0, 0]
    assert is_image(Frames(representation), vector, image, proper=False)
    assert not is_image(Frames(representation), vector, image * 1.001, proper=False)


def test_images_of_a_vector_without_axis_are_recognised():
    representation = Representation([(3, -1), (0, -1)])
    vector = np.array([0, 1.0, 0, 0, 0, 0, 0, 1.0])  # T: x y z beside a pseudoscalar
    image = representation.act(-np.linalg.det(TURN) * TURN[None], vector[None])[0, 0]
    assert is_image(Frames(representation), vector, image, proper=False)


@pytest.mark.parametrize("symbol", ["D2", "C2v", "D3", "C5v", "D4d", "D6h", "T", "Td", "Oh", "I", "Ih"])
def test_the_numerical_normalizer_agrees_with_the_tables(symbol):
    group = point_group(symbol)
    rotations = normalizing_rotations(group.matrices)
    expected = point_group(normalizer_in_o3(group.family))
    found = np.concatenate([rotations, -rotations])
    assert len(found) == expected.order
    assert np.abs(found[:, None] - expected.matrices[None]).max((2, 3)).min(1).max() < 1e-9


@pytest.mark.parametrize(
    ("inner", "outer", "fits"),
    [("D2", "T", True), ("D3", "T", False), ("C3v", "Td", True), ("C3v", "O", False), ("C4", "Oh", True), ("C5", "Oh", False),
     ("Th", "Ih", True), ("S4", "Td", True), ("Cs", "C3v", True), ("Ci", "D3d", True), ("Ci", "D3h", False), ("D3", "I", True)],
)  # fmt: skip
def test_where_a_group_fits(inner, outer, fits):
    matrices = TURN @ point_group(inner).matrices @ TURN.T
    rotations = moves_into(matrices, point_group(outer).matrices)
    assert bool(len(rotations)) == fits
    for rotation in rotations:
        images = rotation @ matrices @ rotation.T
        assert np.abs(images[:, None] - point_group(outer).matrices).max((2, 3)).min(1).max() < 1e-9


def test_turns_about_an_axis_into_a_group():
    turn = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1]])
    for inner, outer, fits in (("C2v", "D4h", True), ("D3", "D6", True), ("C3v", "D6", False), ("D2d", "D4h", True)):
        matrices = turn @ point_group(inner).matrices @ turn.T
        assert turns_into(matrices, point_group(outer).matrices, AXIS) == fits


def test_membership_of_infinite_groups():
    group = Continuous("Cinfv", AXIS)
    elements = np.array([np.eye(3), np.diag([1.0, -1, 1]), np.diag([1.0, 1, -1]), np.diag([1.0, -1, -1]), TURN])
    assert holds(group, elements).tolist() == [True, True, False, False, False]
    assert holds(Continuous("SO(3)", AXIS), elements).tolist() == [True, False, False, True, np.linalg.det(TURN) > 0]
