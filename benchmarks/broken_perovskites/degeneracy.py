"""Degeneracy in its purest form: how many pairs must a network be shown before every object of a set gives a right output?

An equivariant set consists of d orbits of S. Equivariance takes what is learnt for one object to its S-orbit, and from an
input to the same input turned; but an element of the normalizer that is not in S takes an object to another S-orbit of the
*same* question, and there a network that was not shown a pair may answer anything. No chemistry: made-up molecules of exactly
the symmetry S with made-up displacements of symmetry K, for all pairs (S, K) in D_8h and O_h whose smallest set is not ideal,
and for ideal ones beside.

Trained on pairs for j of the d orbits, a network is asked with every object of the set; an answer is right if it is one of
the |S| / |K| images of the target, to `RIGHT`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

import sbs
from benchmarks.broken_perovskites.body import parameters_of
from benchmarks.broken_perovskites.geometry import summed_harmonics
from benchmarks.broken_perovskites.given import Given
from benchmarks.broken_perovskites.measures import errors_of
from benchmarks.broken_perovskites.tasks import UNIT, Phase, Task, actions_of, elements_of
from benchmarks.broken_perovskites.train import Budget, Trained, predict, train
from benchmarks.broken_perovskites.units import append, lines
from sbs.groups import PointGroup
from sbs.nn import SymmetryBreaker, site_permutations
from sbs.sets.minimal_set import MinimalSet

__all__ = ["CASES", "Case", "measure", "molecules", "orbits_right", "right_objects", "section", "table", "task_of"]

#: Å per atom; targets are some 0.1 Å, so that no output is right by chance.
RIGHT = 0.005
#: Å: no image of a molecule is in reach of another.
EDGE = 30.0
MOLECULES = 3
SEEDS = (0, 1, 2)
PAIRS = (1, 2, 4)
BUDGET = Budget(updates=240, batch=MOLECULES * max(PAIRS), looks=1)
RATE = 2e-2

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """A question: S and K in an ambient group G."""

    group: str
    target: str
    ambient: str

    @property
    def symmetry_set(self) -> MinimalSet:
        """Its smallest set."""
        return sbs.minimal_set(self.group, self.target, self.ambient)


#: Every pair whose smallest set is not ideal in D_8h (13) and in O_h (4), and some of the same S whose set is ideal.
CASES: tuple[Case, ...] = (
    *(Case("C2", k, "Oh") for k in ("C1",)),
    *(Case("C2h", k, "Oh") for k in ("C1", "Cs", "Ci")),
    *(Case("C2", k, "D8h") for k in ("C1",)),
    *(Case("C4", k, "D8h") for k in ("C1", "C2")),
    *(Case("C2h", k, "D8h") for k in ("C1", "Cs", "Ci")),
    *(Case("S4", k, "D8h") for k in ("C1",)),
    *(Case("C4h", k, "D8h") for k in ("C1", "C2", "Cs", "Ci", "C2h", "S4")),
    Case("S4", "C2", "D8h"),
    Case("C2h", "C2", "D8h"),
    Case("C4h", "C4", "D8h"),
    Case("C2", "C1", "C2"),
    Case("C4h", "C1", "C4h"),
)


def molecules(case: Case, count: int = MOLECULES) -> Array:
    """Positions of molecules of exactly the symmetry S, Å, (count, 2 |S|, 3): two generic orbits of S each."""
    matrices = np.asarray(case.symmetry_set.group.matrices)
    stream = np.random.default_rng(12)
    found: list[Array] = []
    while len(found) < count:
        seeds = stream.normal(size=(2, 3))
        seeds *= (np.array([1.6, 2.4]) / np.linalg.norm(seeds, axis=1))[:, None]
        positions = np.einsum("gij,nj->ngi", matrices, seeds).reshape(-1, 3)
        apart = np.linalg.norm(positions[:, None] - positions[None], axis=-1) + 9 * np.eye(len(positions))
        if apart.min() > 0.6:
            found.append(positions)
    return np.stack(found)


def fields(case: Case, actions: Array, count: int = MOLECULES) -> Array:
    """Made-up displacements that K, the target of the first object, keeps, Å, (count, sites, 3)."""
    found = case.symmetry_set
    kept = actions[elements_of(found.target_of[0])].mean(axis=0)
    drawn = np.random.default_rng(13).normal(size=(count, actions.shape[1])) @ kept
    drawn = drawn.reshape(count, -1, 3)
    drawn -= drawn.mean(axis=1, keepdims=True)
    return drawn * (UNIT / np.sqrt(np.square(drawn).mean(axis=(1, 2), keepdims=True)))


def task_of(case: Case, objects: Sequence[int]) -> tuple[Task, Given]:
    """One item for each molecule and each of some objects of its set, with the rule that shows the object.

    What goes with an object is an image of the target that has the object's symmetry, the one by the first such element of S.
    """
    found = case.symmetry_set
    group = np.asarray(found.group.matrices)
    positions = molecules(case)
    permutations = site_permutations(positions[0], group)
    actions = actions_of(group, permutations)
    displacements = fields(case, actions)
    images = np.einsum("gij,j->gi", actions, displacements[0].reshape(-1))
    _, domains = np.unique(np.round(images, 6) + 0.0, axis=0, return_index=True)
    identity = int(np.abs(group - np.eye(3)).sum(axis=(1, 2)).argmin())
    same = np.abs(images[domains] - images[identity]).max(axis=1) < 1e-6
    order = np.array([identity, *sorted(int(g) for g in domains[~same])])
    projector = actions[elements_of(found.target_of[0])].mean(axis=0)
    phase = Phase(case.target, 0, found, 0, order, projector)
    count, each = len(positions), len(objects)
    own = np.repeat(np.arange(count), each)
    vectors = SymmetryBreaker(found, mode="index").objects[0].float()[list(objects)]
    chosen = np.array([_image_for(found, order, b) for b in objects])
    task = Task(
        name=f"{case.group} to {case.target} in {case.ambient}",
        permutations=permutations,
        actions=actions,
        features=np.eye(count)[own],
        cells=np.broadcast_to(np.eye(3) * EDGE, (len(own), 3, 3)),
        harmonics=np.stack([summed_harmonics(np.eye(3) * EDGE, each) for each in positions]),
        crystal=own.astype(np.int64),
        phases=(phase,),
        phase=np.zeros(len(own), dtype=np.int64),
        targets=displacements[own],
        composition=tuple(f"molecule {k}" for k in own),
        held_out=tuple(f"molecule {k}" for k in own),
        kinds=tuple(int(k) for k in np.repeat([0, 1], len(group))),
    )
    shown = vectors.repeat(count, 1)[:, None].expand(-1, task.sites, -1)
    rule = Given("smallest set", shown, torch.from_numpy(np.tile(chosen, count)), str(found.irreps))
    return task, rule


def _image_for(found: MinimalSet, domains: npt.NDArray[np.int64], number: int) -> int:
    """The first of the domains that has the symmetry of an object."""
    wanted = frozenset(int(g) for g in elements_of(found.target_of[number]))
    assert isinstance(found.group, PointGroup)
    table = np.asarray(found.group.table)
    first = [int(g) for g in elements_of(found.target_of[0])]
    for place, g in enumerate(domains):
        back = int(np.flatnonzero(table[g] == table[0, 0])[0])
        if frozenset(int(table[table[g, k], back]) for k in first) == wanted:
            return place
    raise AssertionError("objects of an exact set have the symmetry of some image")


def representatives(found: MinimalSet) -> list[int]:
    """One object of each S-orbit."""
    _, first = np.unique(np.asarray(found.orbits), return_index=True)
    return [int(k) for k in first]


def trained_on(case: Case, pairs: Sequence[int], seeds: Sequence[int], budget: Budget = BUDGET) -> tuple[Trained, Array]:
    """One network for each number of pairs and each seed, and its training error, Å per atom."""
    task, rule = task_of(case, representatives(case.symmetry_set))
    orbit = np.tile(np.arange(case.symmetry_set.degeneracy), MOLECULES)
    seen = np.stack([orbit < j for j in pairs for _ in seeds])
    own = Budget(budget.updates, min(budget.batch, len(task)), budget.looks)
    trained = train(rule, task, seen, [s for _ in pairs for s in seeds], [RATE] * len(seen), own)
    return trained, np.array(trained.progress[-1][1])


def right_objects(case: Case, trained: Trained) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Whether each object of the set gives a right output, bool (networks, molecules, objects), and which image, of these."""
    found = case.symmetry_set
    task, rule = task_of(case, range(int(found.size)))
    items = np.arange(len(task))
    predicted, shown = predict(rule, trained.network, trained.weights, task, items)
    errors = errors_of(task, items, predicted * UNIT, shown.elements, "nearest")
    shape = (len(predicted), MOLECULES, int(found.size))
    return (errors.total < RIGHT).reshape(shape), errors.domain.reshape(shape)


