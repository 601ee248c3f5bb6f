"""Say before training whether a breaker's asymmetry can arrive at the output of a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from e3nn import o3

from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.groups.point.closed import ClosedGroup
from sbs.nn.checks import as_irreps
from sbs.nn.reach.paths import Product, as_paths, unreachable_blocks
from sbs.nn.reach.surrogate import Network, Place, Surrogate
from sbs.objects.representation import representation
from sbs.sets.features import common_irreps, first_object
from sbs.sets.minimal_set import MinimalSet

__all__ = ["Reach", "can_break", "kept_elements"]

# Rounding in float64 of the numbers inside the surrogate: some hundred operations on the largest of them.
ROUNDING = 1e-13

# A response of the output to any object below this many roundings is none.
LEAST_RESPONSE = 1e3

# Images of an object that differ by less are the same object.
SAME_OBJECT = 1e-9

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
        kept: bool (order of S,), elements of ``set.group.matrices`` under which every output stays invariant: a subgroup of
            S that holds the object's stabilizer.
        kept_order, object_order: number of these, and of those that fix the object (for an infinite S, of sampled
            elements).
        unreached: irreps of the breaker that can never change the output.
        missing: hidden irreps whose addition lets the asymmetry through; empty if the answer is yes or if none would
            help.
        zero: the output vanishes by symmetry, whatever the object of this set.
        reason: one or two sentences.
    """

    kept: npt.NDArray[np.bool_]
    kept_order: int
    object_order: int
    unreached: tuple[str, ...]
    missing: tuple[str, ...]
    zero: bool
    reason: str

    def __bool__(self) -> bool:
        return self.kept_order == self.object_order and not self.zero

    def __str__(self) -> str:
        return f"{'yes' if self else 'no'}: {self.reason}"


@dataclass(frozen=True)
class _Question:
    """The network, and the objects: the images of one object under S."""

    network: Network
    pooled: bool
    matrices: np.ndarray
    images: torch.Tensor
    fixing: np.ndarray
    table: np.ndarray | None
    positions: np.ndarray
    generic: bool

    def outputs(self, hidden: o3.Irreps, images: torch.Tensor) -> tuple[np.ndarray, float]:
        """Outputs for all images, (elements of S, ...), and the largest of the numbers they were made of."""
        surrogate = Surrogate(replace(self.network, irreps_hidden=hidden), self.positions, self._inputs())
        nodes = surrogate(images)
        scale = max(surrogate.magnitude, 1.0)
        if not self.pooled:
            return nodes.numpy().reshape(len(nodes), -1), scale
        total = nodes.sum(dim=1).numpy()
        if not self.generic:
            return total, scale
        # The structure is one S-orbit of copies of the cluster: sum the images g f(g^-1 b) and turn the sum
        # by each g.
        irreps = "+".join(f"1x{ir}" for ir in surrogate.kinds_out)
        action = representation(irreps, self.matrices)
        inverse = _inverses(self.matrices)
        mean = np.einsum("gij,gj->i", action, total[inverse]) / len(total)
        return action @ mean, scale

    def _inputs(self) -> dict[o3.Irrep, torch.Tensor]:
        """Node inputs: in general position any vector; on given sites only what S leaves alone everywhere."""
        generator = torch.Generator().manual_seed(_GENERIC_SEED)
        proper = bool((np.linalg.det(self.matrices) > 0).all())
        inputs = {}
        for ir in sorted({ir for _, ir in self.network.irreps_in}):
            if self.generic:
                inputs[ir] = torch.randn((len(self.positions), ir.dim), generator=generator, dtype=torch.float64)
            elif ir.l == 0 and (ir.p == 1 or proper):
                inputs[ir] = torch.ones((len(self.positions), 1), dtype=torch.float64)
        return inputs

    def answer(self, hidden: o3.Irreps, images: torch.Tensor | None = None) -> tuple[np.ndarray, bool]:
        """Which elements leave the output as it is, and whether it vanishes for all images."""
        values, scale = self.outputs(hidden, self.images if images is None else images)
        if not values.shape[1]:
            return np.ones(len(values), dtype=bool), True
        rounding = ROUNDING * scale
        zero = bool(np.abs(values).max() <= LEAST_RESPONSE * rounding)
        changes = np.abs(values - values[:1]).max(axis=1)
        if self.table is not None and not self.pooled:
            # h is kept if it changes the output for no image: then the elements that are kept form a group.
            changes = np.array([np.abs(values[self.table[:, h]] - values).max() for h in range(len(values))])
        return self._split(changes, rounding, self._response(hidden)), zero

    def _response(self, hidden: o3.Irreps) -> float:
        """How much the output depends on an object without any symmetry."""
        generator = torch.Generator().manual_seed(_GENERIC_SEED)
        seed = torch.randn(self.images.shape[1], generator=generator, dtype=torch.float64)
        seed *= self.images[0].norm() / seed.norm()
        action = representation(_text(self.network.irreps_breaker), self.matrices)
        values, _ = self.outputs(hidden, torch.as_tensor(action @ seed.numpy()))
        return float(np.abs(values - values[:1]).max())

    def _split(self, changes: np.ndarray, rounding: float, response: float) -> np.ndarray:
        """Which changes are rounding: the cut is where changes are farthest apart, and what is kept is a subgroup."""
        if max(response, float(changes.max())) <= LEAST_RESPONSE * rounding:
            return np.ones(len(changes), dtype=bool)
        levels = np.sort(np.maximum(changes, rounding))
        gaps = np.append(levels[1:], max(response, levels[-1])) / levels
        for cut in np.argsort(-gaps, kind="stable"):
            kept = np.maximum(changes, rounding) <= levels[cut]
            if kept[self.fixing].all() and (self.table is None or _closed(self.table, kept)):
                return kept
        return self.fixing.copy()


