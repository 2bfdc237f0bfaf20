"""The files of all cases, each with the path that will stand for it in the recipe."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from curate.draft.cases import CaseFiles, member
from curate.draft.pairs import SourceFile
from curate.draft.templates import Member, plain, with_splits
from curate.recipe.files import NAME


@dataclass(frozen=True, slots=True)
class Gathered:
    """Images and label files of all cases."""

    images: tuple[Member, ...]
    labels: tuple[Member, ...]


def gather(cases: Sequence[CaseFiles]) -> Gathered:
    """Give every file of some cases a path with `{case}`; cases that are called like no other are spelt out."""
    keyed = with_splits(one for case in cases for file in _files(case) if (one := _keyed(file, case)) is not None)
    by_path = {one.path: one for one in keyed}
    counts = Counter(by_path[image.path].template for case in cases for image in case.images if image.path in by_path)
    images: list[Member] = []
    labels: list[Member] = []
    names: set[str] = set()
    for case in cases:
        templates = [by_path[image.path].template for image in case.images if image.path in by_path]
        is_alone = len(templates) < len(case.images) or all(counts[template] == 1 for template in templates)
        name = _unused(case, names) if is_alone else None
        images += _members(case.images, name, case.key, {} if is_alone else by_path)
        labels += _members(case.labels, name, case.key, {} if is_alone else by_path)
    return Gathered(tuple(images), tuple(labels))


def name_of(text: str) -> str:
    """Return a text as recipes allow it in names of cases, channels and raters; '' where nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-_")


def _files(case: CaseFiles) -> list[SourceFile]:
    return [*case.images, *case.labels]


def _keyed(file: SourceFile, case: CaseFiles) -> Member | None:
    return None if case.key is None else member(file, case.key)


def _members(
    files: Iterable[SourceFile], name: str | None, key: str | None, by_path: dict[str, Member]
) -> list[Member]:
    """Return files with their templates; spelt out where they have none and the case can be named beside them."""
    case = name or (key if key is not None and re.fullmatch(NAME, key) else None)
    found = []
    for file in files:
        if file.path in by_path:
            found.append(by_path[file.path])
        elif case is not None:
            found.append(Member(file.path, plain(file.path), case, is_spelt_out=True))
    return found


def _unused(case: CaseFiles, names: set[str]) -> str:
    """Return a name for a case that is spelt out: its key, its image's name or path, or one of these with a number."""
    image = case.images[0]
    own = image.stem if len(case.images) == 1 and image.core else case.key or image.stem
    texts = [own, image.path.removesuffix(image.suffix)]
    wanted = [text for text in map(name_of, texts) if text] or ["case"]
    wanted += [f"{wanted[-1]}-{number}" for number in range(2, len(names) + 3)]
    name = next(text for text in wanted if text not in names)
    names.add(name)
    return name
