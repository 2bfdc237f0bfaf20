"""What is in an archive: its members one after the other, read in bounded memory."""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

from curate.fetch.problem import FetchError

_LONGEST_READ_BYTES = 16 << 20
"""More than the headers of any sound tar file ask for at once."""
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_BY_HAND = {b"7z\xbc\xaf\x27\x1c": "7z x {} -o{}", b"Rar!\x1a\x07": "unrar x {} {}/"}
"""First bytes -> command, for archives that no library with a permissive licence reads."""
_COMPRESSED: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}

Kind = Literal["file", "folder", "other"]


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an archive."""

    name: str
    """As the archive has it: not to be trusted."""
    kind: Kind
    """other: links, devices, pipes."""
    size_bytes: int
    """As the archive states it."""
    open: Callable[[], IO[bytes]]
    """Open its content; for a tar file before the next member is asked for."""


def members(archive: Path) -> Iterator[Member]:
    """Yield the members of a zip or tar file, by its content and not by its name.

    Raises:
        FetchError: When it is another kind of file.
    """
    with archive.open("rb") as stream:
        start = stream.read(512)
    if start.startswith(_ZIP):
        yield from _of_zip(archive)
        return
    opened = next((opener for magic, opener in _COMPRESSED.items() if start.startswith(magic)), None)
    with opened(archive) if opened is not None else archive.open("rb") as content:
        yield from _of_tar(archive, cast("IO[bytes]", content))


def by_hand(archive: Path) -> str | None:
    """Return the command, with places for archive and folder, for archives that only other programs read; else None."""
    with archive.open("rb") as stream:
        start = stream.read(16)
    return next((say for magic, say in _BY_HAND.items() if start.startswith(magic)), None)


def _of_zip(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as content:
        for info in content.infolist():
            yield Member(info.filename, _zip_kind(info), info.file_size, lambda info=info: content.open(info))  # type: ignore[misc]


def _zip_kind(info: zipfile.ZipInfo) -> Kind:
    form = stat.S_IFMT(info.external_attr >> 16)  # zero where the archive was made on Windows
    if form not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "other"
    return "folder" if info.is_dir() or form == stat.S_IFDIR else "file"


def _of_tar(archive: Path, content: IO[bytes]) -> Iterator[Member]:
    try:
        tar = tarfile.open(fileobj=cast("Any", _Bounded(content)), mode="r:")  # noqa: SIM115, closed below
    except tarfile.ReadError as error:
        raise FetchError(f"{archive.name} is no archive that can be unpacked here (zip, tar, tar.gz)") from error
    with tar:
        while (info := tar.next()) is not None:
            cast("Any", tar).members.clear()  # it would keep every header otherwise
            kind: Kind = "file" if info.isreg() else "folder" if info.isdir() else "other"
            yield Member(info.name, kind, info.size, lambda info=info: cast("IO[bytes]", tar.extractfile(info)))  # type: ignore[misc]


class _Bounded:
    """A stream that refuses to read much at once, since tar headers say how long they are."""

    def __init__(self, content: IO[bytes]) -> None:
        self.content = content
        self.seek, self.tell = content.seek, content.tell

    def read(self, size: int = -1) -> bytes:
        """Read as the stream does, but not more than a header may have."""
        if not 0 <= size <= _LONGEST_READ_BYTES:
            raise FetchError("a header of the archive claims to be longer than any real one; it was not unpacked")
        return self.content.read(size)
