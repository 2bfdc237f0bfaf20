"""Mask decoder of SAM: embedding and prompts to low-resolution logits."""

import torch
from torch import Tensor, nn

from bench.models.sam.layers import LayerNorm2d
from bench.models.sam_med3d.layers import Head
from bench.models.sam_med3d.two_way import TwoWayTransformer

CHANNELS = 256
MASKS = 4
"""One mask for unambiguous prompts, then three for ambiguous ones."""


def upscaling() -> nn.Sequential:
    """Return the layers that enlarge the image's tokens, (b, 256, n, n), to (b, 32, 4n, 4n)."""
    return nn.Sequential(
        nn.ConvTranspose2d(CHANNELS, CHANNELS // 4, 2, stride=2),
        LayerNorm2d(CHANNELS // 4),
        nn.GELU(),
        nn.ConvTranspose2d(CHANNELS // 4, CHANNELS // 8, 2, stride=2),
        nn.GELU(),
    )


def attended(
    transformer: TwoWayTransformer, image: Tensor, image_places: Tensor, tokens: Tensor
) -> tuple[Tensor, Tensor]:
    """Let tokens and image attend to each other.

    Args:
        transformer: The two-way transformer.
        image: (m, 256, n, n), or (1, 256, n, n) for all m prompts: what they share is then computed once.
        image_places: (1, 256, n, n), position encoding of the grid.
        tokens: (m, t, 256).

    Returns:
        Tokens (m, t, 256) and image (m, 256, n, n).
    """
    seen_tokens, seen = transformer(image.flatten(2).transpose(1, 2), image_places.flatten(2).transpose(1, 2), tokens)
    return seen_tokens, seen.transpose(1, 2).unflatten(-1, image.shape[2:])


class MaskDecoder(nn.Module):
    """Masks and their estimated overlaps with the target."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer(CHANNELS, 2048)
        self.iou_token = nn.Embedding(1, CHANNELS)
        self.mask_tokens = nn.Embedding(MASKS, CHANNELS)
        self.output_upscaling = upscaling()
        heads = [Head(CHANNELS, CHANNELS, CHANNELS // 8) for _ in range(MASKS)]
        self.output_hypernetworks_mlps = nn.ModuleList(heads)
        self.iou_prediction_head = Head(CHANNELS, CHANNELS, MASKS)

    def forward(
        self, image: Tensor, image_places: Tensor, prompts: Tensor, *, multimask: bool
    ) -> tuple[Tensor, Tensor]:
        """Decode masks.

        Args:
            image: (m or 1, 256, n, n), embedding plus encoded previous mask.
            image_places: (1, 256, n, n), position encoding of the grid.
            prompts: (m, t, 256), tokens of points and boxes.
            multimask: Give the three masks for ambiguous prompts in place of the one.

        Returns:
            Logits (m, k, 4n, 4n) and estimated overlaps (m, k).
        """
        chosen = range(1, MASKS) if multimask else range(1)
        own = torch.cat([self.iou_token.weight, self.mask_tokens.weight]).expand(len(prompts), -1, -1)
        tokens, seen = attended(self.transformer, image, image_places, torch.cat([own, prompts], dim=1))
        kernels = torch.stack([self.output_hypernetworks_mlps[n](tokens[:, 1 + n]) for n in chosen], dim=1)
        logits = torch.einsum("bmc,bchw->bmhw", kernels, self.output_upscaling(seen))
        return logits, self.iou_prediction_head(tokens[:, 0])[:, chosen.start : chosen.stop]
