"""Files of every format that a reader knows: sound ones, series of volumes, and headers that claim too much."""

import gzip
import io
import struct
import zipfile
import zlib

import h5py
import nibabel
import numpy as np
import SimpleITK as sitk
from PIL import Image

SHAPE = (9, 8, 7)
FAMILIES = {
    "nifti": (".nii", ".nii.gz"),
    "analyze": (".img", ".img.gz"),
    "freesurfer": (".mgh", ".mgz"),
    "itk": (".nrrd", ".nhdr", ".mha", ".mhd"),
    "seg-nrrd": (".seg.nrrd", ".seg.nhdr"),
    "raster": (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif"),
    "npy": (".npy",),
    "npz": (".npz",),
    "hdf5": (".h5", ".hdf5"),
}
FAMILY_OF = {suffix: family for family, suffixes in FAMILIES.items() for suffix in suffixes}
SUFFIXES = list(FAMILY_OF)
SERIES = [suffix for suffix in SUFFIXES if FAMILY_OF[suffix] != "raster"]
DETACHED = {".nhdr": ".raw", ".mhd": ".raw", ".seg.nhdr": ".seg.raw"}
"""A header whose voxels lie in a file beside it."""
HEADED = {".img": ".hdr", ".img.gz": ".hdr.gz"}
"""Voxels whose header lies in a file beside them."""
NRRD = (".nrrd", ".nhdr", ".seg.nrrd", ".seg.nhdr")
OBLIQUE = np.array([[-0.7, 0.1, 0, 40], [0.1, 0.68, 0.3, -30], [0, -0.05, 4.9, 12], [0, 0, 0, 1]])
ORTHOGONAL = np.diag([-0.7, 0.8, 5, 1])
SIDE = 30_000


def suffix_of(path):
    """Return the suffix by which a reader is chosen."""
    return max((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), key=len)


def beside(path):
    """Return the file that belongs to a header or to headless voxels, or None."""
    suffix = suffix_of(path)
    other = (DETACHED | HEADED).get(suffix)
    return None if other is None else path.with_name(path.name.removesuffix(suffix) + other)


def data_file(path):
    """Return the file that holds the voxels."""
    return beside(path) if suffix_of(path) in DETACHED else path


def header_file(path):
    """Return the file that holds the header."""
    return beside(path) if suffix_of(path) in HEADED else path


def noise(seed=8):
    """Return voxels without order, from 1 to 249."""
    return np.random.default_rng(seed).integers(1, 250, SHAPE)


def write_sound(path):
    """Write a sound file of noise, (i, j, k), in the format of the suffix; pictures show its first slice."""
    if FAMILY_OF[suffix_of(path)] == "raster":
        Image.fromarray(noise()[:, :, 0].astype(np.uint8)).resize((60, 50)).save(path)
    else:
        write_array(path, noise())
    return path


def write_series(path):
    """Write three volumes of noise, (i, j, k, volume), and return them."""
    volumes = [noise(seed) for seed in range(3)]
    write_array(path, np.stack(volumes, axis=3))
    return volumes


def write_array(path, voxels):
    """Write voxels in a format that is no picture's, with a geometry where the format knows space."""
    family = FAMILY_OF[suffix_of(path)]
    if family == "nifti":
        nibabel.save(nibabel.Nifti1Image(voxels.astype(np.int16), OBLIQUE), path)
    elif family == "analyze":
        nibabel.AnalyzeImage(voxels.astype(np.int16), ORTHOGONAL).to_filename(path)
    elif family == "freesurfer":
        nibabel.save(nibabel.freesurfer.MGHImage(voxels.astype(np.int16), OBLIQUE), path)
    elif family in ("itk", "seg-nrrd"):
        _write_itk(path, voxels.astype(np.uint8 if family == "seg-nrrd" else np.int16))
    elif family == "hdf5":
        with h5py.File(path, "w") as file:
            file.create_dataset("scans/t1", data=voxels.astype(np.int16), compression="gzip")
    else:
        {"npy": np.save, "npz": np.savez_compressed}[family](path, voxels.astype(np.int16))


def _write_itk(path, voxels):
    image = sitk.GetImageFromArray(voxels.T) if voxels.ndim == 3 else sitk.GetImageFromArray(voxels.T, isVector=False)
    image.SetSpacing((0.7, 0.8, 5, 1)[: voxels.ndim])
    image.SetOrigin((1, 2, 3, 0)[: voxels.ndim])
    turned = np.eye(voxels.ndim)
    turned[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    image.SetDirection(turned.ravel())
    sitk.WriteImage(image, str(path))


def write_huge(path):
    """Write a file of a few bytes whose header claims more than memory holds."""
    suffix, family = suffix_of(path), FAMILY_OF[suffix_of(path)]
    write_sound(path)
    if suffix in (".seg.nhdr", ".nhdr", ".mhd", ".nrrd", ".mha", ".seg.nrrd"):
        content = path.read_bytes()
        for key in (b"sizes: ", b"DimSize = "):
            content = content.replace(key + b"9 8 7", key + b"%d %d %d" % ((SIDE,) * 3))
        path.write_bytes(content)
    elif family in ("nifti", "analyze"):
        _patch(header_file(path), 42, struct.pack("<3h", *(SIDE,) * 3))
    elif family == "freesurfer":
        _patch(path, 4, struct.pack(">3i", *(SIDE,) * 3))
    elif family == "hdf5":
        with h5py.File(path, "w") as file:
            file.create_dataset("scans/t1", (SIDE,) * 3, dtype="i2", chunks=(8, 8, 8))
    elif family == "npy":
        path.write_bytes(npy_header((SIDE,) * 3))
    elif family == "npz":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("arr_0.npy", npy_header((SIDE,) * 3) + bytes(1 << 20))
    else:
        path.write_bytes(_HUGE_PICTURES[suffix](path.read_bytes()))
    return path


def npy_header(shape, descr="<i2", *, fortran=False):
    """Return the header of an NPY file that has nothing behind it."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": fortran, "shape": shape})
    return stream.getvalue()


def png_bomb(side):
    """Return a PNG of a few bytes that claims `side` x `side` pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _patch(path, offset, new):
    """Overwrite bytes of a file that may be packed."""
    content = path.read_bytes()
    packed = content.startswith(b"\x1f\x8b")
    content = bytearray(gzip.decompress(content) if packed else content)
    content[offset : offset + len(new)] = new
    path.write_bytes(gzip.compress(bytes(content)) if packed else bytes(content))


def _huge_jpeg(content):
    place = content.index(b"\xff\xc0") + 5
    return content[:place] + struct.pack(">2H", 60_000, 60_000) + content[place + 4 :]


def _huge_gif(content):
    return content[:6] + struct.pack("<2H", 60_000, 60_000) + content[10:]


def _huge_bmp(content):
    return content[:18] + struct.pack("<2i", 60_000, 60_000) + content[26:]


def _huge_tiff(content):
    """Change width and length, tags 256 and 257; each entry has tag, type, count and value in 12 bytes."""
    content = bytearray(content)
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", content, place)[0] in (256, 257):
            struct.pack_into("<HII", content, place + 2, 4, 1, 60_000)
    return bytes(content)


_HUGE_PICTURES = {
    ".png": lambda _: png_bomb(60_000),
    ".jpg": _huge_jpeg,
    ".jpeg": _huge_jpeg,
    ".gif": _huge_gif,
    ".bmp": _huge_bmp,
    ".tif": _huge_tiff,
    ".tiff": _huge_tiff,
}
