"""A symmetry-breaking set as a document of plain numbers and text, for other programs.

The document (``MinimalSet.to_dict``, ``to_json``) holds, with infinity written "infinite" and matrices as nested lists:

======================  ==================================================================================================
format, version         "sbs.MinimalSet" and the version of this layout, raised when a field changes its meaning
group, target, ambient  S, K and G: ``symbol`` (None without a name), ``order``; for S and K also ``elements``, the numbers of
                        their elements (None where they are infinite), for K its ``label`` in S, and for a point group
                        ``rotation`` (3, 3), which takes its standard setting to this one
elements                what the numbers are, by element number, identity first: ``matrices`` (n, 3, 3); for the sites of a
                        crystal also ``permutations`` (n, sites) and ``translations`` (n, 3) in Å; for a group of permutations
                        ``permutations`` (n, points); else the ``table`` (n, n) of products; None where S is infinite
exact, lmax             the conditions
size, ideal_size        number of objects, and of symmetry-equivalent outputs
ideal, degeneracy       whether both are the same and the set is one S-orbit; number of S-orbits
irreps, dim             irreps of an object in e3nn notation (None for points of M / H), number of its components
normalizer, stabilizer  M and H: ``symbol``, ``order``
objects                 (size, dim), for crystals with sites (size, sites, dim); None for an infinite set
orbits                  (size,), the S-orbit of each object; None for an infinite set
fixed_by                for each object the numbers of the elements of S that fix it; None where they are infinitely many
seed_object             (dim,), one object, of an infinite set too
why                     in words, why the set is enough and fewer are not
======================  ==================================================================================================
"""

from __future__ import annotations

import json
import math
import os
from typing import Any, Protocol

import numpy as np

from sbs.errors import InvalidGroupError, NoExactFormError, SymmetryBreakingError
from sbs.groups.abstract.meaning import Matrices, Permutations, SiteOperations
from sbs.groups.abstract.subgroups import Subgroup
from sbs.groups.abstract.validation import check_integer, shown
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.pointgroups import PointGroup
from sbs.sets.question import Question
from sbs.sets.report import Described, explanation, named_target

__all__ = ["FORMAT", "INFINITE", "VERSION", "as_dict", "as_json", "as_latex", "cardinal", "written"]

FORMAT = "sbs.MinimalSet"

#: Raised when a field changes its meaning or goes.
VERSION = 1

#: How infinity is written: JSON has no number for it.
INFINITE = "infinite"

#: Decimals of a component in a table that has no exact numbers.
_LATEX_DIGITS = 6

#: Blanks before a line of JSON at one level, at most.
_MAX_INDENT = 100


class Exported(Described, Protocol):
    """What a document needs of a set beyond what its description does, see `sbs.sets.minimal_set.MinimalSet`."""

    @property
    def question(self) -> Question: ...
    @property
    def ideal_size(self) -> int | float: ...
    @property
    def dim(self) -> int: ...
    @property
    def objects(self) -> np.ndarray: ...
    @property
    def exact_objects(self) -> Any: ...
    @property
    def orbits(self) -> np.ndarray: ...
    @property
    def target_of(self) -> Any: ...
    @property
    def seed_object(self) -> np.ndarray: ...


def cardinal(number: int | float) -> int | str:
    """A number of things."""
    return INFINITE if number == math.inf else int(number)


def as_dict(result: Exported) -> dict[str, Any]:
    """The document of a set; see the head of this module."""
    finite = result.size != math.inf
    listed = finite and all(isinstance(k, Subgroup) for k in result.target_of)
    return {
        "format": FORMAT,
        "version": VERSION,
        "group": _group(result.group, True),
        "target": {"label": named_target(result), **_group(result.target, True)},
        "ambient": _group(result.ambient, False),
        "elements": _elements(result.question.inner),
        "exact": result.exact,
        "lmax": result.lmax,
        "size": cardinal(result.size),
        "ideal": bool(result.is_ideal),
        "ideal_size": cardinal(result.ideal_size),
        "degeneracy": cardinal(result.degeneracy),
        "irreps": result.irreps,
        "dim": int(result.dim),
        "normalizer": _named(result.normalizer),
        "stabilizer": _named(result.stabilizer),
        "why": explanation(result),
        "objects": _plain(result.objects) if finite else None,
        "orbits": result.orbits.tolist() if finite else None,
        "fixed_by": [k.elements.tolist() for k in result.target_of] if listed else None,
        "seed_object": _plain(result.seed_object),
    }


def as_json(document: dict[str, Any], path: Any = None, indent: Any = 1) -> str:
    """A document as JSON text, also written to a file if a path is given.

    Raises:
        InvalidGroupError: no such path or indent. SymmetryBreakingError: the file cannot be written.
    """
    indent = check_integer(indent, "indent", 0, _MAX_INDENT)
    return written(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent) + "\n", path)


def as_latex(result: Exported) -> str:
    """The objects as a tabular: number, S-orbit and components."""
    import sympy

    try:
        cells = [[f"${sympy.latex(x)}$" for x in row] for row in result.exact_objects.tolist()]
    except NoExactFormError:
        rows = result.objects.reshape(len(result.objects), -1)
        cells = [[f"${round(float(x), _LATEX_DIGITS) + 0.0:g}$" for x in row] for row in rows]
    head = f"% {named_target(result)}: {result.irreps}".replace("\n", " ")
    lines = [head, rf"\begin{{tabular}}{{rr{'r' * len(cells[0])}}}", r"\toprule"]
    lines += [rf"object & orbit & \multicolumn{{{len(cells[0])}}}{{l}}{{components}} \\", r"\midrule"]
    for number, (orbit, row) in enumerate(zip(result.orbits.tolist(), cells, strict=True)):
        lines.append(" & ".join([str(number), str(orbit), *row]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def written(text: str, path: Any) -> str:
    """The text, after it was written to a file if a path is given.

    Raises:
        InvalidGroupError: no path. SymmetryBreakingError: the file cannot be written.
    """
    if path is None:
        return text
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidGroupError(f"the path of a file must be text or a path, got {shown(path)}")
    try:
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise SymmetryBreakingError(f"{shown(path)} could not be written ({error}); give another path") from error
    return text


def _plain(array: np.ndarray) -> Any:
    return (array + 0.0).tolist()  # no negative zeros


def _named(group: Any) -> dict[str, Any]:
    return {"symbol": getattr(group, "symbol", None), "order": cardinal(group.order)}


def _group(group: Any, with_elements: bool) -> dict[str, Any]:
    entry = _named(group)
    if isinstance(group, (PointGroup, ClosedGroup)):
        entry["rotation"] = _plain(group.rotation)
    if with_elements:
        inside = isinstance(group, Subgroup)
        numbers = group.elements.tolist() if inside else None
        entry["elements"] = numbers if inside or group.order == math.inf else list(range(int(group.order)))
    return entry


def _elements(inner: Any) -> dict[str, Any] | None:
    if isinstance(inner, ClosedGroup):
        return None
    meaning = inner.meaning
    if isinstance(meaning, SiteOperations):
        return {
            "matrices": _plain(meaning.matrices),
            "translations": _plain(meaning.translations),
            "permutations": meaning.permutations.tolist(),
        }
    if isinstance(meaning, Matrices):
        return {"matrices": _plain(meaning.matrices)}
    if isinstance(meaning, Permutations):
        return {"permutations": meaning.elements(np.arange(inner.order)).tolist()}
    return {"table": inner.table.tolist()}
