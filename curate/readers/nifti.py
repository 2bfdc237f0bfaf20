"""NIfTI-1 and NIfTI-2, through nibabel."""

import logging
from pathlib import Path
from typing import Any

import numpy as np

from curate.errors import ReadError
from curate.readers.header import Header
from curate.readers.part import WHOLE, Part
from curate.volume import Volume, decoding, nibabel_voxels, nifti_affine, on_grid

_SCALED_BYTES = 8
"""nibabel scales to float64."""


class NiftiReader:
    """Reads `.nii` and `.nii.gz`; the affine is nibabel's choice (sform, then qform, then zooms), in millimetres."""

    suffixes = (".nii", ".nii.gz")
    named_arrays = False

    def header(self, path: Path, part: Part = WHOLE) -> Header:  # noqa: ARG002, every part has the same header
        """Read the NIfTI header.

        Raises:
            ReadError: `unreadable` for anything that nibabel refuses, `not_a_volume` for colour and complex voxels,
                `bad_geometry` for a spacing of 0 that matters.
        """
        with decoding(path, path.name):
            return nifti_header(_load(path), path)

    def read(self, path: Path, part: Part = WHOLE) -> Volume:
        """Read the voxels; of a file with four axes only those of one volume.

        Raises:
            ReadError: `unreadable` for truncated or damaged data.
        """
        with decoding(path, path.name):
            image = _load(path)
            several = len(image.shape) > 3 and image.shape[3] > 1
            voxels = one_of(image, part) if several else nibabel_voxels(image, path)
            return on_grid(voxels, nifti_affine(image))


def one_of(image: Any, part: Part) -> Any:
    """Return the voxels of a nibabel image that belong to a part, (i, j, k), without loading the others."""
    fourth = (part.volume_index or 0,) * (len(image.shape) > 3)
    return np.asanyarray(image.dataobj[(..., *fourth, *(0,) * len(image.shape[4:]))])


def nifti_header(image: Any, path: Path) -> Header:
    """Return what the header of a nibabel NIfTI image says.

    Raises:
        ReadError: `not_a_volume` for colour and complex voxels, `bad_geometry` for a spacing of 0 that matters.
    """
    if not image.header["sform_code"]:
        check_spacing(image, path)
    stated = bool(image.header["sform_code"] or image.header["qform_code"])
    return Header(tuple(image.shape), nifti_affine(image), bytes_per_voxel(image, path), orientation_stated=stated)


def bytes_per_voxel(image: Any, path: Path) -> int:
    """Return the bytes that a voxel of a nibabel image takes once it is scaled.

    Raises:
        ReadError: `not_a_volume` for colour and complex voxels.
    """
    dtype = image.get_data_dtype()
    if dtype.kind not in "iuf":
        raise ReadError("not_a_volume", f"{path.name}: voxels are {dtype}, expected one real number each")
    scaled = (image.dataobj.slope, image.dataobj.inter) != (1, 0)
    return _SCALED_BYTES if scaled else int(dtype.itemsize)


def check_spacing(image: Any, path: Path) -> None:
    """Refuse a spacing of 0 where the affine rests on it; nibabel would take it for 1 mm and say nothing.

    Raises:
        ReadError: `bad_geometry`.
    """
    from nibabel.openers import ImageOpener

    holder = image.file_map.get("header", image.file_map["image"])
    with ImageOpener(holder.filename) as stream:
        as_stored = type(image.header).from_fileobj(stream, check=False)
    axes = min(3, image.ndim)
    spacing = as_stored["pixdim"][1 : axes + 1]
    if (spacing == 0).any():
        raise ReadError("bad_geometry", f"{path.name}: spacing {spacing.tolist()}, expected positive numbers")


def quiet_nibabel() -> None:
    """Keep nibabel from printing what it repairs."""
    logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)


def _load(path: Path) -> Any:
    import nibabel

    quiet_nibabel()
    return nibabel.load(path)
