"""Tell a caller how far a long computation has come.

>>> with report_progress(lambda stage, done, known: print(stage, done, known)):
...     group.subgroup_classes

The callback is called a few times a second at most, from the thread that computes; it may raise to stop the
computation, which then leaves no half-made results behind, as Ctrl-C does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Reporter", "report_progress", "tick"]

#: Called with what is being done, how many items are done and how many are known so far.
Reporter = Callable[[str, int, int], None]

#: Seconds between two calls.
INTERVAL = 0.2

_reporter: ContextVar[tuple[Reporter, list[float]] | None] = ContextVar("sbs_progress", default=None)


@contextmanager
def report_progress(reporter: Reporter) -> Iterator[None]:
    """Within the block, long computations of this thread call ``reporter(stage, done, known)``."""
    token = _reporter.set((reporter, [time.monotonic()]))
    try:
        yield
    finally:
        _reporter.reset(token)


def tick(stage: str, done: int, known: int) -> None:
    """Report progress if somebody listens and the last report is long enough ago."""
    listening = _reporter.get()
    if listening is not None:
        reporter, last = listening
        now = time.monotonic()
        if now - last[0] >= INTERVAL:
            last[0] = now
            reporter(stage, done, known)
