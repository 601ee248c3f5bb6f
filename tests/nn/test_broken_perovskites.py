"""The benchmark of techniques: its network and its measures by other routes, each technique's promises, one run end to end."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from e3nn import o3

import sbs
from benchmarks.broken_perovskites import plan, report, results, runs, units
from benchmarks.broken_perovskites.body import Body
from benchmarks.broken_perovskites.geometry import Messages, present_in, scales_of, summed_harmonics
from benchmarks.broken_perovskites.measures import (
    errors_of,
    median_interval,
    ratio_interval,
    space_groups,
    wall_angles,
)
from benchmarks.broken_perovskites.tasks import UNIT, folds_of, object_targets, synthetic
from benchmarks.broken_perovskites.techniques import TECHNIQUES, Learned, network_for, rule_for
from benchmarks.broken_perovskites.train import Budget, network_weights, predict, train

RANDOM = np.random.default_rng(4)
EVERYTHING = "1x0o+1x1o+1x1e+1x2e"


@pytest.fixture(scope="module")
def task():
    return synthetic(8, 2, ("P4mm", "R3m"))


def crystal(sites: int = 3):
    """A crystal without any symmetry."""
    cell = np.diag([3.5, 3.9, 4.1]) + 0.2 * RANDOM.normal(size=(3, 3))
    return cell, RANDOM.random((sites, 3)) @ cell


def evaluate(body, weights, cell, positions, objects, scales=None):
    harmonics = summed_harmonics(cell, positions)[None]
    messages = Messages.of(harmonics, body.neighbourhood, scales)
    features = torch.linspace(-1, 1, body.features, dtype=torch.float64)[None]
    kinds = torch.arange(len(positions)) % body.kinds
    return body(weights, messages, features, kinds, objects)


def test_images_are_summed_once():
    """Against every neighbour on its own, in a supercell large enough to hold each."""
    cell, positions = crystal()
    found = summed_harmonics(cell, positions)
    doubled = np.concatenate([positions + cell[0] * k for k in range(2)])
    large = summed_harmonics(np.diag([2, 1, 1]) @ cell, doubled)
    together = large[:, :3, :3] + large[:, :3, 3:]
    assert np.abs(found - together).max() < 1e-12


def test_the_stacked_body_is_equivariant_under_rotations_inversion_and_order_of_sites():
    body = Body(features=4, object_irreps=EVERYTHING, channels=3, neighbourhood=(0, 1, 2))
    weights = network_weights(body, [0, 1], torch.float64)
    cell, positions = crystal()
    scales = scales_of(summed_harmonics(cell, positions)[None])
    objects = torch.randn(2, 1, 3, body.object_dim, dtype=torch.float64)
    before = evaluate(body, weights, cell, positions, objects, scales)
    assert before.abs().max() > 1e-2
    for improper in (1.0, -1.0):  # QR gives either sign of the determinant: both signs are both kinds
        turn = torch.from_numpy(improper * np.linalg.qr(RANDOM.normal(size=(3, 3)))[0])
        turned = objects @ torch.from_numpy(sbs.representation(EVERYTHING, turn.numpy()[None])[0]).T
        after = evaluate(body, weights, cell @ turn.numpy().T, positions @ turn.numpy().T, turned, scales)
        assert (after - before @ turn.T).abs().max() < 1e-10 * before.abs().max()


def test_networks_in_a_stack_do_not_know_of_each_other():
    body = Body(features=4, channels=3, neighbourhood=(0, 1, 2))
    cell, positions = crystal()
    objects = torch.randn(1, 1, 3, 3, dtype=torch.float64)
    together = evaluate(body, network_weights(body, [5, 6, 7], torch.float64), cell, positions, objects)
    alone = evaluate(body, network_weights(body, [6], torch.float64), cell, positions, objects)
    assert torch.allclose(together[1], alone[0], atol=1e-12) and not torch.allclose(together[0], together[1])


def test_messages_are_the_tensor_products_of_e3nn():
    """One message path after the other against e3nn's tensor product on explicit neighbours."""
    cell, positions = crystal()
    harmonics = summed_harmonics(cell, positions)[None]
    scales = scales_of(harmonics)
    messages = Messages.of(harmonics, (1,), scales)
    h = torch.randn(3, 5, dtype=torch.float64)
    product = o3.TensorProduct("1x1o", "1x2e", "1x1o", [(0, 0, 0, "uvu", False)], irrep_normalization="component").double()
    expected = torch.zeros(3, 3, dtype=torch.float64)
    for i in range(3):
        for j in range(3):
            vector = torch.from_numpy(harmonics[0, 0, i, j, 1:4] / scales[0, 1])
            expected[i] += product(vector, h[j])
    matrix = messages.matrices[2, 1, 1][0].reshape(3, 3, -1, 3, 5)[:, :, 0]
    found = torch.einsum("iojd,jd->io", matrix, h)
    ratio = (found / expected).flatten()
    assert torch.allclose(ratio, ratio[:1].expand_as(ratio), rtol=1e-5)


