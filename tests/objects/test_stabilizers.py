"""Stabilizers by counting dimensions, against the stabilizers of random vectors as the checker finds them."""

import itertools
import math

import numpy as np
import pytest

from sbs.groups import point_group
from sbs.groups.point.closed import AxialSubgroup, ClosedGroup
from sbs.groups.point.families import AXIAL_SERIES, PointGroupSymbol
from sbs.objects.blocks import Cost, cost_key
from sbs.objects.irreps import Irrep
from sbs.objects.representation import representation
from sbs.objects.seeds import generic_vector, harmonics
from sbs.objects.stabilizers import cheapest_irreps, invariant_dimension, overgroups
from sbs.proof.axes import COMPONENTS
from sbs.proof.harmonics import Representation
from sbs.proof.isotropy import Frames, View, Waves, principal_axes

O3, SO3 = PointGroupSymbol("O(3)"), PointGroupSymbol("SO(3)")
DINFH, DINF = PointGroupSymbol("Dnh", math.inf), PointGroupSymbol("Dn", math.inf)
AXIS = np.array([0.0, 0.0, 1.0])
IRREPS = [Irrep(l, p) for l in range(4) for p in (1, -1)]
POLYHEDRAL = [PointGroupSymbol(name) for name in ("T", "Th", "Td", "O", "Oh", "I", "Ih")]


def elements(group):
    """All elements of a finite group in standard setting."""
    if isinstance(group, PointGroupSymbol):
        return point_group(group).matrices
    return point_group(group.generators()).matrices


def axial(folds):
    return [AxialSubgroup(series, n) for n in folds for series in AXIAL_SERIES]


def canonical(folds):
    """Axial groups with the axis that their symbol says."""
    return [
        a for a in axial(folds) if a.family.series == a.series and a.family.n == a.n
    ]


def stabilizer_order(irreps, vector, ambient):
    """Number of elements of the ambient group that fix a vector; None if the checker needs to be told more."""
    rep = Representation([tuple(irrep) for irrep in irreps])
    if ambient.n is not None:
        found = Waves(View(rep, AXIS), vector).stabilizer_components()
        allowed = COMPONENTS["Dinf" if ambient.series == "Dn" else "Dinfh"]
        return sum(count for component, count in found.items() if component in allowed)
    kind, columns = principal_axes(Frames(rep), vector)
    proper = ambient.series == "SO(3)"
    if kind == "point":
        return math.inf
    if kind == "axis":
        found = Waves(View(rep, columns[:, 0]), vector).stabilizer_components()
        return sum(count for component, count in found.items() if component in ((0, 3) if proper else range(4)))
    if kind == "frame":
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=3)))
        candidates = np.array([columns @ np.diag(s) @ columns.T for s in signs])
        candidates = candidates[np.linalg.det(candidates) > 0] if proper else candidates
        return int((np.abs(rep.act(candidates, vector[None])[:, 0] - vector).max(1) < 1e-6).sum())
    return None


def generic(group, irreps, seed=0):
    """A random vector that a group fixes: the mean of the images of one."""
    rep = representation([(1, irrep) for irrep in irreps], elements(group))
    return rep.mean(axis=0) @ np.random.default_rng(seed).normal(size=rep.shape[1])


def predicted(group, irreps, ambient):
    """Whether the dimensions say that almost all vectors that the group fixes have it as their stabilizer."""
    own = sum(invariant_dimension(group, irrep) for irrep in irreps)
    above = overgroups(group, ambient)
    return all(own - sum(invariant_dimension(o.group, irrep) for irrep in irreps) > o.freedom for o in above)


def check_prediction(group, ambient):
    sums = [s for size in (1, 2) for s in itertools.combinations_with_replacement(IRREPS, size)]
    usable = [s for s in sums if all(invariant_dimension(group, irrep) for irrep in s)]
    for irreps in usable:
        order = stabilizer_order(irreps, generic(group, irreps), ambient)
        if order is not None:
            assert (order == len(elements(group))) == predicted(group, irreps, ambient), (group, irreps, order)


@pytest.mark.parametrize("group", axial((1, 2, 3)), ids=lambda g: f"{g.series}-{g.n}")
def test_dimensions_tell_the_stabilizer_about_an_axis(group):
    check_prediction(group, DINFH)


@pytest.mark.parametrize("group", canonical((1, 2, 3)), ids=lambda g: f"{g.series}-{g.n}")
def test_dimensions_tell_the_stabilizer_in_space(group):
    check_prediction(group, O3)


@pytest.mark.parametrize(
    "group", [AxialSubgroup("Cn", 1), AxialSubgroup("Cn", 2), AxialSubgroup("Dn", 2), AxialSubgroup("Dn", 3)]
)
def test_dimensions_tell_the_stabilizer_among_rotations(group):
    check_prediction(group, SO3)


@pytest.mark.parametrize("group", [*axial((1, 2, 3, 5)), *POLYHEDRAL], ids=str)
def test_dimensions_are_those_of_the_mean(group):
    for l, p in itertools.product(range(8), (1, -1)):
        trace = np.trace(representation([(1, Irrep(l, p))], elements(group)).mean(axis=0))
        assert invariant_dimension(group, Irrep(l, p)) == round(trace)


