"""NumPy's files: one array (NPY), or a ZIP archive of named ones (NPZ). They state no geometry."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np

from curate.errors import ReadError
from curate.readers.header import Header
from curate.readers.npy_stream import Layout, read_array, read_layout
from curate.readers.part import WHOLE, Part, choose_array
from curate.volume import Volume, decoding, on_grid

_SUFFIX = ".npy"
_MOST_ARRAYS = 10_000


class NpyReader:
    """Reads `.npy`: axis 0 is i, axis 1 is j, axis 2 is k, a fourth one counts volumes; in pixels."""

    suffixes = (_SUFFIX,)
    named_arrays = False

    def header(self, path: Path, part: Part = WHOLE) -> Header:  # noqa: ARG002, every part has the same header
        """Read shape and dtype.

        Raises:
            ReadError: `unreadable` for anything that is no NPY file, and for pickled objects, which are never loaded;
                `not_a_volume` for what are no real numbers.
        """
        with decoding(path, path.name), path.open("rb") as stream:
            return _header(read_layout(stream), path)

    def read(self, path: Path, part: Part = WHOLE) -> Volume:
        """Read the array, or one volume of it.

        Raises:
            ReadError: `unreadable` for truncated data.
        """
        with decoding(path, path.name), path.open("rb") as stream:
            layout = read_layout(stream)
            stream.seek(0)
            return on_grid(read_array(stream, layout, part.volume_index or 0), np.eye(4), "pixel")


class NpzReader:
    """Reads `.npz`: as `.npy`, from the array that is named, or from the only one that can be an image."""

    suffixes = (".npz",)
    named_arrays = True

    def header(self, path: Path, part: Part = WHOLE) -> Header:
        """Read shape and dtype, inflating a few bytes of each array that could be meant.

        Raises:
            ReadError: As `NpyReader.header`; `ambiguous_file` where several arrays could be meant.
        """
        with decoding(path, path.name), ZipFile(path) as archive:
            return _header(_layout(archive, _chosen(archive, part, path)), path)

    def read(self, path: Path, part: Part = WHOLE) -> Volume:
        """Read the array, or one volume of it.

        Raises:
            ReadError: `unreadable` for truncated data.
        """
        with decoding(path, path.name), ZipFile(path) as archive:
            name = _chosen(archive, part, path)
            layout = _layout(archive, name)
            with _member(archive, name) as stream:
                return on_grid(read_array(stream, layout, part.volume_index or 0), np.eye(4), "pixel")


def _header(layout: Layout, path: Path) -> Header:
    if layout.dtype.hasobject:
        raise ReadError("unreadable", f"{path.name}: pickled Python objects, which are never loaded; expected numbers")
    if layout.dtype.kind not in "iufb":
        raise ReadError("not_a_volume", f"{path.name}: voxels are {layout.dtype}, expected one real number each")
    return Header(layout.shape, np.eye(4), layout.dtype.itemsize, unit="pixel")


def _chosen(archive: ZipFile, part: Part, path: Path) -> str:
    """Return the name of the array that is meant; what lies in other folders of the archive is an array like any."""
    names = [name.removesuffix(_SUFFIX) for name in archive.namelist() if name.endswith(_SUFFIX)]
    if len(names) > _MOST_ARRAYS:
        raise ReadError("too_large", f"{path.name}: {len(names)} arrays, at most {_MOST_ARRAYS} are looked through")
    if part.array is not None or len(names) == 1:
        return choose_array(dict.fromkeys(names, True), part, path)
    return choose_array({name: _layout(archive, name).is_image for name in names}, part, path)


def _layout(archive: ZipFile, name: str) -> Layout:
    with _member(archive, name) as stream:
        return read_layout(stream)


@contextmanager
def _member(archive: ZipFile, name: str) -> Iterator[IO[bytes]]:
    """Open an array of an archive, packed as NumPy packs; the decoders of other ways take memory at will."""
    info = archive.getinfo(name + _SUFFIX)
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ValueError(f"array packed by method {info.compress_type}, expected stored or deflated")
    with archive.open(info) as stream:
        yield stream
