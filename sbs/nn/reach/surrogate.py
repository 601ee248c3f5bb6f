"""A small random network with the tensor-product paths of e3nn's gated message passing, evaluated for many
objects at once.

It serves `sbs.nn.can_break` only: whether a path exists is decided by whether numbers change, with random
weights in float64, where a coincidence has probability zero. The layers are those of e3nn's v2106
``MessagePassing`` (object as a node attribute, spherical harmonics on the edges, gates), with one or two
channels and `alpha` not at zero.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from e3nn import o3
from torch import Tensor

from sbs.nn.reach.paths import Paths, allowed

__all__ = ["Surrogate"]

_CHANNELS = 2
_SEED = 20240205

Features = dict[o3.Irrep, Tensor]  # each (objects, nodes, channels, 2 l + 1)


@lru_cache(maxsize=1024)
def _coupling(l1: int, l2: int, l3: int) -> Tensor:
    return o3.wigner_3j(l1, l2, l3, dtype=torch.float64) * (2 * l3 + 1) ** 0.5


class Surrogate:
    """Network without state: every call draws the same weights.

    Args:
        irreps_in, irreps_hidden, irreps_out: of node input, hidden layers and output (multiplicities do not matter).
        irreps_breaker: of the object. product: which tensor products are used, everywhere.
        layers: gated layers, followed by one more convolution to the output, as in e3nn.
        positions: (nodes, 3) of a structure; every node is a neighbour of every other.
        inputs: values of each input irrep on the nodes, (nodes, 2 l + 1); those not given are left out.
    """

    def __init__(
        self,
        irreps_in: o3.Irreps,
        irreps_hidden: o3.Irreps,
        irreps_out: o3.Irreps,
        irreps_breaker: o3.Irreps,
        product: Paths,
        layers: int,
        positions: np.ndarray,
        inputs: Features,
    ) -> None:
        self.kinds_in = _kinds(irreps_in)
        self.kinds_hidden = _kinds(irreps_hidden)
        self.kinds_out = _kinds(irreps_out)
        self.irreps_breaker = irreps_breaker
        self.product = product
        self.inputs = inputs
        self.layers = layers
        self.nodes = len(positions)
        self.lmax_edge = max((ir.l for ir in (*self.kinds_hidden, *self.kinds_out)), default=0)
        sites = torch.as_tensor(positions, dtype=torch.float64)
        vectors = sites[None, :] - sites[:, None]
        lengths = torch.linalg.vector_norm(vectors, dim=-1)
        # A smooth weight of the distance, of order one, and none from a node to itself.
        scale = lengths[lengths > 0].mean() if self.nodes > 1 else torch.ones(())
        self.envelope = torch.where(lengths > 0, torch.exp(-((lengths / scale) ** 2)), 0.0)
        self.radial = lengths / scale
        self.edges = {
            o3.Irrep(l, (-1) ** l): o3.spherical_harmonics(l, vectors, normalize=True, normalization="component")
            for l in range(self.lmax_edge + 1)
        }

    def __call__(self, objects: Tensor) -> Tensor:
        """Objects (count, breaker dim), float64 -> outputs (count, nodes, output dim of one channel each)."""
        self.generator = torch.Generator().manual_seed(_SEED)
        attributes: list[tuple[o3.Irrep, Tensor]] = [(o3.Irrep("0e"), torch.ones_like(objects[:, :1]))]
        for (_, ir), block in zip(self.irreps_breaker, self.irreps_breaker.slices(), strict=True):
            attributes.append((ir, objects[:, block]))
        shape = (len(objects), self.nodes, _CHANNELS)
        state: Features = {}
        for ir in self.kinds_in:
            if ir in self.inputs:
                state[ir] = self.inputs[ir][None, :, None].expand(*shape, ir.dim)
        if not state:
            state = {o3.Irrep("0e"): torch.ones((*shape, 1), dtype=torch.float64)}
        for _ in range(self.layers):
            state = self._gated(state, attributes)
        out = self._convolution(state, attributes, self.kinds_out)
        pieces = [out[ir][:, :, 0] for ir in self.kinds_out if ir in out]
        if not pieces:
            return torch.zeros((len(objects), self.nodes, 0), dtype=torch.float64)
        return torch.cat(pieces, dim=-1)

    def _gated(self, state: Features, attributes: list[tuple[o3.Irrep, Tensor]]) -> Features:
        # e3nn keeps only hidden irreps that the edges can produce from the previous layer.
        products = {out for own in state for edge in self.edges for out in allowed(own, edge, self.product)}
        wanted = [ir for ir in self.kinds_hidden if ir in products]
        gate = next((ir for ir in (o3.Irrep("0e"), o3.Irrep("0o")) if ir in products), None)
        scalars = [o3.Irrep("0e"), o3.Irrep("0o")]
        targets = list(dict.fromkeys([*wanted, *([gate] if gate is not None else [])]))
        raw = self._convolution(state, attributes, targets)
        if gate is None or gate not in raw:
            return {ir: _activate(ir, raw[ir]) for ir in wanted if ir in raw and ir in scalars}
        opened = _activate(gate, raw[gate])
        # The gate is a channel of its own, so that it does not square a scalar that is kept.
        return {
            ir: _activate(ir, raw[ir]) if ir.l == 0 else raw[ir] * opened.roll(1, dims=2) for ir in wanted if ir in raw
        }

    def _convolution(
        self, state: Features, attributes: list[tuple[o3.Irrep, Tensor]], targets: list[o3.Irrep]
    ) -> Features:
        own = self._with_attributes(state, attributes, targets)
        first = self._with_attributes(state, attributes, list(state))
        middle: Features = {}
        for ir, values in first.items():
            for edge, harmonics in self.edges.items():
                for out in allowed(ir, edge, self.product):
                    if out not in targets and out != o3.Irrep("0e"):
                        continue
                    radial = self.envelope * torch.sin(1.0 + self._weights(1)[0, 0] * self.radial)
                    message = torch.einsum(
                        "ijk,abj,ab,zbci->zack", _coupling(ir.l, edge.l, out.l), harmonics, radial, values
                    )
                    _add(middle, out, self._mix(message))
        for ir, values in self._with_attributes(middle, attributes, targets).items():
            _add(own, ir, values)
        return own

    def _with_attributes(
        self, state: Features, attributes: list[tuple[o3.Irrep, Tensor]], targets: list[o3.Irrep]
    ) -> Features:
        result: Features = {}
        for ir, values in state.items():
            for kind, attribute in attributes:
                for out in allowed(ir, kind, self.product):
                    if out in targets:
                        turned = torch.einsum("ijk,zj,zaci->zack", _coupling(ir.l, kind.l, out.l), attribute, values)
                        _add(result, out, self._mix(turned))
        return result

    def _weights(self, side: int = _CHANNELS) -> Tensor:
        return torch.randn((side, side), generator=self.generator, dtype=torch.float64)

    def _mix(self, values: Tensor) -> Tensor:
        return torch.einsum("cd,zack->zadk", self._weights(), values) / _CHANNELS**0.5


def _kinds(irreps: o3.Irreps) -> list[o3.Irrep]:
    return sorted({ir for mul, ir in irreps if mul}, key=lambda ir: (ir.l, -ir.p))


def _activate(ir: o3.Irrep, values: Tensor) -> Tensor:
    return torch.nn.functional.silu(values) if ir.p == 1 else torch.tanh(values)


def _add(features: Features, ir: o3.Irrep, values: Tensor) -> None:
    features[ir] = features[ir] + values if ir in features else values
