"""What a DICOM segmentation says about its segments (PS3.3, C.8.20.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curate.dicom.dataset import open_dataset, reading
from curate.dicom.pattern import fits
from curate.errors import ReadError

if TYPE_CHECKING:
    from pydicom import Dataset

SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""SOP classes: Segmentation Storage, Label Map Segmentation Storage."""
BACKGROUND = ("DCM", "125040")
"""The code with which a label map describes voxels of no segment."""


@dataclass(frozen=True, slots=True)
class Code:
    """A coded term."""

    scheme: str
    """SCT (SNOMED CT), SRT (its codes before 2019), DCM, FMA, 99 and a maker's name ..."""
    value: str
    meaning: str

    def __str__(self) -> str:
        """Spell it as `SCT:10200004`, which is also how it is chosen."""
        return f"{self.scheme}:{self.value}"


@dataclass(frozen=True, slots=True)
class Segment:
    """One structure of a segmentation."""

    number: int
    """Unique in its file; numbers may have gaps."""
    label: str
    category: Code | None
    """Tissue, anatomical structure, morphologically altered structure ..."""
    type: Code | None
    """Liver, kidney, neoplasm ..."""
    modifiers: tuple[Code, ...]
    """Of the type; left and right stand here."""
    regions: tuple[Code, ...]
    """Where in the body; the organ of a lesion stands here."""
    algorithm_type: str
    """MANUAL, SEMIAUTOMATIC or AUTOMATIC."""


def segments(path: Path) -> list[Segment]:
    """Return the segments of a file, sorted by number, without the background of label maps.

    Raises:
        ReadError: `unreadable` when the file is damaged or no segmentation.
    """
    with reading(path):
        dataset = open_dataset(path)
        check_class(dataset, SEGMENTATION_CLASSES, path, "a segmentation")
        return [segment for segment in described(dataset) if not is_background(segment)]


def select(found: Iterable[Segment], *, label: str | None = None, code: str | None = None) -> list[Segment]:
    """Return the segments that fit: `label` is a regular expression, `code` is a type as `SCT:10200004`.

    Raises:
        UsageError: When `label` is no regular expression.
    """
    return [
        segment
        for segment in found
        if (label is None or fits(label, segment.label)) and (code is None or str(segment.type) == code)
    ]


def described(dataset: Dataset) -> list[Segment]:
    """Return all segments that a data set describes, sorted by number."""
    return sorted((_segment(item) for item in dataset.SegmentSequence), key=lambda segment: segment.number)


def is_background(segment: Segment) -> bool:
    """Tell whether a label map's segment stands for voxels of no structure; 0 never counts as one."""
    return segment.number == 0 or (segment.type is not None and (segment.type.scheme, segment.type.value) == BACKGROUND)


def check_class(dataset: Dataset, classes: tuple[str, ...], path: Path, expected: str) -> None:
    """Refuse a file of another kind.

    Raises:
        ReadError: `unreadable`, naming its modality and what was expected.
    """
    found = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    if found not in classes:
        raise ReadError("unreadable", f"{path.name}: modality {dataset.get('Modality')}, expected {expected}")


def _segment(item: Dataset) -> Segment:
    types = item.get("SegmentedPropertyTypeCodeSequence") or ()
    modifiers = types[0].get("SegmentedPropertyTypeModifierCodeSequence") if types else ()
    return Segment(
        number=int(item.SegmentNumber),
        label=str(item.get("SegmentLabel") or ""),
        category=next(iter(_codes(item.get("SegmentedPropertyCategoryCodeSequence"))), None),
        type=next(iter(_codes(types)), None),
        modifiers=_codes(modifiers),
        regions=_codes(item.get("AnatomicRegionSequence")),
        algorithm_type=str(item.get("SegmentAlgorithmType") or ""),
    )


def _codes(items: Iterable[Dataset] | None) -> tuple[Code, ...]:
    return tuple(
        Code(str(item.get("CodingSchemeDesignator") or ""), _code_value(item), str(item.get("CodeMeaning") or ""))
        for item in items or ()
    )


def _code_value(item: Dataset) -> str:
    """Codes of more than 16 characters have an element of their own (PS3.3, 8.1)."""
    return str(item.get("CodeValue") or item.get("LongCodeValue") or item.get("URNCodeValue") or "")
