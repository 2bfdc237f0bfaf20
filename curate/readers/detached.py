"""Headers whose voxels lie in another file: `.nhdr`, `.mhd` and the pairs of Analyze."""

import re
from pathlib import Path, PurePosixPath

from curate.errors import ReadError

_HEADER_BYTES = 64 << 10
_NAMES = re.compile(rb"^\s*(?:data ?file|ElementDataFile)\s*[:=]\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)
_INSIDE = ("LOCAL", "LIST")
"""What a header writes in place of a name."""
_DATA = (".raw", ".raw.gz", ".zraw", ".img", ".img.gz", ".hdr", ".bin", ".dat")


def check_data_file(path: Path) -> None:
    """Refuse a header that reads voxels from beyond its own folder.

    Raises:
        ReadError: `unreadable`, with the name that it gives.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEADER_BYTES)
    for found in _NAMES.finditer(head.split(b"\n\n")[0]):
        name = found.group(1).decode("utf-8", "replace").replace("\\", "/")
        plain = PurePosixPath(name)
        if name.split()[0] not in _INSIDE and (plain.is_absolute() or ".." in plain.parts or ":" in name):
            raise ReadError("unreadable", f"{path.name}: its voxels are in `{name}`, outside its own folder")


def data_files(path: Path) -> list[Path]:
    """Return the files beside a header that may hold its voxels: the same name, another suffix."""
    if path.suffix.lower() not in (".nhdr", ".mhd", ".img", ".hdr"):
        return []
    return [other for suffix in _DATA if (other := path.with_suffix(suffix)) != path and other.is_file()]
