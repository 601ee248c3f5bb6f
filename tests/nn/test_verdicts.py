"""can_break and effect against networks with random weights in float64: random groups, targets, irreps, layers, places."""

import importlib
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

import sbs
from sbs.nn.products import PRODUCTS

pytestmark = [
    pytest.mark.filterwarnings("ignore::sbs.nn.UnreachableBreakerWarning"),
    pytest.mark.filterwarnings("ignore::sbs.nn.OrientationWarning"),
    pytest.mark.usefixtures("double"),
]


E3NN_KINDS = ("built", "input", "attached")


@pytest.fixture
def trials():
    return importlib.import_module("trials")


@pytest.fixture
def verdicts():
    return importlib.import_module("verdicts")


def check(rows):
    assert [row for row in rows if row["wrong"] or row["doubtful"] or not row["group"]] == []


@pytest.mark.parametrize("kind", [*E3NN_KINDS, "gaunt", "complete"])
def test_verdicts_against_measurement(verdicts, kind):
    check(list(islice(verdicts.cases(kind, 1, sets=2), 6)))


def test_effects_against_measurement(verdicts):
    check(list(islice(verdicts.effects(1, sets=1), 8)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*E3NN_KINDS, *PRODUCTS, "effect"])
def test_verdicts_against_measurement_at_length(verdicts, kind):
    check(verdicts.run([kind], 1000, None, seed=2))


def test_a_wrong_verdict_is_noticed(trials):
    """The measurement of two layers contradicts the verdict for one, which a pseudoscalar needs."""
    symmetry_set = sbs.minimal_set("Td", "T")
    design = trials.Design("built", "1x0o", "2x0e+2x0o+2x1o+2x1e+2x2e+2x2o", 2, "1o", "attributes")
    found = trials.measure(trials.Trial(design, symmetry_set), symmetry_set, None, np.random.default_rng(0))["nodes"]
    assert not found.doubtful and found.broken.sum() == 12
    answer, fixing = design.ask(symmetry_set, "nodes", None)
    assert (answer.kept == ~found.broken).all() and (answer.kept == fixing).all()
    shallow, _ = replace(design, layers=1).ask(symmetry_set, "nodes", None)
    assert shallow.kept.all()


def test_a_run_goes_on_where_it_was(verdicts, tmp_path):
    journal = tmp_path / "journal"
    first = verdicts.run(["built"], 4, journal, round_=2)
    assert verdicts.run(["built"], 4, journal) == first
    assert verdicts.run(["built"], 7, journal)[:4] == first
    assert "| built | nodes | 1 |" in verdicts.section(first)
