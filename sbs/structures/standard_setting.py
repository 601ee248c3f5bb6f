"""The standard setting of a crystal's space group, chosen from the structure alone.

Labels of wave vectors and irreducible representations refer to the setting of International Tables A (unique axis b, hexagonal
axes, origin choice 2). A structure can be described in it in several ways, one for each coset of the space group in its
Euclidean normalizer: with either cation of a perovskite at the origin, for instance, and then R4+ is called R5-. Here one of
them is chosen by what the structure is, so that every motion, order of the atoms and choice of cell leads to the same:

1. the origin is at an atom, if that is possible;
2. at the one whose nearest neighbour is nearest (the octahedral cation of a perovskite);
3. at the one of lowest atomic number;
4. what is still open is decided by fixed functions of the structure (Fourier sums) that differ unless the descriptions are
   the same;
5. descriptions that are the same, but for a cell that keeps not all rotations of the crystal, by the Hermite normal form of the
   cell's translations.

An origin can also be asked for by naming the atom that shall lie there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups import PointGroup
from sbs.structures.crystal import SpaceGroup
from sbs.structures.inputs import atomic_number, element
from sbs.structures.integer_lattices import congruence_solutions, hermite_form, small_vectors
from sbs.structures.primitive import INTEGER_SLACK, PrimitiveCrystal
from sbs.structures.standard_form import form_of_operations

__all__ = ["StandardSetting", "standard_setting"]

# Fractional shifts found by spglib are consistent to the tolerance; those that differ differ by 1/24 or more.
SHIFT_SLACK = 0.02
# Scores that differ by less, relative to the largest, belong to one description.
SAME_SCORE = 1e-5
# Distances (Å) and offsets from the origin (fractional) that differ by less are equal.
SAME_DISTANCE = 0.01
AT_ORIGIN = 0.02
# Lattice vectors have halves and thirds as coordinates on a conventional basis.
PARTS = 6
# Fourier sums run over wave vectors of conventional reciprocal coordinates up to this.
HIGHEST_ORDER = 3

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class StandardSetting:
    """A transformation from the primitive basis to the standard setting: fractional x → Q x + p.

    Attributes:
        space_group: number and symbol.
        hall_number: of its standard setting in spglib's list.
        matrix: float64 (3, 3), Q.
        shift: float64 (3,), p.
        basis: float64 (3, 3), the conventional basis vectors as rows, Å, in the frame of the crystal.
        origin_atom: chemical symbol of the atom at the origin, None if there is none.
    """

    space_group: SpaceGroup
    hall_number: int
    matrix: FloatArray
    shift: FloatArray
    basis: FloatArray
    origin_atom: str | None

    def operations(self, rotations: IntArray, shifts: FloatArray) -> tuple[IntArray, FloatArray]:
        """Operations given on the primitive basis in this setting: int (n, 3, 3) and float64 (n, 3)."""
        turned = self.matrix @ rotations @ np.linalg.inv(self.matrix)
        moved = shifts @ self.matrix.T + self.shift - turned @ self.shift
        return np.round(turned).astype(np.int64), moved

    def rotations_of(self, group: PointGroup) -> IntArray:
        """Matrices (n, 3, 3) in this setting of those elements of a point group, given in the frame of the crystal, that are
        integer in it: all of them for the holohedry of the lattice, unless the cell keeps less than the whole point group."""
        turned = np.linalg.inv(self.basis.T) @ group.matrices @ self.basis.T
        whole = np.abs(turned - np.round(turned)).max(axis=(1, 2)) < INTEGER_SLACK
        return np.round(turned[whole]).astype(np.int64)

    @cached_property
    def centring(self) -> FloatArray:
        """The centring translations (m, 3) of the conventional cell, the zero vector first."""
        steps = np.array(list(np.ndindex(4, 4, 4)), dtype=np.float64) @ self.matrix.T
        cells = np.unique(np.round((steps + 1e-9) % 1, 6) % 1, axis=0)
        return cells[np.argsort(np.abs(cells).sum(axis=1) > 0, kind="stable")]


def standard_setting(
    crystal: PrimitiveCrystal,
    kept: IntArray,
    holohedry: PointGroup,
    generators: tuple[int, ...],
    cell: IntArray,
    origin: str | None = None,
) -> StandardSetting:
    """The setting that the rules at the head of this module choose.

    Args:
        crystal: on its primitive lattice.
        kept: int (n,), the rotations of the crystal that count, a subgroup.
        holohedry: the point group of the lattice, in the crystal's frame.
        generators: numbers among the kept rotations that generate them.
        cell: int (3, 3), a basis of the translations of the cell on the primitive basis, rows.
        origin: chemical symbol of the atom that shall lie at the origin; None leaves it to the rules.

    Raises:
        DetectionError: no description has such an atom at its origin.
    """
    crystal = replace(
        crystal,
        rotations=crystal.rotations[kept],
        shifts=crystal.shifts[kept],
        images=crystal.images[kept],
        offsets=crystal.offsets[kept],
    )
    form = form_of_operations(crystal.basis, crystal.rotations, crystal.shifts)
    matrix, shift = form.matrix, form.shift
    inverse = np.linalg.inv(matrix)
    candidates = _Candidates(crystal)
    rows = np.concatenate([np.eye(3, dtype=np.int64) - crystal.rotations[g] for g in generators or (0,)])
    candidates.bound = rows @ inverse
    for change in _normalizing(crystal, holohedry):
        values = _mismatch(crystal, change, generators)
        for t in congruence_solutions(_rows(crystal, change, generators), values, SHIFT_SLACK):
            candidates.add(matrix @ change, matrix @ t + shift)
    chosen = candidates.best(origin, cell)
    q, p = candidates.matrices[chosen], candidates.shifts[chosen]
    atom = candidates.origin_atoms()[chosen]
    basis = np.linalg.inv(q).T @ crystal.basis
    name = None if atom < 0 else element(int(crystal.numbers[atom]))
    return StandardSetting(form.space_group, form.hall_number, q, p, basis, name)


def _normalizing(crystal: PrimitiveCrystal, holohedry: PointGroup) -> list[IntArray]:
    """Integer automorphisms of the lattice that normalise the point group, one of each coset of it."""
    basis = crystal.basis
    turns = np.round(np.linalg.inv(basis.T) @ holohedry.matrices @ basis.T).astype(np.int64)
    own = {w.tobytes() for w in np.ascontiguousarray(crystal.rotations)}
    seen: set[bytes] = set()
    kept = []
    for turn in turns:
        if turn.tobytes() in seen:
            continue
        inverse = np.round(np.linalg.inv(turn)).astype(np.int64)
        if all((turn @ w @ inverse).tobytes() in own for w in crystal.rotations):
            kept.append(turn)
            seen.update((turn @ w).tobytes() for w in crystal.rotations)
    return kept


def _image(crystal: PrimitiveCrystal, change: IntArray, element_number: int) -> int:
    inverse = np.round(np.linalg.inv(change)).astype(np.int64)
    wanted = change @ crystal.rotations[element_number] @ inverse
    return int(np.flatnonzero((crystal.rotations == wanted).all(axis=(1, 2)))[0])


def _rows(crystal: PrimitiveCrystal, change: IntArray, generators: tuple[int, ...]) -> IntArray:
    images = [_image(crystal, change, g) for g in generators or (0,)]
    return np.concatenate([np.eye(3, dtype=np.int64) - crystal.rotations[g] for g in images])


def _mismatch(crystal: PrimitiveCrystal, change: IntArray, generators: tuple[int, ...]) -> FloatArray:
    """(1 - W') t = w' - A w modulo 1 makes x → A x + t carry the space group onto itself; here the right side."""
    images = [_image(crystal, change, g) for g in generators or (0,)]
    return np.concatenate(
        [crystal.shifts[i] - change @ crystal.shifts[g] for g, i in zip(generators or (0,), images, strict=True)]
    )


class _Candidates:
    """Descriptions of one structure in its standard setting, and the choice between them."""

    def __init__(self, crystal: PrimitiveCrystal) -> None:
        self.crystal = crystal
        self.matrices: list[FloatArray] = []
        self.shifts: list[FloatArray] = []
        self.bound = np.zeros((0, 3))

    def add(self, matrix: FloatArray, shift: FloatArray) -> None:
        self.matrices.append(matrix)
        self.shifts.append(shift)

    def origin_atoms(self) -> list[int]:
        """The site at the origin of each description, -1 if there is none."""
        found = []
        for matrix, shift in zip(self.matrices, self.shifts, strict=True):
            # The origin is x with Q x + p = 0; sites are compared on the primitive lattice.
            away = self.crystal.positions + np.linalg.inv(matrix) @ shift
            near = np.abs(away - np.round(away)).max(axis=1)
            found.append(int(near.argmin()) if near.min() < AT_ORIGIN else -1)
        return found

    def best(self, origin: str | None, cell: IntArray) -> int:
        atoms = self.origin_atoms()
        left = list(range(len(atoms)))
        if origin is not None:
            wanted = atomic_number(origin)
            left = [i for i in left if atoms[i] >= 0 and self.crystal.numbers[atoms[i]] == wanted]
            if not left:
                known = sorted({element(int(self.crystal.numbers[a])) for a in atoms if a >= 0})
                raise DetectionError(
                    f"no standard setting of this crystal has {origin} at its origin; expected "
                    f"{' or '.join(known) or 'no atom at all'}: leave origin out, or name one of these"
                )
        distances = {a: self._nearest(a) for a in {*atoms} - {-1}}
        left = _least(left, [0.0 if atoms[i] >= 0 else 1.0 for i in range(len(atoms))], 0.5)
        left = _least(left, [distances.get(a, 0.0) for a in atoms], SAME_DISTANCE)
        left = _least(left, [float(self.crystal.numbers[a]) if a >= 0 else 0.0 for a in atoms], 0.5)
        turned, placed = self._scores(left)
        left = _least(left, turned, SAME_SCORE)
        left = _least(left, placed, SAME_SCORE)
        steps = [np.round(PARTS * cell @ self.matrices[i].T).astype(np.int64) for i in left]
        return min(zip(left, steps, strict=True), key=lambda entry: hermite_form(entry[1]).ravel().tolist())[0]

    def _nearest(self, site: int) -> float:
        steps = small_vectors(2)
        away = self.crystal.positions - self.crystal.positions[site]
        vectors = ((away - np.round(away))[:, None] + steps) @ self.crystal.basis
        lengths = np.linalg.norm(vectors, axis=2).ravel()
        return float(np.sort(lengths)[1])

    def _scores(self, which: list[int]) -> tuple[list[float], list[float]]:
        """For each description a function of the differences between sites (which settles the axes) and one of the sites
        (which settles the origin, along directions that the space group binds)."""
        size = len(self.matrices)
        orders = small_vectors(HIGHEST_ORDER)
        weights = np.sqrt(np.arange(1.0, len(orders) + 1) * 2 + 1) % 1 - 0.5
        # Only wave vectors of the reciprocal lattice are periodic where the conventional cell is centred.
        periodic = orders @ self.matrices[which[0]]
        kept = (np.abs(periodic - np.round(periodic)) < 1e-6).all(axis=1)
        orders, weights = orders[kept], weights[kept]
        damping = np.exp(-0.2 * (orders**2).sum(axis=1))
        charges = self.crystal.numbers.astype(np.float64)
        charges -= min(0.0, charges.min() - 1)
        charges /= charges.max()
        turned, placed = [0.0] * size, [0.0] * size
        for i in which:
            matrix, shift = self.matrices[i], self.shifts[i]
            phases = np.exp(2j * np.pi * (self.crystal.positions @ matrix.T + shift) @ orders.T)
            first, second = charges @ phases, charges**2 @ phases
            pairs = first * second.conj()
            turned[i] = float((damping * weights * (pairs.real + 0.7 * pairs.imag)).sum()) / len(charges) ** 2
            # Along a direction that no operation binds the origin is arbitrary, and nothing may depend on it.
            free = np.linalg.svd(self.bound @ np.eye(3))[2][np.linalg.matrix_rank(self.bound, tol=1e-6) :]
            bound = (np.abs(orders @ free.T) < 1e-6).all(axis=1)
            sums = damping * weights * (first.real + 0.7 * first.imag) * bound
            placed[i] = float(sums.sum()) / len(charges)
        return turned, placed


def _least(which: list[int], scores: list[float], slack: float) -> list[int]:
    lowest = min(scores[i] for i in which)
    return [i for i in which if scores[i] <= lowest + slack]
