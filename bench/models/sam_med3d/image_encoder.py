"""Image encoder of SAM-Med3D (`vit_b_ori`): a plain vision transformer on 16-voxel patches."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from bench.models.sam_med3d.layers import LayerNorm3d, Mlp
from bench.models.sam_med3d.relative_attention import RelativeAttention

PATCH = 16
GRID = 8
WINDOW = 14
GLOBAL_EVERY = 3
"""Blocks 2, 5, 8 and 11 attend over the bare grid; the others over the padded window."""
EMBEDDING_CHANNELS = 384


class PatchEmbedding(nn.Module):
    """Cut the cube into patches and map each to a token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv3d(1, width, PATCH, stride=PATCH)

    def forward(self, image: Tensor) -> Tensor:
        """Map (b, 1, 128, 128, 128) to (b, 8, 8, 8, width)."""
        patches: Tensor = self.proj(image)
        return patches.movedim(1, -1)


class Block(nn.Module):
    """One transformer block, normalised before each half."""

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = RelativeAttention(width, heads, GRID, window)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width, functional.gelu)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (b, 8, 8, 8, width) to the same shape."""
        tokens = tokens + self.attn(self.norm1(tokens))
        mixed: Tensor = tokens + self.mlp(self.norm2(tokens))
        return mixed


class ImageEncoder(nn.Module):
    """Twelve blocks and a neck; the defaults are the published network."""

    def __init__(self, width: int = 768, heads: int = 12, depth: int = 12) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(width)
        self.pos_embed = nn.Parameter(torch.zeros(1, GRID, GRID, GRID, width))
        windows = [GRID if n % GLOBAL_EVERY == GLOBAL_EVERY - 1 else WINDOW for n in range(depth)]
        self.blocks = nn.ModuleList([Block(width, heads, window) for window in windows])
        self.neck = nn.Sequential(
            nn.Conv3d(width, EMBEDDING_CHANNELS, 1, bias=False),
            LayerNorm3d(EMBEDDING_CHANNELS),
            nn.Conv3d(EMBEDDING_CHANNELS, EMBEDDING_CHANNELS, 3, padding=1, bias=False),
            LayerNorm3d(EMBEDDING_CHANNELS),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Map normalised cubes, (b, 1, 128, 128, 128), to embeddings, (b, 384, 8, 8, 8)."""
        tokens = self.patch_embed(image) + self.pos_embed
        for block in self.blocks:
            tokens = block(tokens)
        embedding: Tensor = self.neck(tokens.movedim(-1, 1))
        return embedding
