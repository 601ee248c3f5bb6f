"""Certificates must fail when any claim is wrong: every field is broken once."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest

import sbs
from sbs.errors import CertificateError
from sbs.groups import Subgroup, point_group
from sbs.proof.verification import normalizing_rotations
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.realise import realise_finite
from sbs.solver.normalizer import normalizer_in_o3


class Claim:
    """A set with some public fields replaced, as a stored or forged result would have them."""

    def __init__(self, source, **changed):
        self.__dict__.update(changed)
        self._source = source

    def __getattr__(self, name):
        return getattr(self._source, name)


def verify(source, **changed):
    MinimalSet.verify(Claim(source, **changed))


SET = sbs.minimal_set("D4h", "C2v(C2')")
LOOSE = sbs.minimal_set("C2", "C1", ambient="Oh")


def test_the_unchanged_claim_holds():
    verify(SET)
    verify(LOOSE)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", SET.size * 2),
        ("size", SET.size // 2),
        ("is_ideal", False),
        ("degeneracy", 2),
        ("objects", SET.objects * 1.001),
        ("objects", SET.objects[:-1]),
        ("objects", np.vstack([SET.objects[:-1], SET.objects[:1]])),
        ("objects", SET.objects + 1e-8),
        ("irreps", "1x1o+1x0e"),
        ("orbits", np.array([0, 0, 1, 1])),
        ("orbits", np.zeros(3, dtype=int)),
        ("target_of", tuple(next(c for c in SET.target.conjugates() if c != t) for t in SET.target_of)),
        ("target_of", SET.target_of[:-1]),
        ("target_of", (SET.group.trivial,) * SET.size),
        ("stabilizer", SET.normalizer),
        ("stabilizer", Subgroup(SET.stabilizer.parent, SET.stabilizer.parent.trivial.mask.copy())),
        (
            "normalizer",
            Subgroup(SET.normalizer.parent, SET.normalizer.parent.generate(SET.stabilizer.elements.tolist())),
        ),
        ("target", SET.group.whole),
        ("target", SET.group.trivial),
        ("group", point_group("D4")),
        ("ambient", point_group("C4v")),
        ("lmax", 0),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_every_field_is_checked(field, value):
    with pytest.raises(CertificateError):
        verify(SET, **{field: value})


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


@pytest.mark.parametrize("query", [("C4h", "C4"), ("Dinfh", "Cinfv")], ids=lambda q: "->".join(q))
def test_closed_sets_are_checked(query):
    s = sbs.minimal_set(*query)
    for changed in (
        {"objects": -s.objects[:1]},
        {"objects": s.objects * 1.01},
        {"is_ideal": False},
        {"degeneracy": 2},
        {"target": s.group},
        {"normalizer": point_group("Dinfh").rotated(point_group("SO(3)").sample(1, 4)[0])},
        {"size": 3},
    ):
        with pytest.raises(CertificateError):
            verify(s, **changed)


def test_infinite_sets_are_checked():
    s = sbs.minimal_set("C4", "C2")
    verify(s)
    for changed in (
        {"degeneracy": 1},
        {"is_ideal": True},
        {"target": s.group.trivial},
        {"seed_object": s.seed_object * 0},
        {"seed_object": np.ones(5) / np.sqrt(5)},
    ):
        with pytest.raises(CertificateError):
            verify(s, **changed)
    bent = sbs.minimal_set("Dinfh", "C2v(C2')")
    with pytest.raises(CertificateError):
        verify(bent, seed_object=np.array([0.6, 0.0, 0.8]))
    assert bent.size == math.inf


@pytest.mark.parametrize("symbol", ["D2", "C2v", "D3", "C5v", "D4d", "D6h", "T", "Td", "Oh", "I", "Ih"])
def test_the_numerical_normalizer_agrees_with_the_tables(symbol):
    group = point_group(symbol)
    rotations = normalizing_rotations(group.matrices)
    expected = point_group(normalizer_in_o3(group.family))
    found = np.concatenate([rotations, -rotations])
    assert len(found) == expected.order
    assert np.abs(found[:, None] - expected.matrices[None]).max((2, 3)).min(1).max() < 1e-9
