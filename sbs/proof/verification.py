"""Certificates: every claim of a symmetry-breaking set, derived again from matrices.

Nothing of the solver is used: Cayley tables are matched from products of matrices, the normalizer comes from a
brute-force search of its own, stabilizers and orbits are read off the objects, and where the complement bound does not
prove minimality every subgroup that could be larger is searched for by plain growth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sbs.errors import CertificateError, SearchLimitError
from sbs.groups.abstract.subgroups import Parent, Subgroup
from sbs.groups.point.pointgroups import PointGroup
from sbs.objects.irreps import Irrep, parse_irreps
from sbs.objects.representation import irrep_matrices, representation

__all__ = ["CLOSURE_TOLERANCE", "MAX_GROWN_SUBGROUPS", "normalizing_rotations", "verify"]

#: Largest component by which D(g) b may miss an object of the set. Objects are stored to 1e-14.
CLOSURE_TOLERANCE = 1e-10

#: Largest entry by which products of matrices may miss an element. Groups are exact to 1e-14, and to 1e-9 after a turn.
_MATRIX_TOLERANCE = 1e-8

#: Largest M of an abstract group whose table, and the table of its action on the objects, are built to check a set.
MAX_VERIFIED_ORDER = 4_096

#: Subgroups visited by the search that replays a proof of minimality.
MAX_GROWN_SUBGROUPS = 200_000


def verify(result: Any) -> None:
    """See `MinimalSet.verify`."""
    if isinstance(result.group, PointGroup) and isinstance(result.normalizer, Subgroup):
        _verify_point_group(result)
    else:
        _verify_abstract(result)


def require(condition: bool, claim: str) -> None:
    """Raise CertificateError unless a claim holds."""
    if not condition:
        raise CertificateError(
            f"the certificate does not hold: {claim}; report this set as a bug, or rebuild it if it was stored"
        )


# --- sets of vectors ------------------------------------------------------------------------------------------------


def _verify_point_group(result: Any) -> None:
    assert isinstance(result.target, Subgroup) and isinstance(result.normalizer, Subgroup)
    group, target, normalizer = result.group.matrices, result.target.matrices, result.normalizer.matrices
    _check_group(group, "S")
    _check_group(normalizer, "M")
    require(bool((find(target, group) >= 0).all()), "K is a subset of S")
    _check_group(target, "K")
    _check_normalizer(result, group, target, normalizer)
    table = find_products(normalizer)
    inside = find(group, normalizer)
    require(bool((inside >= 0).all()), "S lies in M")
    _check_objects(result, normalizer, table, inside)
    stabilizer = find(result.stabilizer.matrices, normalizer)
    _check_minimality(result, table, inside, find(target, normalizer), int((stabilizer >= 0).sum()), normalizer)


def find(matrices: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Index in ``among`` of each matrix, -1 where there is none."""
    distance = 3.0 - matrices.reshape(len(matrices), -1) @ among.reshape(len(among), -1).T
    best = distance.argmin(1)
    return np.where(np.abs(matrices - among[best]).max((1, 2)) < _MATRIX_TOLERANCE, best, -1)


def find_products(matrices: np.ndarray) -> np.ndarray:
    """Cayley table (n, n) by matching products, -1 where a product is no element."""
    return np.stack([find(g @ matrices, matrices) for g in matrices])


def _check_group(matrices: np.ndarray, name: str) -> None:
    table = find_products(matrices)
    require(bool((table >= 0).all()), f"{name} is closed under multiplication")
    require(bool((np.sort(table, axis=1) == np.arange(len(matrices))).all()), f"the elements of {name} are distinct")


def _check_normalizer(result: Any, group: np.ndarray, target: np.ndarray, normalizer: np.ndarray) -> None:
    if isinstance(result.ambient, PointGroup):
        candidates = result.ambient.matrices
    else:
        rotations = normalizing_rotations(group)
        candidates = (
            rotations if getattr(result.ambient, "symbol", "") == "SO(3)" else np.concatenate([rotations, -rotations])
        )
    orbit = {_as_set(s @ target @ s.T, group) for s in group}
    kept = [
        g for g in candidates if (find(g @ group @ g.T, group) >= 0).all() and _as_set(g @ target @ g.T, group) in orbit
    ]
    require(len(kept) == len(normalizer), f"M has {len(kept)} elements by brute force, not {len(normalizer)}")
    require(bool((find(np.array(kept), normalizer) >= 0).all()), "M is the generalised normalizer")


def _as_set(matrices: np.ndarray, group: np.ndarray) -> frozenset[int]:
    return frozenset(find(matrices, group).tolist())


