"""The report: one section of RESULTS.md with its figures, and one page of the documentation, from the file of finished units.

No number of the text is typed: tables, sentences and the lists of what differs come from the results and their intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.broken_perovskites import degeneracy, findings, fits, noise, plan, results, tilts, unknown
from benchmarks.broken_perovskites.figures import draw
from benchmarks.broken_perovskites.findings import WHAT, passes_told, relations
from benchmarks.broken_perovskites.measures import median_interval, rms, rms_interval
from benchmarks.broken_perovskites.results import Results
from benchmarks.broken_perovskites.techniques import TECHNIQUES
from benchmarks.broken_perovskites.units import (
    BREAKING_GOAL,
    DRAWS,
    PERCEPTRON_RATES,
    RATES,
    TOLERANCES,
    TUNING_SEEDS,
    lines,
)
from benchmarks.results import FIGURES, RESULTS, machine, write_section

__all__ = ["PAGE", "error_table", "relations", "symmetry_table", "write"]

PAGE = RESULTS.parents[1] / "docs" / "techniques.md"
TITLE = "Broken perovskites: which way of breaking symmetry"

#: A technique that leaves more than this share of the displacements on its own training items has not fitted them.
FITTED = 0.5


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
        "passes for all domains, with symmetry | energy above the phase, meV (95 %) |",
        "|---|---|---|---|---|",
    ]
    for rule in TECHNIQUES:
        if rule.name not in own.found:
            continue
        each = own.found[rule.name]
        shares = ", ".join(f"{100 * each.right[str(t)].mean():.0f}" for t in TOLERANCES)
        known = [u for u in each.reached if u is not None]
        until = f"{np.median(known):.0f} ({len(known)} of {len(each.reached)})" if known else f"never (0 of {len(each.reached)})"
        passes = passes_told(rule, own)
        if rms(each.train) > FITTED * rms(own.sizes):
            # Outputs near zero break nothing, and say nothing.
            until = "does not fit"
        if rule.name == "none":
            passes = ""
        rows.append(f"| {rule.name} | {shares} | {until} | {passes} | {energy_told(own, rule.name)} |")
    return "\n".join(rows)


def energy_told(own: Results, name: str) -> str:
    """Median energy of outputs of the first seed above the phase, meV per formula unit, with its interval."""
    energies = own.energies.get(name)
    if energies is None:
        return ""
    value, low, high = median_interval(list(energies.values()), [own.task.composition[i] for i in energies])
    return f"{1e3 * value:.0f} ({1e3 * low:.0f} to {1e3 * high:.0f})"


def walls_table(known: Sequence[Results]) -> str:
    """Errors of drawn vectors by their angle to the nearest wall between two domains, one row for each task."""
    name = "random vector on the sphere"
    told = [own for own in known if name in own.found and own.found[name].walls]
    if not told:
        return ""
    bands = [f"{w['from']:g} to {w['to']:g}°" for w in told[0].found[name].walls]
    rows = ["| task | " + " | ".join(bands) + " |", "|---" * (len(bands) + 1) + "|"]
    for own in told:
        cells = [
            f"{w['error']:.4f} ({w['interval'][0]:.4f} to {w['interval'][1]:.4f}), {100 * w['share']:.0f} % of draws"
            for w in own.found[name].walls
        ]
        rows.append(f"| {own.task.name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


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
    updates = ", ".join(f"{count} ({name})" for name, count in plan.UPDATES.items())
    return (
        f"Labels are those of SevenNet-0 (benchmarks/broken_perovskites/DATASHEET.md). Errors are root mean squares per atom, "
        f"Å. All equivariant techniques share one message-passing body of two layers with l up to 2; perceptrons get "
        f"{plan.HASTE} times as many updates; {min(counts)} to {max(counts)} parameters over all techniques and tasks. "
        f"{plan.FOLDS} folds hold out every item once. On each task the learning rate of each technique is the best of {body} "
        f"(perceptrons: {perceptron}) on a fifth of its compositions, {len(TUNING_SEEDS)} seeds and {plan.TUNING_UPDATES} "
        f"updates each (perceptrons {plan.HASTE} times as many); training takes {updates} updates of {plan.BATCH} items, the "
        "same for all networks of a technique. On the tasks further down the rates are the same (hidden symmetry and tilts: "
        f"without the largest), after {unknown.TUNING.updates} (a phase that is not known), {noise.TUNING.updates} (hidden "
        f"symmetry; perceptrons {noise.LONG_TUNING.updates}) and {tilts.TUNING.updates} (tilts) updates, validated on "
        f"{len(fits.VALIDATED)} fifths of the compositions in turn ({len(noise.VALIDATED)} for noisy sites, "
        f"{len(tilts.VALIDATED)} for tilts) by one seed, for each technique alike; where several "
        f"S-orbits are shown the rate is {degeneracy.RATE:g} for all. What claims to be "
        "equivariant is so to rounding "
        f"(tests/nn/test_broken_perovskites.py). {networks} networks, {minutes:.0f} minutes of one core. "
        f"{design(store)}"
    )


def depth_table(store: Path, task: str) -> str:
    """Training error against the number of layers, networks trained on all items of a task."""
    found = results.depths(store, task)
    if not found:
        return ""
    layers = " | ".join(f"{d} layer{'s' * (d > 1)}" for d in plan.DEPTHS)
    rows = [f"| technique | {layers} |", "|---" * (len(plan.DEPTHS) + 1) + "|"]
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
    if walls := walls_table(known):
        parts.append(
            "### A random vector near walls and away from them\n\nHeld-out error, Å per atom (95 %), of a vector drawn on the "
            "sphere by its angle to the nearest wall, where it is as near to one domain's axis as to another's. On a wall an "
            f"output keeps what the two domains share and can be neither. {len(plan.FEW)} seeds, {DRAWS} draws each.\n\n{walls}"
        )
    for task in plan.DEPTH_TASKS:
        if deep := depth_table(store, task):
            parts.append(
                f"### Depth: {WHAT[task]}\n\nTraining error, Å per atom, median of {len(plan.FEW)} seeds (least to largest), all "
                f"items seen, {plan.DEPTH_UPDATES} updates.\n\n{deep}"
            )
    parts += [f"### {title}\n\n{told}" for title, told in others(store).items()]
    kinds = {line.get("kind") for line in lines(store)}
    lacking = [f"- {title}: everything." for kind, title in OTHERS.items() if kind not in kinds]
    if missing := "\n".join(filter(None, [results.missing(store), *lacking])):
        parts.append("### Not measured\n\n" + missing)
    return "\n\n".join(parts)


#: Tasks with programs of their own: each module has ``section(lines) -> str``, empty where nothing of its kind is there.
OTHERS = {
    "listing": "Passes and time to list all domains",
    "degeneracy": "Sets of several S-orbits",
    "tilts": "Octahedral tilts, sets of fields on the sites",
    "unknown": "A phase that is not known beforehand",
    "noise": "Inputs whose symmetry is hidden, and turned inputs",
}


def others(store: Path) -> dict[str, str]:
    """Sections of the tasks with programs of their own, by title, where there is anything to say."""
    package = __name__.rpartition(".")[0]
    known = [name for name in OTHERS if find_spec(f"{package}.{name}")]
    found = list(lines(store))
    told = {OTHERS[name]: import_module(f"{package}.{name}").section(found) for name in known}
    return {title: text for title, text in told.items() if text}


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
    page.write_text(f"# Which technique, when\n\n{findings.page(known, store)}\n\n{pictures}\n", encoding="utf-8")
