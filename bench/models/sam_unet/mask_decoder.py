"""Mask decoder of SAM-UNet: SAM's, with one token and one mask, and with maps that bypass the transformer."""

import torch
from torch import Tensor, nn

from bench.models.sam.layers import LayerNorm2d
from bench.models.sam.mask_decoder import CHANNELS, attended, upscaling
from bench.models.sam_med3d.layers import Head
from bench.models.sam_med3d.two_way import TwoWayTransformer


class SamParts(nn.Module):
    """What is left of SAM's mask decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(CHANNELS, 2048)
        self.output_upscaling = upscaling()


class MaskDecoder(nn.Module):
    """One mask; its overlap with the target is not estimated."""

    def __init__(self) -> None:
        super().__init__()
        self.sam_mask_decoder = SamParts()
        self.med_token = nn.Embedding(1, CHANNELS)
        self.hf_mlp = Head(CHANNELS, CHANNELS, CHANNELS // 8)
        self.embedding_maskfeature = nn.Sequential(
            nn.Conv2d(CHANNELS // 8, CHANNELS // 4, 3, padding=1),
            LayerNorm2d(CHANNELS // 4),
            nn.GELU(),
            nn.Conv2d(CHANNELS // 4, CHANNELS // 8, 3, padding=1),
        )

    def forward(self, image: Tensor, image_places: Tensor, prompts: Tensor, fine: Tensor) -> Tensor:
        """Decode masks.

        Args:
            image: (m or 1, 256, n, n), embedding plus encoded previous mask.
            image_places: (1, 256, n, n), position encoding of the grid.
            prompts: (m, t, 256), tokens of points and boxes.
            fine: (1, 32, 4n, 4n), the encoder's maps of finer resolution.

        Returns:
            Logits (m, 1, 4n, 4n).
        """
        own = self.med_token.weight.expand(len(prompts), 1, -1)
        parts = self.sam_mask_decoder
        tokens, seen = attended(parts.transformer, image, image_places, torch.cat([own, prompts], dim=1))
        features = self.embedding_maskfeature(parts.output_upscaling(seen)) + fine
        return torch.einsum("bmc,bchw->bmhw", self.hf_mlp(tokens[:, :1]), features)
