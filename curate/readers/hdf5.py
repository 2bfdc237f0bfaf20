"""HDF5, through h5py. A file is only ever read for itself: nothing that it refers to elsewhere is opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from curate.errors import ReadError
from curate.readers.header import Header
from curate.readers.part import WHOLE, Part, choose_array
from curate.volume import Volume, decoding, on_grid

if TYPE_CHECKING:
    import h5py

_MOST_OBJECTS = 10_000


class Hdf5Reader:
    """Reads `.h5` and `.hdf5`: axis 0 is i, axis 1 is j, axis 2 is k, a fourth one counts volumes; in pixels.

    Arrays are named by their paths, such as `scans/t1`. Only hard links are followed, so that neither external links
    nor soft ones can lead out of the file.
    """

    suffixes = (".h5", ".hdf5")
    named_arrays = True

    def header(self, path: Path, part: Part = WHOLE) -> Header:
        """Read shape and dtype of the array that is named, or of the only one that can be an image.

        Raises:
            ReadError: `unreadable` for anything that is no HDF5 file, and for arrays whose numbers lie in other files;
                `ambiguous_file` where several arrays could be meant, `not_a_volume` for what are no real numbers.
        """
        with decoding(path, path.name), _open(path) as file:
            array = _chosen(file, part, path)
            return Header(tuple(array.shape or ()), np.eye(4), array.dtype.itemsize, unit="pixel")

    def read(self, path: Path, part: Part = WHOLE) -> Volume:
        """Read the array, or one volume of it.

        Raises:
            ReadError: `unreadable` for damaged data and for packings that are not built in.
        """
        with decoding(path, path.name), _open(path) as file:
            array = _chosen(file, part, path)
            fourth = (part.volume_index or 0,) * (array.ndim > 3)
            rest = (0,) * (array.ndim - 4)
            return on_grid(np.asarray(array[(..., *fourth, *rest)]), np.eye(4), "pixel")


def _open(path: Path) -> h5py.File:
    import h5py

    return h5py.File(path, "r", locking=False)


def _chosen(file: h5py.File, part: Part, path: Path) -> h5py.Dataset:
    """Return the array that is meant, after checking that its numbers are real ones and lie in this file."""
    arrays = _arrays(file, path)
    images = {name: array.dtype.kind in "iufb" and array.ndim >= 2 for name, array in arrays.items()}
    wanted = Part(part.array.strip("/")) if part.array is not None else part
    array = arrays[choose_array(images, wanted, path)]
    if array.dtype.kind not in "iufb":
        raise ReadError("not_a_volume", f"{path.name}: voxels are {array.dtype}, expected one real number each")
    if array.external or array.is_virtual:
        raise ReadError("unreadable", f"{path.name}: its voxels lie in other files, which are not opened")
    return array


def _arrays(file: h5py.File, path: Path) -> dict[str, h5py.Dataset]:
    """Return every array of a file by its path."""
    import h5py

    arrays: dict[str, h5py.Dataset] = {}
    count = 0

    def visit(name: str, found: object) -> bool | None:
        nonlocal count
        count += 1
        if isinstance(found, h5py.Dataset):
            arrays[name] = found
        return True if count > _MOST_OBJECTS else None  # anything but None stops h5py

    if file.visititems(visit):
        raise ReadError("too_large", f"{path.name}: more than {_MOST_OBJECTS} groups and arrays")
    return arrays
