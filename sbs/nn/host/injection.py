"""The zero-initialised equivariant correction that carries a symmetry-breaking object into an existing model."""

from __future__ import annotations

from typing import Any

import torch
from e3nn import o3
from torch import Tensor, nn

from sbs.errors import NetworkInputError
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.checks import check_like
from sbs.nn.choice import Choice
from sbs.nn.compiling import autocasting
from sbs.nn.host.data import rotations_only
from sbs.nn.host.product import ObjectProduct

__all__ = ["Injection"]

_NOTHING = Choice()


class Injection(nn.Module):
    """h -> h + W (h x b): the fully connected tensor product with zero weights, so that it starts as the identity.

    Args:
        breaker: supplies b.
        irreps: of the hidden features h, e3nn's layout ``[num_nodes, irreps.dim]``.
        ignore_parity: the host labels all its features even (SevenNet, MACE with use_so3): the breaker's irreps are then read
            without parity too. Such a host is equivariant under rotations only, so its sets belong to the ambient "SO(3)".

    The weights' gradients do not vanish at zero: they are the products h x b against the loss's gradient at h.
    """

    def __init__(
        self,
        breaker: SymmetryBreaker,
        irreps: o3.Irreps,
        *,
        dtype: torch.dtype,
        device: torch.device,
        ignore_parity: bool = False,
    ) -> None:
        super().__init__()
        if ignore_parity:
            _check_proper(breaker)
        self.breaker = breaker
        self.ignore_parity = ignore_parity
        self.irreps = irreps
        self.dim: int = irreps.dim
        self.irreps_breaker = breaker.irreps
        if ignore_parity:
            self.irreps_breaker = o3.Irreps([(mul, (ir.l, 1)) for mul, ir in breaker.irreps])
        self.product = ObjectProduct(irreps, self.irreps_breaker, dtype, device)

    def forward(self, hidden: Tensor, objects: Tensor, batch: Tensor | None, choice: Choice = _NOTHING) -> Tensor:
        """Features (num_nodes, dim), objects (num_graphs, breaker dim), graph of each node (None: one graph)."""
        if hidden.ndim != 2 or hidden.shape[1] != self.dim:
            raise NetworkInputError(
                f"The hidden features here have shape {tuple(hidden.shape)}; expected (num_nodes, "
                f"{self.dim}) for {self.irreps}. Pass attach the irreps of this layer with irreps=."
            )
        if batch is not None and len(batch) != len(hidden):
            raise NetworkInputError(
                f"The hidden features here have {len(hidden)} rows, but 'batch' numbers {len(batch)} nodes; attach to a layer "
                "whose features are those of the nodes, before any pooling."
            )
        if objects.ndim == 3:
            # A field on the sites of a crystal: one row for each node.
            objects, batch = self.breaker.on_nodes(objects, batch, hidden.shape[0], choice), None
        if not autocasting(hidden.device):
            check_like(hidden, self.breaker.device, "The hidden features", self.breaker.dtype)
            return hidden + self.product(hidden, objects, batch)
        # The host's layers cast what they are given; the product keeps the precision of its weights.
        check_like(hidden, self.breaker.device, "The hidden features")
        with torch.autocast(hidden.device.type, enabled=False):
            change = self.product(hidden.to(self.breaker.dtype), objects, batch)
        return hidden + change.to(hidden.dtype)

    def get_extra_state(self) -> Tensor:
        """What the weights are for, as text in a uint8 tensor: they are numbers in a row, which would fit other irreps too."""
        return torch.frombuffer(bytearray(self._meaning().encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Refuse weights of other features or objects.

        Raises:
            NetworkInputError: the checkpoint's weights are for others.
        """
        given = bytes(state.cpu().tolist()).decode(errors="replace")
        if given != self._meaning():
            raise NetworkInputError(
                f"The checkpoint's weights are for {given}, this attachment's for {self._meaning()}; attach a breaker of "
                "the same sets to the same layer, then load."
            )

    def _meaning(self) -> str:
        return f"features {self.irreps} and objects {self.irreps_breaker}"

    def matrix(self, objects: Tensor) -> Tensor:
        """The linear map of the features that one object (1, dim of the breaker) makes: h -> h @ matrix, (dim, dim).

        Of several objects (k, dim of the breaker), (k, dim, dim).
        """
        with torch.no_grad():
            identity = torch.eye(self.dim, dtype=self.breaker.dtype, device=self.breaker.device)
            changes = [self.product(identity, each[None]) for each in objects]
        return identity + (changes[0] if len(changes) == 1 else torch.stack(changes))


def _check_proper(breaker: SymmetryBreaker) -> None:
    """Refuse sets closed under less than what a host without parity is equivariant under."""
    for each in breaker.sets:
        ambient: Any = each.ambient
        if not rotations_only(ambient):
            raise NetworkInputError(
                f"ignore_parity=True is for hosts that are equivariant under rotations only, but the set {each!r} is for the "
                f"ambient group {getattr(ambient, 'symbol', ambient)}, with improper elements: without parity its objects mean "
                'something else. Ask for the set of the rotation groups, sbs.minimal_set(group, target, ambient="SO(3)").'
            )
