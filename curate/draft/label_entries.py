"""The `[[labels]]` of a draft: which images they annotate, and what they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from curate.draft import meaning
from curate.draft.channels import EntryKey, by_entry, entry_key
from curate.draft.dicom_files import DicomFiles
from curate.draft.gather import name_of
from curate.draft.names import Namer
from curate.draft.plan import LabelEntry, Labels
from curate.draft.structures import rest_of
from curate.draft.templates import Member, narrowed
from curate.draft.values import Looker

MOST_ENTRIES = 150


@dataclass(frozen=True, slots=True)
class LabelReader:
    """What is needed to say what label files hold."""

    tree: Path
    dicom: DicomFiles
    looker: Looker
    namer: Namer
    files_each: int
    """Label files of one entry that are opened."""

    def read(self, members: Sequence[Member]) -> Labels:
        """Return what the files of one entry hold."""
        first, paths = members[0], [one.path for one in members]
        kind = self.dicom.labels.get(first.path)
        if first.path.lower().endswith(".seg.nrrd"):
            kind = "segments"
        if kind is not None:
            return meaning.of_structures(paths, kind, self.tree, self.namer)
        if "{label}" in first.template:
            cases: dict[str, list[str]] = {}
            for one in members:
                cases.setdefault(str(one.label), []).append(one.case)
            return meaning.of_names(cases, self.namer)
        folders = first.template.split("/")[:-1]
        words = [rest_of(first), *(folder for folder in reversed(folders) if "{" not in folder)]
        return meaning.of_values(paths, words, self.looker, self.namer, self.files_each)


def label_entries(
    labels: Sequence[Member],
    annotated: Mapping[str, tuple[str, ...] | None],
    by_template: Mapping[str, Sequence[str]],
    reader: LabelReader,
) -> list[LabelEntry]:
    """Return an entry for every template of label files, sorted by path, of which at most `MOST_ENTRIES`.

    Args:
        labels: The label files of all cases.
        annotated: Label file -> channels that it annotates; None for all of its case.
        by_template: Template -> its files, images and label files alike.
        reader: Says what they hold.
    """
    entries: list[LabelEntry] = []
    for members in by_entry(labels)[:MOST_ENTRIES]:
        first = members[0]
        entry = LabelEntry(
            narrowed(members, by_template),
            reader.read(members),
            _channels([annotated[one.path] for one in members]),
            case=first.case if first.is_spelt_out else None,
        )
        entries.append(told_apart(entry, _rater(first), entries))
    return entries


def annotated_channels(
    drawn_on: Mapping[str, Sequence[str]], images: Sequence[Member], names: Mapping[EntryKey, str | None]
) -> dict[str, tuple[str, ...] | None]:
    """Return label file -> channels of its images; None where these are all the images of their case.

    Args:
        drawn_on: Label file -> its images.
        images: The images of all cases.
        names: Image entry -> channel.
    """
    member = {image.path: image for image in images}
    in_case: dict[str, set[str]] = {}
    for image in images:
        in_case.setdefault(image.case, set()).add(image.path)
    found: dict[str, tuple[str, ...] | None] = {}
    for label, paths in drawn_on.items():
        known = [member[path] for path in paths if path in member]
        is_all = not known or {one.path for one in known} >= in_case[known[0].case]
        found[label] = None if is_all else tuple(sorted({str(names[entry_key(one)]) for one in known}))
    return found


def _channels(found: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """Return the channels that any of an entry's files annotates."""
    stated = [channels for channels in found if channels is not None]
    if len(stated) < len(found):
        return None
    return tuple(sorted(set().union(*stated)))


def told_apart(entry: LabelEntry, rater: str, before: Sequence[LabelEntry]) -> LabelEntry:
    """Return an entry with a rater, where an earlier one may hold the same target of the same image."""
    rivals = [one for one in before if _share_cases(one, entry) and _share_images(one, entry)]
    if "{rater}" in entry.path or not any(set(one.labels.targets) & set(entry.labels.targets) for one in rivals):
        return entry
    taken = {one.rater for one in rivals}
    name = name_of(rater) or "second"
    numbered = [name, *(f"{name}-{number}" for number in range(2, len(rivals) + 3))]
    return replace(entry, rater=next(text for text in numbered if text not in taken))


def _rater(first: Member) -> str:
    """Return what may stand for whoever made some label files: the rest of their name, or their folder."""
    folder = first.template.rpartition("/")[0].rpartition("/")[2].replace("{case}", "")
    rest = "" if "{label}" in first.template else rest_of(first)
    return rest or folder


def _share_cases(one: LabelEntry, other: LabelEntry) -> bool:
    return one.case is None or other.case is None or one.case == other.case


def _share_images(one: LabelEntry, other: LabelEntry) -> bool:
    return one.images is None or other.images is None or bool(set(one.images) & set(other.images))
