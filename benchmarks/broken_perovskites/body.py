"""The network that all equivariant techniques share: many copies with weights of their own, evaluated at once.

Messages from neighbours (`geometry.Messages`), a tensor product of each node with its object, gates; the structure of
e3nn's ``gate_points`` networks, with weights for each path and channel and one linear mixing behind each product. Every
irrep (l, p) with l <= LMAX and both parities has the same number of channels, so that features of one degree are one
array. Networks are stacked in an axis: one set of matrix products serves them all, which on a processor costs
less than one network after the other.

Axes are named in comments: M networks, B crystals, J sites, d = 2l + 1, p parity (even, odd), C channels, P paths, n radial.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch
from e3nn import o3
from torch import Tensor

from benchmarks.broken_perovskites.geometry import LMAX, RADIAL, Messages, paths_between

__all__ = ["Body", "Weights", "parameters_of"]

Weights = dict[str, Tensor]
DEGREES = range(LMAX + 1)


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
    def blocks(self) -> list[tuple[int, int, int]]:
        """(degree, parity 0 even 1 odd, offset) of the irreps of the object, copies apart."""
        found, start = [], 0
        for count, irrep in o3.Irreps(self.object_irreps):
            for _ in range(count):
                found.append((irrep.l, 0 if irrep.p == 1 else 1, start))
                start += irrep.dim
        return found

    @property
    def object_dim(self) -> int:
        """Components of the object on a node."""
        return o3.Irreps(self.object_irreps).dim

    @cached_property
    def links(self) -> list[tuple[int, int, int, int]]:
        """(l, l', parity of the neighbourhood, number of paths) of all messages."""
        found = []
        for l in DEGREES:
            for out in DEGREES:
                for parity in (0, 1):
                    paths = sum(a % 2 == parity for a in paths_between(l, out, self.neighbourhood))
                    if paths:
                        found.append((l, out, parity, paths))
        return found

    @cached_property
    def shapes(self) -> dict[str, tuple[tuple[int, ...], float]]:
        """Of all weights of one network, with the standard deviation at the start."""
        c, last = self.channels, self.layers - 1
        found: dict[str, tuple[tuple[int, ...], float]] = {
            "embed": ((self.features, self.hidden), 1.0),
            "embed_bias": ((self.hidden,), 0.0),
            "kinds": ((self.kinds, self.hidden, c), self.hidden**-0.5),
        }
        for k, (degree, _, _) in enumerate(self.blocks):
            found[f"object.{k}"] = ((self.kinds, c), 1.0)
            for layer in range(self.layers):
                for l in DEGREES:
                    for out in _outputs(l, degree):
                        if layer < last or out in (0, 1):
                            found[f"{layer}.product.{k}.{l}.{out}"] = ((2, c), 0.5)
        for layer in range(self.layers):
            for l, out, parity, paths in self.links:
                found[f"{layer}.message.{l}.{out}.{parity}"] = ((paths * RADIAL, 2, c), 0.5)
            for l in DEGREES:
                found[f"{layer}.self.{l}"] = ((2, c), 1.0)
                found[f"{layer}.gather.{l}"] = ((2, c, c), c**-0.5)
            gates = 2 * LMAX if layer < last else 1
            found[f"{layer}.gates"] = ((1, c, gates * c), c**-0.5)
            found[f"{layer}.gates_bias"] = ((gates * c,), 0.0)
            for l in DEGREES if layer < last else [1]:
                # Behind the last layer only polar vectors are read.
                found[f"{layer}.mix.{l}"] = ((2 if layer < last else 1, c, c), c**-0.5)
            if layer < last:
                found[f"{layer}.bias"] = ((c,), 0.0)
        found["out"] = ((c,), c**-0.5)
        return found

    def __call__(
        self, weights: Weights, messages: Messages, features: Tensor, kinds: Tensor, objects: Tensor
    ) -> Tensor:
        """Displacements (M, B, J, 3), without a rigid shift, in the units of the weights.

        Args:
            features: (B, features). kinds: int64 (J,). objects: (M or 1, B, J, object_dim), component normalisation.
        """
        spread = objects.permute(1, 2, 3, 0)[..., None, :, None]  # (B, J, components, 1, M, 1)
        h = self._embed(weights, features, kinds, spread)
        for layer in range(self.layers):
            h = self._layer(weights, layer, h, messages, spread)
        out = torch.einsum("bjdmc,mc->mbjd", h[-1][:, :, :, 0], weights["out"])
        return out - out.mean(dim=2, keepdim=True)

    def _embed(self, w: Weights, features: Tensor, kinds: Tensor, objects: Tensor) -> list[Tensor]:
        """Features of each degree, (B, J, d, p, M, C)."""
        hidden = torch.einsum("bf,mfh->mbh", features, w["embed"]) + w["embed_bias"][:, None]
        hidden = torch.nn.functional.silu(hidden)
        scalars = torch.einsum("mbh,mjhc->bjmc", hidden, w["kinds"].index_select(1, kinds))
        crystals, sites, count, c = scalars.shape
        parts = [[scalars.new_zeros(crystals, sites, 2 * l + 1, count, c) for _ in (0, 1)] for l in DEGREES]
        parts[0][0] = scalars[:, :, None]
        for k, (degree, parity, start) in enumerate(self.blocks):
            own = objects[:, :, start : start + 2 * degree + 1, 0]
            factor = w[f"object.{k}"].index_select(1, kinds).transpose(0, 1)  # (J, M, C)
            parts[degree][parity] = parts[degree][parity] + own * factor[:, None]
        return [torch.stack(p, dim=3) for p in parts]

    def _layer(
        self, w: Weights, layer: int, h: list[Tensor], messages: Messages, objects: Tensor
    ) -> list[Tensor]:
        """The next features; behind the last layer polar vectors alone, (B, J, 3, 1, M, C)."""
        last = layer == self.layers - 1
        received = self._messages(w, layer, h, messages)
        received = [_mix(received[l], w[f"{layer}.gather.{l}"]) for l in DEGREES]
        joined = self._products(w, layer, received, objects, [0, 1] if last else list(DEGREES))
        gates = torch.sigmoid(_mix(joined[0][:, :, :, :1], w[f"{layer}.gates"]) + w[f"{layer}.gates_bias"])
        if last:
            return [_mix(joined[1][:, :, :, 1:], w[f"{layer}.mix.1"]) * gates]
        new = [_mix(joined[l], w[f"{layer}.mix.{l}"]) for l in DEGREES]
        even, odd = new[0].unbind(dim=3)
        even = torch.nn.functional.silu(even + w[f"{layer}.bias"])
        out = [torch.stack([even, torch.tanh(odd)], dim=3)]
        for l, own in zip(DEGREES[1:], gates.chunk(LMAX, dim=-1), strict=True):
            out.append(new[l] * torch.cat(own.chunk(2, dim=-1), dim=3))
        return out

    def _messages(self, w: Weights, layer: int, h: list[Tensor], messages: Messages) -> list[Tensor]:
        """The node itself and the messages to it, for each degree."""
        crystals, sites, _, _, count, c = h[0].shape
        found = [h[l] * _weight(w[f"{layer}.self.{l}"]) for l in DEGREES]
        flipped = [each.flip(3) for each in h] if any(parity for _, _, parity, _ in self.links) else h
        for l, out, parity, paths in self.links:
            weight = w[f"{layer}.message.{l}.{out}.{parity}"].permute(1, 2, 0, 3)  # (P n, p, M, C)
            sent = (flipped if parity else h)[l][:, None] * weight[:, None, None]
            columns = sent.reshape(crystals, paths * RADIAL * sites * (2 * l + 1), 2 * count * c)
            arrived = torch.bmm(messages.matrices[l, out, parity], columns)
            found[out] = found[out] + arrived.reshape(crystals, sites, 2 * out + 1, 2, count, c)
        return found

    def _products(
        self, w: Weights, layer: int, h: list[Tensor], objects: Tensor, wanted: list[int]
    ) -> list[Tensor]:
        """The node and its products with the object, for each degree wanted."""
        crystals, sites, _, _, count, c = h[0].shape
        found = [h[l] for l in wanted]
        for k, (degree, parity, start) in enumerate(self.blocks):
            own = objects[:, :, start : start + 2 * degree + 1, None]  # (B, J, k, 1, 1, M, 1)
            for l in DEGREES:
                outs = [out for out in _outputs(l, degree) if out in wanted]
                if not outs:
                    continue
                pairs = (own * h[l][:, :, None]).reshape(crystals, sites, -1, 2 * count * c)
                product = torch.matmul(_couplings(degree, l, tuple(outs), pairs.dtype), pairs)
                for out, each in zip(outs, product.split([2 * o + 1 for o in outs], dim=2), strict=True):
                    each = each.reshape(crystals, sites, 2 * out + 1, 2, count, c)
                    each = each.flip(3) if parity else each
                    found[out] = found[out] + each * _weight(w[f"{layer}.product.{k}.{l}.{out}"])
        return found


def _outputs(first: int, second: int) -> range:
    """Degrees of a product, within LMAX."""
    return range(abs(first - second), min(first + second, LMAX) + 1)


@lru_cache(maxsize=64)
def _couplings(first: int, second: int, outs: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """All products of two degrees at once, (components of the outputs, first second)."""
    parts = [
        o3.wigner_3j(first, second, out, dtype=torch.float64).reshape(-1, 2 * out + 1).T * math.sqrt(2 * out + 1)
        for out in outs
    ]
    return torch.cat(parts).to(dtype)


def _weight(weight: Tensor) -> Tensor:
    """(M, p, C) -> (p, M, C)."""
    return weight.transpose(0, 1)


def _mix(features: Tensor, weights: Tensor) -> Tensor:
    """(B, J, d, p, M, K) by (M, p, K, C): (B, J, d, p, M, C)."""
    crystals, sites, d, parities, count, k = features.shape
    rows = features.reshape(-1, parities * count, k).transpose(0, 1)
    matrices = weights.transpose(0, 1).reshape(parities * count, k, -1)
    mixed = torch.bmm(rows, matrices)
    return mixed.transpose(0, 1).reshape(crystals, sites, d, parities, count, -1)
