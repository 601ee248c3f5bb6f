"""Sets of fields on the sites of a crystal: objects that tell translations apart.

The field is attached to the sites of one crystal, whose whole symmetry is S, so that no larger group acts on the set: M = S,
H = K, and the set is always ideal. What remains is a choice made from the crystal alone. It is made in a description of the
crystal that all who look at it share (`SiteFrame`), for the first of the conjugates of K in it, and carried back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sbs.errors import NoSetError
from sbs.groups.abstract.finite import FiniteGroup
from sbs.groups.abstract.site_operations import SiteOperations
from sbs.groups.abstract.subgroups import Subgroup
from sbs.objects.choice import choose_blocks
from sbs.objects.irreps import Irrep, irreps_dim
from sbs.objects.representation import representation
from sbs.objects.separation import best_separated
from sbs.objects.site_blocks import SiteBlock, SiteSupply
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.orbits import OBJECT_DIGITS, FiniteOrbit
from sbs.sets.question import Embedding, Question
from sbs.solver.solutions import FiniteSolution, StabilizerSearch

__all__ = ["SiteEmbedding", "SiteFrame", "solve_on_sites"]


@dataclass(frozen=True, eq=False)
class SiteFrame:
    """A description of a crystal that depends on nothing but the crystal, up to its own operations.

    Attributes:
        frame: float64 (3, 3), the orthogonal matrix that takes it to the frame of the crystal as given.
        sites: int (sites,), the given number of each of its sites.
        elements: int (|S|,), the given number of each of its elements, the identity first.
        places: float64 (sites, 3), where its sites lie on a basis of the cell's translations.
        cell: float64 (3, 3), that basis as rows, Å, in its own frame.
        kinds: int (sites,), the atomic number of each of its sites.
    """

    frame: np.ndarray
    sites: np.ndarray
    elements: np.ndarray
    places: np.ndarray
    cell: np.ndarray
    kinds: np.ndarray


@dataclass(frozen=True, eq=False)
class SiteEmbedding(Embedding):
    """A crystal's S as given within the same group in its common description.

    Attributes:
        sites: int (sites,), the given number of each site of the common description.
        places: float64 (sites, 3), where those lie on a basis of the cell's translations.
        kinds: int (sites,), the atomic number of each.
    """

    sites: np.ndarray = None  # type: ignore[assignment]
    places: np.ndarray = None  # type: ignore[assignment]
    kinds: np.ndarray = None  # type: ignore[assignment]

    def placed(self, group: Any) -> Any:
        """A subgroup in the given numbers of its elements."""
        return self.preimage(group)

    def given(self, numbers: np.ndarray) -> np.ndarray:
        """The given numbers of elements of the common description."""
        assert self.numbers is not None
        return np.argsort(self.numbers)[numbers]

    def carried(self, vectors: np.ndarray, irreps: str | None) -> np.ndarray:
        """Fields (n, sites, dim) in the frame and on the sites as given."""
        result = np.empty_like(vectors)
        result[:, self.sites] = vectors @ representation(irreps or "", self.frame[None])[0].T
        return result


def solve_on_sites(question: Question, frame: SiteFrame) -> MinimalSet:
    """The set of fields for a question whose S and ambient group are the group of one crystal.

    Raises:
        NoSetError: no field with l <= lmax has exactly the stabilizer K.
    """
    given = question.inner
    assert isinstance(given, FiniteGroup) and isinstance(given.meaning, SiteOperations)
    numbers = np.empty(given.order, dtype=np.intp)
    numbers[frame.elements] = np.arange(given.order)
    places = np.empty(len(frame.sites), dtype=np.intp)
    places[frame.sites] = np.arange(len(frame.sites))
    own = given.meaning
    operations = SiteOperations(
        frame.frame.T @ own.matrices[frame.elements] @ frame.frame,
        own.translations[frame.elements] @ frame.frame,
        places[own.permutations[frame.elements][:, frame.sites]],
        None if own.naming is None else partial(_named_by, own.naming, frame.elements),
    )
    actions = [given.multiply(g, frame.elements) for g in given.generators or (0,)]
    common = FiniteGroup.from_actions(numbers[np.array(actions)], operations)
    embedding = SiteEmbedding(given, common, numbers, frame.frame, 0, frame.sites, frame.places, frame.kinds)
    target = embedding.image(question.target)
    # M = S: the set is one S-orbit, and no set whose objects are fixed by no more than K has fewer than |S| / |K|.
    search = StabilizerSearch((target,), target.order, ())
    solution = FiniteSolution(common.whole, target, common.whole, question.exact, (target,), ((target, search),))
    return MinimalSet(question, solution, embedding, partial(realise_on_sites, solution, operations, question.lmax))


def _named_by(naming: Callable[[np.ndarray], str], given: np.ndarray, elements: np.ndarray) -> str:
    """The symbol of some elements of the common description."""
    return naming(np.sort(given[elements]))


def realise_on_sites(solution: FiniteSolution, operations: SiteOperations, lmax: int | None) -> FiniteOrbit:
    """Choose the blocks for the first conjugate of K, take the best separated field, and list its orbit from K on.

    Objects are float64 (size, sites, dim); in each irrep block the root mean square of the norms over the sites that carry it
    is one, so that a field that all translations keep has a unit vector on each.

    Raises:
        NoSetError: no field with l <= lmax has exactly the stabilizer K.
    """
    target = solution.target
    group = target.parent
    back, first = _first_conjugate(target)
    supply = SiteSupply(operations.matrices, operations.permutations, np.asarray(group.table))
    try:
        blocks = choose_blocks(supply, [first.mask], lmax).blocks
    except NoSetError:
        raise NoSetError(
            f"no field of irreps with l <= {lmax} on the sites of this crystal leaves exactly the {target.order} operations of "
            "the target; allow a larger lmax"
        ) from None
    seed = best_separated(blocks, supply.table, first.mask)
    movers = target.transversal(solution.normalizer)
    parts = np.split(seed, np.cumsum([block.dim for block in blocks])[:-1])
    irreps = tuple(block.irrep for block in blocks)
    objects = _spread(blocks, parts, group.multiply(movers, back), operations.sites)
    objects = np.round(objects, OBJECT_DIGITS) + 0.0
    return FiniteOrbit(target, irreps, objects, movers, np.zeros(len(movers), dtype=np.intp))


def _first_conjugate(target: Subgroup) -> tuple[int, Subgroup]:
    """The conjugate b^-1 K b whose elements come first, and b."""
    group = target.parent
    conjugates = [(0, target)]
    for mover in target.normalizer().transversal()[1:]:
        conjugates.append((int(group.inverses[mover]), target.conjugate(int(mover))))
    return max(conjugates, key=lambda pair: pair[1].bits)


def _spread(blocks: tuple[SiteBlock, ...], parts: list[np.ndarray], movers: np.ndarray, sites: int) -> np.ndarray:
    """Images of a field given block by block, on all sites: (movers, sites, dim)."""
    irreps: list[Irrep] = [block.irrep for block in blocks]
    result = np.zeros((len(movers), sites, irreps_dim([(1, irrep) for irrep in irreps])))
    start = 0
    for block, part in zip(blocks, parts, strict=True):
        images = block.act(movers, part[:, None])[..., 0] * np.sqrt(len(block.sites))
        result[:, block.sites, start : start + block.irrep.dim] = images.reshape(len(movers), len(block.sites), -1)
        start += block.irrep.dim
    return result
