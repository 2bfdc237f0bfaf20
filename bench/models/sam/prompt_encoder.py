"""Prompt encoder of SAM: points and box corners become tokens, the previous mask becomes a map."""

import math

import torch
from torch import Tensor, nn

from bench.models.sam.layers import LayerNorm2d

CHANNELS = 256
PATCH = 16
INSIDE, PADDING = 1, -1
"""Labels of a point; 0 is outside."""


class PositionEncoding(nn.Module):
    """Random Fourier features of a place in the unit square."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.zeros(2, CHANNELS // 2))

    def forward(self, places_xy: Tensor) -> Tensor:
        """Map places in the unit square, (..., 2), to (..., 256): sines, then cosines."""
        phases = 2 * math.pi * ((2 * places_xy - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat([torch.sin(phases), torch.cos(phases)], dim=-1)

    def grid(self, side: int) -> Tensor:
        """Return the encoding of a grid of tokens, (1, 256, side, side)."""
        centres = (torch.arange(side, device=self.positional_encoding_gaussian_matrix.device) + 0.5) / side
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        encoded: Tensor = self(torch.stack([x, y], dim=-1))
        return encoded.movedim(-1, 0)[None]


class PromptEncoder(nn.Module):
    """Encode points, boxes and the low-resolution logits of the previous answer."""

    def __init__(self, side: int) -> None:
        """Make the encoder of prompts on pictures of `side` pixels."""
        super().__init__()
        self.side = side
        self.pe_layer = PositionEncoding()
        meanings = ("outside", "inside", "upper left corner", "lower right corner")
        self.point_embeddings = nn.ModuleList([nn.Embedding(1, CHANNELS) for _ in meanings])
        self.not_a_point_embed = nn.Embedding(1, CHANNELS)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, 4, 2, stride=2),
            LayerNorm2d(4),
            nn.GELU(),
            nn.Conv2d(4, 16, 2, stride=2),
            LayerNorm2d(16),
            nn.GELU(),
            nn.Conv2d(16, CHANNELS, 1),
        )
        self.no_mask_embed = nn.Embedding(1, CHANNELS)

    def places(self) -> Tensor:
        """Return the position encoding of the embedding's grid, (1, 256, grid, grid)."""
        return self.pe_layer.grid(self.side // PATCH)

    def tokens(self, points_xy: Tensor, labels: Tensor, boxes_xyxy: Tensor | None) -> Tensor:
        """Encode the points and the box of each prompt.

        Args:
            points_xy: (m, p, 2) in pixels of the square; p may be 0.
            labels: (m, p): 1 inside the target, 0 outside, -1 no point at all. The network sees a -1 as a token of its
                own: what it answers to a prompt depends on how many there are.
            boxes_xyxy: (m, 4) in pixels of the square, or None.

        Returns:
            (m, n, 256): the points, then one -1 where there are points and no boxes, or two corners where there are.
        """
        tokens = []
        if points_xy.shape[1]:
            tokens.append(self._points(points_xy, labels))
            if boxes_xyxy is None:
                tokens.append(self.not_a_point_embed.weight.expand(len(points_xy), 1, -1))
        if boxes_xyxy is not None:
            tokens.append(self._corners(boxes_xyxy))
        return torch.cat(tokens, dim=1) if tokens else points_xy.new_zeros(len(points_xy), 0, CHANNELS)

    def mask(self, logits: Tensor | None) -> Tensor:
        """Encode previous logits, (m, 1, side / 4, side / 4), as (m, 256, grid, grid).

        None gives the learned `no mask` vector, (1, 256, 1, 1), which is the same everywhere.
        """
        if logits is None:
            return self.no_mask_embed.weight.view(1, CHANNELS, 1, 1)
        encoded: Tensor = self.mask_downscaling(logits)
        return encoded

    def _points(self, points_xy: Tensor, labels: Tensor) -> Tensor:
        outside, inside, _, _ = self._meanings()
        kinds = labels[..., None]
        placed = self.pe_layer((points_xy + 0.5) / self.side) + torch.where(kinds == INSIDE, inside, outside)
        return torch.where(kinds == PADDING, self.not_a_point_embed.weight, placed)

    def _corners(self, boxes_xyxy: Tensor) -> Tensor:
        placed: Tensor = self.pe_layer((boxes_xyxy.view(-1, 2, 2) + 0.5) / self.side)
        return placed + self._meanings()[2:]

    def _meanings(self) -> Tensor:
        """Return what is added to a place: (4, 256) for outside, inside, upper left and lower right corner."""
        return torch.cat(list(self.point_embeddings.parameters()))
