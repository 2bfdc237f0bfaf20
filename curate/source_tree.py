"""Where the files of a dataset lie: its own folder, and the folders of others that its recipe reads from."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curate.errors import UsageError
from curate.recipe import Recipe

STORE_MARK = ".cases"
"""Folder that every store has."""
_SYSTEM_FILE = re.compile(r"(^|/)(\._[^/]*|\.DS_Store|Thumbs\.db|__MACOSX/.*)$")


@dataclass(frozen=True, slots=True)
class SourceTree:
    """A dataset as downloaded and unpacked."""

    raw: Path
    """Its own folder."""
    roots: Mapping[str, Path] = field(default_factory=dict)
    """Name of another source tree -> its folder."""

    def check(self, recipe: Recipe) -> None:
        """Refuse folders that are not there, and roots that are not given.

        Raises:
            UsageError: With what to type.
        """
        if not self.raw.is_dir():
            raise UsageError(f"{self.raw}: no such folder; give the unpacked {recipe.dataset.title} with --raw DIR")
        for name in recipe.roots:
            if name not in self.roots:
                raise UsageError(f"{recipe.dataset.id} reads from `{name}` too; say where it lies: --root {name}=DIR")
            if not self.roots[name].is_dir():
                raise UsageError(f"{self.roots[name]}: no such folder; say where `{name}` lies: --root {name}=DIR")

    def folders(self, roots: Sequence[str]) -> Iterator[tuple[str | None, Path]]:
        """Yield the folders to look through, each with its root's name; the dataset's own has none."""
        yield None, self.raw
        for name in roots:
            yield name, self.roots[name]

    def locate(self, path: str) -> Path:
        """Return where a file lies: `PATH` in the dataset's own folder, `ROOT:PATH` in another."""
        root, colon, rest = path.partition(":")
        return self.roots[root] / rest if colon and root in self.roots else self.raw / path

    def absolute(self) -> "SourceTree":
        """Return the same tree with absolute folders, as workers need them."""
        return SourceTree(self.raw.absolute(), {name: folder.absolute() for name, folder in self.roots.items()})


def bad_name(path: str) -> tuple[str, str] | None:
    """Return code and detail for a file that is no part of the dataset or whose name no table can hold."""
    if _SYSTEM_FILE.search(path):
        return "system_file", "left behind by an operating system; ignored"
    if shown(path) != path:
        return "bad_name", "its name is not UTF-8 text; rename it"
    return None


def walk(folder: Path, relative: str = "", above: tuple[tuple[int, int], ...] = ()) -> Iterator[str]:
    """Yield the files below a folder; links are followed, but not back to a folder that they lie in.

    A store (an `--out` inside the source tree) is no part of the dataset and is left out.
    """
    try:
        state = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be listed ({error.strerror})") from error
    here = (state.st_dev, state.st_ino)
    if here in above or (relative and any(entry.name == STORE_MARK for entry in entries)):
        return
    for entry in entries:
        if entry.is_dir():
            yield from walk(folder / entry.name, f"{relative}{entry.name}/", (*above, here))
        else:
            yield relative + entry.name


def shown(path: str) -> str:
    """Return a path with every byte that is not UTF-8 spelt out, as tables can hold it."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
