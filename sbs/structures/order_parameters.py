"""Coordinates of order parameters: axes that the symmetry and the structure choose, and directions written in them.

The components of an order parameter refer to an orthonormal frame. The most telling one consists of lines that are isotropy
subspaces themselves, images of one line under S: for R4+ the tilts about the three cubic axes. Where several classes of lines
are such frames, the one of the smaller class and then of the space group of higher number is taken; where none is, lines of the
first class are completed by eigenvectors of an operator that turns with the crystal. The order of the axes follows the arms of
the star and a fixed function of what leaves each axis in place, so that it is the same for every description of the crystal.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sbs.groups import Subgroup
from sbs.objects.arrangements import Fingerprints, Flat, Image, flats, image_of
from sbs.structures.child_groups import child_space_group
from sbs.structures.crystal_in_cell import CrystalInCell
from sbs.structures.space_irreps import SpaceIrrep

__all__ = ["OrderParameter", "direction", "order_parameter"]

# Lines are perpendicular or at angles of crystals.
PERPENDICULAR = 1e-6
# Entries of an echelon form that vanish, and components that are whole or simple multiples.
ZERO = 1e-6
# Operators that are tried to reach an axis from the first, and the length that is enough of it.
OPERATORS = 12
LONG_ENOUGH = 1e-2
REMEMBERED = 128

FloatArray = NDArray[np.float64]


class OrderParameter:
    """One irreducible representation in the frame of its axes.

    Attributes:
        irrep: the representation.
        axes: float64 (d, d), the axes as columns in the basis of ``irrep.matrices``.
        flats: its isotropy subspaces, one of each class, in the frame of the axes; the whole space first.
        image: the image of S, in the frame of the axes.
    """

    def __init__(self, crystal: CrystalInCell, irrep: SpaceIrrep) -> None:
        self.irrep = irrep
        self._crystal = crystal
        order = int(crystal.group.order)
        vector = np.sqrt(np.arange(2.0, 2.0 + irrep.dimension)) % 1 + 0.1
        step = max(1, 20_000_000 // irrep.dimension**2)
        moved = [irrep.matrices(np.arange(start, min(order, start + step))) @ vector for start in range(0, order, step)]
        multiply = crystal.group.multiply
        plain = image_of(np.concatenate(moved), multiply, irrep.matrices)
        spaces = flats(plain)
        self.axes = _frame(crystal, irrep, plain, spaces)
        self.image = Image(plain.number, plain.representatives, plain.table, self.axes.T @ plain.matrices @ self.axes)
        self.flats = [Flat(self.axes.T @ flat.basis, flat.fixer, flat.size) for flat in spaces]


@lru_cache(maxsize=REMEMBERED)
def order_parameter(crystal: CrystalInCell, irrep: SpaceIrrep) -> OrderParameter:
    """The axes and isotropy subspaces of a representation, remembered."""
    return OrderParameter(crystal, irrep)


def _frame(crystal: CrystalInCell, irrep: SpaceIrrep, image: Image, spaces: list[Flat]) -> FloatArray:
    dim, found = irrep.dimension, crystal.supercell
    assert found is not None
    if dim == 1:
        return np.eye(1)
    scalars = _element_scalars(crystal, irrep)
    keys_of = _AxisKeys(crystal, irrep, image)
    lines = []
    for flat in spaces:
        if flat.basis.shape[1] == 1:
            vectors = _lines(image.matrices @ flat.basis[:, 0])
            held = Subgroup.from_elements(crystal.group, np.flatnonzero(flat.fixer[image.number]))
            keys = keys_of(vectors)
            lines.append((not _is_frame(vectors, dim), len(vectors), int(crystal.group.order) // held.order, held, vectors, keys))
    ties = Counter(entry[:3] for entry in lines)

    def rank(entry: tuple[bool, int, int, Subgroup, FloatArray, list[tuple[float, ...]]]) -> tuple[float, ...]:
        if ties[entry[:3]] == 1:
            return entry[:3]
        spread = float(np.mean([key[-1] for key in entry[5]]))
        return (*entry[:3], -child_space_group(found, entry[3]).number, round(spread, 6))

    lines.sort(key=rank)
    chosen: list[FloatArray] = []
    # A class at a time: its members in the order of their keys, as long as they are perpendicular to what is chosen.
    for *_, vectors, keys in lines:
        for number in sorted(range(len(keys)), key=lambda k: keys[k]):
            if len(chosen) < dim and all(abs(vectors[number] @ other) < PERPENDICULAR for other in chosen):
                chosen.append(vectors[number])
    frame = np.array(chosen).reshape(-1, dim).T
    if frame.shape[1] < dim:
        values, vectors = np.linalg.eigh(np.eye(dim) - frame @ frame.T)
        rest = vectors[:, values > 0.5]
        frame = np.column_stack([frame, _completed(frame, rest, image, scalars)])
    keys = keys_of(frame.T)
    return _signed(frame[:, sorted(range(dim), key=lambda k: keys[k])], image, scalars)


def _completed(frame: FloatArray, rest: FloatArray, image: Image, scalars: FloatArray) -> FloatArray:
    """Axes (d, k) that span the rest: in eigenspaces of an operator that turns with the crystal. A complex representation has
    them in pairs, whose phases follow that of the first axis through further such operators."""
    generic = _generic_operator(image, scalars, 0.8)
    values, vectors = np.linalg.eigh(rest.T @ (generic + generic.T) @ rest)
    edges = np.flatnonzero(np.diff(values) > ZERO * max(1.0, float(np.abs(values).max()))) + 1
    first = frame[:, 0] if frame.shape[1] else rest @ vectors[:, 0]
    axes: list[FloatArray] = []
    for part in np.split(vectors, edges, axis=1):
        space = rest @ part
        own: list[FloatArray] = []
        for step in range(OPERATORS):
            image_of_first = first if step == 0 else _generic_operator(image, scalars, 0.8 + step, 1 + 0.7 * step) @ first
            vector = space @ (space.T @ image_of_first)
            vector -= sum((other * (other @ vector) for other in own), np.zeros(len(vector)))
            if len(own) < space.shape[1] and np.linalg.norm(vector) > LONG_ENOUGH:
                own.append(vector / np.linalg.norm(vector))
        missing = space.shape[1] - len(own)
        if missing:  # an eigenspace that no operator reaches from the first axis
            left = space - np.array(own).reshape(-1, len(space)).T @ (np.array(own).reshape(-1, len(space)) @ space)
            own += list(np.linalg.svd(left)[0].T[:missing])
        axes += own
    return np.array(axes).T


def _generic_operator(image: Image, scalars: FloatArray, phase: float, factor: float = 1.0) -> FloatArray:
    """A sum of the matrices of all elements, (d, d), with coefficients that turn with the crystal and are of no symmetry.

    Those of one factor are combinations of two, and of less in some representations; other factors give further operators."""
    weights = np.bincount(image.number, np.cos(factor * scalars + phase), len(image.representatives))
    return np.asarray(np.tensordot(weights, image.matrices, 1))


def _signed(frame: FloatArray, image: Image, scalars: FloatArray) -> FloatArray:
    """The axes with signs that go together: each is the image of the first of its orbit under the first element that takes
    one line to the other, in the order of the elements' scalars; the first of every further orbit has a positive entry with
    the first axis of all in the first operator that turns with the crystal and has one that is not 0."""
    lowest = np.full(len(image.representatives), np.inf)
    np.minimum.at(lowest, image.number, scalars)
    ranked = np.argsort(np.round(lowest, 6), kind="stable")
    signed = frame.copy()
    relations = [_generic_operator(image, scalars, 2.1 + step, 1 + 0.7 * step) for step in range(OPERATORS)]
    relations = [each / max(float(np.linalg.norm(each)), ZERO) for each in relations]
    done = np.zeros(frame.shape[1], dtype=bool)
    for first in range(frame.shape[1]):
        if done[first]:
            continue
        entries = np.array([signed[:, 0] @ each @ signed[:, first] for each in relations])
        telling = entries[np.abs(entries) > LONG_ENOUGH]
        if first and len(telling) and telling[0] < 0:
            signed[:, first] *= -1
        overlaps = image.matrices[ranked] @ signed[:, first] @ frame  # (n, d)
        for axis in np.flatnonzero(~done):
            hits = np.abs(np.abs(overlaps[:, axis]) - 1) < PERPENDICULAR
            if axis != first and hits.any():
                signed[:, axis] *= np.sign(overlaps[hits.argmax(), axis])
                done[axis] = True
        done[first] = True
    return signed


def _lines(vectors: FloatArray) -> FloatArray:
    """Different lines among vectors (n, d), as unit vectors."""
    leading = np.abs(vectors) > ZERO
    signs = np.sign(vectors[np.arange(len(vectors)), leading.argmax(axis=1)])
    turned = np.round(vectors * signs[:, None], 6) + 0.0
    _, first = np.unique(turned, axis=0, return_index=True)
    return vectors[np.sort(first)]


def _is_frame(vectors: FloatArray, dim: int) -> bool:
    return len(vectors) == dim and float(np.abs(vectors @ vectors.T - np.eye(dim)).max()) < PERPENDICULAR


class _AxisKeys:
    """Numbers by which axes are ordered: the arm, by the axis of its little group and its coordinates; then the axis that the
    operations hold which leave the vector in place, and a function of them that tells all apart."""

    def __init__(self, crystal: CrystalInCell, irrep: SpaceIrrep, image: Image) -> None:
        found = crystal.supercell
        assert found is not None
        self._irrep, self._image = irrep, image
        turned = found.standard_operations[0]
        inverses = np.linalg.inv(turned)
        self._arms = []
        for arm in irrep.star:
            difference = (arm @ inverses - arm) @ found.setting.matrix
            little = turned[(np.abs(difference - np.round(difference)) < PERPENDICULAR).all(axis=1)]
            self._arms.append((*_held_axes(np.diagonal(little, axis1=1, axis2=2)), *(-np.round(arm, 4)).tolist()))
        # Of each element of the image the mean over those of S that become it; a linear function of the scalars would vanish
        # in the mean over a group.
        number, count = image.number, len(image.representatives)
        values = np.column_stack(
            [
                np.ones(len(number)),
                (np.diagonal(turned, axis1=1, axis2=2) ** 2)[found.rotation_of],
                np.cos(_element_scalars(crystal, irrep) + 0.5),
            ]
        )
        self._sums = np.array([np.bincount(number, column, count) for column in values.T])

    def __call__(self, vectors: FloatArray) -> list[tuple[float, ...]]:
        """The keys of some vectors (m, d)."""
        moved = self._image.matrices @ vectors.T
        fixing = (np.abs(moved - vectors.T).max(axis=1) < PERPENDICULAR).astype(np.float64)  # (n, m)
        count, *sums = self._sums @ fixing
        means = (np.array(sums) / count).T
        keys = []
        for vector, mean in zip(vectors, means, strict=True):
            weights = _arm_weights(self._irrep, vector)
            own = min(self._arms[arm] for arm in np.flatnonzero(weights > weights.max() - PERPENDICULAR))
            keys.append((*own, *(-np.round(mean[:3], 4)).tolist(), round(float(mean[3]), 6)))
        return keys


def _held_axes(diagonals: NDArray[np.int64]) -> list[float]:
    """How much rotations with some diagonals (n, 3) leave each axis along itself, with a minus sign: the first axis first."""
    return (-np.round((diagonals**2).mean(axis=0), 4)).tolist()


def _arm_weights(irrep: SpaceIrrep, vector: FloatArray) -> FloatArray:
    """How much of a vector each arm of the star carries, (arms,)."""
    part = irrep.complex_parts[0]
    full = irrep.to_complex(vector)
    return np.asarray((np.abs(full.reshape(part.arms, -1)) ** 2).sum(axis=1))


@lru_cache(maxsize=REMEMBERED)
def _element_scalars(crystal: CrystalInCell, irrep: SpaceIrrep) -> FloatArray:
    """A number for each element of S that depends on the operation in the standard setting alone, modulo the cell."""
    found = crystal.supercell
    assert found is not None
    turned, moved = found.standard_operations
    weights = np.sqrt(np.arange(2.0, 11.0)).reshape(3, 3)
    turns = (turned * weights).sum(axis=(1, 2))
    places = moved[found.rotation_of] + found.lattice_of @ found.setting.matrix.T
    arms = irrep.star[np.lexsort(irrep.star.T)]
    angles = 2 * np.pi * places @ arms.T
    phases = (np.cos(angles) + 0.61 * np.sin(angles)) @ np.sqrt(np.arange(3.0, 3.0 + len(arms)))
    return np.asarray(turns[found.rotation_of] + 0.37 * phases)


def direction(blocks: list[int], matrices: FloatArray, fingerprints: Fingerprints, basis: FloatArray) -> str:
    """A flat as a general point of it, "(a,a,0)"; parts of several order parameters divided by bars.

    Of all images of the flat the one is written that is simplest: fewest sums, factors and signs, then leading letters.

    Args:
        blocks: dimensions of the order parameters.
        matrices: float64 (n, d, d), the image of S. fingerprints: of subspaces that it acts on.
        basis: float64 (d, m), of the flat.
    """
    _, first = np.unique(fingerprints.of_images(basis), return_index=True)
    forms = _echelon((matrices[np.sort(first)] @ basis).transpose(0, 2, 1))
    used = np.abs(forms) > ZERO
    terms = used.sum(axis=1)  # (n, d): letters in each component
    whole = np.abs(np.abs(forms) - 1) < 1e-4
    cost = np.stack(
        [
            (terms > 1).sum(axis=1),
            (used & ~whole).any(axis=1).sum(axis=1),
            ((forms < -ZERO) & used).any(axis=1).sum(axis=1),
        ],
        axis=1,
    )
    letters = np.where(used.any(axis=1), used.argmax(axis=1), len(basis.T))
    keys = np.concatenate([cost, letters, np.round(forms.reshape(len(forms), -1), 4)], axis=1)
    best = forms[np.lexsort(keys.T[::-1])[0]]
    names = [_component(column) for column in best.T]
    edges = np.cumsum([0, *blocks])
    return "(" + "|".join(",".join(names[a:b]) for a, b in pairwise(edges.tolist())) + ")"


def _echelon(rows: FloatArray) -> FloatArray:
    """Reduced row echelon forms of full-rank matrices (n, m, d)."""
    work = rows.copy()
    count, height, width = work.shape
    everything = np.arange(count)
    level = np.zeros(count, dtype=np.intp)
    for column in range(width):
        below = np.where(np.arange(height)[None] >= level[:, None], np.abs(work[:, :, column]), -1.0)
        pivot = below.argmax(axis=1)
        live = (below[everything, pivot] > ZERO) & (level < height)
        where, row, top = everything[live], pivot[live], level[live]
        held = work[where, row].copy()
        work[where, row] = work[where, top]
        held /= held[:, column][:, None]
        work[where, top] = held
        factors = work[where, :, column].copy()
        factors[np.arange(len(where)), top] = 0.0
        work[where] -= factors[:, :, None] * held[:, None, :]
        level[live] += 1
    work[np.abs(work) < ZERO] = 0.0
    return work


def _component(column: FloatArray) -> str:
    text = ""
    for letter, value in zip("abcdefghijklmnopqrstuvwxyzαβγδεζηθικλμνξοπρστυφχψω", column, strict=False):
        if abs(value) < ZERO:
            continue
        size = abs(value)
        factor = "" if abs(size - 1) < 1e-4 else f"{size:.3f}".rstrip("0").rstrip(".")
        sign = "-" if value < 0 else "+" if text else ""
        text += f"{sign}{factor}{letter}"
    return text or "0"
