"""The words that datasets, suites and training cards share: targets, modalities and sequences.

Two CSV files in `manifests/vocabulary` hold them. A target's `parent` is what it is part of, or the wider thing that it
is an instance of: `rib_1_left` -> `ribs_left` -> `ribs` -> `thorax` -> `body`.
"""

import csv
import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from curate.errors import UnknownNameError
from curate.plugins import shipped_folder

KINDS: Mapping[str, str] = {
    "organ": "an organ, or a chamber or lobe of one",
    "gland": "a gland outside the abdomen, or the breast",
    "bone": "a bone or a named set of bones",
    "muscle": "a muscle or a named set of muscles",
    "vessel": "an artery, a vein or a tree of them",
    "tissue": "a layer or tissue: wall, fat, cartilage, white matter, nerve",
    "fluid": "a space filled with fluid",
    "region": "a part of the body or of an organ that has no border of its own",
    "lesion": "anything that disease or injury made",
    "cell": "a cell, its parts, or a structure seen under a microscope",
}
"""Closed list of `Target.kind`."""

SIDES = ("left", "right")
"""Closed list of `Target.side`: the patient's left and right."""

REGIONS = (
    *("head", "eye", "neck", "thorax", "abdomen", "pelvis", "spine"),
    *("upper_limb", "lower_limb", "skin", "whole_body", "cell"),
)
"""Closed list of body regions, of targets and of images."""

ANATOMY_GROUPS: Mapping[str, str] = {
    "abdomen_thorax": "organs and vessels of trunk, head and neck that no other group takes",
    "bone": "bones",
    "brain": "brain and its parts",
    "cardiac": "heart and its parts",
    "gland": "glands of head, neck and breast",
    "muscle": "muscles",
    "lesion": "lesions anywhere",
}
"""Anatomical groups of SAM-Med3D (Wang et al., ECCV workshops 2024, supplement table 2).

Targets that the table does not list stand in the group whose description fits them, and their note says so. The table's
two groups of unseen targets are statements about one model: they stand on its training card.
"""


_MANY = 16


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that can be segmented; absent values are None."""

    slug: str
    name: str
    kind: str
    side: str | None
    """`left` or `right` of the patient; None for what lies in the middle. Heart chambers are called left and right, but
    neither is the mirror image of the other: they have no side."""
    opposite: str | None
    """Slug of the same structure on the other side of the body."""
    parent: str | None
    region: str
    anatomy_group: str | None
    snomed_category: str | None
    """SNOMED CT codes as in DICOM segmentations, where `code_source` states them for this very structure."""
    snomed_type: str | None
    snomed_laterality: str | None
    code_source: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words; every lookup of an unknown word names the nearest known one."""

    targets: Mapping[str, Target]
    sequences_of: Mapping[str, tuple[str, ...]]
    """Modality -> the sequences (of CT: the acquisitions and maps) that it may have."""

    @staticmethod
    def load() -> "Vocabulary":
        """Return the shipped vocabulary, read once."""
        return _load(shipped_folder("vocabulary"))

    def target(self, slug: str) -> Target:
        """Return a target by slug.

        Raises:
            UnknownNameError: When there is none; the message names the nearest slugs.
        """
        return self.targets[_known("target", slug, self.targets)]

    def modality(self, name: str) -> str:
        """Return `name` if it is a modality.

        Raises:
            UnknownNameError: When it is not; the message names the nearest.
        """
        return _known("modality", name, self.sequences_of)

    def sequence(self, name: str, modality: str | None = None) -> str:
        """Return `name` if it is a sequence (of `modality`, where one is given).

        Raises:
            UnknownNameError: When it is not; the message names the nearest.
        """
        modalities = self.sequences_of if modality is None else (self.modality(modality),)
        what = "sequence" if modality is None else f"{modality} sequence"
        return _known(what, name, [sequence for one in modalities for sequence in self.sequences_of[one]])

    def region(self, name: str) -> str:
        """Return `name` if it is a body region.

        Raises:
            UnknownNameError: When it is not; the message names the nearest.
        """
        return _known("region", name, REGIONS)

    def sides(self, slug: str) -> tuple[str, str] | None:
        """Return the left and right target of a paired one (kidney -> kidney_left, kidney_right), else None."""
        self.target(slug)
        left, right = (self.targets.get(f"{slug}_{side}") for side in SIDES)
        if left is None or right is None or left.opposite != right.slug:
            return None
        return left.slug, right.slug

    def unsided(self, slug: str) -> str | None:
        """Return the paired target of a left or right one (kidney_left -> kidney), else None."""
        target = self.target(slug)
        base = slug.removesuffix(f"_{target.side}")
        return base if base != slug and base in self.targets and self.sides(base) else None

    def ancestors(self, slug: str) -> tuple[str, ...]:
        """Return parent, grandparent and so on, nearest first."""
        found: list[str] = []
        parent = self.target(slug).parent or ""
        while parent in self.targets and parent not in found:
            found.append(parent)
            parent = self.targets[parent].parent or ""
        return tuple(found)

    def check(self) -> list[str]:
        """Return every broken law, one sentence each; a sound vocabulary gives an empty list."""
        return [f"{target.slug}: {problem}" for target in self.targets.values() for problem in _problems(self, target)]


