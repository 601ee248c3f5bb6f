"""The benchmark of degenerate sets: its molecules and pairs have the symmetry that they claim, its count can be wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import sbs
from benchmarks.broken_perovskites import degeneracy
from benchmarks.broken_perovskites.degeneracy import CASES, Case
from benchmarks.broken_perovskites.measures import errors_of
from benchmarks.broken_perovskites.train import Budget

SOME = [
    Case("C2", "C1", "Oh"),
    Case("C2", "C1", "D8h"),
    Case("C4h", "C2h", "D8h"),
    Case("C4h", "S4", "D8h"),
    Case("C2h", "Ci", "Oh"),
]


def name(case):
    return f"{case.group}->{case.target} in {case.ambient}"


def test_every_pair_of_these_ambient_groups_is_there():
    """All classes of S in D_8h and all of K in S, asked one by one."""
    ambient = sbs.point_group("D8h")
    found = []
    for inner in ambient.subgroup_classes:
        matrices = np.asarray(inner.representative.matrices)
        group = sbs.minimal_set(matrices, ambient="D8h").group
        found += [
            (group.symbol, kept.representative.symbol)
            for kept in group.subgroup_classes
            if kept.order < group.order and not sbs.minimal_set(matrices, kept, ambient="D8h").is_ideal
        ]
    own = [(c.group, c.target) for c in CASES if c.ambient == "D8h" and not c.symmetry_set.is_ideal]
    assert sorted(map(str, own)) == sorted(str((str(s), str(k))) for s, k in found) and len(own) == 13
    assert {c.symmetry_set.degeneracy for c in CASES} == {1, 2, 4}


@pytest.mark.parametrize("case", SOME, ids=name)
def test_molecules_have_no_more_symmetry_than_they_should(case):
    """Of all elements of the ambient group those of S leave a molecule, and no others."""
    inside = np.asarray(case.symmetry_set.group.matrices)
    for g in np.asarray(sbs.point_group(case.ambient).matrices):
        expected = bool((np.abs(inside - g).max(axis=(1, 2)) < 1e-9).any())
        for positions in degeneracy.molecules(case):
            half = len(positions) // 2
            kept = all(
                (np.linalg.norm(part[:, None] - part[None] @ g.T, axis=-1).min(axis=0) < 1e-6).all()
                for part in (positions[:half], positions[half:])
            )
            assert kept == expected


@pytest.mark.parametrize("case", SOME, ids=name)
def test_what_goes_with_an_object_has_its_symmetry(case):
    """Stabilizers of objects and of targets in S, both by applying every element."""
    task, rule = degeneracy.task_of(case, range(case.symmetry_set.size))
    group = np.asarray(case.symmetry_set.group.matrices)
    turns = torch.from_numpy(sbs.representation(rule.object_irreps, group)).float()
    targets = task.domain_targets()
    for item in range(len(task)):
        b, y = rule.objects[item, 0], targets[item, rule.elements[item]].reshape(-1)
        of_object = (turns @ b - b).abs().amax(dim=1) < 1e-5
        of_target = (torch.from_numpy(task.actions).float() @ y - y).abs().amax(dim=1) < 1e-5
        assert torch.equal(of_object, of_target) and int(of_object.sum()) == case.symmetry_set.target.order


def test_every_image_of_the_target_is_listed_once():
    case = Case("C4h", "C2h", "D8h")
    task, _ = degeneracy.task_of(case, [0])
    images = np.einsum("gij,j->gi", task.actions, task.targets[0].reshape(-1))
    assert len(np.unique(np.round(images, 5) + 0.0, axis=0)) == len(task.phases[0].domains) == 2
    assert task.domain_targets().shape[1] == 2


def test_one_pair_teaches_one_orbit_and_an_untrained_network_knows_nothing():
    case = Case("C2", "C1", "Oh")
    trained, error = degeneracy.trained_on(case, [1, 2], [0], Budget(100, 6, 1))
    right, image = degeneracy.right_objects(case, trained)
    orbits = np.asarray(case.symmetry_set.orbits)
    assert (right[0] == (orbits == 0)).all() and error[0] < degeneracy.RIGHT
    # Objects of an orbit give the images of one output: both images, whatever was learnt.
    assert all(len(np.unique(image[0, m][orbits == 0])) == 2 for m in range(degeneracy.MOLECULES))
    untrained, _ = degeneracy.trained_on(case, [2], [0], Budget(1, 6, 1))
    assert not degeneracy.right_objects(case, untrained)[0].any()


def test_counts_of_orbits_and_their_interval():
    line = {
        "kind": "degeneracy", "group": "C2", "target": "C1", "ambient": "Oh", "size": 4, "degeneracy": 2, "images": 2,
        "pairs": [1, 2], "seeds": [0], "molecules": 2, "train": [[0.001], [0.002]],
        "right": [[[[2, 0], [2, 2]]], [[[2, 2], [1, 2]]]], "reached": [[[2, 2]], [[2, 1]]],
    }  # fmt: skip
    assert degeneracy.orbits_right([line]) == ((5, 6), (1, 2))
    assert "| 6 of 8 | 7 of 8 |  | 2 |" in degeneracy.section([line])
    assert degeneracy.section([]) == ""
    # None of n: 1 - 0.05^(1/n).
    assert degeneracy.at_most(0, 20) == pytest.approx(1 - 0.05 ** (1 / 20))
    assert degeneracy.at_most(3, 3) == 1.0


def test_the_error_is_to_the_nearest_image():
    case = Case("C2", "C1", "Oh")
    task, rule = degeneracy.task_of(case, [0, 1, 2, 3])
    items = np.arange(len(task))
    other = task.domain_targets()[items, 1].double()[None] * 0.1
    assert errors_of(task, items, other, rule.elements, "nearest").total.max() < 1e-6
    assert errors_of(task, items, -other, rule.elements, "nearest").total.min() > degeneracy.RIGHT
