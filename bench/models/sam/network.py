"""The whole SAM network, with the state-dict keys and shapes of the published weights."""

from typing import Any

import torch
from torch import Tensor, nn

from bench.models.sam.image_encoder import VIT_B, VIT_H, VIT_L, Block, EncoderSize, ImageEncoder
from bench.models.sam.mask_decoder import MaskDecoder
from bench.models.sam.prompt_encoder import PromptEncoder

SIZES = {"vit-b": VIT_B, "vit-l": VIT_L, "vit-h": VIT_H}
SIDE = 1024
"""Pixels of the square that the published weights see."""


class SamNetwork(nn.Module):
    """Image encoder, prompt encoder and mask decoder: `bench.models.planar.network.PlanarNetwork`."""

    def __init__(self, size: EncoderSize, side: int, block: type[Block] = Block) -> None:
        """Make the network for pictures of `side` pixels, its encoder from blocks of a class."""
        super().__init__()
        self.side = side
        self.image_encoder = ImageEncoder(size, side, block)
        self.prompt_encoder = PromptEncoder(side)
        self.mask_decoder = MaskDecoder()

    def encode(self, pictures: Tensor) -> Tensor:
        """Map normalised pictures, (n, 3, side, side) float32, to embeddings, (n, 256, side / 16, side / 16)."""
        embedding: Tensor = self.image_encoder(pictures)
        return embedding

    def decode(
        self,
        embedding: Any,
        points_xy: Tensor,
        labels: Tensor,
        boxes_xyxy: Tensor | None,
        mask_logits: Tensor | None,
        *,
        multimask: bool,
    ) -> tuple[Tensor, Tensor]:
        """Answer m prompts of one picture.

        Args:
            embedding: (1, 256, side / 16, side / 16).
            points_xy: (m, p, 2) in pixels of the square; p may be 0.
            labels: (m, p): 1 inside the target, 0 outside, -1 no point (see `PromptEncoder.tokens`).
            boxes_xyxy: (m, 4) in pixels of the square, or None.
            mask_logits: (m, 1, side / 4, side / 4), logits of the previous answer, or None.
            multimask: Give three masks for an ambiguous prompt in place of one.

        Returns:
            Logits (m, k, side / 4, side / 4) and predicted IoU (m, k); k is 3 with `multimask`, else 1.
        """
        image = embedding + self.prompt_encoder.mask(mask_logits)
        tokens = self.prompt_encoder.tokens(points_xy, labels, boxes_xyxy)
        answer: tuple[Tensor, Tensor] = self.mask_decoder(
            image, self.prompt_encoder.places(), tokens, multimask=multimask
        )
        return answer


def unfilled_network(size: EncoderSize = VIT_B, side: int = SIDE, block: type[Block] = Block) -> SamNetwork:
    """Return the network in evaluation mode, without memory for its parameters until `checkpoint.fill` gives it."""
    with torch.device("meta"):
        network = SamNetwork(size, side, block)
    return network.eval().requires_grad_(requires_grad=False)
