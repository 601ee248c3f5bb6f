"""A small random network with the tensor-product paths of e3nn's gated message passing, evaluated for many
objects at once.

It serves `sbs.nn.can_break` only: whether a path exists is decided by whether numbers change, with random
weights in float64, where a coincidence has probability zero; several draws of the weights see through what comes near
one. Layer by layer it is e3nn's v2106 ``MessagePassing``: products with node attributes before and behind the messages, the
self-connection beside them, the scalar ``alpha`` that multiplies the messages (here not at zero), gates. Up to two channels
of each irrep stand for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.nn.reach.geometry import Geometry
from sbs.nn.reach.paths import CLEBSCH_GORDAN, Paths, allowed

__all__ = ["Network", "Place", "Surrogate"]

#: Where the object enters: as an attribute of every layer, in the node input, or attached behind layer number k, from 1.
Place = Literal["attributes", "input"] | int

_CHANNELS = 2
_SEED = 20240205
_ALPHA = ("alpha", o3.Irrep("0e"))

#: Kept scalars, gates and gated features may share an irrep: the entry says which.
Name = tuple[str, o3.Irrep]
Features = dict[Name, Tensor]  # each (objects, nodes, channels, 2 l + 1)
Wanted = dict[Name, int]  # channels
Attributes = list[tuple[o3.Irrep, Tensor]]  # each (objects, nodes or 1, 2 l + 1)

_SCALAR = o3.Irrep("0e")
_PSEUDOSCALAR = o3.Irrep("0o")


@lru_cache(maxsize=1024)
def _coupling(l1: int, l2: int, l3: int) -> Tensor:
    try:
        return o3.wigner_3j(l1, l2, l3, dtype=torch.float64) * (2 * l3 + 1) ** 0.5
    except NotImplementedError as error:  # e3nn 0.4.4 stops at l = 11
        raise NetworkInputError(f"This e3nn has no coupling constants for l = {l1}, {l2}, {l3} ({error}).") from None


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
    """A network on a geometry. Every call with one draw has the same weights, also on another geometry.

    Args:
        network: what it is made of.
        geometry: nodes and edges.
        inputs: values of each input irrep on the nodes, (nodes, 2 l + 1); those not given are left out.
    """

    def __init__(self, network: Network, geometry: Geometry, inputs: dict[o3.Irrep, Tensor]) -> None:
        self.network = network
        self.product = network.product
        self.inputs = inputs
        self.nodes = geometry.nodes
        self.kinds_out = list(_channels(network.irreps_out))
        vectors = torch.as_tensor(geometry.vectors)
        lengths = torch.linalg.vector_norm(vectors, dim=-1)
        # A smooth weight of the distance; sums over the neighbours are of order one.
        self.radial = lengths / lengths.mean() if len(lengths) else lengths
        self.envelope = torch.exp(-(self.radial**2)) / max(len(lengths) / self.nodes, 1.0) ** 0.5
        self.pairs = torch.as_tensor(geometry.source * geometry.nodes + geometry.target)
        self.edges = {
            o3.Irrep(l, (-1) ** l): o3.spherical_harmonics(l, vectors, normalize=True, normalization="component")
            for l in range(network.lmax_edge + 1)
        }
        self.crossings: dict[tuple[int, int, int], Tensor] = {}

    def __call__(self, objects: Tensor, draw: int = 0) -> Tensor:
        """Objects (count, breaker dim), or fields (count, nodes, breaker dim), float64.

        Returns:
            (count, nodes, output dim of one channel each).
        """
        self.generator = torch.Generator().manual_seed(_SEED + draw)
        fields = objects if objects.ndim == 3 else objects[:, None]
        plain: Attributes = [(_SCALAR, torch.ones_like(fields[..., :1]))]
        irreps = self.network.irreps_breaker
        blocks = [(ir, fields[..., block]) for (_, ir), block in zip(irreps, irreps.slices(), strict=True)]
        place = self.network.place
        attributes = plain + blocks if place == "attributes" else plain
        shape = (len(fields), self.nodes)
        state: Features = {}
        for ir, channels in _channels(self.network.irreps_in).items():
            if ir in self.inputs:
                state["kept", ir] = self.inputs[ir][None, :, None].expand(*shape, channels, ir.dim)
        if not state:
            state = {("kept", _SCALAR): torch.ones((*shape, 1, 1), dtype=torch.float64)}
        if place == "input":
            for ir, values in blocks:
                given = values[:, :, None].expand(*shape, 1, ir.dim)
                before = state.get(("kept", ir))
                state["kept", ir] = given if before is None else torch.cat([before, given], dim=2)
        for number in range(1, self.network.layers + 1):
            state = self._gated(state, attributes)
            if place == number:
                state = self._attached(state, blocks)
        wanted: Wanted = {("kept", ir): 1 for ir in self.kinds_out}
        out = self._convolution(state, attributes, wanted)
        if place == self.network.layers + 1:
            # The output has all its irreps, also those that the network leaves at zero: the object may fill them.
            count = {name: torch.zeros((*shape, 1, name[1].dim), dtype=torch.float64) for name in wanted}
            out = self._attached(count | out, blocks)
        pieces = [
            out[name][:, :, 0] if name in out else torch.zeros((*shape, name[1].dim), dtype=torch.float64)
            for name in wanted
        ]
        return torch.cat(pieces, dim=-1) if pieces else torch.zeros((*shape, 0), dtype=torch.float64)

    def _gated(self, state: Features, attributes: Attributes) -> Features:
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

    def _convolution(self, state: Features, attributes: Attributes, wanted: Wanted) -> Features:
        same = {name: values.shape[2] for name, values in state.items()}
        # One product serves both: the self-connection and what neighbours hear differ in their weights only.
        asked = {(f"own {kind}", ir): n for (kind, ir), n in wanted.items()}
        asked |= {(f"first {kind}", ir): n for (kind, ir), n in same.items()}
        found = self._products(state, attributes, asked, self.product)
        own, first = (
            {(kind, ir): found[f"{part} {kind}", ir] for kind, ir in names if (f"{part} {kind}", ir) in found}
            for part, names in (("own", wanted), ("first", same))
        )
        kinds = {ir for _, ir in wanted} | {_SCALAR}
        middle: Features = {}
        for (kind, ir), values in first.items():
            for edge in self.edges:
                for out in allowed(ir, edge, self.product):
                    if out in kinds:
                        # e3nn keeps the channels of each path apart until the next product mixes them.
                        middle[f"{kind} {ir} {edge}", out] = self._messages(values, ir, edge, out)
        heard = self._products(middle, attributes, {**wanted, _ALPHA: 1}, self.product)
        alpha = heard.pop(_ALPHA, None)
        for name, values in heard.items():
            # Where the self-connection has nothing to give, e3nn lets the messages through as they are.
            own[name] = own[name] + values * (1.0 if alpha is None else alpha) if name in own else values
        return own

    def _messages(self, values: Tensor, ir: o3.Irrep, edge: o3.Irrep, out: o3.Irrep) -> Tensor:
        """Products with the harmonics of the edges, weighted by the distance, summed at each node."""
        degrees = ir.l, edge.l, out.l
        if degrees not in self.crossings:
            crossing = self.edges[edge] @ _coupling(*degrees).transpose(0, 1).reshape(edge.dim, -1)
            self.crossings[degrees] = crossing
        weights = self.envelope * torch.sin(1.0 + self._weights(1, 1)[0, 0] * self.radial)
        nodes, count, channels = self.nodes, len(values), values.shape[2]
        dense = torch.zeros((nodes * nodes, ir.dim * out.dim), dtype=torch.float64)
        dense.index_add_(0, self.pairs, self.crossings[degrees] * weights[:, None])
        matrix = dense.reshape(nodes, nodes, ir.dim, out.dim).permute(0, 2, 1, 3).reshape(nodes * ir.dim, -1)
        sent = values.transpose(1, 2).reshape(count * channels, nodes * ir.dim)
        return (sent @ matrix).reshape(count, channels, nodes, out.dim).transpose(1, 2)

    def _attached(self, state: Features, blocks: Attributes) -> Features:
        change = self._products(
            state, blocks, {name: values.shape[2] for name, values in state.items()}, CLEBSCH_GORDAN
        )
        return {name: values + change[name] if name in change else values for name, values in state.items()}

    def _products(self, state: Features, attributes: Attributes, wanted: Wanted, product: Paths) -> Features:
        """Fully connected products of features with attributes, into the wanted channels."""
        kinds = {out for _, out in wanted}
        made: dict[o3.Irrep, list[Tensor]] = {}
        for (_, ir), values in state.items():
            for kind, attribute in attributes:
                for out in kinds.intersection(allowed(ir, kind, product)):
                    coupling = _coupling(ir.l, kind.l, out.l).transpose(0, 1).reshape(kind.dim, -1)
                    action = (attribute @ coupling).unflatten(-1, (ir.dim, out.dim))
                    made.setdefault(out, []).append(values @ action)
        result: Features = {}
        joined = {out: torch.cat(parts, dim=2) for out, parts in made.items()}
        for name, channels in wanted.items():
            if name[1] in joined:
                parts = joined[name[1]]
                # Numbers of order one: gates and tanh that saturate would hide what moves them.
                result[name] = self._weights(channels, parts.shape[2]) / parts.shape[2] ** 0.5 @ parts
        return result

    def _weights(self, rows: int, columns: int) -> Tensor:
        return torch.randn((rows, columns), generator=self.generator, dtype=torch.float64)


def _channels(irreps: o3.Irreps) -> dict[o3.Irrep, int]:
    """Channels of each irrep, at most two, by rising degree."""
    kinds = sorted({ir for mul, ir in irreps if mul}, key=lambda ir: (ir.l, -ir.p))
    return {ir: min(irreps.count(ir), _CHANNELS) for ir in kinds}