def test_a_cubic_crystal_has_no_odd_neighbourhoods(task):
    assert present_in(task.harmonics) == [0, 2]


def test_domains_are_those_of_the_library(task):
    """Targets of all objects by the library's pairing, and domains by ours: the same fields."""
    for item in (0, 1):
        listed = object_targets(task, item).numpy()
        own = task.domain_targets()[item].double().numpy() * UNIT
        own = own[: len(task.phases[task.phase[item]].domains)]
        distances = np.abs(listed[:, None] - own[None]).max(axis=(2, 3))
        assert len(listed) == len(own) and (distances.min(1) < 1e-6).all() and (distances.min(0) < 1e-6).all()


def test_the_error_splits_and_a_symmetric_error_breaks_nothing(task):
    items = np.arange(6)
    targets = torch.from_numpy(task.targets[items])[None]
    noise = 0.01 * torch.randn(2, 6, 5, 3, dtype=torch.float64)
    elements = torch.zeros(6, dtype=torch.int64)
    found = errors_of(task, items, targets + noise, elements, "paired")
    assert np.allclose(found.total**2, found.inside**2 + found.breaking**2) and (found.breaking > 1e-4).all()
    kept = np.stack([noise[:, k].numpy().reshape(2, -1) @ task.projectors()[i] for k, i in enumerate(items)], axis=1)
    found = errors_of(task, items, targets + torch.from_numpy(kept.reshape(2, 6, 5, 3)), elements, "paired")
    assert (found.breaking < 1e-6).all() and (found.inside > 1e-4).all()


def test_a_domain_that_is_not_the_stored_one_is_as_good(task):
    items = np.arange(4)
    others = task.domain_targets()[items, 3].double()[None] * UNIT
    assert errors_of(task, items, others, torch.full((4,), 3), "paired").total.max() < 1e-6
    assert errors_of(task, items, others, torch.zeros(4, dtype=torch.int64), "nearest").total.max() < 1e-6
    assert errors_of(task, items, others, torch.zeros(4, dtype=torch.int64), "paired").total.max() > 1e-2


def test_space_groups_of_targets_and_of_what_is_off(task):
    items = np.arange(8)
    wanted = np.array([p.number for p in task.phases])[task.phase[items]]
    assert (space_groups(task, items, task.targets[items], (1e-3,))[:, 0] == wanted).all()
    off = task.targets[items] + 0.02 * RANDOM.normal(size=(8, 5, 3))
    assert (space_groups(task, items, off, (1e-3,))[:, 0] == 1).all()


@pytest.mark.parametrize("rule", [r for r in TECHNIQUES if r.equivariant and not r.draws], ids=lambda r: r.name)
def test_what_claims_to_be_equivariant_is(rule, task):
    """Turning the object by g of S turns the output, whatever the weights."""
    network = network_for(rule, task, channels=3)
    weights = {**network_weights(network, [0, 1]), **rule.weights(task, [0, 1])}
    items = torch.arange(3)
    shown = rule.show(task, items, weights, np.random.default_rng(0))
    weights, messages = {n: w.double() for n, w in weights.items()}, task.messages.take(torch.from_numpy(task.crystal)[:3])
    features, kinds = torch.from_numpy(task.features[:3]), torch.tensor(task.kinds)
    first = network(weights, messages, features, kinds, shown.objects.double())
    matrices = np.asarray(sbs.point_group("Oh").matrices)
    for g in (7, 30, 41):
        turned = shown.objects.double() @ torch.from_numpy(sbs.representation(rule.object_irreps, matrices[g][None])[0]).T
        after = network(weights, messages, features, kinds, turned)
        expected = first.flatten(2) @ torch.from_numpy(task.actions[g]).T
        assert (after.flatten(2) - expected).abs().max() < 1e-9 * max(1.0, float(first.abs().max()))


def test_parameters_are_matched(task):
    count = [sum(w[0].numel() for w in network_weights(network_for(rule, task), [0]).values()) for rule in TECHNIQUES]
    assert max(count) < 1.05 * count[0] and min(count) > 0.95 * count[0]


def test_the_smallest_set_gives_symmetric_outputs_before_training_and_none_gives_nothing(task):
    items = np.arange(len(task))
    for name, size in (("smallest set", 1e-3), ("none", -1.0)):
        rule = rule_for(name)
        network = network_for(rule, task)
        predicted, shown = predict(rule, network, network_weights(network, [0]), task, items)
        errors = errors_of(task, items, predicted * UNIT, shown.elements, rule.loss)
        assert errors.breaking.max() < 1e-5 and predicted.abs().max() > size
        assert size > 0 or predicted.abs().max() < 1e-5


