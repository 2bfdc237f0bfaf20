"""Bring images and masks onto a profile's grid; pure functions on arrays.

All but `resample_labels` want grids with parallel axes, as `Geometry.resampled` gives: each axis is taken by itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.masks import Mask
from curate.regions import LabelMap, ValueMask
from curate.volume import Volume, from_simpleitk, to_simpleitk

_TIE = 1e-6
"""Voxels; more than the rounding of an affine, so that it decides no tie."""


def resample_image(volume: Volume, grid: Geometry) -> Volume:
    """Resample intensities linearly onto `grid`; the border value continues outside; integers stay integers.

    Args:
        volume: (i, j, k) on a grid with parallel axes.
        grid: Where the new voxel centres lie.

    Returns:
        The image in its own dtype. Slice by slice across the last axis, so that little more than the two images is
        held in memory.
    """
    source, dtype = volume.voxels, volume.voxels.dtype
    exact = np.result_type(dtype, np.float32)  # float64 for 32-bit integers, which float32 cannot hold
    (i_low, i_part), (j_low, j_part), (k_low, k_part) = (
        _neighbours(at, n) for at, n in zip(_centres(volume.geometry, grid), source.shape, strict=True)
    )
    planes: dict[int, NDArray[Any]] = {}

    def plane(k: int) -> NDArray[Any]:
        """Return slice k of the source, (j, i), on the new grid's rows and columns."""
        if k not in planes:
            rows = _between(source[:, :, k].T, j_low, j_part.astype(exact)[:, np.newaxis], axis=0)
            planes[k] = _between(rows, i_low, i_part.astype(exact), axis=1)
        return planes[k]

    out = np.empty(grid.shape_ijk[::-1], dtype=dtype)
    for n, (low, part) in enumerate(zip(k_low.tolist(), k_part.astype(exact), strict=True)):
        for done in [k for k in planes if k < low]:
            del planes[done]
        values = plane(low)
        if part:
            values = values + part * (plane(low + 1) - values)
        out[n] = _as_stored(values, dtype)
    return Volume(out.T, grid)


def resample_masks(masks: Sequence[Mask], source: Geometry, grid: Geometry) -> list[Mask]:
    """Resample masks as `resample_mask` does; a label map that several of them lie in is resampled once."""
    maps: dict[int, LabelMap] = {}
    resampled = []
    for mask in masks:
        voxels = mask.voxels
        if not isinstance(voxels, ValueMask):
            resampled.append(resample_mask(mask, source, grid))
            continue
        if id(voxels.label_map) not in maps:
            maps[id(voxels.label_map)] = LabelMap(_nearest(voxels.label_map.voxels, source, grid))
        resampled.append(replace(mask, voxels=maps[id(voxels.label_map)].mask(voxels.values)))
    return resampled


def resample_mask(mask: Mask, source: Geometry, grid: Geometry) -> Mask:
    """Resample a mask by nearest neighbour onto `grid`: a voxel is inside when the source voxel at its centre is.

    Only the mask's own box is visited. A centre halfway between two source voxels takes the one of higher index, on
    every machine.
    """
    index, box = [], []
    for axis, nearest in enumerate(_nearest_voxels(source, grid)):
        inside = np.flatnonzero((nearest >= mask.voxels.box[axis]) & (nearest < mask.voxels.box[axis + 3]))
        index.append(nearest[inside] - mask.voxels.box[axis])
        box.append((int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0))
    taken = mask.voxels.voxels[np.ix_(*index)]
    offset = np.array([low for low, _ in box])
    shrunk = BoxMask.of(taken) if taken.size else None
    if shrunk is None or shrunk.count == 0:
        return replace(mask, voxels=BoxMask.empty(grid.shape_ijk))
    moved = np.array(shrunk.box) + np.tile(offset, 2)
    i0, j0, k0, i1, j1, k1 = (int(n) for n in moved)
    return replace(mask, voxels=BoxMask(grid.shape_ijk, (i0, j0, k0, i1, j1, k1), shrunk.voxels))


def resample_labels(labels: Volume, grid: Geometry) -> Volume:
    """Resample integer labels by nearest neighbour onto any grid; what lies outside the source is 0."""
    import SimpleITK as sitk

    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(to_simpleitk(Volume(np.zeros(grid.shape_ijk, dtype=np.uint8), grid)))
    resampler.SetInterpolator(sitk.sitkNearestNeighbor)
    resampler.SetDefaultPixelValue(0)
    resampler.SetNumberOfThreads(1)
    return Volume(from_simpleitk(resampler.Execute(to_simpleitk(labels))).voxels, grid)


def _centres(source: Geometry, grid: Geometry) -> list[NDArray[np.float64]]:
    """Return, for each axis, where the voxel centres of `grid` lie among those of `source`."""
    steps = np.array(grid.spacing) / np.array(source.spacing)
    start = source.to_voxel(grid.affine[:3, 3])
    return [start[axis] + steps[axis] * np.arange(grid.shape_ijk[axis]) for axis in range(3)]


def _nearest_voxels(source: Geometry, grid: Geometry) -> list[NDArray[np.int64]]:
    """Return, for each axis, the nearest voxels of `source`; those outside it count on."""
    return [np.floor(at + 0.5 + _TIE).astype(np.int64) for at in _centres(source, grid)]


def _nearest(labels: NDArray[Any], source: Geometry, grid: Geometry) -> NDArray[Any]:
    """Resample a label map by nearest neighbour, 0 outside; in Fortran order."""
    turned, where = labels.T, []
    # the axis that shrinks most goes first; k is the slowest of an array in Fortran order, where whole planes are moved
    axes = sorted(range(3), key=lambda axis: grid.shape_ijk[axis] / labels.shape[axis])
    for axis, nearest in enumerate(_nearest_voxels(source, grid)):
        inside = np.flatnonzero((nearest >= 0) & (nearest < labels.shape[axis]))
        where.append((inside, nearest[inside]))
    for axis in axes:
        turned = np.take(turned, where[axis][1], axis=2 - axis)
    if turned.T.shape == grid.shape_ijk:
        return turned.T
    out = np.zeros(grid.shape_ijk, dtype=labels.dtype, order="F")
    out[tuple(slice(inside[0], inside[-1] + 1) if inside.size else slice(0) for inside, _ in where)] = turned.T
    return out


def _neighbours(at: NDArray[np.float64], n: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return, for each place on an axis of n voxels, the voxel below it and the share of the way to the next."""
    inside = np.clip(at, 0, n - 1)
    low = np.minimum(np.floor(inside).astype(np.int64), max(0, n - 2))
    return low, inside - low


def _between(values: NDArray[Any], low: NDArray[np.int64], part: NDArray[Any], axis: int) -> NDArray[Any]:
    """Interpolate linearly along one axis, between the places `low` and the ones after them."""
    first = values.take(low, axis).astype(part.dtype, copy=False)
    if values.shape[axis] == 1:
        return first
    second = values.take(low + 1, axis).astype(part.dtype, copy=False)
    second -= first
    second *= part
    second += first
    return second


def _as_stored(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Round to the image's own dtype; only 64 bits can be left by rounding what lies between two of its values."""
    if dtype.kind not in "iu":
        return values.astype(dtype)
    values = np.rint(values)
    if dtype.itemsize == 8:
        limits = np.iinfo(dtype)
        values = np.clip(values, limits.min, limits.max)
    return values.astype(dtype)
