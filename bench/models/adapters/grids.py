"""Between an image's own grid and the grid that a network was trained on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bench.errors import UnsupportedError
from curate.geometry import Geometry
from curate.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class NetworkGrid:
    """The image's grid with its axes turned and, where a spacing is asked for, respaced; always axis by axis."""

    source: Geometry
    turned: Geometry
    respaced: Geometry

    @classmethod
    def over(cls, source: Geometry, spacing_mm: list[float] | None, *, canonical: bool) -> "NetworkGrid":
        """Lay the grid over an image.

        Raises:
            UnsupportedError: When a spacing is asked for and the image states none.
        """
        turned = source.canonical() if canonical and source.unit == "mm" else source
        if spacing_mm is None:
            return cls(source, turned, turned)
        if source.unit != "mm":
            raise UnsupportedError(f"the network expects {spacing_mm} mm, and the image states no spacing")
        return cls(source, turned, respaced(turned, np.array(spacing_mm)))

    def forth(self, voxels: NDArray[Any]) -> NDArray[np.float32]:
        """Bring grey voxels, (i, j, k) on the source grid, to the network's grid; linear between voxels."""
        values = voxels.astype(np.float32, copy=False)
        if self.turned is not self.source:
            values = Volume(values, self.source).canonical().voxels
        return self._between(values, self.turned, self.respaced)

    def back(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """Bring values on the network's grid to the source grid; linear between voxels."""
        near = self._between(values.astype(np.float32, copy=False), self.respaced, self.turned)
        if self.turned is self.source:
            return near
        order, flips = self.source.canonical_transform()
        straight = np.flip(near, tuple(axis for axis, flip in enumerate(flips) if flip))
        return np.transpose(straight, np.argsort(order))

    @staticmethod
    def _between(values: NDArray[np.float32], one: Geometry, other: Geometry) -> NDArray[np.float32]:
        if one is other:
            return values
        step = np.array(other.spacing) / np.array(one.spacing)
        start = one.to_voxel(other.to_world((0, 0, 0)))
        found: NDArray[np.float32] = ndimage.affine_transform(
            values, step, start, output_shape=other.shape_ijk, order=1, mode="nearest", prefilter=False
        )
        return found


def respaced(geometry: Geometry, spacing_mm: NDArray[np.float64]) -> Geometry:
    """Return a grid of another spacing over the same field of view, around the same centre.

    Each axis gets round(extent / spacing) voxels, at least one.
    """
    shape = np.maximum(1, np.rint(np.array(geometry.shape_ijk) * geometry.spacing / spacing_mm)).astype(int)
    affine = np.eye(4)
    affine[:3, :3] = geometry.affine[:3, :3] / np.array(geometry.spacing) * spacing_mm
    centre_mm = geometry.to_world((np.array(geometry.shape_ijk) - 1) / 2)
    affine[:3, 3] = centre_mm - affine[:3, :3] @ ((shape - 1) / 2)
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine, geometry.unit)
