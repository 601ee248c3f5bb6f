"""The result of a query: a smallest symmetry-breaking set, as group theory and as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from sbs.errors import InfiniteSetError, InvalidGroupError
from sbs.groups.abstract.subgroups import Parent, Subgroup
from sbs.groups.point.closed import ClosedGroup
from sbs.groups.point.pointgroups import ORTHOGONALITY_TOLERANCE, PointGroup, match_elements
from sbs.objects.irreps import format_irreps
from sbs.objects.representation import representation
from sbs.sets.realisation import Realisation
from sbs.solver.solutions import ClosedSolution, FiniteSolution

if TYPE_CHECKING:
    from sbs.sets.family import Family

__all__ = ["MinimalSet"]

AnyGroup = PointGroup | ClosedGroup | Parent


@dataclass(frozen=True, eq=False, repr=False)
class MinimalSet:
    """A smallest equivariant symmetry-breaking set P for inputs of symmetry S and outputs of symmetry K.

    Obtain one from `sbs.minimal_set`. Immutable; two sets are equal if they answer the same query in the same frame.

    Attributes:
        group: S.
        target: K.
        ambient: G, the group under which the network is equivariant.
        exact: True if every object is fixed by an S-conjugate of K and no more; False if less may be fixed.
        lmax: highest degree of irreps allowed, or None.
        frame: float64 (3, 3), the matrix in O(3) that takes the solver's standard setting to the setting of ``group``.
        realised: the objects, or the family of them, in the solver's setting where they are known beforehand (from a stored
            table); None to compute them when they are asked for.
    """

    group: PointGroup | ClosedGroup | Subgroup
    target: PointGroup | ClosedGroup | Subgroup
    ambient: AnyGroup
    exact: bool
    lmax: int | None
    solution: FiniteSolution | ClosedSolution
    frame: np.ndarray
    realised: Realisation | Family | None = None

    # --- what the group theory says -----------------------------------------------------------------------------

    @property
    def size(self) -> int | float:
        """Number of objects |P| = |M| / |H|: int, or math.inf."""
        return self.solution.size

    @cached_property
    def ideal_size(self) -> int | float:
        """|S| / |K|, the number of symmetry-equivalent outputs: int, or math.inf."""
        if self.group.order == math.inf and self.target.order == math.inf:
            return self.solution.size if self.solution.is_ideal else math.inf
        return math.inf if self.group.order == math.inf else int(self.group.order) // int(self.target.order)

    @property
    def is_ideal(self) -> bool:
        """True if P is a single S-orbit with one object per equivalent output."""
        return self.solution.is_ideal

    @property
    def degeneracy(self) -> int | float:
        """Number of S-orbits in P: int, or math.inf."""
        if not isinstance(self.solution, FiniteSolution):
            return self.solution.degeneracy
        if self.exact:
            return self.solution.size // self.solution.ideal_size
        return int(self._realisation.orbits[-1]) + 1

    @cached_property
    def normalizer(self) -> Subgroup | ClosedGroup:
        """M = {g in N_G(S) : g K g^-1 is S-conjugate to K}."""
        if isinstance(self.solution, FiniteSolution):
            return self._placed(self.solution.normalizer)
        return ClosedGroup(self.solution.normalizer).rotated(self.frame)

    @cached_property
    def stabilizer(self) -> Subgroup | PointGroup | ClosedGroup:
        """H, the stabilizer in M of the first object (of the seed, if the set is infinite)."""
        if isinstance(self.solution, FiniteSolution):
            return self._placed(self._realisation.stabilizer)
        return self._family.stabilizer.rotated(self.frame)

    # --- numbers ------------------------------------------------------------------------------------------------

    @cached_property
    def irreps(self) -> str | None:
        """Irreps of an object in e3nn notation ("1x2e"); None for a group without matrices."""
        irreps = self._realisation.irreps if isinstance(self.solution, FiniteSolution) else self._family.irreps
        return None if irreps is None else format_irreps([(1, irrep) for irrep in irreps])

    @cached_property
    def dim(self) -> int:
        """Number of components of an object."""
        return int((self.objects if self.size != math.inf else self._family.seed[None]).shape[1])

    @cached_property
    def objects(self) -> np.ndarray:
        """All objects, float64 (size, dim), unit norm in each irrep block, sorted by S-orbit; read-only.

        Raises:
            InfiniteSetError: the set is infinite; the message names the remedies.
        """
        if isinstance(self.solution, FiniteSolution):
            objects = self._realisation.objects
        elif self.size == math.inf:
            raise InfiniteSetError(self._infinite_message())
        else:
            objects = self._family.objects()
        if self.irreps is not None and not np.array_equal(self.frame, np.eye(3)):
            objects = objects @ representation(self.irreps, self.frame[None])[0].T
        if objects.flags.writeable:
            objects = np.array(objects)
            objects.setflags(write=False)
        return objects

    @cached_property
    def orbits(self) -> np.ndarray:
        """Number of the S-orbit of each object, integers (size,), 0 .. degeneracy - 1; read-only."""
        if not isinstance(self.solution, FiniteSolution):
            if self.size == math.inf:
                raise InfiniteSetError(self._infinite_message())
            return np.repeat(np.arange(self.degeneracy), int(self.size) // int(self.degeneracy))
        orbits = np.array(self._realisation.orbits)
        orbits.setflags(write=False)
        return orbits

    @cached_property
    def target_of(self) -> Sequence[Subgroup | PointGroup | ClosedGroup]:
        """For each object, the S-conjugate of K that fixes it (that holds its stabilizer, if the set is not exact)."""
        if not isinstance(self.solution, FiniteSolution):
            # K is normal in S wherever a closed group gives a finite set.
            return (self.target,) * len(self.orbits)
        parent = self.solution.target.parent
        conjugates = [self.solution.target.conjugate(int(m)) for m in self._realisation.movers]
        if not isinstance(self.group, PointGroup):
            return tuple(conjugates)
        position = match_elements(self.frame.T @ self.group.matrices @ self.frame, parent.matrices)
        return tuple(Subgroup(self.group, c.mask[position]) for c in conjugates)

    def sample(self, n: int, seed: int | np.random.Generator = 0) -> np.ndarray:
        """``n`` objects drawn uniformly (M-invariant measure), float64 (n, dim); works for infinite sets too."""
        if not isinstance(n, (int, np.integer)) or n < 0:
            raise InvalidGroupError(f"the number of samples must be a non-negative integer, got {n!r}")
        rng = np.random.default_rng(seed)
        if self.size != math.inf:
            return self.objects[rng.integers(int(self.size), size=n)]
        drawn = self._family.draw(n, rng)
        return drawn @ representation(self.irreps or "", self.frame[None])[0].T

    def rotated(self, rotation: np.ndarray) -> MinimalSet:
        """The set for an input turned by a matrix R in O(3), shape (3, 3): groups R g R^T, objects D(R) b.

        Raises:
            InvalidGroupError: R is not orthogonal, or the set belongs to a group without matrices.
        """
        turn = np.asarray(rotation, dtype=np.float64)
        if (
            turn.shape != (3, 3)
            or not np.isfinite(turn).all()
            or np.abs(turn.T @ turn - np.eye(3)).max() > ORTHOGONALITY_TOLERANCE
        ):
            raise InvalidGroupError(
                f"expected an orthogonal (3, 3) matrix, got {turn.tolist() if turn.size <= 9 else turn.shape}"
            )
        if not isinstance(self.group, (PointGroup, ClosedGroup)):
            raise InvalidGroupError("a set for an abstract finite group has no orientation to turn")
        group = self.group.rotated(turn)
        inside = isinstance(self.target, Subgroup)
        target: Any = Subgroup(group, np.array(self.target.mask)) if inside else self.target.rotated(turn)  # type: ignore
        ambient = self.ambient.rotated(turn) if isinstance(self.ambient, (PointGroup, ClosedGroup)) else self.ambient
        return MinimalSet(
            group, target, ambient, self.exact, self.lmax, self.solution, turn @ self.frame, self.realised
        )

    @property
    def movers(self) -> np.ndarray:
        """For a group without matrices: element numbers (size,) of G; ``movers[i]`` takes object 0 to object i."""
        if not isinstance(self.solution, FiniteSolution):
            raise InfiniteSetError("the elements of an infinite normalizer are not numbered")
        return self._realisation.movers

    @cached_property
    def seed_object(self) -> np.ndarray:
        """One object, float64 (dim,): the first of a list, or the vector whose M-orbit an infinite set is."""
        if self.size != math.inf:
            return self.objects[0]
        return representation(self.irreps or "", self.frame[None])[0] @ self._family.seed

    # --- words --------------------------------------------------------------------------------------------------

    def verify(self) -> None:
        """Re-derive every claim from matrices alone, by code that shares nothing with the solver.

        Raises:
            CertificateError: a claim is wrong; the message names it.
        """
        from sbs.proof.verification import verify

        verify(self)

    def report(self) -> str:
        """Several lines of text: the set, why it is enough, why fewer cannot be."""
        from sbs.sets.report import report

        return report(self)

    def __str__(self) -> str:
        return self.report()

    def __repr__(self) -> str:
        from sbs.sets.report import named_target

        name = f"{_name(self.group)} -> {named_target(self)}"
        ideal = "ideal" if self.is_ideal else f"not ideal ({self.degeneracy} orbit{'s' if self.degeneracy != 1 else ''})"
        count = "infinite" if self.size == math.inf else f"{self.size} object{'s' if self.size != 1 else ''}"
        return f"MinimalSet({name} in {_name(self.ambient)}: {count}, {ideal}, irreps {self.irreps})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, MinimalSet):
            return NotImplemented
        return self._key() == other._key() and np.array_equal(self.frame, other.frame)

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self.group, self.target, self.ambient, self.exact, self.lmax

    # --- pieces that are computed once --------------------------------------------------------------------------

    @cached_property
    def _realisation(self) -> Realisation:
        if isinstance(self.realised, Realisation):
            return self.realised
        from sbs.sets.realise import realise_finite

        assert isinstance(self.solution, FiniteSolution)
        return realise_finite(self.solution, self.lmax)

    @cached_property
    def _family(self) -> Family:
        from sbs.sets.family import Family, realise_closed

        return self.realised if isinstance(self.realised, Family) else realise_closed(self)

    def _placed(self, subgroup: Subgroup) -> Subgroup:
        parent = subgroup.parent
        if not isinstance(parent, PointGroup) or np.array_equal(self.frame, np.eye(3)):
            return subgroup
        return Subgroup(parent.rotated(self.frame), np.array(subgroup.mask))

    def _infinite_message(self) -> str:
        from sbs.sets.report import infinite_message

        return infinite_message(self)


def _name(group: Any) -> str:
    return getattr(group, "symbol", None) or f"group of order {group.order}"