def _closed(table: np.ndarray, kept: np.ndarray) -> bool:
    return bool(kept[table[np.ix_(kept, kept)]].all())


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
    at: Place = "attributes",
    lmax: int | None = None,
) -> Reach:
    """Whether the asymmetry of a set's objects can reach the output of a network, and which irreps are missing.

    The network is gated message passing with ``layers`` hidden layers and one convolution to the output, as
    e3nn's. What its tensor products can do is found with random weights in float64, against the numbers inside and against
    the response to an object without symmetry, so the answer holds for every network with these irreps: "no" for all
    weights, "yes" for all but a set of measure zero.

    Args:
        irreps_in, irreps_hidden, irreps_out: node input, hidden and output irreps.
        symmetry_set: whose objects are asked about.
        tensor_product: a kind of `sbs.nn.products`, or any product that tells its `Paths`: what all layers multiply with.
        layers: hidden layers.
        pooled: the output is one per graph, not one per node.
        positions: (n, 3) sites of a molecule, symmetric under S. By default nodes are taken to be in general position;
            nodes that all sit on symmetry elements can transmit less, which this tells.
        at: where the object enters: "attributes" of every layer (`sbs.nn.build`), "input" (``build(on="input")``), or the
            number of a layer, from 1, behind which it is attached (`sbs.nn.attach`); ``layers + 1`` is behind the output.
        lmax: highest degree of the spherical harmonics on the edges; by default the largest of hidden and output irreps.

    Raises:
        NetworkInputError: for irreps that cannot be read, an unknown product, a negative number of layers, or a place that
            the network does not have.
        InfiniteSetError: for pooled outputs of an infinite S.
    """
    question, hidden = _posed(
        irreps_in, irreps_hidden, irreps_out, symmetry_set, tensor_product, layers, pooled, positions, at, lmax
    )
    kept, zero = question.answer(hidden)
    counts = int(kept.sum()), int(question.fixing.sum())
    if (kept == question.fixing).all() and not zero:
        return Reach(kept, *counts, (), (), False, "the object's asymmetry reaches the output")
    unreached = _unreached(question, hidden)
    missing = _missing(question, hidden)
    reason = _reason(question, hidden, kept, unreached, missing, zero)
    return Reach(kept, *counts, unreached, missing, zero, reason)


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
    question, hidden = _posed(
        irreps_in, irreps_hidden, irreps_out, symmetry_set, tensor_product, layers, False, None, "attributes", None
    )
    return question.answer(hidden)[0], question.fixing


