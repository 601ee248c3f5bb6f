"""Many structures: results as they come, on processes and on Dask, with a worker that is killed on the way."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

pytest.importorskip("ase")

import sbs
from sbs.errors import CalculatorError, CorruptTableError, InvalidGroupError
from sbs.phases.many import read_results, run_many
from tests.phases.models import LatticePhi4, Pucker, caesium_chloride, square


class Logged(LatticePhi4):
    """Writes a line for every evaluation; kills its process once, in the middle of the crystal with 4.2 Å edges."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        folder = Path(os.environ["SBS_TEST_FOLDER"])
        with (folder / "evaluations").open("a") as stream:
            stream.write(f"{self.a} {atoms.positions.round(5).tolist()}\n")
        count = len((folder / "evaluations").read_text().splitlines())
        if self.a == 1.5 and count > 12 and not (folder / "killed").exists():
            (folder / "killed").write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
        super().calculate(atoms, properties, system_changes)


def logged():
    return Logged(a=1.5)


def check(results):
    for result in results.values():
        phases = result["tree"]["phases"]
        assert [row["space_group"] for row in phases] == ["P4mm", "Amm2", "R3m"]


def test_results_come_one_line_each_and_are_not_computed_again(tmp_path):
    structures = {"a b/c": caesium_chloride(), "bad": "nowhere.cif"}
    results = sbs.descend_many(structures, LatticePhi4, tmp_path, cell=False)
    assert list(results) == list(structures)
    check({"a": results["a b/c"]})
    assert "nowhere.cif" in results["bad"]["error"]
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert {json.loads(line)["name"] for line in lines} == set(structures)
    assert not list((tmp_path / "journals").glob("a*"))
    again = sbs.descend_many(structures, _never, tmp_path, cell=False)
    assert again == results


def _never():
    raise AssertionError("computed again")


def test_a_sequence_is_numbered(tmp_path):
    results = sbs.descend_many([square()], Pucker, tmp_path)
    assert results["0"]["tree"]["phases"][0]["point_group"] == "D2d"


def test_a_process_pool_gives_the_same(tmp_path):
    structures = {str(k): caesium_chloride() for k in range(3)}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        check(sbs.descend_many(structures, LatticePhi4, tmp_path, executor=pool, cell=False))


def test_a_killed_pool_is_said_and_the_next_call_goes_on(tmp_path, monkeypatch):
    monkeypatch.setenv("SBS_TEST_FOLDER", str(tmp_path))
    structures = {str(k): caesium_chloride() for k in range(2)}
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(CalculatorError, match="call again"),
    ):
        sbs.descend_many(structures, logged, tmp_path, executor=pool, cell=False)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        check(sbs.descend_many(structures, logged, tmp_path, executor=pool, cell=False))


def test_a_dask_worker_that_is_killed_costs_nothing_finished(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setenv("SBS_TEST_FOLDER", str(tmp_path))
    structures = {str(k): caesium_chloride() for k in range(4)}
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        results = sbs.descend_many(structures, logged, tmp_path, executor=client.get_executor(), cell=False)
    check(results)
    assert (tmp_path / "killed").exists()
    names = [json.loads(line)["name"] for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert sorted(names) == sorted(structures)


def test_a_line_cut_off_is_computed_again_and_damage_is_refused(tmp_path):
    structures = {"x": caesium_chloride()}
    sbs.descend_many(structures, LatticePhi4, tmp_path, cell=False)
    path = tmp_path / "results.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    check(sbs.descend_many(structures, LatticePhi4, tmp_path, cell=False))
    path.write_text("no json\n")
    with pytest.raises(CorruptTableError, match="another folder"):
        sbs.descend_many(structures, LatticePhi4, tmp_path, cell=False)


def test_names_are_strings(tmp_path):
    with pytest.raises(InvalidGroupError, match="names"):
        sbs.descend_many({1: caesium_chloride()}, LatticePhi4, tmp_path)


def test_any_work_is_kept_resumed_and_its_failures_stop_nothing(tmp_path):
    calls = []

    def halve(number):
        calls.append(number)
        if number % 2:
            raise ValueError(f"{number} is odd")
        return {"half": number // 2}

    jobs = {"two": (2,), "three": (3,)}
    with ThreadPoolExecutor(2) as pool:
        results = run_many(halve, jobs, tmp_path, executor=pool)
    assert results == {"two": {"name": "two", "half": 1}, "three": {"name": "three", "error": "ValueError: 3 is odd"}}
    assert run_many(halve, {**jobs, "eight": (8,)}, tmp_path)["eight"]["half"] == 4
    assert sorted(calls) == [2, 3, 8]
    assert set(read_results(tmp_path)) == {"two", "three", "eight"}
    assert read_results(tmp_path / "elsewhere") == {}
    for arguments in ({"jobs": {1: ()}}, {"folder": 3}, {"executor": 1}):
        with pytest.raises(InvalidGroupError):
            run_many(halve, **{"jobs": jobs, "folder": tmp_path, **arguments})
