"""Elements of finite groups found among others by what they do, and the Cayley tables that follow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sbs.proof.claims import Elements, insist

__all__ = [
    "ELEMENT_TOLERANCE",
    "Law",
    "checked_matrices",
    "conjugated",
    "find",
    "find_matrices",
    "inverses_in",
    "real_numbers",
    "selected",
    "spanning",
]

IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

#: Largest entry by which products of matrices may miss an element. Groups are exact to 1e-14, and to 1e-9 after a turn.
ELEMENT_TOLERANCE = 1e-8


def checked_matrices(matrices: object, name: str) -> np.ndarray:
    """Finite orthogonal matrices, float64 (n, d, d) with n >= 1.

    Raises:
        CertificateError: they are not.
    """
    array = real_numbers(matrices, name)
    insist(array.ndim == 3 and len(array) and array.shape[1] == array.shape[2], f"{name} is given by square matrices")
    defect = np.abs(np.swapaxes(array, 1, 2) @ array - np.eye(array.shape[1])).max()
    insist(defect < ELEMENT_TOLERANCE, f"the matrices of {name} are orthogonal (off by {defect:.1e})")
    return array


def real_numbers(values: object, name: str) -> np.ndarray:
    """An array of finite real numbers, float64.

    Raises:
        CertificateError: it is none.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.array(None)
    insist(array.dtype.kind in "biuf" and np.isfinite(array).all(), f"{name} is given by finite real numbers")
    return array.astype(np.float64)


def find_matrices(matrices: np.ndarray, among: np.ndarray) -> IntArray:
    """Index in ``among`` of each orthogonal matrix, -1 where there is none."""
    # The trace of a^T b is largest where b = a.
    best = (matrices.reshape(len(matrices), -1) @ among.reshape(len(among), -1).T).argmax(1)
    return np.where(np.abs(matrices - among[best]).max((1, 2)) < ELEMENT_TOLERANCE, best, -1)


def find(wanted: Elements, among: Elements) -> IntArray:
    """Index in ``among`` of each element, -1 where there is none; both are given in the same way.

    Raises:
        CertificateError: they are given in different ways.
    """
    same = all((a is None) == (b is None) for a, b in zip(_parts(wanted), _parts(among), strict=True))
    insist(same and len(wanted) and len(among), "all groups of the claim are given in the same way")
    if among.numbers is not None:
        return _find_rows(np.asarray(wanted.numbers)[:, None], np.asarray(among.numbers)[:, None])
    if among.permutations is None:
        return find_matrices(np.asarray(wanted.matrices), np.asarray(among.matrices))
    rows = [_rows(e) for e in (wanted, among)]
    insist(rows[0].shape[1] == rows[1].shape[1], "all groups of the claim permute the same points")
    return _find_rows(*rows)


def _parts(elements: Elements) -> tuple[np.ndarray | None, ...]:
    return elements.matrices, elements.permutations, elements.numbers


def _rows(elements: Elements) -> np.ndarray:
    """Permutations with the matrices, rounded to the tolerance, as integers (n, points + entries)."""
    rows = np.asarray(elements.permutations, dtype=np.int64)
    if elements.matrices is None:
        return rows
    # Entries of different elements of a crystal's group differ by more than 1/10; half a step of the grid is never met.
    entries = np.round(np.asarray(elements.matrices).reshape(len(rows), -1) * 1e5).astype(np.int64)
    return np.concatenate([rows, entries], axis=1)


def _find_rows(wanted: np.ndarray, among: np.ndarray) -> IntArray:
    rows = [np.ascontiguousarray(part, dtype=np.int64) for part in (among, wanted)]
    number = {row.tobytes(): i for i, row in enumerate(rows[0])}
    return np.array([number.get(row.tobytes(), -1) for row in rows[1]], dtype=np.intp)


def selected(elements: Elements, indices: Sequence[int] | IntArray) -> Elements:
    """Some of the elements, by their indices."""
    return Elements(*(None if part is None else np.asarray(part)[indices] for part in _parts(elements)))


