"""FreeSurfer's MGH, packed or not, through nibabel."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import ReadError
from curate.readers.header import Header, check_size
from curate.readers.nifti import one_of
from curate.readers.part import WHOLE, Part
from curate.volume import Volume, decoding, nibabel_voxels, on_grid

_START = struct.Struct(">7ih")
"""Version, four dimensions, type, degrees of freedom, and whether the fields of the geometry mean anything."""
_CORONAL = np.array([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
"""(3, 3) Directions of i, j and k in RAS+, a column each: left, down, to the front."""


class FreeSurferReader:
    """Reads `.mgh` and `.mgz`.

    A file whose header says that its geometry means nothing lies as FreeSurfer takes it: coronal, 1 mm, around the
    origin (https://surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat). nibabel turns such files upside down.
    """

    suffixes = (".mgh", ".mgz")
    named_arrays = False

    def header(self, path: Path, part: Part = WHOLE) -> Header:  # noqa: ARG002, every part has the same header
        """Read the header.

        Raises:
            ReadError: `unreadable` for anything that nibabel refuses, `too_large`.
        """
        with decoding(path, path.name):
            image, affine, stated = _load(path)
            shape = tuple(int(n) for n in image.shape)  # of 32 bits, whose product could overflow
            return Header(shape, affine, image.get_data_dtype().itemsize, orientation_stated=stated)

    def read(self, path: Path, part: Part = WHOLE) -> Volume:
        """Read the voxels; of a file with several volumes only those of one.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        with decoding(path, path.name):
            image, affine, _ = _load(path)
            voxels = nibabel_voxels(image, path) if len(image.shape) < 4 else one_of(image, part)
            return on_grid(voxels, affine)


def _load(path: Path) -> tuple[Any, NDArray[np.float64], bool]:
    """Open a file; return the image, its (4, 4) affine and whether the file states it."""
    from nibabel.freesurfer import MGHImage
    from nibabel.openers import ImageOpener

    with ImageOpener(path) as stream:
        version, i, j, k, _, _, _, states_geometry = _START.unpack(stream.read(_START.size))
    if version != 1:
        raise ReadError("unreadable", f"{path.name}: version {version}, expected version 1 of MGH")
    check_size(i * j * k, path)  # before nibabel seeks what lies behind the voxels
    image = MGHImage.from_filename(path)
    if states_geometry > 0:
        return image, np.array(image.affine), True
    affine = np.eye(4)
    affine[:3, :3] = _CORONAL
    affine[:3, 3] = -_CORONAL @ np.array([i, j, k]) / 2
    return image, affine, False
