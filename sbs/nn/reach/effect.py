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
from sbs.groups.abstract.validation import check_integer, shown
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import check_kind, check_tensors
from sbs.nn.choice import Choice
from sbs.nn.outputs import find_breaker
from sbs.sets.transport import generating_objects

__all__ = ["Effect", "effect"]

# Size of the random change of weights that wakes what starts at zero: comparable with e3nn's weights of order
# one. Such changes that are tried.
_WAKE, _WAKES = 0.3, 3

# Rounding is measured: weights and objects are changed in their last digits, so many times, and what that does to the output is
# rounding (J. Vignes, Math. Comput. Simul. 35, 233 (1993)). A change is one if it is so many times larger.
_REPEATS, _ABOVE = 3, 10.0
# Units in the last place, of weights.
_DIGITS = 4.0
# Relative to an object, by dtype: stored objects are exact to 1e-11.
_NUDGE = {torch.float64: 1e-9, torch.float32: 1e-6}
_COARSE_NUDGE = 1e-2

# By dtype, the part of the output for an object without symmetry below which an output is zero: networks with coupling
# constants in float32 are symmetric to 1e-6 in any dtype.
_VANISHING = {torch.float64: 1e-6, torch.float32: 1e-4}
_COARSE_VANISHING = 1e-2

# More graphs fit into no memory, and larger numbers are no seeds of torch.
_MOST_GRAPHS = 2**24
# Objects that are compared, at most.
_MOST_OBJECTS = 32
# And of an infinite set.
_DRAWN_OBJECTS = 8


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
    the difference between objects has to stand above what it becomes with weights changed in their last digits, so that
    rounding, however much a network amplifies it, is no effect. Compared are objects that tell for all others if the input is
    symmetric: one of each S-orbit, and its images under generators of S.

    Args:
        model: built with, or attached to, ``breaker``; called ``model(inputs)``.
        num_graphs: in ``inputs``. Several sets: the first is probed.
        select: takes the tensor of interest from what the model returns.

    Raises:
        NetworkInputError: if the model does not hold this breaker, the set has one object only, or the output is no tensor.
    """
    check_kind(model, nn.Module, "model")
    check_kind(breaker, SymmetryBreaker, "breaker")
    num_graphs, seed = check_integer(num_graphs, "num_graphs", 1, _MOST_GRAPHS), check_integer(seed, "seed", 0, _MOST_GRAPHS)
    if select is not None and not callable(select):
        raise NetworkInputError(f"select={shown(select)}; expected a function of what the model returns.")
    if find_breaker(model) is not breaker:
        raise NetworkInputError("The breaker is not part of this model; pass the one it was built with or attached to.")
    if not breaker.infinite and int(breaker.sizes[0]) < 2:
        raise NetworkInputError("The set has one object: there is no choice whose effect could be probed.")
    now = _change(model, breaker, inputs, num_graphs, select, seed)
    woken = now
    for wake in range(_WAKES):
        with _changed_weights(model, seed + wake, _woken):
            woken = _change(model, breaker, inputs, num_graphs, select, seed)
        if now.seen or woken.seen:
            break
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


def _woken(values: Tensor, noise: Tensor) -> Tensor:
    return values + _WAKE * noise


def _last_digits(values: Tensor, noise: Tensor) -> Tensor:
    return values * (1 + _DIGITS * torch.finfo(values.dtype).eps * noise)


@contextlib.contextmanager
def _changed_weights(model: nn.Module, seed: int, change: Callable[[Tensor, Tensor], Tensor]) -> Iterator[None]:
    """Change all weights at random, and put back what was there."""
    generator = torch.Generator().manual_seed(seed)
    weights = [p for p in model.parameters() if p.is_floating_point()]
    kept = [p.detach().clone() for p in weights]
    try:
        with torch.no_grad():
            for parameter in weights:
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                parameter.copy_(change(parameter, noise.to(parameter)))
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

    def noise_like(features: Tensor) -> Tensor:
        drawn = torch.randn(features.shape, generator=generator, dtype=torch.float64).to(features)
        return drawn * (torch.linalg.vector_norm(features) / torch.linalg.vector_norm(drawn))

    def output(features: Tensor) -> Tensor:
        with breaker.choose(features=features, set_index=sets):
            found = model(_fresh(inputs))
        found = select(found) if select is not None else found
        check_tensors(True, **{"the output" if select is None else "what select returns": found})
        if not found.is_floating_point() or not found.numel():
            raise NetworkInputError(
                f"The output is a tensor of {found.dtype}, shape {tuple(found.shape)}; expected real numbers: pass select=."
            )
        return found.detach()

    try:
        with torch.no_grad():
            objects = [
                breaker.objects_for(_numbered(breaker, sets, number), num_graphs) for number in _numbers(breaker)
            ]
        outputs = torch.stack([output(each) for each in objects])
        apart = (outputs - outputs[:1]).abs().flatten(1).amax(dim=1)
        other = int(apart.argmax())
        first, difference = outputs[0], outputs[other] - outputs[0]
        nudge = _NUDGE.get(outputs.dtype, _COARSE_NUDGE)
        noise = noise_of_first = 0.0
        for repeat in range(_REPEATS):
            nudged = [objects[number] + nudge * noise_like(objects[number]) for number in (0, other)]
            with _changed_weights(model, seed + repeat, _last_digits):
                again, changed = (output(each) for each in nudged)
            noise = max(noise, _largest(changed - again - difference))
            noise_of_first = max(noise_of_first, _largest(again - first))
        largest = _largest(output(noise_like(objects[0])))
    finally:
        breaker.stream = stream
        model.train(training)
    scale, change = _largest(outputs), float(apart[other])
    eps = torch.finfo(outputs.dtype).eps
    vanishing = _VANISHING.get(outputs.dtype, _COARSE_VANISHING)
    zero = scale <= max(_ABOVE * noise_of_first, vanishing * largest)
    relative = change / scale if scale > 0 and math.isfinite(scale) else 0.0
    return _Change(relative, not zero and change > _ABOVE * max(noise, eps * scale), zero)


def _largest(values: Tensor) -> float:
    return float(values.abs().max()) if values.numel() else 0.0


def _numbered(breaker: SymmetryBreaker, sets: Tensor, number: int) -> Choice:
    return Choice(None if breaker.infinite else sets + number, sets, draw=True)


def _numbers(breaker: SymmetryBreaker) -> list[int]:
    if breaker.infinite:
        return list(range(_DRAWN_OBJECTS))
    if not breaker.sets:  # the orbit of a learned vector, numbered like the elements of its group
        return [0, *map(int, breaker.group_of(0).generators)]
    return [int(number) for number in generating_objects(breaker.sets[0])[:_MOST_OBJECTS]]


def _fresh(inputs: Any) -> Any:
    """A shallow copy: some models write into the data they are given."""
    return copy.copy(inputs)
