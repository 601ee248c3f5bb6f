"""Sets as users get them: the examples of the theory, all pairs, orientation, limits, errors."""

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sbs
from sbs.errors import (
    AmbiguousTargetError,
    InfiniteSetError,
    InvalidGroupError,
    NoSetError,
    NotASubgroupError,
    UnknownGroupError,
)

CRYSTALLOGRAPHIC = [
    "C1",
    "Ci",
    "C2",
    "Cs",
    "C2h",
    "D2",
    "C2v",
    "D2h",
    "C4",
    "S4",
    "C4h",
    "D4",
    "C4v",
    "D2d",
    "D4h",
    "C3",
    "S6",
    "D3",
    "C3v",
    "D3d",
    "C6",
    "C3h",
    "C6h",
    "D6",
    "C6v",
    "D3h",
    "D6h",
    "T",
    "Th",
    "O",
    "Td",
    "Oh",
]
INF = math.inf

# group, target, ambient, size, ideal, irreps, stabilizer
EXAMPLES = [
    ("Oh", "D4h", "O(3)", 3, True, "1x2e", "D4h"),
    ("Oh", "C4v", "O(3)", 6, True, "1x1o", "C4v"),
    ("Oh", "C1", "O(3)", 48, True, "1x1o", "C1"),
    ("Oh", "Td", "O(3)", 2, True, "1x3o", "Td"),
    ("D3", "C1", "O(3)", 6, True, "1x1o", "C2v"),
    ("D2", "C1", "O(3)", 4, True, "1x2e", "D3d"),
    ("Td", "T", "O(3)", 2, True, "1x0o", "O"),
    ("C4h", "C4", "O(3)", 2, True, "1x0o", "Dinf"),
    ("Cs", "C1", "O(3)", 2, True, "1x0o", "Dinf"),
    ("Ci", "C1", "O(3)", 2, True, "1x0o", "SO(3)"),
    ("C1", "C1", "O(3)", 1, True, "1x0e", "O(3)"),
    ("Oh", "Oh", "O(3)", 1, True, "1x0e", "Oh"),
    ("C2", "C1", "Oh", 4, False, "1x1o", "C2v"),
    ("C4", "C1", "D4h", 4, True, "1x1o", "C2v"),
    ("C4", "C1", "O(3)", INF, False, "1x1o", "C2v"),
    ("C4", "C2", "O(3)", INF, False, "1x2e", "D2h"),
    ("C4h", "S4", "O(3)", INF, False, "1x2o", "D2d"),
    ("C2h", "Ci", "O(3)", INF, False, "1x1e", "C2h"),
    ("Dinfh", "Cinfv", "O(3)", 2, True, "1x1o", "Cinfv"),
    ("Dinfh", "C2v(C2')", "O(3)", INF, True, "1x1o", "C2v"),
    ("Dinfh", "Cinfh", "O(3)", 2, True, "1x1e", "Cinfh"),
    ("Cinfv", "Cs", "O(3)", INF, True, "1x1o", "C2v"),
    ("O(3)", "Cinfv", "O(3)", INF, True, "1x1o", "Cinfv"),
    ("O(3)", "SO(3)", "O(3)", 2, True, "1x0o", "SO(3)"),
    ("SO(3)", "O", "SO(3)", INF, True, "1x4e", "O"),
    ("O", "C1", "SO(3)", 24, True, "1x1o", "C1"),
    ("C3", "C1", "SO(3)", INF, False, "1x1o", "C2"),
]


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda c: f"{c[0]}->{c[1]} in {c[2]}")
def test_examples_of_the_theory(case):
    group, target, ambient, size, ideal, irreps, stabilizer = case
    s = sbs.minimal_set(group=group, target=target, ambient=ambient)
    assert (s.size, s.is_ideal, s.irreps, s.stabilizer.symbol) == (size, ideal, irreps, stabilizer)
    s.verify()
    if size == INF:
        with pytest.raises(InfiniteSetError, match="sample"):
            _ = s.objects
        drawn = s.sample(5, seed=1)
        assert drawn.shape == (5, s.dim) and np.array_equal(drawn, s.sample(5, seed=1))
        assert not np.array_equal(drawn, s.sample(5, seed=2))
    else:
        assert s.objects.shape == (size, s.dim) and len(s.target_of) == size


