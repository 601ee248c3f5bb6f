"""Recognise a finite point group in any orientation from its matrices.

Method: the proper parts p = det(g) g of the elements form a rotation group P, cyclic, dihedral or polyhedral,
read from the folds of its axes. Which elements are improper then fixes the family. A frame is built from the
axes, improved by least squares over all elements, and made unique within the normalizer of the group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sbs.errors import InvalidGroupError
from sbs.groups.point.families import PointGroupSymbol
from sbs.groups.point.generators import standard_matrices

__all__ = ["MATCH_TOLERANCE", "Identification", "identify"]

Matrix = npt.NDArray[np.float64]

# Largest entry-wise deviation from an exact group that is accepted: loose enough for matrices typed with seven digits.
MATCH_TOLERANCE = 1e-6
# Angle (radians) below which two axes, or a rotation and the identity, count as equal. Elements of D_1000h,
# the largest normalizer in use, are three times as far apart; noise of MATCH_TOLERANCE moves its axes ten times less.
_ANGLE_TOLERANCE = 1e-3
# Scores that differ by less are ties: far above rounding, far below differences between distinct frames.
_TIE = 1e-9
# A rotation this close to a signed permutation matrix (the rounding of the least squares) is that matrix.
_SNAP = 1e-14
_NEWTON_STEPS = 3  # convergence is quadratic from 1e-4 or better
_CHUNK = 1024  # rows compared at a time, to bound memory


@dataclass(frozen=True, eq=False)
class Identification:
    """A point group and its orientation.

    Attributes:
        symbol: canonical name.
        rotation: float64 (3, 3), read-only, proper; {R g R^T for g in standard_matrices(symbol)} is the given
            set. Of all such rotations, the one with the smallest angle; ties are broken by the largest
            entries in reading order.
        match: int (n,), read-only; `matrices[match[k]]` is R standard_matrices(symbol)[k] R^T.
    """

    symbol: PointGroupSymbol
    rotation: Matrix
    match: npt.NDArray[np.int64]


def identify(matrices: npt.ArrayLike, tolerance: float = MATCH_TOLERANCE) -> Identification:
    """Identify a closed finite group of orthogonal matrices.

    Args:
        matrices: (n, 3, 3), every element of the group once, in any order and orientation.
        tolerance: largest deviation of an entry from the ideal group.

    Returns:
        Symbol and rotation from the standard setting, good to rounding (1e-15 or so) where the input is.

    Raises:
        InvalidGroupError: wrong shape, an entry that is not finite, a matrix that is not orthogonal, an
            element that is given twice, or a set that is not closed.
    """
    elements = _validated(matrices, tolerance)
    signs = np.sign(np.linalg.det(elements))
    lines, folds, line_of = _axes(signs[:, None, None] * elements)
    family, n = _family(elements, signs, folds, line_of)
    symbol = PointGroupSymbol(family, n)
    standard = standard_matrices(symbol)
    if len(standard) != len(elements):
        raise _not_closed(len(elements), f"its axes are those of {symbol.schoenflies}, of order {len(standard)}")
    for rotation in _frames(symbol, lines, folds, line_of, signs):
        match, deviation = _match(rotation, standard, elements)
        if deviation > 0.1 * _separation(symbol) or len(np.unique(match)) != len(elements):
            continue
        rotation = _choose(symbol, _polish(rotation, standard, elements[match]))
        match, deviation = _match(rotation, standard, elements)
        if deviation <= tolerance and len(np.unique(match)) == len(elements):
            rotation.flags.writeable = match.flags.writeable = False
            return Identification(symbol, rotation, match)
    raise _not_closed(len(elements), f"it is not {symbol.schoenflies}, which its axes suggest, within {tolerance:g}")


def _validated(matrices: npt.ArrayLike, tolerance: float) -> Matrix:
    try:
        if np.iscomplexobj(matrices):  # numpy would drop the imaginary parts
            raise TypeError("complex numbers")
        elements = np.asarray(matrices, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidGroupError(
            f"expected real matrices of shape (n, 3, 3), got {type(matrices).__name__}: {error}"
        ) from error
    if elements.ndim != 3 or elements.shape[1:] != (3, 3) or len(elements) == 0:
        raise InvalidGroupError(f"expected matrices of shape (n, 3, 3) with n >= 1, got shape {elements.shape}")
    if not np.all(np.isfinite(elements)):
        bad = int(np.nonzero(~np.isfinite(elements).all(axis=(1, 2)))[0][0])
        raise InvalidGroupError(f"matrix {bad} has an entry that is not finite; give finite orthogonal matrices")
    deviation = np.abs(elements @ elements.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
    worst = int(np.argmax(deviation))
    if deviation[worst] > 4 * tolerance:  # entries off by t put g g^T off by up to about 2 sqrt(3) t
        raise InvalidGroupError(
            f"matrix {worst} is not orthogonal: g g^T differs from the identity by {deviation[worst]:.2g}; "
            "give Cartesian matrices (for lattice matrices W, the Cartesian form is A W A^-1)"
        )
    return elements


def _not_closed(count: int, detail: str) -> InvalidGroupError:
    return InvalidGroupError(
        f"the {count} matrices are not a closed point group, each element once: {detail}; "
        "close the set under multiplication first (FiniteGroup.from_matrices does)"
    )


def _axes(proper: Matrix) -> tuple[Matrix, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Axis lines of rotations (n, 3, 3): unit vectors (m, 3), folds (m,), line of each element (n,) or -1."""
    skew = 0.5 * np.stack(
        [
            proper[:, 2, 1] - proper[:, 1, 2],
            proper[:, 0, 2] - proper[:, 2, 0],
            proper[:, 1, 0] - proper[:, 0, 1],
        ],
        axis=1,
    )
    sine = np.linalg.norm(skew, axis=1)
    cosine = 0.5 * (np.trace(proper, axis1=1, axis2=2) - 1.0)
    angle = np.arctan2(sine, cosine)
    vectors = np.array(skew)
    half_turn = angle > np.pi - _ANGLE_TOLERANCE
    if half_turn.any():  # p + 1 = 2 u u^T: take the longest column
        outer = proper[half_turn] + np.eye(3)
        longest = np.argmax(np.diagonal(outer, axis1=1, axis2=2), axis=1)
        columns = outer[np.arange(len(outer)), :, longest]
        vectors[half_turn] = columns / np.linalg.norm(columns, axis=1, keepdims=True)
    line_of = np.full(len(proper), -1, dtype=np.int64)
    pending = angle > _ANGLE_TOLERANCE
    lines: list[Matrix] = []
    while pending.any():
        # The largest sine gives the most accurate axis. Half turns come last: by then no element with a small
        # sine is left that could be taken for one of their line. Small errors move skew parts little, whatever the angle.
        seed = vectors[np.argmax(np.where(pending, sine, -1.0))]
        seed = seed / np.linalg.norm(seed)
        x, y, z = seed
        across = vectors @ np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])  # vectors × seed
        on_line = pending & ((across**2).sum(axis=1) < _ANGLE_TOLERANCE**2)
        line_of[on_line] = len(lines)
        lines.append(seed)
        pending &= ~on_line
    # A proper part occurs once, or twice with the inversion; count distinct angles on each line.
    folds = np.ones(len(lines), dtype=np.int64)
    for line in range(len(lines)):
        on_line = line_of == line
        signed = np.where(np.einsum("nj,j->n", skew[on_line], lines[line]) < -_TIE, -angle[on_line], angle[on_line])
        signed = np.sort(np.mod(signed, 2 * np.pi))
        folds[line] = 2 + int((np.diff(signed) > _ANGLE_TOLERANCE).sum())
    return np.array(lines).reshape(-1, 3), folds, line_of


