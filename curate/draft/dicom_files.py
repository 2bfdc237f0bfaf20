"""DICOM in a tree of unknown layout: folders with an image series, segmentations, structure sets.

Of the files of one folder that are called alike but for numbers, the first and the last are opened: enough to tell
slices from segmentations, and cheap where a series has hundreds of slices.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from curate.dicom.dataset import is_dicom, open_dataset, reading
from curate.dicom.reference import referenced_series
from curate.draft.listing import Listing, suffix_of
from curate.draft.plan import Meaning
from curate.errors import ReadError

_LABELS: Mapping[str, Meaning] = {"SEG": "segments", "RTSTRUCT": "rois"}
"""Modality -> key of the recipe."""
_NO_IMAGES = {"", "PR", "KO", "SR", "REG", "RTPLAN", "RTDOSE", "RTRECORD", "RTIMAGE", "DOC", "PLAN", "FID", "RWV"}
_NEVER = re.compile(
    r"\.(txt|json|csv|tsv|md|xml|pdf|html?|py|ipynb|ya?ml|bvals?|bvecs?|log|zip|gz|xlsx?|docx?)$", re.IGNORECASE
)
_NUMBERS = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """A folder whose files are an image."""

    uid: str
    modality: str
    """As DICOM spells it."""
    is_mixed: bool
    """True where other DICOM objects lie in it or below it, so that the recipe has to say which series is meant."""


@dataclass(frozen=True, slots=True)
class DicomFiles:
    """What was found."""

    images: Mapping[str, ImageFolder] = field(default_factory=dict)
    """Path ending in `/`, as recipes name folders."""
    labels: Mapping[str, Meaning] = field(default_factory=dict)
    """Path of a segmentation or structure set -> `segments` or `rois`."""
    drawn_on: Mapping[str, str] = field(default_factory=dict)
    """Label file -> the image folder that it refers to."""


@dataclass(frozen=True, slots=True)
class _Object:
    uid: str
    modality: str


def find_dicom(listing: Listing) -> DicomFiles:
    """Return the image folders and label files of a tree, sorted by path."""
    images: dict[str, _Object] = {}
    labels: dict[str, Meaning] = {}
    below: dict[str, set[_Object]] = defaultdict(set)
    for folder, paths in sorted(listing.by_folder.items()):
        for alike, opened in _objects(listing.tree, paths):
            for above in _upwards(folder):
                below[above].update(opened)
            if opened[0].modality in _LABELS:
                labels.update(dict.fromkeys(alike, _LABELS[opened[0].modality]))
            elif opened[0].modality not in _NO_IMAGES and folder:
                images.setdefault(f"{folder}/", opened[0])
    found = {
        path: ImageFolder(one.uid, one.modality, len(below[path.rstrip("/")]) > 1)
        for path, one in sorted(images.items())
    }
    return DicomFiles(found, dict(sorted(labels.items())), _references(listing.tree, labels, found))


def _objects(tree: Path, paths: Sequence[str]) -> Iterator[tuple[list[str], list[_Object]]]:
    """Yield files of one folder that are called alike, and what the first and the last of them are."""
    shapes: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        if not suffix_of(path) and not _NEVER.search(path):
            shapes[_NUMBERS.sub("#", path.rpartition("/")[2])].append(path)
    for alike in shapes.values():
        opened = [one for path in dict.fromkeys((alike[0], alike[-1])) if (one := _open(tree / path)) is not None]
        if opened:
            yield alike, opened


def _open(path: Path) -> _Object | None:
    try:
        if not path.is_file() or not is_dicom(path):
            return None
        with reading(path):
            dataset = open_dataset(path, tags=["SeriesInstanceUID", "Modality"])
            return _Object(str(dataset.get("SeriesInstanceUID") or ""), str(dataset.get("Modality") or ""))
    except OSError:  # ReadError among them
        return None


def _upwards(folder: str) -> Iterator[str]:
    """Yield a folder and those that it lies in."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _references(tree: Path, labels: Iterable[str], images: Mapping[str, ImageFolder]) -> dict[str, str]:
    """Return label file -> image folder, where the file names a series that was found."""
    folders = {one.uid: path for path, one in images.items() if one.uid}
    found = {}
    for path in sorted(labels):
        try:
            uids = referenced_series(tree / path)
        except ReadError:
            continue
        folder = next((folders[uid] for uid in uids if uid in folders), None)
        if folder is not None:
            found[path] = folder
    return found
