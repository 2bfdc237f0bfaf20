"""Is a file an image or a label file? Its name says it, else its folders do, else its voxels."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from curate.draft.listing import sample
from curate.draft.pairs import SourceFile
from curate.draft.values import Looker
from curate.draft.words import modality, says_image, says_label, tokens

_LOOKS_PER_SHAPE = 2
Words = tuple[str, ...]


def roles(paths: Iterable[str], looker: Looker) -> tuple[list[SourceFile], list[SourceFile]]:
    """Return images and label files, each in the order of the paths."""
    files = [SourceFile(path) for path in paths]
    stems: dict[tuple[str, ...], set[Words]] = defaultdict(set)
    for file in files:
        stems[file.folders].add(_words(file.stem))
    said = {file.path: _by_words(file, stems[file.folders]) for file in files}
    silent: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in files:
        if said[file.path] is None:
            silent[_shape("/".join(file.folders)), _shape(f"{file.stem}{file.suffix}")].append(file.path)
    seen: dict[str, bool] = {}
    for (_, name), alike in silent.items():
        is_label = _hold_labels(alike, looker)
        seen.setdefault(name, bool(is_label))
        said.update(dict.fromkeys(alike, seen[name] if is_label is None else is_label))
    return [file for file in files if not said[file.path]], [file for file in files if said[file.path]]


def _by_words(file: SourceFile, stems: set[Words]) -> bool | None:
    """Tell whether names say label (True) or image (False); None where they say nothing, or too little.

    `Image_01L_1stHO` beside `Image_01L` is more than an image, whatever it calls itself.
    """
    if says_label(file.stem) or file.path.lower().endswith(".seg.nrrd"):
        return True
    words = _words(file.stem)
    image = None if any(words[:n] in stems for n in range(1, len(words))) else False
    if says_image(file.stem):
        return image
    for folder in reversed(file.folders):
        if says_label(folder):
            return True
        if says_image(folder):
            return image
    return image if modality([file.stem]) is not None else None


def _hold_labels(paths: Sequence[str], looker: Looker) -> bool | None:
    """Tell what the voxels of files of one shape say; None where none was opened."""
    looks = [look for path in sample(paths, _LOOKS_PER_SHAPE) if (look := looker.look(path)) is not None]
    return all(look.is_label_map for look in looks) if looks else None


def _words(stem: str) -> Words:
    return tuple(token.text for token in tokens(stem))


def _shape(name: str) -> str:
    """Return a name with its numbers taken out: files of one shape are of one kind."""
    return re.sub(r"\d+", "#", name)
