"""The three figures of the report: errors, symmetry of the outputs, depth and degeneracy.

Colours are those of M. Okabe and K. Ito ("Color universal design", 2008), and no line is told from another by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.broken_perovskites import plan, results
from benchmarks.broken_perovskites.measures import rms, rms_interval
from benchmarks.broken_perovskites.results import Results
from benchmarks.broken_perovskites.units import TOLERANCES, lines

__all__ = ["draw"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", "-", "--", "-.")
#: Drawn as curves; the rest are in the tables.
CURVES = (
    "smallest set",
    "full set, nearest pairing",
    "full set, other pairing",
    "learned vector, nearest domain",
    "random vector on the sphere",
    "perceptron, smallest set",
    "canonicalisation",
)
DPI = 130


def style(name: str) -> dict[str, Any]:
    """Colour, marker and line of a technique that is drawn as a curve."""
    k = CURVES.index(name)
    return {"color": COLOURS[k], "marker": MARKERS[k], "linestyle": LINES[k], "markersize": 4, "linewidth": 1.3}


def draw(known: Sequence[Results], store: Path, folder: Path) -> None:
    """Write the figures."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    folder.mkdir(parents=True, exist_ok=True)
    if known:
        _errors(pyplot, known, folder / "techniques_errors.png")
        _symmetry(pyplot, known[0], folder / "techniques_symmetry.png")
    _depth(pyplot, store, folder / "techniques_depth.png")
    pyplot.close("all")


def _errors(pyplot: Any, known: Sequence[Results], path: Path) -> None:
    figure, panels = pyplot.subplots(1, len(known), figsize=(3.6 + 3.0 * len(known), 4.6), squeeze=False, sharey=True)
    names = list(dict.fromkeys(name for own in known for name in own.found))
    for panel, own in zip(panels[0], known, strict=True):
        for name, each in own.found.items():
            row = names.index(name)
            low, high = rms_interval(each.total, own.task.composition)
            panel.plot([low, high], [row, row], color=COLOURS[0], linewidth=1.5)
            panel.plot(rms(each.total), row, "o", color=COLOURS[0], markersize=5, label="held-out items" if row == 0 else None)
            panel.plot(
                rms(each.breaking), row, "D", color=COLOURS[1], markersize=4, label="part that breaks K" if row == 0 else None
            )
            panel.plot(
                rms(each.train), row, "|", color=COLOURS[6], markersize=9, label="training items" if row == 0 else None
            )
        for (name, errors), line in zip(own.nulls.items(), (":", "--"), strict=True):
            panel.axvline(rms(errors), color="0.45", linestyle=line, linewidth=1, label=name)
        panel.set_title(f"{own.task.name}: {len(own.task)} items", fontsize=9)
        panel.set_xlabel("error per atom / Å")
        panel.set_xlim(left=-0.005)
        panel.grid(axis="x", color="0.9")
    panels[0][0].set_yticks(range(len(names)), names)
    panels[0][0].invert_yaxis()
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="lower center", ncols=3, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.09, 1, 1))
    figure.savefig(path, dpi=DPI)


def _symmetry(pyplot: Any, own: Results, path: Path) -> None:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.5, 3.8))
    for name in CURVES:
        if name not in own.found:
            continue
        each = own.found[name]
        shares = [100 * each.right[str(t)].mean() for t in TOLERANCES]
        left.plot(TOLERANCES, shares, label=name, **style(name))
        curve = np.array(each.curve)
        right.plot(curve[:, 0], np.maximum(curve[:, 2], 1e-6), markevery=4, label=name, **style(name))
    left.set_xscale("log")
    left.set_xlabel("tolerance / Å")
    left.set_ylabel("outputs in the right space group / %")
    right.set_yscale("log")
    right.set_xlabel("updates")
    right.set_ylabel("part of held-out error that breaks K / Å")
    right.axhline(0.005, color="0.6", linewidth=0.8)
    figure.legend(*left.get_legend_handles_labels(), loc="lower center", ncols=4, fontsize=8, frameon=False)
    figure.tight_layout(rect=(0, 0.12, 1, 1))
    figure.savefig(path, dpi=DPI)


def _depth(pyplot: Any, store: Path, path: Path) -> None:
    count = len(plan.DEPTH_TASKS)
    figure, panels = pyplot.subplots(1, count + 1, figsize=(4.2 * (count + 1), 3.8))
    for panel, task in zip(panels, plan.DEPTH_TASKS, strict=False):
        found = results.depths(store, task)
        for name in plan.DEEP:
            points = [(d, found[name, d]) for d in plan.DEPTHS if (name, d) in found]
            if points:
                panel.plot([d for d, _ in points], [np.median(e) for _, e in points], label=name, **style(name))
        panel.set_title(task, fontsize=9)
        panel.set_xlabel("layers")
        panel.set_ylabel("error of the training items / Å")
        panel.set_yscale("log")
        panel.set_xticks(plan.DEPTHS)
    if panels[0].lines:
        panels[0].legend(fontsize=7, frameon=False)
    _degeneracy(panels[-1], store)
    figure.tight_layout()
    figure.savefig(path, dpi=DPI)


def _degeneracy(panel: Any, store: Path) -> None:
    """Share of objects with a right output against the number of pairs shown, by the number of S-orbits."""
    counts: dict[tuple[int, int], list[int]] = {}
    for line in lines(store):
        if line.get("kind") == "degeneracy":
            for pairs, right in zip(line["pairs"], line["right"], strict=True):
                own = counts.setdefault((line["degeneracy"], pairs), [0, 0])
                own[0] += int(np.sum(right))
                own[1] += line["size"] * line["molecules"] * len(line["seeds"])
    for k, orbits in enumerate(sorted({d for d, _ in counts})):
        points = sorted((pairs, 100 * right / asked) for (d, pairs), (right, asked) in counts.items() if d == orbits)
        panel.plot(
            *zip(*points, strict=True), color=COLOURS[k], marker=MARKERS[k], label=f"{orbits} S-orbit{'s' * (orbits > 1)}"
        )
    panel.set_xlabel("(object, output) pairs shown")
    panel.set_ylabel("objects with a right output / %")
    panel.set_ylim(0, 105)
    panel.set_xticks(sorted({pairs for _, pairs in counts}))
    if counts:
        panel.legend(fontsize=8, frameon=False, loc="lower right")