def run_case(case: Case) -> dict[str, Any]:
    """The line of a case."""
    found = case.symmetry_set
    pairs = [j for j in PAIRS if j <= found.degeneracy]
    trained, error = trained_on(case, pairs, SEEDS)
    right, image = right_objects(case, trained)
    images = int(found.group.order // found.target.order)
    reached = [[len(np.unique(i[r])) for r, i in zip(*each, strict=True)] for each in zip(right, image, strict=True)]
    shape = (len(pairs), len(SEEDS))
    return {
        "kind": "degeneracy",
        "group": case.group,
        "target": case.target,
        "ambient": case.ambient,
        "size": int(found.size),
        "degeneracy": int(found.degeneracy),
        "images": images,
        "pairs": pairs,
        "seeds": list(SEEDS),
        "molecules": MOLECULES,
        "updates": BUDGET.updates,
        "parameters": parameters_of(trained.weights),
        "train": np.round(error, 6).reshape(shape).tolist(),
        # Right objects of each S-orbit, the shown ones first.
        "right": (right @ np.eye(int(found.degeneracy), dtype=int)[found.orbits]).reshape(*shape, MOLECULES, -1).tolist(),
        "reached": np.array(reached).reshape(*shape, -1).tolist(),
        "seconds": round(trained.seconds, 1),
    }


def finished(store: Path) -> list[dict[str, Any]]:
    """The lines of this task."""
    return [line for line in lines(store) if line.get("kind") == "degeneracy"]


def measure(store: Path, *, few: bool = False, cases: Sequence[Case] = CASES) -> None:
    """Train and measure all cases that are not in the store; all have the first seeds alone, ``few`` or not."""
    torch.set_num_threads(1)
    done = {(line["group"], line["target"], line["ambient"]) for line in finished(store)}
    for case in cases:
        if (case.group, case.target, case.ambient) not in done:
            append(store, run_case(case))


def table(found: Sequence[dict[str, Any]]) -> str:
    """Share of the objects that give a right output, by the number of pairs shown, with what was not shown counted apart."""
    rows = [
        "| S to K in G | objects | S-orbits d | images of the target | largest training error (Å) | "
        + " | ".join(f"right after {j} pair{'s' * (j > 1)}" for j in PAIRS)
        + " | images reached after 1 |",
        "|---|---|---|---|---|" + "---|" * (len(PAIRS) + 1),
    ]
    for line in sorted(found, key=lambda each: (each["degeneracy"], each["ambient"], each["group"], each["target"])):
        asked = line["size"] * line["molecules"] * len(line["seeds"])
        by = {j: f"{np.sum(right)} of {asked}" for j, right in zip(line["pairs"], line["right"], strict=True)}
        least = int(np.min(line["reached"][0]))
        rows.append(
            f"| {line['group']} to {line['target']} in {line['ambient']} | {line['size']} | {line['degeneracy']} | "
            f"{line['images']} | {np.max(line['train']):.4f} | " + " | ".join(by.get(j, "") for j in PAIRS) + f" | {least} |"
        )
    return "\n".join(rows)


def orbits_right(found: Sequence[dict[str, Any]]) -> tuple[tuple[int, int], tuple[int, int]]:
    """(right, asked) of S-orbits for which a pair was shown, and of the others, over all cases, molecules and seeds.

    Objects of one S-orbit are right or wrong together, by equivariance, so that an S-orbit counts once.
    """
    shown, others = [0, 0], [0, 0]
    for line in found:
        whole = line["size"] // line["degeneracy"]
        for j, right in zip(line["pairs"], line["right"], strict=True):
            orbits = np.array(right) == whole
            for count, part in ((shown, orbits[..., :j]), (others, orbits[..., j:])):
                count[0] += int(part.sum())
                count[1] += part.size
    return (shown[0], shown[1]), (others[0], others[1])


def at_most(right: int, asked: int, level: float = 0.95) -> float:
    """Upper end of the one-sided interval for a share, C. J. Clopper and E. S. Pearson, Biometrika 26, 404 (1934)."""
    from scipy.stats import beta

    return 1.0 if right == asked else float(beta.ppf(level, right + 1, asked - right))


def section(found: Sequence[dict[str, Any]]) -> str:
    """Table and what it says, from the finished units."""
    own = [line for line in found if line.get("kind") == "degeneracy"]
    if not own:
        return ""
    shown, others = orbits_right(own)
    text = (
        f"{len(own)} pairs (S, K), {own[0]['molecules']} molecules, {len(own[0]['seeds'])} seeds. Of the S-orbits for which a "
        f"pair was shown {shown[0]} of {shown[1]} give right outputs (to {RIGHT} Å per atom), of those for which none was shown "
        f"{others[0]} of {others[1]} (95 % of confidence: less than {100 * at_most(*others):.1f} %)."
    )
    return f"{text}\n\n{table(own)}"
