"""ASE calculators of models with a chosen object: one energy surface for a whole relaxation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from sbs.errors import NetworkInputError
from sbs.nn.host.fixing import fix
from sbs.optional import require

__all__ = ["calculator"]


def calculator(model: Any, object: int | Sequence[int] | None = None, **options: Any) -> Any:
    """An ASE calculator of a model with a breaker attached, in which one object is chosen for good.

    Args:
        model: an ASE calculator of NequIP, MACE or SevenNet that holds the attached model (which is copied), or the model
            itself where its host makes calculators of models: SevenNet's and MACE's.
        object: number of the object (of several breakers a list); see `sbs.nn.fix`.
        options: ``set_index``, ``rotation``, ``features`` of `sbs.nn.fix`; the rest goes to the host's calculator.

    Raises:
        NetworkInputError: the host is not known, or the model has no breaker.
    """
    own = {name: options.pop(name) for name in ("set_index", "rotation", "features") if name in options}
    if isinstance(model, nn.Module):
        return _new(fix(model, object, **own).eval(), options)
    import copy

    for name in ("model", "models"):
        held = getattr(model, name, None)
        if isinstance(held, nn.Module):
            twin = copy.copy(model)
            setattr(twin, name, fix(held, object, **own).eval())
        elif isinstance(held, list) and held and all(isinstance(each, nn.Module) for each in held):
            twin = copy.copy(model)
            setattr(twin, name, [fix(each, object, **own).eval() for each in held])
        else:
            continue
        twin.results = {}
        twin.atoms = None
        return twin
    raise NetworkInputError(
        f"{type(model).__name__} holds no torch model under 'model' or 'models'; give the model with the breaker, or build the "
        "calculator from sbs.nn.fix(model, object)."
    )


def _new(model: nn.Module, options: dict[str, Any]) -> Any:
    package = type(model).__module__.split(".", 1)[0]
    if package == "sevenn":
        found = require("sevenn.calculator", "potentials").SevenNetCalculator
        return found(model, file_type="model_instance", **options)
    if package == "mace":
        found = require("mace.calculators", "potentials").MACECalculator
        return found(models=[model], **options)
    if package == "nequip":
        found = require("nequip.integrations.ase", "potentials").NequIPCalculator
        return found(model, **options)
    raise NetworkInputError(
        f"No calculator is known for a model of {type(model).__module__}; give sbs.nn.fix(model, object) to your own."
    )
