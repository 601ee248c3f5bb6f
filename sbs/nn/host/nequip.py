"""A NequIP module that appends the symmetry-breaking object to the node features, for models built with a breaker.

NequIP's own ``AppendVectorFieldEmbed`` does the same with external fields. Import this module by name; nothing else in the
package needs NequIP. For a model that is already built or trained, use `sbs.nn.attach` instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from e3nn import o3
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.nn.breaker import SymmetryBreaker
from sbs.nn.host.graphs import graphs_of

try:
    from nequip.data import AtomicDataDict
    from nequip.nn import GraphModuleMixin
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "sbs.nn.host.nequip needs NequIP 0.19; install it with: pip install nequip", name=error.name
    ) from error

__all__ = ["AppendSymmetryBreaker"]


class AppendSymmetryBreaker(GraphModuleMixin, torch.nn.Module):
    """Put it before the first ``ConvNetLayer``, whose ``irreps_in`` are then this module's ``irreps_out``.

    Args:
        breaker: supplies the object of each graph; choose it with ``breaker.choose(...)``, or let it be drawn.
        irreps_in: the ``irreps_out`` of the module before, with scalar node features.

    Raises:
        NetworkInputError: if ``irreps_in`` has no node features.
    """

    breaker: SymmetryBreaker

    def __init__(self, breaker: SymmetryBreaker, irreps_in: Mapping[str, Any]) -> None:
        super().__init__()
        key = AtomicDataDict.NODE_FEATURES_KEY
        if irreps_in.get(key) is None:
            raise NetworkInputError(f"irreps_in has no {key!r}; put this module behind the embedding of node types.")
        self.breaker = breaker
        GraphModuleMixin._init_irreps(
            self, irreps_in=dict(irreps_in), irreps_out={key: o3.Irreps(irreps_in[key]) + breaker.irreps}
        )

    def forward(self, data: dict[str, Tensor]) -> dict[str, Tensor]:
        """Append to ``data``'s node features; one graph unless ``data`` says otherwise."""
        key = AtomicDataDict.NODE_FEATURES_KEY
        features = data[key]
        graphs = graphs_of((data,), {})
        batch, num_graphs = graphs.batch, graphs.num_graphs
        if batch is None:
            batch, num_graphs = torch.zeros(len(features), dtype=torch.int64, device=features.device), 1
        data[key] = torch.cat([features, self.breaker(batch, num_graphs)], dim=1)
        return data
