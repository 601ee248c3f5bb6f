"""``python -m benchmarks.broken_perovskites STEP``: generate, tune, train, depth, energies, report.

Tasks with programs of their own are steps as well: degeneracy, tilts, unknown, noise, and listing, which takes times.

Every step can be stopped and taken up again: what is finished is in a file (``results.jsonl``) and is not repeated.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

__all__ = ["main"]

OTHERS = ("degeneracy", "tilts", "unknown", "noise", "listing")
STEPS = ("generate", "tune", "train", "depth", *OTHERS, "energies", "report")


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] == "generate":
        from benchmarks.broken_perovskites import generate

        generate.main(given[1:])
        return
    from benchmarks.broken_perovskites.units import STORE

    parser = argparse.ArgumentParser(prog="benchmarks.broken_perovskites", description=__doc__)
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("--store", type=Path, default=STORE, help="file of finished units")
    parser.add_argument("--tasks", nargs="*", default=None, help="some of the tasks")
    parser.add_argument("--techniques", nargs="*", default=None, help="some of the techniques")
    parser.add_argument("--few", action="store_true", help="the first seeds of every technique, not yet the others")
    options = parser.parse_args(given)
    if options.step == "report":
        from benchmarks.broken_perovskites.report import write

        write(options.store)
    elif options.step == "energies":
        from benchmarks.broken_perovskites.energies import measure

        measure(options.store)
    elif options.step in OTHERS:
        import_module(f"benchmarks.broken_perovskites.{options.step}").measure(options.store, few=options.few)
    else:
        from benchmarks.broken_perovskites.runs import run

        run(options.step, options.store, options.tasks, options.techniques, options.few)


if __name__ == "__main__":
    main()
