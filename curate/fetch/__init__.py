"""Fetch a dataset behind direct links: download, check, unpack; what is there already is left alone."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from curate.errors import UsageError
from curate.fetch import receipt
from curate.fetch.members import by_hand
from curate.fetch.plan import Planned, plan
from curate.fetch.problem import FetchError
from curate.fetch.sizes import shown
from curate.fetch.transfer import WAITS_SECONDS, ResumingDownloader
from curate.fetch.unpack import unpack
from curate.files import held
from curate.recipe.download import Download, DownloadFile

__all__ = ["Outcome", "Planned", "fetch", "plan", "shown"]

State = Literal["fetched", "there", "failed"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one link."""

    name: str
    state: State
    files: int
    """How many files of the dataset came of it."""
    detail: str | None = None
    """failed: why, and what to do. fetched: what could not be checked."""


def fetch(
    download: Download, folder: Path, *, keep_archives: bool = False, waits_seconds: Sequence[float] = WAITS_SECONDS
) -> list[Outcome]:
    """Download and unpack every file of a dataset into a folder, one after the other.

    An archive that already lies in the folder under its name is used, and stays. Others are deleted once they are
    unpacked, unless `keep_archives` holds. What is not finished lies in the folder `.fetch` until the next call.

    Args:
        download: What the recipe says; its `files`.
        folder: The source tree; it is made where it is not there.
        keep_archives: Leave archives in the folder.
        waits_seconds: Pauses between tries of one file.

    Returns:
        One outcome for each file; one that failed does not stop the others.

    Raises:
        UsageError: When the folder cannot be written, is in use by another fetch, or has no room.
    """
    with held(folder / receipt.FOLDER, "curate fetch"):
        return [_fetched(file, folder, keep_archives, waits_seconds) for file in download.files]


def _fetched(file: DownloadFile, folder: Path, keep_archives: bool, waits_seconds: Sequence[float]) -> Outcome:
    if receipt.is_there(folder, file):
        return Outcome(file.name, "there", 0)
    aside = file.unpack and not keep_archives and not (folder / file.name).exists()
    place = folder / receipt.FOLDER / receipt.key(file) if aside else folder
    try:
        with _writable(folder):
            path = _downloaded(file, place, folder, waits_seconds)
            sizes = _unpacked(file, path, folder) if file.unpack else {file.name: path.stat().st_size}
            receipt.write(folder, file, sizes)
            if aside:
                shutil.rmtree(place)
    except FetchError as problem:
        return Outcome(file.name, "failed", 0, str(problem))
    unchecked = None if file.checksum else "the source states no checksum: only its size was checked"
    return Outcome(file.name, "fetched", len(sizes), unchecked)


def _downloaded(file: DownloadFile, place: Path, folder: Path, waits_seconds: Sequence[float]) -> Path:
    """Download one file with its checksum and size; what has come of it is kept when that fails."""
    import pooch

    pooch.get_logger().setLevel("ERROR")  # it writes lines of its own between ours
    target = place / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    downloader = ResumingDownloader(receipt.partial(folder, file), file.size_bytes, waits_seconds)
    try:
        pooch.retrieve(file.url, file.checksum, fname=target.name, path=target.parent, downloader=downloader)
    except ValueError as error:  # how pooch says that a checksum is wrong
        raise FetchError(
            f"{file.url}: what came has another checksum than the recipe states ({file.checksum}); it was not kept. "
            "The file was changed at its source, or on its way"
        ) from error
    size = target.stat().st_size
    if file.size_bytes not in (None, size):
        raise FetchError(f"{target} has {size} bytes, the recipe states {file.size_bytes}; delete it, and fetch again")
    return target


def _unpacked(file: DownloadFile, archive: Path, folder: Path) -> dict[str, int]:
    """Unpack into a folder of its own first, then move every file to its place; return their sizes by path.

    Where two archives have a file of one name, such as a README, the first keeps it.
    """
    say = by_hand(archive)
    if say is not None:
        kept = folder / file.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        archive.replace(kept)
        raise FetchError(f"{kept}: unpack it by hand: {say.format(kept, folder / file.into)}")
    aside = folder / receipt.FOLDER / f"{receipt.key(file)}.unpacked"
    shutil.rmtree(aside, ignore_errors=True)
    try:
        sizes = unpack(archive, aside)
        taken = receipt.of_others(folder, file)
        placed = {(Path(file.into) / path).as_posix(): path for path in sizes}
        placed = {target: path for target, path in placed.items() if target not in taken}
        for target, path in placed.items():
            (folder / target).parent.mkdir(parents=True, exist_ok=True)
            (aside / path).replace(folder / target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return {target: sizes[path] for target, path in placed.items()}


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Turn errors of the file system into one line."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise UsageError(f"{where}: {error.strerror or error}; give another folder with --out") from error
