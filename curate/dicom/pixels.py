"""Decode the pixels of DICOM files as they are stored, before any rescaling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curate.errors import ReadError

if TYPE_CHECKING:
    from pydicom import Dataset


def stored_pixels(dataset: Dataset, shown: str) -> NDArray[Any]:
    """Decode all frames at once.

    Returns:
        (frame, row, column), or (frame, row, column, 3) in RGB for colour.

    Raises:
        ReadError: `unreadable` where the transfer syntax has no decoder; the message names it.
    """
    from pydicom.pixels.utils import pixel_array

    _check_decodable(dataset, shown)
    voxels = pixel_array(dataset)
    colour_axes = 1 if dataset.get("SamplesPerPixel", 1) > 1 else 0
    return np.asarray(voxels[np.newaxis] if voxels.ndim == 2 + colour_axes else voxels)


def stored_frames(dataset: Dataset, shown: str) -> Iterator[NDArray[Any]]:
    """Decode one frame after the other, (row, column); masks of many segments would not fit memory at once.

    Raises:
        ReadError: As `stored_pixels`.
    """
    from pydicom.pixels.utils import iter_pixels

    _check_decodable(dataset, shown)
    syntax = dataset.file_meta.TransferSyntaxUID
    if dataset.BitsAllocated == 1 and syntax.is_little_endian and not syntax.is_encapsulated:
        yield from _packed_frames(dataset)  # pydicom 3.0 loses the last bits of frames that begin inside a byte
    else:
        yield from iter_pixels(dataset)


def _packed_frames(dataset: Dataset) -> Iterator[NDArray[np.uint8]]:
    """Unpack one bit per pixel; frames follow each other without padding, the lowest bit first (PS3.5, 8.1.1)."""
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    size = rows * columns
    packed = np.frombuffer(dataset.PixelData, dtype=np.uint8)
    for first in range(0, int(dataset.get("NumberOfFrames") or 1) * size, size):
        held = np.unpackbits(packed[first // 8 : -(-(first + size) // 8)], bitorder="little")
        yield held[first % 8 : first % 8 + size].reshape(rows, columns)


def _check_decodable(dataset: Dataset, shown: str) -> None:
    """Refuse a transfer syntax that nothing installed can decode.

    Raises:
        ReadError: `unreadable`; the message names the transfer syntax.
    """
    from pydicom.pixels.decoders.base import get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        decodable = get_decoder(syntax).is_available
    except NotImplementedError:
        decodable = False
    if not decodable:
        raise ReadError("unreadable", f"{shown}: no decoder for the transfer syntax {syntax.name}")
