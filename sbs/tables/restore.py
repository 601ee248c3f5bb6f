"""From a stored row to the same `MinimalSet` that the solver gives, certificate included.

What is read is checked as far as it bears on the answer; `sbs.tables.checking` checks the rest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sbs.errors import UnknownGroupError
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.point.closed import AxialSubgroup, ClosedGroup
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.pointgroups import PointGroup, point_group
from sbs.objects.irreps import Irrep, parse_irreps
from sbs.objects.representation import representation
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.orbits import FiniteOrbit, Known
from sbs.sets.question import Embedding, Question
from sbs.solver.normalizer import normalizer_in_o3
from sbs.solver.solutions import ClosedSolution, FiniteSolution, Refutation, StabilizerSearch
from sbs.tables.catalogue import stored_families, stored_symbols
from sbs.tables.encoding import INFINITE
from sbs.tables.storage import Entry

__all__ = ["AMBIENT", "set_from_table"]

AMBIENT = "O(3)"

_STANDARD = np.eye(3)
# Norms of the blocks of stored objects; they are unit vectors to rounding.
_UNIT = 1e-9


def set_from_table(table: Entry, label: str) -> MinimalSet:
    """The set in one row of a table that was read.

    Raises:
        CorruptTableError: the table has no such row, or the row contradicts itself.
    """
    symbol = table.text("symbol")
    # By family, not by symbol: reading symbols is more to import than all that a first query needs.
    group = point_group(stored_families()[stored_symbols().index(symbol)])
    assert isinstance(group, PointGroup)
    listed = next((e for e in table.entries("subgroup_classes") if e.raw("label") == label), None)
    row = next((e for e in table.entries("targets") if e.raw("label") == label), None)
    if listed is None or row is None:
        raise table.error("targets", f"has no row {label!r}")
    target = _subgroup(group, listed, "elements", listed.integers("elements", group.order))
    question = Question(group, target, ClosedGroup(PointGroupSymbol(AMBIENT)), True, None)
    certificate = row.entry("certificate")
    restored = _closed if certificate.text("method") == "closed" else _finite
    result = restored(table, row, certificate, question)
    _agrees(row, result)
    return result


def _subgroup(parent: PointGroup, entry: Entry, field: str, elements: list[int]) -> Subgroup:
    mask = np.zeros(parent.order, dtype=bool)
    mask[elements] = True
    found = np.flatnonzero(mask)
    if not mask[0] or not mask[parent.table[np.ix_(found, found)]].all():
        raise entry.error(field, f"the {len(elements)} elements are no subgroup of {parent.symbol}")
    return Subgroup(parent, mask)


def _finite(table: Entry, row: Entry, certificate: Entry, question: Question) -> MinimalSet:
    embedding = _embedding(table, certificate, question)
    parent = embedding.outer
    assert isinstance(parent, PointGroup)

    def inside(field: str, elements: list[int]) -> Subgroup:
        return _subgroup(parent, certificate, field, elements)

    solved = inside("target", certificate.integers("target", parent.order))
    normalizer = inside("normalizer", certificate.integers("normalizer", parent.order))
    stabilizers = tuple(
        inside("stabilizers", certificate.check_integers("stabilizers", h, parent.order))
        for h in certificate.items("stabilizers")
    )
    whole = embedding.image(question.group)
    if embedding.image(question.target) != solved:
        raise certificate.error("target", "is not the image of K")
    if not stabilizers or any((h.mask & whole.mask != solved.mask).any() or not h <= normalizer for h in stabilizers):
        raise certificate.error("stabilizers", "are not subgroups of M that meet S in K")
    refuted = tuple(
        Refutation(r.integer("order", 1), tuple(r.integers("generators", parent.order)), r.text("reason"))
        for r in certificate.entries("refuted")
    )
    search = StabilizerSearch(stabilizers, certificate.integer("bound", 1), refuted)
    _check_bound(certificate, search, normalizer, whole, solved)
    solution = FiniteSolution(whole, solved, normalizer, True, stabilizers, ((solved, search),))
    chosen = certificate.integer("chosen")
    if chosen >= len(stabilizers):
        raise certificate.error("chosen", f"must be less than the number of stabilizers, {len(stabilizers)}")
    orbit = _orbit(row, certificate, stabilizers[chosen], embedding.frame, parent)
    return MinimalSet(question, solution, embedding, Known(orbit))


def _embedding(table: Entry, certificate: Entry, question: Question) -> Embedding:
    """S in its normalizer, turned as the solver turned it."""
    group = question.group
    assert isinstance(group, PointGroup)
    family = normalizer_in_o3(group.family)
    if certificate.text("parent") != family.schoenflies:
        raise certificate.error("parent", f"expected {family.schoenflies!r}, the normalizer of {group.symbol} in O(3)")
    parent = point_group(family)
    assert isinstance(parent, PointGroup)
    outer = table.entry("normalizer")
    numbers = outer.integers("embedding", parent.order)
    if len(numbers) != group.order or np.abs(parent.matrices[numbers] - group.matrices).max() > _UNIT:
        raise outer.error("embedding", f"does not number the elements of {group.symbol} in {parent.symbol}")
    turn = certificate.integer("turn")
    if turn >= parent.order:
        raise certificate.error("turn", f"must be less than the order {parent.order} of {parent.symbol}")
    return Embedding(group, parent, np.array(numbers, dtype=np.intp), group.rotation).turned(turn)


def _check_bound(
    certificate: Entry, search: StabilizerSearch, normalizer: Subgroup, whole: Subgroup, solved: Subgroup
) -> None:
    bound = normalizer.order * solved.order // whole.order
    if search.bound != bound:
        raise certificate.error("bound", f"states {search.bound}, but |M| |K| / |S| is {bound}")
    method = "complement bound" if search.meets_bound else "exhaustive search"
    if certificate.text("method") != method:
        raise certificate.error("method", f"expected {method!r} for stabilizers of order {search.order}")


def _orbit(
    row: Entry, certificate: Entry, stabilizer: Subgroup, frame: np.ndarray, parent: PointGroup
) -> FiniteOrbit:
    irreps = _irreps(row)
    objects = _objects(row, irreps)
    if not np.array_equal(frame, _STANDARD):
        objects = objects @ representation(row.text("irreps"), frame[None])[0]
    movers = np.array(certificate.integers("movers", parent.order), dtype=np.intp)
    orbits = np.array(row.integers("orbits", len(objects)), dtype=np.intp)
    for entry, field, array in ((certificate, "movers", movers), (row, "orbits", orbits)):
        if len(array) != len(objects):
            raise entry.error(field, f"expected {len(objects)} entries, one for each object, got {len(array)}")
    sizes = np.bincount(orbits)
    if (sizes != sizes[0]).any() or (np.diff(orbits) < 0).any():
        raise row.error("orbits", "are not orbits of one size, one after the other")
    return FiniteOrbit(stabilizer, irreps, objects, movers, orbits)


def _irreps(row: Entry) -> tuple[Irrep, ...]:
    try:
        return tuple(irrep for count, irrep in parse_irreps(row.text("irreps")) for _ in range(count))
    except ValueError as error:
        raise row.error("irreps", str(error)) from error


def _objects(row: Entry, irreps: tuple[Irrep, ...]) -> np.ndarray:
    objects = _array(row, "objects", (row.integer("size", 1), sum(irrep.dim for irrep in irreps)))
    if not _are_unit(objects, irreps):
        raise row.error("objects", "some irrep block of an object has not the norm 1")
    return objects


def _array(entry: Entry, field: str, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.array(entry.items(field), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise entry.error(field, f"is no array of numbers ({error})") from error
    if 0 in shape and not array.size:
        array = array.reshape(shape)
    if array.shape != shape:
        raise entry.error(field, f"expected shape {shape}, got {array.shape}")
    return array


def _are_unit(vectors: np.ndarray, irreps: tuple[Irrep, ...]) -> bool:
    starts = np.cumsum([0, *(irrep.dim for irrep in irreps[:-1])])
    return bool(np.abs(np.add.reduceat(vectors**2, starts, axis=1) - 1.0).max() <= _UNIT)


def _closed(table: Entry, row: Entry, certificate: Entry, question: Question) -> MinimalSet:
    from sbs.sets.continuous import ContinuousOrbit  # most rows need no more than the stored objects

    stabilizers = tuple(_closed_group(certificate, h) for h in certificate.items("stabilizers"))
    cardinals = _count(row, "size"), _count(row, "degeneracy")
    solution = ClosedSolution(_symbol(certificate, "normalizer"), stabilizers, *cardinals)  # type: ignore[arg-type]
    irreps = _irreps(row)
    seed = _array(certificate, "seed", (sum(irrep.dim for irrep in irreps),))
    if not _are_unit(seed[None], irreps):
        raise certificate.error("seed", "some irrep block has not the norm 1")
    size = 0 if solution.size == math.inf else int(solution.size)
    movers = _array(certificate, "movers", (size, 3, 3))
    rotation = _array(certificate, "rotation", (3, 3))
    if np.abs(rotation.T @ rotation - _STANDARD).max() > _UNIT:
        raise certificate.error("rotation", "is no orthogonal matrix")
    family = _symbol(certificate, "stabilizer")
    turned = not np.array_equal(rotation, _STANDARD)
    stabilizer = (PointGroup if family.is_finite else ClosedGroup)(family, rotation if turned else None)
    if size:
        objects = _objects(row, irreps)
        if np.abs(representation(row.text("irreps"), movers) @ seed - objects).max() > _UNIT:
            raise row.error("objects", "are not the images of the seed under the movers")
    outer = ClosedGroup(solution.normalizer)
    orbits = np.repeat(np.arange(solution.degeneracy), size // int(solution.degeneracy)) if size else np.zeros(0, int)
    orbit = ContinuousOrbit(outer, stabilizer, irreps, seed, movers, orbits)
    group = question.group
    assert isinstance(group, PointGroup)
    return MinimalSet(question, solution, Embedding(group, outer, None, group.rotation), Known(orbit))


def _symbol(entry: Entry, field: str) -> PointGroupSymbol:
    from sbs.groups.point.symbols import parse_symbol

    try:
        return parse_symbol(entry.text(field)).symbol
    except UnknownGroupError as error:
        raise entry.error(field, str(error)) from error


def _closed_group(certificate: Entry, value: Any) -> AxialSubgroup | PointGroupSymbol:
    if isinstance(value, str):
        return _symbol(Entry({"stabilizers": value}, certificate.file, certificate.path), "stabilizers")
    entry = Entry(value, certificate.file, f"{certificate.path}.stabilizers")
    return AxialSubgroup(entry.text("series"), _count(entry, "n"))


def _count(entry: Entry, field: str) -> int | float:
    return math.inf if entry.raw(field) == INFINITE else entry.integer(field, 1)


def _agrees(row: Entry, result: MinimalSet) -> None:
    """What the row states beside what follows from its certificate."""
    for field, stated, found in (
        ("size", _count(row, "size"), result.size),
        ("ideal", row.truth("ideal"), result.is_ideal),
        ("degeneracy", _count(row, "degeneracy"), result.degeneracy),
    ):
        if stated != found:
            raise row.error(field, f"states {stated}, but its certificate gives {found}")
