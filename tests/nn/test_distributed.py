"""Two processes with DistributedDataParallel over gloo, against one process with the same global batch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

WORKER = Path(__file__).with_name("distributed_worker.py")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of both ranks, and of a single process."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("torch was built without gloo")
    folder = tmp_path_factory.mktemp("ranks")
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}

    def start(rank, world, name):
        command = [sys.executable, str(WORKER), str(rank), str(world), str(folder / "store"), str(folder / name)]
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    processes = [start(0, 2, "rank0"), start(1, 2, "rank1"), start(0, 1, "single")]
    for process in processes:
        try:
            _, errors = process.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            for each in processes:
                each.kill()
            raise
        assert process.returncode == 0, errors
    return [torch.load(folder / name, weights_only=True) for name in ("rank0", "rank1", "single")]


def test_ranks_draw_different_objects_from_one_seed(results):
    first, second, single = (each["drawn"] for each in results)
    assert not torch.equal(first, second)
    assert torch.equal(torch.cat([first, second], dim=1), single)


def test_gradients_and_weights_agree_between_ranks(results):
    first, second, _ = results
    for name in first:
        if name != "drawn":
            assert torch.equal(first[name], second[name]), name


def test_nothing_is_unused(results):
    """DistributedDataParallel raises on unused parameters; and every gradient is there."""
    assert all(value is not None for each in results for value in each.values())


def test_results_are_those_of_one_process(results):
    first, _, single = results
    for name, value in single.items():
        if name != "drawn":
            assert (first[name] - value).abs().max() < 1e-12, name
