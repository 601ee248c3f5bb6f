"""What a product can express: which degrees interact, and how many bilinear maps it reaches with linear layers around it.

Both measures are those of Y. Xie, A. Daigavane, M. Kotak, T. Smidt, "The Price of Freedom", ICML 2025,
arXiv:2506.13523, computed exactly. *Interactability*: the triples (l1, l2, l3) whose block of the product is not zero, a
question of ranks 0 and 1, since the equivariant maps of one triple are multiples of one; the multiple is a rational number's
root (`selection`). *Expressivity*: the dimension of the set {C ∘ T ∘ (A, B)} of bilinear maps, A, B, C linear and
equivariant: the generic rank of its Jacobian, taken at a random point modulo a prime.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from e3nn import o3

from sbs.errors import NetworkInputError
from sbs.groups.abstract.validation import check_integer
from sbs.nn.checks import as_irreps
from sbs.nn.products.interface import EquivariantProduct, Path
from sbs.nn.products.naming import kind_of, tensor_product
from sbs.nn.products.selection import interacts

__all__ = ["Interactability", "expressivity", "interactability"]

IntArray = npt.NDArray[np.int64]

# A prime below 2^31, so that products of two residues fit into 64 bits. The rank at a random point is never above
# the generic one, and below it with a probability of at most (degree 3 times the rank) / prime, under 1e-5.
_PRIME = 2**31 - 1
_SEED = 2506


@dataclass(frozen=True)
class Interactability:
    """Answer of `interactability`.

    Attributes:
        triples: (l1, l2, l3) that interact, sorted.
        missing: those within the triangle inequality that do not.
    """

    triples: tuple[tuple[int, int, int], ...]
    missing: tuple[tuple[int, int, int], ...]

    @property
    def complete(self) -> bool:
        """Whether every Clebsch-Gordan path is there."""
        return not self.missing

    def __len__(self) -> int:
        return len(self.triples)


# The triples are counted by the cube of the degree.
_HIGHEST = 100


def interactability(product: str | EquivariantProduct | type[EquivariantProduct], lmax: int) -> Interactability:
    """Which degrees l1, l2 <= lmax interact to which l3 (up to 2 lmax).

    Args:
        product: a name of `PRODUCTS`, a class or an instance.
        lmax: from 0 to 100.

    Raises:
        NetworkInputError: for an unknown product.
        SymmetryBreakingError: for an ``lmax`` that is not such a number.
    """
    kind, lmax = kind_of(product), check_integer(lmax, "lmax", 0, _HIGHEST)
    every = [
        (l1, l2, l3) for l1 in range(lmax + 1) for l2 in range(lmax + 1) for l3 in range(abs(l1 - l2), l1 + l2 + 1)
    ]
    return Interactability(
        tuple(triple for triple in every if interacts(kind, *triple)),
        tuple(triple for triple in every if not interacts(kind, *triple)),
    )


def expressivity(
    product: str,
    irreps_in1: o3.Irreps | str,
    irreps_in2: o3.Irreps | str,
    irreps_out: o3.Irreps | str | None = None,
    *,
    channels: int = 1,
) -> int:
    """Dimension of the set of equivariant bilinear maps that a product reaches between linear layers.

    Args:
        product: a name of `PRODUCTS`.
        irreps_in1, irreps_in2, irreps_out: of the maps, with multiplicities; by default one of each irrep that the
            product has.
        channels: of the product: the linear layers lead to and from so many copies of each irrep.

    Raises:
        NetworkInputError: for an unknown product or irreps that it does not take.
        SymmetryBreakingError: for a number of channels that is none.
    """
    first, second = as_irreps(irreps_in1, "irreps_in1"), as_irreps(irreps_in2, "irreps_in2")
    channels = check_integer(channels, "channels", 1)
    inner1, inner2 = (
        o3.Irreps([(channels, ir) for ir in sorted({ir for mul, ir in irreps if mul})]) for irreps in (first, second)
    )
    inner = tensor_product(product, inner1, inner2)
    outputs = (
        o3.Irreps([(1, ir) for ir in sorted(set(inner.blocks))])
        if irreps_out is None
        else as_irreps(irreps_out, "irreps_out")
    )
    if not any(outputs.count(ir) for ir in inner.blocks):
        raise NetworkInputError(f"irreps_out={outputs} has no irrep that the product of {first} and {second} has.")
    random = np.random.default_rng(_SEED)

    def weights(rows: int, columns: int) -> IntArray:
        return random.integers(1, _PRIME, size=(rows, columns))

    before1 = [weights(channels, first.count(ir)) for _, ir in inner1]
    before2 = [weights(channels, second.count(ir)) for _, ir in inner2]
    after = [weights(channels, outputs.count(ir)) for ir in inner.blocks]
    return _rank(_jacobian(inner.paths, before1, before2, after))


def _jacobian(paths: tuple[Path, ...], a: list[IntArray], b: list[IntArray], c: list[IntArray]) -> IntArray:
    """Derivatives of all coordinates of the map by all weights, modulo the prime; shape (weights, coordinates).

    Coordinates of the path from irreps i, j to block k: B[α, β, γ] = Σ_u a_i[u, α] b_j[u, β] c_k[u, γ], up to the path's
    coefficient, which changes no rank. Blocks of one irrep and kind of interaction add into the same coordinates.
    """
    sizes = [array.size for array in (*a, *b, *c)]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    columns = []
    for path in paths:
        i, j, k = path.first, len(a) + path.second, len(a) + len(b) + path.block
        left, right, out = a[path.first], b[path.second], c[path.block]
        shape = (left.shape[1], right.shape[1], out.shape[1])
        part = np.zeros((starts[-1], *shape), dtype=np.int64)
        by_left = right[:, :, None] * out[:, None, :] % _PRIME
        by_right = left[:, :, None] * out[:, None, :] % _PRIME
        by_out = left[:, :, None] * right[:, None, :] % _PRIME
        for index in range(shape[0]):
            part[starts[i] + np.arange(len(left)) * shape[0] + index, index] = by_left
        for index in range(shape[1]):
            part[starts[j] + np.arange(len(right)) * shape[1] + index, :, index] = by_right
        for index in range(shape[2]):
            part[starts[k] + np.arange(len(out)) * shape[2] + index, :, :, index] = by_out
        columns.append(part.reshape(starts[-1], -1))
    return np.concatenate(columns, axis=1)


def _rank(matrix: IntArray) -> int:
    """Rank over the integers modulo the prime."""
    rest, rank = matrix.copy(), 0
    for column in range(rest.shape[1]):
        filled = np.flatnonzero(rest[rank:, column])
        if not len(filled):
            continue
        pivot = rank + filled[0]
        rest[[rank, pivot]] = rest[[pivot, rank]]
        rest[rank] = rest[rank] * pow(int(rest[rank, column]), -1, _PRIME) % _PRIME
        below = rank + filled[rest[rank + filled, column] != 0]
        below = below[below > rank]
        rest[below] = (rest[below] - rest[below, column, None] * rest[rank] % _PRIME) % _PRIME
        rank += 1
        if rank == len(rest):
            break
    return rank
