"""The network that all equivariant techniques share: many copies with weights of their own, evaluated at once.

Messages from neighbours (`geometry.Messages`), a tensor product of each node with its object, gates; the structure of
e3nn's ``gate_points`` networks, with weights for each path and channel and one linear mixing behind each product. All
irreps (l, p) with l <= LMAX have the same number of channels; those that nothing reaches from the input, or that do not reach
the output, are not computed and have no weights. Networks are stacked in an axis: one set of matrix products serves them all,
which on a processor costs less than one network after the other.

Axes are named in comments: M networks, B crystals, J sites, d = 2l + 1, C channels, P paths, n radial functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from e3nn import o3
from torch import Tensor

from benchmarks.broken_perovskites.geometry import LMAX, RADIAL, Messages, paths_between

__all__ = ["Body", "Features", "Weights", "parameters_of"]

Weights = dict[str, Tensor]
#: (l, p) with p = 1 even, -1 odd.
Irrep = tuple[int, int]
#: Of each irrep (B, J, d, M, C).
Features = dict[Irrep, Tensor]
DEGREES = range(LMAX + 1)
SCALAR: Irrep = (0, 1)
OUTPUT: Irrep = (1, -1)


def parameters_of(weights: Weights) -> int:
    """Number of parameters of one network."""
    return sum(w[0].numel() for w in weights.values())


@dataclass(frozen=True)
class Body:
    """Shape of the network; called as a function of weights.

    Attributes:
        features: number of invariant features of a crystal, the same for all of its sites.
        kinds: number of kinds of sites; each has its own embedding of the features.
        object_irreps: of the object on a node, degrees from 0 to LMAX.
        neighbourhood: degrees of the neighbourhood that are not zero in the crystals.
    """

    features: int
    kinds: int = 3
    object_irreps: str = "1x1o"
    channels: int = 8
    layers: int = 2
    hidden: int = 16
    neighbourhood: tuple[int, ...] = (0, 2)

    @cached_property
    def blocks(self) -> list[tuple[Irrep, int]]:
        """Irreps of the object with their offsets, copies apart."""
        found, start = [], 0
        for count, irrep in o3.Irreps(self.object_irreps):
            for _ in range(count):
                found.append(((irrep.l, irrep.p), start))
                start += irrep.dim
        return found

    @property
    def object_dim(self) -> int:
        """Components of the object on a node."""
        return o3.Irreps(self.object_irreps).dim

    def links(self, sources: Iterable[Irrep]) -> list[tuple[Irrep, Irrep, int]]:
        """(irrep of features, irrep of messages, number of paths)."""
        found = []
        for l, p in sources:
            for out in DEGREES:
                for parity in (0, 1):
                    paths = sum(a % 2 == parity for a in paths_between(l, out, self.neighbourhood))
                    if paths:
                        found.append(((l, p), (out, p * (-1) ** parity), paths))
        return found

    def products(self, sources: Iterable[Irrep]) -> list[tuple[int, Irrep, Irrep]]:
        """(number of the object's irrep, irrep of features, irrep of the product)."""
        return [
            (k, (l, p), (out, p * parity))
            for k, ((degree, parity), _) in enumerate(self.blocks)
            for l, p in sources
            for out in range(abs(l - degree), min(l + degree, LMAX) + 1)
        ]

    @cached_property
    def flow(self) -> list[tuple[list[Irrep], list[Irrep], list[Irrep]]]:
        """For each layer the irreps of features, messages and new features: what is reached, and reaches the output."""
        layers = []
        own = {SCALAR, *(irrep for irrep, _ in self.blocks)}
        for _ in range(self.layers):
            received = own | {out for _, out, _ in self.links(own)}
            new = received | {out for _, _, out in self.products(received)}
            layers.append((own, received, new))
            own = new
        found = []
        wanted = {OUTPUT}
        for own, received, new in reversed(layers):
            wanted = wanted & new
            # Scalars are wanted for the gates.
            needed = wanted | {SCALAR}
            gathered = {
                each for each in received if each in needed or any(s == each and o in needed for _, s, o in self.products([each]))
            }
            before = {each for each in own if each in gathered or any(o in gathered for _, o, _ in self.links([each]))}
            found.append((sorted(before), sorted(gathered), sorted(wanted)))
            wanted = before | {SCALAR}
        return found[::-1]

    @cached_property
    def shapes(self) -> dict[str, tuple[tuple[int, ...], float]]:
        """Of all weights of one network, with the standard deviation at the start."""
        c = self.channels
        found: dict[str, tuple[tuple[int, ...], float]] = {
            "embed": ((self.features, self.hidden), 1.0),
            "embed_bias": ((self.hidden,), 0.0),
            "kinds": ((self.kinds, self.hidden, c), self.hidden**-0.5),
        }
        for k in range(len(self.blocks)):
            found[f"object.{k}"] = ((self.kinds, c), 1.0)
        for layer, (own, received, new) in enumerate(self.flow):
            for source, out, paths in self.links(own):
                if out in received:
                    found[_name(layer, "message", source, out)] = ((paths * RADIAL, c), 0.5)
            for irrep in received:
                if irrep in own:
                    found[_name(layer, "self", irrep)] = ((c,), 1.0)
                found[_name(layer, "gather", irrep)] = ((c, c), c**-0.5)
            for k, source, out in self.products(received):
                if out in new or out == SCALAR:
                    found[_name(layer, f"product.{k}", source, out)] = ((c,), 0.5)
            for irrep in new:
                found[_name(layer, "mix", irrep)] = ((c, c), c**-0.5)
                if irrep == SCALAR:
                    found[_name(layer, "bias", irrep)] = ((c,), 0.0)
                if irrep[0]:
                    found[_name(layer, "gate", irrep)] = ((c, c), c**-0.5)
                    found[_name(layer, "gate_bias", irrep)] = ((c,), 0.0)
        found["out"] = ((c,), c**-0.5)
        return found

    def __call__(
        self, weights: Weights, messages: Messages, features: Tensor, kinds: Tensor, objects: Tensor
    ) -> Tensor:
        """Displacements (M, B, J, 3), without a rigid shift, in the units of the weights.

        Args:
            features: (B, features). kinds: int64 (J,). objects: (M or 1, B, J, object_dim), component normalisation.
        """
        spread = objects.permute(1, 2, 3, 0)[..., None]  # (B, J, components, M or 1, 1)
        if len(objects) > 1:
            # In memory as the features are: products of equal layout are several times faster than spread ones.
            spread = spread.expand(*spread.shape[:-1], self.channels).contiguous()
        h = self._embed(weights, features, kinds, spread)
        for layer in range(self.layers):
            h = self._layer(weights, layer, h, messages, spread)
        out = torch.einsum("bjdmc,mc->mbjd", h[OUTPUT], weights["out"])
        return out - out.mean(dim=2, keepdim=True)

    def _embed(self, w: Weights, features: Tensor, kinds: Tensor, objects: Tensor) -> Features:
        hidden = torch.einsum("bf,mfh->mbh", features, w["embed"]) + w["embed_bias"][:, None]
        hidden = torch.nn.functional.silu(hidden)
        found = {SCALAR: torch.einsum("mbh,mjhc->bjmc", hidden, w["kinds"].index_select(1, kinds))[:, :, None]}
        for k, (irrep, start) in enumerate(self.blocks):
            factor = w[f"object.{k}"].index_select(1, kinds).transpose(0, 1)[:, None]  # (J, 1, M, C)
            own = objects[:, :, start : start + 2 * irrep[0] + 1] * factor
            found[irrep] = found[irrep] + own if irrep in found else own
        return found

    def _layer(self, w: Weights, layer: int, h: Features, messages: Messages, objects: Tensor) -> Features:
        _, received, new = self.flow[layer]
        gathered = self._messages(w, layer, h, messages)
        gathered = {irrep: _mix(gathered[irrep], w[_name(layer, "gather", irrep)]) for irrep in received}
        joined = self._products(w, layer, gathered, objects)
        found: Features = {}
        for irrep in new:
            mixed = _mix(joined[irrep], w[_name(layer, "mix", irrep)])
            if irrep == SCALAR:
                found[irrep] = torch.nn.functional.silu(mixed + w[_name(layer, "bias", irrep)])
            elif irrep[0] == 0:
                found[irrep] = torch.tanh(mixed)
            else:
                gate = _mix(joined[SCALAR], w[_name(layer, "gate", irrep)]) + w[_name(layer, "gate_bias", irrep)]
                found[irrep] = mixed * torch.sigmoid(gate)
        return found

    def _messages(self, w: Weights, layer: int, h: Features, messages: Messages) -> Features:
        """The node itself and the messages to it."""
        own, received, _ = self.flow[layer]
        crystals, sites, _, count, c = h[SCALAR].shape
        each = sites // messages.cells
        found = {irrep: h[irrep] * w[_name(layer, "self", irrep)] for irrep in received if irrep in own}
        parts = {irrep: messages.parted(h[irrep]) for irrep in own}
        arrived: Features = {}
        for source, out, paths in self.links(own):
            if out not in received:
                continue
            weight = w[_name(layer, "message", source, out)].transpose(0, 1)[:, None, None]  # (P n, 1, 1, M, C)
            columns = (parts[source][:, :, None] * weight).reshape(-1, paths * RADIAL * each * (2 * source[0] + 1), count * c)
            parity = 0 if source[1] == out[1] else 1
            message = torch.bmm(messages.matrices[source[0], out[0], parity].flatten(0, 1), columns)
            arrived[out] = arrived[out] + message if out in arrived else message
        for out, message in arrived.items():
            joined = messages.whole(message.reshape(crystals, messages.cells, each, 2 * out[0] + 1, count, c))
            found[out] = found[out] + joined if out in found else joined
        return found

    def _products(self, w: Weights, layer: int, h: Features, objects: Tensor) -> Features:
        """The node and its products with the object."""
        _, received, new = self.flow[layer]
        crystals, sites, _, count, c = h[SCALAR].shape
        found = {irrep: h[irrep] for irrep in received}
        listed = [each for each in self.products(received) if each[2] in new or each[2] == SCALAR]
        for number, source in sorted({(k, s) for k, s, _ in listed}):
            (degree, _), start = self.blocks[number]
            outs = [out for k, s, out in listed if (k, s) == (number, source)]
            own = objects[:, :, start : start + 2 * degree + 1, None]  # (B, J, k, 1, M, 1)
            couplings = _couplings(degree, source[0], tuple(o for o, _ in outs), own.dtype)
            if own.shape[4] == 1:
                # One object for all networks: with the couplings it makes one matrix for each site.
                matrices = torch.matmul(own.flatten(2)[:, :, None], couplings.T.reshape(2 * degree + 1, -1))
                matrices = matrices.reshape(crystals * sites, 2 * source[0] + 1, -1).transpose(1, 2)
                product = torch.bmm(matrices, h[source].reshape(crystals * sites, 2 * source[0] + 1, count * c))
                product = product.reshape(crystals, sites, -1, count * c)
            else:
                pairs = (own * h[source][:, :, None]).reshape(crystals, sites, -1, count * c)
                product = torch.matmul(couplings, pairs)
            for out, each in zip(outs, product.split([2 * o + 1 for o, _ in outs], dim=2), strict=True):
                each = each.reshape(crystals, sites, 2 * out[0] + 1, count, c)
                each = each * w[_name(layer, f"product.{number}", source, out)]
                found[out] = found[out] + each if out in found else each
        return found


def _name(layer: int, what: str, *irreps: Irrep) -> str:
    return ".".join([str(layer), what, *(f"{l}{'e' if p == 1 else 'o'}" for l, p in irreps)])


@lru_cache(maxsize=64)
def _couplings(first: int, second: int, outs: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """All products of two degrees at once, (components of the outputs, first second)."""
    parts = [
        o3.wigner_3j(first, second, out, dtype=torch.float64).reshape(-1, 2 * out + 1).T * (2 * out + 1) ** 0.5
        for out in outs
    ]
    return torch.cat(parts).to(dtype)


def _mix(features: Tensor, weights: Tensor) -> Tensor:
    """(B, J, d, M, K) by (M, K, C): (B, J, d, M, C)."""
    crystals, sites, d, count, k = features.shape
    mixed = torch.bmm(features.reshape(-1, count, k).transpose(0, 1), weights)
    return mixed.transpose(0, 1).reshape(crystals, sites, d, count, -1)
