"""Self-attention of the image encoder: windows, and relative positions that are a sum over the two axes."""

import torch
from torch import Tensor, nn
from torch.nn import functional

BIAS_NUMBERS = 1 << 25
"""Relative positions held at once, 128 MiB in float32: larger grids are answered some rows at a time."""


class WindowAttention(nn.Module):
    """Attention within square windows of a square grid; one window of the grid's side is attention over all of it.

    Where windows do not divide the grid, the published network pads the grid with zeros and lets the padding take part
    in the softmax. Zero tokens leave `qkv` as its bias, so that all padded keys of a window share one key and one value
    vector: their whole weight is that of one virtual key whose bias is a log-sum-exp (`_padding_bias`). A cut window
    and one virtual key then give what the padded window gives, and no padded token is ever projected.
    """

    def __init__(self, width: int, heads: int, grid: int, window: int) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        whole = grid - grid % window
        spans = [(slice(0, whole), window), (slice(whole, grid), grid - whole)]
        self.spans = [(span, side) for span, side in spans if span.start < span.stop]
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * window - 1, width // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * window - 1, width // heads))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (b, grid, grid, width) to the same shape."""
        qkv = self.qkv(tokens).view(*tokens.shape[:3], 3, self.heads, -1)
        mixed = torch.empty_like(qkv[:, :, :, 0])
        for rows, height in self.spans:
            for columns, width in self.spans:
                mixed[:, rows, columns] = self._mixed(qkv[:, rows, columns], height, width)
        projected: Tensor = self.proj(mixed.flatten(3))
        return projected

    def _mixed(self, qkv: Tensor, height: int, width: int) -> Tensor:
        """Attend within windows of one shape: (b, rows, columns, 3, heads, c) to (b, rows, columns, heads, c)."""
        batch, down, across = qkv.shape[0], qkv.shape[1] // height, qkv.shape[2] // width
        split = qkv.reshape(batch, down, height, across, width, *qkv.shape[3:])
        query, key, value = split.permute(5, 0, 1, 3, 6, 2, 4, 7).flatten(1, 3)  # (windows, heads, height, width, c)
        mixed = self._attend(query, key.flatten(2, 3), value.flatten(2, 3))
        grid = mixed.view(batch, down, across, self.heads, height, width, -1).permute(0, 1, 4, 2, 5, 3, 6)
        return grid.flatten(3, 4).flatten(1, 2)

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Mix values within windows of one shape.

        Args:
            query: (windows, heads, height, width, c).
            key: (windows, heads, height * width, c).
            value: As `key`.

        Returns:
            (windows, heads, height * width, c).
        """
        windows, heads, height, width, _ = query.shape
        if min(height, width) < self.window:
            _, padded_key, padded_value = self.qkv.bias.view(3, 1, heads, 1, -1).expand(-1, windows, -1, -1, -1)
            key, value = torch.cat([key, padded_key], dim=2), torch.cat([value, padded_value], dim=2)
        rows = max(1, BIAS_NUMBERS // (windows * heads * width * key.shape[2]))
        mixed = [
            functional.scaled_dot_product_attention(
                query[:, :, row : row + rows].flatten(2, 3),
                key,
                value,
                attn_mask=self._bias(query[:, :, row : row + rows], row, (height, width)),
            )
            for row in range(0, height, rows)
        ]
        return torch.cat(mixed, dim=2)

    def _bias(self, query: Tensor, row: int, shape: tuple[int, int]) -> Tensor:
        """Return what is added to the scaled products of the queries from `row` on: (windows, heads, queries, keys)."""
        height, width = shape
        of_row = self._offsets(self.rel_pos_h)[row : row + query.shape[2]]
        of_i = torch.einsum("bnhwc,hic->bnhwi", query, of_row)
        of_j = torch.einsum("bnhwc,wjc->bnhwj", query, self._offsets(self.rel_pos_w)[:width])
        inside = of_i[..., :height, None] + of_j[..., None, :width]  # (windows, heads, h, w, i, j)
        inside = inside.flatten(4).flatten(2, 3)
        if min(shape) == self.window:
            return inside
        return torch.cat([inside, _padding_bias(of_i, of_j, shape).flatten(2)[..., None]], dim=-1)

    def _offsets(self, table: Tensor) -> Tensor:
        """Spread a table over (query position, key position): (window, window, c)."""
        position = torch.arange(self.window, device=table.device)
        return table[position[:, None] - position[None, :] + self.window - 1]


def _padding_bias(of_i: Tensor, of_j: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return the logarithm of the summed exponentials of the bias over all padded keys, (windows, heads, h, w).

    A key is padded when i or j is beyond the cut window: "not both inside" splits into (i inside, j beyond) and
    (i beyond, any j), so that nothing is subtracted.
    """
    height, width = shape
    i_inside = torch.logsumexp(of_i[..., :height], dim=-1)
    i_beyond = torch.logsumexp(of_i[..., height:], dim=-1)
    j_beyond = torch.logsumexp(of_j[..., width:], dim=-1)
    j_any = torch.logsumexp(of_j, dim=-1)
    return torch.logaddexp(i_inside + j_beyond, i_beyond + j_any)
