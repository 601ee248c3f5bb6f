"""``sbs.descend_many``: many structures on any ``concurrent.futures`` executor, results as they come in a file that grows."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from sbs.errors import CalculatorError, CorruptTableError, InvalidGroupError, SymmetryBreakingError
from sbs.groups.abstract.validation import as_list, shown
from sbs.phases.calculators import named_calculator
from sbs.phases.descend import descend
from sbs.phases.journal import checked_path
from sbs.progress import tick
from sbs.structures.detection import DEFAULT_TOLERANCE
from sbs.structures.inputs import Structure
from sbs.structures.parsing import parse_structure

__all__ = ["RESULTS", "descend_many", "read_results", "run_many"]

#: Name of the file of results, one JSON object a line.
RESULTS = "results.jsonl"


def descend_many(
    structures: Mapping[str, Any] | Sequence[Any],
    calculator: str | Callable[[], Any],
    folder: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    **options: Any,
) -> dict[str, dict[str, Any]]:
    """The trees of phases of many structures.

    Every result is written to ``folder/results.jsonl`` as soon as it is there, one line each, so that the file can be read
    while it grows; what it holds is not computed again in a later call. Unfinished descents leave a journal in
    ``folder/journals`` and go on from it. A structure that fails is one line with an "error", and stops nothing else.

    Args:
        structures: what ``sbs.descend`` takes, by name; a sequence is numbered "0", "1", ...
        calculator: a name as in ``sbs.phases.calculators.named_calculator``, or a callable without arguments that makes an
            ASE calculator; for processes it must be picklable (a function of a module).
        folder: on a file system that all workers see.
        executor: a ``ProcessPoolExecutor``, Dask's ``client.get_executor()``, an MPI pool, ...; None works in this
            process, one structure after the other.
        options: of ``sbs.descend``.

    Returns:
        For each name ``{"name", "tree"}`` with the tree as plain data (``PhaseTree.to_dict``), or ``{"name", "error"}``.

    Raises:
        CalculatorError: the executor broke (a worker of a process pool was killed): call again, and it goes on.
        CorruptTableError: the file of results is damaged before its last line.
        InvalidGroupError: names that are no text, no folder, no executor.
    """
    if isinstance(structures, Mapping):
        named = dict(structures)
    else:
        named = {str(k): s for k, s in enumerate(as_list(structures, "structures"))}
    if not isinstance(calculator, str) and not callable(calculator):
        raise CalculatorError(f"calculator must be a name or a callable that makes one, got {shown(calculator)}")
    journals = checked_path(folder, "folder") / "journals"
    _check_names(named)
    jobs = {}
    for name, structure in named.items():
        try:
            parsed: Structure | SymmetryBreakingError = parse_structure(structure, options.get("tolerance", DEFAULT_TOLERANCE))
        except SymmetryBreakingError as error:
            parsed = error
        jobs[name] = (parsed, calculator, str(journals / f"{_file_name(name)}.jsonl"), options)
    return run_many(_descend, jobs, folder, executor=executor)


def run_many(
    work: Callable[..., dict[str, Any]],
    jobs: Mapping[str, Sequence[Any]],
    folder: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
) -> dict[str, dict[str, Any]]:
    """Any work on many inputs, each result written to ``folder/results.jsonl`` as it comes and not computed again.

    Args:
        work: a callable that returns plain data (what JSON holds); for processes a function of a module.
        jobs: its positional arguments, by name.
        folder: on a file system that this process sees.
        executor: as for `descend_many`.

    Returns:
        For each name ``{"name", ...}`` with what the work returned, or ``{"name", "error"}``.

    Raises:
        CalculatorError: the executor broke: call again, and it goes on.
        CorruptTableError: the file of results is damaged before its last line.
        InvalidGroupError: names that are no text, no folder, no executor.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise InvalidGroupError(f"executor must be a concurrent.futures.Executor or None, got {shown(executor)}")
    _check_names(jobs)
    place = checked_path(folder, "folder")
    try:
        place.mkdir(parents=True, exist_ok=True)
        results = read_results(place)
    except OSError as error:
        raise InvalidGroupError(f"the folder {os.fspath(folder)!r} cannot be used ({error}); give another one") from error
    todo = {name: job for name, job in jobs.items() if name not in results}
    with (place / RESULTS).open("a", encoding="utf-8") as stream:

        def keep(result: dict[str, Any]) -> None:
            results[result["name"]] = result
            stream.write(json.dumps(result, ensure_ascii=False) + "\n")
            stream.flush()
            tick("structures", sum(name in results for name in jobs), len(jobs))

        if executor is None:
            for name, job in todo.items():
                keep(_one(work, name, job))
        else:
            _collect([executor.submit(_one, work, name, job) for name, job in todo.items()], keep)
    return {name: results[name] for name in jobs}


def _check_names(named: Mapping[str, Any]) -> None:
    if not all(isinstance(name, str) and name for name in named):
        raise InvalidGroupError(f"names must be non-empty strings, got {list(named)[:5]!r}")


def _collect(futures: list[Future[dict[str, Any]]], keep: Callable[[dict[str, Any]], None]) -> None:
    try:
        for future in as_completed(futures):
            keep(future.result())
    except BrokenProcessPool as error:
        raise CalculatorError(
            "a worker of the process pool was killed, and with it the pool; what was finished is kept: call again with a new "
            "pool, and it goes on from there"
        ) from error


def _one(work: Callable[..., dict[str, Any]], name: str, job: Sequence[Any]) -> dict[str, Any]:
    """One piece of work, in a worker."""
    try:
        return {"name": name, **work(*job)}
    except Exception as error:  # whatever one structure or its calculator does must not stop the others
        return {"name": name, "error": f"{type(error).__name__}: {error}"}


def _descend(
    structure: Structure | SymmetryBreakingError, calculator: str | Callable[[], Any], journal: str, options: dict[str, Any]
) -> dict[str, Any]:
    if isinstance(structure, SymmetryBreakingError):
        raise structure
    potential = named_calculator(calculator) if isinstance(calculator, str) else calculator()
    tree = descend(structure, potential, journal=journal, **options)
    Path(journal).unlink(missing_ok=True)
    return {"tree": tree.to_dict()}


def _file_name(name: str) -> str:
    """A name as part of a path: letters, digits, dots and dashes, the rest as code points."""
    return re.sub(r"[^A-Za-z0-9.-]", lambda match: f"_{ord(match.group()):x}_", name)


def read_results(folder: str | os.PathLike[str]) -> dict[str, dict[str, Any]]:
    """The results in a folder so far, by name; a last line that was cut off is dropped from the file.

    Raises:
        CorruptTableError: the file of results is damaged before its last line.
    """
    path = checked_path(folder, "folder") / RESULTS
    if not path.exists():
        return {}
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        path.write_bytes(whole)
    try:
        lines = [json.loads(line) for line in whole.decode("utf-8").splitlines()]
        return {line["name"]: line for line in lines}
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptTableError(f"{path} is no file of results ({error}); give another folder, or mend it") from error
