"""SymmetryBreaker: the module that turns symmetry-breaking sets into features for a batch of graphs."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.nn.checks import check_batch, check_choice, check_rotations
from sbs.nn.draw import RandomStream
from sbs.nn.infinite import OrbitSampler
from sbs.nn.wigner import ExactBuffers, Rotation
from sbs.sets.features import feature_table
from sbs.sets.minimal_set import MinimalSet

__all__ = ["Choice", "Mode", "SymmetryBreaker"]

Mode = Literal["sample", "index", "all"]

# Objects in a checkpoint may differ from the set's by this much: they are stored in float64, so only by
# rounding.
CHECKPOINT_TOLERANCE = 1e-9


class Choice(NamedTuple):
    """What is chosen per graph: the object, the set and the orientation (each a tensor over graphs, or None)."""

    object_index: Tensor | None = None
    set_index: Tensor | None = None
    rotations: Tensor | None = None


class SymmetryBreaker(ExactBuffers):
    """Symmetry-breaking objects as e3nn features, one object per graph, on every node of the graph.

    Args:
        sets: a `MinimalSet`, or a sequence of them for batches that mix several (S, K).
        mode: "sample" draws an object uniformly for each graph (one may still be chosen by ``index``); "index" insists
            on ``index``; "all" returns every object, in a new leading dimension of length ``set.size``.
        shared: with several sets, whether they use the same blocks of ``irreps``. If not, each set has its own blocks
            and leaves the others zero: a network then sees which set an object is from.
        seed: of the breaker's own random stream; torch's global generators are not touched.
        dtype: of the features; by default torch's default dtype. Follows ``.to()``.

    Features are in e3nn's "component" normalisation: a block (l, p) of an object has squared norm 2l + 1.
    ``irreps`` are the set's; for several sets that share blocks the least irreps that hold each of them,
    blocks that a set lacks being zero.

    The objects are kept in float64 and rotated in float64, then cast: casts of the module lose nothing.
    Values of ``batch``, ``index``, ``set_index`` and ``rotations`` are checked on the CPU only; on an
    accelerator and in compiled graphs the checks would cost a synchronisation and only shapes, dtypes and
    devices are checked.

    Raises:
        NetworkInputError: if there is no set, a set has no irreps (an abstract finite group), or the mode is unknown.
        InfiniteSetError: if an infinite set is given with mode "index" or "all".
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
        super().__init__(dtype)
        self.sets: tuple[MinimalSet, ...] = (sets,) if isinstance(sets, MinimalSet) else tuple(sets)
        if not self.sets:
            raise NetworkInputError("No set was given; pass sbs.minimal_set(...) or a sequence of such sets.")
        if mode not in ("sample", "index", "all"):
            raise NetworkInputError(f"mode={mode!r} is unknown; choose 'sample', 'index' or 'all'.")
        self.infinite = any(math.isinf(each.size) for each in self.sets)
        if self.infinite and mode != "sample":
            raise InfiniteSetError(
                f"mode={mode!r} needs finite sets, but a set of {self.sets} is infinite; use mode='sample', "
                "or a smaller ambient group such as the lattice's holohedry."
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
        self.register_buffer("sizes", torch.from_numpy(table.sizes.copy()), persistent=True)
        self.orbit_sampler = OrbitSampler(self.sets) if self.infinite else None
        self._chosen = Choice()

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
        return self._draw(num_graphs, self._which_set(num_graphs, set_index))

    def _draw(self, num_graphs: int, which: Tensor) -> Tensor:
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
        self, index: Tensor | None = None, *, set_index: Tensor | None = None, rotations: Tensor | None = None
    ) -> Iterator[SymmetryBreaker]:
        """Within this context, calls that do not say otherwise use these objects, sets and orientations."""
        previous = self._chosen
        self._chosen = Choice(index, set_index, rotations)
        try:
            yield self
        finally:
            self._chosen = previous

    def resolve(self, choice: Choice, num_graphs: int | None) -> tuple[Choice, int]:
        """Fill what ``choice`` leaves open from `choose`, and find the number of graphs."""
        kept = self._chosen
        filled = Choice(
            choice.object_index if choice.object_index is not None else kept.object_index,
            choice.set_index if choice.set_index is not None else kept.set_index,
            choice.rotations if choice.rotations is not None else kept.rotations,
        )
        if num_graphs is None:
            lengths = [value.shape[0] for value in filled if value is not None]
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
    ) -> Tensor:
        """One object per graph, ``[num_graphs, irreps.dim]``: with ``irreps`` the portable contract for any
        framework.

        ``index`` (num_graphs,) chooses objects, ``set_index`` (num_graphs,) sets, ``rotations`` (num_graphs,
        3, 3) turn each graph's objects from the standard orientation of its set to that of the input. Mode
        "all" puts a dimension of length ``set.size`` in front.
        """
        choice, num_graphs = self.resolve(Choice(index, set_index, rotations), num_graphs)
        which = self._which_set(num_graphs, choice.set_index)
        if choice.rotations is not None:
            check_rotations(choice.rotations, num_graphs, self.device)
        if self.mode == "all" and choice.object_index is None:
            size = int(self.set.size)
            every = self.objects[0].repeat_interleave(num_graphs, dim=0)
            if choice.rotations is not None:
                every = self.rotate(every, choice.rotations.repeat(size, 1, 1))
            return every.to(self.dtype).reshape(size, num_graphs, self.dim)
        if choice.object_index is not None:
            if self.infinite:
                raise InfiniteSetError("Objects of an infinite set have no numbers; leave index out to sample one.")
            check_choice(choice.object_index, self.sizes[which], num_graphs, self.device, "index")
            chosen = choice.object_index
        elif self.mode == "index":
            raise NetworkInputError(f"mode='index' needs index=, one object number per graph: shape ({num_graphs},).")
        else:
            chosen = self._draw(num_graphs, which)
        features = self.objects[which, chosen]
        if self.orbit_sampler is not None:
            features = self.orbit_sampler(features, which, self.stream, self.rotate)
        if choice.rotations is not None:
            features = self.rotate(features, choice.rotations)
        return features.to(self.dtype)

    def forward(
        self,
        batch: Tensor | None = None,
        num_graphs: int | None = None,
        *,
        index: Tensor | None = None,
        set_index: Tensor | None = None,
        rotations: Tensor | None = None,
    ) -> Tensor:
        """Features of every node, ``[num_nodes, irreps.dim]`` (mode "all": ``[size, num_nodes,
        irreps.dim]``).

        ``batch`` (num_nodes,) holds the graph number of each node. ``num_graphs`` may be left out where one
        of the per-graph tensors tells it. See `graph_features` for the rest.

        Raises:
            NetworkInputError: for an empty batch, a graph without nodes, a choice out of range, rotations that are not
                orthogonal, or tensors on another device.
        """
        if batch is None:
            raise NetworkInputError("batch is missing: one graph number per node; zeros for a single graph.")
        choice, num_graphs = self.resolve(Choice(index, set_index, rotations), num_graphs)
        check_batch(batch, num_graphs, self.device)
        return self.graph_features(
            num_graphs, index=choice.object_index, set_index=choice.set_index, rotations=choice.rotations
        ).index_select(-2, batch)

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
