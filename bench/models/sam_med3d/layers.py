"""Layers that the image encoder, the prompt encoder and the mask decoder share."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYER_NORM_3D_EPS = 1e-6


class LayerNorm3d(nn.Module):
    """Layer norm over the channels of (b, c, d, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Normalise each voxel's channels; shape and dtype are kept."""
        channels_last = features.movedim(1, -1)
        normal = functional.layer_norm(channels_last, self.weight.shape, self.weight, self.bias, LAYER_NORM_3D_EPS)
        return normal.movedim(-1, 1)


class Mlp(nn.Module):
    """Two linear layers with an activation between them."""

    def __init__(self, width: int, hidden: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.lin1 = nn.Linear(width, hidden)
        self.lin2 = nn.Linear(hidden, width)
        self.activation = activation

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (..., width) to (..., width)."""
        mapped: Tensor = self.lin2(self.activation(self.lin1(tokens)))
        return mapped


class Head(nn.Module):
    """Three linear layers with ReLU between them: reads one number or one kernel from a token."""

    def __init__(self, width: int, hidden: int, out: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(width, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, out)])

    def forward(self, token: Tensor) -> Tensor:
        """Map (..., width) to (..., out)."""
        first, second, last = self.layers
        mapped: Tensor = last(functional.relu(second(functional.relu(first(token)))))
        return mapped
