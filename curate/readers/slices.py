"""A folder with one picture per slice, which together are a volume: PNG stacks as CHAOS has them."""

import re
from pathlib import Path

import numpy as np

from curate import readers
from curate.errors import ReadError
from curate.readers.header import Header, check
from curate.readers.part import Part
from curate.readers.raster import RasterReader
from curate.volume import Volume

_DIGITS = re.compile(r"(\d+)")


def files(folder: Path) -> list[Path]:
    """Return the pictures of a folder in the natural order of their names: `IMG-2` before `IMG-10`."""
    found = (path for path in folder.iterdir() if path.name.lower().endswith(RasterReader.suffixes))
    return sorted((path for path in found if not path.name.startswith(".")), key=natural)


def header(folder: Path, part: Part) -> Header:
    """Read the header of the first slice; whether the others are like it shows when they are read.

    Raises:
        ReadError: `unreadable`, `not_a_volume` or `too_large`.
    """
    slices = files(folder)
    first = readers.header(slices[0], part)
    i, j, k = first.geometry.shape_ijk
    if k > 1:
        raise ReadError("not_a_volume", f"{slices[0].name}: has {k} pages, but is one slice of a folder")
    whole = Header((i, j, len(slices)), np.eye(4), first.bytes_per_voxel, unit="pixel")
    check(whole, folder)
    return whole


def read(folder: Path, part: Part) -> Volume:
    """Read all slices, (column, row, slice[, colour]).

    Raises:
        ReadError: With the code of the first thing that is wrong; `not_a_volume` where slices differ in size.
    """
    expected = header(folder, part)
    slices = files(folder)
    first = readers.read(slices[0], part).voxels
    voxels = np.empty((*first.shape[:2], len(slices), *first.shape[3:]), first.dtype)
    for k, path in enumerate(slices):
        plane = readers.read(path, part).voxels
        if plane.shape != first.shape or plane.dtype != first.dtype:
            found, wanted = f"{plane.shape} of {plane.dtype}", f"{first.shape} of {first.dtype}"
            raise ReadError("not_a_volume", f"{path.name}: {found}, but the first slice is {wanted}")
        voxels[:, :, k] = plane[:, :, 0]
    return Volume(voxels, expected.geometry)


def natural(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts file names by the numbers in them."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _DIGITS.split(path.name)]
