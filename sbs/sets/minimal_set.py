"""The result of a query: a smallest symmetry-breaking set, as group theory and as numbers."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sbs.errors import InfiniteSetError, InvalidGroupError, NoExactFormError
from sbs.groups.abstract.immutability import frozen
from sbs.groups.abstract.subgroups import Parent, Subgroup
from sbs.groups.abstract.validation import check_count, check_seed
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.pointgroups import PointGroup
from sbs.groups.point.rotations import check_rotation
from sbs.objects.irreps import format_irreps, parse_irreps
from sbs.sets import report
from sbs.sets.orbits import FiniteOrbit, Orbit
from sbs.sets.question import Embedding, Group, Question, Target
from sbs.solver.solutions import ClosedSolution, FiniteSolution

if TYPE_CHECKING:
    import sympy

__all__ = ["MinimalSet"]


@dataclass(frozen=True, eq=False, repr=False)
class MinimalSet:
    """A smallest equivariant symmetry-breaking set P for inputs of symmetry S and outputs of symmetry K.

    Obtain one from `sbs.minimal_set`. Immutable; two sets are equal if they answer the same question in the same frame.

    Attributes:
        question: S, K, G and the conditions.
        solution: what the group theory says, in the setting of the solver.
        embedding: how S lies in the group that the solver works in.
        realise: gives the orbit of objects, in the setting of the solver; called once, when objects are asked for.
    """

    question: Question
    solution: FiniteSolution | ClosedSolution
    embedding: Embedding
    realise: Callable[[], Orbit]

    # --- the question -------------------------------------------------------------------------------------------

    @property
    def group(self) -> Group:
        """S."""
        return self.question.group

    @property
    def target(self) -> Target:
        """K."""
        return self.question.target

    @property
    def ambient(self) -> Parent | ClosedGroup:
        """G, the group under which the network is equivariant."""
        return self.question.ambient

    @property
    def exact(self) -> bool:
        """True if every object is fixed by an S-conjugate of K and no more; False if less may be fixed."""
        return self.question.exact

    @property
    def lmax(self) -> int | None:
        """Highest degree of irreps allowed, or None."""
        return self.question.lmax

    @property
    def frame(self) -> np.ndarray:
        """float64 (3, 3), read-only: the matrix in O(3) that takes the solver's setting to that of S."""
        return self.embedding.frame

    # --- what the group theory says -----------------------------------------------------------------------------

    @property
    def size(self) -> int | float:
        """Number of objects |P| = |M| / |H|: int, or math.inf."""
        return self.solution.size

    @cached_property
    def ideal_size(self) -> int | float:
        """|S| / |K|, the number of symmetry-equivalent outputs: int, or math.inf."""
        if isinstance(self.group, ClosedGroup) and isinstance(self.target, ClosedGroup):
            return self.group.index(self.target)
        return math.inf if self.group.order == math.inf else int(self.group.order) // int(self.target.order)

    @property
    def is_ideal(self) -> bool:
        """True if P is a single S-orbit with one object per equivalent output."""
        return self.solution.is_ideal

    @cached_property
    def degeneracy(self) -> int | float:
        """Number of S-orbits in P: int, or math.inf."""
        known = self.solution.degeneracy
        return int(self.orbit.orbits[-1]) + 1 if known is None else known

    @cached_property
    def normalizer(self) -> Subgroup | ClosedGroup:
        """M = {g in N_G(S) : g K g^-1 is S-conjugate to K}."""
        outer: Any = self.embedding.outer
        return self.embedding.placed(outer if isinstance(outer, ClosedGroup) else self.solution.normalizer)  # type: ignore

    # --- the orbit ----------------------------------------------------------------------------------------------

    @cached_property
    def orbit(self) -> Orbit:
        """The set as one orbit of M, in the setting of the solver."""
        return self.realise()

    @cached_property
    def stabilizer(self) -> Subgroup | PointGroup | ClosedGroup:
        """H, the stabilizer in M of the first object (of the seed, if the set is infinite)."""
        return self.embedding.placed(self.orbit.stabilizer)

    @cached_property
    def irreps(self) -> str | None:
        """Irreps of an object in e3nn notation ("1x2e"); None for a group without matrices."""
        irreps = self.orbit.irreps
        return None if irreps is None else format_irreps([(1, irrep) for irrep in irreps])

    @cached_property
    def dim(self) -> int:
        """Number of components of an object; of a field, on each site."""
        return int(self.orbit.seed.shape[-1])

    @cached_property
    def sites(self) -> np.ndarray | None:
        """For a set of fields on the sites of a crystal the sites that carry them, integers, read-only; else None."""
        if self.orbit.seed.ndim == 1:
            return None
        return frozen(np.flatnonzero(np.abs(self.objects).max(axis=(0, 2)) > 0))

    @cached_property
    def objects(self) -> np.ndarray:
        """All objects, float64 (size, dim), unit norm in each irrep block, sorted by S-orbit; read-only.

        For a crystal in a supercell they are fields, float64 (size, sites, dim) in the order of its sites: in each block the
        root mean square of the norms over the sites that carry it is one.

        Raises:
            InfiniteSetError: the set is infinite; the message names the remedies.
        """
        self._check_finite()
        return frozen(self._turned(self.orbit.objects))

    @cached_property
    def exact_objects(self) -> sympy.ImmutableMatrix:
        """`objects` (size, dim) as exact numbers; loads sympy.

        Raises:
            InfiniteSetError: the set is infinite.
            NoExactFormError: a component has no exact form that is known: an object that is only best separated, or turned.
        """
        from sbs.groups.abstract.exact_numbers import exact_rows

        self._check_finite()
        # The finite group whose rotations the components may show: S or its parent, else K.
        finite: Any = self.target if isinstance(self.question.inner, ClosedGroup) else self.question.inner
        n = 1 if isinstance(finite, ClosedGroup) else finite.exponent
        lengths = [irrep.dim for _, irrep in parse_irreps(self.irreps)] if self.irreps else [self.dim]
        if self.objects.ndim != 2:
            raise NoExactFormError("objects on the sites of a crystal have no exact form; use the float64 components")
        return exact_rows(self.objects, n, lengths)

    @cached_property
    def orbits(self) -> np.ndarray:
        """Number of the S-orbit of each object, integers (size,), 0 .. degeneracy - 1; read-only."""
        self._check_finite()
        return frozen(self.orbit.orbits)

    @cached_property
    def target_of(self) -> Sequence[Target]:
        """For each object, the S-conjugate of K that fixes it (that holds its stabilizer, if the set is not exact)."""
        self._check_finite()
        images = self.orbit.conjugates(self.embedding.image(self.target))
        return tuple(self.embedding.preimage(image) for image in images)

    def sample(self, n: int, seed: int | np.random.Generator = 0) -> np.ndarray:
        """``n`` objects drawn uniformly (M-invariant measure), float64 (n, dim); works for infinite sets too.

        Args:
            n: how many.
            seed: non-negative integer, or a generator that is drawn from.

        Raises:
            InvalidGroupError: no such integer or seed, or more numbers than fit into memory.
        """
        return self._turned(self.orbit.sample(check_count(n, "the number of samples", self.dim), check_seed(seed)))

    def rotated(self, rotation: np.ndarray) -> MinimalSet:
        """The set for an input turned by a matrix R in O(3), shape (3, 3): groups R g R^T, objects D(R) b.

        Raises:
            InvalidGroupError: R is not orthogonal, or the set belongs to a group without matrices.
        """
        turn = check_rotation(rotation)
        if not isinstance(self.group, (PointGroup, ClosedGroup)):
            raise InvalidGroupError(
                f"only the set of a point group has an orientation to turn, this one is that of {_name(self.group)}; for a "
                "crystal in a supercell turn the structure and ask again"
            )
        question = self.question.rotated(turn)
        return replace(self, question=question, embedding=self.embedding.rotated(turn, question.inner))

    @property
    def movers(self) -> np.ndarray:
        """For a group without matrices: element numbers (size,) of G; ``movers[i]`` takes object 0 to object i."""
        if not isinstance(self.orbit, FiniteOrbit):
            raise InfiniteSetError("the elements of an infinite normalizer are not numbered")
        return self.embedding.given(self.orbit.movers)

    @cached_property
    def seed_object(self) -> np.ndarray:
        """One object, float64 (dim,): the first of a list, or the vector whose M-orbit an infinite set is."""
        if self.size != math.inf:
            return np.asarray(self.objects[0])
        return frozen(self._turned(self.orbit.seed[None])[0])

    def _turned(self, vectors: np.ndarray) -> np.ndarray:
        """Objects (n, dim) of the solver's setting in the setting of S."""
        return self.embedding.carried(vectors, self.irreps)

    def _check_finite(self) -> None:
        if self.size == math.inf:
            raise InfiniteSetError(report.infinite_message(self))

    # --- words --------------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """Derive every claim again from what elements and objects are, by code that shares nothing with the solver.

        Raises:
            CertificateError: a claim is wrong; the message names it.
            SearchLimitError: a group is too large for the check; nothing is wrong with the set.
        """
        from sbs.sets.claims import verify

        verify(self)

    def report(self) -> str:
        """Several lines of text: the set, why it is enough, why fewer cannot be."""
        return report.report(self)

    def to_dict(self) -> dict[str, Any]:
        """The set as plain numbers and text, with a version; the fields are described in `sbs.sets.export`."""
        from sbs.sets.export import as_dict  # no question waits for it

        return as_dict(self)

    def to_json(self, path: str | os.PathLike[str] | None = None, indent: int = 1) -> str:
        """`to_dict` as JSON text; also written to ``path`` if one is given.

        Raises:
            SymmetryBreakingError: no such path or indent, or the file cannot be written.
        """
        from sbs.sets.export import as_json  # no question waits for it

        return as_json(self.to_dict(), path, indent)

    def plot(self, index: int = 0) -> Any:
        """The set as a plotly figure that can be turned, one object given; see `sbs.sets.figure`.

        Raises:
            InvalidGroupError: the set has no picture, or no such object. MissingDependencyError: plotly is not installed.
        """
        from sbs.sets.figure import plot  # pictures are not on the way of a query

        return plot(self, index)

    def _repr_html_(self) -> str:
        from sbs.sets.picture import as_html

        return as_html(self)

    def to_latex(self) -> str:
        """The objects as a LaTeX tabular (package booktabs), a row each: exact numbers where they are known, else decimals.

        Raises:
            InfiniteSetError: the set is infinite.
        """
        from sbs.sets.export import as_latex  # no question waits for it

        return as_latex(self)

    def __str__(self) -> str:
        return self.report()

    def __repr__(self) -> str:
        name = f"{_name(self.group)} -> {report.named_target(self)}"
        ideal = (
            "ideal" if self.is_ideal else f"not ideal ({self.degeneracy} orbit{'s' if self.degeneracy != 1 else ''})"
        )
        count = "infinite" if self.size == math.inf else f"{self.size} object{'s' if self.size != 1 else ''}"
        return f"MinimalSet({name} in {_name(self.ambient)}: {count}, {ideal}, irreps {self.irreps})"

    def __eq__(self, other: object) -> bool:
        # Not NotImplemented: an array would then compare itself element by element.
        return (
            isinstance(other, MinimalSet)
            and self.question == other.question
            and np.array_equal(self.frame, other.frame)
        )

    def __hash__(self) -> int:
        return hash(self.question)


def _name(group: Any) -> str:
    return getattr(group, "symbol", None) or f"group of order {group.order}"
