"""What a recipe's image entry points at: a file, read by its reader, or a folder that holds a DICOM series."""

import hashlib
from pathlib import Path

from curate import readers
from curate.dicom import image as dicom
from curate.dicom.series import Series, choose, find_series
from curate.files import sha256_of_file
from curate.readers.header import Header
from curate.recipe import ImageFiles, SeriesChoice
from curate.volume import Volume, decoding


def header(path: Path, entry: ImageFiles) -> Header:
    """Read shape, geometry and dtype of an image.

    Raises:
        ReadError: With the code of the first thing that is wrong; `ambiguous_file` where several series fit.
    """
    if not entry.is_folder:
        return readers.header(path)
    with decoding(path, path.name):
        return dicom.header(_series(path, entry))


def read(path: Path, entry: ImageFiles) -> Volume:
    """Read an image in the source's own orientation.

    Raises:
        ReadError: With the code of the first thing that is wrong.
    """
    if not entry.is_folder:
        return readers.read(path)
    with decoding(path, path.name):
        return dicom.read(_series(path, entry))


def sha256(path: Path, entry: ImageFiles) -> str:
    """Return the SHA-256 of a file, or of the sorted digests of a series' files."""
    if not entry.is_folder:
        return sha256_of_file(path)
    digests = sorted(sha256_of_file(file) for file in _series(path, entry).files)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def _series(folder: Path, entry: ImageFiles) -> Series:
    wish = entry.series or SeriesChoice()
    return choose(find_series(folder), wish.uid, wish.description, wish.modality)
