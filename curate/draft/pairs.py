"""Which image does a label file belong to? By what both are called, and where they lie."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from curate.draft.listing import suffix_of
from curate.draft.words import core, folder_key

MOST_CHANNELS = 8
"""More images than this in one folder are not the channels of one case."""
_LEVELS = 3
"""Folders that a label file may lie below its image's."""
_BELOW = "/"
"""Stands before folders for whatever lies below them; no folder is called so."""
Key = tuple[str, ...]


@dataclass(frozen=True)
class SourceFile:
    """An image, a label file, or a folder with a DICOM series, whose path ends in `/`."""

    path: str

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """Components of the folder that it lies in."""
        return tuple(self.path.rstrip("/").split("/")[:-1])

    @cached_property
    def suffix(self) -> str:
        """As spelt in the path; `/` for a folder, '' where unknown, as in DICOM."""
        if self.path.endswith("/"):
            return "/"
        return suffix_of(self.path) or (".dcm" if self.path.endswith(".dcm") else "")

    @cached_property
    def stem(self) -> str:
        """Name without suffix."""
        return self.path.rpartition("/")[2].removesuffix(self.suffix) if self.suffix != "/" else self._last

    @property
    def _last(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2]

    @cached_property
    def core(self) -> Key:
        """Words of the stem that do not say image or label."""
        return core(self.stem)

    @cached_property
    def strict(self) -> Key:
        """What the folders say but for image or label."""
        return folder_key(self.folders, strict=True)

    @cached_property
    def loose(self) -> Key:
        """The folders that say neither image nor label."""
        return folder_key(self.folders, strict=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """A label file and its images."""

    label: SourceFile
    images: tuple[SourceFile, ...]
    words: Key
    """What the stems share; empty where only the folder ties them."""


SameGrid = Callable[[str, str], bool]
"""Tells of a label's and an image's path whether both lie on one grid, as far as one can tell."""


def pair(images: Iterable[SourceFile], labels: Iterable[SourceFile], same_grid: SameGrid) -> list[Pair]:
    """Return the label files that have images, in their order.

    Where names leave a doubt the grid decides; an image that names tie to one label file is no guess for others.
    """
    index = _Index(images)
    offers = [(label, *index.of(label)) for label in labels]
    owned = {image.path for _, found, _, is_sure in offers if is_sure for image in found}
    pairs = []
    for label, offered, words, is_sure in offers:
        free = [image for image in offered if image.path not in owned]
        chosen = offered
        if not is_sure and (len(offered) > 1 or not free):
            chosen = [image for image in offered if same_grid(label.path, image.path)] or free
        if chosen:
            pairs.append(Pair(label, tuple(chosen), words))
    return pairs


class _Index:
    """Images by folder and by the beginnings of their names."""

    def __init__(self, images: Iterable[SourceFile]) -> None:
        self.by_folder: dict[Key, list[SourceFile]] = defaultdict(list)
        self.exact: dict[tuple[Key, Key], list[SourceFile]] = defaultdict(list)
        self.begins: dict[tuple[Key, Key], list[SourceFile]] = defaultdict(list)
        for image in images:
            below = [(_BELOW, *image.loose[:n]) for n in range(len(image.loose))]
            for folder in dict.fromkeys((image.strict, image.loose, *below)):
                self.by_folder[folder].append(image)
                self.exact[folder, image.core].append(image)
                for n in range(1, len(image.core) + 1):
                    self.begins[folder, image.core[:n]].append(image)

    def of(self, label: SourceFile) -> tuple[list[SourceFile], Key, bool]:
        """Return the images of a label file, the words that they share, and whether their names leave no doubt."""
        for folder in _folders(label):
            for words, images, is_sure in self._by_name(folder, label.core):
                if images:
                    return images, words, is_sure
            beside = _few(self.by_folder.get(folder, []))
            images = [image for image in beside if not _numbered_apart(image.core, label.core)]
            if images:
                return images, (), False
        return [], (), False

    def _by_name(self, folder: Key, words: Key) -> Iterator[tuple[Key, list[SourceFile], bool]]:
        """Yield images by ever weaker likeness: the same name, a beginning of it, a longer one, a shared beginning."""
        if words:
            yield words, self.exact.get((folder, words), []), True
        for n in range(len(words) - 1, -1, -1):
            yield words[:n], self.exact.get((folder, words[:n]), []), True
        if words:
            yield words, _few(self.begins.get((folder, words), [])), False
        for n in range(len(words) - 1, 0, -1):
            alike = _few(self.begins.get((folder, words[:n]), []))
            yield words[:n], [image for image in alike if not _numbered_apart(image.core, words)], False


def _folders(label: SourceFile) -> Iterator[Key]:
    """Yield where the images of a label file may lie: beside it, in a twin folder, below it, above, in a cousin."""
    yield label.strict
    if label.loose != label.strict:
        yield label.loose
    yield (_BELOW, *label.loose)
    for n in range(1, min(_LEVELS, len(label.loose)) + 1):
        yield label.loose[:-n]
        yield (_BELOW, *label.loose[:-n])


def _few(images: list[SourceFile]) -> list[SourceFile]:
    return images if len(images) <= MOST_CHANNELS else []


def _numbered_apart(one: Key, other: Key) -> bool:
    """Tell whether two names first differ in a number: `case_001` and `case_002` are not one case."""
    return next((a.isdigit() and b.isdigit() for a, b in zip(one, other, strict=False) if a != b), False)