def test_pairings_of_the_full_set(task):
    """Nearest and other pairings are one rule for all compositions, the random one is not; all are objects of one orbit."""
    items = torch.from_numpy(np.flatnonzero(task.phase == 0))
    shown = {
        pairing: rule_for(f"full set, {pairing} pairing").show(task, items, {}, np.random.default_rng(0)).objects[0, :, 0]
        for pairing in ("nearest", "other", "random")
    }
    for pairing in ("nearest", "other"):
        assert (shown[pairing] - shown[pairing][0]).abs().max() == 0
        assert bool(shown[pairing][0, 2] == shown[pairing][0].abs().max()) == (pairing == "nearest")
    assert len(torch.unique(shown["random"], dim=0)) > 3
    sizes = [each.abs().sort(dim=1).values for each in shown.values()]
    assert (sizes[0] - sizes[1]).abs().max() < 1e-5 and (sizes[0] - sizes[2]).abs().max() < 1e-5


def test_the_learned_vector_is_that_of_the_breaker(task):
    """Same normalisation as `sbs.nn.LearnedBreaker`."""
    from sbs.nn import LearnedBreaker

    breaker = LearnedBreaker("Oh", "1x1o", seed=3)
    shown = Learned("", "paired").show(
        replace(task), torch.tensor([0]), {"rule.object": breaker.vector.detach().expand(1, 2, 3)}, np.random.default_rng(0)
    )
    assert torch.allclose(shown.objects[0, 0, 0], breaker.seed_object.detach().float(), atol=1e-6)


def test_held_out_items_are_not_seen(task):
    """Labels of items that a network must not see do not change it by a bit."""
    fold = folds_of(task, 4)
    seen = np.stack([fold != 0, fold != 1])
    budget = Budget(6, 8, 1)
    rule = rule_for("smallest set")
    first = train(rule, task, seen, [0, 1], [1e-2, 1e-2], budget, channels=2)
    spoilt = task.targets.copy()
    spoilt[fold == 0] = 1.0 * RANDOM.normal(size=spoilt[fold == 0].shape)
    second = train(rule, replace(task, targets=spoilt), seen, [0, 1], [1e-2, 1e-2], budget, channels=2)
    assert all(torch.equal(first.weights[n][0], second.weights[n][0]) for n in first.weights)
    assert any(not torch.equal(first.weights[n][1], second.weights[n][1]) for n in first.weights)


def test_folds_hold_out_every_item_once_and_units_together(task):
    fold = folds_of(task, 4)
    assert set(fold) == {0, 1, 2, 3}
    assert all(len({f for f, u in zip(fold, task.held_out, strict=True) if u == unit}) == 1 for unit in task.held_out)


