"""One slice of an image with the outlines of its masks: pure functions on arrays.

A picture is shown as radiologists look at it: the patient's right on the left of the picture, front and head up, in a
sagittal one the front on the left. What has no place in space is shown as it is stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Geometry
from curate.volume import Volume

LONGEST_SIDE = 360
"""Pixels of a picture's longer side."""
_LINE_PIXELS = 2
_COARSER = 1.2
"""An axis whose spacing is so much larger than those of both others is the one that the scanner cut across."""
_AIR_HU = -500
"""CT that goes below is in Hounsfield units, whether the header says so or not."""
_SOFT_TISSUE_HU = (-160.0, 240.0)
_LEAST_WINDOW_HU = 400.0
_HU_RANGE = (-1024.0, 3071.0)


@dataclass(frozen=True, slots=True)
class Cut:
    """A slice: the axis that it lies across (0, 1, 2 for i, j, k) and its index along it."""

    axis: int
    index: int


def cut_axis(geometry: Geometry) -> int:
    """Return the axis to cut across: the one of the coarsest voxels, k where none is clearly coarser."""
    if geometry.is_2d or geometry.spacing_mm is None:
        return 2
    _, second, largest = sorted(geometry.spacing_mm)
    return geometry.spacing_mm.index(largest) if largest > _COARSER * second else 2


def fullest(areas: NDArray[np.int64]) -> int:
    """Return the first index of the largest area; the middle one where there is no area at all."""
    return int(np.argmax(areas)) if areas.any() else areas.size // 2


def plane(voxels: NDArray[Any], cut: Cut, *, in_space: bool) -> NDArray[Any]:
    """Return a slice as (row, column[, channel]), turned as it is looked at."""
    taken: NDArray[Any] = np.swapaxes(np.take(voxels, cut.index, axis=cut.axis), 0, 1)
    return taken[::-1, ::-1] if in_space else taken


def size(geometry: Geometry, cut: Cut) -> tuple[int, int]:
    """Return width and height in pixels: the proportions of the slice in space, `LONGEST_SIDE` on the longer side."""
    across, down = (axis for axis in range(3) if axis != cut.axis)
    width, height = (geometry.shape_ijk[axis] * geometry.spacing[axis] for axis in (across, down))
    scale = LONGEST_SIDE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def window(
    pixels: NDArray[Any], inside: NDArray[np.bool_], modality: str, unit: str | None
) -> tuple[float, float] | None:
    """Return the intensities that become black and white; None for 8-bit pictures that are shown as they are.

    CT in Hounsfield units: from the 1st to the 99th percentile inside the masks, a quarter wider on both sides and at
    least 400 HU; without masks, soft tissue. PET: from zero to the 99.5th percentile. All else: from the 1st to the
    99.5th percentile of what is not the slice's lowest value, which is background.

    Args:
        pixels: (row, column) of the slice, before it is scaled.
        inside: The same shape; True in any mask.
        modality: As in the images table.
        unit: Of the intensities, where the table has one.
    """
    if modality == "CT" and (unit == "HU" or pixels.min() < _AIR_HU):
        return _window_hu(pixels[inside])
    if pixels.dtype == np.uint8 and modality not in {"CT", "MR", "PET"}:
        return None
    if modality == "PET":
        return 0.0, max(float(np.quantile(pixels, 0.995)), 1e-6)
    shown = pixels[pixels > pixels.min()]
    if not shown.size:
        return float(pixels.min()), float(pixels.min()) + 1
    low, high = np.quantile(shown, [0.01, 0.995])
    return float(low), float(high) if high > low else float(low) + 1


def grey_levels(pixels: NDArray[Any], limits: tuple[float, float] | None) -> NDArray[np.uint8]:
    """Return (row, column) or (row, column, channel) as 8-bit (row, column, 3)."""
    if limits is None:
        levels = pixels.astype(np.uint8)
    else:
        low, high = limits
        levels = np.clip((pixels.astype(np.float64) - low) * (255 / (high - low)) + 0.5, 0, 255).astype(np.uint8)
    return levels[..., :3] if levels.ndim == 3 else np.repeat(levels[..., np.newaxis], 3, axis=2)


def draw(
    levels: NDArray[np.uint8], masks: Sequence[tuple[NDArray[np.bool_], tuple[int, int, int]]], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Scale a slice to (width, height) pixels and draw the outline of each mask into it.

    Args:
        levels: (row, column, 3).
        masks: Of the slice, (row, column), each with its colour; drawn in this order, so that the last is on top.
        size: Width and height of the picture.
    """
    from PIL import Image
    from scipy.ndimage import binary_dilation, binary_erosion

    out = np.array(Image.fromarray(np.ascontiguousarray(levels)).resize(size, Image.Resampling.BICUBIC))
    scaled = [(_scaled(mask, size), colour) for mask, colour in masks]
    halo = np.zeros(out.shape[:2], dtype=np.bool_)
    for mask, _ in scaled:
        halo |= binary_dilation(mask) & ~mask
    out[halo] //= 3
    for mask, colour in scaled:
        out[mask & ~binary_erosion(mask, iterations=_LINE_PIXELS)] = colour
    return out


def colour_limits(volume: Volume, pixels: NDArray[Any]) -> tuple[float, float] | None:
    """Return what becomes black and white in a colour slice: nothing is stretched that is 8-bit already."""
    if volume.voxels.dtype == np.uint8:
        return None
    low, high = np.quantile(pixels, [0, 1])
    return float(low), float(high) if high > low else float(low) + 1


def _window_hu(inside: NDArray[Any]) -> tuple[float, float]:
    if not inside.size:
        return _SOFT_TISSUE_HU
    low, high = (float(value) for value in np.quantile(inside, [0.01, 0.99]))
    margin = max((high - low) / 4, (_LEAST_WINDOW_HU - (high - low)) / 2)
    return max(low - margin, _HU_RANGE[0]), min(high + margin, _HU_RANGE[1])


def _scaled(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Scale by nearest neighbour; a structure of less than a pixel keeps the pixel that it lies in."""
    width, height = size
    rows, columns = np.nonzero(mask)
    out: NDArray[np.bool_] = mask[np.ix_(_sources(mask.shape[0], height), _sources(mask.shape[1], width))].copy()
    if not out.any() and rows.size:
        out[rows * height // mask.shape[0], columns * width // mask.shape[1]] = True
    return out


def _sources(length: int, wanted: int) -> NDArray[np.int64]:
    """Return the index along one axis that each pixel shows."""
    centres: NDArray[np.int64] = ((np.arange(wanted) + 0.5) * length / wanted).astype(np.int64)
    return centres
