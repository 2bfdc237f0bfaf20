"""What weights are, when they are more than one file."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from curate.files import sha256_of_file


def sha256_of_files(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of some files together: of their names and digests, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name} {sha256_of_file(path)}\n".encode())
    return digest.hexdigest()


def sha256_of_folder(folder: Path) -> str:
    """Return the SHA-256 of a folder: of the relative names and digests of its files; hidden ones do not count."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        if not any(part.startswith((".", "__pycache__")) for part in name.parts):
            digest.update(f"{name.as_posix()} {sha256_of_file(path)}\n".encode())
    return digest.hexdigest()
