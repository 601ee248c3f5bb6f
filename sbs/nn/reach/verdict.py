"""Say before training whether a breaker's asymmetry can arrive at the output of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3

from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.groups.point.closed import ClosedGroup
from sbs.nn.checks import as_irreps
from sbs.nn.reach.paths import Paths, Product, as_paths, unreachable_blocks
from sbs.nn.reach.surrogate import Surrogate
from sbs.objects.representation import representation
from sbs.sets.features import common_irreps, first_object
from sbs.sets.minimal_set import MinimalSet

__all__ = ["Reach", "can_break", "kept_elements"]

# Relative change of the surrogate's output that counts as one: float64 rounding is 1e-14, a path through two
# products with weights of order one is above 1e-4.
CHANGE_TOLERANCE = 1e-9

# Elements of an infinite S that are tried.
_SAMPLED_ELEMENTS = 32

# Largest degree among the irreps that an answer proposes for pooled outputs.
_SHOWN_DEGREE = 4

# A generic environment: five points without any symmetry, distances of order one.
_GENERIC_NODES = 5
_GENERIC_SEED = 7


@dataclass(frozen=True)
class Reach:
    """Answer of `can_break`; true if the output can have exactly the symmetry of the object.

    Attributes:
        kept: bool (order of S,), elements of ``set.group.matrices`` under which every output stays invariant.
        kept_order, object_order: number of these, and of those that fix the object (for an infinite S, of sampled
            elements).
        unreached: irreps of the breaker that can never change the output.
        missing: hidden irreps whose addition lets the asymmetry through; empty if the answer is yes or if none would
            help.
        reason: one or two sentences.
    """

    kept: npt.NDArray[np.bool_]
    kept_order: int
    object_order: int
    unreached: tuple[str, ...]
    missing: tuple[str, ...]
    reason: str

    def __bool__(self) -> bool:
        return self.kept_order == self.object_order

    def __str__(self) -> str:
        return f"{'yes' if self else 'no'}: {self.reason}"


@dataclass(frozen=True)
class _Question:
    """The network, and the objects: the images of one object under S."""

    irreps_in: o3.Irreps
    irreps_out: o3.Irreps
    irreps_breaker: o3.Irreps
    product: Paths
    layers: int
    pooled: bool
    matrices: np.ndarray
    images: torch.Tensor
    positions: np.ndarray
    generic: bool

    def outputs(self, hidden: o3.Irreps, images: torch.Tensor) -> tuple[np.ndarray, float]:
        """Outputs for all images, (elements of S, ...), and the size of the numbers they were made of."""
        surrogate = Surrogate(
            self.irreps_in,
            hidden,
            self.irreps_out,
            self.irreps_breaker,
            self.product,
            self.layers,
            self.positions,
            self._inputs(),
        )
        nodes = surrogate(images)
        scale = float(nodes.abs().max()) if nodes.numel() else 0.0
        if not self.pooled:
            return nodes.numpy(), scale
        total = nodes.sum(dim=1).numpy()
        if not self.generic:
            return total, scale
        # The structure is one S-orbit of copies of the cluster: sum the images g f(g^-1 b) and turn the sum
        # by each g.
        irreps = "+".join(f"1x{ir}" for ir in surrogate.kinds_out)
        action = representation(irreps, self.matrices)
        if total.shape[1] != action.shape[1]:
            return np.zeros((len(total), 1)), scale
        inverse = _inverses(self.matrices)
        mean = np.einsum("gij,gj->i", action, total[inverse]) / len(total)
        return action @ mean, scale

    def _inputs(self) -> dict[o3.Irrep, torch.Tensor]:
        """Node inputs: in general position any vector; on given sites only what S leaves alone everywhere."""
        generator = torch.Generator().manual_seed(_GENERIC_SEED)
        proper = bool((np.linalg.det(self.matrices) > 0).all())
        inputs = {}
        for ir in sorted({ir for _, ir in self.irreps_in}):
            if self.generic:
                inputs[ir] = torch.randn((len(self.positions), ir.dim), generator=generator, dtype=torch.float64)
            elif ir.l == 0 and (ir.p == 1 or proper):
                inputs[ir] = torch.ones((len(self.positions), 1), dtype=torch.float64)
        return inputs

    def kept(self, hidden: o3.Irreps, images: torch.Tensor | None = None) -> np.ndarray:
        """Which elements leave the output as it is."""
        values, scale = self.outputs(hidden, self.images if images is None else images)
        values = values.reshape(len(values), -1)
        if not values.shape[1]:
            return np.ones(len(values), dtype=bool)
        return np.abs(values - values[:1]).max(axis=1) <= CHANGE_TOLERANCE * scale


def can_break(
    irreps_in: o3.Irreps | str,
    irreps_hidden: o3.Irreps | str,
    irreps_out: o3.Irreps | str,
    symmetry_set: MinimalSet,
    *,
    tensor_product: Product = "clebsch-gordan",
    layers: int = 2,
    pooled: bool = False,
    positions: npt.ArrayLike | None = None,
) -> Reach:
    """Whether the asymmetry of a set's objects can reach the output of a network, and which irreps are missing.

    The network is gated message passing with ``layers`` hidden layers and one convolution to the output, as
    e3nn's: edges carry spherical harmonics up to the largest l of hidden and output irreps, nodes carry the
    object as an attribute. What its tensor products can do is found with random weights and compared to
    rounding, so the answer holds for every network with
    these irreps: "no" for all weights, "yes" for all but a set of measure zero.

    Args:
        irreps_in, irreps_hidden, irreps_out: node input, hidden and output irreps.
        tensor_product: "clebsch-gordan" or "complete"; "vector-signal"; "gaunt", which lacks the products with odd
            l1 + l2 + l3; a product of `sbs.nn.products`, or anything else that tells its `Paths`.
        pooled: the output is one per graph, not one per node.
        positions: (n, 3) sites of a molecule, symmetric under S. By default nodes are taken to be in general position;
            nodes that all sit on symmetry elements can transmit less, which this tells.

    Raises:
        NetworkInputError: for irreps that cannot be read, an unknown product, or a negative number of layers.
        InfiniteSetError: for pooled outputs of an infinite S.
    """
    question, hidden, fixing = _posed(
        irreps_in, irreps_hidden, irreps_out, symmetry_set, tensor_product, layers, pooled, positions
    )
    kept = question.kept(hidden)
    if (kept == fixing).all():
        return Reach(kept, int(kept.sum()), int(fixing.sum()), (), (), "the object's asymmetry reaches the output")
    unreached = _unreached(question, hidden)
    missing = _missing(question, hidden, fixing)
    reason = _reason(question, hidden, kept, fixing, unreached, missing)
    return Reach(kept, int(kept.sum()), int(fixing.sum()), unreached, missing, reason)


def kept_elements(
    irreps_in: o3.Irreps | str,
    irreps_hidden: o3.Irreps | str,
    irreps_out: o3.Irreps | str,
    symmetry_set: MinimalSet,
    *,
    tensor_product: Product = "clebsch-gordan",
    layers: int = 2,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Elements of S that the outputs of nodes keep, and those that fix the object: `can_break` without the search for a
    remedy; same arguments and errors.
    """
    question, hidden, fixing = _posed(
        irreps_in, irreps_hidden, irreps_out, symmetry_set, tensor_product, layers, False, None
    )
    return question.kept(hidden), fixing


