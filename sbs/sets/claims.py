"""A result as a claim of arrays and numbers, for the room that checks claims."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from sbs.errors import CertificateError, SearchLimitError
from sbs.groups.abstract.meaning import Permutations, SiteOperations
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.pointgroups import PointGroup
from sbs.proof.checking import check
from sbs.proof.claims import ClosedClaim, Continuous, Elements, FiniteClaim, Refuted
from sbs.proof.finite import refuse_beyond_limit
from sbs.sets.report import Described
from sbs.solver.solutions import FiniteSolution

__all__ = ["claim_of", "verify"]

#: Objects drawn to be checked, from a fixed seed.
_SAMPLES = 8
_SEED = 20240

#: What a result whose parts do not fit together may end in while it is read.
_UNREADABLE = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


class Result(Described, Protocol):
    """What a set states in public, see `sbs.sets.minimal_set.MinimalSet`."""

    @property
    def ideal_size(self) -> int | float: ...
    @property
    def dim(self) -> int: ...
    @property
    def objects(self) -> np.ndarray: ...
    @property
    def orbits(self) -> np.ndarray: ...
    @property
    def target_of(self) -> Sequence[Any]: ...
    @property
    def movers(self) -> np.ndarray: ...
    @property
    def sites(self) -> np.ndarray | None: ...
    @property
    def seed_object(self) -> np.ndarray: ...

    def sample(self, n: int, seed: int = 0) -> np.ndarray: ...


def verify(result: Result) -> None:
    """Check every claim of a result, see `MinimalSet.verify`."""
    try:
        check(claim_of(result))
    except (CertificateError, SearchLimitError):
        raise
    except _UNREADABLE as error:
        raise CertificateError(
            f"the certificate does not hold: the claims do not fit together ({type(error).__name__}: {error}); report this "
            "set as a bug, or rebuild it if it was stored"
        ) from error


def claim_of(result: Result) -> FiniteClaim | ClosedClaim:
    """What a result states, as arrays."""
    return _closed(result) if isinstance(result.normalizer, ClosedGroup) else _finite(result)


def _shared(result: Result) -> dict[str, Any]:
    if result.seed_object.shape[-1] != result.dim:
        raise CertificateError(
            f"the certificate does not hold: dim is {result.dim}, an object has {result.seed_object.shape[-1]}"
        )
    return {
        "exact": result.exact,
        "lmax": result.lmax,
        "size": result.size,
        "ideal_size": result.ideal_size,
        "degeneracy": result.degeneracy,
        "is_ideal": result.is_ideal,
        "irreps": result.irreps,
        "seed": np.asarray(result.seed_object),
        "samples": result.sample(_SAMPLES, _SEED),
    }


def _finite(result: Result) -> FiniteClaim:
    refuse_beyond_limit(int(result.normalizer.order))  # before its permutations fill the memory
    parent: Any = result.normalizer.parent
    ambient: Any = result.ambient
    solution = result.solution
    by_number = elements_of(parent.whole).numbers is not None
    refuted = []
    if isinstance(solution, FiniteSolution) and solution.exact:
        search = solution.searches[0][1]
        for entry in () if search is None else search.refuted:
            refuted.append(Refuted(entry.order, _numbered(parent, list(entry.generators)), entry.reason))
    return FiniteClaim(
        group=elements_of(result.group),
        target=elements_of(result.target),
        normalizer=elements_of(result.normalizer),
        stabilizer=elements_of(result.stabilizer),
        ambient=ambient.symbol if isinstance(ambient, ClosedGroup) else elements_of(ambient),
        objects=result.objects,
        orbits=result.orbits,
        target_of=tuple(elements_of(k) for k in result.target_of),
        movers=_numbered(parent, result.movers),
        sites=result.sites,
        law=parent.table if by_number else None,
        refuted=tuple(refuted),
        **_shared(result),
    )


def elements_of(group: Any) -> Elements:
    """The elements of a finite group or subgroup, by what they do if that is orthogonal or a permutation, else by number."""
    if isinstance(group, Subgroup):
        return _numbered(group.parent, group.elements)
    return _numbered(group, np.arange(group.order))


def _numbered(parent: Any, numbers: Any) -> Elements:
    chosen = np.asarray(numbers, dtype=np.intp).reshape(-1)
    if isinstance(parent, PointGroup):
        return Elements(matrices=parent.matrices[chosen])
    meaning = parent.meaning
    if isinstance(meaning, SiteOperations):
        return Elements(matrices=meaning.matrices[chosen], permutations=meaning.permutations[chosen])
    if isinstance(meaning, Permutations):
        return Elements(permutations=meaning.elements(chosen))
    return Elements(numbers=chosen)


def _closed(result: Result) -> ClosedClaim:
    ambient: Any = result.ambient
    listed = result.size != math.inf
    return ClosedClaim(
        group=_closed_group(result.group),
        target=_closed_group(result.target),
        normalizer=Continuous(result.normalizer.symbol, result.normalizer.rotation[:, 2]),
        stabilizer=_closed_group(result.stabilizer),
        ambient=ambient.symbol if isinstance(ambient, ClosedGroup) else repr(ambient),
        objects=result.objects if listed else None,
        orbits=result.orbits if listed else None,
        target_of=tuple(_closed_group(k) for k in result.target_of) if listed else None,
        **_shared(result),
    )


def _closed_group(group: Any) -> Elements | Continuous:
    return Continuous(group.symbol, group.rotation[:, 2]) if isinstance(group, ClosedGroup) else elements_of(group)
