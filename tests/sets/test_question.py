"""A question and its embedding: numbers, frame and turn say one thing, whatever the ambient group and the orientation."""

import dataclasses
import os
import pickle
import sys

import numpy as np
import pytest

import sbs
from sbs.errors import NotASubgroupError
from sbs.groups import ClosedGroup, FiniteGroup, PointGroup, Subgroup, point_group
from sbs.query import minimal_set, resolve
from sbs.sets.orbits import FiniteOrbit
from sbs.sets.question import Question
from sbs.sets.solve import embed, solve

TURN = point_group("SO(3)").sample(1, 7)[0]
QUESTIONS = {
    "Oh->D4h": ("Oh", "D4h"),
    "D3->C1 in Oh": (point_group("Oh").subgroup_class("D3").representative, "C1", "Oh"),
    "turned Td->C3v": (point_group("Td").rotated(TURN), "C3v"),
    "turned C2->C1 in turned D4h": (point_group("C2").rotated(TURN), "C1", point_group("D4h").rotated(TURN)),
    "T->C1 in SO(3)": ("T", "C1", "SO(3)"),
}


@pytest.mark.parametrize("case", QUESTIONS)
def test_numbers_and_frame_of_an_embedding_belong_together(case):
    question = resolve(*QUESTIONS[case])
    given = embed(question)
    normalizing = given.image(question.group).normalizer().elements
    for by in (0, *normalizing[:: max(1, len(normalizing) // 5)]):
        turned = given.turned(int(by))
        for embedding in (turned, turned.rotated(TURN, question.rotated(TURN).group)):
            assert embedding.turn == by
            outer, inner, frame = embedding.outer.matrices, embedding.inner.matrices, embedding.frame
            np.testing.assert_allclose(frame @ outer[embedding.numbers] @ frame.T, inner, atol=1e-12)
            for h in (embedding.inner.trivial, embedding.inner.subgroup([1]), embedding.inner.whole):
                assert embedding.preimage(embedding.image(h)) == h
                np.testing.assert_allclose(
                    np.sort(embedding.placed(embedding.image(h)).matrices, axis=0),
                    np.sort(h.matrices, axis=0),
                    atol=1e-12,
                )


@pytest.mark.parametrize("case", QUESTIONS)
def test_answers_are_in_the_embedding_that_they_name(case):
    question = resolve(*QUESTIONS[case])
    result = solve(question)
    assert result.question is question and question == resolve(*QUESTIONS[case])
    assert result.embedding.image(question.target) == result.solution.target
    assert result.embedding.image(question.group) == result.solution.group
    assert result.target_of[0].order == question.target.order


def test_conjugate_targets_are_one_problem():
    group = point_group("Oh")
    answers = [solve(resolve(group, k)) for k in group.subgroup_class("C3v").representative.conjugates()]
    assert len({a.solution.target.bits for a in answers}) == 1
    assert len({a.embedding.turn for a in answers}) == len(answers) == 4


def test_an_infinite_normalizer_has_no_numbers():
    question = resolve("C4", "C2")
    embedding = embed(question)
    assert embedding.numbers is None and isinstance(embedding.outer, ClosedGroup)
    assert embedding.image(question.target) is question.target
    assert embedding.turned(3) is embedding


def test_abstract_groups_are_embedded_in_themselves():
    ambient = FiniteGroup.from_permutations([[1, 2, 3, 0], [1, 0, 2, 3]])
    question = Question(ambient.whole, ambient.subgroup([1]), ambient, True, None)
    embedding = embed(question)
    assert embedding.image(question.target) == question.target == embedding.preimage(question.target)


def test_a_group_outside_its_ambient_is_refused():
    with pytest.raises(NotASubgroupError, match="as oriented"):
        embed(Question(point_group("C4v").rotated(TURN), point_group("C4v").trivial, point_group("Oh"), True, None))


def test_questions_are_values():
    question = resolve("Oh", "D4h", lmax=3, exact=False)
    assert isinstance(question.group, PointGroup) and isinstance(question.target, Subgroup)
    assert pickle.loads(pickle.dumps(question)) == question
    for change in ({"lmax": 2}, {"exact": True}, {"ambient": point_group("SO(3)")}, {"target": question.group.trivial}):
        assert dataclasses.replace(question, **change) != question
    turned = question.rotated(TURN)
    assert turned.target.parent == turned.group == point_group("Oh").rotated(TURN)
    assert turned != question and turned.inner == turned.group


@pytest.mark.parametrize("query", [("Oh", "C3v"), ("C4", "C2"), ("C4h", "C4"), ("Dinfh", "C2v(C2')"), ("D13", "C13")])
def test_every_orbit_keeps_the_protocol(query):
    result = solve(resolve(*query))
    orbit, rng = result.orbit, np.random.default_rng(5)
    h = orbit.stabilizer
    rep = sbs.representation(result.irreps, h.sample(9) if isinstance(h, ClosedGroup) else h.matrices)
    np.testing.assert_allclose(rep @ orbit.seed, np.broadcast_to(orbit.seed, (len(rep), result.dim)), atol=1e-9)
    drawn = orbit.sample(3, rng)
    assert drawn.shape == (3, len(orbit.seed)) and orbit.sample(0, rng).shape == (0, len(orbit.seed))
    np.testing.assert_allclose((drawn**2).sum(axis=1), (orbit.seed**2).sum(), atol=1e-9)
    if result.size < np.inf:
        assert len(orbit.objects) == len(orbit.orbits) == len(result.target_of) == result.size
        assert all(np.abs(orbit.objects - each).max(axis=1).min() == 0 for each in drawn)
    if isinstance(orbit, FiniteOrbit):
        assert not orbit.objects.flags.writeable


ROOMS = [
    "errors",
    "optional",
    "progress",
    "groups/abstract",
    "groups/point",
    "groups",
    "solver",
    "objects",
    "proof",
    "sets",
    "tables",
    "query",
]


def way_back_up(ask):
    """Calls from a room of the library into one to its right, and the files entered, while something is asked."""
    root = os.path.dirname(sbs.__file__)

    def room(frame):
        path = frame.f_code.co_filename
        if not path.startswith(root):
            return None
        parts = os.path.relpath(path, root).split(os.sep)
        name = "/".join(parts[:2]) if parts[0] == "groups" and len(parts) > 2 else parts[0].removesuffix(".py")
        return name if name in ROOMS else None

    calls = []

    def profile(frame, event, argument):
        if event != "call" or room(frame) is None:
            return
        caller = frame.f_back
        while caller is not None and room(caller) is None:
            caller = caller.f_back
        if caller is not None and ROOMS.index(room(frame)) > ROOMS.index(room(caller)):
            calls.append((room(caller), caller.f_code.co_name, room(frame), frame.f_code.co_name))

    previous = sys.getprofile()
    sys.setprofile(profile)
    try:
        ask()
    finally:
        sys.setprofile(previous)
    return calls


@pytest.mark.parametrize(
    "query", [("Oh", "D4h"), ("m-3m", "Cs(σd)"), ("D14h", "C14v"), ("C2", "C1", "Oh"), ("C6", "C3")], ids="-".join
)
def test_the_way_of_a_target_never_goes_back_up(query):
    def ask():
        found = minimal_set(*query)
        found.seed_object, found.stabilizer, found.sample(2)

    # A subgroup asks its parent, whichever it is.
    assert [call for call in way_back_up(ask) if call[0] != "groups/abstract"] == []


def test_the_way_back_up_is_seen():
    def back():
        return minimal_set("Oh", "D4h", exact=False)

    source = compile(
        "def lower(f):\n    return f()", os.path.join(os.path.dirname(sbs.__file__), "solver", "x.py"), "exec"
    )
    scope = {}
    exec(source, scope)
    assert way_back_up(lambda: scope["lower"](back))[0][:3:2] == ("solver", "query")
