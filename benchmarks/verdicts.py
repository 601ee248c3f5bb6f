"""What `sbs.nn.can_break` and `sbs.nn.effect` say against what networks with random weights do, in float64.

    python benchmarks/verdicts.py [--cases 1000] [--kinds built gaunt ...] [--journal FILE]

writes the section of benchmarks/RESULTS.md. With a journal, a run that was stopped goes on where it was.

A case is a pair (S, K), one minimal set of it, hidden irreps, layers, output irreps and the place of the object, all at random;
the verdict is the answer of `can_break`, the measurement that of trials.py, which shares nothing with it. One network serves
many sets whose objects have the same irreps.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import e3nn
import numpy as np
import torch
from results import machine, write_section
from trials import (
    CHANGE,
    DRAWS,
    E3NN_KINDS,
    EPSILON,
    GROUPS,
    MOST_DRAWS,
    NEIGHBOURS,
    ROUNDING,
    Called,
    Finding,
    Trial,
    Where,
    design,
    edges_of,
    general_molecule,
    measure,
    plain,
    random_turn,
    sets_by_irreps,
    special_molecule,
)

import sbs
from sbs.nn import effect
from sbs.nn.outputs import find_breaker
from sbs.nn.products import PRODUCTS
from sbs.nn.reach.question import Answer

KINDS = (*E3NN_KINDS, *PRODUCTS, "effect")


def cases(kind: str, seed: int, first: int = 1, sets: int = 4) -> Iterator[dict[str, Any]]:
    """Random cases without end, others for each kind: verdict against measurement, one dictionary each."""
    for number in count(first):
        rng = np.random.default_rng([seed, KINDS.index(kind), number])
        made = design(kind, rng)
        among = sets_by_irreps()[made.breaker]
        chosen = [among[k] for k in rng.permutation(len(among))[:sets]]
        try:
            trial = Trial(made, chosen[0])
        except (AssertionError, ValueError):
            continue
        for each in chosen:
            yield from _of_set(trial, each, rng, number)


def _of_set(
    trial: Trial, symmetry_set: sbs.MinimalSet, rng: np.random.Generator, number: int
) -> Iterator[dict[str, Any]]:
    measured: dict[Where, tuple[Finding, np.ndarray | None]] = {}
    for where, finding in measure(trial, symmetry_set, None, rng).items():
        measured[where] = finding, None  # type: ignore[index]
    if trial.design.kind not in PRODUCTS:
        special = special_molecule(symmetry_set.group, rng)
        measured["sites"] = measure(trial, symmetry_set, special, rng)["nodes"], special
    for where, (finding, sites) in measured.items():
        answer, fixing = trial.design.ask(symmetry_set, where, sites)
        if _disagree(answer, finding):
            # What only a high power of the object shows may stand above rounding in few draws of the weights.
            finding = measure(trial, symmetry_set, sites, rng, MOST_DRAWS)["pooled" if where == "pooled" else "nodes"]
        table = np.asarray(symmetry_set.group.table)
        yield {
            "kind": trial.design.kind,
            "where": where,
            "network": number,
            "question": f"{symmetry_set!r} ({symmetry_set.irreps}), {trial.design}",
            "sites": None if sites is None else len(sites),
            "yes": bool((answer.kept == fixing).all()) and not answer.zero,
            "zero": answer.zero,
            "group": bool(answer.kept[table[np.ix_(answer.kept, answer.kept)]].all()),
            "doubtful": finding.doubtful,
            "kept": [int(answer.kept.sum()), int((~finding.broken).sum())],
            "wrong": _disagree(answer, finding),
            "draws": finding.draws,
        }


def _disagree(answer: Answer, finding: Finding) -> bool:
    return bool((answer.kept == finding.broken).any() or answer.zero == finding.nonzero)


# Objects that are compared with the first.
OBJECTS = 6
# What float32 may or may not see, relative to the output.
LEAST_SEEN, MOST_UNSEEN = 1e-3, 1e-9


def effects(seed: int, first: int = 1, sets: int = 2) -> Iterator[dict[str, Any]]:
    """Random cases of `effect`, in float32 and float64, fresh from the constructor and with random weights."""
    for number in count(first):
        rng = np.random.default_rng([seed, KINDS.index("effect"), number])
        made = design(str(rng.choice(E3NN_KINDS)), rng)
        among = sets_by_irreps()[made.breaker]
        chosen = [among[k] for k in rng.permutation(len(among))[:sets]]
        for each in chosen:
            try:
                trial = Trial(made, each)
            except (AssertionError, ValueError):
                break
            for _ in range(4):
                yield _of_effect(trial, each, rng, number)


def _of_effect(trial: Trial, symmetry_set: sbs.MinimalSet, rng: np.random.Generator, number: int) -> dict[str, Any]:
    pooled, awake, single = (bool(each) for each in rng.integers(0, 2, size=3))
    positions = (
        general_molecule(symmetry_set.group, rng) if rng.random() < 0.5 else special_molecule(symmetry_set.group, rng)
    )
    edges = edges_of(positions, NEIGHBOURS)
    trial.draw(int(rng.integers(2**31)))
    if not awake:
        trial.sleep()
    called = Called(trial.model, pooled)
    every = trial.breaker.objects[0, : int(trial.breaker.sizes[0])]
    features = torch.cat([every[:1], every[1 + rng.permutation(len(every) - 1)[:OBJECTS]]])

    unclear: list[float] = []

    def differs() -> tuple[float, float]:
        """Largest difference between objects, and size of the outputs, both times their rounding; relative change."""
        turn = random_turn(rng)
        forth, back = (
            torch.as_tensor(sbs.representation(str(each), turn[None])[0])
            for each in (trial.breaker.irreps, plain(trial.design.out))
        )
        outputs = torch.stack([trial(positions, edges, each[None]) for each in features])
        again = trial(positions @ turn.T, edges, features[:1] @ forth.T) @ back
        least = EPSILON * float(outputs.abs().max()) * (len(positions) ** 0.5 if pooled else 1.0)
        if pooled:
            outputs, again = outputs.sum(dim=1), again.sum(dim=0)
        size, change = float(outputs.abs().max()), float((outputs - outputs[:1]).abs().max())
        rounding = max(float((again - outputs[0]).abs().max()), least)
        unclear.extend(each for each in (size, change) if ROUNDING * rounding < each <= CHANGE * rounding)
        return (change / size if change > CHANGE * rounding else 0.0), (size if size > CHANGE * rounding else 0.0)

    now, size = differs()
    state = {name: value.clone() for name, value in trial.model.state_dict().items() if value.is_floating_point()}
    later = []
    while not now and len(later) < DRAWS and not any(change for change, _ in later):
        trial.draw(int(rng.integers(2**31)))
        later.append(differs())
    trial.model.load_state_dict(state, strict=False)
    # A copy: the coupling constants of a network that was in float32 keep its rounding ever after.
    asked = copy.deepcopy(called).float() if single else called
    kind = torch.float32 if single else torch.float64
    inputs = tuple(each.to(kind) if each.is_floating_point() else each for each in trial.inputs(positions, edges))
    verdict = effect(asked, find_breaker(asked), inputs).verdict
    if now:
        truth = "active"
    elif any(change for change, _ in later):
        truth = "dormant"
    else:
        truth = "inert" if size or any(each for _, each in later) else "zero"
    weak = [each for each in (now, *(change for change, _ in later)) if single and MOST_UNSEEN < each < LEAST_SEEN]
    return {
        "kind": "effect",
        "where": "float32" if single else "float64",
        "network": number,
        "question": f"{symmetry_set!r} ({symmetry_set.irreps}), {trial.design}, pooled={pooled}, awake={awake}",
        "sites": len(positions),
        "yes": verdict == "active",
        "zero": verdict == "zero",
        "group": True,
        "doubtful": bool((weak or unclear) and verdict != truth),
        "kept": [verdict, truth],
        "wrong": verdict != truth and not (weak or unclear),
        "draws": DRAWS,
    }


ROWS = {"nodes": "nodes", "pooled": "whole graph", "sites": "nodes on symmetry elements"} | {
    kind: kind for kind in ("float32", "float64")
}


def run(
    kinds: Sequence[str], wanted: int, journal: Path | None, seed: int = 3, round_: int = 100
) -> list[dict[str, Any]]:
    """So many cases of each kind, going on behind what the journal has; kind after kind in rounds."""
    rows: list[dict[str, Any]] = []
    if journal is not None and journal.exists():
        rows = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    done = Counter(row["kind"] for row in rows)
    # A network that was begun is gone through again from its first set: numbers of networks are seeds.
    last = {row["kind"]: row["network"] for row in rows}
    kept = {kind for kind in done if done[kind] >= wanted or kind not in kinds}
    rows = [row for row in rows if row["kind"] in kept or row["network"] != last[row["kind"]]]
    done = Counter(row["kind"] for row in rows)
    streams = {kind: _stream(kind, seed, last.get(kind, 1)) for kind in kinds}
    with open(journal, "w", encoding="utf-8") if journal is not None else contextlib.nullcontext() as file:
        if file is not None:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        for target in range(round_, wanted + round_, round_):
            for kind in kinds:
                while done[kind] < min(target, wanted):
                    row = next(streams[kind])
                    rows.append(row)
                    done[kind] += 1
                    if file is not None:
                        file.write(json.dumps(row) + "\n")
                        file.flush()
    return rows


def _stream(kind: str, seed: int, first: int) -> Iterator[dict[str, Any]]:
    return effects(seed, first) if kind == "effect" else cases(kind, seed, first)


def section(rows: Sequence[dict[str, Any]]) -> str:
    """The section of RESULTS.md."""
    lines = []
    for kind in KINDS:
        for where, title in ROWS.items():
            own = [row for row in rows if row["kind"] == kind and row["where"] == where]
            if own:
                sums = [sum(row[key] for row in own) for key in ("yes", "zero", "doubtful", "wrong")]
                networks = len({row["network"] for row in own})
                lines.append(f"| {kind} | {title} | {networks} | {len(own)} | " + " | ".join(map(str, sums)) + " |")
    head = " ".join(
        [
            f"{machine('numpy', 'torch', 'e3nn')}. `python benchmarks/verdicts.py`:",
            f"random pairs (S, K) of {len(GROUPS)} point groups, sets, hidden irreps, layers, outputs, places; each verdict of",
            "`sbs.nn.can_break`, the whole subgroup that is kept and whether the output is zero, against networks with random",
            "weights in float64 on molecules of symmetry S: e3nn's v2106 networks, built with the breaker",
            '("built", "input") or attached to, and networks of each product of `sbs.nn.products`. Verdicts of',
            "`sbs.nn.effect` against the differences of outputs for several objects in float64, with the weights that it",
            f"was asked about and with others. Weights are drawn {DRAWS} times, where that disagrees {MOST_DRAWS} times. A case",
            f"is *doubtful* if some change was neither far above rounding nor within it in any of {MOST_DRAWS} draws of the",
            f"weights (`effect`: or, in float32, between {MOST_UNSEEN:g} and {LEAST_SEEN:g} of the output).",
        ]
    )
    return f"""## Verdicts against measurement

{head}

| kind | outputs | networks | cases | yes | zero | doubtful | wrong |
|---|---|---|---|---|---|---|---|
{chr(10).join(lines)}

Every `kept` was a subgroup: {all(row["group"] for row in rows)}.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Verdicts of can_break and effect against measurement.")
    parser.add_argument("--cases", type=int, default=1000, help="of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--journal", type=Path, help="file of cases done, to go on from")
    options = parser.parse_args(arguments)
    torch.set_default_dtype(torch.float64)
    e3nn.set_optimization_defaults(optimize_einsums=False, jit_script_fx=False)
    warnings.simplefilter("ignore")
    rows = run(options.kinds, options.cases, options.journal)
    for row in rows:
        if row["wrong"]:
            print(row)
    write_section(section(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
