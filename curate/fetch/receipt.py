"""What was fetched and which files came of it, so that fetching again does nothing."""

import hashlib
import json
from pathlib import Path

from curate.fetch.partial import Partial
from curate.files import write_bytes
from curate.recipe.download import DownloadFile

FOLDER = ".fetch"
"""Folder within the source tree for what is not finished, and for receipts."""
_SUFFIX = ".receipt.json"


def key(file: DownloadFile) -> str:
    """Return a short name that only this link has."""
    return hashlib.sha256(f"{file.url} {file.checksum} {file.into} {file.name}".encode()).hexdigest()[:16]


def partial(folder: Path, file: DownloadFile) -> Partial:
    """Return where what comes of a link is kept until it is whole."""
    return Partial(folder / FOLDER / f"{key(file)}.{Path(file.name).name}.part")


def write(folder: Path, file: DownloadFile, sizes: dict[str, int]) -> None:
    """Record the files that came of a link.

    Args:
        folder: The source tree.
        file: The link.
        sizes: Path relative to `folder` -> bytes.
    """
    content = {"url": file.url, "checksum": file.checksum, "files": sizes}
    write_bytes(_path(folder, file), json.dumps(content, sort_keys=True).encode("ascii"))


def of_others(folder: Path, file: DownloadFile) -> set[str]:
    """Return the paths of files that came of other links."""
    own = _path(folder, file)
    return {path for other in own.parent.glob(f"*{_SUFFIX}") if other != own for path in _sizes(other)}


def is_there(folder: Path, file: DownloadFile) -> bool:
    """Say whether every file that came of a link still lies where it was put, with its size."""
    sizes = _sizes(_path(folder, file))
    return bool(sizes) and all(_size(folder / path) == size for path, size in sizes.items())


def _sizes(path: Path) -> dict[str, int]:
    """Read a receipt; one that is not there or damaged counts as empty."""
    try:
        sizes = json.loads(path.read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return sizes if isinstance(sizes, dict) else {}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _path(folder: Path, file: DownloadFile) -> Path:
    return folder / FOLDER / f"{key(file)}{_SUFFIX}"
