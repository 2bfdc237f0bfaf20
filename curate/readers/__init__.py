"""Readers of source files: one per family of formats, chosen by suffix.

A reader has `suffixes`, `header(path) -> Header` without touching voxels, and `read(path) -> Volume`. Both raise
`ReadError` with a rejection code for anything wrong with the file; any other error counts as `unreadable`. Third
parties add readers through the entry-point group `medseen.readers`.
"""

from functools import cache
from pathlib import Path
from typing import Protocol

from curate.errors import ReadError, UsageError
from curate.plugins import Registry
from curate.readers.header import Header, check
from curate.volume import Volume, decoding

REGISTRY = Registry(
    kind="reader",
    group="medseen.readers",
    builtin={
        "nifti": "curate.readers.nifti:NiftiReader",
        "itk": "curate.readers.itk:ItkReader",
        "raster": "curate.readers.raster:RasterReader",
    },
)


class Reader(Protocol):
    """What every reader does."""

    suffixes: tuple[str, ...]
    """Lower-case endings of the file names that it reads, such as `.nii.gz`."""

    def header(self, path: Path) -> Header:
        """Read shape, geometry and dtype without reading voxels.

        Raises:
            ReadError: When the header cannot be read.
        """

    def read(self, path: Path) -> Volume:
        """Read the voxels, in the source's own orientation, scaled as the header says.

        Raises:
            ReadError: When the file cannot be read whole.
        """


def header(path: Path) -> Header:
    """Read and check a file's header.

    Raises:
        ReadError: With the code of the first thing that is wrong.
    """
    reader = _reader(path)
    with decoding(path, path.name):
        found = reader.header(path)
    check(found, path)
    return found


def read(path: Path) -> Volume:
    """Check a file's header, then read its voxels.

    Raises:
        ReadError: With the code of the first thing that is wrong.
    """
    header(path)
    reader = _reader(path)
    with decoding(path, path.name):
        return reader.read(path)


def _reader(path: Path) -> Reader:
    name = path.name.lower()
    for suffix, reader in sorted(_by_suffix().items(), key=lambda item: -len(item[0])):
        if name.endswith(suffix):
            return reader
    known = ", ".join(sorted(_by_suffix()))
    raise ReadError("unreadable", f"{path.name}: no reader for this suffix; readers know {known}")


@cache
def _by_suffix() -> dict[str, Reader]:
    owners: dict[str, str] = {}
    readers: dict[str, Reader] = {}
    for name in REGISTRY.names():
        reader: Reader = REGISTRY.load(name)()
        for suffix in reader.suffixes:
            if suffix in owners:
                raise UsageError(f"suffix `{suffix}` is claimed by readers {owners[suffix]} and {name}; uninstall one")
            owners[suffix], readers[suffix] = name, reader
    return readers
