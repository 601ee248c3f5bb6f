"""Certificates of sets whose normalizer M is finite: groups, objects, orbits and counts, derived again from what elements do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbs.errors import SearchLimitError
from sbs.proof.axes import normalizing_rotations
from sbs.proof.claims import Elements, FiniteClaim, insist
from sbs.proof.elements import Law, checked_matrices, conjugated, find, inverses_in, real_numbers, selected, spanning
from sbs.proof.harmonics import Representation, blocks_of
from sbs.proof.minimality import check_minimality, check_refutations

__all__ = ["MAX_VERIFIED_ORDER", "ORBIT_TOLERANCE", "check_block_norms", "check_finite", "integer", "refuse_beyond_limit"]

IntArray = npt.NDArray[np.intp]

#: Largest component by which D(g) b may miss an object of the set. Objects are stored to 1e-14.
ORBIT_TOLERANCE = 1e-10

#: Objects closer than this would be one to a network in float32, with room for what rounding does.
_DISTINCT = 1e-6

#: Norms of blocks are kept to 1e-14.
_NORM_TOLERANCE = 1e-10

#: Largest M whose table, and the table of its action on the objects, are built to check a set.
MAX_VERIFIED_ORDER = 4_096


@dataclass(frozen=True)
class _Numbered:
    """M as numbers 0 .. m - 1, and the other groups among them."""

    table: IntArray
    identity: int
    generators: list[int]
    group: IntArray
    target: IntArray
    stabilizer: IntArray


def refuse_beyond_limit(order: int) -> None:
    """Raise SearchLimitError for a normalizer of more elements than are checked."""
    if order > MAX_VERIFIED_ORDER:
        raise SearchLimitError(
            f"M has {order} elements; certificates are checked up to order {MAX_VERIFIED_ORDER}. Nothing is "
            "wrong with the set; it was not checked"
        )


def check_finite(claim: FiniteClaim) -> None:
    """Check every claim.

    Raises:
        CertificateError: one is wrong. SearchLimitError: M is too large to be checked.
    """
    refuse_beyond_limit(len(claim.normalizer))
    _check_form(claim)
    numbered = _numbered(claim)
    _check_normalizer(claim, numbered)
    permutation = _permutations(claim, numbered)
    _check_action(claim, numbered, permutation)
    _check_counts(claim, numbered)
    grown = check_minimality(
        numbered.table, numbered.identity, numbered.group, numbered.target, len(numbered.stabilizer), claim.exact,
        None if claim.lmax is None else (np.asarray(claim.normalizer.matrices), claim.lmax),
    )  # fmt: skip
    found = [(entry, find(entry.generators, claim.normalizer)) for entry in claim.refuted]
    check_refutations(found, numbered.table, numbered.identity, numbered.group, numbered.target, grown)


def integer(value: object, name: str) -> int:
    """A claimed number as an int.

    Raises:
        CertificateError: it is none.
    """
    insist(isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)), f"{name} is an integer")
    return int(value)  # type: ignore[call-overload]


def _check_form(claim: FiniteClaim) -> None:
    for name, elements in (("S", claim.group), ("K", claim.target), ("M", claim.normalizer), ("H", claim.stabilizer)):
        if elements.matrices is not None:
            checked_matrices(elements.matrices, name)
    insist(
        isinstance(claim.exact, (bool, np.bool_)) and isinstance(claim.is_ideal, (bool, np.bool_)),
        "flags are true or false",
    )
    if claim.lmax is not None:
        insist(integer(claim.lmax, "lmax") >= 0 and claim.irreps is not None, "lmax bounds the degree of irreps")
    real_numbers(claim.objects, "objects")


def _numbered(claim: FiniteClaim) -> _Numbered:
    law = Law(claim.normalizer, "M", claim.law)
    positions = []
    for name, elements in (("S", claim.group), ("K", claim.target), ("H", claim.stabilizer)):
        numbers = find(elements, claim.normalizer)
        insist((numbers >= 0).all(), f"{name} lies in M")
        insist(len(np.unique(numbers)) == len(numbers), f"the elements of {name} are distinct")
        spanning(law.table, numbers, law.identity, name)
        positions.append(numbers)
    insist(np.isin(positions[1], positions[0]).all(), "K is a subset of S")
    return _Numbered(law.table, law.identity, law.generators, *positions)


# --- the normalizer -------------------------------------------------------------------------------------------------


def _check_normalizer(claim: FiniteClaim, m: _Numbered) -> None:
    """M against a search through the ambient group: each element tested on generators of S, then on all of K."""
    candidates = _candidates(claim)
    own = claim.group
    row_of = {int(number): row for row, number in enumerate(m.group)}
    for g in spanning(m.table, m.group, m.identity, "S"):
        images = find(conjugated(candidates, selected(own, [row_of[g]]), claim.law), own)
        candidates = selected(candidates, np.flatnonzero(images >= 0))
        insist(len(candidates) > 0, "M normalises S")
    back = inverses_in(m.table, m.identity)
    conjugates = {_key([row_of[int(x)] for x in m.table[m.table[s, m.target], back[s]]]) for s in m.group}
    inner = [
        find(conjugated(candidates, selected(claim.target, [k]), claim.law), own) for k in range(len(claim.target))
    ]
    images = np.stack(inner, axis=1)
    kept = np.flatnonzero([_key(row) in conjugates for row in images])
    insist(
        len(kept) == len(claim.normalizer), f"M has {len(kept)} elements by brute force, not {len(claim.normalizer)}"
    )
    insist((find(selected(candidates, kept), claim.normalizer) >= 0).all(), "M is the generalised normalizer")


def _key(numbers: object) -> bytes:
    return np.sort(np.asarray(numbers, dtype=np.int64)).tobytes()


def _candidates(claim: FiniteClaim) -> Elements:
    """The elements of the ambient group that could normalise S."""
    if isinstance(claim.ambient, Elements):
        return claim.ambient
    insist(claim.ambient in ("O(3)", "SO(3)"), f"{claim.ambient!r} is an ambient group")
    group = np.asarray(claim.group.matrices)
    proper = claim.ambient == "SO(3)"
    insist(not proper or (np.linalg.det(group) > 0).all(), "S lies in SO(3)")
    rotations = normalizing_rotations(group)
    return Elements(rotations if proper else np.concatenate([rotations, -rotations]))


# --- the objects ----------------------------------------------------------------------------------------------------


def _permutations(claim: FiniteClaim, m: _Numbered) -> IntArray:
    """How every element of M permutes the objects (m, size), found for the generators of M."""
    if claim.irreps is None:
        return _coset_action(claim, m)
    blocks = blocks_of(claim.irreps)
    representation = Representation(blocks)
    objects = real_numbers(claim.objects, "objects")
    fields = objects if objects.ndim == 3 else objects[:, None]
    points = 1 if claim.normalizer.permutations is None else np.asarray(claim.normalizer.permutations).shape[1]
    insist(
        objects.ndim in (2, 3) and (objects.ndim == 2 or claim.normalizer.permutations is not None), "objects are rows"
    )
    insist(objects.ndim == 3 or points == 1, "objects of sites have the shape (size, sites, dim)")
    insist(fields.shape == (claim.size, points, representation.dim), "objects have the shape (size, dim)")
    insist(claim.lmax is None or max(l for l, _ in blocks) <= claim.lmax, "no irrep has a degree above lmax")
    check_block_norms(fields, representation)
    insist((claim.sites is None) == (objects.ndim == 2), "the sites of a field are listed")
    if claim.sites is not None:
        carriers = np.flatnonzero(np.abs(fields).max(axis=(0, 2)) > 0)
        insist(np.array_equal(real_numbers(claim.sites, "sites"), carriers), "sites are those that carry the field")
    rows = fields.reshape(len(fields), -1)
    gaps = np.sqrt(np.maximum(0, (rows**2).sum(1)[:, None] + (rows**2).sum(1) - 2 * rows @ rows.T))
    insist((gaps + 4 * np.eye(len(rows))).min() > _DISTINCT, "the objects are distinct")
    insist(np.abs(_flat(claim.seed, rows.shape[1]) - rows[0]).max() < ORBIT_TOLERANCE, "the seed is the first object")
    _check_samples(real_numbers(claim.samples, "samples"), rows)
    result = np.full((len(m.table), len(rows)), -1, dtype=np.intp)
    result[m.identity] = np.arange(len(rows))
    if m.generators:
        matrices = representation.matrices(np.asarray(claim.normalizer.matrices)[m.generators])
        for g, matrix in zip(m.generators, matrices, strict=True):
            moved = fields @ matrix.T
            if claim.normalizer.permutations is not None:
                carried = np.empty_like(moved)
                carried[:, np.asarray(claim.normalizer.permutations)[g]] = moved
                moved = carried
            result[g] = _matched(moved.reshape(len(rows), -1), rows)
    return _filled(result, m)


def _flat(seed: object, count: int) -> np.ndarray:
    array = real_numbers(seed, "the seed")
    insist(array.size == count, "the seed has the shape of an object")
    return array.reshape(-1)


def _check_samples(samples: np.ndarray, rows: np.ndarray) -> None:
    insist(samples.ndim >= 2 and samples.size == len(samples) * rows.shape[1], "samples have the shape of objects")
    if len(samples):
        _matched(samples.reshape(len(samples), -1), rows)


def check_block_norms(fields: np.ndarray, representation: Representation) -> None:
    """Every object has unit norm in every irrep block; of a field, the root mean square over the points that carry the
    block in some object."""
    for part in representation.slices:
        carriers = np.abs(fields[:, :, part]).max(axis=(0, 2), initial=0.0) > 0
        insist(carriers.any(), "objects are not zero")
        norms = np.sqrt((fields[:, carriers, part] ** 2).sum(axis=(1, 2)) / carriers.sum())
        insist(np.abs(norms - 1).max() < _NORM_TOLERANCE, "objects have unit norm in each block")


def _matched(images: np.ndarray, objects: np.ndarray) -> IntArray:
    nearest = (images @ objects.T - (objects**2).sum(1) / 2).argmax(1)
    missed = np.abs(images - objects[nearest]).max()
    insist(missed < ORBIT_TOLERANCE, f"the set is closed under M, and samples lie in it (missed by {missed:.1e})")
    return nearest


def _filled(permutation: IntArray, m: _Numbered) -> IntArray:
    """The rows of products of generators: first the right factor acts."""
    reached = [m.identity, *m.generators]
    for h in reached:
        for g in m.generators:
            product = m.table[g, h]
            if permutation[product, 0] < 0:
                permutation[product] = permutation[g][permutation[h]]
                reached.append(int(product))
    return permutation


def _coset_action(claim: FiniteClaim, m: _Numbered) -> IntArray:
    """How M permutes the points of M / H, in the order of the objects."""
    insist(claim.movers is not None, "points of M / H come with the elements that take the first to each")
    assert claim.movers is not None
    insist(len(claim.objects) == integer(claim.size, "size"), "size is the number of objects")
    insist(np.array_equal(claim.objects, np.eye(len(claim.objects))), "objects are the points of M / H")
    insist(np.array_equal(claim.seed, claim.objects[0]), "the seed is the first object")
    _check_samples(real_numbers(claim.samples, "samples"), real_numbers(claim.objects, "objects"))
    movers = find(claim.movers, claim.normalizer)
    insist((movers >= 0).all() and len(movers) == claim.size, "one element of M takes the first object to each")
    coset = np.full(len(m.table), -1, dtype=np.intp)
    for index, mover in enumerate(movers):
        members = m.table[mover, m.stabilizer]
        insist((coset[members] < 0).all(), "the cosets of H are distinct")
        coset[members] = index
    insist((coset >= 0).all(), "the cosets of H cover M")
    insist(coset[m.identity] == 0, "the first object is the coset of the identity")
    return coset[m.table[:, movers]]


# --- stabilizers, orbits, counts ------------------------------------------------------------------------------------


def _check_action(claim: FiniteClaim, m: _Numbered, permutation: IntArray) -> None:
    size = permutation.shape[1]
    insist(len(np.unique(permutation[:, 0])) == size, "the set is one M-orbit")
    fixing = np.flatnonzero(permutation[:, 0] == 0)
    insist(np.array_equal(fixing, np.sort(m.stabilizer)), "H is the stabilizer in M of the first object")
    if claim.movers is not None:
        movers = find(claim.movers, claim.normalizer)
        insist(
            len(movers) == size and (movers >= 0).all() and np.array_equal(permutation[movers, 0], np.arange(size)),
            "movers take the first object to each",
        )
    own = permutation[m.group]
    orbits = np.asarray(claim.orbits)
    insist(orbits.shape == (size,) and orbits.dtype.kind in "iu", "one orbit number for each object")
    pairs = set(zip(own.min(axis=0).tolist(), orbits.tolist(), strict=True))
    insist(len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}), "orbits are the S-orbits")
    insist(np.array_equal(orbits, np.sort(orbits)), "objects are sorted by S-orbit")
    insist(
        np.array_equal(np.unique(orbits), np.arange(len(set(orbits.tolist()))))
        and integer(claim.degeneracy, "degeneracy") == orbits.max() + 1,
        "degeneracy is the number of S-orbits",
    )
    back = inverses_in(m.table, m.identity)
    conjugates = {tuple(np.sort(m.table[m.table[s, m.target], back[s]]).tolist()) for s in m.group}
    insist(len(claim.target_of) == size, "one target for each object")
    for index, target in enumerate(claim.target_of):
        claimed = np.sort(find(target, claim.normalizer))
        insist(tuple(claimed.tolist()) in conjugates, f"target_of[{index}] is an S-conjugate of K")
        fixed = m.group[own[:, index] == index]
        holds = np.isin(fixed, claimed).all() and (not claim.exact or len(fixed) == len(claimed))
        insist(holds, f"the stabilizer in S of object {index} is as claimed")


def _check_counts(claim: FiniteClaim, m: _Numbered) -> None:
    size, ideal = integer(claim.size, "size"), integer(claim.ideal_size, "ideal_size")
    insist(size * len(m.stabilizer) == len(m.table), "|P| = |M| / |H|")
    insist(ideal * len(m.target) == len(m.group), "the ideal size is |S| / |K|")
    insist(bool(claim.is_ideal) == (size == ideal), "ideal means |P| = |S| / |K|")
