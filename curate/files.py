"""Write files so that nobody ever sees half of one."""

import fcntl
import filecmp
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from curate.errors import StoreError

TEMPORARY_PREFIX = ".part-"


@contextmanager
def replacing(path: Path, *, keep_equal: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it onto `path` when the block ends well.

    The temporary name keeps the suffixes of `path`, because image libraries choose a format by them.
    On an error the temporary file is removed and `path` is left as it was; with `keep_equal` also where it already has
    the same bytes, so that its time of change says when its content changed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(6)}-{path.name}")
    try:
        yield temporary
        if not (keep_equal and path.is_file() and filecmp.cmp(temporary, path, shallow=False)):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def held(folder: Path, program: str) -> Iterator[None]:
    """Keep a folder to this process while the block runs; the system lets go of it when the process dies.

    Args:
        folder: It is made where it is not there.
        program: What holds it, for the message to others.

    Raises:
        StoreError: When another process holds it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be used ({error.strerror}); give another folder with --out") from error
    try:
        with suppress(OSError):  # a file system without locks is used without them
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(
                    f"{folder}: another `{program}` is at work on it; wait for it, or give another --out"
                ) from error
        yield
    finally:
        os.close(handle)


def write_bytes(path: Path, content: bytes) -> str:
    """Write `content` to `path` atomically and return its SHA-256 as a hexadecimal string."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def write_json(path: Path, value: Any, *, indent: int | None = 2) -> str:
    """Write `value` as sorted JSON (no NaN) and return the SHA-256 of the bytes; without `indent` in one line, fast."""
    text = json.dumps(value, indent=indent, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return write_bytes(path, (text + "\n").encode())


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_json(value: Any) -> str:
    """Return the SHA-256 of a JSON-like value, independent of key order."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def remove_temporaries(root: Path) -> int:
    """Delete what a killed writer left under `root`; return how many files were deleted."""
    count = 0
    for folder, _, names in os.walk(root):
        for name in names:
            if name.startswith(TEMPORARY_PREFIX):
                Path(folder, name).unlink(missing_ok=True)
                count += 1
    return count
