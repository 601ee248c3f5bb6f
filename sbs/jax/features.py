"""Objects of symmetry-breaking sets as features of graphs and nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.groups.abstract.validation import check_bool, check_integer, shown
from sbs.jax.checks import check_entries, integers, is_known, real
from sbs.jax.rotation import rotate
from sbs.sets.features import feature_table
from sbs.sets.minimal_set import MinimalSet

__all__ = ["Objects"]

# More graphs than this at once are a mistake.
_MOST_GRAPHS = 2**31 - 1


class Objects:
    """Objects of one or several sets, in e3nn's component normalisation: a block (l, p) has squared norm 2 l + 1.

    Args:
        sets: a finite `MinimalSet`, or a sequence of them for batches that mix several.
        shared: whether sets use the same blocks of ``irreps``; if not, each has blocks of its own, the others being zero.

    Attributes: ``sets``; ``irreps`` in e3nn's notation; ``dim``.

    Methods are functions of arrays and can be traced. Values are checked where they are known, that is outside of traced
    functions; inside, only shapes are.

    Raises:
        InfiniteSetError: a set is infinite.
        NetworkInputError: there is no set, or one is of abstract groups.
    """

    def __init__(self, sets: MinimalSet | Sequence[MinimalSet], *, shared: bool = True) -> None:
        given = (sets,) if isinstance(sets, MinimalSet) else tuple(sets) if isinstance(sets, (list, tuple)) else None
        if given is None or not all(isinstance(each, MinimalSet) for each in given):
            raise NetworkInputError(f"sets is {shown(sets)}; expected sbs.minimal_set(...) or a list of such sets.")
        if not given:
            raise NetworkInputError("No set was given; pass sbs.minimal_set(...) or a sequence of such sets.")
        self.sets: tuple[MinimalSet, ...] = given
        if any(math.isinf(each.size) for each in self.sets):
            raise InfiniteSetError(
                f"A set of {self.sets} is infinite and cannot be listed; use a smaller ambient group, or give a network "
                "set.sample(n, seed) as its features."
            )
        table = feature_table(self.sets, check_bool(shared, "shared"))
        self.irreps = table.irreps
        self.dim: int = table.objects.shape[-1]
        self._objects, self._sizes, self._sites = table.objects, table.sizes, table.sites

    @property
    def set(self) -> MinimalSet:
        """The set, if there is exactly one."""
        if len(self.sets) != 1:
            raise NetworkInputError(f"There are {len(self.sets)} sets; name one of .sets.")
        return self.sets[0]

    def draw(self, key: Array, num_graphs: int, set_index: Array | None = None) -> Array:
        """An object for each graph, uniformly from its set: int32 (num_graphs,).

        Raises:
            NetworkInputError: ``key`` is no key of jax.random.
        """
        num_graphs = check_integer(num_graphs, "num_graphs", 0, _MOST_GRAPHS)
        old = isinstance(key, Array) and key.shape == (2,) and key.dtype == jnp.uint32
        if not old and not (isinstance(key, Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.ndim == 0):
            raise NetworkInputError(f"key is {shown(key)}; expected one key, jax.random.key(seed).")
        sizes = jnp.asarray(self._sizes)[self._which(num_graphs, set_index)]
        return jax.random.randint(key, (num_graphs,), 0, sizes)

    def _which(self, num_graphs: int, set_index: Array | None) -> Array:
        if set_index is None:
            if len(self.sets) > 1:
                raise NetworkInputError(f"There are {len(self.sets)} sets; give set_index, one number per graph.")
            return jnp.zeros(num_graphs, jnp.int32)
        found = integers(set_index, "set_index")
        check_entries(found, num_graphs, np.array([len(self.sets)]), "set_index")
        return found

    def graph_features(
        self, index: Array, *, set_index: Array | None = None, rotations: Array | None = None
    ) -> Array:
        """One object per graph: (num_graphs, dim), or (num_graphs, sites, dim) where a set has fields on sites.

        Args:
            index: int (num_graphs,), numbers of objects.
            set_index: int (num_graphs,), numbers of sets, where there are several.
            rotations: (num_graphs, 3, 3), from the orientation of the set to that of the input.

        Raises:
            NetworkInputError: shapes do not fit, or numbers are out of range.
        """
        index = integers(index, "index, one integer per graph,")
        if index.ndim != 1:
            raise NetworkInputError(f"index has shape {index.shape}; expected one integer per graph.")
        which = self._which(len(index), set_index)
        if is_known(which):
            check_entries(index, len(index), self._sizes[np.asarray(which)], "index")
        found = jnp.asarray(self._objects)[which, index]
        if rotations is None:
            return found
        turns = real(rotations, "rotations").astype(found.dtype)
        if turns.shape != (len(index), 3, 3):
            raise NetworkInputError(f"rotations has shape {turns.shape}; expected ({len(index)}, 3, 3).")
        if found.ndim == 2:
            return rotate(found, self.irreps, turns)
        flat = rotate(found.reshape(-1, self.dim), self.irreps, jnp.repeat(turns, found.shape[1], axis=0))
        return flat.reshape(found.shape)

    def node_features(
        self,
        batch: Array,
        index: Array,
        *,
        set_index: Array | None = None,
        rotations: Array | None = None,
        sites: Array | None = None,
    ) -> Array:
        """Features of every node, (num_nodes, dim).

        Args:
            batch: int (num_nodes,), the graph of each node, in any order.
            sites: int (num_nodes,), for fields: the site of the set that each node is; by default the order of the nodes.
        """
        graphs = self.graph_features(index, set_index=set_index, rotations=rotations)
        batch = integers(batch, "batch, one integer per node,")
        if batch.ndim != 1:
            raise NetworkInputError(f"batch has shape {batch.shape}; expected one integer per node.")
        check_entries(batch, len(batch), np.array([len(graphs)]), "batch")
        if graphs.ndim == 2:
            return graphs[batch]
        counts = jnp.zeros(len(graphs), jnp.int32).at[batch].add(1)
        own = jnp.asarray(self._sites)[self._which(len(graphs), set_index)]
        if is_known(counts) and is_known(own):
            wrong = (np.asarray(own) > 0) & (np.asarray(counts) != np.asarray(own))
            if wrong.any():
                raise NetworkInputError(
                    f"Graph {int(wrong.argmax())} has {int(counts[wrong.argmax()])} nodes, its set fields on "
                    f"{int(own[wrong.argmax()])} sites; give the supercell that the set was asked for."
                )
        if sites is None:
            order = jnp.argsort(batch, stable=True)
            places = jnp.arange(len(batch)) - (jnp.cumsum(counts) - counts)[batch[order]]
            sites = jnp.zeros_like(places).at[order].set(places)
        else:
            sites = integers(sites, "sites")
            check_entries(sites, len(batch), np.array([graphs.shape[1]]), "sites")
        return graphs[batch, jnp.where(own[batch] > 0, sites, 0)]
