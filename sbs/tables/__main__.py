"""``python -m sbs.tables build | check | list``: write, examine or list the stored tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from sbs.errors import SymmetryBreakingError, UnknownGroupError
from sbs.optional import require
from sbs.tables.build import build
from sbs.tables.catalogue import data_directory, stored_symbols
from sbs.tables.checking import check_all


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if all is well, 1 if a table is wrong, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="python -m sbs.tables", description="Precomputed tables of point groups.")
    commands = parser.add_subparsers(dest="command", required=True)
    builder = commands.add_parser("build", help="compute the tables and write them")
    builder.add_argument("groups", nargs="*", help="Schoenflies symbols; all stored groups by default")
    builder.add_argument("--out", default=None, help=f"folder to write to (default {data_directory()})")
    builder.add_argument("--jobs", type=int, default=None, help="processes (default: one per core)")
    builder.add_argument("--restart", action="store_true", help="do not go on from an interrupted build")
    checker = commands.add_parser("check", help="check schema, contents and certificates of the stored tables")
    checker.add_argument("groups", nargs="*", help="Schoenflies symbols; all stored groups by default")
    commands.add_parser("list", help="list the stored groups")
    options = parser.parse_args(arguments)
    try:
        if options.command == "list":
            print(" ".join(stored_symbols()))
            return 0
        symbols = _known(options.groups)
        if options.command == "build":
            done = build(symbols, options.out, options.jobs, not options.restart, _progress_bar)
            print(f"built {len(done)} of {len(symbols)} tables, the others were done")
            return 0
        wrong = [error for _, error in _progress_bar(check_all(symbols), len(symbols)) if error is not None]
        for error in wrong:
            print(error, file=sys.stderr)
        print(f"{len(symbols) - len(wrong)} of {len(symbols)} tables are sound")
        return 1 if wrong else 0
    except SymmetryBreakingError as error:
        print(error, file=sys.stderr)
        return 2


def _known(symbols: Sequence[str]) -> list[str]:
    unknown = [symbol for symbol in symbols if symbol not in stored_symbols()]
    if unknown:
        raise UnknownGroupError(
            f"{', '.join(unknown)}: not among the stored groups; 'python -m sbs.tables list' shows their symbols"
        )
    return list(symbols) or list(stored_symbols())


def _progress_bar(stream: Iterable[Any], total: int) -> Iterable[Any]:
    return require("tqdm", "cli").tqdm(stream, total=total, unit="group", disable=None)


if __name__ == "__main__":
    raise SystemExit(main())