def _posed(
    irreps_in: o3.Irreps | str,
    irreps_hidden: o3.Irreps | str,
    irreps_out: o3.Irreps | str,
    symmetry_set: MinimalSet,
    tensor_product: Product,
    layers: int,
    pooled: bool,
    positions: npt.ArrayLike | None,
) -> tuple[_Question, o3.Irreps, npt.NDArray[np.bool_]]:
    """The question, the hidden irreps, and which elements of S fix the object."""
    irreps_in, hidden = as_irreps(irreps_in, "irreps_in"), as_irreps(irreps_hidden, "irreps_hidden")
    irreps_out = as_irreps(irreps_out, "irreps_out")
    product = as_paths(tensor_product)
    if layers < 0:
        raise NetworkInputError(f"layers={layers}; expected the number of hidden layers, zero or more.")
    if not symmetry_set.irreps:
        raise NetworkInputError("The set is of abstract groups and has no irreps of O(3).")
    if isinstance(symmetry_set.group, ClosedGroup):
        if pooled and positions is None:
            raise InfiniteSetError(
                "Pooled outputs of an infinite S cannot be averaged here; pass positions= of the molecule."
            )
        drawn = symmetry_set.group.sample(_SAMPLED_ELEMENTS - 1, 0)
        matrices = np.concatenate([np.eye(3)[None], drawn])
    else:
        matrices = np.asarray(symmetry_set.group.matrices, dtype=np.float64)
    common = common_irreps([symmetry_set.irreps])
    irreps_breaker = o3.Irreps(common)
    object_ = first_object(symmetry_set, common)
    action = representation(common, matrices)
    images = action @ object_
    question = _Question(
        irreps_in,
        irreps_out,
        irreps_breaker,
        product,
        layers,
        pooled,
        matrices,
        torch.as_tensor(images),
        _generic_cluster() if positions is None else _sites(positions),
        positions is None,
    )
    return question, hidden, np.abs(images - object_).max(axis=1) <= 1e-9


