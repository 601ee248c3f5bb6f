"""Ways of breaking symmetry, each as a rule: which object a network gets, and with which domain its output is compared.

Where the objects of a rule are one S-orbit and the network is equivariant, one object of the orbit is enough in training:
the loss of every other one is the same, number for number. Rules that draw do so in every update.

All objects are in e3nn's component normalisation (a vector has squared length 3), so that no technique has larger inputs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

import sbs
from benchmarks.broken_perovskites.body import Body, Weights
from benchmarks.broken_perovskites.perceptron import Perceptron
from benchmarks.broken_perovskites.tasks import Task
from sbs.nn import SymmetryBreaker

__all__ = ["TECHNIQUES", "Network", "Rule", "Shown", "network_for", "rule_for"]

#: "paired": the error against the domain that goes with the object; "nearest": against the nearest domain.
Loss = Literal["paired", "nearest"]


@dataclass(frozen=True)
class Shown:
    """What networks are shown of a batch of items.

    Attributes:
        objects: (M or 1, B, J, object_dim).
        elements: int64 (B,), which domain goes with each object, by its number in `Task.domain_targets`.
    """

    objects: Tensor
    elements: Tensor


class Rule(Protocol):
    """A technique."""

    @property
    def name(self) -> str:
        """For tables."""

    @property
    def loss(self) -> Loss:
        """How outputs are compared with domains."""

    @property
    def equivariant(self) -> bool:
        """Whether the network is the body; else it is the perceptron."""

    @property
    def object_irreps(self) -> str:
        """Of the object on a node."""

    @property
    def draws(self) -> bool:
        """Whether objects are drawn anew for each prediction."""

    def weights(self, task: Task, seeds: list[int]) -> Weights:
        """Learnt parameters of the rule itself, stacked; usually none."""

    def show(self, task: Task, items: Tensor, weights: Weights, stream: np.random.Generator) -> Shown:
        """The objects of a batch, items int64 (B,)."""

    def passes(self, task: Task) -> tuple[int | None, int | None]:
        """Passes of the network until all domains of an item are known, without and with transport by S.

        None where that is a matter of chance, or where only one domain can be had.
        """


@dataclass(frozen=True)
class Fixed:
    """One vector for each phase, the same on all nodes, taken from a set: its S-orbit is what the technique offers.

    Attributes:
        source: "smallest", the smallest set; "full", the smallest set that breaks all of S, an orbit of 48; "none".
        pairing: with which domain an object of the full set goes: with the "nearest" to it, with the one in the "middle" of
            the order by angle, with one drawn for each composition ("random").
    """

    name: str
    source: Literal["smallest", "full", "none"]
    pairing: Literal["nearest", "middle", "random"] = "nearest"
    equivariant: bool = True
    loss: Loss = "paired"
    object_irreps: str = "1x1o"
    draws: bool = False

    def weights(self, task: Task, seeds: list[int]) -> Weights:
        """None."""
        return {}

    def show(self, task: Task, items: Tensor, weights: Weights, stream: np.random.Generator) -> Shown:
        """The object that goes with the stored domain."""
        vectors = _vectors(self, task)[items]
        return Shown(vectors[None, :, None].expand(1, -1, task.sites, -1), torch.zeros_like(items))

    def passes(self, task: Task) -> tuple[int | None, int | None]:
        """One for each object; by transport one. A network without objects gives one domain only."""
        most = max(len(p.domains) for p in task.phases)
        return {"smallest": (most, 1), "full": (len(task.actions), 1), "none": (None, 1)}[self.source]


_VECTORS: dict[tuple[str, str, str, int], Tensor] = {}


def _vectors(rule: Fixed, task: Task) -> Tensor:
    """The vector of each item, float32 (items, 3)."""
    key = (rule.source, rule.pairing, task.name, id(task))
    if key not in _VECTORS:
        if rule.source == "none":
            found = torch.zeros(len(task), 3)
        elif rule.source == "smallest":
            per_phase = [SymmetryBreaker(p.symmetry_set, mode="index").objects[0, p.paired] for p in task.phases]
            found = torch.stack(per_phase)[torch.from_numpy(task.phase)].float()
        else:
            found = _full_vectors(rule, task)
        _VECTORS.clear()
        _VECTORS[key] = found
    return _VECTORS[key]


def _full_vectors(rule: Fixed, task: Task) -> Tensor:
    """Of the orbit of a generic vector the object that goes with the stored domain of each item."""
    full = sbs.minimal_set("Oh", "C1")
    orbit = SymmetryBreaker(full, mode="index").objects[0].float()
    found = torch.zeros(len(task), 3)
    stream = np.random.default_rng(7)
    units = sorted(set(task.composition))
    drawn = dict(zip(units, stream.integers(len(orbit), size=len(units)), strict=True))
    for number, phase in enumerate(task.phases):
        own = np.flatnonzero(task.phase == number)
        axis = np.asarray(phase.symmetry_set.objects)[phase.paired]
        axes = np.asarray(full.group.matrices)[phase.domains] @ axis
        # The order of the domains by angle from each object: the stored domain is number 0.
        rank = (-(orbit.double().numpy() @ axes.T)).argsort(axis=1).argsort(axis=1)[:, 0]
        if rule.pairing == "random":
            found[own] = orbit[torch.tensor([int(drawn[task.composition[i]]) for i in own])]
        else:
            wanted = 0 if rule.pairing == "nearest" else len(axes) // 2
            found[own] = orbit[int(np.flatnonzero(rank == wanted)[0])]
    return found


@dataclass(frozen=True)
class Learned:
    """A learnt object, the same for all items of a phase; its S-orbit is what the technique offers.

    With "1x1o" the vector of `sbs.nn.LearnedBreaker`; with more irreps, and paired, relaxed weights: parameters that are
    not invariant enter the tensor products of all layers.
    """

    name: str
    loss: Loss
    object_irreps: str = "1x1o"
    normalised: bool = True
    equivariant: bool = True
    draws: bool = False

    def weights(self, task: Task, seeds: list[int]) -> Weights:
        """The object of each phase, (M, phases, dim)."""
        dim = Body(1, object_irreps=self.object_irreps).object_dim
        drawn = [np.random.default_rng(10_007 * seed + 5).normal(size=(len(task.phases), dim)) for seed in seeds]
        values = torch.from_numpy(np.stack(drawn)).float()
        # Relaxed weights begin near the symmetric network.
        return {"rule.object": values if self.normalised else 0.1 * values}

    def show(self, task: Task, items: Tensor, weights: Weights, stream: np.random.Generator) -> Shown:
        """The learnt object, against the stored domain."""
        vectors = weights["rule.object"]
        if self.normalised:
            vectors = vectors * (vectors.shape[-1] ** 0.5 / vectors.norm(dim=-1, keepdim=True))
        shown = vectors[:, torch.from_numpy(task.phase)[items]]
        return Shown(shown[:, :, None].expand(-1, -1, task.sites, -1), torch.zeros_like(items))

    def passes(self, task: Task) -> tuple[int | None, int | None]:
        """One for each element of S; by transport one."""
        return len(task.actions), 1


@dataclass(frozen=True)
class Drawn:
    """Objects drawn for each prediction: one vector uniform on the sphere, or Gaussian noise for each node."""

    name: str
    each_node: bool
    object_irreps: str = "1x1o"
    loss: Loss = "nearest"
    equivariant: bool = True
    draws: bool = True

    def weights(self, task: Task, seeds: list[int]) -> Weights:
        """None."""
        return {}

    def show(self, task: Task, items: Tensor, weights: Weights, stream: np.random.Generator) -> Shown:
        """New draws."""
        dim = Body(1, object_irreps=self.object_irreps).object_dim
        drawn = stream.normal(size=(len(items), task.sites if self.each_node else 1, dim))
        if not self.each_node:
            drawn = drawn * (dim**0.5 / np.linalg.norm(drawn, axis=-1, keepdims=True))
        found = torch.from_numpy(drawn).float().expand(-1, task.sites, -1)
        return Shown(found[None], torch.zeros_like(items))

    def passes(self, task: Task) -> tuple[int | None, int | None]:
        """A matter of chance; all images of one output are known by transport."""
        return None, 1


@dataclass(frozen=True)
class Listed:
    """One object for each domain, drawn in training, all of them to be shown.

    Attributes:
        source: "smallest", the objects of the smallest set; "unrelated", as many random vectors, no orbit of anything.
    """

    name: str
    source: Literal["smallest", "unrelated"]
    equivariant: bool
    object_irreps: str = "1x1o"
    loss: Loss = "paired"
    draws: bool = True

    def weights(self, task: Task, seeds: list[int]) -> Weights:
        """None."""
        return {}

    def vectors(self, task: Task) -> Tensor:
        """(phases, domains, 3), component normalisation."""
        return _listed(self.source, task)

    def show(self, task: Task, items: Tensor, weights: Weights, stream: np.random.Generator) -> Shown:
        """A domain drawn for each item, with its object."""
        counts = np.array([len(p.domains) for p in task.phases])
        phase = task.phase[items.numpy()]
        chosen = torch.from_numpy((stream.random(len(items)) * counts[phase]).astype(np.int64))
        found = self.vectors(task)[torch.from_numpy(phase), chosen]
        return Shown(found[None, :, None].expand(1, -1, task.sites, -1), chosen)

    def passes(self, task: Task) -> tuple[int | None, int | None]:
        """One for each object. Unrelated objects are not taken to each other by S."""
        most = max(len(p.domains) for p in task.phases)
        return most, 1 if self.equivariant and self.source == "smallest" else most


_LISTED: dict[tuple[str, tuple[str, ...]], Tensor] = {}


def _listed(source: str, task: Task) -> Tensor:
    key = (source, tuple(p.name for p in task.phases))
    if key not in _LISTED:
        most = max(len(p.domains) for p in task.phases)
        found = torch.zeros(len(task.phases), most, 3)
        stream = np.random.default_rng(11)
        for number, phase in enumerate(task.phases):
            if source == "smallest":
                matrices = np.asarray(phase.symmetry_set.group.matrices)[phase.domains]
                vectors = matrices @ np.asarray(phase.symmetry_set.objects)[phase.paired]
            else:
                vectors = stream.normal(size=(len(phase.domains), 3))
            vectors = vectors * (3**0.5 / np.linalg.norm(vectors, axis=1, keepdims=True))
            found[number, : len(vectors)] = torch.from_numpy(vectors).float()
        _LISTED[key] = found
    return _LISTED[key]


#: In the order of the tables; the first three get the most seeds.
TECHNIQUES: tuple[Rule, ...] = (
    Fixed("smallest set", "smallest"),
    Fixed("full set, nearest pairing", "full"),
    Learned("learned vector, nearest domain", "nearest"),
    Fixed("full set, other pairing", "full", "middle"),
    Fixed("full set, random pairing", "full", "random"),
    Learned("learned vector, paired", "paired"),
    Drawn("random vector on the sphere", False),
    Listed("unrelated vectors", "unrelated", True),
    Drawn("noise on each node", True),
    Listed("perceptron, smallest set", "smallest", False),
    Fixed("perceptron", "none", loss="nearest", equivariant=False),
    Fixed("canonicalisation", "none", equivariant=False),
    Learned("relaxed weights", "paired", "1x1o+1x2e", normalised=False),
    Fixed("none", "none"),
)


def rule_for(name: str) -> Rule:
    """A technique by its name."""
    return {rule.name: rule for rule in TECHNIQUES}[name]


Network = Body | Perceptron
#: Relative difference of the numbers of parameters that is allowed.
MATCH = 0.02


def network_for(rule: Rule, task: Task, layers: int = 2, channels: int = 8) -> Network:
    """The network of a technique: the body, or a perceptron, with as many parameters as the body of the smallest set."""
    features = task.features.shape[1]
    body = Body(features, max(task.kinds) + 1, "1x1o", channels, layers, neighbourhood=task.messages.neighbourhood)
    wanted = _count(body)
    if not rule.equivariant:
        widths = [Perceptron(features, task.sites, 3, width) for width in range(4, 200)]
        return min(widths, key=lambda each: abs(_count(each) - wanted))
    if rule.object_irreps == body.object_irreps:
        return body
    # More irreps in the object bring more paths: fewer channels, and the width of the embedding makes up for the rest.
    bodies = [
        replace(body, object_irreps=rule.object_irreps, channels=c, hidden=hidden)
        for c in range(2, channels + 1)
        for hidden in range(body.hidden // 2, 4 * body.hidden)
    ]
    near = [each for each in bodies if abs(_count(each) - wanted) <= MATCH * wanted]
    return max(near or bodies, key=lambda each: (each.channels, -abs(_count(each) - wanted)))


def _count(network: Network) -> int:
    return int(sum(np.prod(shape) for shape, _ in network.shapes.values()))
