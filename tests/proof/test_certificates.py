"""Certificates must fail when any claim is wrong: every field of every kind of set is broken in turn."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest

import sbs
from sbs.errors import CertificateError
from sbs.groups import FiniteGroup, Subgroup, point_group
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.proof.checking import check
from sbs.proof.claims import Elements, FiniteClaim, Refuted
from sbs.sets.claims import claim_of
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.realise import realise_finite

TURN = np.linalg.qr(np.random.default_rng(8).normal(size=(3, 3)))[0]


class Claim:
    """A set with some public fields replaced, as a stored or forged result would have them."""

    def __init__(self, source, **changed):
        self.__dict__.update(changed)
        self._source = source

    def __getattr__(self, name):
        return getattr(self._source, name)


def verify(source, **changed):
    MinimalSet.verify(Claim(source, **changed))


def refused(source, **changed):
    with pytest.raises(CertificateError):
        verify(source, **changed)


FINITE = sbs.minimal_set("D4h", "C2v(C2')")
LOOSE = sbs.minimal_set("C2", "C1", ambient="Oh")
BOUNDED = sbs.minimal_set("Oh", "Td", lmax=2, exact=False)
AXIAL = sbs.minimal_set("C4", "C2")  # S finite, M infinite
LINEAR = sbs.minimal_set("Dinfh", "C3v")  # S infinite about an axis
BENT = sbs.minimal_set("Dinfh", "C2v(C2')")
SPHERE = sbs.minimal_set("O(3)", "D3")
LISTED = sbs.minimal_set("C4h", "C4")  # M infinite, set finite
LISTED_LINEAR = sbs.minimal_set("Dinfh", "Cinfv")
SETS = {
    "finite": FINITE,
    "loose": LOOSE,
    "bounded": BOUNDED,
    "axial": AXIAL,
    "linear": LINEAR,
    "bent": BENT,
    "sphere": SPHERE,
    "tetrahedral": sbs.minimal_set("O(3)", "T"),
    "vectors": sbs.minimal_set("O(3)", "Cinfv"),
    "proper": sbs.minimal_set("SO(3)", "O", "SO(3)"),
    "listed": LISTED,
    "listed linear": LISTED_LINEAR,
    "point": sbs.minimal_set("Ci", "C1"),
    "atom": sbs.minimal_set("O(3)", "SO(3)"),
    "pair": sbs.minimal_set("O(3)", "Cs"),
    "inversion": sbs.minimal_set("O(3)", "Ci", lmax=1),
}


def abstract():
    group = FiniteGroup.from_permutations([[1, 2, 3, 0, 4], [1, 0, 2, 3, 4]])
    inner = group.subgroup([[1, 0, 2, 3, 4], [0, 1, 3, 2, 4]])
    return sbs.minimal_set(group=inner, target=group.trivial, ambient=group)


ABSTRACT = abstract()
SETS["abstract"] = ABSTRACT


@pytest.mark.parametrize("name", SETS)
def test_the_unchanged_claim_holds(name):
    verify(SETS[name])


@pytest.mark.parametrize("name", [n for n in SETS if n != "abstract"])
def test_it_holds_in_any_orientation(name):
    SETS[name].rotated(TURN).verify()


# --- what every kind of set claims ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("value", [0, 1, 2, 3, 4, 5, 48, -1, 2.5, "3", None, True, math.nan, math.inf, 10**30])
@pytest.mark.parametrize("field", ["size", "ideal_size", "degeneracy"])
def test_counts(name, field, value):
    claimed = getattr(SETS[name], field)
    if type(value) is type(claimed) and value == claimed:
        verify(SETS[name], **{field: value})
    else:
        refused(SETS[name], **{field: value})


@pytest.mark.parametrize("name", SETS)
def test_flags_and_degrees(name):
    s = SETS[name]
    refused(s, is_ideal=not s.is_ideal)
    refused(s, is_ideal="yes")
    refused(s, exact="no")
    refused(s, lmax=-1)
    refused(s, lmax="2")
    refused(s, lmax=1.5)
    if s.irreps is None or max(int(term[2:-1]) for term in s.irreps.split("+")) > 0:
        refused(s, lmax=0)
    refused(s, dim=s.dim + 1)


@pytest.mark.parametrize("name", SETS)
def test_groups(name):
    s = SETS[name]
    trivial = s.group.trivial if hasattr(s.group, "trivial") else point_group("C1")
    for other in (trivial, point_group("D7h"), point_group("Cinf"), None, "Oh"):
        for field in ("group", "target", "normalizer", "stabilizer"):
            if _same(other, getattr(s, field)):
                continue
            refused(s, **{field: other})
    ambients = [point_group("C7"), "Oh", None, point_group("Cinfv")]
    ambients.append(point_group("O(3)" if getattr(s.ambient, "symbol", None) == "SO(3)" else "SO(3)"))
    for ambient in ambients:
        refused(s, ambient=ambient)


def _same(a, b):
    symbols = getattr(a, "symbol", None), getattr(b, "symbol", None)
    return symbols[0] == symbols[1] or (a is not None and getattr(a, "order", 0) == getattr(b, "order", 1) == 1)


@pytest.mark.parametrize("name", SETS)
def test_vectors(name):
    s = SETS[name]
    seed = np.array(s.seed_object)
    for wrong in (
        3 * seed,
        np.zeros_like(seed),
        np.append(seed, 0.0),
        seed[:0],
        seed * math.nan,
        seed.astype(complex) * 1j,
        None,
        "b",
    ):
        refused(s, seed_object=wrong)
    drawn = np.array(s.sample(4))
    for wrong in (drawn * 1.001, drawn[:, :0], drawn * math.nan, np.full_like(drawn, 2.0), None, drawn[0]):
        refused(s, sample=lambda n, seed=0, wrong=wrong: wrong)
    if s.irreps is not None:
        for wrong in ("1x1o+1x9e", "1x0e", "rubbish", "", None, 7, "1x99999e"):
            refused(s, irreps=wrong)


@pytest.mark.parametrize("name", ["axial", "linear", "bent", "sphere", "tetrahedral", "vectors", "proper", "pair"])
def test_samples_from_outside_an_infinite_set(name):
    s = SETS[name]
    rng = np.random.default_rng(6)
    outside = np.concatenate([_unit(rng.normal(size=2 * l + 1)) for l in _degrees(s.irreps)])
    if name in ("vectors",):  # every unit vector belongs to the set
        verify(s, sample=lambda n, seed=0: outside[None])
        return
    with pytest.raises(sbs.errors.SymmetryBreakingError):
        verify(s, sample=lambda n, seed=0: np.array([*s.sample(2), outside]))
    refused(s, seed_object=outside)


def _unit(vector):
    return vector / np.linalg.norm(vector)


def _degrees(irreps):
    return [int(term[2:-1]) for term in irreps.split("+")]


@pytest.mark.parametrize("name", [n for n, s in SETS.items() if s.size != math.inf])
def test_lists(name):
    s = SETS[name]
    objects, size = np.array(s.objects), s.size
    for wrong in (
        objects[:-1], objects * 1.001, objects * math.nan, objects[:, :-1], objects[0], None, "objects",
        np.vstack([objects[:-1], objects[:1]]) if size > 1 else -objects * 2, objects + 1e-8,
    ):  # fmt: skip
        refused(s, objects=wrong)
    orbits = np.array(s.orbits)
    for wrong in (
        orbits + 1,
        orbits[:-1],
        orbits.astype(float),
        np.arange(size) + 1,
        None,
        orbits - 1,
        np.zeros(size + 1, dtype=int),
    ):
        refused(s, orbits=wrong)
    targets = tuple(s.target_of)
    for wrong in ((), targets[:-1], (*targets, targets[0]), (None,) * size, (point_group("D7h"),) * size, None):
        refused(s, target_of=wrong)


# --- what is special to a kind --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("orbits", np.array([0, 0, 1, 1])),
        ("target_of", tuple(next(c for c in FINITE.target.conjugates() if c != t) for t in FINITE.target_of)),
        ("target_of", (FINITE.group.trivial,) * FINITE.size),
        ("stabilizer", FINITE.normalizer),
        ("stabilizer", Subgroup(FINITE.stabilizer.parent, FINITE.stabilizer.parent.trivial.mask.copy())),
        ("normalizer", FINITE.normalizer.parent.subgroup(FINITE.stabilizer.elements.tolist())),
        ("target", FINITE.group.whole),
        ("target", FINITE.group.trivial),
        ("group", point_group("D4")),
        ("ambient", point_group("C4v")),
        ("movers", FINITE.movers[::-1]),
        ("movers", FINITE.movers * 0),
        ("movers", FINITE.movers + 10**6),
        ("movers", None),
        ("exact", 0),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)  # fmt: skip
def test_finite_sets(field, value):
    refused(FINITE, **{field: value})


def test_a_set_that_is_not_minimal_is_refused():
    """The S-orbit-rich set of a smaller stabilizer satisfies everything but minimality."""
    s = LOOSE
    parent = s.normalizer.parent
    smaller = next(
        c.representative
        for c in parent.subgroup_classes
        if c.order == 2 and c.representative <= s.stabilizer and c.representative.elements[1] not in s.solution.group
    )
    solution = dataclasses.replace(s.solution, stabilizers=(smaller,))
    inflated = dataclasses.replace(s, solution=solution, realise=partial(realise_finite, solution, None))
    assert inflated.size == 8
    with pytest.raises(CertificateError, match="larger than"):
        inflated.verify()


def test_the_log_of_the_search_is_checked():
    claim = claim_of(LOOSE)
    assert claim.refuted and all(isinstance(entry, Refuted) for entry in claim.refuted)
    check(claim)
    entry = claim.refuted[0]
    for wrong in (
        dataclasses.replace(entry, order=entry.order * 2),
        dataclasses.replace(entry, reason="rejected"),
        dataclasses.replace(entry, reason="boredom"),
        # The class of the stabilizer that there is has a complement.
        Refuted(len(claim.stabilizer), claim.stabilizer, "no complement"),
    ):
        with pytest.raises(CertificateError, match="refuted"):
            check(dataclasses.replace(claim, refuted=(*claim.refuted[1:], wrong)))


def test_a_bound_on_the_degree_is_part_of_the_claim():
    """Without the bound, or with a higher one, two objects would do instead of six."""
    verify(BOUNDED, lmax=2)
    for lmax in (3, 4, None, 10**9):
        with pytest.raises(CertificateError, match="larger than"):
            verify(BOUNDED, lmax=lmax)


def test_infinite_sets():
    refused(AXIAL, target=AXIAL.group.trivial)
    refused(AXIAL, target=AXIAL.group.whole)
    refused(AXIAL, stabilizer=point_group("D4h"))
    refused(AXIAL, stabilizer=point_group("D2d"))  # of the same order as H = D2h
    refused(AXIAL, stabilizer=point_group("D2h").rotated(TURN))
    refused(AXIAL, seed_object=_unit(np.ones(5)))
    refused(AXIAL, normalizer=point_group("Dinf"))
    refused(AXIAL, normalizer=point_group("Dinfh").rotated(TURN))
    refused(BENT, seed_object=np.array([0.6, 0.0, 0.8]))
    refused(BENT, stabilizer=point_group("C2v"))
    refused(LINEAR, target=point_group("D3"))
    refused(LINEAR, target=point_group("C3v").rotated(TURN))
    # A turn about the axis is in S, so that K may be turned by it.
    c, s = math.cos(0.3), math.sin(0.3)
    verify(LINEAR, target=point_group("C3v").rotated(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])))
    refused(SPHERE, target=point_group("C3v"))
    refused(SPHERE, target=point_group("D3h"))
    verify(SPHERE, target=point_group("D3").rotated(TURN))
    refused(SPHERE, stabilizer=point_group("D3").rotated(TURN))
    refused(SPHERE, normalizer=point_group("Dinfh"))


def test_a_larger_stabilizer_cannot_hide():
    """A vector that more fixes than is claimed, and a set of which more breaks than K allows."""
    tetrahedral = SETS["tetrahedral"]  # 0o + 3o
    seed = np.array(tetrahedral.seed_object)
    refused(
        tetrahedral,
        irreps="1x3o",
        seed_object=seed[1:],
        dim=7,
        sample=lambda n, seed=0: tetrahedral.sample(n, seed)[:, 1:],
    )
    refused(tetrahedral, stabilizer=point_group("Td"))
    loose = sbs.minimal_set("O(3)", "Td", lmax=2, exact=False)
    verify(loose)
    refused(loose, exact=True)
    refused(loose, target=point_group("D3"))


def test_finite_sets_under_an_infinite_group():
    refused(LISTED, objects=-np.array(LISTED.objects)[:1])
    refused(LISTED, target=LISTED.group)
    refused(LISTED, target=LISTED.group.trivial)
    refused(LISTED, stabilizer=point_group("Cinfv"))
    refused(LISTED, stabilizer=point_group("Dinfh"))
    refused(LISTED_LINEAR, stabilizer=point_group("Cinfv").rotated(TURN))
    refused(LISTED_LINEAR, target_of=(point_group("Cinfv"), point_group("Cinfh")))
    refused(LISTED_LINEAR, normalizer=point_group("Dinfh").rotated(TURN))
    # Four objects of D∞h -> C∞v with the stabilizer C∞ are closed under M, but two would do.
    more = sbs.minimal_set("Dinfh", "Cinf")
    refused(more, target=LISTED_LINEAR.target)
    refused(more, target=LISTED_LINEAR.target, exact=False, ideal_size=2)


def test_abstract_sets():
    s = ABSTRACT
    parent = s.group.parent
    assert s.stabilizer.order > 1
    refused(s, stabilizer=parent.trivial)
    refused(s, movers=s.movers[::-1])
    refused(s, movers=s.movers[:-1])
    refused(s, ambient=FiniteGroup.from_permutations([[1, 2, 0]]))
    refused(s, lmax=3)
    refused(s, irreps="1x1o")
    refused(s, normalizer=s.group)
    refused(s, objects=np.eye(s.size)[::-1])


def test_groups_that_are_only_numbers():
    by_table = FiniteGroup.from_table(ABSTRACT.group.parent.table)
    inner = by_table.subgroup(ABSTRACT.group.elements.tolist())
    s = sbs.minimal_set(group=inner, target=by_table.trivial, ambient=by_table)
    assert s.size == ABSTRACT.size
    s.verify()
    refused(s, stabilizer=by_table.trivial)
    refused(s, size=s.size * 2)


# --- fields on the sites of a crystal -------------------------------------------------------------------------------


def field_claim():
    """A chain of two atoms in a doubled cell: S = mirror x -> -x times the half translation, on two sites; K = the mirror."""
    mirror = np.diag([-1.0, 1.0, 1.0])
    matrices = np.array([np.eye(3), np.eye(3), mirror, mirror])
    permutations = np.array([[0, 1], [1, 0], [0, 1], [1, 0]])
    everything = Elements(matrices, permutations)
    inner = Elements(matrices[[0, 2]], permutations[[0, 2]])
    up = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]])  # z on one site, -z on the other
    return FiniteClaim(
        group=everything, target=inner, normalizer=everything, stabilizer=inner, ambient=everything, exact=True, lmax=None,
        size=2, ideal_size=2, degeneracy=1, is_ideal=True, irreps="1x1o", objects=np.array([up, -up]), orbits=np.array([0, 0]),
        target_of=(inner, inner), movers=Elements(matrices[[0, 1]], permutations[[0, 1]]), seed=up,
        samples=np.array([-up, up, up]),
        sites=np.array([0, 1]),
    )  # fmt: skip


def test_fields_on_sites():
    claim = field_claim()
    check(claim)
    objects = np.array(claim.objects)
    for changed in (
        {"objects": objects * 0.5},
        {"objects": objects[:, ::-1]},
        {
            "objects": objects[..., [1, 2, 0]] + 0.0,
            "seed": objects[0][:, [1, 2, 0]],
            "samples": objects[..., [0, 1, 2]],
        },
        {"objects": np.abs(objects)},
        {"objects": objects.reshape(2, 6)},
        {"samples": objects[:, ::-1] * np.array([1.0, 1.0, 0.5])},
        {"sites": None},
        {"sites": np.array([1])},
        {"sites": np.array([0, 1, 2])},
        {"stabilizer": claim.group},
        {"normalizer": claim.target},
        {"movers": Elements(claim.group.matrices[[1, 0]], claim.group.permutations[[1, 0]])},
        {"target": Elements(claim.group.matrices[:2], claim.group.permutations[:2])},
        {"target": Elements(claim.target.matrices)},
    ):
        with pytest.raises(CertificateError):
            check(dataclasses.replace(claim, **changed))


def test_elements_of_site_operations_become_matrices_with_permutations():
    claim = field_claim()
    operations = SiteOperations(claim.group.matrices, np.zeros((4, 3)), claim.group.permutations)
    left = np.array([[1, 0, 3, 2], [2, 3, 0, 1]])
    group = FiniteGroup.from_actions(left, operations)
    from sbs.sets.claims import elements_of

    found = elements_of(group.subgroup([2]))
    assert np.array_equal(found.matrices, claim.target.matrices) and np.array_equal(
        found.permutations, claim.target.permutations
    )


# --- a search that is wrong -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group", "target", "forgotten"),
    [
        ("Dinfh", "C1", "Cnv"),
        ("Dinfh", "C2", "Dn"),
        ("Dinfh", "C3h", "Dnh"),
        ("O(3)", "C1", "Cnh"),
        ("O(3)", "Ci", "Cnh"),
    ],
)
def test_an_error_of_the_search_does_not_confirm_itself(monkeypatch, group, target, forgotten):
    """With one kind of overgroup forgotten the search takes irreps too cheap; the checker sees what else fixes the seed."""
    from sbs.objects import stabilizers

    def some(inner, ambient, all_of_them=stabilizers.overgroups):
        return tuple(o for o in all_of_them(inner, ambient) if getattr(o.group, "series", "") != forgotten)

    question = group, point_group(target).matrices
    sbs.minimal_set(*question).verify()
    monkeypatch.setattr(stabilizers, "overgroups", some)
    wrong = sbs.minimal_set(*question)
    with pytest.raises(CertificateError):
        wrong.verify()