FOLDS = (1, 2, 3, 4, 5, 7, 12)


@pytest.mark.parametrize(
    ("group", "ambient"),
    [*((g, DINFH) for g in axial(FOLDS)), *((g, O3) for g in [*canonical(FOLDS), *POLYHEDRAL])],
    ids=str,
)
def test_seeds_have_the_stabilizer(group, ambient):
    irreps = cheapest_irreps(group, ambient, None)
    seed = generic_vector(group, irreps)
    blocks = np.split(seed, np.cumsum([irrep.dim for irrep in irreps])[:-1])
    assert np.abs([np.linalg.norm(block) - 1 for block in blocks]).max() < 1e-12
    images = representation([(1, irrep) for irrep in irreps], elements(group)) @ seed
    assert np.abs(images - seed).max() < 1e-12
    order = stabilizer_order(irreps, seed, ambient)
    assert order == len(elements(group)) or (order is None and isinstance(group, PointGroupSymbol))


@pytest.mark.parametrize(
    "group", [*axial((1, 2, 3)), AxialSubgroup("Cn", math.inf), AxialSubgroup("Dn", math.inf)], ids=str
)
def test_no_cheaper_sum_does(group):
    """All sums up to the cost of the one chosen, multiplicities included."""
    chosen = cheapest_irreps(group, DINFH, None)
    key = cost_key(Cost.of(irrep) for irrep in chosen)
    for size in (1, 2, 3):
        for irreps in itertools.combinations_with_replacement(IRREPS, size):
            if cost_key(Cost.of(irrep) for irrep in irreps) < key and all(
                invariant_dimension(group, i) for i in irreps
            ):
                assert not predicted(group, irreps, DINFH)


def test_a_bound_that_is_too_low_is_proved_too_low():
    """With l <= 2 nothing is fixed by a three-fold axis but what is fixed by all turns."""
    for series in ("Cn", "Cnv", "Dn", "Cnh", "S2n"):
        assert cheapest_irreps(AxialSubgroup(series, 3), DINFH, 2) is None
        assert cheapest_irreps(AxialSubgroup(series, 3), O3, 3) is not None
    assert cheapest_irreps(PointGroupSymbol("Td"), O3, 2) is None
    assert cheapest_irreps(PointGroupSymbol("I"), O3, 5) is None
    assert cheapest_irreps(AxialSubgroup("Cnh", 1), O3, 1) == (Irrep(1, -1), Irrep(1, -1))  # Cs: two vectors
    assert cheapest_irreps(AxialSubgroup("S2n", 1), O3, 1) == (Irrep(1, 1), Irrep(1, 1))  # Ci: two axial vectors
    assert cheapest_irreps(AxialSubgroup("Cn", 1), O3, 0) is None
    assert cheapest_irreps(AxialSubgroup("Dnh", math.inf), O3, 1) is None


def test_groups_that_are_all_of_the_ambient_one():
    assert cheapest_irreps(O3, O3, 0) == (Irrep(0, 1),)
    assert cheapest_irreps(AxialSubgroup("Dnh", math.inf), DINFH, None) == (Irrep(0, 1),)
    assert cheapest_irreps(AxialSubgroup("Dn", math.inf), DINF, None) == (Irrep(0, 1),)


@pytest.mark.parametrize("n", [17, 24, 50, 99, 100])
def test_large_groups_take_irreps_of_about_their_fold(n):
    for series in AXIAL_SERIES:
        irreps = cheapest_irreps(AxialSubgroup(series, n), O3, None)
        assert n <= irreps[-1].l <= n + 1 and sum(irrep.l for irrep in irreps[:-1]) <= 1


def test_harmonics_turn_as_they_should():
    angle = 0.7
    c, s = math.cos(angle), math.sin(angle)
    turn = representation("3e", np.array([[[c, -s, 0], [s, c, 0], [0, 0, 1]]]))[0]
    for m in (1, 2, 3):
        cosine, sine = harmonics(3)[:, 3 + m], harmonics(3)[:, 3 - m]
        assert np.abs(turn @ cosine - math.cos(m * angle) * cosine - math.sin(m * angle) * sine).max() < 1e-13
    assert np.abs(turn @ harmonics(3)[:, 3] - harmonics(3)[:, 3]).max() < 1e-13


def test_infinite_groups_keep_the_zonal_harmonics():
    for series in ("Cn", "Cnv", "Cnh", "Dn", "Dnh"):
        group = AxialSubgroup(series, math.inf)
        drawn = ClosedGroup(PointGroupSymbol(series, math.inf)).sample(20)
        for l, p in itertools.product(range(4), (1, -1)):
            zonal = harmonics(l)[:, l]
            fixed = np.abs(representation([(1, Irrep(l, p))], drawn) @ zonal - zonal).max() < 1e-12
            assert invariant_dimension(group, Irrep(l, p)) == int(fixed)