def _generic_cluster() -> np.ndarray:
    return np.random.default_rng(_GENERIC_SEED).normal(size=(_GENERIC_NODES, 3))


def _sites(positions: npt.ArrayLike) -> np.ndarray:
    sites = np.asarray(positions, dtype=np.float64)
    if sites.ndim != 2 or sites.shape[1] != 3 or not len(sites):
        raise NetworkInputError(f"positions has shape {sites.shape}; expected (num_sites, 3), in Å.")
    return sites


def _inverses(matrices: np.ndarray) -> np.ndarray:
    apart = np.abs(matrices.transpose(0, 2, 1)[:, None] - matrices[None]).sum(axis=(2, 3))
    return apart.argmin(axis=1)


def _unreached(question: _Question, hidden: o3.Irreps) -> tuple[str, ...]:
    """Blocks whose images, the other blocks held fixed, change nothing."""
    result = []
    for (_, ir), block in zip(question.irreps_breaker, question.irreps_breaker.slices(), strict=True):
        images = question.images[:1].repeat(len(question.images), 1)
        images[:, block] = question.images[:, block]
        moved = bool((images - images[:1]).abs().max() > 1e-9)
        if moved and replace(question, pooled=False).kept(hidden, images).all():
            result.append(str(ir))
    return tuple(result)


def _missing(question: _Question, hidden: o3.Irreps, fixing: np.ndarray) -> tuple[str, ...]:
    """Fewest, lowest hidden irreps that let the asymmetry through: one alone, else all up to some l."""
    present = {ir for _, ir in hidden}
    top = max((ir.l for ir in (*present, *(ir for _, ir in question.irreps_breaker))), default=0)
    absent = [ir for l in range(top + 1) for ir in _both(l) if ir not in present]
    trials: list[Sequence[o3.Irrep]] = [(ir,) for ir in absent]
    trials += [tuple(ir for ir in absent if ir.l <= l) for l in range(top + 1)]
    for trial in trials:
        if len(trial) == 0:
            continue
        extended = hidden + o3.Irreps([(1, ir) for ir in trial])
        reachable = extended + question.irreps_in + question.irreps_out
        if unreachable_blocks(question.irreps_breaker, reachable, question.product):
            continue
        if (question.kept(extended) == fixing).all():
            return tuple(str(ir) for ir in trial)
    return ()


def _both(l: int) -> tuple[o3.Irrep, o3.Irrep]:
    natural = (-1) ** l
    return o3.Irrep(l, natural), o3.Irrep(l, -natural)


def _reason(
    question: _Question,
    hidden: o3.Irreps,
    kept: np.ndarray,
    fixing: np.ndarray,
    unreached: tuple[str, ...],
    missing: tuple[str, ...],
) -> str:
    whole = "all" if kept.all() else f"{int(kept.sum())} of {len(kept)}"
    text = f"with hidden irreps {hidden} the output keeps {whole} elements of S"
    if unreached:
        text += f"; the breaker's {', '.join(unreached)} never reach it"
    if missing:
        return f"{text}; add hidden irreps {' + '.join(missing)}, or ask for a set of lower degree with lmax="
    if _lacks_paths(question.product, max((ir.l for _, ir in hidden), default=0)):
        return (
            f"{text}; the {question.product.name} product lacks paths: use complete (Clebsch-Gordan) products, or another set"
        )
    if question.pooled:
        showing = _telling(question.matrices, fixing)
        return (
            f"{text}; outputs of the whole graph show the difference in the irreps {', '.join(showing)}, of "
            f"which irreps_out={question.irreps_out} has too few: add one, or give an output per node"
        )
    return f"{text}; use more layers, other output irreps, or a set of lower degree with lmax="


def _lacks_paths(product: Paths, top: int) -> bool:
    every = range(top + 1)
    return not all(product.has(a, b, c) for a in every for b in every for c in every if abs(a - b) <= c <= a + b)


def _telling(matrices: np.ndarray, fixing: np.ndarray) -> list[str]:
    """Low irreps with more vectors that K leaves alone than S does: dimensions are means of characters."""
    result = []
    for l in range(_SHOWN_DEGREE + 1):
        for ir in _both(l):
            characters = np.trace(representation(f"1x{ir}", matrices), axis1=1, axis2=2)
            if characters[fixing].mean() - characters.mean() > 0.5:
                result.append(str(ir))
    return result
