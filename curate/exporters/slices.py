"""How SA-Med2D-20M makes pictures of volumes and of masks: which slices, which regions, which grey values.

Rules as far as they are published (Ye et al. 2023, arXiv 2311.11969, and the released files): every slice along all
three axes at its native size; no slice whose shorter side is less than half of the longer; volumes scaled from their
minimum and maximum to 0 to 255; one picture for each 8-connected region of a target; no region below 100 / 256^2 of its
picture. Where they leave a choice open: a region of just that share is kept, fractions are cut off, and slices are not
turned, so the column is the earlier and the row the later of the two axes left.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.volume import Volume

LEAST_SHARE = 100 / 256**2
"""Least part of a picture that a region may cover."""

Place = tuple[int, int]
"""Axis (0, 1, 2 for i, j, k) and index along it."""


def sound_axes(shape_ijk: tuple[int, int, int]) -> list[int]:
    """Return the axes along which slices are not too elongated; of a 2D image always the third."""
    if shape_ijk[2] == 1:
        return [2]
    sides = [sorted(shape_ijk[other] for other in range(3) if other != axis) for axis in range(3)]
    return [axis for axis in range(3) if 2 * sides[axis][0] >= sides[axis][1]]


def slice_name(place: Place, *, is_2d: bool) -> str:
    """Return the name of a slice: `x_0040`, or `2d_none` for pictures."""
    return "2d_none" if is_2d else f"{'xyz'[place[0]]}_{place[1]:04}"


def regions(mask: BoxMask, axis: int) -> Iterator[tuple[int, NDArray[np.bool_] | None]]:
    """Yield the regions of a mask on each slice across `axis` that it touches.

    Yields:
        The index of the slice and the region on the whole slice, (column, row); None for a region that is too small.
    """
    low, high = mask.box[:3], mask.box[3:]
    first, second = (other for other in range(3) if other != axis)
    size = (mask.shape_ijk[first], mask.shape_ijk[second])
    for index in range(low[axis], high[axis]):
        crop = _plane(mask.voxels, (axis, index - low[axis]))
        labels, count = ndimage.label(crop, structure=np.ones((3, 3)))
        for number in range(1, count + 1):
            region = labels == number
            if np.count_nonzero(region) < LEAST_SHARE * size[0] * size[1]:
                yield index, None
                continue
            whole = np.zeros(size, dtype=np.bool_)
            whole[low[first] : high[first], low[second] : high[second]] = region
            yield index, whole


class Pictures:
    """The slices of one volume as pictures of three equal channels, or one picture in its own colours."""

    def __init__(self, volume: Volume) -> None:
        self._voxels = volume.voxels if volume.geometry.is_2d else volume.grey()
        is_8_bit_picture = volume.geometry.is_2d and volume.voxels.dtype == np.uint8
        self._range = (0.0, 255.0) if is_8_bit_picture else (float(self._voxels.min()), float(self._voxels.max()))

    def at(self, place: Place) -> Volume:
        """Return one slice as a picture, (column, row, 1, 3), uint8."""
        plane = _plane(self._voxels, place)
        if plane.ndim == 3:  # colour: alpha is dropped, and grey with alpha becomes grey
            plane = plane[..., :3] if plane.shape[2] > 2 else plane[..., 0]
        low, high = self._range
        scaled = (plane.astype(np.float64) - low) * (255 / (high - low) if high > low else 0)
        bytes_ = scaled.astype(np.uint8)
        return _picture(bytes_ if bytes_.ndim == 3 else np.repeat(bytes_[..., np.newaxis], 3, axis=2))


def mask_picture(region: NDArray[np.bool_]) -> Volume:
    """Return a region, (column, row), as a picture of one channel with the values 0 and 255."""
    return _picture(np.where(region, 255, 0).astype(np.uint8))


def _plane(voxels: NDArray[Any], place: Place) -> NDArray[Any]:
    """Return one slice as a view; `ndarray.take` would copy a volume that is not in C order for every slice."""
    axis, index = place
    return voxels[(slice(None),) * axis + (index,)]


def _picture(plane: NDArray[Any]) -> Volume:
    voxels = plane[:, :, np.newaxis]
    return Volume(voxels, Geometry((voxels.shape[0], voxels.shape[1], 1), np.eye(4), unit="pixel"))
