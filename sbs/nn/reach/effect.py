"""A run-time probe that tells an inert breaker: one whose object changes nothing, now or ever."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.outputs import find_breaker

__all__ = ["Effect", "effect"]

# Size of the random change of weights that wakes what starts at zero: comparable with e3nn's weights of order
# one.
_WAKE = 0.3


@dataclass(frozen=True)
class Effect:
    """What `effect` found.

    Attributes:
        now: largest change of the output between objects with the present weights, relative to the output.
        woken: the same with randomly changed weights.
        verdict: "active" (the objects matter), "dormant" (not yet, but training can wake them: something starts at
            zero), or "inert" (they never will).
    """

    now: float
    woken: float
    verdict: Literal["active", "dormant", "inert"]

    def __bool__(self) -> bool:
        return self.verdict != "inert"

    def __str__(self) -> str:
        explanation = {
            "active": "the choice of object changes the output",
            "dormant": "the choice of object changes nothing yet, but does with other weights: train",
            "inert": "the choice of object cannot change the output: see sbs.nn.can_break, or ask for a set with lmax=",
        }[self.verdict]
        change = f"relative change {self.now:.1e} now, {self.woken:.1e} with other weights"
        return f"{self.verdict}: {explanation} ({change})"


def effect(
    model: nn.Module,
    breaker: SymmetryBreaker,
    inputs: Any,
    *,
    num_graphs: int = 1,
    select: Callable[[Any], Tensor] | None = None,
    tolerance: float | None = None,
    seed: int = 0,
) -> Effect:
    """Probe how much the output depends on the object, now and after a random change of all weights.

    The model is left as it is: weights are put back exactly, also after an error.

    Args:
        model: built with, or attached to, ``breaker``; called ``model(inputs)``.
        num_graphs: in ``inputs``. Several sets: the first is probed.
        select: takes the tensor of interest from what the model returns.
        tolerance: relative change that counts as none; by default 100 roundings of the output's dtype.

    Raises:
        NetworkInputError: if the model does not hold this breaker, or the set has one object only.
    """
    if find_breaker(model) is not breaker:
        raise NetworkInputError("The breaker is not part of this model; pass the one it was built with or attached to.")
    if not breaker.infinite and int(breaker.sizes[0]) < 2:
        raise NetworkInputError("The set has one object: there is no choice whose effect could be probed.")
    now, dtype = _change(model, breaker, inputs, num_graphs, select, seed)
    with _other_weights(model, seed):
        woken, _ = _change(model, breaker, inputs, num_graphs, select, seed)
    limit = 100 * torch.finfo(dtype).eps if tolerance is None else tolerance
    verdict: Literal["active", "dormant", "inert"] = (
        "active" if now > limit else "dormant" if woken > limit else "inert"
    )
    return Effect(now, woken, verdict)


@contextlib.contextmanager
def _other_weights(model: nn.Module, seed: int) -> Iterator[None]:
    """Change all weights at random, and put back what was there."""
    generator = torch.Generator().manual_seed(seed)
    weights = [p for p in model.parameters() if p.is_floating_point()]
    kept = [p.detach().clone() for p in weights]
    try:
        with torch.no_grad():
            for parameter in weights:
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                parameter.add_(_WAKE * noise.to(parameter))
        yield
    finally:
        with torch.no_grad():
            for parameter, value in zip(weights, kept, strict=True):
                parameter.copy_(value)


def _change(
    model: nn.Module,
    breaker: SymmetryBreaker,
    inputs: Any,
    num_graphs: int,
    select: Callable[[Any], Tensor] | None,
    seed: int,
) -> tuple[float, torch.dtype]:
    training = model.training
    model.eval()
    stream = copy.deepcopy(breaker.stream)
    breaker.stream.reseed(seed)
    sets = torch.zeros(num_graphs, dtype=torch.int64, device=breaker.device)
    outputs = []
    try:
        for number in _numbers(breaker):
            index = None if breaker.infinite else sets + number
            with breaker.choose(index, set_index=sets, draw=True):
                output = model(_fresh(inputs))
            output = select(output) if select is not None else output
            if not isinstance(output, Tensor):
                raise NetworkInputError(f"The model returned {type(output).__name__}, not a tensor; pass select=.")
            outputs.append(output.detach())
    finally:
        breaker.stream = stream
        model.train(training)
    stacked = torch.stack(outputs)
    scale = float(stacked.abs().max())
    change = float((stacked - stacked[:1]).abs().max())
    return (change / scale if scale > 0 and math.isfinite(scale) else 0.0), stacked.dtype


def _numbers(breaker: SymmetryBreaker) -> range:
    # The second object alone may differ from the first by an element that the output keeps: try up to eight.
    return range(8 if breaker.infinite else min(int(breaker.sizes[0]), 8))


def _fresh(inputs: Any) -> Any:
    """A shallow copy: some models write into the data they are given."""
    return copy.copy(inputs)
