"""Pairs of a header `.hdr` and its voxels `.img`: Analyze 7.5 and NIfTI, through nibabel."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from curate.errors import ReadError
from curate.readers.header import Header
from curate.readers.nifti import bytes_per_voxel, check_spacing, nifti_header, one_of, quiet_nibabel
from curate.readers.part import WHOLE, Part
from curate.volume import Volume, decoding, nifti_affine, on_grid

_NIFTI1_MAGIC = slice(344, 348)
_NIFTI2_MAGIC = slice(4, 8)
_LONGEST_HEADER = 1 << 20
"""Bytes; read to the end, so that a packed header that is cut short is noticed."""


class AnalyzeReader:
    """Reads `.img` and `.img.gz` with the `.hdr` beside it; the pair goes by the name of its voxels.

    Analyze does not say which way is left: i is taken to grow towards the left, as SPM and nibabel do, and the verdict
    says that it was assumed. What SPM99 puts into the header (origin, scale) counts; its `.mat` files are not read, and
    no scale is made up from display ranges as SPM2 does.
    """

    suffixes = (".img", ".img.gz")
    named_arrays = False

    def header(self, path: Path, part: Part = WHOLE) -> Header:  # noqa: ARG002, every part has the same header
        """Read the header file.

        Raises:
            ReadError: `unreadable` where it is missing or anything else that nibabel refuses, `not_a_volume` for
                colour and complex voxels, `bad_geometry` for a spacing of 0.
        """
        with decoding(path, path.name):
            image = _load(path)
            if _is_nifti(image):
                return nifti_header(image, path)
            check_spacing(image, path)
            itemsize = bytes_per_voxel(image, path)
            return Header(tuple(image.shape), np.array(image.affine), itemsize, orientation_stated=False)

    def read(self, path: Path, part: Part = WHOLE) -> Volume:
        """Read the voxels; of a file with several volumes only those of one.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        with decoding(path, path.name):
            image = _load(path)
            affine = nifti_affine(image) if _is_nifti(image) else np.array(image.affine)
            return on_grid(one_of(image, part), affine)


def _is_nifti(image: Any) -> bool:
    return "sform_code" in image.header


def _load(path: Path) -> Any:
    """Open a pair as what its header file is."""
    from nibabel import Nifti1Pair, Nifti2Pair, Spm2AnalyzeImage, Spm99AnalyzeImage
    from nibabel.fileholders import FileHolder
    from nibabel.openers import ImageOpener

    quiet_nibabel()
    files = Nifti1Pair.filespec_to_file_map(path)
    with ImageOpener(files["header"].filename) as stream:
        start = stream.read(_LONGEST_HEADER)
    if start[_NIFTI1_MAGIC] == b"ni1\0":
        return Nifti1Pair.from_file_map(files)
    if start[_NIFTI2_MAGIC] == b"ni2\0":
        return Nifti2Pair.from_file_map(files)
    if not Spm2AnalyzeImage.header_class.may_contain_header(start):
        raise ReadError("unreadable", f"{path.name}: its .hdr is no header of a pair, neither Analyze nor NIfTI")
    no_matrix = FileHolder(fileobj=BytesIO())
    return Spm99AnalyzeImage.from_file_map({**files, "mat": no_matrix})