def normalizing_rotations(group: np.ndarray) -> np.ndarray:
    """All rotations R with R S R^T = S, for a finite S whose axes are not all parallel, float64 (n, 3, 3).

    R must take the axes of two elements with different axes to axes of elements of the same kind, up to sign,
    and is fixed by that: all such assignments are tried.
    """
    kinds, axes = _kinds_and_axes(group)
    first = int(np.flatnonzero(kinds >= 0)[0])
    parallel = np.abs(axes @ axes[first])
    second = int(np.flatnonzero((kinds >= 0) & (parallel < 1 - 1e-6))[0])
    frame = _frame(axes[first][None], axes[second][None])[0]
    cosine = axes[first] @ axes[second]
    a = np.concatenate([axes[kinds == kinds[first]], -axes[kinds == kinds[first]]])
    b = np.concatenate([axes[kinds == kinds[second]], -axes[kinds == kinds[second]]])
    left, right = np.nonzero(np.abs(a @ b.T - cosine) < 1e-6)
    candidates = _frame(a[left], b[right]) @ frame.T
    kept: list[np.ndarray] = []
    for rotation in candidates:
        if (find(rotation @ group @ rotation.T, group) >= 0).all() and all(
            np.abs(rotation - k).max() > 1e-6 for k in kept
        ):
            kept.append(rotation)
    return np.array(kept)


