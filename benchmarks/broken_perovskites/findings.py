"""The page of the documentation: what the smallest set buys, where it draws, where it loses, what to use when.

Each sentence is a reading of the results and says no more than their intervals carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.broken_perovskites import degeneracy, fits, plan, results, tilts, unknown
from benchmarks.broken_perovskites.fits import share_told
from benchmarks.broken_perovskites.listing import mean_draws
from benchmarks.broken_perovskites.measures import ratio_interval
from benchmarks.broken_perovskites.results import BASE, Results
from benchmarks.broken_perovskites.techniques import Rule
from benchmarks.broken_perovskites.units import BREAKING_GOAL, TOLERANCES, lines

__all__ = ["WHAT", "page", "passes_told", "relations"]

INTRODUCTION = (
    "A network that respects the symmetry S of its input cannot give an output of lower symmetry K "
    "([why](theory/1-sets.md)); something has to be added. Here the ways of doing so are measured beside one another on cubic "
    "perovskites that distort: same network, same number of parameters, same data. The data are a potential's, not experiment's; "
    "they are one family of crystals; what holds here for 1o vectors at the zone centre need not hold elsewhere. All numbers on "
    "this page are written by `python -m benchmarks.broken_perovskites report`; the whole tables are among the "
    "[benchmarks](benchmarks.md)."
)

WHAT = {
    "constants": "unseen (composition, lattice constant), P4mm",
    "compositions": "unseen compositions, P4mm",
    "phases": "unseen compositions, P4mm, Amm2 and R3m by one network",
}

#: Whose passes and times the page tells; all are in the tables.
TIMED = ("smallest set", "smallest set, 1o on O", "full set, nearest pairing", "full set")
LEARNT = "learned vector, nearest domain"
DRAWN = "random vector on the sphere"

Ratio = tuple[float, float, float]


def page(known: Sequence[Results], store: Path) -> str:
    """The text of the page."""
    return "\n\n".join([INTRODUCTION, bought(known, store), compared(known, store), advice(known, store)])


def sorted_by_interval(ratios: dict[str, Ratio]) -> str:
    """Which differ from the smallest set, by the interval of the ratio of errors."""
    lists: dict[str, list[str]] = {"above": [], "below": [], "both": []}
    for name, (value, low, high) in ratios.items():
        where = "above" if low > 1 else "below" if high < 1 else "both"
        lists[where].append(f"{name} ({value:.2f})")
    words = {
        "above": "More error than the smallest set",
        "below": "Less error",
        "both": "No difference that the interval carries",
    }
    return " ".join(f"{told}: {'; '.join(lists[where]) or 'none'}." for where, told in words.items())


def relations(own: Results) -> str:
    """Which techniques differ from the smallest set on a task."""
    ratios = {name: ratio for name in own.found if (ratio := own.ratio(name)) is not None}
    return sorted_by_interval(ratios)


def passes_told(rule: Rule, own: Results) -> str:
    """Passes of the network to list all domains, without and with transport by S; draws by their mean number."""
    alone, helped = rule.passes(own.task)
    mean = mean_draws(max(len(p.domains) for p in own.task.phases))
    chance = f"{mean:.0f} in the mean" if rule.draws else "one domain only"
    return f"{chance if alone is None else alone}, {helped}"


# --- what it buys -----------------------------------------------------------------------------------------------------


def bought(known: Sequence[Results], store: Path) -> str:
    """Symmetry of outputs, time, passes, depth, pairs."""
    parts = ["## What it buys\n"]
    for own in known[:1]:
        base = own.found.get(BASE)
        if base is None:
            continue
        rest = [name for name in own.found if name not in (BASE, "none")]
        told = "; ".join(
            f"{name} {share_told(own.found[name].right[str(TOLERANCES[0])], own.task.composition)}" for name in (BASE, *rest)
        )
        quick = [u for u in base.reached if u is not None]
        never = [n for n in rest if not any(u is not None for u in own.found[n].reached)]
        parts.append(
            f"- *Outputs of the right symmetry.* Held-out outputs in the right space group within {TOLERANCES[0]:g} Å, all seeds "
            f"(95 %), {WHAT.get(own.task.name, own.task.name)}: {told}."
        )
        parts.append(
            f"- *At once.* What breaks K in its outputs is below {BREAKING_GOAL} Å at the first look, after "
            f"{max(quick) if quick else 'no'} updates, in {len(quick)} of {len(base.reached)} networks; in no network of: "
            f"{'; '.join(never) or 'none'}."
        )
    parts += [*times_told(store), *depth_told(store)]
    deg = [line for line in lines(store) if line.get("kind") == "degeneracy"]
    if deg:
        parts.append(f"- *One pair for each S-orbit.* {degeneracy.section(deg).partition(chr(10))[0]}")
    return "\n".join(parts)


def times_told(store: Path) -> list[str]:
    """Passes and times to list all domains."""
    told = []
    for line in lines(store):
        if line.get("kind") != "listing":
            continue
        rows = [row for row in line["rows"] if row["technique"] in TIMED and row["objects"] is not None]
        each = [
            f"{row['technique']} {row['passes'][0]} passes, {row['objects'][0]:.1f} ms; by transport 1, "
            f"{row['transport'][0]:.1f} ms"
            for row in rows
        ]
        told.append(
            f"- *Fewer passes without transport.* All {line['domains']} domains of {line['phase']}, {line['sites']} sites, "
            f"one pass for each object and one carried by S ({line['machine'].partition(';')[2].strip()}): {'. '.join(each)}. "
            "With transport by S all sets take one."
        )
    return told


def depth_told(store: Path) -> list[str]:
    """Training errors by layers."""
    told = []
    for task in plan.DEPTH_TASKS:
        found = results.depths(store, task)
        each = [
            f"{name} " + ", ".join(f"{np.median(found[name, d]):.4f}" for d in plan.DEPTHS if (name, d) in found)
            for name in plan.DEEP
            if any((name, d) in found for d in plan.DEPTHS)
        ]
        if each:
            layers = ", ".join(map(str, plan.DEPTHS))
            told.append(
                f"- *Depth, {WHAT[task]}.* Error of the training items with {layers} layers, Å per atom, median of "
                f"{len(plan.FEW)} seeds, {plan.DEPTH_UPDATES} updates (an error that more layers do not lower is the budget's): "
                f"{'; '.join(each)}."
            )
    return told


# --- where it draws and where it loses --------------------------------------------------------------------------------


def compared(known: Sequence[Results], store: Path) -> str:
    """Errors beside the smallest set's, on all tasks."""
    told = [own for own in known if BASE in own.found]
    parts = ["## Where it draws and where it loses\n"]
    if told:
        ratios = sum(len(own.found) - 1 + len(own.nulls) for own in told)
        parts.append(
            f"Error on held-out items, paired item by item, with intervals of 95 %: of the {ratios} ratios of the first "
            f"{len(told)} tasks some {0.05 * ratios:.0f} are expected to lie outside theirs by chance, and the intervals of "
            f"{len(plan.FEW)} seeds are too narrow rather than too wide.\n"
        )
    for own in told:
        parts.append(
            f"- *{WHAT.get(own.task.name, own.task.name)}* ({len(own.task)} items). {relations(own)} {nulls_told(own)}"
            f"{walls_told(own)}"
        )
    if text := tilts_told(store):
        parts.append(text)
    if rows := [line for line in lines(store) if line.get("kind") == "unknown"]:
        parts.append(f"- *A phase that is not known beforehand*. {unknown.section(rows).partition(chr(10))[0]}")
    return "\n".join(parts)