def _problems(vocabulary: Vocabulary, target: Target) -> Iterator[str]:
    closed = {"kind": KINDS, "side": SIDES, "region": REGIONS, "anatomy_group": ANATOMY_GROUPS}
    for field, allowed in closed.items():
        value = getattr(target, field)
        if value not in allowed and not (value is None and field in ("side", "anatomy_group")):
            yield f"{field} `{value}` is not one of {', '.join(allowed)}"
    if target.side is not None and not target.slug.endswith(f"_{target.side}"):
        yield f"its side is {target.side}, but its slug does not end so"
    if (target.code_source is None) != (target.snomed_type is None):
        yield "a code needs a source, and a source a code"
    dangling = {target.parent, target.opposite} - {None} - vocabulary.targets.keys()
    if dangling:
        yield f"it names {', '.join(f'`{slug}`' for slug in sorted(map(str, dangling)))}, which does not exist"
        return
    yield from _broken_links(vocabulary, target)


def _broken_links(vocabulary: Vocabulary, target: Target) -> Iterator[str]:
    """Check opposite and parent, which are known to exist."""
    if target.opposite is not None:
        other = vocabulary.targets[target.opposite]
        if other.opposite != target.slug or {target.side, other.side} != set(SIDES):
            yield f"`{other.slug}` is not its mirror image"
        if (other.kind, other.region, other.anatomy_group) != (target.kind, target.region, target.anatomy_group):
            yield f"`{other.slug}` differs from it in more than its side"
    elif target.side == "left":
        yield "it is left of nothing"
    if target.slug in vocabulary.ancestors(target.slug):
        yield "it is its own ancestor"


@cache
def _load(folder: Path) -> Vocabulary:
    names = [field.name for field in fields(Target)]
    targets = [_target({name: row[name] or None for name in names}) for row in _rows(folder / "targets.csv")]
    sequences: dict[str, tuple[str, ...]] = {}
    for row in _rows(folder / "modalities.csv"):
        sequences.setdefault(row["modality"], ())
        if row["sequence"]:
            sequences[row["modality"]] += (row["sequence"],)
    return Vocabulary({target.slug: target for target in targets}, sequences)


def _target(values: Mapping[str, Any]) -> Target:
    return Target(**values)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def _known(what: str, word: str, words: Collection[str]) -> str:
    """Return `word` if it is one of `words`; the hint ignores upper and lower case."""
    if word in words:
        return word
    folded = {known.casefold(): known for known in words}
    near = difflib.get_close_matches(word.casefold(), folded, n=1)
    if near:
        raise UnknownNameError(f"unknown {what} `{word}`; did you mean `{folded[near[0]]}`?")
    some = sorted(folded.values())[:_MANY]
    raise UnknownNameError(f"unknown {what} `{word}`; known: {', '.join(some)}{', ...' if len(some) == _MANY else ''}")
