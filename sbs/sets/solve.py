"""Answer a question: embed S in the group that the solver works in, solve there, and turn the answer back."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from sbs.errors import NoSetError, NotASubgroupError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, match_elements, point_group
from sbs.objects.blocks import IrrepSupply
from sbs.objects.choice import isotropy_above
from sbs.sets.infinite import solve_with_infinite_normalizer
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.question import Embedding, Question
from sbs.sets.realise import realise_finite, table_within
from sbs.solver.finite import solve_finite
from sbs.solver.normalizer import generalised_normalizer, normalizer_in_o3, normalizer_in_so3
from sbs.solver.solutions import FiniteSolution

__all__ = ["embed", "solve"]

#: Solved questions kept in memory; a solution is a few kilobytes.
_CACHE_SIZE = 4096


def solve(question: Question) -> MinimalSet:
    """The smallest set for a question, with the proof that none is smaller.

    Raises:
        NotASubgroupError: S does not lie in the ambient group as it is oriented.
        NoSetError: it is proved that no set has objects with l <= lmax.
        SearchLimitError: the search was given up.
    """
    embedding = embed(question)
    if embedding.numbers is None:
        unbounded = solve_with_infinite_normalizer(question, embedding)
        if unbounded is None:
            raise NoSetError(_why_no_set(question))
        return unbounded
    outer, group, target = embedding.outer, embedding.image(question.group), embedding.image(question.target)
    if not isinstance(outer, PointGroup):
        solution = solve_finite(group, target, question.exact, every=False)
        return MinimalSet(question, solution, embedding, partial(realise_finite, solution, None))
    embedding = _canonical(embedding, group, target)
    image = embedding.image(question.target)
    found = _solve_cached(outer, group.bits, image.bits, question.exact, question.lmax)
    if isinstance(found, NoSetError):
        raise NoSetError(_why_no_set(question))
    return MinimalSet(question, found, embedding, partial(realise_finite, found, question.lmax))


def embed(question: Question) -> Embedding:
    """How S lies in the group that holds M: the ambient group if it is finite, else the normalizer of S in it.

    Raises:
        NotASubgroupError: S does not lie in the ambient group as it is oriented.
    """
    group, ambient = question.group, question.ambient
    if isinstance(group, Subgroup):
        return Embedding(group.parent, group.parent, np.arange(group.parent.order), np.eye(3))
    if isinstance(ambient, PointGroup):
        assert isinstance(group, PointGroup)
        numbers = match_elements(group.matrices, ambient.matrices)
        if (numbers < 0).any():
            raise NotASubgroupError(
                f"{group.symbol} as oriented is not a subgroup of the ambient group {ambient.symbol}: "
                f"{int((numbers < 0).sum())} of its {group.order} elements are missing; turn it, or take a subgroup of "
                "the ambient group"
            )
        return Embedding(group, ambient.standard, numbers, ambient.rotation)
    proper = isinstance(ambient, ClosedGroup) and ambient.symbol == "SO(3)"
    family = normalizer_in_so3(group.family) if proper else normalizer_in_o3(group.family)
    if not family.is_finite:
        return Embedding(group, ClosedGroup(family), None, group.rotation)
    return Embedding(group, point_group(family), _numbers_in(group.family, family), group.rotation)


@lru_cache(maxsize=_CACHE_SIZE)
def _numbers_in(family: PointGroupSymbol, outer: PointGroupSymbol) -> np.ndarray:
    """Element numbers in a point group of those of a subgroup, both in their standard settings."""
    return match_elements(point_group(family).matrices, point_group(outer).matrices)


def _canonical(embedding: Embedding, group: Subgroup, target: Subgroup) -> Embedding:
    """The embedding turned so that K is the first of its conjugates under N_G(S).

    They are one problem seen from several sides: solved for one of them, sets of conjugate targets are exactly conjugate.
    """
    parent = group.parent
    outer = group.normalizer().elements
    masks = np.zeros((len(outer), parent.order), dtype=bool)
    masks[np.arange(len(outer))[:, None], parent.conjugate(target.elements[None], outer[:, None])] = True
    packed = np.packbits(masks, axis=1)
    first = max(range(len(outer)), key=lambda i: packed[i].tobytes())
    return embedding if np.array_equal(masks[0], masks[first]) else embedding.turned(int(outer[first]))


@lru_cache(maxsize=_CACHE_SIZE)
def _solve_cached(
    parent: PointGroup, group_bits: bytes, target_bits: bytes, exact: bool, lmax: int | None
) -> FiniteSolution | NoSetError:
    group, target = (
        Subgroup(parent, np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=parent.order).astype(bool))
        for bits in (group_bits, target_bits)
    )
    if lmax is None:
        return solve_finite(group, target, exact)
    normalizer = generalised_normalizer(group, target)
    supply = IrrepSupply(normalizer.matrices, table_within(normalizer))
    known: dict[bytes, bool] = {}

    def is_isotropy_group(candidate: Subgroup) -> bool:
        if candidate.bits not in known:
            mask = candidate.mask[normalizer.elements]
            known[candidate.bits] = bool((isotropy_above(supply, mask, lmax) == mask).all())
        return known[candidate.bits]

    try:
        return solve_finite(group, target, exact, accept=is_isotropy_group)
    except NoSetError as error:
        return error


def _why_no_set(question: Question) -> str:
    group, target, lmax = question.group, question.target, question.lmax
    free = solve(replace(question, lmax=None))
    text = (
        f"no {'exact ' if question.exact else ''}symmetry-breaking set for {group.symbol} -> {target.symbol} "
        f"has objects with l <= {lmax}; "
        f"without the limit {_count(free)} of irreps {free.irreps} do it"
    )
    if not question.exact:
        return text
    try:
        loose = solve(replace(question, exact=False))
    except NoSetError:
        return f"{text}; exact=False finds none either"
    return (
        f"{text}; with l <= {lmax}, exact=False gives {_count(loose)} of irreps {loose.irreps}, "
        "which break more symmetry than asked"
    )


def _count(result: MinimalSet) -> str:
    return "infinitely many objects" if result.size == math.inf else f"{result.size} objects"
