"""From a source tree and a recipe to cases, by file names alone."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from curate import matching
from curate.matching import ImageFile, LabelFile, Match
from curate.recipe import LabelFiles, Recipe
from curate.rejections import Rejection
from curate.source_tree import SourceTree, bad_name, shown, walk
from curate.split_lists import listed_splits

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

_LONGEST_CASE_ID = 150
"""A file name may have 255 bytes; channel, layer, suffix and a temporary prefix come on top."""

Reject = Callable[[str, str, str], None]
"""Called with code, path and detail."""


@dataclass(frozen=True, slots=True)
class Case:
    """One acquisition of one patient: its images and the label files that belong to them."""

    case_id: str
    patient_id: str
    split: str | None
    """What `{split}` captured, or the split of the source's list."""
    images: tuple[ImageFile, ...]
    labels: tuple[LabelFile, ...]
    source_key: str | None = None
    """What `{case}` captured, where `case_id` cannot carry it."""

    @property
    def key(self) -> str:
        """What `{case}` captured, which is what the recipe's expressions are about."""
        return self.source_key or self.case_id

    @property
    def files(self) -> list[ImageFile | LabelFile]:
        """All files of the case."""
        return [*self.images, *self.labels]


@dataclass(frozen=True, slots=True)
class Found:
    """What a scan of file names found; every named file is in exactly one case or in one rejection."""

    cases: tuple[Case, ...]
    rejections: tuple[Rejection, ...]
    named: int
    """Files that the recipe names."""
    unnamed: int
    """Files in the source tree that it does not name."""


def find(recipe: Recipe, tree: SourceTree) -> Found:
    """Match every file of the source tree with the recipe and group them into cases, sorted by case_id.

    Raises:
        UsageError: When the tree is no folder, or a folder in it cannot be listed.
        ConfigError: When a list of the recipe's splits is not there, or names no case.
    """
    tree.check(recipe)
    rejections: list[Rejection] = []
    matches: dict[str, list[Match]] = defaultdict(list)
    named = files = 0
    for root, folder in tree.folders(recipe.roots):
        for path in sorted(walk(folder)):
            found = matching.matches(recipe, root, path)
            files, named = files + 1, named + bool(found)
            problem = bad_name(path)
            if found and problem is not None:
                rejections.append(Rejection(recipe.dataset.id, "scan", *problem, source_path=shown(found[0].path)))
                continue
            for match in found:
                matches[match.case_id].append(match)
    splits = listed_splits(recipe, tree, matches)
    cases = [case for key in sorted(matches) for case in _case(recipe, key, matches[key], splits.get(key), rejections)]
    cases = list(_unconfusable(recipe, cases, rejections))
    return Found(tuple(cases), tuple(rejections), named, files - named)


def _case(
    recipe: Recipe, key: str, matches: list[Match], listed: str | None, rejections: list[Rejection]
) -> Iterator[Case]:
    """Make a case of the files that share a key, or say why there is none."""
    case_id = _case_id(key)

    def reject(code: str, path: str, detail: str) -> None:
        rejections.append(Rejection(recipe.dataset.id, "scan", code, detail, case_id=case_id, source_path=path))

    matches = list(_included(matches, recipe, reject))
    files = list(_unambiguous([match.file for match in matches], recipe, reject))
    images = tuple(file for file in files if isinstance(file, ImageFile))
    labels = tuple(file for file in files if isinstance(file, LabelFile))
    images, labels = _paired(recipe, images, labels, reject)
    if images:
        patient = next((match.patient for match in matches if match.patient), None) or _patient(recipe, key)
        split = next((match.split for match in matches if match.split), None) or listed
        yield Case(case_id, patient, split, images, labels, None if key == case_id else key)


def _included(matches: Iterable[Match], recipe: Recipe, reject: Reject) -> Iterator[Match]:
    """Yield the files that the recipe does not leave out on purpose; each of the others becomes one row."""
    told: set[str] = set()
    for match in matches:
        reason = next((one.reason for one in recipe.exclude if one.holds(match.case_id, match.path)), None)
        if reason is None:
            yield match
        elif match.path not in told:
            told.add(match.path)
            reject("excluded", match.path, reason)