def _kinds_and_axes(group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the kind (determinant and angle) and the axis of each element; kind -1 for the identity and inversion."""
    signs = np.sign(np.linalg.det(group))
    proper = group * signs[:, None, None]
    cosines = np.clip((np.trace(proper, axis1=1, axis2=2) - 1) / 2, -1, 1)
    _, kinds = np.unique(np.round(np.stack([signs, cosines], 1), 6), axis=0, return_inverse=True)
    # The axis spans the null space of R - 1, so that the projector on it has the largest column along the axis.
    sums = proper + np.swapaxes(proper, 1, 2) - 2 * cosines[:, None, None] * np.eye(3)
    columns = np.linalg.norm(sums, axis=1).argmax(1)
    axes = sums[np.arange(len(group)), :, columns]
    norms = np.linalg.norm(axes, axis=1)
    trivial = cosines > 1 - 1e-9
    return np.where(trivial, -1, kinds.reshape(-1)), axes / np.where(trivial, 1.0, norms)[:, None]


def _frame(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Right-handed orthonormal frames (n, 3, 3), columns a, the part of b across a, and their cross product."""
    across = b - (a * b).sum(1)[:, None] * a
    across /= np.linalg.norm(across, axis=1)[:, None]
    return np.stack([a, across, np.cross(a, across)], axis=2)


def _check_objects(result: Any, normalizer: np.ndarray, table: np.ndarray, inside: np.ndarray) -> None:
    objects = np.asarray(result.objects)
    irreps = [irrep for mul, irrep in parse_irreps(result.irreps or "") for _ in range(mul)]
    require(objects.shape == (result.size, sum(i.dim for i in irreps)), "objects have the shape (size, dim)")
    check_blocks(objects, irreps)
    if result.lmax is not None:
        require(max(i.l for i in irreps) <= result.lmax, "no irrep has a degree above lmax")
    gaps = np.linalg.norm(objects[:, None] - objects[None], axis=2) + 4 * np.eye(len(objects))
    require(float(gaps.min()) > 1e-6, "the objects are distinct")
    images = objects @ np.swapaxes(representation(irreps, normalizer), 1, 2)
    permutation, missed = _match_rows(images, objects)
    require(missed < CLOSURE_TOLERANCE, f"the set is closed under M (missed by {missed:.1e})")
    check_action(result, permutation, inside, find(result.stabilizer.matrices, normalizer), table)


def check_blocks(objects: np.ndarray, irreps: list[Irrep]) -> None:
    """Every object has unit norm in every irrep block."""
    start = 0
    for irrep in irreps:
        norms = np.linalg.norm(objects[:, start : start + irrep.dim], axis=1)
        require(bool(np.abs(norms - 1).max() < 1e-10), "objects have unit norm in each block")
        start += irrep.dim


def _match_rows(images: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, float]:
    """For stacks of rows (m, n, d): the number of the object nearest to each, and the largest miss."""
    permutation = np.empty(images.shape[:2], dtype=np.intp)
    worst = 0.0
    for g, rows in enumerate(images):
        permutation[g] = (rows @ objects.T).argmax(1)
        worst = max(worst, float(np.abs(rows - objects[permutation[g]]).max()))
    return permutation, worst


def check_action(
    result: Any, permutation: np.ndarray, inside: np.ndarray, stabilizer: np.ndarray, table: np.ndarray
) -> None:
    """Orbits, stabilizers and counts from how the elements of M (rows) permute the objects; ``inside`` numbers S in M."""
    group, target = result.group, result.target
    assert isinstance(target, Subgroup)
    size = permutation.shape[1]
    require(size == result.size, "size is the number of objects")
    require(len(np.unique(permutation[:, 0])) == size, "the set is one M-orbit")
    fixing = set(np.flatnonzero(permutation[:, 0] == 0).tolist())
    require(fixing == set(stabilizer.tolist()), "H is the stabilizer in M of the first object")
    own = permutation[inside]
    orbits = np.asarray(result.orbits)
    reached = np.sort(own.T, axis=1)[:, 0]
    require(orbits.shape == (size,), "one orbit number for each object")
    require(
        len({*zip(reached.tolist(), orbits.tolist(), strict=True)})
        == len(set(reached.tolist()))
        == len(set(orbits.tolist())),
        "orbits are the S-orbits",
    )
    require(set(orbits.tolist()) == set(range(int(result.degeneracy))), "degeneracy is the number of S-orbits")
    elements = np.arange(int(group.order)) if isinstance(group, PointGroup) else group.elements
    # Rows of S in M, numbered as the elements of the parent of the targets.
    local = {int(e): int(row) for e, row in zip(elements, inside, strict=True)}
    inverse = {int(row): e for e, row in local.items()}
    base = frozenset(local[int(e)] for e in target.elements)
    table_inverse = np.argmin(np.where(table == table[0, 0], 0, 1), axis=1)
    conjugates = {frozenset(int(table[table[s, k], table_inverse[s]]) for k in base) for s in local.values()}
    require(len(result.target_of) == size, "one target for each object")
    for index in range(size):
        claimed = frozenset(local.get(int(e), -1) for e in result.target_of[index].elements)
        require(claimed in conjugates, f"target_of[{index}] is an S-conjugate of K")
        fixed = {row for row in inverse if permutation[row, index] == index}
        require(
            fixed == claimed if result.exact else fixed <= claimed,
            f"the stabilizer in S of object {index} is as claimed",
        )
    ideal = size * int(target.order) == int(group.order)
    require(ideal == result.is_ideal, "ideal means |P| = |S| / |K|")


# --- minimality -----------------------------------------------------------------------------------------------------


def _check_minimality(
    result: Any,
    table: np.ndarray,
    group: np.ndarray,
    target: np.ndarray,
    stabilizer: int,
    matrices: np.ndarray | None,
) -> None:
    """No admissible subgroup of M is larger than H: by the bound |M| |K| / |S|, else by growing all of them."""
    require(stabilizer * int(result.size) == len(table), "|P| = |M| / |H|")
    if stabilizer * len(group) == len(table) * len(target):
        return
    inside = set(group.tolist())
    base = frozenset(target.tolist())
    inverses = np.argmin(np.where(table == table[0, 0], 0, 1), axis=1)
    conjugates = {frozenset(int(table[table[s, k], inverses[s]]) for k in base) for s in inside}

    def admissible(elements: frozenset[int]) -> bool:
        shared = elements & inside
        return shared == base if result.exact else any(shared <= c for c in conjugates)

    seed = base if result.exact else frozenset({int(table[0, 0])})
    # K = H ∩ S is normal in H, so an exact H lies in the normalizer of K; the search is up to conjugation there.
    turned = np.sort(table[table[:, target], inverses[:, None]], axis=1)
    within = np.flatnonzero((turned == np.sort(target)).all(1)) if result.exact else np.arange(len(table))
    for grown in _grow(table, inverses, seed, within, admissible):
        if len(grown) > stabilizer and (
            result.lmax is None or matrices is None or _is_isotropy(grown, matrices, result.lmax)
        ):
            raise CertificateError(
                f"the certificate does not hold: M has an admissible subgroup of order {len(grown)}, larger than "
                f"|H| = {stabilizer}, so a smaller set exists; report this as a bug"
            )


def _grow(
    table: np.ndarray,
    inverses: np.ndarray,
    seed: frozenset[int],
    within: np.ndarray,
    admissible: Callable[[frozenset[int]], bool],
) -> list[frozenset[int]]:
    """Admissible subgroups above a seed up to conjugation by ``within``, one element added at a time.

    What lies between the seed and an admissible subgroup is admissible, so nothing is missed.
    """
    found = {seed}
    queue = [seed]
    for current in queue:
        tried = np.zeros(len(table), dtype=bool)
        tried[list(current)] = True
        for element in within:
            if tried[element]:
                continue
            members = _generated(table, current, int(element))
            # The cosets of the smaller group that lie in a group of twice its order generate the same group.
            tried[members if len(members) == 2 * len(current) else [element]] = True
            grown = frozenset(members.tolist())
            if grown not in found and admissible(grown):
                images = table[table[np.ix_(within, members)], inverses[within][:, None]]
                found.update(frozenset(row) for row in np.unique(np.sort(images, axis=1), axis=0).tolist())
                queue.append(grown)
        if len(found) > MAX_GROWN_SUBGROUPS:
            raise SearchLimitError(
                f"over {MAX_GROWN_SUBGROUPS} subgroups to check; the proof of minimality was not replayed to its end"
            )
    return queue


def _generated(table: np.ndarray, subgroup: frozenset[int], element: int) -> np.ndarray:
    """Sorted elements of the group generated by a subgroup and one more element."""
    mask = np.zeros(len(table), dtype=bool)
    mask[list(subgroup)] = True
    new = table[element, np.flatnonzero(mask)]
    while len(new):
        mask[new] = True
        members = np.flatnonzero(mask)
        products = np.zeros(len(table), dtype=bool)
        products[table[np.ix_(new, members)].ravel()] = True
        products[table[np.ix_(members, new)].ravel()] = True
        new = np.flatnonzero(products & ~mask)
    return np.flatnonzero(mask)


def _is_isotropy(elements: frozenset[int], matrices: np.ndarray, lmax: int) -> bool:
    """Whether some vector of irreps with l <= lmax has exactly this stabilizer in M."""
    inner = sorted(elements)
    fixed = np.ones(len(matrices), dtype=bool)
    for l in range(lmax + 1):
        for p in (1, -1):
            rep = irrep_matrices(Irrep(l, p), matrices)
            projector = rep[inner].mean(0)
            fixed &= np.abs(rep @ projector - projector).max((1, 2)) < 1e-8
    return int(fixed.sum()) == len(inner)


# --- sets of points -------------------------------------------------------------------------------------------------


def _verify_abstract(result: Any) -> None:
    assert (
        isinstance(result.group, Subgroup)
        and isinstance(result.target, Subgroup)
        and isinstance(result.normalizer, Subgroup)
    )
    parent = result.group.parent
    group, target, normalizer = result.group, result.target, result.normalizer
    require(bool((target.mask <= group.mask).all()), "K is a subset of S")
    if normalizer.order > MAX_VERIFIED_ORDER:
        raise SearchLimitError(
            f"M has {normalizer.order} elements; the certificate of an abstract group is checked on its Cayley table, up to "
            f"order {MAX_VERIFIED_ORDER}. Nothing is wrong with the set; it was not checked"
        )
    _check_abstract_normalizer(parent, group, target, normalizer)
    elements = normalizer.elements
    number = np.full(parent.order, -1, dtype=np.int32)
    number[elements] = np.arange(len(elements))
    table = number[parent.multiply(elements[:, None], elements)]
    require(bool((table >= 0).all()), "M is closed under multiplication")
    stabilizer = number[result.stabilizer.elements]
    require(np.array_equal(result.objects, np.eye(int(result.size))), "objects are the points of M / H")
    permutation = _coset_action(table, stabilizer, result, number)
    check_action(result, permutation, number[group.elements], stabilizer, table)
    _check_minimality(result, table, number[group.elements], number[target.elements], len(stabilizer), None)


def _check_abstract_normalizer(parent: Parent, group: Subgroup, target: Subgroup, normalizer: Subgroup) -> None:
    """Brute force over the elements of G, each tested on generators of S and on all of K."""
    generators = np.array(group.generators, dtype=np.intp).reshape(-1)
    everything = np.arange(parent.order)
    keeps = group.mask[parent.conjugate(generators[None], everything[:, None])].all(1)
    orbit = {frozenset(parent.conjugate(target.elements, int(s)).tolist()) for s in group.elements}
    kept = [g for g in everything[keeps] if frozenset(parent.conjugate(target.elements, int(g)).tolist()) in orbit]
    require(kept == normalizer.elements.tolist(), "M is the generalised normalizer")


def _coset_action(table: np.ndarray, stabilizer: np.ndarray, result: Any, number: np.ndarray) -> np.ndarray:
    """How M permutes the points of M / H, in the order of the objects."""
    movers = number[np.asarray(result.movers)]
    coset = np.full(len(table), -1, dtype=np.intp)
    for index, mover in enumerate(movers):
        require(bool((coset[table[mover, stabilizer]] < 0).all()), "the cosets of H are distinct")
        coset[table[mover, stabilizer]] = index
    require(bool((coset >= 0).all()), "the cosets of H cover M")
    return coset[table[:, movers]]
