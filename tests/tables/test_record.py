"""The parts of a stored file against oracles of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy

from sbs.groups import point_group
from sbs.tables.catalogue import stored_symbols
from sbs.tables.storage import load

SAMPLE = ("C1", "C7", "S8", "D5h", "D12d", "Td", "Oh", "Ih")


def document(symbol: str) -> dict:
    found = load(symbol)
    assert found is not None
    return found.as_dict()


@pytest.mark.parametrize("symbol", SAMPLE)
def test_exact_entries_are_the_float_entries(symbol):
    """Read by sympy, whose numbers are independent of ours, to the last place."""
    cache: dict[str, float] = {}
    for element in document(symbol)["elements"]:
        for texts, values in zip(element["exact"], element["matrix"], strict=True):
            for text, value in zip(texts, values, strict=True):
                if text not in cache:
                    plain = text.replace("π", "*pi").replace("(*pi", "(pi").replace("√", "S")
                    for radicand in "235":
                        plain = plain.replace(f"S{radicand}", f"sqrt({radicand})")
                    cache[text] = float(sympy.N(sympy.sympify(plain), 30))
                assert abs(cache[text] - value) < 1e-15


@pytest.mark.parametrize("symbol", SAMPLE)
def test_elements_classes_and_generators(symbol):
    stored = document(symbol)
    matrices = np.array([element["matrix"] for element in stored["elements"]])
    assert len(matrices) == stored["order"]
    products = np.einsum("aij,bjk->abik", matrices, matrices)
    table = np.abs(products[:, :, None] - matrices).max(axis=(3, 4))
    assert (table.min(axis=2) < 1e-12).all()  # closed
    number = table.argmin(axis=2)
    inverse = (number == 0).argmax(axis=1)
    for index, element in enumerate(stored["elements"]):
        conjugates = {int(number[number[g, index], inverse[g]]) for g in range(len(matrices))}
        assert set(stored["element_classes"][element["class"]]["elements"]) == conjugates
    reached = {0}
    while True:
        grown = reached | {int(number[a, g]) for a in reached for g in stored["generators"]}
        if grown == reached:
            break
        reached = grown
    assert len(reached) == stored["order"]


@pytest.mark.parametrize("symbol", ["C1", "C6", "D4h", "Td", "Oh", "I"])
def test_hasse_relations(symbol):
    """A class lies directly below another if some member is contained and nothing stands between, by brute inclusion."""
    group = point_group(symbol)
    members = [(c.label, m) for c in group.subgroup_classes for m in c.members]
    for entry in document(symbol)["subgroup_classes"]:
        top = next(m for label, m in members if label == entry["label"] and m.elements.tolist() == entry["elements"])
        inside = [(label, m) for label, m in members if m <= top and m.order < top.order]
        maximal = {label for label, m in inside if not any(m <= n and m.order < n.order for _, n in inside)}
        assert set(entry["maximal_subgroups"]) == maximal


@pytest.mark.parametrize("symbol", SAMPLE)
def test_objects_transform_into_each_other(symbol):
    """Objects of a finite set: unit blocks, permuted by S within orbits, fixed by just the listed elements."""
    import sbs

    stored = document(symbol)
    matrices = np.array([element["matrix"] for element in stored["elements"]])
    for row in stored["targets"]:
        if row["objects"] is None:
            assert row["size"] == "infinite" and row["samples"]
            continue
        objects = np.array(row["objects"])
        rep = sbs.representation(row["irreps"], matrices)
        images = np.einsum("gij,oj->goi", rep, objects)
        near = np.abs(images[:, :, None] - objects).max(axis=3)
        assert (near.min(axis=2) < 1e-11).all()
        landed = near.argmin(axis=2)
        orbits = np.array(row["orbits"])
        assert (orbits[landed] == orbits).all() and len(set(orbits.tolist())) == row["degeneracy"]
        for index, fixers in enumerate(row["fixed_by"]):
            assert np.flatnonzero(landed[:, index] == index).tolist() == fixers


def test_normalizers_in_o3():
    expected = {
        "C1": "O(3)",
        "C2": "Dinfh",
        "C3v": "D6h",
        "D2": "Oh",
        "D4h": "D8h",
        "Td": "Oh",
        "I": "Ih",
        "S4": "Dinfh",
    }
    assert {symbol: document(symbol)["normalizer"]["symbol"] for symbol in expected} == expected


def test_only_the_file_of_the_group_is_opened():
    """In a new process: importing opens no table, a query opens one."""
    script = """
import json, sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import sbs, sbs.query
before = [f for f in opened if f.endswith(".json")]
sbs.minimal_set("Oh", "D4h"); sbs.minimal_set("Oh", "C4v")
print(json.dumps([before, [f for f in opened if f.endswith(".json")]]))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    before, after = json.loads(done.stdout)
    assert before == [] and [Path(f).name for f in after] == ["Oh.json"]


def test_all_sets_of_crystallographic_groups_are_counted():
    assert sum(len(document(s)["targets"]) for s in stored_symbols() if document(s)["crystal_system"]) == 247 + 32
