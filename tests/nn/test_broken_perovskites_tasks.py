"""Tasks beside the main comparison: K unknown, inputs whose symmetry is hidden, tilts on 40 sites."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import sbs
from benchmarks.broken_perovskites import dataset, findings, fits, listing, noise, site_objects, tilts, unknown
from benchmarks.broken_perovskites.given import Given
from benchmarks.broken_perovskites.phases import subgroup
from benchmarks.broken_perovskites.tasks import UNIT, synthetic
from benchmarks.broken_perovskites.techniques import network_for, rule_for
from benchmarks.broken_perovskites.train import Budget, Trained, network_weights, predict

SHORT = Budget(3, 8, 1)
RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def clean():
    return synthetic(6, 1)


@pytest.fixture(scope="module")
def tilted():
    """Made-up displacements that K keeps, two compositions in three phases."""
    _, _, phases = tilts.phases_of()
    fields = [(RANDOM.normal(size=120) @ p.projector).reshape(40, 3) * 0.3 for p in phases for _ in range(2)]
    return tilts.task_from([0, 0, 1, 1, 2, 2], [(56, 22), (38, 22)] * 3, [4.0, 3.9] * 3, np.array(fields), ["x", "y", "z"] * 2)


# --- K unknown --------------------------------------------------------------------------------------------------------


def test_labels_are_the_lowest_phases_and_the_features_do_not_tell():
    task = unknown.task_of()
    entries = {e.formula: e for e in dataset.load() if e.factor == 1.0}
    for item, name in enumerate(task.composition):
        energies = {label.phase: label.energy for label in entries[name].phases.values() if label.phase in unknown.AXES}
        assert min(energies, key=energies.get) == task.phases[task.phase[item]].name
        # A rotation leaves the lengths, atom by atom up to the order of the oxygens.
        stored = entries[name].phases[task.phases[task.phase[item]].name].displacements
        stored = stored - stored.mean(axis=0)
        lengths = [np.sort(np.linalg.norm(each, axis=1)) for each in (stored, task.targets[item])]
        assert np.allclose(*lengths, atol=1e-9)
    assert unknown.told(task).features.shape[1] == task.features.shape[1] + 3
    assert len(set(task.phase)) == 3


def test_one_object_may_be_paired_with_the_shown_domains_of_all_three_phases():
    """Its stabilizer keeps every label: the part of a label outside is zero. That of P4mm's does not."""
    task = unknown.task_of()
    for name, right in ((unknown.BASE, True), ("full set", True), ("smallest set of the most frequent K", False)):
        vector = unknown.rule_of(name, task).objects[0, 0].double().numpy()
        matrices = np.asarray(sbs.point_group("Oh").matrices)
        keeping = np.linalg.norm(matrices @ vector - vector, axis=1) < 1e-5
        projector = task.actions[keeping].mean(axis=0)
        flat = task.targets.reshape(len(task), -1)
        assert (np.abs(flat @ projector - flat).max() < 1e-6) == right
    assert unknown.shared_set().size == 24


def test_of_k_told_each_item_sees_the_object_of_its_phase():
    task = unknown.task_of()
    shown = unknown.rule_of(unknown.TECHNIQUES[0], task).objects[:, 0].double().numpy()
    axes = np.array([unknown.AXES[p.name] for p in task.phases])[task.phase]
    cosine = (shown * axes).sum(1) / np.linalg.norm(shown, axis=1) / np.linalg.norm(axes, axis=1)
    assert np.allclose(cosine, 1)


@pytest.mark.parametrize("name", [n for n in unknown.TECHNIQUES if "told" not in n and "noise" not in n and "sphere" not in n])
def test_what_is_not_told_cannot_depend_on_the_phase(name):
    """The same items under another phase: the same objects."""
    task = unknown.task_of()
    other = replace(task, phase=(task.phase + 1) % 3)
    shown = []
    for each in (task, other):
        rule = unknown.rule_of(name, task)
        shown.append(rule.show(each, torch.arange(6), rule.weights(each, [0, 1]), np.random.default_rng(0)).objects)
    assert torch.equal(*shown)


# --- noise and orientation --------------------------------------------------------------------------------------------


def test_noise_hides_the_symmetry_and_keeps_labels(clean):
    noisy, symmetrised = noise.noisy_task(clean), noise.noisy_task(clean, symmetrised=True)
    assert len(noisy) == len(clean) * len(noise.LEVELS) and np.array_equal(noisy.targets, symmetrised.targets)
    assert noisy.messages.neighbourhood == (0, 1, 2) and symmetrised.messages.neighbourhood == (0, 2)
    # The first level is no noise at all; lattice constants of the clean crystals are rounded to 1e-6 Å.
    assert np.abs(noisy.harmonics[0] - symmetrised.harmonics[symmetrised.crystal[0]]).max() < 1e-5
    assert np.abs(noisy.harmonics[1] - symmetrised.harmonics[symmetrised.crystal[1]]).max() > 1e-4


