"""The voxels of a label file as integers: from floats, from colours, from a threshold, from an outline."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import ReadError
from curate.volume import Volume

_FRACTION = 1e-3
"""Scaled headers turn 1 into 0.99999997; farther than this from an integer is no rounding error."""

_LARGEST = 2.0**31
"""A label is below this; larger floats have no place in int32."""


def integers(volume: Volume, name: str, *, colours: bool = False) -> NDArray[Any]:
    """Return the labels of a label file as integers, (i, j, k).

    Args:
        volume: What the file holds.
        name: The file, for messages.
        colours: The recipe names colours: each voxel becomes 0xRRGGBB.

    Raises:
        ReadError: `not_a_label_map` for colours where the recipe names none, and for what has no 8-bit colours where
            it does; `nonfinite_voxels`, `fractional_values`.
    """
    voxels: NDArray[Any] = volume.voxels
    if colours:
        return _packed(volume, name)
    if volume.is_colour:
        if (voxels != voxels[..., :1]).any():
            raise ReadError("not_a_label_map", f"{name}: a colour picture whose channels differ")
        voxels = voxels[..., 0]
    if voxels.dtype.kind in "iu":
        return voxels
    _check_finite(voxels, name)
    rounded = np.rint(voxels)
    off = (np.abs(voxels - rounded) > _FRACTION) | (np.abs(rounded) >= _LARGEST)
    if off.any():
        example = float(voxels[off].ravel()[0])
        raise ReadError(
            "fractional_values", f"{name}: {np.count_nonzero(off)} voxels are no 32-bit integers, such as {example:.4g}"
        )
    return np.asarray(rounded, dtype=np.int32)


def foreground(volume: Volume, name: str, threshold: float | None, *, inverted: bool) -> NDArray[np.uint8]:
    """Return a mask as 0 and 1, (i, j, k): what is above a threshold, or what is not.

    Args:
        volume: What the file holds; of colours, the luma.
        name: The file, for messages.
        threshold: Foreground is above it; without one foreground is what is not 0.
        inverted: Take what is not foreground.

    Raises:
        ReadError: `nonfinite_voxels`, and without a threshold what `integers` raises.
    """
    if threshold is None:
        inside = integers(volume, name) != 0
    else:
        grey = volume.grey()
        _check_finite(grey, name)
        inside = grey > threshold
    return np.asarray(inside != inverted, dtype=np.uint8)


def filled(outline: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return an outline, (i, j, k), with everything that it encloses on each slice along k."""
    from scipy.ndimage import binary_fill_holes

    inside = np.empty_like(outline)
    for k in range(outline.shape[2]):
        inside[:, :, k] = binary_fill_holes(outline[:, :, k])
    return inside


def _packed(volume: Volume, name: str) -> NDArray[np.int32]:
    if volume.voxels.dtype != np.uint8:
        raise ReadError("not_a_label_map", f"{name}: no picture of 8 bits, and the recipe names colours")
    channels = volume.voxels if volume.is_colour else volume.voxels[..., np.newaxis]  # grey is a colour, too
    red, green, blue = (channels[..., min(n, channels.shape[3] - 1)].astype(np.int32) for n in range(3))
    return np.asarray(red << 16 | green << 8 | blue, dtype=np.int32)


def _check_finite(voxels: NDArray[Any], name: str) -> None:
    if voxels.dtype.kind == "f" and not np.isfinite(voxels).all():
        raise ReadError("nonfinite_voxels", f"{name}: {np.count_nonzero(~np.isfinite(voxels))} voxels are not finite")
