"""Voxels block by block: hashed and written without another copy of them in memory.

The order is that of NIfTI, i fastest and the last axis slowest, whatever the array's own memory order. A block stays in
the processor's cache while it is turned, hashed and compressed.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from curate.files import replacing
from curate.geometry import Box, Geometry

_BLOCK_BYTES = 1 << 20
_LEVEL = 2
"""Of ISA-L; its level 3 takes a third longer and saves a hundredth."""
_GZIP = 31
"""What zlib calls window bits, for a gzip stream."""
_WORD = np.dtype(np.uint64)
_NIFTI_HEADER_BYTES = 352
"""348, and four that say that no extension follows."""


def blocks(voxels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the voxels of an (i, j, k) array as contiguous (k, j, i) pieces; of colours, channel after channel."""
    for channel in np.moveaxis(voxels, 3, 0) if voxels.ndim == 4 else (voxels,):
        for low, high in _slabs(channel.shape, channel.itemsize):
            yield _contiguous(channel[:, :, low:high].T)


def _contiguous(block: NDArray[Any]) -> NDArray[Any]:
    """Return a (k, j, i) block in C order."""
    if block.strides[2] == -1 and block.shape[2] % _WORD.itemsize == 0:
        # labels whose i runs the other way, as in LPS: eight at a time, which takes less than half as long
        words = block[:, :, ::-1].view(_WORD)[:, :, ::-1]
        return words.astype(_WORD.newbyteorder()).view(block.dtype)
    return np.ascontiguousarray(block)


def mask_blocks(shape_ijk: tuple[int, int, int], box: Box, inside: NDArray[np.bool_]) -> Iterator[NDArray[np.uint8]]:
    """Yield the `blocks`, of 0 and 1, of a mask that is known inside a box; the full grid is never made.

    A piece may be the same array as one before it: use each before the next is asked for.
    """
    empty, drawn = np.zeros((0, 0, 0), dtype=np.uint8), inside.view(np.uint8).T
    for low, high in _slabs(shape_ijk, 1):
        shape = (high - low, shape_ijk[1], shape_ijk[0])
        first, last = max(low, box[2]), min(high, box[5])
        if first < last:
            block = np.zeros(shape, dtype=np.uint8)
            block[first - low : last - low, box[1] : box[4], box[0] : box[3]] = drawn[first - box[2] : last - box[2]]
            yield block
            continue
        if empty.shape != shape:
            empty = np.zeros(shape, dtype=np.uint8)
        yield empty


def _slabs(shape: tuple[int, ...], itemsize: int) -> Iterator[tuple[int, int]]:
    """Yield first and last k of the pieces."""
    step = max(1, _BLOCK_BYTES // (shape[0] * shape[1] * itemsize or 1))
    for low in range(0, shape[2], step):
        yield low, min(low + step, shape[2])


class VoxelDigest:
    """The hash of `Volume.voxel_sha256`, fed block by block."""

    def __init__(self, voxels: NDArray[Any]) -> None:
        """Take the array whose `blocks` follow."""
        self._dtype = "<i2" if _are_int16(voxels) else "<f4"
        self._digest = hashlib.sha256(f"{voxels.shape} {self._dtype}".encode())

    def update(self, block: NDArray[Any]) -> None:
        """Take the next block."""
        values = block.astype(self._dtype, copy=False)
        self._digest.update((values if self._dtype == "<i2" else values + np.float32(0)).data)  # -0.0 becomes 0.0

    def hexdigest(self) -> str:
        """Return the hash of all blocks."""
        return self._digest.hexdigest()


def write_nifti(voxels: NDArray[Any], geometry: Geometry, path: Path, voxel_digest: VoxelDigest | None = None) -> str:
    """Write a NIfTI-1 file, gzipped, atomically; feed its blocks to a digest, if there is one; return its SHA-256."""
    dtype = nifti_dtype(voxels)

    def stored() -> Iterator[NDArray[Any]]:
        for block in blocks(voxels):
            if voxel_digest is not None:
                voxel_digest.update(block)
            same = block.view(np.uint8) if block.dtype == np.bool_ else block
            yield same.astype(dtype, copy=False)

    return write_nifti_blocks(stored(), voxels.shape, dtype, geometry, path)


def write_nifti_blocks(
    content: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any], geometry: Geometry, path: Path
) -> str:
    """Write a NIfTI-1 file, gzipped, atomically, of `blocks` of one dtype; return its SHA-256."""
    digest, packer = hashlib.sha256(), isal_zlib.compressobj(_LEVEL, wbits=_GZIP)
    with replacing(path) as temporary, temporary.open("wb") as stream:

        def put(packed: bytes) -> None:
            digest.update(packed)
            stream.write(packed)

        put(packer.compress(_nifti_header(shape, dtype, geometry.affine.tobytes(), geometry.unit)))
        for block in content:
            put(packer.compress(block.data))
        put(packer.flush())
    return digest.hexdigest()


@lru_cache(maxsize=4)  # the masks of an image, written one by one, share it
def _nifti_header(shape: tuple[int, ...], dtype: np.dtype[Any], affine_bytes: bytes, unit: str) -> bytes:
    import nibabel

    affine = np.frombuffer(affine_bytes).reshape(4, 4)
    image = nibabel.Nifti1Image(np.broadcast_to(np.zeros((), dtype), shape), affine)
    image.header.set_xyzt_units("mm" if unit == "mm" else "unknown")
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1, strip_shears=True)
    image.header.set_data_offset(_NIFTI_HEADER_BYTES)
    image.header.set_slope_inter(1, 0)
    header: bytes = image.header.binaryblock
    return header.ljust(_NIFTI_HEADER_BYTES, b"\0")


def nifti_dtype(voxels: NDArray[Any]) -> np.dtype[Any]:
    """Return the dtype in which every NIfTI reader takes the voxels: float64 becomes float32.

    64-bit integers become int32, or float32 where they do not fit.
    """
    if voxels.dtype == np.bool_:
        return np.dtype(np.uint8)
    if voxels.dtype.kind == "f":
        return np.dtype(np.float32)
    if voxels.dtype.itemsize == 8:
        fits = voxels.size == 0 or (voxels.min() >= -(2**31) and voxels.max() < 2**31)
        return np.dtype(np.int32 if fits else np.float32)
    return voxels.dtype.newbyteorder("=")


def _are_int16(voxels: NDArray[Any]) -> bool:
    """Tell whether every value is a whole number of 16 bits; the first block that is not ends the search."""
    if np.can_cast(voxels.dtype, np.int16):
        return True
    with np.errstate(invalid="ignore"):
        return all(bool((block == block.astype(np.int16)).all()) for block in blocks(voxels))