def _posed(
    irreps_in: o3.Irreps | str,
    irreps_hidden: o3.Irreps | str,
    irreps_out: o3.Irreps | str,
    symmetry_set: MinimalSet,
    tensor_product: Product,
    layers: int,
    pooled: bool,
    positions: npt.ArrayLike | None,
    at: Place,
    lmax: int | None,
) -> tuple[_Question, o3.Irreps]:
    """The question, and the hidden irreps that it asks about."""
    irreps_in, hidden = as_irreps(irreps_in, "irreps_in"), as_irreps(irreps_hidden, "irreps_hidden")
    irreps_out = as_irreps(irreps_out, "irreps_out")
    product = as_paths(tensor_product)
    if isinstance(layers, bool) or not isinstance(layers, int) or layers < 0:
        raise NetworkInputError(f"layers={layers}; expected the number of hidden layers, zero or more.")
    if at not in ("attributes", "input") and (isinstance(at, (bool, str)) or not 1 <= at <= layers + 1):
        raise NetworkInputError(
            f'at={at!r}; expected "attributes", "input", or the number of a layer, 1 to {layers + 1}.'
        )
    if not symmetry_set.irreps:
        raise NetworkInputError("The set is of abstract groups and has no irreps of O(3).")
    if symmetry_set.size != math.inf and np.asarray(symmetry_set.objects).ndim != 2:
        raise NetworkInputError(
            "The set is of fields on the sites of a crystal, whose reach depends on the crystal; probe the network with "
            "sbs.nn.effect."
        )
    table = None
    if isinstance(symmetry_set.group, ClosedGroup):
        if pooled and positions is None:
            raise InfiniteSetError(
                "Pooled outputs of an infinite S cannot be averaged here; pass positions= of the molecule."
            )
        drawn = symmetry_set.group.sample(_SAMPLED_ELEMENTS - 1, 0)
        matrices = np.concatenate([np.eye(3)[None], drawn])
    else:
        matrices = np.asarray(symmetry_set.group.matrices, dtype=np.float64)
        table = np.asarray(symmetry_set.group.table)  # type: ignore[union-attr]
    common = common_irreps([symmetry_set.irreps])
    irreps_breaker = o3.Irreps(common)
    object_ = first_object(symmetry_set, common)
    images = representation(common, matrices) @ object_
    fixing = np.abs(images - object_).max(axis=1) <= SAME_OBJECT
    top = max((ir.l for mul, ir in hidden + irreps_out if mul), default=0) if lmax is None else lmax
    network = Network(irreps_in, hidden, irreps_out, irreps_breaker, product, layers, at, top)
    sites = _generic_cluster() if positions is None else _sites(positions)
    question = _Question(
        network, pooled, matrices, torch.as_tensor(images), fixing, table, sites, positions is None
    )
    return question, hidden


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
    irreps = question.network.irreps_breaker
    alone = replace(question, pooled=False, table=None, fixing=np.zeros_like(question.fixing))
    for (_, ir), block in zip(irreps, irreps.slices(), strict=True):
        images = question.images[:1].repeat(len(question.images), 1)
        images[:, block] = question.images[:, block]
        moved = bool((images - images[:1]).abs().max() > SAME_OBJECT)
        if moved and alone.answer(hidden, images)[0].all():
            result.append(str(ir))
    return tuple(result)


def _missing(question: _Question, hidden: o3.Irreps) -> tuple[str, ...]:
    """Fewest, lowest hidden irreps that let the asymmetry through: one alone, else all up to some l."""
    present = {ir for _, ir in hidden}
    network = question.network
    top = max((ir.l for ir in (*present, *(ir for _, ir in network.irreps_breaker))), default=0)
    absent = [ir for l in range(top + 1) for ir in _both(l) if ir not in present]
    trials: list[Sequence[o3.Irrep]] = [(ir,) for ir in absent]
    trials += [tuple(ir for ir in absent if ir.l <= l) for l in range(top + 1)]
    for trial in trials:
        if len(trial) == 0:
            continue
        extended = hidden + o3.Irreps([(2, ir) for ir in trial])
        reachable = extended + network.irreps_in + network.irreps_out
        if unreachable_blocks(network.irreps_breaker, reachable, network.product):
            continue
        wider = replace(question, network=replace(network, lmax_edge=max(network.lmax_edge, *(ir.l for ir in trial))))
        kept, zero = wider.answer(extended)
        if (kept == question.fixing).all() and not zero:
            return tuple(str(ir) for ir in trial)
    return ()


def _both(l: int) -> tuple[o3.Irrep, o3.Irrep]:
    natural = (-1) ** l
    return o3.Irrep(l, natural), o3.Irrep(l, -natural)


def _reason(
    question: _Question,
    hidden: o3.Irreps,
    kept: np.ndarray,
    unreached: tuple[str, ...],
    missing: tuple[str, ...],
    zero: bool,
) -> str:
    whole = "all" if kept.all() else f"{int(kept.sum())} of {len(kept)}"
    text = f"with hidden irreps {hidden} the output keeps {whole} elements of S"
    network = question.network
    if zero:
        text = f"with hidden irreps {hidden} the output {network.irreps_out} is zero by symmetry for every object"
    if unreached:
        text += f"; the breaker's {', '.join(unreached)} never reach it"
    if missing:
        return f"{text}; add hidden irreps {' + '.join(missing)}, or ask for a set of lower degree with lmax="
    if network.product.name != "clebsch-gordan":
        return f"{text}; the {network.product.name} product lacks paths: use Clebsch-Gordan products, or another set"
    if question.pooled:
        showing = _telling(question.matrices, question.fixing)
        return (
            f"{text}; outputs of the whole graph show the difference in the irreps {', '.join(showing)}, of "
            f"which irreps_out={network.irreps_out} has too few: add one, or give an output per node"
        )
    return f"{text}; use more layers, other output irreps, or a set of lower degree with lmax="


def _telling(matrices: np.ndarray, fixing: np.ndarray) -> list[str]:
    """Low irreps with more vectors that K leaves alone than S does: dimensions are means of characters."""
    result = []
    for l in range(_SHOWN_DEGREE + 1):
        for ir in _both(l):
            characters = np.trace(representation(f"1x{ir}", matrices), axis1=1, axis2=2)
            if characters[fixing].mean() - characters.mean() > 0.5:
                result.append(str(ir))
    return result


def _text(irreps: o3.Irreps) -> str:
    return "+".join(f"{mul}x{ir}" for mul, ir in irreps)