def test_detection_finds_what_the_tolerance_allows(clean):
    asked = min(noise.SAMPLE, len(clean))
    assert noise.detected_share(clean, 0, 0.02) == (asked, asked)
    assert noise.detected_share(clean, 1, 0.02)[0] < asked
    assert noise.detected_share(clean, 1, 0.3)[0] == asked


def test_noise_alone_breaks_symmetry(clean):
    """Without an object the output is nothing at no noise, and something where there is noise."""
    task = noise.noisy_task(clean)
    rule = noise.rule_of("no object, nearest domain", task)
    network = network_for(rule, task)
    predicted, _ = predict(rule, network, network_weights(network, [0]), task, np.arange(len(task)))
    size = predicted[0].abs().amax(dim=(1, 2)).reshape(len(clean), -1)
    assert size[:, 0].max() < 1e-4 and size[:, 3].min() > 1e-3


def test_an_equivariant_network_is_as_good_turned_and_a_perceptron_is_not(clean):
    turn = noise.rotations(1, 1)[0]
    assert np.allclose(turn @ turn.T, np.eye(3)) and np.linalg.det(turn) == pytest.approx(1)
    own = noise._vector(clean)
    _, plain = noise.turned_task(clean, "cube", 1)
    for rule, exact in ((own, True), (plain, False)):
        network = network_for(rule, clean)
        trained = Trained(network, network_weights(network, [0, 1]), [], 0.0)
        upright = noise.turned_errors(clean, trained, np.eye(3), 0)
        turned = noise.turned_errors(clean, trained, turn, 0)
        assert (np.abs(upright - turned).max() < 1e-5) == exact


@pytest.mark.parametrize("turns", ["cube", "large"])
def test_label_and_object_are_turned_together(clean, turns):
    """What symmetry does not change: lengths, and the angle between the object and each displacement."""
    task, rule = noise.turned_task(clean, turns, 4)
    own = np.repeat(np.arange(len(clean)), 4)
    vector = noise._vector(clean).objects[0, 0].double().numpy()
    before = np.sort(clean.targets[own] @ vector, axis=1)
    after = np.sort(np.einsum("njd,nd->nj", task.targets, rule.objects[:, 0].double().numpy()), axis=1)
    assert np.allclose(before, after, atol=1e-6) and np.abs(task.targets - clean.targets[own]).max() > 0.01
    gram = task.cells @ task.cells.transpose(0, 2, 1)
    assert np.allclose(gram, clean.cells[own] @ clean.cells[own].transpose(0, 2, 1))


# --- tilts ------------------------------------------------------------------------------------------------------------


def test_domains_of_tilts_are_all_there_and_different(tilted):
    assert [len(p.domains) for p in tilted.phases] == [6, 8, 24] == [p.symmetry_set.size for p in tilted.phases]
    fields = tilted.domain_targets().flatten(2)
    for item in range(len(tilted)):
        count = len(tilted.phases[tilted.phase[item]].domains)
        own = fields[item, :count]
        assert (torch.cdist(own, own) + 9 * torch.eye(count)).min() > 1e-2
        assert torch.allclose(own[0] * UNIT, torch.from_numpy(tilted.targets[item]).float().flatten(), atol=1e-6)


def test_the_object_of_a_tilt_has_the_symmetry_of_the_labels(tilted):
    """K of the phase file, and the stabilizer of the object by applying every element."""
    rule = tilts.rule_of("smallest set", tilted)
    detected, _ = subgroup("Pnma")
    turns = torch.from_numpy(sbs.representation(rule.object_irreps, np.asarray(detected.matrices))).float()
    for item in (0, 2, 4):
        kept = set(np.asarray(subgroup(tilted.phases[tilted.phase[item]].name)[1].elements).tolist())
        found = set()
        for g, places in enumerate(np.array(detected.permutations)):
            moved = torch.zeros_like(rule.objects[item])
            moved[torch.from_numpy(places)] = rule.objects[item] @ turns[g].T
            if (moved - rule.objects[item]).abs().max() < 1e-5:
                found.add(g)
        assert found == kept


@pytest.mark.parametrize("choice", site_objects.CHOICES)
def test_objects_of_ones_own_choice_leave_exactly_k_and_sit_where_they_are_said_to(choice):
    irreps, kind = site_objects.CHOICES[choice]
    for name in tilts.PHASES:
        detected, target = subgroup(name)
        turns = sbs.representation(irreps, np.asarray(detected.matrices))
        field = site_objects.exact_field(name, choice)
        images = np.zeros((len(turns), *field.shape))
        np.put_along_axis(images, np.array(detected.permutations)[:, :, None], np.einsum("gij,nj->gni", turns, field), axis=1)
        kept = np.flatnonzero(np.abs(images - field).max(axis=(1, 2)) < 1e-6)
        assert set(kept) == set(np.asarray(target.elements).tolist())
        carried = np.arange(40) % 5 if kind < 2 else np.minimum(np.arange(40) % 5, 2)
        assert set(carried[np.abs(field).max(axis=1) > 1e-9]) == {kind}
        assert np.square(field).sum() == pytest.approx(3 * (carried == kind).sum())