def test_the_three_axial_quadrupoles():
    s = sbs.minimal_set(group="Oh", target="D4h")
    axes = {tuple(np.round(t.matrices[:, :, :].sum(0).ravel(), 6)) for t in s.target_of}
    assert len(axes) == 1 and {t.symbol for t in s.target_of} == {"D4h"} and len(set(s.target_of)) == 3
    # A quadrupole 3 z^2 - r^2 in e3nn's basis is fixed by the D4h about its axis alone.
    for b, t in zip(s.objects, s.target_of, strict=True):
        fixed = np.abs(sbs.representation("2e", s.group.matrices) @ b - b).max(1) < 1e-10
        assert np.array_equal(np.flatnonzero(fixed), t.elements)


def pairs(symbol):
    return [c.label for c in sbs.point_group(symbol).subgroup_classes if c.order < sbs.point_group(symbol).order]


def test_numbers_of_pairs_of_the_32_groups():
    """247 pairs up to conjugation in S; 212 up to the normalizer: the species of Aizu (Phys. Rev. B 2, 754 (1970))."""
    by_group = by_normalizer = 0
    for symbol in CRYSTALLOGRAPHIC:
        group = sbs.point_group(symbol)
        classes = [c for c in group.subgroup_classes if c.order < group.order]
        by_group += len(classes)
        outer = sbs.minimal_set(symbol, group.whole).normalizer
        # Where N is infinite it maps every subgroup of S to itself; elsewhere M of K = S is N.
        seen = set()
        for c in classes:
            if outer.order == INF:
                by_normalizer += 1
                continue
            key = frozenset(_as_set(g @ c.representative.matrices @ g.T, group) for g in outer.matrices)
            by_normalizer += key not in seen
            seen.add(key)
    assert (by_group, by_normalizer) == (247, 212)


def _as_set(matrices, group):
    return frozenset(np.abs(matrices[:, None] - group.matrices[None]).max((2, 3)).argmin(1).tolist())


@pytest.mark.parametrize("symbol", CRYSTALLOGRAPHIC)
def test_every_pair_of_the_32_groups_has_a_certificate(symbol):
    group = sbs.point_group(symbol)
    for c in group.subgroup_classes:
        s = sbs.minimal_set(symbol, c.label)
        s.verify()
        if s.size != INF:
            assert s.is_ideal and s.size == group.order // c.order and s.degeneracy == 1


FINITE_NORMALIZER = [f"{family[0]}{n}{family[2:]}" for family in ("Cnv", "Dn", "Dnh", "Dnd") for n in range(2, 9)]


@pytest.mark.slow
@pytest.mark.parametrize("symbol", [*FINITE_NORMALIZER, "T", "Th", "Td", "O", "Oh", "I", "Ih"])
def test_every_target_of_groups_with_a_finite_normalizer(symbol):
    for c in sbs.point_group(symbol).subgroup_classes:
        for exact in (True, False):
            s = sbs.minimal_set(symbol, c.label, exact=exact)
            s.verify()
            assert s.size >= s.ideal_size


@pytest.mark.parametrize("symbol", ["D8h", "D7d", "Ih", "C8v"])
def test_some_groups_beyond_crystallography(symbol):
    for label in pairs(symbol)[::3]:
        sbs.minimal_set(symbol, label).verify()


@pytest.mark.parametrize("ambient", ["Oh", "D6h", "D4h"])
def test_finite_ambients(ambient):
    outer = sbs.point_group(ambient)
    sizes = {}
    for c in outer.subgroup_classes:
        s = sbs.minimal_set(c.representative, outer.trivial.matrices, ambient=outer)
        s.verify()
        sizes[c.label] = s.size, s.is_ideal
    assert sizes[ambient] == (outer.order, True)
    if ambient == "Oh":
        assert sizes["C2(C2)"] == (4, False) and sizes["C4"] == (4, True)


orthogonal = st.integers(0, 2**32 - 1).map(
    lambda seed: np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
)
QUERIES = [
    ("Oh", "D4h"),
    ("Oh", "C2v(C2')"),
    ("D3", "C1"),
    ("Td", "C3v"),
    ("D2", "C1"),
    ("C4h", "C4"),
    ("Ih", "D5d"),
    ("C3v", "Cs"),
    ("D4h", "C2v(2σd)"),
]


