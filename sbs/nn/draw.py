"""A private stream of random numbers: own torch generators, traceable by torch.compile, split over ranks.

torch.compile cannot trace a `torch.Generator`, so in a compiled graph the numbers come from a small operator
that looks the stream up by its handle; the numbers are the same as in eager mode.
"""

from __future__ import annotations

import itertools
import weakref
from typing import Any

import torch
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.nn.compiling import is_compiling, is_exporting

__all__ = ["RandomStream"]

_handles = itertools.count()
_streams: weakref.WeakValueDictionary[int, RandomStream] = weakref.WeakValueDictionary()


class RandomStream:
    """Uniform numbers in [0, 1), float64, from one seed; never touches torch's global generators.

    Every device has its own generator, made at first use and seeded with ``seed``. In a torch.distributed
    group each rank draws the numbers of all ranks and keeps its own rows: ranks differ, and rank by rank they
    are the rows that a single process draws for the same global batch (ranks must ask for equally many rows).
    """

    def __init__(self, seed: int) -> None:
        self.seed = int(seed)
        self._generators: dict[str, torch.Generator] = {}
        self._register()

    def _register(self) -> None:
        self.handle = next(_handles)
        _streams[self.handle] = self

    def generator(self, device: torch.device | str) -> torch.Generator:
        """The generator of ``device``."""
        key = str(torch.device(device))
        if key not in self._generators:
            self._generators[key] = torch.Generator(device=key).manual_seed(self.seed)
        return self._generators[key]

    def reseed(self, seed: int) -> None:
        """Start again from ``seed`` on every device."""
        self.seed = int(seed)
        self._generators.clear()

    def uniform(self, rows: int, columns: int, anchor: Tensor) -> Tensor:
        """(rows, columns) numbers on the device of ``anchor``."""
        if is_exporting():
            raise NetworkInputError(
                "An exported program cannot draw objects: the stream of random numbers belongs to this process. Export with "
                "a chosen object, sbs.nn.fix(model, object), or give index= in the call that is exported."
            )
        if is_compiling():
            return torch.ops.sbs.uniform(anchor, self.handle, rows, columns)
        return self._draw(rows, columns, anchor.device)

    def _draw(self, rows: int, columns: int, device: torch.device) -> Tensor:
        ranks, rank = 1, 0
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            ranks, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
        shape = (ranks, rows, columns)
        return torch.rand(shape, generator=self.generator(device), dtype=torch.float64, device=device)[rank]

    def state(self) -> Tensor:
        """Seed and states of the generators as one uint8 tensor, for a checkpoint."""
        pieces = [_bytes(self.seed)]
        for kind in _KINDS:
            found = next((g for key, g in self._generators.items() if torch.device(key).type == kind), None)
            values = torch.zeros(0, dtype=torch.uint8) if found is None else found.get_state().cpu()
            pieces += [_bytes(len(values)), values]
        return torch.cat(pieces)

    def restore(self, state: Tensor) -> None:
        """Continue where the stream with this `state` was."""
        values = state.cpu()
        self.seed, start = _number(values[:8]), 8
        self._generators.clear()
        for kind in _KINDS:
            length = _number(values[start : start + 8])
            own = values[start + 8 : start + 8 + length]
            start += 8 + length
            if length and (kind == "cpu" or torch.cuda.is_available()):
                device = torch.device("cpu") if kind == "cpu" else torch.device(kind, torch.cuda.current_device())
                self.generator(device).set_state(own.clone())

    def __getstate__(self) -> dict[str, Any]:
        states = {key: generator.get_state() for key, generator in self._generators.items()}
        return {"seed": self.seed, "states": states}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.seed = state["seed"]
        self._generators = {}
        for key, value in state["states"].items():
            if torch.device(key).type == "cpu" or torch.cuda.is_available():
                self._generators[key] = torch.Generator(device=key)
                self._generators[key].set_state(value.cpu())
        self._register()


# Devices whose streams are part of a checkpoint.
_KINDS = ("cpu", "cuda")


def _bytes(number: int) -> Tensor:
    return torch.frombuffer(bytearray(number.to_bytes(8, "little", signed=True)), dtype=torch.uint8)


def _number(values: Tensor) -> int:
    return int.from_bytes(bytes(values.tolist()), "little", signed=True)


# The tag keeps a compiler from merging two draws into one or folding a draw into a constant.
_library = torch.library.Library("sbs", "DEF")
_library.define(
    "uniform(Tensor anchor, int handle, SymInt rows, SymInt columns) -> Tensor",
    tags=(torch.Tag.nondeterministic_seeded,),
)


def _uniform(anchor: Tensor, handle: int, rows: int, columns: int) -> Tensor:
    return _streams[handle]._draw(rows, columns, anchor.device)


def _uniform_shape(anchor: Tensor, handle: int, rows: int, columns: int) -> Tensor:
    return anchor.new_empty((rows, columns), dtype=torch.float64)


_library.impl("uniform", _uniform, "CompositeExplicitAutograd")
_library.impl("uniform", _uniform_shape, "Meta")
