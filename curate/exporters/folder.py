"""The folder of an export: safe names, hard links, and nothing that looks finished before it is."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from curate.errors import StoreError, UsageError
from curate.files import write_json

MARK = "export.json"
"""Written last; a folder that has it is finished."""
_PART = ".part-export"
"""Where an export grows. It lies inside the folder, so that links and renames stay on one file system."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_HASH = 8
"""Characters of a hash."""
_LONGEST = 80
"""Characters of one name; several are joined into one file name, which may have 255 bytes."""


def safe_name(text: str) -> str:
    """Return a name that is one part of a path everywhere: letters, digits, `.`, `_` and single `-` inside.

    A name that had to change gets a hash of the original, so that two names never become one. No name holds `--` or
    begins or ends with `-`, so names joined by `--` can be told apart again.
    """
    name = re.sub("-{2,}", "-", _UNSAFE.sub("_", text)).lstrip(".").strip("-")
    if name == text and len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH]
    return f"{name[: _LONGEST - _HASH - 1].strip('-')}-{digest}".lstrip("-")


def joined(*parts: str) -> str:
    """Join the parts that are not empty into one safe name, unlike that of any other parts."""
    return "--".join(safe_name(part) for part in parts if part)


def link(source: Path, destination: Path) -> None:
    """Make `destination` a hard link to `source`, or a copy where the file system allows no link.

    Raises:
        StoreError: When `source` is not there.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, destination)
    except FileNotFoundError as error:
        raise StoreError(f"{source}: missing; see what else is broken with `curate verify`") from error
    except OSError:
        shutil.copyfile(source, destination)


def finished(out: Path, basis: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the mark of an export with the same `basis` that lies in `out`, or None where there is none yet.

    Args:
        out: Folder of the export.
        basis: What the export depends on: format, selection, store, version.

    Raises:
        UsageError: When the folder holds anything else.
    """
    try:
        names = {path.name for path in out.iterdir()}
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{out}: cannot be an export ({error.strerror}); give another folder with --out") from error
    if MARK not in names:
        if names and _PART not in names:
            raise UsageError(f"{out}: not empty and not an export; give a new folder with --out")
        return None
    try:
        mark: dict[str, Any] = json.loads((out / MARK).read_text(encoding="utf-8"))
        same = mark["basis"] == json.loads(json.dumps(basis))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{out / MARK}: cannot be read ({error}); delete the folder or give another --out") from error
    if not same:
        raise UsageError(
            f"{out}: holds another export (other format, selection or store); delete it or give another --out"
        )
    return mark


@contextmanager
def filling(out: Path) -> Iterator[Path]:
    """Yield a folder to write into; when the block ends well, all that it holds moves into `out`.

    An error leaves `out` as it was. What a killed export left behind is removed first.

    Raises:
        UsageError: When the folder cannot be written.
    """
    part, is_new = out / _PART, not out.exists()
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror}); give another folder with --out") from error
    try:
        yield part
        for path in sorted(part.iterdir()):
            _replace(path, out / path.name)
        part.rmdir()
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        if is_new and not any(out.iterdir()):
            out.rmdir()
        raise


def finish(out: Path, mark: Mapping[str, Any]) -> None:
    """Write the mark; from now on the export is finished."""
    write_json(out / MARK, dict(mark))


def _replace(source: Path, destination: Path) -> None:
    """Move a file or folder to where a killed export may have left an older one."""
    if destination.is_dir():
        shutil.rmtree(destination)
    source.replace(destination)
