"""Masks on another grid: isotropic, over the same field of view, by nearest neighbour at voxel centres.

Scores depend on the grid: on slices 5 mm apart a surface lies where the slices are. A suite may therefore choose one
spacing for all images (`[metrics] grid_mm`).
"""

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Geometry
from curate.labelmap import BoxMask

_TIE = 1e-6
"""In voxels: a centre so near to the middle of two voxels lies in the middle, which takes the upper one."""


def isotropic(geometry: Geometry, spacing_mm: float) -> Geometry:
    """Return the isotropic grid around the same centre, with the same directions.

    Each axis gets round(extent / spacing) voxels, at least one, so its field of view is the image's to half a voxel. A
    2D image keeps its one slice, and the thickness of that.
    """
    steps = np.array(geometry.spacing)
    voxels = np.maximum(1, np.rint(np.array(geometry.shape_ijk) * steps / spacing_mm)).astype(int)
    wanted = np.full(3, spacing_mm)
    if geometry.is_2d:
        voxels[2], wanted[2] = 1, steps[2]
    affine = np.eye(4)
    affine[:3, :3] = geometry.affine[:3, :3] / steps * wanted
    centre_mm = geometry.to_world((np.array(geometry.shape_ijk) - 1) / 2)
    affine[:3, 3] = centre_mm - affine[:3, :3] @ ((voxels - 1) / 2)
    return Geometry((int(voxels[0]), int(voxels[1]), int(voxels[2])), affine, geometry.unit)


def resampled(mask: BoxMask, geometry: Geometry, grid: Geometry) -> BoxMask:
    """Return a mask of `geometry` on `grid`, from `isotropic`: a voxel is inside where its centre lies in the mask.

    A mask that no centre hits (thinner than the grid) is empty there.
    """
    chosen, low, high = [], [], []
    for axis in range(3):
        source = _nearest(geometry, grid, axis)
        inside = np.flatnonzero((source >= mask.box[axis]) & (source < mask.box[axis + 3]))
        if inside.size == 0:
            return BoxMask.empty(grid.shape_ijk)
        chosen.append(source[inside] - mask.box[axis])
        low.append(int(inside[0]))
        high.append(int(inside[-1]) + 1)
    voxels = mask.voxels[np.ix_(*chosen)]
    if not voxels.any():
        return BoxMask.empty(grid.shape_ijk)
    return BoxMask(grid.shape_ijk, (low[0], low[1], low[2], high[0], high[1], high[2]), voxels)


def _nearest(geometry: Geometry, grid: Geometry, axis: int) -> NDArray[np.int64]:
    """Return for each voxel of `grid` along one axis the voxel of `geometry` in which its centre lies."""
    voxels, count = geometry.shape_ijk[axis], grid.shape_ijk[axis]
    from_centre = (np.arange(count) - (count - 1) / 2) * grid.spacing[axis] / geometry.spacing[axis]
    source = np.floor(from_centre + (voxels - 1) / 2 + 0.5 + _TIE).astype(np.int64)
    nearest: NDArray[np.int64] = np.clip(source, 0, voxels - 1)
    return nearest
