"""The zip file of a submission: written with the same bytes anywhere, read as something that a stranger made."""

import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from bench.submission.problem import SubmissionError, quoted
from curate.files import replacing

MOST_BYTES: Final[Mapping[str, int]] = {"run.json": 4 << 20, "scores.parquet": 256 << 20}
"""The only files of a submission, with the size that each may have."""
_MOST_ARCHIVE = sum(MOST_BYTES.values()) + (1 << 16)
_MOST_ENTRIES = 16
_MOST_DIRECTORY = 1 << 16
_END, _END_BYTES = b"PK\x05\x06", 22
_END64, _END64_BYTES = b"PK\x06\x07", 20
_ENCRYPTED = 0x1
_FIX = "have it sent again as `bench pack RUN --out FILE.zip` writes it"
_WHEN = (1980, 1, 1, 0, 0, 0)


def write(path: Path, files: Mapping[str, bytes]) -> None:
    """Write files, sorted by name, uncompressed and with a fixed date, so that equal files give equal bytes."""
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _WHEN)
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, files[name])


def read(path: Path) -> dict[str, bytes]:
    """Return the files of a zip by name, in memory; nothing is ever unpacked to a path that the zip names.

    Raises:
        SubmissionError: For anything but exactly the files of a submission, each of bounded size.
    """
    try:
        with path.open("rb") as stream:
            _check_directory(stream, path.stat().st_size)
            with zipfile.ZipFile(stream) as archive:
                entries = archive.infolist()
                for entry in entries:
                    _check_entry(entry)
                _check_names([entry.filename for entry in entries])
                return {entry.filename: _content(archive, entry) for entry in entries}
    except (OSError, zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise SubmissionError("files", f"the zip cannot be read: {quoted(error)}", _FIX) from None


def _check_directory(stream: BinaryIO, size: int) -> None:
    """Refuse a zip before its list of entries is read, since that list alone can fill the memory."""
    if size > _MOST_ARCHIVE:
        raise SubmissionError("files", f"the zip has {size} bytes, more than {_MOST_ARCHIVE}", _FIX)
    stream.seek(max(0, size - _END_BYTES - _END64_BYTES))
    tail = stream.read()
    end = tail[-_END_BYTES:]
    if len(end) < _END_BYTES or not end.startswith(_END) or end[-2:] != b"\0\0" or tail.startswith(_END64):
        raise SubmissionError("files", "it is no whole zip of the plain kind", _FIX)
    entries, directory = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if entries > _MOST_ENTRIES or directory > _MOST_DIRECTORY:
        raise SubmissionError("files", f"the zip lists {entries} entries in {directory} bytes", _FIX)
    stream.seek(0)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name, place = entry.filename, PurePosixPath(entry.filename.replace("\\", "/"))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    wrong = {
        "climbs out of its folder": ".." in place.parts,
        "is an absolute path": place.is_absolute() or name[1:2] == ":",
        "is a link or a device": kind not in (0, stat.S_IFREG) and not entry.is_dir(),
        "is none of the files of a submission": name not in MOST_BYTES,
        "is encrypted": bool(entry.flag_bits & _ENCRYPTED),
        "is compressed in a way that is not read": entry.compress_type
        not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED),
        "is too large": entry.file_size > MOST_BYTES.get(name, 0),
    }
    for what, found in wrong.items():
        if found:
            raise SubmissionError("files", f"the entry {quoted(name)} {what}", _FIX)


def _check_names(names: list[str]) -> None:
    if sorted(names) != sorted(MOST_BYTES):
        found = ", ".join(sorted(names)) or "nothing"
        raise SubmissionError(
            "files", f"the zip holds {found}, expected {' and '.join(sorted(MOST_BYTES))}, each once", _FIX
        )


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Read one entry, and not a byte more than it may have, whatever its header says."""
    most = MOST_BYTES[entry.filename]
    with archive.open(entry) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise SubmissionError("files", f"{entry.filename} unpacks to more than {most} bytes", _FIX)
    return content