def same_rows(a, b, tolerance):
    return a.shape == b.shape and np.abs(a[:, None] - b[None]).max(2).min(1).max() < tolerance


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(QUERIES), orthogonal)
def test_a_turned_group_has_the_turned_set(query, turn):
    s = sbs.minimal_set(*query)
    turned = s.rotated(turn)
    direct = sbs.minimal_set(turn @ s.group.matrices @ turn.T, turn @ s.target.matrices @ turn.T)
    assert direct.irreps == s.irreps and direct.size == s.size
    assert same_rows(turned.objects, direct.objects, 1e-10)
    assert same_rows(turned.objects, s.objects @ sbs.representation(s.irreps, turn[None])[0].T, 1e-12)
    turned.verify()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(QUERIES), st.integers(0, 10**6))
def test_conjugate_targets_have_one_set(query, number):
    s = sbs.minimal_set(*query)
    conjugate = s.target.conjugate(number % s.group.order)
    other = sbs.minimal_set(query[0], conjugate)
    assert same_rows(s.objects, other.objects, 1e-10)
    assert {frozenset(t.elements.tolist()) for t in other.target_of} == {
        frozenset(t.elements.tolist()) for t in s.target_of
    }


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([("C4", "C1"), ("Dinfh", "C2v(C2')"), ("Cinfv", "C3")]), orthogonal)
def test_turned_infinite_sets_are_turned_draws(query, turn):
    s = sbs.minimal_set(*query)
    turned = s.rotated(turn)
    turned.verify()
    drawn, expected = turned.sample(4, seed=7), s.sample(4, seed=7) @ sbs.representation(s.irreps, turn[None])[0].T
    assert np.abs(drawn - expected).max() < 1e-12


def test_objects_are_closed_under_the_normalizer_and_the_naive_set_is_not():
    s = sbs.minimal_set("D3", "C1")
    images = s.objects @ np.swapaxes(sbs.representation(s.irreps, s.normalizer.matrices), 1, 2)
    assert np.abs(images[:, :, None] - s.objects).max(3).min(2).max() < 1e-10
    # Three in-plane vectors times up or down are closed under D3 but not under its normalizer D6h.
    naive = np.array([[np.cos(t), np.sin(t), z] for t in (0, 2 * np.pi / 3, 4 * np.pi / 3) for z in (0.5, -0.5)])
    images = naive @ np.swapaxes(s.group.matrices, 1, 2)
    assert np.abs(images[:, :, None] - naive).max(3).min(2).max() < 1e-10
    images = naive @ np.swapaxes(s.normalizer.matrices, 1, 2)
    assert np.abs(images[:, :, None] - naive).max(3).min(2).max() > 0.5


def test_degree_limit():
    """Oh -> Td takes a 3o; with l <= 2 no exact set exists, and breaking more takes 6 objects."""
    with pytest.raises(NoSetError, match=r"2 objects of irreps 1x3o.*exact=False gives 6 objects of irreps 1x2o"):
        sbs.minimal_set("Oh", "Td", lmax=2)
    loose = sbs.minimal_set("Oh", "Td", lmax=2, exact=False)
    assert (loose.size, loose.irreps, loose.stabilizer.symbol) == (6, "1x2o", "D2d")
    loose.verify()
    assert sbs.minimal_set("Oh", "Td", lmax=3).size == 2
    assert sbs.minimal_set("Oh", "D4h", lmax=2).irreps == "1x2e"
    with pytest.raises(NoSetError):
        sbs.minimal_set("Oh", "D4h", lmax=0)
    with pytest.raises(NoSetError, match="l <= 2"):
        sbs.minimal_set("C6", "C3", lmax=2)
    more = sbs.minimal_set("C6", "C3", lmax=2, exact=False)
    assert (more.size, more.irreps) == (INF, "1x1o")
    more.verify()


@pytest.mark.parametrize("label", pairs("Oh"))
@pytest.mark.parametrize("lmax", [1, 2, 3])
def test_degree_limit_against_brute_force(label, lmax):
    """S = Oh is its own normalizer, so H = K: an exact set exists iff K is an isotropy group of the irreps allowed."""
    s = sbs.minimal_set("Oh", label)
    rep = sbs.representation("+".join(f"1x{l}{p}" for l in range(lmax + 1) for p in "eo"), s.group.matrices)
    projector = rep[s.target.elements].mean(0)
    isotropy = int((np.abs(rep @ projector - projector).max((1, 2)) < 1e-9).sum()) == s.target.order
    if isotropy:
        limited = sbs.minimal_set("Oh", label, lmax=lmax)
        assert limited.size == s.size and max(int(i[2:-1]) for i in limited.irreps.split("+")) <= lmax
    else:
        with pytest.raises(NoSetError):
            sbs.minimal_set("Oh", label, lmax=lmax)


