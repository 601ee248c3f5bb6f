"""Sets whose normalizer is infinite: large folds, bounds on the degree, proofs that none exists."""

import itertools
import math

import numpy as np
import pytest

import sbs
from sbs.errors import InfiniteSetError, NoSetError
from sbs.groups import point_group
from sbs.groups.point.closed import AxialSubgroup
from sbs.groups.point.families import AXIAL_SERIES
from sbs.objects.representation import representation
from sbs.proof.harmonics import Representation
from sbs.proof.isotropy import View, Waves

INF = math.inf

# group, target, irreps, stabilizer
LARGE = [
    ("C60", "C30", "1x30e", "D30h"),
    ("C100", "C50", "1x50e", "D50h"),
    ("C100h", "C25h", "1x25o", "D25h"),
    ("S198", "C33", "1x33o", "C33v"),
    ("O(3)", "C9", "1x0o+1x9o", "C9"),
    ("O(3)", "D12", "1x12o", "D12"),
    ("O(3)", "D100h", "1x100e", "D100h"),
    ("O(3)", "S100", "1x1e+1x50o", "S100"),
    ("SO(3)", "C100", "1x101o", "C100v"),
    ("Dinfh", "C12", "1x1o+1x12o", "C12"),
    ("Dinfh", "C24v", "1x25o", "C24v"),
    ("Dinfh", "C99h", "1x1e+1x99o", "C99h"),
    ("Dinfh", "D100d", "1x100o", "D100d"),
    ("Cinfv", "C100v", "1x100e", "D100h"),
    ("Cinf", "C97", "1x97o", "D97h"),
]


@pytest.mark.parametrize("case", LARGE, ids=lambda c: f"{c[0]}->{c[1]}")
def test_large_folds(case):
    group, target, irreps, stabilizer = case
    s = sbs.minimal_set(group, target)
    assert (s.size, s.irreps, s.stabilizer.symbol) == (INF, irreps, stabilizer)
    s.verify()


@pytest.mark.slow
@pytest.mark.parametrize("n", range(1, 101))
def test_every_fold(n):
    """All axial targets of the infinite groups, and all classes of C_n, C_nh and S_2n."""
    for outer in ("O(3)", "Dinfh", "Cinfv", "Cinfh", "Dinf", "Cinf"):
        group = point_group(outer)
        for series in AXIAL_SERIES:
            if outer == "O(3)" or AxialSubgroup(series, n).components <= group.components:
                target = point_group(AxialSubgroup(series, n).generators())
                sbs.minimal_set(group, target).verify()
    for symbol in (f"C{n}", f"C{n}h", f"S{2 * n}"):
        if symbol not in ("S2",):
            for c in point_group(symbol).subgroup_classes:
                sbs.minimal_set(symbol, c.label).verify()


# group, target, lmax, irreps, stabilizer
BROKEN_FURTHER = [
    ("O(3)", "Td", 2, "1x2o", "D2d"),
    ("O(3)", "Oh", 2, "1x2e", "D2h"),
    ("O(3)", "Dinfh", 1, "1x1o", "Cinfv"),
    ("SO(3)", "I", 3, "1x3o", "Td"),  # T is broken no further than to Td ∩ SO(3)
    ("Dinfh", "C3v", 2, "1x1o", "Cs"),
    ("Cinfv", "C5", 2, "1x1e", "Ci"),
    ("C6", "C3", 2, "1x1o", "C2v"),
    ("Dinfh", "D6h", 5, "1x3o", "D3h"),
    ("O(3)", "S8", 3, "1x1o+1x2o", "C2"),
]


@pytest.mark.parametrize("case", BROKEN_FURTHER, ids=lambda c: f"{c[0]}->{c[1]} l<={c[2]}")
def test_more_is_broken_where_the_degree_demands_it(case):
    group, target, lmax, irreps, stabilizer = case
    with pytest.raises(NoSetError) as caught:
        sbs.minimal_set(group, target, lmax=lmax)
    text = str(caught.value)
    for part in (sbs.point_group(group).symbol, f"l <= {lmax}", "exact=False gives", irreps):
        assert part in text
    s = sbs.minimal_set(group, target, lmax=lmax, exact=False)
    assert (s.size, s.irreps, s.stabilizer.symbol) == (INF, irreps, stabilizer)
    s.verify()


def test_an_exact_set_that_fits_is_the_same_if_it_need_not_be_exact():
    for group, target, lmax in (("O(3)", "Cs", 1), ("O(3)", "Td", 3), ("Dinfh", "C3v", 3), ("Dinfh", "Cinfv", 1)):
        s, loose = (sbs.minimal_set(group, target, lmax=lmax, exact=exact) for exact in (True, False))
        assert (s.irreps, s.size, s.stabilizer.symbol) == (loose.irreps, loose.size, loose.stabilizer.symbol)
        loose.verify()


def test_two_vectors_do_for_a_mirror():
    s = sbs.minimal_set("O(3)", "Cs", lmax=1)
    assert s.irreps == "1x1o+1x1o" and s.sample(3).shape == (3, 6)
    s.verify()


NONE = [
    ("O(3)", "Td", 0, False),
    ("Dinfh", "C3v", 0, False),
    ("Dinf", "Cinf", 0, False),
    ("C4", "C2", 0, False),
    ("O(3)", "Oh", 3, True),
]


