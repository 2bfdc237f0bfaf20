"""One array in NumPy's NPY format, from a stream that is only read forward.

The format is that of NumPy Enhancement Proposal 1. No more is read, and no more memory is taken, than the part that is
asked for needs; nothing is ever unpickled.
"""

from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_LONGEST_HEADER = 16384
"""Bytes. A header states a dtype and a shape; one that claims more is not read."""
_BLOCK_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Layout:
    """What an NPY header says."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    """May be one that is no number: an object, a record, a text."""
    fortran: bool
    """True when the first axis runs fastest."""
    start: int
    """Bytes before the voxels."""

    @property
    def is_image(self) -> bool:
        """True for real numbers along two axes or more."""
        return self.dtype.kind in "iufb" and len(self.shape) >= 2


def read_layout(stream: IO[bytes]) -> Layout:
    """Read the header at the start of a stream.

    Raises:
        ValueError: When there is none, or one of a format version above 2 (records whose fields have foreign names).
    """
    head = BytesIO(stream.read(_LONGEST_HEADER))
    version = np.lib.format.read_magic(head)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(head)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(head)
    else:
        raise ValueError(f"NPY format {version[0]}.{version[1]}, expected 1.0 or 2.0")
    return Layout(shape, dtype, fortran, head.tell())


def read_array(stream: IO[bytes], layout: Layout, volume_index: int) -> NDArray[Any]:
    """Read an array from the start of a stream; of one with a fourth axis only one volume, (i, j, k).

    Raises:
        ValueError: When the stream ends too early.
    """
    _skip(stream, layout.start)
    shape, volumes = layout.shape[:3], prod(layout.shape[3:])
    if volumes == 1 or layout.fortran:
        _skip(stream, volume_index * prod(shape) * layout.dtype.itemsize)
        numbers = np.empty(prod(shape), dtype=layout.dtype)
        _fill(stream, numbers)
    else:
        numbers = _every_nth(stream, layout.dtype, prod(shape), volumes, volume_index)
    return numbers.reshape(shape, order="F" if layout.fortran else "C")


def _every_nth(stream: IO[bytes], dtype: np.dtype[Any], count: int, volumes: int, index: int) -> NDArray[Any]:
    """Return one volume of an array whose volumes are interleaved, voxel by voxel."""
    numbers = np.empty(count, dtype=dtype)
    step = max(1, _BLOCK_BYTES // (volumes * dtype.itemsize))
    for first in range(0, count, step):
        rows = np.empty((min(step, count - first), volumes), dtype=dtype)
        _fill(stream, rows)
        numbers[first : first + len(rows)] = rows[:, index]
    return numbers


def _fill(stream: IO[bytes], numbers: NDArray[Any]) -> None:
    """Read as many bytes as an array takes."""
    room = numbers.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(room):
        block = stream.read(min(_BLOCK_BYTES, len(room) - done))
        if not block:
            raise ValueError(f"ends {len(room) - done} bytes too early")
        room[done : done + len(block)] = block
        done += len(block)


def _skip(stream: IO[bytes], count: int) -> None:
    while count:
        block = stream.read(min(_BLOCK_BYTES, count))
        if not block:
            raise ValueError(f"ends {count} bytes too early")
        count -= len(block)
