"""``sbs descend``: from the file of a symmetric structure to its lower phases."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sbs.cli.output import write_json
from sbs.errors import InvalidGroupError

__all__ = ["descend"]

#: What is finished is remembered here, beside the structures, until the search is complete.
JOURNAL = "journal.jsonl"


def descend(
    file: str,
    calculator: str,
    device: str,
    supercell: Sequence[int] | None,
    write: str | None,
    domains: bool,
    pressure: float,
    fixed_cell: bool,
    exhaustive: bool,
    depth: int | None,
    budget: int | None,
    tolerance: float | None,
    as_json: bool,
) -> int:
    """``sbs descend``."""
    from sbs.phases.calculators import named_calculator
    from sbs.phases.descend import DEFAULT_DEPTH
    from sbs.phases.descend import descend as search
    from sbs.structures.detection import DEFAULT_TOLERANCE

    journal = None if write is None else Path(write) / JOURNAL
    with _status_line():
        tree = search(
            file,
            named_calculator(calculator, device),
            _multiple(supercell),
            pressure=pressure,
            cell=not fixed_cell,
            exhaustive=exhaustive,
            depth=DEFAULT_DEPTH if depth is None else depth,
            budget=budget,
            tolerance=DEFAULT_TOLERANCE if tolerance is None else tolerance,
            journal=journal,
        )
    written = [] if write is None else [str(path) for path in tree.write(write, domains=domains)]
    if journal is not None and tree.complete:
        journal.unlink(missing_ok=True)
    if as_json:
        return write_json(tree.to_dict() | {"written": written})
    print(tree)
    if written:
        print(f"written: {len(written)} files in {write}")
    return 0


def _multiple(numbers: Sequence[int] | None) -> int | list[int] | list[list[int]] | None:
    """One, three or nine integers as ``sbs.detect`` takes a supercell."""
    if not numbers:
        return None
    plain = [int(number) for number in numbers]
    if len(plain) == 1:
        return plain[0]
    if len(plain) == 3:
        return plain
    if len(plain) == 9:
        return [plain[:3], plain[3:6], plain[6:]]
    raise InvalidGroupError(
        f"--supercell takes one, three or nine integers (multiples of the edges, or the rows of a matrix), got {len(plain)}"
    )


@contextmanager
def _status_line() -> Iterator[None]:
    """Within the block, one line on standard error says what is being computed, where that is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from sbs.progress import report_progress

    def report(stage: str, done: int, known: int) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r{f'{known} phases, {done} evaluations: {stage}'[:width]:{width}s}")
        sys.stderr.flush()

    try:
        with report_progress(report):
            yield
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
