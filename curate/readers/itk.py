"""NRRD and MetaImage, through SimpleITK."""

from pathlib import Path

from curate.errors import ReadError
from curate.readers.header import Header
from curate.volume import Volume, affine_from_simpleitk, from_simpleitk


class ItkReader:
    """Reads `.nrrd`, `.nhdr`, `.mha` and `.mhd`; LPS becomes RAS+."""

    suffixes = (".nrrd", ".nhdr", ".mha", ".mhd")

    def header(self, path: Path) -> Header:
        """Read the header alone.

        Raises:
            ReadError: `unreadable` when SimpleITK refuses it, `not_a_volume` for vectors and four dimensions.
        """
        import SimpleITK as sitk

        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            raise ReadError("unreadable", f"{path.name}: {_last_line(error)}") from error
        shape = tuple(reader.GetSize())
        if reader.GetNumberOfComponents() > 1 or len(shape) not in (2, 3):
            found = f"{len(shape)} axes of {reader.GetNumberOfComponents()} components"
            raise ReadError("not_a_volume", f"{path.name}: {found}, expected one component on two or three axes")
        affine = affine_from_simpleitk(reader.GetSpacing(), reader.GetOrigin(), reader.GetDirection())
        pixel = sitk.Image([1] * len(shape), reader.GetPixelID())
        return Header(shape, affine, sitk.GetArrayViewFromImage(pixel).dtype.itemsize)

    def read(self, path: Path) -> Volume:
        """Read the voxels.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        import SimpleITK as sitk

        try:
            return from_simpleitk(sitk.ReadImage(str(path)))
        except RuntimeError as error:
            raise ReadError("unreadable", f"{path.name}: {_last_line(error)}") from error


def _last_line(error: RuntimeError) -> str:
    """Return the line of SimpleITK's message that says what is wrong, without the file's folder."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1].rsplit(":", maxsplit=1)[-1].strip() if lines else type(error).__name__)[:200]
