"""The report: one section of RESULTS.md and one page of the documentation, from the file of finished units.

No number of the text is typed: tables, sentences and the lists of what differs come from the results and their intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.broken_perovskites import plan, results
from benchmarks.broken_perovskites.figures import draw
from benchmarks.broken_perovskites.measures import ratio_interval, rms, rms_interval
from benchmarks.broken_perovskites.results import BASE, Results
from benchmarks.broken_perovskites.techniques import TECHNIQUES, Rule
from benchmarks.broken_perovskites.units import (
    BREAKING_GOAL,
    DIGITS,
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

INTRODUCTION = (
    "A network that respects the symmetry S of its input cannot give an output of lower symmetry K "
    "([why](theory/1-sets.md)); something has to be added. Here the ways of doing so are measured beside one another on cubic "
    "perovskites that distort: same network, same number of parameters, same data. The data are a potential's, not experiment's; "
    "they are one family of crystals; what holds here for 1o vectors at the zone centre need not hold elsewhere. All numbers on "
    "this page are written by `python -m benchmarks.broken_perovskites report`; the whole tables are among the "
    "[benchmarks](benchmarks.md)."
)

#: A technique that leaves more than this share of the displacements on its own training items has not fitted them.
FITTED = 0.5

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
        passes = passes_told(rule, own)
        if rms(each.train) > FITTED * rms(own.sizes):
            # Outputs near zero break nothing, and say nothing.
            until = "does not fit"
        if rule.name == "none":
            passes = ""
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
        f"{perceptron}) on a fifth of the compositions, {len(TUNING_SEEDS)} seeds and {plan.TUNING_UPDATES} updates each "
        f"(perceptrons {plan.HASTE} times as many); training takes {plan.UPDATES} updates of {plan.BATCH} "
        "items, the same for all networks of a technique. What claims to be equivariant is so to rounding "
        f"(tests/nn/test_broken_perovskites.py). {networks} networks, {minutes:.0f} minutes of one core. "
        f"{design(store)}"
    )


def depth_table(store: Path) -> str:
    """Training error against the number of layers, networks trained on all items."""
    found = results.depths(store)
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
    if deep := depth_table(store):
        parts.append(
            f"### Depth\n\nTraining error, Å per atom, median of {len(plan.FEW)} seeds (least to largest), all items "
            f"seen.\n\n{deep}"
        )
    parts += [f"### {title}\n\n{told}" for title, told in others(store).items()]
    kinds = {line.get("kind") for line in lines(store)}
    lacking = [f"- {title}: everything." for kind, title in OTHERS.items() if kind not in kinds]
    if missing := "\n".join(filter(None, [results.missing(store), *lacking])):
        parts.append("### Not measured\n\n" + missing)
    return "\n\n".join(parts)


#: Tasks with programs of their own: each module has ``section(lines) -> str``, empty where nothing of its kind is there.
OTHERS = {
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


def shares(own: Results, names: Sequence[str]) -> str:
    """How many held-out outputs are in the right space group, to the tightest tolerance."""
    told = []
    for name in names:
        right, asked = own.found[name].groups[str(TOLERANCES[0])]
        told.append(f"{name} {right} of {asked}")
    return "; ".join(told)


def findings(known: Sequence[Results], store: Path) -> str:
    """What the smallest set buys, where it draws, where it loses: each sentence is a reading of the results."""
    parts: list[str] = []
    for own in known:
        base = own.found.get(BASE)
        if base is None:
            continue
        rest = [name for name in own.found if name not in (BASE, "none")]
        if not parts:
            quick = [u for u in base.reached if u is not None]
            never = [n for n in rest if not any(u is not None for u in own.found[n].reached)]
            parts.append(
                "## What it buys\n\n"
                f"- *Outputs of the right symmetry.* Held-out outputs in the right space group within {TOLERANCES[0]:g} Å: "
                f"{shares(own, [BASE])}; {shares(own, rest)}.\n"
                f"- *At once.* What breaks K in its outputs is below {BREAKING_GOAL} Å at the first look, after "
                f"{max(quick) if quick else 'no'} updates, in {len(quick)} of {len(base.reached)} networks; in no network of: "
                f"{'; '.join(never) or 'none'}.\n"
                f"- *Fewer passes.* {passes(own)}\n" + depth_told(store) + degeneracy_told(store)
            )
            ratios = sum(len(each.found) - 1 + len(each.nulls) for each in known if BASE in each.found)
            parts.append(
                "## Where it draws and where it loses\n\nError on held-out items, paired item by item, with intervals of 95 %: "
                f"of {ratios} ratios some {0.05 * ratios:.0f} are expected to lie outside theirs by chance, and the intervals of "
                f"{len(plan.FEW)} seeds are too narrow rather than too wide.\n"
            )
        parts.append(f"- *{WHAT.get(own.task.name, own.task.name)}* ({len(own.task)} items). {relations(own)} {nulls_told(own)}")
    parts.append(tilts_told(store))
    if told := others(store).get(OTHERS["unknown"], ""):
        parts.append(f"- *{OTHERS['unknown']}*. {told.partition(chr(10))[0]}")
    return "\n".join(part for part in parts if part)


def tilts_told(store: Path) -> str:
    """Errors of the tilts, and whether the smallest set has fitted them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines(store):
        if line.get("kind") == "tilts":
            found.setdefault(line["technique"], []).append(line)
    if BASE not in found:
        return ""
    errors = {
        name: (
            rms(np.concatenate([line["train"] for line in own])),
            rms(np.concatenate([line["total"] for line in own])) / DIGITS,
        )
        for name, own in found.items()
    }
    listed = "; ".join(f"{name} {held:.3f} ({train:.3f})" for name, (train, held) in errors.items())
    better = [name for name, each in errors.items() if each[0] < errors[BASE][0] and each[1] < errors[BASE][1]]
    seeds = sorted({sum(len(line["seeds"]) for line in own) for own in found.values()})
    told = f"- *{OTHERS['tilts']}* (seeds: {', '.join(map(str, seeds))}). Error on held-out (training) items, Å: {listed}."
    if better:
        told += f" Here the smallest set loses, already on the training items, to: {'; '.join(better)}."
    return told


