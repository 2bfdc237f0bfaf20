"""Pictures whose numbers Pillow would change, through SimpleITK: 16 bits a channel in colour, and a few more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curate.readers.quiet import quiet

if TYPE_CHECKING:
    from PIL.Image import Image

BITS_PER_SAMPLE, _SAMPLE_FORMAT = 258, 339
_UNSIGNED, _SIGNED = 1, 2
"""TIFF 6.0, tags and the meanings of sample formats."""
_PNG_DEPTH, _PNG_COLOUR_TYPE = 24, 25
"""Places in a PNG file (ISO 15948): the header always comes first."""
_GREY = 0


def deep_dtype(picture: Image, path: Path) -> np.dtype[Any] | None:
    """Return the dtype of a picture that Pillow cannot hold, None for the others.

    Pillow keeps 8 bits of colours of 16 bits, and takes signed bytes and 32-bit integers for others.
    """
    if picture.format == "PNG":
        with path.open("rb") as stream:
            head = stream.read(_PNG_COLOUR_TYPE + 1)
        return np.dtype("uint16") if head[_PNG_DEPTH] == 16 and head[_PNG_COLOUR_TYPE] != _GREY else None
    if picture.format != "TIFF":
        return None
    tags = picture.tag_v2  # type: ignore[attr-defined]  # of the class that reads TIFF
    bits, meaning = tags.get(BITS_PER_SAMPLE, (1,)), tags.get(_SAMPLE_FORMAT, (_UNSIGNED,))[0]
    if len(bits) > 1 and bits[0] == 16 and meaning == _UNSIGNED:
        return np.dtype("uint16")
    altered: dict[tuple[int, int], np.dtype[Any]] = {
        (8, _SIGNED): np.dtype("int8"),
        (32, _UNSIGNED): np.dtype("uint32"),
    }
    return altered.get((bits[0], meaning))


def deep_planes(path: Path, file_format: str, dtype: np.dtype[Any]) -> list[NDArray[Any]]:
    """Return the pages of a deep picture, (row, column[, channel]) each.

    Raises:
        ValueError: When SimpleITK refuses the file, or cannot keep the numbers either.
    """
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetImageIO(f"{file_format}ImageIO")
    reader.SetFileName(str(path))
    try:
        with quiet():
            image = reader.Execute()
    except RuntimeError as error:
        raise ValueError(f"damaged, or of a kind whose {dtype} numbers nobody keeps") from error
    voxels = sitk.GetArrayFromImage(image)  # ([page, ]row, column[, channel])
    if voxels.dtype != dtype:
        raise ValueError(f"{dtype} would become {voxels.dtype}")
    return list(voxels) if image.GetDimension() == 3 else [voxels]