def test_results_are_immutable_hashable_and_picklable():
    for query in [("Oh", "D4h"), ("C4", "C1"), ("Dinfh", "Cinfv")]:
        s = sbs.minimal_set(*query)
        again = pickle.loads(pickle.dumps(s))
        assert again == s and hash(again) == hash(s)
        again.verify()
        with pytest.raises(AttributeError):
            s.exact = False
    with pytest.raises(ValueError, match="read-only"):
        sbs.minimal_set("Oh", "D4h").objects[0, 0] = 1.0
    assert sbs.minimal_set("Oh", "D4h") is sbs.minimal_set("Oh", "D4h")
    assert sbs.minimal_set("Oh", "D4h") != sbs.minimal_set("Oh", "C4v")


def test_words():
    s = sbs.minimal_set("Oh", "D4h")
    assert repr(s) == "MinimalSet(Oh -> D4h in O(3): 3 objects, ideal, irreps 1x2e)"
    assert "|M| / |H| = 48 / 16 = 3" in str(s) and "fewer cannot be" in s.report()
    assert "not ideal" in repr(sbs.minimal_set("C2", "C1", ambient="Oh"))
    assert "exhaustive search" in sbs.minimal_set("C2", "C1", ambient="Oh").report()
    assert "infinite" in repr(sbs.minimal_set("C4", "C1"))


BAD = [
    (("D4hh", "D4h"), {}, UnknownGroupError, "D4h"),
    (("Oh", "D6h"), {}, NotASubgroupError, "no subgroup"),
    (("Oh", "C2v"), {}, AmbiguousTargetError, "labels"),
    (("Dinfh", "C2v"), {}, AmbiguousTargetError, r"C2v\(C2'\)"),
    (("Dinfh", "Oh"), {}, NotASubgroupError, "no closed subgroup"),
    (("SO(3)", "C2v"), {}, NotASubgroupError, "improper"),
    (("Oh", "Cinfv"), {}, NotASubgroupError, "Cinfv"),
    (("Oh", "C1"), {"ambient": "D4h"}, NotASubgroupError, "Oh"),
    (("D6h", "C1"), {"ambient": "Oh"}, NotASubgroupError, "D6h"),
    (("C2v", "C1"), {"ambient": "SO(3)"}, NotASubgroupError, "improper"),
    (("Oh", "C1"), {"ambient": "Cinfv"}, InvalidGroupError, "ambient"),
    (("Oh", "C1"), {"lmax": -1}, InvalidGroupError, "lmax"),
    (("Oh", "C1"), {"lmax": 1.5}, InvalidGroupError, "lmax"),
    (([np.diag([1.0, 1.0, 0.5])], "C1"), {}, InvalidGroupError, "orthogonal"),
    (([np.full((3, 3), np.nan)], "C1"), {}, InvalidGroupError, "NaN"),
    ((np.zeros((0, 3, 3)), "C1"), {}, InvalidGroupError, "no matrices"),
    ((np.eye(4)[None], "C1"), {}, InvalidGroupError, "shape"),
    (("Oh", np.diag([1.0, 1.0, 2.0])[None]), {}, NotASubgroupError, "not elements"),
    (("D0h", "C1"), {}, UnknownGroupError, "at least 1"),
    (("D100000h", "C1"), {}, UnknownGroupError, "limited to n"),
]


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"), BAD, ids=[f"{b[2].__name__}-{i}" for i, b in enumerate(BAD)]
)
def test_bad_input(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        sbs.minimal_set(*arguments, **keywords)


@pytest.mark.parametrize(
    "turn", [np.eye(2), np.diag([1.0, 1.0, 2.0]), np.full((3, 3), np.nan)], ids=["2x2", "stretch", "NaN"]
)
def test_rotated_refuses_what_is_no_rotation(turn):
    with pytest.raises(InvalidGroupError, match="orthogonal"):
        sbs.minimal_set("Oh", "D4h").rotated(turn)