@pytest.mark.parametrize(("group", "target", "lmax", "exact"), NONE)
def test_where_there_is_none_the_message_says_so(group, target, lmax, exact):
    with pytest.raises(NoSetError) as caught:
        sbs.minimal_set(group, target, lmax=lmax, exact=exact)
    text = str(caught.value)
    for part in (group, target, f"l <= {lmax}", "without the limit"):
        assert part in text
    assert ("exact=False" in text) == exact


# --- nothing but random vectors -------------------------------------------------------------------------------------


def generic_order(group, lmax, components):
    """Number of elements of SO(2) and some components that fix a random vector of degree l <= lmax that a group fixes.

    Every irrep is taken three times, which is as good as any number of times.
    """
    irreps = "+".join(f"3x{l}{p}" for l in range(lmax + 1) for p in "eo")
    elements = point_group(group.generators()).matrices
    vector = representation(irreps, elements).mean(0) @ np.random.default_rng(5).normal(size=6 * (lmax + 1) ** 2)
    blocks = [(l, p) for l in range(lmax + 1) for p in (1, -1) for _ in range(3)]
    found = Waves(View(Representation(blocks), np.array([0.0, 0.0, 1.0])), vector).stabilizer_components()
    return sum(n for c, n in found.items() if c in components)


NAMES = {"σh": 1, "σv": 2, "C2'": 3}


def restricted(group, components):
    """The part of a finite group about z in some components, as a count of its elements of each kind."""
    matrices = point_group(group.generators()).matrices
    kept = [0, *(NAMES[c] for c in components)]
    up, proper = matrices[:, 2, 2] > 0, np.linalg.det(matrices) > 0
    component = np.where(up, np.where(proper, 0, 2), np.where(proper, 3, 1))
    inside = matrices[np.isin(component, kept)]
    traces = np.round(np.trace(inside, axis1=1, axis2=2), 6) + 0.0
    kinds = np.round(np.linalg.det(inside)).astype(int)
    return sorted(zip(component[np.isin(component, kept)].tolist(), traces.tolist(), kinds.tolist(), strict=True))


@pytest.mark.parametrize("outer", ["Dinfh", "Cinfv", "Cinfh", "Dinf", "Cinf"])
@pytest.mark.parametrize("lmax", [0, 1, 2, 3])
def test_exact_sets_exist_exactly_where_random_vectors_have_the_stabilizer(outer, lmax):
    group = point_group(outer)
    everything = [AxialSubgroup(series, n) for n in (1, 2, 3, 4) for series in AXIAL_SERIES]
    realised = [h for h in everything if generic_order(h, lmax, range(4)) == h.order]
    for target in everything:
        if not target.components <= group.components:
            continue
        wanted = restricted(target, target.components)
        exists = any(restricted(h, group.components & h.components) == wanted for h in realised if h.n == target.n)
        question = group, point_group(target.generators())
        if exists:
            sbs.minimal_set(*question, lmax=lmax).verify()
        else:
            with pytest.raises(NoSetError):
                sbs.minimal_set(*question, lmax=lmax)


LEAST_DEGREES = {
    **{
        "C1": 1,
        "Cs": 1,
        "Ci": 1,
        "C2": 2,
        "C2v": 2,
        "D2": 2,
        "D2d": 2,
        "C3": 3,
        "C3v": 3,
        "D3": 3,
        "T": 3,
        "Td": 3,
        "Th": 3,
    },
    **{"O": 4, "Oh": 4, "I": 6, "Ih": 6, "Cinf": 1, "Cinfv": 1, "Dinf": 2, "Dinfh": 2, "SO(3)": 0},
}


@pytest.mark.parametrize("target", LEAST_DEGREES)
def test_the_least_degree_in_space(target):
    """Stabilizers in sums of irreps of O(3): a vector, a quadrupole, and so on are the first that tell a group."""
    least = LEAST_DEGREES[target]
    sbs.minimal_set("O(3)", target, lmax=least).verify()
    if least:
        with pytest.raises(NoSetError):
            sbs.minimal_set("O(3)", target, lmax=least - 1)


def test_sizes_of_what_is_infinite():
    bent = sbs.minimal_set("Dinfh", "C2v(C2')")
    assert (bent.size, bent.ideal_size, bent.degeneracy, bent.is_ideal) == (INF, INF, 1, True)
    assert sbs.minimal_set("Dinfh", "Cinf").ideal_size == 4
    assert sbs.minimal_set("O(3)", "SO(3)").ideal_size == 2
    assert sbs.minimal_set("O(3)", "Cinfv").ideal_size == INF
    with pytest.raises(InfiniteSetError):
        _ = bent.objects


@pytest.mark.parametrize(("group", "target"), [*itertools.product(["C12", "C12h", "S24"], ["C1", "C2", "C3", "C4"])])
def test_a_mirror_or_axis_of_the_stabilizer_goes_through_x(group, target):
    """The seed of an infinite set of a finite group is canonical: a flip through x is in H."""
    s = sbs.minimal_set(group, target)
    flips = np.array([np.diag([1.0, -1.0, 1.0]), np.diag([1.0, -1.0, -1.0])])
    moved = np.abs(representation(s.irreps, flips) @ s.seed_object - s.seed_object).max(1)
    assert moved.min() < 1e-9
