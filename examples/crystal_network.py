"""A small crystal network: e3nn's message passing on explicit edges with periodic shifts, and a breaker on
the nodes.

e3nn's stock networks look for neighbours inside one cell. Here the edges, including those to periodic images,
are found once with `neighbours`; everything else is e3nn's ``MessagePassing``.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from e3nn import o3
from e3nn.math import soft_one_hot_linspace
from e3nn.nn.models.v2106.gate_points_message_passing import MessagePassing
from torch import Tensor, nn

from sbs.nn import SymmetryBreaker, with_breaker


@dataclass(frozen=True)
class Crystal:
    """Crystals in one batch: species (nodes,), positions (nodes, 3) in Å, cell (graphs, 3, 3) with lattice
    vectors as rows, edges (2, edges) from sender to receiver, shifts (edges, 3) of the sender in lattice
    vectors, batch (nodes,)."""

    species: Tensor
    positions: Tensor
    cell: Tensor
    edges: Tensor
    shifts: Tensor
    batch: Tensor
    num_graphs: int

    def repeat(self, count: int) -> Crystal:
        """``count`` copies of everything as one batch."""
        nodes = len(self.species)
        number = torch.arange(count, device=self.species.device)
        return Crystal(
            self.species.repeat(count),
            self.positions.repeat(count, 1),
            self.cell.repeat(count, 1, 1),
            (self.edges[:, None, :] + nodes * number[None, :, None]).reshape(2, -1),
            self.shifts.repeat(count, 1),
            (self.batch[None, :] + self.num_graphs * number[:, None]).reshape(-1),
            self.num_graphs * count,
        )

    def to(self, device: torch.device | str, dtype: torch.dtype) -> Crystal:
        """The same crystals on a device, numbers in a dtype."""
        return Crystal(
            self.species.to(device),
            self.positions.to(device, dtype),
            self.cell.to(device, dtype),
            self.edges.to(device),
            self.shifts.to(device, dtype),
            self.batch.to(device),
            self.num_graphs,
        )


def neighbours(positions: np.ndarray, cell: np.ndarray, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
    """Edges (2, m) and shifts (m, 3) of all pairs closer than ``cutoff`` (Å), periodic images included.

    Small cells only: every image within reach is tried.
    """
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    reach = [range(-int(np.ceil(cutoff / h)), int(np.ceil(cutoff / h)) + 1) for h in heights]
    edges, shifts = [], []
    for shift in itertools.product(*reach):
        vectors = positions[None, :] + np.array(shift) @ cell - positions[:, None]
        distances = np.linalg.norm(vectors, axis=-1)
        receiver, sender = np.nonzero((distances < cutoff) & (distances > 1e-6))
        edges.append(np.stack([sender, receiver]))
        shifts.append(np.tile(np.array(shift, dtype=np.float64), (len(sender), 1)))
    return np.concatenate(edges, axis=1), np.concatenate(shifts)


def crystal(
    species: np.ndarray,
    positions: np.ndarray,
    cell: np.ndarray,
    cutoff: float,
    dtype: torch.dtype | None = None,
) -> Crystal:
    """One crystal from arrays, with its edges."""
    edges, shifts = neighbours(np.asarray(positions), np.asarray(cell), cutoff)
    dtype = dtype or torch.get_default_dtype()
    return Crystal(
        torch.as_tensor(np.asarray(species), dtype=torch.int64),
        torch.as_tensor(np.asarray(positions), dtype=dtype),
        torch.as_tensor(np.asarray(cell), dtype=dtype)[None],
        torch.as_tensor(edges),
        torch.as_tensor(shifts, dtype=dtype),
        torch.zeros(len(species), dtype=torch.int64),
        1,
    )


class CrystalNetwork(nn.Module):
    """Features of every atom, equivariant under O(3), from a crystal and a symmetry-breaking object.

    Without a breaker (``breaker=None``) the node attributes are a single 1: the same network otherwise.
    """

    def __init__(
        self,
        num_species: int,
        irreps_out: str,
        breaker: SymmetryBreaker | None,
        *,
        cutoff: float = 3.5,
        mul: int = 8,
        lmax: int = 2,
        layers: int = 2,
        num_basis: int = 8,
        num_neighbors: float = 12.0,
    ) -> None:
        super().__init__()
        self.num_species, self.cutoff, self.lmax, self.num_basis = num_species, cutoff, lmax, num_basis
        self.breaker = breaker
        hidden = o3.Irreps([(mul, (l, p)) for l in range(lmax + 1) for p in (1, -1)])
        self.messages = MessagePassing(
            irreps_node_sequence=[f"{num_species}x0e", *[hidden] * layers, irreps_out],
            irreps_node_attr=o3.Irreps("0e") if breaker is None else with_breaker("0e", breaker),
            irreps_edge_attr=o3.Irreps.spherical_harmonics(lmax),
            fc_neurons=[num_basis, 32],
            num_neighbors=num_neighbors,
        )
        self.irreps_out = self.messages.irreps_node_output

    def forward(
        self,
        data: Crystal,
        *,
        index: Tensor | None = None,
        set_index: Tensor | None = None,
        rotations: Tensor | None = None,
    ) -> Tensor:
        """Output (nodes, irreps_out.dim); the choice of objects is that of `SymmetryBreaker`."""
        source, target = data.edges
        moved = torch.einsum("ei,eij->ej", data.shifts, data.cell[data.batch[target]])
        vectors = data.positions[source] + moved - data.positions[target]
        harmonics = o3.spherical_harmonics(
            list(range(self.lmax + 1)), vectors, normalize=True, normalization="component"
        )
        radial = soft_one_hot_linspace(
            vectors.norm(dim=1), 0.0, self.cutoff, self.num_basis, basis="smooth_finite", cutoff=True
        )
        species = nn.functional.one_hot(data.species, self.num_species).to(vectors.dtype)
        attributes = vectors.new_ones((len(species), 1))
        if self.breaker is not None:
            objects = self.breaker(data.batch, data.num_graphs, index=index, set_index=set_index, rotations=rotations)
            attributes = torch.cat([attributes, objects], dim=1)
        return self.messages(species, attributes, source, target, harmonics, radial * self.num_basis**0.5)
