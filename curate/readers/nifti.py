"""NIfTI-1 and NIfTI-2, through nibabel."""

import logging
from pathlib import Path
from typing import Any

from curate.errors import ReadError
from curate.readers.header import Header
from curate.volume import Volume, decoding, nifti_affine, read_nifti

_SCALED_BYTES = 8
"""nibabel scales to float64."""


class NiftiReader:
    """Reads `.nii` and `.nii.gz`; the affine is nibabel's choice (sform, then qform, then zooms), in millimetres."""

    suffixes = (".nii", ".nii.gz")

    def header(self, path: Path) -> Header:
        """Read the NIfTI header.

        Raises:
            ReadError: `unreadable` for anything that nibabel refuses, `not_a_volume` for colour and complex voxels,
                `bad_geometry` for a spacing of 0 that matters.
        """
        import nibabel

        logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)  # it prints what it repairs
        with decoding(path, path.name):
            image = nibabel.load(path)
            _check_spacing(image, path)
            dtype = image.get_data_dtype()
            if dtype.kind not in "iuf":
                raise ReadError("not_a_volume", f"{path.name}: voxels are {dtype}, expected one real number each")
            scaled = (image.dataobj.slope, image.dataobj.inter) != (1, 0)
            stated = bool(image.header["sform_code"] or image.header["qform_code"])
            itemsize = _SCALED_BYTES if scaled else dtype.itemsize
            return Header(tuple(image.shape), nifti_affine(image), itemsize, orientation_stated=stated)

    def read(self, path: Path) -> Volume:
        """Read the voxels.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        with decoding(path, path.name):
            return read_nifti(path)


def _check_spacing(image: Any, path: Path) -> None:
    """Refuse a spacing of 0 where the affine rests on it; nibabel would take it for 1 mm and say nothing.

    Raises:
        ReadError: `bad_geometry`.
    """
    from nibabel.openers import ImageOpener

    if image.header["sform_code"]:
        return
    with ImageOpener(path) as stream:
        as_stored = type(image.header).from_fileobj(stream, check=False)
    axes = min(3, image.ndim)
    spacing = as_stored["pixdim"][1 : axes + 1]
    if (spacing == 0).any():
        raise ReadError("bad_geometry", f"{path.name}: spacing {spacing.tolist()}, expected positive numbers")
