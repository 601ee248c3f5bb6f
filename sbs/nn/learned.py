"""A breaker whose object is learned: for data of which the symmetry S of the input is known, that of the outputs is not.

The S-orbit of a learned vector v is closed under S, so that drawing from it keeps a network equivariant in distribution
(randomised canonicalisation: H. Lawrence, V. Portilheiro, Y. Zhang, S.-O. Kaba, "Improving equivariant networks with
probabilistic symmetry breaking", ICLR 2025, there with a network in v's place). With the orbit-minimum loss and
`LearnedBreaker.asymmetry` v moves until its stabilizer is that of the data; then `LearnedBreaker.converged` names it and
hands over the smallest set, with its proof. For a crystal in a supercell v is a field on its sites, and K may break
translations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3
from torch import Tensor, nn

from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.groups.abstract.finite import FiniteGroup, Subgroup
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.groups.abstract.validation import check_integer, check_real, real_array, shown
from sbs.groups.point.pointgroups import PointGroup, point_group
from sbs.nn.breaker import CHECKPOINT_TOLERANCE, SymmetryBreaker
from sbs.nn.checks import check_choice, check_dtype, plain_irreps
from sbs.nn.draw import RandomStream
from sbs.nn.wigner import ExactBuffers, Rotation
from sbs.objects.representation import representation
from sbs.query import minimal_set
from sbs.sets.minimal_set import MinimalSet

__all__ = ["Converged", "LearnedBreaker", "LearnedOrbit"]

# Relative distance of D(g) v from v below which g is taken to fix v: what training with a finite step leaves.
LEARNED_TOLERANCE = 0.05

# Relative distance at which an element counts half in `LearnedBreaker.asymmetry`: between what is fixed and what is not.
WIDTH = 0.3

# An orbit taken of this vector differs by rounding.
_SAME_VECTOR = 1e-6

# Beyond, elements that do not fix the vector could not be told from those that do.
_LARGEST_TOLERANCE = 0.4

# The others must be this many times farther away, or the vector is on its way.
_CLEAR = 4.0


@dataclass(frozen=True, eq=False)
class LearnedOrbit:
    """The orbit as it is now, object number k for element number k of S: what `sbs.nn.all_outputs` needs of a set.

    Attributes:
        group: S.
        irreps: of an object.
        objects: float64 (order of S, dim), or fields (order of S, sites, dim), read-only.
    """

    group: PointGroup | Subgroup
    irreps: str
    objects: npt.NDArray[np.float64]

    @property
    def size(self) -> int:
        """Number of objects, those that coincide counted apart."""
        return len(self.objects)

    degeneracy = 1


@dataclass(frozen=True, eq=False)
class Converged:
    """What the vector of a `LearnedBreaker` has found.

    Attributes:
        target: K, the elements of S that fix the vector.
        deviation: the largest relative distance by which one of them moves it.
        separation: the smallest by which another one does; infinite if K = S.
        crystal: what was given for S, if it was a crystal in a supercell.
    """

    target: Subgroup
    deviation: float
    separation: float
    crystal: Any = None

    @cached_property
    def symmetry_set(self) -> MinimalSet:
        """The smallest symmetry-breaking set for S and K, with its proof: build the network anew, or go on, with this."""
        return minimal_set(self.target.parent if self.crystal is None else self.crystal, self.target)

    def __str__(self) -> str:
        return (
            f"the vector is fixed by {self.target.symbol} to {self.deviation:.1e}, other elements move it by "
            f"{self.separation:.1e} at least"
        )


class LearnedBreaker(SymmetryBreaker):
    """The S-orbit of a learned vector as a breaker: attach it, build with it, draw and choose as with any set.

    Args:
        group: S, a finite point group in the orientation of the input: its symbol, a `PointGroup`, or what ``sbs.detect``
            returned; of a crystal in a supercell (``sbs.detect(structure, supercell=...)``) the vector is a field on its sites.
        irreps: of the vector, or of the field on each site: high enough to tell the targets that may come apart ("1x1o" finds
            the polar ones).
        seed: of the vector and of the breaker's own random stream.
        dtype: of the features; by default torch's default dtype.

    Objects are numbered like the elements of S. The vector as a whole has the squared norm of its dimension.

    Raises:
        InfiniteSetError: S is infinite.
        NetworkInputError: the irreps cannot be read, or are scalars under all of S, which break nothing.
    """

    action: Tensor
    sources: Tensor

    def __init__(self, group: Any, irreps: str, *, seed: int = 0, dtype: torch.dtype | None = None) -> None:
        check_dtype(dtype)
        seed = check_integer(seed, "seed")
        ExactBuffers.__init__(self, dtype)
        text = plain_irreps(irreps, "irreps")
        whole: Any = getattr(group, "group", None)
        on_sites = isinstance(whole, FiniteGroup) and isinstance(whole.meaning, SiteOperations)
        #: The crystal on whose sites the field is, or None.
        self.crystal = group if on_sites else None
        found: Any = whole.whole if on_sites else point_group(whole if isinstance(whole, PointGroup) else group)
        if not on_sites and not isinstance(found, PointGroup):
            raise InfiniteSetError(f"{found.symbol} is infinite, so is the orbit; give a finite point group.")
        matrices = representation(text, found.matrices)
        if not on_sites and np.abs(matrices - np.eye(matrices.shape[1])).max() < 1e-9:
            raise NetworkInputError(f"irreps={irreps} are invariant under all of {found.symbol}: no vector breaks it.")
        self.group = found
        self.table = np.asarray(whole.table if on_sites else found.table)
        self.irreps = o3.Irreps(text)
        self.dim = self.irreps.dim
        self.sets = ()
        self.mode = "sample"
        self.shared = True
        permutations = (
            np.asarray(whole.meaning.permutations) if on_sites else np.zeros((found.order, 0), dtype=np.int64)
        )
        self.sites = (permutations.shape[1],)
        self.infinite = False
        self.orbit_sampler = None
        self.stream = RandomStream(seed)
        self.rotate = Rotation(self.irreps)
        self.register_exact("action", torch.from_numpy(matrices))
        # Which site's value comes to each site.
        self.register_exact("sources", torch.from_numpy(np.argsort(permutations, axis=1)))
        self.register_exact("sizes", torch.from_numpy(np.array([found.order])))
        # S, for checkpoints: the vector means nothing without it.
        self.register_exact("elements", torch.from_numpy(np.array(found.matrices)), persistent=True)
        shape = (self.sites[0], self.dim) if on_sites else (self.dim,)
        drawn = np.random.default_rng(seed).normal(size=shape)
        self.vector = nn.Parameter(torch.as_tensor(drawn, dtype=dtype or torch.get_default_dtype()))
        self.remember()

    @property
    def seed_object(self) -> Tensor:
        """The vector, float64 (dim,), or the field (sites, dim), differentiable, with its norm."""
        values = self.vector.to(torch.float64)
        return values * (math.sqrt(values.numel()) / torch.linalg.vector_norm(values))

    @property
    def objects(self) -> Tensor:  # type: ignore[override]
        """The orbit, float64 (1, order of S, dim), or (1, order of S, sites, dim), differentiable."""
        seed = self.seed_object
        if seed.ndim == 1:
            return (self.action @ seed)[None]
        turned = seed @ self.action.transpose(1, 2)
        return torch.gather(turned, 1, self.sources[:, :, None].expand_as(turned))[None]

    def orbit(self) -> LearnedOrbit:
        """The orbit as it is now, for `sbs.nn.all_outputs`, which then needs one forward pass."""
        objects = self.objects[0].detach().cpu().numpy().copy()
        objects.setflags(write=False)
        return LearnedOrbit(self.group, str(self.irreps), objects)

    def group_of(self, number: int) -> Any:
        """S."""
        return self.group

    def number_of(self, symmetry_set: Any) -> int:
        """0 for the orbit of this breaker as it is now."""
        if not isinstance(symmetry_set, LearnedOrbit) or symmetry_set.group != self.group:
            raise NetworkInputError(f"{shown(symmetry_set)} is not the orbit of this breaker; pass breaker.orbit().")
        own = self.objects[0].detach().cpu().numpy()
        if own.shape != symmetry_set.objects.shape or np.abs(own - symmetry_set.objects).max() > _SAME_VECTOR:
            raise NetworkInputError("The vector has moved since this orbit was taken; take it anew, breaker.orbit().")
        return 0

    @property
    def set(self) -> MinimalSet:
        """None yet.

        Raises:
            NetworkInputError: always; see `converged`.
        """
        raise NetworkInputError(
            "A learned breaker has no set before its vector has converged: breaker.converged().symmetry_set. Its objects are "
            "breaker.orbit(), for sbs.nn.all_outputs."
        )

    def features_of(self, objects: npt.ArrayLike, set_index: int = 0) -> Tensor:
        """Vectors (n, dim), or fields (n, sites, dim), with the norm of the learned one, to be given as ``features``.

        Raises:
            NetworkInputError: the objects do not fit the irreps.
        """
        check_integer(set_index, "set_index", 0, 0)
        given = real_array(objects, "objects")
        shape = self.objects.shape[2:]
        given = given[None] if given.shape == shape else given
        if given.shape[1:] != shape or not np.abs(given).reshape(len(given), -1).max(axis=1, initial=0.0).all():
            raise NetworkInputError(
                f"objects has shape {given.shape}; expected {('n', *shape)}, none of them zero, for {self.irreps}."
            )
        norms = np.linalg.norm(given.reshape(len(given), -1), axis=1).reshape(-1, *[1] * len(shape))
        return torch.as_tensor(given * (math.sqrt(math.prod(shape)) / norms), dtype=self.dtype, device=self.device)

    def _which_set(self, num_graphs: int, set_index: Tensor | None) -> Tensor:
        if set_index is not None:
            check_choice(set_index, 1, num_graphs, self.device, "set_index")
        return torch.zeros(num_graphs, dtype=torch.int64, device=self.device)

    def asymmetry(self, width: float = WIDTH) -> Tensor:
        """A smooth count of the elements of S that move the vector, as a fraction of S: a scalar in [0, 1), differentiable.

        Nothing in a loss on outputs asks the vector for symmetry: a network can make a symmetric output of an object with
        less. Added with a small factor, this lets the vector be fixed by as many elements as the data allow: an object with
        more symmetry than the output cannot make it. It is felt near symmetric vectors only: what brings the vector there is
        the loss, as long as the network's answer follows the vector closely. A network that can ignore parts of the vector (a
        field on sites that do not move, say) leaves these as they were drawn.

        Args:
            width: relative distance at which an element counts half.
        """
        width = check_real(width, "width", 1e-6)
        seed = self.seed_object
        moved = (self.objects[0] - seed).flatten(1).square().sum(dim=1) / seed.numel()
        return (moved / (moved + width**2)).mean()

    def converged(self, tolerance: float = LEARNED_TOLERANCE) -> Converged | None:
        """Which subgroup K of S fixes the vector, or None while that is not clear.

        It is clear when the elements that move the vector by less than ``tolerance`` (relative) form a group and all others
        move it several times farther than these do. This says where the vector is, not why: one that was not trained lies near
        a mirror plane by accident now and then, so look at the loss too.

        Args:
            tolerance: from 0 to 0.4; other elements move a vector by 2 at most.

        Raises:
            NetworkInputError: the vector is zero or no number any more: training has diverged.
        """
        tolerance = check_real(tolerance, "tolerance", 0.0, _LARGEST_TOLERANCE)
        size = float(torch.linalg.vector_norm(self.vector.detach().to(torch.float64)))
        if not (math.isfinite(size) and size > 0.0):
            raise NetworkInputError(
                f"The learned vector has the norm {size}: training has diverged. Begin anew with a smaller learning rate."
            )
        with torch.no_grad():
            seed = self.seed_object
            away = (self.objects[0] - seed).flatten(1)
        moved = (torch.linalg.vector_norm(away, dim=1) / torch.linalg.vector_norm(seed)).cpu().numpy()
        fixing = moved <= tolerance
        if not fixing[self.table[np.ix_(fixing, fixing)]].all():
            return None
        deviation = float(moved[fixing].max())
        separation = float(moved[~fixing].min()) if not fixing.all() else math.inf
        if separation < _CLEAR * max(deviation, tolerance):
            return None
        whole: Any = self.group if self.crystal is None else self.crystal.group
        return Converged(whole.subgroup_from_mask(fixing), deviation, separation, self.crystal)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        saved = state_dict.get(prefix + "elements")
        if saved is not None and self.device.type != "meta":
            exact = self._exact["elements"]
            if saved.shape != exact.shape or float((saved.detach().to(exact) - exact).abs().max()) > CHECKPOINT_TOLERANCE:
                raise NetworkInputError(
                    f"The checkpoint's vector is of a group of order {len(saved)} that is not this breaker's {self.group.symbol} "
                    f"(order {len(exact)}) in its orientation; build the breaker for the same S."
                )
        nn.Module._load_from_state_dict(self, state_dict, prefix, *args)

    def extra_repr(self) -> str:
        """Group and irreps, for printing."""
        place = f", field on {self.sites[0]} sites" if self.sites[0] else ""
        return f"{self.group.symbol}, irreps={self.irreps}{place}, learned"
