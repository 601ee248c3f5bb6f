"""Fields on the sites of a crystal at the nodes of a batch: which node is which site."""

from __future__ import annotations

import torch
from torch import Tensor

from sbs.errors import NetworkInputError
from sbs.nn.checks import readable

__all__ = ["fields_at"]


def fields_at(fields: Tensor, own: Tensor, batch: Tensor | None, num_nodes: int, sites: Tensor | None) -> Tensor:
    """The value of its graph's field at each node, (num_nodes, dim).

    Args:
        fields: (num_graphs, most sites, dim).
        own: int64 (num_graphs,), the number of sites of each graph's field; 0 for objects of the whole graph, which stand at
            site 0.
        batch: (num_nodes,), the graph of each node, in any order; None for one graph.
        sites: (num_nodes,), the site that each node is; by default its position among the nodes of its graph, which is the order
            of the sites of the structure that the set was asked for.

    Raises:
        NetworkInputError: a graph has not the sites of its set.
    """
    device = fields.device
    graph = torch.zeros(num_nodes, dtype=torch.int64, device=device) if batch is None else batch.to(torch.int64)
    counts = torch.zeros(len(fields), dtype=torch.int64, device=device).index_add(0, graph, torch.ones_like(graph))
    if sites is None:
        order = torch.argsort(graph, stable=True)
        places = torch.arange(num_nodes, device=device) - (counts.cumsum(0) - counts)[graph[order]]
        found = torch.empty_like(places).index_copy(0, order, places)
    else:
        found = sites.to(torch.int64)
    if readable(found):
        wrong = (own > 0) & (counts != own)
        if bool(wrong.any()):
            number = int(torch.nonzero(wrong)[0])
            raise NetworkInputError(
                f"Graph {number} has {int(counts[number])} nodes, its set fields on {int(own[number])} sites; give the "
                "supercell that the set was asked for."
            )
        if found.shape != (num_nodes,) or bool(((found < 0) | ((own[graph] > 0) & (found >= own[graph]))).any()):
            raise NetworkInputError(
                f"sbs_site has shape {tuple(found.shape)} and numbers {int(found.min())}..{int(found.max())}; expected the "
                f"site of its set that each of the {num_nodes} nodes is."
            )
    return fields[graph, torch.where(own[graph] > 0, found, 0)]
