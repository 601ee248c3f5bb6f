"""SymmetryBreaker: the module that turns symmetry-breaking sets into features for a batch of graphs."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.groups.abstract.validation import check_bool, check_integer, real_array, shown
from sbs.nn.checks import (
    check_batch,
    check_choice,
    check_dtype,
    check_like,
    check_number,
    check_rotations,
    check_sets,
    check_tensors,
)
from sbs.nn.choice import Choice
from sbs.nn.compiling import is_compiling, recomputing
from sbs.nn.draw import RandomStream
from sbs.nn.fields import fields_at
from sbs.nn.infinite import OrbitSampler
from sbs.nn.wigner import ExactBuffers, Rotation
from sbs.sets.features import feature_block, feature_table
from sbs.sets.minimal_set import MinimalSet

__all__ = ["Mode", "SymmetryBreaker"]

Mode = Literal["sample", "index", "all"]

# Objects in a checkpoint may differ from the set's by this much: they are stored in float64, so only by
# rounding.
CHECKPOINT_TOLERANCE = 1e-9


_NOTHING = Choice()


class SymmetryBreaker(ExactBuffers):
    """Symmetry-breaking objects as e3nn features, one object per graph, on every node of the graph.

    Args:
        sets: a `MinimalSet`, or a sequence of them for batches that mix several (S, K).
        mode: "sample" draws an object uniformly for each graph while training (one may still be chosen by ``index``), and
            in evaluation where ``choose(draw=True)`` asks for it; "index" never draws but insists on a choice, by the call, the
            batch or `choose`; "all" returns every object, in a new leading dimension of length ``set.size``.
        shared: with several sets, whether they use the same blocks of ``irreps``. If not, each set has its own blocks
            and leaves the others zero: a network then sees which set an object is from.
        seed: of the breaker's own random stream; torch's global generators are not touched.
        dtype: of the features; by default torch's default dtype. Follows ``.to()``.

    A set of fields on the sites of a crystal gives each node the value at its site: see `on_nodes`.

    ``drawn`` holds the objects of the last call, float64 (num_graphs, dim), before they were turned: what was drawn.

    Features are in e3nn's "component" normalisation: a block (l, p) of an object has squared norm 2l + 1.
    ``irreps`` are the set's; for several sets that share blocks the least irreps that hold each of them,
    blocks that a set lacks being zero.

    The objects are kept in float64 and rotated in float64, then cast: casts of the module lose nothing.
    Values of ``batch``, ``index``, ``set_index`` and ``rotations`` are checked on the CPU only; on an
    accelerator and in compiled graphs the checks would cost a synchronisation and only shapes, dtypes and
    devices are checked.

    Raises:
        NetworkInputError: if there is no set, a set has no irreps (an abstract finite group), or the mode is unknown.
        InfiniteSetError: if an infinite set is given with mode "all".
    """

    objects: Tensor
    sizes: Tensor

    def __init__(
        self,
        sets: MinimalSet | Sequence[MinimalSet],
        *,
        mode: Mode = "sample",
        shared: bool = True,
        seed: int = 0,
        dtype: torch.dtype | None = None,
    ) -> None:
        check_dtype(dtype)
        super().__init__(dtype)
        self.sets: tuple[MinimalSet, ...] = check_sets(sets)
        shared, seed = check_bool(shared, "shared"), check_integer(seed, "seed", None)
        if not isinstance(mode, str) or mode not in ("sample", "index", "all"):
            raise NetworkInputError(f"mode={shown(mode)} is unknown; choose 'sample', 'index' or 'all'.")
        self.infinite = any(math.isinf(each.size) for each in self.sets)
        if self.infinite and mode == "all":
            raise InfiniteSetError(
                f"mode='all' needs finite sets, but one of {self.sets} is infinite; use another mode, or a smaller ambient group."
            )
        if mode == "all" and len(self.sets) > 1:
            raise NetworkInputError(f"mode='all' takes one set, {len(self.sets)} were given; make a breaker for each.")
        self.mode: Mode = mode
        self.shared = shared
        table = feature_table(self.sets, shared)
        self.irreps = o3.Irreps(table.irreps)
        self.dim: int = self.irreps.dim
        self.stream = RandomStream(seed)
        self.rotate = Rotation(self.irreps)
        self.register_exact("objects", torch.from_numpy(table.objects.copy()), persistent=True)
        self.register_exact("sizes", torch.from_numpy(table.sizes.copy()), persistent=True)
        #: Number of sites of each set's fields, 0 for objects of the whole graph.
        self.sites: tuple[int, ...] = tuple(int(each) for each in table.sites)
        if mode == "all" and any(self.sites):
            raise NetworkInputError("mode='all' is for objects of the whole graph; for fields use sbs.nn.all_outputs.")
        self.orbit_sampler = OrbitSampler(self.sets) if self.infinite else None
        self.remember()

    def remember(self) -> None:
        """Begin with nothing chosen and nothing drawn."""
        self._chosen = Choice()
        self.drawn: Tensor | None = None

    def group_of(self, number: int) -> Any:
        """S of a set."""
        return self.sets[number].group

    def number_of(self, symmetry_set: Any) -> int:
        """Which of the breaker's sets this is.

        Raises:
            NetworkInputError: it is none of them.
        """
        if symmetry_set not in self.sets:
            raise NetworkInputError(
                f"The model's breaker holds {[repr(each) for each in self.sets]}, not {symmetry_set!r}; pass "
                "the breaker's set."
            )
        return self.sets.index(symmetry_set)

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the features."""
        return self.anchor.dtype

    @property
    def device(self) -> torch.device:
        """Device of the features."""
        return self.anchor.device

    @property
    def set(self) -> MinimalSet:
        """The set, if there is exactly one."""
        if len(self.sets) != 1:
            raise NetworkInputError(f"This breaker holds {len(self.sets)} sets; name one of breaker.sets.")
        return self.sets[0]

    def draw(self, num_graphs: int, set_index: Tensor | None = None) -> Tensor:
        """Draw an object for each graph, uniformly from its set: int64 (num_graphs,). Finite sets only."""
        if self.infinite:
            raise InfiniteSetError("Objects of an infinite set have no numbers; call the breaker, which samples them.")
        check_number(num_graphs if num_graphs is not None else -1, "num_graphs")
        check_tensors(set_index=set_index)
        return self._draw(num_graphs, self._which_set(num_graphs, set_index))

    def _may_draw(self, asked: bool) -> None:
        if self.training or asked:
            return
        raise NetworkInputError(
            "In evaluation no object is drawn unasked: every call would be about another output. Choose one, "
            "breaker.choose(index), give the batch 'sbs_object', make the choice part of the model, sbs.nn.fix(model, "
            "object), or ask for drawing, breaker.choose(draw=True), or for training, model.train()."
        )

    def _draw(self, num_graphs: int, which: Tensor, asked: bool = True) -> Tensor:
        self._may_draw(asked)
        if not is_compiling() and recomputing():
            raise NetworkInputError(
                "A checkpointed part of the network is repeated and would draw another object; draw before it, "
                "index=breaker.draw(num_graphs), or choose one."
            )
        uniform = self.stream.uniform(num_graphs, 1, self.anchor)[:, 0]
        return (uniform * self.sizes[which]).to(torch.int64)

    def _which_set(self, num_graphs: int, set_index: Tensor | None) -> Tensor:
        if set_index is None:
            if len(self.sets) > 1:
                raise NetworkInputError(
                    f"This breaker holds {len(self.sets)} sets; give set_index, one set number per graph: "
                    f"({num_graphs},)."
                )
            return torch.zeros(num_graphs, dtype=torch.int64, device=self.device)
        check_choice(set_index, len(self.sets), num_graphs, self.device, "set_index")
        return set_index

    @contextlib.contextmanager
    def choose(
        self,
        index: Tensor | None = None,
        *,
        set_index: Tensor | None = None,
        rotations: Tensor | None = None,
        features: Tensor | None = None,
        draw: bool = False,
    ) -> Iterator[SymmetryBreaker]:
        """Within this context, calls and batches that do not say otherwise use these objects, sets and orientations.

        Args:
            index: object numbers (num_graphs,).
            set_index: set numbers (num_graphs,).
            rotations: (num_graphs, 3, 3).
            features: (num_graphs, dim) the objects themselves, for sets without numbers: see `features_of`.
            draw: draw objects in evaluation too.
        """
        previous = self._chosen
        self._chosen = Choice(index, set_index, rotations, features, None, draw)
        try:
            yield self
        finally:
            self._chosen = previous

    def features_of(self, objects: npt.ArrayLike, set_index: int = 0) -> Tensor:
        """Objects (n, dim of the set) of a set, unit norm in each block as ``set.sample`` gives them, as features.

        Returns:
            (n, dim) with ``irreps``, to be given as ``features``: the way to choose an object of an infinite set.

        Raises:
            NetworkInputError: the objects do not fit the set.
        """
        set_index = check_integer(set_index, "set_index", 0, len(self.sets) - 1)
        own = self.sets[set_index]
        given = np.atleast_2d(real_array(objects, "objects"))
        if given.shape[-1] != own.dim or not np.isfinite(given).all():
            raise NetworkInputError(
                f"objects has shape {given.shape}; expected (n, {own.dim}), finite, for {own.irreps}, as set.sample returns."
            )
        values = feature_block(self.sets, set_index, given, self.shared)
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)

    def has_choice(self, choice: Choice) -> bool:
        """Whether ``choice``, or what was chosen beforehand, tells the number of graphs."""
        filled = choice.over(self._chosen)
        return any(each is not None for each in (filled.object_index, filled.features, filled.set_index, filled.rotations))

    def resolve(self, choice: Choice, num_graphs: int | None) -> tuple[Choice, int]:
        """Fill what ``choice`` leaves open from `choose`, and find the number of graphs."""
        filled = choice.over(self._chosen)
        filled.check()
        check_number(num_graphs, "num_graphs")
        if num_graphs is None:
            counted = (filled.object_index, filled.set_index, filled.rotations)
            lengths = [each.shape[0] for each in counted if each is not None and each.ndim]
            if filled.features is not None:
                whole = filled.features.ndim == 3
                lengths.append(filled.features.shape[0] if whole else filled.features.numel() // self.dim)
            if not lengths:
                raise NetworkInputError(
                    "The number of graphs is not known: pass num_graphs=, give the data of an attached model "
                    "'num_graphs' (an int) or 'ptr', or choose objects with breaker.choose(index). Counting the "
                    "graphs in `batch` would stop the device."
                )
            num_graphs = lengths[0]
        return filled, num_graphs

    def graph_features(
        self,
        num_graphs: int | None = None,
        *,
        index: Tensor | None = None,
        set_index: Tensor | None = None,
        rotations: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Tensor:
        """One object per graph, ``[num_graphs, irreps.dim]``: with ``irreps`` the portable contract for any framework.

        ``index`` (num_graphs,) chooses objects, ``set_index`` (num_graphs,) sets, ``rotations`` (num_graphs,
        3, 3) turn each graph's objects from the standard orientation of its set to that of the input, ``features``
        (num_graphs, dim) gives the objects themselves. Mode "all" puts a dimension of length ``set.size`` in front.

        Raises:
            NetworkInputError: in evaluation, where nothing is chosen and drawing was not asked for with
                ``choose(draw=True)``.
        """
        choice, num_graphs = self.resolve(Choice(index, set_index, rotations, features), num_graphs)
        return self.objects_for(choice, num_graphs)

    def objects_for(self, choice: Choice, num_graphs: int) -> Tensor:
        """`graph_features` of a choice that is resolved."""
        which = self._which_set(num_graphs, choice.set_index)
        if choice.rotations is not None:
            check_rotations(choice.rotations, num_graphs, self.device)
        if self.mode == "all" and choice.object_index is None and choice.features is None:
            size = int(self.set.size)
            every = self.objects[0].repeat_interleave(num_graphs, dim=0)
            if choice.rotations is not None:
                every = self.rotate(every, choice.rotations.repeat(size, 1, 1))
            return every.to(self.dtype).reshape(size, num_graphs, self.dim)
        if choice.features is not None:
            found = self._given(choice.features, num_graphs)
        else:
            found = self._numbered(choice, num_graphs, which)
        if not is_compiling():
            self.drawn = found.detach()
        if choice.rotations is not None:
            found = self._turned(found, choice.rotations)
        return found.to(self.dtype)

    def _turned(self, objects: Tensor, rotations: Tensor) -> Tensor:
        if objects.ndim == 2:
            return self.rotate(objects, rotations)
        flat = objects.reshape(-1, self.dim)
        return self.rotate(flat, rotations.repeat_interleave(objects.shape[1], dim=0)).reshape(objects.shape)

    def on_nodes(
        self, objects: Tensor, batch: Tensor | None, num_nodes: int, choice: Choice = _NOTHING
    ) -> Tensor:
        """Objects of the graphs, from `objects_for`, as features of the nodes, ``[num_nodes, irreps.dim]``.

        A field is read at each node's site: that of ``choice.sites``, or its position among the nodes of its graph, which is
        the order of the sites of the structure that the set was asked for.

        Raises:
            NetworkInputError: a graph has not the sites of its set.
        """
        if objects.ndim == 2:
            return objects.expand(num_nodes, -1) if batch is None else objects.index_select(0, batch)
        own = torch.tensor(self.sites, device=objects.device)[self._which_set(len(objects), choice.set_index)]
        return fields_at(objects, own, batch, num_nodes, choice.sites)

    def _numbered(self, choice: Choice, num_graphs: int, which: Tensor) -> Tensor:
        """Objects by number or drawn, float64."""
        index = choice.object_index
        if index is None:
            if self.mode == "index":
                raise NetworkInputError(
                    f"mode='index' draws nothing: give index= (for infinite sets features=) of {num_graphs} graphs, choose them "
                    "with breaker.choose, or let the batch bring 'sbs_object': data pipelines hand it on if told to."
                )
            index = torch.zeros_like(which) if self.infinite else self._draw(num_graphs, which, choice.draw)
        elif self.infinite:
            raise InfiniteSetError(
                "Objects of an infinite set have no numbers; give the object itself, features=breaker.features_of(...), or "
                "leave index out to sample one."
            )
        else:
            check_choice(index, self.sizes[which], num_graphs, self.device, "index")
        found = self.objects[which, index]
        if self.orbit_sampler is not None:
            self._may_draw(choice.draw)
            found = self.orbit_sampler(found, which, self.stream, self.rotate)
        return found

    def _given(self, features: Tensor, num_graphs: int) -> Tensor:
        if any(self.sites) and features.ndim == 3 and features.shape == (num_graphs, *self.objects.shape[2:]):
            check_like(features, self.device, "features")
            return features.to(torch.float64)
        if features.numel() == num_graphs * self.dim and features.ndim <= 2:
            # Some data pipelines hold every graph field as a column.
            features = features.reshape(num_graphs, self.dim)
        if features.shape != (num_graphs, self.dim) or not features.is_floating_point():
            raise NetworkInputError(
                f"features has shape {tuple(features.shape)} and dtype {features.dtype}; expected the object of each graph, "
                f"({num_graphs}, {self.dim}) for {self.irreps}, floating point: see breaker.features_of."
            )
        check_like(features, self.device, "features")
        return features.to(torch.float64)

    def forward(
        self,
        batch: Tensor | None = None,
        num_graphs: int | None = None,
        *,
        index: Tensor | None = None,
        set_index: Tensor | None = None,
        rotations: Tensor | None = None,
        features: Tensor | None = None,
        sites: Tensor | None = None,
    ) -> Tensor:
        """Features of every node, ``[num_nodes, irreps.dim]`` (mode "all": ``[size, num_nodes, irreps.dim]``).

        ``batch`` (num_nodes,) holds the graph number of each node. ``num_graphs`` may be left out where one
        of the per-graph tensors tells it. See `graph_features` for the rest.

        Raises:
            NetworkInputError: for an empty batch, a graph without nodes, a choice out of range, rotations that are not
                orthogonal, tensors on another device, or in evaluation without a choice.
        """
        if batch is None:
            raise NetworkInputError("batch is missing: one graph number per node; zeros for a single graph.")
        check_tensors(batch=batch)
        choice, num_graphs = self.resolve(Choice(index, set_index, rotations, features, sites), num_graphs)
        check_batch(batch, num_graphs, self.device)
        found = self.objects_for(choice, num_graphs)
        if self.mode == "all" and found.ndim == 3:
            return found.index_select(-2, batch)
        return self.on_nodes(found, batch, batch.shape[0], choice)

    def get_extra_state(self) -> Tensor:
        """The state of the random stream, so that a checkpoint continues the draws."""
        return self.stream.state()

    def set_extra_state(self, state: Tensor) -> None:
        """Continue the draws of a checkpoint."""
        self.stream.restore(state)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(prefix + "objects")
        if saved is not None and self.device.type != "meta":
            exact = self._exact["objects"]
            same = saved.shape == exact.shape and torch.allclose(
                saved.detach().to(exact), exact, rtol=0.0, atol=CHECKPOINT_TOLERANCE
            )
            if not same:
                raise NetworkInputError(
                    f"The checkpoint's symmetry-breaking objects {tuple(saved.shape)} are not those of this "
                    f"breaker {tuple(exact.shape)} ({', '.join(map(_title, self.sets))}); build the breaker "
                    "from the same sets."
                )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def extra_repr(self) -> str:
        """Sets, irreps and mode, for printing."""
        return f"{', '.join(map(_title, self.sets))}, irreps={self.irreps}, mode={self.mode!r}"


def _title(each: MinimalSet) -> str:
    return f"{each.group.symbol}->{each.target.symbol}"
