"""An array and where it lies, and the only place that knows how imaging libraries order axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import igzip
from numpy.typing import NDArray

from curate import png
from curate.errors import ReadError
from curate.files import write_bytes
from curate.geometry import Geometry, Unit
from curate.labelmap import BoxMask
from curate.voxel_blocks import VoxelDigest, blocks, mask_blocks, write_nifti, write_nifti_blocks

if TYPE_CHECKING:
    import SimpleITK

_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_READ_BYTES = 1 << 20
"""Inflated at a time: what stays in the processor's cache."""
_MM_PER_NIFTI_UNIT = {1: 1000.0, 3: 0.001}
"""By the low three bits of `xyzt_units` (nifti1.h): metre, micrometre."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels on a grid."""

    voxels: NDArray[Any]
    """(i, j, k), or (i, j, k, channel) for colour; any real dtype."""
    geometry: Geometry

    def __post_init__(self) -> None:
        """Refuse voxels that do not fill their grid."""
        if self.voxels.shape[:3] != self.geometry.shape_ijk or self.voxels.ndim not in (3, 4):
            raise ValueError(f"voxels {self.voxels.shape} do not fill the grid {self.geometry.shape_ijk}")

    @property
    def is_colour(self) -> bool:
        """True when there is a channel axis."""
        return self.voxels.ndim == 4

    def grey(self) -> NDArray[Any]:
        """Return (i, j, k) intensities; colour becomes its luma (ITU-R BT.601), as float32."""
        if not self.is_colour:
            return self.voxels
        weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
        return np.asarray(self.voxels[..., :3].astype(np.float32) @ weights)

    def canonical(self) -> Volume:
        """Return the same scan on `Geometry.canonical`, as a view; voxels keep their places in the world.

        Sources without geometry (`unit = pixel`) have no anatomical orientation and are left as they are.
        """
        if self.geometry.unit == "pixel":
            return self
        order, flips = self.geometry.canonical_transform()
        channel = (3,) if self.is_colour else ()
        turned = np.transpose(self.voxels, (*order, *channel))  # source axes -> (R, A, S[, channel])
        turned = np.flip(turned, tuple(axis for axis, flip in enumerate(flips) if flip))
        return Volume(turned, self.geometry.canonical())

    def voxel_sha256(self) -> str:
        """Hash shape and values, blind to header, dtype, memory order, file name and compression.

        Values that all are 16-bit integers are hashed as such, all others as float32; i counts fastest, as in NIfTI.
        """
        digest = VoxelDigest(self.voxels)
        for block in blocks(self.voxels):
            digest.update(block)
        return digest.hexdigest()

    def __str__(self) -> str:
        """Say grid and dtype in one line."""
        return f"{self.geometry} {self.voxels.dtype}{' colour' if self.is_colour else ''}"


def to_simpleitk(volume: Volume) -> SimpleITK.Image:
    """Turn a grey volume into a SimpleITK image (x, y, z; LPS millimetres)."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.voxels.T))  # (i, j, k) -> (z, y, x)
    lps = _LPS_FROM_RAS @ volume.geometry.affine
    spacing = np.array(volume.geometry.spacing)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    return image


def affine_from_simpleitk(spacing: tuple[float, ...], origin: tuple[float, ...], direction: tuple[float, ...]) -> Any:
    """Build the (4, 4) RAS+ affine from SimpleITK's spacing, origin and direction of a 2D or 3D image."""
    n = len(spacing)
    lps = np.eye(4)
    lps[:n, :n] = np.array(direction).reshape(n, n) * np.array(spacing)
    lps[:n, 3] = origin
    return _LPS_FROM_RAS @ lps


