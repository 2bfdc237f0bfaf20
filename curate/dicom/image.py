"""From a DICOM series to a header or a volume, in the orientation of the source."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.dicom.dataset import open_dataset, reading
from curate.dicom.pixels import stored_pixels
from curate.dicom.planes import Plane, planes_of
from curate.dicom.series import Series
from curate.dicom.stack import arrange
from curate.errors import ReadError
from curate.geometry import Geometry
from curate.readers.header import Header, check
from curate.volume import Volume

_GREY_BYTES = 4
"""int32 or float32; the voxels may turn out to fit int16."""
_COLOUR_BYTES = 3


def header(series: Series) -> Header:
    """Read where the voxels of a series lie, from the headers of its files.

    Raises:
        ReadError: `unreadable`, `not_a_volume`, `too_large` or `bad_geometry`; the message says what was found.
    """
    return _arranged(series)[1]


def read(series: Series) -> Volume:
    """Read a series as (column, row, slice), or (column, row, 1, 3) for a single colour picture.

    Slices are sorted along their normal; each is scaled by its own slope and intercept (PS3.3, C.11.1), as PET needs.
    What the scanner wrote around the field of view (PixelPaddingValue) is kept, and so are inverted greys
    (MONOCHROME1). Stored integers keep their dtype where nothing is to be scaled; scaled by whole numbers they become
    int16, or int32 where that does not hold them; anything else is float32.

    Raises:
        ReadError: As `header`; `unreadable` also for damaged pixels and for a compression without decoder.
    """
    planes, found = _arranged(series)
    voxels = _scaled(_stored(planes), planes)
    axes = (2, 1, 0, 3) if planes[0].is_colour else (2, 1, 0)  # (slice, row, column[, channel]) -> (i, j, k[, channel])
    return Volume(voxels.transpose(axes), found.geometry)


def slice_files(series: Series) -> list[Path]:
    """Return the file of each slice, in the order of k.

    Raises:
        ReadError: As `header`.
    """
    return [plane.path for plane in _arranged(series)[0]]


def _arranged(series: Series) -> tuple[list[Plane], Header]:
    planes, geometry = arrange([plane for path in series.files for plane in planes_of(path)], series.shown)
    found = _header(planes, geometry)
    check(found, Path(series.shown))
    return planes, found


def _header(planes: Sequence[Plane], geometry: Geometry) -> Header:
    return Header(
        shape=geometry.shape_ijk,
        affine=geometry.affine,
        bytes_per_voxel=_COLOUR_BYTES if planes[0].is_colour else _GREY_BYTES,
        unit=geometry.unit,
        orientation_stated=planes[0].affine is not None,
    )


def _stored(planes: Sequence[Plane]) -> list[NDArray[Any]]:
    """Decode the planes, each (row, column[, channel]) in its stored dtype; every file is opened once."""
    frames: list[NDArray[Any] | None] = [None] * len(planes)
    by_file = sorted(range(len(planes)), key=lambda n: str(planes[n].path))
    for path, members in groupby(by_file, key=lambda n: planes[n].path):
        with reading(path):
            pixels = stored_pixels(open_dataset(path, pixels=True), path.name)
        for n in members:
            if planes[n].frame >= len(pixels):
                raise ReadError("unreadable", f"{path.name}: {len(pixels)} frames of pixels, the header describes more")
            frames[n] = pixels[planes[n].frame]
    return [frame for frame in frames if frame is not None]


def _scaled(stored: Sequence[NDArray[Any]], planes: Sequence[Plane]) -> NDArray[Any]:
    """Return (slice, row, column[, channel]) intensities, each plane times its slope plus its intercept."""
    if not any(plane.is_scaled for plane in planes) and all(frame.dtype.kind in "iu" for frame in stored):
        return np.stack(stored)
    dtype = _scaled_dtype(stored, planes)
    scaled = np.empty((len(stored), *stored[0].shape), dtype=dtype)
    for k, (frame, plane) in enumerate(zip(stored, planes, strict=True)):
        scaled[k] = frame.astype(np.float64) * plane.slope + plane.intercept
    return scaled


def _scaled_dtype(stored: Sequence[NDArray[Any]], planes: Sequence[Plane]) -> type[np.generic]:
    whole = all(plane.slope.is_integer() and plane.intercept.is_integer() for plane in planes)
    if not whole or any(frame.dtype.kind not in "iu" for frame in stored):
        return np.float32
    ends = [
        float(end) * plane.slope + plane.intercept
        for frame, plane in zip(stored, planes, strict=True)
        for end in (frame.min(), frame.max())
    ]
    for dtype in (np.int16, np.int32):
        if np.iinfo(dtype).min <= min(ends) and max(ends) <= np.iinfo(dtype).max:
            return dtype
    return np.float32
