"""Calculators by name: universal potentials by their own loaders, and anything else as ``module:factory``."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sbs.errors import CalculatorError, MissingDependencyError

__all__ = ["CALCULATORS", "named_calculator"]


@dataclass(frozen=True)
class Loader:
    """How one potential is loaded.

    Attributes:
        package: what to install.
        needs_file: whether its weights must be given as a file; otherwise they come with the package.
        load: from the path of a model file (or None) and a device to an ASE calculator.
    """

    package: str
    needs_file: bool
    load: Callable[[str | None, str], Any]


def _sevennet(model: str | None, device: str) -> Any:
    return importlib.import_module("sevenn.calculator").SevenNetCalculator(model or "7net-0", device=device)


def _chgnet(model: str | None, device: str) -> Any:
    module = importlib.import_module("chgnet.model.dynamics")
    if model is None:
        return module.CHGNetCalculator(use_device=device)
    return module.CHGNetCalculator.from_file(model, use_device=device)


def _mace(model: str | None, device: str) -> Any:
    return importlib.import_module("mace.calculators").MACECalculator(model_paths=model, device=device)


def _mattersim(model: str | None, device: str) -> Any:
    return importlib.import_module("mattersim.forcefield").MatterSimCalculator(load_path=model, device=device)


def _orb(model: str | None, device: str) -> Any:
    pretrained = importlib.import_module("orb_models.forcefield.pretrained")
    network = pretrained.orb_v3_conservative_inf_omat(weights_path=model, device=device, compile=False)
    return importlib.import_module("orb_models.forcefield.calculator").ORBCalculator(network, device=device)


def _upet(model: str | None, device: str) -> Any:
    return importlib.import_module("upet.calculator").UPETCalculator(checkpoint_path=model, device=device)


#: The names, as ``--calculator`` takes them; ``name:file`` names a model file.
CALCULATORS: dict[str, Loader] = {
    "sevennet": Loader("sevenn", False, _sevennet),
    "chgnet": Loader("chgnet", False, _chgnet),
    "mace": Loader("mace-torch", True, _mace),
    "mattersim": Loader("mattersim", True, _mattersim),
    "orb": Loader("orb-models", True, _orb),
    "upet": Loader("upet", True, _upet),
}


def named_calculator(name: str, device: str = "cpu") -> Any:
    """An ASE calculator by name.

    Args:
        name: "sevennet" (SevenNet-0) or "chgnet", whose weights come with their packages; "mace:FILE",
            "mattersim:FILE", "orb:FILE", "upet:FILE" (also "sevennet:FILE", "chgnet:FILE") with a model file; or
            "module:factory" for a callable without arguments that returns a calculator ("ase.calculators.emt:EMT").
        device: torch device of the potentials, "cpu" or "cuda".

    Raises:
        CalculatorError: no such name, module or factory; a model file is needed or missing; the loader fails.
        MissingDependencyError: the potential's package is not installed.
    """
    if not isinstance(name, str) or not name.strip():
        raise CalculatorError(f"expected the name of a calculator, got {name!r}; known are {', '.join(CALCULATORS)}")
    first, _, rest = name.strip().partition(":")
    if first in CALCULATORS:
        return _pretrained(first, rest or None, device)
    if not rest:
        raise CalculatorError(
            f"no calculator is called {name!r}; known are {', '.join(CALCULATORS)}, or give module:factory, for example "
            "ase.calculators.emt:EMT"
        )
    return _factory(first, rest)


def _pretrained(name: str, model: str | None, device: str) -> Any:
    loader = CALCULATORS[name]
    if model is None and loader.needs_file:
        raise CalculatorError(
            f"{name} does not ship its weights with its package; download a model file and give {name}:FILE"
        )
    if model is not None and not Path(model).is_file():
        raise CalculatorError(f"there is no model file {model!r} for {name}; give the path of one as {name}:FILE")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the torch versions that the weights were written and are read with
            return loader.load(model, device)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{name} needs {error.name}, which is not installed: pip install {loader.package}"
        ) from error
    except Exception as error:  # loaders raise whatever a foreign file trips over
        raise CalculatorError(
            f"{name} could not be loaded ({type(error).__name__}: {error}); check the model file, the device {device!r} "
            f"and the version of {loader.package}"
        ) from error


def _factory(module: str, attribute: str) -> Any:
    try:
        made = getattr(importlib.import_module(module), attribute)()
    except Exception as error:  # a factory may raise anything
        raise CalculatorError(
            f"{module}:{attribute} gave no calculator ({type(error).__name__}: {error}); expected an importable module "
            "and a callable without arguments that returns an ASE calculator"
        ) from error
    if not callable(getattr(made, "get_potential_energy", None)):
        raise CalculatorError(f"{module}:{attribute} returned {made!r}; expected an ASE calculator")
    return made