def test_eight_cells_give_the_messages_of_one_large_cell(tilted):
    """By the characters of the translations and pair by pair: the same outputs."""
    for name in ("learned field, nearest domain", "smallest set"):
        rule = tilts.rule_of(name, tilted)
        network = network_for(rule, tilted)
        weights = {**network_weights(network, [0, 1]), **rule.weights(tilted, [0, 1])}
        parted, whole = (
            predict(rule, network, weights, task, np.arange(3))[0] for task in (tilted, replace(tilted, cells_repeated=1))
        )
        assert (parted - whole).abs().max() < 1e-5 * whole.abs().max() and whole.abs().max() > 1e-3


def test_outputs_of_fields_have_the_symmetry_and_those_of_a_vector_keep_translations(tilted):
    """With random weights: order of K with the smallest set, 8 translations kept with one vector, none with the full set."""
    found = {}
    for name in ("smallest set", "smallest set, 1o on O", "vector on all sites", "full set", "full set, 1o on O"):
        rule = tilts.rule_of(name, tilted)
        network = network_for(rule, tilted)
        predicted, _ = predict(rule, network, network_weights(network, [0]), tilted, np.arange(len(tilted)))
        # Of one size, so that the tolerance means the same.
        outputs = predicted[0].double().numpy()
        found[name] = tilts.kept_order(tilted, 3 * outputs / np.abs(outputs).max(axis=(1, 2), keepdims=True)).tolist()
    assert found["smallest set"] == found["smallest set, 1o on O"] == [64, 64, 48, 48, 16, 16]
    assert min(found["vector on all sites"]) >= 8 and found["full set"] == found["full set, 1o on O"] == [1] * 6


def test_kept_elements_of_a_label_and_of_a_spoilt_one(tilted):
    assert tilts.kept_order(tilted, tilted.targets).tolist() == [64, 64, 48, 48, 16, 16]
    assert tilts.kept_order(tilted, tilted.targets + 0.1 * RANDOM.normal(size=tilted.targets.shape)).tolist() == [1] * 6


# --- what they share --------------------------------------------------------------------------------------------------


def test_parameters_are_matched(tilted, clean):
    for task, rules in (
        (tilted, [tilts.rule_of(name, tilted) for name in tilts.TECHNIQUES]),
        (unknown.task_of(), [unknown.rule_of(name, unknown.task_of()) for name in unknown.TECHNIQUES]),
    ):
        counts = [sum(w[0].numel() for w in network_weights(network_for(rule, task), [0]).values()) for rule in rules]
        assert max(counts) < 1.05 * min(counts)


def test_errors_are_of_networks_that_did_not_see_the_item(clean):
    """Labels of one fold are spoilt: the errors of the others' training and of nothing else change."""
    rule = Given("given", torch.ones(6, 5, 3), torch.zeros(6, dtype=torch.int64), "1x1o")
    line = fits.crosswise(clean, rule, (0, 1), 3, 1e-2, SHORT)
    assert np.array(line["total"]).shape == (2, 6) == np.array(line["groups"]).shape and len(line["train"]) == 6
    assert (np.array(line["breaking"]) <= np.array(line["total"]) + 1).all() and np.min(line["breaking"]) > 0
    trained, held = fits.fit(clean, rule, (0, 1), 3, 1e-2, SHORT)
    assert (held.sum(axis=0) == 2).all()
    predicted, _ = predict(rule, trained.network, trained.weights, clean, np.arange(6))
    for item in range(6):
        own = predicted[int(held[:3, item].argmax()), item].double().numpy() * UNIT
        domains = clean.domain_targets()[item].double().numpy() * UNIT
        error = np.sqrt(np.square(own - domains).sum(axis=(1, 2)).min() / 5)
        assert line["total"][0][item] == pytest.approx(error * 1e5, abs=1)


