"""The gate: what users hand over is checked here, once, and is trusted afterwards.

Numbers, switches, tolerances, seeds, lists and arrays of any kind come in; plain Python values and float64 or integer arrays
go out, or an error of the library that says what was given and what was expected.  Nothing is converted silently: no string
becomes a number, no imaginary part is dropped, no truth value stands for 1, no float is cut to an integer.  Rotations of space
are checked in `sbs.groups.point.rotations`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from sbs.errors import InvalidGroupError

__all__ = [
    "MAX_NUMBERS",
    "MAX_TOLERANCE",
    "as_array",
    "as_list",
    "check_bool",
    "check_count",
    "check_integer",
    "check_matrices",
    "check_numbers",
    "check_permutations",
    "check_real",
    "check_seed",
    "check_table",
    "check_tolerance",
    "real_array",
    "shown",
]

#: Distinct elements of an orthogonal group of order n differ by about 2π/n in some entry; a tolerance above this would take the
#: elements of small groups for one another.
MAX_TOLERANCE = 0.1

#: Float64 numbers that one call may make, 0.8 gigabytes.
MAX_NUMBERS = 100_000_000

#: Longest list that is read from something that can only be gone through one by one, and may never end.
_MAX_LENGTH = 1_000_000

#: Characters of a value that a message quotes.
_QUOTED = 120

#: Largest entry of a matrix of an element of finite order that is taken seriously, in any basis.
_LARGEST_ENTRY = 1e9


def shown(value: Any) -> str:
    """A value as a message quotes it: its type and, where it is short, itself."""
    if isinstance(value, np.ndarray) and value.size > 9:
        return f"an array of shape {value.shape} and type {value.dtype}"
    try:
        text = " ".join(repr(value).split())
    except Exception:  # the value is the user's, so is its __repr__
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}..."


def check_bool(value: Any, name: str) -> bool:
    """True or False and nothing else: neither 1 nor "no".

    Raises:
        InvalidGroupError: anything else.
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise InvalidGroupError(f"{name} must be True or False, got {shown(value)}")


