"""A set as a document: what stands in it is enough to check the set without the library."""

import json
import math

import numpy as np
import pytest

import sbs
from sbs.errors import InvalidGroupError, SymmetryBreakingError
from sbs.sets import export

TURN = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]


def permuted():
    group = sbs.FiniteGroup.from_permutations([[1, 2, 3, 0], [1, 0, 2, 3]])
    return sbs.minimal_set(group=group.subgroup([[1, 0, 3, 2], [2, 3, 0, 1]]), target=group.subgroup([]), ambient=group)


SETS = {
    "Oh->C4v": lambda: sbs.minimal_set("Oh", "C4v"),
    "turned": lambda: sbs.minimal_set("D3", "C1").rotated(TURN),
    "C2->C1 in Oh": lambda: sbs.minimal_set("C2", "C1", ambient="Oh"),
    "not exact": lambda: sbs.minimal_set("Oh", "Td", exact=False, lmax=2),
    "C4->C1": lambda: sbs.minimal_set("C4", "C1"),
    "Dinfh->Cinfv": lambda: sbs.minimal_set("Dinfh", "Cinfv"),
    "permutations": permuted,
    "table": lambda: sbs.minimal_set(group := sbs.FiniteGroup.from_table([[0, 1], [1, 0]]), ambient=group),
}


@pytest.mark.parametrize("name", SETS)
def test_the_document_says_what_the_set_says(name):
    found = SETS[name]()
    document = json.loads(found.to_json())
    assert document == found.to_dict()
    assert (document["format"], document["version"]) == ("sbs.MinimalSet", export.VERSION)
    for field in ("size", "ideal_size", "degeneracy"):
        value = getattr(found, field)
        assert document[field] == ("infinite" if value == math.inf else value)
    assert (document["exact"], document["lmax"], document["ideal"]) == (found.exact, found.lmax, found.is_ideal)
    assert (document["irreps"], document["dim"]) == (found.irreps, found.dim)
    np.testing.assert_array_equal(document["seed_object"], found.seed_object)
    if found.size == math.inf:
        assert document["objects"] is document["orbits"] is document["fixed_by"] is None
    else:
        np.testing.assert_array_equal(document["objects"], found.objects)
        np.testing.assert_array_equal(document["orbits"], found.orbits)


@pytest.mark.parametrize("name", ["Oh->C4v", "turned", "C2->C1 in Oh", "not exact"])
def test_the_numbers_are_enough_to_check_the_set(name):
    """For every object the elements of S that fix it are those listed; they lie in a conjugate of K."""
    document = json.loads(SETS[name]().to_json())
    elements = np.array(document["elements"]["matrices"])
    assert document["group"]["elements"] == list(range(len(elements)))
    actions = sbs.representation(document["irreps"], elements)
    for vector, listed in zip(document["objects"], document["fixed_by"], strict=True):
        fixing = np.flatnonzero(np.abs(actions @ vector - vector).max(1) < 1e-9)
        assert set(fixing) <= set(listed)
        if document["exact"]:
            assert fixing.tolist() == listed
            assert len(listed) == len(document["target"]["elements"])


def test_permutations_are_written_out():
    document = permuted().to_dict()
    elements = np.array(document["elements"]["permutations"])
    assert elements.shape == (24, 4) and elements[0].tolist() == [0, 1, 2, 3]
    klein = {tuple(elements[x]) for x in document["group"]["elements"]}
    assert klein == {(0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0)}
    assert SETS["table"]().to_dict()["elements"] == {"table": [[0, 1], [1, 0]]}


def test_files(tmp_path):
    found = SETS["Oh->C4v"]()
    assert (tmp_path / "set.json").write_text("") == 0
    text = found.to_json(tmp_path / "set.json", indent=2)
    assert (tmp_path / "set.json").read_text(encoding="utf-8") == text
    with pytest.raises(SymmetryBreakingError, match="could not be written"):
        found.to_json(tmp_path / "missing" / "set.json")
    for path in (5, True, b"name", ["a"]):
        with pytest.raises(InvalidGroupError, match="path"):
            found.to_json(path)
        with pytest.raises(InvalidGroupError, match="path"):
            sbs.table("C3v").to_csv(path)


def test_every_field_is_described():
    for field in SETS["Oh->C4v"]().to_dict():
        assert field in (export.__doc__ or ""), field
