"""An array and where it lies, and the only place that knows how imaging libraries order axes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import igzip
from numpy.typing import NDArray

from curate.errors import ReadError
from curate.files import write_bytes
from curate.geometry import Geometry

if TYPE_CHECKING:
    import SimpleITK

RASTER_FORMATS = ("PNG", "JPEG", "TIFF")
"""What pictures may be, by content; Pillow would also run PostScript that is called .png."""

_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MM_PER_NIFTI_UNIT = {1: 1000.0, 3: 0.001}
"""By the low three bits of `xyzt_units` (nifti1.h): metre, micrometre."""
_OTHER_COLOUR_MODES = {"CMYK", "YCbCr", "LAB", "HSV", "RGBX", "RGBa"}
"""Pillow modes whose channels are not red, green, blue[, alpha]."""


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
        """Return the same scan on `Geometry.canonical`; voxels keep their places in the world.

        Sources without geometry (`unit = pixel`) have no anatomical orientation and are left as they are.
        """
        if self.geometry.unit == "pixel":
            return self
        order, flips = self.geometry.canonical_transform()
        channel = (3,) if self.is_colour else ()
        turned = np.transpose(self.voxels, (*order, *channel))  # source axes -> (R, A, S[, channel])
        turned = np.flip(turned, tuple(axis for axis, flip in enumerate(flips) if flip))
        return Volume(np.ascontiguousarray(turned), self.geometry.canonical())

    def voxel_sha256(self) -> str:
        """Hash shape and values (as float32), blind to header, dtype, file name and compression."""
        digest = hashlib.sha256(str(self.voxels.shape).encode())
        values = np.ascontiguousarray(self.voxels, dtype="<f4") + np.float32(0)  # -0.0 becomes 0.0
        digest.update(values.data)
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
        return write_bytes(path, _png_bytes(volume))
    return write_bytes(path, igzip.compress(_nifti_bytes(volume), compresslevel=2, mtime=0))


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
    """Read a NIfTI file of up to three dimensions, scaled as its header says, with its stored dtype where unscaled."""
    import nibabel

    image = nibabel.load(path)
    if path.name.lower().endswith(".gz"):
        with igzip.open(path) as stream:  # type: ignore[no-untyped-call]  # ISA-L inflates in half the time of zlib
            voxels = np.asanyarray(type(image).from_stream(stream).dataobj)
    else:
        voxels = np.asanyarray(image.dataobj)
    shape = (*voxels.shape, 1, 1, 1)[: max(3, voxels.ndim)]
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    voxels = voxels.reshape(shape, order="F")
    return Volume(voxels.astype(voxels.dtype.newbyteorder("="), copy=False), Geometry(shape, nifti_affine(image)))


def read_raster(path: Path) -> Volume:
    """Read a PNG, JPG or TIFF picture as (column, row, 1[, channel]) on a pixel grid.

    A palette picture gives its indices, which are the labels of a label map.
    """
    from PIL import Image

    with Image.open(path, formats=RASTER_FORMATS) as picture:
        plane = np.asarray(picture.convert("RGB") if picture.mode in _OTHER_COLOUR_MODES else picture)
    plane = plane.astype(np.uint8 if plane.dtype == np.bool_ else plane.dtype.newbyteorder("="), copy=False)
    if plane.ndim == 3 and plane.shape[2] == 1:
        plane = plane[:, :, 0]
    voxels = np.swapaxes(plane, 0, 1)[:, :, np.newaxis]  # (row, column[, channel]) -> (column, row, 1[, channel])
    return Volume(voxels, Geometry(voxels.shape[:3], np.eye(4), unit="pixel"))


def _nifti_bytes(volume: Volume) -> bytes:
    import nibabel

    image = nibabel.Nifti1Image(nifti_dtype(volume.voxels), volume.geometry.affine)
    image.header.set_xyzt_units("mm" if volume.geometry.unit == "mm" else "unknown")
    image.set_sform(volume.geometry.affine, code=1)
    image.set_qform(volume.geometry.affine, code=1, strip_shears=True)
    content: bytes = image.to_bytes()
    return content


def nifti_dtype(voxels: NDArray[Any]) -> NDArray[Any]:
    """Return the voxels in a dtype that every NIfTI reader takes: float64 becomes float32.

    64-bit integers become int32, or float32 where they do not fit.
    """
    if voxels.dtype == np.bool_:
        return voxels.astype(np.uint8)
    if voxels.dtype.kind == "f":
        return voxels.astype(np.float32, copy=False)
    if voxels.dtype.itemsize == 8:
        fits = voxels.size == 0 or (voxels.min() >= -(2**31) and voxels.max() < 2**31)
        return voxels.astype(np.int32 if fits else np.float32)
    return voxels


def _png_bytes(volume: Volume) -> bytes:
    from PIL import Image

    plane = np.swapaxes(volume.voxels[:, :, 0], 0, 1)  # (column, row[, channel]) -> (row, column[, channel])
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()
