"""The rows of a table: for every target class its smallest set, numbers and certificate, as plain data.

The inverse, from a row to a `MinimalSet`, is `sbs.tables.restore`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from sbs.groups import PointGroup, Subgroup, point_group
from sbs.groups.point.closed import AxialSubgroup
from sbs.sets.continuous import ContinuousOrbit
from sbs.sets.ferroic import aizu_symbols, domain_states
from sbs.sets.minimal_set import MinimalSet
from sbs.sets.orbits import FiniteOrbit
from sbs.sets.question import Question
from sbs.sets.solve import solve
from sbs.solver.solutions import ClosedSolution, Refutation
from sbs.tables.catalogue import crystal_system
from sbs.tables.encoding import INFINITE

__all__ = ["target_records"]

# Objects drawn from an infinite set, to stand for it in pictures.
_SAMPLES = 12
_SAMPLE_DIGITS = 6


def target_records(group: PointGroup, species: Sequence[int]) -> list[dict[str, Any]]:
    """One row per subgroup class of a group in its standard setting, ambient O(3), exact, no limit on l."""
    ambient = point_group("O(3)")
    targets = [c.representative for c in group.subgroup_classes]
    crystallographic = crystal_system(group.symbol) is not None
    symbols = aizu_symbols(group, targets, species) if crystallographic else [None] * len(targets)
    rows = []
    for c, symbol in zip(group.subgroup_classes, symbols, strict=True):
        result = solve(Question(group, c.representative, ambient, True, None))
        rows.append(_row(c.label, result, symbol))
    return rows


def _row(label: str, result: MinimalSet, aizu: str | None) -> dict[str, Any]:
    assert isinstance(result.target, Subgroup)
    return {
        "label": label,
        "size": _number(result.size),
        "ideal": bool(result.is_ideal),
        "degeneracy": _number(result.degeneracy),
        "irreps": result.irreps,
        "normalizer": {"symbol": result.normalizer.symbol, "order": _number(result.normalizer.order)},
        "stabilizer": _stabilizer(result),
        "aizu": aizu,
        "domain_states": domain_states(result.target)._asdict(),
        **_objects(result),
        "certificate": _certificate(result),
    }


def _number(value: int | float) -> int | str:
    return INFINITE if value == math.inf else int(value)


def _floats(rows: np.ndarray) -> list[Any]:
    return (np.asarray(rows, dtype=np.float64) + 0.0).tolist()  # no negative zeros


def _stabilizer(result: MinimalSet) -> dict[str, Any]:
    h = result.stabilizer
    entry: dict[str, Any] = {"symbol": h.symbol, "order": _number(h.order)}
    if isinstance(h, Subgroup):
        entry["generators"] = _floats(h.parent.matrices[list(h.generators)])
    return entry


def _objects(result: MinimalSet) -> dict[str, Any]:
    if result.size == math.inf:
        drawn = np.round(result.sample(_SAMPLES), _SAMPLE_DIGITS)
        return {"objects": None, "samples": _floats(drawn), "orbits": None, "fixed_by": None}
    return {
        "objects": _floats(result.objects),
        "samples": None,
        "orbits": result.orbits.tolist(),
        "fixed_by": [k.elements.tolist() for k in result.target_of],  # type: ignore[union-attr]
    }


def _certificate(result: MinimalSet) -> dict[str, Any]:
    solution, orbit = result.solution, result.orbit
    if isinstance(solution, ClosedSolution):
        assert isinstance(orbit, ContinuousOrbit)
        return {
            "method": "closed",
            "normalizer": solution.normalizer.schoenflies,
            "stabilizers": [_closed_name(h) for h in solution.stabilizers],
            **_seed(orbit),
        }
    (_, search), *others = solution.searches
    if others or search is None:
        raise AssertionError("an exact query makes one search")
    assert isinstance(orbit, FiniteOrbit)
    return {
        "method": "complement bound" if search.meets_bound else "exhaustive search",
        "parent": result.embedding.outer.symbol,  # type: ignore[union-attr]
        "turn": result.embedding.turn,
        "target": solution.target.elements.tolist(),
        "normalizer": solution.normalizer.elements.tolist(),
        "bound": int(search.bound),
        "stabilizers": [h.elements.tolist() for h in solution.stabilizers],
        "chosen": [h.bits for h in solution.stabilizers].index(orbit.stabilizer.bits),
        "movers": orbit.movers.tolist(),
        "refuted": [_refutation(r) for r in search.refuted],
    }


def _seed(orbit: ContinuousOrbit) -> dict[str, Any]:
    """The seed, its stabilizer, and the elements of M that list a finite orbit."""
    return {
        "seed": _floats(orbit.seed),
        "stabilizer": orbit.stabilizer.family.schoenflies,
        "rotation": _floats(orbit.stabilizer.rotation),
        "movers": _floats(orbit.movers),
    }


def _refutation(refutation: Refutation) -> dict[str, Any]:
    return {"order": refutation.order, "generators": list(refutation.generators), "reason": refutation.reason}


def _closed_name(h: Any) -> str | dict[str, Any]:
    """A closed group about the common axis as its series and number, any other by its symbol."""
    if isinstance(h, AxialSubgroup):
        return {"series": h.series, "n": _number(h.n)}
    return str(h.schoenflies)