def test_seeds_are_joined_and_intervals_hold():
    made = [{"technique": "a", "seeds": [s], "train": [0.1], "total": [[s, 2]], "breaking": [[1, 1]]} for s in (1, 0)]
    whole = fits.joined(made)["a"]
    assert whole["seeds"] == [0, 1] and whole["total"] == [[0, 2], [1, 2]]
    low, high = fits.share_interval(5, 10)
    assert low == pytest.approx(1 - high) and 0.18 < low < 0.2
    assert fits.share_interval(0, 10)[0] == 0 and fits.share_interval(10, 10)[1] == 1
    names = [str(k // 2) for k in range(20)]
    right = np.zeros((3, 20), dtype=bool)
    assert fits.share_told(right, names) == "0 of 60 (0 to 31 %)"  # as of ten compositions, not of sixty outputs
    right[:, :10] = True
    told = fits.share_told(right, names)
    low, high = (int(word) for word in told.partition("(")[2].removesuffix(" %)").split(" to "))
    assert told.startswith("30 of 60") and 15 <= low <= 30 and 70 <= high <= 85


def test_a_rate_is_chosen_once_and_by_what_is_held_out(clean, tmp_path):
    store = tmp_path / "store"
    rule = Given("given", torch.ones(6, 5, 3), torch.zeros(6, dtype=torch.int64), "1x1o")
    chosen = fits.tuned_rate(store, "made up", clean, rule, SHORT, (1e-2, 1e3))
    (line,) = fits.lines(store)
    assert chosen == line["best"] == 1e-2 and line["validation"][1][0] > line["validation"][0][0]
    assert fits.tuned_rate(store, "made up", clean, rule, SHORT, (1e3,)) == chosen and len(list(fits.lines(store))) == 1
    assert fits.tuned_rate(store, "another", clean, rule, SHORT, (1e3,)) == 1e3


def test_passes_and_ways_to_list_domains(clean, tilted):
    """The smallest set asks for each domain once; transport carries one output to all of them."""
    for task, rule, phase, passes in (
        (clean, rule_for("smallest set"), 0, (6, 1)),
        (clean, rule_for("unrelated vectors"), 0, (6, 6)),
        (clean, rule_for("full set, nearest pairing"), 0, (48, 1)),
        (clean, rule_for("random vector on the sphere"), 0, (15, 1)),  # 6 (1 + 1/2 + ... + 1/6) = 14.7
        (clean, rule_for("canonicalisation"), 0, (None, 1)),
        (tilted, tilts.rule_of("smallest set", tilted), 0, (6, 1)),
        (tilted, tilts.rule_of("full set", tilted), 2, (384, 1)),
    ):
        assert listing.passes_of(rule, task, phase) == passes
        found = listing.ways(rule, task, phase)
        assert ("objects" in found) == (passes[0] is not None) and ("transport" in found) == (passes[1] == 1)
    images = listing.ways(rule_for("smallest set"), clean)["transport"]()
    distances = torch.cdist(images.flatten(1), images.flatten(1))
    assert images.shape == (6, 5, 3) and (distances + 9 * torch.eye(6)).min() > 1e-3


def one_rate(store, name, task, rule, budget, *rates):
    """A choice of one."""
    return fits.tuned_rate(store, name, task, rule, budget, (1e-2,), 2, (1,))


def test_short_runs_are_told_and_taken_up_again(clean, tilted, tmp_path, monkeypatch):
    store = tmp_path / "results.jsonl"
    small = unknown.task_of()
    for module in (unknown, noise, tilts):
        monkeypatch.setattr(module, "BUDGET", Budget(2, 4, 1))
        monkeypatch.setattr(module, "TECHNIQUES", (*module.TECHNIQUES[:2], module.TECHNIQUES[-1]))
        monkeypatch.setattr(module, "TUNING", Budget(1, 4, 1))
        monkeypatch.setattr(module, "tuned_rate", one_rate)
        monkeypatch.setattr(module, "FEW", (0,))
    monkeypatch.setattr(fits, "FEW", (0,))
    monkeypatch.setattr(tilts, "CHOSEN", (("smallest set", 2), ("smallest set", 3)))
    monkeypatch.setattr(noise, "LONG", Budget(2, 4, 1))
    monkeypatch.setattr(noise, "LONG_TUNING", Budget(1, 4, 1))
    monkeypatch.setattr(noise, "SAMPLE", 2)
    monkeypatch.setattr(noise, "clean_task", lambda: clean)
    monkeypatch.setattr(tilts, "task_of", lambda names=None: tilted)
    for module in (unknown, noise, tilts):
        module.measure(store, few=True)
    written = store.read_text()
    for module in (unknown, noise, tilts):
        module.measure(store, few=True)
    assert store.read_text() == written
    found = list(fits.lines(store))
    for module in (unknown, noise, tilts):
        text = module.section(found)
        assert all(f"| {name} |" in text for name in module.TECHNIQUES) and module.section([]) == ""
    assert str(len(small)) in unknown.section(found) and "| perceptron, turns at large |" in noise.section(found)
    assert "| smallest set | 3 |" in tilts.section(found) and "third layer" in findings.objects_advice(store)
    assert "smallest set, 3 layers" in findings.tilts_told(store)
