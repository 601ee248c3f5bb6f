"""SevenNet: its own training command with breakers attached, checkpoints, and its own LAMMPS exporter for a fixed model.

SevenNet builds a model from a checkpoint wherever it is used. A checkpoint of an attached model holds, beside what SevenNet
puts there, the sets and places of the breakers; `load` rebuilds them. Import this module by name.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from sbs.errors import NetworkInputError
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.host.attach import attach, attachments_of, expect_fields
from sbs.nn.host.fixing import fix
from sbs.optional import require

__all__ = ["deploy", "load", "save", "train"]

_ENTRY = "symmetry_breaking"


def train(arguments: Sequence[str], attaching: Callable[[nn.Module], Any]) -> None:
    """Run SevenNet's command ``sevenn`` for training with a model to which breakers were attached.

    Objects come from the data: ``atoms.info["sbs_object"]`` and the other fields of `sbs.nn.choice`, which SevenNet hands on if
    the configuration has ``data_format_args: {drop_info: false}``. The checkpoints that are written are read by `load`, and
    by SevenNet itself as the model without the breakers.

    Args:
        arguments: of the command, as on the command line: ``["input.yaml"]``.
        attaching: called with the model that SevenNet has built (and, where the configuration continues a checkpoint, before its
            weights are read), before anything is trained: calls `sbs.nn.attach`.

    Warns:
        MissingFieldsWarning: objects are drawn because the batches bring none of these fields.
    """
    command: Any = require("sevenn.main.sevenn", "potentials")
    scripts: Any = require("sevenn.scripts.train", "potentials")
    trainer: Any = require("sevenn.train.trainer", "potentials").Trainer
    build, written = scripts.build_E3_equivariant_model, trainer.get_checkpoint_dict

    def built(*positional: Any, **named: Any) -> Any:
        model = build(*positional, **named)
        attaching(model)
        expect_fields(model, "SevenNet hands atoms.info on if the configuration has data_format_args: {drop_info: false}.")
        return model

    def entries(own: Any) -> dict[str, Any]:
        found: dict[str, Any] = written(own)
        state, places = _separate(getattr(own.model, "module", own.model))
        return {**found, "model_state_dict": state, _ENTRY: places} if places else found

    parser = argparse.ArgumentParser("sevenn")
    command.cmd_parser_train(parser)
    scripts.build_E3_equivariant_model, trainer.get_checkpoint_dict = built, entries
    try:
        command.run(parser.parse_args(list(arguments)))
    finally:
        scripts.build_E3_equivariant_model, trainer.get_checkpoint_dict = build, written


def save(model: nn.Module, origin: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Write a checkpoint of an attached SevenNet model.

    Args:
        model: attached; its weights and those of the attachments are written.
        origin: the checkpoint (or the name of the pretrained model) that it was built from, whose configuration is kept.
        path: of the new file.

    Raises:
        NetworkInputError: nothing is attached to the model.
    """
    if not attachments_of(model):
        raise NetworkInputError("Nothing is attached to this model; save it as SevenNet does.")
    checkpoint = require("sevenn.util", "potentials").load_checkpoint(str(origin))
    state, places = _separate(model)
    # The weights are in today's order, whatever SevenNet wrote the origin: it sorts those of old versions when it reads them.
    config = checkpoint.config | {"version": require("sevenn", "potentials").__version__}
    entries = {"model_state_dict": state, "config": config, "epoch": checkpoint.epoch, _ENTRY: places}
    torch.save({**entries, "time": checkpoint.time, "hash": checkpoint.hash}, path)


def _separate(model: nn.Module) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The weights that SevenNet knows, and what rebuilds the attachments."""
    attached = attachments_of(model)
    own = {f"{each.name}.symmetry_injection." for each in attached}
    state = {
        name: value for name, value in model.state_dict().items() if not any(name.startswith(prefix) for prefix in own)
    }
    places = [
        {
            "at": each.name,
            "sets": each.breaker.sets,
            "mode": each.breaker.mode,
            "shared": each.breaker.shared,
            "side": each.site.side,
            "key": each.site.key,
            "irreps": str(each.site.irreps),
            "ignore_parity": each.injection.ignore_parity,
            "state": each.injection.state_dict(),
        }
        for each in attached
    ]
    return state, places


def load(path: str | os.PathLike[str], freeze: bool = True) -> nn.Module:
    """The attached model of a checkpoint that `save` wrote. It is unpickled: load what you trust.

    Raises:
        NetworkInputError: the checkpoint holds no attachment.
    """
    checkpoint = require("sevenn.checkpoint", "potentials").SevenNetCheckpoint(str(path))
    places = torch.load(path, weights_only=False, map_location="cpu").get(_ENTRY)
    if not places:
        raise NetworkInputError(f"{path} holds no attachment; it was not written by sbs.nn.host.sevennet.save.")
    model: nn.Module = checkpoint.build_model()
    breakers: list[SymmetryBreaker] = []
    for each in places:
        breaker = next((b for b in breakers if b.sets == each["sets"]), None)
        if breaker is None:
            how = {"mode": each["mode"], "shared": each["shared"], "seed": len(breakers)}
            breaker = SymmetryBreaker(each["sets"], dtype=torch.float32, **how)
            breakers.append(breaker)
        how = {name: each[name] for name in ("at", "irreps", "side", "key", "ignore_parity")}
        attach(model, breaker, freeze=freeze, **how).injection.load_state_dict(each["state"])
    return model


def deploy(
    model: nn.Module,
    origin: str | os.PathLike[str],
    path: str | os.PathLike[str],
    object: int | None = None,
    **how: Any,
) -> None:
    """Write the TorchScript file for LAMMPS' pair style ``e3gnn`` with one object, by SevenNet's own ``deploy``.

    The parallel pair style ``e3gnn/parallel`` cuts the model into pieces that it builds anew from the configuration; a fixed
    model has no such pieces.

    Args:
        model: with a breaker attached, or already fixed (then without ``object``).
        origin: the checkpoint, or the name of the pretrained model, that it was built from.
        path: of the file, ending in ".pt".
        how: ``set_index``, ``rotation``, ``features`` of `sbs.nn.fix`; ``modal`` of SevenNet.
    """
    scripts: Any = require("sevenn.scripts.deploy", "potentials")
    chosen = {name: how.pop(name) for name in ("set_index", "rotation", "features") if name in how}
    fixed = fix(model, object, **chosen) if attachments_of(model) else model
    given = require("sevenn.util", "potentials").load_checkpoint(str(origin))

    class Given:
        """What the exporter asks a checkpoint for."""

        config = given.config

        @staticmethod
        def build_model(**options: Any) -> nn.Module:
            import copy

            return copy.deepcopy(fixed).cpu()

    before = scripts.load_checkpoint
    scripts.load_checkpoint = lambda checkpoint: Given
    try:
        scripts.deploy(str(origin), str(path), **how)
    finally:
        scripts.load_checkpoint = before


