"""Pose a query in the solver's setting: where S, K and the ambient group are already groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from sbs.errors import InvalidGroupError, NoSetError, NotASubgroupError
from sbs.groups.abstract.finite import FiniteGroup
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.closed import AxialSubgroup, ClosedGroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, match_elements, point_group
from sbs.objects.blocks import IrrepSupply
from sbs.objects.choice import isotropy_above
from sbs.sets.minimal_set import MinimalSet
from sbs.solver.closed import solve_axial, solve_spherical
from sbs.solver.finite import solve_finite
from sbs.solver.normalizer import normalizer_in_o3, normalizer_in_so3
from sbs.solver.solutions import ClosedSolution, FiniteSolution

__all__ = ["solve_abstract", "solve_in_closed", "solve_in_point_group"]

#: Solved queries kept in memory; a solution is a few kilobytes.
_CACHE_SIZE = 4096


def solve_abstract(group: Subgroup, target: Subgroup, exact: bool) -> MinimalSet:
    """S and K as subgroups of any finite group G, which is the ambient group; objects are points of M / H."""
    solution = solve_finite(group, target, exact, every=False)
    return MinimalSet(group, target, group.parent, exact, None, solution, np.eye(3))


def solve_in_point_group(
    group: PointGroup, target: Subgroup, ambient: PointGroup, exact: bool, lmax: int | None
) -> MinimalSet:
    """S = ``group`` inside a finite ambient point group of the same setting; K = ``target`` is a subgroup of S.

    Raises:
        NotASubgroupError: S does not lie in the ambient group as it is oriented.
    """
    position = match_elements(group.matrices, ambient.matrices)
    if (position < 0).any():
        raise NotASubgroupError(
            f"{group.symbol} as oriented is not a subgroup of the ambient group {ambient.symbol}: "
            f"{int((position < 0).sum())} of its {group.order} elements are missing; turn it, or take a subgroup of "
            "the ambient group"
        )
    return _solve_in_parent(group, target, ambient, ambient.standard, ambient.rotation, position, exact, lmax)


def solve_in_closed(
    group: PointGroup | ClosedGroup,
    target: Subgroup | PointGroup | ClosedGroup,
    ambient: ClosedGroup,
    exact: bool,
    lmax: int | None,
) -> MinimalSet:
    """S in O(3) or SO(3). For a finite S the target is a subgroup of it, else a closed group in the same setting."""
    proper = ambient.symbol == "SO(3)"
    outer = normalizer_in_so3(group.family) if proper else normalizer_in_o3(group.family)
    if not outer.is_finite:
        solution = _solve_closed(group, target, outer, proper)
        result = MinimalSet(group, target, ambient, exact, lmax, solution, group.rotation)
        return result if lmax is None else _within_degree(result)
    assert isinstance(group, PointGroup) and isinstance(target, Subgroup)
    parent = point_group(outer)
    assert isinstance(parent, PointGroup)
    position = match_elements(group.standard.matrices, parent.matrices)
    return _solve_in_parent(group, target, ambient, parent, group.rotation, position, exact, lmax)


def _within_degree(result: MinimalSet) -> MinimalSet:
    """The result if irreps with l <= lmax do; if it need not be exact, else one whose objects break more.

    Raises:
        NoSetError: the degree is too low.
    """
    smaller: Iterator[Subgroup] = iter(())
    if not result.exact and isinstance(result.group, PointGroup) and isinstance(result.target, Subgroup):
        target = result.target
        smaller = (c.representative for c in reversed(result.group.subgroup_classes) if c.representative <= target)
    while True:
        try:
            _ = result.irreps
            return result
        except NoSetError:
            intersection = next(smaller, None)
            if intersection is None:
                raise
            assert not isinstance(result.solution, FiniteSolution)
            result = replace(result, solution=replace(result.solution, intersection=intersection))


def _solve_in_parent(
    group: PointGroup,
    target: Subgroup,
    ambient: PointGroup | ClosedGroup,
    parent: PointGroup,
    frame: np.ndarray,
    position: np.ndarray,
    exact: bool,
    lmax: int | None,
) -> MinimalSet:
    inner = Subgroup(parent, _marked(parent, position))
    # Conjugates of K under N_G(S) are one problem seen from several sides: solve it for the first of them and turn
    # the answer, so that sets of conjugate targets are exactly conjugate.
    images = Subgroup(parent, _marked(parent, position[target.elements]))
    outer = inner.normalizer().elements
    masks = np.zeros((len(outer), parent.order), dtype=bool)
    masks[np.arange(len(outer))[:, None], parent.conjugate(images.elements[None], outer[:, None])] = True
    packed = np.packbits(masks, axis=1)
    first = max(range(len(outer)), key=lambda i: packed[i].tobytes())
    turned = frame if masks[0].tobytes() == masks[first].tobytes() else frame @ parent.matrices[outer[first]].T
    solution = _solve_cached(parent, inner.bits, packed[first].tobytes(), exact, lmax)
    if isinstance(solution, NoSetError):
        raise NoSetError(_why_no_set(group, target, ambient, exact, lmax))
    return MinimalSet(group, target, ambient, exact, lmax, solution, turned)


def _marked(parent: FiniteGroup, numbers: np.ndarray) -> np.ndarray:
    mask = np.zeros(parent.order, dtype=bool)
    mask[numbers] = True
    return mask


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
    closed: dict[tuple[bytes, bytes], bool] = {}

    def is_isotropy_group(candidate: Subgroup) -> bool:
        from sbs.solver.normalizer import generalised_normalizer

        normalizer = generalised_normalizer(group, target)
        key = normalizer.bits, candidate.bits
        if key not in closed:
            inside = normalizer.elements
            mask = candidate.mask[inside]
            closed[key] = bool((isotropy_above(IrrepSupply(normalizer.matrices), mask, lmax) == mask).all())
        return closed[key]

    try:
        return solve_finite(group, target, exact, accept=is_isotropy_group)
    except NoSetError as error:
        return error


def _why_no_set(
    group: PointGroup, target: Subgroup, ambient: PointGroup | ClosedGroup, exact: bool, lmax: int | None
) -> str:
    def pose(exact: bool, lmax: int | None) -> MinimalSet:
        if isinstance(ambient, PointGroup):
            return solve_in_point_group(group, target, ambient, exact, lmax)
        return solve_in_closed(group, target, ambient, exact, lmax)

    free = pose(exact, None)
    text = (
        f"no {'exact ' if exact else ''}symmetry-breaking set for {group.symbol} -> {target.symbol} "
        f"has objects with l <= {lmax}; "
        f"without the limit {free.size} objects of irreps {free.irreps} do it"
    )
    if exact:
        try:
            loose = pose(False, lmax)
        except NoSetError:
            return f"{text}; exact=False finds none either"
        return (
            f"{text}; with l <= {lmax}, exact=False gives {loose.size} objects of irreps {loose.irreps}, "
            "which break more symmetry than asked"
        )
    return text


def _solve_closed(
    group: PointGroup | ClosedGroup, target: Subgroup | PointGroup | ClosedGroup, outer: PointGroupSymbol, proper: bool
) -> ClosedSolution:
    if outer.n is None:
        family = target.parent.family_of(target) if isinstance(target, Subgroup) else target.family  # type: ignore[attr-defined]
        return solve_spherical(group.family, family, proper)
    return solve_axial(axial_description(group, group), axial_description(target, group), proper)


def axial_description(subgroup: Subgroup | PointGroup | ClosedGroup, group: PointGroup | ClosedGroup) -> AxialSubgroup:
    """How a closed group lies in the D∞h whose axis is that of ``group``."""
    if isinstance(subgroup, ClosedGroup):
        return AxialSubgroup(subgroup.family.family, subgroup.family.n)  # type: ignore[arg-type]
    local = group.rotation.T @ subgroup.matrices @ group.rotation
    proper = np.linalg.det(local) > 0
    up = local[:, 2, 2] > 0
    fold = int((proper & up).sum())
    flips = {"σh": bool((~proper & ~up).any()), "σv": bool((~proper & up).any()), "C2'": bool((proper & ~up).any())}
    has_mirror = match_elements(np.diag([1.0, 1.0, -1.0])[None], local)[0] >= 0
    found = frozenset(name for name, present in flips.items() if present)
    series = {
        frozenset(): "Cn",
        frozenset({"σh"}): "Cnh" if has_mirror else "S2n",
        frozenset({"σv"}): "Cnv",
        frozenset({"C2'"}): "Dn",
    }.get(found, "Dnh" if has_mirror else "Dnd")
    if found and len(found) not in (1, 3):
        raise InvalidGroupError("the target is not a subgroup of the axial group about this axis")
    return AxialSubgroup(series, fold)
