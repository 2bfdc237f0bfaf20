"""Two-way transformer of SAM's mask decoder: prompt tokens and image voxels attend to each other."""

from torch import Tensor, nn
from torch.nn import functional

from bench.models.sam_med3d.layers import Mlp

HEADS = 8


class ProjectedAttention(nn.Module):
    """Attention whose queries, keys and values are projected, here to `inner` channels."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(width, inner)
        self.k_proj = nn.Linear(width, inner)
        self.v_proj = nn.Linear(width, inner)
        self.out_proj = nn.Linear(inner, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Map queries (b, n, width), keys and values (b, m, width) to (b, n, width)."""
        projected = (self.q_proj(query), self.k_proj(key), self.v_proj(value))
        heads = (tokens.unflatten(-1, (HEADS, -1)).transpose(1, 2) for tokens in projected)
        mixed = functional.scaled_dot_product_attention(*heads)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).flatten(2))
        return out


class TwoWayLayer(nn.Module):
    """Tokens to themselves, tokens to image, tokens alone, image to tokens."""

    def __init__(self, width: int, hidden: int, *, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = ProjectedAttention(width, width)
        self.norm1 = nn.LayerNorm(width)
        self.cross_attn_token_to_image = ProjectedAttention(width, width // 2)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, hidden, functional.relu)
        self.norm3 = nn.LayerNorm(width)
        self.norm4 = nn.LayerNorm(width)
        self.cross_attn_image_to_token = ProjectedAttention(width, width // 2)

    def forward(
        self, tokens: Tensor, image: Tensor, token_places: Tensor, image_places: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Update tokens (b, n, width) and image (b, m, width), given the position encodings of both."""
        if self.first:  # tokens are still their own position encoding: nothing to add, nothing to keep
            tokens = self.norm1(self.self_attn(tokens, tokens, tokens))
        else:
            placed = tokens + token_places
            tokens = self.norm1(tokens + self.self_attn(placed, placed, tokens))
        placed_image = image + image_places
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + token_places, placed_image, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        image = self.norm4(image + self.cross_attn_image_to_token(placed_image, tokens + token_places, tokens))
        return tokens, image


class TwoWayTransformer(nn.Module):
    """Two layers, then a last look of the tokens at the image."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([TwoWayLayer(width, hidden, first=n == 0) for n in range(2)])
        self.final_attn_token_to_image = ProjectedAttention(width, width // 2)
        self.norm_final_attn = nn.LayerNorm(width)

    def forward(self, image: Tensor, image_places: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        """Map image (b, m, width), its position encoding and prompt tokens (b, n, width) to tokens and image."""
        tokens = prompts
        for layer in self.layers:
            tokens, image = layer(tokens, image, prompts, image_places)
        seen = self.final_attn_token_to_image(tokens + prompts, image + image_places, image)
        return self.norm_final_attn(tokens + seen), image
