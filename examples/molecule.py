"""What the molecule examples share: data for e3nn's v2106 network with a breaker, training, and outputs of
turned inputs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from e3nn.nn.models.v2106.gate_points_networks import NetworkForAGraphWithAttributes
from torch import Tensor
from tqdm import tqdm

from sbs.nn import BreakingModel, Rotation, SymmetryBreaker, build

Data = dict[str, Tensor]


def molecule(positions: np.ndarray, node_input: np.ndarray) -> Data:
    """Data of one molecule: every atom is a neighbour of every other."""
    source, target = np.nonzero(~np.eye(len(positions), dtype=bool))
    sites = torch.as_tensor(np.asarray(positions)).to(torch.get_default_dtype())
    return {
        "pos": sites,
        "node_input": torch.as_tensor(np.asarray(node_input)).to(sites),
        "edge_index": torch.as_tensor(np.stack([source, target])),
        "edge_attr": sites.new_ones((len(source), 1)),
    }


def network(breaker: SymmetryBreaker, irreps_in: str, irreps_out: str, *, pool: bool, lmax: int = 2) -> BreakingModel:
    """e3nn's v2106 network with the object among its node attributes."""
    return build(
        NetworkForAGraphWithAttributes,
        breaker,
        irreps_node_input=irreps_in,
        irreps_node_attr="0e",
        irreps_edge_attr="0e",
        irreps_node_output=irreps_out,
        max_radius=4.0,
        num_neighbors=5.0,
        num_nodes=6.0,
        mul=8,
        layers=2,
        lmax=lmax,
        pool_nodes=pool,
    )


def fit(
    evaluate: Callable[[], Tensor],
    model: torch.nn.Module,
    target: Tensor,
    steps: int,
    name: str,
    lr: float = 1e-2,
) -> list[float]:
    """Adam on the mean squared error to one target; returns the error of every step."""
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps, eta_min=lr * 1e-3)
    history = []
    for _ in tqdm(range(steps), desc=name, mininterval=0.5):
        optimiser.zero_grad()
        loss = torch.nn.functional.mse_loss(evaluate(), target)
        loss.backward()
        optimiser.step()
        schedule.step()
        history.append(float(loss.detach()))
    return history


def with_objects(model: BreakingModel, data: Data, objects: Tensor) -> Tensor:
    """The model's outputs for objects that are given as features (count, dim), not drawn: (count, rows,
    dim).
    """
    results = []
    for each in objects:
        ones = each.new_ones((len(data["pos"]), 1))
        attributes = torch.cat([ones, each.expand(len(ones), -1)], dim=1)
        results.append(model.model({**data, "node_attr": attributes}))
    return torch.stack(results)


def turned(data: Data, irreps_in: str, matrix: np.ndarray) -> Data:
    """The molecule turned (or mirrored) by an orthogonal matrix."""
    g = torch.as_tensor(matrix).to(data["pos"])
    count = len(data["pos"])
    node_input = Rotation(irreps_in)(data["node_input"], g.expand(count, 3, 3)).to(data["pos"])
    return {**data, "pos": data["pos"] @ g.T, "node_input": node_input}


def set_distance(first: Tensor, second: Tensor) -> float:
    """Largest distance of a member of one finite set of outputs from the other set, both ways (Hausdorff)."""
    distances = torch.cdist(first.flatten(1), second.flatten(1))
    return float(torch.maximum(distances.amin(dim=0).max(), distances.amin(dim=1).max()))
