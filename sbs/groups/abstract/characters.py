"""Character tables of finite groups, exactly, by the Burnside-Dixon algorithm.

Source: J. D. Dixon, "High speed computation of group characters", Numerische Mathematik 10, 446 (1967); the class
matrices and their common eigenvectors are Burnside's. With the structure constants a_rst of the class algebra
(a_rst counts the x in class r and y in class s with x y equal to a fixed z in class t) every irreducible character
chi gives a common eigenvector of the matrices M_r = (a_rst)_st::

    M_r w = w_r w,        w_s = |C_s| chi(C_s) / chi(1).

Dixon solves this over the prime field F_p, where p = 1 modulo the exponent e of the group and p > 2 sqrt(|G|); the
field then holds the e-th roots of unity, and the eigenvalue multiplicities of every element, which are integers
between 0 and chi(1), come out unambiguously. Nothing is rounded: a value is a list of multiplicities m_k, and
chi(g) = sum_k m_k exp(2 pi i k / e).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sbs.groups.abstract.immutability import frozen
from sbs.groups.abstract.modular import kernel, row_echelon, smallest_prime_factor

__all__ = ["CharacterTable", "GroupWithClasses", "character_table", "class_constants"]

IntArray = NDArray[np.int64]


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
        conjugate = self.multiplicities[:, :, reversed_powers]
        return np.array([self._find(row) for row in conjugate])

    @property
    def values(self) -> NDArray[np.complex128]:
        """complex128 (k, k): row i is character i, column c is class c."""
        angles = 2 * np.pi * np.arange(self.exponent) / self.exponent
        return np.asarray(self.multiplicities @ np.exp(1j * angles))

    def frobenius_schur(self) -> IntArray:
        """int (k,): 1 for a real representation, 0 for a complex one, -1 for a quaternionic one.

        The indicator is (1/|G|) sum_g chi(g^2) (Frobenius and Schur 1906); evaluated in integers, because the sum
        is rational and only the multiplicity vectors are added.
        """
        squares = self.multiplicities[:, self.power_map[:, 2 % self.exponent], :]
        total = np.einsum("c,ice->ie", self.class_sizes, squares)
        values = total @ np.exp(2j * np.pi * np.arange(self.exponent) / self.exponent)
        return np.rint(values.real / self.class_sizes.sum()).astype(np.int64)

    def _find(self, rows: IntArray) -> int:
        hits = np.flatnonzero((self.multiplicities == rows).all(axis=(1, 2)))
        return int(hits[0])


def character_table(group: GroupWithClasses) -> CharacterTable:
    """Compute the character table of a finite group; exact, and the same on every machine.

    Columns follow ``group.element_classes``. Cost: O(p k^4) field operations for k classes and a prime p of the
    size of twice the exponent, which is milliseconds for every point group of order up to some hundreds.
    """
    sizes = np.array([len(members) for members in group.element_classes], dtype=np.int64)
    exponent = math.lcm(*(int(order) for order in group.element_orders))
    powers = _power_map(group, exponent)
    prime = _dixon_prime(int(group.order), exponent)
    inverse_class = powers[:, exponent - 1]
    rows = []
    for vector in _common_eigenvectors(class_constants(group), prime):
        residues = _character_mod_p(vector, sizes, inverse_class, int(group.order), prime)
        rows.append(_lift(residues, powers, exponent, prime))
    rows.sort(key=lambda m: (m[0, 0], (-m).tolist()))
    return CharacterTable(exponent, np.array(rows, dtype=np.int64), sizes, powers)


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


def _dixon_prime(order: int, exponent: int) -> int:
    bound = 2 * math.isqrt(order)
    candidate = exponent + 1
    while candidate <= bound or smallest_prime_factor(candidate) < candidate:
        candidate += exponent
    return candidate


def _common_eigenvectors(matrices: IntArray, prime: int) -> list[IntArray]:
    """Split F_p^k into the common eigenlines of the class matrices; each as a vector with first entry 1."""
    count = len(matrices)
    spaces: list[IntArray] = [np.eye(count, dtype=np.int64)]  # rows span
    for matrix in matrices[1:]:
        if len(spaces) == count:
            break
        spaces = [part for space in spaces for part in _eigenspaces(matrix, space, prime)]
    return [space[0] * pow(int(space[0, 0]), -1, prime) % prime for space in spaces]


def _eigenspaces(matrix: IntArray, space: IntArray, prime: int) -> list[IntArray]:
    """Split an invariant row space into eigenspaces of w -> matrix @ w; works in the coordinates of the space."""
    if len(space) == 1:
        return [space]
    rows, pivots = row_echelon(space, prime)
    reduced = rows[: len(pivots)]
    image = (matrix @ reduced.T).T % prime
    action = image[:, pivots]  # row i: coordinates of the image of basis vector i, as the space is invariant
    parts = []
    found = 0
    for eigenvalue in range(prime):
        fixed = kernel((action - eigenvalue * np.eye(len(space), dtype=np.int64)).T, prime)
        if len(fixed):
            parts.append(fixed @ reduced % prime)
            found += len(fixed)
            if found == len(space):
                break
    return parts


def _character_mod_p(vector: IntArray, sizes: IntArray, inverse_class: IntArray, order: int, prime: int) -> IntArray:
    """From the eigenvector w to chi(C_s) = chi(1) w_s / |C_s| modulo p; chi(1)^2 = |G| / sum_s w_s w_s' / |C_s|."""
    inverse_sizes = np.array([pow(int(size), -1, prime) for size in sizes])
    norm = int((vector * vector[inverse_class] % prime * inverse_sizes % prime).sum()) % prime
    square = order * pow(norm, -1, prime) % prime
    degree = next(d for d in range(1, math.isqrt(order) + 1) if d * d % prime == square)
    return degree * vector % prime * inverse_sizes % prime


def _lift(residues: IntArray, powers: IntArray, exponent: int, prime: int) -> IntArray:
    """Eigenvalue multiplicities m_k(s) = (1/e) sum_n chi(g_s^n) z^(-k n), z an e-th root of unity in F_p: int (k, e)."""
    root = _root_of_unity(exponent, prime)
    exponents = np.outer(np.arange(exponent), np.arange(exponent)) % exponent
    inverse_powers = np.array([pow(root, -n, prime) for n in range(exponent)])
    kernel = inverse_powers[exponents]  # [n, k] = z^(-k n)
    sums = residues[powers] @ kernel % prime
    return np.asarray(sums * pow(exponent, -1, prime) % prime)


def _root_of_unity(exponent: int, prime: int) -> int:
    divisors = [d for d in range(1, exponent) if exponent % d == 0]
    for base in range(1, prime):
        root = pow(base, (prime - 1) // exponent, prime)
        if all(pow(root, d, prime) != 1 for d in divisors):
            return root
    raise AssertionError(f"F_{prime} has no element of order {exponent}")  # excluded by the choice of the prime
