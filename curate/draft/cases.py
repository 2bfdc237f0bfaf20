"""From pairs of image and label file to cases, each with a key that its files' paths have in common."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from curate.draft.pairs import Key, Pair, SourceFile
from curate.draft.templates import Member, plain, token_span
from curate.draft.words import SPLIT_OF, modality, tokens

_NO_WORDS = 1000


@dataclass(slots=True)
class CaseFiles:
    """Images and label files that belong together."""

    images: list[SourceFile] = field(default_factory=list)
    labels: list[SourceFile] = field(default_factory=list)
    words: Key = ()
    """What all stems share."""
    key: str | None = None
    """Text that all paths share, one folder or several with slashes, or a part of a name; None where there is none."""


def cases_of(pairs: Sequence[Pair]) -> list[CaseFiles]:
    """Return the cases with their keys, in the order of their first label file."""
    found = _connected(pairs)
    fixed = _fixed_names({image.path: image for case in found for image in case.images}.values())
    in_folders = [case for case in found if any(image.path in fixed for image in case.images)]
    named = [case for case in found if not any(image.path in fixed for image in case.images)]
    for case in named:
        case.key = _name_key(case)
    return sorted([*_by_folder(in_folders, fixed), *named], key=lambda case: case.labels[0].path)


def member(file: SourceFile, key: str) -> Member | None:
    """Return a file with a path that has `{case}` for a key, or None where the key is not in its path."""
    folders, wanted = list(file.folders), key.split("/")
    at = next((n for n in range(len(folders)) if folders[n : n + len(wanted)] == wanted), None)
    span = token_span(file.stem, key)
    if at is None and span is None:
        return None
    parts = [plain(folder) for folder in folders]
    if at is not None:
        parts[at : at + len(wanted)] = ["{case}"]
    stem = plain(file.stem)
    if span is not None:
        stem = f"{plain(file.stem[: span[0]])}{{case}}{plain(file.stem[span[1] :])}"
    return Member(file.path, "/".join([*parts, f"{stem}{plain(file.suffix)}"]), key)


def _connected(pairs: Iterable[Pair]) -> list[CaseFiles]:
    """Join pairs that share an image."""
    owner: dict[str, CaseFiles] = {}
    for pair in pairs:
        owners = [owner[image.path] for image in pair.images if image.path in owner]
        known = list({id(one): one for one in owners}.values())
        case = known[0] if known else CaseFiles(words=pair.words)
        for other in known[1:]:
            _take(case, other)
        case.words = _shared(case.words, pair.words)
        case.labels.append(pair.label)
        taken = {image.path for image in case.images}
        case.images += [image for image in pair.images if image.path not in taken]
        owner.update((image.path, case) for image in case.images)
    return list({id(case): case for case in owner.values()}.values())


def _take(case: CaseFiles, other: CaseFiles) -> None:
    case.images += other.images
    case.labels += other.labels
    case.words = _shared(case.words, other.words)


def _shared(one: Key, other: Key) -> Key:
    """Return the shorter of two beginnings; files that only their folder ties share no words and say nothing."""
    return min(one, other, key=lambda words: len(words) or _NO_WORDS)


def _fixed_names(images: Iterable[SourceFile]) -> set[str]:
    """Return the images that are called alike in folder after folder, as files of cases in folders are.

    A name must occur in as many folders as there are names beside it; `train` and `test` count as one folder.
    """
    folders: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    names: dict[tuple[str, ...], set[str]] = defaultdict(set)
    found = list(images)
    for image in found:
        folder, name = _without_splits(image.folders), f"{image.stem}{image.suffix}"
        folders[name].add(folder)
        names[folder].add(name)
    return {
        image.path
        for image in found
        if len(folders[f"{image.stem}{image.suffix}"]) >= max(2, len(names[_without_splits(image.folders)]))
    }


def _without_splits(folders: Iterable[str]) -> tuple[str, ...]:
    return tuple(folder for folder in folders if folder.lower() not in SPLIT_OF)


def _by_folder(cases: Sequence[CaseFiles], fixed: set[str]) -> Iterator[CaseFiles]:
    """Merge the cases of one folder and give them its name as key."""
    first = [next(image for image in case.images if image.path in fixed).folders for case in cases]
    spans = {depth: _span([folders for folders in first if len(folders) == depth]) for depth in set(map(len, first))}
    merged: dict[tuple[str, ...], CaseFiles] = {}
    for case, folders in zip(cases, first, strict=True):
        span = spans[len(folders)]
        if span is None:
            yield case
        elif (one := merged.setdefault(folders[: span[1]], case)) is case:
            case.key = "/".join(folders[span[0] : span[1]])
        else:
            _take(one, case)
    yield from merged.values()


def _span(folders: Sequence[tuple[str, ...]]) -> tuple[int, int] | None:
    """Return which components of folders of one depth tell the cases apart, first to last.

    Splits and scanners do not.
    """
    values = [set(column) for column in zip(*folders, strict=True)]
    varying = [n for n, words in enumerate(values) if len(words) > 1]
    scanners = [n for n in varying if all(modality([word]) for word in values[n])]
    splits = [n for n in varying if {word.lower() for word in values[n]} <= SPLIT_OF.keys()]
    telling = [n for n in varying if n not in scanners and n not in splits]
    if not telling and scanners and scanners[0] > 0:
        return scanners[0] - 1, scanners[0]  # one patient's folder, with a folder per scanner
    telling = telling or varying
    return (telling[0], telling[-1] + 1) if telling else None


def _name_key(case: CaseFiles) -> str | None:
    """Return the text that ties the files of a case by their names, or by a folder called like them."""
    files = [*case.images, *case.labels]
    first = case.images[0]
    for text in [*_texts(first, case.words), *reversed(first.folders), first.stem]:
        in_names = all(token_span(file.stem, text) is not None for file in case.images)
        if in_names and all(token_span(file.stem, text) is not None or text in file.folders for file in files):
            return text
    return None


def _texts(file: SourceFile, words: Key) -> list[str]:
    """Return the parts of a stem that some words span, without role words: with numbers first, then by length."""
    runs: list[tuple[int, int]] = []
    left = list(words)
    is_new = True
    for token in tokens(file.stem):
        if token.is_role or not left or token.text != left[0]:
            is_new = True
            continue
        left.pop(0)
        if is_new:
            runs.append((token.start, token.end))
        else:
            runs[-1] = (runs[-1][0], token.end)
        is_new = False
    spans = [(start, end + _tail(file.stem[end:])) for start, end in runs] + runs
    texts = dict.fromkeys(file.stem[start:end] for start, end in spans)
    return sorted(texts, key=lambda text: (not any(map(str.isdigit, text)), -len(text), text))


def _tail(rest: str) -> int:
    """Return how many characters such as a closing parenthesis follow a word."""
    match = re.match(r"[^\w\s.+-]+", rest)
    return match.end() if match else 0