def _family(
    elements: Matrix, signs: Matrix, folds: npt.NDArray[np.int64], line_of: npt.NDArray[np.int64]
) -> tuple[str, int | None]:
    """Family and n from the axes of the proper parts and the signs of the elements."""
    improper = int((signs < 0).sum())
    inversion = bool(((line_of < 0) & (signs < 0)).any())
    total = len(elements) // 2 if inversion else len(elements)  # order of P
    if improper not in (0, len(elements) // 2) or (improper and len(elements) % 2):
        raise _not_closed(len(elements), f"{improper} of them are improper, a group has none or half")
    if len(folds) > 1 and (folds > 2).sum() > 1:
        name = {12: "T", 24: "O", 60: "I"}.get(total)
        if name is None:
            raise _not_closed(len(elements), f"no polyhedral rotation group has {total} elements")
        if improper == 0:
            return name, None
        if inversion:
            return name + "h", None
        if name != "O":
            raise _not_closed(len(elements), f"{name} has no subgroup of index 2")
        return "Td", None
    dihedral = len(folds) > 1
    m = int(folds.max(initial=1))
    if not dihedral:
        if improper == 0:
            return "Cn", m
        if inversion:
            return ("S2n" if m % 2 else "Cnh"), m
        if m % 2:
            raise _not_closed(len(elements), f"a {m}-fold axis with improper elements needs the inversion")
        return ("S2n" if m % 4 == 0 else "Cnh"), m // 2
    if improper == 0:
        return "Dn", m
    if inversion:
        return ("Dnd" if m % 2 else "Dnh"), m
    main = int(np.argmax(folds))
    if m == 2:  # any of the three axes may be the one that keeps its proper rotation
        return "Cnv", 2
    if not (signs[line_of == main] < 0).any():
        return "Cnv", m
    if m % 2:
        raise _not_closed(len(elements), f"a {m}-fold axis with improper elements needs the inversion")
    return ("Dnd" if m % 4 == 0 else "Dnh"), m // 2


def _frames(
    symbol: PointGroupSymbol,
    lines: Matrix,
    folds: npt.NDArray[np.int64],
    line_of: npt.NDArray[np.int64],
    signs: Matrix,
) -> list[Matrix]:
    """Proper rotations, one of which carries the standard setting to the given one approximately."""
    if len(lines) == 0:
        return [np.eye(3)]
    if symbol.n is None:
        fold = 4 if symbol.series in {"O", "Oh", "Td"} else 2
        candidates = lines[folds == fold]
        if len(candidates) == 0:
            return []
        z = candidates[0]
        across = candidates[np.abs(candidates @ z) < _ANGLE_TOLERANCE]
        if len(across) == 0:
            return []
        frame = _frame(z, across[0])
        # Of the two ways to turn the axes of T, an icosahedral group has its five-fold axes at one.
        return [frame, frame @ np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])]
    proper_line = np.array([bool((signs[line_of == line] > 0).any()) for line in range(len(lines))])
    main = int(np.argmax(folds + (0.5 * proper_line)))  # in C2v the proper two-fold axis
    z = lines[main]
    others = np.arange(len(lines)) != main
    if not others.any():
        return [_shortest_rotation(z)]
    if symbol.series == "Cnv":  # lines of the others are normals of mirrors; one mirror contains x
        y = lines[others][0]
        return [_frame(z, np.cross(y, z))]
    two_folds = lines[others & proper_line]
    return [_frame(z, two_folds[0])] if len(two_folds) else []