def _case_id(key: str) -> str:
    """Turn a case key into what every file system can carry, and no path; long ones end in their hash."""
    name = _UNSAFE.sub("_", key).lstrip(".") or "_"
    if len(name) <= _LONGEST_CASE_ID:
        return name
    return f"{name[:_LONGEST_CASE_ID]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _unambiguous(
    files: Iterable[ImageFile | LabelFile], recipe: Recipe, reject: Reject
) -> Iterator[ImageFile | LabelFile]:
    """Drop files whose role another file already has, and label files with unknown names."""
    taken: dict[tuple[object, ...], str] = {}
    for file in files:
        if isinstance(file, LabelFile):
            entry = recipe.labels[file.entry]
            if entry.names is not None and entry.named_target(str(file.name)) is None:
                if entry.ignores(str(file.name)):
                    reject("excluded", file.path, f"`{file.name}` is in `ignore_names`")
                    continue
                reject("unknown_label_name", file.path, f"`{file.name}` is not in `names`; add it to the recipe")
                continue
        role = _role(file, recipe)
        if taken.get(role) == file.path:  # a further file of the same folder
            continue
        if role in taken:
            reject("ambiguous_file", file.path, f"{taken[role]} already is this case's {role[0]}")
            continue
        taken[role] = file.path
        yield file


def _role(file: ImageFile | LabelFile, recipe: Recipe) -> tuple[object, ...]:
    """Return what a file is to its case; no two files may be the same."""
    if isinstance(file, ImageFile):
        return "image", recipe.images[file.entry].channel
    part = file.path if recipe.labels[file.entry].merge else file.name
    return "label", file.entry, part, file.rater


def _paired(
    recipe: Recipe, images: tuple[ImageFile, ...], labels: tuple[LabelFile, ...], reject: Reject
) -> tuple[tuple[ImageFile, ...], tuple[LabelFile, ...]]:
    """Keep images that have a label and labels that have an image."""
    channels = {recipe.images[file.entry].channel for file in images}
    homeless = [file for file in labels if not channels.intersection(_channels(recipe.labels[file.entry], channels))]
    for file in homeless:
        reject("no_image", file.path, "the image that it annotates is not there")
    labels = tuple(file for file in labels if file not in homeless)
    annotated = {name for file in labels for name in _channels(recipe.labels[file.entry], channels)}
    bare = [file for file in images if recipe.images[file.entry].channel not in annotated]
    for image in bare:
        reject("no_label", image.path, "no label file of this case annotates it")
    return tuple(file for file in images if file not in bare), labels


def _channels(entry: LabelFiles, present: set[str | None]) -> set[str | None]:
    """Return the channels that a label file annotates."""
    return present if entry.images is None else set(entry.images)


def _patient(recipe: Recipe, key: str) -> str:
    """Return the patient key of a case key; the case itself where the recipe's expression does not match."""
    match = re.search(recipe.patient, key) if recipe.patient is not None else None
    return (match.group(1) if match is not None else None) or key


def _unconfusable(recipe: Recipe, cases: list[Case], rejections: list[Rejection]) -> Iterator[Case]:
    """Drop cases whose files in the store could be taken for another's (equal keys, or key and channel or layer)."""
    keys = {case.case_id for case in cases}
    channels = {str(image.channel) for image in recipe.images}
    seen: set[str] = set()
    for case in cases:
        other = case.case_id if case.case_id in seen else _shadowed(case.case_id, keys, channels)
        if other is None:
            seen.add(case.case_id)
            yield case
            continue
        detail = f"its key `{case.case_id}` cannot be told from that of case `{other}`; narrow {{case}}"
        rejections += [
            Rejection(recipe.dataset.id, "scan", "ambiguous_case", detail, case.case_id, source_path=path)
            for path in dict.fromkeys(file.path for file in case.files)
        ]


def _shadowed(key: str, keys: set[str], channels: set[str]) -> str | None:
    """Return the other case whose label maps may be called like this one's: `<key>[.<channel>][.<layer>]`."""
    stem, _, suffix = key.rpartition(".")
    if suffix.isdigit():
        if stem in keys:
            return stem
        stem, _, suffix = stem.rpartition(".")
    return stem if suffix in channels and stem in keys else None
