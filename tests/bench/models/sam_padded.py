"""The attention of SAM's image encoder written out: whole padded windows, every product in memory, no shortcut.

Slow and large on purpose. Tests and the benchmark compare the library's exact short form with it.
"""

import torch
from torch import Tensor
from torch.nn import functional


def padded_attention(attention: torch.nn.Module, tokens: Tensor) -> Tensor:
    """Do what `WindowAttention.forward` does for tokens (b, grid, grid, width)."""
    batch, grid, window, heads = len(tokens), tokens.shape[1], attention.window, attention.heads
    beyond = -grid % window
    padded = functional.pad(tokens, (0, 0, 0, beyond, 0, beyond))
    across = (grid + beyond) // window
    cut = padded.view(batch, across, window, across, window, -1).transpose(2, 3).flatten(0, 2)
    places = window * window
    query, key, value = attention.qkv(cut).view(len(cut), places, 3, heads, -1).permute(2, 0, 3, 1, 4)
    weights = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
    weights = (weights + relative_bias(attention, query)).softmax(dim=-1)
    mixed = attention.proj((weights @ value).transpose(1, 2).reshape(len(cut), places, -1))
    whole = mixed.view(batch, across, across, window, window, -1).transpose(2, 3).flatten(3, 4).flatten(1, 2)
    return whole[:, :grid, :grid]


def relative_bias(attention: torch.nn.Module, query: Tensor) -> Tensor:
    """Return q . rel_pos_h[y - i] + q . rel_pos_w[x - j], (.., places, places), for query (.., places, c)."""
    window = attention.window
    position = torch.arange(window)
    offset = position[:, None] - position + window - 1
    square = query.unflatten(2, (window, window))
    of_i = torch.einsum("bnyxc,yic->bnyxi", square, attention.rel_pos_h[offset])
    of_j = torch.einsum("bnyxc,xjc->bnyxj", square, attention.rel_pos_w[offset])
    return (of_i[..., :, None] + of_j[..., None, :]).flatten(4).flatten(2, 3)


def use_padded_form(encoder: torch.nn.Module) -> None:
    """Make every block of an encoder compute the written-out form."""
    for block in encoder.blocks:
        attention = block.attn
        attention.forward = lambda tokens, attention=attention: padded_attention(attention, tokens)
