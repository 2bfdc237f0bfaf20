"""The files of an unknown folder, by name alone."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from curate.errors import UsageError
from curate.source_tree import bad_name, walk

_FURTHER_SUFFIXES = (".gif", ".bmp", ".mgz", ".mgh", ".mnc", ".npy", ".npz", ".h5", ".hdf5", ".seg.nrrd")
"""Images and labels as well, whether or not a reader is installed."""


@dataclass(frozen=True)
class Listing:
    """Every file of a source tree."""

    tree: Path
    paths: tuple[str, ...]
    """Relative to the tree, sorted; without what operating systems leave behind and names that are not text."""

    @cached_property
    def volumes(self) -> tuple[str, ...]:
        """Files whose suffix says that they hold an image or labels."""
        return tuple(path for path in self.paths if suffix_of(path))

    @cached_property
    def by_folder(self) -> dict[str, list[str]]:
        """Folder ('' is the tree) -> the files that lie in it itself."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self.paths:
            found[path.rpartition("/")[0]].append(path)
        return dict(found)

    def named(self, *names: str) -> list[str]:
        """Return the files called so, the shallowest first."""
        return sorted(
            (path for path in self.paths if path.rpartition("/")[2] in names), key=lambda path: (path.count("/"), path)
        )


def read_listing(tree: Path) -> Listing:
    """List a folder.

    Raises:
        UsageError: When it is none, or cannot be listed.
    """
    if not tree.is_dir():
        raise UsageError(f"{tree}: no such folder; give the unpacked dataset")
    return Listing(tree, tuple(sorted(path for path in walk(tree) if bad_name(path) is None)))


def suffix_of(path: str) -> str:
    """Return the suffix of an image or label file as it is spelt there, or nothing for other files."""
    found = _suffixes().search(path)
    return found.group() if found else ""


def sample(paths: Iterable[str], most: int) -> list[str]:
    """Return at most so many of some paths, evenly spread over their order."""
    found = sorted(paths)
    if len(found) <= most:
        return found
    return [found[number * (len(found) - 1) // max(1, most - 1)] for number in range(most)]


@cache
def _suffixes() -> re.Pattern[str]:
    """Return an expression that finds the longest suffix, behind at least one more character of the name."""
    from curate.readers import REGISTRY

    read = {suffix for name in REGISTRY.names() for suffix in REGISTRY.load(name).suffixes}
    longest_first = sorted(read.union(_FURTHER_SUFFIXES), key=lambda suffix: (-len(suffix), suffix))
    return re.compile(f"(?<=[^/])(?:{'|'.join(map(re.escape, longest_first))})$", re.IGNORECASE)