def nulls_told(own: Results) -> str:
    """How what needs no network compares with the smallest set."""
    told = []
    for name, errors in own.nulls.items():
        value, low, high = ratio_interval(errors, own.found[BASE].total, own.task.composition)
        told.append(f"{name} {value:.2f} times its error ({low:.2f} to {high:.2f})")
    return "Told the domain, without any network: " + "; ".join(told) + "."


def walls_told(own: Results) -> str:
    """The error of a drawn vector near the walls between domains and far from them."""
    if DRAWN not in own.found or not own.found[DRAWN].walls:
        return ""
    near, *_, far = own.found[DRAWN].walls
    return (
        f" A {DRAWN} has an error of {near['error']:.3f} Å ({near['interval'][0]:.3f} to {near['interval'][1]:.3f}) where it "
        f"lies within {near['to']:g}° of a wall between two domains ({100 * near['share']:.0f} % of draws), of "
        f"{far['error']:.3f} Å ({far['interval'][0]:.3f} to {far['interval'][1]:.3f}) more than {far['from']:g}° away."
    )


def tilt_ratios(store: Path) -> tuple[dict[str, Ratio], dict[tuple[str, int], Ratio], dict[str, dict[str, Any]]]:
    """Ratios to the smallest set on tilts: of the techniques; of objects and layers, first seeds; and the techniques' lines."""
    own = [line for line in lines(store) if line.get("kind") == "tilts"]
    by = fits.joined([line for line in own if line["layers"] == 2])
    if BASE not in by:
        return {}, {}, {}
    composition = tilts.task_of(tilts.compositions_of(own)).composition
    techniques = {
        name: ratio_interval(np.array(by[name]["total"], float), np.array(by[BASE]["total"], float), composition)
        for name in tilts.TECHNIQUES
        if name in by and name != BASE
    }
    first = {(line["technique"], line["layers"]): line["total"] for line in own if tuple(line["seeds"]) == fits.FEW}
    chosen = {
        key: ratio_interval(np.array(first[key], float), np.array(first[tilts.CHOSEN[0]], float), composition)
        for key in tilts.CHOSEN[1:]
        if key in first and tilts.CHOSEN[0] in first
    }
    return techniques, chosen, by


