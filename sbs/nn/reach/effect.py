"""A run-time probe that tells an inert breaker: one whose object changes nothing, now or ever."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.choice import Choice
from sbs.nn.outputs import find_breaker

__all__ = ["Effect", "effect"]

# Size of the random change of weights that wakes what starts at zero: comparable with e3nn's weights of order
# one.
_WAKE = 0.3

# Relative changes of an object by dtype, far above rounding and far below the difference of two objects: what they do to the
# output is the scale below which a difference between objects means nothing.
_NUDGE = {torch.float64: 1e-7, torch.float32: 1e-4}
_COARSE_NUDGE = 1e-2

# Such changes that are tried.
_NUDGES = 2

# A difference between two objects is this many times the response to such a change, or it is rounding.
_ABOVE = 10.0


@dataclass(frozen=True)
class Effect:
    """What `effect` found.

    Attributes:
        now: largest change of the output between objects with the present weights, relative to the output.
        woken: the same with randomly changed weights.
        verdict: "active" (the objects matter), "dormant" (not yet, but training can wake them: something starts at
            zero), "inert" (they never will), or "zero" (the output vanishes by symmetry for every object, so that nothing
            can be seen in it).
    """

    now: float
    woken: float
    verdict: Literal["active", "dormant", "inert", "zero"]

    def __bool__(self) -> bool:
        return self.verdict in ("active", "dormant")

    def __str__(self) -> str:
        explanation = {
            "active": "the choice of object changes the output",
            "dormant": "the choice of object changes nothing yet, but does with other weights: train",
            "inert": "the choice of object cannot change the output: see sbs.nn.can_break, or ask for a set with lmax=",
            "zero": "the output is zero by symmetry for every object: look at another output",
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
    seed: int = 0,
) -> Effect:
    """Probe how much the output depends on the object, now and after a random change of all weights.

    The model is left as it is: weights are put back exactly, also after an error. What counts as a change is measured too:
    the difference between objects has to stand above the response to tiny changes of one object, so that rounding, however
    much a network amplifies it, is no effect.

    Args:
        model: built with, or attached to, ``breaker``; called ``model(inputs)``.
        num_graphs: in ``inputs``. Several sets: the first is probed.
        select: takes the tensor of interest from what the model returns.

    Raises:
        NetworkInputError: if the model does not hold this breaker, or the set has one object only.
    """
    if find_breaker(model) is not breaker:
        raise NetworkInputError("The breaker is not part of this model; pass the one it was built with or attached to.")
    if not breaker.infinite and int(breaker.sizes[0]) < 2:
        raise NetworkInputError("The set has one object: there is no choice whose effect could be probed.")
    now = _change(model, breaker, inputs, num_graphs, select, seed)
    with _other_weights(model, seed):
        woken = _change(model, breaker, inputs, num_graphs, select, seed)
    if now.seen:
        verdict: Literal["active", "dormant", "inert", "zero"] = "active"
    elif woken.seen:
        verdict = "dormant"
    else:
        verdict = "zero" if now.zero and woken.zero else "inert"
    return Effect(now.relative if now.seen else 0.0, woken.relative if woken.seen else 0.0, verdict)


class _Change(NamedTuple):
    """Relative difference between objects, whether it stands above rounding, and whether the outputs are rounding alone."""

    relative: float
    seen: bool
    zero: bool


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
) -> _Change:
    training = model.training
    model.eval()
    stream = copy.deepcopy(breaker.stream)
    breaker.stream.reseed(seed)
    sets = torch.zeros(num_graphs, dtype=torch.int64, device=breaker.device)
    generator = torch.Generator().manual_seed(seed)

    def output(features: Tensor) -> Tensor:
        with breaker.choose(features=features, set_index=sets):
            found = model(_fresh(inputs))
        found = select(found) if select is not None else found
        if not isinstance(found, Tensor):
            raise NetworkInputError(f"The model returned {type(found).__name__}, not a tensor; pass select=.")
        return found.detach()

    def noise(features: Tensor) -> Tensor:
        drawn = torch.randn(features.shape, generator=generator, dtype=torch.float64)
        return drawn.to(features) * features.abs().amax()

    try:
        with torch.no_grad():
            objects = [
                breaker.objects_for(_numbered(breaker, sets, number), num_graphs) for number in _numbers(breaker)
            ]
        # Not under no_grad: a model may differentiate its energy.
        with _magnitude(model) as inside:
            outputs = [output(objects[0])]
        outputs += [output(each) for each in objects[1:]]
        nudge = _NUDGE.get(outputs[0].dtype, _COARSE_NUDGE)
        nudged = [output(objects[0] + nudge * noise(objects[0])) for _ in range(_NUDGES)]
        other = output(noise(objects[0]))
    finally:
        breaker.stream = stream
        model.train(training)
    stacked = torch.stack(outputs)
    scale = float(stacked.abs().max())
    change = float((stacked - stacked[:1]).abs().max())
    response = max(float((each - outputs[0]).abs().max()) for each in nudged)
    # Against the output for an object without symmetry, an output that vanishes by symmetry is rounding.
    largest = max(float(other.abs().max()), scale)
    zero = scale <= nudge * largest or largest == 0
    # And what numbers inside leave behind when they cancel is rounding too.
    rounding = _ABOVE * torch.finfo(stacked.dtype).eps
    zero = zero or largest <= rounding * max(1.0, *inside)
    relative = change / scale if scale > 0 and math.isfinite(scale) else 0.0
    return _Change(relative, change > max(_ABOVE * response, rounding), zero)


@contextlib.contextmanager
def _magnitude(model: nn.Module) -> Iterator[list[float]]:
    """The largest number in each tensor that a part of the model hands on, times the root of the nodes it may be summed over."""
    found: list[float] = []

    def see(module: nn.Module, args: Any, output: Any) -> None:
        parts = output if isinstance(output, (tuple, list)) else (output,)
        for each in parts:
            if isinstance(each, Tensor) and each.is_floating_point() and each.ndim == 2 and each.numel():
                found.append(float(each.detach().abs().max()) * math.sqrt(len(each)))

    handles = [
        each.register_forward_hook(see) for each in model.modules() if not isinstance(each, torch.jit.ScriptModule)
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _numbered(breaker: SymmetryBreaker, sets: Tensor, number: int) -> Choice:
    return Choice(None if breaker.infinite else sets + number, sets, draw=True)


def _numbers(breaker: SymmetryBreaker) -> range:
    # The second object alone may differ from the first by an element that the output keeps: try up to eight.
    return range(8 if breaker.infinite else min(int(breaker.sizes[0]), 8))


def _fresh(inputs: Any) -> Any:
    """A shallow copy: some models write into the data they are given."""
    return copy.copy(inputs)
