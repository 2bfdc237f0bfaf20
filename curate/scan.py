"""From a source tree and a recipe to cases, by file names alone."""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from curate.errors import UsageError
from curate.recipe import ImageFiles, LabelFiles, Recipe, RecipeFiles
from curate.rejections import Rejection

_SYSTEM_FILE = re.compile(r"(^|/)(\._[^/]*|\.DS_Store|Thumbs\.db|__MACOSX/.*)$")
STORE_MARK = ".cases"
"""Folder that every store has."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")

_LONGEST_CASE_ID = 150
"""A file name may have 255 bytes; channel, layer, suffix and a temporary prefix come on top."""

Reject = Callable[[str, str, str], None]
"""Called with code, path and detail."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One image of a case."""

    path: str
    """Relative to the source root."""
    entry: int
    """Which of the recipe's `images` it is."""


@dataclass(frozen=True, slots=True)
class LabelFile:
    """One label file of a case."""

    path: str
    """Relative to the source root."""
    entry: int
    """Which of the recipe's `labels` it is."""
    name: str | None = None
    """What `{label}` captured."""


@dataclass(frozen=True, slots=True)
class Case:
    """One acquisition of one patient: its images and the label files that belong to them."""

    case_id: str
    patient_id: str
    split: str | None
    """What `{split}` captured."""
    images: tuple[ImageFile, ...]
    labels: tuple[LabelFile, ...]

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


@dataclass(frozen=True, slots=True)
class _Match:
    path: str
    case_id: str
    patient: str | None
    split: str | None
    file: ImageFile | LabelFile


def find(recipe: Recipe, raw: Path) -> Found:
    """Match every file under `raw` with the recipe and group them into cases, sorted by case_id.

    Raises:
        UsageError: When `raw` is no folder, or a folder in it cannot be listed.
    """
    if not raw.is_dir():
        raise UsageError(f"{raw}: no such folder; give the unpacked {recipe.dataset.title} with --raw DIR")
    rejections: list[Rejection] = []
    matches: dict[str, list[_Match]] = defaultdict(list)
    files = sorted(_files(raw))
    named = 0
    for path in files:
        match = _match(recipe, path)
        if match is None:
            continue
        named += 1
        if _SYSTEM_FILE.search(path):
            detail = "left behind by an operating system; ignored"
            rejections.append(Rejection(recipe.dataset.id, "scan", "system_file", detail, source_path=path))
        elif (shown := _shown(path)) != path:
            detail = "its name is not UTF-8 text; rename it"
            rejections.append(Rejection(recipe.dataset.id, "scan", "bad_name", detail, source_path=shown))
        else:
            matches[match.case_id].append(match)
    cases = [case for key in sorted(matches) for case in _case(recipe, key, matches[key], rejections)]
    cases = list(_unconfusable(recipe, cases, rejections))
    return Found(tuple(cases), tuple(rejections), named, len(files) - named)


def _files(folder: Path, relative: str = "", above: tuple[tuple[int, int], ...] = ()) -> Iterator[str]:
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
            yield from _files(folder / entry.name, f"{relative}{entry.name}/", (*above, here))
        else:
            yield relative + entry.name


def _shown(path: str) -> str:
    """Return a path with every byte that is not UTF-8 spelt out, as tables can hold it."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _match(recipe: Recipe, path: str) -> _Match | None:
    """Match one path with the entry that takes it; of several, the one that spells out most of the name."""
    best: tuple[int, bool, int, dict[str, str | None]] | None = None
    for is_label, entries in ((False, recipe.images), (True, recipe.labels)):
        for index, entry in enumerate(entries):
            match = entry.pattern.fullmatch(_unit(entry, path))
            if match is not None and (best is None or entry.literal > best[0]):
                best = (entry.literal, is_label, index, match.groupdict())
    if best is None:
        return None
    _, is_label, index, fields = best
    entry = recipe.labels[index] if is_label else recipe.images[index]
    file = LabelFile(path, index, fields.get("label")) if is_label else ImageFile(_unit(entry, path), index)
    return _Match(path, entry.case or str(fields["case"]), fields.get("patient"), fields.get("split"), file)


def _unit(entry: RecipeFiles, path: str) -> str:
    """Return what an entry's path is about: the file itself, or the folder that it lies in, with a slash behind."""
    return f"{path.rpartition('/')[0]}/" if entry.is_folder else path


def _case(recipe: Recipe, key: str, matches: list[_Match], rejections: list[Rejection]) -> Iterator[Case]:
    """Make a case of the files that share a key, or say why there is none."""
    case_id = _case_id(key)

    def reject(code: str, path: str, detail: str) -> None:
        rejections.append(Rejection(recipe.dataset.id, "scan", code, detail, case_id=case_id, source_path=path))

    reasons = [entry.reason for entry in recipe.exclude if entry.case == key]
    if reasons:
        for match in matches:
            reject("excluded", match.path, reasons[0])
        return
    files = list(_unambiguous([match.file for match in matches], recipe, reject))
    images = tuple(file for file in files if isinstance(file, ImageFile))
    labels = tuple(file for file in files if isinstance(file, LabelFile))
    images, labels = _paired(recipe, images, labels, reject)
    if images:
        patient = next((match.patient for match in matches if match.patient), None) or _patient(recipe, key)
        split = next((match.split for match in matches if match.split), None)
        yield Case(case_id, patient, split, images, labels)


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
    taken: dict[tuple[str, object, object], str] = {}
    for file in files:
        if isinstance(file, ImageFile):
            role: tuple[str, object, object] = ("image", recipe.images[file.entry].channel, None)
        else:
            names = recipe.labels[file.entry].names
            if names is not None and file.name not in names:
                reject("unknown_label_name", file.path, f"`{file.name}` is not in `names`; add it to the recipe")
                continue
            role = ("label", file.entry, file.name)
        if taken.get(role) == file.path:  # a further file of the same folder
            continue
        if role in taken:
            reject("ambiguous_file", file.path, f"{taken[role]} already is this case's {role[0]}")
            continue
        taken[role] = file.path
        yield file


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


def annotates(label: LabelFiles, image: ImageFiles) -> bool:
    """Tell whether label files of one entry belong to images of another."""
    return label.images is None or image.channel in label.images


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
            Rejection(recipe.dataset.id, "scan", "ambiguous_case", detail, case.case_id, source_path=file.path)
            for file in case.files
        ]


def _shadowed(key: str, keys: set[str], channels: set[str]) -> str | None:
    """Return the other case whose label maps may be called like this one's: `<key>[.<channel>][.<layer>]`."""
    stem, _, suffix = key.rpartition(".")
    if suffix.isdigit():
        if stem in keys:
            return stem
        stem, _, suffix = stem.rpartition(".")
    return stem if suffix in channels and stem in keys else None
