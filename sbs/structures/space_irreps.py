"""The real irreducible representations of a space group modulo a supercell, with their labels.

A representation of S is induced from a small representation of the little group of one arm of a star of wave vectors. Those
that are complex come in conjugate pairs, which over the real numbers are one; those that are equivalent to their conjugate
without being real occur twice.

Labels are those of Cracknell, Davies, Miller and Love (1979), as ISODISTORT prints them: the name of the wave vector, a number,
and the parity under inversion where there is one: Γ4-, R4+, X1, Γ3+Γ4+ for a conjugate pair. A wave vector on a line or in a
plane brings its parameters, Σ1[1/3]. They refer to the setting and origin of `sbs.structures.standard_setting`; the numbers are
those of `sbs.structures.cdml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from sbs.errors import UnknownGroupError
from sbs.groups.abstract.validation import shown
from sbs.progress import tick
from sbs.structures.cdml import numbered
from sbs.structures.crystal_in_cell import CrystalInCell
from sbs.structures.induced import InducedRepresentation, Induction
from sbs.structures.operation_symbols import operation_symbols, representative_shifts
from sbs.structures.small_representations import LittleGroup, SmallRepresentation, little_group, small_representations
from sbs.structures.standard_setting import StandardSetting
from sbs.structures.wave_vectors import (
    Star,
    bravais_lattice,
    commensurate_stars,
    name_star,
    reciprocal_vectors,
    shortest_equivalents,
    star_order,
)

__all__ = ["SpaceIrrep", "find_irrep", "space_irrep", "space_irreps"]

# Crystals whose representations are remembered.
REMEMBERED = 32
# Wave vectors are fractions, and those of one arm are equal to rounding modulo reciprocal lattice vectors.
SAME_ARM = 1e-6
# Inner products of characters are integers.
HALF = 0.5
# Denominators of the parameters of wave vectors that are written as fractions.
LARGEST_DENOMINATOR = 1000

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]

#: ASCII spellings of the names of wave vectors that are Greek letters.
ASCII = {"GM": "Γ", "DT": "Δ", "LD": "Λ", "SM": "Σ", "GP": "Ω"}


@dataclass(frozen=True, eq=False)
class SpaceIrrep:
    """A real irreducible representation of S.

    Attributes:
        label: unique in the crystal.
        star: float64 (s, 3), the wave vectors in reciprocal coordinates of the standard setting.
        point: name of the wave vector.
        complex_parts: the complex representation, or the two conjugate ones.
        schur: 1 for a real one, 0 for a conjugate pair, -1 for a complex one that occurs twice.
        weights: float64 (|S|,): the sum of ``weights[g] D(g)`` projects on the isotypic part of a representation D.
    """

    label: str
    star: FloatArray
    point: str
    complex_parts: tuple[InducedRepresentation, ...]
    schur: int
    weights: FloatArray

    @property
    def dimension(self) -> int:
        """Dimension over the real numbers: components of the order parameter."""
        return self.complex_parts[0].dimension * (1 if self.schur == 1 else 2)

    @property
    def trivial(self) -> bool:
        """Whether every element acts as 1."""
        return self.dimension == 1 and bool((self.weights > 0).all())

    @property
    def name(self) -> str:
        """The label."""
        return self.label

    def matrices(self, elements: NDArray[np.intp]) -> FloatArray:
        """Real orthogonal matrices (m, d, d) of some elements of S, in a fixed basis."""
        first = self.complex_parts[0]
        given = first.matrices(elements)
        if self.schur == 1:
            turn = self._real_basis
            return np.ascontiguousarray((turn.conj().T @ given @ turn).real)
        return np.block([[given.real, -given.imag], [given.imag, given.real]])

    def to_complex(self, vector: FloatArray) -> ComplexArray:
        """A real vector (d,) as a vector (n,) of the first complex representation, block by block of its arms."""
        if self.schur == 1:
            return self._real_basis @ vector
        half = len(vector) // 2
        return vector[:half] + 1j * vector[half:]

    @cached_property
    def _real_basis(self) -> ComplexArray:
        return self.complex_parts[0].real_basis()


@dataclass(frozen=True, eq=False)
class _Complex:
    """One complex representation on its way to a label."""

    label: str
    point: str
    star: FloatArray
    induced: InducedRepresentation
    characters: ComplexArray


class SpaceIrreps:
    """The real irreducible representations of S by their stars; those of a star are found when they are asked for.

    Args:
        detected: a crystal in a supercell.

    Attributes:
        families: stars that share real representations, in the order of their names, Γ first: a star, with that of the opposite
            wave vectors if this is another.
    """

    def __init__(self, detected: CrystalInCell) -> None:
        found = detected.supercell
        assert found is not None
        self._crystal, self._supercell, self._setting = detected, found, found.setting
        setting = found.setting
        lattice = bravais_lattice(setting.space_group.number, setting.space_group.symbol)
        holohedry = setting.rotations_of(found.holohedry)
        rotations = found.operations_of_cell[0]
        self._reciprocal = reciprocal_vectors(setting.matrix)
        stars = [
            _NamedStar(*name_star(star.arms, setting.matrix, self._reciprocal, lattice, holohedry, len(rotations)), star)
            for star in commensurate_stars(found.quotient, rotations)
        ]
        stars.sort(key=lambda each: star_order(each.point, each.parameters, lattice))
        self.families = tuple(_with_opposites(stars))
        self._found: dict[int, tuple[SpaceIrrep, ...]] = {}

    @cached_property
    def _names(self) -> list[str]:
        return operation_symbols(self._supercell.standard_operations[0])

    @cached_property
    def _squares(self) -> NDArray[np.intp]:
        everything = np.arange(int(self._crystal.group.order))
        return np.asarray(self._crystal.group.multiply(everything, everything))

    def of_family(self, number: int) -> tuple[SpaceIrrep, ...]:
        """The representations of a family, star by star, by rising number.

        Raises:
            SearchLimitError: the little groups could not be decomposed.
        """
        if number not in self._found:
            parts = [each for star in self.families[number] for each in self._of_star(star)]
            self._found[number] = tuple(_real_ones(parts, self._squares))
        return self._found[number]

    def _of_star(self, named: _NamedStar) -> list[_Complex]:
        found, setting = self._supercell, self._setting
        rotations, shifts = found.operations_of_cell
        group = little_group(named.star.arms[named.arm], rotations, shifts, found.point_group.table)
        parts = small_representations(group)
        labels = _labels(named.point, named.parameters, group, parts, setting, rotations, shifts, self._names)
        ordered = _from_arm(named.star, named.arm, rotations)
        conventional = shortest_equivalents(ordered.arms, setting.matrix, self._reciprocal, setting.basis)
        induction = Induction(found, ordered, group)
        result = []
        for place in sorted(range(len(labels)), key=lambda i: _sort_key(labels[i])):
            induced = InducedRepresentation(induction, parts[place])
            result.append(_Complex(labels[place], named.point, conventional, induced, induced.characters()))
        return result


@dataclass(frozen=True, eq=False)
class _NamedStar:
    """A star, its name, the values of its free parameters, and the arm that the name belongs to."""

    point: str
    parameters: tuple[float, ...]
    arm: int
    star: Star


def _with_opposites(stars: list[_NamedStar]) -> Iterator[tuple[_NamedStar, ...]]:
    left = list(stars)
    while left:
        first = left.pop(0)
        opposite = [
            other for other in left if np.abs(_fractions(other.star.arms + first.star.arms[0])).max(axis=1).min() < SAME_ARM
        ]
        left = [other for other in left if all(other is not each for each in opposite)]
        yield (first, *opposite)


def _fractions(vectors: FloatArray) -> FloatArray:
    return vectors - np.round(vectors)


@lru_cache(maxsize=REMEMBERED)
def _irreps_of(detected: CrystalInCell) -> SpaceIrreps:
    return SpaceIrreps(detected)


def space_irreps(detected: CrystalInCell) -> tuple[SpaceIrrep, ...]:
    """All real irreducible representations of S, star by star (Γ first), by rising number.

    Raises:
        SearchLimitError: the little groups could not be decomposed.
    """
    found = _irreps_of(detected)
    result: list[SpaceIrrep] = []
    for number in range(len(found.families)):
        tick("representations of wave vectors", number, len(found.families))
        result += found.of_family(number)
    return tuple(result)


def space_irrep(detected: CrystalInCell, label: str) -> SpaceIrrep:
    """The representation of a label, also in ASCII ("GM4-") and without parameters where these are not needed.

    Raises:
        UnknownGroupError: there is none; the message lists those that are.
        SearchLimitError: the little groups could not be decomposed.
    """
    found = _irreps_of(detected)
    wanted = _plain(label)
    near = [
        irrep
        for number, family in enumerate(found.families)
        if any(wanted.startswith(star.point) for star in family)
        for irrep in found.of_family(number)
    ]
    if _answering(near, wanted):
        return find_irrep(tuple(near), label)
    return find_irrep(space_irreps(detected), label)


def find_irrep(irreps: tuple[SpaceIrrep, ...], label: str) -> SpaceIrrep:
    """The representation of a label among some, as `space_irrep`."""
    wanted = _plain(label)
    answers = _answering(irreps, wanted)
    if len(answers) == 1:
        return answers[0]
    known = ", ".join(irrep.label for irrep in (answers or irreps))
    what = "labels several irreducible representations" if answers else "labels no irreducible representation"
    raise UnknownGroupError(f"{label!r} {what} of the space group modulo this cell; expected one of {known}")


def _plain(label: str) -> str:
    if not isinstance(label, str):
        raise UnknownGroupError(f"a label of a representation is text such as 'R4+', got {shown(label)}")
    wanted = label.strip()
    for ascii_name, greek in ASCII.items():
        wanted = wanted.replace(ascii_name, greek)
    return wanted


def _answering(irreps: Sequence[SpaceIrrep], wanted: str) -> list[SpaceIrrep]:
    exact = [irrep for irrep in irreps if irrep.label == wanted]
    return exact[:1] or [irrep for irrep in irreps if _without_parameters(irrep.label) == wanted]


def _without_parameters(label: str) -> str:
    return label.partition("[")[0]


def _sort_key(label: str) -> tuple[int, str]:
    return int("".join(c for c in label.partition("[")[0] if c.isdigit())), label


def _from_arm(star: Star, arm: int, rotations: NDArray[np.int64]) -> Star:
    """The same star, counted from another arm."""
    images = star.arms[arm] @ np.linalg.inv(rotations)
    inside = np.round(images - np.floor(images + SAME_ARM), 6)
    movers = np.sort(np.unique(inside, axis=0, return_index=True)[1])
    return Star(images[movers], movers)


def _labels(
    point: str,
    parameters: tuple[float, ...],
    group: LittleGroup,
    parts: tuple[SmallRepresentation, ...],
    setting: StandardSetting,
    rotations: NDArray[np.int64],
    shifts: FloatArray,
    names: list[str],
) -> list[str]:
    moved = setting.operations(rotations[group.elements], shifts[group.elements])[1]
    symbols = [names[element] for element in group.elements]
    reduced = representative_shifts(moved, setting.centring)
    phases = np.exp(-2j * np.pi * (reduced - moved) @ (group.wave_vector @ np.linalg.inv(setting.matrix)))
    # The published tables let a translation t act as exp(2πi k·t); here it acts as the conjugate.
    characters = (np.array([part.characters for part in parts]) * phases).conj()
    parity = [""] * len(parts)
    if "-1" in symbols:
        signs = characters[:, symbols.index("-1")] / characters[:, 0]
        if np.abs(np.abs(signs) - 1).max() < HALF and np.abs(signs.imag).max() < HALF:
            parity = ["+" if sign.real > 0 else "-" for sign in signs]
    number = setting.space_group.number
    suffix = f"[{','.join(_fraction(p) for p in parameters)}]" if parameters else ""
    labels = [""] * len(parts)
    for sign in sorted({*parity}):
        members = [i for i, own in enumerate(parity) if own == sign]
        order = numbered(number, point, bool(sign), symbols, characters[members])
        for count, place in enumerate(order, start=1):
            labels[members[place]] = f"{point}{count}{sign}{suffix}"
    return labels


def _fraction(value: float) -> str:
    return str(Fraction(value).limit_denominator(LARGEST_DENOMINATOR))


def _real_ones(complexes: list[_Complex], squares: NDArray[np.intp]) -> list[SpaceIrrep]:
    """Real representations from complex ones: alone, in conjugate pairs, or twice.

    Which it is the mean of the characters of the squares of all elements says: 1, 0 or -1 (G. Frobenius and I. Schur, 1906).
    """
    result = []
    used = [False] * len(complexes)
    table = np.array([each.characters for each in complexes])
    products = np.round((table @ table.T).real / table.shape[1])  # <D*, D'>
    for i, each in enumerate(complexes):
        if used[i]:
            continue
        partner = int(products[i].argmax())
        used[i] = used[partner] = True
        order = table.shape[1]
        if partner == i:
            schur = round(float(each.characters[squares].real.mean()))
            weights = each.induced.dimension * each.characters.real / order
            label = each.label if schur == 1 else each.label + each.label
            result.append(SpaceIrrep(label, each.star, each.point, (each.induced,), schur, weights))
        else:
            other = complexes[partner]
            weights = 2 * each.induced.dimension * each.characters.real / order
            star = each.star
            if other.point != each.point or not _same_star(star, other.star):
                star = np.concatenate([star, other.star])
            pair = (each.induced, other.induced)
            result.append(SpaceIrrep(each.label + other.label, star, each.point, pair, 0, weights))
    return result


def _same_star(first: FloatArray, second: FloatArray) -> bool:
    return first.shape == second.shape and bool(np.abs(first - second).max() < HALF * 1e-3)