def _frame(z: Matrix, x: Matrix) -> Matrix:
    """Right-handed orthonormal columns (x, y, z) from nearly perpendicular vectors."""
    z = z / np.linalg.norm(z)
    x = x - z * (x @ z)
    x = x / np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def _shortest_rotation(axis: Matrix) -> Matrix:
    """Rotation of smallest angle that carries the line z to the line of `axis`."""
    u = axis / np.linalg.norm(axis)
    leading = u[np.nonzero(np.abs(u) > _TIE)[0]]
    sign = np.sign(u[2]) if abs(u[2]) > _TIE else np.sign(leading[0])
    u = u * sign
    cross = np.array([-u[1], u[0], 0.0])  # z x u
    k = np.array([[0.0, 0.0, cross[1]], [0.0, 0.0, -cross[0]], [-cross[1], cross[0], 0.0]])
    return np.eye(3) + k + k @ k / (1.0 + u[2])


def _separation(symbol: PointGroupSymbol) -> float:
    """Lower bound of the largest entry of the difference of two elements."""
    return 0.5 if symbol.n is None else min(0.5, 2.0 / (int(symbol.n) + 1))


def _match(rotation: Matrix, standard: Matrix, elements: Matrix) -> tuple[npt.NDArray[np.int64], float]:
    """Nearest element to each R s R^T, (n,), and the largest entry of the differences."""
    turned = rotation @ standard @ rotation.T
    flat = elements.reshape(-1, 9)
    match = np.concatenate(
        [
            np.argmax(rows @ flat.T, axis=1)
            for rows in np.split(turned.reshape(-1, 9), range(_CHUNK, len(turned), _CHUNK))
        ]
    )
    return match, float(np.abs(turned - elements[match]).max())