def test_intervals_hold_the_truth_and_equal_errors_have_ratio_one():
    groups = [str(k // 3) for k in range(60)]
    errors = np.abs(RANDOM.normal(size=(5, 60)))
    assert ratio_interval(2 * errors, errors, groups)[0] == pytest.approx(2.0)
    value, low, high = ratio_interval(errors, errors[::-1], groups, 200)
    assert low < 1.0 < high and value == pytest.approx(1.0)


def test_end_to_end_and_taken_up_again(task, tmp_path, monkeypatch):
    """Tune, train, report; a second run finds everything done; a line cut off is done again."""
    store = tmp_path / "results.jsonl"
    monkeypatch.setattr(plan, "TASKS", {"synthetic": lambda: task})
    for rates in ("RATES", "PERCEPTRON_RATES"):
        monkeypatch.setattr(units, rates, (1e-2, 3e-2))
    plan.task_for.cache_clear()
    names = ["smallest set", "learned vector, nearest domain", "perceptron, smallest set", "none"]
    short = {"tune": 3, "train": 4, "depth": 2}
    for step, updates in short.items():
        planned = list(getattr(plan, f"{step}_units")("synthetic", updates))
        monkeypatch.setattr(plan, f"{step}_units", lambda name, planned=planned: planned)
    for step in short:
        runs.run(step, store, None, names)
    written = store.read_text()
    for step in short:
        runs.run(step, store, None, names)
    assert store.read_text() == written
    store.write_text(written[:-20])
    runs.run("depth", store, None, names)
    assert len(list(units.lines(store))) == written.count("\n")
    assert {json.loads(line)["kind"] for line in written.splitlines()} == set(short)
    report.write(store, tmp_path / "RESULTS.md", tmp_path / "page.md", tmp_path)
    text = (tmp_path / "RESULTS.md").read_text()
    assert all(f"| {name} |" in text for name in names)
    # What has not run is named as such, once, and not in a table.
    assert "relaxed weights (seeds 0 to 2)" in text and "| relaxed weights |" not in text
    assert len(list(tmp_path.glob("*.png"))) == 3 and (tmp_path / "page.md").read_text().count(".png") == 3
    plan.task_for.cache_clear()


def test_the_ratio_and_the_verdict_agree():
    """A technique is said to have more error only where the whole interval says so."""
    task = synthetic(8, 2)
    quiet = np.full((3, len(task)), 0.01)
    loud = quiet * np.exp(0.8 * RANDOM.normal(size=quiet.shape))
    found = {name: object.__new__(results.Result) for name in ("smallest set", "none", "canonicalisation")}
    for each, errors in zip(found.values(), (quiet, 3 * quiet, loud), strict=True):
        each.total = errors
    told = report.relations(results.Results(task, found, {}))
    assert "More error than the smallest set: none (3.00)" in told
    for name in found:
        ratio = results.Results(task, found, {}).ratio(name)
        assert ratio is None or ratio[1] <= ratio[0] <= ratio[2]


def test_what_the_design_resolves_shrinks_with_the_root_of_the_seeds():
    assert np.log(results.resolvable(0.3, 40)) == pytest.approx(np.log(results.resolvable(0.3, 10)) / 2)


def test_null_models_do_not_see_what_is_held_out(task):
    """Labels of held-out items change their own errors alone."""
    from benchmarks.broken_perovskites.nulls import kernel_ridge, mean_pattern

    fold = folds_of(task, 4)
    spoilt = task.targets.copy()
    spoilt[fold == 0] += 1.0
    for null in (mean_pattern, kernel_ridge):
        first, second = null(task, fold)[0], null(replace(task, targets=spoilt), fold)[0]
        assert (np.abs(second[fold == 0] - first[fold == 0]) > 0.1).all()
        constant = np.array([task.targets[np.flatnonzero(task.phase == p)[0]] for p in task.phase])
        assert null(replace(task, targets=constant), fold).max() < 1e-6


def test_energies_are_counted_from_the_label(task):
    """With a calculator that knows the label's positions: the energy of an output is that of its distance."""
    pytest.importorskip("ase", reason="the energies are asked of ASE's calculators")
    from ase.calculators.calculator import Calculator, all_changes

    from benchmarks.broken_perovskites.energies import Energies
    from benchmarks.broken_perovskites.tasks import IDEAL_SITES

    class Spring(Calculator):
        implemented_properties = ("energy",)

        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            ideal = IDEAL_SITES @ np.asarray(atoms.cell)
            self.results = {"energy": float(np.square(atoms.positions - ideal).sum()) + float(atoms.numbers[0])}

    asked = Energies(task, [(20, 22)] * len(task), Spring())
    outputs = np.stack([task.targets[1], 0 * task.targets[2]])
    found = asked.above([1, 2], outputs)
    assert found[0] == pytest.approx(0.0, abs=1e-12)
    assert found[1] == pytest.approx(-float(np.square(task.targets[2]).sum()))


def test_outputs_go_once_their_energies_are_known(tmp_path):
    from benchmarks.broken_perovskites.energies import drop_outputs

    store = tmp_path / "results.jsonl"
    known = {"kind": "train", "task": "a", "items": 2, "sample": {"items": [1]}}
    made = [{**known, "technique": "x"}, {**known, "technique": "y"}]
    for line in (*made, {"kind": "energy", "task": "a", "technique": "x", "items": 2, "above": [0.1]}):
        units.append(store, line)
    drop_outputs(store)
    assert ["sample" in line for line in units.lines(store)] == [False, True, False]


def test_walls_between_domains_are_mirror_planes(task):
    """P4mm: on an axis 45 degrees from the planes x = z, on a plane none; R3m: the planes between the diagonals."""
    items = [int(np.flatnonzero(task.phase == k)[0]) for k in range(2)]
    for item, vector, expected in (
        (items[0], [0, 0, -1], 45.0),
        (items[0], [1, 0, 1], 0.0),
        (items[0], [1, 0.2, 0.9], np.degrees(np.arcsin(0.1 / np.sqrt(2 * (1 + 0.04 + 0.81))))),
        (items[1], [1, 1, -1], np.degrees(np.arcsin(1 / np.sqrt(3)))),
        (items[1], [1, 1, 0], 0.0),
    ):
        whole = np.tile(vector, (len(task), 1))
        assert wall_angles(task, whole)[item] == pytest.approx(expected, abs=1e-6)


def test_marks_are_packed_and_the_median_lies_in_its_interval():
    marks = RANDOM.random((3, 21)) < 0.4
    assert all((units.unpacked(units.packed(row), 21) == row).all() for row in marks)
    value, low, high = median_interval(RANDOM.normal(size=60), [str(k // 2) for k in range(60)])
    assert low < value < high and median_interval([2.0] * 6, list("aabbcc")) == (2.0, 2.0, 2.0)
