"""Masks on another grid whose voxels lie in the same places: cropped, turned or mirrored, never resampled."""

import numpy as np

from curate.errors import ReadError
from curate.geometry import Geometry
from curate.labelmap import BoxMask

_TOLERANCE = 0.2
"""Of a voxel, between the centres of both grids: positions are often rounded text."""


def place(mask: BoxMask, source: Geometry, grid: Geometry, shown: str) -> BoxMask:
    """Return a mask on another grid.

    Args:
        mask: On `source`.
        source: A grid of the same lattice, which may cover more or less than `grid`.
        grid: Where the mask should be.
        shown: What messages begin with.

    Raises:
        ReadError: `grid_mismatch` when voxels of `source` are no voxels of `grid`, or the mask reaches beyond it.
    """
    exact = np.linalg.inv(grid.affine) @ source.affine  # (i, j, k, 1) of source -> of grid
    steps, origin = np.rint(exact[:3, :3]).astype(int), np.rint(exact[:3, 3]).astype(int)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in source.shape_ijk])).reshape(3, -1)
    off = np.abs((exact[:3, :3] - steps) @ corners + (exact[:3, 3] - origin)[:, np.newaxis]).max()
    if off > _TOLERANCE or not np.array_equal(np.abs(steps) @ np.ones(3), np.ones(3)) or abs(np.linalg.det(steps)) < 1:
        raise ReadError(
            "grid_mismatch", f"{shown}: voxels of its grid {source} are no voxels of the image's grid {grid}"
        )
    if not mask.count:
        return BoxMask.of(np.zeros(grid.shape_ijk, dtype=np.bool_))
    ends = np.array([mask.box[:3], np.array(mask.box[3:]) - 1]) @ steps.T + origin
    low, high = ends.min(axis=0), ends.max(axis=0) + 1
    if (low < 0).any() or (high > grid.shape_ijk).any():
        found = f"{shown}: it fills the box {[*low.tolist(), *high.tolist()]}"
        raise ReadError("grid_mismatch", f"{found}, which reaches beyond the image's grid {grid}")
    turned = np.transpose(mask.voxels, np.abs(steps).argmax(axis=1))
    flipped = np.flip(turned, tuple(int(axis) for axis in np.flatnonzero(steps.sum(axis=1) < 0)))
    box = (int(low[0]), int(low[1]), int(low[2]), int(high[0]), int(high[1]), int(high[2]))
    return BoxMask(grid.shape_ijk, box, flipped)
