"""The benchmark of the products at reduced size: it runs, and its sentences follow from its figures."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def benchmark(monkeypatch):
    module = importlib.import_module("products")
    for name, value in {"BATCHES": (1, 3), "CROSSING_BATCHES": (1, 3), "MEMORY_DEGREES": ()}.items():
        monkeypatch.setattr(module, name, value)
    return module


def test_the_benchmark_runs_and_writes_its_section(benchmark, tmp_path):
    out = tmp_path / "RESULTS.md"
    figures = benchmark.main(["--lmax", "2", "--repeats", "1", "--out", str(out)])
    text = out.read_text(encoding="utf-8")
    assert text.startswith("## Tensor products on a CPU")
    assert {name for times in figures.seconds.values() for name in times} == set(benchmark.NAMES)
    assert len(figures.seconds) == 2 * 2 * 2


def test_sentences_follow_from_the_figures(benchmark):
    figures = benchmark.Figures()
    for which in ("all", "one"):
        for l in (1, 2):
            for batch in (1, 3):
                times = {name: np.full(3, 2.0) for name in benchmark.NAMES}
                times |= {"gaunt": np.full(3, 0.5), "complete": np.full(3, 1.0 if batch == 1 else 5.0)}
                figures.seconds[which, l, batch] = times
    text = benchmark.verdict(figures, 2)
    assert "beats the Fourier route in 8 of 8 cases" in text
    assert "by\n  factors of 4.0 to 4.0" in text
    assert "full product (batch): 0.50 (1), 2.50 (3)" in text
    assert "faster up to a batch of 1." in text
    assert "0.5 to 2.5 times as long (median 1.5)" in text
    assert figures.ratio(("all", 1, 3), "complete", "e3nn") == 2.5
    assert figures.median(("all", 9, 1), "gaunt") is None


def test_memory_of_a_pass_is_at_least_its_output(benchmark):
    # In a process of its own, as the benchmark does: the peak of this one may be anything. The first lines let the oldest
    # e3nn be imported on the newest torch.
    folder = Path(benchmark.__file__).parent
    program = (
        "import sys, torch; getattr(torch.serialization, 'add_safe_globals', len)([slice]); "
        f"sys.path.insert(0, {str(folder)!r}); import json, products; "
        "print(json.dumps(products.peak_memory('clebsch-gordan', 4)))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    output = 4 * benchmark.MEMORY_BATCH * 625 / 1e6
    assert found["pass"] >= 0.9 * output
    assert found["tables"] > 0