def _polish(rotation: Matrix, standard: Matrix, matched: Matrix) -> Matrix:
    """Least-squares rotation: minimises Σ |R s R^T - g|² by Gauss–Newton steps R -> R exp([w])."""
    basis = np.zeros((3, 3, 3))
    basis[0, 2, 1], basis[1, 0, 2], basis[2, 1, 0] = 1.0, 1.0, 1.0
    basis -= basis.transpose(0, 2, 1)
    # d(R s R^T) seen in the standard setting: [w] s - s [w]; turns about the axis of a cyclic group cost
    # nothing and the pseudo-inverse leaves them alone.
    jacobian = np.einsum("aij,njk->naik", basis, standard) - np.einsum("nij,ajk->naik", standard, basis)
    normal = np.einsum("naij,nbij->ab", jacobian, jacobian)
    inverse = np.linalg.pinv(normal, rcond=1e-9, hermitian=True)
    for _ in range(_NEWTON_STEPS):
        residual = rotation.T @ matched @ rotation - standard
        w = inverse @ np.einsum("naij,nij->a", jacobian, residual)
        half = 0.5 * np.einsum("a,aij->ij", w, basis)
        rotation = rotation @ np.linalg.solve(np.eye(3) - half, np.eye(3) + half)  # Cayley: orthogonal at any size
    return 0.5 * rotation @ (3.0 * np.eye(3) - rotation.T @ rotation)


def _choose(symbol: PointGroupSymbol, rotation: Matrix) -> Matrix:
    """The documented member of R N, N the normalizer of the standard group in SO(3)."""
    if symbol.series in {"Cn", "Cnh", "S2n"}:  # N contains all turns about z, and the half turns across it
        if symbol.order == 1 or (symbol.series == "S2n" and symbol.n == 1):
            return np.eye(3)
        rotation = _shortest_rotation(rotation[:, 2])
    else:
        rotation = _longest_entries(rotation @ standard_matrices(_normalizer(symbol)))
    whole = np.round(rotation) + 0.0
    return whole if np.abs(rotation - whole).max() < _SNAP else rotation + 0.0


def _normalizer(symbol: PointGroupSymbol) -> PointGroupSymbol:
    """Proper rotations of the normalizer in O(3), where finite (International Tables A, ch. 15.4)."""
    if symbol.series in {"I", "Ih"}:
        return PointGroupSymbol("I")
    if symbol.n is None or (symbol.n == 2 and symbol.series in {"Dn", "Dnh"}):
        return PointGroupSymbol("O")
    return PointGroupSymbol("Dn", 2 * int(symbol.n))


def _longest_entries(candidates: Matrix) -> Matrix:
    """Candidate with the largest trace, then with the largest entries in reading order, up to rounding."""
    scores = np.concatenate([np.trace(candidates, axis1=1, axis2=2)[:, None], candidates.reshape(-1, 9)], axis=1)
    keep = np.arange(len(candidates))
    for column in scores.T:
        keep = keep[column[keep] >= column[keep].max() - _TIE]
    return np.array(candidates[keep[0]])
