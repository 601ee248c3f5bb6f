"""Where the nodes of a network's input are and who hears whom: a cluster, a molecule, a crystal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sbs.errors import NetworkInputError

__all__ = ["Geometry", "generic_cluster", "molecule", "periodic"]

# A generic environment: five points without any symmetry, distances of order one.
_GENERIC_NODES = 5
_GENERIC_SEED = 7

# By default a network on a crystal hears so many times the distance at which every site has a neighbour.
_REACH = 1.5

# Å; sites that are closer are one, and shells closer together are not told apart by a cutoff.
_SAME_PLACE = 1e-6


@dataclass(frozen=True, eq=False)
class Geometry:
    """Nodes and directed edges.

    Attributes:
        kinds: int (nodes,), nodes of one number look alike to the network (species).
        source, target: int (edges,).
        vectors: float64 (edges, 3), from target to source.
    """

    kinds: np.ndarray
    source: np.ndarray
    target: np.ndarray
    vectors: np.ndarray

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return len(self.kinds)

    def turned(self, rotation: np.ndarray) -> Geometry:
        """The same, turned by an element of O(3)."""
        return replace(self, vectors=self.vectors @ rotation.T)


def generic_cluster() -> Geometry:
    """Nodes in general position: one stands for every node of any structure without accidents."""
    return _all_pairs(np.random.default_rng(_GENERIC_SEED).normal(size=(_GENERIC_NODES, 3)))


def molecule(positions: np.ndarray, matrices: np.ndarray, moves: np.ndarray) -> Geometry:
    """All pairs of a molecule's sites, made exactly as symmetric as S: what is left of asymmetry would break S by itself."""
    return _all_pairs(_symmetrised(positions, matrices, moves, None))


def periodic(structure: Any, matrices: np.ndarray, moves: np.ndarray, cutoff: float | None) -> Geometry:
    """Every site of a crystal hears those within ``cutoff`` (Å), images included; made exactly as symmetric as S.

    Args:
        structure: with ``lattice``, ``positions`` and ``numbers``.
        matrices, moves: of S, (|S|, 3, 3) and (|S|, sites).
        cutoff: None for 1.5 times the distance at which every site has a neighbour.

    Raises:
        NetworkInputError: a cutoff within which no site has a neighbour.
    """
    # The action L -> W^-1 L R^T of S on lattices (in rows), W integer, leaves those alone that are symmetric.
    given = np.asarray(structure.lattice, dtype=np.float64)
    images = given @ matrices.transpose(0, 2, 1)
    integers = np.round(images @ np.linalg.inv(given))
    lattice: npt.NDArray[np.float64] = np.linalg.solve(integers, images).mean(axis=0)
    positions = _symmetrised(
        np.asarray(structure.positions) @ np.linalg.solve(given, lattice), matrices, moves, lattice
    )
    kinds = np.unique(np.asarray(structure.numbers), return_inverse=True)[1]
    reach = cutoff
    if reach is None:
        # A lattice vector long: every site has its own image within.
        longest = float(np.linalg.norm(lattice, axis=1).min())
        _, target, vectors = _within(positions, lattice, longest + _SAME_PLACE)
        nearest = np.full(len(positions), np.inf)
        np.minimum.at(nearest, target, np.linalg.norm(vectors, axis=1))
        reach = _REACH * float(nearest.max())
    source, target, vectors = _within(positions, lattice, reach + _SAME_PLACE)
    if not len(source):
        raise NetworkInputError(f"No site has a neighbour within cutoff={reach:g} Å; give a longer one.")
    return Geometry(kinds, source, target, vectors)


def _all_pairs(positions: np.ndarray) -> Geometry:
    vectors = positions[:, None] - positions[None]
    source, target = np.nonzero(np.linalg.norm(vectors, axis=2) > _SAME_PLACE)
    return Geometry(np.zeros(len(positions), dtype=np.intp), source, target, vectors[source, target])


def _symmetrised(
    positions: np.ndarray, matrices: np.ndarray, moves: np.ndarray, lattice: np.ndarray | None
) -> np.ndarray:
    """Sites moved by the mean of g^-1 (g's site - g site), up to a common shift."""
    apart = positions[moves] - positions @ matrices.transpose(0, 2, 1)
    apart = apart - apart[:, :1]
    if lattice is not None:
        apart = apart - np.round(apart @ np.linalg.inv(lattice)) @ lattice
    apart = apart - apart.mean(axis=1, keepdims=True)
    moved: np.ndarray = positions + np.einsum("gji,gnj->ni", matrices, apart) / len(matrices)
    return moved


def _within(positions: np.ndarray, lattice: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of sites and images within a distance."""
    # The planes of a cell's faces are this far apart.
    heights = 1.0 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    fractional = positions @ np.linalg.inv(lattice)
    spread = np.ptp(fractional, axis=0)
    counts = np.ceil(reach / heights + spread).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    pairs = positions[:, None] - positions[None]
    found = []
    for shift in grid @ lattice:
        vectors = pairs + shift
        lengths = np.linalg.norm(vectors, axis=2)
        source, target = np.nonzero((lengths > _SAME_PLACE) & (lengths <= reach))
        found.append((source, target, vectors[source, target]))
    source, target, vectors = (np.concatenate(each) for each in zip(*found, strict=True))
    return source, target, vectors
