"""Layers of the 2D networks."""

from bench.models.sam_med3d.layers import LayerNorm3d


class LayerNorm2d(LayerNorm3d):
    """Layer norm over the channels of (b, c, h, w)."""
