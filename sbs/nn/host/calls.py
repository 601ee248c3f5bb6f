"""What the injections of one model share during a call: graphs, and one choice or draw per breaker.

Activation checkpointing runs parts of a call again, in the backward pass: they must see what they saw the first time. The
state of a call is therefore kept alive by the autograd graph of its output, and found again from there.
"""

from __future__ import annotations

import itertools
import threading
import warnings
import weakref
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import shown
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import check_batch, check_number, check_tensors
from sbs.nn.choice import FIELDS, Choice
from sbs.nn.compiling import is_compiling, recomputing
from sbs.nn.host.graphs import GraphReader, Graphs, argument_names, graphs_of
from sbs.nn.host.orientation import OrientationCheck

__all__ = ["Call", "MissingFieldsWarning"]

_METADATA = "sbs"


class MissingFieldsWarning(UserWarning):
    """Objects are drawn in training where the data were to choose them: their fields did not arrive."""


class Objects(NamedTuple):
    """Objects of the graphs (num_graphs, dim), the graph of each node (None: one graph), and what was chosen."""

    objects: Tensor
    batch: Tensor | None
    choice: Choice


class _State:
    """One call."""

    def __init__(self, graphs: Graphs | None) -> None:
        self.graphs = graphs
        self.objects: dict[SymmetryBreaker, Objects] = {}
        self.thread = None if is_compiling() else threading.get_ident()


# States of running calls, by the key of their model. Not attributes of the model: a compiler takes the sizes of tensors that it
# finds there for constants.
_running: dict[int, _State] = {}
_keys = itertools.count()