def passes_told(rule: Rule, own: Results) -> str:
    """Passes of the network to list all domains, without and with transport by S.

    Where objects are drawn and domains are equally likely, the mean number of draws until each of n has come is
    n (1 + 1/2 + ... + 1/n).
    """
    alone, helped = rule.passes(own.task)
    most = max(len(p.domains) for p in own.task.phases)
    mean = most * sum(1 / k for k in range(1, most + 1))
    chance = f"{mean:.0f} in the mean" if rule.draws else "one domain only"
    return f"{chance if alone is None else alone}, {helped}"


def passes(own: Results) -> str:
    """The passes of all techniques in one sentence."""
    told = [f"{rule.name} {passes_told(rule, own)}" for rule in TECHNIQUES if rule.name in own.found and rule.name != "none"]
    return "To list all domains, without and with transport by S: " + "; ".join(told) + "."


def nulls_told(own: Results) -> str:
    """How the smallest set compares with what needs no network."""
    told = []
    for name, errors in own.nulls.items():
        value, low, high = ratio_interval(errors, own.found[BASE].total, own.task.composition)
        told.append(f"{name} {value:.2f} times its error ({low:.2f} to {high:.2f})")
    return "Told the domain, without any network: " + "; ".join(told) + "."


def depth_told(store: Path) -> str:
    """Training errors of the shallowest network."""
    found = results.depths(store)
    told = [
        f"{name} " + ", ".join(f"{np.median(found[name, d]):.4f}" for d in plan.DEPTHS if (name, d) in found)
        for name in plan.DEEP
        if any((name, d) in found for d in plan.DEPTHS)
    ]
    if not told:
        return ""
    layers = ", ".join(map(str, plan.DEPTHS))
    return f"- *Depth.* Error of the training items with {layers} layers, Å per atom: {'; '.join(told)}.\n"


def degeneracy_told(store: Path) -> str:
    """The sentence of the task on several S-orbits."""
    told = others(store).get(OTHERS["degeneracy"], "")
    return f"- *One pair for each S-orbit.* {told.partition(chr(10))[0]}\n" if told else ""


def advice(known: Sequence[Results]) -> str:
    """What to use when, with the measurement that each line stands on."""
    told = [
        "- *S and K are known*: the smallest set, `sbs.nn.SymmetryBreaker(sbs.minimal_set(S, K))`, with `paired_loss`. Its "
        "outputs have the symmetry K whatever the weights are; nothing has to be learnt for that.",
    ]
    name = "learned vector, nearest domain"
    for own in known[:1]:
        ratio = own.ratio(name)
        if ratio is None:
            continue
        each = own.found[name]
        found = sum(u is not None for u in each.reached)
        told.append(
            "- *S is known, K is not, but is the same for all data*: `sbs.nn.LearnedBreaker` with `orbit_minimum_loss`. "
            f"Here what breaks K in the outputs stayed below {BREAKING_GOAL} Å in {found} of {len(each.reached)} networks, "
            f"with {ratio[0]:.2f} times the error of the smallest set ({ratio[1]:.2f} to {ratio[2]:.2f}). "
            "`LearnedBreaker.converged` says when the vector has found K, and hands over the smallest set."
        )
    told.append(
        "- *Outputs without any symmetry*: the smallest set for K = 1. For a larger K that is the full set of the tables: the "
        "network has to learn the symmetry that the smallest set for K has built in."
    )
    told.append(
        "- *Domains and objects*: pair them by their stabilizers, for all items by one rule (`orbit_targets`). The random "
        "pairing in the [tables](benchmarks.md) shows what happens else."
    )
    return "## What to use when\n\n" + "\n".join(told)


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
    parts = [INTRODUCTION, findings(known, store), advice(known), pictures]
    page.write_text("# Which technique, when\n\n" + "\n\n".join(parts) + "\n", encoding="utf-8")
