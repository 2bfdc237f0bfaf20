"""From a volume and its masks to pictures and theirs: pure functions, shared by the build and the exporters.

A slice is named by its place: the axis that it lies across (x, y, z for i, j, k of the canonical volume) and its index
along it. Its column is the earlier and its row the later of the two axes left; nothing is turned or resampled.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from curate.geometry import Geometry
from curate.labelmap import BoxMask, bounding_box
from curate.volume import Volume

Place = tuple[int, int]
"""Axis (0, 1, 2 for i, j, k) and index along it."""

AXES = "xyz"
_NAME = re.compile(r"(?:(?P<channel>.+)\.)?(?P<slice>[xyz]_\d{4,})")


def slice_name(place: Place) -> str:
    """Return the name of a slice, such as `x_0040`."""
    return f"{AXES[place[0]]}_{place[1]:04}"


def split_name(name: str) -> tuple[str, str | None]:
    """Take the last part of a picture's image_id apart, into its channel and the name of its slice.

    `t1.x_0040` gives `t1` and `x_0040`, `x_0040` no channel; what is no slice gives None for it.
    """
    found = _NAME.fullmatch(name)
    return (found["channel"] or "", found["slice"]) if found else (name, None)


def volume_id(image_id: str) -> str:
    """Return the image_id that a slice's volume has in a store of volumes; that of another image is returned as it is.

    `d/case/t1.x_0040` gives `d/case/t1`, `d/case/x_0040` gives `d/case`.
    """
    case, _, last = image_id.rpartition("/")
    channel, name = split_name(last)
    if name is None:
        return image_id
    return f"{case}/{channel}" if channel else case


def aspect(shape_ij: Sequence[int]) -> float:
    """Return the longer side of a picture over the shorter one."""
    return max(shape_ij[:2]) / min(shape_ij[:2])


def grid_of(grid: Geometry, place: Place) -> Geometry:
    """Return where a slice lies: the volume's voxels across it stay what they are, so it is one voxel thick."""
    axis, index = place
    order = [*(other for other in range(3) if other != axis), axis]
    affine = grid.affine.copy()
    affine[:, :3] = grid.affine[:, order]
    affine[:, 3] += index * grid.affine[:, axis]
    return Geometry((grid.shape_ijk[order[0]], grid.shape_ijk[order[1]], 1), affine, grid.unit)


def as_bytes(volume: Volume) -> Volume:
    """Return 8-bit voxels, (i, j, k), or (i, j, 1, 3) for a picture in colour.

    Values are stretched from the minimum to the maximum of the whole volume to 0 to 255 and cut off to integers; a
    constant volume becomes 0, a volume in colour its luma. An 8-bit picture keeps its values. Alpha is dropped.
    """
    voxels = volume.voxels if volume.geometry.is_2d else volume.grey()
    if voxels.ndim == 4:
        voxels = voxels[..., :3] if voxels.shape[3] > 2 else voxels[..., 0]
    if volume.geometry.is_2d and voxels.dtype == np.uint8:
        return Volume(voxels, volume.geometry)
    low, high = float(voxels.min()), float(voxels.max())
    scale = 255 / (high - low) if high > low else 0.0
    stretched = np.empty(voxels.shape, dtype=np.uint8, order="F")
    for k in range(voxels.shape[2]):  # a whole volume as float64 would take eight times the memory
        stretched[:, :, k] = (voxels[:, :, k].astype(np.float64) - low) * scale
    return Volume(stretched, volume.geometry)


def picture(volume: Volume, place: Place) -> Volume:
    """Return one slice of a volume as a volume of one voxel's depth, in the dtype that it has."""
    axis, index = place
    plane = volume.voxels[(slice(None),) * axis + (index,)]  # a view; `take` would copy the volume first
    return Volume(plane[:, :, np.newaxis], grid_of(volume.geometry, place))


def cuts(mask: BoxMask, axes: Sequence[int]) -> Iterator[tuple[Place, BoxMask]]:
    """Yield the slices that a mask lies on, axis by axis, and the mask on each, (column, row, 1)."""
    voxels = mask.voxels
    for axis in axes:
        first, second = (other for other in range(3) if other != axis)
        size = (mask.shape_ijk[first], mask.shape_ijk[second], 1)
        planes = np.ascontiguousarray(np.moveaxis(voxels, axis, 0))[..., np.newaxis]
        for index, plane in enumerate(planes):
            i0, j0, _, i1, j1, _ = bounding_box(plane)
            if i0 == i1:
                continue
            low = (i0 + mask.box[first], j0 + mask.box[second])
            box = (*low, 0, low[0] + i1 - i0, low[1] + j1 - j0, 1)
            yield (axis, mask.box[axis] + index), BoxMask(size, box, plane[i0:i1, j0:j1])
