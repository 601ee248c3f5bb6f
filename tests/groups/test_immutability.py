"""Groups, subgroups, classes and character tables cannot be changed, and equal their copies."""

import copy
import pickle
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
import pytest

import sbs
from sbs.groups import FiniteGroup, point_group
from sbs.groups.abstract.characters import character_table

CYCLE = [1, 2, 3, 0]


CUBIC = (4.0 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17])


def crystals():
    """Results about structures."""
    if find_spec("spglib") is None:
        return {}
    detected, doubled = sbs.detect(CUBIC), sbs.detect(CUBIC, supercell=(1, 1, 2))
    patterns, modes = sbs.distortions(CUBIC, "C4v"), sbs.modes(doubled)
    return {
        "structure": detected.structure,
        "detected": detected,
        "detected in a supercell": doubled,
        "distortions": patterns,
        "between": sbs.between(CUBIC, patterns.domain_states(0.1)[0].structure),
        "modes": modes,
        "mode": modes[1],
        "isotropy subgroups": sbs.isotropy(doubled, modes[2].label),
        "fields on sites": sbs.minimal_set(doubled),
    }


@lru_cache(maxsize=1)
def values():
    cube, cycle = point_group("Oh"), FiniteGroup.from_permutations([CYCLE])
    return {
        "point group": cube,
        "point group, turned": point_group("C3v").rotated(np.linalg.qr(np.arange(9.0).reshape(3, 3) + np.eye(3))[0]),
        "closed group": point_group("Cinfv"),
        "finite group": cycle,
        "group of matrices": FiniteGroup.from_matrices(cube.matrices[:5]),
        "subgroup": cube.subgroup([1, 2]),
        "class of subgroups": cube.subgroup_classes[7],
        "class in a permutation group": cycle.subgroup_classes[1],
        "characters": character_table(cube),
        "set": sbs.minimal_set("Oh", "C4v"),
        "infinite set": sbs.minimal_set("C4", "C1"),
        "closed set": sbs.minimal_set("Dinfh", "Cinfv"),
        "table": sbs.table("C3v"),
        "row of a table": sbs.table("C3v")[1],
        **crystals(),
    }


NAMES = list(values())


def attributes(value):
    """Public attributes that can be read."""
    for name in dir(value):
        if not name.startswith("_"):
            try:
                yield name, getattr(value, name)
            except sbs.errors.SymmetryBreakingError:
                continue


@pytest.mark.parametrize("name", NAMES)
def test_no_attribute_can_be_set_or_deleted(name):
    value = values()[name]
    for attribute, _ in list(attributes(value)):
        with pytest.raises(AttributeError):
            setattr(value, attribute, 7)
        with pytest.raises(AttributeError):
            delattr(value, attribute)
    with pytest.raises(AttributeError):
        value.something_new = 1


def arrays_of(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from arrays_of(part)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_can_not_be_written(name):
    value = values()[name]
    first = dict(attributes(value))
    for attribute, again in attributes(value):
        for one, other in zip(arrays_of(first[attribute]), arrays_of(again), strict=True):
            # An array that is made anew at every call may be written; one that is kept may not.
            assert one is not other or not one.flags.writeable, attribute
            if not one.flags.writeable:
                with pytest.raises(ValueError, match="read-only"):
                    one[...] = 0


@pytest.mark.parametrize("name", NAMES)
def test_copies_are_equal_and_hash_alike(name):
    value = values()[name]
    for other in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert other == value
        assert (other != value) is False
        assert hash(other) == hash(value)


def test_different_values_are_not_equal():
    found = values()
    for one in NAMES:
        for other in NAMES:
            assert (found[one] == found[other]) is (one == other), (one, other)
    cube = point_group("Oh")
    assert cube.subgroup_classes[6] != cube.subgroup_classes[7]
    assert character_table(cube) != character_table(point_group("Td"))


def test_a_caller_who_tries_changes_nothing_for_the_next():
    for attempt in (
        lambda: setattr(point_group("Oh"), "order", 7),
        lambda: sbs.minimal_set("Oh", "C4v").orbits.__setitem__(0, 5),
        lambda: sbs.minimal_set("Oh", "C4v").seed_object.__setitem__(0, 9.0),
        lambda: sbs.minimal_set("C4", "C1").seed_object.__setitem__(0, 9.0),
        lambda: sbs.minimal_set("Dinfh", "Cinfv").orbits.__setitem__(0, 5),
        lambda: sbs.minimal_set("Oh", "C4v").frame.__setitem__((0, 0), 5),
    ):
        with pytest.raises((AttributeError, ValueError)):
            attempt()
    assert point_group("Oh").order == 48
    assert sbs.minimal_set("Oh", "C4v").orbits[0] == 0
