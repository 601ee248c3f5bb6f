"""Whatever is handed to a public function, only errors of the library come out; no answer is given to nonsense.

Every argument of every public function meets every one of a list of odd values, the others being right.  A call may succeed
where the value happens to make sense (True is no number, but "1" may be a symbol); it may not raise anything else than
`SymmetryBreakingError`, warn, or hang.
"""

import math
from collections import Counter
from fractions import Fraction
from functools import partial
from itertools import count
from operator import eq

import numpy as np
import pytest

import sbs
from sbs.errors import SymmetryBreakingError
from sbs.groups.abstract.validation import real_array


class Hostile:
    """An object whose every conversion fails."""

    def __repr__(self):
        raise RuntimeError("no")

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("no")

    def __float__(self):
        raise RuntimeError("no")

    def __iter__(self):
        raise RuntimeError("no")


class Group:
    """An object that looks like a structure and is none."""

    group = None
    ambient = "Oh"
    target = 5


ODD = {
    "None": None,
    "True": True,
    "zero": 0,
    "minus one": -1,
    "half": 0.5,
    "huge": 10**30,
    "NaN": math.nan,
    "infinity": math.inf,
    "complex": 1j,
    "fraction": Fraction(1, 3),
    "empty text": "",
    "text": "no such thing",
    "long text": "D" * 5000,
    "digits": "9" * 5000,
    "lone bracket": "C2v(",
    "odd text": "\u0000\ud800∞",
    "bytes": b"Oh",
    "empty list": [],
    "nested empty list": [[[]]],
    "ragged list": [[1, 2], [3]],
    "list of text": ["a", "b"],
    "list of None": [None, None],
    "set": {1, 2},
    "mixed set": {1, "a", None},
    "mapping": {"group": "Oh"},
    "endless": count(),
    "generator": (x for x in ()),
    "range": range(3),
    "type": int,
    "function": len,
    "module": math,
    "slice": slice(0, 2),
    "array of zeros": np.zeros((3, 3)),
    "zero matrices": np.zeros((2, 3, 3)),
    "no matrices": np.zeros((0, 3, 3)),
    "NaN matrices": np.full((1, 3, 3), np.nan),
    "infinite matrices": np.full((1, 3, 3), np.inf),
    "huge matrices": np.full((1, 3, 3), 1e300),
    "complex matrices": 1j * np.eye(3)[None],
    "4x4": np.eye(4)[None],
    "2x2": np.eye(2)[None],
    "one matrix": np.eye(3),
    "four axes": np.ones((1, 1, 3, 3)),
    "shear": np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    "shears": np.array([[[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]]),
    "lattice matrices": np.array([[[0, -1, 0], [1, -1, 0], [0, 0, 1]]]),
    "irrational turn": np.array([[[math.cos(1), -math.sin(1), 0], [math.sin(1), math.cos(1), 0], [0, 0, 1]]]),
    "object array": np.array([[object()]], dtype=object),
    "array of text": np.array(["x", "y"]),
    "array of truth values": np.ones(48, dtype=bool),
    "array of dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "structured array": np.zeros(2, dtype=[("a", float), ("b", int)]),
    "scalar array": np.array(3),
    "vector": np.arange(3.0),
    "large numbers": [10**9, -5],
    "hostile": Hostile(),
    "lookalike": Group(),
    "error": ValueError("x"),
    "permutation group": sbs.FiniteGroup.from_permutations([[1, 2, 0]]),
    "its subgroup": sbs.FiniteGroup.from_permutations([[1, 2, 0]]).trivial,
    "its class": sbs.FiniteGroup.from_permutations([[1, 2, 0]]).subgroup_classes[0],
    "point group": sbs.point_group("D3"),
    "closed group": sbs.point_group("Cinfv"),
    "subgroup": sbs.point_group("D3").trivial,
    "set of objects": sbs.minimal_set("D3", "C3"),
    "table": sbs.table("D3"),
    "row": sbs.table("D3")[1],
}

CUBE = sbs.point_group("Oh")
TRIANGLE = sbs.point_group("D3")
CYCLE = sbs.FiniteGroup.from_permutations([[1, 2, 3, 4, 5, 0]])
PLANE = sbs.FiniteGroup.from_matrices([np.diag([1.0, -1.0])])
HALF = CYCLE.subgroup([2])
AXIS = sbs.point_group("Dinfh")
SET, CIRCLE = sbs.minimal_set("D3", "C3"), sbs.minimal_set("C4", "C1")
TABLE = sbs.table("D3")
CHARACTERS = TRIANGLE.character_table

#: Every public function with one argument left open.
CALLS = {
    "minimal_set(x)": sbs.minimal_set,
    "minimal_set(Oh, x)": lambda x: sbs.minimal_set("Oh", x),
    "minimal_set(group, x)": lambda x: sbs.minimal_set(CUBE, x),
    "minimal_set(Cinfv, x)": lambda x: sbs.minimal_set("Cinfv", x),
    "minimal_set(O(3), x)": lambda x: sbs.minimal_set("O(3)", x),
    "minimal_set(x, C1)": lambda x: sbs.minimal_set(x, "C1"),
    "minimal_set(ambient=x)": lambda x: sbs.minimal_set("D3", "C3", ambient=x),
    "minimal_set(exact=x)": lambda x: sbs.minimal_set("D3", "C3", exact=x),
    "minimal_set(lmax=x)": lambda x: sbs.minimal_set("D3", "C3", lmax=x),
    "minimal_set(frame=x)": lambda x: sbs.minimal_set("D3", "C3", frame=x),
    "minimal_set(x, ambient=finite)": lambda x: sbs.minimal_set(x, ambient=CYCLE),
    "minimal_set(S, x, ambient=finite)": lambda x: sbs.minimal_set(HALF, x, ambient=CYCLE),
    "point_group(x)": sbs.point_group,
    "table(x)": sbs.table,
    "representation(x, matrices)": lambda x: sbs.representation(x, np.eye(3)[None]),
    "representation(2e, x)": lambda x: sbs.representation("2e", x),
    "FiniteGroup.from_permutations(x)": sbs.FiniteGroup.from_permutations,
    "FiniteGroup.from_matrices(x)": sbs.FiniteGroup.from_matrices,
    "FiniteGroup.from_matrices(tolerance=x)": lambda x: sbs.FiniteGroup.from_matrices(np.eye(3)[None], x),
    "FiniteGroup.from_table(x)": sbs.FiniteGroup.from_table,
    "FiniteGroup.multiply(x, 1)": lambda x: CYCLE.multiply(x, 1),
    "FiniteGroup.multiply(1, x)": lambda x: CYCLE.multiply(1, x),
    "FiniteGroup.conjugate(x, 1)": lambda x: CYCLE.conjugate(x, 1),
    "FiniteGroup.conjugate(1, x)": lambda x: CYCLE.conjugate(1, x),
    "FiniteGroup.power(x, 2)": lambda x: CYCLE.power(x, 2),
    "FiniteGroup.power(1, x)": lambda x: CYCLE.power(1, x),
    "FiniteGroup.generate(x)": CYCLE.generate,
    "FiniteGroup.numbers_of(x)": CYCLE.numbers_of,
    "FiniteGroup.elements_of(x)": CYCLE.elements_of,
    "FiniteGroup.subgroup(x)": CYCLE.subgroup,
    "FiniteGroup.subgroup(x) of matrices": PLANE.subgroup,
    "FiniteGroup.subgroup_from_mask(x)": CYCLE.subgroup_from_mask,
    "Subgroup.conjugate(x)": HALF.conjugate,
    "Subgroup.conjugates(x)": HALF.conjugates,
    "Subgroup.normalizer(x)": HALF.normalizer,
    "Subgroup.centralizer(x)": HALF.centralizer,
    "Subgroup.intersection(x)": HALF.intersection,
    "Subgroup.transversal(x)": HALF.transversal,
    "Subgroup.left_cosets(x)": HALF.left_cosets,
    "Subgroup.quotient(x)": HALF.quotient,
    "x in Subgroup": lambda x: x in HALF,
    "PointGroup.subgroup(x)": CUBE.subgroup,
    "PointGroup.subgroup_class(x)": CUBE.subgroup_class,
    "PointGroup.label_of(x)": CUBE.label_of,
    "PointGroup.symbol_of(x)": CUBE.symbol_of,
    "PointGroup.rotated(x)": CUBE.rotated,
    "PointGroup.from_matrices(x)": sbs.PointGroup.from_matrices,
    "PointGroup.from_matrices(tolerance=x)": lambda x: sbs.PointGroup.from_matrices(CUBE.matrices, x),
    "PointGroup.multiply(x, 1)": lambda x: CUBE.multiply(x, 1),
    "PointGroup.power(x, 2)": lambda x: CUBE.power(x, 2),
    "PointGroup.numbers_of(x)": CUBE.numbers_of,
    "PointGroup.elements_of(x)": CUBE.elements_of,
    "PointGroup.character_table[x]": lambda x: CHARACTERS[x],
    "ClosedGroup.rotated(x)": AXIS.rotated,
    "ClosedGroup.contains(x)": AXIS.contains,
    "ClosedGroup.contains(tolerance=x)": lambda x: AXIS.contains(np.eye(3), x),
    "ClosedGroup.sample(x)": AXIS.sample,
    "ClosedGroup.sample(seed=x)": lambda x: AXIS.sample(1, x),
    "ClosedGroup.axial_subgroup(x)": AXIS.axial_subgroup,
    "ClosedGroup.label_of(x)": AXIS.label_of,
    "MinimalSet.sample(x)": CIRCLE.sample,
    "MinimalSet.sample(seed=x)": lambda x: SET.sample(1, x),
    "MinimalSet.rotated(x)": SET.rotated,
    "MinimalSet.to_json(indent=x)": lambda x: SET.to_json(None, x),
    "GroupTable[x]": lambda x: TABLE[x],
    "GroupTable.sort(x)": TABLE.sort,
    "GroupTable.sort(reverse=x)": lambda x: TABLE.sort("order", x),
    "GroupTable.filter(x)": lambda x: TABLE.filter(x) if x is not len and x is not int else None,
    "GroupTable.filter(order=x)": lambda x: TABLE.filter(order=x),
    "GroupTable.filter(irreps=x)": lambda x: TABLE.filter(irreps=x),
    "GroupTable.to_json(indent=x)": lambda x: TABLE.to_json(None, x),
    "MinimalSet == x": partial(eq, SET),
    "PointGroup == x": partial(eq, CUBE),
    "Subgroup == x": partial(eq, HALF),
    "table == x": partial(eq, TABLE),
}
CUBIC = (4.0 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [55, 17])


def structure_calls():
    pytest.importorskip("spglib")
    patterns = sbs.distortions(CUBIC, "C4v")
    doubled = sbs.detect(CUBIC, supercell=(1, 1, 2))
    modes = sbs.modes(doubled)
    return {
        "detect(x)": sbs.detect,
        "detect(tolerance=x)": lambda x: sbs.detect(CUBIC, tolerance=x),
        "detect((x, positions, species))": lambda x: sbs.detect((x, *CUBIC[1:])),
        "detect((cell, x, species))": lambda x: sbs.detect((CUBIC[0], x, CUBIC[2])),
        "detect((cell, positions, x))": lambda x: sbs.detect((*CUBIC[:2], x)),
        "distortions(x, C4v)": lambda x: sbs.distortions(x, "C4v"),
        "distortions(crystal, x)": lambda x: sbs.distortions(CUBIC, x),
        "detect(periodic=x)": lambda x: sbs.detect(CUBIC, periodic=x),
        "detect(supercell=x)": lambda x: sbs.detect(CUBIC, supercell=x),
        "detect(origin=x)": lambda x: sbs.detect(CUBIC, origin=x),
        "minimal_set(crystal, x)": lambda x: sbs.minimal_set(sbs.detect(CUBIC), x),
        "minimal_set(crystal in supercell, x)": lambda x: sbs.minimal_set(doubled, x),
        "distortions(tolerance=x)": lambda x: sbs.distortions(CUBIC, "C4v", tolerance=x),
        "distortions(supercell=x)": lambda x: sbs.distortions(CUBIC, "C4v", supercell=x),
        "distortions.of_irrep(x)": patterns.of_irrep,
        "distortions.pattern(x)": patterns.pattern,
        "distortions.domain_states(x)": patterns.domain_states,
        "modes(x)": sbs.modes,
        "modes(tolerance=x)": lambda x: sbs.modes(doubled, tolerance=x),
        "modes[x]": lambda x: modes[x],
        "isotropy(x, label)": lambda x: sbs.isotropy(x, "X5+"),
        "isotropy(crystal, x)": lambda x: sbs.isotropy(doubled, x),
        "between(x, crystal)": lambda x: sbs.between(x, CUBIC),
        "between(tolerance=x)": lambda x: sbs.between(CUBIC, CUBIC, tolerance=x),
        "between(max_displacement=x)": lambda x: sbs.between(CUBIC, CUBIC, max_displacement=x),
        "between(supercell=x)": lambda x: sbs.between(CUBIC, CUBIC, supercell=x),
        "between(crystal, x)": lambda x: sbs.between(CUBIC, x),
    }


def calculation_calls():
    """Calls that need a potential; this one has no energy, so that none of them computes anything."""
    pytest.importorskip("spglib")
    base = pytest.importorskip("ase.calculators.calculator", reason="not installed: pip install 'sbs[relax]'").Calculator

    class Broken(base):
        implemented_properties = ("energy", "forces", "stress")

        def calculate(self, *_, **__):
            raise RuntimeError("no energy")

    def option(function, name):
        return lambda x: function(CUBIC, Broken(), **{name: x})

    names = {
        sbs.instabilities: ("step", "tolerance"),
        sbs.relax: ("pressure", "cell", "fmax", "steps", "tolerance"),
        sbs.descend: ("supercell", "share", "weakest", "depth", "expansions", "budget", "fmax", "step"),
    }
    calls = {(f.__name__, name): option(f, name) for f, options in names.items() for name in options}
    calls |= {(f.__name__, "crystal"): (lambda x, f=f: f(x, Broken())) for f in names}
    return calls | {(f.__name__, "calculator"): (lambda x, f=f: f(CUBIC, x)) for f in names}


def outcome(call, value):
    """None if all is well, else what went wrong."""
    try:
        call(value)
    except SymmetryBreakingError as error:
        return None if len(str(error)) >= 20 else f"says too little: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


@pytest.mark.parametrize("name", CALLS)
def test_only_errors_of_the_library_come_out(name):
    wrong = {odd: found for odd, value in ODD.items() if (found := outcome(CALLS[name], value))}
    assert wrong == {}


@pytest.mark.parametrize("name", ["detect", "distortions", "between", "minimal_set", "modes", "isotropy"])
def test_only_errors_of_the_library_come_out_of_structures(name):
    chosen = {call: function for call, function in structure_calls().items() if call.startswith(name)}
    wrong = {
        (call, odd): found
        for call, function in chosen.items()
        for odd, value in ODD.items()
        if (found := outcome(function, value))
    }
    assert wrong == {}


@pytest.mark.parametrize("name", ["instabilities", "relax", "descend"])
def test_only_errors_of_the_library_come_out_of_calculations(name):
    wrong = {
        (call, odd): found
        for call, function in calculation_calls().items()
        if call[0] == name
        for odd, value in list(ODD.items())[::3]
        if (found := outcome(function, value))
    }
    assert wrong == {}


def test_the_sweep_is_large_and_sees_what_is_wrong():
    assert len(CALLS) * len(ODD) > 3000
    assert outcome(lambda x: np.linalg.inv(x), np.zeros((3, 3))).startswith("LinAlgError")
    assert outcome(lambda x: real_array(x, "numbers"), 1j) is None

    def terse(x):
        raise SymmetryBreakingError("bad")

    assert "too little" in outcome(terse, 0)


#: Calls that must be refused, whatever else is accepted: none of these values can mean anything there.
REFUSED = {
    "minimal_set(exact=x)": ["zero", "text", "None", "array of truth values"],
    "minimal_set(lmax=x)": ["True", "half", "minus one", "infinity", "text"],
    "minimal_set(x)": ["set of objects", "table", "row", "permutation group", "4x4", "shears", "lattice matrices", "zero"],
    "minimal_set(Oh, x)": ["set of objects", "permutation group", "its class", "row", "zero", "one matrix"],
    "point_group(x)": ["None", "True", "NaN matrices", "complex matrices", "shears", "irrational turn", "endless"],
    "FiniteGroup.from_matrices(tolerance=x)": ["zero", "minus one", "NaN", "infinity", "True", "text", "huge"],
    "FiniteGroup.from_table(x)": ["half", "array of text", "vector", "ragged list", "None"],
    "FiniteGroup.multiply(x, 1)": ["minus one", "half", "True", "huge", "large numbers", "None", "text"],
    "FiniteGroup.power(1, x)": ["half", "True", "infinity", "None"],
    "FiniteGroup.subgroup_from_mask(x)": ["range", "array of truth values", "list of text", "None"],
    "PointGroup.rotated(x)": ["shear", "array of zeros", "NaN matrices", "complex", "None", "2x2"],
    "ClosedGroup.rotated(x)": ["shear", "array of zeros", "NaN matrices", "None"],
    "ClosedGroup.contains(x)": ["shear", "array of zeros", "NaN matrices", "complex matrices", "text"],
    "MinimalSet.rotated(x)": ["shear", "array of zeros", "NaN matrices", "complex", "None", "vector"],
    "MinimalSet.sample(x)": ["True", "half", "minus one", "huge", "text", "None"],
    "MinimalSet.sample(seed=x)": ["True", "half", "minus one", "text", "None", "range"],
    "representation(2e, x)": ["one matrix", "shears", "complex matrices", "NaN matrices", "4x4", "None"],
    "representation(x, matrices)": ["empty text", "text", "zero", "None", "range", "long text"],
    "GroupTable[x]": ["True", "half", "huge", "None", "text", "empty list"],
    "GroupTable.sort(x)": ["None", "text", "zero"],
    "Subgroup.conjugate(x)": ["minus one", "half", "None", "huge"],
    "Subgroup.normalizer(x)": ["zero", "subgroup", "text"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_nonsense_is_refused(name):
    for odd in REFUSED[name]:
        with pytest.raises(SymmetryBreakingError):
            CALLS[name](ODD[odd])
            pytest.fail(f"{name} took {odd}", pytrace=False)


def test_every_kind_of_error_says_what_was_given():
    """The value, or its shape, stands in the message: nobody is to look for it."""
    silent = Counter()
    for name, value in (("text", "no such thing"), ("huge", str(10**30)), ("half", "0.5"), ("minus one", "-1")):
        for call in REFUSED:
            try:
                CALLS[call](ODD[name])
            except SymmetryBreakingError as error:
                if value not in str(error):
                    silent[call, str(error)] += 1
    assert not silent
