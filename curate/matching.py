"""Which of the recipe's entries take a file, and what they read in its name."""

import re
from dataclasses import dataclass

from curate.recipe import ImageFiles, LabelFiles, Recipe, RecipeFiles


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image of a case."""

    path: str
    """Relative to the source root; `ROOT:PATH` in another source tree."""
    entry: int
    """Which of the recipe's `images` it is."""


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One label file of a case."""

    path: str
    """Relative to the source root; `ROOT:PATH` in another source tree."""
    entry: int
    """Which of the recipe's `labels` it is."""
    name: str | None = None
    """What `{label}` captured."""
    rater: str | None = None
    """The recipe's rater, or what `{rater}` captured."""


@dataclass(frozen=True, slots=True)
class Match:
    """A file that an entry of the recipe takes."""

    path: str
    case_id: str
    patient: str | None
    split: str | None
    file: ImageFile | LabelFile


def matches(recipe: Recipe, root: str | None, path: str) -> list[Match]:
    """Match one file with the entries that take it: those whose path spells out most of the name.

    Entries that share one path share its files, as the channels of a 4D file do.
    """
    entries: list[tuple[int, RecipeFiles]] = [*enumerate(recipe.images), *enumerate(recipe.labels)]
    found = [
        (index, entry, match) for index, entry in entries if entry.root == root and (match := _fitting(entry, path))
    ]
    if not found:
        return []
    best = max(found, key=lambda one: one[1].literal)[1]  # of two that fit equally well the first takes it
    return [_match(root, path, *one) for one in found if one[1].path == best.path]


def _match(root: str | None, path: str, index: int, entry: RecipeFiles, match: re.Match[str]) -> Match:
    fields = match.groupdict()
    prefix = "" if root is None else f"{root}:"
    file: ImageFile | LabelFile
    if isinstance(entry, LabelFiles):
        file = LabelFile(prefix + match.string, index, fields.get("label"), entry.rater or fields.get("rater"))
    else:
        file = ImageFile(prefix + match.string, index)
    case = entry.case or str(fields["case"])
    case = f"{fields['group']}-{case}" if fields.get("group") else case
    return Match(prefix + path, case, fields.get("patient"), fields.get("split"), file)


def _fitting(entry: RecipeFiles, path: str) -> re.Match[str] | None:
    """Match a file, or the outermost folder that the entry may mean."""
    return next((match for unit in _units(entry, path) if (match := entry.pattern.fullmatch(unit))), None)


def _units(entry: RecipeFiles, path: str) -> list[str]:
    """Return what an entry's path may be about: the file itself, the folder that it lies in, or any folder above it.

    Folders have a slash behind.
    """
    if not entry.is_folder:
        return [path]
    folders = path.split("/")[:-1]
    lengths = range(1, len(folders) + 1) if entry.is_deep else [len(folders)]
    return ["/".join([*folders[:length], ""]) for length in lengths]


def annotates(label: LabelFiles, image: ImageFiles) -> bool:
    """Tell whether label files of one entry belong to images of another."""
    return label.images is None or image.channel in label.images
