"""An ambient group that the input pins: how ``minimal_set(..., frame="input")`` makes infinite sets finite.

For C_n, C_nh and S_2n the normalizer in O(3) is D∞h, and a set that breaks the rotations about the axis is a
circle: no direction across the axis is better than another. A molecule, though, has more to it than its point group. A
multipole that the molecule's own group leaves fixed and D∞h does not (n-fold about the axis, of degree l)
points in definite directions across the axis, turns with the molecule, and its stabilizer in D∞h is a finite
D_mh or D_md that contains the group. Closed under that stabilizer's normalizer the set is finite, and for
these groups ideal.

The multipoles are those of the charges Z about the centroid, Q_lm = sum Z r^l C_lm, C_lm a Racah-normalised
spherical harmonic, so that a displacement of every atom by d changes Q_lm by at most l d sum Z r^(l-1)
(sqrt(2) times for m > 0).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sbs.errors import DetectionError
from sbs.groups import ClosedGroup, PointGroup
from sbs.groups.point.generators import rotation_z
from sbs.structures.inputs import Structure

__all__ = ["axial_multipoles", "pinned_ambient"]

# Degrees beyond n + this are not looked at: they weigh the outermost atoms only, and molecules of practical
# use are pinned by the first or second multipole that their symmetry allows.
EXTRA_DEGREES = 6
# Relative size below which a multipole vanishes by more than accident: rounding in coordinates and
# operations.
VANISHING = 1e-9


def pinned_ambient(
    structure: Structure, group: PointGroup, center: NDArray[np.float64], tolerance: float, normalizer: ClosedGroup
) -> PointGroup:
    """The stabilizer in D∞h of the molecule's lowest multipole that is not invariant under D∞h and has a
    direction across the axis.

    Args:
        structure: a molecule.
        group: its group, C_n, C_nh or S_2n. center: (3,), the point that it fixes, Å.
        tolerance: Å, how far an atom may be from where the group puts it.
        normalizer: the D∞h about its axis, or D∞ where only rotations matter.

    Returns:
        A PointGroup D_mh (l + m even) or D_md (l + m odd) that contains the molecule's group; its rotation turns with the
        molecule, so that the sets of two orientations of one molecule are images of one another.

    Raises:
        DetectionError: the input is a crystal; its group is not of that kind; or the lowest multipoles vanish or are so
            small that a change of the input within the tolerance could turn them anywhere (a degenerate input).
    """
    if structure.periodic:
        raise DetectionError(
            'frame="input" is for molecules; the ambient of a crystal is the holohedry of its lattice: give '
            "ambient=detected.ambient"
        )
    if normalizer.symbol not in ("Dinfh", "Dinf"):
        raise DetectionError(
            f'frame="input" pins the azimuth about an axis; {group.symbol} has the normalizer '
            f"{normalizer.symbol}: leave frame out"
        )
    points = (structure.positions - center) @ normalizer.rotation
    charges = _charges(structure.numbers)
    operations = normalizer.rotation.T @ group.matrices @ normalizer.rotation
    fold = int(((np.linalg.det(operations) > 0) & (operations[:, 2, 2] > 0)).sum())
    highest = 2 * fold + EXTRA_DEGREES
    # the average of the images under the group has exactly its symmetry
    images = np.einsum("gij,nj->gni", operations, points, optimize=True).reshape(-1, 3)
    moments = axial_multipoles(images, np.tile(charges, group.order) / group.order, highest)
    radii = np.linalg.norm(points, axis=1)
    for l in range(1, highest + 1):
        scale = float(charges @ radii**l)
        slack = math.sqrt(2) * l * tolerance * float(charges @ radii ** (l - 1))
        for m in range(1, l + 1):
            moment = moments[l, m]
            if abs(moment) <= VANISHING * scale:
                continue
            if abs(moment) <= slack:
                raise DetectionError(
                    f"degenerate input: the multipole l = {l}, m = {m} that would pin the azimuth of "
                    f"{group.symbol} is {abs(moment) / scale:.2g} of its largest possible value, and a "
                    f"change of the atoms within the tolerance of {tolerance:g} Å could turn it "
                    f"anywhere (that needs {slack / scale:.2g}); detect with a smaller tolerance, or give a "
                    "finite ambient= of your own"
                )
            return _stabilizer(l, m, float(np.angle(moment)) / m, normalizer)
    raise DetectionError(
        f"degenerate input: every multipole of {structure.formula} up to l = {highest} is invariant "
        "under all turns about its axis; give a finite ambient= of your own, or use the infinite set"
    )


def axial_multipoles(
    points: NDArray[np.float64], charges: NDArray[np.float64], highest: int
) -> NDArray[np.complex128]:
    """Multipoles Q_lm, m >= 0, of point charges: complex (highest + 1, highest + 1), entries with m > l are zero.

    Q_lm = sqrt((l-m)!/(l+m)!) sum_i q_i r_i^l P_l^m(cos θ_i) exp(i m φ_i), without the Condon-Shortley sign;
    by the recursion (l-m) Π_l = (2l-1) z Π_(l-1) - (l+m-1) r² Π_(l-2) from Π_m = (2m-1)!! (x + iy)^m.
    """
    x, y, z = points.T
    squares = x * x + y * y + z * z
    moments = np.zeros((highest + 1, highest + 1), dtype=np.complex128)
    for m in range(highest + 1):
        before = np.zeros(len(points), dtype=np.complex128)
        current = math.prod(range(1, 2 * m, 2)) * (x + 1j * y) ** m
        for l in range(m, highest + 1):
            norm = math.sqrt(math.factorial(l - m) / math.factorial(l + m))
            moments[l, m] = norm * (charges @ current)
            following = ((2 * l + 1) * z * current - (l + m) * squares * before) / (l + 1 - m)
            before, current = current, following
    return moments


def _stabilizer(l: int, m: int, azimuth: float, normalizer: ClosedGroup) -> PointGroup:
    """The elements of D∞h (or D∞) that fix a multipole Q_lm whose lobes lie at ``azimuth`` + 2πk/m."""
    if (l + m) % 2:
        azimuth += math.pi / (2 * m)  # the two-fold axes of D_md lie half way between the mirrors
    cos, sin = math.cos(azimuth), math.sin(azimuth)
    frame = normalizer.rotation @ np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    twofold = np.diag([1.0, -1.0, -1.0])
    flip = np.diag([1.0, 1.0, -1.0]) @ (rotation_z(1, 2 * m) if (l + m) % 2 else np.eye(3))
    generators = [rotation_z(1, m), twofold] + ([flip] if normalizer.symbol == "Dinfh" else [])
    found = PointGroup.from_matrices(np.array(generators))
    return PointGroup(found.family, frame @ found.rotation)


def _charges(numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Positive weights: the atomic numbers, shifted if labels below 1 are among them."""
    return (numbers - min(0, int(numbers.min()) - 1)).astype(np.float64)
