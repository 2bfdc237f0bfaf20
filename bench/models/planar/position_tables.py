"""SAM's tables of positions, learned for pictures of one size, for pictures of another."""

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional


def resized(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Interpolate `pos_embed` and `rel_pos` tables bilinearly, as SAM-Med2D makes its baseline of 256 pixels.

    Args:
        state: A checkpoint's entries.
        expected: The network's entries, of which the shapes count.

    Returns:
        All entries; those that are no such tables, or fit, are unchanged.
    """
    out = dict(state)
    for key, entry in state.items():
        shape = expected[key].shape if key in expected else entry.shape
        if entry.shape == shape or entry.ndim != len(shape) or entry.shape[-1] != shape[-1]:
            continue
        if key.endswith("pos_embed") and entry.ndim == 4:
            out[key] = _bilinear(entry.movedim(-1, 1), (shape[1], shape[2])).movedim(1, -1).contiguous()
        elif "rel_pos" in key and entry.ndim == 2:
            out[key] = _bilinear(entry[None, None], (shape[0], shape[1]))[0, 0]
    return out


def _bilinear(table: Tensor, shape: tuple[int, int]) -> Tensor:
    return functional.interpolate(table.float(), shape, mode="bilinear", align_corners=False)
