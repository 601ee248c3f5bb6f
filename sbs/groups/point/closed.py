"""The infinite closed subgroups of O(3): C∞, C∞v, C∞h, D∞, D∞h, SO(3), O(3), and what lies inside the axial ones.

Up to rotation about the axis, a closed subgroup L of D∞h is fixed by L ∩ SO(2), which is C_k or SO(2), and by which of
the components of σh, σv and C2' it meets: the seven axial series with k >= 1 and the five infinite groups.  At k = 1 the
series hold the groups of order two and four whose own axis or mirror is not that of the parent ("C1v" is one vertical
mirror); `AxialSubgroup` keeps them apart, which a `PointGroupSymbol` on purpose does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from sbs.errors import AmbiguousTargetError, InfiniteSetError, NotASubgroupError, UnknownGroupError
from sbs.groups.abstract.immutability import Immutable, frozen
from sbs.groups.abstract.validation import check_count, check_seed, check_tolerance, real_array, shown
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.naming import normalise_label
from sbs.groups.point.rotations import check_orthogonal, check_rotation

__all__ = ["AXIAL_MEMBERSHIP_TOLERANCE", "FLIPS", "AxialSubgroup", "ClosedGroup", "axial_subgroups"]

#: Largest entry by which a matrix may miss a closed group and still be counted as its element.
AXIAL_MEMBERSHIP_TOLERANCE = 1e-6

#: One element of each component of D∞h but that of the identity, in the standard setting; read-only.
FLIPS = {
    "σh": frozen(np.diag([1.0, 1.0, -1.0])),
    "σv": frozen(np.diag([1.0, -1.0, 1.0])),
    "C2'": frozen(np.diag([1.0, -1.0, -1.0])),
}

#: The components of D∞h that each series meets besides that of the identity.
_COMPONENTS: dict[str, frozenset[str]] = {
    "Cn": frozenset(),
    "Cnh": frozenset({"σh"}),
    "S2n": frozenset({"σh"}),
    "Cnv": frozenset({"σv"}),
    "Dn": frozenset({"C2'"}),
    "Dnh": frozenset({"σh", "σv", "C2'"}),
    "Dnd": frozenset({"σh", "σv", "C2'"}),
}


@dataclass(frozen=True)
class AxialSubgroup:
    """A closed subgroup of D∞h up to rotation about z; ``n`` is the order of its rotations about z, or math.inf."""

    series: str
    n: int | float

    @property
    def components(self) -> frozenset[str]:
        """Components of D∞h met besides SO(2): those of "σh", "σv", "C2'"."""
        return _COMPONENTS[self.series]

    @property
    def family(self) -> PointGroupSymbol:
        """Canonical family, which forgets how a group with n = 1 lies in D∞h."""
        return PointGroupSymbol(self.series, self.n)

    @property
    def is_finite(self) -> bool:
        """Whether the group has finitely many elements."""
        return self.n != math.inf

    @property
    def order(self) -> int | float:
        """Number of elements, an int or math.inf."""
        return self.n * (1 + len(self.components))

    def generators(self) -> np.ndarray:
        """Generating matrices (k, 3, 3) of a finite one: axis z, a mirror through x, a two-fold axis along x."""
        if not self.is_finite:
            raise InfiniteSetError(f"{self.family.pretty} has no finite list of generators")
        n = int(self.n)
        matrices = [
            rotation_about_z(2 * math.pi / n)
            if n > 2
            else np.diag([1.0, 1.0, 1.0])
            if n == 1
            else np.diag([-1.0, -1.0, 1.0])
        ]
        flip = FLIPS["σh"]
        if self.series in ("Cnh", "Dnh"):
            matrices.append(flip)
        if self.series in ("S2n", "Dnd"):
            matrices.append(np.diag([-1.0, -1.0, -1.0]) if n == 1 else rotation_about_z(math.pi / n) @ flip)
        if self.series == "Cnv":
            matrices.append(np.diag([1.0, -1.0, 1.0]))
        if self.series[0] == "D":
            matrices.append(np.diag([1.0, -1.0, -1.0]))
        return np.array(matrices)


def rotation_about_z(angle: float) -> np.ndarray:
    """Active rotation by an angle in radians about z, float64 (3, 3)."""
    c, s = math.cos(angle), math.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def axial_subgroups(family: PointGroupSymbol) -> list[AxialSubgroup]:
    """Closed subgroups of D∞h, up to rotation about z, that have the given canonical symbol."""
    if family.n is None:
        return []
    if family.n == math.inf:
        return [AxialSubgroup(family.series, math.inf)]
    candidates = [AxialSubgroup(series, n) for series in _COMPONENTS for n in {1, 2, int(family.n)}]
    return [c for c in candidates if c.family == family]


class ClosedGroup(Immutable):
    """An infinite closed subgroup of O(3) in some orientation. Obtain one from `sbs.point_group`.

    Attributes:
        family: canonical family and number.
        symbol: "Cinf", "Cinfv", "Cinfh", "Dinf", "Dinfh", "SO(3)" or "O(3)".
        order: math.inf.
        rotation: proper rotation (3, 3) that takes the standard axis z to the group's axis.
    """

    order = math.inf
    family: PointGroupSymbol
    symbol: str
    rotation: np.ndarray

    def __init__(self, family: PointGroupSymbol, rotation: np.ndarray | None = None) -> None:
        turn = np.eye(3) if rotation is None else np.array(rotation, dtype=np.float64)
        self._set(family=family, symbol=family.schoenflies, rotation=frozen(turn))

    @property
    def is_axial(self) -> bool:
        """False for SO(3) and O(3)."""
        return self.family.n is not None

    @property
    def components(self) -> frozenset[str]:
        """For an axial group, the components of D∞h met besides SO(2)."""
        return _COMPONENTS[self.family.series]

    @property
    def matrices(self) -> np.ndarray:
        """Not available: raises InfiniteSetError."""
        raise InfiniteSetError(
            f"{self.symbol} has infinitely many elements; draw some with .sample(n, seed), or test one with .contains(matrix)"
        )

    def index(self, subgroup: ClosedGroup) -> int | float:
        """Index of an infinite closed subgroup: the ratio of the numbers of components if the dimensions agree, else math.inf."""
        if self.is_axial != subgroup.is_axial:
            return math.inf
        if self.is_axial:
            return (1 + len(self.components)) // (1 + len(subgroup.components))
        return 1 if self.family == subgroup.family else 2

    @property
    def character_table(self) -> NoReturn:
        """Not available: raises InfiniteSetError."""
        raise InfiniteSetError(
            f"{self.symbol} has infinitely many irreducible representations; ask a finite group of its series, for example "
            f"{self.symbol.replace('inf', '12') if self.is_axial else 'Oh'}"
        )

    def rotated(self, rotation: np.ndarray) -> ClosedGroup:
        """The group ``R G R^T`` for R in O(3), shape (3, 3).

        Raises:
            InvalidGroupError: no orthogonal matrix of real numbers.
        """
        turn = check_rotation(rotation)
        return ClosedGroup(self.family, turn * np.sign(np.linalg.det(turn)) @ self.rotation)

    def contains(self, matrices: Any, tolerance: float = AXIAL_MEMBERSHIP_TOLERANCE) -> np.ndarray:
        """Whether each orthogonal matrix (n, 3, 3) is an element, booleans (n,); a single one (3, 3) counts as a stack.

        Raises:
            InvalidGroupError: no orthogonal matrices.
        """
        given = real_array(matrices, "orthogonal matrices of shape (n, 3, 3)")
        tolerance = check_tolerance(tolerance)
        g = check_orthogonal(given[None] if given.ndim == 2 else given, empty=True)
        proper = np.linalg.det(g) > 0
        if self.symbol == "O(3)":
            return np.ones(len(g), dtype=bool)
        if self.symbol == "SO(3)":
            return proper
        local = self.rotation.T @ g @ self.rotation
        up = local[:, 2, 2] > 0
        axial = (np.abs(np.abs(local[:, 2, 2]) - 1) <= tolerance) & (np.abs(local[:, :2, 2]).max(1) <= tolerance)
        component = np.where(up, np.where(proper, 0, 2), np.where(proper, 3, 1))
        allowed = [True, "σh" in self.components, "σv" in self.components, "C2'" in self.components]
        return axial & np.array(allowed)[component]

    def sample(self, n: int, seed: int | np.random.Generator = 0) -> np.ndarray:
        """``n`` elements drawn uniformly (Haar measure), float64 (n, 3, 3).

        Args:
            n: how many.
            seed: non-negative integer, or a generator that is drawn from.

        Raises:
            InvalidGroupError: no such integer or seed.
        """
        n, rng = check_count(n, "the number of elements", 9), check_seed(seed)
        if not self.is_axial:
            q = rng.normal(size=(n, 4))
            q /= np.linalg.norm(q, axis=1, keepdims=True)
            w, x, y, z = q.T
            rotations = np.stack(
                [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), 2 * (x * y + z * w), 1 - 2 * (x * x + z * z),
                 2 * (y * z - x * w), 2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], axis=1
            ).reshape(n, 3, 3)  # fmt: skip
            signs = rng.choice([1.0, -1.0], size=n) if self.symbol == "O(3)" else np.ones(n)
            return rotations * signs[:, None, None]
        angles = rng.uniform(0, 2 * math.pi, size=n)
        flips = np.array([np.eye(3), *(FLIPS[c] for c in sorted(self.components))])
        turns = np.zeros((n, 3, 3))
        turns[:, 0, 0] = turns[:, 1, 1] = np.cos(angles)
        turns[:, 1, 0] = np.sin(angles)
        turns[:, 0, 1] = -turns[:, 1, 0]
        turns[:, 2, 2] = 1
        drawn = turns @ flips[rng.integers(len(flips), size=n)]
        return self.rotation @ drawn @ self.rotation.T

    def axial_subgroup(self, name: str) -> AxialSubgroup:
        """The class of closed subgroups of an axial group that a symbol or label names.

        A symbol that fits in several ways needs a label: "C2v(C2)" has its two-fold axis along the parent's axis,
        "C2v(C2')" across it, "Cs(σh)" and "Cs(σv)" are the horizontal and a vertical mirror.

        Raises:
            AmbiguousTargetError, NotASubgroupError, UnknownGroupError: as `PointGroup.subgroup_class`.
        """
        from sbs.groups.point.symbols import parse_symbol

        wanted = normalise_label(name)
        stem, bracket, _ = wanted.partition("(")
        if wanted in ("so(3)", "o(3)") or not bracket:
            stem = name
        try:
            family = parse_symbol(stem).symbol
        except UnknownGroupError:
            if not bracket:
                raise
            raise UnknownGroupError(
                f'{name!r} labels no class of subgroups of {self.symbol}; labels look like "C2v(C2\')"'
            ) from None
        inside = [a for a in axial_subgroups(family) if a.components <= self.components]
        if not inside:
            raise NotASubgroupError(f"{self.symbol} has no closed subgroup {family.schoenflies}")
        labels = _axial_labels(inside)
        if len(inside) == 1 and (not bracket or normalise_label(labels[0]) == wanted):
            return inside[0]
        for label, candidate in zip(labels, inside, strict=True):
            if normalise_label(label) == wanted:
                return candidate
        meaning = "; ".join(f"{label!r} ({_meaning(a)})" for label, a in zip(labels, inside, strict=True))
        raise AmbiguousTargetError(
            f"{family.schoenflies} names {len(inside)} classes of subgroups of {self.symbol}: give one of the labels {meaning}"
        )

    def label_of(self, subgroup: AxialSubgroup) -> str:
        """Unique label of a class of closed subgroups of an axial group.

        Raises:
            NotASubgroupError: it is no `AxialSubgroup` of this group.
        """
        if not isinstance(subgroup, AxialSubgroup) or not subgroup.components <= self.components:
            raise NotASubgroupError(f"expected an AxialSubgroup of {self.symbol}, got {shown(subgroup)}")
        inside = [a for a in axial_subgroups(subgroup.family) if a.components <= self.components]
        return _axial_labels(inside)[inside.index(subgroup)]

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, ClosedGroup)
            and self.family == other.family
            and np.array_equal(self.rotation, other.rotation)
        )

    def __hash__(self) -> int:
        return hash(self.family)

    def __repr__(self) -> str:
        return f"ClosedGroup({self.symbol})"

    def __reduce__(self) -> tuple[Any, ...]:
        return ClosedGroup, (self.family, np.array(self.rotation))


def _axial_labels(inside: list[AxialSubgroup]) -> list[str]:
    if len(inside) == 1:
        return [inside[0].family.schoenflies]
    return [f"{a.family.schoenflies}({_mark(a)})" for a in inside]


def _mark(a: AxialSubgroup) -> str:
    """Element that tells a small group with its own axis along z from one with it across z."""
    if a.family.schoenflies == "Cs":
        return "σh" if a.series == "Cnh" else "σv"
    return "C2" if a.n == 2 else "C2'"


def _meaning(a: AxialSubgroup) -> str:
    if a.family.schoenflies == "Cs":
        return "mirror across the axis" if a.series == "Cnh" else "mirror through the axis"
    return "two-fold axis along the axis" if a.n == 2 else "two-fold axis across the axis"
