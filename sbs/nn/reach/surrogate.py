"""A small random network with the tensor-product paths of e3nn's gated message passing, evaluated for many
objects at once.

It serves `sbs.nn.can_break` only: whether a path exists is decided by whether numbers change, with random
weights in float64, where a coincidence has probability zero. Layer by layer it is e3nn's v2106 ``MessagePassing``:
products with node attributes before and behind the messages, the self-connection beside them, the scalar ``alpha`` that
multiplies the messages (here not at zero), gates. Up to two channels of each irrep stand for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from e3nn import o3
from torch import Tensor

from sbs.nn.reach.paths import CLEBSCH_GORDAN, Paths, allowed

__all__ = ["Place", "Surrogate"]

#: Where the object enters: as an attribute of every layer, in the node input, or attached behind layer number k, from 1.
Place = Literal["attributes", "input"] | int

_CHANNELS = 2
_SEED = 20240205

#: Kept scalars, gates and gated features may share an irrep: the entry says which.
Name = tuple[str, o3.Irrep]
Features = dict[Name, Tensor]  # each (objects, nodes, channels, 2 l + 1)
Wanted = dict[Name, int]  # channels

_SCALAR = o3.Irrep("0e")
_PSEUDOSCALAR = o3.Irrep("0o")


@lru_cache(maxsize=1024)
def _coupling(l1: int, l2: int, l3: int) -> Tensor:
    return o3.wigner_3j(l1, l2, l3, dtype=torch.float64) * (2 * l3 + 1) ** 0.5


@dataclass(frozen=True)
class Network:
    """What the network is made of.

    Attributes:
        irreps_in, irreps_hidden, irreps_out: of node input, hidden layers and output.
        irreps_breaker: of the object.
        product: which tensor products are used, everywhere but in an attachment, which has all.
        layers: gated layers, followed by one more convolution to the output.
        place: where the object enters.
        lmax_edge: highest degree of the spherical harmonics on the edges.
    """

    irreps_in: o3.Irreps
    irreps_hidden: o3.Irreps
    irreps_out: o3.Irreps
    irreps_breaker: o3.Irreps
    product: Paths
    layers: int
    place: Place
    lmax_edge: int


class Surrogate:
    """Network without state: every call draws the same weights.

    Args:
        network: what it is made of.
        positions: (nodes, 3) of a structure; every node is a neighbour of every other.
        inputs: values of each input irrep on the nodes, (nodes, 2 l + 1); those not given are left out.

    Attributes:
        magnitude: after a call, the largest number that was met inside.
    """

    def __init__(self, network: Network, positions: np.ndarray, inputs: dict[o3.Irrep, Tensor]) -> None:
        self.network = network
        self.product = network.product
        self.inputs = inputs
        self.nodes = len(positions)
        self.kinds_out = list(_channels(network.irreps_out))
        sites = torch.as_tensor(positions, dtype=torch.float64)
        vectors = sites[None, :] - sites[:, None]
        lengths = torch.linalg.vector_norm(vectors, dim=-1)
        # A smooth weight of the distance, of order one, and none from a node to itself.
        scale = lengths[lengths > 0].mean() if self.nodes > 1 else torch.ones(())
        self.envelope = torch.where(lengths > 0, torch.exp(-((lengths / scale) ** 2)), 0.0)
        self.radial = lengths / scale
        self.edges = {
            o3.Irrep(l, (-1) ** l): o3.spherical_harmonics(l, vectors, normalize=True, normalization="component")
            for l in range(network.lmax_edge + 1)
        }
        self.magnitude = 0.0

    def __call__(self, objects: Tensor) -> Tensor:
        """Objects (count, breaker dim), float64 -> outputs (count, nodes, output dim of one channel each)."""
        self.generator = torch.Generator().manual_seed(_SEED)
        self.magnitude = 0.0
        plain: list[tuple[o3.Irrep, Tensor]] = [(_SCALAR, torch.ones_like(objects[:, :1]))]
        irreps = self.network.irreps_breaker
        blocks = [(ir, objects[:, block]) for (_, ir), block in zip(irreps, irreps.slices(), strict=True)]
        place = self.network.place
        attributes = plain + blocks if place == "attributes" else plain
        shape = (len(objects), self.nodes)
        state: Features = {}
        for ir, channels in _channels(self.network.irreps_in).items():
            if ir in self.inputs:
                state["kept", ir] = self.inputs[ir][None, :, None].expand(*shape, channels, ir.dim)
        if not state:
            state = {("kept", _SCALAR): torch.ones((*shape, 1, 1), dtype=torch.float64)}
        if place == "input":
            for ir, values in blocks:
                given = values[:, None, None].expand(*shape, 1, ir.dim)
                before = state.get(("kept", ir))
                state["kept", ir] = given if before is None else torch.cat([before, given], dim=2)
        for number in range(1, self.network.layers + 1):
            state = self._gated(state, attributes)
            if place == number:
                state = self._attached(state, blocks)
        wanted: Wanted = {("kept", ir): 1 for ir in self.kinds_out}
        out = self._convolution(state, attributes, wanted)
        if place == self.network.layers + 1:
            out = self._attached(out, blocks)
        pieces = [
            out[name][:, :, 0] if name in out else torch.zeros((*shape, name[1].dim), dtype=torch.float64)
            for name in wanted
        ]
        return torch.cat(pieces, dim=-1) if pieces else torch.zeros((*shape, 0), dtype=torch.float64)

    def _gated(self, state: Features, attributes: list[tuple[o3.Irrep, Tensor]]) -> Features:
        # e3nn keeps only hidden irreps that the edges can produce from the previous layer, whatever the attributes add.
        products = {out for _, own in state for edge in self.edges for out in allowed(own, edge, self.product)}
        hidden = {ir: n for ir, n in _channels(self.network.irreps_hidden).items() if ir in products}
        wanted: Wanted = {("kept", ir): n for ir, n in hidden.items() if ir.l == 0}
        gated = {ir: n for ir, n in hidden.items() if ir.l > 0}
        gate = next((ir for ir in (_SCALAR, _PSEUDOSCALAR) if ir in products), None)
        if gate is not None:
            for ir, channels in gated.items():
                wanted["kept", ir] = channels
                wanted[f"gate of {ir}", gate] = channels
        raw = self._convolution(state, attributes, wanted)
        found: Features = {}
        for name, values in raw.items():
            kind, ir = name
            if kind != "kept":
                continue
            if ir.l == 0:
                found[name] = torch.nn.functional.silu(values) if ir.p == 1 else torch.tanh(values)
            elif gate is not None and (f"gate of {ir}", gate) in raw:
                opening = raw[f"gate of {ir}", gate]
                found[name] = values * (torch.sigmoid(opening) if gate.p == 1 else torch.tanh(opening))
        return found

    def _convolution(self, state: Features, attributes: list[tuple[o3.Irrep, Tensor]], wanted: Wanted) -> Features:
        own = self._products(state, attributes, wanted, self.product)
        first = self._products(state, attributes, {name: values.shape[2] for name, values in state.items()}, self.product)
        kinds = {ir for _, ir in wanted} | {_SCALAR}
        middle: Features = {}
        for (kind, ir), values in first.items():
            for edge, harmonics in self.edges.items():
                for out in allowed(ir, edge, self.product):
                    if out in kinds:
                        radial = self.envelope * torch.sin(1.0 + self._weights(1, 1)[0, 0] * self.radial)
                        message = torch.einsum(
                            "ijk,abj,ab,zbci->zack", _coupling(ir.l, edge.l, out.l), harmonics, radial, values
                        )
                        # e3nn keeps the channels of each path apart until the next product mixes them.
                        middle[f"{kind} {ir} {edge}", out] = self._seen(message)
        messages = self._products(middle, attributes, wanted, self.product)
        alpha = self._products(middle, attributes, {("alpha", _SCALAR): 1}, self.product).get(("alpha", _SCALAR))
        for name, values in messages.items():
            # Where the self-connection has nothing to give, e3nn lets the messages through as they are.
            if name in own:
                own[name] = self._seen(own[name] + values * (1.0 if alpha is None else alpha))
            else:
                own[name] = values
        return own

    def _attached(self, state: Features, blocks: list[tuple[o3.Irrep, Tensor]]) -> Features:
        change = self._products(state, blocks, {name: values.shape[2] for name, values in state.items()}, CLEBSCH_GORDAN)
        return {name: self._seen(values + change[name]) if name in change else values for name, values in state.items()}

    def _products(
        self, state: Features, attributes: list[tuple[o3.Irrep, Tensor]], wanted: Wanted, product: Paths
    ) -> Features:
        """Fully connected products of features with attributes, into the wanted channels."""
        result: Features = {}
        for (_, ir), values in state.items():
            for kind, attribute in attributes:
                made = set(allowed(ir, kind, product))
                if not made & {out for _, out in wanted}:
                    continue
                turned = {
                    out: torch.einsum("ijk,zj,zaci->zack", _coupling(ir.l, kind.l, out.l), attribute, values)
                    for out in made
                    if any(out == each for _, each in wanted)
                }
                for name, channels in wanted.items():
                    if name[1] in turned:
                        weights = self._weights(channels, values.shape[2]) / values.shape[2] ** 0.5
                        mixed = torch.einsum("dc,zack->zadk", weights, turned[name[1]])
                        result[name] = result[name] + mixed if name in result else mixed
        return {name: self._seen(values) for name, values in result.items()}

    def _weights(self, rows: int, columns: int) -> Tensor:
        return torch.randn((rows, columns), generator=self.generator, dtype=torch.float64)

    def _seen(self, values: Tensor) -> Tensor:
        self.magnitude = max(self.magnitude, float(values.abs().max())) if values.numel() else self.magnitude
        return values


def _channels(irreps: o3.Irreps) -> dict[o3.Irrep, int]:
    """Channels of each irrep, at most two, by rising degree."""
    kinds = sorted({ir for mul, ir in irreps if mul}, key=lambda ir: (ir.l, -ir.p))
    return {ir: min(irreps.count(ir), _CHANNELS) for ir in kinds}
