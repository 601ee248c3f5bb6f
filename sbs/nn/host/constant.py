"""Constant linear maps of features, as modules that TorchScript reads: annotations here are objects, not text."""

from typing import Dict  # noqa: UP035  # the only mapping that TorchScript knows

import torch
from torch import nn

__all__ = ["FixedChange", "FixedFeatures"]


class FixedChange(nn.Module):
    """Features (num_nodes, dim) -> the same under a constant linear map, one for all nodes or one for each of them.

    Args:
        matrix: (dim, dim), or (num_nodes, dim, dim) for a field on the sites of one crystal.
    """

    matrix: torch.Tensor

    def __init__(self, matrix: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)
        self.of_sites: bool = matrix.ndim == 3

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(num_nodes, dim) -> (num_nodes, dim)."""
        if self.of_sites:
            return torch.bmm(hidden.unsqueeze(1), self.matrix.to(hidden.dtype)).squeeze(1)
        return hidden @ self.matrix.to(hidden.dtype)


class FixedFeatures(nn.Module):
    """`FixedChange` of one entry of the data that a model hands from layer to layer."""

    def __init__(self, matrix: torch.Tensor, key: str) -> None:
        super().__init__()
        self.change = FixedChange(matrix)
        self.key = key

    def forward(self, data: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:  # noqa: UP006
        """The data with the changed features."""
        data[self.key] = self.change(data[self.key])
        return data