def composed(a: Elements, b: Elements, law: np.ndarray | None = None) -> Elements:
    """Products of one element ``a`` with each of ``b``."""
    if b.numbers is not None:
        return Elements(numbers=np.asarray(law)[np.asarray(a.numbers)[0], b.numbers])
    matrices = None if b.matrices is None else np.asarray(a.matrices)[0] @ b.matrices
    permutations = None if b.permutations is None else np.asarray(a.permutations)[0][b.permutations]
    return Elements(matrices, permutations)


def conjugated(movers: Elements, x: Elements, law: np.ndarray | None = None) -> Elements:
    """g x g^-1 of one element x, for every g of ``movers``."""
    if x.numbers is not None:
        table = np.asarray(law)
        products = table[movers.numbers, np.asarray(x.numbers)[0]]
        # y = g x g^-1 is the element with y g = g x: rows of a Cayley table are permutations.
        number = np.empty_like(products)
        columns = table[:, movers.numbers]
        number[:] = (columns == products).argmax(axis=0)
        return Elements(numbers=number)
    matrices = permutations = None
    if x.matrices is not None:
        g = np.asarray(movers.matrices)
        matrices = g @ np.asarray(x.matrices)[0] @ np.swapaxes(g, 1, 2)
    if x.permutations is not None:
        g = np.asarray(movers.permutations)
        permutations = np.empty_like(g)
        np.put_along_axis(
            permutations, g, np.take_along_axis(g, np.asarray(x.permutations)[[0]].repeat(len(g), 0), 1), 1
        )
    return Elements(matrices, permutations)


class Law:
    """The multiplication of a finite group that is given by its elements.

    Attributes:
        table: integers (n, n), the Cayley table. identity: the number of the identity.
        generators: numbers of elements that generate the group.
    """

    def __init__(self, elements: Elements, name: str, law: np.ndarray | None = None) -> None:
        """Multiply by a few generators, found by matching; all other products follow from associativity.

        Raises:
            CertificateError: a product is no element, or elements repeat.
        """
        count = len(elements)
        insist((find(elements, elements) == np.arange(count)).all(), f"the elements of {name} are distinct")
        left = np.full((count, count), -1, dtype=np.intp)
        self.identity = _identity(elements, name, law)
        left[self.identity] = np.arange(count)
        self.generators: list[int] = []
        for candidate in range(count):
            if left[candidate, 0] >= 0:
                continue
            row = find(composed(selected(elements, [candidate]), elements, law), elements)
            insist((row >= 0).all(), f"{name} is closed under multiplication")
            insist(len(np.unique(row)) == count, f"multiplication by an element of {name} loses none")
            self.generators.append(candidate)
            left[candidate] = row
            _complete(left, self.generators, self.identity)
        self.table: IntArray = left


def _identity(elements: Elements, name: str, law: np.ndarray | None) -> int:
    """Number of the element that is its own square."""
    for index in range(len(elements)):
        one = selected(elements, [index])
        if find(composed(one, one, law), one)[0] == 0:
            return index
    insist(False, f"{name} holds the identity")
    raise AssertionError


def _complete(left: IntArray, generators: list[int], identity: int) -> None:
    """Rows of all products of the generators: row of g h is that of g after that of h."""
    seen = np.zeros(len(left), dtype=bool)
    seen[identity] = True
    reached = [identity]
    for h in reached:
        for g in generators:
            product = int(left[g, h])
            if not seen[product]:
                seen[product] = True
                reached.append(product)
                if left[product, 0] < 0:
                    left[product] = left[g][left[h]]


def inverses_in(table: IntArray, identity: int) -> IntArray:
    """The inverse of every element."""
    return np.argmax(table == identity, axis=1)


def spanning(table: IntArray, members: IntArray, identity: int, name: str) -> list[int]:
    """Few members that generate all members, for members that form a subgroup.

    Raises:
        CertificateError: they form none.
    """
    inside = np.zeros(len(table), dtype=bool)
    inside[members] = True
    insist(inside[identity] and inside[table[np.ix_(members, members)]].all(), f"{name} is closed under multiplication")
    reached = np.zeros(len(table), dtype=bool)
    reached[identity] = True
    generators: list[int] = []
    for member in members:
        if reached[member]:
            continue
        generators.append(int(member))
        new = np.flatnonzero(reached)
        while len(new):
            products = np.unique(table[np.ix_(new, np.array(generators))])
            new = products[~reached[products]]
            reached[new] = True
    return generators
