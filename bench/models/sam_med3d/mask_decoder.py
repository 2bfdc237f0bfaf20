"""Mask decoder of SAM-Med3D: embedding and prompts to low-resolution logits."""

import torch
from torch import Tensor, nn

from bench.models.sam_med3d.layers import Head, LayerNorm3d
from bench.models.sam_med3d.two_way import TwoWayTransformer

CHANNELS = 384
MASKS = 4
"""One mask for unambiguous prompts and three for ambiguous ones; training and inference use the first."""


class MaskDecoder(nn.Module):
    """Four masks and their estimated overlaps (never trained in the published weights)."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(CHANNELS, 2048)
        self.iou_token = nn.Embedding(1, CHANNELS)
        self.mask_tokens = nn.Embedding(MASKS, CHANNELS)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose3d(CHANNELS, CHANNELS // 4, 2, stride=2),
            LayerNorm3d(CHANNELS // 4),
            nn.GELU(),
            nn.ConvTranspose3d(CHANNELS // 4, CHANNELS // 8, 2, stride=2),
            nn.GELU(),
        )
        self.output_hypernetworks_mlps = nn.ModuleList([Head(CHANNELS, CHANNELS, CHANNELS // 8) for _ in range(MASKS)])
        self.iou_prediction_head = Head(CHANNELS, 256, MASKS)

    def forward(self, image: Tensor, image_places: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Decode masks.

        Args:
            image: (b, 384, 8, 8, 8), embedding plus encoded previous mask.
            image_places: (1, 384, 8, 8, 8), position encoding of the grid.
            prompts: (b, n, 384), point tokens.

        Returns:
            Logits (b, 4, 32, 32, 32) and estimated overlaps (b, 4).
        """
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight]).expand(len(image), -1, -1)
        tokens, seen = self.transformer(
            image.flatten(2).transpose(1, 2),
            image_places.flatten(2).transpose(1, 2),
            torch.cat([own, prompts], dim=1),
        )
        upscaled = self.output_upscaling(seen.transpose(1, 2).reshape(image.shape))  # (b, 48, 32, 32, 32)
        kernels = [head(tokens[:, 1 + n]) for n, head in enumerate(self.output_hypernetworks_mlps)]
        logits = torch.einsum("bmc,bcdhw->bmdhw", torch.stack(kernels, dim=1), upscaled)
        return logits, self.iou_prediction_head(tokens[:, 0])
