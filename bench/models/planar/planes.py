"""An image as a stack of pictures, and masks of pictures as a mask of the image.

Across axis k a slice is seen with x = i and y = j, across j with x = i and y = k, across i with x = j and y = k.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import UnsupportedError
from bench.models.planar.options import Axis
from curate.geometry import Box, Geometry
from curate.labelmap import BoxMask, bounding_box
from curate.volume import Volume

PlaneBox = tuple[int, int, int, int]
"""Half-open, in pixels of a picture: x0 y0 x1 y1."""
_TIE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """The mask of one picture, cut to its bounding box."""

    box: PlaneBox
    """All zeros where nothing is inside."""
    inside: NDArray[np.bool_]
    """(x1 - x0, y1 - y0)."""

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> "Patch":
        """Cut a picture's mask, (height, width) = (y, x)."""
        x0, y0, _, x1, y1, _ = bounding_box(mask.T[:, :, np.newaxis])
        return cls((x0, y0, x1, y1), mask[y0:y1, x0:x1].T.copy())


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """The slices of one image across one axis."""

    image: Volume
    axis: int

    @property
    def count(self) -> int:
        """Number of slices."""
        return self.image.geometry.shape_ijk[self.axis]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a slice, in pixels."""
        x, y = self._in_plane
        return self.image.geometry.shape_ijk[y], self.image.geometry.shape_ijk[x]

    def picture(self, number: int) -> NDArray[Any]:
        """Return a slice as (height, width), or (height, width, 3) in colour."""
        plane: NDArray[Any] = np.swapaxes(np.take(self.image.voxels, number, axis=self.axis), 0, 1)
        return plane[..., :3] if self.image.is_colour else plane

    def split(self, points_ijk: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the slice of each point, (n,), and its place there as x y, (n, 2)."""
        return points_ijk[:, self.axis], points_ijk[:, self._in_plane]

    def flat(self, box: Box) -> tuple[range, PlaneBox]:
        """Return the slices that a box spans and the box on each of them."""
        x, y = self._in_plane
        return range(box[self.axis], box[self.axis + 3]), (box[x], box[y], box[x + 3], box[y + 3])

    def mask(self, patches: Mapping[int, Patch]) -> BoxMask:
        """Stack the masks of some slices; the others are empty."""
        shape = self.image.geometry.shape_ijk
        filled = {number: patch for number, patch in patches.items() if patch.inside.size}
        if not filled:
            return BoxMask.empty(shape)
        boxes = np.array([patch.box for patch in filled.values()])
        x, y = self._in_plane
        low, high = [0, 0, 0], [0, 0, 0]
        low[self.axis], high[self.axis] = min(filled), max(filled) + 1
        low[x], low[y] = (int(n) for n in boxes[:, :2].min(axis=0))
        high[x], high[y] = (int(n) for n in boxes[:, 2:].max(axis=0))
        voxels = np.zeros(np.subtract(high, low), dtype=np.bool_)
        stack = np.moveaxis(voxels, self.axis, 0)
        for number, patch in filled.items():
            x0, y0, x1, y1 = patch.box
            stack[number - low[self.axis], x0 - low[x] : x1 - low[x], y0 - low[y] : y1 - low[y]] = patch.inside
        return BoxMask(shape, (low[0], low[1], low[2], high[0], high[1], high[2]), voxels)

    @property
    def _in_plane(self) -> list[int]:
        """The axes that are seen as x and y."""
        return [axis for axis in range(3) if axis != self.axis]


def planes_of(image: Volume, axis: Axis) -> Planes:
    """Return an image as slices; one that is a single slice is seen whole, whatever the axis.

    Raises:
        UnsupportedError: For colour in other than three or four channels, of which the fourth is transparency.
    """
    if image.is_colour and image.voxels.shape[3] not in (3, 4):
        raise UnsupportedError(f"takes grey or three colours, found {image.voxels.shape[3]} channels")
    if image.geometry.is_2d:
        return Planes(image, 2)
    return Planes(image, coarsest_axis(image.geometry) if axis == "coarsest" else "ijk".index(axis))


def coarsest_axis(geometry: Geometry) -> int:
    """Return the axis with the largest spacing; of axes that tie to a thousandth, the last."""
    spacing = np.array(geometry.spacing)
    return int(np.flatnonzero(spacing >= spacing.max() * (1 - _TIE))[-1])
