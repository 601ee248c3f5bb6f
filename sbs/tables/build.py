"""Write the tables: in parallel, resumable, and the same bytes every time.

A build keeps a journal beside the files while it runs: a fingerprint of the sources that decide what is written, and
the groups that are done. A build that was interrupted goes on from there if the sources are still the same.

Numpy and the OpenBLAS of its wheels pick their kernels by the processor, and the last digits of these differ. A build
therefore runs with those that every x86-64 processor of the last fifteen years has. On other processors the last
digits may differ, by 1e-14 in the objects of finite sets and by 1e-10, to which their maximisation is solved, in the
seeds of infinite ones. Building needs numpy 1.26, which tells what it picks.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from sbs.tables.catalogue import data_directory, stored_symbols
from sbs.tables.encoding import dump
from sbs.tables.record import build_record

__all__ = ["JOURNAL", "build", "source_fingerprint"]

JOURNAL = ".build-progress"
# Rooms whose code decides what the files hold.
_ROOMS = ("groups", "solver", "objects", "sets", "tables")


Progress = Callable[[Iterable[str], int], Iterable[str]]


def build(
    symbols: Sequence[str] | None = None,
    directory: str | Path | None = None,
    jobs: int | None = None,
    resume: bool = True,
    progress: Progress | None = None,
) -> list[str]:
    """Build the tables of some groups (default: all) and write them.

    Args:
        symbols: Schoenflies symbols. directory: where to write, by default ``group_data``. jobs: processes, by default
            one per core. resume: skip what an interrupted build with the same sources has written. progress: wraps the
            stream of finished symbols, whose length is the second argument (tqdm does).

    Returns:
        The symbols that were built now.
    """
    target = Path(data_directory() if directory is None else directory)
    target.mkdir(parents=True, exist_ok=True)
    wanted = list(stored_symbols() if symbols is None else symbols)
    journal = target / JOURNAL
    fingerprint = source_fingerprint()
    done = _read_journal(journal, fingerprint) if resume else set()
    pending = [symbol for symbol in wanted if symbol not in done or not (target / f"{symbol}.json").is_file()]
    journal.write_text("\n".join([fingerprint, *sorted(done)]) + "\n", encoding="utf-8")
    finished = _stream(pending, target, jobs or os.cpu_count() or 1)
    for symbol in progress(finished, len(pending)) if progress else finished:
        with journal.open("a", encoding="utf-8") as stream:
            stream.write(f"{symbol}\n")
    journal.unlink()
    return pending


def source_fingerprint() -> str:
    """SHA-256 over the sources that decide what is written, by name and content."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(path for room in _ROOMS for path in (package / room).rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read_journal(journal: Path, fingerprint: str) -> set[str]:
    if not journal.is_file():
        return set()
    first, *done = journal.read_text(encoding="utf-8").split("\n")
    return {symbol for symbol in done if symbol} if first == fingerprint else set()


def _stream(symbols: Sequence[str], directory: Path, jobs: int) -> Iterator[str]:
    """Symbols as their files are finished."""
    if not symbols:
        return
    with _kernels():
        # "spawn" starts clean processes on every platform: they load numpy with the kernels just named, and results
        # cannot depend on what the parent has cached.
        pool = ProcessPoolExecutor(max_workers=min(jobs, len(symbols)), mp_context=get_context("spawn"))
        try:
            for future in as_completed([pool.submit(_write, symbol, str(directory)) for symbol in symbols]):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _kernels() -> Iterator[None]:
    """Environment in which child processes use the same linear-algebra kernels on every x86-64 processor."""
    picked = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    wanted = {
        "OPENBLAS_CORETYPE": "Nehalem",
        "OPENBLAS_NUM_THREADS": "1",
        "NPY_DISABLE_CPU_FEATURES": " ".join([os.environ.get("NPY_DISABLE_CPU_FEATURES", ""), *picked]).strip(),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _write(symbol: str, directory: str) -> str:
    path = Path(directory) / f"{symbol}.json"
    partial = path.with_suffix(".json.partial")
    partial.write_bytes(dump(build_record(symbol)))
    partial.replace(path)  # a reader never sees half a file
    return symbol
