"""The whole SAM-UNet network, with the state-dict keys and shapes of the published weights."""

from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import UnsupportedError
from bench.models.sam.image_encoder import CHANNELS, VIT_B, EncoderSize, ImageEncoder
from bench.models.sam.prompt_encoder import PromptEncoder
from bench.models.sam_unet.exchange import Reshaper, enlarging
from bench.models.sam_unet.mask_decoder import MaskDecoder
from bench.models.sam_unet.resnet import DEPTHS, Depth, ResNet

SIDE = 256
HALVINGS = (2, 1, 0, -1)
"""From the side of each ResNet stage to the side of the token grid."""

Embedding = tuple[Tensor, Tensor]


class SamEncoder(nn.Module):
    """SAM's image encoder, under the name that it has in the published weights."""

    def __init__(self, size: EncoderSize) -> None:
        super().__init__()
        self.sam_img_encoder = ImageEncoder(size, SIDE)


class SamPrompts(nn.Module):
    """SAM's prompt encoder, under the name that it has in the published weights."""

    def __init__(self) -> None:
        super().__init__()
        self.sam_prompt_encoder = PromptEncoder(SIDE)


class SamUNetNetwork(nn.Module):
    """SAM beside a ResNet: `bench.models.planar.network.PlanarNetwork` with one mask and no predicted IoU.

    The encoder's blocks come in four groups, each of windowed blocks and one that sees the whole grid. A ResNet stage
    is added before each of the latter; what leaves the first three goes to the decoder.
    """

    side = SIDE

    def __init__(self, depth: Depth, size: EncoderSize = VIT_B) -> None:
        super().__init__()
        self.image_encoder = SamEncoder(size)
        self.prompt_encoder = SamPrompts()
        self.mask_decoder = MaskDecoder()
        self.resnet = ResNet(depth)
        stages = zip(depth.channels, HALVINGS, strict=True)
        self.adapters_in = nn.ModuleList([Reshaper(channels, halvings, size.width) for channels, halvings in stages])
        self.adapters_bridge = nn.ModuleList([enlarging(size.width, CHANNELS) for _ in range(3)])
        self.embedding_encoder = enlarging(CHANNELS, CHANNELS // 4)

    def encode(self, pictures: Tensor) -> Embedding:
        """Encode pictures.

        Args:
            pictures: (n, 3, 256, 256) float32, normalised.

        Returns:
            Embeddings (n, 256, 16, 16) and maps of finer resolution (n, 32, 64, 64).
        """
        encoder = self.image_encoder.sam_img_encoder
        tokens = encoder.tokens(pictures)
        bridged = []
        for group, features in enumerate(self.resnet(pictures)):
            *windowed, last = encoder.blocks[group * encoder.stride : (group + 1) * encoder.stride]
            for block in windowed:
                tokens = block(tokens)
            tokens = last(tokens + self.adapters_in[group](features))
            if group < len(self.adapters_bridge):  # published in reverse order: the last bridge leaves first
                bridged.append(self.adapters_bridge[-1 - group](tokens.movedim(-1, 1)))
        embedding = encoder.embedding(tokens)
        return embedding, self.embedding_encoder(embedding) + sum(bridged)

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
            embedding: (1, 256, 16, 16) and (1, 32, 64, 64).
            points_xy: (m, p, 2) in pixels of the square; p may be 0.
            labels: (m, p): 1 inside the target, 0 outside, -1 no point (see `PromptEncoder.tokens`).
            boxes_xyxy: (m, 4) in pixels of the square, or None.
            mask_logits: (m, 1, 64, 64), logits of the previous answer, or None.
            multimask: Must be False.

        Returns:
            Logits (m, 1, 64, 64), and (m, 1) of NaN, since no IoU is predicted.

        Raises:
            UnsupportedError: When several masks are asked for.
        """
        if multimask:
            raise UnsupportedError("SAM-UNet gives one mask for a prompt: ask with multimask=False")
        coarse, fine = embedding
        prompts = self.prompt_encoder.sam_prompt_encoder
        tokens = prompts.tokens(points_xy, labels, boxes_xyxy)
        logits: Tensor = self.mask_decoder(coarse + prompts.mask(mask_logits), prompts.places(), tokens, fine)
        return logits, torch.full_like(logits[:, :, 0, 0], torch.nan)


def unfilled_network(layers: int) -> SamUNetNetwork:
    """Return the network with a ResNet of 34 or 50 layers, without memory until `checkpoint.fill` gives it."""
    with torch.device("meta"):
        network = SamUNetNetwork(DEPTHS[layers])
    return network.eval().requires_grad_(requires_grad=False)
