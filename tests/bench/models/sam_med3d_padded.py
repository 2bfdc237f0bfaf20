"""The windowed attention of SAM-Med3D written out: all 2744 tokens of the padded window, no shortcut.

Slow and large on purpose. Tests and the benchmark compare the library's exact short form with it.
"""

import torch
from torch import Tensor
from torch.nn import functional


def padded_attention(attention: torch.nn.Module, tokens: Tensor) -> Tensor:
    """Do what `RelativeAttention.forward` does for tokens (1, grid, grid, grid, width)."""
    grid, window, heads = attention.grid, attention.window, attention.heads
    beyond = window - grid
    padded = functional.pad(tokens, (0, 0, 0, beyond, 0, beyond, 0, beyond))
    qkv = attention.qkv(padded)[0].reshape(window**3, 3, heads, -1).permute(1, 2, 0, 3)
    query, key, value = qkv  # (heads, tokens, c)
    weights = (query @ key.transpose(1, 2)) / query.shape[-1] ** 0.5
    grid_pairs = weights.view(heads, *[window] * 6)  # (heads, d, h, w, i, j, k)
    for term in quirky_bias(attention, query.reshape(heads, window, window, window, -1)):
        grid_pairs += term
    mixed = weights.softmax(dim=-1) @ value
    mixed = mixed.transpose(0, 1).reshape(1, window, window, window, -1)
    return attention.proj(mixed[:, :grid, :grid, :grid])


def quirky_bias(attention: torch.nn.Module, query: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return D(d, h, w; k), H(d, h, i; k) and W(d, h, j; k) for query (heads, d, h, w, c), ready to be added."""
    position = torch.arange(attention.window)
    offset = position[:, None] - position + attention.window - 1
    depth = torch.einsum("ndhwc,dkc->ndhwk", query, attention.rel_pos_d[offset])
    height = torch.einsum("ndhwc,hkc->ndhwk", query, attention.rel_pos_h[offset])
    width = torch.einsum("ndhwc,wkc->ndhwk", query, attention.rel_pos_w[offset])
    return depth[:, :, :, :, None, None], height[:, :, :, None, :, None], width[:, :, :, None, None]


def use_padded_form(encoder: torch.nn.Module) -> None:
    """Make the windowed blocks of an encoder compute the written-out form."""
    for block in encoder.blocks:
        if block.attn.window > block.attn.grid:
            attention = block.attn
            attention.forward = lambda tokens, attention=attention: padded_attention(attention, tokens)
