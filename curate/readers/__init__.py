"""Readers of source files: one per family of formats, chosen by suffix.

A reader has `suffixes`, `named_arrays`, `header(path, part) -> Header` without touching voxels, and
`read(path, part) -> Volume`. Both raise `ReadError` with a rejection code for anything wrong with the file; any other
error counts as `unreadable`. Third parties add readers through the entry-point group `medseen.readers`.
"""

from functools import cache
from pathlib import Path
from typing import Protocol

from curate.errors import ReadError, UsageError
from curate.plugins import Registry
from curate.readers.header import Header, check
from curate.readers.part import WHOLE, Part, one_volume
from curate.volume import Volume, decoding

REGISTRY = Registry(
    kind="reader",
    group="medseen.readers",
    builtin={
        "nifti": "curate.readers.nifti:NiftiReader",
        "analyze": "curate.readers.analyze:AnalyzeReader",
        "freesurfer": "curate.readers.freesurfer:FreeSurferReader",
        "itk": "curate.readers.itk:ItkReader",
        "seg-nrrd": "curate.readers.seg_nrrd:SegNrrdReader",
        "raster": "curate.readers.raster:RasterReader",
        "npy": "curate.readers.npy:NpyReader",
        "npz": "curate.readers.npy:NpzReader",
        "hdf5": "curate.readers.hdf5:Hdf5Reader",
    },
)


class Reader(Protocol):
    """What every reader does."""

    suffixes: tuple[str, ...]
    """Lower-case endings of the file names that it reads, such as `.nii.gz`."""
    named_arrays: bool
    """Whether a file holds arrays with names; where not, a part with a name is refused before it is asked for."""

    def header(self, path: Path, part: Part) -> Header:
        """Read shape, geometry and dtype of an array without reading voxels.

        The shape has all axes of the array: that `part.volume_index` is one of its volumes is checked by the caller.

        Raises:
            ReadError: When the header cannot be read.
        """

    def read(self, path: Path, part: Part) -> Volume:
        """Read the voxels, in the source's own orientation, scaled as the header says.

        Asked only for a part whose header passed every check.

        Raises:
            ReadError: When the file cannot be read whole.
        """


def header(path: Path, part: Part = WHOLE) -> Header:
    """Read and check the header of a file, or of one volume in it.

    Raises:
        ReadError: With the code of the first thing that is wrong; `ambiguous_file` where a file holds several arrays
            and `part` names none, `not_a_volume` where it holds several volumes and `part` chooses none.
    """
    reader = _reader(path)
    if part.array is not None and not reader.named_arrays:
        raise ReadError("unreadable", f"{path.name}: files of this format hold no named arrays; leave `array` out")
    with decoding(path, path.name):
        found = reader.header(path, part)
    found = one_volume(found, part, path)
    check(found, path)
    return found


def read(path: Path, part: Part = WHOLE) -> Volume:
    """Check the header of a file, or of one volume in it, then read its voxels.

    Raises:
        ReadError: With the code of the first thing that is wrong.
    """
    header(path, part)
    reader = _reader(path)
    with decoding(path, path.name):
        return reader.read(path, part)


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
