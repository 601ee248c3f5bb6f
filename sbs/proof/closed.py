"""Certificates of sets whose normalizer M is infinite: D∞h or D∞ about an axis, O(3) or SO(3).

M is the whole normalizer: if all elements of S share one axis, what normalises S keeps the axis, and D∞h about it maps S and
its subgroups to conjugates under S; if S has no axis, -1 and the rotations commute with it or lie in it.

Fewer objects, or S-orbits, there cannot be: a finite set is fixed by the connected part of M, which acts on it trivially, so that
only the components of D∞h count, four at most, and all their subgroups are looked at; a set of one S-orbit is least by itself.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sbs.proof.axes import COMPONENTS, common_axis, continuous_inside, holds, moves_into, turns_into
from sbs.proof.claims import ClosedClaim, Continuous, Elements, insist
from sbs.proof.elements import Law, checked_matrices, find_matrices, real_numbers
from sbs.proof.finite import ORBIT_TOLERANCE, check_block_norms, integer
from sbs.proof.harmonics import Representation, blocks_of
from sbs.proof.isotropy import FLIPS, MOVED, Frames, View, Waves, component_of, frame_about, is_image, principal_axes

__all__ = ["check_closed"]

FloatArray = npt.NDArray[np.float64]
Group = Elements | Continuous

_SYMBOLS = (*COMPONENTS, "SO(3)", "O(3)")
_PROPER = frozenset({0, 3})
#: A reflection or two-fold rotation of each component of D∞h about the pole y.
_POLAR_FLIPS = np.array([np.eye(3), np.diag([1.0, -1.0, 1.0]), np.diag([-1.0, 1.0, 1.0]), np.diag([-1.0, -1.0, 1.0])])


def check_closed(claim: ClosedClaim) -> None:
    """Check every claim.

    Raises:
        CertificateError: one is wrong. SearchLimitError: what fixes the seed could not be decided.
    """
    _check_form(claim)
    _check_normalizer(claim)
    representation = Representation(blocks_of(claim.irreps))
    insist(
        claim.lmax is None or max(l for l, _ in representation.blocks) <= claim.lmax, "no irrep has a degree above lmax"
    )
    seed = real_numbers(claim.seed, "the seed")
    insist(seed.shape == (representation.dim,), "the seed has the shape (dim,)")
    check_block_norms(seed[None, None], representation)
    frames = None if claim.normalizer.symbol in COMPONENTS else Frames(representation)
    view = View(representation, claim.normalizer.axis) if frames is None else None
    _check_stabilizer(claim, frames, view, seed)
    _check_intersection(claim)
    _check_counts(claim)
    samples = real_numbers(claim.samples, "samples")
    insist(samples.ndim == 2 and samples.shape[1] == representation.dim, "samples have the shape of objects")
    if len(samples):
        check_block_norms(samples[:, None], representation)
    if claim.size == math.inf:
        insist(
            claim.objects is None and claim.orbits is None and claim.target_of is None, "an infinite set has no list"
        )
        _check_samples(claim, frames, view, seed, samples)
    else:
        _check_list(claim, representation, frames, view, samples)


def _check_form(claim: ClosedClaim) -> None:
    for name, group in (("S", claim.group), ("K", claim.target), ("M", claim.normalizer), ("H", claim.stabilizer)):
        if isinstance(group, Continuous):
            _check_continuous(group, name)
        else:
            insist(isinstance(group, Elements), f"{name} is a group")
            matrices = checked_matrices(group.matrices, name)
            insist(matrices.shape[1:] == (3, 3), f"{name} is given by 3 x 3 matrices")
            Law(group, name)
    insist(isinstance(claim.normalizer, Continuous), "M is infinite")
    insist(
        isinstance(claim.exact, (bool, np.bool_)) and isinstance(claim.is_ideal, (bool, np.bool_)),
        "flags are true or false",
    )
    insist(claim.lmax is None or integer(claim.lmax, "lmax") >= 0, "lmax is a degree")
    for name, value in (("size", claim.size), ("ideal_size", claim.ideal_size), ("degeneracy", claim.degeneracy)):
        insist(value == math.inf or integer(value, name) >= 1, f"{name} is a positive integer or infinite")


def _check_continuous(group: Continuous, name: str) -> None:
    insist(group.symbol in _SYMBOLS, f"{name} is a closed group")
    axis = real_numbers(group.axis, f"the axis of {name}")
    insist(axis.shape == (3,) and abs(float(np.linalg.norm(axis)) - 1) < MOVED, f"the axis of {name} is a unit vector")


# --- groups ---------------------------------------------------------------------------------------------------------


def _check_normalizer(claim: ClosedClaim) -> None:
    proper = claim.ambient == "SO(3)"
    insist(proper or claim.ambient == "O(3)", f"the ambient group is O(3) or SO(3), not {claim.ambient!r}")
    ambient = Continuous(claim.ambient, np.array([0.0, 0.0, 1.0]))
    insist(_inside(claim.group, ambient), "S lies in the ambient group")
    insist(_inside(claim.target, claim.group), "K lies in S")
    if isinstance(claim.group, Continuous):
        kind, axis = ("axis" if claim.group.symbol in COMPONENTS else "point"), claim.group.axis
    else:
        kind, axis = common_axis(np.asarray(claim.group.matrices))
        insist(kind != "many", "the elements of S share an axis, or else M is finite")
        own = np.asarray(claim.group.matrices)
        insist((component_of(own, axis) < 2).all(), "S has no mirror through its axis, or else M is finite")
    expected = ("Dinf" if proper else "Dinfh") if kind == "axis" else claim.ambient
    insist(claim.normalizer.symbol == expected, f"M is {expected}, not {claim.normalizer.symbol}")
    if kind == "axis":
        insist(abs(abs(float(claim.normalizer.axis @ axis)) - 1) < MOVED, "M has the axis of S")


def _inside(inner: Group, outer: Group) -> bool:
    if isinstance(inner, Continuous):
        return isinstance(outer, Continuous) and continuous_inside(inner, outer, anywhere=False)
    matrices = np.asarray(inner.matrices)
    if isinstance(outer, Continuous):
        return bool(holds(outer, matrices).all())
    return bool((find_matrices(matrices, np.asarray(outer.matrices)) >= 0).all())


# --- stabilizers ----------------------------------------------------------------------------------------------------


def _allowed(claim: ClosedClaim) -> frozenset[int]:
    """Components of D∞h about an axis that lie in the ambient group."""
    return _PROPER if claim.ambient == "SO(3)" else frozenset(range(len(FLIPS)))


def _check_stabilizer(claim: ClosedClaim, frames: Frames | None, view: View | None, seed: FloatArray) -> None:
    """H is all that fixes the seed in M, which has an axis (``view``) or not (``frames``)."""
    text = "H is the stabilizer in M of the seed"
    insist(_inside(claim.stabilizer, claim.normalizer), "H lies in M")
    if frames is None:
        assert view is not None
        _check_about(claim, Waves(view, seed), text)
        return
    act = frames.representation.act
    kind, columns = principal_axes(frames, seed)
    if kind == "point":
        everything = act(-np.eye(3)[None], seed[None])[0, 0]
        mirrored = np.abs(everything - seed).max() < MOVED and claim.ambient == "O(3)"
        symbol = "O(3)" if mirrored else "SO(3)"
        insist(isinstance(claim.stabilizer, Continuous) and claim.stabilizer.symbol == symbol, text)
    elif kind == "axis":
        _check_about(claim, Waves(frames.view(columns[:, 0]), seed), text)
    else:
        insist(isinstance(claim.stabilizer, Elements), text)
        own = np.asarray(claim.stabilizer.matrices)  # type: ignore[union-attr]
        candidates = _reflections(columns) if kind == "frame" else _beyond_tetrahedral(own, text)
        if claim.ambient == "SO(3)":
            candidates = candidates[np.linalg.det(candidates) > 0]
        fixes = np.abs(act(candidates, seed[None])[:, 0] - seed).max(axis=1) < MOVED
        insist((fixes == (find_matrices(candidates, own) >= 0)).all(), text)
        insist(kind != "frame" or fixes.sum() == len(own), text)
        moved = np.abs(act(own, seed[None])[:, 0] - seed).max()
        insist(moved < MOVED, text)


def _check_about(claim: ClosedClaim, waves: Waves, text: str) -> None:
    """H against what keeps an axis and fixes the seed; the whole stabilizer is known to keep the axis."""
    found = {c: n for c, n in waves.stabilizer_components().items() if c in _allowed(claim)}
    if isinstance(claim.stabilizer, Continuous):
        insist(claim.stabilizer.symbol in COMPONENTS and waves.fold == 0, text)
        parallel = abs(abs(float(claim.stabilizer.axis @ waves.axis)) - 1) < MOVED
        insist(parallel and COMPONENTS[claim.stabilizer.symbol] == frozenset(found), text)
    else:
        own = np.asarray(claim.stabilizer.matrices)
        insist(waves.fold > 0 and sum(found.values()) == len(own) and waves.fixed_by(own).all(), text)


def _reflections(columns: FloatArray) -> FloatArray:
    """The eight orthogonal matrices that are diagonal in a frame."""
    signs = np.array([[a, b, c] for a in (1.0, -1.0) for b in (1.0, -1.0) for c in (1.0, -1.0)])
    return np.array([columns @ np.diag(s) @ columns.T for s in signs])


def _beyond_tetrahedral(own: FloatArray, text: str) -> FloatArray:
    """Elements one of which lies in every finite overgroup of a polyhedral group, if it is not in the group itself.

    A polyhedral H holds the rotations T of a tetrahedron, whose two-fold axes are a frame. Finite groups above T are Th, Td, O,
    Oh on that frame, and I, Ih in two positions: they hold -1, a rotoreflection or rotation by 90 degrees about an axis
    of the frame, or five-fold rotations about (0, 1, φ) or (0, φ, 1).
    """
    proper = own[np.linalg.det(own) > 0]
    halves = proper[np.abs(np.trace(proper, axis1=1, axis2=2) + 1) < MOVED]
    # A two-fold axis u has R = 2 u u^T - 1. The frame is made of those that have two others across, and threefold axes between.
    axes = [_column(r) for r in halves]
    for a in axes:
        for b in axes:
            if abs(float(a @ b)) < MOVED:
                frame = np.stack([a, b, np.cross(a, b)], axis=1)
                third = frame @ np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]) @ frame.T
                if (find_matrices(np.array([third, _half(frame[:, 2])]), own) >= 0).all():
                    return _beyond(frame)
    insist(False, text)
    raise AssertionError


def _column(r: FloatArray) -> FloatArray:
    projector = (r + np.eye(3)) / 2
    column = projector[:, int(np.linalg.norm(projector, axis=0).argmax())]
    return np.asarray(column / np.linalg.norm(column))


def _half(axis: FloatArray) -> FloatArray:
    return np.asarray(2 * np.outer(axis, axis) - np.eye(3))


def _turn(axis: FloatArray, angle: float) -> FloatArray:
    frame = frame_about(axis)
    c, s = math.cos(angle), math.sin(angle)
    return np.asarray(frame @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ frame.T)


def _beyond(frame: FloatArray) -> FloatArray:
    golden = (1 + math.sqrt(5)) / 2
    five = [_turn(frame @ np.array(v), 2 * math.pi / 5) for v in ((0.0, 1.0, golden), (0.0, golden, 1.0))]
    turns = np.array([np.eye(3), _turn(frame[:, 2], math.pi / 2), *five])
    return np.concatenate([turns[1:], -turns])


# --- S and K against the seed ---------------------------------------------------------------------------------------


def _check_intersection(claim: ClosedClaim) -> None:
    """The stabilizer of the seed in S is conjugate to K under S, or lies in a conjugate if the set need not be exact."""
    fixing = _in_group(claim)
    text = "the stabilizer in S of the seed is " + (
        "an S-conjugate of K" if claim.exact else "inside an S-conjugate of K"
    )
    same_kind = isinstance(fixing, Continuous) == isinstance(claim.target, Continuous)
    insist(same_kind or not claim.exact, text)
    if isinstance(claim.group, Elements):  # commutative where M is infinite: K is its only conjugate
        insist(isinstance(fixing, Elements) and _inside(fixing, claim.target), text)
    elif claim.group.symbol in COMPONENTS:
        insist(_turned_inside(fixing, claim.target, claim.group.axis), text)
    else:
        insist(_moved_inside(fixing, claim.target), text)
    if claim.exact:
        insist(_extent(fixing) == _extent(claim.target), text)


def _in_group(claim: ClosedClaim) -> Group:
    """H ∩ S."""
    own, group = claim.stabilizer, claim.group
    if isinstance(group, Elements):
        matrices = np.asarray(group.matrices)
        inside = (
            find_matrices(matrices, np.asarray(own.matrices)) >= 0
            if isinstance(own, Elements)
            else holds(own, matrices)
        )
        return Elements(matrices[inside])
    if isinstance(own, Elements):
        matrices = np.asarray(own.matrices)
        return Elements(matrices[holds(group, matrices)])
    if own.symbol in COMPONENTS:
        components = COMPONENTS[own.symbol] & (
            COMPONENTS[group.symbol]
            if group.symbol in COMPONENTS
            else frozenset(range(4))
            if group.symbol == "O(3)"
            else _PROPER
        )
        return Continuous(next(s for s, c in COMPONENTS.items() if c == components), own.axis)
    if group.symbol in COMPONENTS:
        return group
    return own if own.symbol == "SO(3)" else group


def _turned_inside(inner: Group, outer: Group, axis: FloatArray) -> bool:
    if isinstance(inner, Elements) and isinstance(outer, Elements):
        return turns_into(np.asarray(inner.matrices), np.asarray(outer.matrices), axis)
    return _inside(inner, outer)


def _moved_inside(inner: Group, outer: Group) -> bool:
    """Whether some rotation takes one closed group into another."""
    if isinstance(inner, Continuous):
        return isinstance(outer, Continuous) and continuous_inside(inner, outer, anywhere=True)
    matrices = np.asarray(inner.matrices)
    if isinstance(outer, Elements):
        return len(moves_into(matrices, np.asarray(outer.matrices), first_only=True)) > 0
    if outer.symbol not in COMPONENTS:
        return bool(holds(outer, matrices).all())
    # An element of a group about an axis has its own axis along that axis or across it.
    axes = [
        *np.linalg.eigh(np.tensordot(np.arange(1.0, len(matrices) + 1), matrices + np.swapaxes(matrices, 1, 2), 1))[1].T
    ]
    axes += [common_axis(np.array([g]))[1] for g in matrices]
    return any(holds(Continuous(outer.symbol, axis), matrices).all() for axis in axes)


def _extent(group: Group) -> tuple[int, int]:
    """Dimension, and number of elements or components: a group inside another one is all of it if these agree."""
    if isinstance(group, Elements):
        return 0, len(group)
    if group.symbol in COMPONENTS:
        return 1, len(COMPONENTS[group.symbol])
    return 3, 2 if group.symbol == "O(3)" else 1


# --- counts ---------------------------------------------------------------------------------------------------------


def _components(group: Group, normalizer: Continuous) -> frozenset[int]:
    """The components of M that a subgroup meets: those of D∞h, or 0 and 1 for the two of O(3)."""
    if normalizer.symbol not in COMPONENTS:
        if isinstance(group, Elements):
            return frozenset(int(d < 0) for d in np.linalg.det(np.asarray(group.matrices)))
        proper = group.symbol in ("Cinf", "Dinf", "SO(3)")
        return frozenset({0}) if proper else frozenset({0, 1})
    if isinstance(group, Elements):
        return frozenset(int(c) for c in component_of(np.asarray(group.matrices), normalizer.axis))
    return COMPONENTS[group.symbol]


def _generated(components: frozenset[int]) -> int:
    return 4 if len(components) == 3 else len(components)


def _check_counts(claim: ClosedClaim) -> None:
    m = claim.normalizer
    whole, own, inner = (_components(g, m) for g in (m, claim.group, claim.target))
    fixing = _components(claim.stabilizer, m)
    dimensions = {
        name: _extent(g)[0] for name, g in (("M", m), ("S", claim.group), ("K", claim.target), ("H", claim.stabilizer))
    }
    finite = dimensions["M"] == dimensions["H"]
    insist((claim.size == math.inf) != finite, "the size is infinite exactly if H has a smaller dimension than M")
    if finite:
        insist(claim.size == len(whole) // len(fixing), "|P| is the number of components of M over that of H")
        insist(claim.size == _least(claim, whole, own, inner), "no smaller set is closed under M")
    if dimensions["S"] == 0:
        ideal: float = len(claim.group) / len(claim.target)  # type: ignore[arg-type]
    else:
        ideal = len(own) // len(inner) if dimensions["S"] == dimensions["K"] else math.inf
    insist(claim.ideal_size == ideal, f"the ideal size is {ideal}")
    if not finite and dimensions["S"] == 0:
        orbits: float = math.inf
        _check_that_none_is_finite(claim)
    else:
        orbits = len(whole) // _generated(own | fixing)
        insist(orbits == 1, "the set is one S-orbit, or a smaller one exists")
    insist(claim.degeneracy == orbits, "degeneracy is the number of S-orbits")
    insist(bool(claim.is_ideal) == (orbits == 1), "ideal means one S-orbit")


def _check_that_none_is_finite(claim: ClosedClaim) -> None:
    """A finite set is fixed by all turns about the axis, so that K would hold all that S has."""
    group, axis = claim.group, claim.normalizer.axis
    assert isinstance(group, Elements) and isinstance(claim.target, Elements)
    matrices = np.asarray(group.matrices)
    turns = matrices[component_of(matrices, axis) == 0]
    outside = find_matrices(turns, np.asarray(claim.target.matrices)) < 0
    insist(claim.normalizer.symbol in COMPONENTS and outside.any(), "S has a turn about the axis of M that is not in K")


def _least(claim: ClosedClaim, whole: frozenset[int], own: frozenset[int], inner: frozenset[int]) -> int:
    """The size of the smallest finite set: M over the largest group of its components that is admissible and a stabilizer.

    With l <= 1 every group of components is a stabilizer, that of 0o with l = 0 being the rotations.
    """
    groups = [g for g in map(frozenset, ([0], [0, 1], [0, 2], [0, 3], [0, 1, 2, 3])) if g <= whole]
    admissible = [g for g in groups if (g & own == inner if claim.exact else g & own <= inner)]
    if claim.lmax == 0 and claim.normalizer.symbol in COMPONENTS:
        admissible = [g for g in admissible if g == whole or g == whole & _PROPER]
    insist(admissible, "a set of that degree exists")
    return len(whole) // max(len(g) for g in admissible)


# --- objects --------------------------------------------------------------------------------------------------------


def _check_samples(
    claim: ClosedClaim, frames: Frames | None, view: View | None, seed: FloatArray, samples: FloatArray
) -> None:
    """Every sample is the image of the seed under an element of M."""
    for sample in samples:
        if frames is not None:
            found = is_image(frames, seed, sample, claim.ambient == "SO(3)")
        else:
            assert view is not None
            waves, goal = Waves(view, seed), Waves(view, sample)
            turns = (waves.turns_to(goal, c) for c in sorted(COMPONENTS[claim.normalizer.symbol]))
            found = any(t is None or bool(t) for t in turns)
        insist(found, "samples lie in the set")


def _check_list(
    claim: ClosedClaim, representation: Representation, frames: Frames | None, view: View | None, samples: FloatArray
) -> None:
    """The objects of a finite set, each fixed by the connected part of M, permuted by its components."""
    objects = real_numbers(claim.objects, "objects")
    insist(
        objects.shape == (claim.size, representation.dim),
        "objects have the shape (size, dim)",
    )
    check_block_norms(objects[:, None], representation)
    insist(np.abs(objects[0] - claim.seed).max() < ORBIT_TOLERANCE, "the seed is the first object")
    gaps = np.linalg.norm(objects[:, None] - objects[None], axis=2) + 4 * np.eye(len(objects))
    insist(gaps.min() > MOVED, "the objects are distinct")
    for row in objects:
        fixed = Waves(view, row).fold == 0 if view is not None else principal_axes(frames, row)[0] == "point"  # type: ignore[arg-type]
        insist(fixed, "every object is fixed by the connected part of M")
    frame = frame_about(claim.normalizer.axis)
    flips = frame @ _POLAR_FLIPS @ frame.T if frames is None else np.array([np.eye(3), -np.eye(3)])
    components = _components(claim.normalizer, claim.normalizer)
    images = representation.act(flips, objects)
    near = np.abs(images[:, :, None] - objects).max(axis=3)
    for component in components:
        insist(near[component].min(axis=1).max() < ORBIT_TOLERANCE, "the set is closed under M")
    distances = np.abs(samples[:, None] - objects).max(axis=2)
    insist((distances.min(axis=1) < ORBIT_TOLERANCE).all(), "samples lie in the set")
    insist(claim.orbits is not None and claim.target_of is not None, "a finite set lists its orbits and targets")
    own = sorted(_components(claim.group, claim.normalizer))
    moved = near.argmin(axis=2)
    orbits = np.asarray(claim.orbits)
    insist(
        orbits.shape == (len(objects),) and orbits.dtype.kind in "iu" and not orbits.any(), "orbits are those of S: one"
    )
    insist(set(moved[own, 0].tolist()) == set(range(len(objects))), "the set is one S-orbit")
    targets = claim.target_of
    assert targets is not None
    insist(len(targets) == len(objects), "one target for each object")
    for index, target in enumerate(targets):
        # The components of S that fix the object make up its stabilizer in S; as a subgroup of index at most 2, or with all
        # turns of S, it is normal, and the only conjugate of K.
        fixing = frozenset(c for c in own if moved[c, index] == index)
        inner = _components(claim.target, claim.normalizer)
        insist(fixing == inner if claim.exact else fixing <= inner, f"the stabilizer in S of object {index} is K")
        insist(
            isinstance(target, type(claim.target))
            and _inside(target, claim.target)
            and _extent(target) == _extent(claim.target),
            f"target_of[{index}] is K",
        )
