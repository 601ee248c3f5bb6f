"""A small message-passing network that takes any of the tensor products.

The layers are those that `sbs.nn.can_break` reasons about, e3nn's v2106 convolutions with gates: features are multiplied with
the node attributes (where a symmetry-breaking object enters), with the spherical harmonics of the edges, and with the
attributes again; linear layers stand before and behind each product.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from e3nn import nn as e3nn_nn
from e3nn import o3
from torch import Tensor

from sbs.groups.abstract.validation import check_integer, check_real
from sbs.nn.checks import as_irreps
from sbs.nn.products import naming

__all__ = ["Mixed", "ProductNetwork"]

# What opens gates, the first that there is.
_GATES = (o3.Irrep("0e"), o3.Irrep("0o"))
# Gaussians of the distance that weight a message, and neurons between.
_RADIAL = 8
_NEURONS = 16

# More are mistakes that would fill the memory.
_MOST_CHANNELS, _MOST_LAYERS = 4096, 64

# Å; no two atoms are closer.
_LEAST_RADIUS = 1e-3


class Mixed(torch.nn.Module):
    """Linear layers around a product: (x, y) -> C(A x * B y), as a fully connected tensor product has it.

    Args:
        name: of the product, a key of `PRODUCTS`.
        irreps_in, irreps_other: of x and y, any multiplicities.
        kinds: irreps wanted; those that the product does not have are left out.
        channels: copies of each irrep in the product and in the output.
        mix_other: put a linear layer before y too; otherwise y has each irrep once.

    Attributes:
        irreps_out: ``channels`` of each of the kinds that come out.
    """

    def __init__(
        self,
        name: str,
        irreps_in: o3.Irreps,
        irreps_other: o3.Irreps,
        kinds: list[o3.Irrep],
        channels: int,
        *,
        mix_other: bool = True,
    ) -> None:
        super().__init__()
        inner = _copies(irreps_in, channels)
        other = _copies(irreps_other, channels) if mix_other else irreps_other
        possible = set(naming.tensor_product(name, inner, other).blocks)
        self.kinds = [ir for ir in kinds if ir in possible]
        self.irreps_out = o3.Irreps([(channels, ir) for ir in self.kinds])
        if not self.kinds:
            return
        self.product = naming.tensor_product(name, inner, other, self.irreps_out)
        self.before = o3.Linear(irreps_in, inner)
        self.before_other = o3.Linear(irreps_other, other) if mix_other else torch.nn.Identity()
        self.after = o3.Linear(self.product.irreps_out, self.irreps_out)

    def forward(self, x: Tensor, y: Tensor, weights: Tensor | None = None) -> Tensor:
        """Features (..., dim) of both -> (..., irreps_out.dim); ``weights`` scale the irreps of the product."""
        if not self.kinds:
            return x.new_zeros((*x.shape[:-1], 0))
        z = self.product(self.before(x), self.before_other(y))
        if weights is not None:
            z = _scaled(z, weights, self.product.irreps_out)
        result: Tensor = self.after(z)
        return result


class _Convolution(torch.nn.Module):
    """Self-interaction plus messages of the neighbours, attributes multiplied in three times; as in e3nn's, messages that meet
    a self-interaction are weighted by a scalar of their own, 1 + alpha, with an alpha that is zero at the start."""

    own_mask: Tensor

    def __init__(
        self,
        name: str,
        irreps: o3.Irreps,
        attributes: o3.Irreps,
        harmonics: o3.Irreps,
        kinds: list[o3.Irrep],
        channels: int,
    ) -> None:
        super().__init__()
        self.own = Mixed(name, irreps, attributes, kinds, channels)
        self.first = Mixed(name, irreps, attributes, sorted({ir for _, ir in irreps}), channels)
        carried = list(dict.fromkeys([o3.Irrep("0e"), *kinds]))
        self.message = Mixed(name, self.first.irreps_out, harmonics, carried, channels, mix_other=False)
        self.last = Mixed(name, self.message.irreps_out, attributes, kinds, channels)
        self.alpha = Mixed(name, self.message.irreps_out, attributes, [_GATES[0]], 1)
        with torch.no_grad():
            for weight in self.alpha.after.parameters() if self.alpha.kinds else ():
                weight.zero_()
        self.radial = torch.nn.Sequential(
            torch.nn.Linear(_RADIAL, _NEURONS),
            torch.nn.SiLU(),
            torch.nn.Linear(_NEURONS, self.message.product.irreps_out.num_irreps),
        )
        present = {*self.own.kinds, *self.last.kinds}
        self.irreps_out = o3.Irreps([(channels, ir) for ir in kinds if ir in present])
        mask = [float(ir in self.own.kinds) for mul, ir in self.irreps_out for _ in range(mul * ir.dim)]
        self.register_buffer("own_mask", torch.tensor(mask), persistent=False)
        self.place_own = o3.Linear(self.own.irreps_out, self.irreps_out)
        self.place_last = o3.Linear(self.last.irreps_out, self.irreps_out)

    def forward(
        self, x: Tensor, attributes: Tensor, edges: tuple[Tensor, Tensor], harmonics: Tensor, radial: Tensor
    ) -> Tensor:
        source, target = edges
        messages = self.message(self.first(x, attributes)[source], harmonics, self.radial(radial))
        collected = torch.zeros((len(x), messages.shape[-1]), dtype=x.dtype, device=x.device)
        collected = collected.index_add(0, target, messages) / math.sqrt(max(len(source) / len(x), 1.0))
        heard: Tensor = self.place_last(self.last(collected, attributes))
        if self.alpha.kinds:
            heard = heard * (1.0 + self.alpha(collected, attributes) * self.own_mask)
        result: Tensor = self.place_own(self.own(x, attributes)) + heard
        return result


class ProductNetwork(torch.nn.Module):
    """Gated message passing with a tensor product of choice.

    Args:
        irreps_node_input, irreps_node_attr, irreps_node_output: features of each node; the object of a breaker goes
            into the attributes, `sbs.nn.with_breaker`.
        tensor_product: a key of `PRODUCTS`, used for every product of the network.
        irreps_hidden: kinds of the hidden features, multiplicities do not matter; a layer keeps those that the harmonics of the
            edges can make of the layer before.
        channels: copies of each.
        layers: gated layers, followed by one convolution to the output.
        max_radius: Å; the scale of the distances.

    Called with data as e3nn's v2106 networks are: a dict with "pos" (n, 3), "node_input", "node_attr" (n, dim) and "edge_index"
    (2, m); returns (n, irreps_node_output.dim).

    Raises:
        NetworkInputError: for irreps that cannot be read, an unknown product, or numbers that make no network.
    """

    def __init__(
        self,
        irreps_node_input: o3.Irreps | str,
        irreps_node_attr: o3.Irreps | str,
        irreps_node_output: o3.Irreps | str,
        *,
        tensor_product: str = "complete",
        irreps_hidden: o3.Irreps | str = "0e+0o+1o+1e+2e+2o",
        channels: int = 4,
        layers: int = 2,
        max_radius: float = 4.0,
    ) -> None:
        super().__init__()
        channels = check_integer(channels, "channels", 1, _MOST_CHANNELS)
        layers = check_integer(layers, "layers", 0, _MOST_LAYERS)
        max_radius = check_real(max_radius, "max_radius", _LEAST_RADIUS)
        self.irreps_node_input = as_irreps(irreps_node_input, "irreps_node_input")
        self.irreps_node_attr = as_irreps(irreps_node_attr, "irreps_node_attr")
        self.irreps_node_output = as_irreps(irreps_node_output, "irreps_node_output")
        hidden = sorted({ir for _, ir in as_irreps(irreps_hidden, "irreps_hidden")})
        outputs = sorted({ir for _, ir in self.irreps_node_output})
        self.harmonics = o3.Irreps.spherical_harmonics(max(ir.l for ir in (*hidden, *outputs)))
        self.max_radius = float(max_radius)
        convolutions, linears, gates = [], [], []
        state = self.irreps_node_input
        shared = (self.irreps_node_attr, self.harmonics)
        for _ in range(layers):
            # As e3nn's networks, a layer has the hidden irreps that the edges can make of the layer before.
            made = set(naming.tensor_product(tensor_product, _copies(state, 1), self.harmonics).blocks)
            kept = [ir for ir in hidden if ir in made]
            # And scalars for the gates, whether they are hidden features or not.
            opening = next((ir for ir in _GATES if ir in made), None)
            kinds = kept if opening is None else sorted({*kept, opening})
            convolution = _Convolution(tensor_product, state, *shared, kinds, channels)
            gate = _gate([(mul, ir) for mul, ir in convolution.irreps_out if ir in kept], opening)
            convolutions.append(convolution)
            linears.append(o3.Linear(convolution.irreps_out, gate.irreps_in))
            gates.append(gate)
            state = gate.irreps_out
        self.convolutions = torch.nn.ModuleList(convolutions)
        self.linears, self.gates = torch.nn.ModuleList(linears), torch.nn.ModuleList(gates)
        self.last = _Convolution(tensor_product, state, *shared, outputs, channels)
        self.output = o3.Linear(self.last.irreps_out, self.irreps_node_output)

    def forward(self, data: dict[str, Any]) -> Tensor:
        """See the class."""
        source, target = data["edge_index"]
        vectors = data["pos"][source] - data["pos"][target]
        lengths = vectors.norm(dim=-1, keepdim=True)
        centres = torch.linspace(0.0, 1.0, _RADIAL, dtype=vectors.dtype, device=vectors.device)
        radial = torch.exp(-((_RADIAL * (lengths / self.max_radius - centres) / 2) ** 2))
        harmonics = o3.spherical_harmonics(self.harmonics, vectors, True, normalization="component")
        x, attributes = data["node_input"], data["node_attr"]
        for convolution, linear, gate in zip(self.convolutions, self.linears, self.gates, strict=True):
            x = gate(linear(convolution(x, attributes, (source, target), harmonics, radial)))
        result: Tensor = self.output(self.last(x, attributes, (source, target), harmonics, radial))
        return result


def _copies(irreps: o3.Irreps, channels: int) -> o3.Irreps:
    return o3.Irreps([(channels, ir) for ir in sorted({ir for mul, ir in irreps if mul})])


def _scaled(values: Tensor, weights: Tensor, irreps: o3.Irreps) -> Tensor:
    """Multiply each irrep by a weight (..., number of irreps)."""
    repeats = torch.tensor([ir.dim for mul, ir in irreps for _ in range(mul)], device=values.device)
    return values * weights.repeat_interleave(repeats, dim=-1, output_size=values.shape[-1])


def _gate(irreps: list[tuple[int, o3.Irrep]], opening: o3.Irrep | None) -> e3nn_nn.Gate:
    """Scalars through a nonlinearity, the others multiplied by scalars of their own; without scalars they are left out."""
    scalars = o3.Irreps([(mul, ir) for mul, ir in irreps if ir.l == 0])
    others = o3.Irreps([(mul, ir) for mul, ir in irreps if ir.l > 0 and opening is not None])
    return e3nn_nn.Gate(
        scalars,
        [torch.nn.functional.silu if ir.p == 1 else torch.tanh for _, ir in scalars],
        o3.Irreps([(mul, opening) for mul, _ in others]),
        [torch.sigmoid if opening == _GATES[0] else torch.tanh for _ in others],
        others,
    )
