"""NRRD and MetaImage, through SimpleITK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import ReadError
from curate.readers.detached import check_data_file
from curate.readers.header import Header, check_size
from curate.readers.part import WHOLE, Part
from curate.readers.quiet import quiet
from curate.volume import Volume, affine_from_simpleitk, decoding, on_grid

if TYPE_CHECKING:
    import SimpleITK

_NRRD = (".nrrd", ".nhdr")


class ItkReader:
    """Reads `.nrrd`, `.nhdr`, `.mha` and `.mhd`; LPS becomes RAS+.

    The components of vectors count as volumes along a fourth axis, wherever the file has that axis.
    """

    suffixes = (*_NRRD, ".mha", ".mhd")
    named_arrays = False

    def header(self, path: Path, part: Part = WHOLE) -> Header:  # noqa: ARG002, every part has the same header
        """Read the header alone.

        Raises:
            ReadError: `unreadable` when SimpleITK refuses it, `not_a_volume` for complex numbers and one axis,
                `too_large` where all volumes together are, because SimpleITK reads them all.
        """
        reader = _reader(path)
        with decoding(path, path.name), _complaining(path):
            reader.ReadImageInformation()
        shape = _shape(reader)
        dtype = _dtype(reader)
        if dtype.kind not in "iuf" or not 2 <= len(reader.GetSize()) <= 4:
            found = f"{len(reader.GetSize())} axes of {dtype}"
            raise ReadError("not_a_volume", f"{path.name}: {found}, expected real numbers on two to four axes")
        check_size(prod(shape) * dtype.itemsize, path)
        return Header(shape, _affine(reader), dtype.itemsize, orientation_stated=_states_orientation(reader, path))

    def read(self, path: Path, part: Part = WHOLE) -> Volume:
        """Read the voxels.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        volumes, affine = read_volumes(path)
        return on_grid(volumes[part.volume_index or 0], affine)


def read_volumes(path: Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return all volumes of a file, (volume, i, j[, k]), and their (4, 4) affine.

    Raises:
        ReadError: `unreadable` for truncated or damaged data.
    """
    import SimpleITK as sitk

    with decoding(path, path.name), _complaining(path):
        image = _reader(path).Execute()
    voxels = sitk.GetArrayFromImage(image)  # ([t, ]z, y, x[, component])
    if image.GetNumberOfComponentsPerPixel() > 1:
        voxels = np.moveaxis(voxels, -1, 0)
    elif image.GetDimension() < 4:
        voxels = voxels[np.newaxis]
    spatial = tuple(reversed(range(1, voxels.ndim)))
    return np.transpose(voxels, (0, *spatial)), _affine(image)


def metadata(path: Path) -> dict[str, str]:
    """Return the keys and values of a file's header, without reading voxels.

    Raises:
        ReadError: `unreadable` when SimpleITK refuses it.
    """
    reader = _reader(path)
    with decoding(path, path.name), _complaining(path):
        reader.ReadImageInformation()
        return {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}


def _reader(path: Path) -> SimpleITK.ImageFileReader:
    """Return a reader of the suffix's format; left to itself SimpleITK takes any format that it finds inside.

    Raises:
        ReadError: `unreadable` for a header that reaches out of its folder.
    """
    import SimpleITK as sitk

    check_data_file(path)
    reader = sitk.ImageFileReader()
    reader.SetImageIO("NrrdImageIO" if path.name.lower().endswith(_NRRD) else "MetaImageIO")
    reader.SetFileName(str(path))
    return reader


@contextmanager
def _complaining(path: Path) -> Iterator[None]:
    """Turn SimpleITK's errors into `unreadable`, and keep what it prints from the terminal."""
    try:
        with quiet():
            yield
    except RuntimeError as error:
        raise ReadError("unreadable", f"{path.name}: {_reason(error, path)}") from error


def _shape(reader: SimpleITK.ImageFileReader) -> tuple[int, ...]:
    """Return voxels along i, j[, k] and, of vectors, the components as a fourth axis."""
    size = tuple(reader.GetSize())
    components = reader.GetNumberOfComponents()
    return size if components == 1 else (*(*size, 1)[: max(3, len(size))], components)


def _dtype(reader: SimpleITK.ImageFileReader) -> np.dtype[Any]:
    """Return the dtype of one component; an image of one voxel tells it."""
    import SimpleITK as sitk

    is_vector = "vector" in sitk.GetPixelIDValueAsString(reader.GetPixelID())  # complex ones have two components, too
    components = reader.GetNumberOfComponents() if is_vector else 1
    sample = sitk.Image([1] * len(reader.GetSize()), reader.GetPixelID(), components)
    return np.asarray(sitk.GetArrayFromImage(sample)).dtype


def _affine(image: SimpleITK.Image | SimpleITK.ImageFileReader) -> NDArray[np.float64]:
    """Return the (4, 4) affine of the spatial axes, without that of a fourth one."""
    axes = len(image.GetSize())
    kept = min(3, axes)
    direction = np.array(image.GetDirection()).reshape(axes, axes)[:kept, :kept]
    affine = affine_from_simpleitk(image.GetSpacing()[:kept], image.GetOrigin()[:kept], tuple(direction.ravel()))
    return np.asarray(affine)


def _states_orientation(reader: SimpleITK.ImageFileReader, path: Path) -> bool:
    """Tell whether the file says which way is left: NRRD may name no anatomical space, MetaImage is always LPS."""
    if not path.name.lower().endswith(_NRRD):
        return True
    space = reader.GetMetaData("NRRD_space") if reader.HasMetaDataKey("NRRD_space") else ""
    return "left" in space or "right" in space


def _reason(error: RuntimeError, path: Path) -> str:
    """Return the part of SimpleITK's message that says what is wrong, without the file's folder."""
    last = str(error).replace(f"{path.parent}/", "").strip().splitlines()[-1]
    if last.startswith("Reason:"):  # what follows is the last error of the C library, whatever caused it
        return "MetaImage whose header or data is damaged, incomplete or missing"
    return last.rsplit(": ", maxsplit=1)[-1].strip()[:200]
