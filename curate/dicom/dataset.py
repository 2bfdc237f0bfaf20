"""Open DICOM files quietly, and turn what pydicom raises into `ReadError`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from curate.errors import ReadError
from curate.volume import decoding

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID

_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00")
"""How a file without preamble begins: file meta information, or the identifying group, little endian."""


@contextmanager
def reading(path: Path, shown: str | None = None) -> Iterator[None]:
    """Read DICOM inside the block; pydicom's warnings, which quote header text, are kept from the terminal.

    Raises:
        ReadError: `unreadable` for whatever pydicom raises; one that was raised inside passes unchanged.
    """
    with decoding(path, shown or path.name), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def is_dicom(path: Path) -> bool:
    """Tell whether a file begins like DICOM (PS3.10, 7.1), with or without the preamble that old writers left out."""
    with path.open("rb") as stream:
        start = stream.read(_PREAMBLE_BYTES + len(_MAGIC))
    return start[_PREAMBLE_BYTES:] == _MAGIC or start[:2] in _FIRST_GROUPS


def open_dataset(path: Path, *, pixels: bool = False, tags: Sequence[str] | None = None) -> Dataset:
    """Read one file; elements are decoded when they are asked for, so use them inside `reading`.

    Args:
        path: Any name, with or without suffix.
        pixels: Whether to read the pixel data too.
        tags: Keywords of the elements to read, for speed; all of them where None.

    Raises:
        ReadError: `unreadable` when it is no DICOM file.
    """
    import pydicom

    if not is_dicom(path):
        raise ReadError("unreadable", f"{path.name}: not a DICOM file")
    wanted = None if tags is None else list(tags)
    dataset = pydicom.dcmread(path, force=True, stop_before_pixels=not pixels, specific_tags=wanted)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = _syntax_of(implicit=implicit is not False, little=little is not False)
    return dataset


def functional_group(dataset: Dataset, frame: Dataset, name: str) -> Dataset | None:
    """Return a functional group (PS3.3, C.7.6.16) of one frame: its own, else the one that all frames share."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or ()
    for holder in (frame, *shared):
        items = holder.get(name)
        if items:
            found: Dataset = items[0]
            return found
    return None


def _syntax_of(*, implicit: bool, little: bool) -> UID:
    from pydicom import uid

    if implicit:
        return uid.ImplicitVRLittleEndian
    return uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
