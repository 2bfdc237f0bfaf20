"""NIfTI-1 and NIfTI-2, through nibabel."""

import zlib
from pathlib import Path

import numpy as np

from curate.errors import ReadError
from curate.readers.header import Header
from curate.volume import Volume, read_nifti


class NiftiReader:
    """Reads `.nii` and `.nii.gz`; the affine is nibabel's choice (sform, then qform, then zooms)."""

    suffixes = (".nii", ".nii.gz")

    def header(self, path: Path) -> Header:
        """Read the NIfTI header.

        Raises:
            ReadError: `unreadable` for anything that nibabel refuses.
        """
        import nibabel
        from nibabel.filebasedimages import ImageFileError
        from nibabel.spatialimages import HeaderDataError

        try:
            image = nibabel.load(path)
            affine = np.eye(4) if image.affine is None else np.asarray(image.affine, dtype=np.float64)
            stated = bool(image.header["sform_code"] or image.header["qform_code"])
            itemsize = image.get_data_dtype().itemsize
            return Header(tuple(image.shape), affine, itemsize, orientation_stated=stated)
        except (OSError, EOFError, ValueError, zlib.error, ImageFileError, HeaderDataError) as error:
            raise ReadError("unreadable", f"{path.name}: {_one_line(error)}") from error

    def read(self, path: Path) -> Volume:
        """Read the voxels.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        try:
            return read_nifti(path)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise ReadError("unreadable", f"{path.name}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    """Return the error's text in one line, without the folder that nibabel puts into it."""
    text = " ".join(str(error).split())
    return text.split(" - ")[0][:200] or type(error).__name__
