"""Image encoder of SAM: a vision transformer on patches of 16 pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.models.sam.layers import LayerNorm2d
from bench.models.sam.window_attention import WindowAttention
from bench.models.sam_med3d.layers import Mlp

PATCH = 16
WINDOW = 14
CHANNELS = 256
"""Of the embedding."""


@dataclass(frozen=True, slots=True)
class EncoderSize:
    """One of the published encoders."""

    width: int
    depth: int
    heads: int
    global_every: int
    """The last of so many blocks attends over the whole grid, the others within windows."""


VIT_B = EncoderSize(width=768, depth=12, heads=12, global_every=3)
VIT_L = EncoderSize(width=1024, depth=24, heads=16, global_every=6)
VIT_H = EncoderSize(width=1280, depth=32, heads=16, global_every=8)


class PatchEmbedding(nn.Module):
    """Cut pictures into patches and map each to a token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, stride=PATCH)

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (b, 3, side, side) to (b, grid, grid, width)."""
        patches: Tensor = self.proj(pictures)
        return patches.movedim(1, -1)


class Block(nn.Module):
    """One transformer block, normalised before each half."""

    def __init__(self, width: int, heads: int, grid: int, window: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = WindowAttention(width, heads, grid, window)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width, functional.gelu)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (b, grid, grid, width) to the same shape."""
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.second_half(self.norm2(tokens))

    def second_half(self, normal: Tensor) -> Tensor:
        """Map normalised tokens to what is added to the tokens."""
        mapped: Tensor = self.mlp(normal)
        return mapped


class ImageEncoder(nn.Module):
    """Patches, blocks and a neck."""

    def __init__(self, size: EncoderSize, side: int, block: type[Block] = Block) -> None:
        """Make the encoder of pictures of `side` pixels, from blocks of a class."""
        super().__init__()
        grid = side // PATCH
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, size.width))
        self.patch_embed = PatchEmbedding(size.width)
        self.stride = size.global_every
        windows = [grid if (n + 1) % self.stride == 0 else WINDOW for n in range(size.depth)]
        self.blocks = nn.ModuleList([block(size.width, size.heads, grid, window) for window in windows])
        self.neck = nn.Sequential(
            nn.Conv2d(size.width, CHANNELS, 1, bias=False),
            LayerNorm2d(CHANNELS),
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False),
            LayerNorm2d(CHANNELS),
        )

    def tokens(self, pictures: Tensor) -> Tensor:
        """Map normalised pictures, (b, 3, side, side), to tokens with their places, (b, grid, grid, width)."""
        placed: Tensor = self.patch_embed(pictures) + self.pos_embed
        return placed

    def embedding(self, tokens: Tensor) -> Tensor:
        """Map the last block's tokens, (b, grid, grid, width), to embeddings, (b, 256, grid, grid)."""
        embedding: Tensor = self.neck(tokens.movedim(-1, 1))
        return embedding

    def forward(self, pictures: Tensor) -> Tensor:
        """Map normalised pictures, (b, 3, side, side), to embeddings, (b, 256, grid, grid)."""
        tokens = self.tokens(pictures)
        for block in self.blocks:
            tokens = block(tokens)
        return self.embedding(tokens)
