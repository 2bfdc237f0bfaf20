"""Self-attention of the image encoder: relative positions, and windows larger than the grid."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class RelativeAttention(nn.Module):
    """Attention over one window that holds the whole grid.

    The published network pads its grid of 8 tokens a side with zeros to the window of 14 and lets the padding take
    part in the softmax. Zero tokens leave `qkv` as its bias, so that all padded keys share one key and one value
    vector: their whole weight is that of one virtual key whose bias is a log-sum-exp (`_padding_bias`). 512 keys and
    one virtual key then give what 2744 keys give.

    The relative positions carry a quirk that published weights were trained with: for the query at (d, h, w) and the
    key at (i, j, k), all three tables are read at the key's last index k, and the h and w terms come from the queries
    at (d, h, i) and (d, h, j): `D(d, h, w; k) + H(d, h, i; k) + W(d, h, j; k)` instead of
    `D(d, h, w; i) + H(d, h, w; j) + W(d, h, w; k)`. A cubic grid lets it pass without an error.
    """

    def __init__(self, width: int, heads: int, grid: int, window: int) -> None:
        super().__init__()
        self.heads, self.grid, self.window = heads, grid, window
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        offsets = 2 * window - 1
        self.rel_pos_d = nn.Parameter(torch.zeros(offsets, width // heads))
        self.rel_pos_h = nn.Parameter(torch.zeros(offsets, width // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(offsets, width // heads))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (b, grid, grid, grid, width) to the same shape."""
        batch, grid = tokens.shape[0], self.grid
        qkv = self.qkv(tokens).view(batch, grid, grid, grid, 3, self.heads, -1)
        query, key, value = qkv.permute(4, 0, 5, 1, 2, 3, 6)  # (b, heads, d, h, w, c) each
        bias = self._bias(query).to(query.dtype)  # sums of exponentials stay float32 under autocast
        key, value = key.flatten(2, 4), value.flatten(2, 4)
        if self.window > grid:
            _, padded_key, padded_value = self.qkv.bias.view(3, 1, self.heads, 1, -1).expand(-1, batch, -1, -1, -1)
            key, value = torch.cat([key, padded_key], dim=2), torch.cat([value, padded_value], dim=2)
        mixed = functional.scaled_dot_product_attention(query.flatten(2, 4), key, value, attn_mask=bias)
        projected: Tensor = self.proj(mixed.transpose(1, 2).reshape(tokens.shape))
        return projected

    def _bias(self, query: Tensor) -> Tensor:
        """Return what is added to the scaled products: (b, heads, queries, keys), the virtual key last."""
        grid, window = self.grid, self.window
        padded_query = self.qkv.bias.view(3, 1, self.heads, 1, 1, 1, -1)[0]
        line = torch.cat([query, padded_query.expand(*query.shape[:4], window - grid, -1)], dim=4)
        depth = torch.einsum("bndhwc,dkc->bndhwk", query, self._offsets(self.rel_pos_d)[:grid])
        height = torch.einsum("bndhic,hkc->bndhik", line, self._offsets(self.rel_pos_h)[:grid])
        width = torch.einsum("bndhjc,jkc->bndhjk", line, self._offsets(self.rel_pos_w))
        of_i = height[:, :, :, :, None, :grid, None, :grid]
        of_j = width[:, :, :, :, None, None, :grid, :grid]
        real = depth[:, :, :, :, :, None, None, :grid] + (of_i + of_j)  # (b, heads, d, h, w, i, j, k)
        real = real.flatten(5, 7).flatten(2, 4)
        if window == grid:
            return real
        return torch.cat([real, self._padding_bias(depth, height, width).flatten(2, 4)[..., None]], dim=-1)

    def _offsets(self, table: Tensor) -> Tensor:
        """Spread a table over (query position, key position): (window, window, c)."""
        position = torch.arange(self.window, device=table.device)
        return table[position[:, None] - position[None, :] + self.window - 1]

    def _padding_bias(self, depth: Tensor, height: Tensor, width: Tensor) -> Tensor:
        """Return the logarithm of the summed exponentials of the bias over all padded keys: (b, heads, d, h, w).

        A key is padded when i, j or k is beyond the grid. For one k the sum over i and j is a product of two sums, and
        "not both i and j inside" splits into (i inside, j beyond) and (i beyond, any j): nothing is subtracted.
        """
        grid = self.grid
        i_inside = torch.logsumexp(height[..., :grid, :], dim=-2)
        i_beyond = torch.logsumexp(height[..., grid:, :], dim=-2)
        j_beyond = torch.logsumexp(width[..., grid:, :], dim=-2)
        j_any = torch.logsumexp(width, dim=-2)
        k_inside = torch.logaddexp(i_inside + j_beyond, i_beyond + j_any)[..., :grid]
        k_beyond = (torch.logaddexp(i_inside, i_beyond) + j_any)[..., grid:]
        of_k = torch.cat([k_inside, k_beyond], dim=-1)  # (b, heads, d, h, k)
        return torch.logsumexp(depth + of_k[:, :, :, :, None, :], dim=-1)
