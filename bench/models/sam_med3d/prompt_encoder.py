"""Prompt encoder of SAM-Med3D: points become tokens, the previous mask becomes a map."""

import math

import torch
from torch import Tensor, nn

from bench.models.sam_med3d.layers import LayerNorm3d

CUBE = 128
GRID = 8
CHANNELS = 384


class PositionEncoding(nn.Module):
    """Random Fourier features of a place in the unit cube."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.zeros(3, CHANNELS // 3))

    def forward(self, places: Tensor) -> Tensor:
        """Map places in the unit cube, (..., 3), to (..., 384): sine, cosine, and the sine again."""
        phases = 2 * math.pi * ((2 * places - 1) @ self.positional_encoding_gaussian_matrix)
        sines = torch.sin(phases)
        return torch.cat([sines, torch.cos(phases), sines], dim=-1)

    def grid(self) -> Tensor:
        """Return the encoding of the token grid, (1, 384, 8, 8, 8).

        Axes 0 and 1 of a place are exchanged here but not for points: published weights were trained so.
        """
        centres = (torch.arange(GRID, device=self.positional_encoding_gaussian_matrix.device) + 0.5) / GRID
        axis0, axis1, axis2 = torch.meshgrid(centres, centres, centres, indexing="ij")
        encoded: Tensor = self(torch.stack([axis1, axis0, axis2], dim=-1))
        return encoded.movedim(-1, 0)[None]


class PromptEncoder(nn.Module):
    """Encode points and the low-resolution logits of the previous answer."""

    def __init__(self) -> None:
        super().__init__()
        self.pe_layer = PositionEncoding()
        self.point_embeddings = nn.ModuleList([nn.Embedding(1, CHANNELS) for _ in ("outside", "inside")])
        self.not_a_point_embed = nn.Embedding(1, CHANNELS)
        self.no_mask_embed = nn.Embedding(1, CHANNELS)
        self.mask_downscaling = nn.Sequential(
            nn.Conv3d(1, 4, 2, stride=2),
            LayerNorm3d(4),
            nn.GELU(),
            nn.Conv3d(4, 16, 2, stride=2),
            LayerNorm3d(16),
            nn.GELU(),
            nn.Conv3d(16, CHANNELS, 1),
        )

    def points(self, points: Tensor, labels: Tensor) -> Tensor:
        """Encode points as tokens.

        Args:
            points: (b, n, 3), voxel indices in the cube, in array order.
            labels: (b, n), 1 inside the target, 0 outside.

        Returns:
            (b, n + 1, 384); the last token says that no box was given.
        """
        outside, inside = self.point_embeddings
        nothing = torch.zeros_like(labels)
        meaning = torch.where(labels[..., None] == 1, inside(nothing), outside(nothing))
        tokens = self.pe_layer((points + 0.5) / CUBE) + meaning
        no_box = self.not_a_point_embed.weight.expand(len(points), 1, -1)
        return torch.cat([tokens, no_box], dim=1)

    def mask(self, logits: Tensor | None) -> Tensor:
        """Encode previous logits, (b, 1, 32, 32, 32), as (b, 384, 8, 8, 8); None gives the learned `no mask` map."""
        if logits is None:
            return self.no_mask_embed.weight.view(1, CHANNELS, 1, 1, 1).expand(-1, -1, GRID, GRID, GRID)
        encoded: Tensor = self.mask_downscaling(logits)
        return encoded
