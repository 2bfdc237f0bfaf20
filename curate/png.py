"""PNG of 8 and 16 bits through ISA-L, which takes a tenth of the time of zlib at level 6.

W3C Portable Network Graphics (third edition): signature, IHDR, one IDAT, IEND. Rows are stored as they are, or as their
differences to the row above (filter type 2), whichever is smaller: the first suits masks, the second photos.
"""

import struct

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Channels -> grey, grey and alpha, RGB, RGBA."""
_LEVEL = 2
_AS_STORED, _UP = 0, 2
"""Filter types."""


def encode(plane: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    """Return a picture as a PNG file; same picture, same bytes.

    Args:
        plane: (row, column) or (row, column, channel) with one to four channels.
    """
    height, width = plane.shape[:2]
    channels = plane.shape[2] if plane.ndim == 3 else 1
    header = struct.pack(">IIBBBBB", width, height, 8 * plane.dtype.itemsize, _COLOUR_TYPES[channels], 0, 0, 0)
    rows = np.ascontiguousarray(plane, dtype=plane.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    smaller = min((_packed(rows, filter_type) for filter_type in (_AS_STORED, _UP)), key=len)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", smaller) + _chunk(b"IEND", b"")


def _packed(rows: NDArray[np.uint8], filter_type: int) -> bytes:
    """Compress rows of bytes, each behind the number of its filter."""
    filtered = np.empty((rows.shape[0], rows.shape[1] + 1), dtype=np.uint8)
    filtered[:, 0] = filter_type
    filtered[:, 1:] = rows
    if filter_type == _UP:
        filtered[1:, 1:] -= rows[:-1]
    return isal_zlib.compress(filtered.data, _LEVEL)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = isal_zlib.crc32(content, isal_zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
