"""What the solver says, as records: stored tables restore them without loading the solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sbs.groups.abstract.subgroups import Subgroup
    from sbs.groups.point.closed import AxialSubgroup
    from sbs.groups.point.families import PointGroupSymbol

__all__ = ["ClosedSolution", "FiniteSolution", "Refutation", "StabilizerSearch"]


@dataclass(frozen=True)
class Refutation:
    """Why no stabilizer H projects onto one class of subgroups L of F = N_M(K) / N_S(K).

    Attributes:
        order: |L|.
        generators: elements of the ambient group whose cosets generate L.
        reason: "no lift of an element", "no complement" or "rejected" (complements exist, but the caller's
            condition on stabilizers refuses all of them).
    """

    order: int
    generators: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class StabilizerSearch:
    """Outcome of `find_stabilizers`.

    Attributes:
        stabilizers: the subgroups of largest order that were found, one for each class under conjugation by M
            (only one if no more was asked).
        bound: |M| |K| / |S|, which no stabilizer can exceed.
        refuted: the classes of larger subgroups L that were excluded, largest first; empty if the bound is met. If F has more
            than LOGGED_ORDER elements, F itself and the classes without elements of no lift.
    """

    stabilizers: tuple[Subgroup, ...]
    bound: int
    refuted: tuple[Refutation, ...]

    @property
    def order(self) -> int:
        """Order of the stabilizers found."""
        return self.stabilizers[0].order

    @property
    def meets_bound(self) -> bool:
        """True if the complement bound proves maximality by itself."""
        return self.order == self.bound


@dataclass(frozen=True)
class FiniteSolution:
    """Everything that the group theory says about one query; all subgroups share one parent.

    Attributes:
        group: S.
        target: K.
        normalizer: M, the generalised normalizer of S and K in the parent.
        exact: whether H ∩ S = K was asked.
        stabilizers: the subgroups H of largest order, one of each class under M (one in all if no more was
            asked).
        searches: for every intersection K' that was tried (only K if exact), the search and K'; a search is
            None where nothing larger than what was known could exist or was found.
    """

    group: Subgroup
    target: Subgroup
    normalizer: Subgroup
    exact: bool
    stabilizers: tuple[Subgroup, ...]
    searches: tuple[tuple[Subgroup, StabilizerSearch | None], ...]

    @property
    def size(self) -> int:
        """Number of objects |M| / |H|."""
        return self.normalizer.order // self.stabilizers[0].order

    @property
    def ideal_size(self) -> int:
        """|S| / |K|, one object for each equivalent output."""
        return self.group.order // self.target.order

    @property
    def is_ideal(self) -> bool:
        """True if the set is one S-orbit with one object per equivalent output."""
        return self.size == self.ideal_size

    @property
    def degeneracy(self) -> int | None:
        """Number of S-orbits |M| / |S H| = |M| |H ∩ S| / |S| |H|; None where it depends on which H is chosen."""
        shared = {int((h.mask & self.group.mask).sum()) for h in self.stabilizers}
        return self.size * shared.pop() // self.group.order if len(shared) == 1 else None


@dataclass(frozen=True)
class ClosedSolution:
    """What the group theory says where M is infinite.

    Attributes:
        normalizer: family of M.
        stabilizers: the candidates for H, all of the same index over K; empty where H is not unique because S is finite
            and the set infinite.
        size: number of objects, int or math.inf.
        degeneracy: number of S-orbits, int or math.inf.
        intersection: H ∩ S where it was asked to be smaller than K (a set that is not exact, for want of irreps); None: K.
    """

    normalizer: PointGroupSymbol
    stabilizers: tuple[AxialSubgroup, ...] | tuple[PointGroupSymbol, ...]
    size: int | float
    degeneracy: int | float
    intersection: Subgroup | None = None

    @property
    def is_ideal(self) -> bool:
        """One S-orbit."""
        return self.degeneracy == 1
