"""The commands on groups and sets: each asks the library, prints, and returns the exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from sbs.cli.layout import Column
from sbs.cli.output import write_json
from sbs.cli.terminal import Screen, counted
from sbs.errors import CertificateError, InfiniteSetError
from sbs.sets.minimal_set import MinimalSet

__all__ = ["browse", "completion", "groups", "show", "solve", "table", "verify"]

# More objects than this are left to --json.
_LISTED_OBJECTS = 120
_CERTIFICATE_FAILED = 1


def _vector(values: Iterable[float]) -> str:
    # Adding zero turns -0.0 into 0.0.
    return " ".join(f"{round(value, 6) + 0.0:9.6f}" for value in values)


def _aligned(rows: list[list[str]]) -> list[str]:
    """Rows of words as lines in which columns stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(word.rjust(width) for word, width in zip(row, widths, strict=True)) for row in rows]


# --- sets -----------------------------------------------------------------------------------------------------------


def solve(
    group: str,
    target: str | None,
    ambient: str | None,
    exact: bool,
    lmax: int | None,
    sample: int | None,
    seed: int,
    symbolic: bool,
    as_json: bool,
) -> int:
    """``sbs solve``."""
    from sbs.cli.facts import exact_components, set_facts
    from sbs.query import minimal_set

    result = minimal_set(group, target, ambient, exact, lmax)
    facts = set_facts(result, "C1" if target is None else target)
    if symbolic:
        facts["exact_objects"] = exact_components(result)
    if sample is not None:
        facts["sample"] = result.sample(sample, seed).tolist()
    if as_json:
        return write_json(facts)
    screen = Screen()
    names = {name: facts[name]["symbol"] for name in ("group", "ambient", "normalizer", "stabilizer")}
    screen.pairs(
        f"{names['group']} -> {facts['target']['label']} in {names['ambient']}",
        [
            ("objects", facts["size"]),
            ("ideal", "yes, one object per equivalent output" if facts["ideal"] else "no"),
            ("degeneracy", facts["degeneracy"]),
            ("irreps", facts["irreps"] if lmax is None else f"{facts['irreps']} (limit l <= {lmax})"),
            ("exact", None if exact else "not asked: objects may break more than needed"),
            ("normalizer", f"M = {names['normalizer']}, order {facts['normalizer']['order']}"),
            ("stabilizer", f"H = {names['stabilizer']}, order {facts['stabilizer']['order']}"),
            ("why", facts["why"]),
        ],
    )
    screen.line()
    if sample is not None:
        drawn = [(number, _vector(row)) for number, row in enumerate(facts["sample"])]
        heading = f"{sample} objects drawn with seed {seed} ({facts['irreps']})"
        screen.grid(heading, ("#", Column("components", folds=True)), drawn)
        return 0
    if facts["objects"] is None:
        screen.line(f"the set is infinite; one of its objects: {_vector(facts['seed_object'])}; more with --sample N")
        return 0
    exact_ones = facts.get("exact_objects")
    components = [_vector(row) for row in facts["objects"]] if exact_ones is None else _aligned(exact_ones)
    listed = list(zip(facts["orbits"], components, strict=True))
    rows = [(number, orbit, row) for number, (orbit, row) in enumerate(listed[:_LISTED_OBJECTS])]
    heading = f"objects ({facts['irreps']}, unit norm in each irrep)"
    screen.grid(heading, ("#", Column("orbit", 1), Column("components", folds=True)), rows)
    if len(listed) > _LISTED_OBJECTS:
        screen.line(f"{len(listed) - _LISTED_OBJECTS} more objects: see --json")
    return 0


def verify(group: str, target: str | None, ambient: str | None, exact: bool, lmax: int | None, as_json: bool) -> int:
    """``sbs verify``."""
    from sbs.query import minimal_set

    targets = _all_targets(group) if target is None else [target]
    # A query that is not well posed is bad input, not a failed certificate: the error ends the command.
    rows = [_examined(name, minimal_set(group, name, ambient, exact, lmax)) for name in counted(targets, "target")]
    failed = [row for row in rows if row["error"] is not None]
    if as_json:
        write_json({"group": group, "targets": rows, "sound": not failed})
    else:
        names = ("target", "size", "ideal", "irreps")
        columns = (
            "target",
            Column("objects", 3),
            Column("ideal", 2),
            Column("irreps", 1),
            Column("certificate", folds=True),
        )
        Screen().grid(
            f"{group}: {len(rows) - len(failed)} of {len(rows)} certificates hold",
            columns,
            [[*(row[name] for name in names), row["error"] or "holds"] for row in rows],
        )
    for row in failed:
        print(f"sbs: {group} -> {row['target']}: {row['error']}", file=sys.stderr)
    return _CERTIFICATE_FAILED if failed else 0


def _examined(target: str, result: MinimalSet) -> dict[str, Any]:
    from sbs.cli.facts import cardinal

    error = None
    try:
        result.verify()
    except CertificateError as failure:
        error = str(failure)
    return {
        "target": target,
        "size": cardinal(result.size),
        "ideal": result.is_ideal,
        "irreps": result.irreps,
        "error": error,
    }


def _all_targets(group: str) -> list[str]:
    from sbs.groups import PointGroup, point_group

    found = point_group(group)
    if not isinstance(found, PointGroup):
        raise InfiniteSetError(f"{found.symbol} has infinitely many classes of subgroups; give a TARGET")
    return [c.label for c in found.subgroup_classes]


