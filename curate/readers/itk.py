"""NRRD and MetaImage, through SimpleITK."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from curate.errors import ReadError
from curate.readers.header import Header
from curate.readers.quiet import quiet
from curate.volume import Volume, affine_from_simpleitk, from_simpleitk

if TYPE_CHECKING:
    import SimpleITK

_NRRD = (".nrrd", ".nhdr")


class ItkReader:
    """Reads `.nrrd`, `.nhdr`, `.mha` and `.mhd`; LPS becomes RAS+."""

    suffixes = (*_NRRD, ".mha", ".mhd")

    def header(self, path: Path) -> Header:
        """Read the header alone.

        Raises:
            ReadError: `unreadable` when SimpleITK refuses it, `not_a_volume` for vectors and four dimensions.
        """
        import SimpleITK as sitk

        reader = _reader(path)
        try:
            with quiet():
                reader.ReadImageInformation()
        except RuntimeError as error:
            raise ReadError("unreadable", f"{path.name}: {_reason(error, path)}") from error
        shape = tuple(reader.GetSize())
        if reader.GetNumberOfComponents() > 1 or len(shape) not in (2, 3):
            found = f"{len(shape)} axes of {reader.GetNumberOfComponents()} components"
            raise ReadError("not_a_volume", f"{path.name}: {found}, expected one component on two or three axes")
        affine = affine_from_simpleitk(reader.GetSpacing(), reader.GetOrigin(), reader.GetDirection())
        pixel = sitk.Image([1] * len(shape), reader.GetPixelID())
        itemsize = sitk.GetArrayViewFromImage(pixel).dtype.itemsize
        return Header(shape, affine, itemsize, orientation_stated=_states_orientation(reader, path))

    def read(self, path: Path) -> Volume:
        """Read the voxels.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        try:
            with quiet():
                return from_simpleitk(_reader(path).Execute())
        except RuntimeError as error:
            raise ReadError("unreadable", f"{path.name}: {_reason(error, path)}") from error


def _reader(path: Path) -> SimpleITK.ImageFileReader:
    """Return a reader of the suffix's format; left to itself SimpleITK takes any format that it finds inside."""
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetImageIO("NrrdImageIO" if path.name.lower().endswith(_NRRD) else "MetaImageIO")
    reader.SetFileName(str(path))
    return reader


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
