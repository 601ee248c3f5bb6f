"""Ferroic species and domain states against Aizu's count and textbook cases; site symmetries against Int. Tables A."""

from __future__ import annotations

import numpy as np
import pytest

from sbs.groups import point_group
from sbs.sets.ferroic import aizu_symbols, domain_states
from sbs.sets.question import Question
from sbs.sets.solve import solve
from sbs.tables.catalogue import CRYSTAL_SYSTEMS
from sbs.tables.subgroups import species_numbers, vector_sites

CRYSTALLOGRAPHIC = [s for members in CRYSTAL_SYSTEMS.values() for s in members]


def species(symbol):
    """(class, species number, symbol of the species) for the proper subgroups."""
    group = point_group(symbol)
    classes, numbers = group.subgroup_classes, species_numbers(group)
    names = aizu_symbols(group, [c.representative for c in classes], numbers)
    return [row for row in zip(classes, numbers, names, strict=True) if row[2] is not None]


def test_212_species_in_247_classes():
    """Aizu 1970: 212 species; up to conjugation in S alone the pairs are 247."""
    rows = {symbol: species(symbol) for symbol in CRYSTALLOGRAPHIC}
    assert sum(len(r) for r in rows.values()) == 247
    assert sum(len({number for _, number, _ in r}) for r in rows.values()) == 212
    assert len({name for r in rows.values() for _, _, name in r}) == 212


@pytest.mark.parametrize("symbol", CRYSTALLOGRAPHIC)
def test_symbols_and_species_are_one_to_one(symbol):
    pairs = {(number, name) for _, number, name in species(symbol)}
    assert len(pairs) == len({number for number, _ in pairs}) == len({name for _, name in pairs})


@pytest.mark.parametrize("symbol", ["D4h", "D6h", "D3h", "D2h", "Td", "D4", "C6v", "D2d"])
def test_species_count_follows_from_generalised_normalizers(symbol):
    """A class of targets with normalizer M in N has |N| / |M| images under N, so that the |M| / |N| add up to the species."""
    group = point_group(symbol)
    total = sum(
        solve(Question(group, c.representative, point_group("O(3)"), True, None)).normalizer.order
        for c in group.subgroup_classes
    )
    outer = solve(Question(group, group.whole, point_group("O(3)"), True, None)).normalizer.order
    assert total / outer == len(set(species_numbers(group)))


@pytest.mark.parametrize(
    ("group", "target", "name", "total", "ferroelectric", "ferroelastic"),
    [
        ("Oh", "C4v", "m-3mF4mm", 6, 6, 3),  # BaTiO3, tetragonal
        ("Oh", "C2v(C2')", "m-3mFmm2(ss)", 12, 12, 6),  # BaTiO3, orthorhombic
        ("Oh", "C3v", "m-3mF3m", 8, 8, 4),  # BaTiO3, rhombohedral
        ("Oh", "D4h", "m-3mF4/mmm", 3, 1, 3),  # SrTiO3
        ("D3d", "C3v", "-3mF3m", 2, 2, 1),  # LiNbO3
        ("D2h", "C2v(C2(z))", "mmmFmm2", 2, 2, 1),
        ("D2d", "C2v", "-42mFmm2", 2, 2, 2),  # KH2PO4, gadolinium molybdate
        ("D2", "C2(C2(z))", "222F2", 2, 2, 2),  # Rochelle salt
        ("C2h", "C2", "2/mF2", 2, 2, 1),  # triglycine sulphate
        ("C4v", "C4", "4mmF4", 2, 1, 1),  # polar before and after, along the same axis
    ],
    ids=lambda value: value if isinstance(value, str) and "F" in value else None,
)
def test_textbook_transitions(group, target, name, total, ferroelectric, ferroelastic):
    parent = point_group(group)
    chosen = parent.subgroup_class(target)
    assert domain_states(chosen.representative) == (total, ferroelectric, ferroelastic)
    assert {c.label: symbol for c, _, symbol in species(group)}[chosen.label] == name


@pytest.mark.parametrize("symbol", ["Oh", "D6h", "C4v", "Td", "S4"])
def test_domain_states_count_distinct_tensors(symbol):
    """Independent count: the different images of one generic invariant vector and strain under all of S."""
    group = point_group(symbol)
    rng = np.random.default_rng(5)
    for c in group.subgroup_classes:
        inner = group.matrices[c.representative.elements]
        vector = (inner @ rng.normal(size=3)).mean(axis=0)
        strain = rng.normal(size=(3, 3))
        strain = (inner @ (strain + strain.T) @ np.swapaxes(inner, 1, 2)).mean(axis=0)
        vectors = group.matrices @ vector
        strains = group.matrices @ strain @ np.swapaxes(group.matrices, 1, 2)
        counted = [len({tuple(np.round(x.ravel(), 6) + 0.0) for x in images}) for images in (vectors, strains)]
        states = domain_states(c.representative)
        assert [states.ferroelectric, states.ferroelastic] == counted
        assert states.total == group.order // c.order


@pytest.mark.parametrize(
    ("symbol", "multiplicities"),
    [
        ("Oh", [48, 24, 24, 12, 8, 6, 1]),  # forms of m-3m: hexoctahedron down to the cube
        ("Td", [24, 12, 6, 4, 1]),
        ("D4h", [16, 8, 8, 8, 4, 4, 2, 1]),
        ("C4v", [8, 4, 4, 1]),
        ("C1", [1]),
        ("Ih", [120, 60, 30, 20, 12, 1]),
    ],
)
def test_site_symmetries_of_vectors(symbol, multiplicities):
    """The general and special positions of Int. Tables A, ch. 10.1 (polar groups have no lone origin)."""
    group = point_group(symbol)
    sites = vector_sites(group)
    assert sorted((s["multiplicity"] for s in sites), reverse=True) == multiplicities
    for site in sites:
        direction = np.zeros(3) if site["direction"] is None else np.array(site["direction"])
        images = {tuple(np.round(g @ direction, 9) + 0.0) for g in group.matrices}
        assert len(images) == site["multiplicity"]