def from_simpleitk(image: SimpleITK.Image) -> Volume:
    """Turn a SimpleITK scalar image of two or three dimensions into a volume."""
    import SimpleITK as sitk

    voxels = sitk.GetArrayFromImage(image).T  # (z, y, x) -> (i, j, k)
    if voxels.ndim == 2:
        voxels = voxels[:, :, np.newaxis]
    affine = affine_from_simpleitk(image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    return Volume(voxels, Geometry(voxels.shape, affine))


def write(volume: Volume, path: Path) -> str:
    """Write a volume atomically in the format of its suffix and return the SHA-256 of the file.

    `.nii.gz` for grids in millimetres, `.png` for 8 or 16-bit 2D images without spacing. Same volume, same bytes.
    """
    if path.name.endswith(".png"):
        plane = np.swapaxes(volume.voxels[:, :, 0], 0, 1)  # (column, row[, channel]) -> (row, column[, channel])
        return write_bytes(path, png.encode(plane))
    return write_nifti(volume.voxels, volume.geometry, path)


def write_mask(mask: BoxMask, geometry: Geometry, path: Path) -> str:
    """Write a mask as `write` does the volume of its full grid, which is never made; return the SHA-256 of the file."""
    content = mask_blocks(mask.shape_ijk, mask.box, mask.voxels)
    return write_nifti_blocks(content, mask.shape_ijk, np.dtype(np.uint8), geometry, path)


def write_image(volume: Volume, path: Path) -> tuple[str, str]:
    """Write as `write` does; return the SHA-256 of the file and `Volume.voxel_sha256`, both in one pass."""
    if path.name.endswith(".png"):
        return write(volume, path), volume.voxel_sha256()
    digest = VoxelDigest(volume.voxels)
    return write_nifti(volume.voxels, volume.geometry, path, digest), digest.hexdigest()


def read(path: Path) -> Volume:
    """Read a volume that `write` wrote (the readers of source data, with their checks, are in `curate.readers`).

    Raises:
        ReadError: When the file is missing or damaged; the message names it.
    """
    with decoding(path, str(path)):
        return read_raster(path) if path.suffix == ".png" else read_nifti(path)


@contextmanager
def decoding(path: Path, shown: str) -> Iterator[None]:
    """Turn whatever a decoder raises inside the block into a `ReadError` that begins with `shown`.

    Raises:
        ReadError: `unreadable`, or `too_large` where memory ran out; one that was raised inside passes unchanged.
    """
    try:
        with np.errstate(all="ignore"):
            yield
    except ReadError:
        raise
    except Exception as error:  # damaged bytes make the decoders raise anything
        reason = " ".join(str(error).replace(f"{path.parent}/", "").split())[:200] or type(error).__name__
        code = "too_large" if isinstance(error, MemoryError) else "unreadable"
        raise ReadError(code, f"{shown}: cannot be read ({reason})") from error


def nifti_affine(image: Any) -> NDArray[np.float64]:
    """Return the (4, 4) affine of a nibabel NIfTI image in RAS+ mm; nibabel keeps metres and micrometres."""
    affine = np.array(image.affine, dtype=np.float64)
    affine[:3] *= _MM_PER_NIFTI_UNIT.get(int(image.header["xyzt_units"]) % 8, 1.0)
    return affine


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI file that `write` wrote; one that states no unit is a picture that PNG cannot hold."""
    import nibabel

    image = nibabel.load(path)
    unit: Unit = "mm" if image.header.get_xyzt_units()[0] == "mm" else "pixel"
    return on_grid(nibabel_voxels(image, path), image.affine, unit)


def nibabel_voxels(image: Any, path: Path) -> NDArray[Any]:
    """Return all voxels of a nibabel image that is one file, scaled as its header says."""
    from nibabel.volumeutils import apply_read_scaling

    if not path.name.lower().endswith("gz"):
        return np.asanyarray(image.dataobj)
    stored = np.empty(image.shape, dtype=image.get_data_dtype(), order="F")
    left = stored.T.reshape(-1).view(np.uint8).data
    with igzip.open(path) as stream:  # type: ignore[no-untyped-call]  # ISA-L inflates in half the time of zlib
        stream.seek(image.dataobj.offset)
        while left:
            count = stream.readinto(left[:_READ_BYTES])
            if not count:
                raise EOFError(f"Expected {stored.nbytes} bytes, got {stored.nbytes - left.nbytes} bytes")
            left = left[count:]
        while stream.read(_READ_BYTES):  # to the end, where the checksum is compared
            pass
    scaled: NDArray[Any] = apply_read_scaling(stored, image.dataobj.slope, image.dataobj.inter)
    return scaled


def read_raster(path: Path) -> Volume:
    """Read a PNG picture of grey levels or colours as (column, row, 1[, channel]) on a pixel grid."""
    from PIL import Image

    with Image.open(path, formats=("PNG",)) as picture:
        return from_planes([np.asarray(picture)])


def from_planes(planes: Sequence[NDArray[Any]]) -> Volume:
    """Put pictures of one size, (row, column[, channel]) each, behind each other on a pixel grid."""
    stack = np.stack(planes, axis=2)  # (row, column, plane[, channel])
    return on_grid(np.swapaxes(stack, 0, 1), np.eye(4), "pixel")


def on_grid(voxels: NDArray[Any], affine: NDArray[np.float64], unit: Unit = "mm") -> Volume:
    """Give an array its place: missing axes are added, trailing ones of length one dropped, bytes put in native order.

    Truth values become 0 and 1; a fourth axis that stays is that of the channels.
    """
    shape = (*voxels.shape, 1, 1, 1)[: max(3, voxels.ndim)]
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    dtype = np.dtype(np.uint8) if voxels.dtype == np.bool_ else voxels.dtype.newbyteorder("=")
    placed = voxels.reshape(shape).astype(dtype, copy=False)
    return Volume(placed, Geometry(placed.shape[:3], affine, unit))
