"""Between an image's own grid and the isotropic, canonically turned grid that the network was trained on.

Both grids share their directions up to order and sign, so that each axis is resampled on its own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.geometry import Geometry
from curate.labelmap import BoxMask, bounding_box, slices

SPACING_MM = 1.5
"""Spacing of the training set SA-Med3D-140K."""
_TIE = 1e-6


@dataclass(frozen=True, slots=True)
class IsotropicGrid:
    """The isotropic grid over an image, and the way there and back."""

    source: Geometry
    """The image's own grid."""
    geometry: Geometry
    """The isotropic grid."""
    order: tuple[int, int, int]
    """For each axis of the isotropic grid, the axis of the source that it follows."""

    @classmethod
    def over(cls, source: Geometry, *, canonical: bool) -> "IsotropicGrid":
        """Lay the grid over `source`, its axes turned nearest to R, A, S (`canonical`) or left as they are."""
        if not canonical:
            return cls(source, source.resampled(SPACING_MM), (0, 1, 2))
        return cls(source, source.canonical().resampled(SPACING_MM), source.canonical_transform()[0])

    @classmethod
    def from_corner(cls, source: Geometry, *, canonical: bool) -> "IsotropicGrid":
        """Lay the grid as the published code does, with torchio 0.20.4: it begins at the first corner of `source`.

        Each axis gets as many voxels as cover the image, so that the last one may reach beyond it; an axis of one
        voxel keeps it.
        """
        step = SPACING_MM / np.array(source.spacing)  # in voxels of the source
        covering = np.ceil(np.array(source.shape_ijk) / step - _TIE).astype(int)
        shape = np.where(np.array(source.shape_ijk) == 1, 1, covering)
        affine = np.eye(4)
        affine[:3, :3] = source.affine[:3, :3] * step
        affine[:3, 3] = source.to_world((step - 1) / 2)
        geometry = Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine, source.unit)
        if not canonical:
            return cls(source, geometry, (0, 1, 2))
        return cls(source, geometry.canonical(), source.canonical_transform()[0])

    def positions(self, axis: int) -> NDArray[np.float64]:
        """Return where each isotropic voxel along `axis` lies on the source's axis `order[axis]`, in its voxels."""
        to_source = np.linalg.inv(self.source.affine) @ self.geometry.affine
        shape, source_axis = self.geometry.shape_ijk, self.order[axis]
        start = _start(to_source, source_axis, axis, shape)
        return np.asarray(to_source[source_axis, axis] * np.arange(shape[axis]) + start)

    def resample(self, voxels: NDArray[Any]) -> NDArray[np.float32]:
        """Interpolate intensities linearly.

        Args:
            voxels: (i, j, k) on the source grid, any real dtype.

        Returns:
            float32 on the isotropic grid; within half a source voxel of the border the outermost value holds.
        """
        turned = voxels.transpose(self.order)
        shape = self.geometry.shape_ijk
        for axis in sorted(range(3), key=lambda n: shape[n] / turned.shape[n]):  # shrink first, to move fewer voxels
            turned = _interpolated(turned, self.positions(axis), axis)
        return np.ascontiguousarray(turned, dtype=np.float32)

    def points(self, points_ijk: NDArray[np.int64]) -> NDArray[np.int64]:
        """Map source voxels, (n, 3), to the nearest isotropic voxels, (n, 3)."""
        places = self.geometry.to_voxel(self.source.to_world(points_ijk))
        return np.clip(nearest(places), 0, np.array(self.geometry.shape_ijk) - 1)

    def mask_on_source(self, mask: BoxMask) -> BoxMask:
        """Bring a mask back: each source voxel takes the value of the nearest isotropic voxel."""
        to_isotropic = np.linalg.inv(self.geometry.affine) @ self.source.affine
        axis_of = np.argsort(self.order)  # for each source axis, the isotropic axis that follows it
        lows, picks = [], []
        for source_axis, axis in enumerate(axis_of):
            line = np.arange(self.source.shape_ijk[source_axis])
            start = _start(to_isotropic, axis, source_axis, self.source.shape_ijk)
            places = nearest(to_isotropic[axis, source_axis] * line + start)
            places = np.clip(places, 0, self.geometry.shape_ijk[axis] - 1)
            inside = np.flatnonzero((places >= mask.box[axis]) & (places < mask.box[axis + 3]))
            lows.append(int(inside[0]) if inside.size else 0)
            picks.append(places[inside] - mask.box[axis])
        voxels = mask.voxels.transpose(axis_of)[np.ix_(*picks)]
        tight = bounding_box(voxels)
        if tight[0] == tight[3]:
            return BoxMask(self.source.shape_ijk, tight, voxels[slices(tight)])
        low_i, low_j, low_k = lows
        i0, j0, k0, i1, j1, k1 = tight
        box = (i0 + low_i, j0 + low_j, k0 + low_k, i1 + low_i, j1 + low_j, k1 + low_k)
        return BoxMask(self.source.shape_ijk, box, voxels[slices(tight)])


def _start(matrix: NDArray[np.float64], row: int, column: int, shape: tuple[int, int, int]) -> float:
    """Return where the line along axis `column` starts on axis `row`, read at the middle of the other axes."""
    middle = (np.array(shape) - 1) / 2
    middle[column] = 0
    return float(matrix[row, :3] @ middle + matrix[row, 3])


def _interpolated(voxels: NDArray[Any], positions: NDArray[np.float64], axis: int) -> NDArray[np.float32]:
    """Read one axis at fractional positions, linearly, clamped to its ends."""
    last = voxels.shape[axis] - 1
    inside = np.clip(positions, 0, last)
    lower = np.floor(inside).astype(np.int64)
    along = [1, 1, 1]
    along[axis] = -1
    weight = (inside - lower).astype(np.float32).reshape(along)
    low = voxels.take(lower, axis).astype(np.float32)
    high = voxels.take(np.minimum(lower + 1, last), axis).astype(np.float32)
    high -= low
    high *= weight
    high += low
    return np.asarray(high)


def nearest(positions: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round, halves up; what rounding noise moved off a half counts as one, so that machines agree."""
    return np.floor(positions + (0.5 + _TIE)).astype(np.int64)
