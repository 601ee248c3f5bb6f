"""The report: one section of RESULTS.md and one page of the documentation, from the file of finished units.

No number of the text is typed: tables, sentences and the lists of what differs come from the results and their intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.broken_perovskites import plan, results
from benchmarks.broken_perovskites.figures import draw
from benchmarks.broken_perovskites.measures import rms, rms_interval
from benchmarks.broken_perovskites.results import BASE, Results
from benchmarks.broken_perovskites.techniques import TECHNIQUES
from benchmarks.broken_perovskites.units import BREAKING_GOAL, PERCEPTRON_RATES, RATES, TOLERANCES, TUNING_SEEDS, lines
from benchmarks.results import FIGURES, RESULTS, machine, write_section

__all__ = ["PAGE", "error_table", "relations", "symmetry_table", "write"]

PAGE = RESULTS.parents[1] / "docs" / "techniques.md"
TITLE = "Broken perovskites: which way of breaking symmetry"

WHAT = {
    "constants": "unseen (composition, lattice constant), P4mm",
    "compositions": "unseen compositions, P4mm",
    "phases": "unseen compositions, P4mm, Amm2 and R3m by one network",
}


def error_table(own: Results) -> str:
    """Errors of every technique and of what needs no network, the ratio to the smallest set paired item by item."""
    rows = [
        "| technique | seeds | training items | held-out items (95 %) | of it inside Fix(K) | of it breaking K | "
        "ratio to the smallest set (95 %) |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, each in own.found.items():
        low, high = rms_interval(each.total, own.task.composition)
        ratio = own.ratio(name)
        told = "" if ratio is None else "{:.2f} ({:.2f} to {:.2f})".format(*ratio)
        rows.append(
            f"| {name} | {each.seeds} | {rms(each.train):.4f} | {rms(each.total):.4f} ({low:.4f} to {high:.4f}) | "
            f"{rms(each.inside):.4f} | {rms(each.breaking):.4f} | {told} |"
        )
    for name, errors in own.nulls.items():
        low, high = rms_interval(errors, own.task.composition)
        rows.append(f"| *{name}* | | | {rms(errors):.4f} ({low:.4f} to {high:.4f}) | {rms(errors):.4f} | 0 | |")
    return "\n".join(rows)


def symmetry_table(own: Results) -> str:
    """Space groups of outputs, updates, passes, energies."""
    tolerances = ", ".join(f"{t:g}" for t in TOLERANCES)
    rows = [
        f"| technique | right space group within {tolerances} Å, % | updates until what breaks K stays below {BREAKING_GOAL} Å | "
        "passes for all domains, with symmetry | energy above the phase, meV |",
        "|---|---|---|---|---|",
    ]
    for rule in TECHNIQUES:
        if rule.name not in own.found:
            continue
        each = own.found[rule.name]
        shares = ", ".join(f"{100 * each.groups[str(t)][0] / each.groups[str(t)][1]:.0f}" for t in TOLERANCES)
        known = [u for u in each.reached if u is not None]
        until = f"{np.median(known):.0f} ({len(known)} of {len(each.reached)})" if known else f"never (0 of {len(each.reached)})"
        passes = ", ".join("by chance" if p is None else str(p) for p in rule.passes(own.task))
        if rule.name == "none":
            until = passes = ""
        energy = own.energies.get(rule.name)
        told = "" if energy is None else f"{1e3 * float(np.median(energy)):.0f}"
        rows.append(f"| {rule.name} | {shares} | {until} | {passes} | {told} |")
    return "\n".join(rows)


def relations(own: Results) -> str:
    """Which techniques differ from the smallest set, by the interval of the ratio."""
    lists: dict[str, list[str]] = {"above": [], "below": [], "both": []}
    for name in own.found:
        ratio = own.ratio(name)
        if ratio is None:
            continue
        value, low, high = ratio
        where = "above" if low > 1 else "below" if high < 1 else "both"
        lists[where].append(f"{name} ({value:.2f})")
    told = []
    for where, words in (
        ("above", "More error than the smallest set"),
        ("below", "Less error"),
        ("both", "No difference that the interval carries"),
    ):
        told.append(f"{words}: {'; '.join(lists[where]) or 'none'}.")
    return " ".join(told)


def design(store: Path) -> str:
    """What differences the design can resolve, from the seeds of the tuning runs, that is before the comparison ran."""
    spread = results.tuning_spread(store)
    if spread is None:
        return ""
    many, few = (results.resolvable(spread, len(s)) for s in (plan.MANY, plan.FEW))
    return (
        f"Before the comparison: over the tuning runs the logarithm of a network's error has a standard deviation of "
        f"{spread:.2f} between seeds, so that {len(plan.MANY)} seeds against {len(plan.MANY)} can show a ratio of {many:.2f} "
        f"or more, {len(plan.FEW)} against {len(plan.FEW)} one of {few:.2f} (80 % power, 5 % level). Items add to that and are "
        "in the intervals of the tables, which resample compositions and seeds together."
    )


def method(store: Path, known: Sequence[Results]) -> str:
    """How it was done, in figures."""
    counts = [each.parameters for own in known for each in own.found.values()]
    body, perceptron = (", ".join(f"{rate:g}" for rate in rates) for rates in (RATES, PERCEPTRON_RATES))
    networks, minutes = results.effort(store)
    return (
        f"Labels are those of SevenNet-0 (benchmarks/broken_perovskites/DATASHEET.md). Errors are root mean squares per atom, "
        f"Å. All equivariant techniques share one message-passing body of two layers with l up to 2; perceptrons get "
        f"{plan.HASTE} times as many updates; {min(counts)} to {max(counts)} parameters over all techniques and tasks. "
        f"{plan.FOLDS} folds hold out every item once. The learning rate of each technique is the best of {body} (perceptrons: "
        f"{perceptron}) on a fifth of the compositions, {len(TUNING_SEEDS)} seeds and {plan.TUNING_UPDATES} updates each (perceptrons "
        f"{plan.HASTE} times as many); training takes {plan.UPDATES} updates of {plan.BATCH} items. {networks} networks, "
        f"{minutes:.0f} minutes of one core. {design(store)}"
    )


def depth_table(store: Path) -> str:
    """Training error against the number of layers, networks trained on all items."""
    found = results.depths(store)
    if not found:
        return ""
    rows = ["| technique | " + " | ".join(f"{d} layers" for d in plan.DEPTHS) + " |", "|---" * (len(plan.DEPTHS) + 1) + "|"]
    for name in plan.DEEP:
        cells = []
        for depth in plan.DEPTHS:
            errors = found.get((name, depth))
            cells.append("" if errors is None else f"{np.median(errors):.4f} ({min(errors):.4f} to {max(errors):.4f})")
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def section(store: Path) -> str:
    """All that is known, as Markdown without the title."""
    known = [own for name in plan.TASKS if (own := results.load(store, name)) is not None]
    parts = [method(store, known)] if known else []
    for own in known:
        items = f"{len(own.task)} items of {len(set(own.task.composition))} compositions"
        parts.append(f"### {WHAT.get(own.task.name, own.task.name)}: {items}\n\n{relations(own)}\n\n{error_table(own)}")
        parts.append(symmetry_table(own))
    if deep := depth_table(store):
        parts.append(
            f"### Depth\n\nTraining error, Å per atom, median of {len(plan.FEW)} seeds (least to largest), all items "
            f"seen.\n\n{deep}"
        )
    for other in others():
        if told := other(list(lines(store))):
            parts.append(told)
    if missing := results.missing(store):
        parts.append("### Not measured\n\n" + missing)
    return "\n\n".join(parts)


#: Tasks with programs of their own: each module has ``section(lines) -> str``, empty where nothing of its kind is there.
OTHERS = ("degeneracy", "tilts", "unknown", "noise")


def others() -> list[Callable[[Sequence[dict[str, Any]]], str]]:
    """Sections of the tasks with programs of their own."""
    package = __name__.rpartition(".")[0]
    found = [name for name in OTHERS if find_spec(f"{package}.{name}")]
    return [import_module(f"{package}.{name}").section for name in found]


def findings(known: Sequence[Results], store: Path) -> str:
    """What the smallest set buys, where it draws, where it loses: each sentence a reading of the results."""
    told: list[str] = []
    for own in known:
        told.append(f"- *{WHAT.get(own.task.name, own.task.name)}*. {relations(own)}")
        base = own.found.get(BASE)
        if base is None:
            continue
        right = base.groups[str(TOLERANCES[0])]
        others = [
            f"{name} {100 * each.groups[str(TOLERANCES[0])][0] / each.groups[str(TOLERANCES[0])][1]:.0f} %"
            for name, each in own.found.items()
            if name not in (BASE, "none")
        ]
        told.append(
            f"- *Symmetry of the output*, same task, within {TOLERANCES[0]:g} Å: smallest set "
            f"{100 * right[0] / right[1]:.0f} %; {'; '.join(others)}."
        )
    return "\n".join(told)


def write(store: Path, out: Path = RESULTS, page: Path = PAGE, figures: Path = FIGURES) -> None:
    """Write the section, the page and the figures."""
    known = [own for name in plan.TASKS if (own := results.load(store, name)) is not None]
    draw(known, store, figures)
    intro = f"`python -m benchmarks.broken_perovskites report`; {machine('torch', 'e3nn', 'numpy', 'spglib')}."
    pictures = (
        "![error of each technique](figures/techniques_errors.png)\n\n"
        "![symmetry of the outputs](figures/techniques_symmetry.png)\n\n"
        "![depth and degeneracy](figures/techniques_depth.png)"
    )
    body = section(store)
    write_section(f"## {TITLE}\n\n{intro}\n\n{body}\n\n{pictures}\n", out)
    page.write_text(f"# Which technique, when\n\n{findings(known, store)}\n\n{pictures}\n", encoding="utf-8")
