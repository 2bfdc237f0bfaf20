"""Weights by name: a file, or `hf://owner/repository/file[@revision]` on the Hugging Face Hub; and the published ones.

`manifests/weights/published.csv` lists the files that were published for the models that ship.
"""

import csv
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from curate.errors import ConfigError, UsageError
from curate.plugins import shipped_folder

_SCHEME = "hf:"
_FORM = "hf://owner/repository/file[@revision]"


@dataclass(frozen=True, slots=True)
class Hosted:
    """A file on the Hugging Face Hub."""

    repository: str
    """`owner/name`."""
    file: str
    """Path in the repository."""
    revision: str | None
    """Branch, tag or commit; None for the default branch."""


@dataclass(frozen=True, slots=True)
class Published:
    """A weights file that was published; what no source states is None."""

    file: str
    """Its name."""
    models: tuple[str, ...]
    """Shipped models that take it."""
    source: str
    """What `--weights` takes, or the page to download it from."""
    licence: str
    """SPDX identifier, as the source states it, or `unknown`."""
    size_bytes: int | None
    sha256: str | None
    stated_by: str | None
    """Where size and digest were read."""
    note: str | None


def hosted(weights: str | Path) -> Hosted | None:
    """Return what an `hf://` name means, and None for a path.

    `Path` makes one slash of two, and is understood all the same.

    Raises:
        UsageError: When owner, repository or file is missing.
    """
    scheme, *parts = PurePosixPath(weights).parts
    if scheme != _SCHEME:
        return None
    file, _, revision = "/".join(parts[2:]).partition("@")
    if not file:
        raise UsageError(f"{_SCHEME}//{'/'.join(parts)}: names no file; type --weights {_FORM}")
    return Hosted("/".join(parts[:2]), file, revision or None)


def local_file(weights: str | Path) -> Path:
    """Return the path of a weights file, downloaded first where it is on the Hugging Face Hub and not yet here.

    Raises:
        UsageError: When there is no such file, or it cannot be downloaded.
    """
    wanted = hosted(weights)
    if wanted is not None:
        return _downloaded(wanted)
    path = Path(weights)
    if not path.exists():
        raise UsageError(f"{path}: no such file; name the checkpoint with --weights FILE, or --weights {_FORM}")
    return path


@cache
def published() -> tuple[Published, ...]:
    """Return the published weights files, in the order of the table.

    Raises:
        ConfigError: For a row that cannot be read, with file and line.
    """
    path = shipped_folder("weights") / "published.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return tuple(_row(path, line, row) for line, row in enumerate(csv.DictReader(stream), start=2))


def _downloaded(wanted: Hosted) -> Path:
    name = f"{_SCHEME}//{wanted.repository}/{wanted.file}{f'@{wanted.revision}' if wanted.revision else ''}"
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise UsageError(
            f"{name}: needs huggingface_hub; type pip install 'medseen[hub]', or name a downloaded file with --weights"
        ) from error
    try:
        return Path(
            hf_hub_download(
                wanted.repository, wanted.file, revision=wanted.revision, endpoint=os.environ.get("HF_ENDPOINT")
            )
        )
    except Exception as error:  # the library raises its own errors and those of the network below it
        reason = " ".join(str(error).split())[:200]
        raise UsageError(
            f"{name}: cannot be downloaded ({type(error).__name__}: {reason}); check the name and the connection, "
            "or name a downloaded file with --weights FILE"
        ) from error


def _row(path: Path, line: int, row: dict[str, str]) -> Published:
    try:
        return Published(
            file=row["file"],
            models=tuple(row["models"].split()),
            source=row["source"],
            licence=row["licence"],
            size_bytes=int(row["size_bytes"]) if row["size_bytes"] else None,
            sha256=row["sha256"] or None,
            stated_by=row["stated_by"] or None,
            note=row["note"] or None,
        )
    except (KeyError, ValueError) as error:
        raise ConfigError(f"{path}:{line}: {error}") from error
