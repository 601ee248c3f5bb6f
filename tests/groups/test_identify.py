"""Identification of point groups in any orientation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbs.errors import InvalidGroupError
from sbs.groups.point.families import AXIAL_SERIES, POLYHEDRAL_ORDERS, PointGroupSymbol
from sbs.groups.point.generators import rotation_z, standard_matrices
from sbs.groups.point.identify import MATCH_TOLERANCE, identify
from sbs.groups.point.symbols import parse_symbol

POLYHEDRAL = [PointGroupSymbol(family) for family, order in POLYHEDRAL_ORDERS.items() if order != math.inf]
GROUPS = list(
    dict.fromkeys(
        [PointGroupSymbol(f, n) for f in AXIAL_SERIES for n in [*range(1, 13), 17, 20]] + POLYHEDRAL
    )
)
# Unit quaternions, with the special orientations among them: equal, zero and opposite components.
QUATERNIONS = st.lists(st.integers(-3, 3) | st.floats(-1, 1, width=32), min_size=4, max_size=4).filter(
    lambda q: np.linalg.norm(q) > 0.1
)


def rotation_of(quaternion):
    w, x, y, z = np.asarray(quaternion, dtype=float) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def assert_identified(found, symbol, matrices, accuracy):
    """The one property: a proper rotation carries the standard elements onto the given ones, each once."""
    assert found.symbol == symbol
    r = found.rotation
    assert np.abs(r @ r.T - np.eye(3)).max() < 1e-14 and abs(np.linalg.det(r) - 1) < 1e-14
    turned = r @ standard_matrices(symbol) @ r.T
    assert np.abs(turned - matrices[found.match]).max() < accuracy
    assert sorted(found.match) == list(range(len(matrices)))


@pytest.mark.parametrize("symbol", GROUPS, ids=str)
def test_standard_groups_are_found_unturned(symbol):
    matrices = standard_matrices(symbol)
    found = identify(matrices)
    assert_identified(found, symbol, matrices, 1e-14)
    assert np.array_equal(found.rotation, np.eye(3))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(symbol=st.sampled_from(GROUPS), quaternion=QUATERNIONS, shuffle=st.randoms(use_true_random=False))
def test_turned_groups_are_found_in_any_order(symbol, quaternion, shuffle):
    r = rotation_of(quaternion)
    matrices = r @ standard_matrices(symbol) @ r.T
    found = identify(matrices)
    assert_identified(found, symbol, matrices, 4e-14)
    order = list(range(len(matrices)))
    shuffle.shuffle(order)
    again = identify(matrices[order])
    assert_identified(again, symbol, matrices[order], 4e-14)
    assert np.abs(again.rotation - found.rotation).max() < 1e-12
    # The smallest angle: no worse than the rotation that was applied.
    assert np.trace(found.rotation) >= np.trace(r) - 1e-9


@settings(max_examples=60, deadline=None, derandomize=True)
@given(symbol=st.sampled_from(GROUPS), quaternion=QUATERNIONS, seed=st.integers(0, 2**32 - 1))
def test_small_errors_are_tolerated(symbol, quaternion, seed):
    r = rotation_of(quaternion)
    exact = r @ standard_matrices(symbol) @ r.T
    noise = np.random.default_rng(seed).uniform(-1, 1, exact.shape)
    given_matrices = exact + 0.2 * MATCH_TOLERANCE * noise
    found = identify(given_matrices)
    assert_identified(found, symbol, exact, MATCH_TOLERANCE)
    # Least squares: no other orientation, not even the true one, is nearer to what was given.
    turned = found.rotation @ standard_matrices(symbol) @ found.rotation.T
    error = np.sum((turned - given_matrices[found.match]) ** 2)
    assert error <= np.sum((exact - given_matrices) ** 2) * (1 + 1e-6)


@pytest.mark.parametrize("symbol", [s for s in GROUPS if s.order > 2], ids=str)
def test_the_tolerance_is_kept(symbol):
    """Orthogonal elements that are each a little out of place are a group only to a loose tolerance."""
    rng = np.random.default_rng(7)
    bent = np.array(
        [rotation_of([1, *(1e-4 * rng.uniform(-1, 1, 3))]) @ g for g in standard_matrices(symbol)]
    )
    with pytest.raises(InvalidGroupError, match="not a closed"):
        identify(bent)
    assert identify(bent, tolerance=1e-3).symbol == symbol


@settings(max_examples=40, deadline=None, derandomize=True)
@given(symbol=st.sampled_from(GROUPS), quaternion=QUATERNIONS)
def test_improper_frames_do_not_matter(symbol, quaternion):
    r = -rotation_of(quaternion)
    matrices = r @ standard_matrices(symbol) @ r.T
    assert_identified(identify(matrices), symbol, matrices, 4e-14)


@pytest.mark.parametrize(
    "symbol", [PointGroupSymbol(f, n) for f, n in [("Dnh", 500), ("Dnd", 300), ("Cn", 997)]], ids=str
)
def test_high_folds(symbol):
    r = rotation_of([1, 2, 3, 4])
    matrices = r @ standard_matrices(symbol) @ r.T
    assert_identified(identify(matrices), symbol, matrices, 1e-13)


@pytest.mark.filterwarnings(
    "ignore:Set OLD_ERROR_HANDLING:DeprecationWarning"
)  # about the future of spglib itself
def test_point_groups_of_all_hall_settings_agree_with_spglib():
    spglib = pytest.importorskip("spglib")
    hexagonal = np.array([[1.0, -0.5, 0.0], [0.0, math.sqrt(3) / 2, 0.0], [0.0, 0.0, 1.0]])
    # A rhombohedral cell of any angle: a three-fold axis along the cell diagonal.
    rhombohedral = np.full((3, 3), 0.2) + np.eye(3)
    for hall in range(1, 531):
        kind = spglib.get_spacegroup_type(hall)
        rotations = np.unique(spglib.get_symmetry_from_database(hall)["rotations"], axis=0)
        for basis in (np.eye(3), hexagonal, rhombohedral):
            cartesian = basis @ rotations @ np.linalg.inv(basis)
            if np.abs(cartesian @ cartesian.transpose(0, 2, 1) - np.eye(3)).max() < 1e-9:
                break
        found = identify(cartesian)
        assert_identified(found, parse_symbol(kind.pointgroup_schoenflies).symbol, cartesian, 1e-14)


@pytest.mark.parametrize(
    ("generators", "expected"),
    [
        ([np.diag([1.0, 1.0, -1.0]) @ rotation_z(1, 3)], "C3h"),
        ([np.diag([1.0, 1.0, -1.0]) @ rotation_z(1, 4)], "S4"),
        ([np.diag([1.0, -1.0, -1.0]), np.diag([1.0, 1.0, -1.0])], "C2v"),
        ([np.diag([1.0, -1.0, -1.0]), -np.eye(3)], "C2h"),
        ([np.diag([-1.0, 1.0, 1.0])], "Cs"),
        ([rotation_z(1, 5), np.diag([1.0, -1.0, -1.0]), -np.eye(3)], "D5d"),
        ([-rotation_z(1, 10), np.diag([1.0, -1.0, -1.0])], "D5h"),
        ([-rotation_z(1, 8), np.diag([1.0, -1.0, -1.0])], "D4d"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_groups_given_by_generators(generators, expected):
    elements = [np.eye(3)]
    for element in elements:
        for product in (element @ generator for generator in generators):
            if min(np.abs(product - other).max() for other in elements) > 1e-9:
                elements.append(product)
    assert identify(elements).symbol.schoenflies == expected


def test_ties_between_orientations_are_settled_by_rule():
    # D4 with its axis along x, y or z: the input fixes the axis, not its sign nor the turn about it.
    for axis in range(3):
        r = np.roll(np.eye(3), axis, axis=0)
        matrices = r @ standard_matrices(PointGroupSymbol("Dn", 4)) @ r.T
        results = [
            identify(matrices[list(order)]).rotation
            for order in itertools.islice(itertools.permutations(range(8)), 40)
        ]
        assert all(np.array_equal(results[0], other) for other in results)


def test_results_cannot_be_changed():
    found = identify(standard_matrices(PointGroupSymbol("Oh")))
    for array in (found.rotation, found.match):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


OH = standard_matrices(PointGroupSymbol("Oh"))


@pytest.mark.parametrize(
    ("matrices", "message"),
    [
        (np.zeros((0, 3, 3)), "shape"),
        (np.eye(3), "shape"),
        (np.zeros((2, 2, 2)), "shape"),
        ([], "shape"),
        ([[1, 2], [3]], "expected real matrices"),
        ("Oh", "expected real matrices"),
        (None, "expected real matrices|shape"),
        (OH * (1 + 0j), "complex"),
        (np.full((1, 3, 3), np.nan), "not finite"),
        (np.concatenate([OH, np.full((1, 3, 3), np.inf)]), "matrix 48 has an entry that is not finite"),
        (2.0 * OH, "not orthogonal"),
        (np.concatenate([OH[:5], [[[1, 1, 0], [0, 1, 0], [0, 0, 1]]]]), "matrix 5 is not orthogonal"),
        (np.zeros((1, 3, 3)), "not orthogonal"),
        (OH[1:], "not a closed"),
        (OH[:-1], "not a closed"),
        (np.concatenate([OH, OH[:1]]), "not a closed"),
        (np.repeat(OH, 2, axis=0), "not a closed"),
        (-np.eye(3)[None], "not a closed"),
        (rotation_z(1, 7)[None], "not a closed"),
        (np.stack([np.eye(3), rotation_z(1, 3)]), "not a closed"),
        (np.stack([np.eye(3), np.eye(3)]), "not a closed"),
        (np.stack([np.eye(3), -rotation_z(1, 3)]), "not a closed"),
        (np.stack([np.eye(3), rotation_of([1, 0.3, 0.2, 0.1])]), "not a closed"),
    ],
    ids=range(23),
)
def test_input_that_is_no_group(matrices, message):
    with pytest.raises(InvalidGroupError, match=message):
        identify(matrices)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    symbol=st.sampled_from([s for s in GROUPS if 2 <= s.order <= 48]), data=st.data(), quaternion=QUATERNIONS
)
def test_a_group_with_elements_replaced_is_refused(symbol, data, quaternion):
    matrices = np.array(standard_matrices(symbol))
    places = data.draw(
        st.lists(st.integers(0, len(matrices) - 1), min_size=1, max_size=len(matrices), unique=True)
    )
    foreign = rotation_of([1.0, 0.123, 0.456, 0.0789]) @ rotation_of(quaternion)
    matrices[places] = data.draw(st.sampled_from([1.0, -1.0])) * foreign @ matrices[places]
    if is_group(matrices):
        return
    with pytest.raises(InvalidGroupError, match="not a closed"):
        identify(matrices)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    symbol=st.sampled_from([*POLYHEDRAL, PointGroupSymbol("Dnh", 6), PointGroupSymbol("Dnd", 4)]),
    data=st.data(),
)
def test_subsets_are_identified_exactly_when_they_are_groups(symbol, data):
    matrices = standard_matrices(symbol)
    places = data.draw(st.lists(st.integers(0, len(matrices) - 1), min_size=1, max_size=8, unique=True))
    subset = matrices[places]
    if is_group(subset):
        assert identify(subset).symbol.order == len(subset)
    else:
        with pytest.raises(InvalidGroupError, match="not a closed"):
            identify(subset)


def is_group(matrices):
    products = np.einsum("aij,bjk->abik", matrices, matrices).reshape(-1, 1, 9)
    distances = np.abs(products - matrices.reshape(1, -1, 9)).max(axis=2)
    own = np.abs(matrices.reshape(-1, 1, 9) - matrices.reshape(1, -1, 9)).max(axis=2) < 1e-9
    return bool((distances.min(axis=1) < 1e-9).all()) and own.sum() == len(matrices)
