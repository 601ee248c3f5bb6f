"""Character tables of finite groups, exactly: Burnside's class matrices, solved in numbers and proved modulo a prime.

With the structure constants a_rst of the class algebra (a_rst counts the x in class r and y in class s with x y equal to a
fixed z in class t) every irreducible character chi gives a common eigenvector of the matrices M_r = (a_rst)_st::

    M_r w = w_r w,        w_s = |C_s| chi(C_s) / chi(1).

One combination B of the M_r with fixed pseudo-random coefficients has k different eigenvalues, so that its eigenvectors are
the w. Weighted by the square roots of the class sizes B is normal, and floating point finds them to 1e-12. The eigenvalue
multiplicities of every element follow by a Fourier transform over its powers and are rounded to the integers that they are.

What is rounded is then proved, as J. D. Dixon does it (Numerische Mathematik 10, 446 (1967)): over the field F_p with p = 1
modulo the exponent e of the group, which holds the e-th roots of unity, the integers give vectors that B multiplies by
different numbers. As the M_r commute with B, these are the eigenvectors of all of them. A value is a list of multiplicities m_k,
and chi(g) = sum_k m_k exp(2 pi i k / e).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sbs.groups.abstract.immutability import frozen
from sbs.groups.abstract.modular import smallest_prime_factor

__all__ = ["CharacterTable", "GroupWithClasses", "character_table", "class_constants"]

IntArray = NDArray[np.signedinteger]

#: Multiplicities are integers; those found lie within 1e-10 of one, and what is further off than this is none.
_INTEGER_TOLERANCE = 1e-3

#: Combinations of class matrices that are tried: one is enough, unless two of its eigenvalues happen to agree.
_ATTEMPTS = 8

#: Size of the coefficients of the combination, and of the prime: sums of k products of two residues fit into 64 bits.
_COEFFICIENTS = 1 << 16
_SMALLEST_PRIME = 1 << 20


class GroupWithClasses(Protocol):
    """What a group must offer: a Cayley table, inverses, element orders and element classes (identity first)."""

    @property
    def order(self) -> int | float: ...
    @property
    def table(self) -> NDArray[np.integer]: ...
    @property
    def element_orders(self) -> NDArray[np.integer]: ...
    @property
    def element_classes(self) -> Sequence[NDArray[np.integer]]: ...
    @property
    def class_of(self) -> NDArray[np.integer]: ...


@dataclass(frozen=True, eq=False)
class CharacterTable:
    """The irreducible complex characters of a finite group.

    Attributes:
        exponent: e, the least common multiple of the element orders.
        multiplicities: int (k, k, e) for k classes; [i, c, j] is how often exp(2 pi i j / e) is an eigenvalue of an
            element of class c in irreducible representation i. Trivial character first, then by rising dimension, ties
            by falling multiplicity vectors.
        class_sizes: int (k,).
        power_map: int (k, e); [c, n] is the class of the n-th power of an element of class c.
    """

    exponent: int
    multiplicities: IntArray
    class_sizes: IntArray
    power_map: IntArray

    def __post_init__(self) -> None:
        for array in (self.multiplicities, self.class_sizes, self.power_map):
            frozen(array)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CharacterTable):
            return NotImplemented
        return (
            self.exponent == other.exponent
            and np.array_equal(self.multiplicities, other.multiplicities)
            and np.array_equal(self.class_sizes, other.class_sizes)
            and np.array_equal(self.power_map, other.power_map)
        )

    def __hash__(self) -> int:
        return hash((self.exponent, self.multiplicities.tobytes()))

    @property
    def dimensions(self) -> IntArray:
        """int (k,): the dimension of each irreducible representation."""
        return np.asarray(self.multiplicities[:, 0, 0])

    @property
    def conjugates(self) -> IntArray:
        """int (k,): number of the complex conjugate of each character (itself when the character is real)."""
        reversed_powers = (-np.arange(self.exponent)) % self.exponent
        number = {row.tobytes(): i for i, row in enumerate(self.multiplicities)}
        return np.array([number[row[:, reversed_powers].tobytes()] for row in self.multiplicities])

    @cached_property
    def values(self) -> NDArray[np.complex128]:
        """complex128 (k, k), read-only: row i is character i, column c is class c."""
        angles = 2 * np.pi * np.arange(self.exponent) / self.exponent
        return frozen(np.array([row @ np.exp(1j * angles) for row in self.multiplicities]))

    def frobenius_schur(self) -> IntArray:
        """int (k,): 1 for a real representation, 0 for a complex one, -1 for a quaternionic one.

        The indicator is (1/|G|) sum_g chi(g^2) (Frobenius and Schur 1906); evaluated in integers, because the sum
        is rational and only the multiplicity vectors are added.
        """
        weights = np.zeros_like(self.class_sizes)
        np.add.at(weights, self.power_map[:, 2 % self.exponent], self.class_sizes)
        total = np.array([weights @ row for row in self.multiplicities])
        values = total @ np.exp(2j * np.pi * np.arange(self.exponent) / self.exponent)
        return np.rint(values.real / self.class_sizes.sum()).astype(np.int64)


def character_table(group: GroupWithClasses) -> CharacterTable:
    """Compute the character table of a finite group; exact, and the same on every machine.

    Columns follow ``group.element_classes``. Cost: O(k |G|) to combine the class matrices, O(k^3) to solve them, and
    O(k^2 e log e) for the multiplicities, for k classes and the exponent e.
    """
    sizes = np.array([len(members) for members in group.element_classes], dtype=np.int64)
    exponent = math.lcm(*(int(order) for order in group.element_orders))
    powers = _power_map(group, exponent)
    prime = _dixon_prime(len(sizes), exponent)
    rng = np.random.default_rng(0)
    for _ in range(_ATTEMPTS):
        matrix = _combined(group, rng.integers(1, _COEFFICIENTS, size=len(sizes)))
        rows = _multiplicities(matrix.astype(np.float64), sizes, powers, exponent)
        if rows is not None and _is_proved(matrix, rows, sizes, exponent, prime):
            top = rows.max()
            order = sorted(range(len(rows)), key=lambda i: (rows[i, 0, 0], (top - rows[i]).astype(">u4").tobytes()))
            return CharacterTable(exponent, rows[order], sizes, powers)
    raise AssertionError("no combination of class matrices separates the characters")  # excluded by their independence


def class_constants(group: GroupWithClasses) -> IntArray:
    """Structure constants of the class algebra: int (k, k, k), [r, s, t] counts x in r, y in s with x y = z in t."""
    count = len(group.element_classes)
    class_of = np.asarray(group.class_of)
    table = np.asarray(group.table)
    constants = np.zeros((count, count, count), dtype=np.int64)
    for t, members in enumerate(group.element_classes):
        z = int(members[0])
        # For each x the y with x y = z is the column of z in row x.
        y = np.argmax(table == z, axis=1)
        np.add.at(constants[:, :, t], (class_of, class_of[y]), 1)
    return constants


def _power_map(group: GroupWithClasses, exponent: int) -> IntArray:
    table = np.asarray(group.table)
    first = np.array([int(members[0]) for members in group.element_classes])
    powers = np.zeros((len(first), exponent), dtype=np.int64)
    current = np.zeros_like(first)  # the identity has index 0
    for n in range(exponent):
        powers[:, n] = np.asarray(group.class_of)[current]
        current = table[current, first]
    return powers


def _dixon_prime(classes: int, exponent: int) -> int:
    candidate = max(_SMALLEST_PRIME, classes) // exponent * exponent + 1
    while candidate < _SMALLEST_PRIME or smallest_prime_factor(candidate) < candidate:
        candidate += exponent
    return candidate


def _combined(group: GroupWithClasses, coefficients: IntArray) -> IntArray:
    """The sum of c_r M_r, int (k, k): [s, t] adds c_r over the x with x y = z, y in s and z the first element of class t."""
    class_of = np.asarray(group.class_of)
    weights = coefficients[class_of]
    result = np.zeros((len(coefficients), len(coefficients)), dtype=np.int64)
    table = np.asarray(group.table)
    for t, members in enumerate(group.element_classes):
        y = np.argmax(table == int(members[0]), axis=1)
        np.add.at(result[:, t], class_of[y], weights)
    return result


def _multiplicities(matrix: NDArray[np.float64], sizes: IntArray, powers: IntArray, exponent: int) -> IntArray | None:
    """m_k(s) = (1/e) sum_n chi(g_s^n) exp(-2 pi i k n / e), int (k, k, e), for all characters; None if they are no integers."""
    roots = np.sqrt(sizes)
    vectors = np.linalg.eig(matrix / roots[:, None] * roots)[1]
    if np.abs(vectors[0]).min() == 0:
        return None
    # Columns with first entry 1 are w_s / sqrt |C_s|, whose squares add up to |G| / chi(1)^2.
    scaled = vectors / vectors[0]
    degrees = np.sqrt(sizes.sum() / (np.abs(scaled) ** 2).sum(axis=0))
    values = (scaled * degrees / roots[:, None]).T
    rows = np.empty((len(sizes), len(sizes), exponent), dtype=np.int32)
    for row, character in zip(rows, values, strict=True):
        found = np.fft.fft(character[powers], axis=1) / exponent
        row[...] = np.rint(found.real)
        if np.abs(found - row).max() > _INTEGER_TOLERANCE:
            return None
    return rows


def _is_proved(matrix: IntArray, rows: IntArray, sizes: IntArray, exponent: int, prime: int) -> bool:
    """Whether the vectors w that the multiplicities give modulo p are eigenvectors, with different eigenvalues."""
    root = _root_of_unity(exponent, prime)
    roots = np.array([pow(root, n, prime) for n in range(exponent)])
    degrees = rows[:, 0, 0]
    if (degrees < 1).any() or (degrees**2).sum() != sizes.sum():
        return False
    values = np.array([row @ roots for row in rows]) % prime
    inverse = np.array([pow(int(degree), -1, prime) for degree in degrees])
    vectors = values * sizes % prime * inverse[:, None] % prime
    images = vectors @ (matrix % prime).T % prime
    eigenvalues = images[:, 0]  # the first entry of w is 1
    same = images == eigenvalues[:, None] * vectors % prime
    return bool(same.all()) and len(np.unique(eigenvalues)) == len(rows)


def _root_of_unity(exponent: int, prime: int) -> int:
    divisors = [d for d in range(1, exponent) if exponent % d == 0]
    for base in range(1, prime):
        root = pow(base, (prime - 1) // exponent, prime)
        if all(pow(root, d, prime) != 1 for d in divisors):
            return root
    raise AssertionError(f"F_{prime} has no element of order {exponent}")  # excluded by the choice of the prime
