"""Folders without a description: images and label files are found by their names, their folders and their voxels."""

from collections.abc import Iterable, Sequence

from curate.draft.cases import cases_of
from curate.draft.channels import channels
from curate.draft.dicom_files import DicomFiles, find_dicom
from curate.draft.gather import gather
from curate.draft.image_entries import Scanners, image_entries
from curate.draft.label_entries import MOST_ENTRIES, LabelReader, annotated_channels, label_entries
from curate.draft.listing import Listing
from curate.draft.meaning import MOST_FILES
from curate.draft.names import Namer
from curate.draft.pairs import Pair, SourceFile, pair
from curate.draft.plan import ImageEntry, LabelEntry, Plan
from curate.draft.roles import roles
from curate.draft.structures import with_labels, without_series
from curate.draft.templates import Member, split_names
from curate.draft.values import Looker

_SHOWN = 3


def plan(listing: Listing, dataset_id: str) -> Plan | None:
    """Return what names, folders and voxels tell of a tree, or None where no image has a label file."""
    looker, namer, dicom = Looker(listing), Namer([dataset_id]), find_dicom(listing)
    pairs = _pairs(listing, dicom, looker)
    if not pairs:
        return None
    found = gather(cases_of(pairs))
    labels, left_out = without_series(with_labels(found.labels, namer))
    names = channels(found.images)
    by_template: dict[str, list[str]] = {}
    for one in (*found.images, *labels):
        by_template.setdefault(one.template, []).append(one.path)
    reader = LabelReader(listing.tree, dicom, looker, namer, files_each=max(1, MOST_FILES // len(by_template)))
    drawn_on = {one.label.path: [image.path for image in one.images] for one in pairs}
    images = image_entries(found.images, names, by_template, Scanners(dicom, looker, dataset_id))
    entries = label_entries(labels, annotated_channels(drawn_on, found.images, names), by_template, reader)
    return Plan(
        layout=_layout(images, entries),
        images=tuple(images),
        labels=tuple(entries),
        patient="^([^/]+)/" if any("/" in one.case for one in found.images) else None,
        region=namer.region,
        split_names=split_names([*found.images, *labels]),
        notes=(*left_out, *_notes(listing, [*found.images, *labels], entries)),
    )


def _pairs(listing: Listing, dicom: DicomFiles, looker: Looker) -> list[Pair]:
    """Tie label files to images: DICOM by what it refers to, everything else by names and folders."""
    images, labels = roles([path for path in listing.volumes if path not in dicom.labels], looker)
    folders = {path: SourceFile(path) for path in dicom.images}
    sure = [Pair(SourceFile(label), (folders[image],), ()) for label, image in dicom.drawn_on.items()]
    labels += [SourceFile(path) for path in dicom.labels if path not in dicom.drawn_on]
    return [*sure, *pair([*images, *folders.values()], labels, looker.same_grid)]


def _layout(images: Sequence[ImageEntry], labels: Sequence[LabelEntry]) -> str:
    """Return the name of what was recognised."""
    if any(entry.path.endswith("/") for entry in images):
        return "DICOM folders"
    if all(entry.case is not None for entry in images):
        return "file by file"
    if any(entry.labels.meaning == "names" for entry in labels):
        return "one file per structure"
    folders = {entry.path.rpartition("/")[0] for entry in images if entry.case is None}
    if any("{case" in folder for folder in folders):
        return "one folder per case"
    twins = {entry.path.rpartition("/")[0] for entry in labels if entry.case is None}
    return "paired suffixes" if folders & twins else "paired folders"


def _notes(listing: Listing, named: Sequence[Member], entries: Sequence[LabelEntry]) -> Iterable[str]:
    """Yield what a person should know of the files that the draft leaves out."""
    known = {one.path for one in named}
    folders = tuple(path for path in known if path.endswith("/"))
    left = [path for path in listing.volumes if path not in known and not path.startswith(folders)]
    if left:
        shown = ", ".join(left[:_SHOWN]) + (", ..." if len(left) > _SHOWN else "")
        yield f"images and label files without a partner: {len(left)} ({shown})"
    if len(entries) == MOST_ENTRIES:
        yield f"decide: there are more than {MOST_ENTRIES} kinds of label files; the rest is left out"
