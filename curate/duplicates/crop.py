"""What is left of an image without its flat border, so that padding and the cropping of padding cancel."""

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Box
from curate.labelmap import slices

FLAT = 0.02
"""A plane is flat when its standard deviation is at most this share of the intensity range inside the box so far."""

_CONSTANT = 1e-6
"""As FLAT, of the whole range."""
_LINE = 0.01
"""Structures thinner than this share of an axis, such as a frame line in a flat border, are no content."""
_END = 1 / 16
"""Share of the range that is taken off at either end."""
_OUTLIERS_PERCENT = 0.1


def content_box(voxels: NDArray[np.float32]) -> Box:
    """Return the half-open box of (i, j, k) voxels that is left without the flat planes on all sides.

    Constant planes go first, so that padding does not change the range that the rest is held against.
    """
    box = _without_flat_sides(voxels, (0, 0, 0, *voxels.shape), _CONSTANT * float(np.ptp(voxels)))
    low, high = intensity_range(voxels[slices(box)], _OUTLIERS_PERCENT)
    return _without_flat_sides(voxels, box, FLAT * (high - low))


def intensity_range(voxels: NDArray[np.float32], percent: float) -> tuple[float, float]:
    """Return the percentiles `percent` and 100 - `percent` of what is neither darkest nor brightest.

    The ends of the range may be fillings, such as -3024 around the round field of view of a CT or 0 around a brain,
    noisy or not; how far they lie from the rest says nothing of the scan.
    """
    low, high = np.percentile(voxels, (_OUTLIERS_PERCENT, 100 - _OUTLIERS_PERCENT))
    end = _END * (high - low)
    rest = voxels[(voxels > low + end) & (voxels < high - end)]
    if rest.size:
        low, high = np.percentile(rest, (percent, 100 - percent))
    return float(low), float(high)


def _without_flat_sides(voxels: NDArray[np.float32], box: Box, limit: float) -> Box:
    """Shrink the box until no side is flat; all sides are judged before any moves, so that turning changes nothing."""
    while True:
        region = voxels[slices(box)]
        bounds = [_content_range(np.moveaxis(region, axis, 0), limit) for axis in range(3)]
        low = [box[axis] + bounds[axis][0] for axis in range(3)]
        high = [box[axis] + bounds[axis][1] for axis in range(3)]
        shrunk = (low[0], low[1], low[2], high[0], high[1], high[2])
        if shrunk == box:
            return box
        box = shrunk


def _content_range(planes: NDArray[np.float32], limit: float) -> tuple[int, int]:
    """Return the half-open range of planes (first axis) from the first to the last with content; all if none has."""
    from scipy import ndimage

    content = planes.std(axis=(1, 2)) > limit
    thinnest = round(_LINE * len(planes)) + 1
    found = np.flatnonzero(ndimage.binary_opening(content, np.ones(thinnest, dtype=np.bool_)))
    if found.size == 0:
        return 0, len(planes)
    return int(found[0]), int(found[-1]) + 1
