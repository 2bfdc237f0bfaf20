"""What a file says of itself before its voxels are read."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.errors import GeometryError, ReadError
from curate.geometry import Geometry, Unit

MAX_IMAGE_BYTES = 8 << 30
"""The most memory that one image may take; larger claims are taken for damage (the largest public CT have 2 GiB)."""


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """Shape, affine and dtype, as the file states them."""

    shape: tuple[int, ...]
    """Spatial axes (and what else the file has), trailing axes of length one included; without colour channels."""
    affine: NDArray[np.float64]
    """(4, 4) voxel index to RAS+ mm."""
    bytes_per_voxel: int
    unit: Unit = "mm"
    orientation_stated: bool = True
    """False where the file leaves the orientation to the reader (NIfTI with both form codes zero)."""

    @property
    def verdict(self) -> str:
        """What the images table says of the geometry: `ok`, `none`, or `repaired:<what>`."""
        if self.unit == "pixel":
            return "none"
        return "ok" if self.orientation_stated else "repaired:orientation_assumed"

    @property
    def geometry(self) -> Geometry:
        """The grid of a checked header; 2D gets k = 1."""
        i, j, k = (*self.shape, 1, 1)[:3]
        return Geometry((i, j, k), self.affine, self.unit)


def check(header: Header, path: Path) -> None:
    """Refuse headers that describe no image of two or three dimensions in bounded memory.

    Raises:
        ReadError: `not_a_volume`, `too_large` or `bad_geometry`.
    """
    if len(header.shape) < 2 or min(header.shape) < 1 or any(n > 1 for n in header.shape[3:]):
        raise ReadError("not_a_volume", f"{path.name}: shape {header.shape}, expected two or three axes")
    size = prod(header.shape) * header.bytes_per_voxel
    if size > MAX_IMAGE_BYTES:
        raise ReadError("too_large", f"{path.name}: {size} bytes of voxels, at most {MAX_IMAGE_BYTES} are allowed")
    try:
        _ = header.geometry
    except GeometryError as error:
        raise ReadError("bad_geometry", f"{path.name}: {error}") from error