def tilts_told(store: Path) -> str:
    """Tilts: errors beside the smallest set's, and what other objects or one more layer change."""
    ratios, chosen, by = tilt_ratios(store)
    if not ratios:
        return ""
    errors = "; ".join(
        f"{name} {fits.rms(by[name]['total']):.3f} ({fits.training_error(by[name]):.3f})"
        for name in tilts.TECHNIQUES
        if name in by
    )
    seeds = sorted({len(line["seeds"]) for line in by.values()})
    told = (
        f"- *Octahedral tilts, sets of fields on the sites* (seeds: {', '.join(map(str, seeds))}). Error on held-out (training) "
        f"items, Å: {errors}. {sorted_by_interval(ratios)}"
    )
    if chosen:
        each = "; ".join(
            f"{name}, {layers} layers {value:.2f} ({low:.2f} to {high:.2f})"
            for (name, layers), (value, low, high) in chosen.items()
        )
        told += f" Other objects and one more layer, ratio to the smallest set with two, {len(fits.FEW)} seeds: {each}."
    return told


# --- what to use when -------------------------------------------------------------------------------------------------


def advice(known: Sequence[Results], store: Path) -> str:
    """What to use when, with the measurement that each line stands on."""
    told = [
        "- *S and K are known*: the smallest set, `sbs.nn.SymmetryBreaker(sbs.minimal_set(S, K))`, with `paired_loss`. Its "
        "outputs have the symmetry K whatever the weights are; nothing has to be learnt for that.",
    ]
    for own in known[:1]:
        ratio = own.ratio(LEARNT)
        if ratio is None:
            continue
        each = own.found[LEARNT]
        found = sum(u is not None for u in each.reached)
        told.append(
            "- *S is known, K is not, but is the same for all data*: `sbs.nn.LearnedBreaker` with `orbit_minimum_loss`. "
            f"Here what breaks K in the outputs stayed below {BREAKING_GOAL} Å in {found} of {len(each.reached)} networks, "
            f"with {ratio[0]:.2f} times the error of the smallest set ({ratio[1]:.2f} to {ratio[2]:.2f}). "
            "`LearnedBreaker.converged` says when the vector has found K, and hands over the smallest set."
        )
    if line := objects_advice(store):
        told.append(line)
    told.append(
        "- *Outputs without any symmetry*: the smallest set for K = 1. For a larger K that is the full set of the tables: the "
        "network has to learn the symmetry that the smallest set for K has built in."
    )
    told.append(
        "- *Domains and objects*: pair them by their stabilizers, for all items by one rule (`orbit_targets`). The random "
        "pairing in the [tables](benchmarks.md) shows what happens else."
    )
    return "## What to use when\n\n" + "\n".join(told)


def objects_advice(store: Path) -> str:
    """Which objects for tilts: as far as the intervals say."""
    ratios, chosen, _ = tilt_ratios(store)
    other, deeper = "smallest set, 1o on O", ("smallest set", 3)
    if other not in ratios:
        return ""
    value, low, high = ratios[other]
    says = "less error" if high < 1 else "more error" if low > 1 else "no difference that the interval carries"
    text = (
        "- *Objects of fields on sites*: all exact sets of one K have one size; their irreps and sites differ, and with them "
        f"how many layers the network needs. With two layers objects in the irrep of the outputs on the sites that move (1o on "
        f"O) gave {says} beside those that the library takes by itself: {value:.2f} times the error ({low:.2f} to {high:.2f})."
    )
    if deeper in chosen:
        value, low, high = chosen[deeper]
        says = "less error" if high < 1 else "more error" if low > 1 else "no difference that the interval carries"
        text += f" A third layer with the library's objects: {says}, {value:.2f} times ({low:.2f} to {high:.2f})."
    task = tilts.task_of()
    return (
        f"{text} `sbs.nn.can_break` tells before any training how many hidden layers of e3nn's convolutions the library's "
        f"objects need at least: {tilts.layers_needed(task)}."
    )
