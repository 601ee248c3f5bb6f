"""Say before training whether a breaker's asymmetry can arrive at the output of a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from e3nn import o3

from sbs.errors import InfiniteSetError, NetworkInputError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.abstract.validation import check_bool, check_integer, check_real, real_array, shown
from sbs.groups.point.closed import ClosedGroup
from sbs.nn.checks import as_irreps, check_sets
from sbs.nn.products.sphere import LARGEST_DEGREE
from sbs.nn.reach.geometry import Geometry, generic_cluster, molecule, periodic
from sbs.nn.reach.paths import Product, as_paths, unreachable_blocks
from sbs.nn.reach.question import SAME_OBJECT, Answer, Question
from sbs.nn.reach.surrogate import Network, Place
from sbs.nn.wigner import LARGEST_DEGREE as LARGEST_TURNED
from sbs.objects.representation import representation
from sbs.sets.features import common_irreps, first_object
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.sites import site_permutations
from sbs.sets.transport import field_permutations

__all__ = ["Inquiry", "Reach", "can_break", "kept_elements"]

# Elements of an infinite S that are tried.
_SAMPLED_ELEMENTS = 32

# Deeper networks reach nothing more, and take long.
_MOST_LAYERS = 64

# Largest degree among the irreps that an answer proposes for pooled outputs.
_SHOWN_DEGREE = 4


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


@dataclass(frozen=True, eq=False)
class Inquiry:
    """What is asked of a network, as the user gave it: see `can_break` for each."""

    irreps_in: o3.Irreps | str
    irreps_hidden: o3.Irreps | str
    irreps_out: o3.Irreps | str
    symmetry_set: MinimalSet
    tensor_product: Product = "clebsch-gordan"
    layers: int = 2
    pooled: bool = False
    positions: npt.ArrayLike | None = None
    crystal: Any = None
    cutoff: float | None = None
    at: Place = "attributes"
    lmax: int | None = None

    def question(self) -> Question:
        """The question with numbers in; raises what `can_break` says."""
        return _posed(self, _network(self))

    def placed(self, matrices: np.ndarray, moves: np.ndarray | None) -> tuple[Geometry, np.ndarray | None]:
        """The nodes, and where S takes them: ``moves`` for those of a set of fields, else found."""
        if self.crystal is not None:
            structure: Any = getattr(self.crystal, "structure", None)
            lattice = getattr(structure, "lattice", None)
            if lattice is None or np.shape(lattice) != (3, 3) or self.positions is not None:
                raise NetworkInputError(
                    f"crystal={type(self.crystal).__name__}, positions {'given' if self.positions is not None else 'not given'}; "
                    "expected a crystal as sbs.detect returns it, or positions of a molecule, not both."
                )
            if moves is None:
                moves = site_permutations(structure.positions, matrices, species=structure.numbers, cell=lattice)
            elif moves.shape[1] != len(structure.positions):
                raise NetworkInputError(
                    f"The set's fields are on {moves.shape[1]} sites, the crystal has {len(structure.positions)}; give the "
                    "crystal that the set was asked for, in its supercell."
                )
            cutoff = None if self.cutoff is None else check_real(self.cutoff, "cutoff", 0.0)
            return periodic(structure, matrices, moves, cutoff), moves
        if moves is not None:
            raise NetworkInputError(
                "The set is of fields on the sites of a crystal, whose reach depends on the crystal; pass it, "
                "crystal=sbs.detect(..., supercell=...)."
            )
        if self.positions is None:
            return generic_cluster(), None
        positions = real_array(self.positions, "positions")
        moves = site_permutations(positions, matrices)
        return molecule(positions, matrices, moves), moves


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
    crystal: Any = None,
    cutoff: float | None = None,
    at: Place = "attributes",
    lmax: int | None = None,
) -> Reach:
    """Whether the asymmetry of a set's objects can reach the output of a network, and which irreps are missing.

    The network is gated message passing with ``layers`` hidden layers and one convolution to the output, as
    e3nn's. What its tensor products can do is found with several draws of random weights in float64, against the rounding of
    the same network in a turned frame, so the answer holds for every network with these irreps: "no" for all
    weights, "yes" for all but a set of measure zero.

    Args:
        irreps_in, irreps_hidden, irreps_out: node input, hidden and output irreps.
        symmetry_set: whose objects are asked about.
        tensor_product: a kind of `sbs.nn.products`, or any product that tells its `Paths`: what all layers multiply with.
        layers: hidden layers.
        pooled: the output is one per graph, not one per node.
        positions: (n, 3) sites of a molecule, symmetric under S. By default nodes are taken to be in general position;
            nodes that all sit on symmetry elements can transmit less, which this tells.
        crystal: in place of positions, what `sbs.detect` returned. A set of fields, whose S has translations, needs the
            crystal that it was asked for; ``kept`` then numbers the elements of ``crystal.group``.
        cutoff: Å, how far a node of a crystal hears; by default 1.5 times the distance at which every site has a neighbour.
        at: where the object enters: "attributes" of every layer (`sbs.nn.build`), "input" (``build(on="input")``), or the
            number of a layer, from 1, behind which it is attached (`sbs.nn.attach`); ``layers + 1`` is behind the output.
        lmax: highest degree of the spherical harmonics on the edges; by default the largest of hidden and output irreps.

    Raises:
        NetworkInputError: for irreps that cannot be read, an unknown product, a negative number of layers, a place that
            the network does not have, positions or a crystal without the symmetry S, or fields without their crystal.
        InfiniteSetError: for pooled outputs of an infinite S.
    """
    given = irreps_in, irreps_hidden, irreps_out, symmetry_set, tensor_product, layers, pooled, positions, crystal, cutoff
    question = Inquiry(*given, at, lmax).question()
    hidden = question.network.irreps_hidden
    answer = question.answer(hidden)
    kept, zero = answer.kept, answer.zero
    counts = int(kept.sum()), int(question.fixing.sum())
    if (kept == question.fixing).all() and not zero:
        return Reach(kept, *counts, (), (), False, "the object's asymmetry reaches the output")
    unreached = _unreached(question, hidden)
    missing = _missing(question, hidden)
    reason = _reason(question, hidden, kept, unreached, missing, zero)
    return Reach(kept, *counts, unreached, missing, zero, reason)


def kept_elements(inquiry: Inquiry) -> tuple[Answer, npt.NDArray[np.bool_]]:
    """What `can_break` answers without the search for a remedy, and the elements of S that fix the object; same errors."""
    question = inquiry.question()
    return question.answer(question.network.irreps_hidden), question.fixing


def _network(asked: Inquiry) -> Network:
    """The network that is asked about, checked."""
    symmetry_set = check_sets([asked.symmetry_set])[0]
    irreps_in, hidden = as_irreps(asked.irreps_in, "irreps_in"), as_irreps(asked.irreps_hidden, "irreps_hidden")
    irreps_out = as_irreps(asked.irreps_out, "irreps_out")
    product, layers, at, lmax = as_paths(asked.tensor_product), asked.layers, asked.at, asked.lmax
    if isinstance(layers, bool) or not isinstance(layers, int) or not 0 <= layers <= _MOST_LAYERS:
        raise NetworkInputError(
            f"layers={shown(layers)}; expected the number of hidden layers, zero to {_MOST_LAYERS}."
        )
    known = at in ("attributes", "input") if isinstance(at, str) else type(at) is int and 1 <= at <= layers + 1
    if not known:
        raise NetworkInputError(
            f'at={shown(at)}; expected "attributes", "input", or the number of a layer, 1 to {layers + 1}.'
        )
    if not symmetry_set.irreps:
        raise NetworkInputError("The set is of abstract groups and has no irreps of O(3).")
    top = max((ir.l for mul, ir in hidden + irreps_out if mul), default=0)
    if top > (LARGEST_DEGREE if lmax is None else LARGEST_TURNED):
        raise NetworkInputError(
            f"Hidden and output irreps have degrees up to l={top}, harmonics on the edges go up to {LARGEST_DEGREE}, features "
            f"up to {LARGEST_TURNED}; leave higher irreps out, or say how far the edges go, lmax=."
        )
    top = top if lmax is None else check_integer(lmax, "lmax", 0, LARGEST_DEGREE)
    irreps_breaker = o3.Irreps(common_irreps([symmetry_set.irreps]))
    return Network(irreps_in, hidden, irreps_out, irreps_breaker, product, layers, at, top)


def _posed(asked: Inquiry, network: Network) -> Question:
    symmetry_set, pooled = asked.symmetry_set, check_bool(asked.pooled, "pooled")
    group: Any = symmetry_set.group
    table = moves = None
    if isinstance(group, ClosedGroup):
        if pooled and asked.positions is None and asked.crystal is None:
            raise InfiniteSetError(
                "Pooled outputs of an infinite S cannot be averaged here; pass positions= of the molecule."
            )
        matrices = np.concatenate([np.eye(3)[None], group.sample(_SAMPLED_ELEMENTS - 1, 0)])
    else:
        table, matrices = _table(group), np.asarray(group.matrices, dtype=np.float64)
        # A set without a list of objects has none on sites.
        moves = None if math.isinf(symmetry_set.size) else field_permutations(symmetry_set)
    geometry, moves = asked.placed(matrices, moves)
    common = common_irreps([symmetry_set.irreps or ""])
    object_ = first_object(symmetry_set, common)
    if object_.ndim == 2 and moves is None:
        raise NetworkInputError("The set's fields need the crystal that they were asked for: crystal=.")
    draft = Question(network, geometry, matrices, moves, table, object_, np.ones(len(matrices), dtype=bool), pooled)
    fixing = np.abs(draft.images - object_).reshape(len(matrices), -1).max(axis=1) <= SAME_OBJECT
    # Stored objects are a rounding error away from the space that their stabilizer fixes.
    return replace(draft, object=draft.images[fixing].mean(axis=0), fixing=fixing)


def _table(group: Any) -> np.ndarray:
    """Cayley table of a group, or of a subgroup in the numbers of its own elements."""
    if not isinstance(group, Subgroup):
        return np.asarray(group.table)
    own = np.asarray(group.elements)
    return np.searchsorted(own, np.asarray(group.parent.table)[np.ix_(own, own)])


def _unreached(question: Question, hidden: o3.Irreps) -> tuple[str, ...]:
    """Blocks whose images, the other blocks held fixed, change nothing."""
    irreps = question.network.irreps_breaker
    return tuple(
        str(ir) for (_, ir), block in zip(irreps, irreps.slices(), strict=True) if not question.depends(hidden, block)
    )


def _missing(question: Question, hidden: o3.Irreps) -> tuple[str, ...]:
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
        # One draw: what it breaks is broken, and a cure that one draw does not show is not worth naming.
        answer = wider.answer(extended, draws=1)
        if (answer.kept == question.fixing).all() and not answer.zero:
            return tuple(str(ir) for ir in trial)
    return ()


def _both(l: int) -> tuple[o3.Irrep, o3.Irrep]:
    natural = (-1) ** l
    return o3.Irrep(l, natural), o3.Irrep(l, -natural)


def _reason(
    question: Question,
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
