"""What fetching a dataset would do, without downloading anything."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from curate.fetch import receipt
from curate.fetch.server import remote_size
from curate.recipe.download import Download, DownloadFile

Progress = Literal["there", "partly", "missing"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What fetching would do with one link."""

    name: str
    url: str
    state: Progress
    size_bytes: int | None
    """As the recipe states it, or else the server; None where neither does."""
    have_bytes: int
    checksum: str | None
    unpack_into: str | None


def plan(download: Download, folder: Path) -> list[Planned]:
    """Say what `fetch` would do, without downloading anything; servers are asked for sizes that the recipe lacks."""
    return [_planned(file, folder) for file in download.files]


def _planned(file: DownloadFile, folder: Path) -> Planned:
    there = receipt.is_there(folder, file)
    have = receipt.partial(folder, file).size_bytes
    size = file.size_bytes if file.size_bytes is not None or there else remote_size(file.url)
    state: Progress = "there" if there else "partly" if have else "missing"
    return Planned(file.name, file.url, state, size, have, file.checksum, file.into if file.unpack else None)