class Call:
    """Shared by the hooks of one model.

    It is an attribute of the model, and the hooks are objects rather than closures, so that a deep copy or a
    pickle of the model is attached in itself and shares nothing with the original.
    """

    def __init__(self, model: nn.Module, graphs: GraphReader | None) -> None:
        self.names = argument_names(model)
        self.graphs = graphs
        self.attachments: list[Any] = []
        self.handles: list[Any] = []
        self.orientation = OrientationCheck()
        #: Where the data are to choose objects: how this host's pipeline is told to hand the fields on.
        self.expected = ""
        self._reset()

    def _reset(self) -> None:
        self.key = next(_keys)
        self.kept: weakref.WeakSet[_State] = weakref.WeakSet()

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("key", "kept")
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    def start(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Forward pre-hook of the model."""
        if not is_compiling() and recomputing():
            # The whole model is checkpointed.
            _running[self.key] = self._earlier()
            return
        given = None if self.graphs is None else _read(self.graphs(args, kwargs))
        found = graphs_of(args, kwargs, self.names, given)
        if not is_compiling() and self._elsewhere():
            raise NetworkInputError(
                "This model is called in another thread at the same time, and which object belongs to which call is not "
                "known then; give each thread a model of its own, copy.deepcopy(model)."
            )
        _running[self.key] = _State(found)
        # Here, not in the layers: what is compiled there finds tensors, and no number of graphs that it would be fixed to.
        for attachment in self.attachments:
            self.features(attachment.breaker)

    def _elsewhere(self) -> bool:
        """Whether a call of another thread is running."""
        state = _running.get(self.key)
        return state is not None and state.thread not in (None, threading.get_ident())

    def stop(self, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """Forward hook of the model; also after an error."""
        if not is_compiling() and not recomputing() and self._elsewhere():
            return
        state = _running.pop(self.key, None)
        if is_compiling() or recomputing() or state is None or not torch.is_grad_enabled():
            return
        # Kept as long as a backward pass through the output may come.
        for values in _tensors(output):
            if values.grad_fn is not None:
                metadata: Any = values.grad_fn.metadata
                metadata.setdefault(_METADATA, []).append(state)
                self.kept.add(state)

    def features(self, breaker: SymmetryBreaker) -> Objects:
        """Objects of this call; drawn once, however many layers ask."""
        state = _running.get(self.key)
        if state is None:
            if is_compiling() or not recomputing():
                raise NetworkInputError(
                    "A part of the model was called by itself; call the model that was given to attach."
                )
            state = self._earlier()
        if breaker not in state.objects:
            state.objects[breaker] = self._new(breaker, state)
        return state.objects[breaker]

    def _new(self, breaker: SymmetryBreaker, state: _State) -> Objects:
        graphs = state.graphs
        if graphs is None:
            raise NetworkInputError("Drawing anew in a repeated call would give another object; call the model once more.")
        known = graphs.num_graphs
        choice, num_graphs = breaker.resolve(graphs.choice, known) if self._known(breaker, graphs) else (Choice(), 0)
        if not num_graphs:
            raise NetworkInputError(
                "Which node is of which graph is not known: the model's arguments have no 'batch'. With several graphs every "
                "one would get the same object. Pass attach graphs=lambda args, kwargs: (batch, num_graphs), or "
                "graphs=sbs.nn.one_graph if the model is always called with one graph."
            )
        if graphs.batch is not None:
            check_batch(graphs.batch, num_graphs, breaker.device)
        elif num_graphs != 1:
            raise NetworkInputError(
                f"Objects were chosen for {num_graphs} graphs, but the input has no 'batch' that says which node is of "
                "which; add it, or choose one object."
            )
        self.orientation.check(breaker, choice, graphs, num_graphs)
        named = choice.draw or choice.object_index is not None or choice.features is not None
        if self.expected and not named and all(each is None for each in graphs.choice[: len(FIELDS)]):
            warnings.warn(
                f"The batch carries none of the fields {', '.join(map(repr, FIELDS))}: objects are drawn at random. "
                f"{self.expected} A breaker of mode 'index' never draws.",
                MissingFieldsWarning,
                stacklevel=2,
            )
            self.expected = ""
        return Objects(breaker.objects_for(choice, num_graphs), graphs.batch, choice)

    @staticmethod
    def _known(breaker: SymmetryBreaker, graphs: Graphs) -> bool:
        """Whether something tells the number of graphs: the input, or a choice, which is one object for one graph."""
        if graphs.batch is not None or graphs.num_graphs is not None:
            return True
        return breaker.has_choice(graphs.choice)

    def _earlier(self) -> _State:
        """The call that is being repeated."""
        states = list(self.kept)
        if len(states) == 1:
            return states[0]
        # Several forward passes before one backward pass: whoever chose the same objects in all of them is answered.
        first = states[0] if states else None
        for each in states[1:]:
            assert first is not None
            same = each.objects.keys() == first.objects.keys() and all(
                _equal(each.objects[breaker], first.objects[breaker]) for breaker in each.objects
            )
            if not same:
                first = None
                break
        if first is None:
            raise NetworkInputError(
                f"A checkpointed part of the model is repeated, and {len(states)} calls with different objects wait for their "
                "backward pass; call backward after each of them, or choose the same objects in all."
            )
        return first


def _read(found: Any) -> tuple[Tensor | None, int | None]:
    """What a user's reader of graphs returned.

    Raises:
        NetworkInputError: it is not the graph of each node and the number of graphs.
    """
    if not isinstance(found, tuple) or len(found) != 2:
        raise NetworkInputError(f"attach graphs= returned {shown(found)}; expected (batch or None, num_graphs or None).")
    check_tensors(batch=found[0])
    check_number(found[1], "num_graphs")
    return found


def _equal(first: Objects, second: Objects) -> bool:
    same = torch.equal(first.objects, second.objects)
    if first.batch is None or second.batch is None:
        return same and first.batch is second.batch
    return same and torch.equal(first.batch, second.batch)


def _tensors(output: Any) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        return [each for value in output.values() for each in _tensors(value)]
    if isinstance(output, (tuple, list)):
        return [each for value in output for each in _tensors(value)]
    if hasattr(output, "to_dict"):
        return _tensors(output.to_dict())
    return []
