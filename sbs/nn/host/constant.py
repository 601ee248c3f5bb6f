"""Constant linear maps of features, as modules that TorchScript reads: annotations here are objects, not text."""

from typing import Dict  # noqa: UP035  # the only mapping that TorchScript knows

import torch
from torch import nn

__all__ = ["FixedChange", "FixedFeatures"]


class FixedChange(nn.Module):
    """Features (num_nodes, dim) -> the same under a constant linear map."""

    matrix: torch.Tensor

    def __init__(self, matrix: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("matrix", matrix)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(num_nodes, dim) -> (num_nodes, dim)."""
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