def table(group: str, sort: str | None, reverse: bool, ideal: bool, as_json: bool) -> int:
    """``sbs table``."""
    from sbs.tables.group_table import table as group_table

    found = group_table(group)
    if ideal:
        found = found.filter(ideal=True)
    if sort is not None or reverse:
        found = found.sort(_field(sort or "order"), reverse)
    if as_json:
        return write_json(json.loads(found.to_json()))
    columns = [Column(heading, _IMPORTANCE.get(name, 0), right=name in _NUMBERS) for name, heading in found.columns()]
    Screen().grid(found.title(), columns, found.cells())
    return 0


# Columns of a table that are left out first where the line is short, the highest first; the others always stay.
_IMPORTANCE = {
    name: rank
    for rank, name in enumerate(
        (
            "degeneracy",
            "hermann_mauguin",
            "stabilizer",
            "normalizer",
            "conjugates",
            "aizu",
            "ferroelectric",
            "ferroelastic",
        ),
        1,
    )
}
_NUMBERS = {"order", "conjugates", "size", "degeneracy", "ferroelectric", "ferroelastic"}


def _field(name: str) -> str:
    """The field of a table's row that a heading names; other texts as they are."""
    from sbs.tables.group_table import COLUMNS

    return next((field for field, heading in COLUMNS if name in (heading, heading.rstrip("."))), name)


# --- groups ---------------------------------------------------------------------------------------------------------


def show(group: str, as_json: bool) -> int:
    """``sbs show``."""
    from sbs.cli.facts import closed_group_facts, group_facts
    from sbs.groups import PointGroup, point_group
    from sbs.groups.point.columns import printed_order

    found = point_group(group)
    facts = group_facts(found) if isinstance(found, PointGroup) else closed_group_facts(found)
    if as_json:
        return write_json(facts)
    screen = Screen()
    components = facts.get("components")
    normalizer = facts["normalizer"]
    screen.pairs(
        f"{facts['symbol']} ({facts['hermann_mauguin']})",
        [
            ("order", facts["order"]),
            ("crystal system", facts.get("crystal_system")),
            ("normalizer", f"{normalizer['symbol']} in O(3), order {normalizer['order']}"),
            ("components", None if components is None else ", ".join(["rotations about the axis", *components])),
        ],
    )
    if isinstance(found, PointGroup):
        screen.line()
        _show_lists(screen, facts, printed_order(found))
    return 0


def _show_lists(screen: Screen, facts: dict[str, Any], columns: Sequence[int]) -> None:
    classes = facts["element_classes"]
    screen.grid(
        f"elements ({facts['order']})",
        (
            "#",
            "element",
            Column("class", 1),
            Column("operation", folds=True),
            Column("matrix, row by row", 2, folds=True),
        ),
        [
            (
                number,
                element["symbol"],
                classes[element["class"]]["label"],
                element["operation"],
                "; ".join(" ".join(row) for row in element["exact"]),
            )
            for number, element in enumerate(facts["elements"])
        ],
    )
    screen.grid(
        f"element classes ({len(classes)})",
        ("class", Column("element order", 1), Column("elements", folds=True)),
        [(c["label"], c["order"], " ".join(map(str, c["elements"]))) for c in classes],
    )
    screen.blocks(
        f"irreps, real ({len(facts['irreps'])})",
        "irrep",
        ["dim", *(classes[c]["label"] for c in columns), "functions"],
        [
            (
                row["name"],
                [
                    str(row["dimension"]),
                    *(row["exact"][c] for c in columns),
                    ", ".join(row["linear"] + row["rotation"] + row["quadratic"]),
                ],
            )
            for row in facts["irreps"]
        ],
    )
    names = ("label", "hermann_mauguin", "order", "conjugates", "size", "ideal", "degeneracy", "irreps")
    headings = ("target", Column("HM", 2), "order", Column("conj.", 3), "size", "ideal", Column("deg.", 1), "irreps")
    screen.grid(
        f"subgroup classes ({len(facts['subgroup_classes'])}), with sizes of sets in O(3)",
        headings,
        [[row[name] for name in names] for row in facts["subgroup_classes"]],
    )


def groups(as_json: bool) -> int:
    """``sbs groups``."""
    from sbs.cli.facts import catalogue_facts

    facts = catalogue_facts()
    if as_json:
        return write_json(facts)
    screen = Screen()
    screen.grid(
        "the 32 crystallographic groups, and the icosahedral ones",
        ("Schoenflies", "Hermann-Mauguin", "order", Column("crystal system", 1)),
        [
            (row["symbol"], row["hermann_mauguin"], row["order"], row["crystal_system"] or "icosahedral")
            for row in facts["crystallographic"] + facts["icosahedral"]
        ],
    )
    screen.grid(
        "families, for any n",
        ("family", Column("example", 1), "order", Column("holds", folds=True)),
        [(row["family"], row["example"], row["order"], row["about"]) for row in facts["families"]],
    )
    screen.grid(
        "infinite groups",
        ("Schoenflies", "Hermann-Mauguin"),
        [(row["symbol"], row["hermann_mauguin"]) for row in facts["infinite"]],
    )
    return 0


# --- the explorer, the shell ----------------------------------------------------------------------------------------


def browse(output: str | None, no_open: bool) -> int:
    """``sbs browse``."""
    from sbs.explorer import browse as write_and_open

    Screen().line(str(write_and_open(output, open_browser=not no_open)))
    return 0


def completion(shell: str) -> int:
    """``sbs completion``."""
    from sbs.optional import require

    print(require("argcomplete", "cli").shellcode(["sbs"], shell=shell))
    return 0
