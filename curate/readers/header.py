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
    """Spatial axes (and what else the array has), trailing axes of length one included; without colour channels."""
    affine: NDArray[np.float64]
    """(4, 4) voxel index to RAS+ mm."""
    bytes_per_voxel: int
    unit: Unit = "mm"
    orientation_stated: bool = True
    """False where the file leaves the orientation to the reader (NIfTI with both form codes zero)."""

    repaired: str | None = None
    """What the recipe says better than the file, such as `spacing_from_recipe`."""

    @property
    def verdict(self) -> str:
        """What the images table says of the geometry: `ok`, `none`, or `repaired:<what>`."""
        if self.repaired is not None:
            return f"repaired:{self.repaired}"
        if self.unit == "pixel":
            return "none"
        return "ok" if self.orientation_stated else "repaired:orientation_assumed"

    @property
    def canonical(self) -> Geometry:
        """The grid nearest to RAS+; pictures have no anatomical orientation and stay."""
        return self.geometry if self.unit == "pixel" else self.geometry.canonical()

    @property
    def geometry(self) -> Geometry:
        """The grid of a checked header; 2D gets k = 1."""
        i, j, k = (*self.shape, 1, 1)[:3]
        return Geometry((i, j, k), self.affine, self.unit)


def volumes(shape: tuple[int, ...]) -> int | None:
    """Return how many volumes lie along the fourth axis, 1 where there is none; None for more axes than four."""
    if any(n != 1 for n in shape[4:]):
        return None
    return shape[3] if len(shape) > 3 else 1


def check(header: Header, path: Path) -> None:
    """Refuse headers that describe no image of two or three dimensions in bounded memory.

    Raises:
        ReadError: `not_a_volume`, `too_large` or `bad_geometry`.
    """
    if len(header.shape) < 2 or min(header.shape) < 1 or any(n > 1 for n in header.shape[3:]):
        count = volumes(header.shape) if min(header.shape, default=0) > 0 else None
        hint = f"; set `volume_index` to take one of its {count} volumes" if count is not None and count > 1 else ""
        raise ReadError("not_a_volume", f"{path.name}: shape {header.shape}, expected two or three axes{hint}")
    check_size(prod(header.shape) * header.bytes_per_voxel, path)
    try:
        _ = header.geometry
    except GeometryError as error:
        raise ReadError("bad_geometry", f"{path.name}: {error}") from error


def check_size(voxel_bytes: int, path: Path) -> None:
    """Refuse what would take more memory than an image may.

    Raises:
        ReadError: `too_large`.
    """
    if voxel_bytes > MAX_IMAGE_BYTES:
        raise ReadError(
            "too_large", f"{path.name}: {voxel_bytes} bytes of voxels, at most {MAX_IMAGE_BYTES} are allowed"
        )
