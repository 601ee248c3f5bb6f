"""Training: all folds and seeds of a technique at once, on the same batches, each network with its own held-out items.

Adam with a learning rate for each network (warm-up, then half a cosine), gradients clipped for each network. In every update
all networks see the same items; an item that a network must not see has no weight in its loss. So the same matrix products
serve networks of all folds. What a seed changes are the initial weights, what differs between two
updates is shared.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from benchmarks.broken_perovskites.body import Body, Weights
from benchmarks.broken_perovskites.geometry import Messages
from benchmarks.broken_perovskites.tasks import UNIT, Task
from benchmarks.broken_perovskites.techniques import Network, Rule, Shown, network_for

__all__ = ["Budget", "Trained", "predict", "train"]

WARM_UP = 0.05
CLIP = 1.0
BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Budget:
    """Of one training: number of updates, items in each, how often the progress is looked at."""

    updates: int = 1500
    batch: int = 24
    looks: int = 30


@dataclass(frozen=True, eq=False)
class Trained:
    """Networks after training.

    Attributes:
        progress: for each look (update, median training error of each network and error that breaks K of the held-out
            items, Å), see `measures`.
        seconds: processor time.
    """

    network: Network
    weights: Weights
    progress: list[tuple[int, list[float], list[float]]]
    seconds: float


def outputs(network: Network, weights: Weights, task: Task, messages: Messages, items: Tensor, shown: Shown) -> Tensor:
    """Displacements of a batch, (M, B, J, 3), in `UNIT`."""
    features = torch.from_numpy(task.features).to(shown.objects.dtype)[items]
    if isinstance(network, Body):
        crystals = torch.from_numpy(task.crystal)[items]
        kinds = torch.tensor(task.kinds)
        return network(weights, messages.take(crystals), features, kinds, shown.objects)
    cells = torch.from_numpy(task.cells).to(features.dtype)[items] / 4.0
    return network(weights, cells[None], features, shown.objects[:, :, 0])


def losses(predicted: Tensor, targets: Tensor, elements: Tensor, rule: Rule) -> Tensor:
    """Mean square error per component of each item, (M, B); targets (B, domains, J, 3)."""
    if rule.loss == "paired":
        own = targets[torch.arange(len(elements)), elements]
        return (predicted - own).square().mean(dim=(2, 3))
    return (predicted[:, :, None] - targets).square().mean(dim=(3, 4)).amin(dim=2)


def predict(
    rule: Rule, network: Network, weights: Weights, task: Task, items: npt.NDArray[np.int64], seed: int = 0
) -> tuple[Tensor, Shown]:
    """Outputs for some items, (M, B, J, 3) in `UNIT`, and what the networks were shown."""
    stream = np.random.default_rng([seed, 99])
    messages = task.messages.to(torch.float32)
    found, parts = [], []
    with torch.no_grad():
        for start in range(0, len(items), 32):
            some = torch.from_numpy(items[start : start + 32])
            shown = rule.show(task, some, weights, stream)
            found.append(outputs(network, weights, task, messages, some, shown))
            parts.append(shown)
    objects = torch.cat([p.objects for p in parts], dim=1)
    return torch.cat(found, dim=1), Shown(objects, torch.cat([p.elements for p in parts]))


def train(
    rule: Rule,
    task: Task,
    seen: npt.NDArray[np.bool_],
    seeds: list[int],
    rates: list[float],
    budget: Budget,
    layers: int = 2,
    channels: int = 8,
    watch: int = 64,
) -> Trained:
    """Train one network for each seed and rate.

    Args:
        seen: bool (networks, items), which items each network is trained on.
        watch: number of items whose errors are looked at on the way.
    """
    started = time.process_time()
    network = network_for(rule, task, layers, channels)
    weights = {**network_weights(network, seeds), **rule.weights(task, seeds)}
    for w in weights.values():
        w.requires_grad_()
    names = list(weights)
    first = {n: torch.zeros_like(w) for n, w in weights.items()}
    second = {n: torch.zeros_like(w) for n, w in weights.items()}
    rate = torch.tensor(rates)
    messages = task.messages.to(torch.float32)
    targets = task.domain_targets()
    allowed = torch.from_numpy(seen).float()
    stream = np.random.default_rng([len(task), 3])
    order = np.empty(0, dtype=np.int64)
    watched = np.random.default_rng(1).permutation(len(task))[:watch]
    looks = {round(k * budget.updates / budget.looks) for k in range(1, budget.looks + 1)}
    progress = []
    for update in range(1, budget.updates + 1):
        if len(order) < budget.batch:
            order = np.concatenate([order, stream.permutation(len(task))])
        items, order = torch.from_numpy(order[: budget.batch].copy()), order[budget.batch :]
        shown = rule.show(task, items, weights, stream)
        predicted = outputs(network, weights, task, messages, items, shown)
        mask = allowed[:, items]
        loss = (losses(predicted, targets[items], shown.elements, rule) * mask).sum(1) / mask.sum(1).clamp(min=1)
        grads = torch.autograd.grad(loss.sum(), [weights[n] for n in names], allow_unused=True)
        share = update / budget.updates
        factor = min(1.0, share / WARM_UP) * 0.5 * (1 + math.cos(math.pi * share))
        _adam(weights, dict(zip(names, grads, strict=True)), first, second, rate * factor, update)
        if update in looks:
            progress.append((update, *_look(rule, network, weights, task, watched, seen, targets)))
    return Trained(network, {n: w.detach() for n, w in weights.items()}, progress, time.process_time() - started)


def network_weights(network: Network, seeds: list[int], dtype: torch.dtype = torch.float32) -> Weights:
    """Random weights, one network for each seed, whatever the other seeds are."""
    found: dict[str, list[Tensor]] = {name: [] for name in network.shapes}
    for seed in seeds:
        stream = torch.Generator().manual_seed(1_000_003 * seed + 17)
        for name, (shape, deviation) in network.shapes.items():
            found[name].append((deviation * torch.randn(shape, generator=stream, dtype=torch.float64)).to(dtype))
    return {name: torch.stack(each) for name, each in found.items()}


def _adam(
    weights: Weights, grads: dict[str, Tensor | None], first: Weights, second: Weights, rate: Tensor, update: int
) -> None:
    """One update in place; gradients are clipped for each network on its own."""
    known = {n: g for n, g in grads.items() if g is not None}
    norm = sum((g.flatten(1).square().sum(1) for g in known.values()), start=torch.zeros(len(rate))).sqrt()
    clip = (CLIP / norm.clamp(min=1e-12)).clamp(max=1.0)
    with torch.no_grad():
        for name, grad in known.items():
            shape = (-1,) + (1,) * (grad.ndim - 1)
            grad = grad * clip.reshape(shape)
            first[name].lerp_(grad, 1 - BETAS[0])
            second[name].lerp_(grad.square(), 1 - BETAS[1])
            step = first[name] / (1 - BETAS[0] ** update)
            step = step / ((second[name] / (1 - BETAS[1] ** update)).sqrt() + 1e-8)
            weights[name] -= rate.reshape(shape) * step


def _look(
    rule: Rule,
    network: Network,
    weights: Weights,
    task: Task,
    items: npt.NDArray[np.int64],
    seen: npt.NDArray[np.bool_],
    targets: Tensor,
) -> tuple[list[float], list[float]]:
    """Training error and part that breaks K on held-out items, of each network, Å per atom."""
    from benchmarks.broken_perovskites.measures import errors_of

    predicted, shown = predict(rule, network, weights, task, items)
    found = errors_of(task, items, predicted * UNIT, shown.elements, rule.loss)
    inside = seen[:, items]
    train_error = np.sqrt((found.total**2 * inside).sum(1) / inside.sum(1))
    outside = ~inside if not inside.all() else inside
    breaking = np.sqrt((found.breaking**2 * outside).sum(1) / np.maximum(outside.sum(1), 1))
    return [round(float(x), 6) for x in train_error], [round(float(x), 6) for x in breaking]
