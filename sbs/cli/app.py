"""Arguments, dispatch and exit codes of the command ``sbs``.

Exit codes: 0 if all went well, 1 if a certificate did not hold, 2 for bad input (one line on standard error).
"""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from sbs.cli.terminal import plain_text_for, watched
from sbs.errors import SymmetryBreakingError
from sbs.optional import require

__all__ = ["main"]

_BAD_INPUT = 2
_INTERRUPTED = 130  # as shells count: 128 + SIGINT

# "-43m" and "-6m2" look like options; with a true minus sign, which symbols may have, they do not.
_HERMANN_MAUGUIN_BAR = re.compile(r"^-(?=\d+[/mM\d]*[mM])")


class UsageError(SymmetryBreakingError):
    """The command line itself is not well formed."""


class _Parser(argparse.ArgumentParser):
    """Reports a wrong command line like any other bad input: in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see '{self.prog} --help'")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments without the program's name; those of the process by default.

    Returns:
        The exit code.
    """
    arguments = [_HERMANN_MAUGUIN_BAR.sub("−", a) for a in (sys.argv[1:] if argv is None else argv)]
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            plain_text_for(stream)
    try:
        parser = _parser()
        if "_ARGCOMPLETE" in os.environ:
            require("argcomplete", "cli").autocomplete(parser)
        options = vars(parser.parse_args(arguments))
        command = options.pop("command")
        if command is None:
            parser.print_help()
            return 0
        run = getattr(import_module(f"sbs.cli.{options.pop('module')}"), command)
        with watched(), warnings.catch_warnings():
            warnings.showwarning = _warn
            code: int = run(**options)
        sys.stdout.flush()
        return code
    except SystemExit as stop:  # --help, --version
        return stop.code if isinstance(stop.code, int) else _BAD_INPUT
    except BrokenPipeError:
        # The reader ("| head") has seen enough; what is still buffered must not raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    except MemoryError:
        return _refuse("the answer does not fit into memory; ask for less at a time")
    except SymmetryBreakingError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _open_what_is_closed() -> None:
    """Without standard output or error (``>&-``) what would be printed is dropped; the exit code still tells."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for the rest of the process


def _refuse(message: str) -> int:
    print(f"sbs: error: {' '.join(message.split())}", file=sys.stderr)
    return _BAD_INPUT


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"sbs: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    from sbs import __version__

    parser = _Parser(
        prog="sbs",
        description="Smallest equivariant symmetry-breaking sets, with their proofs.",
        epilog="Groups are named by Schoenflies (Oh, D4h, Cinfv) or Hermann-Mauguin symbols (m-3m, 4/mmm); 'sbs groups' "
        "lists them.",
    )
    parser.add_argument("--version", action="version", version=f"sbs {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command")

    solve = _add(commands, "solve", "find the smallest set for inputs of symmetry GROUP and outputs of symmetry TARGET")
    _add_query(solve, 'symmetry of the output, for example D4h or "C2v(C2\')" (default: C1, all symmetry is broken)')
    solve.add_argument("--sample", type=int, metavar="N", help="draw N objects, of an infinite set too")
    solve.add_argument("--seed", type=int, default=0, metavar="K", help="seed of the draw (default: 0)")
    solve.add_argument("--symbolic", action="store_true", help="components as exact numbers, where they are known")

    show = _add(commands, "show", "list elements, classes, irreps and subgroup classes of a group")
    _add_group(show, "symbol, for example Oh or m-3m")

    _add(commands, "groups", "list the groups that can be asked for")

    verify = _add(commands, "verify", "derive every claim about a set again from matrices alone")
    _add_query(verify, "symmetry of the output (default: every one)")

    table = _add(commands, "table", "list the smallest sets for all targets of a group")
    _add_group(table, "symbol, for example Oh or m-3m")
    table.add_argument(
        "--sort", metavar="COLUMN", help="sort by a column, named as in its heading: size, order, deg., irreps ..."
    )
    table.add_argument("--reverse", action="store_true", help="sort from large to small")
    table.add_argument("--ideal", action="store_true", help="only targets with an ideal set")

    detect = _add(commands, "detect", "find the symmetry of a crystal or molecule in a file", "structure_commands")
    detect.add_argument("file", metavar="FILE", help="CIF, POSCAR, XYZ or any other format that ASE reads")
    _add_supercell(detect, "the space group modulo this supercell")
    _add_tolerance(detect)

    modes = _add(
        commands,
        "modes",
        "list the displacements and strains of a crystal by wave vector and irreducible representation",
        "structure_commands",
    )
    modes.add_argument("file", metavar="FILE", help="file with the symmetric crystal")
    _add_supercell(modes, "modes that repeat in this supercell, of the file's cell if not given")
    _add_tolerance(modes)

    isotropy = _add(
        commands,
        "isotropy",
        "list all isotropy subgroups of one order parameter or of several coupled ones",
        "structure_commands",
    )
    isotropy.add_argument("file", metavar="FILE", help="file with the symmetric crystal")
    isotropy.add_argument(
        "irreps", metavar="IRREP", nargs="+", help="labels that 'sbs modes' prints, such as R4+ or GM4-"
    )
    _add_supercell(isotropy, "order parameters that repeat in this supercell, of the file's cell if not given")
    _add_tolerance(isotropy)

    distortions = _add(
        commands,
        "distortions",
        "find the displacements and strains that break a structure's symmetry to TARGET",
        "structure_commands",
    )
    distortions.add_argument("file", metavar="FILE", help="file with the symmetric structure")
    distortions.add_argument(
        "target",
        metavar="TARGET",
        help="what is to be left: a label such as C4v; with --supercell a row of 'sbs isotropy' such as 'R4+ (a,0,0)'",
    )
    _add_supercell(distortions, "patterns of every wave vector that fits this supercell")
    distortions.add_argument(
        "--amplitude",
        type=float,
        default=0.1,
        metavar="Å",
        help="largest displacement of the states written (default: 0.1)",
    )
    distortions.add_argument(
        "--strain", type=float, default=0.0, metavar="X", help="Frobenius norm of their strain (default: 0)"
    )
    _add_writing(distortions)
    _add_tolerance(distortions)

    between = _add(
        commands,
        "between",
        "find the supercell, domain states, amplitudes and objects between a symmetric and a distorted structure",
        "structure_commands",
    )
    between.add_argument("parent", metavar="PARENT", help="file with the symmetric structure")
    between.add_argument("child", metavar="CHILD", help="file with the distorted structure, in any cell and setting")
    _add_supercell(between, "this supercell of the parent in place of the least one that fits")
    _add_writing(between)
    _add_tolerance(between)

    _add_descend(
        _add(
            commands,
            "descend",
            "find all lower phases of a symmetric crystal or molecule by an interatomic potential",
            "phases",
        )
    )

    browse = _add(commands, "browse", "write and open the explorer, one HTML page with all tables", json=False)
    browse.add_argument("--output", metavar="FILE", help="where to write it (default: the folder for temporary files)")
    browse.add_argument("--no-open", action="store_true", help="only write the page, open no browser")

    completion = _add(
        commands, "completion", "print what makes a shell complete commands, groups and targets", json=False
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help='for bash: eval "$(sbs completion bash)"')
    return parser


def _add(
    commands: Any, name: str, purpose: str, module: str = "commands", json: bool = True
) -> argparse.ArgumentParser:
    """A command that the function of its name in ``sbs.cli.<module>`` carries out."""
    sentence = f"{purpose[0].upper()}{purpose[1:]}."
    command: argparse.ArgumentParser = commands.add_parser(name, help=purpose, description=sentence)
    command.set_defaults(module=module)
    if json:
        command.add_argument("--json", dest="as_json", action="store_true", help="print JSON, for programs")
    return command


def _add_group(command: argparse.ArgumentParser, help: str) -> None:
    group: Any = command.add_argument("group", metavar="GROUP", help=help)
    group.completer = _complete_group


def _complete_group(**_: Any) -> list[str]:
    from sbs.tables.catalogue import stored_symbols

    return list(stored_symbols())


def _complete_target(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    from sbs.tables.group_table import table

    try:
        return [row.label for row in table(parsed_args.group)]
    except SymmetryBreakingError:
        return []


def _add_query(command: argparse.ArgumentParser, meaning: str) -> None:
    _add_group(command, "symmetry of the input, for example Oh")
    target: Any = command.add_argument("target", metavar="TARGET", nargs="?", help=meaning)
    target.completer = _complete_target
    command.add_argument(
        "--ambient", metavar="GROUP", help="what the network is equivariant under: O(3), SO(3) or a point group"
    )
    command.add_argument(
        "--not-exact", dest="exact", action="store_false", help="allow objects that break more than needed"
    )
    command.add_argument("--lmax", type=int, metavar="L", help="highest degree of the irreps of an object")


def _add_supercell(command: argparse.ArgumentParser, purpose: str) -> None:
    command.add_argument(
        "--supercell", metavar="CELL", help=f"{purpose}: 2, 2x2x1, or nine integers 1,1,0,1,-1,0,0,0,2 row by row"
    )


def _add_writing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--write", metavar="DIR", help="write every domain state to a file in this folder")
    command.add_argument(
        "--format", choices=("cif", "poscar", "extxyz"), default="cif", help="of these files (default: cif)"
    )


def _add_descend(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file", metavar="FILE", help="the symmetric structure: CIF, POSCAR, XYZ or any format that ASE reads"
    )
    command.add_argument(
        "--calculator",
        default="sevennet",
        metavar="NAME",
        help="sevennet or chgnet; mace:FILE, mattersim:FILE, orb:FILE, upet:FILE; or module:factory (default: sevennet)",
    )
    command.add_argument("--device", default="cpu", metavar="NAME", help="torch device of the potential (default: cpu)")
    command.add_argument(
        "--supercell", type=int, nargs="+", metavar="N", help="cell in which distortions repeat: N, N N N or nine"
    )
    command.add_argument(
        "--write", metavar="DIR", help="write all phases here; an interrupted search goes on from this folder"
    )
    command.add_argument("--domains", action="store_true", help="with --write, every domain state too")
    command.add_argument(
        "--pressure", type=float, default=0.0, metavar="GPA", help="external pressure in GPa (default: 0)"
    )
    command.add_argument("--fixed-cell", action="store_true", help="relax positions only")
    command.add_argument(
        "--exhaustive", action="store_true", help="try weak, many-parameter and coupled directions too"
    )
    command.add_argument("--depth", type=int, metavar="N", help="most steps from the parent")
    command.add_argument("--budget", type=int, metavar="N", help="most evaluations of the potential")
    _add_tolerance(command)


def _add_tolerance(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tolerance", type=float, metavar="Å", help="how far atoms may lie off their symmetric places, in ångström"
    )
