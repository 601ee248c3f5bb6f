"""Attach a symmetry breaker to a model that exists or is already trained, and detach it again."""

from __future__ import annotations

import difflib
import warnings
from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import as_irreps, check_kind, check_like
from sbs.nn.host.calls import Call
from sbs.nn.host.graphs import GraphReader
from sbs.nn.host.injection import Injection
from sbs.nn.host.sites import Side, Site, locate
from sbs.nn.reach.paths import UnreachableBreakerWarning, unreachable_blocks, unreachable_message

__all__ = ["Attachment", "attach", "attachments_of", "detach", "expect_fields"]

_CHILD = "symmetry_injection"
_CALL = "_symmetry_call"

class _Hook:
    """Puts the injection before or behind a layer."""

    def __init__(self, site: Site, injection: Injection, call: Call) -> None:
        self.site = site
        self.injection = injection
        self.call = call

    def register(self, module: nn.Module) -> Any:
        """Hook ``module``; returns the handle."""
        if self.site.side == "output":
            return module.register_forward_hook(self.after)
        return module.register_forward_pre_hook(self.before, with_kwargs=True)

    def after(self, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
        """Forward hook of the layer."""
        return self._into(output)

    def before(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Forward pre-hook of the layer."""
        key = self.site.key
        if key is not None and key in kwargs:
            return args, {**kwargs, key: self._inject(kwargs[key])}
        return (self._into(args[0]), *args[1:]), kwargs

    def _inject(self, hidden: Tensor) -> Tensor:
        return self.injection(hidden, *self.call.features(self.injection.breaker))

    def _into(self, values: Any) -> Any:
        """Replace the features in a tensor, a tuple that starts with it, or a mapping."""
        if isinstance(values, Tensor):
            return self._inject(values)
        if isinstance(values, tuple):
            return (self._into(values[0]), *values[1:])
        if self.site.key is None:
            raise NetworkInputError(
                f"This layer hands on a {type(values).__name__}; pass attach key=, the name of the features in it."
            )
        values[self.site.key] = self._inject(values[self.site.key])
        return values


class Attachment:
    """A breaker attached to a model: gives the new parameters, and detaches.

    Attributes: ``model``, ``name`` of the layer, ``site`` (which side of it, which irreps), ``injection``
    (the new module) and ``breaker``.
    """

    def __init__(
        self,
        model: nn.Module,
        name: str,
        site: Site,
        injection: Injection,
        freezes: bool,
        frozen: list[nn.Parameter],
        handle: Any,
    ) -> None:
        self.model = model
        self.name = name
        self.site = site
        self.injection = injection
        self.breaker = injection.breaker
        self.freezes = freezes
        self._frozen = frozen
        self._handle = handle

    def parameters(self) -> list[nn.Parameter]:
        """The new weights, for an optimiser."""
        return list(self.injection.parameters())

    def wake(self, size: float, seed: int = 0) -> None:
        """Draw the new weights at random, normal with standard deviation ``size``, instead of zero.

        With zero weights all outputs are the symmetric one, which is a stationary point of losses that do not say which
        object goes with which target: see `sbs.nn.orbit_minimum_loss` and `sbs.nn.energy_score`. The predictions then
        change by order ``size``.
        """
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in self.parameters():
                noise = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
                weight.copy_(size * noise.to(weight))

    def detach(self) -> nn.Module:
        """Remove the injection and its hooks, let frozen weights be trained again, and return the model as it was.

        Raises:
            NetworkInputError: if it was detached before.
        """
        module = self.model.get_submodule(self.name)
        if getattr(module, _CHILD, None) is not self.injection:
            raise NetworkInputError(f"This breaker is not attached at {self.name!r} any more.")
        self._handle.remove()
        delattr(module, _CHILD)
        call: Call = getattr(self.model, _CALL)
        call.attachments.remove(self)
        heir = next((each for each in call.attachments if each.freezes), None)
        if heir is not None:
            # The model is still frozen for another attachment, which thaws it when it goes.
            heir._frozen += self._frozen
        else:
            for parameter in self._frozen:
                parameter.requires_grad_(True)
        if not call.attachments:
            for handle in call.handles:
                handle.remove()
            delattr(self.model, _CALL)
        return self.model


def attach(
    model: nn.Module,
    breaker: SymmetryBreaker,
    at: str,
    *,
    irreps: o3.Irreps | str | None = None,
    side: Side | None = None,
    key: str | None = None,
    freeze: bool = True,
    ignore_parity: bool = False,
    graphs: GraphReader | None = None,
) -> Attachment:
    """Attach ``breaker`` to ``model`` at the submodule named ``at``; predictions stay what they are until trained.

    The hidden features h of that layer become h + W (h x b), an equivariant tensor product with zero weights
    W. The model is called as before; objects are drawn by the breaker, or chosen with
    ``breaker.choose(index=...)``. The model's ``state_dict`` has the new weights under
    ``<at>.symmetry_injection``.

    Args:
        at: a name of ``model.named_modules()``. Known to work: layers of e3nn's models; NequIP's ``...layer0_convnet``
            and later ones; SevenNet's ``0_equivariant_gate`` and later ones; MACE's ``interactions.1`` and later ones.
            The first layers of these take scalars only, which no product with an object of l > 0 turns into scalars (to
            build NequIP with an object there: `sbs.nn.host.nequip`). Allegro keeps its tensors on edges and is refused.
        irreps: of the hidden features, where they cannot be read off the module.
        side: "output" or "input" of the module; default: output, for MACE's interactions input.
        key: where the features are in the module's data or keyword arguments; default: known for NequIP, SevenNet,
            MACE.
        freeze: only the new weights can be trained until `detach`.
        ignore_parity: for hosts that label all features even, such as SevenNet-0; see `Injection`.
        graphs: ``(args, kwargs) -> (batch or None, num_graphs or None)`` for models whose arguments do not tell;
            `one_graph` for those that only ever see one.

    Raises:
        NetworkInputError: for what is no model, breaker or name, an unknown layer (lists near names), a layer without
            known irreps, a container, a scripted or compiled model, a breaker of another dtype or device, or a second
            breaker at one place. The model is then untouched.

    Warns:
        UnreachableBreakerWarning: if part of the object has no product with these features that is a feature of this
            layer: it can never act here.
    """
    check_kind(model, nn.Module, "model")
    check_kind(breaker, SymmetryBreaker, "breaker")
    check_kind(at, str, "at")
    module = _submodule(model, at)
    if breaker.mode == "all":
        raise NetworkInputError(
            "mode='all' gives several objects per graph; attach a breaker of mode 'sample' or 'index'."
        )
    if hasattr(module, _CHILD):
        raise NetworkInputError(f"A breaker is already attached at {at!r}; detach it first, or give it several sets.")
    given = as_irreps(irreps, "irreps") if irreps is not None else None
    site = locate(module, at, irreps=given, side=side, key=key)
    for reference in model.parameters():
        if reference.is_floating_point():
            check_like(reference, breaker.device, "The model", breaker.dtype)
    _refuse_same_draws(model, breaker)
    injection = Injection(breaker, site.irreps, dtype=breaker.dtype, device=breaker.device, ignore_parity=ignore_parity)
    if unreachable_blocks(injection.irreps_breaker, site.irreps):
        message = unreachable_message(injection.irreps_breaker, site.irreps, at)
        warnings.warn(message, UnreachableBreakerWarning, stacklevel=2)

    call: Call | None = getattr(model, _CALL, None)
    kept = {id(p) for each in (call.attachments if call else ()) for p in each.parameters()}
    frozen = [p for p in model.parameters() if p.requires_grad and id(p) not in kept] if freeze else []
    for parameter in frozen:
        parameter.requires_grad_(False)
    if call is None:
        call = Call(model, graphs)
        setattr(model, _CALL, call)
        call.handles = [
            model.register_forward_pre_hook(call.start, with_kwargs=True),
            model.register_forward_hook(call.stop, with_kwargs=True, always_call=True),
        ]
    # In evaluation with the model: nothing is drawn there unasked.
    module.add_module(_CHILD, injection.train(model.training))
    handle = _Hook(site, injection, call).register(module)
    attachment = Attachment(model, at, site, injection, freeze, frozen, handle)
    call.attachments.append(attachment)
    return attachment


def detach(model: nn.Module) -> nn.Module:
    """Remove everything that `attach` added to ``model``, and return it.

    Raises:
        NetworkInputError: if nothing is attached.
    """
    call: Call | None = getattr(model, _CALL, None)
    if call is None:
        raise NetworkInputError(f"Nothing is attached to this {type(model).__name__}.")
    for attachment in call.attachments[::-1]:
        attachment.detach()
    return model


def attachments_of(model: nn.Module) -> list[Attachment]:
    """The attachments of ``model``, in the order in which they were made; empty if there are none."""
    call: Call | None = getattr(model, _CALL, None)
    return [] if call is None else list(call.attachments)


def _refuse_same_draws(model: nn.Module, breaker: SymmetryBreaker) -> None:
    """Refuse two breakers that would draw the same numbers: pairs of their objects would not be drawn uniformly."""
    others = [each for each in model.modules() if isinstance(each, SymmetryBreaker) and each is not breaker]
    for other in others:
        drawing = other.mode == breaker.mode == "sample"
        if drawing and torch.equal(other.stream.state(), breaker.stream.state()):
            raise NetworkInputError(
                f"The model has a breaker already, {other.extra_repr()}, whose random stream is that of the new one "
                f"(seed={breaker.stream.seed}): their objects would not be drawn independently. Give one of them another seed=, "
                "or attach one breaker at both places if they are to have the same object."
            )


def expect_fields(model: nn.Module, hint: str) -> None:
    """Warn once, with ``hint``, if a batch comes without the fields that choose; for hosts whose data are to bring them."""
    call: Call | None = getattr(model, _CALL, None)
    if call is not None:
        call.expected = hint


def _submodule(model: nn.Module, at: str) -> nn.Module:
    if isinstance(model, torch.jit.ScriptModule):
        raise NetworkInputError("The model is TorchScript, whose layers cannot be changed; attach before scripting it.")
    if hasattr(model, "_orig_mod"):
        raise NetworkInputError("The model is compiled; attach to the original model, then compile it again.")
    modules = dict(model.named_modules())
    if not at or at not in modules:
        names = [name for name, each in modules.items() if name and not isinstance(each, torch.jit.ScriptModule)]
        near = difflib.get_close_matches(at, names, n=8, cutoff=0.3) or names[:8]
        raise NetworkInputError(f"The model has no layer {at!r}; near names are {', '.join(map(repr, near))}.")
    module = modules[at]
    if isinstance(module, (nn.Sequential, nn.ModuleList, nn.ModuleDict)):
        children = [f"{at}.{name}" for name, _ in module.named_children()]
        raise NetworkInputError(
            f"{at!r} is a container; choose one of its layers: {', '.join(map(repr, children[:8]))}."
        )
    if isinstance(module, torch.jit.ScriptModule):
        raise NetworkInputError(f"{at!r} is TorchScript, whose layers cannot be changed; choose the module around it.")
    return module
