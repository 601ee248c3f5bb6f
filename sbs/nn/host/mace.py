"""MACE: its own training command with breakers attached, and its own LAMMPS exporter for a fixed model.

MACE builds its model inside ``mace_run_train``. `train` runs that command as it is, attaching to the model at the one place
where it has been built; objects come from the data (``atoms.info["sbs_object"]`` and the other fields of `sbs.nn.choice`).
Import this module by name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from sbs.nn.choice import FIELDS
from sbs.nn.host.attach import attachments_of, expect_fields
from sbs.nn.host.fixing import fix
from sbs.optional import require

__all__ = ["arrays_keys", "info_keys", "lammps", "train"]


def info_keys() -> dict[str, str]:
    """For a head's ``info_keys`` in MACE's configuration: the fields of a batch that carry choices."""
    return {name: name for name in FIELDS if name != "sbs_site"}


def arrays_keys() -> dict[str, str]:
    """Likewise for a head's ``arrays_keys``: the site of a set of fields that each atom is."""
    return {"sbs_site": "sbs_site"}


def train(arguments: Sequence[str], attaching: Callable[[nn.Module], Any]) -> None:
    """Run ``mace_run_train`` with a model to which breakers were attached.

    Args:
        arguments: of the command, as on the command line. Without ``--heads`` one is added that reads `info_keys` and
            `arrays_keys`.
        attaching: called with the model that MACE has built, before anything is trained: calls `sbs.nn.attach`.

    Warns:
        MissingFieldsWarning: objects are drawn because the batches bring none of the fields.
    """
    command: Any = require("mace.cli.run_train", "mace")
    tools: Any = require("mace.tools", "mace")
    given = list(arguments)
    if not any(each.split("=")[0] == "--heads" for each in given):
        given.append(f"--heads={{'Default': {{'info_keys': {info_keys()!r}, 'arrays_keys': {arrays_keys()!r}}}}}")
    parsed = tools.build_default_arg_parser().parse_args(given)
    before = command.configure_model

    def configured(*positional: Any, **named: Any) -> Any:
        model, outputs = before(*positional, **named)
        attaching(model)
        expect_fields(model, "MACE hands on what the head's info_keys name, sbs.nn.host.mace.info_keys().")
        return model, outputs

    command.configure_model = configured
    try:
        command.run(parsed)
    finally:
        command.configure_model = before


def lammps(model: nn.Module, path: str | os.PathLike[str], object: int | Sequence[int] | None = None, **how: Any) -> None:
    """Write the TorchScript file for LAMMPS' pair style ``mace`` with one object, from MACE's own ``LAMMPS_MACE``.

    Args:
        model: with a breaker attached, or already fixed (then without ``object``).
        path: of the file.
        how: ``set_index``, ``rotation``, ``features`` of `sbs.nn.fix`; ``head`` of ``LAMMPS_MACE``.
    """
    exporter: Any = require("mace.calculators", "mace").LAMMPS_MACE
    jit = require("e3nn.util.jit", "nn")
    chosen = {name: how.pop(name) for name in ("set_index", "rotation", "features") if name in how}
    fixed = fix(model, object, **chosen) if attachments_of(model) else model
    jit.compile(exporter(fixed.eval(), **how)).save(str(path))
