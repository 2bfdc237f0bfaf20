"""Bring images and masks onto a profile's grid; pure functions on arrays."""

from dataclasses import replace

import numpy as np

from curate.geometry import Geometry
from curate.labelmap import BoxMask
from curate.masks import Mask
from curate.volume import Volume, from_simpleitk, to_simpleitk

_TIE = 1e-6
"""Voxels; more than the rounding of an affine, so that it decides no tie."""


def resample_image(volume: Volume, grid: Geometry) -> Volume:
    """Resample intensities linearly onto `grid`; the border value continues outside; integers stay integers."""
    import SimpleITK as sitk

    exact = np.result_type(volume.voxels.dtype, np.float32)  # float64 for 32-bit integers, which float32 cannot hold
    source = Volume(volume.voxels.astype(exact, copy=False), volume.geometry)
    resampled = from_simpleitk(_resampled(source, grid, sitk.sitkLinear))
    voxels = resampled.voxels
    if volume.voxels.dtype.kind in "iu":
        limits = np.iinfo(volume.voxels.dtype)
        voxels = np.clip(np.rint(voxels), limits.min, limits.max)
    return Volume(voxels.astype(volume.voxels.dtype), grid)


def resample_mask(mask: Mask, source: Geometry, grid: Geometry) -> Mask:
    """Resample a mask by nearest neighbour onto `grid`: a voxel is inside when the source voxel at its centre is.

    Only the mask's own box is visited. Both grids must have parallel axes, as `Geometry.resampled` gives. A centre
    halfway between two source voxels takes the one of higher index, on every machine.
    """
    steps = np.array(grid.spacing) / np.array(source.spacing)
    start = source.to_voxel(grid.affine[:3, 3])
    index, box = [], []
    for axis in range(3):
        centres = start[axis] + steps[axis] * np.arange(grid.shape_ijk[axis])
        nearest = np.floor(centres + 0.5 + _TIE).astype(np.int64)
        inside = np.flatnonzero((nearest >= mask.voxels.box[axis]) & (nearest < mask.voxels.box[axis + 3]))
        index.append(nearest[inside] - mask.voxels.box[axis])
        box.append((int(inside[0]), int(inside[-1]) + 1) if inside.size else (0, 0))
    taken = mask.voxels.voxels[np.ix_(*index)]
    offset = np.array([low for low, _ in box])
    shrunk = BoxMask.of(taken) if taken.size else None
    if shrunk is None or shrunk.count == 0:
        return replace(mask, voxels=BoxMask(grid.shape_ijk, (0, 0, 0, 0, 0, 0), np.zeros((0, 0, 0), dtype=np.bool_)))
    moved = np.array(shrunk.box) + np.tile(offset, 2)
    i0, j0, k0, i1, j1, k1 = (int(n) for n in moved)
    return replace(mask, voxels=BoxMask(grid.shape_ijk, (i0, j0, k0, i1, j1, k1), shrunk.voxels))


def _resampled(volume: Volume, grid: Geometry, interpolator: int) -> "sitk.Image":  # type: ignore[name-defined]  # noqa: F821
    import SimpleITK as sitk

    reference = to_simpleitk(Volume(np.zeros(grid.shape_ijk, dtype=np.uint8), grid))
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(reference)
    resampler.SetInterpolator(interpolator)
    resampler.SetUseNearestNeighborExtrapolator(True)
    resampler.SetNumberOfThreads(1)
    return resampler.Execute(to_simpleitk(volume))