def check_integer(value: Any, name: str, low: int | None = 0, high: int | None = None) -> int:
    """An integer of Python or numpy within bounds, both included; no truth value, no float.

    Raises:
        InvalidGroupError: anything else.
    """
    if low is None:
        bounds = "an integer"
    else:
        bounds = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
        bounds = "a non-negative integer" if (low, high) == (0, None) else bounds
    if isinstance(value, (bool, np.bool_)):
        raise InvalidGroupError(f"{name} must be {bounds}, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidGroupError(f"{name} must be {bounds}, got {shown(value)}") from None
    if (low is not None and number < low) or (high is not None and number > high):
        raise InvalidGroupError(f"{name} must be {bounds}, got {shown(value)}")
    return number


def check_count(value: Any, name: str, width: int) -> int:
    """How many things to make, where each takes ``width`` numbers: an integer from 0 up to what memory is meant to hold.

    Raises:
        InvalidGroupError: no such integer, or too many at once.
    """
    number = check_integer(value, name)
    if number * width > MAX_NUMBERS:
        raise InvalidGroupError(
            f"{name} is {shown(number)}, which takes {number * width:.1e} numbers, more than {MAX_NUMBERS:.0e} at once; "
            f"ask for at most {MAX_NUMBERS // width} at a time"
        )
    return number


def check_tolerance(value: Any, name: str = "tolerance", high: float = MAX_TOLERANCE) -> float:
    """A positive finite real number up to ``high``.

    Raises:
        InvalidGroupError: anything else.
    """
    number = _real(value)
    if not 0.0 < number <= high:
        raise InvalidGroupError(f"{name} must be a positive number of at most {high:g}, got {shown(value)}")
    return number


def check_real(value: Any, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite real number within bounds, both included; no truth value, no text.

    Raises:
        InvalidGroupError: anything else.
    """
    number = _real(value)
    if not (math.isfinite(number) and low <= number <= high):
        bounds = "" if math.isinf(low) and math.isinf(high) else f" from {low:g} to {high:g}".replace(" to inf", " on")
        raise InvalidGroupError(f"{name} must be a finite number{bounds}, got {shown(value)}")
    return number


def _real(value: Any) -> float:
    """A value as a float, NaN if it is no real number."""
    if isinstance(value, (bool, np.bool_, str, bytes)) or getattr(value, "shape", ()) != ():
        return math.nan
    try:
        return float(value)
    except Exception:  # the value is the user's, and so is what its conversion raises
        return math.nan


def check_seed(seed: Any) -> np.random.Generator:
    """A generator of random numbers from a non-negative integer, or the one that is given.

    Raises:
        InvalidGroupError: anything else. None is refused as well: two runs would differ.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    try:
        return np.random.default_rng(check_integer(seed, "seed"))
    except InvalidGroupError:
        raise InvalidGroupError(
            f"seed must be a non-negative integer or a numpy.random.Generator, got {shown(seed)}"
        ) from None


def as_list(values: Any, what: str) -> list[Any]:
    """The members of anything that can be gone through and ends; a set of numbers by rising order.

    Args:
        values: list, tuple, range, array, set, generator ...; neither text nor a mapping.
        what: what is expected, for the message.

    Raises:
        InvalidGroupError: it cannot be gone through, or does not end.
    """
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise InvalidGroupError(f"expected {what}, got {shown(values)}")
    try:
        members = list(islice(iter(values), _MAX_LENGTH + 1))
        if isinstance(values, (set, frozenset)):
            members.sort()
    except Exception as error:  # the iterator is the user's
        raise InvalidGroupError(f"expected {what}, got {shown(values)}: {error}") from None
    if len(members) > _MAX_LENGTH:
        raise InvalidGroupError(f"expected {what}; {shown(values)} did not end after {_MAX_LENGTH} of them")
    return members


def as_array(values: Any, what: str) -> np.ndarray:
    """What users hand over as an array, of whatever type and shape.

    Raises:
        InvalidGroupError: rows of different length, text among the entries, or nothing that can be gone through.
    """
    try:
        array = np.asarray(values if hasattr(values, "__array__") else as_list(values, what))
    except InvalidGroupError:
        raise
    except Exception as error:  # rows of different length, or whatever an __array__ of somebody else raises
        raise InvalidGroupError(f"expected {what}, got {shown(values)}: {error}") from None
    if array.dtype.kind == "O" and any(isinstance(entry, (str, bytes)) for entry in array.ravel()[:_MAX_LENGTH]):
        raise InvalidGroupError(f"expected {what}, got text among the numbers: {shown(values)}")
    return array


def real_array(values: Any, what: str) -> np.ndarray:
    """A fresh float64 array of finite real numbers, of whatever shape.

    Args:
        values: nested lists, an array, a tensor, exact numbers of sympy ...
        what: what is expected, for the message, for example "matrices of shape (k, 3, 3)".

    Raises:
        InvalidGroupError: complex numbers, text, truth values, rows of different length, NaN, infinity.
    """
    array = as_array(values, what)
    if array.dtype.kind == "c":
        raise InvalidGroupError(f"expected {what} of real numbers, got complex ones; give the real part if that is meant")
    if array.dtype.kind not in "iufO":
        raise InvalidGroupError(f"expected {what} of real numbers, got {shown(values)}")
    try:
        # numpy reads None as NaN and the text "1.5" as a number.
        if array.dtype.kind == "O" and any(entry is None for entry in array.ravel()):
            raise TypeError
        array = np.array(array, dtype=np.float64)
    except Exception:  # an entry that is no real number: None, a list, an object of somebody else
        raise InvalidGroupError(f"expected {what} of real numbers, got {shown(values)}") from None
    if not np.isfinite(array).all():
        raise InvalidGroupError(f"expected {what}, got NaN or infinite entries")
    return array


def check_matrices(matrices: Any, size: int | None = None) -> np.ndarray:
    """Validated float64 copy ``(k, d, d)`` of a stack of finite square matrices.

    Args:
        matrices: anything that makes such an array.
        size: d, where it is known.

    Raises:
        InvalidGroupError: empty, wrong shape, not real numbers, NaN or infinite.
    """
    d = "d" if size is None else str(size)
    array = real_array(matrices, f"matrices of shape (k, {d}, {d})")
    if array.ndim == 0:
        raise InvalidGroupError(f"expected matrices of shape (k, {d}, {d}), got the number {shown(matrices)}")
    if array.size == 0:
        raise InvalidGroupError(f"no matrices were given (shape {array.shape}); the trivial group is [identity]")
    if array.ndim == 2 and array.shape[0] == array.shape[1] and size in (None, len(array)):
        raise InvalidGroupError(
            f"expected a stack of matrices of shape (k, {d}, {d}), got a single one of shape {array.shape}; give [matrix]"
        )
    if array.ndim != 3 or array.shape[1] != array.shape[2] or size not in (None, array.shape[1]):
        affine = "; of affine (4, 4) matrices give the linear part [:, :3, :3]" if array.shape[1:] == (4, 4) else ""
        raise InvalidGroupError(f"expected matrices of shape (k, {d}, {d}), got shape {array.shape}{affine}")
    if np.abs(array).max() > _LARGEST_ENTRY:
        raise InvalidGroupError(
            f"a matrix has an entry of {np.abs(array).max():.1e}; matrices of finite order have none beyond {_LARGEST_ENTRY:g}"
        )
    return array


def check_permutations(generators: Any) -> np.ndarray:
    """Validated integers ``(k, d)``: each row the images of 0 .. d - 1 under a permutation.

    Raises:
        InvalidGroupError: no generators, unequal lengths, or a row that is no permutation.
    """
    expected = "permutations, each the images of 0 .. d-1 as integers, all of one length d"
    rows = [as_array(row, expected) for row in as_list(generators, expected)]
    if not rows:
        raise InvalidGroupError(
            "no generators were given; the trivial group of degree d is from_permutations([range(d)])"
        )
    degree = rows[0].size
    if not degree or any(row.ndim != 1 or row.dtype.kind not in "iu" or len(row) != degree for row in rows):
        raise InvalidGroupError(f"expected {expected}, got {shown(generators)}")
    stacked = np.array(rows)
    wrong = np.flatnonzero((np.sort(stacked, 1) != np.arange(degree)).any(1))
    if len(wrong):
        images = stacked[wrong[0]].tolist()[:20]
        raise InvalidGroupError(f"generator {wrong[0]} is not a permutation of 0..{degree - 1}: {images}")
    return stacked


def check_numbers(values: Any, order: int, what: str = "element numbers") -> np.ndarray:
    """Integers within 0 .. order - 1, as intp of the shape given; a single one may come by itself.

    Raises:
        InvalidGroupError: floats, truth values, text, or numbers outside the range.
    """
    array = np.asarray(values) if isinstance(values, (int, np.integer, np.ndarray)) else as_array(values, what)
    if array.size == 0:
        return np.zeros(array.shape, dtype=np.intp)
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= order:
        raise InvalidGroupError(f"{what} of a group of order {order} are integers in 0..{order - 1}, got {shown(values)}")
    return array.astype(np.intp, copy=False)


def check_table(table: Any, limit: int) -> np.ndarray:
    """Validated Cayley table ``(n, n)`` of integers 0 .. n - 1 with element 0 as the identity.

    Closure, identity, the Latin-square property and associativity (Light's test on generators) are checked.

    Raises:
        InvalidGroupError: the table is no group, its identity is not element 0, or it is over ``limit``.
    """
    raw = as_array(table, "a Cayley table, a square array of integers")
    if raw.ndim != 2 or raw.shape[0] != raw.shape[1] or raw.shape[0] == 0:
        raise InvalidGroupError(f"a Cayley table is a non-empty square array, got {shown(table)} of shape {raw.shape}")
    if raw.dtype.kind not in "iu":
        raise InvalidGroupError(f"a Cayley table holds integers, got dtype {raw.dtype}")
    order = len(raw)
    if order > limit:
        raise InvalidGroupError(f"a Cayley table of order {order} is over the limit {limit}; use from_permutations")
    numbers = np.arange(order)
    if raw.min() < 0 or raw.max() >= order:
        raise InvalidGroupError(f"entries of a Cayley table of order {order} lie in 0..{order - 1}")
    if not (np.array_equal(raw[0], numbers) and np.array_equal(raw[:, 0], numbers)):
        raise InvalidGroupError("element 0 must be the identity: the first row and column must read 0, 1, 2, ...")
    if (np.sort(raw, 0) != numbers[:, None]).any() or (np.sort(raw, 1) != numbers).any():
        raise InvalidGroupError("every row and column of a Cayley table must hold each element once")
    small = raw.astype(np.uint16 if order <= 1 << 16 else np.uint32)
    reached = np.zeros(order, dtype=bool)
    reached[0] = True
    while not reached.all():
        generator = int(reached.argmin())
        # Light's test: elements g with (a g) b = a (g b) for all a, b are closed under products.
        if not np.array_equal(small[small[:, generator]], small[:, small[generator]]):
            raise InvalidGroupError(
                f"the table is not associative: (a*{generator})*b differs from a*({generator}*b) for some a, b"
            )
        reached[generator] = True
        while True:
            members = np.flatnonzero(reached)
            products = small[np.ix_(members, members)]
            if reached[products].all():
                break
            reached[products] = True
    return small
